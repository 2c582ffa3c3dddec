/* Random delegation trees and calls against the ledger: beside a model, from threads and processes that are killed, and
 * at two gateways without contact. No account is ever overspent, and every forwarded call is accounted. */
#include "store/ledger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "../unit/check.h"
#include "../unit/store_file.h"

#define NOW INT64_C(1800000000)
#define LINKS 24
#define KEYS 12
#define OPEN_MAX 64
#define PER_COMMIT 6
#define MODEL_WORLDS 12
#define MODEL_STEPS 150
#define KILL_ROUNDS 14
#define KILL_ROUNDS_MAX 200 /* on a disk that is slow */
#define ENOUGH 20
#define PROCESSES 2
#define THREADS 3
#define GATEWAY_WORLDS 6

typedef struct {
    uint64_t state;
} dice;

static uint64_t
next(dice *d, uint64_t below)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (d->state >> 11) % below;
}

/* ---- who may spend what ---- */

typedef struct {
    int parent[LINKS]; /* a lower index, or -1 */
    ledger_path paths[LINKS];
} forest;

static void
grow(forest *f, dice *d)
{
    for (int i = 0; i < LINKS; i++) {
        ledger_path *path = &f->paths[i];
        f->parent[i] = i < 2 ? -1 : (int)next(d, (uint64_t)i);
        if (i >= 2 && f->paths[f->parent[i]].count == 8) {
            f->parent[i] = 0;
        }
        *path = f->parent[i] < 0 ? (ledger_path){0} : f->paths[f->parent[i]];
        ledger_link *link = &path->links[path->count++];
        hash_sha256((aip_bytes){(const unsigned char *)&i, sizeof i}, link->link);
        link->has_ceiling = f->parent[i] < 0 || next(d, 4) > 0;
        link->ceiling_micro_usd = next(d, f->parent[i] < 0 ? 6000 : 3000);
        path->expires = NOW + 1000000;
    }
}

static bool
is_below(const forest *f, int i, int top)
{
    while (i > top) {
        i = f->parent[i];
    }
    return i == top;
}

static uint64_t
sum_below(const forest *f, int top, const uint64_t *values)
{
    uint64_t sum = 0;
    for (int i = top; i < LINKS; i++) {
        sum += is_below(f, i, top) ? values[i] : 0;
    }
    return sum;
}

/* Keys belong to a leaf, an amount and a cost, so that a retry is the same call whoever makes it. */
typedef struct {
    int leaf;
    uint64_t amount, cost;
    ledger_key key;
} keyed_call;

static void
make_calls(const forest *f, dice *d, keyed_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char client_key[32];
        keyed_call *c = &calls[i];
        c->leaf = (int)next(d, LINKS);
        c->amount = next(d, 400);
        c->cost = next(d, c->amount + 1);
        snprintf(client_key, sizeof client_key, "key-%zu", i % (KEYS - 2)); /* the last two may conflict */
        const ledger_call call = {AIP_BYTES_LITERAL("t"), AIP_BYTES_LITERAL("{}"), aip_bytes_of(client_key)};
        CHECK_STATUS(ledger_key_of(&f->paths[c->leaf], &call, &c->key, NULL), AIP_OK);
        c->key.digest[0] = (unsigned char)i;
    }
}

typedef struct {
    store *db;
    ledger *book;
} account_book;

static void
open_book(account_book *b)
{
    aip_status status = store_open(file_path, &b->db, NULL);
    if (status != AIP_OK || ledger_open(b->db, &b->book, NULL) != AIP_OK) {
        abort();
    }
}

static void
close_book(account_book *b)
{
    ledger_close(&b->book);
    store_close(&b->db);
}

/* ---- one after the other, beside a model ---- */

typedef struct {
    int64_t number, made_at;
    int leaf, key; /* key -1: none */
    uint64_t amount, charged;
    bool is_open, is_ours, was_taken_over;
} model_hold;

typedef struct {
    forest trees;
    keyed_call calls[KEYS];
    uint64_t spent[LINKS], held[LINKS]; /* of the leaf alone */
    model_hold holds[OPEN_MAX];
    size_t count;
    int64_t now;
    dice d;
    size_t held_calls, exceeded, ended, repeated, refused_repeats;
} model;

