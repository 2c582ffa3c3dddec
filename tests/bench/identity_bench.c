/* What an identity that was resolved before costs: from the database and from memory, against a bare point query on the
 * same table, side by side in one run. */
#include <sqlite3.h>
#include <unistd.h>

#include "bench.h"
#include "crypto/hash.h"
#include "did/log.h"
#include "did/memory.h"
#include "store/identities.h"

#define IDENTITIES 10000
#define LOOKUPS 10000 /* of one kind in a round */
#define ROUNDS 11
#define NOW 1800000000

typedef struct {
    char directory[32], path[64];
    store *store;
    did_cache cache;
    sqlite3 *bare;
    sqlite3_stmt *query;
    identity_memory *memory;
    char names[IDENTITIES][AIP_DID_TEXT_SIZE];
    char asked[LOOKUPS][AIP_DID_TEXT_SIZE]; /* the same names for all three kinds of a round */
} subject;

static void
require_sqlite(int code, const char *what)
{
    if (code != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", what, sqlite3_errstr(code));
        exit(1);
    }
}

/* Every second one has rotated once. */
static identity *
make_identity(subject *s, size_t index, const aip_public_key *first, const aip_public_key *second)
{
    identity *id = NULL;
    bool has_log = index % 2 == 1;
    aip_did_of_key(first, s->names[index]);
    require(identity_new(aip_bytes_of(s->names[index]), has_log ? 2 : 1, &id, NULL), "identity");
    id->has_log = has_log;
    id->version = has_log;
    for (size_t i = 0; i < id->key_count; i++) {
        identity_key *key = &id->keys[i];
        key->key = i == 0 ? *first : *second;
        snprintf(key->fragment, sizeof key->fragment, "key-%zu", i + 1);
        key->uses = IDENTITY_USES_ALL;
        key->from = i == 0 ? INT64_MIN : NOW - 100;
        key->until = has_log && i == 0 ? NOW - 100 : INT64_MAX;
    }
    return id;
}

static void
new_key(aip_public_key *out)
{
    aip_secret_key *key = NULL;
    require(aip_secret_key_generate(&key, NULL), "generate");
    *out = *aip_secret_key_public(key);
    aip_secret_key_free(&key);
}

/* By SQL, in one transaction: ten thousand commits would wait for the disk as often. */
static void
remember(subject *s, sqlite3_stmt *insert, const identity *id)
{
    TEXT_AUTO text_buffer record = {0};
    require(identity_encode(id, &record, NULL), "encode");
    sqlite3_bind_text(insert, 1, id->name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, record.data, (int)record.size, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 3, NOW + 300);
    require_sqlite(sqlite3_step(insert) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR, "insert");
    sqlite3_reset(insert);
    require(identity_memory_put(s->memory, id, NOW + 300, NULL), "put");
}

static void
fill(subject *s)
{
    sqlite3_stmt *insert = NULL;
    aip_public_key first, second;
    new_key(&second);
    require_sqlite(sqlite3_exec(s->bare, "BEGIN", NULL, NULL, NULL), "begin");
    require_sqlite(
        sqlite3_prepare_v2(s->bare, "INSERT INTO identity VALUES (?, ?, 1, ?, 0, NULL, 0)", -1, &insert, NULL),
        "insert");
    for (size_t i = 0; i < IDENTITIES; i++) {
        new_key(&first);
        identity *id = make_identity(s, i, &first, &second);
        remember(s, insert, id);
        identity_free(&id);
        second = first; /* any accepted key serves as the second one of the next log */
    }
    sqlite3_finalize(insert);
    require_sqlite(sqlite3_exec(s->bare, "COMMIT", NULL, NULL, NULL), "commit");
}

static void
open_all(subject *s)
{
    strcpy(s->directory, "/tmp/aip-bench-XXXXXX");
    if (mkdtemp(s->directory) == NULL) {
        exit(1);
    }
    snprintf(s->path, sizeof s->path, "%s/a.db", s->directory);
    require(store_open(s->path, &s->store, NULL), "open");
    require(store_identities(s->store, &s->cache, NULL), "identities");
    require(identity_memory_new(2 * IDENTITIES, false, &s->memory, NULL), "memory");
}

