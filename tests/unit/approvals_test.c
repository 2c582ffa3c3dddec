/* Calls that wait for a person: the rules with a clock of our own, then the thread from a shard's side. */
#include "gateway/approvals.h"

#include <poll.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "gateway/prompts.h"
#include "tests/unit/audit_subject.h"
#include "tests/unit/check.h"

#define SECOND UINT64_C(1000000)
#define NOW (1000 * SECOND)
#define QUESTIONS_MAX 2048

static prompts *book;
static question *made[QUESTIONS_MAX];
static size_t made_count;

static void
begin(void)
{
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(prompts_new(&book, NULL), AIP_OK);
}

static void
end(void)
{
    prompts_free(&book);
    CHECK(book == NULL);
    while (made_count > 0) {
        question_free(&made[--made_count]);
    }
}

static question *
new_question(mailbox *home, char call)
{
    question *q = NULL;
    CHECK_STATUS(question_new(home, QUESTION_APPROVAL, AIP_BYTES_LITERAL("did:aip:leaf"), &q, NULL), AIP_OK);
    memset(q->digest, call, sizeof q->digest);
    q->approval = (policy_approval){.timeout_seconds = 60, .cooldown_seconds = 300, .prompts_per_minute = 10};
    text_append_format(&q->text, "\"name\":\"tool-%c\"", call);
    return q;
}

static prompt *
ask_by(question *q, uint64_t now)
{
    prompt *p = NULL;
    CHECK_STATUS(prompts_ask(book, q, now, &p, NULL), AIP_OK);
    return p;
}

/* Of the call `call`; the prompt is valid until it is taken out. */
static prompt *
ask(char call, uint64_t now)
{
    question *q = new_question(NULL, call);
    CHECK(made_count < QUESTIONS_MAX);
    made[made_count++] = q;
    return ask_by(q, now);
}

static size_t
take_all(void)
{
    size_t count = 0;
    for (prompt *p = prompts_take_ended(book); p != NULL; p = prompts_take_ended(book)) {
        prompt_free(&p);
        count++;
    }
    return count;
}

/* ---- the rules ---- */

static void
a_prompt_waits_until_a_person_allows_it_once(void)
{
    begin();
    prompt *p = ask('a', NOW);
    CHECK(p->state == PROMPT_WAITS && prompts_waiting(book) == 1);
    CHECK(prompts_find(book, p->id) == p);
    CHECK(prompts_take_ended(book) == NULL);
    CHECK_STATUS(prompts_allow(book, p->id, 0, "alice", NOW + SECOND, NULL), AIP_OK);
    CHECK(p->state == PROMPT_ALLOWED && p->minutes == 0);
    CHECK_TEXT(p->by, "alice");
    CHECK(prompts_take_ended(book) == p && prompts_first(book) == NULL);
    prompt_free(&p);
    CHECK(ask('a', NOW + 2 * SECOND)->state == PROMPT_WAITS);
    end();
}

static void
a_word_once_is_for_one_of_two_equal_calls(void)
{
    begin();
    prompt *one = ask('a', NOW), *other = ask('a', NOW);
    CHECK_STATUS(prompts_allow(book, one->id, 0, "alice", NOW, NULL), AIP_OK);
    CHECK(one->state == PROMPT_ALLOWED && other->state == PROMPT_WAITS);
    end();
}