static aip_status
foretell_fit(const model *m, int leaf, uint64_t amount, int *at)
{
    const ledger_path *path = &m->trees.paths[leaf];
    int chain[AIP_CHAIN_ELEMENTS_MAX];
    for (int k = (int)path->count - 1, i = leaf; k >= 0; k--, i = m->trees.parent[i]) {
        chain[k] = i;
    }
    for (size_t k = 0; k < path->count; k++) {
        uint64_t used = sum_below(&m->trees, chain[k], m->spent) + sum_below(&m->trees, chain[k], m->held);
        if (path->links[k].has_ceiling && used + amount > path->links[k].ceiling_micro_usd) {
            *at = (int)k;
            return AIP_BUDGET_EXCEEDED;
        }
    }
    return AIP_OK;
}

static model_hold *
find_key(model *m, int key)
{
    for (size_t i = 0; i < m->count; i++) {
        const model_hold *h = &m->holds[i];
        if (h->key >= 0 && memcmp(m->calls[h->key].key.name, m->calls[key].key.name, AIP_HASH_BYTES) == 0) {
            return &m->holds[i];
        }
    }
    return NULL;
}

static aip_status
foretell_repeat(model *m, model_hold *h, int key)
{
    if (h->key != key) {
        return AIP_BUDGET_CONFLICT;
    }
    if (!h->is_open) {
        return AIP_BUDGET_SETTLED;
    }
    if (h->is_ours || m->now - h->made_at < LEDGER_TAKEOVER_SECONDS) {
        return AIP_BUDGET_PENDING;
    }
    h->is_ours = h->was_taken_over = true;
    h->made_at = m->now;
    return AIP_OK;
}

static void
check_hold(model *m, const ledger_request *r, int leaf, int key)
{
    const ledger_answer *got = &r->answer;
    model_hold *old = key < 0 ? NULL : find_key(m, key);
    int at = AIP_NOWHERE;
    if (old != NULL) {
        aip_status wanted = foretell_repeat(m, old, key);
        CHECK_STATUS(got->verdict, wanted);
        CHECK(wanted == AIP_BUDGET_CONFLICT ? got->hold == 0 : got->hold == old->number && got->repeated);
        m->repeated += wanted == AIP_OK;
        m->refused_repeats += wanted != AIP_OK;
        return;
    }
    aip_status wanted = foretell_fit(m, leaf, r->amount_micro_usd, &at);
    CHECK_STATUS(got->verdict, wanted);
    CHECK(got->at == at && !got->repeated);
    if (wanted != AIP_OK) {
        m->exceeded++;
        return;
    }
    m->held_calls++;
    m->held[leaf] += r->amount_micro_usd;
    m->holds[m->count++] = (model_hold){got->hold, m->now, leaf, key, r->amount_micro_usd, 0, true, true, false};
}

static model_hold *
find_number(model *m, int64_t number)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->holds[i].number == number) {
            return &m->holds[i];
        }
    }
    return NULL;
}

static void
check_end(model *m, const ledger_request *r)
{
    model_hold *h = find_number(m, r->hold);
    if (h == NULL || !h->is_open || h->is_ours == (r->verb == LEDGER_FREE)) {
        CHECK_STATUS(r->answer.verdict, AIP_BUDGET_HOLD_UNKNOWN);
        return;
    }
    bool forwarded = r->verb == LEDGER_SETTLE || (r->verb == LEDGER_RELEASE && h->was_taken_over);
    uint64_t most = r->verb == LEDGER_SETTLE && r->amount_micro_usd < h->amount ? r->amount_micro_usd : h->amount;
    h->charged = forwarded ? most : 0;
    CHECK_STATUS(r->answer.verdict, AIP_OK);
    CHECK(r->answer.charged_micro_usd == h->charged);
    m->held[h->leaf] -= h->amount;
    m->spent[h->leaf] += h->charged;
    m->ended++;
    h->is_open = false;
    if (!forwarded || h->key < 0) {
        *h = m->holds[--m->count];
    }
}

