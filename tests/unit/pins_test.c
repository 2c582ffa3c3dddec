/* Pinned tool definitions: what is new, what is as it was, what has changed, and who may say that it is good. */
#include "store/pins.h"

#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW INT64_C(1800000000)
#define SERVER AIP_BYTES_LITERAL("https://tools.example/mcp")

static store *db;
static pin_table table;

static void
open_table(void)
{
    CHECK_STATUS(store_open(file_path, &db, NULL), AIP_OK);
    CHECK_STATUS(pins_open(db, &table, NULL), AIP_OK);
}

static void
begin(void)
{
    file_begin();
    open_table();
}

static void
end(void)
{
    store_close(&db);
    file_end();
}

static pin_sight
sight_of(const char *tool, int schema, int whole)
{
    pin_sight sight = {.upstream = SERVER, .tool = aip_bytes_of(tool)};
    memset(sight.hashes.schema, schema, AIP_HASH_BYTES);
    memset(sight.hashes.whole, whole, AIP_HASH_BYTES);
    return sight;
}

static pin_verdict
see_at(pin_sight sight, int64_t now)
{
    pin_verdict verdict = PIN_UNFIT;
    CHECK_STATUS(pins_note(&table, &sight, 1, now, &verdict, NULL), AIP_OK);
    return verdict;
}

static pin_verdict
see(const char *tool, int schema, int whole)
{
    return see_at(sight_of(tool, schema, whole), NOW);
}

static aip_status
approve(const char *tool, int whole, const char *by)
{
    unsigned char hash[AIP_HASH_BYTES];
    memset(hash, whole, sizeof hash);
    const pin_approval approval = {SERVER, aip_bytes_of(tool), hash, aip_bytes_of(by), NOW + 5};
    return pins_approve(&table, &approval, NULL);
}

typedef struct {
    size_t count;
    pin_row last;
    char by[16];
} seen_rows;

static aip_status
take_row(void *context, const pin_row *row, aip_error *err)
{
    seen_rows *seen = context;
    (void)err;
    seen->count++;
    seen->last = *row; /* its texts are borrowed */
    CHECK(row->upstream.size > 0 && row->tool.size > 0);
    snprintf(seen->by, sizeof seen->by, "%.*s", (int)row->approved_by.size, (const char *)row->approved_by.data);
    return AIP_OK;
}

static seen_rows
load(void)
{
    seen_rows seen = {0};
    const pin_sink sink = {&seen, take_row};
    CHECK_STATUS(pins_load_all(&table, &sink, NULL), AIP_OK);
    return seen;
}

static void
the_first_sight_pins_and_the_same_again_is_the_same(void)
{
    begin();
    CHECK(see("search", 1, 2) == PIN_NEW);
    CHECK(see("search", 1, 2) == PIN_SAME);
    CHECK(see("fetch", 1, 2) == PIN_NEW);
    store_close(&db);
    open_table();
    CHECK(see("search", 1, 2) == PIN_SAME);
    seen_rows seen = load();
    CHECK(seen.count == 2 && seen.last.state == PIN_PINNED && seen.last.first_seen == NOW);
    CHECK(seen.by[0] == '\0');
    end();
}

static void
what_changes_afterwards_is_noticed_until_it_is_as_pinned(void)
{
    begin();
    CHECK(see("search", 1, 2) == PIN_NEW);
    CHECK(see("search", 3, 4) == PIN_CHANGED);
    CHECK(see("search", 3, 4) == PIN_CHANGED); /* seeing it twice makes it no better */
    CHECK(see("search", 1, 9) == PIN_CHANGED); /* what models do not see counts as well */
    seen_rows seen = load();
    CHECK(seen.last.state == PIN_DIFFERS && seen.last.changed.whole[0] == 9 && seen.last.changed.schema[31] == 1);
    CHECK(seen.last.pinned.whole[0] == 2 && seen.last.pinned.schema[0] == 1);
    CHECK(see("search", 1, 2) == PIN_SAME);
    CHECK(load().last.state == PIN_DIFFERS); /* what it did is not forgotten */
    end();
}

