/* Holds and whole calls (hold and settlement) per second, durable, beside bare SQLite transactions of the same shape in
 * one run: one by one and with group commit, at several depths, from one connection and from sixteen. */
#include <pthread.h>

#include "bench.h"
#include "store/ledger.h"
#include "tests/unit/store_file.h"

#define NOW 1800000000
#define PATHS 64
#define GROUP 64
#define ROUNDS 5
#define ALONE 150  /* commits of a round, one call each */
#define GROUPED 24 /* commits of a round, GROUP calls each */
#define CONNECTIONS 16
#define EACH 20 /* commits of each of the connections */

typedef struct {
    size_t depth, group, commits;
    bool apart;   /* the paths share no account; else all but the leaf */
    bool settled; /* each transaction also settles what the one before held */
} shape;

static ledger_path paths[PATHS];

static void
make_paths(const shape *s)
{
    for (size_t i = 0; i < PATHS; i++) {
        paths[i] = (ledger_path){.count = s->depth, .expires = NOW + 3600};
        for (size_t k = 0; k < s->depth; k++) {
            const size_t name[] = {s->depth, k, k + 1 == s->depth || s->apart ? i : 0, s->apart};
            hash_sha256((aip_bytes){(const unsigned char *)name, sizeof name}, paths[i].links[k].link);
            paths[i].links[k].has_ceiling = true;
            paths[i].links[k].ceiling_micro_usd = UINT64_C(1000000000000);
        }
    }
}

/* ---- ours ---- */

typedef struct {
    store *db;
    ledger *book;
    ledger_request requests[2 * GROUP];
    int64_t held[GROUP];
} ours;

static void
open_ours(ours *o)
{
    require(store_open(file_path, &o->db, NULL), "open");
    require(ledger_open(o->db, &o->book, NULL), "ledger");
}

static void
close_ours(ours *o)
{
    ledger_close(&o->book);
    store_close(&o->db);
}

static void
commit_ours(ours *o, const shape *s, size_t round)
{
    size_t count = 0;
    for (size_t i = 0; i < s->group; i++) {
        o->requests[count++] = (ledger_request){
            .verb = LEDGER_HOLD, .path = &paths[(round + i) % PATHS], .amount_micro_usd = 5, .now_seconds = NOW};
    }
    for (size_t i = 0; s->settled && round > 0 && i < s->group; i++) {
        o->requests[count++] = (ledger_request){.verb = LEDGER_SETTLE, .hold = o->held[i], .amount_micro_usd = 3};
    }
    /* Whoever finds the database busy for two seconds tries again, as a client would. */
    aip_status status = ledger_apply(o->book, o->requests, count, NULL);
    while (status == AIP_STORE_UNAVAILABLE) {
        status = ledger_apply(o->book, o->requests, count, NULL);
    }
    require(status, "apply");
    for (size_t i = 0; i < count; i++) {
        require(o->requests[i].answer.verdict, "verdict");
        if (i < s->group) {
            o->held[i] = o->requests[i].answer.hold;
        }
    }
}

/* ---- bare ---- */

typedef struct {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *debit, *credit, *add, *drop;
    sqlite3_int64 held[GROUP];
    size_t held_path[GROUP];
} bare;

static void
require_sqlite(int code, int wanted, const char *what)
{
    if (code != wanted) {
        fprintf(stderr, "%s: %s\n", what, sqlite3_errstr(code));
        exit(1);
    }
}

static sqlite3_stmt *
prepare(bare *b, const char *sql)
{
    sqlite3_stmt *prepared = NULL;
    require_sqlite(sqlite3_prepare_v2(b->db, sql, -1, &prepared, NULL), SQLITE_OK, sql);
    return prepared;
}