static ledger_request
random_request(model *m, int *leaf, int *key)
{
    *leaf = (int)next(&m->d, LINKS);
    *key = -1;
    if (next(&m->d, 2) == 0 && m->count > 0) {
        const model_hold *h = &m->holds[next(&m->d, m->count)];
        static const ledger_verb verbs[] = {LEDGER_SETTLE, LEDGER_SETTLE, LEDGER_RELEASE, LEDGER_FREE};
        return (ledger_request){.verb = verbs[next(&m->d, 4)],
                                .hold = next(&m->d, 16) == 0 ? (int64_t)next(&m->d, 1000) : h->number,
                                .amount_micro_usd = next(&m->d, h->amount + 20)};
    }
    ledger_request r = {.verb = LEDGER_HOLD, .now_seconds = m->now, .amount_micro_usd = next(&m->d, 500)};
    if (next(&m->d, 3) == 0) {
        *key = (int)next(&m->d, KEYS);
        *leaf = m->calls[*key].leaf;
        r.key = &m->calls[*key].key;
        r.amount_micro_usd = m->calls[*key].amount;
    }
    r.path = &m->trees.paths[*leaf];
    return r;
}

static int64_t
query_account(const ledger_path *path, const char *column)
{
    char sql[256], link[2 * AIP_HASH_BYTES + 1];
    for (size_t i = 0; i < AIP_HASH_BYTES; i++) {
        snprintf(link + 2 * i, 3, "%02x", path->links[path->count - 1].link[i]);
    }
    snprintf(sql, sizeof sql, "SELECT %s FROM ledger_account WHERE link = x'%s'", column, link);
    return file_query(sql);
}

static void
check_accounts(const model *m)
{
    for (int i = 0; i < LINKS; i++) {
        int64_t spent = query_account(&m->trees.paths[i], "spent"), held = query_account(&m->trees.paths[i], "held");
        CHECK((uint64_t)(spent < 0 ? 0 : spent) == sum_below(&m->trees, i, m->spent));
        CHECK((uint64_t)(held < 0 ? 0 : held) == sum_below(&m->trees, i, m->held));
    }
}

static void
step_model(model *m, account_book *b)
{
    ledger_request requests[PER_COMMIT];
    int leaves[PER_COMMIT], keys[PER_COMMIT];
    size_t count = 1 + next(&m->d, PER_COMMIT);
    m->now += (int64_t)next(&m->d, 40);
    for (size_t i = 0; i < count; i++) {
        requests[i] = random_request(m, &leaves[i], &keys[i]);
    }
    CHECK_STATUS(ledger_apply(b->book, requests, count, NULL), AIP_OK);
    for (size_t i = 0; i < count; i++) {
        if (requests[i].verb == LEDGER_HOLD) {
            check_hold(m, &requests[i], leaves[i], keys[i]);
        } else {
            check_end(m, &requests[i]);
        }
    }
    if (next(&m->d, 12) == 0) { /* a restart: what is open is another run's now */
        close_book(b);
        open_book(b);
        for (size_t i = 0; i < m->count; i++) {
            m->holds[i].is_ours = false;
        }
    }
}

static void
random_calls_agree_with_a_model(void)
{
    static model m;
    size_t sums[5] = {0};
    for (uint64_t world = 0; world < MODEL_WORLDS; world++) {
        account_book b;
        m = (model){.now = NOW, .d = {UINT64_C(0x9E3779B97F4A7C15) * (world + 1)}};
        file_begin();
        open_book(&b);
        grow(&m.trees, &m.d);
        make_calls(&m.trees, &m.d, m.calls, KEYS);
        for (int step = 0; step < MODEL_STEPS && m.count + PER_COMMIT < OPEN_MAX; step++) {
            step_model(&m, &b);
        }
        check_accounts(&m);
        close_book(&b);
        file_end();
        const size_t seen[] = {m.held_calls, m.exceeded, m.ended, m.repeated, m.refused_repeats};
        for (size_t i = 0; i < 5; i++) {
            sums[i] += seen[i];
        }
    }
    CHECK(sums[0] > 200 && sums[1] > 200 && sums[2] > 100 && sums[3] > 3 && sums[4] > 30);
}

/* ---- all at once, and killed ---- */

