/* Tests of chain/revocation_list: pages as they are written, read, and judged after what was read before. */
#include "chain/revocation_list.h"

#include <stdlib.h>

#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "tests/unit/check.h"

#define NOW INT64_C(1795276800)

static aip_secret_key *key, *other;
static char did[AIP_DID_TEXT_SIZE], other_did[AIP_DID_TEXT_SIZE], kid[AIP_DID_TEXT_SIZE + 16];
static char *text;
static revocation_list list;
static revocation_list_rule rule;

static aip_status
find_key(void *context, const aip_did *name, aip_bytes id, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    CHECK(signed_at == NOW);
    return aip_did_find_key(name, id, out, err);
}

static const aip_key_source keys = {find_key, NULL};

static void
begin(void)
{
    unsigned char seed[AIP_SEED_BYTES] = {7};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    seed[1] = 1;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &other, NULL), AIP_OK);
    aip_did_of_key(aip_secret_key_public(key), did);
    aip_did_of_key(aip_secret_key_public(other), other_did);
    snprintf(kid, sizeof kid, "%s#key-1", did);
    rule = (revocation_list_rule){.signer = aip_bytes_of(did), .keys = &keys, .now_seconds = NOW};
}

static void
drop(void)
{
    revocation_list_clear(&list);
    free(text);
    text = NULL;
}

static void
end(void)
{
    drop();
    aip_secret_key_free(&key);
    aip_secret_key_free(&other);
}

/* A page whose payload is written by hand. */
static aip_status
read_payload(const char *payload)
{
    const jws_statement statement = {REVOCATION_LIST_TYPE, kid, aip_bytes_of(payload)};
    drop();
    CHECK_STATUS(jws_encode(key, &statement, &text, NULL), AIP_OK);
    return revocation_list_parse(aip_bytes_of(text), &list, NULL);
}

/* `members` follows iss and iat. */
static aip_status
read_members(const char *members)
{
    char payload[1024];
    snprintf(payload, sizeof payload, "{\"iss\":\"%s\",\"iat\":%lld,%s}", did, (long long)NOW, members);
    return read_payload(payload);
}

static aip_status
read_header(const char *header)
{
    char encoded[512];
    TEXT_AUTO text_buffer changed = {0};
    CHECK_STATUS(read_members("\"from\":0,\"to\":0,\"last\":0,\"statements\":[]"), AIP_OK);
    base64url_encode(aip_bytes_of(header), encoded);
    text_append_format(&changed, "%s%s", encoded, strchr(text, '.'));
    revocation_list_clear(&list);
    return revocation_list_parse(text_view(&changed), &list, NULL);
}

/* Numbers from + 1 to `to` of a list that ends at `last`. */
static void
write_page(int64_t from, int64_t to, int64_t last, int64_t issued_at)
{
    revocation_list_draft draft = {.from = from, .to = from};
    const revocation_list_signer signer = {did, kid, key, issued_at, last};
    drop();
    for (int64_t n = from + 1; n <= to; n++) {
        char statement[32];
        snprintf(statement, sizeof statement, "statement-%lld", (long long)n);
        CHECK_STATUS(revocation_list_append(&draft, n, aip_bytes_of(statement), NULL), AIP_OK);
    }
    CHECK_STATUS(revocation_list_sign(&draft, &signer, &text, NULL), AIP_OK);
    CHECK_STATUS(revocation_list_parse(aip_bytes_of(text), &list, NULL), AIP_OK);
    revocation_list_draft_clear(&draft);
}

static aip_status
judge(void)
{
    return revocation_list_check(&list, &rule, NULL);
}

static void
what_is_written_is_read_and_accepted(void)
{
    begin();
    write_page(3, 5, 9, NOW - 4);
    CHECK(list.from == 3 && list.to == 5 && list.last == 9 && list.issued_at == NOW - 4 && list.count == 2);
    CHECK(aip_bytes_equal(list.statements[0], AIP_BYTES_LITERAL("statement-4")));
    CHECK(aip_bytes_equal(list.statements[1], AIP_BYTES_LITERAL("statement-5")));
    CHECK(aip_bytes_equal(list.issuer, aip_bytes_of(did)));
    rule.asked = 3;
    rule.highest = 9;
    rule.issued_at = NOW - 4;
    CHECK_STATUS(judge(), AIP_OK);
    write_page(9, 9, 9, NOW);
    rule.asked = 9;
    CHECK_STATUS(judge(), AIP_OK);
    end();
}

