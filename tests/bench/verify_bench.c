/* Ratio of judging a chain (parse and verify) to as many bare signature verifications, side by side in one run. */
#include <sodium.h>

#include "bench.h"
#include "aip/chain.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

#define ELEMENTS_MAX 9
#define ROUNDS 301
#define NOW 1800000000

typedef struct {
    char *text;
    aip_secret_key *keys[ELEMENTS_MAX + 1];
    char names[ELEMENTS_MAX + 1][AIP_DID_TEXT_SIZE];
} subject;

static void
make_keys(subject *s)
{
    for (size_t i = 0; i <= ELEMENTS_MAX; i++) {
        require(aip_secret_key_generate(&s->keys[i], NULL), "generate");
        aip_did_of_key(aip_secret_key_public(s->keys[i]), s->names[i]);
    }
}

static void
make_chain(subject *s, size_t elements)
{
    static const char *const scope[] = {"tool:search", "tool:browse"};
    aip_statement said = {.subject = s->names[1],
                          .scope = scope,
                          .scope_count = 2,
                          .has_budget = true,
                          .budget_micro_usd = 1000000,
                          .has_max_depth = true,
                          .max_depth = 15,
                          .issued_at = NOW - 10,
                          .expires_at = NOW + 3600};
    free(s->text);
    require(aip_token_issue(s->keys[0], &said, &s->text, NULL), "issue");
    for (size_t i = 1; i < elements; i++) {
        char *longer = NULL;
        said.subject = s->names[i + 1];
        said.has_max_depth = false;
        said.context = "find the cheapest flight";
        require(aip_token_delegate(s->keys[i], aip_bytes_of(s->text), &said, &longer, NULL), "delegate");
        free(s->text);
        s->text = longer;
    }
}

static uint64_t
time_chain(const subject *s, const aip_check *check)
{
    aip_chain *chain = NULL;
    aip_grant grant;
    uint64_t start = nanoseconds();
    require(aip_chain_parse(aip_bytes_of(s->text), &chain, NULL), "parse");
    require(aip_chain_verify(chain, check, &grant, NULL), "verify");
    aip_chain_free(&chain);
    return nanoseconds() - start;
}

/* The same signatures over the same messages under the same keys, and nothing else. */
typedef struct {
    aip_bytes message;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    const unsigned char *key;
} signed_part;

static void
cut_parts(const subject *s, size_t elements, signed_part parts[ELEMENTS_MAX])
{
    const char *at = s->text;
    for (size_t i = 0; i < elements; i++) {
        size_t size = strcspn(at, "~"), decoded = 0;
        const char *dot = memrchr(at, '.', size);
        aip_bytes text = {(const unsigned char *)dot + 1, size - (size_t)(dot - at) - 1};
        parts[i].message = (aip_bytes){(const unsigned char *)at, (size_t)(dot - at)};
        parts[i].key = aip_secret_key_public(s->keys[i])->bytes;
        require(base64url_decode(text, parts[i].signature, AIP_SIGNATURE_BYTES, &decoded, NULL), "signature");
        at += size + 1;
    }
}

static uint64_t
time_bare(size_t elements, const signed_part parts[ELEMENTS_MAX])
{
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < elements; i++) {
        if (crypto_sign_verify_detached(parts[i].signature, parts[i].message.data, parts[i].message.size,
                                        parts[i].key) != 0) {
            exit(1);
        }
    }
    return nanoseconds() - start;
}

static void
measure(subject *s, size_t elements, const aip_check *check)
{
    static double chain[ROUNDS], bare[ROUNDS];
    signed_part parts[ELEMENTS_MAX];
    make_chain(s, elements);
    cut_parts(s, elements, parts);
    for (size_t i = 0; i < ROUNDS; i++) {
        chain[i] = (double)time_chain(s, check);
        bare[i] = (double)time_bare(elements, parts);
    }
    double ours = median(chain, ROUNDS) / 1000, floor = median(bare, ROUNDS) / 1000;
    printf("%zu elements, %5zu bytes: %7.1f us; %zu bare verifications %7.1f us; ratio %.3f\n", elements,
           strlen(s->text), ours, elements, floor, ours / floor);
}

int
main(void)
{
    static const size_t lengths[] = {1, 2, 4, 6, ELEMENTS_MAX};
    subject s = {0};
    aip_trust trust = {0};
    require(crypto_start(NULL), "start");
    make_keys(&s);
    require(aip_trust_add(&trust, s.names[0], NULL), "trust");
    const aip_check check = {.trust = &trust, .now_seconds = NOW};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        measure(&s, lengths[i], &check);
    }
    free(s.text);
    aip_trust_clear(&trust);
    for (size_t i = 0; i <= ELEMENTS_MAX; i++) {
        aip_secret_key_free(&s.keys[i]);
    }
    return 0;
}
