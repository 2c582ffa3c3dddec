/* Trust in roots: ceilings, patterns of hosts, strangers. */
#include <stdlib.h>

#include "aip/chain.h"

#include "check.h"

#define NOW 1800000000

/* A chain from party 0 over 1 to 2, with 5 USD, 3 hops and tool:*. */
typedef struct {
    aip_secret_key *keys[4];
    char names[4][AIP_DID_TEXT_SIZE];
    char *text;
    aip_chain *chain;
} family;

static void
open_family(family *f, size_t elements)
{
    static const char *const scope[] = {"tool:*"};
    *f = (family){0};
    for (size_t i = 0; i < 4; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 40)};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &f->keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(f->keys[i]), f->names[i]);
    }
    for (size_t i = 0; i < elements; i++) {
        char *longer = NULL;
        const aip_statement said = {.subject = f->names[i + 1],
                                    .scope = scope,
                                    .scope_count = 1,
                                    .has_budget = i == 0,
                                    .budget_micro_usd = 5000000,
                                    .has_max_depth = i == 0,
                                    .max_depth = 3,
                                    .issued_at = NOW - 100,
                                    .expires_at = NOW + 900,
                                    .context = "a task"};
        CHECK_STATUS(i == 0 ? aip_token_issue(f->keys[0], &said, &longer, NULL)
                            : aip_token_delegate(f->keys[i], aip_bytes_of(f->text), &said, &longer, NULL),
                     AIP_OK);
        free(f->text);
        f->text = longer;
    }
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(f->text), &f->chain, NULL), AIP_OK);
}

static void
close_family(family *f)
{
    aip_chain_free(&f->chain);
    free(f->text);
    for (size_t i = 0; i < 4; i++) {
        aip_secret_key_free(&f->keys[i]);
    }
}

static aip_status
judge(const family *f, const char *root, const aip_ceiling *ceiling, bool stranger, aip_grant *grant, int *at)
{
    aip_trust trust = {0};
    aip_error err = AIP_ERROR_INIT;
    const aip_ceiling *kept = NULL;
    if (ceiling != NULL) {
        CHECK_STATUS(aip_trust_add_ceiling(&trust, ceiling, &kept, NULL), AIP_OK);
    }
    if (root != NULL) {
        CHECK_STATUS(aip_trust_add(&trust, root, NULL), AIP_OK);
        trust.roots[0].ceiling = stranger ? NULL : kept;
    }
    trust.unknown = stranger ? kept : NULL;
    const aip_check check = {.trust = &trust, .now_seconds = NOW};
    aip_status status = aip_chain_verify(f->chain, &check, grant, &err);
    *at = err.at;
    if (status == AIP_OK) { /* asked while the ceilings live */
        status = aip_grant_covers(grant, AIP_BYTES_LITERAL("tool:search"), &err);
    }
    aip_trust_clear(&trust);
    return status;
}

static void
a_ceiling_narrows_whatever_the_token_says(void)
{
    static const char *const search[] = {"tool:search", "resource:*"}, *const read[] = {"tool:read*"};
    family f;
    aip_grant grant;
    int at;
    open_family(&f, 2);
    aip_ceiling ceiling = {.scope = search, .scope_count = 2, .has_budget = true, .budget_micro_usd = 1000000};
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_OK);
    CHECK(grant.has_budget && grant.budget_micro_usd == 1000000 && !grant.stranger && grant.depth_left == 2);
    ceiling.budget_micro_usd = 9000000;
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_OK);
    CHECK(grant.budget_micro_usd == 5000000);
    ceiling = (aip_ceiling){.scope = read, .scope_count = 1};
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_TRUST_SCOPE);
    ceiling = (aip_ceiling){.has_max_depth = true, .max_depth = 1};
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_OK);
    CHECK(grant.depth_left == 0);
    ceiling.max_depth = 0;
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_TRUST_DEPTH);
    CHECK(at == 1);
    ceiling = (aip_ceiling){.ttl_seconds = 101};
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_OK);
    CHECK(grant.expires == NOW + 1);
    ceiling.ttl_seconds = 100;
    CHECK_STATUS(judge(&f, f.names[0], &ceiling, false, &grant, &at), AIP_TRUST_EXPIRED);
    CHECK(at == 0);
    close_family(&f);
}

static void
strangers_are_refused_unless_there_is_a_profile_for_them(void)
{
    static const char *const search[] = {"tool:search"};
    family f;
    aip_grant grant;
    int at;
    open_family(&f, 1);
    const aip_ceiling guest = {.name = "guest", .scope = search, .scope_count = 1, .has_max_depth = true};
    CHECK_STATUS(judge(&f, f.names[3], NULL, false, &grant, &at), AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(judge(&f, f.names[3], &guest, true, &grant, &at), AIP_OK);
    CHECK(grant.stranger && grant.depth_left == 0);
    CHECK_STATUS(judge(&f, NULL, &guest, true, &grant, &at), AIP_OK);
    CHECK_STATUS(judge(&f, f.names[0], &guest, true, &grant, &at), AIP_OK);
    CHECK(!grant.stranger && grant.depth_left == 3);
    close_family(&f);
    open_family(&f, 2);
    CHECK_STATUS(judge(&f, f.names[3], &guest, true, &grant, &at), AIP_TRUST_DEPTH);
    close_family(&f);
}

/* Party 0's key under any did:web name. */
static aip_status
find_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    const family *f = context;
    (void)kid;
    (void)signed_at;
    if (name->form == AIP_DID_WEB) {
        *out = *aip_secret_key_public(f->keys[0]);
        return AIP_OK;
    }
    return aip_did_key(name, out, err);
}

