/* Receipts as somebody reads them who was not there. */
#include "tests/unit/audit_subject.h"

#include "crypto/hash.h"
#include "proof/receipt.h"

static unsigned char room[AIP_TOKEN_BYTES_MAX];

static receipt_facts
facts_of(void)
{
    return (receipt_facts){.issuer = aip_bytes_of(subject_did),
                           .key_id = aip_bytes_of(subject_kid),
                           .issued_at = 1800000000,
                           .decision_id = AIP_BYTES_LITERAL("AAAAAAAAAAAAAAAAAAAAAA"),
                           .allowed = true,
                           .code = AIP_BYTES_LITERAL("ok"),
                           .method = AIP_BYTES_LITERAL("tools/call"),
                           .has_cost = true,
                           .cost_micro_usd = 2500};
}

static char *
sign(const receipt_facts *facts)
{
    char *out = NULL;
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(receipt_sign(facts, subject_key, &out, NULL), AIP_OK);
    return out;
}

static void
a_receipt_is_read_and_judged(void)
{
    subject_begin();
    const receipt_facts facts = facts_of();
    STRING_AUTO char *text = sign(&facts);
    receipt_seen seen;
    CHECK_STATUS(receipt_read(aip_bytes_of(text), room, sizeof room, &seen, NULL), AIP_OK);
    CHECK(seen.issued_at == 1800000000 && aip_bytes_equal(seen.decision_id, facts.decision_id));
    CHECK(memmem(seen.statement.payload.data, seen.statement.payload.size, "\"cost_usd\":0.0025", 17) != NULL);
    CHECK_STATUS(receipt_judge(&seen, &subject_keys, aip_bytes_of(subject_did), NULL), AIP_OK);
    CHECK_STATUS(receipt_judge(&seen, &subject_keys, (aip_bytes){NULL, 0}, NULL), AIP_OK);
    CHECK_STATUS(receipt_judge(&seen, &subject_keys, AIP_BYTES_LITERAL("did:web:other.example"), NULL), AIP_PROOF_KEY);
}

static void
a_cost_that_nobody_knows_is_not_told(void)
{
    receipt_facts facts = facts_of();
    facts.has_cost = false;
    STRING_AUTO char *text = sign(&facts);
    receipt_seen seen;
    CHECK_STATUS(receipt_read(aip_bytes_of(text), room, sizeof room, &seen, NULL), AIP_OK);
    CHECK(memmem(seen.statement.payload.data, seen.statement.payload.size, "cost", 4) == NULL);
}

static void
any_flipped_bit_is_refused(void)
{
    const receipt_facts facts = facts_of();
    STRING_AUTO char *text = sign(&facts);
    receipt_seen seen;
    for (size_t i = 0; text[i] != '\0'; i++) {
        text[i] ^= (char)(1u << (i % 8));
        CHECK(receipt_read(aip_bytes_of(text), room, sizeof room, &seen, NULL) != AIP_OK ||
              receipt_judge(&seen, &subject_keys, aip_bytes_of(subject_did), NULL) != AIP_OK);
        text[i] ^= (char)(1u << (i % 8));
    }
}

static void
what_is_no_receipt_is_refused(void)
{
    static const struct {
        const char *type, *claims;
        aip_status wanted;
    } cases[] = {
        {"aip+jwt", "{}", AIP_TOKEN_HEADER},
        {RECEIPT_TYPE, "{}", AIP_TOKEN_CLAIM_INVALID},
        {RECEIPT_TYPE, "{\"iss\":\"bob\",\"iat\":1,\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"}", AIP_DID_INVALID},
        {RECEIPT_TYPE, "{\"iss\":\"did:web:a.example\",\"iat\":\"1\",\"jti\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
         AIP_TOKEN_CLAIM_INVALID},
        {RECEIPT_TYPE, "{\"iss\":\"did:web:a.example\",\"iat\":1,\"jti\":\"short\"}", AIP_TOKEN_CLAIM_INVALID},
        {RECEIPT_TYPE, "{\"iss\":\"did:web:a.example\",\"iat\":1}", AIP_TOKEN_CLAIM_INVALID},
        {RECEIPT_TYPE, "{\"iss\":\"did:web:a.example\",\"iss\":\"did:web:b.example\"}", AIP_JSON_DUPLICATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const jws_statement said = {cases[i].type, NULL, aip_bytes_of(cases[i].claims)};
        STRING_AUTO char *text = NULL;
        receipt_seen seen;
        CHECK_STATUS(jws_encode(subject_key, &said, &text, NULL), AIP_OK);
        CHECK_STATUS(receipt_read(aip_bytes_of(text), room, sizeof room, &seen, NULL), cases[i].wanted);
    }
}

static void
claims_are_shown_without_what_a_terminal_obeys(void)
{
    TEXT_AUTO text_buffer out = {0}, none = {0};
    CHECK_STATUS(receipt_append_claims(&out, AIP_BYTES_LITERAL("{\"iat\":0,\"a\":\"\\u001b\xc2\x9b\"}"), NULL), AIP_OK);
    CHECK(strstr(out.data, "1970-01-01T00:00:00Z") != NULL && strchr(out.data, '\x1b') == NULL &&
          strchr(out.data, '\x9b') == NULL);
    CHECK_STATUS(receipt_append_claims(&none, AIP_BYTES_LITERAL("{\"a\":"), NULL), AIP_JSON_SYNTAX);
    subject_end();
}

RUN(TEST(a_receipt_is_read_and_judged), TEST(a_cost_that_nobody_knows_is_not_told), TEST(any_flipped_bit_is_refused),
    TEST(what_is_no_receipt_is_refused), TEST(claims_are_shown_without_what_a_terminal_obeys))
