/* The thread that keeps the books: what waits is taken together, applied in one transaction, and answered. */
#include "gateway/books.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/thread.h"

enum {
    HOLDS_WAITING_MAX = 8192,
    /* One for each call that is under way: a settlement that finds no room leaves its hold open. */
    SETTLEMENTS_WAITING_MAX = 65536,
    /* Of one commit, when more wait of both: neither keeps the other waiting. */
    SETTLEMENTS_FIRST = LEDGER_PER_COMMIT / 2,
    RETRY_MILLISECONDS = 500,
    LAST_ATTEMPTS = 3, /* of what is owed when the thread ends */
    FORGET_SECONDS = 3600,
};

static const size_t most[QUESTION_KINDS] = {
    [QUESTION_HOLD] = HOLDS_WAITING_MAX, [QUESTION_SETTLE] = SETTLEMENTS_WAITING_MAX};

struct books {
    store *store;
    ledger *ledger;
    desk *asked;
    question_list owed; /* the thread's: settlements whose commit failed, oldest first */
    int64_t next_forget;
    uint64_t next_retry; /* monotonic microseconds */
    bool failing;        /* the last commit did, and it has been said */

    pthread_mutex_t commits; /* held from taking questions to their answers */
    atomic_bool refusing;
    worker worker;
    question *batch[LEDGER_PER_COMMIT]; /* the thread's, as the next one */
    ledger_request requests[LEDGER_PER_COMMIT];
};

desk *
books_desk(books *b)
{
    return b->asked;
}

/* ---- one commit ---- */

static bool
makes_sense(const question *q)
{
    ledger_verb verb = q->request.verb;
    if (q->kind == QUESTION_SETTLE) {
        return verb == LEDGER_SETTLE || verb == LEDGER_RELEASE;
    }
    return verb == LEDGER_HOLD && q->request.path != NULL && q->path.count > 0 &&
           q->path.count <= AIP_CHAIN_ELEMENTS_MAX;
}

static void
answer(books *b, question *q, aip_status status)
{
    q->status = status;
    desk_answer(b->asked, q);
}

/* The next question of that kind that is to be applied, or NULL: what is owed goes first. */
static question *
take_one(books *b, question_kind kind)
{
    question *q = kind == QUESTION_SETTLE ? question_list_take(&b->owed) : NULL;
    for (q = q == NULL ? desk_take(b->asked, kind) : q; q != NULL; q = desk_take(b->asked, kind)) {
        if (!makes_sense(q)) {
            answer(b, q, AIP_INTERNAL);
        } else if (kind == QUESTION_HOLD && atomic_load(&b->refusing)) {
            answer(b, q, AIP_OVERLOADED);
        } else {
            return q;
        }
    }
    return NULL;
}

static size_t
take_some(books *b, question_kind kind, size_t count, size_t end)
{
    while (count < end) {
        question *q = take_one(b, kind);
        if (q == NULL) {
            break;
        }
        b->batch[count] = q;
        b->requests[count] = q->request;
        b->requests[count].path = kind == QUESTION_HOLD ? &q->path : NULL;
        b->requests[count].key = q->request.key == NULL ? NULL : &q->key;
        count++;
    }
    return count;
}

static void
say(const char *what, int64_t hold, const char *why)
{
    if (hold > 0) {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING budget: hold %lld %s: %s\n", (long long)hold, what, why);
    } else {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING budget: %s: %s\n", what, why);
    }
}

/* A settlement that was durable although its commit had seemed to fail is unknown the second time. */
static void
note_refused(const question *q)
{
    bool was_done = q->status == AIP_BUDGET_HOLD_UNKNOWN && q->attempts > 0;
    if (q->kind == QUESTION_SETTLE && q->status != AIP_OK && !was_done) {
        say("is not settled", q->request.hold, aip_status_lookup(q->status)->name);
    }
}

static void
answer_all(books *b, size_t count, aip_status committed)
{
    for (size_t i = 0; i < count; i++) {
        question *q = b->batch[i];
        q->request.answer = b->requests[i].answer;
        q->status = q->request.answer.verdict;
        if (committed != AIP_OK && q->kind == QUESTION_SETTLE) {
            q->attempts++;
            question_list_add(&b->owed, q);
            continue;
        }
        note_refused(q);
        desk_answer(b->asked, q);
    }
}

static void
note_commit(books *b, aip_status status, const aip_error *err)
{
    if (status != AIP_OK && !b->failing) {
        say("holds are refused, and what was spent stays held", 0,
            err->detail[0] == '\0' ? aip_status_lookup(status)->name : err->detail);
    }
    b->failing = status != AIP_OK;
    b->next_retry = status == AIP_OK ? 0 : clock_monotonic_microseconds() + RETRY_MILLISECONDS * 1000ull;
}

