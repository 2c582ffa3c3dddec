/* Random chains through the memory of verified chains while keys rotate, names are refused, statements revoke, the
 * clock moves and trust changes, in turn and racing: each verdict is the one that no memory would have given. */
#include "chain/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "chain/revoked.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/keyring.h"
#include "did/memory.h"
#include "../unit/check.h"

#define NOW 1800000000
#define GATEWAY "did:web:gateway.example"
#define PARTIES 12
#define KEYS 3
#define ROOTS 6 /* the first parties */
#define TEXTS 72
#define BROKEN 36
#define ALL_TEXTS (TEXTS + BROKEN)
#define ELEMENTS_MAX 6
#define SNAPSHOTS 5
#define CASES 16
#define STEPS 120
#define THREADS 4
#define REVOKED_MAX 64 /* memories of revocations that one world goes through */
#define FACTS_MAX 20   /* in one of them, so that not everything ends */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define RACE_MILLISECONDS 500
#else
#define RACE_MILLISECONDS 1000
#endif

typedef struct {
    uint64_t state;
} dice;

static size_t
next(dice *d, size_t below)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (size_t)(d->state % below);
}

/* ---- who there is, and what they signed ---- */

typedef struct {
    aip_secret_key *keys[KEYS];
    char name[80];
    bool rotates; /* its second key may sign */
} party;

typedef struct {
    char *text;
    size_t elements, parties[ELEMENTS_MAX + 1];
    int64_t iat, exp;
} written;

typedef struct {
    aip_trust trust;
    size_t audience_count;
} snapshot;

typedef struct {
    party parties[PARTIES];
    written texts[ALL_TEXTS];
    snapshot snapshots[SNAPSHOTS];
} cast;

static cast players;

static void
name_party(party *p, size_t index)
{
    const unsigned char *key = aip_secret_key_public(p->keys[0])->bytes;
    unsigned char hash[16];
    aip_did_of_key(aip_secret_key_public(p->keys[0]), p->name);
    p->rotates = index % 4 < 3;
    if (index % 4 == 2) {
        snprintf(p->name, sizeof p->name, "did:web:p%zu.example", index);
    } else if (index == 3 || index == 11) {
        did_key_hash(key, hash);
        size_t at = (size_t)snprintf(p->name, sizeof p->name, "did:aip:");
        for (size_t i = 0; i < sizeof hash; i++) {
            at += (size_t)snprintf(p->name + at, sizeof p->name - at, "%02x", hash[i]);
        }
    } else if (index == 7) {
        char text[80];
        strcpy(text, p->name);
        snprintf(p->name, sizeof p->name, "did:key:%.60s", text + sizeof "did:aip:" - 1);
    }
}

/* Mostly the first key without a kid, else the second one, which only some states of the party's identity know. */
static char *
sign(dice *d, const written *parent, const written *w)
{
    static const char *const scope[] = {"tool:search"}, *const audience[] = {GATEWAY, "did:web:other.example"};
    const party *signer = &players.parties[w->parties[w->elements - 1]];
    bool second = signer->rotates && next(d, 8) == 0;
    char kid[96], *out = NULL;
    size_t named = next(d, 5);
    snprintf(kid, sizeof kid, "%s#key-%d", signer->name, second ? 2 : 1);
    const aip_statement said = {.issuer = signer->name,
                                .kid = second || (signer->rotates && next(d, 4) == 0) ? kid : NULL,
                                .subject = players.parties[w->parties[w->elements]].name,
                                .scope = scope,
                                .scope_count = 1,
                                .has_budget = next(d, 2) == 0,
                                .budget_micro_usd = 1000000 >> w->elements,
                                .has_max_depth = parent == NULL,
                                .max_depth = 9,
                                .has_not_before = next(d, 6) == 0,
                                .not_before = w->iat + 100,
                                .issued_at = w->iat,
                                .expires_at = w->exp,
                                .audience = &audience[named == 4],
                                .audience_count = parent == NULL && named >= 3,
                                .context = "a task"};
    const aip_secret_key *key = signer->keys[second];
    CHECK_STATUS(parent == NULL ? aip_token_issue(key, &said, &out, NULL)
                                : aip_token_delegate(key, aip_bytes_of(parent->text), &said, &out, NULL),
                 AIP_OK);
    return out;
}