/* Survives whoever is killed: what was forwarded is noted here at the moment when it would be. */
typedef struct {
    atomic_uint_fast64_t forwarded[LINKS], tried[LINKS], settled[LINKS];
    atomic_uint_fast64_t clock, commits, exceeded, taken_over;
    forest trees;
    keyed_call calls[KEYS];
} shared_world;

static shared_world *shared;

typedef struct {
    int64_t number;
    int leaf;
    uint64_t amount, cost;
    bool taken_over;
} worker_hold;

typedef struct {
    dice d;
    worker_hold open[PER_COMMIT];
    size_t count;
} worker;

static ledger_request
worker_request(worker *w, worker_hold *call)
{
    *call = (worker_hold){.leaf = (int)next(&w->d, LINKS), .amount = next(&w->d, 60)};
    call->cost = next(&w->d, call->amount + 1);
    ledger_request r = {.verb = LEDGER_HOLD, .now_seconds = NOW + (int64_t)atomic_fetch_add(&shared->clock, 1)};
    if (next(&w->d, 4) == 0) {
        const keyed_call *c = &shared->calls[next(&w->d, KEYS)];
        *call = (worker_hold){.leaf = c->leaf, .amount = c->amount, .cost = c->cost};
        r.key = &c->key;
    }
    r.path = &shared->trees.paths[call->leaf];
    r.amount_micro_usd = call->amount;
    return r;
}

/* Asks for some holds; only calls whose hold is durable are forwarded, and those at once. */
static void
hold_some(worker *w, ledger *book)
{
    ledger_request requests[PER_COMMIT];
    worker_hold calls[PER_COMMIT];
    size_t count = 1 + next(&w->d, PER_COMMIT);
    for (size_t i = 0; i < count; i++) {
        requests[i] = worker_request(w, &calls[i]);
    }
    w->count = 0;
    if (ledger_apply(book, requests, count, NULL) != AIP_OK) {
        return; /* others kept the database busy for too long: refused */
    }
    for (size_t i = 0; i < count; i++) {
        atomic_fetch_add(&shared->exceeded, requests[i].answer.verdict == AIP_BUDGET_EXCEEDED);
        if (requests[i].answer.verdict != AIP_OK) {
            continue;
        }
        calls[i].number = requests[i].answer.hold;
        calls[i].taken_over = requests[i].answer.repeated;
        atomic_fetch_add(&shared->taken_over, calls[i].taken_over);
        w->open[w->count++] = calls[i];
    }
}

static void
end_some(worker *w, ledger *book)
{
    ledger_request requests[PER_COMMIT];
    for (size_t i = 0; i < w->count; i++) {
        const worker_hold *h = &w->open[i];
        bool forwarded = next(&w->d, 5) > 0;
        requests[i] = (ledger_request){
            .verb = forwarded ? LEDGER_SETTLE : LEDGER_RELEASE, .hold = h->number, .amount_micro_usd = h->cost};
        if (forwarded && !h->taken_over) { /* a retry's call is the same call */
            atomic_fetch_add(&shared->forwarded[h->leaf], h->cost);
        }
        atomic_fetch_add(&shared->tried[h->leaf], forwarded ? h->cost : h->taken_over ? h->amount : 0);
    }
    /* Some never end: their gateway forgot them. */
    if (w->count == 0 || next(&w->d, 30) == 0 || ledger_apply(book, requests, w->count, NULL) != AIP_OK) {
        return;
    }
    for (size_t i = 0; i < w->count; i++) {
        if (requests[i].answer.verdict == AIP_OK) {
            atomic_fetch_add(&shared->settled[w->open[i].leaf], requests[i].answer.charged_micro_usd);
        }
    }
    atomic_fetch_add(&shared->commits, 1);
}

static void *
work(void *seed)
{
    worker w = {.d = {*(uint64_t *)seed}};
    account_book b;
    open_book(&b);
    for (;;) {
        hold_some(&w, b.book);
        end_some(&w, b.book);
        if (next(&w.d, 40) == 0) { /* one of the runs ends, its threads go on as another */
            close_book(&b);
            open_book(&b);
        }
    }
    return NULL;
}

static void
work_in_threads(uint64_t seed)
{
    pthread_t threads[THREADS];
    static uint64_t seeds[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        seeds[i] = seed * THREADS + i + 1;
        if (pthread_create(&threads[i], NULL, work, &seeds[i]) != 0) {
            abort();
        }
    }
    pthread_join(threads[0], NULL);
    _exit(9);
}

