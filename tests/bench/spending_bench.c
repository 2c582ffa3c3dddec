/* Calls admitted a second through ledger and decision log together, both durable, from shards that wait for neither:
 * beside one bare SQLite transaction and one bare fdatasync for each 64 calls of the same shape, in the same run. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bench.h"
#include "audit/append.h"
#include "gateway/books.h"
#include "tests/unit/store_file.h"

#define NOW 1800000000
#define DEPTH 3
#define PATHS 64
#define SHARDS 2
#define UNDER_WAY 128 /* calls of a shard at a time */
#define CALLS 4000    /* of a shard in a round */
#define GROUP 64
#define ROUNDS 5
#define LINE_BYTES 500

static ledger_path paths[PATHS];
static char log_path[128];
static books *book;
static audit_log *audit;

static void
make_paths(void)
{
    for (size_t i = 0; i < PATHS; i++) {
        paths[i] = (ledger_path){.count = DEPTH, .expires = NOW + 3600};
        for (size_t k = 0; k < DEPTH; k++) {
            const size_t name[] = {k, k + 1 == DEPTH ? i : 0};
            hash_sha256((aip_bytes){(const unsigned char *)name, sizeof name}, paths[i].links[k].link);
            paths[i].links[k].has_ceiling = true;
            paths[i].links[k].ceiling_micro_usd = UINT64_C(1000000000000);
        }
    }
}

/* ---- ours ---- */

typedef struct {
    mailbox *box;
    size_t asked, waiting, ended;
    question *ready[UNDER_WAY]; /* have their go-ahead */
    size_t ready_count;
} shard;

static void
ask_hold(shard *s)
{
    question *q = NULL;
    require(question_new(s->box, QUESTION_HOLD, AIP_BYTES_LITERAL("budget"), &q, NULL), "question");
    q->path = paths[s->asked++ % PATHS];
    q->request = (ledger_request){.verb = LEDGER_HOLD, .path = &q->path, .amount_micro_usd = 5, .now_seconds = NOW};
    require(desk_ask(books_desk(book), q, NULL), "ask");
    s->waiting++;
}

static void
take_answers(shard *s)
{
    struct pollfd bell = {mailbox_descriptor(s->box), POLLIN, 0};
    (void)poll(&bell, 1, 1000);
    mailbox_clear(s->box);
    for (question *q = mailbox_take(s->box); q != NULL; q = mailbox_take(s->box)) {
        require(q->status, "answer");
        if (q->kind == QUESTION_HOLD) {
            s->ready[s->ready_count++] = q;
        } else {
            question_free(&q);
            s->waiting--;
            s->ended++;
        }
    }
}

static void
record_ready(const shard *s)
{
    uint64_t number = 0;
    const audit_record record = {.allowed = true,
                                 .at = AIP_NOWHERE,
                                 .time_seconds = NOW,
                                 .decision_id = "AAAAAAAAAAAAAAAAAAAAAA",
                                 .stage = "record",
                                 .protocol = "mcp",
                                 .method = AIP_BYTES_LITERAL("tools/call"),
                                 .tool = AIP_BYTES_LITERAL("search"),
                                 .has_cost = true,
                                 .cost_micro_usd = 5,
                                 .has_digest = true,
                                 .peer = "2001:db8:0000:0000:0000:0000:0000:0001"};
    for (size_t i = 0; i < s->ready_count; i++) {
        require(audit_write(audit, &record, &number, NULL), "decision");
    }
    if (s->ready_count > 0) { /* only then they are forwarded */
        require(audit_wait(audit, number, NULL), "wait");
    }
}

/* The calls were made: their outcomes are written, and nobody waits for the settlements. */
static void
end_ready(shard *s)
{
    uint64_t number = 0;
    const audit_outcome outcome = {.decision_id = "AAAAAAAAAAAAAAAAAAAAAA",
                                   .http = 200,
                                   .has_cost = true,
                                   .cost_micro_usd = 3,
                                   .has_digest = true,
                                   .bytes = 1000,
                                   .completion = "whole"};
    for (size_t i = 0; i < s->ready_count; i++) {
        question *q = s->ready[i];
        int64_t hold = q->request.answer.hold;
        require(audit_write_outcome(audit, &outcome, &number, NULL), "outcome");
        q->kind = QUESTION_SETTLE;
        q->request = (ledger_request){.verb = LEDGER_SETTLE, .hold = hold, .amount_micro_usd = 3};
        require(desk_ask(books_desk(book), q, NULL), "settle");
    }
    s->ready_count = 0;
}

static void *
run_shard(void *context)
{
    shard *s = context;
    while (s->ended < CALLS) {
        while (s->waiting < UNDER_WAY && s->asked < CALLS) {
            ask_hold(s);
        }
        take_answers(s);
        record_ready(s);
        end_ready(s);
    }
    return NULL;
}

