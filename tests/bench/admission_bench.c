/* What admitting one proven request costs, cold and warm, against the bare signature verifications that it cannot do
 * without, side by side in one run. A million revocations are loaded. */
#include <sodium.h>

#include "bench.h"
#include "chain/memory.h"
#include "chain/revoked.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "did/memory.h"
#include "proof/nonces.h"
#include "proof/proof.h"

#define ELEMENTS_MAX 8
#define FAMILIES 16 /* chains of one length, below one root */
#define REQUESTS 1600
#define REVOCATIONS 1000000
#define BODY_BYTES 1024
#define NOW 1800000000

typedef struct {
    char name[AIP_DID_TEXT_SIZE], key_id[AIP_DID_TEXT_SIZE + sizeof "#key-1"];
    aip_secret_key *key;
} party;

typedef struct {
    party parties[ELEMENTS_MAX + 1];
    char *text;
} family;

/* A request with its own nonce, as it arrives, and the signature base for the bare verification. */
typedef struct {
    const family *from;
    http_field fields[10];
    http_message message;
    text_buffer input, signature, base;
    unsigned char bare[AIP_SIGNATURE_BYTES];
} request;

typedef struct {
    aip_bytes message;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    const unsigned char *key;
} signed_part;

typedef struct {
    family families[FAMILIES];
    signed_part parts[FAMILIES][ELEMENTS_MAX];
    request requests[REQUESTS];
    aip_trust trust;
    identity_memory *identities;
    revoked_memory *revoked;
    char body[BODY_BYTES + 1], digest[CONTENT_DIGEST_SIZE];
} subject;

/* ---- what is there before the measuring ---- */

/* Every second one is known in memory by a document or log; the others' names speak for themselves. */
static void
make_party(subject *s, party *p, bool known)
{
    IDENTITY_AUTO identity *id = NULL;
    aip_did did;
    require(aip_secret_key_generate(&p->key, NULL), "generate");
    aip_did_of_key(aip_secret_key_public(p->key), p->name);
    snprintf(p->key_id, sizeof p->key_id, "%s#key-1", p->name);
    require(aip_did_parse(aip_bytes_of(p->name), &did, NULL), "name");
    require(identity_of_name(&did, NULL, &id, NULL), "identity");
    if (known) {
        require(identity_memory_put(s->identities, id, NOW + 300, NULL), "put");
    }
}

static void
make_parties(subject *s)
{
    make_party(s, &s->families[0].parties[0], true);
    for (size_t f = 0; f < FAMILIES; f++) {
        s->families[f].parties[0] = s->families[0].parties[0];
        for (size_t i = 1; i <= ELEMENTS_MAX; i++) {
            make_party(s, &s->families[f].parties[i], i % 2 == 0);
        }
    }
    require(aip_trust_add(&s->trust, s->families[0].parties[0].name, NULL), "trust");
}

static void
free_parties(subject *s)
{
    aip_secret_key_free(&s->families[0].parties[0].key);
    for (size_t f = 0; f < FAMILIES; f++) {
        for (size_t i = 1; i <= ELEMENTS_MAX; i++) {
            aip_secret_key_free(&s->families[f].parties[i].key);
        }
        free(s->families[f].text);
    }
}

/* None of them concerns a chain of ours. */
static void
load_revocations(subject *s)
{
    uint64_t start = nanoseconds();
    for (uint32_t i = 0; i < REVOCATIONS; i++) {
        revoked_fact fact = {.kind = (revocation_kind)(i % 3),
                             .issuer = aip_bytes_of(s->families[i % FAMILIES].parties[i % ELEMENTS_MAX].name)};
        hash_sha256((aip_bytes){(const unsigned char *)&i, sizeof i}, fact.target_id);
        require(revoked_memory_add(s->revoked, &fact, NULL), "revoke");
    }
    printf("%zu revocations loaded into memory in %.2f s\n", revoked_count(s->revoked),
           (double)(nanoseconds() - start) / 1e9);
}

static void
make_chain(family *f, size_t elements)
{
    static const char *const scope[] = {"tool:search", "tool:browse"};
    aip_statement said = {.subject = f->parties[1].name,
                          .scope = scope,
                          .scope_count = 2,
                          .has_budget = true,
                          .budget_micro_usd = 1000000,
                          .has_max_depth = true,
                          .max_depth = 15,
                          .issued_at = NOW - 10,
                          .expires_at = NOW + 3600};
    free(f->text);
    require(aip_token_issue(f->parties[0].key, &said, &f->text, NULL), "issue");
    for (size_t i = 1; i < elements; i++) {
        char *longer = NULL;
        said.subject = f->parties[i + 1].name;
        said.has_max_depth = false;
        said.context = "find the cheapest flight";
        require(aip_token_delegate(f->parties[i].key, aip_bytes_of(f->text), &said, &longer, NULL), "delegate");
        free(f->text);
        f->text = longer;
    }
}

