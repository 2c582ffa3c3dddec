/* One element: header, claims and the published token that issuing must reproduce byte for byte. */
#include <stdlib.h>

#include "aip/chain.h"
#include "base/text.h"
#include "check.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "token/token.h"

static const char published[] =
    "eyJhbGciOiJFZERTQSIsInR5cCI6ImFpcCtqd3QifQ."
    "eyJpc3MiOiJhaXA6d2ViOmJlbmNoLnRlc3QvYWdlbnQiLCJzdWIiOiJhaXA6d2ViOmJlbmNoLnRlc3Qv"
    "dG9vbCIsInNjb3BlIjpbInRvb2w6c2VhcmNoIiwidG9vbDpicm93c2UiXSwiYnVkZ2V0X3VzZCI6MS4wLCJtYXhfZGVwdGgiOjAsImlhdCI6MTcxMT"
    "EwMDAwMCwiZXhw"
    "Ijo0NzExMTAwMDAwfQ.iAH74cNBsCHeutWFQO6pT8N3ZD0ouyH38Mba9O5WfsXmlTJR0dbJsJZ1CXwbG59eNLZso4BcU-BN4jHKKZEXBw";

#define ROOT "did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
#define LEAF "did:web:example.com"
#define NAMES "\"iss\":\"" ROOT "\",\"sub\":\"" LEAF "\""
#define REST ",\"max_depth\":0,\"iat\":10,\"exp\":20"
#define SCOPE ",\"scope\":[\"tool:a\"]"

static aip_secret_key *
first_key(void)
{
    unsigned char seed[AIP_SEED_BYTES];
    aip_secret_key *key = NULL;
    for (size_t i = 0; i < sizeof seed; i++) {
        seed[i] = (unsigned char)i;
    }
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    return key;
}

/* What the reader says of an element with this payload (and, when not NULL, this header). */
static aip_status
judge(const char *header, const char *payload)
{
    char *text = NULL;
    aip_chain *chain = NULL;
    CHECK_STATUS(token_encode(NULL, NULL, aip_bytes_of(payload), &text, NULL), AIP_OK);
    if (header != NULL) {
        char encoded[512];
        base64url_encode(aip_bytes_of(header), encoded);
        text_buffer changed = {0};
        text_append_string(&changed, encoded);
        text_append_string(&changed, strchr(text, '.'));
        free(text);
        text = strndup(changed.data, changed.size);
        text_clear(&changed);
    }
    aip_status status = aip_chain_parse(aip_bytes_of(text), &chain, NULL);
    aip_chain_free(&chain);
    free(text);
    return status;
}

static void
the_published_token_is_issued_byte_for_byte(void)
{
    static const char *const scope[] = {"tool:search", "tool:browse"};
    const aip_statement said = {.issuer = "aip:web:bench.test/agent",
                                .subject = "aip:web:bench.test/tool",
                                .scope = scope,
                                .scope_count = 2,
                                .has_budget = true,
                                .budget_micro_usd = 1000000,
                                .has_max_depth = true,
                                .issued_at = 1711100000,
                                .expires_at = 4711100000};
    aip_secret_key *key = first_key();
    char *text = NULL;
    CHECK_STATUS(aip_token_issue(key, &said, &text, NULL), AIP_OK);
    CHECK_TEXT(text, published);
    free(text);
    aip_secret_key_free(&key);
}

static void
a_header_with_other_members_or_values_is_refused(void)
{
    static const char payload[] = "{" NAMES SCOPE REST "}";
    CHECK_STATUS(judge(NULL, payload), AIP_OK);
    CHECK_STATUS(judge("{\"typ\":\"aip+jwt\", \"alg\":\"EdDSA\"}", payload), AIP_OK);
    CHECK_STATUS(judge("{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"kid\":\"" ROOT "#k\"}", payload), AIP_OK);
    static const char *const rows[] = {"{\"alg\":\"none\",\"typ\":\"aip+jwt\"}",
                                       "{\"alg\":\"Ed25519\",\"typ\":\"aip+jwt\"}",
                                       "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}",
                                       "{\"alg\":\"EdDSA\"}",
                                       "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"crit\":[]}",
                                       "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"kid\":\"" LEAF "#k\"}",
                                       "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"kid\":\"" ROOT "\"}",
                                       "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"kid\":1}",
                                       "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"b64\":false}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_STATUS(judge(rows[i], payload), AIP_TOKEN_HEADER);
    }
    CHECK_STATUS(judge("{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\"}", payload), AIP_JSON_DUPLICATE);
}

static void
each_required_claim_is_missed(void)
{
    CHECK_STATUS(judge(NULL, "{\"sub\":\"" LEAF "\"" SCOPE REST "}"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge(NULL, "{\"iss\":\"" ROOT "\"" SCOPE REST "}"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge(NULL, "{" NAMES REST "}"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE ",\"iat\":10,\"exp\":20}"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE ",\"max_depth\":0,\"exp\":20}"), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE ",\"max_depth\":0,\"iat\":10}"), AIP_TOKEN_CLAIM_MISSING);
}

static void
an_unknown_claim_refuses_unless_it_is_advisory(void)
{
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE REST ",\"x-note\":[1]}"), AIP_OK);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE REST ",\"only\":1}"), AIP_TOKEN_CLAIM_UNKNOWN);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE REST ",\"Scope\":1}"), AIP_TOKEN_CLAIM_UNKNOWN);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE REST ",\"par_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"),
                 AIP_TOKEN_CLAIM_UNKNOWN);
    CHECK_STATUS(judge(NULL, "{\"iss\":\"aip:web:a.test/b\",\"sub\":\"aip:web:a.test/c\"" SCOPE REST ",\"only\":1}"),
                 AIP_OK);
}

