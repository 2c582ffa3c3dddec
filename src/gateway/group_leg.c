/* One member of a group that is asked with the others: an exchange like a caller's, admitted and recorded for itself.
 */
#include <stdlib.h>

#include "gateway/await.h"
#include "gateway/events.h"
#include "gateway/forward.h"
#include "gateway/group_gather_inside.h"
#include "gateway/pipeline.h"
#include "gateway/stages.h"

#define METHOD_UNKNOWN "-32601" /* JSON-RPC 2.0 section 5.1 */

static void
wake(exchange *x)
{
    leg *l = x->carrier;
    l->woken = true;
    gathering_queue(l->owner);
}

static void
settle(leg *l, leg_state state, const aip_error *why)
{
    l->state = state;
    if (why != NULL) {
        l->refusal = *why;
    }
    leg_end(l);
}

static void
fail(leg *l, aip_status status)
{
    aip_error why = AIP_ERROR_INIT;
    (void)!aip_fail(&why, status, NULL);
    settle(l, LEG_FAILED, &why);
}

/* Who asks, and by what right, was judged once for all members. */
static aip_status
take_over(exchange *x, const exchange *from, aip_error *err)
{
    settings_drop(&x->settings);
    x->settings = settings_hold(from->settings);
    x->verdict = chain_verdict_share(&from->verdict);
    x->chain = from->chain;
    x->route = from->route;
    x->http_method = from->http_method;
    x->path = from->path;
    x->peer = from->peer;
    x->local = from->local;
    x->appointed = from->appointed;
    x->modern = from->modern;
    x->proven = from->proven;
    x->holder = from->holder;
    x->revoked_epoch = from->revoked_epoch;
    memcpy(x->owner, from->owner, sizeof x->owner);
    x->record.time_seconds = from->record.time_seconds;
    x->record.verified = from->record.verified;
    x->record.proven = from->record.proven;
    x->record.root = from->record.root;
    x->record.leaf = from->record.leaf;
    x->record.has_budget = from->record.has_budget;
    x->record.budget_micro_usd = from->record.budget_micro_usd;
    for (size_t i = 0; i < from->field_count; i++) {
        if (!exchange_add_field(x, from->fields[i].name, from->fields[i].value)) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
    }
    if (from->sessions != NULL && (x->sessions = strdup(from->sessions)) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return AIP_OK;
}

static aip_status
begin(leg *l, aip_bytes body, aip_error *err)
{
    exchange *x = l->x;
    AIP_TRY(take_over(x, l->owner->x, err));
    AIP_TRY(group_enter(x, l->member, err));
    x->part = true;
    x->carrier = l;
    x->wake = wake;
    x->resumed_after = text_view(&l->last_id);
    AIP_TRY(l->last_id.size == 0 ? AIP_OK : session_check_event(x, x->resumed_after, err));
    text_append(&x->body, body);
    return text_finish(&x->body, err);
}

static bool
is_of_policy(aip_status status)
{
    const char *name = aip_status_lookup(status)->name;
    return strncmp(name, "policy.", 7) == 0;
}

static void
admit(leg *l)
{
    exchange *x = l->x;
    switch (pipeline_admit(x)) {
    case PIPELINE_WAITS:
        x->phase = EXCHANGE_ADMITTING;
        break;
    case PIPELINE_REFUSED:
        pipeline_refuse(x);
        settle(l, is_of_policy(x->refusal.status) ? LEG_WITHOUT : LEG_FAILED, &x->refusal);
        break;
    case PIPELINE_PASSED:
        forward_begin(x);
        wake(x); /* whatever came of it */
        break;
    }
}

bool
leg_keep(leg *l, aip_bytes message)
{
    const scan_limits limits = {message.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_clear(&l->said);
    text_clear(&l->message);
    text_append(&l->message, message);
    bool read = message.size > 0 && text_finish(&l->message, NULL) == AIP_OK &&
                scan_load(text_view(&l->message), &limits, &l->said, NULL) == AIP_OK;
    if (!read) {
        text_clear(&l->message);
    }
    return read;
}

void
leg_ask(leg *l, aip_bytes body)
{
    aip_error why = AIP_ERROR_INIT;
    l->state = LEG_OPEN;
    l->acknowledged = false;
    l->again_at = 0;
    (void)leg_keep(l, (aip_bytes){NULL, 0});
    l->x = exchange_new(l->owner->x->shard);
    if (l->x == NULL) {
        fail(l, AIP_NO_MEMORY);
    } else if (begin(l, body, &why) != AIP_OK) {
        settle(l, LEG_FAILED, &why);
    } else {
        admit(l);
    }
}

/* What a session of all needs to know of this one's. */
static void
note_session(leg *l, uint32_t result)
{
    size_t size = 0;
    const scan_document *message = &l->said;
    uint32_t version = scan_member(message, result, "protocolVersion");
    if (version != SCAN_NONE && scan_kind_of(message, version) == SCAN_STRING &&
        scan_unescape(message, version, l->version, sizeof l->version - 1, &size, NULL) == AIP_OK) {
        l->version[size] = '\0';
    }
    if (l->x != NULL && l->x->has_session) {
        snprintf(l->session, sizeof l->session, "%s", l->x->session);
    }
}

static bool
is_unknown_method(const scan_document *message)
{
    uint32_t error = scan_member(message, 0, "error");
    uint32_t code = error == SCAN_NONE ? SCAN_NONE : scan_member(message, error, "code");
    return code != SCAN_NONE && aip_bytes_equal(scan_raw(message, code), AIP_BYTES_LITERAL(METHOD_UNKNOWN));
}

void
leg_take_response(leg *l, aip_bytes message, int http)
{
    l->http = http;
    if (!leg_keep(l, message)) {
        fail(l, AIP_UPSTREAM_INVALID);
        return;
    }
    uint32_t result = scan_member(&l->said, 0, "result");
    l->state = result != SCAN_NONE ? LEG_ANSWERED : is_unknown_method(&l->said) ? LEG_WITHOUT : LEG_FAILED;
    if (result != SCAN_NONE) {
        note_session(l, result);
    }
    leg_end(l);
}

static void
take_answer(leg *l)
{
    exchange *x = l->x;
    int http = x->answer.http;
    if (x->kind == MESSAGE_NONE && http == 405) {
        settle(l, LEG_WITHOUT, NULL);
    } else if (x->has_session && http == 404 && x->refusal.status != AIP_OK) {
        fail(l, AIP_SESSION_NOT_FOUND); /* it said so without a message */
    } else if (x->refusal.status != AIP_OK) {
        settle(l, LEG_FAILED, &x->refusal);
    } else if (x->kind == MESSAGE_REQUEST) {
        leg_take_response(l, text_view(&x->answer.body), http);
    } else if (http >= 200 && http < 300) {
        settle(l, LEG_ANSWERED, NULL);
    } else {
        fail(l, AIP_UPSTREAM_INVALID);
    }
}

void
leg_go_on(leg *l)
{
    l->woken = false;
    if (l->x == NULL) {
        return;
    }
    switch (l->x->phase) {
    case EXCHANGE_ADMITTING:
        admit(l);
        break;
    case EXCHANGE_ANSWERED:
        take_answer(l);
        break;
    case EXCHANGE_OVER:
        fail(l, AIP_UPSTREAM_UNREACHABLE);
        break;
    case EXCHANGE_READING:
    case EXCHANGE_GREETING:
    case EXCHANGE_LOOKING:
    case EXCHANGE_WAITING:
    case EXCHANGE_STREAMING:
        break;
    }
}

bool
leg_streams(const leg *l)
{
    return l->x != NULL && l->x->phase == EXCHANGE_STREAMING;
}

bool
leg_next_event(const leg *l, aip_bytes *event)
{
    const exchange *x = l->x;
    return leg_streams(l) && x->stream_sent < x->stream.size &&
           events_first(aip_bytes_from(text_view(&x->stream), x->stream_sent), event);
}

void
leg_drop_event(leg *l, aip_bytes event)
{
    l->x->stream_sent += event.size;
    forward_drained(l->x);
}

bool
leg_stream_is_over(const leg *l)
{
    const exchange *x = l->x;
    return leg_streams(l) && (x->stream_ended || x->stream_broken) && x->stream_sent == x->stream.size;
}

void
leg_lose_stream(leg *l)
{
    aip_error why = l->x->refusal;
    if (why.status == AIP_OK) {
        (void)!aip_fail(&why, AIP_UPSTREAM_INVALID, "the stream ended");
    }
    settle(l, LEG_FAILED, &why);
}

void
leg_end(leg *l)
{
    exchange *x = l->x;
    if (x == NULL) {
        return;
    }
    if (x->phase == EXCHANGE_WAITING || x->phase == EXCHANGE_STREAMING) {
        forward_abandon(x);
    }
    exchange_free(&l->x);
    l->woken = false;
}

void
leg_give_up(leg *l, aip_status why)
{
    if (l->x != NULL && l->x->refusal.status == AIP_OK) {
        (void)!aip_fail(&l->x->refusal, why, NULL);
    }
    fail(l, why);
}
