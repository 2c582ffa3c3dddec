/* Forwarding: the request on its way, and what of the reply comes back. */
#include "gateway/forward.h"

#include <strings.h>

#include "base/clock.h"
#include "gateway/answer.h"
#include "gateway/conclude.h"
#include "gateway/events.h"
#include "gateway/figures.h"
#include "gateway/forward_fields.h"
#include "gateway/media.h"
#include "gateway/reply.h"
#include "gateway/stages.h"
#include "gateway/stdio_upstream.h"

enum { KEEP_ALIVE_SECONDS = 15, STREAM_TRIES_MAX = 6 };

/* Ends the exchange with a refusal of the reply, in whatever form is still possible. */
static void
fail(exchange *x, aip_status status)
{
    if (x->refusal.status == AIP_OK) {
        (void)!aip_fail(&x->refusal, status, NULL);
    }
    x->record.status = x->refusal.status;
    if (status == AIP_UPSTREAM_UNREACHABLE || status == AIP_UPSTREAM_TIMEOUT) {
        reach_note(x, false);
    }
    conclude(x);
    if (x->phase != EXCHANGE_STREAMING) {
        reply_refuse(x);
        x->phase = EXCHANGE_ANSWERED;
        return;
    }
    if (x->kind == MESSAGE_REQUEST && !x->answered_call) {
        /* The call's answer will not come: say so, or the caller waits for ever. */
        const char *event = x->route->protocol->error_event;
        text_append_format(&x->stream, "event: %s\ndata: ", event == NULL ? "message" : event);
        (void)x->route->protocol->append_error(&x->stream, x);
        text_append_string(&x->stream, "\n\n");
        x->stream_ended = true;
    } else {
        x->stream_broken = true;
    }
}

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    exchange *x = context;
    if (!forward_is_clean(value)) {
        return;
    }
    if (forward_is(name, (const char *const[]){"Content-Type", NULL})) {
        static const char json[] = "application/json", events[] = "text/event-stream";
        x->upstream_json =
            x->route->protocol->below
                ? media_is_json(value)
                : value.size >= sizeof json - 1 && strncasecmp((const char *)value.data, json, sizeof json - 1) == 0;
        x->upstream_stream =
            value.size >= sizeof events - 1 && strncasecmp((const char *)value.data, events, sizeof events - 1) == 0;
    }
    if (forward_is(name, (const char *const[]){"Content-Encoding", NULL})) {
        x->upstream_coded = !aip_bytes_equal(value, AIP_BYTES_LITERAL("identity"));
    } else if (forward_is(name, (const char *const[]){"Mcp-Session-Id", NULL})) {
        session_issue(x, value);
    } else if (forward_is(name, (const char *const[]){"Content-Length", NULL}) && strcmp(x->http_method, "HEAD") == 0) {
        for (size_t i = 0; i < value.size && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
            x->answer.body_bytes = x->answer.body_bytes * 10 + (uint64_t)(value.data[i] - '0');
        }
    } else if (x->answer.field_count < ANSWER_FIELDS_MAX / 2) {
        const char *kept = forward_returns(x, name);
        if (kept != NULL) {
            answer_add(&x->answer, kept, "%.*s", (int)value.size, (const char *)value.data);
        }
    }
}

static upstream_verdict
on_start(void *context, int http)
{
    exchange *x = context;
    x->upstream_http = http;
    figures_note_time(x, METRICS_UPSTREAM, x->sent_microseconds);
    reach_note(x, true);
    x->moved_microseconds = clock_monotonic_microseconds();
    bool unchanged = http == 304 && x->route->protocol->texts;
    if (x->upstream_coded || (http >= 300 && http < 400 && !unchanged)) {
        (void)!aip_fail(&x->refusal, AIP_UPSTREAM_INVALID, x->upstream_coded ? "a coded reply" : "a redirect");
        return UPSTREAM_REFUSED;
    }
    if (x->upstream_stream && http == 200 && strcmp(x->http_method, "DELETE") != 0) {
        x->answer.http = 200;
        x->answer.stream = true;
        answer_add(&x->answer, "Cache-Control", "no-cache");
        answer_add(&x->answer, "X-Accel-Buffering", "no");
        reply_add_common(x);
        x->phase = EXCHANGE_STREAMING;
        x->wake(x);
    }
    return UPSTREAM_TAKEN;
}

