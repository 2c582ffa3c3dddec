/* The database of revocations: numbered, capped, durable, and loaded into memory at the start. */
#include "store/revocations.h"

#include "base/text.h"

#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW INT64_C(1800000000)
#define LIST "https://b.example/aip/v1/revocations"
#define GATEWAY "did:aip:zGateway"

static store *db;
static revocation_table table;

static void
open_it(void)
{
    CHECK_STATUS(store_open(file_path, &db, NULL), AIP_OK);
    CHECK_STATUS(store_revocations_open(db, &table, NULL), AIP_OK);
}

static void
begin(void)
{
    file_begin();
    open_it();
}

static void
end(void)
{
    store_close(&db);
    file_end();
}

static void
reopen(void)
{
    store_close(&db);
    open_it();
}

static void
fill(unsigned char bytes[AIP_HASH_BYTES], uint32_t number)
{
    memset(bytes, 0xAB, AIP_HASH_BYTES);
    memcpy(bytes, &number, sizeof number);
}

/* Statement `number`, not judged, from one address. */
static revocation_record
record_of(uint32_t number)
{
    revocation_record record = {.fact = {.kind = (revocation_kind)(number % 3), .issuer = AIP_BYTES_LITERAL("did:a")},
                                .issued_at = NOW,
                                .sequence = number,
                                .source = AIP_BYTES_LITERAL("192.0.2.1"),
                                .statement = AIP_BYTES_LITERAL("header.payload.signature"),
                                .received_at = NOW + 1};
    fill(record.id, number);
    fill(record.fact.target_id, number + 1000000);
    return record;
}

static revocation_record
judged_record(uint32_t number)
{
    revocation_record record = record_of(number);
    record.judged = true;
    return record;
}

static aip_status
add(const revocation_record *record, revocation_place *place)
{
    return store_revocations_add(&table, record, place, NULL);
}

static size_t
unjudged(const char *source)
{
    size_t count = 0;
    CHECK_STATUS(store_revocations_count_unjudged(&table, aip_bytes_of(source), &count, NULL), AIP_OK);
    return count;
}

static int64_t
highest(void)
{
    int64_t number = -1;
    CHECK_STATUS(store_revocations_highest(&table, &number, NULL), AIP_OK);
    return number;
}

/* What load hands over, in order; the sink fails at `fail_at`. */
typedef struct {
    size_t count, fail_at;
    uint32_t first, last; /* target numbers */
} loaded;

static aip_status
note_fact(void *context, const revoked_fact *fact, aip_error *err)
{
    loaded *l = context;
    uint32_t number;
    memcpy(&number, fact->target_id, sizeof number);
    number -= 1000000;
    CHECK(fact->kind == (revocation_kind)(number % 3));
    CHECK(aip_bytes_equal(fact->issuer, AIP_BYTES_LITERAL("did:a")));
    l->first = l->count == 0 ? number : l->first;
    l->last = number;
    l->count++;
    return l->count == l->fail_at ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static aip_status
load(int64_t since, loaded *l)
{
    const revoked_sink sink = {l, note_fact};
    return store_revocations_load(&table, since, &sink, NULL);
}

/* The numbers of a page and whether they are judged: `1 2j 3 `. */
static aip_status
note_row(void *context, const revocation_row *row, aip_error *err)
{
    CHECK(row->statement.size > 0);
    text_append_format(context, "%lld%s ", (long long)row->number, row->judged ? "j" : "");
    return text_finish(context, err);
}

static void
check_page(int64_t since, size_t limit, const char *wanted)
{
    TEXT_AUTO text_buffer text = {0};
    const revocation_sink sink = {&text, note_row};
    CHECK_STATUS(store_revocations_page(&table, since, limit, &sink, NULL), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&text), aip_bytes_of(wanted)));
}

/* ---- adding ---- */

static void
numbers_rise_from_one_and_survive_a_restart(void)
{
    revocation_place place;
    begin();
    CHECK(highest() == 0);
    for (uint32_t i = 1; i <= 5; i++) {
        const revocation_record record = record_of(i);
        CHECK_STATUS(add(&record, &place), AIP_OK);
        CHECK(place.number == i && !place.known);
        reopen();
        CHECK(highest() == i);
    }
    check_page(0, 10, "1 2 3 4 5 ");
    end();
}