static double
time_ours(void)
{
    static shard shards[SHARDS];
    pthread_t threads[SHARDS];
    mailroom *room = NULL;
    const books_setup setup = {.store_path = file_path};
    const audit_options options = {.path = log_path, .sync = AUDIT_SYNC_GROUP};
    require(mailroom_new(&room, NULL), "room");
    require(books_open(&setup, &book, NULL), "books");
    require(audit_open_with(&options, &audit, NULL), "audit");
    require(books_start(book, NULL), "start");
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < SHARDS; i++) {
        shards[i] = (shard){0};
        require(mailroom_open_box(room, &shards[i].box, NULL), "box");
        require(pthread_create(&threads[i], NULL, run_shard, &shards[i]) == 0 ? AIP_OK : AIP_INTERNAL, "thread");
    }
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_join(threads[i], NULL);
    }
    double took = (double)(nanoseconds() - start);
    books_close(&book);
    mailroom_free(&room);
    audit_close(&audit);
    unlink(log_path);
    return took / (SHARDS * CALLS) / 1e3;
}

/* ---- bare ---- */

static void
require_sqlite(int code, int wanted)
{
    if (code != wanted) {
        fprintf(stderr, "bare: %s\n", sqlite3_errstr(code));
        exit(1);
    }
}

static void
run_bare(sqlite3_stmt *q)
{
    require_sqlite(sqlite3_step(q), SQLITE_DONE);
    sqlite3_reset(q);
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    require_sqlite(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    return q;
}

static void
change_path(sqlite3_stmt *q, const ledger_path *path)
{
    for (size_t k = 0; k < path->count; k++) {
        sqlite3_bind_blob(q, 1, path->links[k].link, AIP_HASH_BYTES, SQLITE_STATIC);
        run_bare(q);
    }
}

/* Holds of 64 calls, and settlements of the 64 before, in one transaction. */
static void
commit_bare(sqlite3_stmt *const *q, size_t round)
{
    run_bare(q[0]);
    for (size_t i = 0; i < GROUP; i++) {
        const ledger_path *path = &paths[(round + i) % PATHS];
        change_path(q[2], path);
        sqlite3_bind_blob(q[3], 1, path->links[DEPTH - 1].link, AIP_HASH_BYTES, SQLITE_STATIC);
        run_bare(q[3]);
        change_path(q[4], path);
    }
    run_bare(q[5]);
    run_bare(q[1]);
}

static void
append_bare(int file)
{
    static char line[LINE_BYTES];
    memset(line, 'x', sizeof line);
    for (size_t i = 0; i < (size_t)2 * GROUP; i++) {
        require(write(file, line, sizeof line) == (ssize_t)sizeof line ? AIP_OK : AIP_IO, "write");
    }
    require(fdatasync(file) == 0 ? AIP_OK : AIP_IO, "fdatasync");
}

static void
make_bare_accounts(sqlite3 *db)
{
    require_sqlite(
        sqlite3_exec(db,
                     "PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS bare_account (link BLOB NOT NULL PRIMARY"
                     " KEY, ceiling INTEGER, spent INTEGER NOT NULL, held INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                     "CREATE TABLE IF NOT EXISTS bare_hold (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL,"
                     " amount INTEGER NOT NULL, made_at INTEGER NOT NULL) STRICT",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_stmt *q = prepare(db, "INSERT OR IGNORE INTO bare_account VALUES (?, 1000000000000, 0, 0)");
    for (size_t i = 0; i < PATHS; i++) {
        change_path(q, &paths[i]);
    }
    sqlite3_finalize(q);
}

static double
time_bare(void)
{
    static const char *const sql[] = {
        "BEGIN IMMEDIATE",
        "COMMIT",
        "UPDATE bare_account SET held = held + 5 WHERE link = ?1 AND spent + held + 5 <= ceiling",
        "INSERT INTO bare_hold (leaf, amount, made_at) VALUES (?, 5, 1800000000)",
        "UPDATE bare_account SET held = held - 5, spent = spent + 3 WHERE link = ?1",
        "DELETE FROM bare_hold WHERE number <= (SELECT max(number) FROM bare_hold) - 64"};
    sqlite3_stmt *q[sizeof sql / sizeof sql[0]];
    sqlite3 *db = NULL;
    require_sqlite(sqlite3_open(file_path, &db), SQLITE_OK);
    make_bare_accounts(db);
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        q[i] = prepare(db, sql[i]);
    }
    int file = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < (size_t)SHARDS * CALLS / GROUP; i++) {
        commit_bare(q, i);
        append_bare(file);
    }
    double took = (double)(nanoseconds() - start);
    close(file);
    unlink(log_path);
    for (size_t i = 0; i < sizeof sql / sizeof sql[0]; i++) {
        sqlite3_finalize(q[i]);
    }
    sqlite3_close(db);
    return took / ((size_t)SHARDS * CALLS / GROUP * GROUP) / 1e3;
}

int
main(void)
{
    double own[ROUNDS], bare[ROUNDS];
    file_begin();
    make_paths();
    snprintf(log_path, sizeof log_path, "%s.jsonl", file_path);
    for (size_t i = 0; i < ROUNDS; i++) {
        own[i] = time_ours();
        bare[i] = time_bare();
    }
    double a = median(own, ROUNDS), b = median(bare, ROUNDS);
    printf("calls held, recorded, told of and settled, depth %d, %d shards: %.1f us %.0f/s, bare %.1f us %.0f/s, "
           "ratio %.2f\n",
           DEPTH, SHARDS, a, 1e6 / a, b, 1e6 / b, b / a);
    file_end();
    return 0;
}