static aip_status
take_events(exchange *x, aip_bytes bytes)
{
    aip_bytes event;
    AIP_TRY(events_add(&x->splitter, bytes, &x->refusal));
    while (events_next(&x->splitter, &event)) {
        text_buffer data TEXT_AUTO = {0};
        events_append_data(&data, event);
        if (text_finish(&data, NULL) != AIP_OK) {
            return aip_fail(&x->refusal, AIP_NO_MEMORY, NULL);
        }
        text_buffer changed TEXT_AUTO = {0};
        if (data.size > 0) {
            AIP_TRY(answer_judge(x, text_view(&data), &changed, &x->refusal));
        }
        AIP_TRY(inspect_event(x, event, &x->refusal));
        if (changed.size > 0) {
            events_append_changed(&x->stream, event, text_view(&changed));
        } else {
            text_append(&x->stream, event);
        }
        x->resumable = x->resumable || (!x->modern && events_have_id(event));
        events_drop(&x->splitter, event);
    }
    return text_finish(&x->stream, &x->refusal);
}

static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    exchange *x = context;
    x->moved_microseconds = clock_monotonic_microseconds();
    x->reply_bytes += bytes.size;
    if (x->phase == EXCHANGE_STREAMING) {
        if (x->stream.size - x->stream_sent > AIP_STREAM_BUFFER_BYTES) {
            x->upstream_full = true;
            x->reply_bytes -= bytes.size; /* offered again */
            return UPSTREAM_FULL;
        }
        aip_status status = take_events(x, bytes);
        x->wake(x);
        return status == AIP_OK ? UPSTREAM_TAKEN : UPSTREAM_REFUSED;
    }
    if (x->answer.body.size + bytes.size > x->settings->body_bytes_max) {
        (void)!aip_fail(&x->refusal, AIP_UPSTREAM_INVALID, "a reply of more than %zu bytes",
                        x->settings->body_bytes_max);
        return UPSTREAM_REFUSED;
    }
    text_append(&x->answer.body, bytes);
    return UPSTREAM_TAKEN;
}

/* A status of its own with nothing that can be passed on: the status stays where the protocol gives it a meaning. */
static void
answer_status_only(exchange *x)
{
    int http = x->upstream_http;
    (void)!aip_fail(&x->refusal, AIP_UPSTREAM_INVALID, "status %d without a JSON reply", http);
    fail(x, AIP_UPSTREAM_INVALID);
    if (http == 404 || http == 405) {
        x->answer.http = http;
        if (http == 405) {
            answer_add(&x->answer, "Allow", "POST");
        }
    }
}

static void
drop_field(gateway_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        if (strcmp(answer->fields[i].name, name) == 0) {
            text_release(&answer->fields[i].value);
            answer->fields[i--] = answer->fields[--answer->field_count];
        }
    }
}

/* The reply as it may go on, in place of the one that came. */
static aip_status
judge_reply(exchange *x)
{
    gateway_answer *answer = &x->answer;
    text_buffer changed TEXT_AUTO = {0};
    AIP_TRY(answer_judge(x, text_view(&answer->body), &changed, &x->refusal));
    if (changed.size > 0) {
        text_clear(&answer->body);
        answer->body = changed;
        changed = (text_buffer){0};
    }
    return AIP_OK;
}

static void
finish_reply(exchange *x)
{
    gateway_answer *answer = &x->answer;
    const protocol *speaks = x->route->protocol;
    bool good = x->upstream_http >= 200 && x->upstream_http < 300;
    bool bare = answer->body.size == 0 && speaks->below && (good || speaks->texts);
    if (x->upstream_http == 409 && x->opened_microseconds != 0 && x->stream_tries < STREAM_TRIES_MAX) {
        session_claim_stream(x);
        x->stream_tries++;
        x->asks_again = true; /* at the next sweep */
        answer_clear(answer);
        return;
    }
    if (text_finish(&answer->body, NULL) != AIP_OK) {
        fail(x, AIP_NO_MEMORY);
        return;
    }
    if (good && x->kind != MESSAGE_REQUEST && strcmp(x->http_method, "GET") != 0) {
        text_clear(&answer->body); /* nothing is owed but the status */
        drop_field(answer, "Content-Type");
    } else if (bare) {
        answer->bodiless = strcmp(x->http_method, "HEAD") == 0;
    } else if ((!x->upstream_json && !speaks->texts) || answer->body.size == 0) {
        answer_status_only(x);
        return;
    } else if (judge_reply(x) != AIP_OK) {
        if (!good && x->refusal.status == AIP_UPSTREAM_INVALID) {
            x->refusal = (aip_error)AIP_ERROR_INIT;
            answer_status_only(x);
        } else {
            fail(x, x->refusal.status);
        }
        return;
    }
    answer->http = x->upstream_http;
    if (speaks->cache_control != NULL) {
        answer_add(answer, "Cache-Control", "%s", speaks->cache_control);
    }
    conclude(x);
    reply_add_common(x);
    x->phase = EXCHANGE_ANSWERED;
}

