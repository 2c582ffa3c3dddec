/* Chains: what trust, links, attenuation, time and audience decide, and at which element. */
#include <stdlib.h>

#include "aip/chain.h"
#include "base/text.h"
#include "check.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "token/token.h"

#define NOW 1800000000
#define PARTIES 17

static aip_secret_key *keys[PARTIES];
static char names[PARTIES][AIP_DID_TEXT_SIZE];

static void
know_parties(void)
{
    for (size_t i = 0; keys[0] == NULL || (i > 0 && i < PARTIES); i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1)};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(keys[i]), names[i]);
    }
}

static const char *const wide[] = {"tool:db.*", "tool:search"};
static const char *const narrow[] = {"tool:db.read"};

static aip_statement
root_statement(void)
{
    return (aip_statement){.subject = names[1],
                           .scope = wide,
                           .scope_count = 2,
                           .has_budget = true,
                           .budget_micro_usd = 5000000,
                           .has_max_depth = true,
                           .max_depth = 3,
                           .issued_at = NOW - 100,
                           .expires_at = NOW + 100};
}

static aip_statement
hop_statement(size_t party)
{
    return (aip_statement){
        .subject = names[party], .scope = narrow, .scope_count = 1, .issued_at = NOW - 50, .context = "a task"};
}

static char *
issue(const aip_statement *said)
{
    char *text = NULL;
    know_parties();
    CHECK_STATUS(aip_token_issue(keys[0], said, &text, NULL), AIP_OK);
    return text;
}

static char *
issue_plain(void)
{
    know_parties();
    const aip_statement said = root_statement();
    return issue(&said);
}

/* Party `signer` delegates; replaces *text when allowed. */
static aip_status
extend(char **text, size_t signer, const aip_statement *said, aip_error *err)
{
    char *longer = NULL;
    aip_status status = aip_token_delegate(keys[signer], aip_bytes_of(*text), said, &longer, err);
    if (status == AIP_OK) {
        free(*text);
        *text = longer;
    }
    return status;
}

static char *
two_elements(void)
{
    char *text = issue_plain();
    const aip_statement said = hop_statement(2);
    CHECK_STATUS(extend(&text, 1, &said, NULL), AIP_OK);
    return text;
}

typedef struct {
    aip_chain *chain;
    aip_grant grant;
    aip_error err;
} verdict;

static aip_status
verify(const char *text, const char *trusted, const char *audience, int64_t now, verdict *out)
{
    aip_trust trust = {0};
    *out = (verdict){.err = AIP_ERROR_INIT};
    if (trusted != NULL) {
        CHECK_STATUS(aip_trust_add(&trust, trusted, NULL), AIP_OK);
    }
    const aip_check check = {&trust, &audience, audience == NULL ? 0 : 1, now, NULL};
    aip_status status = aip_chain_parse(aip_bytes_of(text), &out->chain, &out->err);
    if (status == AIP_OK) {
        status = aip_chain_verify(out->chain, &check, &out->grant, &out->err);
    }
    aip_trust_clear(&trust);
    return status;
}

static aip_status
verdict_of(const char *text, const char *trusted, int64_t now)
{
    verdict v;
    aip_status status = verify(text, trusted, NULL, now, &v);
    aip_chain_free(&v.chain);
    return status;
}

static void
a_good_chain_yields_its_grant(void)
{
    char *text = two_elements();
    verdict v;
    CHECK_STATUS(verify(text, names[0], NULL, NOW, &v), AIP_OK);
    CHECK(aip_bytes_equal(v.grant.root, aip_bytes_of(names[0])) &&
          aip_bytes_equal(v.grant.leaf, aip_bytes_of(names[2])));
    CHECK(v.grant.has_budget && v.grant.budget_micro_usd == 5000000 && v.grant.depth_left == 2 &&
          v.grant.expires == NOW + 100);
    CHECK_STATUS(aip_grant_covers(&v.grant, AIP_BYTES_LITERAL("tool:db.read"), NULL), AIP_OK);
    CHECK_STATUS(aip_grant_covers(&v.grant, AIP_BYTES_LITERAL("tool:db.write"), NULL), AIP_SCOPE_INSUFFICIENT);
    CHECK_STATUS(aip_grant_covers(&v.grant, AIP_BYTES_LITERAL("tool:search"), NULL), AIP_SCOPE_INSUFFICIENT);
    CHECK_STATUS(aip_grant_covers(&v.grant, AIP_BYTES_LITERAL(""), NULL), AIP_SCOPE_INSUFFICIENT);
    aip_chain_free(&v.chain);
    free(text);
}

