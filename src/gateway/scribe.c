/* The scribe: takes all that wait, waits once for the last of their lines, and lets them go together. */
#include "gateway/scribe.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/thread.h"

enum { WRITTEN_WAITING_MAX = 8192, EVENTS_WAITING_MAX = 1024, COMPLETIONS_WAITING_MAX = 64, TICK_MILLISECONDS = 1000 };

static const size_t questions_most[QUESTION_KINDS] = {[QUESTION_WRITTEN] = WRITTEN_WAITING_MAX,
                                                      [QUESTION_EVENT] = EVENTS_WAITING_MAX,
                                                      [QUESTION_COMPLETION] = COMPLETIONS_WAITING_MAX};

struct scribe {
    audit_log *log;
    identity_memory *identities; /* NULL: completion statements are not recorded */
    desk *asked;
    uint64_t next_tick; /* monotonic microseconds */
    bool failing;       /* the last checkpoint did */
    worker worker;
};

/* A key that is not known is not looked for: who worked here showed it. */
static aip_status
record_completion(scribe *s, question *q)
{
    memory_view view = {s->identities, clock_now_seconds(), DID_USE_AUTHENTICATION};
    aip_key_source keys;
    if (s->identities == NULL) {
        return AIP_AUDIT_UNAVAILABLE;
    }
    identity_memory_source(&view, &keys);
    const completion_check check = {&keys, aip_bytes_of(q->name), aip_bytes_of(q->wanted), view.now_seconds};
    aip_status status = audit_write_completion(s->log, text_view(&q->text), &check, &q->line, NULL);
    return status == AIP_DID_PENDING ? AIP_DID_NOT_FOUND : status;
}

/* Those that are recorded wait for the disk with the others. */
static void
take_completions(scribe *s, question_list *waiting)
{
    for (question *q = desk_take(s->asked, QUESTION_COMPLETION); q != NULL;
         q = desk_take(s->asked, QUESTION_COMPLETION)) {
        q->status = record_completion(s, q);
        text_clear(&q->text);
        if (q->status == AIP_OK) {
            question_list_add(waiting, q);
        } else {
            desk_answer(s->asked, q);
        }
    }
}

/* `last`: a line that has to be durable, too, or 0. */
static void
let_go(scribe *s, uint64_t last)
{
    question_list waiting = {NULL, NULL};
    take_completions(s, &waiting);
    for (const question *q = waiting.first; q != NULL; q = q->next) {
        last = q->line > last ? q->line : last;
    }
    for (question *q = desk_take(s->asked, QUESTION_WRITTEN); q != NULL; q = desk_take(s->asked, QUESTION_WRITTEN)) {
        last = q->line > last ? q->line : last;
        question_list_add(&waiting, q);
    }
    if (last == 0 && waiting.first == NULL) {
        return;
    }
    aip_status status = audit_wait(s->log, last, NULL);
    for (question *q = question_list_take(&waiting); q != NULL; q = question_list_take(&waiting)) {
        q->status = status;
        desk_answer(s->asked, q);
    }
}

/* Gives the number of the last line. */
static uint64_t
write_events(scribe *s)
{
    uint64_t last = 0;
    for (question *q = desk_take(s->asked, QUESTION_EVENT); q != NULL; q = desk_take(s->asked, QUESTION_EVENT)) {
        const audit_event event = {.name = q->name,
                                   .decision_id = q->about[0] == '\0' ? NULL : q->about,
                                   .subject = aip_bytes_of(q->wanted),
                                   .detail = text_view(&q->text)};
        q->status = audit_write_event(s->log, &event, &last, NULL);
        if (q->status != AIP_OK) {
            dprintf(STDERR_FILENO, "aip-gateway: WARNING an event could not be recorded: %s\n", q->name);
        }
        desk_answer(s->asked, q);
    }
    return last;
}

static void
tick(scribe *s)
{
    uint64_t now = clock_monotonic_microseconds();
    aip_error why = AIP_ERROR_INIT;
    if (now < s->next_tick) {
        return;
    }
    s->next_tick = now + TICK_MILLISECONDS * 1000ull;
    bool failing = audit_tick(s->log, &why) != AIP_OK;
    if (failing && !s->failing) {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING decision log: %s: %s\n", aip_status_lookup(why.status)->name,
                why.detail);
    }
    s->failing = failing;
}

static void *
run(void *context)
{
    scribe *s = context;
    struct pollfd bell = {desk_descriptor(s->asked), POLLIN, 0};
    while (!atomic_load(&s->worker.stopping)) {
        (void)poll(&bell, 1, TICK_MILLISECONDS);
        desk_clear(s->asked);
        let_go(s, write_events(s));
        tick(s);
    }
    let_go(s, write_events(s));
    return NULL;
}

aip_status
scribe_open(audit_log *log, scribe **out, aip_error *err)
{
    scribe *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    s->log = log;
    aip_status status = desk_new(questions_most, &s->asked, err);
    if (status != AIP_OK) {
        free(s);
        return status;
    }
    *out = s;
    return AIP_OK;
}

void
scribe_use_keys(scribe *s, identity_memory *identities)
{
    s->identities = identities;
}

aip_status
scribe_start(scribe *s, aip_error *err)
{
    return worker_start(&s->worker, run, s, "of the decision log", err);
}

void
scribe_close(scribe **s)
{
    if (*s == NULL) {
        return;
    }
    (void)worker_end(&(*s)->worker, (*s)->asked);
    desk_free(&(*s)->asked);
    free(*s);
    *s = NULL;
}

desk *
scribe_desk(scribe *s)
{
    return s->asked;
}