/* A caller that can resume gets what is missing from a new stream, so an error in the answer's place would be a lie. */
static void
end_stream(exchange *x, aip_status status)
{
    bool missing = x->route->protocol->answers_once && x->kind == MESSAGE_REQUEST && !x->answered_call;
    bool refused = x->refusal.status != AIP_OK;
    if (missing && x->resumable && !refused) {
        x->stream_broken = status != AIP_OK;
        x->stream_ended = !x->stream_broken;
        x->refusal.status = status;
        conclude(x);
    } else if (status == AIP_OK && missing) {
        (void)!aip_fail(&x->refusal, AIP_UPSTREAM_INVALID, "the stream ended before the answer");
        fail(x, AIP_UPSTREAM_INVALID);
    } else if (status != AIP_OK) {
        fail(x, status);
    } else {
        x->stream_ended = true;
        conclude(x);
    }
}

static void
on_end(void *context, aip_status status, bool sent)
{
    exchange *x = context;
    x->transfer = NULL;
    if (!sent) {
        spend_release(x);
    }
    if (x->phase == EXCHANGE_STREAMING) {
        end_stream(x, status);
    } else if (status != AIP_OK || x->upstream_http == 0) {
        fail(x, status != AIP_OK ? status : AIP_UPSTREAM_UNREACHABLE);
    } else {
        finish_reply(x);
    }
    x->wake(x);
}

static aip_status
begin_transfer(exchange *x)
{
    static const upstream_events events = {on_header, on_start, on_data, on_end};
    if (x->route->command != NULL) {
        return stdio_upstream_begin(x, &events, &x->refusal);
    }
    text_buffer address TEXT_AUTO = {0};
    if (x->route->protocol->address != NULL) {
        AIP_TRY(x->route->protocol->address(x, &address, &x->refusal));
    }
    const char *fields[AIP_HEADER_FIELDS_MAX + 16];
    size_t count = 0;
    text_buffer lines TEXT_AUTO = {0};
    forward_write_lines(&lines, x);
    AIP_TRY(text_finish(&lines, NULL));
    for (size_t i = 0; i < lines.size; i += strlen(lines.data + i) + 1) {
        fields[count++] = lines.data + i;
    }
    const text_buffer *body = x->outgoing.size > 0 ? &x->outgoing : &x->body;
    const char *url = address.size > 0 ? address.data : x->route->url;
    const upstream_request request = {url, x->http_method, text_view(body), fields, count, &x->route->way};
    aip_status status = upstream_begin(x->shard->upstreams, &request, &events, x, &x->transfer);
    hash_wipe(lines.data, lines.size); /* the operator's credentials are among them */
    return status;
}

void
forward_begin(exchange *x)
{
    x->phase = EXCHANGE_WAITING;
    x->sent_microseconds = x->moved_microseconds = clock_monotonic_microseconds();
    x->forwarded = true;
    x->opened_microseconds = session_has_stream(x) ? x->sent_microseconds : 0;
    aip_status status = begin_transfer(x);
    if (status != AIP_OK) {
        spend_release(x);
        fail(x, status);
    }
}

/* With `cancel` a server behind a pipe is told; an HTTP one sees it by itself. */
static void
leave(exchange *x, bool cancel)
{
    upstream_cancel(&x->transfer);
    stdio_upstream_drop(&x->pipe, cancel);
}

/* A legacy caller that goes away cancels nothing. */
void
forward_abandon(exchange *x)
{
    leave(x, x->modern || x->local);
    x->stream_broken = true;
    x->phase = EXCHANGE_OVER;
    if (x->forwarded && x->refusal.status == AIP_OK) {
        (void)!aip_fail(&x->refusal, AIP_CALLER_GONE, NULL);
    }
    conclude(x);
    x->wake(x);
}

