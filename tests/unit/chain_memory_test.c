/* The memory of verified chains: same verdicts, fewer verifications, bounded. */
#include "chain/memory.h"

#include <stdlib.h>

#include "check.h"

#define NOW 1800000000
#define PARTIES 6

typedef struct {
    aip_secret_key *keys[PARTIES];
    char names[PARTIES][AIP_DID_TEXT_SIZE];
    char *texts[PARTIES]; /* [n]: a chain of n elements from party 0 */
    aip_trust trust;
} parties;

static char *
extend(const parties *p, const char *parent, size_t from, const char *context)
{
    static const char *const scope[] = {"tool:search"};
    char *out = NULL;
    const aip_statement said = {.subject = p->names[from + 1],
                                .scope = scope,
                                .scope_count = 1,
                                .has_max_depth = parent == NULL,
                                .max_depth = 9,
                                .issued_at = NOW - 10,
                                .expires_at = NOW + 100,
                                .context = context};
    if (parent == NULL) {
        CHECK_STATUS(aip_token_issue(p->keys[from], &said, &out, NULL), AIP_OK);
    } else {
        CHECK_STATUS(aip_token_delegate(p->keys[from], aip_bytes_of(parent), &said, &out, NULL), AIP_OK);
    }
    return out;
}

static void
open_parties(parties *p, unsigned char salt)
{
    *p = (parties){0};
    for (size_t i = 0; i < PARTIES; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1), salt};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &p->keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(p->keys[i]), p->names[i]);
    }
    for (size_t n = 1; n < PARTIES; n++) {
        p->texts[n] = extend(p, n == 1 ? NULL : p->texts[n - 1], n - 1, "a task");
    }
    CHECK_STATUS(aip_trust_add(&p->trust, p->names[0], NULL), AIP_OK);
}

static void
close_parties(parties *p)
{
    for (size_t i = 0; i < PARTIES; i++) {
        aip_secret_key_free(&p->keys[i]);
        free(p->texts[i]);
    }
    aip_trust_clear(&p->trust);
}

static aip_status
judge(chain_memory *memory, const char *text, const aip_check *check, int *at)
{
    chain_verdict verdict = {.entry = NULL};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = chain_memory_verify(memory, aip_bytes_of(text), check, &verdict, &err);
    *at = err.at;
    if (status == AIP_OK) {
        const aip_chain *chain = chain_entry_chain(verdict.entry);
        CHECK(aip_bytes_equal(verdict.grant.leaf, aip_chain_subject(chain, aip_chain_length(chain) - 1)));
        CHECK(verdict.proof.count == aip_chain_length(chain));
    }
    chain_verdict_clear(&verdict);
    return status;
}

static chain_memory *
new_memory(size_t all, size_t per_root)
{
    const chain_memory_limits limits = {all, per_root};
    chain_memory *memory = NULL;
    CHECK_STATUS(chain_memory_new(&limits, &memory, NULL), AIP_OK);
    return memory;
}

static void
a_chain_seen_before_is_a_hit_and_a_longer_one_continues_it(void)
{
    parties p;
    int at;
    chain_memory *memory = new_memory(1 << 20, 1 << 20);
    open_parties(&p, 1);
    const aip_check check = {.trust = &p.trust, .now_seconds = NOW};
    CHECK_STATUS(judge(memory, p.texts[2], &check, &at), AIP_OK);
    CHECK_STATUS(judge(memory, p.texts[2], &check, &at), AIP_OK);
    CHECK_STATUS(judge(memory, p.texts[4], &check, &at), AIP_OK);
    CHECK_STATUS(judge(memory, p.texts[1], &check, &at), AIP_OK);
    chain_memory_figures figures = chain_memory_count(memory);
    CHECK(figures.whole_hits == 1 && figures.prefix_hits == 1 && figures.misses == 2 && figures.entries == 3);
    chain_memory_free(&memory);
    close_parties(&p);
}

static void
expiry_trust_and_keys_are_judged_each_time(void)
{
    parties p, q;
    int at;
    chain_memory *memory = new_memory(1 << 20, 1 << 20);
    open_parties(&p, 1);
    open_parties(&q, 2);
    aip_check check = {.trust = &p.trust, .now_seconds = NOW};
    CHECK_STATUS(judge(memory, p.texts[3], &check, &at), AIP_OK);
    check.now_seconds = NOW + 100;
    CHECK_STATUS(judge(memory, p.texts[3], &check, &at), AIP_TOKEN_EXPIRED);
    check = (aip_check){.trust = &q.trust, .now_seconds = NOW};
    CHECK_STATUS(judge(memory, p.texts[3], &check, &at), AIP_TRUST_ROOT_UNKNOWN);
    chain_memory_free(&memory);
    close_parties(&p);
    close_parties(&q);
}

