/* Gateways' books from their shards' side, killed at random points and ended in order: what was forwarded is held or
 * spent, no account is overspent, and a gateway that ends in order leaves nothing held. */
#include "gateway/books.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "../unit/check.h"
#include "../unit/store_file.h"

#define NOW INT64_C(1800000000)
#define LINKS 16
#define SHARDS 3
#define GATEWAYS 2
#define UNDER_WAY 40 /* calls of one shard that wait at a time */
#define KILL_ROUNDS 12
#define KILL_ROUNDS_MAX 200 /* on a disk that is slow */
#define END_ROUNDS 6
#define ENOUGH 200

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

/* Survives whoever is killed. */
typedef struct {
    atomic_uint_fast64_t forwarded[LINKS], settled[LINKS];
    atomic_uint_fast64_t go_aheads, exceeded, given_back;
    int parent[LINKS];
    ledger_path paths[LINKS];
} shared_world;

static shared_world *shared;

static void
grow(dice *d)
{
    for (int i = 0; i < LINKS; i++) {
        ledger_path *path = &shared->paths[i];
        shared->parent[i] = i < 2 ? -1 : (int)next(d, (uint64_t)i);
        *path = i < 2 ? (ledger_path){.expires = NOW + 1000000} : shared->paths[shared->parent[i]];
        ledger_link *link = &path->links[path->count++];
        hash_sha256((aip_bytes){(const unsigned char *)&i, sizeof i}, link->link);
        link->has_ceiling = i < 2 || next(d, 3) > 0;
        link->ceiling_micro_usd = 2000 + next(d, i < 2 ? 400000 : 90000);
    }
}

static uint64_t
sum_below(int top, atomic_uint_fast64_t *values)
{
    uint64_t sum = 0;
    for (int i = top; i < LINKS; i++) {
        int up = i;
        while (up > top) {
            up = shared->parent[up];
        }
        sum += up == top ? atomic_load(&values[i]) : 0;
    }
    return sum;
}

/* ---- one gateway ---- */

static books *book;
static mailroom *room;
static mailbox *boxes[SHARDS];
static atomic_bool stopping;

/* `since` of a question is its leaf, `line` what the call will cost. */
static void
ask_hold(mailbox *box, dice *d)
{
    question *q = NULL;
    if (question_new(box, QUESTION_HOLD, AIP_BYTES_LITERAL("budget"), &q, NULL) != AIP_OK) {
        abort();
    }
    q->asker = q;
    q->since = (int64_t)next(d, LINKS);
    q->path = shared->paths[q->since];
    uint64_t amount = next(d, 60);
    q->line = next(d, amount + 1);
    q->request =
        (ledger_request){.verb = LEDGER_HOLD, .path = &q->path, .amount_micro_usd = amount, .now_seconds = NOW};
    if (desk_ask(books_desk(book), q, NULL) != AIP_OK) {
        abort();
    }
}

static void
end_call(question *q, dice *d)
{
    int64_t number = q->request.answer.hold;
    bool forwarded = next(d, 5) > 0;
    atomic_fetch_add(&shared->forwarded[q->since], forwarded ? q->line : 0);
    q->kind = QUESTION_SETTLE;
    q->asker = NULL;
    q->request = (ledger_request){
        .verb = forwarded ? LEDGER_SETTLE : LEDGER_RELEASE, .hold = number, .amount_micro_usd = q->line};
    if (desk_ask(books_desk(book), q, NULL) != AIP_OK) {
        abort();
    }
}

/* True when a call came to its go-ahead or its refusal. */
static bool
take_answer(question *q, dice *d)
{
    if (q->kind == QUESTION_SETTLE) {
        uint64_t charged = q->status == AIP_OK ? q->request.answer.charged_micro_usd : 0;
        atomic_fetch_add(&shared->settled[q->since], charged);
        question_free(&q);
        return false;
    }
    atomic_fetch_add(&shared->exceeded, q->status == AIP_BUDGET_EXCEEDED);
    if (q->status != AIP_OK || next(d, 10) == 0) { /* some clients have gone */
        atomic_fetch_add(&shared->given_back, q->status == AIP_OK);
        books_give_back(book, &q);
    } else {
        atomic_fetch_add(&shared->go_aheads, 1);
        end_call(q, d);
    }
    return true;
}

typedef struct {
    mailbox *box;
    dice d;
} shard;

static void *
run_shard(void *context)
{
    shard *s = context;
    struct pollfd bell = {mailbox_descriptor(s->box), POLLIN, 0};
    for (size_t waiting = 0; !atomic_load(&stopping);) {
        for (; waiting < UNDER_WAY; waiting++) {
            ask_hold(s->box, &s->d);
        }
        (void)poll(&bell, 1, 5);
        mailbox_clear(s->box);
        for (question *q = mailbox_take(s->box); q != NULL; q = mailbox_take(s->box)) {
            waiting -= take_answer(q, &s->d);
        }
    }
    return NULL; /* with questions still under way, and answers that it never took */
}