static void
a_second_word_about_the_same_prompt_is_void(void)
{
    begin();
    prompt *p = ask('a', NOW);
    CHECK_STATUS(prompts_deny(book, p->id, "bob", NOW, NULL), AIP_OK);
    CHECK_STATUS(prompts_allow(book, p->id, 5, "alice", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK_STATUS(prompts_deny(book, p->id, "carol", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK(p->state == PROMPT_DENIED);
    CHECK_TEXT(p->by, "bob");
    CHECK(ask('a', NOW)->state == PROMPT_WAITS);
    end();
}

static void
an_unknown_id_allows_and_denies_nothing(void)
{
    begin();
    prompt *p = ask('a', NOW);
    CHECK_STATUS(prompts_allow(book, "", 0, "alice", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK_STATUS(prompts_allow(book, "0000000000000000", 0, "alice", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK_STATUS(prompts_deny(book, "0000000000000000", "alice", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK(prompts_find(book, "") == NULL && p->state == PROMPT_WAITS);
    end();
}

static void
a_word_for_some_minutes_holds_for_the_same_call_alone(void)
{
    begin();
    prompt *p = ask('a', NOW), *same = ask('a', NOW), *different = ask('b', NOW);
    CHECK_STATUS(prompts_allow(book, p->id, 10, "alice", NOW, NULL), AIP_OK);
    CHECK(p->state == PROMPT_ALLOWED && p->minutes == 10);
    CHECK(same->state == PROMPT_STANDING && different->state == PROMPT_WAITS);
    CHECK_TEXT(same->by, "alice");
    prompt *later = ask('a', NOW + 599 * SECOND);
    CHECK(later->state == PROMPT_STANDING);
    CHECK_TEXT(later->by, "alice");
    CHECK(ask('b', NOW + 599 * SECOND)->state == PROMPT_WAITS);
    CHECK(ask('a', NOW + 600 * SECOND)->state == PROMPT_WAITS);
    end();
}

static void
a_word_that_holds_can_be_ended(void)
{
    begin();
    size_t count = 0;
    prompt *p = ask('a', NOW);
    CHECK_STATUS(prompts_allow(book, p->id, 60, "alice", NOW, NULL), AIP_OK);
    const prompt_word *words = prompts_words(book, &count);
    CHECK(count == 1);
    CHECK_TEXT(words[0].id, p->id);
    CHECK_TEXT(words[0].shown, "\"name\":\"tool-a\"");
    CHECK_STATUS(prompts_deny(book, p->id, "bob", NOW, NULL), AIP_OK);
    (void)prompts_words(book, &count);
    CHECK(count == 0);
    CHECK(ask('a', NOW)->state == PROMPT_WAITS);
    CHECK_STATUS(prompts_deny(book, p->id, "bob", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    end();
}

static void
a_word_for_more_than_a_day_is_refused(void)
{
    begin();
    prompt *p = ask('a', NOW);
    CHECK_STATUS(prompts_allow(book, p->id, PROMPT_MINUTES_MAX + 1, "alice", NOW, NULL), AIP_USAGE);
    CHECK_STATUS(prompts_allow(book, p->id, UINT32_MAX, "alice", NOW, NULL), AIP_USAGE);
    CHECK(p->state == PROMPT_WAITS);
    CHECK_STATUS(prompts_allow(book, p->id, PROMPT_MINUTES_MAX, "alice", NOW, NULL), AIP_OK);
    end();
}

static void
nobody_answers_in_time_and_a_late_word_is_void(void)
{
    begin();
    prompt *p = ask('a', NOW);
    CHECK(prompts_next_end(book) == NOW + 60 * SECOND);
    prompts_expire(book, NOW + 60 * SECOND - 1);
    CHECK(p->state == PROMPT_WAITS);
    CHECK_STATUS(prompts_allow(book, p->id, 5, "alice", NOW + 60 * SECOND, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK(p->state == PROMPT_TIMED_OUT && prompts_next_end(book) == UINT64_MAX);
    CHECK(ask('a', NOW + 61 * SECOND)->state == PROMPT_WAITS);
    end();
}

static void
a_caller_who_went_away_cannot_be_allowed(void)
{
    begin();
    prompt *p = ask('a', NOW);
    atomic_store(&p->q->left, true);
    CHECK_STATUS(prompts_allow(book, p->id, 5, "alice", NOW, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK(p->state == PROMPT_WITHDRAWN);
    CHECK(ask('a', NOW)->state == PROMPT_WAITS);
    end();
}

static void
a_call_that_is_taken_back_waits_no_longer_and_others_do(void)
{
    begin();
    prompt *p = ask('a', NOW), *other = ask('a', NOW);
    unsigned char call[32] = {7};
    memcpy(p->q->call, call, sizeof call);
    prompts_withdraw(book, call);
    CHECK(p->state == PROMPT_WITHDRAWN && other->state == PROMPT_WAITS);
    prompts_withdraw(book, NULL);
    CHECK(other->state == PROMPT_WAITS);
    prompts_withdraw_all(book);
    CHECK(other->state == PROMPT_WITHDRAWN);
    end();
}

static void
the_eleventh_prompt_of_a_minute_denies_all_for_five_minutes(void)
{
    begin();
    for (int i = 0; i < 10; i++) {
        CHECK(ask((char)('a' + i), NOW + (uint64_t)i * SECOND)->state == PROMPT_WAITS);
    }
    uint64_t burst = NOW + 59 * SECOND;
    CHECK(ask('k', burst)->state == PROMPT_BURST);
    CHECK(ask('l', burst)->state == PROMPT_COOLING);
    CHECK(ask('m', burst + 300 * SECOND - 1)->state == PROMPT_COOLING);
    CHECK(ask('n', burst + 300 * SECOND)->state == PROMPT_WAITS);
    end();
}

static void
ten_prompts_in_each_minute_are_no_flood(void)
{
    begin();
    for (int i = 0; i < 200; i++) {
        CHECK(ask('a', NOW + (uint64_t)i * 6 * SECOND)->state == PROMPT_WAITS);
    }
    end();
}

static void
what_is_denied_by_itself_does_not_count_as_shown(void)
{
    begin();
    prompt *p = ask('a', NOW);
    CHECK_STATUS(prompts_allow(book, p->id, 60, "alice", NOW, NULL), AIP_OK);
    for (int i = 0; i < 50; i++) {
        CHECK(ask('a', NOW)->state == PROMPT_STANDING);
    }
    for (int i = 1; i < 10; i++) {
        CHECK(ask('b', NOW)->state == PROMPT_WAITS);
    }
    CHECK(ask('c', NOW)->state == PROMPT_BURST);
    CHECK(ask('a', NOW)->state == PROMPT_STANDING);
    end();
}

static void
each_policy_has_its_own_limits(void)
{
    begin();
    question *q = new_question(NULL, 'a');
    made[made_count++] = q;
    q->approval = (policy_approval){.timeout_seconds = 1, .cooldown_seconds = 2, .prompts_per_minute = 1};
    CHECK(ask_by(q, NOW)->until == NOW + SECOND);
    question *second = new_question(NULL, 'b');
    made[made_count++] = second;
    second->approval = q->approval;
    CHECK(ask_by(second, NOW)->state == PROMPT_BURST);
    CHECK(ask('c', NOW + 2 * SECOND - 1)->state == PROMPT_COOLING);
    CHECK(ask('c', NOW + 2 * SECOND)->state == PROMPT_WAITS);
    end();
}

static void
words_beyond_the_bound_push_out_the_one_that_ends_soonest(void)
{
    begin();
    size_t count = 0;
    char first[PROMPT_ID_SIZE];
    for (unsigned i = 0; i <= PROMPT_WORDS_MAX; i++) {
        uint64_t now = NOW + i * 60 * SECOND / 10;
        prompt *p = ask('a', now);
        memcpy(p->q->digest, &i, sizeof i);
        CHECK_STATUS(prompts_allow(book, p->id, PROMPT_MINUTES_MAX, "alice", now, NULL), AIP_OK);
        if (i == 0) {
            memcpy(first, p->id, sizeof first);
        }
        CHECK(take_all() == 1);
    }
    const prompt_word *words = prompts_words(book, &count);
    CHECK(count == PROMPT_WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(strcmp(words[i].id, first) != 0);
    }
    end();
}

/* ---- the thread ---- */

static mailroom *room;
static mailbox *box;
static approvals *desk_of;

static void
open_thread(audit_log *audit)
{
    const approvals_setup setup = {.audit = audit};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(mailroom_new(&room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(room, &box, NULL), AIP_OK);
    CHECK_STATUS(approvals_open(&setup, &desk_of, NULL), AIP_OK);
    CHECK_STATUS(approvals_start(desk_of, NULL), AIP_OK);
}

static void
close_thread(void)
{
    approvals_close(&desk_of);
    mailroom_free(&room);
}

static question *
put(char call)
{
    question *q = new_question(box, call);
    strcpy(q->decision_id, "ABCDEFGHIJKLMNOPQRSTUV");
    CHECK_STATUS(desk_ask(approvals_desk(desk_of), q, NULL), AIP_OK);
    return q;
}

static question *
wait_for_answer(void)
{
    question *q = mailbox_take(box);
    struct pollfd descriptor = {mailbox_descriptor(box), POLLIN, 0};
    while (q == NULL && poll(&descriptor, 1, 10000) == 1) {
        mailbox_clear(box);
        q = mailbox_take(box);
    }
    CHECK(q != NULL);
    return q;
}

static void
answered(aip_status status, const char *by)
{
    question *q = wait_for_answer();
    if (q != NULL) {
        CHECK_STATUS(q->status, status);
        CHECK_TEXT(q->detail, by);
    }
    question_free(&q);
}

/* The id of the only one that waits. */
static void
waiting_id(char out[PROMPT_ID_SIZE])
{
    for (int tries = 0; tries < 2000 && approvals_waiting(desk_of) == 0; tries++) {
        usleep(1000);
    }
    TEXT_AUTO text_buffer text = {0};
    approvals_append_waiting(desk_of, &text);
    text_append(&text, (aip_bytes){(const unsigned char *)"", 1});
    const char *at = strstr(text.data, "\"id\":\"");
    CHECK(at != NULL);
    snprintf(out, PROMPT_ID_SIZE, "%s", at == NULL ? "" : at + 6);
}

static void
a_person_allows_and_denies_through_the_thread(void)
{
    char id[PROMPT_ID_SIZE];
    open_thread(NULL);
    put('a');
    waiting_id(id);
    CHECK_STATUS(approvals_allow(desk_of, id, 0, "alice", NULL), AIP_OK);
    answered(AIP_OK, "alice");
    CHECK_STATUS(approvals_allow(desk_of, id, 0, "alice", NULL), AIP_APPROVAL_UNKNOWN);
    put('b');
    waiting_id(id);
    TEXT_AUTO text_buffer shown = {0};
    CHECK_STATUS(approvals_append_one(desk_of, id, &shown, NULL), AIP_OK);
    CHECK(memmem(shown.data, shown.size, "\"name\":\"tool-b\"}", 15) != NULL);
    CHECK_STATUS(approvals_deny(desk_of, id, "bob", NULL), AIP_OK);
    answered(AIP_APPROVAL_DENIED, "bob");
    CHECK_STATUS(approvals_append_one(desk_of, id, &shown, NULL), AIP_APPROVAL_UNKNOWN);
    CHECK(approvals_waiting(desk_of) == 0);
    close_thread();
}

static void
the_thread_ends_what_waited_too_long_and_who_left(void)
{
    char id[PROMPT_ID_SIZE];
    open_thread(NULL);
    question *q = new_question(box, 'a');
    q->approval.timeout_seconds = 1;
    CHECK_STATUS(desk_ask(approvals_desk(desk_of), q, NULL), AIP_OK);
    answered(AIP_APPROVAL_TIMEOUT, "");
    q = put('b');
    waiting_id(id);
    atomic_store(&q->left, true);
    desk_ring(approvals_desk(desk_of));
    answered(AIP_CALLER_GONE, "");
    CHECK_STATUS(approvals_allow(desk_of, id, 0, "alice", NULL), AIP_APPROVAL_UNKNOWN);
    close_thread();
}

static void
a_call_is_taken_back_by_another_question(void)
{
    char id[PROMPT_ID_SIZE];
    open_thread(NULL);
    question *q = new_question(box, 'a'), *back = new_question(box, 'a');
    memset(q->call, 5, sizeof q->call);
    memset(back->call, 5, sizeof back->call);
    back->withdraws = true;
    CHECK_STATUS(desk_ask(approvals_desk(desk_of), q, NULL), AIP_OK);
    waiting_id(id);
    CHECK_STATUS(desk_ask(approvals_desk(desk_of), back, NULL), AIP_OK);
    question *first = wait_for_answer(), *second = wait_for_answer();
    CHECK(first == back && second == q);
    CHECK_STATUS(q->status, AIP_CALLER_GONE);
    question_free(&first);
    question_free(&second);
    close_thread();
}

static void
more_than_can_wait_are_refused_and_the_end_answers_all(void)
{
    size_t asked = 0, given = 0;
    open_thread(NULL);
    for (int i = 0; i < 400; i++) {
        question *q = new_question(box, 'a');
        q->approval.prompts_per_minute = 1000;
        asked += desk_ask(approvals_desk(desk_of), q, NULL) == AIP_OK;
    }
    CHECK(asked == 128);
    CHECK_STATUS(approvals_allow(desk_of, "none", 0, "alice", NULL), AIP_APPROVAL_UNKNOWN);
    for (int tries = 0; tries < 2000 && approvals_waiting(desk_of) < asked; tries++) {
        usleep(1000);
    }
    approvals_close(&desk_of);
    for (question *q = mailbox_take(box); q != NULL; q = mailbox_take(box)) {
        CHECK_STATUS(q->status, AIP_CALLER_GONE);
        question_free(&q);
        given++;
    }
    CHECK(given == asked);
    mailroom_free(&room);
}

static void
the_log_tells_who_said_what(void)
{
    char id[PROMPT_ID_SIZE], text[8192] = {0};
    audit_log *log = NULL;
    subject_begin();
    CHECK_STATUS(subject_open(subject_path, &log, NULL), AIP_OK);
    open_thread(log);
    put('a');
    waiting_id(id);
    CHECK_STATUS(approvals_allow(desk_of, id, 10, "alice", NULL), AIP_OK);
    answered(AIP_OK, "alice");
    put('a');
    answered(AIP_OK, "alice");
    put('b');
    waiting_id(id);
    CHECK_STATUS(approvals_deny(desk_of, id, "bob", NULL), AIP_OK);
    answered(AIP_APPROVAL_DENIED, "bob");
    close_thread();
    audit_close(&log);
    FILE *file = fopen(subject_path, "r");
    CHECK(file != NULL && fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    const char *first = strstr(text, "\"event\":\"approval\"");
    const char *second = first == NULL ? NULL : strstr(first + 1, "\"event\":\"approval\"");
    CHECK(first != NULL && second != NULL && strstr(second + 1, "\"event\":\"approval\"") == NULL);
    CHECK(strstr(text, "allowed for 10 minutes") != NULL && strstr(text, "\"alice\"") != NULL);
    CHECK(strstr(text, "denied") != NULL && strstr(text, "\"bob\"") != NULL);
    CHECK(strstr(text, "ABCDEFGHIJKLMNOPQRSTUV") != NULL);
    subject_end();
}

RUN(TEST(a_prompt_waits_until_a_person_allows_it_once), TEST(a_word_once_is_for_one_of_two_equal_calls),
    TEST(a_second_word_about_the_same_prompt_is_void), TEST(an_unknown_id_allows_and_denies_nothing),
    TEST(a_word_for_some_minutes_holds_for_the_same_call_alone), TEST(a_word_that_holds_can_be_ended),
    TEST(a_word_for_more_than_a_day_is_refused), TEST(nobody_answers_in_time_and_a_late_word_is_void),
    TEST(a_caller_who_went_away_cannot_be_allowed), TEST(a_call_that_is_taken_back_waits_no_longer_and_others_do),
    TEST(the_eleventh_prompt_of_a_minute_denies_all_for_five_minutes), TEST(ten_prompts_in_each_minute_are_no_flood),
    TEST(what_is_denied_by_itself_does_not_count_as_shown), TEST(each_policy_has_its_own_limits),
    TEST(words_beyond_the_bound_push_out_the_one_that_ends_soonest),
    TEST(a_person_allows_and_denies_through_the_thread), TEST(the_thread_ends_what_waited_too_long_and_who_left),
    TEST(a_call_is_taken_back_by_another_question), TEST(more_than_can_wait_are_refused_and_the_end_answers_all),
    TEST(the_log_tells_who_said_what))