/* A key source that says that party 1 signs with party 5's key. */
static aip_status
find_wrong_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out,
               aip_error *err)
{
    const parties *p = context;
    (void)kid;
    (void)signed_at;
    if (aip_bytes_equal(name->text, aip_bytes_of(p->names[1]))) {
        *out = *aip_secret_key_public(p->keys[5]);
        return AIP_OK;
    }
    return aip_did_key(name, out, err);
}

static void
a_remembered_signature_does_not_count_under_another_key(void)
{
    parties p;
    int at;
    chain_memory *memory = new_memory(1 << 20, 1 << 20);
    open_parties(&p, 1);
    aip_check check = {.trust = &p.trust, .now_seconds = NOW};
    const aip_key_source wrong = {find_wrong_key, &p};
    CHECK_STATUS(judge(memory, p.texts[3], &check, &at), AIP_OK);
    check.keys = &wrong;
    CHECK_STATUS(judge(memory, p.texts[3], &check, &at), AIP_TOKEN_SIGNATURE);
    CHECK(at == 1);
    check.keys = NULL;
    CHECK_STATUS(judge(memory, p.texts[3], &check, &at), AIP_OK);
    chain_memory_free(&memory);
    close_parties(&p);
}

/* With a warm memory each flipped character gets the very verdict and place that it gets without one. */
static void
warm_and_cold_verdicts_are_equal_for_every_changed_character(void)
{
    parties p;
    int cold_at, warm_at;
    chain_memory *memory = new_memory(1 << 20, 1 << 20);
    open_parties(&p, 1);
    const aip_check check = {.trust = &p.trust, .now_seconds = NOW};
    for (size_t n = 1; n < 5; n++) {
        CHECK_STATUS(judge(memory, p.texts[n], &check, &warm_at), AIP_OK);
    }
    char *text = p.texts[4];
    for (size_t i = 0; text[i] != '\0'; i += 3) {
        char kept = text[i];
        text[i] = kept == 'A' ? 'B' : 'A';
        aip_status cold = judge(NULL, text, &check, &cold_at);
        CHECK(cold != AIP_OK);
        CHECK_STATUS(judge(memory, text, &check, &warm_at), cold);
        CHECK(cold_at == warm_at);
        text[i] = kept;
    }
    CHECK(chain_memory_count(memory).entries == 4);
    chain_memory_free(&memory);
    close_parties(&p);
}

static void
a_root_with_many_chains_displaces_only_its_own(void)
{
    parties p, q;
    int at;
    chain_memory *memory = new_memory(1 << 20, 64 << 10);
    open_parties(&p, 1);
    open_parties(&q, 2);
    aip_check check = {.trust = &q.trust, .now_seconds = NOW};
    CHECK_STATUS(judge(memory, q.texts[1], &check, &at), AIP_OK);
    check.trust = &p.trust;
    for (int i = 0; i < 100; i++) {
        char context[32];
        snprintf(context, sizeof context, "task %d", i);
        char *text = extend(&p, p.texts[1], 1, context);
        CHECK_STATUS(judge(memory, text, &check, &at), AIP_OK);
        free(text);
    }
    CHECK(chain_memory_count(memory).bytes <= (size_t)(64 << 10) * 2);
    uint64_t hits = chain_memory_count(memory).whole_hits;
    check.trust = &q.trust;
    CHECK_STATUS(judge(memory, q.texts[1], &check, &at), AIP_OK);
    CHECK(chain_memory_count(memory).whole_hits == hits + 1);
    chain_memory_free(&memory);
    close_parties(&p);
    close_parties(&q);
}

static void
what_does_not_fit_is_verified_and_not_remembered(void)
{
    parties p;
    int at;
    chain_memory *memory = new_memory(1024, 512);
    open_parties(&p, 1);
    const aip_check check = {.trust = &p.trust, .now_seconds = NOW};
    CHECK_STATUS(judge(memory, p.texts[2], &check, &at), AIP_OK);
    CHECK_STATUS(judge(memory, p.texts[2], &check, &at), AIP_OK);
    CHECK(chain_memory_count(memory).entries == 0 && chain_memory_count(memory).bytes == 0);
    chain_memory_free(&memory);
    close_parties(&p);
}

RUN(TEST(a_chain_seen_before_is_a_hit_and_a_longer_one_continues_it), TEST(expiry_trust_and_keys_are_judged_each_time),
    TEST(a_remembered_signature_does_not_count_under_another_key),
    TEST(warm_and_cold_verdicts_are_equal_for_every_changed_character),
    TEST(a_root_with_many_chains_displaces_only_its_own), TEST(what_does_not_fit_is_verified_and_not_remembered))