static bool
takes_part(const written *w, size_t count, size_t who)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        found = found || w->parties[i] == who;
    }
    return found;
}

/* Every third text is a root; the others continue an earlier one, so that prefixes are shared. */
static void
write_text(dice *d, size_t index)
{
    written *w = &players.texts[index];
    const written *parent = NULL;
    *w = (written){.iat = NOW - 100 + (int64_t)next(d, 60), .exp = NOW + 60 + (int64_t)next(d, 100)};
    if (index % 6 != 0) {
        do {
            parent = &players.texts[next(d, index)];
        } while (parent->elements == ELEMENTS_MAX);
        *w = (written){.iat = parent->iat + (int64_t)next(d, 20), .exp = parent->exp - (int64_t)next(d, 20)};
        w->elements = parent->elements;
        memcpy(w->parties, parent->parties, sizeof w->parties);
    } else {
        w->parties[0] = next(d, ROOTS);
    }
    w->elements++;
    do {
        w->parties[w->elements] = next(d, PARTIES);
    } while (takes_part(w, w->elements, w->parties[w->elements]));
    w->text = sign(d, parent, w);
}

/* A changed character, a lost end, or an element left out. */
static void
break_text(dice *d, size_t index)
{
    written *w = &players.texts[index];
    *w = players.texts[next(d, TEXTS)];
    w->text = strdup(w->text);
    size_t size = strlen(w->text), at = next(d, size);
    char *middle = strchr(w->text, '~'), *end = middle == NULL ? NULL : strchr(middle + 1, '~');
    switch (next(d, 4)) {
    case 0:
        w->text[size - 1 - next(d, 30)] = '\0';
        break;
    case 1:
        if (end != NULL) {
            memmove(middle, end, strlen(end) + 1);
            break;
        } /* fall through */
    case 2:
        at = size - 20; /* in the last signature */
        /* fall through */
    default:
        w->text[at] = w->text[at] == 'A' ? 'B' : 'A';
    }
}

/* ---- what is trusted ---- */

static void
trust_named(aip_trust *trust, size_t who, bool pinned, const aip_ceiling *ceiling)
{
    char text[160], key[MULTIBASE_KEY_TEXT_SIZE + 1];
    const party *p = &players.parties[who];
    multibase_encode_key(aip_secret_key_public(p->keys[0])->bytes, key);
    snprintf(text, sizeof text, pinned ? "%s=%s" : "%s", p->name, key);
    CHECK_STATUS(aip_trust_add(trust, text, NULL), AIP_OK);
    trust->roots[trust->count - 1].ceiling = ceiling;
}

/* Everyone; everyone below a ceiling; some; pinned and as bare keys; nobody but guests. */
static void
make_snapshots(void)
{
    const aip_ceiling low = {.name = "low",
                             .has_budget = true,
                             .budget_micro_usd = 100000,
                             .has_max_depth = true,
                             .max_depth = 2,
                             .ttl_seconds = 120};
    for (size_t i = 0; i < SNAPSHOTS; i++) {
        const aip_ceiling *ceiling = NULL;
        aip_trust *trust = &players.snapshots[i].trust;
        char key[MULTIBASE_KEY_TEXT_SIZE + 1];
        players.snapshots[i].audience_count = i % 2 == 0;
        CHECK_STATUS(aip_trust_add_ceiling(trust, &low, &ceiling, NULL), AIP_OK);
        for (size_t who = 0; who < ROOTS && i < 3; who += i == 2 ? 2 : 1) {
            trust_named(trust, who, false, i == 1 ? ceiling : NULL);
        }
        for (size_t who = 0; who < ROOTS && i == 3; who++) {
            if (who % 2 == 0) {
                trust_named(trust, who, true, NULL);
            } else {
                multibase_encode_key(aip_secret_key_public(players.parties[who].keys[0])->bytes, key);
                CHECK_STATUS(aip_trust_add(trust, key, NULL), AIP_OK);
            }
        }
        trust->unknown = i >= 3 ? ceiling : NULL;
    }
}

