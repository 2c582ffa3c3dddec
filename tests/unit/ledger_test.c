/* The ledger: what fits, what is refused, how holds end, and what a chain means to it. */
#include "store/ledger.h"

#include <sys/resource.h>

#include "crypto/base64url.h"
#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW INT64_C(1800000000)
#define USD UINT64_C(1000000)
#define NO_CEILING UINT64_MAX

static store *db;
static ledger *book;

static void
open_book(void)
{
    CHECK_STATUS(store_open(file_path, &db, NULL), AIP_OK);
    CHECK_STATUS(ledger_open(db, &book, NULL), AIP_OK);
}

static void
close_book(void)
{
    ledger_close(&book);
    CHECK(book == NULL);
    store_close(&db);
}

static void
begin(void)
{
    file_begin();
    open_book();
}

static void
end(void)
{
    close_book();
    file_end();
}

/* A path of links named by one byte each, root first. */
static ledger_path
path_of(const char *names, const uint64_t *ceilings)
{
    ledger_path path = {.count = strlen(names), .expires = NOW + 3600};
    for (size_t i = 0; i < path.count; i++) {
        memset(path.links[i].link, names[i], AIP_HASH_BYTES);
        path.links[i].has_ceiling = ceilings[i] != NO_CEILING;
        path.links[i].ceiling_micro_usd = path.links[i].has_ceiling ? ceilings[i] : 0;
    }
    return path;
}

static ledger_answer
apply(ledger_request r)
{
    CHECK_STATUS(ledger_apply(book, &r, 1, NULL), AIP_OK);
    return r.answer;
}

static ledger_answer
hold(const ledger_path *path, uint64_t amount)
{
    return apply((ledger_request){.verb = LEDGER_HOLD, .path = path, .amount_micro_usd = amount, .now_seconds = NOW});
}

static ledger_answer
hold_again(const ledger_path *path, const ledger_key *key, uint64_t amount, int64_t now)
{
    return apply((ledger_request){
        .verb = LEDGER_HOLD, .path = path, .key = key, .amount_micro_usd = amount, .now_seconds = now});
}

static ledger_answer
end_hold(ledger_verb verb, int64_t number, uint64_t amount)
{
    return apply((ledger_request){.verb = verb, .hold = number, .amount_micro_usd = amount});
}

typedef struct {
    ledger_row rows[8];
    size_t count, limit;
} seen_rows;

static aip_status
take_row(void *context, const ledger_row *row, aip_error *err)
{
    seen_rows *seen = context;
    if (seen->count == seen->limit) {
        return aip_fail(err, AIP_USAGE, NULL);
    }
    seen->rows[seen->count++] = *row;
    return AIP_OK;
}

static aip_status
read_tree(char name, ledger_start start, seen_rows *out)
{
    unsigned char link[AIP_HASH_BYTES];
    *out = (seen_rows){.limit = 8};
    memset(link, name, sizeof link);
    const ledger_row_sink sink = {out, take_row};
    return ledger_tree(book, link, start, &sink, NULL);
}

static ledger_row
row_of(char name)
{
    seen_rows seen;
    CHECK_STATUS(read_tree(name, LEDGER_FROM_LINK, &seen), AIP_OK);
    return seen.rows[0];
}

static bool
is_used(char name, uint64_t spent, uint64_t held)
{
    ledger_row row = row_of(name);
    return row.spent_micro_usd == spent && row.held_micro_usd == held;
}

/* ---- holds ---- */

static void
a_hold_lies_on_every_account_of_its_path(void)
{
    begin();
    ledger_path path = path_of("abc", (uint64_t[]){10 * USD, NO_CEILING, 2 * USD});
    ledger_answer held = hold(&path, USD / 2);
    CHECK_STATUS(held.verdict, AIP_OK);
    CHECK(held.hold >= 1 && held.at == AIP_NOWHERE && !held.repeated);
    CHECK(is_used('a', 0, USD / 2) && is_used('b', 0, USD / 2) && is_used('c', 0, USD / 2));
    end();
}

static void
settling_charges_what_it_cost_and_frees_the_rest(void)
{
    begin();
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD});
    int64_t number = hold(&path, USD).hold;
    CHECK_STATUS(hold(&path, 1).verdict, AIP_BUDGET_EXCEEDED);
    ledger_answer settled = end_hold(LEDGER_SETTLE, number, 300);
    CHECK_STATUS(settled.verdict, AIP_OK);
    CHECK(settled.charged_micro_usd == 300);
    CHECK(is_used('a', 300, 0) && is_used('b', 300, 0));
    CHECK_STATUS(hold(&path, USD - 300).verdict, AIP_OK);
    CHECK_STATUS(hold(&path, 1).verdict, AIP_BUDGET_EXCEEDED);
    end();
}

static void
a_settlement_above_its_hold_charges_the_hold(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_answer settled = end_hold(LEDGER_SETTLE, hold(&path, 100).hold, UINT64_MAX);
    CHECK_STATUS(settled.verdict, AIP_OK);
    CHECK(settled.charged_micro_usd == 100 && is_used('a', 100, 0));
    end();
}

static void
a_released_hold_leaves_nothing(void)
{
    begin();
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD});
    CHECK_STATUS(end_hold(LEDGER_RELEASE, hold(&path, USD).hold, 0).verdict, AIP_OK);
    CHECK(is_used('a', 0, 0) && is_used('b', 0, 0));
    CHECK(file_query("SELECT count(*) FROM ledger_hold") == 0);
    end();
}

