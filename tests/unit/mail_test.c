/* Asking and answering between shards and threads: when which bell rings. */
#include "gateway/mail.h"

#include <poll.h>

#include "check.h"

static const size_t most[QUESTION_KINDS] = {[QUESTION_WRITTEN] = 2, [QUESTION_HOLD] = 2};

typedef struct {
    mailroom *room;
    mailbox *box;
    desk *desk;
} office;

static void
set_up(office *o)
{
    CHECK_STATUS(mailroom_new(&o->room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(o->room, &o->box, NULL), AIP_OK);
    CHECK_STATUS(desk_new(most, &o->desk, NULL), AIP_OK);
}

static void
tear_down(office *o)
{
    desk_free(&o->desk);
    mailroom_free(&o->room);
}

static bool
rings(int fd)
{
    struct pollfd bell = {fd, POLLIN, 0};
    return poll(&bell, 1, 0) == 1;
}

static aip_status
ask(office *o, question_kind kind)
{
    question *q = NULL;
    CHECK_STATUS(question_new(o->box, kind, AIP_BYTES_LITERAL("line"), &q, NULL), AIP_OK);
    return desk_ask(o->desk, q, NULL);
}

static void
a_desk_rings_when_it_is_asked(void)
{
    office o;
    set_up(&o);
    CHECK(!rings(desk_descriptor(o.desk)));
    CHECK_STATUS(ask(&o, QUESTION_WRITTEN), AIP_OK);
    CHECK(rings(desk_descriptor(o.desk)));
    desk_clear(o.desk);
    CHECK(!rings(desk_descriptor(o.desk)) && desk_has(o.desk, QUESTION_WRITTEN));
    tear_down(&o);
}

static void
a_shard_that_gathers_rings_once_for_all_that_it_asked(void)
{
    office o;
    set_up(&o);
    mailbox_gather(o.box);
    CHECK_STATUS(ask(&o, QUESTION_WRITTEN), AIP_OK);
    CHECK_STATUS(ask(&o, QUESTION_HOLD), AIP_OK);
    CHECK(!rings(desk_descriptor(o.desk)) && desk_has(o.desk, QUESTION_HOLD));
    mailbox_ring_desks(o.box);
    CHECK(rings(desk_descriptor(o.desk)));
    desk_clear(o.desk);
    mailbox_ring_desks(o.box); /* it was told already */
    CHECK(!rings(desk_descriptor(o.desk)));
    tear_down(&o);
}

static void
another_shard_rings_at_once_all_the_same(void)
{
    office o;
    set_up(&o);
    mailbox *gathering = o.box;
    mailbox_gather(gathering);
    CHECK_STATUS(mailroom_open_box(o.room, &o.box, NULL), AIP_OK);
    CHECK_STATUS(ask(&o, QUESTION_WRITTEN), AIP_OK);
    CHECK(rings(desk_descriptor(o.desk)));
    tear_down(&o);
}

static void
more_desks_than_a_shard_notes_are_rung_at_once(void)
{
    office o;
    desk *others[9];
    set_up(&o);
    mailbox_gather(o.box);
    for (size_t i = 0; i < 9; i++) {
        question *q = NULL;
        CHECK_STATUS(desk_new(most, &others[i], NULL), AIP_OK);
        CHECK_STATUS(question_new(o.box, QUESTION_HOLD, AIP_BYTES_LITERAL("hold"), &q, NULL), AIP_OK);
        CHECK_STATUS(desk_ask(others[i], q, NULL), AIP_OK);
        CHECK(rings(desk_descriptor(others[i])) == (i == 8));
    }
    mailbox_ring_desks(o.box);
    for (size_t i = 0; i < 9; i++) {
        CHECK(rings(desk_descriptor(others[i])));
        desk_free(&others[i]);
    }
    tear_down(&o);
}

static void
a_question_too_many_is_refused_and_rings_nothing(void)
{
    office o;
    set_up(&o);
    CHECK_STATUS(ask(&o, QUESTION_HOLD), AIP_OK);
    CHECK_STATUS(ask(&o, QUESTION_HOLD), AIP_OK);
    desk_clear(o.desk);
    CHECK_STATUS(ask(&o, QUESTION_HOLD), AIP_OVERLOADED);
    CHECK_STATUS(ask(&o, QUESTION_NONCE), AIP_OVERLOADED); /* not answered here at all */
    CHECK(!rings(desk_descriptor(o.desk)));
    tear_down(&o);
}

static void
an_answer_rings_at_home(void)
{
    office o;
    set_up(&o);
    CHECK_STATUS(ask(&o, QUESTION_HOLD), AIP_OK);
    question *q = desk_take(o.desk, QUESTION_HOLD);
    CHECK(q != NULL && desk_take(o.desk, QUESTION_HOLD) == NULL && !rings(mailbox_descriptor(o.box)));
    desk_answer(o.desk, q);
    CHECK(rings(mailbox_descriptor(o.box)));
    mailbox_clear(o.box);
    q = mailbox_take(o.box);
    CHECK(q != NULL && mailbox_take(o.box) == NULL);
    question_free(&q);
    tear_down(&o);
}

static void
an_answer_that_nobody_waits_for_wakes_nobody(void)
{
    office o;
    set_up(&o);
    for (int i = 0; i < 4; i++) { /* more than may be asked at a time: each gives its place back */
        question *q = NULL;
        CHECK_STATUS(question_new(o.box, QUESTION_HOLD, AIP_BYTES_LITERAL("line"), &q, NULL), AIP_OK);
        q->unheard = true;
        CHECK_STATUS(desk_ask(o.desk, q, NULL), AIP_OK);
        desk_answer(o.desk, desk_take(o.desk, QUESTION_HOLD));
    }
    CHECK(!rings(mailbox_descriptor(o.box)) && mailbox_take(o.box) == NULL);
    tear_down(&o);
}

RUN(TEST(a_desk_rings_when_it_is_asked), TEST(a_shard_that_gathers_rings_once_for_all_that_it_asked),
    TEST(another_shard_rings_at_once_all_the_same), TEST(more_desks_than_a_shard_notes_are_rung_at_once),
    TEST(a_question_too_many_is_refused_and_rings_nothing), TEST(an_answer_rings_at_home),
    TEST(an_answer_that_nobody_waits_for_wakes_nobody))
