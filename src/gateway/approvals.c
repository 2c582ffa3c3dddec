/* The thread that asks persons: takes questions, waits, and gives back each with its word. */
#include "gateway/approvals.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/desktop.h"
#include "gateway/prompts.h"
#include "gateway/thread.h"

/* Each waits with a connection; more than a person can read are refused. */
enum { WAITING_MAX = 128, TICK_MILLISECONDS = 500 };

static const size_t most[QUESTION_KINDS] = {[QUESTION_APPROVAL] = WAITING_MAX};

struct approvals {
    audit_log *audit;
    desk *asked;
    desktop desktop; /* the thread's */
    pthread_mutex_t lock;
    prompts *prompts;
    worker worker;
};

desk *
approvals_desk(approvals *a)
{
    return a->asked;
}

/* ---- what came of it ---- */

/* What the caller is told, and what the log says of it; NULL: nothing that its decision's line does not say. */
static const struct {
    aip_status status;
    const char *told;
} ends[] = {
    [PROMPT_WAITS] = {AIP_OVERLOADED, NULL},
    [PROMPT_ALLOWED] = {AIP_OK, "allowed"},
    [PROMPT_STANDING] = {AIP_OK, NULL},
    [PROMPT_DENIED] = {AIP_APPROVAL_DENIED, "denied"},
    [PROMPT_TIMED_OUT] = {AIP_APPROVAL_TIMEOUT, "nobody answered in time"},
    [PROMPT_BURST] = {AIP_APPROVAL_FLOODED, "too many prompts in a minute: denied from now on for a while"},
    [PROMPT_COOLING] = {AIP_APPROVAL_FLOODED, NULL},
    [PROMPT_WITHDRAWN] = {AIP_CALLER_GONE, "the caller went away"},
};

static aip_status
record(const approvals *a, const prompt *p)
{
    TEXT_AUTO text_buffer detail = {0};
    const char *told = ends[p->state].told;
    const question *q = p->q;
    if (a->audit == NULL || told == NULL) {
        return AIP_OK;
    }
    text_append_string(&detail, told);
    if (p->state == PROMPT_ALLOWED && p->minutes > 0) {
        text_append_format(&detail, " for %u minutes", (unsigned)p->minutes);
    } else if (p->state == PROMPT_ALLOWED) {
        text_append_string(&detail, " once");
    }
    text_append_format(&detail, ", prompt %s of %s", p->id, q->name);
    AIP_TRY(text_finish(&detail, NULL));
    const audit_event event = {.name = "approval",
                               .decision_id = q->decision_id,
                               .subject = aip_bytes_of(q->wanted[0] != '\0' ? q->wanted : q->name),
                               .detail = text_view(&detail),
                               .by = aip_bytes_of(p->by)};
    return audit_append_event(a->audit, &event, NULL);
}

/* O-10: a word that cannot be recorded does not count. */
static void
give_back(const approvals *a, prompt *p)
{
    question *q = p->q;
    bool recorded = record(a, p) == AIP_OK;
    q->status = recorded ? ends[p->state].status : AIP_AUDIT_UNAVAILABLE;
    snprintf(q->detail, sizeof q->detail, "%s", p->by);
    desk_answer(a->asked, q);
    prompt_free(&p);
}

static prompt *
take_ended(approvals *a)
{
    pthread_mutex_lock(&a->lock);
    prompt *p = prompts_take_ended(a->prompts);
    pthread_mutex_unlock(&a->lock);
    return p;
}

/* ---- the thread ---- */

static void
tell(approvals *a, const prompt *p)
{
    char text[200], leaf[96];
    snprintf(text, sizeof text, "%s. See: aip-gateway approvals show %s",
             aip_printable(aip_bytes_of(p->q->name), leaf, sizeof leaf), p->id);
    desktop_tell(&a->desktop, "A call waits for your word", text, p->asked);
}

/* Under the lock. */
static void
take_one(approvals *a, question *q, uint64_t now)
{
    prompt *p = NULL;
    if (q->withdraws) {
        prompts_withdraw(a->prompts, q->call);
        desk_answer(a->asked, q);
        return;
    }
    q->status = prompts_ask(a->prompts, q, now, &p, NULL);
    if (q->status != AIP_OK) {
        desk_answer(a->asked, q);
    } else if (p->state == PROMPT_WAITS) {
        tell(a, p);
    }
}

/* Gives back what has ended. Returns for how long nothing will end by itself. */
static int
serve(approvals *a)
{
    uint64_t now = clock_monotonic_microseconds();
    pthread_mutex_lock(&a->lock);
    for (question *q = desk_take(a->asked, QUESTION_APPROVAL); q != NULL; q = desk_take(a->asked, QUESTION_APPROVAL)) {
        take_one(a, q, now);
    }
    prompts_withdraw(a->prompts, NULL);
    prompts_expire(a->prompts, now);
    bool waits = prompts_next_end(a->prompts) != UINT64_MAX;
    pthread_mutex_unlock(&a->lock);
    for (prompt *p = take_ended(a); p != NULL; p = take_ended(a)) {
        give_back(a, p);
    }
    bool notifies = desktop_tick(&a->desktop, now);
    return waits || notifies ? TICK_MILLISECONDS : -1;
}