static aip_status
judge_host(family *f, const char *issuer, const char *pattern)
{
    static const char *const scope[] = {"tool:*"};
    aip_trust trust = {0};
    aip_chain *chain = NULL;
    aip_grant grant;
    char *text = NULL;
    const aip_key_source keys = {find_key, f};
    const aip_check check = {.trust = &trust, .now_seconds = NOW, .keys = &keys};
    const aip_statement said = {.issuer = issuer,
                                .subject = f->names[1],
                                .scope = scope,
                                .scope_count = 1,
                                .has_max_depth = true,
                                .issued_at = NOW,
                                .expires_at = NOW + 9};
    CHECK_STATUS(aip_trust_add(&trust, pattern, NULL), AIP_OK);
    CHECK_STATUS(aip_token_issue(f->keys[0], &said, &text, NULL), AIP_OK);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(text), &chain, NULL), AIP_OK);
    aip_status status = aip_chain_verify(chain, &check, &grant, NULL);
    aip_chain_free(&chain);
    free(text);
    aip_trust_clear(&trust);
    return status;
}

static void
a_pattern_means_hosts_below_a_domain_and_nothing_else(void)
{
    family f;
    open_family(&f, 1);
    CHECK_STATUS(judge_host(&f, "did:web:a.partner.example", "did:web:*.partner.example"), AIP_OK);
    CHECK_STATUS(judge_host(&f, "did:web:b.a.partner.example:team", "did:web:*.partner.example"), AIP_OK);
    CHECK_STATUS(judge_host(&f, "did:web:partner.example", "did:web:*.partner.example"), AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(judge_host(&f, "did:web:evilpartner.example", "did:web:*.partner.example"), AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(judge_host(&f, "did:web:a.partner.example.evil.example", "did:web:*.partner.example"),
                 AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(judge_host(&f, "did:web:evil.example:a.partner.example", "did:web:*.partner.example"),
                 AIP_TRUST_ROOT_UNKNOWN);
    CHECK_STATUS(judge_host(&f, "did:web:a.partner.example%3A8443", "did:web:*.partner.example"),
                 AIP_TRUST_ROOT_UNKNOWN);
    close_family(&f);
}

/* The host's name has party 0's key, and hands on to party 0 by its other name. */
static void
two_names_of_one_key_are_one_party(void)
{
    static const char *const scope[] = {"tool:*"};
    family f;
    aip_trust trust = {0};
    aip_chain *chain = NULL;
    aip_grant grant;
    aip_error err = AIP_ERROR_INIT;
    char *text = NULL;
    open_family(&f, 1);
    const aip_key_source keys = {find_key, &f};
    const aip_check check = {.trust = &trust, .now_seconds = NOW, .keys = &keys};
    const aip_statement said = {.issuer = "did:web:a.partner.example",
                                .subject = f.names[0],
                                .scope = scope,
                                .scope_count = 1,
                                .has_max_depth = true,
                                .issued_at = NOW,
                                .expires_at = NOW + 9};
    CHECK_STATUS(aip_trust_add(&trust, "did:web:a.partner.example", NULL), AIP_OK);
    CHECK_STATUS(aip_token_issue(f.keys[0], &said, &text, NULL), AIP_OK);
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(text), &chain, NULL), AIP_OK);
    CHECK_STATUS(aip_chain_verify(chain, &check, &grant, &err), AIP_CHAIN_CYCLE);
    CHECK(err.at == 0);
    aip_chain_free(&chain);
    free(text);
    aip_trust_clear(&trust);
    close_family(&f);
}

static void
patterns_and_scopes_that_mean_nothing_are_refused(void)
{
    static const char *const bad[] = {"did:web:*.", "did:web:*.example..com", "did:web:*.a.example:path",
                                      "did:web:*.10.0.0.1", "did:web:*.Partner.example"};
    static const char *const scope[] = {"tool:*x"};
    aip_trust trust = {0};
    const aip_ceiling ceiling = {.scope = scope, .scope_count = 1}, *out = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(aip_trust_add(&trust, bad[i], NULL), AIP_CONFIG_INVALID);
    }
    CHECK_STATUS(aip_trust_add_ceiling(&trust, &ceiling, &out, NULL), AIP_CONFIG_INVALID);
    CHECK(trust.count == 0 && trust.ceiling_count == 0);
    aip_trust_clear(&trust);
}

RUN(TEST(a_ceiling_narrows_whatever_the_token_says), TEST(strangers_are_refused_unless_there_is_a_profile_for_them),
    TEST(a_pattern_means_hosts_below_a_domain_and_nothing_else), TEST(two_names_of_one_key_are_one_party),
    TEST(patterns_and_scopes_that_mean_nothing_are_refused))