static void
the_same_statement_again_is_known_under_its_number(void)
{
    revocation_place place;
    begin();
    revocation_record record = record_of(1);
    const revocation_record other = record_of(2);
    CHECK_STATUS(add(&record, &place), AIP_OK);
    CHECK_STATUS(add(&other, &place), AIP_OK);
    record.source = AIP_BYTES_LITERAL("192.0.2.2");
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(add(&record, &place), AIP_OK);
        CHECK(place.known && place.number == 1);
        reopen();
    }
    CHECK(highest() == 2 && unjudged("192.0.2.1") == 2 && unjudged("192.0.2.2") == 0);
    check_page(0, 10, "1 2 ");
    end();
}

static void
a_known_statement_that_is_judged_now_is_judged_and_never_less(void)
{
    revocation_place place;
    begin();
    const revocation_record before = record_of(1), after = judged_record(1);
    CHECK_STATUS(add(&before, &place), AIP_OK);
    check_page(0, 10, "1 ");
    CHECK_STATUS(add(&after, &place), AIP_OK);
    CHECK(place.known && place.number == 1 && unjudged("192.0.2.1") == 0);
    check_page(0, 10, "1j ");
    CHECK_STATUS(add(&before, &place), AIP_OK);
    check_page(0, 10, "1j ");
    end();
}

/* In one commit, which a thousand single ones would not be. */
static void
fill_source(uint32_t first)
{
    static revocation_record records[AIP_REVOCATIONS_UNJUDGED_MAX];
    static revocation_place places[AIP_REVOCATIONS_UNJUDGED_MAX];
    for (uint32_t i = 0; i < AIP_REVOCATIONS_UNJUDGED_MAX; i++) {
        records[i] = record_of(first + i);
    }
    const revocation_page page = {.url = AIP_BYTES_LITERAL("https://d.example/"),
                                  .issuer = AIP_BYTES_LITERAL(GATEWAY),
                                  .records = records,
                                  .count = AIP_REVOCATIONS_UNJUDGED_MAX};
    CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_OK);
    CHECK(unjudged("192.0.2.1") == AIP_REVOCATIONS_UNJUDGED_MAX);
}

static void
a_source_keeps_no_more_unjudged_ones_than_the_cap(void)
{
    revocation_place place;
    begin();
    fill_source(1);
    revocation_record record = record_of(5000);
    CHECK_STATUS(add(&record, &place), AIP_REVOCATION_FULL);
    reopen();
    CHECK_STATUS(add(&record, &place), AIP_REVOCATION_FULL);
    CHECK(highest() == AIP_REVOCATIONS_UNJUDGED_MAX);
    /* A known one is still fine, and so are a judged one, another source, and a list that the operator chose. */
    const revocation_record known = record_of(7), judged = judged_record(5001);
    CHECK_STATUS(add(&known, &place), AIP_OK);
    CHECK_STATUS(add(&judged, &place), AIP_OK);
    record.configured = true;
    CHECK_STATUS(add(&record, &place), AIP_OK);
    record = record_of(5002);
    record.source = AIP_BYTES_LITERAL("192.0.2.9");
    CHECK_STATUS(add(&record, &place), AIP_OK);
    CHECK(place.number == AIP_REVOCATIONS_UNJUDGED_MAX + 3);
    end();
}