static void
a_hold_ends_once(void)
{
    static const ledger_verb verbs[] = {LEDGER_SETTLE, LEDGER_RELEASE};
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    (void)hold(&path, 7); /* stays open: nobody's mistake may end it */
    for (size_t i = 0; i < 4; i++) {
        int64_t number = hold(&path, 100).hold;
        CHECK_STATUS(end_hold(verbs[i / 2], number, 100).verdict, AIP_OK);
        CHECK_STATUS(end_hold(verbs[i % 2], number, 100).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    }
    CHECK_STATUS(end_hold(LEDGER_SETTLE, 0, 1).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK_STATUS(end_hold(LEDGER_SETTLE, INT64_MAX, 1).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK_STATUS(end_hold(LEDGER_RELEASE, -1, 1).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK(is_used('a', 200, 7));
    end();
}

static void
numbers_of_holds_are_never_given_twice(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    int64_t before = 0;
    for (int i = 0; i < 5; i++) {
        int64_t number = hold(&path, 1).hold;
        CHECK(number > before);
        before = number;
        CHECK_STATUS(end_hold(LEDGER_RELEASE, number, 0).verdict, AIP_OK);
        close_book();
        open_book();
    }
    end();
}

static void
siblings_share_what_their_parent_was_given(void)
{
    begin();
    ledger_path left = path_of("rpx", (uint64_t[]){10 * USD, USD, USD});
    ledger_path right = path_of("rpy", (uint64_t[]){10 * USD, USD, USD});
    ledger_path other = path_of("rq", (uint64_t[]){10 * USD, 10 * USD});
    CHECK_STATUS(hold(&left, 600000).verdict, AIP_OK);
    ledger_answer refused = hold(&right, 400001);
    CHECK_STATUS(refused.verdict, AIP_BUDGET_EXCEEDED);
    CHECK(refused.at == 1 && refused.hold == 0);
    CHECK_STATUS(hold(&right, 400000).verdict, AIP_OK);
    refused = hold(&other, 9 * USD + 1);
    CHECK_STATUS(refused.verdict, AIP_BUDGET_EXCEEDED);
    CHECK(refused.at == 0);
    CHECK_STATUS(hold(&other, 9 * USD).verdict, AIP_OK);
    CHECK(is_used('r', 0, 10 * USD) && is_used('p', 0, USD) && is_used('x', 0, 600000) && is_used('y', 0, 400000));
    end();
}

static void
a_refused_hold_writes_nothing(void)
{
    begin();
    ledger_path path = path_of("abc", (uint64_t[]){USD, USD, 10});
    ledger_answer refused = hold(&path, 11);
    CHECK_STATUS(refused.verdict, AIP_BUDGET_EXCEEDED);
    CHECK(refused.at == 2);
    CHECK(file_query("SELECT count(*) FROM ledger_account") == 0);
    CHECK(file_query("SELECT count(*) FROM ledger_hold") == 0);
    end();
}

static void
a_ceiling_of_zero_lets_nothing_through_but_what_is_free(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){0});
    CHECK_STATUS(hold(&path, 1).verdict, AIP_BUDGET_EXCEEDED);
    CHECK_STATUS(hold(&path, 0).verdict, AIP_OK);
    end();
}

static void
amounts_never_leave_their_range(void)
{
    begin();
    ledger_path open = path_of("a", (uint64_t[]){NO_CEILING});
    ledger_path huge = path_of("b", (uint64_t[]){UINT64_MAX - 1});
    static const uint64_t amounts[] = {LEDGER_TOTAL_MAX + 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        CHECK_STATUS(hold(&open, amounts[i]).verdict, AIP_BUDGET_EXCEEDED);
        CHECK_STATUS(hold(&huge, amounts[i]).verdict, AIP_BUDGET_EXCEEDED);
    }
    CHECK_STATUS(hold(&open, LEDGER_TOTAL_MAX).verdict, AIP_OK);
    CHECK_STATUS(hold(&open, 1).verdict, AIP_BUDGET_EXCEEDED);
    CHECK_STATUS(hold(&huge, LEDGER_TOTAL_MAX - 1).verdict, AIP_OK);
    CHECK_STATUS(hold(&huge, 2).verdict, AIP_BUDGET_EXCEEDED);
    CHECK_STATUS(hold(&huge, 1).verdict, AIP_OK);
    end();
}

static void
a_ceiling_that_was_lowered_binds_at_once(void)
{
    begin();
    ledger_path before = path_of("a", (uint64_t[]){USD}), after = path_of("a", (uint64_t[]){USD / 2});
    CHECK_STATUS(hold(&before, 600000).verdict, AIP_OK);
    CHECK_STATUS(hold(&after, 1).verdict, AIP_BUDGET_EXCEEDED);
    CHECK_STATUS(hold(&before, 1).verdict, AIP_OK);
    end();
}

static void
a_link_under_another_parent_than_before_is_refused(void)
{
    begin();
    ledger_path path = path_of("abc", (uint64_t[]){USD, USD, USD});
    CHECK_STATUS(hold(&path, 1).verdict, AIP_OK);
    static const char *const moved[] = {"ac", "c", "bc", "bac", "xc", "xbc", "aa"};
    for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++) {
        path = path_of(moved[i], (uint64_t[]){USD, USD, USD});
        CHECK_STATUS(hold(&path, 1).verdict, AIP_STORE_INVALID);
    }
    CHECK(file_query("SELECT count(*) FROM ledger_account") == 3 && is_used('a', 0, 1));
    end();
}

/* ---- many at once ---- */

static void
each_request_of_a_commit_has_its_own_verdict(void)
{
    begin();
    ledger_path left = path_of("rx", (uint64_t[]){100, 100}), right = path_of("ry", (uint64_t[]){100, 30});
    int64_t number = hold(&left, 50).hold;
    ledger_request requests[] = {
        {.verb = LEDGER_HOLD, .path = &left, .amount_micro_usd = 50},   /* all of r is held */
        {.verb = LEDGER_HOLD, .path = &right, .amount_micro_usd = 1},   /* r is full */
        {.verb = LEDGER_SETTLE, .hold = number, .amount_micro_usd = 9}, /* 41 come back */
        {.verb = LEDGER_HOLD, .path = &right, .amount_micro_usd = 31},  /* over y */
        {.verb = LEDGER_HOLD, .path = &right, .amount_micro_usd = 30},  /* 11 are left */
        {.verb = LEDGER_RELEASE, .hold = number},                       /* settled already */
        {.verb = LEDGER_HOLD, .path = &left, .amount_micro_usd = 12},
        {.verb = LEDGER_HOLD, .path = &left, .amount_micro_usd = 11},
    };
    static const aip_status wanted[] = {
        AIP_OK, AIP_BUDGET_EXCEEDED, AIP_OK, AIP_BUDGET_EXCEEDED, AIP_OK, AIP_BUDGET_HOLD_UNKNOWN, AIP_BUDGET_EXCEEDED,
        AIP_OK};
    CHECK_STATUS(ledger_apply(book, requests, 8, NULL), AIP_OK);
    for (size_t i = 0; i < 8; i++) {
        CHECK_STATUS(requests[i].answer.verdict, wanted[i]);
    }
    CHECK(requests[1].answer.at == 0 && requests[3].answer.at == 1);
    CHECK(is_used('r', 9, 91) && is_used('x', 9, 61) && is_used('y', 0, 30));
    end();
}

static void
a_full_commit_of_the_deepest_paths_fits_and_one_more_is_refused(void)
{
    static ledger_path paths[LEDGER_PER_COMMIT];
    static ledger_request requests[LEDGER_PER_COMMIT + 1];
    begin();
    for (size_t i = 0; i < LEDGER_PER_COMMIT; i++) {
        paths[i] = (ledger_path){.count = AIP_CHAIN_ELEMENTS_MAX};
        for (size_t k = 0; k < AIP_CHAIN_ELEMENTS_MAX; k++) {
            memcpy(paths[i].links[k].link, (size_t[]){i, k}, 2 * sizeof(size_t));
        }
        requests[i] = (ledger_request){.verb = LEDGER_HOLD, .path = &paths[i], .amount_micro_usd = 1};
    }
    requests[LEDGER_PER_COMMIT] = requests[0];
    CHECK_STATUS(ledger_apply(book, requests, LEDGER_PER_COMMIT + 1, NULL), AIP_INTERNAL);
    CHECK_STATUS(requests[0].answer.verdict, AIP_INTERNAL);
    CHECK_STATUS(ledger_apply(book, requests, LEDGER_PER_COMMIT, NULL), AIP_OK);
    for (size_t i = 0; i < LEDGER_PER_COMMIT; i++) {
        CHECK_STATUS(requests[i].answer.verdict, AIP_OK);
    }
    CHECK(file_query("SELECT sum(held) FROM ledger_account") == LEDGER_PER_COMMIT * AIP_CHAIN_ELEMENTS_MAX);
    CHECK_STATUS(ledger_apply(book, NULL, 0, NULL), AIP_OK);
    end();
}

static void
when_the_commit_fails_no_verdict_is_good(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    sqlite3 *other = NULL;
    CHECK(sqlite3_open(file_path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    ledger_request requests[] = {{.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 1},
                                 {.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 2}};
    CHECK_STATUS(ledger_apply(book, requests, 2, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(requests[0].answer.verdict == AIP_STORE_UNAVAILABLE && requests[1].answer.verdict == AIP_STORE_UNAVAILABLE);
    CHECK(requests[0].answer.hold == 0);
    sqlite3_close(other);
    CHECK(file_query("SELECT count(*) FROM ledger_account") == 0);
    CHECK_STATUS(ledger_apply(book, requests, 2, NULL), AIP_OK);
    CHECK(is_used('a', 0, 3));
    end();
}

static void
a_write_that_fails_takes_all_of_its_commit_along(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD}), other = path_of("b", (uint64_t[]){USD});
    CHECK(file_query("CREATE TRIGGER full BEFORE INSERT ON ledger_account WHEN hex(NEW.link) LIKE '6262%'"
                     " BEGIN SELECT RAISE(ABORT, 'full'); END") == -1);
    ledger_request requests[] = {{.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 1},
                                 {.verb = LEDGER_HOLD, .path = &other, .amount_micro_usd = 2}};
    CHECK_STATUS(ledger_apply(book, requests, 2, NULL), AIP_STORE_UNAVAILABLE);
    CHECK_STATUS(requests[0].answer.verdict, AIP_STORE_UNAVAILABLE);
    CHECK(file_query("SELECT count(*) FROM ledger_hold") == 0);
    CHECK(file_query("SELECT count(*) FROM ledger_account") == 0);
    CHECK_STATUS(hold(&path, 1).verdict, AIP_OK); /* nothing of the failed one is remembered */
    CHECK(is_used('a', 0, 1));
    end();
}

static void
when_nothing_more_can_be_written_nothing_more_is_held(void)
{
    begin();
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD});
    int64_t number = hold(&path, 1).hold;
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    none = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
    fflush(stdout);
    CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
    ledger_request requests[] = {{.verb = LEDGER_HOLD, .path = &path, .amount_micro_usd = 1},
                                 {.verb = LEDGER_SETTLE, .hold = number, .amount_micro_usd = 1}};
    aip_status status = ledger_apply(book, requests, 2, NULL);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK_STATUS(status, AIP_STORE_UNAVAILABLE);
    CHECK_STATUS(requests[0].answer.verdict, AIP_STORE_UNAVAILABLE);
    CHECK_STATUS(requests[1].answer.verdict, AIP_STORE_UNAVAILABLE);
    CHECK(is_used('a', 0, 1) && is_used('b', 0, 1));
    CHECK_STATUS(ledger_apply(book, requests, 2, NULL), AIP_OK); /* asked for again */
    CHECK(is_used('a', 1, 1) && is_used('b', 1, 1));
    end();
}

static void
a_hold_without_a_path_is_an_error_of_the_program(void)
{
    begin();
    ledger_path none = {.count = 0}, long_one = {.count = AIP_CHAIN_ELEMENTS_MAX + 1};
    ledger_request requests[] = {{.verb = LEDGER_HOLD}, {.path = &none}, {.path = &long_one}};
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(ledger_apply(book, &requests[i], 1, NULL), AIP_INTERNAL);
        CHECK_STATUS(requests[i].answer.verdict, AIP_INTERNAL);
    }
    end();
}

