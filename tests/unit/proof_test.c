/* HTTP message signatures and the profile of requests and replies. */
#include "proof/proof.h"

#include "aip/did.h"

#include "check.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

#define NOW 1800000000
#define FIELD(name, value)                           \
    {                                                \
        AIP_BYTES_LITERAL(name), aip_bytes_of(value) \
    }

static aip_secret_key *
key_of(unsigned char first)
{
    unsigned char seed[AIP_SEED_BYTES] = {first};
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    return key;
}

/* RFC 9421 appendix B.2.6: the published request, key and signature. */
static void
the_published_ed25519_example_verifies_and_is_reproduced(void)
{
    static const char input[] = "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" "
                                "\"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    static const char value[] =
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";
    const http_field fields[] = {
        FIELD("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        FIELD("Content-Type", "application/json"),
        FIELD("Content-Length", "18"),
        FIELD("Signature-Input", input),
        FIELD("Signature", value),
    };
    const http_message request = {.method = AIP_BYTES_LITERAL("POST"),
                                  .scheme = AIP_BYTES_LITERAL("https"),
                                  .authority = AIP_BYTES_LITERAL("example.com"),
                                  .path = AIP_BYTES_LITERAL("/foo"),
                                  .query = AIP_BYTES_LITERAL("param=Value&Pet=dog"),
                                  .fields = fields,
                                  .field_count = 5};
    unsigned char bytes[AIP_KEY_BYTES], seed[AIP_SEED_BYTES];
    size_t size = 0;
    aip_public_key key;
    aip_secret_key *secret = NULL;
    http_signature signature;
    text_buffer again_input = {0}, again = {0};
    CHECK_STATUS(base64url_decode(AIP_BYTES_LITERAL("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"), bytes, sizeof bytes,
                                  &size, NULL),
                 AIP_OK);
    CHECK_STATUS(base64url_decode(AIP_BYTES_LITERAL("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU"), seed, sizeof seed,
                                  &size, NULL),
                 AIP_OK);
    CHECK_STATUS(aip_public_key_accept(bytes, &key, NULL), AIP_OK);
    CHECK_STATUS(http_signature_find(&request, AIP_BYTES_LITERAL("sig-b26"), &signature, NULL), AIP_OK);
    CHECK_STATUS(http_signature_verify(&request, &signature, &key, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed(seed, &secret, NULL), AIP_OK);
    const http_signature_plan plan = {"sig-b26", input + sizeof "sig-b26"};
    CHECK_STATUS(http_signature_sign(&request, &plan, secret, &again_input, &again, NULL), AIP_OK);
    CHECK_TEXT(again.data, value);
    CHECK_TEXT(again_input.data, input);
    text_clear(&again);
    text_clear(&again_input);
    aip_secret_key_free(&secret);
}

/* A signed request that tests then change. */
typedef struct {
    http_message message;
    http_field fields[8];
    text_buffer input, signature;
    char digest[CONTENT_DIGEST_SIZE], did[AIP_DID_TEXT_SIZE], key_id[AIP_DID_TEXT_SIZE + 8];
    aip_secret_key *key;
} signed_request;

static const char body[] = "{\"jsonrpc\":\"2.0\"}";

static void
make_request(signed_request *r)
{
    *r = (signed_request){.key = key_of(1)};
    aip_did_of_key(aip_secret_key_public(r->key), r->did);
    snprintf(r->key_id, sizeof r->key_id, "%s#key-1", r->did);
    content_digest_write(aip_bytes_of(body), r->digest);
    r->fields[0] = (http_field)FIELD("X-AIP-Token", "e0~e1");
    r->fields[1] = (http_field)FIELD("Content-Digest", r->digest);
    r->message = (http_message){.method = AIP_BYTES_LITERAL("POST"),
                                .scheme = AIP_BYTES_LITERAL("https"),
                                .authority = AIP_BYTES_LITERAL("Tools.Example:443"),
                                .path = AIP_BYTES_LITERAL("/mcp"),
                                .fields = r->fields,
                                .field_count = 2};
    CHECK_STATUS(proof_sign_request(&r->message, r->key_id, NOW, r->key, &r->input, &r->signature, NULL), AIP_OK);
    r->fields[2] = (http_field)FIELD("Signature-Input", r->input.data);
    r->fields[3] = (http_field)FIELD("Signature", r->signature.data);
    r->message.field_count = 4;
}

static void
clear_request(signed_request *r)
{
    text_clear(&r->input);
    text_clear(&r->signature);
    aip_secret_key_free(&r->key);
}

static aip_status
judge_request(const signed_request *r, int64_t now, const char *received_body)
{
    message_proof proof;
    AIP_TRY(proof_read_request(&r->message, true, now, &proof, NULL));
    AIP_TRY(proof_check_holder(&proof, aip_bytes_of(r->did), NULL));
    AIP_TRY(http_signature_verify(&r->message, &proof.signature, aip_secret_key_public(r->key), NULL));
    return content_digest_check(&r->message, aip_bytes_of(received_body), NULL);
}

static void
a_signed_request_is_proven_within_its_window_only(void)
{
    signed_request r;
    make_request(&r);
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_OK);
    CHECK_STATUS(judge_request(&r, NOW + AIP_PROOF_SECONDS, body), AIP_OK);
    CHECK_STATUS(judge_request(&r, NOW + AIP_PROOF_SECONDS + 1, body), AIP_PROOF_EXPIRED);
    CHECK_STATUS(judge_request(&r, NOW - AIP_CLOCK_SKEW_SECONDS, body), AIP_OK);
    CHECK_STATUS(judge_request(&r, NOW - AIP_CLOCK_SKEW_SECONDS - 1, body), AIP_PROOF_NOT_YET_VALID);
    clear_request(&r);
}

static void
whatever_is_covered_cannot_be_changed(void)
{
    signed_request r;
    make_request(&r);
    const http_message good = r.message;
    r.message.method = AIP_BYTES_LITERAL("DELETE");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    r.message = good;
    r.message.path = AIP_BYTES_LITERAL("/mcp/");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    r.message = good;
    r.message.query = AIP_BYTES_LITERAL("a=b");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    r.message = good;
    r.message.authority = AIP_BYTES_LITERAL("other.example");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    r.message = good;
    r.fields[0] = (http_field)FIELD("X-AIP-Token", "e0");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    r.fields[0] = (http_field)FIELD("X-AIP-Token", "e0~e1");
    CHECK_STATUS(judge_request(&r, NOW, "{}"), AIP_PROOF_DIGEST);
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_OK);
    clear_request(&r);
}