void
forward_drained(exchange *x)
{
    if (x->stream_sent == x->stream.size) {
        text_clear(&x->stream);
        x->stream_sent = 0;
    } else if (x->stream_sent > AIP_STREAM_BUFFER_BYTES / 2) {
        x->stream.size -= x->stream_sent;
        memmove(x->stream.data, x->stream.data + x->stream_sent, x->stream.size);
        x->stream_sent = 0;
    }
    if (!x->upstream_full || x->stream.size - x->stream_sent >= AIP_STREAM_BUFFER_BYTES / 2) {
        return;
    }
    if (x->transfer != NULL) {
        x->upstream_full = false;
        upstream_resume(x->transfer);
    } else if (x->pipe != NULL) {
        x->upstream_full = false;
        stdio_upstream_resume(x->pipe);
    }
}

/* Revoked or expired while the answer was under way. */
static aip_status
judge_again(exchange *x)
{
    uint64_t epoch = revoked_epoch(identities_revoked(x->gateway->identities));
    if (x->chain == NULL) {
        return AIP_OK; /* what anyone may ask */
    }
    if (clock_now_seconds() >= x->verdict.grant.expires) {
        return AIP_TOKEN_EXPIRED;
    }
    return epoch == x->revoked_epoch ? AIP_OK : greet_standing(x, NULL);
}

/* Nothing more goes out, not even what was judged before. */
static void
cut(exchange *x, aip_status why)
{
    leave(x, true);
    bool streaming = x->phase == EXCHANGE_STREAMING;
    fail(x, why);
    if (streaming) {
        text_clear(&x->stream);
        x->stream_sent = 0;
        x->stream_broken = true;
    }
    x->wake(x);
}

/* The stream of a session: has it to make room for a newer one? */
static bool
is_over(exchange *x)
{
    if (!session_stream_replaced(x)) {
        return false;
    }
    leave(x, false);
    if (x->phase == EXCHANGE_STREAMING) {
        x->stream_ended = true;
        conclude(x);
    } else {
        fail(x, AIP_CALLER_GONE);
    }
    x->wake(x);
    return true;
}

/* The upstream may not have known yet that the stream before has gone. */
static void
ask_again(exchange *x)
{
    x->asks_again = x->upstream_json = x->upstream_stream = x->upstream_coded = false;
    x->upstream_http = 0;
    if (begin_transfer(x) != AIP_OK) {
        fail(x, AIP_UPSTREAM_UNREACHABLE);
        x->wake(x);
    }
}

void
forward_sweep(exchange *x, uint64_t now)
{
    bool unsent = !x->stream_ended || x->stream_sent < x->stream.size;
    bool open = x->phase == EXCHANGE_WAITING || (x->phase == EXCHANGE_STREAMING && !x->stream_broken && unsent);
    aip_status standing = open ? judge_again(x) : AIP_OK;
    if (standing != AIP_OK) {
        cut(x, standing);
        return;
    }
    if (open && x->opened_microseconds != 0 && is_over(x)) {
        return;
    }
    if (x->asks_again && x->phase == EXCHANGE_WAITING) {
        ask_again(x);
    }
    uint64_t quiet = (now - x->moved_microseconds) / 1000000;
    if (x->phase == EXCHANGE_WAITING && quiet >= x->route->idle_seconds) {
        leave(x, true);
        fail(x, AIP_UPSTREAM_TIMEOUT);
        x->wake(x);
    } else if (x->phase == EXCHANGE_STREAMING && quiet >= KEEP_ALIVE_SECONDS && x->stream.size == 0) {
        /* Only whole events are in `stream`, so a comment never falls inside one. */
        text_append_string(&x->stream, ":\n\n");
        x->moved_microseconds = now;
        x->wake(x);
    }
}

void
forward_drain(exchange *x)
{
    bool open = x->phase == EXCHANGE_STREAMING && !x->stream_ended && !x->stream_broken;
    const protocol *speaks = x->route == NULL ? NULL : x->route->protocol;
    if (open && speaks->append_end != NULL && speaks->append_end(&x->stream, x)) {
        leave(x, x->modern);
        x->stream_ended = true;
        conclude(x);
        x->wake(x);
    }
}

void
forward_stop(exchange *x)
{
    if (x->phase == EXCHANGE_WAITING || x->phase == EXCHANGE_STREAMING) {
        leave(x, true);
        if (!x->stream_ended && !x->stream_broken) {
            fail(x, AIP_OVERLOADED);
        }
        x->wake(x);
    }
}