static void
begin_gateway(shard *shards, pthread_t *threads, uint64_t seed)
{
    const books_setup setup = {.store_path = file_path};
    if (mailroom_new(&room, NULL) != AIP_OK || books_open(&setup, &book, NULL) != AIP_OK ||
        books_start(book, NULL) != AIP_OK) {
        abort();
    }
    for (size_t i = 0; i < SHARDS; i++) {
        if (mailroom_open_box(room, &boxes[i], NULL) != AIP_OK) {
            abort();
        }
        shards[i] = (shard){boxes[i], {UINT64_C(0x9E3779B97F4A7C15) * (seed * SHARDS + i + 1)}};
        if (pthread_create(&threads[i], NULL, run_shard, &shards[i]) != 0) {
            abort();
        }
    }
}

static void
end_gateway(pthread_t *threads)
{
    atomic_store(&stopping, true);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_join(threads[i], NULL);
    }
    books_refuse_holds(book);
    for (question *q = mailroom_take(room); q != NULL; q = mailroom_take(room)) {
        books_give_back(book, &q);
    }
    books_close(&book);
    mailroom_free(&room);
    atomic_store(&stopping, false);
}

/* ---- many, and killed ---- */

static void
rest(uint64_t milliseconds)
{
    const struct timespec pause = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

static void
run_and_kill(uint64_t round, dice *d)
{
    pid_t gateways[GATEWAYS];
    fflush(stdout);
    for (size_t i = 0; i < GATEWAYS; i++) {
        gateways[i] = fork();
        if (gateways[i] == 0) {
            shard shards[SHARDS];
            pthread_t threads[SHARDS];
            begin_gateway(shards, threads, round * GATEWAYS + i + 1);
            pthread_join(threads[0], NULL);
            _exit(9);
        }
    }
    for (size_t i = 0; i < GATEWAYS; i++) {
        int how = 0;
        rest(20 + next(d, 120));
        kill(gateways[i], SIGKILL);
        waitpid(gateways[i], &how, 0);
        CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL); /* it did not stop by itself */
    }
}

static uint64_t
query_account(int i, const char *column)
{
    char sql[256], link[2 * AIP_HASH_BYTES + 1];
    for (size_t k = 0; k < AIP_HASH_BYTES; k++) {
        snprintf(link + 2 * k, 3, "%02x", shared->paths[i].links[shared->paths[i].count - 1].link[k]);
    }
    snprintf(sql, sizeof sql, "SELECT %s FROM ledger_account WHERE link = x'%s'", column, link);
    int64_t value = file_query(sql);
    return value < 0 ? 0 : (uint64_t)value;
}

static void
check_accounts(void)
{
    for (int i = 0; i < LINKS; i++) {
        const ledger_link *link = &shared->paths[i].links[shared->paths[i].count - 1];
        uint64_t spent = query_account(i, "spent"), used = spent + query_account(i, "held");
        CHECK(!link->has_ceiling || used <= link->ceiling_micro_usd);
        CHECK(used >= sum_below(i, shared->forwarded));
        CHECK(spent >= sum_below(i, shared->settled));
    }
    CHECK(file_query("SELECT coalesce(sum(held), 0) FROM ledger_account WHERE parent IS NULL") ==
          file_query("SELECT coalesce(sum(amount), 0) FROM ledger_hold WHERE charged IS NULL"));
    CHECK(file_query("SELECT count(*) = 1 AND min(integrity_check) = 'ok' FROM pragma_integrity_check") == 1);
}

static void
begin_world(uint64_t seed)
{
    dice d = {seed};
    const books_setup setup = {.store_path = file_path};
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        abort();
    }
    grow(&d);
    file_begin();
    CHECK_STATUS(books_open(&setup, &book, NULL), AIP_OK); /* there are tables to check before the first round */
    books_close(&book);
}

static void
end_world(void)
{
    file_end();
    munmap(shared, sizeof *shared);
}

static bool
was_enough(void)
{
    return atomic_load(&shared->go_aheads) > ENOUGH && atomic_load(&shared->exceeded) > ENOUGH &&
           atomic_load(&shared->given_back) > ENOUGH / 10;
}

static void
what_gateways_forwarded_is_accounted_whenever_they_are_killed(void)
{
    dice d = {20261123};
    begin_world(20261124);
    for (uint64_t round = 0; round < KILL_ROUNDS || (!was_enough() && round < KILL_ROUNDS_MAX); round++) {
        run_and_kill(round, &d);
        check_accounts();
    }
    CHECK(was_enough());
    end_world();
}

static void
a_gateway_that_ends_in_order_leaves_nothing_held(void)
{
    dice d = {20261125};
    begin_world(20261126);
    for (uint64_t round = 0; round < END_ROUNDS; round++) {
        shard shards[SHARDS];
        pthread_t threads[SHARDS];
        begin_gateway(shards, threads, 1000 + round);
        rest(10 + next(&d, 60));
        end_gateway(threads);
        check_accounts();
        CHECK(file_query("SELECT coalesce(sum(held), 0) FROM ledger_account") == 0);
        CHECK(file_query("SELECT count(*) FROM ledger_hold") == 0);
    }
    /* Everything was settled by then: what is spent is what was forwarded, to the last micro-USD. */
    for (int i = 0; i < LINKS; i++) {
        CHECK(query_account(i, "spent") == sum_below(i, shared->forwarded));
    }
    CHECK(atomic_load(&shared->go_aheads) > ENOUGH);
    end_world();
}

RUN(TEST(what_gateways_forwarded_is_accounted_whenever_they_are_killed),
    TEST(a_gateway_that_ends_in_order_leaves_nothing_held))