/* False when there was nothing to do, or it failed. */
static bool
commit_some(books *b)
{
    aip_error err = AIP_ERROR_INIT;
    aip_status status = AIP_OK;
    pthread_mutex_lock(&b->commits);
    size_t count = take_some(b, QUESTION_SETTLE, 0, SETTLEMENTS_FIRST);
    count = take_some(b, QUESTION_HOLD, count, LEDGER_PER_COMMIT);
    count = take_some(b, QUESTION_SETTLE, count, LEDGER_PER_COMMIT);
    if (count > 0) {
        status = ledger_apply(b->ledger, b->requests, count, &err);
        answer_all(b, count, status);
        note_commit(b, status, &err);
    }
    pthread_mutex_unlock(&b->commits);
    return count > 0 && status == AIP_OK;
}

/* ---- the thread ---- */

static void
forget(books *b)
{
    int64_t now = clock_now_seconds();
    if (now >= b->next_forget) {
        b->next_forget = now + FORGET_SECONDS;
        (void)!ledger_forget(b->ledger, now, NULL); /* tried again, and until then only larger */
    }
}

static bool
has_work(const books *b)
{
    bool retry = b->owed.first != NULL && clock_monotonic_microseconds() >= b->next_retry;
    return retry || desk_has(b->asked, QUESTION_HOLD) || desk_has(b->asked, QUESTION_SETTLE);
}

/* Until something is asked, or the time has come to try again. */
static void
wait_for_work(books *b)
{
    struct pollfd bell = {desk_descriptor(b->asked), POLLIN, 0};
    int timeout = b->owed.first != NULL ? RETRY_MILLISECONDS : FORGET_SECONDS * 1000;
    if (poll(&bell, 1, timeout) > 0) {
        desk_clear(b->asked);
    }
}

static void *
run(void *context)
{
    books *b = context;
    while (!atomic_load(&b->worker.stopping)) {
        wait_for_work(b);
        while (has_work(b)) {
            (void)commit_some(b);
        }
        forget(b);
    }
    return NULL;
}

/* ---- start and end ---- */

aip_status
books_open(const books_setup *setup, books **out, aip_error *err)
{
    books *b = calloc(1, sizeof *b);
    *out = NULL;
    if (b == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&b->commits, NULL);
    aip_status status = store_open(setup->store_path, &b->store, err);
    status = status == AIP_OK ? ledger_open(b->store, &b->ledger, err) : status;
    status = status == AIP_OK ? desk_new(most, &b->asked, err) : status;
    if (status != AIP_OK) {
        books_close(&b);
        return status;
    }
    *out = b;
    return AIP_OK;
}

aip_status
books_start(books *b, aip_error *err)
{
    return worker_start(&b->worker, run, b, "that keeps the books", err);
}

void
books_give_back(books *b, question **q)
{
    question *each = *q;
    *q = NULL;
    if (each == NULL || each->kind != QUESTION_HOLD || each->status != AIP_OK) {
        question_free(&each);
        return;
    }
    int64_t number = each->request.answer.hold;
    each->asker = NULL;
    each->kind = QUESTION_SETTLE;
    each->status = AIP_INTERNAL;
    each->attempts = 0;
    each->request = (ledger_request){.verb = LEDGER_RELEASE, .hold = number};
    if (desk_ask(b->asked, each, NULL) != AIP_OK) {
        say("is not released", number, "too many settlements wait");
    }
}

void
books_refuse_holds(books *b)
{
    atomic_store(&b->refusing, true);
    pthread_mutex_lock(&b->commits); /* until then a commit may still make some */
    pthread_mutex_unlock(&b->commits);
}

/* What a shard was told is settled must be, so this waits for a database that is busy, though not for ever. */
static void
settle_the_rest(books *b)
{
    atomic_store(&b->refusing, true);
    for (int failures = 0; failures < LAST_ATTEMPTS;) {
        failures = commit_some(b) ? 0 : failures + 1;
        if (b->owed.first == NULL && !desk_has(b->asked, QUESTION_SETTLE) && !desk_has(b->asked, QUESTION_HOLD)) {
            return;
        }
    }
    for (const question *q = b->owed.first; q != NULL; q = q->next) {
        say("stays open", q->request.hold, "it could not be settled before the end");
    }
}

void
books_close(books **b)
{
    books *each = *b;
    if (each == NULL) {
        return;
    }
    if (worker_end(&each->worker, each->asked)) {
        settle_the_rest(each);
    }
    question_list_free(&each->owed);
    desk_free(&each->asked);
    ledger_close(&each->ledger);
    store_close(&each->store);
    pthread_mutex_destroy(&each->commits);
    free(each);
    *b = NULL;
}