static void
a_page_ends_at_a_thousand_statements(void)
{
    revocation_list_draft draft = {.from = 0, .to = 0};
    begin();
    for (int64_t n = 1; n <= REVOCATION_LIST_STATEMENTS_MAX + 5; n++) {
        CHECK_STATUS(revocation_list_append(&draft, n, AIP_BYTES_LITERAL("s"), NULL), AIP_OK);
    }
    CHECK(draft.to == REVOCATION_LIST_STATEMENTS_MAX && draft.count == REVOCATION_LIST_STATEMENTS_MAX);
    revocation_list_draft_clear(&draft);
    write_page(0, REVOCATION_LIST_STATEMENTS_MAX, REVOCATION_LIST_STATEMENTS_MAX, NOW);
    CHECK(list.count == REVOCATION_LIST_STATEMENTS_MAX);
    end();
}

static void
a_page_ends_at_two_mebibytes_and_stays_below_three(void)
{
    static char statement[16384];
    revocation_list_draft draft = {.from = 0, .to = 0};
    begin();
    const revocation_list_signer signer = {did, kid, key, NOW, 500};
    memset(statement, 'x', sizeof statement);
    for (int64_t n = 1; n <= 500; n++) {
        CHECK_STATUS(revocation_list_append(&draft, n, (aip_bytes){(unsigned char *)statement, sizeof statement}, NULL),
                     AIP_OK);
    }
    CHECK(draft.to == 128 && draft.bytes == 2 << 20);
    CHECK_STATUS(revocation_list_sign(&draft, &signer, &text, NULL), AIP_OK);
    CHECK(strlen(text) < 3 << 20);
    CHECK_STATUS(revocation_list_parse(aip_bytes_of(text), &list, NULL), AIP_OK);
    CHECK(list.count == 128);
    revocation_list_draft_clear(&draft);
    end();
}

static void
a_missing_number_is_not_passed_over(void)
{
    revocation_list_draft draft = {.from = 4, .to = 4};
    CHECK_STATUS(revocation_list_append(&draft, 6, AIP_BYTES_LITERAL("s"), NULL), AIP_INTERNAL);
    CHECK_STATUS(revocation_list_append(&draft, 4, AIP_BYTES_LITERAL("s"), NULL), AIP_INTERNAL);
    CHECK(draft.to == 4 && draft.count == 0);
    revocation_list_draft_clear(&draft);
}