static void
an_operator_approves_what_he_has_seen_and_nothing_later(void)
{
    begin();
    CHECK(see("search", 1, 2) == PIN_NEW);
    CHECK(see("search", 3, 4) == PIN_CHANGED);
    CHECK(see("search", 5, 6) == PIN_CHANGED); /* while he looked at the one before */
    CHECK_STATUS(approve("search", 4, "ada"), AIP_PIN_UNKNOWN);
    CHECK_STATUS(approve("other", 6, "ada"), AIP_PIN_UNKNOWN);
    CHECK_STATUS(approve("search", 6, ""), AIP_USAGE);
    CHECK(see("search", 5, 6) == PIN_CHANGED);
    CHECK_STATUS(approve("search", 6, "ada"), AIP_OK);
    CHECK(see("search", 5, 6) == PIN_SAME && see("search", 1, 2) == PIN_CHANGED);
    CHECK_STATUS(approve("search", 6, "bob"), AIP_OK); /* the one that is pinned: the other one is dropped */
    seen_rows seen = load();
    CHECK(seen.last.state == PIN_APPROVED && seen.last.pinned.schema[0] == 5 && seen.last.pinned.whole[0] == 6);
    CHECK(seen.last.approved_at == NOW + 5);
    CHECK_TEXT(seen.by, "bob");
    CHECK(see("search", 1, 2) == PIN_CHANGED);
    end();
}

static void
a_list_is_judged_as_a_whole_and_a_name_in_it_twice_pins_once(void)
{
    begin();
    const pin_sight sights[] = {sight_of("a", 1, 1), sight_of("b", 1, 1), sight_of("a", 2, 2), sight_of("", 1, 1)};
    pin_verdict verdicts[4];
    CHECK_STATUS(pins_note(&table, sights, 4, NOW, verdicts, NULL), AIP_OK);
    CHECK(verdicts[0] == PIN_NEW && verdicts[1] == PIN_NEW && verdicts[2] == PIN_CHANGED && verdicts[3] == PIN_UNFIT);
    CHECK(load().count == 2);
    end();
}

static void
names_are_bytes_and_have_an_end(void)
{
    begin();
    static char name[AIP_TOOL_BYTES_MAX + 2];
    memset(name, 'x', sizeof name - 1);
    CHECK(see(name, 1, 1) == PIN_UNFIT);
    name[AIP_TOOL_BYTES_MAX] = '\0';
    CHECK(see(name, 1, 1) == PIN_NEW);
    pin_sight with_nul = sight_of("x", 1, 1);
    with_nul.tool = (aip_bytes){(const unsigned char *)"x\0y", 3};
    CHECK(see("x", 1, 1) == PIN_NEW && see_at(with_nul, NOW) == PIN_NEW);
    with_nul.upstream.size = 0;
    CHECK(see_at(with_nul, NOW) == PIN_UNFIT);
    with_nul.upstream = AIP_BYTES_LITERAL("https://other.example");
    CHECK(see_at(with_nul, NOW) == PIN_NEW); /* another server's tool of that name */
    CHECK(load().count == 4);
    end();
}

static void
a_server_that_makes_up_names_fills_its_own_room_and_no_more(void)
{
    begin();
    static pin_sight sights[PINS_PER_UPSTREAM_MAX + 1];
    static pin_verdict verdicts[PINS_PER_UPSTREAM_MAX + 1];
    static char names[PINS_PER_UPSTREAM_MAX + 1][8];
    for (size_t i = 0; i <= PINS_PER_UPSTREAM_MAX; i++) {
        snprintf(names[i], sizeof names[i], "t%zu", i);
        sights[i] = sight_of(names[i], 1, 1);
    }
    CHECK_STATUS(pins_note(&table, sights, PINS_PER_UPSTREAM_MAX + 1, NOW, verdicts, NULL), AIP_OK);
    CHECK(verdicts[PINS_PER_UPSTREAM_MAX - 1] == PIN_NEW && verdicts[PINS_PER_UPSTREAM_MAX] == PIN_UNFIT);
    CHECK(see("t7", 1, 1) == PIN_SAME);
    sights[0].upstream = AIP_BYTES_LITERAL("https://other.example");
    CHECK(see_at(sights[0], NOW) == PIN_NEW);
    end();
}

static void
a_sight_of_what_is_known_writes_once_a_minute(void)
{
    begin();
    CHECK(see("search", 1, 2) == PIN_NEW);
    CHECK(see_at(sight_of("search", 1, 2), NOW + 59) == PIN_SAME && load().last.last_seen == NOW);
    CHECK(see_at(sight_of("search", 1, 2), NOW + 60) == PIN_SAME && load().last.last_seen == NOW + 60);
    CHECK(see_at(sight_of("search", 1, 2), NOW - 500) == PIN_SAME && load().last.last_seen == NOW + 60);
    CHECK(see_at(sight_of("search", 3, 3), NOW - 500) == PIN_CHANGED && load().last.last_seen == NOW + 60);
    CHECK(see_at(sight_of("search", 3, 3), NOW + 200) == PIN_CHANGED && load().last.last_seen == NOW + 200);
    end();
}