static void
cut_parts(const family *f, size_t elements, signed_part *parts)
{
    const char *at = f->text;
    for (size_t i = 0; i < elements; i++) {
        size_t size = strcspn(at, "~"), decoded = 0;
        const char *dot = memrchr(at, '.', size);
        aip_bytes text = {(const unsigned char *)dot + 1, size - (size_t)(dot - at) - 1};
        parts[i].message = (aip_bytes){(const unsigned char *)at, (size_t)(dot - at)};
        parts[i].key = aip_secret_key_public(f->parties[i].key)->bytes;
        require(base64url_decode(text, parts[i].signature, AIP_SIGNATURE_BYTES, &decoded, NULL), "signature");
        at += size + 1;
    }
}

static http_field
field(const char *name, const char *value)
{
    return (http_field){aip_bytes_of(name), aip_bytes_of(value)};
}

static void
make_request(subject *s, request *r, size_t elements)
{
    const party *holder = &r->from->parties[elements];
    const http_field fields[] = {
        field("Host", "tools.example"),
        field("User-Agent", "example-agent/1.0"),
        field("Accept", "application/json, text/event-stream"),
        field("Content-Type", "application/json"),
        field("Content-Length", "1024"),
        field("MCP-Protocol-Version", "2025-06-18"),
        field("X-AIP-Token", r->from->text),
        field("Content-Digest", s->digest),
    };
    http_signature found;
    memcpy(r->fields, fields, sizeof fields);
    r->message = (http_message){.method = AIP_BYTES_LITERAL("POST"),
                                .scheme = AIP_BYTES_LITERAL("https"),
                                .authority = AIP_BYTES_LITERAL("tools.example"),
                                .path = AIP_BYTES_LITERAL("/mcp"),
                                .fields = r->fields,
                                .field_count = 8};
    require(proof_sign_request(&r->message, holder->key_id, NOW, holder->key, &r->input, &r->signature, NULL), "sign");
    r->fields[8] = field("Signature-Input", r->input.data);
    r->fields[9] = field("Signature", r->signature.data);
    r->message.field_count = 10;
    require(http_signature_find(&r->message, AIP_BYTES_LITERAL(PROOF_LABEL), &found, NULL), "find");
    require(http_signature_base(&r->message, &found.input, &r->base, NULL), "base");
    memcpy(r->bare, found.bytes, sizeof r->bare);
}

static void
make_requests(subject *s, size_t elements)
{
    for (size_t f = 0; f < FAMILIES; f++) {
        make_chain(&s->families[f], elements);
        cut_parts(&s->families[f], elements, s->parts[f]);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        s->requests[i] = (request){.from = &s->families[i % FAMILIES]};
        make_request(s, &s->requests[i], elements);
    }
}

static void
clear_requests(subject *s)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        text_clear(&s->requests[i].input);
        text_clear(&s->requests[i].signature);
        text_clear(&s->requests[i].base);
    }
}

/* ---- what is measured ---- */

/* `memory` NULL: every element is verified. */
static void
judge_chain(subject *s, chain_memory *memory, const request *r, chain_verdict *verdict)
{
    memory_view view = {s->identities, NOW, DID_USE_ANY};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    const aip_check check = {.trust = &s->trust, .now_seconds = NOW, .keys = &keys};
    require(chain_memory_verify(memory, aip_bytes_of(r->from->text), &check, verdict, NULL), "verify");
    require(
        revoked_check(s->revoked, chain_entry_chain(verdict->entry), verdict->proof.keys, verdict->proof.count, NULL),
        "revoked");
}

static void
judge_proof(subject *s, const request *r, const chain_verdict *verdict, message_proof *proof)
{
    memory_view view = {s->identities, NOW, DID_USE_AUTHENTICATION};
    aip_key_source keys;
    aip_public_key key;
    const aip_chain *chain = chain_entry_chain(verdict->entry);
    const aip_did *holder = &chain->tokens[chain->count - 1].subject;
    identity_memory_source(&view, &keys);
    require(proof_read_request(&r->message, true, NOW, proof, NULL), "read");
    require(proof_check_holder(proof, verdict->grant.leaf, NULL), "holder");
    require(keys.find(keys.context, holder, proof->key_id, NOW, &key, NULL), "key");
    require(http_signature_verify(&r->message, &proof->signature, &key, NULL), "proof");
    require(revoked_check_holder(s->revoked, chain, &key, NULL), "revoked holder");
}

static uint64_t
time_admission(subject *s, chain_memory *memory, nonce_memory *nonces, const request *r)
{
    chain_verdict verdict = {.entry = NULL};
    message_proof proof;
    used_nonce taken;
    uint64_t start = nanoseconds();
    judge_chain(s, memory, r, &verdict);
    judge_proof(s, r, &verdict, &proof);
    require(content_digest_check(&r->message, (aip_bytes){(const unsigned char *)s->body, BODY_BYTES}, NULL), "digest");
    const nonce_use use = {proof.key_id, proof.nonce, proof.created};
    require(nonce_memory_take(nonces, &use, NOW, &taken, NULL), "nonce");
    chain_verdict_clear(&verdict);
    return nanoseconds() - start;
}