static void *
run(void *context)
{
    approvals *a = context;
    struct pollfd bell = {desk_descriptor(a->asked), POLLIN, 0};
    while (!atomic_load(&a->worker.stopping)) {
        int timeout = serve(a);
        if (poll(&bell, 1, timeout) > 0) {
            desk_clear(a->asked);
        }
    }
    return NULL;
}

/* ---- start and end ---- */

aip_status
approvals_open(const approvals_setup *setup, approvals **out, aip_error *err)
{
    approvals *a = calloc(1, sizeof *a);
    *out = NULL;
    if (a == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    a->audit = setup->audit;
    pthread_mutex_init(&a->lock, NULL);
    desktop_open(&a->desktop, setup->notify);
    aip_status status = prompts_new(&a->prompts, err);
    status = status == AIP_OK ? desk_new(most, &a->asked, err) : status;
    if (status != AIP_OK) {
        approvals_close(&a);
        return status;
    }
    *out = a;
    return AIP_OK;
}

aip_status
approvals_start(approvals *a, aip_error *err)
{
    return worker_start(&a->worker, run, a, "that asks persons", err);
}

void
approvals_close(approvals **a)
{
    approvals *each = *a;
    if (each == NULL) {
        return;
    }
    if (worker_end(&each->worker, each->asked)) {
        prompts_withdraw_all(each->prompts);
        for (prompt *p = take_ended(each); p != NULL; p = take_ended(each)) {
            give_back(each, p);
        }
    }
    desktop_close(&each->desktop);
    prompts_free(&each->prompts);
    desk_free(&each->asked);
    pthread_mutex_destroy(&each->lock);
    free(each);
    *a = NULL;
}

/* ---- for those who answer ---- */

static void
append_prompt(text_buffer *out, const prompt *p, uint64_t now)
{
    uint64_t left = p->until > now ? p->until - now : 0;
    text_append_format(out, "{\"id\":\"%s\",\"asked_seconds\":%llu,\"left_seconds\":%llu", p->id,
                       (unsigned long long)((now - p->asked) / 1000000), (unsigned long long)(left / 1000000));
    if (p->q->text.size > 0) {
        text_append_string(out, ",");
        text_append(out, text_view(&p->q->text));
    }
    text_append_string(out, "}");
}

void
approvals_append_waiting(approvals *a, text_buffer *out)
{
    uint64_t now = clock_monotonic_microseconds();
    const char *comma = "";
    text_append_string(out, "[");
    pthread_mutex_lock(&a->lock);
    for (const prompt *p = prompts_first(a->prompts); p != NULL; p = p->next) {
        if (p->state == PROMPT_WAITS && now < p->until) {
            text_append_string(out, comma);
            append_prompt(out, p, now);
            comma = ",";
        }
    }
    pthread_mutex_unlock(&a->lock);
    text_append_string(out, "]");
}

void
approvals_append_words(approvals *a, text_buffer *out)
{
    uint64_t now = clock_monotonic_microseconds();
    size_t count = 0;
    const char *comma = "";
    text_append_string(out, "[");
    pthread_mutex_lock(&a->lock);
    const prompt_word *words = prompts_words(a->prompts, &count);
    for (size_t i = 0; i < count; i++) {
        if (now < words[i].until) {
            text_append_format(out, "%s{\"id\":\"%s\",\"left_seconds\":%llu,\"by\":", comma, words[i].id,
                               (unsigned long long)((words[i].until - now) / 1000000));
            text_append_json(out, aip_bytes_of(words[i].by));
            text_append_format(out, "%s%s}", words[i].shown[0] == '\0' ? "" : ",", words[i].shown);
            comma = ",";
        }
    }
    pthread_mutex_unlock(&a->lock);
    text_append_string(out, "]");
}

size_t
approvals_waiting(approvals *a)
{
    pthread_mutex_lock(&a->lock);
    size_t count = prompts_waiting(a->prompts);
    pthread_mutex_unlock(&a->lock);
    return count;
}

aip_status
approvals_append_one(approvals *a, const char *id, text_buffer *out, aip_error *err)
{
    uint64_t now = clock_monotonic_microseconds();
    pthread_mutex_lock(&a->lock);
    const prompt *p = prompts_find(a->prompts, id);
    bool found = p != NULL && now < p->until;
    if (found) {
        append_prompt(out, p, now);
    }
    pthread_mutex_unlock(&a->lock);
    return found ? AIP_OK : aip_fail(err, AIP_APPROVAL_UNKNOWN, NULL);
}

aip_status
approvals_allow(approvals *a, const char *id, uint32_t minutes, const char *by, aip_error *err)
{
    pthread_mutex_lock(&a->lock);
    aip_status status = prompts_allow(a->prompts, id, minutes, by, clock_monotonic_microseconds(), err);
    pthread_mutex_unlock(&a->lock);
    desk_ring(a->asked);
    return status;
}

aip_status
approvals_deny(approvals *a, const char *id, const char *by, aip_error *err)
{
    pthread_mutex_lock(&a->lock);
    aip_status status = prompts_deny(a->prompts, id, by, clock_monotonic_microseconds(), err);
    pthread_mutex_unlock(&a->lock);
    desk_ring(a->asked);
    return status;
}