static void
what_a_chain_has_shown_gives_room_again(void)
{
    revocation_place place;
    begin();
    fill_source(1);
    const revocation_record next = record_of(5000);
    revoked_fact shown = record_of(17).fact, other = shown;
    /* Another issuer, another kind, another target: nothing is judged by these. */
    other.issuer = AIP_BYTES_LITERAL("did:b");
    CHECK_STATUS(store_revocations_mark_judged(&table, &other, NULL), AIP_OK);
    other = shown;
    other.kind = REVOKED_LINK;
    CHECK_STATUS(store_revocations_mark_judged(&table, &other, NULL), AIP_OK);
    other = record_of(4999).fact;
    CHECK_STATUS(store_revocations_mark_judged(&table, &other, NULL), AIP_OK);
    CHECK_STATUS(add(&next, &place), AIP_REVOCATION_FULL);
    CHECK_STATUS(store_revocations_mark_judged(&table, &shown, NULL), AIP_OK);
    CHECK(unjudged("192.0.2.1") == AIP_REVOCATIONS_UNJUDGED_MAX - 1);
    check_page(15, 3, "16 17j 18 ");
    CHECK_STATUS(add(&next, &place), AIP_OK);
    CHECK_STATUS(store_revocations_mark_judged(&table, &shown, NULL), AIP_OK);
    CHECK(unjudged("192.0.2.1") == AIP_REVOCATIONS_UNJUDGED_MAX);
    end();
}

static void
a_failure_in_the_middle_leaves_nothing_behind(void)
{
    revocation_place place;
    begin();
    CHECK(file_query("CREATE TRIGGER no_text BEFORE INSERT ON revocation_statement"
                     " BEGIN SELECT raise(ABORT, 'no'); END") == -1);
    const revocation_record record = judged_record(1);
    CHECK_STATUS(add(&record, &place), AIP_STORE_UNAVAILABLE);
    CHECK(file_query("SELECT count(*) FROM revocation") == 0);
    CHECK(file_query("DROP TRIGGER no_text") == -1);
    CHECK_STATUS(add(&record, &place), AIP_OK);
    CHECK(!place.known && place.number == 1);
    end();
}