static void
damage_is_refused_for_those_whom_it_concerns(void)
{
    static const char *const damages[] = {
        "UPDATE ledger_account SET spent = 9223372036854775807 WHERE link >= x'62'",
        "UPDATE ledger_account SET spent = 600000000000000000, held = 600000000000000000 WHERE link >= x'62'",
        "UPDATE ledger_account SET ceiling = 9223372036854775807 WHERE link >= x'62'",
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        begin();
        ledger_path good = path_of("a", (uint64_t[]){USD}), bad = path_of("b", (uint64_t[]){USD});
        CHECK_STATUS(hold(&good, 1).verdict, AIP_OK);
        int64_t number = hold(&bad, 1).hold;
        CHECK(file_query(damages[i]) == -1);
        ledger_request requests[] = {{.verb = LEDGER_HOLD, .path = &bad, .amount_micro_usd = 1},
                                     {.verb = LEDGER_SETTLE, .hold = number, .amount_micro_usd = 1},
                                     {.verb = LEDGER_HOLD, .path = &good, .amount_micro_usd = 1}};
        CHECK_STATUS(ledger_apply(book, requests, 3, NULL), AIP_OK);
        CHECK_STATUS(requests[0].answer.verdict, AIP_STORE_INVALID);
        CHECK_STATUS(requests[1].answer.verdict, AIP_STORE_INVALID);
        CHECK_STATUS(requests[2].answer.verdict, AIP_OK);
        CHECK(is_used('a', 0, 2));
        end();
    }
}

