/* One message of a local client, from its line to the lines that answer it. */
#include <stdlib.h>

#include "gateway/await.h"
#include "gateway/events.h"
#include "gateway/figures.h"
#include "gateway/forward.h"
#include "gateway/log.h"
#include "gateway/pipeline.h"
#include "gateway/stages.h"
#include "gateway/stdio_client_inside.h"
#include "gateway/stdio_message.h"

enum { OUTPUT_BYTES_MAX = 8 << 20 }; /* not taken by the client; then nothing more is read */

static void
wake(exchange *x)
{
    local_request *r = x->carrier;
    r->woken = true;
}

void
stdio_request_add_field(exchange *x, const char *name, const char *value)
{
    (void)exchange_add_field(x, aip_bytes_of(name), aip_bytes_of(value));
}

local_request *
stdio_request_new(stdio_client *c, const char *method)
{
    local_request *r = calloc(1, sizeof *r);
    if (r == NULL || (r->x = exchange_new(c->shard)) == NULL) {
        free(r);
        return NULL;
    }
    exchange *x = r->x;
    r->owner = c;
    r->next = c->requests;
    if (r->next != NULL) {
        r->next->previous = r;
    }
    c->requests = r;
    x->carrier = r;
    x->wake = wake;
    x->local = true;
    x->http_method = method;
    x->path = c->end->path;
    x->peer = "stdio";
    r->woken = true;
    r->is_stream = strcmp(method, "GET") == 0;
    c->active += !r->is_stream;
    stdio_request_add_field(x, "Host", "localhost");
    return r;
}

static void
write_line(stdio_client *c, aip_bytes message)
{
    TEXT_AUTO text_buffer line = {0};
    if (message.size == 0) {
        return;
    }
    if (stdio_message_append(&line, message, NULL) != AIP_OK) {
        c->ends.broken = true; /* its reader would wait for ever */
        return;
    }
    stdio_ends_write(&c->ends, text_view(&line));
}

void
stdio_request_release(local_request *r)
{
    stdio_client *c = r->owner;
    if (r->previous != NULL) {
        r->previous->next = r->next;
    } else {
        c->requests = r->next;
    }
    if (r->next != NULL) {
        r->next->previous = r->previous;
    }
    c->stream = c->stream == r ? NULL : c->stream;
    c->active -= !r->is_stream;
    exchange_free(&r->x);
    text_clear(&r->splitter.pending);
    if (r->token != NULL) {
        hash_wipe(r->token, strlen(r->token));
    }
    free(r->token);
    free(r);
}

static void
note_answer(const exchange *x)
{
    log_request(x, false);
    figures_note_request(x, false);
}

/* A notification and an answer get none, whatever becomes of them; nor does a request that its sender cancelled. */
static bool
is_answered(const local_request *r)
{
    return !r->is_stream && (r->x->kind == MESSAGE_REQUEST || r->x->kind == MESSAGE_NONE) &&
           r->x->refusal.status != AIP_CALLER_GONE;
}

void
stdio_request_write_answer(local_request *r)
{
    if (is_answered(r)) {
        write_line(r->owner, text_view(&r->x->answer.body));
    }
}

static void
write_events(local_request *r)
{
    exchange *x = r->x;
    aip_bytes event, fresh = {(const unsigned char *)x->stream.data + x->stream_sent, x->stream.size - x->stream_sent};
    if (fresh.size == 0) {
        return;
    }
    if (events_add(&r->splitter, fresh, NULL) != AIP_OK) {
        r->owner->ends.broken = true;
        return;
    }
    while (events_next(&r->splitter, &event)) {
        TEXT_AUTO text_buffer data = {0};
        events_append_data(&data, event);
        write_line(r->owner, text_view(&data));
        events_drop(&r->splitter, event);
    }
    x->stream_sent = x->stream.size;
    forward_drained(x);
}

/* The stream was cut before the answer was in it. */
static void
write_cut(local_request *r)
{
    TEXT_AUTO text_buffer text = {0};
    if (is_answered(r) && !r->x->answered_call && r->x->phase == EXCHANGE_STREAMING) {
        (void)r->x->route->protocol->append_error(&text, r->x);
        write_line(r->owner, text_view(&text));
    }
}