static uint64_t
time_repeated_chain(subject *s, chain_memory *memory, const request *r)
{
    chain_verdict verdict = {.entry = NULL};
    uint64_t start = nanoseconds();
    judge_chain(s, memory, r, &verdict);
    chain_verdict_clear(&verdict);
    return nanoseconds() - start;
}

static uint64_t
time_bare(const unsigned char *signature, aip_bytes message, const unsigned char *key)
{
    uint64_t start = nanoseconds();
    if (crypto_sign_verify_detached(signature, message.data, message.size, key) != 0) {
        exit(1);
    }
    return nanoseconds() - start;
}

static uint64_t
time_bare_proof(const request *r, size_t elements)
{
    return time_bare(r->bare, text_view(&r->base), aip_secret_key_public(r->from->parties[elements].key)->bytes);
}

static uint64_t
time_bare_chain(const signed_part *parts, size_t elements)
{
    uint64_t total = 0;
    for (size_t i = 0; i < elements; i++) {
        total += time_bare(parts[i].signature, parts[i].message, parts[i].key);
    }
    return total;
}

/* Of each request: microseconds, and what it cost against the bare verifications right beside it. */
typedef struct {
    double warm[REQUESTS], cold[REQUESTS], chain[REQUESTS], bare_one[REQUESTS], bare_all[REQUESTS];
    double warm_ratio[REQUESTS], cold_ratio[REQUESTS];
} timings;

static void
report(timings *t, size_t elements, size_t bytes)
{
    printf(
        "%zu elements, %4zu bytes: warm %5.1f us, 1 bare verification %5.1f us, ratio %.3f; the repeated chain in it "
        "%.1f us; cold %5.1f us, %zu bare verifications %5.1f us, ratio %.3f\n",
        elements, bytes, median(t->warm, REQUESTS), median(t->bare_one, REQUESTS), median(t->warm_ratio, REQUESTS),
        median(t->chain, REQUESTS), median(t->cold, REQUESTS), elements + 1, median(t->bare_all, REQUESTS),
        median(t->cold_ratio, REQUESTS));
}

typedef struct {
    chain_memory *memory;
    nonce_memory *warm_nonces, *cold_nonces; /* each request comes once warm and once cold */
} memories;

/* Whatever comes first pays for a cache that others have used: so each is first as often. */
static void
time_warm(subject *s, const memories *m, size_t elements, size_t i, timings *t)
{
    const request *r = &s->requests[i];
    bool bare_first = i / FAMILIES % 2 == 0;
    uint64_t bare = bare_first ? time_bare_proof(r, elements) : 0;
    uint64_t warm = time_admission(s, m->memory, m->warm_nonces, r);
    uint64_t chain = time_repeated_chain(s, m->memory, r);
    bare = bare_first ? bare : time_bare_proof(r, elements);
    t->warm[i] = (double)warm / 1000;
    t->chain[i] = (double)chain / 1000;
    t->bare_one[i] = (double)bare / 1000;
    t->warm_ratio[i] = (double)warm / (double)bare;
}

static void
time_cold(subject *s, const memories *m, size_t elements, size_t i, timings *t)
{
    const request *r = &s->requests[i];
    uint64_t cold = time_admission(s, NULL, m->cold_nonces, r);
    uint64_t bare = time_bare_chain(s->parts[i % FAMILIES], elements) + time_bare_proof(r, elements);
    t->cold[i] = (double)cold / 1000;
    t->bare_all[i] = (double)bare / 1000;
    t->cold_ratio[i] = (double)cold / (double)bare;
}

static void
measure(subject *s, size_t elements)
{
    static timings t;
    const chain_memory_limits limits = {64u << 20, 64u << 20};
    memories m;
    require(chain_memory_new(&limits, &m.memory, NULL), "memory");
    require(nonce_memory_new(AIP_NONCES_DEFAULT, NULL, &m.warm_nonces, NULL), "nonces");
    require(nonce_memory_new(AIP_NONCES_DEFAULT, NULL, &m.cold_nonces, NULL), "nonces");
    make_requests(s, elements);
    for (size_t i = 0; i < FAMILIES; i++) {
        (void)time_repeated_chain(s, m.memory, &s->requests[i]);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        time_warm(s, &m, elements, i, &t);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        time_cold(s, &m, elements, i, &t);
    }
    report(&t, elements, strlen(s->families[0].text));
    clear_requests(s);
    nonce_memory_free(&m.warm_nonces);
    nonce_memory_free(&m.cold_nonces);
    chain_memory_free(&m.memory);
}

int
main(void)
{
    static const size_t lengths[] = {1, 3, ELEMENTS_MAX};
    static subject s;
    require(crypto_start(NULL), "start");
    require(identity_memory_new(4096, false, &s.identities, NULL), "identities");
    require(revoked_memory_new(&s.revoked, NULL), "revoked");
    memset(s.body, 'x', BODY_BYTES);
    content_digest_write(aip_bytes_of(s.body), s.digest);
    make_parties(&s);
    load_revocations(&s);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        measure(&s, lengths[i]);
    }
    free_parties(&s);
    aip_trust_clear(&s.trust);
    revoked_memory_free(&s.revoked);
    identity_memory_free(&s.identities);
    return 0;
}