static void
a_payload_has_exactly_the_members(void)
{
    begin();
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":1,\"statements\":[\"a\"]"), AIP_OK);
    CHECK_STATUS(read_members("\"to\":1,\"last\":1,\"statements\":[\"a\"]"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(read_members("\"from\":0,\"last\":1,\"statements\":[\"a\"]"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"statements\":[\"a\"]"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":1"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(read_members("\"from\":0,\"to\":0,\"last\":0,\"statements\":[],\"exp\":1"), AIP_TOKEN_CLAIM_UNKNOWN);
    CHECK_STATUS(read_members("\"from\":0,\"from\":0,\"to\":0,\"last\":0,\"statements\":[]"), AIP_JSON_DUPLICATE);
    CHECK_STATUS(read_payload("{\"iat\":1,\"from\":0,\"to\":0,\"last\":0,\"statements\":[]}"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(read_payload("[]"), AIP_TOKEN_MALFORMED);
    CHECK_STATUS(read_payload("{\"iss\":"), AIP_JSON_SYNTAX);
    end();
}

static void
numbers_are_plain_integers(void)
{
    begin();
    CHECK_STATUS(read_members("\"from\":-1,\"to\":0,\"last\":0,\"statements\":[\"a\"]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0.0,\"to\":0,\"last\":0,\"statements\":[]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1e0,\"last\":1,\"statements\":[\"a\"]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":0,\"last\":\"0\",\"statements\":[]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":0,\"last\":9007199254740991,\"statements\":[]"), AIP_OK);
    CHECK_STATUS(read_members("\"from\":0,\"to\":0,\"last\":9007199254740992,\"statements\":[]"),
                 AIP_TOKEN_CLAIM_INVALID);
    end();
}

static void
there_is_one_string_for_each_number(void)
{
    begin();
    CHECK_STATUS(read_members("\"from\":0,\"to\":2,\"last\":2,\"statements\":[\"a\"]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":2,\"statements\":[\"a\",\"b\"]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":2,\"to\":1,\"last\":2,\"statements\":[]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":2,\"statements\":[1]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":2,\"statements\":[\"\\u0061\"]"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":2,\"statements\":{\"a\":\"b\"}"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(read_members("\"from\":0,\"to\":1,\"last\":2,\"statements\":[[\"a\"]]"), AIP_JSON_DEPTH);
    end();
}

static void
a_page_of_too_many_statements_or_bytes_is_not_read(void)
{
    TEXT_AUTO text_buffer payload = {0};
    begin();
    text_append_format(&payload, "{\"iss\":\"%s\",\"iat\":1,\"from\":0,\"to\":1001,\"last\":1001,\"statements\":[\"a\"",
                       did);
    for (int i = 0; i < 1000; i++) {
        text_append_string(&payload, ",\"a\"");
    }
    text_append(&payload, (aip_bytes){(const unsigned char *)"]}", 3});
    CHECK_STATUS(read_payload(payload.data), AIP_JSON_SIZE);
    char *large = calloc(1, REVOCATION_LIST_BYTES_MAX + 1);
    CHECK(large != NULL);
    CHECK_STATUS(revocation_list_parse((aip_bytes){(unsigned char *)large, REVOCATION_LIST_BYTES_MAX + 1}, &list, NULL),
                 AIP_TOKEN_SIZE);
    free(large);
    end();
}

static void
the_header_is_exactly_the_one_of_a_list(void)
{
    char header[512];
    begin();
    CHECK_STATUS(revocation_list_parse((aip_bytes){NULL, 0}, &list, NULL), AIP_TOKEN_MALFORMED);
    CHECK_STATUS(revocation_list_parse(AIP_BYTES_LITERAL("a.b"), &list, NULL), AIP_TOKEN_MALFORMED);
    snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"typ\":\"aip-revocations+jwt\",\"kid\":\"%s\"}", kid);
    CHECK_STATUS(read_header(header), AIP_OK);
    CHECK_STATUS(read_header("{\"alg\":\"EdDSA\",\"typ\":\"aip-revocations+jwt\"}"), AIP_TOKEN_HEADER);
    snprintf(header, sizeof header, "{\"alg\":\"Ed25519\",\"typ\":\"aip-revocations+jwt\",\"kid\":\"%s\"}", kid);
    CHECK_STATUS(read_header(header), AIP_TOKEN_HEADER);
    snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"typ\":\"aip-revocation+jwt\",\"kid\":\"%s\"}", kid);
    CHECK_STATUS(read_header(header), AIP_TOKEN_HEADER);
    snprintf(header, sizeof header, "{\"alg\":\"none\",\"typ\":\"aip-revocations+jwt\",\"kid\":\"%s\"}", kid);
    CHECK_STATUS(read_header(header), AIP_TOKEN_HEADER);
    snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"typ\":\"aip-revocations+jwt\",\"kid\":\"%s\",\"b64\":1}",
             kid);
    CHECK_STATUS(read_header(header), AIP_TOKEN_HEADER);
    end();
}

static void
a_page_of_somebody_else_is_refused(void)
{
    begin();
    write_page(0, 1, 1, NOW);
    rule.signer = aip_bytes_of(other_did);
    CHECK_STATUS(judge(), AIP_TOKEN_CLAIM_INVALID);
    rule.signer = aip_bytes_of(did);
    snprintf(kid, sizeof kid, "%s#key-1", other_did);
    write_page(0, 1, 1, NOW);
    CHECK_STATUS(judge(), AIP_TOKEN_HEADER);
    snprintf(kid, sizeof kid, "%s", did);
    write_page(0, 1, 1, NOW);
    CHECK_STATUS(judge(), AIP_TOKEN_HEADER);
    end();
}

static void
a_page_that_another_key_signed_or_that_was_changed_is_refused(void)
{
    begin();
    aip_secret_key *own = key;
    key = other;
    write_page(0, 1, 1, NOW);
    key = own;
    CHECK_STATUS(judge(), AIP_TOKEN_SIGNATURE);
    write_page(0, 1, 1, NOW);
    list.statement.signature[40] ^= 1;
    CHECK_STATUS(judge(), AIP_TOKEN_SIGNATURE);
    list.statement.signature[40] ^= 1;
    CHECK_STATUS(judge(), AIP_OK);
    snprintf(kid, sizeof kid, "%s#key-2", did);
    write_page(0, 1, 1, NOW);
    CHECK_STATUS(judge(), AIP_DIDDOC_KEY_NOT_FOUND);
    end();
}

static void
a_time_neither_ahead_nor_before_the_last_page_passes(void)
{
    begin();
    write_page(0, 1, 1, NOW + 30);
    CHECK_STATUS(judge(), AIP_OK);
    write_page(0, 1, 1, NOW + 31);
    CHECK_STATUS(judge(), AIP_TOKEN_NOT_YET_VALID);
    write_page(0, 1, 1, NOW - 1);
    rule.issued_at = NOW;
    CHECK_STATUS(judge(), AIP_REVOCATION_LIST_ROLLBACK);
    rule.issued_at = NOW - 1;
    CHECK_STATUS(judge(), AIP_OK);
    end();
}

static void
a_page_begins_where_it_was_asked_for(void)
{
    begin();
    write_page(4, 6, 6, NOW);
    rule.asked = 4;
    CHECK_STATUS(judge(), AIP_OK);
    rule.asked = 3;
    CHECK_STATUS(judge(), AIP_REVOCATION_LIST_GAP);
    rule.asked = 5;
    CHECK_STATUS(judge(), AIP_REVOCATION_LIST_ROLLBACK);
    end();
}

static void
the_highest_number_never_goes_back_and_an_empty_page_is_the_end(void)
{
    begin();
    rule.highest = 6;
    write_page(0, 2, 5, NOW);
    CHECK_STATUS(judge(), AIP_REVOCATION_LIST_ROLLBACK);
    write_page(0, 2, 6, NOW);
    CHECK_STATUS(judge(), AIP_OK);
    rule.highest = 0;
    write_page(0, 2, 1, NOW);
    CHECK_STATUS(judge(), AIP_REVOCATION_LIST_ROLLBACK);
    write_page(0, 0, 1, NOW);
    CHECK_STATUS(judge(), AIP_REVOCATION_LIST_GAP);
    write_page(0, 0, 0, NOW);
    CHECK_STATUS(judge(), AIP_OK);
    end();
}

RUN(TEST(what_is_written_is_read_and_accepted), TEST(a_page_ends_at_a_thousand_statements),
    TEST(a_page_ends_at_two_mebibytes_and_stays_below_three), TEST(a_missing_number_is_not_passed_over),
    TEST(a_payload_has_exactly_the_members), TEST(numbers_are_plain_integers),
    TEST(there_is_one_string_for_each_number), TEST(a_page_of_too_many_statements_or_bytes_is_not_read),
    TEST(the_header_is_exactly_the_one_of_a_list), TEST(a_page_of_somebody_else_is_refused),
    TEST(a_page_that_another_key_signed_or_that_was_changed_is_refused),
    TEST(a_time_neither_ahead_nor_before_the_last_page_passes), TEST(a_page_begins_where_it_was_asked_for),
    TEST(the_highest_number_never_goes_back_and_an_empty_page_is_the_end))