static void
a_root_is_trusted_by_name_by_key_or_by_pin_only(void)
{
    char *text = two_elements(), raw[48], key[MULTIBASE_KEY_TEXT_SIZE + 1], entry[256];
    const unsigned char *bytes = aip_secret_key_public(keys[0])->bytes;
    multibase_encode_raw_key(bytes, raw);
    multibase_encode_key(bytes, key);
    CHECK_STATUS(verdict_of(text, names[0], NOW), AIP_OK);
    CHECK_STATUS(verdict_of(text, raw, NOW), AIP_OK);
    CHECK_STATUS(verdict_of(text, key, NOW), AIP_OK);
    snprintf(entry, sizeof entry, "ed25519:%s", raw);
    CHECK_STATUS(verdict_of(text, entry, NOW), AIP_OK);
    snprintf(entry, sizeof entry, "%s=%s", names[0], raw);
    CHECK_STATUS(verdict_of(text, entry, NOW), AIP_OK);
    CHECK_STATUS(verdict_of(text, NULL, NOW), AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(verdict_of(text, names[1], NOW), AIP_TRUST_ROOT_UNKNOWN);
    free(text);
}

static void
a_pin_that_contradicts_the_name_or_a_bad_key_is_refused(void)
{
    aip_trust trust = {0};
    char entry[256];
    know_parties();
    snprintf(entry, sizeof entry, "%s=%.48s", names[0], names[1] + strlen("did:aip:"));
    CHECK_STATUS(aip_trust_add(&trust, entry, NULL), AIP_DID_KEY_MISMATCH);
    CHECK(aip_trust_add(&trust, "", NULL) != AIP_OK);
    CHECK(aip_trust_add(&trust, "z", NULL) != AIP_OK);
    CHECK(aip_trust_add(&trust, "did:aip:", NULL) != AIP_OK);
    CHECK(aip_trust_add(&trust, "ed25519:z11111111111111111111111111111111", NULL) != AIP_OK);
    CHECK(trust.count == 0);
    aip_trust_clear(&trust);
}

static void
a_root_named_by_a_hash_needs_the_key_that_hashes_to_it(void)
{
    know_parties();
    unsigned char digest[AIP_HASH_BYTES];
    char name[64] = "did:aip:acme:", entry[128];
    hash_sha256((aip_bytes){aip_secret_key_public(keys[0])->bytes, AIP_KEY_BYTES}, digest);
    hex_encode((aip_bytes){digest, 16}, name + strlen(name));
    aip_statement said = root_statement();
    said.issuer = name;
    char *text = issue(&said);
    snprintf(entry, sizeof entry, "%.60s=%.48s", name, names[0] + strlen("did:aip:"));
    CHECK_STATUS(verdict_of(text, entry, NOW), AIP_OK);
    CHECK_STATUS(verdict_of(text, name, NOW), AIP_DID_KEY_MISSING);
    CHECK_STATUS(verdict_of(text, names[0], NOW), AIP_TRUST_ROOT_UNKNOWN);
    aip_trust trust = {0};
    snprintf(entry, sizeof entry, "%.60s=%.48s", name, names[1] + strlen("did:aip:"));
    CHECK_STATUS(aip_trust_add(&trust, entry, NULL), AIP_DID_KEY_MISMATCH);
    aip_trust_clear(&trust);
    free(text);
}

/* The plain root token with `kid` in its header, signed again. */
static aip_status
verdict_with_kid(const char *fragment)
{
    char *plain = issue_plain(), header[256], text[4096], signature_text[96];
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char *payload = strchr(plain, '.');
    *strrchr(plain, '.') = '\0';
    int size = snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"typ\":\"aip+jwt\",\"kid\":\"%s#%s\"}", names[0],
                        fragment);
    size_t used = base64url_encode((aip_bytes){(const unsigned char *)header, (size_t)size}, text);
    used += (size_t)snprintf(text + used, sizeof text - used, "%s", payload);
    aip_sign(keys[0], aip_bytes_of(text), signature);
    base64url_encode((aip_bytes){signature, sizeof signature}, signature_text);
    snprintf(text + used, sizeof text - used, ".%s", signature_text);
    free(plain);
    return verdict_of(text, names[0], NOW);
}

static void
a_kid_names_the_one_key_of_its_issuer(void)
{
    CHECK_STATUS(verdict_with_kid("key-1"), AIP_OK);
    CHECK_STATUS(verdict_with_kid(names[0] + strlen("did:aip:")), AIP_OK);
    CHECK_STATUS(verdict_with_kid("key-2"), AIP_DIDDOC_KEY_NOT_FOUND);
    CHECK_STATUS(verdict_with_kid(names[1] + strlen("did:aip:")), AIP_DIDDOC_KEY_NOT_FOUND);
}