static void
a_hold_that_its_account_does_not_bear_is_damage(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    int64_t number = hold(&path, 5).hold;
    CHECK(file_query("UPDATE ledger_account SET held = 4") == -1);
    CHECK_STATUS(end_hold(LEDGER_SETTLE, number, 5).verdict, AIP_STORE_INVALID);
    CHECK_STATUS(end_hold(LEDGER_RELEASE, number, 5).verdict, AIP_STORE_INVALID);
    CHECK(is_used('a', 0, 4));
    end();
}

/* ---- retries ---- */

static ledger_key
key_of(const ledger_path *path, const char *tool, const char *arguments, const char *client_key)
{
    ledger_key key = {0};
    const ledger_call call = {aip_bytes_of(tool), aip_bytes_of(arguments), aip_bytes_of(client_key)};
    CHECK_STATUS(ledger_key_of(path, &call, &key, NULL), AIP_OK);
    return key;
}

static void
a_retry_is_charged_once(void)
{
    begin();
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD});
    ledger_key key = key_of(&path, "search", "{\"q\":1}", "k1");
    ledger_answer first = hold_again(&path, &key, 100, NOW), retry;
    CHECK_STATUS(first.verdict, AIP_OK);
    retry = hold_again(&path, &key, 100, NOW + 1000); /* of this very run: it is under way, however long */
    CHECK_STATUS(retry.verdict, AIP_BUDGET_PENDING);
    CHECK(retry.hold == first.hold && retry.repeated);
    CHECK_STATUS(end_hold(LEDGER_SETTLE, first.hold, 40).verdict, AIP_OK);
    for (int i = 0; i < 3; i++) {
        retry = hold_again(&path, &key, 100, NOW);
        CHECK_STATUS(retry.verdict, AIP_BUDGET_SETTLED);
        CHECK(retry.hold == first.hold && retry.repeated && retry.charged_micro_usd == 40);
    }
    CHECK_STATUS(end_hold(LEDGER_SETTLE, first.hold, 100).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK(is_used('a', 40, 0) && is_used('b', 40, 0));
    end();
}

static void
two_of_one_key_in_one_commit_are_one_hold(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key key = key_of(&path, "search", "{}", "k1");
    ledger_request requests[] = {{.path = &path, .key = &key, .amount_micro_usd = 5},
                                 {.path = &path, .key = &key, .amount_micro_usd = 5}};
    CHECK_STATUS(ledger_apply(book, requests, 2, NULL), AIP_OK);
    CHECK_STATUS(requests[0].answer.verdict, AIP_OK);
    CHECK_STATUS(requests[1].answer.verdict, AIP_BUDGET_PENDING);
    CHECK(is_used('a', 0, 5));
    end();
}

static void
a_key_of_another_call_is_a_conflict(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key key = key_of(&path, "search", "{\"q\":1}", "k1");
    int64_t number = hold_again(&path, &key, 5, NOW).hold;
    const ledger_key others[] = {key_of(&path, "search", "{\"q\":2}", "k1"), key_of(&path, "find", "{\"q\":1}", "k1"),
                                 key_of(&path, "search", "[]", "k1")};
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            ledger_answer refused = hold_again(&path, &others[i], 5, NOW);
            CHECK_STATUS(refused.verdict, AIP_BUDGET_CONFLICT);
            CHECK(refused.hold == 0 && !refused.repeated);
        }
        CHECK_STATUS(end_hold(LEDGER_SETTLE, number, 5).verdict, round == 0 ? AIP_OK : AIP_BUDGET_HOLD_UNKNOWN);
    }
    CHECK(is_used('a', 5, 0));
    end();
}

static void
another_chain_or_another_key_is_another_call(void)
{
    begin();
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD}), other = path_of("ac", (uint64_t[]){USD, USD});
    ledger_key keys[] = {key_of(&path, "search", "{}", "k1"), key_of(&path, "search", "{}", "k2"),
                         key_of(&other, "search", "{}", "k1")};
    CHECK_STATUS(hold_again(&path, &keys[0], 5, NOW).verdict, AIP_OK);
    CHECK_STATUS(hold_again(&path, &keys[1], 5, NOW).verdict, AIP_OK);
    CHECK_STATUS(hold_again(&other, &keys[2], 5, NOW).verdict, AIP_OK);
    CHECK(is_used('a', 0, 15));
    end();
}

static void
the_same_arguments_in_another_spelling_are_the_same_call(void)
{
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key one = key_of(&path, "search", "{\"a\":1,\"b\":\"x\"}", "k"),
               two = key_of(&path, "search", " { \"b\" : \"\\u0078\", \"a\":1.0 } ", "k");
    CHECK(memcmp(&one, &two, sizeof one) == 0);
    /* No shift between the parts makes two calls one. */
    one = key_of(&path, "search", "1", "ab");
    two = key_of(&path, "bsearch", "1", "a");
    CHECK(memcmp(one.name, two.name, sizeof one.name) != 0 && memcmp(one.digest, two.digest, sizeof one.digest) != 0);
}