static void
open_cast(void)
{
    dice d = {0xca57};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    for (size_t i = 0; i < PARTIES; i++) {
        for (size_t k = 0; k < KEYS; k++) {
            unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1), (unsigned char)k, 77};
            CHECK_STATUS(aip_secret_key_from_seed(seed, &players.parties[i].keys[k], NULL), AIP_OK);
        }
        name_party(&players.parties[i], i);
    }
    for (size_t i = 0; i < TEXTS; i++) {
        write_text(&d, i);
    }
    for (size_t i = TEXTS; i < ALL_TEXTS; i++) {
        break_text(&d, i);
    }
    make_snapshots();
}

static void
close_cast(void)
{
    for (size_t i = 0; i < PARTIES * KEYS; i++) {
        aip_secret_key_free(&players.parties[i / KEYS].keys[i % KEYS]);
    }
    for (size_t i = 0; i < ALL_TEXTS; i++) {
        free(players.texts[i].text);
    }
    for (size_t i = 0; i < SNAPSHOTS; i++) {
        aip_trust_clear(&players.snapshots[i].trust);
    }
    players = (cast){0};
}

/* ---- a world that changes, one thing at a time ---- */

/* What is known of a party; the clock and its freshness decide besides. */
typedef enum { ABSENT, FIRST, ROTATED, COMPROMISED, REPLACED, ENDED, REFUSED, FAILED, FORMS } knowledge;

typedef struct {
    identity_memory *identities;
    _Atomic(const snapshot *) configuration;
    _Atomic(revoked_memory *) revoked;
    atomic_llong now;
    atomic_size_t sequence; /* odd while something changes */
    revoked_memory *all_revoked[REVOKED_MAX];
    size_t revoked_count, facts;
    knowledge known[PARTIES];
    dice dice;
} world;

static void
put_identity(world *w, size_t who, knowledge what, int64_t fresh_until)
{
    IDENTITY_AUTO identity *id = NULL;
    const party *p = &players.parties[who];
    bool rotated = what == ROTATED || what == COMPROMISED;
    CHECK_STATUS(identity_new(aip_bytes_of(p->name), rotated ? 2 : 1, &id, NULL), AIP_OK);
    id->has_log = rotated;
    id->deactivated = what == ENDED;
    for (size_t i = 0; i < id->key_count; i++) {
        identity_key *key = &id->keys[i];
        key->key = *aip_secret_key_public(p->keys[what == REPLACED ? 2 : i]);
        snprintf(key->fragment, sizeof key->fragment, "key-%zu", i + 1);
        key->uses = IDENTITY_USES_ALL;
        key->from = i == 0 ? INT64_MIN : NOW - 60;
        key->until = rotated && i == 0 ? NOW - 60 : INT64_MAX;
        key->compromised = what == COMPROMISED && i == 0;
    }
    CHECK_STATUS(identity_memory_put(w->identities, id, fresh_until, NULL), AIP_OK);
}

static void
learn(world *w, size_t who, knowledge what)
{
    int64_t until = next(&w->dice, 8) == 0 ? NOW + (int64_t)next(&w->dice, 100) : NOW + 1000;
    aip_bytes name = aip_bytes_of(players.parties[who].name);
    aip_error why = AIP_ERROR_INIT;
    w->known[who] = what;
    if (what == ABSENT) {
        identity_memory_forget(w->identities, name);
    } else if (what == REFUSED || what == FAILED) {
        (void)!aip_fail(&why, what == REFUSED ? AIP_DID_NOT_FOUND : AIP_FETCH_TIMEOUT, NULL);
        CHECK_STATUS(identity_memory_put_refusal(w->identities, name, &why, until, NULL), AIP_OK);
    } else {
        put_identity(w, who, what, until);
    }
}

static void
change_identity(world *w)
{
    size_t who = next(&w->dice, PARTIES);
    bool ended = w->known[who] == ENDED; /* nothing replaces it */
    learn(w, who, ended ? ABSENT : next(&w->dice, 2) == 0 ? FIRST : (knowledge)next(&w->dice, FORMS));
}