static void
a_locked_database_is_an_error_and_not_a_yes(void)
{
    revocation_place place;
    sqlite3 *other = NULL;
    begin();
    const revocation_record record = judged_record(1);
    CHECK(sqlite3_open(file_path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK_STATUS(add(&record, &place), AIP_STORE_UNAVAILABLE);
    CHECK(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(other) == SQLITE_OK);
    CHECK(highest() == 0);
    end();
}

/* ---- reading ---- */

static void
a_page_begins_after_and_ends_at_the_limit(void)
{
    revocation_place place;
    begin();
    check_page(0, 10, "");
    for (uint32_t i = 1; i <= 7; i++) {
        const revocation_record record = i % 2 == 0 ? judged_record(i) : record_of(i);
        CHECK_STATUS(add(&record, &place), AIP_OK);
    }
    check_page(0, 3, "1 2j 3 ");
    check_page(3, 3, "4j 5 6j ");
    check_page(6, 3, "7 ");
    check_page(7, 3, "");
    check_page(INT64_MAX, 3, "");
    check_page(-1, SIZE_MAX, "1 2j 3 4j 5 6j 7 ");
    check_page(0, 0, "");
    end();
}

static void
a_page_gives_the_statement_as_it_came(void)
{
    static const char text[] = "eyJh.~-_.\"\\\xC3\xA9";
    revocation_place place;
    begin();
    revocation_record record = judged_record(1);
    record.statement = aip_bytes_of(text);
    CHECK_STATUS(add(&record, &place), AIP_OK);
    CHECK(file_query("SELECT text = 'eyJh.~-_.\"\\\xC3\xA9' FROM revocation_statement") == 1);
    CHECK(file_query("SELECT count(*) FROM revocation WHERE issued_at = 1800000000 AND received_at = 1800000001"
                     " AND sequence = 1 AND source = '192.0.2.1' AND judged = 1 AND kind = 1") == 1);
    end();
}

static void
a_removed_row_does_not_give_its_number_to_another(void)
{
    revocation_place place;
    begin();
    for (uint32_t i = 1; i <= 3; i++) {
        const revocation_record record = record_of(i);
        CHECK_STATUS(add(&record, &place), AIP_OK);
    }
    CHECK(file_query("DELETE FROM revocation WHERE number > 1") == -1);
    reopen();
    CHECK(highest() == 3);
    const revocation_record record = record_of(4);
    CHECK_STATUS(add(&record, &place), AIP_OK);
    CHECK(place.number == 4);
    end();
}

static void
facts_are_loaded_in_order_and_from_where_one_left_off(void)
{
    revocation_place place;
    begin();
    for (uint32_t i = 1; i <= 9; i++) {
        const revocation_record record = record_of(i);
        CHECK_STATUS(add(&record, &place), AIP_OK);
    }
    loaded all = {0}, rest = {0}, none = {0}, broken = {.fail_at = 4};
    CHECK_STATUS(load(0, &all), AIP_OK);
    CHECK(all.count == 9 && all.first == 1 && all.last == 9);
    CHECK_STATUS(load(6, &rest), AIP_OK);
    CHECK(rest.count == 3 && rest.first == 7 && rest.last == 9);
    CHECK_STATUS(load(9, &none), AIP_OK);
    CHECK(none.count == 0);
    CHECK_STATUS(load(0, &broken), AIP_NO_MEMORY);
    CHECK(broken.count == 4);
    end();
}

static void
a_row_that_makes_no_sense_ends_the_load(void)
{
    static const char *const changes[] = {"UPDATE revocation SET kind = 3", "UPDATE revocation SET kind = -1",
                                          "UPDATE revocation SET issuer = ''"};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        revocation_place place;
        loaded all = {0};
        begin();
        const revocation_record record = record_of(1);
        CHECK_STATUS(add(&record, &place), AIP_OK);
        CHECK(file_query(changes[i]) == -1);
        CHECK_STATUS(load(0, &all), AIP_STORE_INVALID);
        CHECK(all.count == 0);
        end();
    }
}

static void
a_lost_statement_ends_the_page(void)
{
    TEXT_AUTO text_buffer text = {0};
    const revocation_sink sink = {&text, note_row};
    revocation_place place;
    begin();
    for (uint32_t i = 1; i <= 3; i++) {
        const revocation_record record = record_of(i);
        CHECK_STATUS(add(&record, &place), AIP_OK);
    }
    CHECK(file_query("DELETE FROM revocation_statement WHERE number = 2") == -1);
    CHECK_STATUS(store_revocations_page(&table, 0, 10, &sink, NULL), AIP_STORE_INVALID);
    CHECK(aip_bytes_equal(text_view(&text), AIP_BYTES_LITERAL("1 ")));
    end();
}

/* ---- lists ---- */

static revocation_page
page_of(int64_t from, int64_t to, int64_t issued_at, const revocation_record *records, size_t count)
{
    return (revocation_page){.url = AIP_BYTES_LITERAL(LIST),
                             .issuer = AIP_BYTES_LITERAL(GATEWAY),
                             .from = from,
                             .to = to,
                             .last = to,
                             .issued_at = issued_at,
                             .records = records,
                             .count = count};
}

static aip_status
add_page(int64_t from, int64_t to, int64_t issued_at, uint32_t number)
{
    revocation_place places[1];
    const revocation_record record = judged_record(number);
    const revocation_page page = page_of(from, to, issued_at, &record, 1);
    return store_revocations_add_page(&table, &page, places, NULL);
}

static void
check_mark(const char *url, const char *issuer, int64_t number, int64_t issued_at)
{
    revocation_mark mark;
    CHECK_STATUS(store_revocations_find_mark(&table, aip_bytes_of(url), aip_bytes_of(issuer), &mark, NULL), AIP_OK);
    CHECK(mark.number == number && mark.issued_at == issued_at);
}

static void
a_list_is_read_on_and_its_mark_survives_a_restart(void)
{
    begin();
    check_mark(LIST, GATEWAY, 0, 0);
    CHECK_STATUS(add_page(0, 10, NOW, 1), AIP_OK);
    reopen();
    check_mark(LIST, GATEWAY, 10, NOW);
    CHECK_STATUS(add_page(10, 20, NOW + 5, 2), AIP_OK);
    CHECK_STATUS(add_page(15, 25, NOW + 5, 3), AIP_OK); /* what overlaps is known */
    CHECK_STATUS(add_page(25, 25, NOW + 60, 3), AIP_OK);
    check_mark(LIST, GATEWAY, 25, NOW + 60);
    CHECK(highest() == 3);
    end();
}

static void
a_list_that_goes_back_is_refused_and_nothing_of_it_is_kept(void)
{
    begin();
    CHECK_STATUS(add_page(0, 10, NOW, 1), AIP_OK);
    CHECK_STATUS(add_page(0, 9, NOW + 1, 2), AIP_REVOCATION_LIST_ROLLBACK);
    CHECK_STATUS(add_page(0, 0, NOW + 1, 2), AIP_REVOCATION_LIST_ROLLBACK);
    CHECK_STATUS(add_page(10, 11, NOW - 1, 2), AIP_REVOCATION_LIST_ROLLBACK);
    CHECK_STATUS(add_page(10, 9, NOW + 1, 2), AIP_REVOCATION_LIST_ROLLBACK);
    CHECK_STATUS(add_page(-1, 11, NOW + 1, 2), AIP_REVOCATION_LIST_ROLLBACK);
    reopen();
    CHECK_STATUS(add_page(0, 9, NOW + 1, 2), AIP_REVOCATION_LIST_ROLLBACK);
    check_mark(LIST, GATEWAY, 10, NOW);
    CHECK(highest() == 1);
    end();
}

static void
a_list_that_leaves_numbers_out_is_refused(void)
{
    begin();
    CHECK_STATUS(add_page(1, 10, NOW, 1), AIP_REVOCATION_LIST_GAP);
    CHECK_STATUS(add_page(0, 10, NOW, 1), AIP_OK);
    CHECK_STATUS(add_page(11, 20, NOW, 2), AIP_REVOCATION_LIST_GAP);
    CHECK_STATUS(add_page(INT64_MAX, INT64_MAX, NOW, 2), AIP_REVOCATION_LIST_GAP);
    check_mark(LIST, GATEWAY, 10, NOW);
    CHECK(highest() == 1);
    end();
}

static void
another_url_or_another_issuer_is_another_list(void)
{
    revocation_place places[1];
    begin();
    CHECK_STATUS(add_page(0, 10, NOW, 1), AIP_OK);
    const revocation_record record = judged_record(2);
    revocation_page page = page_of(0, 3, NOW - 10, &record, 1);
    page.issuer = AIP_BYTES_LITERAL("did:aip:zOther");
    CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_OK);
    page = page_of(0, 4, NOW - 20, &record, 1);
    page.url = AIP_BYTES_LITERAL("https://c.example/");
    CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_OK);
    CHECK(places[0].known && places[0].number == 2);
    check_mark(LIST, GATEWAY, 10, NOW);
    check_mark(LIST, "did:aip:zOther", 3, NOW - 10);
    check_mark("https://c.example/", GATEWAY, 4, NOW - 20);
    check_mark("https://c.example", GATEWAY, 0, 0);
    end();
}