static void
keys_and_arguments_that_cannot_be_read_are_refused(void)
{
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key key;
    char long_key[LEDGER_CLIENT_KEY_BYTES_MAX + 2];
    memset(long_key, 'k', sizeof long_key);
    long_key[sizeof long_key - 1] = '\0';
    ledger_call call = {AIP_BYTES_LITERAL("t"), AIP_BYTES_LITERAL("{}"), aip_bytes_of(long_key)};
    CHECK_STATUS(ledger_key_of(&path, &call, &key, NULL), AIP_REQUEST_INVALID);
    call.client_key = aip_bytes_of("");
    CHECK_STATUS(ledger_key_of(&path, &call, &key, NULL), AIP_REQUEST_INVALID);
    call.client_key = aip_bytes_of(long_key + 1);
    CHECK_STATUS(ledger_key_of(&path, &call, &key, NULL), AIP_OK);
    call.arguments = aip_bytes_of("{\"a\":1,\"a\":2}");
    CHECK_STATUS(ledger_key_of(&path, &call, &key, NULL), AIP_JSON_DUPLICATE);
    call.arguments = aip_bytes_of("");
    CHECK_STATUS(ledger_key_of(&path, &call, &key, NULL), AIP_JSON_SYNTAX);
}

static void
a_call_that_was_not_made_can_be_made_under_its_key(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key key = key_of(&path, "search", "{}", "k");
    int64_t number = hold_again(&path, &key, 5, NOW).hold;
    CHECK_STATUS(end_hold(LEDGER_RELEASE, number, 0).verdict, AIP_OK);
    ledger_answer again = hold_again(&path, &key, 6, NOW);
    CHECK_STATUS(again.verdict, AIP_OK);
    CHECK(again.hold > number && !again.repeated && is_used('a', 0, 6));
    end();
}

static void
keys_are_forgotten_when_their_token_has_ended(void)
{
    begin();
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key key = key_of(&path, "search", "{}", "k"), open = key_of(&path, "search", "{}", "o");
    CHECK_STATUS(end_hold(LEDGER_SETTLE, hold_again(&path, &key, 5, NOW).hold, 5).verdict, AIP_OK);
    CHECK_STATUS(hold_again(&path, &open, 5, NOW).verdict, AIP_OK);
    CHECK_STATUS(ledger_forget(book, path.expires, NULL), AIP_OK);
    CHECK_STATUS(hold_again(&path, &key, 5, NOW).verdict, AIP_BUDGET_SETTLED);
    CHECK_STATUS(ledger_forget(book, path.expires + 1, NULL), AIP_OK);
    CHECK(file_query("SELECT count(*) FROM ledger_hold") == 1); /* the open one */
    CHECK_STATUS(hold_again(&path, &open, 5, NOW).verdict, AIP_BUDGET_PENDING);
    CHECK_STATUS(hold_again(&path, &key, 5, NOW).verdict, AIP_OK);
    CHECK(is_used('a', 5, 10)); /* charged twice rather than not at all */
    end();
}

/* ---- what a crash leaves ---- */

static aip_status
take_left(void *context, const ledger_left *row, aip_error *err)
{
    (void)err;
    ledger_left *last = context;
    CHECK(row->hold > last->hold);
    *last = *row;
    return AIP_OK;
}

static int64_t
last_left(int64_t before)
{
    ledger_left last = {0};
    const ledger_left_sink sink = {&last, take_left};
    CHECK_STATUS(ledger_list_left(book, before, &sink, NULL), AIP_OK);
    return last.hold;
}

