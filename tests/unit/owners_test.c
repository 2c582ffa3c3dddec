/* Whose tasks are whose: in the memory of all shards, in the database, and between gateways that share one. */
#include "gateway/owning.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW 1800000000

static owned_caller
caller_of(unsigned char name)
{
    owned_caller caller = {.upstream = "agent", .tenant = "", .now_seconds = NOW};
    memset(caller.owner, name, sizeof caller.owner);
    return caller;
}

static owners *
tasks_of(size_t capacity)
{
    owners *tasks = NULL;
    const owners_setup setup = {.capacity = capacity, .ttl_seconds = 100};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(owners_new(&setup, &tasks, NULL), AIP_OK);
    return tasks;
}

/* ---- the memory ---- */

static void
what_is_not_used_expires(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b');
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    alice.now_seconds = NOW + 99;
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    alice.now_seconds = NOW + 198;
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    alice.now_seconds = NOW + 298;
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK(owners_count(tasks) == 0);
    bob.now_seconds = NOW + 298;
    CHECK_STATUS(owners_note(tasks, &bob, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    owners_free(&tasks);
}

static void
memory_is_bounded_and_the_least_used_goes_first(void)
{
    owners *tasks = tasks_of(64);
    owned_caller alice = caller_of('a');
    size_t known = 0;
    for (int i = 0; i < 2000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, id, NULL), AIP_OK);
        CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, id, NULL), AIP_OK);
        CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "busy", NULL), AIP_OK);
    }
    CHECK(owners_count(tasks) == 32); /* half: there could be others */
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "busy", NULL), AIP_OK);
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t0", NULL), AIP_A2A_TASK);
    for (int i = 0; i < 2000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "t%d", i);
        known += owners_check(tasks, &alice, OWNED_A2A_TASK, id, NULL) == AIP_OK ? 1u : 0u;
    }
    CHECK(known == 31);
    owners_free(&tasks);
    owners_setup none = {.capacity = 0};
    CHECK_STATUS(owners_new(&none, &tasks, NULL), AIP_NO_MEMORY);
}

static void
an_agent_with_many_tasks_pushes_out_its_own_only(void)
{
    owners *tasks = tasks_of(1600);
    owned_caller alice = caller_of('a'), mallory = caller_of('m');
    size_t alices = 0, mallorys = 0;
    char id[16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof id, "a%d", i);
        CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, id, NULL), AIP_OK);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(id, sizeof id, "m%d", i);
        CHECK_STATUS(owners_note(tasks, &mallory, OWNED_A2A_TASK, id, NULL), AIP_OK);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(id, sizeof id, "a%d", i);
        alices += owners_check(tasks, &alice, OWNED_A2A_TASK, id, NULL) == AIP_OK ? 1u : 0u;
        (void)snprintf(id, sizeof id, "m%d", i);
        mallorys += owners_check(tasks, &mallory, OWNED_A2A_TASK, id, NULL) == AIP_OK ? 1u : 0u;
    }
    CHECK(alices == 100);
    CHECK(mallorys < 800 && owners_count(tasks) <= 800);
    CHECK_STATUS(owners_check(tasks, &mallory, OWNED_A2A_TASK, "m4999", NULL), AIP_OK);
    owners_free(&tasks);
}