static void
a_page_is_kept_whole_or_not_at_all(void)
{
    revocation_place places[3];
    begin();
    fill_source(100);
    const revocation_record records[] = {judged_record(1), record_of(2), judged_record(3)};
    revocation_page page = page_of(0, 3, NOW, records, 3);
    CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_REVOCATION_FULL);
    check_mark(LIST, GATEWAY, 0, 0);
    CHECK(highest() == AIP_REVOCATIONS_UNJUDGED_MAX);
    page.count = 1;
    CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_OK);
    CHECK(places[0].number == AIP_REVOCATIONS_UNJUDGED_MAX + 1);
    end();
}

/* ---- many, and killed ---- */

static aip_status
remember(void *context, const revoked_fact *fact, aip_error *err)
{
    return revoked_memory_add(context, fact, err);
}

static void
a_hundred_thousand_are_loaded_into_memory(void)
{
    enum { PAGES = 20, PER_PAGE = 5000 };
    static revocation_record records[PER_PAGE];
    static revocation_place places[PER_PAGE];
    revoked_memory *memory = NULL;
    begin();
    for (uint32_t p = 0; p < PAGES; p++) {
        for (uint32_t i = 0; i < PER_PAGE; i++) {
            records[i] = record_of(p * PER_PAGE + i);
            records[i].configured = true;
        }
        const revocation_page page = page_of(p * PER_PAGE, (p + 1) * PER_PAGE, NOW, records, PER_PAGE);
        CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_OK);
        CHECK(places[PER_PAGE - 1].number == (p + 1) * PER_PAGE && !places[PER_PAGE - 1].known);
    }
    reopen();
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(revoked_memory_new(&memory, NULL), AIP_OK);
    const revoked_sink sink = {memory, remember};
    CHECK_STATUS(store_revocations_load(&table, 0, &sink, NULL), AIP_OK);
    CHECK(revoked_count(memory) == PAGES * PER_PAGE);
    revoked_memory_free(&memory);
    check_page(99998, 10, "99999 100000 ");
    end();
}