bool
stdio_client_has_room(const stdio_client *c)
{
    return stdio_ends_unsent(&c->ends) < OUTPUT_BYTES_MAX;
}

static void
follow_stream(local_request *r)
{
    exchange *x = r->x;
    if (!stdio_client_has_room(r->owner)) {
        r->woken = true; /* once the client has read */
        return;
    }
    write_events(r);
    if (x->stream_broken) {
        write_cut(r);
    }
    if (x->stream_broken || (x->stream_ended && x->stream_sent == x->stream.size)) {
        note_answer(x);
        stdio_request_release(r);
    }
}

static void
refuse(local_request *r)
{
    r->owner->hears = r->owner->hears && !r->is_stream; /* it is not asked for again and again */
    pipeline_refuse(r->x);
    r->x->phase = EXCHANGE_ANSWERED;
    note_answer(r->x);
    stdio_request_write_answer(r);
    stdio_request_release(r);
}

/* What was not sent on yet is not sent at all. */
static void
cancel_waiting(const local_request *by)
{
    const exchange *x = by->x;
    uint32_t named = x->params == SCAN_NONE ? SCAN_NONE : scan_member(&x->document, x->params, "requestId");
    if (strcmp(x->method, "notifications/cancelled") != 0 || named == SCAN_NONE) {
        return;
    }
    for (local_request *each = by->owner->requests; each != NULL; each = each->next) {
        if (each->x->phase == EXCHANGE_ADMITTING && aip_bytes_equal(each->x->id, scan_raw(&x->document, named))) {
            await_drop(each->x);
            spend_release(each->x);
            each->x->phase = EXCHANGE_OVER;
            each->woken = true;
        }
    }
}

/* What the server says of its own accord. */
void
stdio_request_open_stream(stdio_client *c)
{
    local_request *r = stdio_request_new(c, "GET");
    if (r != NULL) {
        r->x->appointed = true;
        stdio_request_add_field(r->x, "X-AIP-Token", c->end->token);
        c->stream = r;
    }
}

static void
send_on(local_request *r)
{
    stdio_client *c = r->owner;
    bool greets = r->x->kind == MESSAGE_REQUEST && strcmp(r->x->method, "initialize") == 0;
    cancel_waiting(r);
    forward_begin(r->x);
    if (greets && c->stream == NULL && c->end->token != NULL) {
        c->hears = true;
        stdio_request_open_stream(c);
    }
}

static void
admit(local_request *r)
{
    switch (pipeline_admit(r->x)) {
    case PIPELINE_WAITS:
        r->x->phase = EXCHANGE_ADMITTING;
        break;
    case PIPELINE_REFUSED:
        refuse(r);
        break;
    case PIPELINE_PASSED:
        r->woken = true; /* whatever forward_begin did */
        send_on(r);
        break;
    }
}

static void
greet(local_request *r)
{
    switch (pipeline_greet(r->x)) {
    case PIPELINE_WAITS:
        r->x->phase = EXCHANGE_GREETING;
        break;
    case PIPELINE_REFUSED:
        refuse(r);
        break;
    case PIPELINE_PASSED:
        memset(r->x->owner, 0, sizeof r->x->owner); /* one client, whatever tokens its messages bring */
        admit(r);
        break;
    }
}

void
stdio_request_go_on(local_request *r)
{
    r->woken = false;
    switch (r->x->phase) {
    case EXCHANGE_READING:
    case EXCHANGE_GREETING:
        greet(r);
        break;
    case EXCHANGE_ADMITTING:
        admit(r);
        break;
    case EXCHANGE_ANSWERED:
        note_answer(r->x);
        stdio_request_write_answer(r);
        stdio_request_release(r);
        break;
    case EXCHANGE_STREAMING:
        follow_stream(r);
        break;
    case EXCHANGE_LOOKING:
    case EXCHANGE_OVER:
        stdio_request_release(r);
        break;
    case EXCHANGE_WAITING:
        break;
    }
}
