/* Desks and mailboxes: what is asked comes home once, in its order, and no more is asked than there is room for. */
#include "gateway/mail.h"

#include <poll.h>
#include <pthread.h>

#include "tests/unit/check.h"

static const size_t few[QUESTION_KINDS] = {[QUESTION_EVENT] = 2, [QUESTION_WRITTEN] = 1};
static const size_t many[QUESTION_KINDS] = {[QUESTION_EVENT] = 100000};

static mailroom *room;
static mailbox *box;
static desk *table;

static void
begin(const size_t most[QUESTION_KINDS])
{
    CHECK_STATUS(mailroom_new(&room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(room, &box, NULL), AIP_OK);
    CHECK_STATUS(desk_new(most, &table, NULL), AIP_OK);
}

static void
end(void)
{
    desk_free(&table);
    mailroom_free(&room);
    CHECK(table == NULL && room == NULL);
}

static aip_status
ask(mailbox *home, question_kind kind, uint64_t line)
{
    question *q = NULL;
    CHECK_STATUS(question_new(home, kind, AIP_BYTES_LITERAL("test"), &q, NULL), AIP_OK);
    q->line = line;
    return desk_ask(table, q, NULL);
}

static bool
rings(int fd)
{
    struct pollfd bell = {fd, POLLIN, 0};
    return poll(&bell, 1, 0) == 1;
}

static void
an_answer_comes_home(void)
{
    begin(few);
    CHECK(!rings(desk_descriptor(table)) && !rings(mailbox_descriptor(box)));
    CHECK_STATUS(ask(box, QUESTION_EVENT, 7), AIP_OK);
    CHECK(rings(desk_descriptor(table)));
    desk_clear(table);
    CHECK(!rings(desk_descriptor(table)));
    question *q = desk_take(table, QUESTION_EVENT);
    CHECK(q != NULL && q->line == 7 && desk_take(table, QUESTION_EVENT) == NULL);
    CHECK(mailbox_take(box) == NULL);
    desk_answer(table, q);
    CHECK(rings(mailbox_descriptor(box)));
    mailbox_clear(box);
    q = mailbox_take(box);
    CHECK(q != NULL && q->line == 7 && mailbox_take(box) == NULL);
    question_free(&q);
    end();
}

static void
each_box_gets_its_own(void)
{
    mailbox *other = NULL;
    begin(few);
    CHECK_STATUS(mailroom_open_box(room, &other, NULL), AIP_OK);
    CHECK_STATUS(ask(other, QUESTION_EVENT, 1), AIP_OK);
    desk_answer(table, desk_take(table, QUESTION_EVENT));
    CHECK(mailbox_take(box) == NULL && !rings(mailbox_descriptor(box)));
    question *q = mailbox_take(other);
    CHECK(q != NULL);
    question_free(&q);
    end();
}

static void
more_than_there_is_room_for_is_refused(void)
{
    begin(few);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 1), AIP_OK);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 2), AIP_OK);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 3), AIP_OVERLOADED);
    CHECK_STATUS(ask(box, QUESTION_WRITTEN, 4), AIP_OK); /* another kind has room of its own */
    question *q = desk_take(table, QUESTION_EVENT);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 5), AIP_OVERLOADED); /* taken is not answered */
    desk_answer(table, q);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 6), AIP_OK);
    end(); /* with all that was neither taken nor fetched */
}

static void
a_kind_without_room_is_never_answered(void)
{
    begin(few);
    CHECK_STATUS(ask(box, QUESTION_HOLD, 1), AIP_OVERLOADED);
    CHECK(!rings(desk_descriptor(table)) && !desk_has(table, QUESTION_HOLD));
    CHECK(desk_take(table, QUESTION_HOLD) == NULL);
    end();
}

static void
a_name_that_is_too_long_is_refused(void)
{
    static unsigned char name[AIP_IDENTIFIER_BYTES_MAX + 1];
    question *q = NULL;
    begin(few);
    memset(name, 'a', sizeof name);
    CHECK_STATUS(question_new(box, QUESTION_EVENT, (aip_bytes){name, sizeof name}, &q, NULL), AIP_DID_INVALID);
    CHECK(q == NULL);
    CHECK_STATUS(question_new(box, QUESTION_EVENT, (aip_bytes){name, sizeof name - 1}, &q, NULL), AIP_OK);
    question_free(&q);
    end();
}