static void
what_was_forgotten_is_pinned_anew(void)
{
    begin();
    size_t count = 9;
    CHECK(see("a", 1, 1) == PIN_NEW && see("b", 1, 1) == PIN_NEW && see("c", 1, 1) == PIN_NEW);
    CHECK_STATUS(pins_forget(&table, SERVER, AIP_BYTES_LITERAL("z"), &count, NULL), AIP_OK);
    CHECK(count == 0);
    CHECK_STATUS(pins_forget(&table, SERVER, AIP_BYTES_LITERAL("a"), &count, NULL), AIP_OK);
    CHECK(count == 1 && see("a", 2, 2) == PIN_NEW && see("b", 2, 2) == PIN_CHANGED);
    CHECK_STATUS(pins_forget(&table, AIP_BYTES_LITERAL("https://other.example"), AIP_BYTES_LITERAL(""), &count, NULL),
                 AIP_OK);
    CHECK(count == 0);
    CHECK_STATUS(pins_forget(&table, SERVER, AIP_BYTES_LITERAL(""), &count, NULL), AIP_OK);
    CHECK(count == 3 && load().count == 0);
    end();
}

static void
another_gateway_on_the_same_database_sees_the_same_pins(void)
{
    begin();
    store *db2 = NULL;
    pin_table other, first = table;
    CHECK_STATUS(store_open(file_path, &db2, NULL), AIP_OK);
    CHECK_STATUS(pins_open(db2, &other, NULL), AIP_OK);
    CHECK(see("search", 1, 2) == PIN_NEW);
    table = other;
    CHECK(see("search", 1, 2) == PIN_SAME && see("search", 3, 4) == PIN_CHANGED);
    table = first;
    CHECK_STATUS(approve("search", 4, "ada"), AIP_OK);
    table = other;
    CHECK(see("search", 3, 4) == PIN_SAME && see("search", 1, 2) == PIN_CHANGED);
    store_close(&db2);
    end();
}

static void
when_nothing_can_be_written_nothing_is_taken_for_good(void)
{
    begin();
    pin_verdict verdicts[2] = {PIN_SAME, PIN_SAME};
    const pin_sight sights[] = {sight_of("a", 1, 1), sight_of("b", 1, 1)};
    CHECK(see("a", 1, 1) == PIN_NEW);
    file_query("CREATE TRIGGER no BEFORE INSERT ON tool_pin BEGIN SELECT raise(ABORT, 'no'); END");
    CHECK_STATUS(pins_note(&table, sights, 2, NOW, verdicts, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(verdicts[0] == PIN_CHANGED && verdicts[1] == PIN_CHANGED && load().count == 1);
    end();
}

static void
damage_is_refused(void)
{
    begin();
    pin_verdict verdict = PIN_SAME;
    seen_rows seen = {0};
    const pin_sink sink = {&seen, take_row};
    const pin_sight sight = sight_of("a", 1, 1);
    CHECK(see("a", 1, 1) == PIN_NEW);
    store_close(&db);
    sqlite3 *raw = NULL;
    CHECK(sqlite3_open(file_path, &raw) == SQLITE_OK);
    CHECK(sqlite3_exec(raw, "PRAGMA ignore_check_constraints = ON; UPDATE tool_pin SET whole_hash = x'01'", NULL, NULL,
                       NULL) == SQLITE_OK);
    sqlite3_close(raw);
    open_table();
    CHECK_STATUS(pins_note(&table, &sight, 1, NOW, &verdict, NULL), AIP_STORE_INVALID);
    CHECK(verdict == PIN_CHANGED);
    CHECK_STATUS(pins_load_all(&table, &sink, NULL), AIP_STORE_INVALID);
    end();
}

RUN(TEST(the_first_sight_pins_and_the_same_again_is_the_same),
    TEST(what_changes_afterwards_is_noticed_until_it_is_as_pinned),
    TEST(an_operator_approves_what_he_has_seen_and_nothing_later),
    TEST(a_list_is_judged_as_a_whole_and_a_name_in_it_twice_pins_once), TEST(names_are_bytes_and_have_an_end),
    TEST(a_server_that_makes_up_names_fills_its_own_room_and_no_more),
    TEST(a_sight_of_what_is_known_writes_once_a_minute), TEST(what_was_forgotten_is_pinned_anew),
    TEST(another_gateway_on_the_same_database_sees_the_same_pins),
    TEST(when_nothing_can_be_written_nothing_is_taken_for_good), TEST(damage_is_refused))