static void
run_and_kill(uint64_t round, dice *d)
{
    pid_t workers[PROCESSES];
    fflush(stdout);
    for (size_t i = 0; i < PROCESSES; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            work_in_threads(UINT64_C(0x9E3779B97F4A7C15) * (round * PROCESSES + i + 1));
        }
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int how = 0;
        const struct timespec pause = {0, (long)(20 + next(d, 180)) * 1000000};
        nanosleep(&pause, NULL);
        kill(workers[i], SIGKILL);
        waitpid(workers[i], &how, 0);
        CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL); /* it did not stop by itself */
    }
}

static void
read_all(atomic_uint_fast64_t *values, uint64_t *out)
{
    for (int i = 0; i < LINKS; i++) {
        out[i] = atomic_load(&values[i]);
    }
}

static void
check_shared(void)
{
    uint64_t forwarded[LINKS], tried[LINKS], settled[LINKS];
    const forest *f = &shared->trees;
    read_all(shared->forwarded, forwarded);
    read_all(shared->tried, tried);
    read_all(shared->settled, settled);
    for (int i = 0; i < LINKS; i++) {
        const ledger_link *link = &f->paths[i].links[f->paths[i].count - 1];
        int64_t spent = query_account(&f->paths[i], "spent"), held = query_account(&f->paths[i], "held");
        uint64_t has_spent = (uint64_t)(spent < 0 ? 0 : spent), used = has_spent + (uint64_t)(held < 0 ? 0 : held);
        CHECK(!link->has_ceiling || used <= link->ceiling_micro_usd);
        CHECK(used >= sum_below(f, i, forwarded));
        CHECK(has_spent >= sum_below(f, i, settled) && has_spent <= sum_below(f, i, tried));
    }
    CHECK(file_query("SELECT coalesce(sum(held), 0) FROM ledger_account WHERE parent IS NULL") ==
          file_query("SELECT coalesce(sum(amount), 0) FROM ledger_hold WHERE charged IS NULL"));
    CHECK(file_query("SELECT count(*) FROM ledger_account a WHERE spent + held < (SELECT coalesce(sum(spent + held), 0)"
                     " FROM ledger_account b WHERE b.parent = a.link)") == 0);
    CHECK(file_query("SELECT count(*) = 1 AND min(integrity_check) = 'ok' FROM pragma_integrity_check") == 1);
}

static aip_status
take_left(void *context, const ledger_left *row, aip_error *err)
{
    (void)err;
    *(int64_t *)context = row->hold;
    return AIP_OK;
}

/* An operator frees what all those who were killed left open: then nothing is held any more. */
static void
free_all(void)
{
    account_book b;
    int64_t last = 0;
    open_book(&b);
    for (size_t freed = 0; freed < 100000; freed++) {
        const ledger_left_sink sink = {&last, take_left};
        last = 0;
        CHECK_STATUS(ledger_list_left(b.book, INT64_MAX, &sink, NULL), AIP_OK);
        if (last == 0) {
            break;
        }
        ledger_request r = {.verb = LEDGER_FREE, .hold = last};
        CHECK_STATUS(ledger_apply(b.book, &r, 1, NULL), AIP_OK);
        CHECK_STATUS(r.answer.verdict, AIP_OK);
    }
    close_book(&b);
    CHECK(file_query("SELECT sum(held) FROM ledger_account") == 0);
}

static bool
was_enough(void)
{
    return atomic_load(&shared->commits) > ENOUGH && atomic_load(&shared->exceeded) > ENOUGH;
}