static void
open_bare(subject *s)
{
    require_sqlite(sqlite3_open_v2(s->path, &s->bare, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), "bare");
    require_sqlite(sqlite3_exec(s->bare, "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF", NULL, NULL, NULL),
                   "pragma");
    require_sqlite(sqlite3_prepare_v3(s->bare, "SELECT record FROM identity WHERE name = ?", -1,
                                      SQLITE_PREPARE_PERSISTENT, &s->query, NULL),
                   "prepare");
}

static void
close_all(subject *s)
{
    sqlite3_finalize(s->query);
    sqlite3_close(s->bare);
    store_close(&s->store);
    identity_memory_free(&s->memory);
    unlink(s->path);
    rmdir(s->directory);
}

static uint64_t
time_bare(subject *s)
{
    unsigned touched = 0;
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < LOOKUPS; i++) {
        sqlite3_bind_text(s->query, 1, s->asked[i], -1, SQLITE_STATIC);
        if (sqlite3_step(s->query) != SQLITE_ROW) {
            exit(1);
        }
        touched += ((const unsigned char *)sqlite3_column_blob(s->query, 0))[0];
        sqlite3_reset(s->query);
    }
    uint64_t taken = nanoseconds() - start;
    return touched == 0 ? 0 : taken;
}

static uint64_t
time_store(subject *s)
{
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < LOOKUPS; i++) {
        did_cache_entry entry;
        require(s->cache.load(s->cache.context, aip_bytes_of(s->asked[i]), &entry, NULL), "load");
        if (entry.known == NULL) {
            exit(1);
        }
        did_cache_entry_clear(&entry);
    }
    return nanoseconds() - start;
}

static uint64_t
time_memory(subject *s)
{
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, NOW - 1000};
    uint64_t start = nanoseconds();
    for (size_t i = 0; i < LOOKUPS; i++) {
        aip_public_key key;
        aip_bytes name = aip_bytes_of(s->asked[i]);
        require(identity_memory_find_key(s->memory, name, &query, NOW, &key, NULL, NULL), "find");
    }
    return nanoseconds() - start;
}

/* Every identity once by every way: pages, and the keyring's memory of accepted keys. */
static void
warm_up(subject *s)
{
    for (size_t i = 0; i < IDENTITIES; i += LOOKUPS) {
        for (size_t k = 0; k < LOOKUPS; k++) {
            strcpy(s->asked[k], s->names[i + k]);
        }
        (void)(time_bare(s) + time_store(s) + time_memory(s));
    }
}

/* The second of two passes: each kind finds in the processor's caches what it left there, not what another kind did. */
static uint64_t
time_warm(subject *s, uint64_t (*pass)(subject *))
{
    (void)pass(s);
    return pass(s);
}

static void
measure(subject *s)
{
    static double bare[ROUNDS], disk[ROUNDS], memory[ROUNDS];
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t k = 0; k < LOOKUPS; k++) {
            uint32_t drawn;
            hash_random(&drawn, sizeof drawn);
            strcpy(s->asked[k], s->names[drawn % IDENTITIES]);
        }
        bare[round] = (double)time_warm(s, time_bare);
        disk[round] = (double)time_warm(s, time_store);
        memory[round] = (double)time_warm(s, time_memory);
    }
    double floor = median(bare, ROUNDS) / LOOKUPS, load = median(disk, ROUNDS) / LOOKUPS,
           find = median(memory, ROUNDS) / LOOKUPS;
    printf("identity lookup from disk: %.2f of a bare SQLite point query's speed (goal 0.50); "
           "from memory: %.1f times its speed (goal 20)\n",
           floor / load, floor / find);
    printf(
        "  %d identities, keys accepted before, caches warm; a bare query %.0f ns, load, decode and re-check %.0f ns, "
        "find in memory %.0f ns\n",
        IDENTITIES, floor, load, find);
}

int
main(void)
{
    static subject s;
    require(crypto_start(NULL), "start");
    open_all(&s);
    open_bare(&s);
    fill(&s);
    warm_up(&s);
    measure(&s);
    close_all(&s);
    return 0;
}