/* Replaces the first `from` in the text by `to` of the same length or shorter. */
static void
replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    CHECK(at != NULL);
    if (at != NULL) {
        memcpy(at, to, strlen(to));
        memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    }
}

static aip_status
judge_with_input(const char *from, const char *to)
{
    signed_request r;
    make_request(&r);
    replace(r.input.data, from, to);
    r.fields[2] = (http_field)FIELD("Signature-Input", r.input.data);
    aip_status status = judge_request(&r, NOW, body);
    clear_request(&r);
    return status;
}

static void
swapped_labels_tags_keys_and_left_out_parts_are_named(void)
{
    CHECK_STATUS(judge_with_input("aip=(", "sig=("), AIP_PROOF_MISSING);
    CHECK_STATUS(judge_with_input("tag=\"aip-proof\"", "tag=\"aip-reply\""), AIP_PROOF_TAG);
    CHECK_STATUS(judge_with_input(";tag=\"aip-proof\"", ""), AIP_PROOF_TAG);
    CHECK_STATUS(judge_with_input("did:aip:", "did:aiq:"), AIP_PROOF_KEY);
    CHECK_STATUS(judge_with_input("#key-1", "xkey-1"), AIP_PROOF_KEY);
    CHECK_STATUS(judge_with_input(" \"@path\"", ""), AIP_PROOF_UNCOVERED);
    CHECK_STATUS(judge_with_input(" \"x-aip-token\"", ""), AIP_PROOF_UNCOVERED);
    CHECK_STATUS(judge_with_input(" \"content-digest\"", ""), AIP_PROOF_UNCOVERED);
    CHECK_STATUS(judge_with_input(";nonce=\"", ";nonse=\""), AIP_PROOF_NONCE);
    CHECK_STATUS(judge_with_input(";created=", ";createt="), AIP_PROOF_MALFORMED);
    CHECK_STATUS(judge_with_input("created=1800000000", "created=1800000001"), AIP_PROOF_SIGNATURE);
    CHECK_STATUS(judge_with_input("\"@method\"", "\"@status\""), AIP_PROOF_UNCOVERED);
}