/* Entries are bounded, requests are not: a long path lies within the prefix of a short one. */
static void
a_prefix_covers_a_request_that_is_longer_than_any_entry(void)
{
    static const char *const scope[] = {"http:GET /v1/*"};
    know_parties();
    aip_statement said = root_statement();
    said.scope = scope;
    said.scope_count = 1;
    char *text = issue(&said), wanted[600] = "http:GET /v1/", elsewhere[600] = "http:GET /v2/";
    verdict v;
    memset(wanted + strlen(wanted), 'a', 500);
    memset(elsewhere + strlen(elsewhere), 'a', 500);
    CHECK_STATUS(verify(text, names[0], NULL, NOW, &v), AIP_OK);
    CHECK_STATUS(aip_grant_covers(&v.grant, aip_bytes_of(wanted), NULL), AIP_OK);
    CHECK_STATUS(aip_grant_covers(&v.grant, aip_bytes_of(elsewhere), NULL), AIP_SCOPE_INSUFFICIENT);
    wanted[400] = '?';
    CHECK_STATUS(aip_grant_covers(&v.grant, aip_bytes_of(wanted), NULL), AIP_SCOPE_INSUFFICIENT);
    aip_chain_free(&v.chain);
    free(text);
}

static void
a_foreign_root_under_a_bare_key_is_known_by_its_key(void)
{
    know_parties();
    aip_statement said = root_statement();
    said.issuer = "aip:web:vec.test/root";
    said.subject = "aip:web:vec.test/a";
    char *text = issue(&said), raw[48], wanted[128];
    verdict v;
    multibase_encode_raw_key(aip_secret_key_public(keys[0])->bytes, raw);
    snprintf(wanted, sizeof wanted, "aip:key:ed25519:%s", raw);
    CHECK_STATUS(verify(text, raw, NULL, NOW, &v), AIP_OK);
    CHECK(aip_bytes_equal(v.grant.root, aip_bytes_of(wanted)));
    CHECK_STATUS(aip_grant_covers(&v.grant, AIP_BYTES_LITERAL("tool:db.read"), NULL), AIP_SCOPE_INSUFFICIENT);
    CHECK_STATUS(aip_grant_covers(&v.grant, AIP_BYTES_LITERAL("tool:search"), NULL), AIP_OK);
    aip_chain_free(&v.chain);
    CHECK_STATUS(verdict_of(text, names[1] + strlen("did:aip:"), NOW), AIP_TOKEN_SIGNATURE);
    CHECK_STATUS(verdict_of(text, names[1], NOW), AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(verdict_of(text, "aip:web:vec.test/root", NOW), AIP_DID_NOT_FOUND);
    snprintf(wanted, sizeof wanted, "aip:web:vec.test/root=%s", raw);
    CHECK_STATUS(verify(text, wanted, NULL, NOW, &v), AIP_OK);
    CHECK(aip_bytes_equal(v.grant.root, AIP_BYTES_LITERAL("aip:web:vec.test/root")));
    aip_chain_free(&v.chain);
    free(text);
}

static void
a_foreign_token_is_never_extended(void)
{
    know_parties();
    aip_statement said = root_statement();
    said.issuer = "aip:web:vec.test/root";
    said.subject = "aip:web:vec.test/a";
    char *text = issue(&said);
    const aip_statement hop = hop_statement(2);
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_TOKEN_CLAIM_INVALID);
    free(text);
}

static void
time_is_judged_to_the_second(void)
{
    char *text = two_elements();
    CHECK_STATUS(verdict_of(text, names[0], NOW + 99), AIP_OK);
    CHECK_STATUS(verdict_of(text, names[0], NOW + 100), AIP_TOKEN_EXPIRED);
    CHECK_STATUS(verdict_of(text, names[0], NOW - 80), AIP_OK);
    CHECK_STATUS(verdict_of(text, names[0], NOW - 81), AIP_TOKEN_NOT_YET_VALID);
    free(text);
}

static void
an_audience_must_hold_the_verifier(void)
{
    static const char *const two[] = {"did:web:gw.test", "https://gw.test"};
    know_parties();
    aip_statement said = root_statement(), hop = hop_statement(2);
    verdict v;
    said.audience = two;
    said.audience_count = 2;
    hop.audience = two + 1;
    hop.audience_count = 1;
    char *text = issue(&said);
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_OK);
    CHECK_STATUS(verify(text, names[0], "https://gw.test", NOW, &v), AIP_OK);
    aip_chain_free(&v.chain);
    CHECK_STATUS(verify(text, names[0], "did:web:gw.test", NOW, &v), AIP_TOKEN_AUDIENCE);
    CHECK(v.err.at == 1);
    aip_chain_free(&v.chain);
    CHECK_STATUS(verdict_of(text, names[0], NOW), AIP_TOKEN_AUDIENCE);
    free(text);
}