static void
open_bare(bare *b)
{
    require_sqlite(sqlite3_open_v2(file_path, &b->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), SQLITE_OK,
                   "open");
    sqlite3_busy_timeout(b->db, 20000);
    require_sqlite(sqlite3_exec(b->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL), SQLITE_OK, "synchronous");
    b->begin = prepare(b, "BEGIN IMMEDIATE");
    b->commit = prepare(b, "COMMIT");
    b->debit = prepare(b, "UPDATE bare_account SET held = held + ?2 WHERE link = ?1 AND spent + held + ?2 <= ceiling");
    b->credit = prepare(b, "UPDATE bare_account SET held = held - ?2, spent = spent + ?3 WHERE link = ?1");
    b->add = prepare(b, "INSERT INTO bare_hold (leaf, amount, made_at) VALUES (?, ?, ?)");
    b->drop = prepare(b, "DELETE FROM bare_hold WHERE number = ?");
}

static void
close_bare(bare *b)
{
    sqlite3_stmt *const all[] = {b->begin, b->commit, b->debit, b->credit, b->add, b->drop};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sqlite3_finalize(all[i]);
    }
    sqlite3_close(b->db);
}

static void
run_bare(sqlite3_stmt *q)
{
    require_sqlite(sqlite3_step(q), SQLITE_DONE, "bare");
    sqlite3_reset(q);
}

static void
change_path(sqlite3_stmt *q, const ledger_path *path, int amount, int cost)
{
    for (size_t k = 0; k < path->count; k++) {
        sqlite3_bind_blob(q, 1, path->links[k].link, AIP_HASH_BYTES, SQLITE_STATIC);
        sqlite3_bind_int(q, 2, amount);
        if (cost > 0) {
            sqlite3_bind_int(q, 3, cost);
        }
        run_bare(q);
    }
}

static void
make_bare_accounts(const shape *s)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    require_sqlite(sqlite3_open(file_path, &db), SQLITE_OK, "open");
    require_sqlite(sqlite3_exec(db,
                                "CREATE TABLE IF NOT EXISTS bare_account (link BLOB NOT NULL PRIMARY KEY, ceiling"
                                " INTEGER, spent INTEGER NOT NULL, held INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                                "CREATE TABLE IF NOT EXISTS bare_hold (number INTEGER PRIMARY KEY, leaf BLOB NOT NULL,"
                                " amount INTEGER NOT NULL, made_at INTEGER NOT NULL) STRICT; BEGIN",
                                NULL, NULL, NULL),
                   SQLITE_OK, "tables");
    require_sqlite(
        sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO bare_account VALUES (?, 1000000000000, 0, 0)", -1, &q, NULL),
        SQLITE_OK, "prepare");
    for (size_t i = 0; i < PATHS; i++) {
        for (size_t k = 0; k < s->depth; k++) {
            sqlite3_bind_blob(q, 1, paths[i].links[k].link, AIP_HASH_BYTES, SQLITE_STATIC);
            run_bare(q);
        }
    }
    sqlite3_finalize(q);
    require_sqlite(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK, "commit");
    sqlite3_close(db);
}

static void
commit_bare(bare *b, const shape *s, size_t round)
{
    run_bare(b->begin);
    for (size_t i = 0; s->settled && round > 0 && i < s->group; i++) {
        change_path(b->credit, &paths[b->held_path[i]], 5, 3);
        sqlite3_bind_int64(b->drop, 1, b->held[i]);
        run_bare(b->drop);
    }
    for (size_t i = 0; i < s->group; i++) {
        const ledger_path *path = &paths[(round + i) % PATHS];
        change_path(b->debit, path, 5, 0);
        sqlite3_bind_blob(b->add, 1, path->links[path->count - 1].link, AIP_HASH_BYTES, SQLITE_STATIC);
        sqlite3_bind_int(b->add, 2, 5);
        sqlite3_bind_int(b->add, 3, NOW);
        run_bare(b->add);
        b->held[i] = sqlite3_last_insert_rowid(b->db);
        b->held_path[i] = (round + i) % PATHS;
    }
    run_bare(b->commit);
}