static void
a_hold_that_was_left_open_counts_until_an_operator_frees_it(void)
{
    begin();
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD});
    int64_t number = hold(&path, USD).hold;
    CHECK(last_left(INT64_MAX) == 0); /* our own */
    CHECK_STATUS(end_hold(LEDGER_FREE, number, 0).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    close_book();
    open_book();
    CHECK(last_left(INT64_MAX) == number && last_left(NOW + 1) == number && last_left(NOW) == 0);
    CHECK_STATUS(hold(&path, 1).verdict, AIP_BUDGET_EXCEEDED);
    CHECK_STATUS(end_hold(LEDGER_SETTLE, number, 0).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK_STATUS(end_hold(LEDGER_RELEASE, number, 0).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK(is_used('a', 0, USD));
    CHECK_STATUS(end_hold(LEDGER_FREE, number, 0).verdict, AIP_OK);
    CHECK_STATUS(end_hold(LEDGER_FREE, number, 0).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK(is_used('a', 0, 0) && is_used('b', 0, 0) && last_left(INT64_MAX) == 0);
    CHECK_STATUS(hold(&path, USD).verdict, AIP_OK);
    end();
}

static void
a_retry_takes_over_what_a_crash_left_and_pays_for_it(void)
{
    static const ledger_verb verbs[] = {LEDGER_SETTLE, LEDGER_RELEASE};
    for (size_t i = 0; i < 2; i++) {
        begin();
        ledger_path path = path_of("a", (uint64_t[]){USD});
        ledger_key key = key_of(&path, "search", "{}", "k");
        int64_t number = hold_again(&path, &key, 100, NOW).hold;
        close_book();
        open_book();
        /* It may be another gateway's that still runs. */
        CHECK_STATUS(hold_again(&path, &key, 100, NOW - 1000).verdict, AIP_BUDGET_PENDING);
        CHECK_STATUS(hold_again(&path, &key, 100, NOW + LEDGER_TAKEOVER_SECONDS - 1).verdict, AIP_BUDGET_PENDING);
        ledger_answer taken = hold_again(&path, &key, 100, NOW + LEDGER_TAKEOVER_SECONDS);
        CHECK_STATUS(taken.verdict, AIP_OK);
        CHECK(taken.hold == number && taken.repeated && is_used('a', 0, 100));
        CHECK_STATUS(hold_again(&path, &key, 100, NOW + 1000).verdict, AIP_BUDGET_PENDING);
        /* The crashed one may have forwarded the call, so a release charges it in full. */
        CHECK_STATUS(end_hold(verbs[i], number, 30).verdict, AIP_OK);
        CHECK(is_used('a', i == 0 ? 30 : 100, 0));
        CHECK_STATUS(hold_again(&path, &key, 100, NOW + 1000).verdict, AIP_BUDGET_SETTLED);
        end();
    }
}

static aip_status
note_running(void *context, const ledger_left *row, aip_error *err)
{
    (void)err;
    *(int *)context = row->is_running;
    return AIP_OK;
}

/* Of the only hold that other runs have open; -1: there is none. */
static int
left_is_running(void)
{
    int running = -1;
    const ledger_left_sink sink = {&running, note_running};
    CHECK_STATUS(ledger_list_left(book, INT64_MAX, &sink, NULL), AIP_OK);
    return running;
}

static void
a_hold_of_a_run_that_lives_is_its_own_and_then_anyone_s(void)
{
    begin();
    store *db2 = NULL;
    ledger *first = book, *second = NULL;
    CHECK_STATUS(store_open(file_path, &db2, NULL), AIP_OK);
    CHECK_STATUS(ledger_open(db2, &second, NULL), AIP_OK);
    ledger_path path = path_of("a", (uint64_t[]){USD});
    ledger_key key = key_of(&path, "search", "{}", "k");
    int64_t number = hold_again(&path, &key, 100, NOW).hold;
    book = second;
    CHECK(left_is_running() == 1);
    CHECK_STATUS(hold_again(&path, &key, 100, NOW + 500).verdict, AIP_BUDGET_PENDING);
    CHECK_STATUS(hold_again(&path, &key, 100, 9 * NOW).verdict, AIP_BUDGET_PENDING); /* a clock that jumped */
    CHECK_STATUS(end_hold(LEDGER_FREE, number, 0).verdict, AIP_BUDGET_HOLD_RUNNING);
    book = first;
    close_book();
    book = second;
    CHECK(left_is_running() == 0);
    CHECK_STATUS(hold_again(&path, &key, 100, NOW + 500).verdict, AIP_OK);
    open_book();
    CHECK(left_is_running() == 1); /* who took it over lives */
    CHECK_STATUS(end_hold(LEDGER_RELEASE, number, 0).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK_STATUS(end_hold(LEDGER_SETTLE, number, 0).verdict, AIP_BUDGET_HOLD_UNKNOWN);
    CHECK_STATUS(end_hold(LEDGER_FREE, number, 0).verdict, AIP_BUDGET_HOLD_RUNNING);
    CHECK_STATUS(hold_again(&path, &key, 100, NOW + 1000).verdict, AIP_BUDGET_PENDING);
    ledger_close(&second);
    store_close(&db2);
    CHECK_STATUS(end_hold(LEDGER_FREE, number, 0).verdict, AIP_OK);
    CHECK(is_used('a', 0, 0) && left_is_running() == -1);
    end();
}

static void
without_the_file_of_runs_there_is_no_ledger(void)
{
    begin();
    char runs[sizeof file_path + 8];
    snprintf(runs, sizeof runs, "%s-runs", file_path);
    close_book();
    CHECK(unlink(runs) == 0 && symlink("elsewhere", runs) == 0);
    CHECK_STATUS(store_open(file_path, &db, NULL), AIP_OK);
    CHECK_STATUS(ledger_open(db, &book, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(book == NULL);
    CHECK(unlink(runs) == 0);
    CHECK_STATUS(ledger_open(db, &book, NULL), AIP_OK); /* a failed opening took nothing */
    end();
}

static void
what_another_connection_spends_counts_at_once(void)
{
    begin();
    store *db2 = NULL;
    ledger *first = book, *second = NULL;
    CHECK_STATUS(store_open(file_path, &db2, NULL), AIP_OK);
    CHECK_STATUS(ledger_open(db2, &second, NULL), AIP_OK);
    ledger_path path = path_of("ab", (uint64_t[]){10, 10});
    int64_t given[10];
    for (int i = 0; i < 10; i++) {
        book = i % 3 == 0 ? first : second;
        ledger_answer held = hold(&path, 1);
        CHECK_STATUS(held.verdict, AIP_OK);
        for (int k = 0; k < i; k++) {
            CHECK(held.hold != given[k]);
        }
        given[i] = held.hold;
    }
    book = first;
    CHECK_STATUS(hold(&path, 1).verdict, AIP_BUDGET_EXCEEDED);
    book = second;
    CHECK_STATUS(hold(&path, 1).verdict, AIP_BUDGET_EXCEEDED);
    ledger_close(&second);
    store_close(&db2);
    book = first;
    CHECK(is_used('b', 0, 10));
    end();
}

static void
a_store_has_one_ledger_at_a_time(void)
{
    begin();
    ledger *second = book;
    CHECK_STATUS(ledger_open(db, &second, NULL), AIP_INTERNAL);
    CHECK(second == NULL);
    ledger_close(&second);
    ledger_close(&book);
    CHECK_STATUS(ledger_open(db, &book, NULL), AIP_OK);
    end();
}

static void
more_accounts_than_memory_holds_are_counted_all_the_same(void)
{
    enum { BATCHES = 6 };
    static ledger_path paths[LEDGER_PER_COMMIT];
    static ledger_request requests[LEDGER_PER_COMMIT];
    begin();
    for (size_t round = 0; round < 2 * BATCHES; round++) {
        for (size_t i = 0; i < LEDGER_PER_COMMIT; i++) {
            paths[i] = (ledger_path){.count = AIP_CHAIN_ELEMENTS_MAX};
            for (size_t k = 1; k < AIP_CHAIN_ELEMENTS_MAX; k++) {
                memcpy(paths[i].links[k].link, (size_t[]){i, k, round % BATCHES}, 3 * sizeof(size_t));
            }
            requests[i] = (ledger_request){.verb = LEDGER_HOLD, .path = &paths[i], .amount_micro_usd = 1};
        }
        CHECK_STATUS(ledger_apply(book, requests, LEDGER_PER_COMMIT, NULL), AIP_OK);
    }
    CHECK(file_query("SELECT held FROM ledger_account WHERE parent IS NULL") == 2 * BATCHES * LEDGER_PER_COMMIT);
    CHECK(file_query("SELECT min(held) = 2 AND count(*) = 15 * 6 * 256 + 1 FROM ledger_account") == 1);
    end();
}

/* ---- the tree ---- */

static void
the_tree_shows_granted_spent_held_and_left(void)
{
    begin();
    ledger_path x = path_of("rpx", (uint64_t[]){10 * USD, NO_CEILING, 2 * USD});
    ledger_path q = path_of("rq", (uint64_t[]){10 * USD, 10 * USD});
    CHECK_STATUS(end_hold(LEDGER_SETTLE, hold(&x, USD).hold, USD / 2).verdict, AIP_OK);
    CHECK_STATUS(hold(&q, 9 * USD).verdict, AIP_OK);
    seen_rows seen;
    CHECK_STATUS(read_tree('x', LEDGER_FROM_ROOT, &seen), AIP_OK);
    CHECK(seen.count == 4);
    static const char names[] = "rpxq";
    static const size_t depths[] = {0, 1, 2, 1};
    static const uint64_t spent[] = {USD / 2, USD / 2, USD / 2, 0}, held[] = {9 * USD, 0, 0, 9 * USD},
                          left[] = {USD / 2, USD / 2, USD / 2, USD / 2};
    for (size_t i = 0; i < seen.count; i++) {
        const ledger_row *row = &seen.rows[i];
        CHECK(row->link[0] == names[i] && row->depth == depths[i]);
        CHECK(row->spent_micro_usd == spent[i] && row->held_micro_usd == held[i]);
        CHECK(row->has_left && row->left_micro_usd == left[i]);
        CHECK(row->has_ceiling == (names[i] != 'p'));
    }
    CHECK(seen.rows[2].ceiling_micro_usd == 2 * USD);
    CHECK_STATUS(read_tree('p', LEDGER_FROM_LINK, &seen), AIP_OK);
    CHECK(seen.count == 2 && seen.rows[0].link[0] == 'p' && seen.rows[0].depth == 0 && seen.rows[1].depth == 1);
    CHECK(seen.rows[0].has_left && seen.rows[0].left_micro_usd == USD / 2);
    end();
}

static void
a_tree_without_ceilings_has_no_left_and_a_lowered_ceiling_leaves_zero(void)
{
    begin();
    ledger_path open = path_of("ab", (uint64_t[]){NO_CEILING, NO_CEILING});
    CHECK_STATUS(hold(&open, 5).verdict, AIP_OK);
    CHECK(!row_of('b').has_left && !row_of('a').has_ceiling);
    ledger_path high = path_of("c", (uint64_t[]){USD}), low = path_of("c", (uint64_t[]){0});
    CHECK_STATUS(hold(&high, 5).verdict, AIP_OK);
    CHECK_STATUS(hold(&low, 0).verdict, AIP_BUDGET_EXCEEDED);
    CHECK(file_query("UPDATE ledger_account SET ceiling = 3 WHERE ceiling IS NOT NULL") == -1);
    CHECK(row_of('c').has_left && row_of('c').left_micro_usd == 0);
    end();
}

static void
a_link_that_was_never_debited_is_unknown(void)
{
    begin();
    seen_rows seen;
    CHECK_STATUS(read_tree('a', LEDGER_FROM_LINK, &seen), AIP_BUDGET_ACCOUNT_UNKNOWN);
    CHECK_STATUS(read_tree('a', LEDGER_FROM_ROOT, &seen), AIP_BUDGET_ACCOUNT_UNKNOWN);
    ledger_path path = path_of("ab", (uint64_t[]){USD, USD});
    CHECK_STATUS(hold(&path, 1).verdict, AIP_OK);
    unsigned char link[AIP_HASH_BYTES];
    memset(link, 'a', sizeof link);
    seen = (seen_rows){.limit = 1};
    const ledger_row_sink sink = {&seen, take_row};
    CHECK_STATUS(ledger_tree(book, link, LEDGER_FROM_LINK, &sink, NULL), AIP_USAGE); /* the sink's */
    CHECK_STATUS(hold(&path, 1).verdict, AIP_OK);
    end();
}

/* ---- from a chain ---- */

static const unsigned char seeds[3][AIP_SEED_BYTES] = {{1, 9}, {2, 9}, {3, 9}};

static char *
make_token(const char *budget, const char *shares, bool has_child, const char *child_budget)
{
    static const char *const scope[] = {"tool:search"};
    char names[3][AIP_DID_TEXT_SIZE], *root = NULL, *out = NULL;
    aip_secret_key *keys[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(aip_secret_key_from_seed(seeds[i], &keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(keys[i]), names[i]);
    }
    aip_statement said = {.subject = names[1],
                          .scope = scope,
                          .scope_count = 1,
                          .has_max_depth = true,
                          .max_depth = 3,
                          .issued_at = NOW,
                          .expires_at = NOW + 60,
                          .shares = shares,
                          .has_budget = budget != NULL};
    if (budget != NULL) {
        CHECK_STATUS(aip_budget_parse(aip_bytes_of(budget), &said.budget_micro_usd, NULL), AIP_OK);
    }
    CHECK_STATUS(aip_token_issue(keys[0], &said, &root, NULL), AIP_OK);
    said = (aip_statement){.subject = names[2],
                           .scope = scope,
                           .scope_count = 1,
                           .issued_at = NOW,
                           .expires_at = NOW + 50,
                           .context = "test",
                           .has_budget = child_budget != NULL};
    if (child_budget != NULL) {
        CHECK_STATUS(aip_budget_parse(aip_bytes_of(child_budget), &said.budget_micro_usd, NULL), AIP_OK);
    }
    if (has_child) {
        CHECK_STATUS(aip_token_delegate(keys[1], aip_bytes_of(root), &said, &out, NULL), AIP_OK);
        free(root);
        root = out;
    }
    for (size_t i = 0; i < 3; i++) {
        aip_secret_key_free(&keys[i]);
    }
    return root;
}

static ledger_path
path_of_token(char *text, const char *gateway, const aip_ceiling *ceiling)
{
    aip_chain *chain = NULL;
    aip_trust trust = {0};
    aip_grant grant;
    ledger_path path;
    char root[AIP_DID_TEXT_SIZE], link_id[44], found[44];
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seeds[0], &key, NULL), AIP_OK);
    aip_did_of_key(aip_secret_key_public(key), root);
    CHECK_STATUS(aip_trust_add(&trust, root, NULL), AIP_OK);
    trust.roots[0].ceiling = ceiling;
    const aip_check check = {.trust = &trust, .now_seconds = NOW + 1};
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(text), &chain, NULL), AIP_OK);
    CHECK_STATUS(aip_chain_verify(chain, &check, &grant, NULL), AIP_OK);
    CHECK_STATUS(ledger_path_of(&grant, aip_bytes_of(gateway), &path, NULL), AIP_OK);
    CHECK(path.count == aip_chain_length(chain) && path.expires == grant.expires);
    for (size_t i = 0; i < path.count; i++) {
        aip_chain_link_id(chain, i, link_id);
        base64url_encode((aip_bytes){path.links[i].link, AIP_HASH_BYTES}, found);
        CHECK_TEXT(found, link_id);
    }
    aip_chain_free(&chain);
    aip_trust_clear(&trust);
    aip_secret_key_free(&key);
    free(text);
    return path;
}

static bool
has_ceiling(const ledger_path *path, size_t i, uint64_t wanted)
{
    return path->links[i].has_ceiling && path->links[i].ceiling_micro_usd == wanted;
}

static void
declared_budgets_are_ceilings_and_absent_ones_are_none(void)
{
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    ledger_path path = path_of_token(make_token("1.5", NULL, true, "0.25"), "did:web:g.example", NULL);
    CHECK(path.count == 2 && has_ceiling(&path, 0, 1500000) && has_ceiling(&path, 1, 250000));
    path = path_of_token(make_token("1.5", NULL, true, NULL), "did:web:g.example", NULL);
    CHECK(has_ceiling(&path, 0, 1500000) && !path.links[1].has_ceiling);
    path = path_of_token(make_token(NULL, NULL, false, NULL), "did:web:g.example", NULL);
    CHECK(path.count == 1 && !path.links[0].has_ceiling);
    path = path_of_token(make_token("0", NULL, false, NULL), "did:web:g.example", NULL);
    CHECK(has_ceiling(&path, 0, 0));
}

static void
the_ceiling_configured_for_the_root_binds_too(void)
{
    const aip_ceiling ceiling = {.has_budget = true, .budget_micro_usd = USD};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    ledger_path path = path_of_token(make_token(NULL, NULL, true, "5"), "did:web:g.example", &ceiling);
    CHECK(has_ceiling(&path, 0, USD) && has_ceiling(&path, 1, 5 * USD));
    path = path_of_token(make_token("7", NULL, false, NULL), "did:web:g.example", &ceiling);
    CHECK(has_ceiling(&path, 0, USD));
    path = path_of_token(make_token("0.5", NULL, false, NULL), "did:web:g.example", &ceiling);
    CHECK(has_ceiling(&path, 0, USD / 2));
}

static void
a_gateway_has_its_own_share_and_without_one_nothing(void)
{
    static const char shares[] = "[[\"did:web:a.example\",2],[\"did:web:b.example\",0.5]]";
    const aip_ceiling ceiling = {.has_budget = true, .budget_micro_usd = USD};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    ledger_path path = path_of_token(make_token("3", shares, false, NULL), "did:web:a.example", NULL);
    CHECK(has_ceiling(&path, 0, 2 * USD));
    path = path_of_token(make_token("3", shares, true, "3"), "did:web:b.example", NULL);
    CHECK(has_ceiling(&path, 0, USD / 2) && has_ceiling(&path, 1, 3 * USD));
    path = path_of_token(make_token("3", shares, false, NULL), "did:web:c.example", NULL);
    CHECK(has_ceiling(&path, 0, 0));
    path = path_of_token(make_token("3", shares, false, NULL), "did:web:a.exampl", NULL);
    CHECK(has_ceiling(&path, 0, 0));
    path = path_of_token(make_token("3", shares, false, NULL), "", NULL);
    CHECK(has_ceiling(&path, 0, 0));
    path = path_of_token(make_token("3", shares, false, NULL), "did:web:a.example", &ceiling);
    CHECK(has_ceiling(&path, 0, USD));
}

RUN(TEST(a_hold_lies_on_every_account_of_its_path), TEST(settling_charges_what_it_cost_and_frees_the_rest),
    TEST(a_settlement_above_its_hold_charges_the_hold), TEST(a_released_hold_leaves_nothing), TEST(a_hold_ends_once),
    TEST(numbers_of_holds_are_never_given_twice), TEST(siblings_share_what_their_parent_was_given),
    TEST(a_refused_hold_writes_nothing), TEST(a_ceiling_of_zero_lets_nothing_through_but_what_is_free),
    TEST(amounts_never_leave_their_range), TEST(a_ceiling_that_was_lowered_binds_at_once),
    TEST(a_link_under_another_parent_than_before_is_refused), TEST(each_request_of_a_commit_has_its_own_verdict),
    TEST(a_full_commit_of_the_deepest_paths_fits_and_one_more_is_refused),
    TEST(when_the_commit_fails_no_verdict_is_good), TEST(a_write_that_fails_takes_all_of_its_commit_along),
    TEST(when_nothing_more_can_be_written_nothing_more_is_held), TEST(a_hold_without_a_path_is_an_error_of_the_program),
    TEST(damage_is_refused_for_those_whom_it_concerns), TEST(a_hold_that_its_account_does_not_bear_is_damage),
    TEST(a_retry_is_charged_once), TEST(two_of_one_key_in_one_commit_are_one_hold),
    TEST(a_key_of_another_call_is_a_conflict), TEST(another_chain_or_another_key_is_another_call),
    TEST(the_same_arguments_in_another_spelling_are_the_same_call),
    TEST(keys_and_arguments_that_cannot_be_read_are_refused), TEST(a_call_that_was_not_made_can_be_made_under_its_key),
    TEST(keys_are_forgotten_when_their_token_has_ended),
    TEST(a_hold_that_was_left_open_counts_until_an_operator_frees_it),
    TEST(a_retry_takes_over_what_a_crash_left_and_pays_for_it),
    TEST(a_hold_of_a_run_that_lives_is_its_own_and_then_anyone_s), TEST(without_the_file_of_runs_there_is_no_ledger),
    TEST(what_another_connection_spends_counts_at_once), TEST(a_store_has_one_ledger_at_a_time),
    TEST(more_accounts_than_memory_holds_are_counted_all_the_same), TEST(the_tree_shows_granted_spent_held_and_left),
    TEST(a_tree_without_ceilings_has_no_left_and_a_lowered_ceiling_leaves_zero),
    TEST(a_link_that_was_never_debited_is_unknown), TEST(declared_budgets_are_ceilings_and_absent_ones_are_none),
    TEST(the_ceiling_configured_for_the_root_binds_too), TEST(a_gateway_has_its_own_share_and_without_one_nothing))