static void
renew_revoked(world *w)
{
    revoked_memory *memory = NULL;
    CHECK_STATUS(revoked_memory_new(&memory, NULL), AIP_OK);
    w->all_revoked[w->revoked_count++] = memory;
    w->facts = 0;
    atomic_store(&w->revoked, memory);
}

/* Of somebody or something in a random text, by somebody in it. */
static void
add_revocation(world *w)
{
    const written *text = &players.texts[next(&w->dice, TEXTS)];
    size_t target = text->parties[next(&w->dice, text->elements + 1)];
    size_t issuer = text->parties[next(&w->dice, text->elements + 1)];
    revoked_fact fact = {.issuer = aip_bytes_of(players.parties[issuer].name)};
    const char *last = strrchr(text->text, '~'), *start = last == NULL ? text->text : last + 1;
    switch (next(&w->dice, 8)) {
    case 0:
        fact.kind = REVOKED_DID;
        hash_sha256(aip_bytes_of(players.parties[target].name), fact.target_id);
        break;
    case 1:
        fact.kind = REVOKED_KEY;
        memcpy(fact.target_id, aip_secret_key_public(players.parties[target].keys[next(&w->dice, 2)])->bytes,
               AIP_KEY_BYTES);
        break;
    default:
        fact.kind = REVOKED_LINK;
        hash_sha256((aip_bytes){(const unsigned char *)start, (size_t)(strrchr(start, '.') - start)}, fact.target_id);
    }
    CHECK_STATUS(revoked_memory_add(atomic_load(&w->revoked), &fact, NULL), AIP_OK);
    w->facts++;
}

static void
change(world *w)
{
    atomic_fetch_add(&w->sequence, 1);
    switch (next(&w->dice, 8)) {
    case 0:
        atomic_store(&w->now, NOW - 20 + (int64_t)next(&w->dice, 120));
        break;
    case 1:
        atomic_store(&w->configuration, &players.snapshots[next(&w->dice, 2) * next(&w->dice, SNAPSHOTS)]);
        break;
    case 2:
    case 3:
        if (w->facts < FACTS_MAX) {
            add_revocation(w);
        } else if (w->revoked_count < REVOKED_MAX) {
            renew_revoked(w);
        }
        break;
    default:
        change_identity(w);
    }
    atomic_fetch_add(&w->sequence, 1);
}

static void
open_world(world *w, uint64_t seed)
{
    *w = (world){.dice = {seed}};
    atomic_init(&w->now, NOW);
    atomic_init(&w->configuration, &players.snapshots[0]);
    CHECK_STATUS(identity_memory_new(256, false, &w->identities, NULL), AIP_OK);
    renew_revoked(w);
    for (size_t i = 0; i < PARTIES; i++) {
        learn(w, i, FIRST);
    }
}

static void
close_world(world *w)
{
    identity_memory_free(&w->identities);
    for (size_t i = 0; i < w->revoked_count; i++) {
        revoked_memory_free(&w->all_revoked[i]);
    }
}

/* ---- verdicts ---- */

/* Everything that a caller sees, as one text. */
typedef struct {
    aip_status status;
    char facts[1024];
} judgement;

static void
describe(const chain_verdict *v, aip_status status, const aip_error *err, judgement *out)
{
    unsigned char keys[AIP_HASH_BYTES] = {0};
    const aip_grant *g = &v->grant;
    out->status = status;
    if (status != AIP_OK) {
        snprintf(out->facts, sizeof out->facts, "%s at %d", aip_status_lookup(status)->name, err->at);
        return;
    }
    hash_sha256((aip_bytes){v->proof.keys[0].bytes, v->proof.count * sizeof v->proof.keys[0]}, keys);
    snprintf(out->facts, sizeof out->facts,
             "%.*s to %.*s root %02x%02x%02x keys %02x%02x%02x%02x %s %s %d %llu %u %lld", (int)g->root.size,
             (const char *)g->root.data, (int)g->leaf.size, (const char *)g->leaf.data, g->root_key.bytes[0],
             g->root_key.bytes[1], g->root_key.bytes[2], keys[0], keys[1], keys[2], keys[3],
             g->ceiling == NULL ? "free" : g->ceiling->name, g->stranger ? "stranger" : "known", g->has_budget,
             (unsigned long long)g->budget_micro_usd, g->depth_left, (long long)g->expires);
}

