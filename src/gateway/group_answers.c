/* One answer of what all members of a group say: taken as it comes, and joined when all have answered. */
#include "gateway/events.h"
#include "gateway/forward.h"
#include "gateway/group_gather_inside.h"

bool
gather_is_full(const gathering *g)
{
    exchange *x = g->x;
    x->upstream_full = x->stream.size - x->stream_sent > AIP_STREAM_BUFFER_BYTES;
    return x->upstream_full;
}

/* Until here the caller waits for a head. */
void
gather_open_stream(gathering *g)
{
    if (g->x->phase == EXCHANGE_WAITING) {
        answer_add(&g->x->answer, "Content-Type", "text/event-stream");
        forward_open_stream(g->x);
    }
}

/* ---- the end ---- */

/* Nobody answered: the first reason stands for all, in the member's own words where it has said any. */
static void
finish_without(exchange *x, const gathering *g)
{
    const leg *chosen = NULL;
    for (size_t i = 0; i < g->count; i++) {
        bool better = chosen == NULL || (chosen->state != LEG_FAILED && g->legs[i].state == LEG_FAILED);
        chosen = better ? &g->legs[i] : chosen;
    }
    if (chosen != NULL && chosen->message.size > 0) {
        text_append(&x->answer.body, text_view(&chosen->message));
        answer_add(&x->answer, "Content-Type", "application/json");
        x->tool_failed = true;
        forward_finish(x, chosen->http);
    } else if (chosen == NULL || (chosen->state == LEG_WITHOUT && chosen->refusal.status == AIP_OK)) {
        (void)!aip_fail(&x->refusal, AIP_REQUEST_HTTP_METHOD, NULL);
        x->allow = "POST";
        forward_fail(x, AIP_REQUEST_HTTP_METHOD);
    } else {
        x->refusal = chosen->refusal;
        forward_fail(x, chosen->refusal.status == AIP_OK ? AIP_UPSTREAM_INVALID : chosen->refusal.status);
    }
}

static void
finish_with(exchange *x, gathering *g)
{
    TEXT_AUTO text_buffer message = {0};
    aip_status status = group_merge(g, &message, &x->refusal);
    if (status != AIP_OK) {
        forward_fail(x, status);
        return;
    }
    x->answered_call = true;
    x->reply_bytes = message.size;
    if (x->phase == EXCHANGE_STREAMING) {
        text_append_string(&x->stream, "event: message\ndata: ");
        text_append(&x->stream, text_view(&message));
        text_append_string(&x->stream, "\n\n");
        x->stream_broken = x->stream_broken || x->stream.failed; /* else its end would look like a whole one */
    } else {
        x->answer.body = message;
        message = (text_buffer){0};
        answer_add(&x->answer, "Content-Type", "application/json");
    }
    forward_finish(x, 200);
}

void
gather_finish(gathering *g)
{
    exchange *x = g->x;
    bool any = g->count == 0 && strcmp(x->http_method, "GET") != 0; /* what needs nobody */
    for (size_t i = 0; i < g->count; i++) {
        any = any || g->legs[i].state == LEG_ANSWERED;
    }
    if (!any && x->phase == EXCHANGE_WAITING) {
        finish_without(x, g);
    } else if (x->kind == MESSAGE_REQUEST) {
        finish_with(x, g);
    } else {
        forward_finish(x, x->kind == MESSAGE_NONE ? 200 : 202);
    }
    gathering_drop(&x->gathering);
    x->wake(x);
}

/* ---- one answer of each ---- */

said
gather_read_event(aip_bytes event, text_buffer *data)
{
    scan_document document = {0};
    events_append_data(data, event);
    const scan_limits limits = {data->size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    if (data->size == 0 || scan_load(text_view(data), &limits, &document, NULL) != AIP_OK) {
        return SAID_NOTHING; /* what is no message was refused already */
    }
    said what = SAID_ELSE;
    uint32_t method = scan_member(&document, 0, "method");
    if (method == SCAN_NONE) {
        what = SAID_RESPONSE;
    } else if (scan_kind_of(&document, method) == SCAN_STRING) {
        aip_bytes acknowledged = AIP_BYTES_LITERAL("notifications/subscriptions/acknowledged");
        aip_bytes cancelled = AIP_BYTES_LITERAL("notifications/cancelled");
        what = scan_string_equals(&document, method, acknowledged) ? SAID_ACKNOWLEDGED
               : scan_string_equals(&document, method, cancelled)  ? SAID_CANCELLED
                                                                   : SAID_ELSE;
    }
    scan_clear(&document);
    return what;
}

/* What is said beside the answer goes on at once. A greeting's head cannot: the session's id stands in it. */
static void
take_beside(gathering *g, aip_bytes event)
{
    if (strcmp(g->x->method, "initialize") != 0) {
        gather_open_stream(g);
        group_append_event(&g->x->stream, event, (aip_bytes){NULL, 0});
        g->x->wake(g->x);
    }
}

static void
take_answer_of(gathering *g, leg *l)
{
    aip_bytes event;
    while (l->state == LEG_OPEN && !gather_is_full(g) && leg_next_event(l, &event)) {
        TEXT_AUTO text_buffer data = {0};
        said what = gather_read_event(event, &data);
        if (what == SAID_RESPONSE) {
            leg_take_response(l, text_view(&data), 200);
            return;
        }
        if (what != SAID_NOTHING) {
            take_beside(g, event);
        }
        leg_drop_event(l, event);
    }
    if (l->state == LEG_OPEN && leg_stream_is_over(l)) {
        leg_lose_stream(l);
    }
}

void
gather_answers(gathering *g)
{
    bool open = false;
    for (size_t i = 0; i < g->count; i++) {
        take_answer_of(g, &g->legs[i]);
        open = open || g->legs[i].state == LEG_OPEN;
    }
    if (!open) {
        gather_finish(g);
    }
}