static void
a_task_is_its_creators_alone(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b'), elsewhere = alice, tenant = alice;
    elsewhere.upstream = "other";
    tenant.tenant = "acme";
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK(owners_count(tasks) == 1);
    CHECK_STATUS(owners_check(tasks, &bob, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_note(tasks, &bob, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "T", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_CONTEXT, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(tasks, &elsewhere, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(tasks, &tenant, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "unknown", NULL), AIP_A2A_TASK);
    owners_free(&tasks);
    CHECK(tasks == NULL);
}

typedef struct {
    owners *tasks;
    unsigned char name;
    int won;
} racer;

static void *
race(void *context)
{
    racer *r = context;
    owned_caller caller = caller_of(r->name);
    for (int i = 0; i < 2000; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "r%d", i);
        r->won += owners_note(r->tasks, &caller, OWNED_A2A_TASK, id, NULL) == AIP_OK ? 1 : 0;
    }
    return NULL;
}

static void
of_four_threads_one_becomes_the_owner(void)
{
    owners *tasks = tasks_of(40000);
    pthread_t threads[4];
    racer racers[4];
    int won = 0;
    for (size_t i = 0; i < 4; i++) {
        racers[i] = (racer){tasks, (unsigned char)('a' + i), 0};
        CHECK(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        won += racers[i].won;
    }
    CHECK(won == 2000);
    CHECK(owners_count(tasks) == 2000);
    owners_free(&tasks);
}

static void
a_task_tells_the_tool_that_began_it(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b');
    char tool[AIP_TOOL_BYTES_MAX + 1] = "none";
    alice.tool = "export";
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    alice.tool = "other";
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    CHECK_STATUS(owners_find(tasks, &bob, OWNED_MCP_TASK, "t", tool, NULL), AIP_A2A_TASK);
    CHECK_TEXT(tool, "none");
    CHECK_STATUS(owners_find(tasks, &alice, OWNED_MCP_TASK, "t", tool, NULL), AIP_OK);
    CHECK_TEXT(tool, "export");
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    owners_free(&tasks);
}

static void
what_was_begun_or_renewed_is_to_be_saved_once(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a');
    task_owner rows[4];
    CHECK(!owners_have_unsaved(tasks));
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "u", NULL), AIP_OK);
    CHECK(owners_take_unsaved(tasks, rows, 1) == 1 && owners_have_unsaved(tasks));
    CHECK(owners_take_unsaved(tasks, rows + 1, 3) == 1 && !owners_have_unsaved(tasks));
    CHECK(rows[0].expires == NOW + 100 && memcmp(rows[0].key, rows[1].key, AIP_HASH_BYTES) != 0);
    owners_put_back(tasks, rows, 2);
    CHECK(owners_take_unsaved(tasks, rows, 4) == 2);
    alice.now_seconds += 10;
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK(!owners_have_unsaved(tasks)); /* not at each use */
    alice.now_seconds += 10;
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK(owners_take_unsaved(tasks, rows, 4) == 1 && rows[0].expires == NOW + 120);
    owners_free(&tasks);
}

static void
the_database_decides_who_was_first(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b');
    task_owner row;
    TEXT_AUTO text_buffer keys = {0};
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK(owners_take_unsaved(tasks, &row, 1) == 1);
    memcpy(row.owner, bob.owner, sizeof row.owner);
    CHECK(owners_knows(tasks, &bob, OWNED_A2A_TASK, "t", &keys) && keys.size == 0);
    CHECK(!owners_knows(tasks, &bob, OWNED_A2A_TASK, "u", &keys) && keys.size == AIP_HASH_BYTES);
    owners_restore(tasks, &row);
    CHECK_STATUS(owners_check(tasks, &alice, OWNED_A2A_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(tasks, &bob, OWNED_A2A_TASK, "t", NULL), AIP_OK);
    CHECK(!owners_have_unsaved(tasks) && owners_count(tasks) == 1);
    owners_free(&tasks);
}

/* ---- the table ---- */

static store *db;
static task_owner_table table;

static void
open_table(void)
{
    CHECK_STATUS(store_open(file_path, &db, NULL), AIP_OK);
    CHECK_STATUS(task_owners_open(db, &table, NULL), AIP_OK);
}

static task_owner
row_of(int key, unsigned char owner, int64_t expires)
{
    task_owner row = {.expires = expires};
    memcpy(row.key, &key, sizeof key);
    memset(row.owner, owner, sizeof row.owner);
    return row;
}

typedef struct {
    task_owner last;
    size_t count;
} taken;

static void
take_row(void *context, const task_owner *row)
{
    taken *t = context;
    t->last = *row;
    t->count++;
}

static size_t
load_after(int64_t *number, taken *out)
{
    const task_owner_sink sink = {out, take_row};
    *out = (taken){.count = 0};
    CHECK_STATUS(task_owners_load(&table, NOW, number, &sink, NULL), AIP_OK);
    return out->count;
}

static void
who_was_there_first_stays_the_owner(void)
{
    taken t = {.count = 0};
    const task_owner_sink sink = {&t, take_row};
    file_begin();
    open_table();
    task_owner rows[2] = {row_of(1, 'a', NOW + 50), row_of(1, 'b', NOW + 90)};
    strcpy(rows[0].tool, "export");
    CHECK_STATUS(task_owners_keep(&table, rows, 2, NOW, NULL), AIP_OK);
    CHECK(rows[1].owner[0] == 'a' && rows[1].expires == NOW + 50);
    CHECK_TEXT(rows[1].tool, "export");
    store_close(&db);
    open_table(); /* as after a restart */
    rows[0] = row_of(1, 'a', NOW + 20);
    CHECK_STATUS(task_owners_keep(&table, rows, 1, NOW, NULL), AIP_OK);
    CHECK(rows[0].expires == NOW + 50);
    CHECK_STATUS(task_owners_find(&table, rows[0].key, NOW, &sink, NULL), AIP_OK);
    CHECK(t.count == 1 && t.last.owner[0] == 'a' && t.last.expires == NOW + 50);
    CHECK_STATUS(task_owners_find(&table, rows[0].key, NOW + 50, &sink, NULL), AIP_OK);
    CHECK(t.count == 1);
    rows[1] = row_of(1, 'b', NOW + 90);
    CHECK_STATUS(task_owners_keep(&table, rows + 1, 1, NOW + 50, NULL), AIP_OK);
    CHECK(rows[1].owner[0] == 'b');
    CHECK(file_query("SELECT count(*) FROM task_owner") == 1);
    store_close(&db);
    file_end();
}

static void
readers_find_what_came_since(void)
{
    int64_t number = 0;
    taken t;
    file_begin();
    open_table();
    task_owner rows[3] = {row_of(1, 'a', NOW + 50), row_of(2, 'b', NOW + 50), row_of(3, 'c', NOW)};
    CHECK(load_after(&number, &t) == 0 && number == 0);
    CHECK_STATUS(task_owners_keep(&table, rows, 3, NOW - 1, NULL), AIP_OK);
    CHECK(load_after(&number, &t) == 2 && t.last.owner[0] == 'b');
    CHECK(load_after(&number, &t) == 0);
    rows[0].expires = NOW + 80;
    CHECK_STATUS(task_owners_keep(&table, rows, 1, NOW, NULL), AIP_OK);
    CHECK(load_after(&number, &t) == 1 && t.last.expires == NOW + 80);
    store_close(&db);
    file_end();
}

static void
a_table_is_bounded_and_the_longest_unused_goes_first(void)
{
    enum { SHARE = AIP_TASK_OWNERS_MAX / AIP_TASK_OWNERS_SHARE };
    static task_owner rows[TASK_OWNERS_PER_COMMIT];
    file_begin();
    open_table();
    CHECK(file_query("PRAGMA synchronous = OFF") != 1);
    task_owner first = row_of(-1, 'a', NOW + 50);
    CHECK_STATUS(task_owners_keep(&table, &first, 1, NOW, NULL), AIP_OK);
    for (int i = 0; i < SHARE + 1000; i += TASK_OWNERS_PER_COMMIT) {
        for (int k = 0; k < TASK_OWNERS_PER_COMMIT; k++) {
            rows[k] = row_of(i + k, 'm', NOW + 50);
        }
        CHECK_STATUS(task_owners_keep(&table, rows, TASK_OWNERS_PER_COMMIT, NOW, NULL), AIP_OK);
    }
    CHECK_STATUS(task_owners_trim(&table, NOW, NULL), AIP_OK);
    CHECK(file_query("SELECT count(*) FROM task_owner") == SHARE + 1);
    CHECK(file_query("SELECT count(*) FROM task_owner WHERE hex(owner) LIKE '61%'") == 1);
    CHECK(file_query("SELECT min(number) FROM task_owner WHERE hex(owner) LIKE '6d%'") > 1000);
    CHECK_STATUS(task_owners_trim(&table, NOW + 50, NULL), AIP_OK);
    CHECK(file_query("SELECT count(*) FROM task_owner") == 0);
    store_close(&db);
    file_end();
}

static void
a_damaged_row_is_refused(void)
{
    int64_t number = 0;
    taken t = {.count = 0};
    const task_owner_sink sink = {&t, take_row};
    file_begin();
    open_table();
    CHECK(file_query("INSERT INTO task_owner (key, owner, expires, tool) VALUES (zeroblob(32), zeroblob(32),"
                     " 4000000000, zeroblob(300))") == -1);
    CHECK_STATUS(task_owners_load(&table, NOW, &number, &sink, NULL), AIP_STORE_INVALID);
    CHECK(t.count == 0);
    store_close(&db);
    file_end();
}

/* ---- two gateways ---- */

typedef struct {
    store *store;
    owners *memory;
    owning kept;
} replica;

static void
start(replica *r)
{
    r->memory = tasks_of(100);
    CHECK_STATUS(store_open(file_path, &r->store, NULL), AIP_OK);
    CHECK_STATUS(owning_open(r->store, r->memory, NULL, &r->kept, NULL), AIP_OK);
}

static void
stop(replica *r)
{
    owning_close(&r->kept);
    store_close(&r->store);
    owners_free(&r->memory);
}

static aip_status
look_up(replica *r, const owned_caller *caller, const char *id)
{
    question q = {.status = AIP_INTERNAL};
    if (!owners_knows(r->memory, caller, OWNED_MCP_TASK, id, &q.text)) {
        CHECK_STATUS(text_finish(&q.text, NULL), AIP_OK);
        owning_take(&r->kept, &q);
    }
    text_clear(&q.text);
    return owners_check(r->memory, caller, OWNED_MCP_TASK, id, NULL);
}

static owned_caller
caller_now(unsigned char name)
{
    owned_caller caller = caller_of(name);
    caller.now_seconds = clock_now_seconds();
    return caller;
}

static void
owners_are_known_after_a_restart_and_to_other_gateways(void)
{
    static replica one, two;
    owned_caller alice = caller_now('a'), bob = caller_now('b');
    file_begin();
    start(&one);
    start(&two);
    alice.tool = "export";
    CHECK_STATUS(owners_note(one.memory, &alice, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    CHECK_STATUS(look_up(&two, &alice, "t"), AIP_A2A_TASK); /* not durable yet: not found */
    CHECK(owning_has_work(&one.kept));
    owning_save(&one.kept);
    CHECK(!owning_has_work(&one.kept));
    CHECK_STATUS(look_up(&two, &bob, "t"), AIP_A2A_TASK);
    CHECK_STATUS(look_up(&two, &alice, "t"), AIP_OK);
    CHECK_STATUS(owners_note(one.memory, &alice, OWNED_MCP_TASK, "u", NULL), AIP_OK);
    stop(&one); /* which saves what is left */
    start(&one);
    char tool[AIP_TOOL_BYTES_MAX + 1] = "";
    CHECK_STATUS(owners_find(one.memory, &alice, OWNED_MCP_TASK, "t", tool, NULL), AIP_OK);
    CHECK_TEXT(tool, "export");
    CHECK_STATUS(owners_check(one.memory, &alice, OWNED_MCP_TASK, "u", NULL), AIP_OK);
    CHECK_STATUS(look_up(&one, &bob, "u"), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(two.memory, &alice, OWNED_MCP_TASK, "u", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owning_catch_up(&two.kept, NULL), AIP_OK);
    CHECK_STATUS(owners_check(two.memory, &alice, OWNED_MCP_TASK, "u", NULL), AIP_OK);
    stop(&one);
    stop(&two);
    file_end();
}

static void
of_two_gateways_one_makes_the_owner(void)
{
    static replica one, two;
    owned_caller alice = caller_now('a'), bob = caller_now('b');
    file_begin();
    start(&one);
    start(&two);
    CHECK_STATUS(owners_note(one.memory, &alice, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    CHECK_STATUS(owners_note(two.memory, &bob, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    owning_save(&one.kept);
    owning_save(&two.kept);
    CHECK_STATUS(owners_check(two.memory, &bob, OWNED_MCP_TASK, "t", NULL), AIP_A2A_TASK);
    CHECK_STATUS(owners_check(two.memory, &alice, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    CHECK(file_query("SELECT count(*) FROM task_owner") == 1);
    stop(&one);
    stop(&two);
    file_end();
}

static void
what_cannot_be_saved_is_kept_for_the_next_time(void)
{
    static replica one;
    owned_caller alice = caller_now('a');
    question q = {.status = AIP_OK};
    file_begin();
    start(&one);
    CHECK(file_query("ALTER TABLE task_owner RENAME TO away") == -1);
    CHECK_STATUS(owners_note(one.memory, &alice, OWNED_MCP_TASK, "t", NULL), AIP_OK);
    owning_save(&one.kept);
    CHECK(owners_have_unsaved(one.memory) && !owning_has_work(&one.kept)); /* not at once */
    owning_take(&one.kept, &q);
    CHECK(q.status != AIP_OK);
    CHECK(file_query("ALTER TABLE away RENAME TO task_owner") == -1);
    owning_save(&one.kept);
    CHECK(!owners_have_unsaved(one.memory) && !one.kept.failing);
    CHECK(file_query("SELECT count(*) FROM task_owner") == 1);
    stop(&one);
    file_end();
}

RUN(TEST(a_task_is_its_creators_alone), TEST(what_is_not_used_expires),
    TEST(memory_is_bounded_and_the_least_used_goes_first), TEST(an_agent_with_many_tasks_pushes_out_its_own_only),
    TEST(of_four_threads_one_becomes_the_owner), TEST(a_task_tells_the_tool_that_began_it),
    TEST(what_was_begun_or_renewed_is_to_be_saved_once), TEST(the_database_decides_who_was_first),
    TEST(who_was_there_first_stays_the_owner), TEST(readers_find_what_came_since),
    TEST(a_table_is_bounded_and_the_longest_unused_goes_first), TEST(a_damaged_row_is_refused),
    TEST(owners_are_known_after_a_restart_and_to_other_gateways), TEST(of_two_gateways_one_makes_the_owner),
    TEST(what_cannot_be_saved_is_kept_for_the_next_time))