static uint32_t reached;

static void
add_until_killed(int acknowledge)
{
    store *own = NULL;
    if (store_open(file_path, &own, NULL) != AIP_OK || store_revocations_open(own, &table, NULL) != AIP_OK) {
        return;
    }
    for (uint32_t next = reached + 1;; next++) {
        revocation_place place;
        const revocation_record record = judged_record(next);
        const revocation_page page = page_of(0, next, NOW + next, &record, 1);
        aip_status status = next % 2 == 0 ? store_revocations_add(&table, &record, &place, NULL)
                                          : store_revocations_add_page(&table, &page, &place, NULL);
        if (status != AIP_OK || write(acknowledge, &next, sizeof next) != (ssize_t)sizeof next) {
            return;
        }
    }
}

static void
no_revocation_that_was_acknowledged_is_lost_by_a_kill(void)
{
    file_begin();
    reached = 0;
    for (unsigned round = 0; round < 12; round++) {
        loaded all = {0};
        reached = file_kill_writer(add_until_killed, 15 + round * 5, reached);
        open_it();
        CHECK_STATUS(load(0, &all), AIP_OK);
        CHECK(all.count >= reached && all.count <= (size_t)reached + round + 1);
        CHECK(file_query("SELECT count(*) FROM revocation_statement") == (int64_t)all.count);
        revocation_mark mark;
        CHECK_STATUS(
            store_revocations_find_mark(&table, AIP_BYTES_LITERAL(LIST), AIP_BYTES_LITERAL(GATEWAY), &mark, NULL),
            AIP_OK);
        CHECK(mark.number + 1 >= reached);
        for (uint32_t i = 1; i <= reached; i += 1 + reached / 50) {
            revocation_place place;
            const revocation_record record = judged_record(i);
            CHECK_STATUS(add(&record, &place), AIP_OK);
            CHECK(place.known && place.number == i);
        }
        reached = (uint32_t)all.count; /* one more may be there than was acknowledged */
        store_close(&db);
    }
    CHECK(reached > 12);
    file_end();
}

RUN(TEST(numbers_rise_from_one_and_survive_a_restart), TEST(the_same_statement_again_is_known_under_its_number),
    TEST(a_known_statement_that_is_judged_now_is_judged_and_never_less),
    TEST(a_source_keeps_no_more_unjudged_ones_than_the_cap), TEST(what_a_chain_has_shown_gives_room_again),
    TEST(a_failure_in_the_middle_leaves_nothing_behind), TEST(a_locked_database_is_an_error_and_not_a_yes),
    TEST(a_page_begins_after_and_ends_at_the_limit), TEST(a_page_gives_the_statement_as_it_came),
    TEST(a_removed_row_does_not_give_its_number_to_another),
    TEST(facts_are_loaded_in_order_and_from_where_one_left_off), TEST(a_row_that_makes_no_sense_ends_the_load),
    TEST(a_lost_statement_ends_the_page), TEST(a_list_is_read_on_and_its_mark_survives_a_restart),
    TEST(a_list_that_goes_back_is_refused_and_nothing_of_it_is_kept), TEST(a_list_that_leaves_numbers_out_is_refused),
    TEST(another_url_or_another_issuer_is_another_list), TEST(a_page_is_kept_whole_or_not_at_all),
    TEST(a_hundred_thousand_are_loaded_into_memory), TEST(no_revocation_that_was_acknowledged_is_lost_by_a_kill))
