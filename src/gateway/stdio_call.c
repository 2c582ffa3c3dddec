/* Calls that wait for a server behind a pipe: what it says of each, as the events of a reply. */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/stdio_inside.h"

stdio_call *
stdio_call_new(stdio_upstream *s, exchange *x, const upstream_events *events, stdio_session *session)
{
    stdio_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    *call = (stdio_call){.owner = s, .x = x, .events = events, .session = session, .next = s->calls};
    if (call->next != NULL) {
        call->next->previous = call;
    }
    s->calls = call;
    session->calls++;
    session->used = clock_monotonic_microseconds();
    x->pipe = call;
    return call;
}

/* A session that nobody has learnt of goes with its call. */
static void
release_session(stdio_call *call)
{
    stdio_session *session = call->session;
    if (session == NULL) {
        return;
    }
    call->session = NULL;
    session->calls--;
    session->stream = session->stream == call ? NULL : session->stream;
    if (session->single || (call->greets && session->id[0] != '\0')) {
        stdio_session_close(call->owner, session);
    }
}

void
stdio_call_free(stdio_call *call)
{
    stdio_upstream *s = call->owner;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        s->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    release_session(call);
    text_clear(&call->held);
    text_clear(&call->pending);
    free(call);
}

void
stdio_call_end(stdio_call *call, aip_status status, bool sent)
{
    exchange *x = call->x;
    const upstream_events *events = call->events;
    x->pipe = NULL;
    stdio_call_free(call);
    events->end(x, status, sent);
}

static void
cancel_at_server(stdio_call *call)
{
    TEXT_AUTO text_buffer text = {0};
    stdio_upstream *s = call->owner;
    bool held = call->held.size > 0;
    if (call->id == 0) {
        return;
    }
    aip_status status = multiplex_cancel(s->multiplex, call->id, &text, NULL);
    call->id = 0;
    if (status == AIP_OK && text.size > 0 && !held) {
        stdio_send_if_possible(s, text_view(&text));
    }
}

void
stdio_call_give_up(stdio_call *call, aip_status why)
{
    cancel_at_server(call);
    stdio_call_end(call, why, true);
}

/* False: the call is over. */
static bool
push(stdio_call *call, aip_bytes bytes)
{
    upstream_verdict verdict = UPSTREAM_FULL;
    if (call->pending.size == 0) {
        verdict = call->events->data(call->x, bytes);
    }
    if (verdict == UPSTREAM_TAKEN) {
        return true;
    }
    if (verdict == UPSTREAM_REFUSED) {
        stdio_call_give_up(call, AIP_UPSTREAM_INVALID);
        return false;
    }
    bool too_much = call->pending.size > 0 && call->pending.size + bytes.size > AIP_EVENT_BYTES_DEFAULT;
    if (!too_much) {
        text_append(&call->pending, bytes);
    }
    if (too_much || call->pending.failed) {
        stdio_call_give_up(call, AIP_OVERLOADED);
        return false;
    }
    return true;
}

bool
stdio_call_begin_reply(stdio_call *call, bool stream)
{
    call->begun = true;
    call->events->header(call->x, AIP_BYTES_LITERAL("Content-Type"),
                         stream ? AIP_BYTES_LITERAL("text/event-stream") : AIP_BYTES_LITERAL("application/json"));
    if (call->events->start(call->x, 200) == UPSTREAM_REFUSED) {
        stdio_call_give_up(call, AIP_UPSTREAM_INVALID);
        return false;
    }
    return true;
}

static void
finish(stdio_call *call)
{
    call->done = true;
    if (call->pending.size == 0) {
        stdio_call_end(call, AIP_OK, true);
    }
}

void
stdio_call_deliver(stdio_call *call, aip_bytes message, bool last)
{
    TEXT_AUTO text_buffer event = {0};
    if (!call->begun && last) {
        if (stdio_call_begin_reply(call, false) && push(call, message)) {
            finish(call);
        }
        return;
    }
    text_append_string(&event, "event: message\ndata: ");
    text_append(&event, message);
    text_append_string(&event, "\n\n");
    if (text_finish(&event, NULL) != AIP_OK) {
        stdio_call_give_up(call, AIP_NO_MEMORY);
        return;
    }
    if ((call->begun || stdio_call_begin_reply(call, true)) && push(call, text_view(&event)) && last) {
        finish(call);
    }
}

void
stdio_upstream_resume(stdio_call *call)
{
    text_buffer pending = call->pending;
    call->pending = (text_buffer){0};
    bool alive = pending.size == 0 || push(call, text_view(&pending));
    text_clear(&pending);
    if (alive && call->done) {
        finish(call);
    }
}

void
stdio_upstream_drop(stdio_call **call, bool cancel)
{
    stdio_call *each = *call;
    *call = NULL;
    if (each != NULL) {
        if (cancel || each->held.size > 0) {
            cancel_at_server(each);
        }
        stdio_call_free(each);
    }
}