static void
nothing_is_overspent_or_lost_when_processes_are_killed(void)
{
    dice d = {20261121};
    account_book made;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        abort();
    }
    file_begin();
    open_book(&made); /* on a slow disk a first round could end before there are tables to check */
    close_book(&made);
    grow(&shared->trees, &d);
    for (int k = 0; k < LINKS; k++) { /* enough for some rounds: full accounts prove little */
        for (size_t n = 0; n < shared->trees.paths[k].count; n++) {
            shared->trees.paths[k].links[n].ceiling_micro_usd *= 20;
        }
    }
    make_calls(&shared->trees, &d, shared->calls, KEYS);
    for (uint64_t round = 0; round < KILL_ROUNDS || (!was_enough() && round < KILL_ROUNDS_MAX); round++) {
        atomic_fetch_add(&shared->clock, LEDGER_TAKEOVER_SECONDS * (round % 2));
        run_and_kill(round, &d);
        check_shared();
    }
    free_all();
    CHECK(was_enough());
    file_end();
    munmap(shared, sizeof *shared);
}

/* ---- two gateways, no contact ---- */

static const char *const gateways[] = {"did:web:a.example", "did:web:b.example", "did:web:c.example"};

static char *
make_token(dice *d, uint64_t *budget)
{
    static const char *const scope[] = {"tool:search"};
    char name[AIP_DID_TEXT_SIZE], shares[256], amounts[2][32], *out = NULL;
    unsigned char seed[AIP_SEED_BYTES] = {7};
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    *budget = next(d, 5000);
    uint64_t first = next(d, *budget + 1);
    aip_budget_format(first, amounts[0]);
    aip_budget_format(*budget - first, amounts[1]);
    snprintf(shares, sizeof shares, "[[\"%s\",%s],[\"%s\",%s]]", gateways[0], amounts[0], gateways[1], amounts[1]);
    seed[0] = 8;
    aip_secret_key *holder = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &holder, NULL), AIP_OK);
    aip_did_of_key(aip_secret_key_public(holder), name);
    const aip_statement said = {.subject = name,
                                .scope = scope,
                                .scope_count = 1,
                                .has_max_depth = true,
                                .issued_at = NOW,
                                .expires_at = NOW + 60,
                                .has_budget = true,
                                .budget_micro_usd = *budget,
                                .shares = shares};
    CHECK_STATUS(aip_token_issue(key, &said, &out, NULL), AIP_OK);
    aip_secret_key_free(&key);
    aip_secret_key_free(&holder);
    return out;
}

/* What one gateway, with a database of its own, lets through. */
static uint64_t
spend_at(const aip_grant *grant, const char *gateway, dice *d)
{
    account_book b;
    ledger_path path;
    uint64_t forwarded = 0;
    file_begin();
    open_book(&b);
    CHECK_STATUS(ledger_path_of(grant, aip_bytes_of(gateway), &path, NULL), AIP_OK);
    for (int i = 0; i < 60; i++) {
        ledger_request r = {.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 1 + next(d, 400)};
        CHECK_STATUS(ledger_apply(b.book, &r, 1, NULL), AIP_OK);
        if (r.answer.verdict == AIP_OK) {
            uint64_t cost = next(d, r.amount_micro_usd + 1);
            forwarded += cost;
            r = (ledger_request){.verb = LEDGER_SETTLE, .hold = r.answer.hold, .amount_micro_usd = cost};
            CHECK_STATUS(ledger_apply(b.book, &r, 1, NULL), AIP_OK);
        }
    }
    close_book(&b);
    file_end();
    return forwarded;
}

static void
gateways_with_shares_and_no_contact_stay_within_the_budget(void)
{
    dice d = {20261122};
    uint64_t total = 0;
    for (int world = 0; world < GATEWAY_WORLDS; world++) {
        aip_chain *chain = NULL;
        uint64_t budget = 0, sum = 0;
        char *text = make_token(&d, &budget);
        CHECK_STATUS(aip_chain_parse(aip_bytes_of(text), &chain, NULL), AIP_OK);
        const aip_grant grant = {.chain = chain, .has_budget = true, .budget_micro_usd = budget};
        for (size_t i = 0; i < 3; i++) {
            uint64_t spent = spend_at(&grant, gateways[i], &d);
            CHECK(i < 2 || spent == 0); /* it has no share */
            sum += spent;
        }
        CHECK(sum <= budget);
        total += sum;
        aip_chain_free(&chain);
        free(text);
    }
    CHECK(total > 1000);
}

RUN(TEST(random_calls_agree_with_a_model), TEST(nothing_is_overspent_or_lost_when_processes_are_killed),
    TEST(gateways_with_shares_and_no_contact_stay_within_the_budget))