static void
a_claim_of_the_wrong_type_or_value_is_refused(void)
{
    static const char *const rows[] = {"\"budget_usd\":\"1\"",
                                       "\"budget_usd\":null",
                                       "\"budget_usd\":1e0",
                                       "\"budget_usd\":0.0000001",
                                       "\"nbf\":1.0",
                                       "\"nbf\":-0",
                                       "\"nbf\":1e3",
                                       "\"nbf\":9007199254740992",
                                       "\"nbf\":\"1\"",
                                       "\"jti\":\"short\"",
                                       "\"jti\":1",
                                       "\"aud\":[]",
                                       "\"aud\":[1]",
                                       "\"aud\":\"\"",
                                       "\"context\":\" \\u2003\\t\"",
                                       "\"context\":\"\"",
                                       "\"principal\":\"\"",
                                       "\"constraints\":[]",
                                       "\"shares\":{}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char payload[512];
        snprintf(payload, sizeof payload, "{%s%s}", NAMES SCOPE REST ",", rows[i]);
        CHECK_STATUS(judge(NULL, payload), AIP_TOKEN_CLAIM_INVALID);
    }
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE REST ",\"budget_usd\":-1}"), AIP_TOKEN_BUDGET_NEGATIVE);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE ",\"max_depth\":16,\"iat\":10,\"exp\":20}"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(judge(NULL, "{" NAMES SCOPE ",\"max_depth\":0,\"iat\":10,\"exp\":10}"), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(judge(NULL, "{\"iss\":\"" ROOT "\",\"sub\":\"aip:web:a.test/b\"" SCOPE REST "}"),
                 AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(judge(NULL, "{\"iss\":\"" ROOT "\",\"sub\":\"" ROOT "\"" SCOPE REST "}"), AIP_CHAIN_CYCLE);
    CHECK_STATUS(judge(NULL, "{\"iss\":\"root\",\"sub\":\"" LEAF "\"" SCOPE REST "}"), AIP_DID_INVALID);
}

static void
a_scope_is_kind_and_name_with_at_most_a_final_star(void)
{
    static const char *const good[] = {"tool:search",      "tool:*",       "tool:db.*", "resource:file:///data/*",
                                       "a2a:message/send", "http:GET /a/*"};
    static const char *const bad[] = {
        "",         "*",        "tool",         "tool:",          ":a",        "Tool:a", "tool:a*b",
        "tool:a**", "tool:a b", "http:GET  /a", "tool:s\xc3\xa9", "tool:a\\n", "to_ol:a"};
    char payload[512];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(payload, sizeof payload, "{%s,\"scope\":[\"%s\"]%s}", NAMES, good[i], REST);
        CHECK_STATUS(judge(NULL, payload), AIP_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(payload, sizeof payload, "{%s,\"scope\":[\"%s\"]%s}", NAMES, bad[i], REST);
        CHECK_STATUS(judge(NULL, payload), AIP_TOKEN_CLAIM_INVALID);
    }
}

static void
shares_need_a_budget_that_covers_them(void)
{
    CHECK_STATUS(
        judge(NULL, "{" NAMES SCOPE REST ",\"budget_usd\":1,\"shares\":[[\"" ROOT "\",0.5],[\"" LEAF "\",0.5]]}"),
        AIP_OK);
    static const char *const bad[] = {
        "{" NAMES SCOPE REST ",\"shares\":[[\"" ROOT "\",0.5]]}",
        "{" NAMES SCOPE REST ",\"budget_usd\":1,\"shares\":[]}",
        "{" NAMES SCOPE REST ",\"budget_usd\":1,\"shares\":[[\"" ROOT "\",0.5],[\"" LEAF "\",0.500001]]}",
        "{" NAMES SCOPE REST ",\"budget_usd\":1,\"shares\":[[\"" ROOT "\",0.1],[\"" ROOT "\",0.1]]}",
        "{" NAMES SCOPE REST ",\"budget_usd\":1,\"shares\":[[\"" ROOT "\",0.1,0]]}",
        "{" NAMES SCOPE REST ",\"budget_usd\":1,\"shares\":[[\"aip:web:a.test/b\",0.1]]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(judge(NULL, bad[i]), AIP_TOKEN_CLAIM_INVALID);
    }
}

static void
a_text_that_is_no_token_is_refused_by_its_form(void)
{
    static const struct {
        const char *text;
        aip_status wanted;
    } rows[] = {{"", AIP_TOKEN_MALFORMED},          {"EuAC", AIP_TOKEN_UNSUPPORTED},
                {"CAES", AIP_TOKEN_UNSUPPORTED},    {"hello", AIP_TOKEN_MALFORMED},
                {"eyJ", AIP_TOKEN_MALFORMED},       {"eyJ.a", AIP_TOKEN_MALFORMED},
                {"eyJ.a.b.c", AIP_TOKEN_MALFORMED}, {"eyJ=.e30.AA", AIP_BASE64URL_INVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        aip_chain *chain = NULL;
        CHECK_STATUS(aip_chain_parse(aip_bytes_of(rows[i].text), &chain, NULL), rows[i].wanted);
        CHECK(chain == NULL);
    }
}

RUN(TEST(the_published_token_is_issued_byte_for_byte), TEST(a_header_with_other_members_or_values_is_refused),
    TEST(each_required_claim_is_missed), TEST(an_unknown_claim_refuses_unless_it_is_advisory),
    TEST(a_claim_of_the_wrong_type_or_value_is_refused), TEST(a_scope_is_kind_and_name_with_at_most_a_final_star),
    TEST(shares_need_a_budget_that_covers_them), TEST(a_text_that_is_no_token_is_refused_by_its_form))
