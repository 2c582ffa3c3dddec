/* Verification of a token by a rotated root beside one by a plain root, in one run: the medians' ratio. */

#include "bench.h"
#include "aip/chain.h"
#include "crypto/hash.h"
#include "did/log.h"
#include "did/memory.h"

#define NOW 1800000000
#define ROUNDS 3001

static aip_secret_key *
key_of(unsigned char first)
{
    unsigned char seed[AIP_SEED_BYTES] = {first, 0x77};
    aip_secret_key *key = NULL;
    require(aip_secret_key_from_seed(seed, &key, NULL), "key");
    return key;
}

/* A token of two elements whose root signs with `key` under `name`; `kid` NULL: the name's own key. */
static char *
make_token(const aip_secret_key *key, const char *name, const char *kid)
{
    static const char *const scope[] = {"tool:*"}, *const less[] = {"tool:search"};
    char agent[AIP_DID_TEXT_SIZE], worker[AIP_DID_TEXT_SIZE], *root = NULL, *out = NULL;
    aip_secret_key *agent_key = key_of(10), *worker_key = key_of(11);
    aip_did_of_key(aip_secret_key_public(agent_key), agent);
    aip_did_of_key(aip_secret_key_public(worker_key), worker);
    aip_statement said = {.issuer = name,
                          .kid = kid,
                          .subject = agent,
                          .scope = scope,
                          .scope_count = 1,
                          .has_max_depth = true,
                          .max_depth = 3,
                          .issued_at = NOW,
                          .expires_at = NOW + 60};
    require(aip_token_issue(key, &said, &root, NULL), "issue");
    said = (aip_statement){.subject = worker,
                           .scope = less,
                           .scope_count = 1,
                           .issued_at = NOW,
                           .expires_at = NOW + 60,
                           .context = "measure"};
    require(aip_token_delegate(agent_key, aip_bytes_of(root), &said, &out, NULL), "delegate");
    free(root);
    aip_secret_key_free(&agent_key);
    aip_secret_key_free(&worker_key);
    return out;
}

/* An identity that rotated once, as the memory knows it. */
static void
rotate(const aip_secret_key *first, const aip_secret_key *second, identity_memory *memory)
{
    text_buffer text = {0};
    did_log *log = NULL;
    identity *known = NULL;
    const did_log_change begin = {.next = aip_secret_key_public(second), .time = NOW - 200};
    const did_log_change change = {.time = NOW - 100};
    require(did_log_extend(&text, first, &begin, NULL), "log");
    require(did_log_extend(&text, second, &change, NULL), "rotate");
    require(did_log_verify(text_view(&text), NOW, &log, NULL), "log");
    require(did_log_identity(log, &known, NULL), "identity");
    require(identity_memory_put(memory, known, NOW + 1000, NULL), "memory");
    identity_free(&known);
    did_log_free(&log);
    text_clear(&text);
}

static double
time_verification(const char *token, const aip_check *check)
{
    aip_chain *chain = NULL;
    aip_grant grant;
    uint64_t start = nanoseconds();
    require(aip_chain_parse(aip_bytes_of(token), &chain, NULL), "parse");
    require(aip_chain_verify(chain, check, &grant, NULL), "verify");
    aip_chain_free(&chain);
    return (double)(nanoseconds() - start);
}

int
main(void)
{
    static double plain[ROUNDS], rotated[ROUNDS];
    char plain_name[AIP_DID_TEXT_SIZE], name[AIP_DID_TEXT_SIZE], kid[AIP_DID_TEXT_SIZE + 8];
    aip_trust trust = {0};
    identity_memory *memory = NULL;
    require(crypto_start(NULL), "start");
    aip_secret_key *other = key_of(1), *first = key_of(2), *second = key_of(3);
    aip_did_of_key(aip_secret_key_public(other), plain_name);
    aip_did_of_key(aip_secret_key_public(first), name);
    snprintf(kid, sizeof kid, "%s#key-2", name);
    require(identity_memory_new(1000, false, &memory, NULL), "memory");
    rotate(first, second, memory);
    char *plain_token = make_token(other, plain_name, NULL), *rotated_token = make_token(second, name, kid);
    require(aip_trust_add(&trust, plain_name, NULL), "trust");
    require(aip_trust_add(&trust, name, NULL), "trust");
    memory_view view = {.memory = memory, .now_seconds = NOW};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    const aip_check check = {.trust = &trust, .now_seconds = NOW, .keys = &keys};
    for (size_t i = 0; i < ROUNDS; i++) {
        plain[i] = time_verification(plain_token, &check);
        rotated[i] = time_verification(rotated_token, &check);
    }
    double a = median(plain, ROUNDS) / 1000, b = median(rotated, ROUNDS) / 1000;
    printf("2 elements, plain root %.1f us; rotated root %.1f us; ratio %.3f\n", a, b, b / a);
    free(plain_token);
    free(rotated_token);
    identity_memory_free(&memory);
    aip_trust_clear(&trust);
    aip_secret_key_free(&other);
    aip_secret_key_free(&first);
    aip_secret_key_free(&second);
    return 0;
}