static void
what_is_put_back_waits_behind_the_others_and_counts_on(void)
{
    begin(few);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 1), AIP_OK);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 2), AIP_OK);
    desk_clear(table);
    desk_put_back(table, desk_take(table, QUESTION_EVENT));
    CHECK(rings(desk_descriptor(table)) && desk_has(table, QUESTION_EVENT));
    CHECK_STATUS(ask(box, QUESTION_EVENT, 3), AIP_OVERLOADED);
    question *q = desk_take(table, QUESTION_EVENT);
    CHECK(q != NULL && q->line == 2);
    desk_answer(table, q);
    end();
}

static void
what_nobody_fetched_is_found_at_the_end(void)
{
    mailbox *other = NULL;
    begin(few);
    CHECK_STATUS(mailroom_open_box(room, &other, NULL), AIP_OK);
    CHECK(mailroom_take(room) == NULL);
    CHECK_STATUS(ask(box, QUESTION_EVENT, 1), AIP_OK);
    desk_answer(table, desk_take(table, QUESTION_EVENT));
    question *q = mailroom_take(room);
    CHECK(q != NULL && mailroom_take(room) == NULL);
    question_free(&q);
    end();
}

/* ---- threads ---- */

enum { ASKERS = 3, EACH = 2000 };

static void *
ask_many(void *context)
{
    for (uint64_t i = 0; i < EACH; i++) {
        CHECK_STATUS(ask(context, QUESTION_EVENT, i), AIP_OK);
    }
    return NULL;
}

static void *
answer_all(void *context)
{
    size_t answered = 0;
    (void)context;
    while (answered < (size_t)ASKERS * EACH) {
        struct pollfd bell = {desk_descriptor(table), POLLIN, 0};
        (void)poll(&bell, 1, 1000);
        desk_clear(table);
        for (question *q = desk_take(table, QUESTION_EVENT); q != NULL; q = desk_take(table, QUESTION_EVENT)) {
            answered++;
            desk_answer(table, q);
        }
    }
    return NULL;
}

/* Waits for the bell alone: one that is lost ends the test. */
static size_t
fetch(mailbox *from, size_t wanted)
{
    size_t got = 0;
    struct pollfd bell = {mailbox_descriptor(from), POLLIN, 0};
    while (got < wanted && poll(&bell, 1, 10000) == 1) {
        mailbox_clear(from);
        for (question *q = mailbox_take(from); q != NULL; q = mailbox_take(from)) {
            CHECK(q->line == got);
            got++;
            question_free(&q);
        }
    }
    return got;
}

static void
nothing_is_lost_between_threads_and_the_order_stays(void)
{
    pthread_t askers[ASKERS], thread;
    mailbox *boxes[ASKERS];
    begin(many);
    for (size_t i = 0; i < ASKERS; i++) {
        CHECK_STATUS(mailroom_open_box(room, &boxes[i], NULL), AIP_OK);
    }
    CHECK(pthread_create(&thread, NULL, answer_all, NULL) == 0);
    for (size_t i = 0; i < ASKERS; i++) {
        CHECK(pthread_create(&askers[i], NULL, ask_many, boxes[i]) == 0);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        CHECK(fetch(boxes[i], EACH) == EACH);
        pthread_join(askers[i], NULL);
    }
    pthread_join(thread, NULL);
    end();
}

RUN(TEST(an_answer_comes_home), TEST(each_box_gets_its_own), TEST(more_than_there_is_room_for_is_refused),
    TEST(a_kind_without_room_is_never_answered), TEST(a_name_that_is_too_long_is_refused),
    TEST(what_is_put_back_waits_behind_the_others_and_counts_on), TEST(what_nobody_fetched_is_found_at_the_end),
    TEST(nothing_is_lost_between_threads_and_the_order_stays))