static void
links_name_parent_and_issuer(void)
{
    char *text = two_elements(), *other = two_elements(); /* another jti, so another parent */
    char mixed[4096];
    verdict v;
    snprintf(mixed, sizeof mixed, "%.*s~%s", (int)strcspn(text, "~"), text, strchr(other, '~') + 1);
    CHECK_STATUS(verify(mixed, names[0], NULL, NOW, &v), AIP_CHAIN_PARENT);
    CHECK(v.err.at == 1);
    snprintf(mixed, sizeof mixed, "%s~%s", text, strchr(text, '~') + 1);
    CHECK_STATUS(verify(mixed, names[0], NULL, NOW, &v), AIP_CHAIN_ISSUER);
    CHECK(v.err.at == 2);
    snprintf(mixed, sizeof mixed, "%s", strchr(text, '~') + 1);
    CHECK_STATUS(verify(mixed, names[1], NULL, NOW, &v), AIP_TOKEN_CLAIM_MISSING); /* max_depth of a root */
    snprintf(mixed, sizeof mixed, "%s~", text);
    CHECK_STATUS(verify(mixed, names[0], NULL, NOW, &v), AIP_TOKEN_MALFORMED);
    CHECK(v.err.at == 2);
    const aip_statement hop = hop_statement(3);
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_DID_KEY_MISMATCH);
    free(text);
    free(other);
}

static void
a_party_occurs_once_under_any_name(void)
{
    char *text = two_elements(), same[64];
    aip_error err = AIP_ERROR_INIT;
    snprintf(same, sizeof same, "did:key:%.48s", names[1] + strlen("did:aip:"));
    aip_statement hop = hop_statement(1);
    CHECK_STATUS(extend(&text, 2, &hop, &err), AIP_CHAIN_CYCLE);
    hop.subject = same;
    CHECK_STATUS(extend(&text, 2, &hop, &err), AIP_CHAIN_CYCLE);
    hop.subject = names[0];
    CHECK_STATUS(extend(&text, 2, &hop, &err), AIP_CHAIN_CYCLE);
    CHECK(err.at == 2);
    free(text);
}

static void
depth_is_counted_and_inherited(void)
{
    char *text = issue_plain();
    for (size_t i = 1; i <= 3; i++) {
        const aip_statement hop = hop_statement(i + 1);
        CHECK_STATUS(extend(&text, i, &hop, NULL), AIP_OK);
    }
    aip_statement hop = hop_statement(5);
    CHECK_STATUS(extend(&text, 4, &hop, NULL), AIP_CHAIN_DEPTH);
    free(text);
    text = two_elements();
    hop = hop_statement(3);
    hop.has_max_depth = true;
    hop.max_depth = 2; /* two are left to its parent, so one to it */
    CHECK_STATUS(extend(&text, 2, &hop, NULL), AIP_CHAIN_WIDENED_DEPTH);
    hop.max_depth = 1;
    CHECK_STATUS(extend(&text, 2, &hop, NULL), AIP_OK);
    free(text);
}

static void
the_nearest_declared_budget_is_inherited(void)
{
    char *text = issue_plain();
    aip_statement hop = hop_statement(2);
    hop.has_budget = true;
    hop.budget_micro_usd = 1000000;
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_OK);
    hop = hop_statement(3);
    CHECK_STATUS(extend(&text, 2, &hop, NULL), AIP_OK); /* absent: still one */
    hop = hop_statement(4);
    hop.has_budget = true;
    hop.budget_micro_usd = 1000001;
    CHECK_STATUS(extend(&text, 3, &hop, NULL), AIP_CHAIN_WIDENED_BUDGET);
    free(text);
}

static void
a_principal_is_introduced_by_the_root_and_kept(void)
{
    know_parties();
    aip_statement said = root_statement(), hop = hop_statement(2);
    char *text = issue(&said);
    hop.principal = "user:alice";
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_CHAIN_PRINCIPAL);
    free(text);
    said.principal = "user:alice";
    text = issue(&said);
    hop.principal = "user:bob";
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_CHAIN_PRINCIPAL);
    hop.principal = "user:alice";
    CHECK_STATUS(extend(&text, 1, &hop, NULL), AIP_OK);
    free(text);
}