/* Whether one text is asked for twice with the entry in hand makes no difference either. */
static void
judge(chain_memory *memory, world *w, const char *text, bool twice, judgement *out)
{
    static const char *const audience[] = {GATEWAY};
    const snapshot *configuration = atomic_load(&w->configuration);
    revoked_memory *revoked = atomic_load(&w->revoked);
    memory_view view = {w->identities, atomic_load(&w->now), DID_USE_ANY};
    aip_key_source keys;
    identity_memory_source(&view, &keys);
    const aip_check check = {&configuration->trust, audience, configuration->audience_count, view.now_seconds, &keys};
    chain_verdict verdict = {.entry = NULL};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = AIP_OK;
    if (twice) {
        status = chain_memory_verify(memory, aip_bytes_of(text), &check, &verdict, &err);
        err = (aip_error)AIP_ERROR_INIT;
    }
    status = chain_memory_verify(memory, aip_bytes_of(text), &check, &verdict, &err);
    if (status == AIP_OK) {
        status =
            revoked_check(revoked, chain_entry_chain(verdict.entry), verdict.proof.keys, verdict.proof.count, &err);
    }
    describe(&verdict, status, &err, out);
    chain_verdict_clear(&verdict);
}

static bool
is_same(const judgement *a, const judgement *b)
{
    return a->status == b->status && strcmp(a->facts, b->facts) == 0;
}

static chain_memory *
new_memory(size_t all, size_t per_root)
{
    const chain_memory_limits limits = {all, per_root};
    chain_memory *memory = NULL;
    CHECK_STATUS(chain_memory_new(&limits, &memory, NULL), AIP_OK);
    return memory;
}

enum { LARGE = 16 << 20, SMALL = 96 << 10, SMALL_SHARE = 40 << 10 };

static void
warm_verdicts_are_the_cold_ones_whatever_changes(void)
{
    size_t seen[AIP_STATUS_COUNT] = {0}, kinds = 0;
    open_cast();
    chain_memory *large = new_memory(LARGE, LARGE), *small = new_memory(SMALL, SMALL_SHARE);
    for (size_t c = 0; c < CASES; c++) {
        static world w;
        open_world(&w, 0x5eed + c);
        for (size_t step = 0; step < STEPS; step++) {
            size_t index = next(&w.dice, next(&w.dice, 4) == 0 ? ALL_TEXTS : TEXTS);
            const char *text = players.texts[index].text;
            judgement cold, warm, tight;
            judge(NULL, &w, text, false, &cold);
            judge(large, &w, text, next(&w.dice, 3) == 0, &warm);
            judge(small, &w, text, next(&w.dice, 3) == 0, &tight);
            CHECK(is_same(&cold, &warm));
            CHECK(is_same(&cold, &tight));
            CHECK(chain_memory_count(small).bytes <= SMALL);
            seen[cold.status] += index < TEXTS;
            change(&w);
        }
        close_world(&w);
    }
    for (size_t i = 0; i < AIP_STATUS_COUNT; i++) {
        kinds += seen[i] > 0;
    }
    const chain_memory_figures all = chain_memory_count(large), some = chain_memory_count(small);
    CHECK(kinds >= 10 && seen[AIP_OK] > CASES * STEPS / 20 && seen[AIP_TOKEN_REVOKED] > 0 &&
          seen[AIP_TOKEN_SIGNATURE] > 0);
    CHECK(all.whole_hits > 100 && all.prefix_hits > 10 && some.entries > 0 && some.misses > all.misses);
    chain_memory_free(&large);
    chain_memory_free(&small);
    close_cast();
}

/* ---- racing ---- */

typedef struct {
    world *world;
    chain_memory *memory;
    atomic_bool ended;
    atomic_size_t verdicts, steady, changed, wrong;
    pthread_mutex_t lock;
    judgement before, warm, after; /* of the first wrong one, under the lock */
} race;

typedef struct {
    race *race;
    dice dice;
} racer;

