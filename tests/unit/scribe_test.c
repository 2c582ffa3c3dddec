/* The thread that waits for the disk in place of the shards: go-aheads, events, and a log that fails. */
#include "gateway/scribe.h"

#include <poll.h>

#include "tests/unit/audit_subject.h"

#define PATIENCE_MILLISECONDS 10000

static mailroom *room;
static mailbox *box;
static audit_log *audit;
static scribe *writer;

static void
begin(audit_sync sync)
{
    subject_begin();
    audit_options options = subject_options(1000);
    options.sync = sync;
    CHECK_STATUS(mailroom_new(&room, NULL), AIP_OK);
    CHECK_STATUS(mailroom_open_box(room, &box, NULL), AIP_OK);
    CHECK_STATUS(audit_open_with(&options, &audit, NULL), AIP_OK);
    CHECK_STATUS(scribe_open(audit, &writer, NULL), AIP_OK);
}

static void
end(void)
{
    scribe_close(&writer);
    CHECK(writer == NULL);
    audit_close(&audit);
    mailroom_free(&room);
    subject_begin();
}

static uint64_t
write_line(void)
{
    audit_record record = {.allowed = true, .stage = "record", .protocol = "mcp", .at = AIP_NOWHERE};
    uint64_t number = 0;
    CHECK_STATUS(audit_write(audit, &record, &number, NULL), AIP_OK);
    return number;
}

static aip_status
ask_for(uint64_t line)
{
    question *q = NULL;
    CHECK_STATUS(question_new(box, QUESTION_WRITTEN, AIP_BYTES_LITERAL("line"), &q, NULL), AIP_OK);
    q->line = line;
    q->status = AIP_INTERNAL;
    return desk_ask(scribe_desk(writer), q, NULL);
}

static aip_status
tell(const char *name, const char *detail)
{
    question *q = NULL;
    CHECK_STATUS(question_new(box, QUESTION_EVENT, aip_bytes_of(name), &q, NULL), AIP_OK);
    text_append_string(&q->text, detail);
    snprintf(q->wanted, sizeof q->wanted, "subject");
    return desk_ask(scribe_desk(writer), q, NULL);
}

/* The status of the next answer; internal when none comes. */
static aip_status
next_answer(void)
{
    struct pollfd bell = {mailbox_descriptor(box), POLLIN, 0};
    question *q = mailbox_take(box);
    if (q == NULL) {
        CHECK(poll(&bell, 1, PATIENCE_MILLISECONDS) == 1);
        mailbox_clear(box);
        q = mailbox_take(box);
    }
    aip_status status = q == NULL ? AIP_INTERNAL : q->status;
    question_free(&q);
    return status;
}

static size_t
count_in_log(const char *text)
{
    char *log = NULL;
    size_t size = 0, count = 0;
    CHECK_STATUS(text_load_file(subject_path, 1 << 20, &log, &size, NULL), AIP_OK);
    for (const char *at = log; at != NULL && (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    free(log);
    return count;
}

static void
a_line_gets_its_go_ahead(void)
{
    begin(AUDIT_SYNC_GROUP);
    CHECK_STATUS(scribe_start(writer, NULL), AIP_OK);
    CHECK_STATUS(ask_for(write_line()), AIP_OK);
    CHECK_STATUS(next_answer(), AIP_OK);
    end();
}

static void
many_lines_get_theirs_together(void)
{
    begin(AUDIT_SYNC_GROUP);
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(ask_for(write_line()), AIP_OK);
    }
    CHECK_STATUS(scribe_start(writer, NULL), AIP_OK);
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(next_answer(), AIP_OK);
    }
    CHECK(mailbox_take(box) == NULL);
    end();
}

static void
an_event_stands_in_the_log(void)
{
    begin(AUDIT_SYNC_GROUP);
    CHECK_STATUS(scribe_start(writer, NULL), AIP_OK);
    CHECK_STATUS(tell("alert", "something"), AIP_OK);
    CHECK_STATUS(next_answer(), AIP_OK);
    CHECK(count_in_log("\"event\":\"alert\"") == 1 && count_in_log("something") == 1);
    end();
}

static void
an_event_that_has_no_name_of_ours_is_refused(void)
{
    begin(AUDIT_SYNC_GROUP);
    CHECK_STATUS(scribe_start(writer, NULL), AIP_OK);
    CHECK_STATUS(tell("decision", "forged"), AIP_OK);
    CHECK_STATUS(next_answer(), AIP_INTERNAL);
    CHECK(count_in_log("forged") == 0);
    end();
}

static void
more_events_than_there_is_room_for_are_refused(void)
{
    aip_status status = AIP_OK;
    size_t taken = 0;
    begin(AUDIT_SYNC_GROUP);
    for (; status == AIP_OK && taken < 100000; taken++) {
        status = tell("alert", "flood");
    }
    CHECK_STATUS(status, AIP_OVERLOADED);
    CHECK_STATUS(ask_for(write_line()), AIP_OK); /* lines of requests have room of their own */
    end();
}

static void
other_questions_are_not_answered_here(void)
{
    question *q = NULL;
    begin(AUDIT_SYNC_GROUP);
    CHECK_STATUS(question_new(box, QUESTION_HOLD, AIP_BYTES_LITERAL("hold"), &q, NULL), AIP_OK);
    CHECK_STATUS(desk_ask(scribe_desk(writer), q, NULL), AIP_OVERLOADED);
    end();
}

static void
a_log_that_is_gone_takes_no_event(void)
{
    char elsewhere[96];
    begin(AUDIT_SYNC_EACH);
    snprintf(elsewhere, sizeof elsewhere, "%s.elsewhere", subject_path);
    CHECK(rename(subject_path, elsewhere) == 0);
    usleep(1100000); /* the log looks at its place once a second */
    CHECK_STATUS(scribe_start(writer, NULL), AIP_OK);
    CHECK_STATUS(tell("alert", "lost"), AIP_OK);
    CHECK_STATUS(next_answer(), AIP_AUDIT_UNAVAILABLE);
    end();
    unlink(elsewhere);
}

static void
what_waits_at_the_end_is_still_done(void)
{
    begin(AUDIT_SYNC_GROUP);
    CHECK_STATUS(scribe_start(writer, NULL), AIP_OK);
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(tell("alert", "late"), AIP_OK);
    }
    CHECK_STATUS(ask_for(write_line()), AIP_OK);
    scribe_close(&writer);
    CHECK(count_in_log("late") == 20);
    for (int i = 0; i < 21; i++) {
        CHECK_STATUS(next_answer(), AIP_OK);
    }
    end();
}

static void
the_folder_is_removed(void)
{
    subject_end();
    CHECK(subject_key == NULL);
}

RUN(TEST(a_line_gets_its_go_ahead), TEST(many_lines_get_theirs_together), TEST(an_event_stands_in_the_log),
    TEST(an_event_that_has_no_name_of_ours_is_refused), TEST(more_events_than_there_is_room_for_are_refused),
    TEST(other_questions_are_not_answered_here), TEST(a_log_that_is_gone_takes_no_event),
    TEST(what_waits_at_the_end_is_still_done), TEST(the_folder_is_removed))