static void
a_statement_cannot_smuggle_claims(void)
{
    know_parties();
    aip_statement said = root_statement();
    char *text = NULL;
    said.constraints = "{},\"x-more\":1";
    CHECK(aip_token_issue(keys[0], &said, &text, NULL) != AIP_OK && text == NULL);
    said.constraints = "{\"search\":{\"q\":{\"type\":\"prefix\",\"value\":\"a\"}}}";
    CHECK_STATUS(aip_token_issue(keys[0], &said, &text, NULL), AIP_OK);
    free(text);
    said = root_statement();
    said.subject = "\",\"x\":\"";
    CHECK_STATUS(aip_token_issue(keys[0], &said, &text, NULL), AIP_TOKEN_CLAIM_INVALID);
    said.subject = NULL;
    CHECK_STATUS(aip_token_issue(keys[0], &said, &text, NULL), AIP_USAGE);
}

static void
an_identity_that_cannot_be_resolved_cannot_sign(void)
{
    know_parties();
    aip_statement said = root_statement();
    said.issuer = "did:web:example.com";
    char *text = issue(&said), entry[128], raw[48];
    CHECK_STATUS(verdict_of(text, "did:web:example.com", NOW), AIP_DID_NOT_FOUND);
    multibase_encode_raw_key(aip_secret_key_public(keys[0])->bytes, raw);
    CHECK_STATUS(verdict_of(text, raw, NOW), AIP_TRUST_ROOT_UNKNOWN);
    snprintf(entry, sizeof entry, "did:web:example.com=%s", raw);
    CHECK_STATUS(verdict_of(text, entry, NOW), AIP_OK);
    free(text);
}

static void
a_description_escapes_what_a_terminal_would_obey(void)
{
    know_parties();
    aip_statement said = root_statement();
    said.context = "go \x1b[2J \xc2\x9b \xf0\x9f\x98\x80 \"quoted\"";
    char *text = issue(&said), *description = NULL;
    aip_chain *chain = NULL;
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(text), &chain, NULL), AIP_OK);
    CHECK_STATUS(aip_chain_describe(chain, &description, NULL), AIP_OK);
    CHECK(strstr(description, "\\u009b \\ud83d\\ude00 \\\"quoted\\\"") != NULL && strchr(description, '\x1b') == NULL);
    CHECK(strstr(description, "\"link_id\":\"") != NULL);
    free(description);
    aip_chain_free(&chain);
    free(text);
}

static void
a_chain_of_sixteen_elements_is_the_longest(void)
{
    know_parties();
    aip_statement said = root_statement();
    said.max_depth = 15;
    char *text = issue(&said), longer[AIP_TOKEN_BYTES_MAX];
    verdict v;
    for (size_t i = 1; i < 16; i++) {
        const aip_statement hop = hop_statement(i + 1);
        CHECK_STATUS(extend(&text, i, &hop, NULL), AIP_OK);
    }
    CHECK_STATUS(verdict_of(text, names[0], NOW), AIP_OK);
    snprintf(longer, sizeof longer, "%s~%s", text, strrchr(text, '~') + 1);
    CHECK_STATUS(verify(longer, names[0], NULL, NOW, &v), AIP_CHAIN_LENGTH);
    CHECK(v.err.at == 16);
    free(text);
}

static void
forget_parties(void)
{
    for (size_t i = 0; i < PARTIES; i++) {
        aip_secret_key_free(&keys[i]);
    }
}

RUN(TEST(a_root_named_by_a_hash_needs_the_key_that_hashes_to_it), TEST(a_kid_names_the_one_key_of_its_issuer),
    TEST(a_good_chain_yields_its_grant), TEST(a_root_is_trusted_by_name_by_key_or_by_pin_only),
    TEST(a_pin_that_contradicts_the_name_or_a_bad_key_is_refused),
    TEST(a_foreign_root_under_a_bare_key_is_known_by_its_key),
    TEST(a_prefix_covers_a_request_that_is_longer_than_any_entry), TEST(a_foreign_token_is_never_extended),
    TEST(time_is_judged_to_the_second), TEST(an_audience_must_hold_the_verifier), TEST(links_name_parent_and_issuer),
    TEST(a_party_occurs_once_under_any_name), TEST(depth_is_counted_and_inherited),
    TEST(the_nearest_declared_budget_is_inherited), TEST(a_principal_is_introduced_by_the_root_and_kept),
    TEST(a_statement_cannot_smuggle_claims), TEST(an_identity_that_cannot_be_resolved_cannot_sign),
    TEST(a_description_escapes_what_a_terminal_would_obey), TEST(a_chain_of_sixteen_elements_is_the_longest),
    TEST(forget_parties))