/* ---- one connection ---- */

static double
time_ours(const shape *s)
{
    static ours o;
    open_ours(&o);
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < s->commits; i++) {
        commit_ours(&o, s, i);
    }
    uint64_t took = nanoseconds() - start;
    close_ours(&o);
    return (double)took / (double)(s->commits * s->group) / 1e3;
}

static double
time_bare(const shape *s)
{
    static bare b;
    open_bare(&b);
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < s->commits; i++) {
        commit_bare(&b, s, i);
    }
    uint64_t took = nanoseconds() - start;
    close_bare(&b);
    return (double)took / (double)(s->commits * s->group) / 1e3;
}

/* ---- many connections ---- */

static const shape *threads_shape;
static bool threads_are_ours;
static pthread_barrier_t opened; /* a gateway opens once: that is no part of a commit */

static void *
run_connection(void *unused)
{
    ours *o = calloc(1, sizeof *o);
    bare b;
    (void)unused;
    threads_are_ours ? open_ours(o) : open_bare(&b);
    pthread_barrier_wait(&opened);
    for (size_t i = 0; i < EACH; i++) {
        threads_are_ours ? commit_ours(o, threads_shape, i) : commit_bare(&b, threads_shape, i);
    }
    pthread_barrier_wait(&opened);
    threads_are_ours ? close_ours(o) : close_bare(&b);
    free(o);
    return NULL;
}

static double
time_connections(const shape *s, bool are_ours)
{
    pthread_t threads[CONNECTIONS];
    threads_shape = s;
    threads_are_ours = are_ours;
    pthread_barrier_init(&opened, NULL, CONNECTIONS + 1);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (pthread_create(&threads[i], NULL, run_connection, NULL) != 0) {
            exit(1);
        }
    }
    pthread_barrier_wait(&opened);
    uint64_t start = nanoseconds();
    pthread_barrier_wait(&opened);
    uint64_t took = nanoseconds() - start;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&opened);
    return (double)took / (double)(CONNECTIONS * EACH * s->group) / 1e3;
}

/* ---- rows ---- */

/* Our calls a second over bare ones: above 1 we are faster. In turns, so that both meet the same disk. */
static void
show(const shape *s, size_t connections)
{
    double own[ROUNDS], other[ROUNDS];
    make_paths(s);
    make_bare_accounts(s);
    for (size_t i = 0; i < ROUNDS; i++) {
        own[i] = connections > 1 ? time_connections(s, true) : time_ours(s);
        other[i] = connections > 1 ? time_connections(s, false) : time_bare(s);
    }
    double a = median(own, ROUNDS), b = median(other, ROUNDS);
    printf(
        "%-8s depth %zu, %-15s %2zu a commit, %2zu connection%s %7.1f us %8.0f/s, bare %7.1f us %8.0f/s, ratio %.2f\n",
        s->settled ? "calls" : "holds", s->depth, s->apart ? "paths apart," : "paths shared,", s->group, connections,
        connections > 1 ? "s:" : ": ", a, 1e6 / a, b, 1e6 / b, b / a);
}

int
main(void)
{
    static const size_t depths[] = {1, 4, 8};
    file_begin();
    store *db = NULL;
    require(store_open(file_path, &db, NULL), "create");
    for (size_t i = 0; i < 3; i++) {
        size_t d = depths[i];
        show(&(shape){.depth = d, .group = 1, .commits = ALONE}, 1);
        show(&(shape){.depth = d, .group = GROUP, .commits = GROUPED}, 1);
        show(&(shape){.depth = d, .group = GROUP, .commits = GROUPED, .apart = true}, 1);
        show(&(shape){.depth = d, .group = GROUP, .commits = GROUPED, .settled = true}, 1);
        show(&(shape){.depth = d, .group = 1, .commits = EACH}, CONNECTIONS);
    }
    store_close(&db);
    file_end();
    return 0;
}
