/* The thread that keeps the books, from a shard's side: go-aheads, settlements that are never lost, and the end. */
#include "gateway/books.h"

#include <poll.h>

#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW INT64_C(1800000000)
#define PATIENCE_MILLISECONDS 10000
#define MANY 1000

static mailroom *room;
static mailbox *box;
static books *book;

static void
open_books(void)
{
    const books_setup setup = {.store_path = file_path};
    CHECK_STATUS(mailroom_new(&room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(room, &box, NULL), AIP_OK);
    CHECK_STATUS(books_open(&setup, &book, NULL), AIP_OK);
}

static void
close_books(void)
{
    books_close(&book);
    CHECK(book == NULL);
    mailroom_free(&room);
}

static void
begin(void)
{
    file_begin();
    open_books();
}

static void
start(void)
{
    CHECK_STATUS(books_start(book, NULL), AIP_OK);
}

static void
end(void)
{
    close_books();
    file_end();
}

static question *
new_question(question_kind kind)
{
    question *q = NULL;
    CHECK_STATUS(question_new(box, kind, AIP_BYTES_LITERAL("budget"), &q, NULL), AIP_OK);
    return q;
}

static void
ask_hold(char name, uint64_t ceiling, uint64_t amount)
{
    question *q = new_question(QUESTION_HOLD);
    q->path.count = 1;
    q->path.expires = NOW + 3600;
    memset(q->path.links[0].link, name, AIP_HASH_BYTES);
    q->path.links[0].has_ceiling = true;
    q->path.links[0].ceiling_micro_usd = ceiling;
    q->request =
        (ledger_request){.verb = LEDGER_HOLD, .path = &q->path, .amount_micro_usd = amount, .now_seconds = NOW};
    CHECK_STATUS(desk_ask(books_desk(book), q, NULL), AIP_OK);
}

static void
ask_end(ledger_verb verb, int64_t hold, uint64_t cost)
{
    question *q = new_question(QUESTION_SETTLE);
    q->request = (ledger_request){.verb = verb, .hold = hold, .amount_micro_usd = cost};
    CHECK_STATUS(desk_ask(books_desk(book), q, NULL), AIP_OK);
}

/* The next answer; NULL: none came. */
static question *
wait_for_answer(void)
{
    question *q = mailbox_take(box);
    struct pollfd descriptor = {mailbox_descriptor(box), POLLIN, 0};
    while (q == NULL && poll(&descriptor, 1, PATIENCE_MILLISECONDS) == 1) {
        mailbox_clear(box);
        q = mailbox_take(box);
    }
    CHECK(q != NULL);
    return q;
}

static ledger_answer
next_answer(aip_status wanted)
{
    ledger_answer answer = {0};
    question *q = wait_for_answer();
    if (q != NULL) {
        CHECK_STATUS(q->status, wanted);
        CHECK(q->status != AIP_OK || q->request.answer.verdict == AIP_OK);
        answer = q->request.answer;
    }
    question_free(&q);
    return answer;
}

static int64_t
spent(void)
{
    return file_query("SELECT coalesce(sum(spent), 0) FROM ledger_account");
}

static int64_t
held(void)
{
    return file_query("SELECT coalesce(sum(held), 0) FROM ledger_account");
}

static void
forbid_changes(bool forbidden)
{
    file_query(forbidden ? "CREATE TRIGGER no BEFORE UPDATE ON ledger_account BEGIN SELECT raise(ABORT, 'no'); END"
                         : "DROP TRIGGER no");
}

static void
a_call_is_held_then_settled_or_released(void)
{
    begin();
    start();
    ask_hold('a', 100, 60);
    int64_t first = next_answer(AIP_OK).hold;
    CHECK(first > 0 && held() == 60);
    ask_hold('a', 100, 50);
    CHECK(next_answer(AIP_BUDGET_EXCEEDED).at == 0);
    ask_end(LEDGER_SETTLE, first, 20);
    CHECK(next_answer(AIP_OK).charged_micro_usd == 20 && spent() == 20 && held() == 0);
    ask_hold('a', 100, 80);
    int64_t second = next_answer(AIP_OK).hold;
    ask_end(LEDGER_RELEASE, second, 0);
    next_answer(AIP_OK);
    CHECK(spent() == 20 && held() == 0);
    ask_end(LEDGER_SETTLE, second, 80);
    next_answer(AIP_BUDGET_HOLD_UNKNOWN);
    CHECK(spent() == 20);
    end();
}

static void
what_waits_is_applied_in_order_and_nothing_is_left_over(void)
{
    begin();
    for (int i = 0; i < MANY; i++) { /* more than one commit takes */
        ask_hold('a', MANY / 2, 1);
    }
    start();
    for (int i = 0; i < MANY; i++) {
        next_answer(i < MANY / 2 ? AIP_OK : AIP_BUDGET_EXCEEDED);
    }
    CHECK(held() == MANY / 2 && mailbox_take(box) == NULL);
    end();
}

static void
a_full_line_refuses_and_settlements_have_one_of_their_own(void)
{
    begin();
    aip_status status = AIP_OK;
    size_t taken = 0;
    for (; status == AIP_OK && taken < 100000; taken++) {
        question *q = new_question(QUESTION_HOLD);
        status = desk_ask(books_desk(book), q, NULL);
    }
    CHECK_STATUS(status, AIP_OVERLOADED);
    CHECK(taken > MANY);
    ask_end(LEDGER_SETTLE, 1, 1);
    end();
}

static void
questions_that_make_no_sense_are_refused_alone(void)
{
    begin();
    question *pathless = new_question(QUESTION_HOLD), *freeing = new_question(QUESTION_SETTLE);
    pathless->request.verb = LEDGER_HOLD;
    freeing->request = (ledger_request){.verb = LEDGER_FREE, .hold = 1};
    CHECK_STATUS(desk_ask(books_desk(book), pathless, NULL), AIP_OK);
    CHECK_STATUS(desk_ask(books_desk(book), freeing, NULL), AIP_OK);
    ask_hold('a', 100, 60);
    start();
    next_answer(AIP_INTERNAL);
    next_answer(AIP_INTERNAL);
    next_answer(AIP_OK);
    end();
}

static void
a_settlement_that_failed_is_made_again_and_a_hold_is_refused(void)
{
    begin();
    start();
    ask_hold('a', 100, 60);
    int64_t number = next_answer(AIP_OK).hold;
    forbid_changes(true);
    ask_end(LEDGER_SETTLE, number, 20);
    ask_hold('a', 100, 1);
    next_answer(AIP_STORE_UNAVAILABLE);
    CHECK(held() == 60 && spent() == 0 && mailbox_take(box) == NULL);
    forbid_changes(false);
    CHECK(next_answer(AIP_OK).charged_micro_usd == 20); /* by itself */
    CHECK(held() == 0 && spent() == 20);
    end();
}

static void
at_the_end_all_is_settled_that_was_asked(void)
{
    begin();
    start();
    for (int i = 0; i < MANY; i++) {
        ask_hold('a', MANY, 1);
    }
    int64_t numbers[MANY];
    for (int i = 0; i < MANY; i++) {
        numbers[i] = next_answer(AIP_OK).hold;
    }
    for (int i = 0; i < MANY; i++) {
        ask_end(LEDGER_SETTLE, numbers[i], 1);
    }
    close_books();
    CHECK(held() == 0 && spent() == MANY);
    file_end();
}

static void
what_cannot_be_settled_at_the_end_stays_held(void)
{
    begin();
    start();
    ask_hold('a', 100, 60);
    int64_t number = next_answer(AIP_OK).hold;
    forbid_changes(true);
    ask_end(LEDGER_SETTLE, number, 20);
    close_books();
    CHECK(held() == 60 && spent() == 0);
    forbid_changes(false);
    open_books();
    start();
    ask_end(LEDGER_SETTLE, number, 20); /* another run */
    next_answer(AIP_BUDGET_HOLD_UNKNOWN);
    CHECK(held() == 60);
    end();
}

static void
a_hold_that_nobody_waits_for_is_given_back(void)
{
    begin();
    start();
    ask_hold('a', 100, 60);
    question *q = wait_for_answer();
    CHECK(held() == 60);
    books_give_back(book, &q);
    CHECK(q == NULL);
    next_answer(AIP_OK);
    CHECK(held() == 0 && spent() == 0);
    ask_hold('a', 100, 101);
    q = wait_for_answer();
    books_give_back(book, &q); /* there is nothing to give back */
    CHECK(q == NULL && held() == 0);
    end();
}

static void
a_gateway_that_stops_leaves_no_hold_that_nobody_knows(void)
{
    begin();
    start();
    for (int i = 0; i < MANY; i++) {
        ask_hold('a', MANY, 1);
    }
    books_refuse_holds(book);
    for (question *q = mailroom_take(room); q != NULL; q = mailroom_take(room)) {
        books_give_back(book, &q);
    }
    ask_hold('b', 100, 1);
    close_books();
    CHECK(held() == 0 && spent() == 0);
    CHECK(file_query("SELECT count(*) FROM ledger_hold") == 0);
    file_end();
}

static void
books_that_cannot_be_opened_are_refused(void)
{
    file_begin();
    const books_setup nowhere = {.store_path = "/nonexistent/a.db"};
    CHECK_STATUS(books_open(&nowhere, &book, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(book == NULL);
    books_close(&book);
    file_end();
}

RUN(TEST(a_call_is_held_then_settled_or_released), TEST(what_waits_is_applied_in_order_and_nothing_is_left_over),
    TEST(a_full_line_refuses_and_settlements_have_one_of_their_own),
    TEST(questions_that_make_no_sense_are_refused_alone),
    TEST(a_settlement_that_failed_is_made_again_and_a_hold_is_refused), TEST(at_the_end_all_is_settled_that_was_asked),
    TEST(what_cannot_be_settled_at_the_end_stays_held), TEST(a_hold_that_nobody_waits_for_is_given_back),
    TEST(a_gateway_that_stops_leaves_no_hold_that_nobody_knows), TEST(books_that_cannot_be_opened_are_refused))