/* Where a chain is ended may fall between two looks at one statement; that it is, may not. */
static bool
is_one_of(const judgement *warm, const judgement *before, const judgement *after)
{
    bool ended = before->status == AIP_TOKEN_REVOKED || after->status == AIP_TOKEN_REVOKED;
    return is_same(warm, before) || is_same(warm, after) || (ended && warm->status == AIP_TOKEN_REVOKED);
}

static void
note_wrong(race *r, const judgement *before, const judgement *warm, const judgement *after)
{
    pthread_mutex_lock(&r->lock);
    if (atomic_fetch_add(&r->wrong, 1) == 0) {
        r->before = *before;
        r->warm = *warm;
        r->after = *after;
    }
    pthread_mutex_unlock(&r->lock);
}

static void
verify_once(race *r, dice *d)
{
    judgement before, warm, after;
    const char *text = players.texts[next(d, ALL_TEXTS)].text;
    size_t start = atomic_load(&r->world->sequence);
    judge(NULL, r->world, text, false, &before);
    judge(r->memory, r->world, text, next(d, 4) == 0, &warm);
    judge(NULL, r->world, text, false, &after);
    size_t changes = (atomic_load(&r->world->sequence) + 1) / 2 - start / 2;
    bool right = true;
    if (changes == 0) {
        right = is_same(&before, &warm) && is_same(&warm, &after);
        atomic_fetch_add(&r->steady, 1);
    } else if (changes == 1) {
        right = is_one_of(&warm, &before, &after);
        atomic_fetch_add(&r->changed, 1);
    }
    if (!right) {
        note_wrong(r, &before, &warm, &after);
    }
    atomic_fetch_add(&r->verdicts, 1);
}

static void *
run_racer(void *context)
{
    racer *own = context;
    while (!atomic_load(&own->race->ended)) {
        verify_once(own->race, &own->dice);
    }
    return NULL;
}

static int64_t
milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A change for every few verdicts, however fast they come. */
static size_t
run_changes(race *r)
{
    size_t changes = 0, seen = 0;
    for (int64_t end = milliseconds() + RACE_MILLISECONDS; milliseconds() < end;) {
        if (atomic_load(&r->verdicts) >= seen) {
            change(r->world);
            changes++;
            seen = atomic_load(&r->verdicts) + next(&r->world->dice, 2 * THREADS);
        } else {
            usleep(20);
        }
    }
    return changes;
}

static void
race_through(size_t all, size_t per_root)
{
    static world w;
    race r = {.world = &w, .memory = new_memory(all, per_root), .lock = PTHREAD_MUTEX_INITIALIZER};
    racer racers[THREADS];
    pthread_t threads[THREADS];
    open_world(&w, 0x7ace + all);
    for (size_t i = 0; i < THREADS; i++) {
        racers[i] = (racer){&r, {0xbeef + i}};
        CHECK(pthread_create(&threads[i], NULL, run_racer, &racers[i]) == 0);
    }
    size_t changes = run_changes(&r);
    atomic_store(&r.ended, true);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(r.wrong == 0 && chain_memory_count(r.memory).bytes <= all);
    if (r.wrong > 0) {
        printf("  before: %s\n  warm: %s\n  after: %s\n", r.before.facts, r.warm.facts, r.after.facts);
    }
    CHECK(changes > 10 && r.steady > 0 && r.changed > 0 && chain_memory_count(r.memory).misses > 0);
    pthread_mutex_destroy(&r.lock);
    chain_memory_free(&r.memory);
    close_world(&w);
}

static void
racing_verdicts_are_those_of_before_or_after_a_change(void)
{
    open_cast();
    race_through(LARGE, LARGE);
    close_cast();
}

static void
racing_verdicts_hold_while_the_memory_forgets_all_the_time(void)
{
    open_cast();
    race_through(SMALL, SMALL_SHARE);
    close_cast();
}

RUN(TEST(warm_verdicts_are_the_cold_ones_whatever_changes), TEST(racing_verdicts_are_those_of_before_or_after_a_change),
    TEST(racing_verdicts_hold_while_the_memory_forgets_all_the_time))