static void
two_signatures_of_one_label_are_refused(void)
{
    signed_request r;
    make_request(&r);
    r.fields[4] = r.fields[3];
    r.message.field_count = 5;
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_REPEATED);
    r.fields[4] = r.fields[2];
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_REPEATED);
    r.fields[4] = (http_field)FIELD("Signature", "other=:AAAA:");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_OK);
    r.fields[4] = (http_field)FIELD("Signature", "other=:AAAA");
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_MALFORMED);
    clear_request(&r);
}

static void
another_key_or_a_changed_signature_does_not_verify(void)
{
    signed_request r;
    make_request(&r);
    aip_secret_key *other = r.key;
    r.key = key_of(2);
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    aip_secret_key_free(&r.key);
    r.key = other;
    r.signature.data[6] = r.signature.data[6] == 'A' ? 'B' : 'A';
    CHECK_STATUS(judge_request(&r, NOW, body), AIP_PROOF_SIGNATURE);
    clear_request(&r);
}

static void
a_digest_of_no_accepted_algorithm_alone_is_refused(void)
{
    http_field field = FIELD("content-digest", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:");
    const http_message message = {.fields = &field, .field_count = 1};
    CHECK_STATUS(content_digest_check(&message, aip_bytes_of(""), NULL), AIP_PROOF_DIGEST_ALGORITHM);
    field.value = aip_bytes_of("md5=:1B2M2Y8AsgTpgAmY7PhCfg==:, "
                               "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
    CHECK_STATUS(content_digest_check(&message, aip_bytes_of(""), NULL), AIP_OK);
    CHECK_STATUS(content_digest_check(&message, aip_bytes_of("x"), NULL), AIP_PROOF_DIGEST);
    /* RFC 9530 appendix D: {"hello": "world"} and a newline, in SHA-512 */
    field.value = aip_bytes_of("sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCs"
                               "yRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:");
    CHECK_STATUS(content_digest_check(&message, aip_bytes_of("{\"hello\": \"world\"}\n"), NULL), AIP_OK);
    CHECK_STATUS(content_digest_check(&message, aip_bytes_of("{\"hello\": \"world\"}"), NULL), AIP_PROOF_DIGEST);
    const http_message bare = {.field_count = 0};
    CHECK_STATUS(content_digest_check(&bare, aip_bytes_of(""), NULL), AIP_PROOF_DIGEST);
}

static void
a_reply_is_bound_to_its_request(void)
{
    signed_request r;
    make_request(&r);
    aip_secret_key *gateway = key_of(9);
    text_buffer input = {0}, signature = {0};
    http_field fields[4] = {FIELD("Content-Digest", r.digest), FIELD("X-AIP-Decision-Id", "d1")};
    http_message reply = {.status = 200, .fields = fields, .field_count = 2, .request = &r.message};
    message_proof proof;
    CHECK_STATUS(proof_sign_reply(&reply, "did:web:g.example#key-1", NOW, gateway, &input, &signature, NULL), AIP_OK);
    fields[2] = (http_field)FIELD("Signature-Input", input.data);
    fields[3] = (http_field)FIELD("Signature", signature.data);
    reply.field_count = 4;
    CHECK_STATUS(proof_read_reply(&reply, false, NOW, &proof, NULL), AIP_OK);
    CHECK_STATUS(proof_check_holder(&proof, AIP_BYTES_LITERAL("did:web:g.example"), NULL), AIP_OK);
    CHECK_STATUS(proof_check_holder(&proof, AIP_BYTES_LITERAL("did:web:g.exampl"), NULL), AIP_PROOF_KEY);
    CHECK_STATUS(http_signature_verify(&reply, &proof.signature, aip_secret_key_public(gateway), NULL), AIP_OK);
    reply.status = 403;
    CHECK_STATUS(http_signature_verify(&reply, &proof.signature, aip_secret_key_public(gateway), NULL),
                 AIP_PROOF_SIGNATURE);
    reply.status = 200;
    r.fields[3].value.size--; /* another request's signature */
    CHECK_STATUS(http_signature_verify(&reply, &proof.signature, aip_secret_key_public(gateway), NULL),
                 AIP_PROOF_SIGNATURE);
    r.fields[3].value.size++;
    CHECK_STATUS(proof_read_request(&reply, false, NOW, &proof, NULL), AIP_PROOF_TAG);
    text_clear(&input);
    text_clear(&signature);
    aip_secret_key_free(&gateway);
    clear_request(&r);
}

static aip_status
read_all(const char *text)
{
    aip_bytes rest = aip_bytes_of(text);
    field_member member;
    while (rest.size > 0) {
        AIP_TRY(field_next_member(&rest, &member, NULL));
    }
    return AIP_OK;
}

static void
structured_fields_are_read_in_their_canonical_spelling_only(void)
{
    static const char *const good[] = {
        "a=1",       "a=-15, b",       "a;x;y=\"z\"", "a=(\"x\" \"y\";req)", "a=()",
        "a=:aGk=:",  "a=tok/en:x;q=1", "*k-1.x_y=?0", "a=\"q\\\"\\\\\"",     "a=999999999999999",
        "a=1 ,\tb=2"};
    static const char *const bad[] = {"A=1",
                                      "a=",
                                      "a=1,",
                                      "a= 1",
                                      "a=01",
                                      "a=-0",
                                      "a=1.5",
                                      "a=1000000000000000",
                                      "a=\"x",
                                      "a=\"\\x\"",
                                      "a=\"\x7f\"",
                                      "a=(\"x\"",
                                      "a=(\"x\"  \"y\")",
                                      "a=( \"x\")",
                                      "a=(\"x\" )",
                                      "a=:aGk:x",
                                      "a=:aGk",
                                      "a=?2",
                                      "a;x=?1",
                                      "a;x;x",
                                      "a; x",
                                      "a=@1",
                                      "a=%\"x\"",
                                      "a=1 b=2",
                                      ",a",
                                      "a,,b",
                                      "a=(\"x\"\"y\")"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_STATUS(read_all(good[i]), AIP_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(read_all(bad[i]), AIP_PROOF_MALFORMED);
    }
}

static void
components_that_are_absent_repeated_or_unknown_refuse(void)
{
    static const char *const bad[] = {
        "(\"x-absent\")", "(\"@method\" \"@method\")", "(\"@status\")",     "(\"@query-param\")",
        "(\"date\";bs)",  "(\"@method\";req)",         "(\"X-AIP-Token\")", "(1)",
        "(\"\")",         "(\"x-aip-token\";sf)"};
    signed_request r;
    make_request(&r);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        text_buffer input = {0}, signature = {0};
        const http_signature_plan plan = {"aip", bad[i]};
        CHECK_STATUS(http_signature_sign(&r.message, &plan, r.key, &input, &signature, NULL), AIP_PROOF_COMPONENT);
        text_clear(&input);
        text_clear(&signature);
    }
    clear_request(&r);
}

RUN(TEST(the_published_ed25519_example_verifies_and_is_reproduced),
    TEST(a_signed_request_is_proven_within_its_window_only), TEST(whatever_is_covered_cannot_be_changed),
    TEST(swapped_labels_tags_keys_and_left_out_parts_are_named), TEST(two_signatures_of_one_label_are_refused),
    TEST(another_key_or_a_changed_signature_does_not_verify), TEST(a_digest_of_no_accepted_algorithm_alone_is_refused),
    TEST(a_reply_is_bound_to_its_request), TEST(structured_fields_are_read_in_their_canonical_spelling_only),
    TEST(components_that_are_absent_repeated_or_unknown_refuse))
