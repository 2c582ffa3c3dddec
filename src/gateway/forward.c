/* Forwarding: which headers go on, and what of the reply comes back. */
#include "gateway/forward.h"

#include <strings.h>

#include "base/clock.h"
#include "gateway/answer.h"
#include "gateway/conclude.h"
#include "gateway/events.h"
#include "gateway/reply.h"
#include "gateway/stages.h"

enum { KEEP_ALIVE_SECONDS = 15 };

static bool
is_one_of(aip_bytes name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (name.size == strlen(*names) && strncasecmp((const char *)name.data, *names, name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* An allow-list: credentials, X-AIP-*, Signature* and hop-by-hop fields are not on it. */
bool
forward_passes(aip_bytes name)
{
    static const char *const names[] = {
        "Accept",        "Content-Type", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name",
        "Last-Event-ID", "traceparent",  "tracestate",           "User-Agent", NULL};
    static const char parameter[] = "Mcp-Param-";
    return is_one_of(name, names) || (name.size >= sizeof parameter &&
                                      strncasecmp((const char *)name.data, parameter, sizeof parameter - 1) == 0);
}

static bool
comes_back(aip_bytes name)
{
    static const char *const names[] = {"Content-Type", "Cache-Control",        "Retry-After",
                                        "Allow",        "MCP-Protocol-Version", NULL};
    return is_one_of(name, names);
}

static bool
is_clean(aip_bytes value)
{
    return value.size > 0 && exchange_is_field_value(value);
}

/* Lines end with NUL, so that each is a string. */
static void
add_line(text_buffer *lines, const char *name, aip_bytes value)
{
    text_append_format(lines, "%s: ", name);
    text_append(lines, value);
    text_append(lines, (aip_bytes){(const unsigned char *)"", 1});
}

static void
write_lines(text_buffer *lines, const exchange *x)
{
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        bool skipped = (x->modern && is_one_of(field->name, (const char *const[]){"Last-Event-ID", NULL})) ||
                       (x->renamed && is_one_of(field->name, (const char *const[]){"Mcp-Name", NULL}));
        if (forward_passes(field->name) && is_clean(field->value) && !skipped) {
            text_append(lines, field->name);
            add_line(lines, "", field->value);
        }
    }
    if (x->has_session) {
        add_line(lines, "Mcp-Session-Id", aip_bytes_of(x->session));
    }
    if (x->renamed && x->modern) {
        add_line(lines, "Mcp-Name", x->name);
    }
    add_line(lines, "Accept-Encoding", AIP_BYTES_LITERAL("identity"));
    add_line(lines, "X-AIP-Verified", AIP_BYTES_LITERAL("true"));
    add_line(lines, "X-AIP-Subject", x->verdict.grant.leaf);
    add_line(lines, "X-AIP-Root", x->verdict.grant.root);
    add_line(lines, "X-AIP-Decision-Id", aip_bytes_of(x->record.decision_id));
    text_append(lines, (aip_bytes){(const unsigned char *)"Expect:", 8}); /* never ask for 100-continue */
}

/* Ends the exchange with a refusal of the reply, in whatever form is still possible. */
static void
fail(exchange *x, aip_status status)
{
    if (x->refusal.status == AIP_OK) {
        (void)!aip_fail(&x->refusal, status, NULL);
    }
    x->record.status = x->refusal.status;
    conclude(x);
    if (x->phase != EXCHANGE_STREAMING) {
        reply_refuse(x);
        x->phase = EXCHANGE_ANSWERED;
        return;
    }
    if (x->kind == MESSAGE_REQUEST && !x->answered_call) {
        /* The call's answer will not come: say so, or the caller waits for ever. */
        text_append_string(&x->stream, "event: message\ndata: ");
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
    if (!is_clean(value)) {
        return;
    }
    if (is_one_of(name, (const char *const[]){"Content-Type", NULL})) {
        static const char json[] = "application/json", events[] = "text/event-stream";
        x->upstream_json =
            value.size >= sizeof json - 1 && strncasecmp((const char *)value.data, json, sizeof json - 1) == 0;
        x->upstream_stream =
            value.size >= sizeof events - 1 && strncasecmp((const char *)value.data, events, sizeof events - 1) == 0;
    }
    if (is_one_of(name, (const char *const[]){"Content-Encoding", NULL})) {
        x->upstream_coded = !aip_bytes_equal(value, AIP_BYTES_LITERAL("identity"));
    } else if (is_one_of(name, (const char *const[]){"Mcp-Session-Id", NULL})) {
        session_issue(x, value);
    } else if (comes_back(name) && x->answer.field_count < ANSWER_FIELDS_MAX / 2) {
        static const char *const kept[] = {"Content-Type", "Cache-Control", "Retry-After", "Allow",
                                           "MCP-Protocol-Version"};
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
            if (is_one_of(name, (const char *const[]){kept[i], NULL})) {
                answer_add(&x->answer, kept[i], "%.*s", (int)value.size, (const char *)value.data);
            }
        }
    }
}

static upstream_verdict
on_start(void *context, int http)
{
    exchange *x = context;
    x->upstream_http = http;
    x->moved_microseconds = clock_monotonic_microseconds();
    if (x->upstream_coded || (http >= 300 && http < 400)) {
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
        if (changed.size > 0) {
            events_append_changed(&x->stream, event, text_view(&changed));
        } else {
            text_append(&x->stream, event);
        }
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
    bool good = x->upstream_http >= 200 && x->upstream_http < 300;
    if (text_finish(&answer->body, NULL) != AIP_OK) {
        fail(x, AIP_NO_MEMORY);
        return;
    }
    if (good && x->kind != MESSAGE_REQUEST && strcmp(x->http_method, "GET") != 0) {
        text_clear(&answer->body); /* nothing is owed but the status */
        drop_field(answer, "Content-Type");
    } else if (!x->upstream_json || answer->body.size == 0) {
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
    conclude(x);
    reply_add_common(x);
    x->phase = EXCHANGE_ANSWERED;
}

static void
on_end(void *context, aip_status status, bool sent)
{
    exchange *x = context;
    x->transfer = NULL;
    if (!sent) {
        spend_release(x);
    }
    if (status != AIP_OK) {
        fail(x, status);
    } else if (x->phase == EXCHANGE_STREAMING) {
        x->stream_ended = true;
        conclude(x);
    } else {
        finish_reply(x);
    }
    x->wake(x);
}

static aip_status
begin_transfer(exchange *x)
{
    static const upstream_events events = {on_header, on_start, on_data, on_end};
    const char *fields[AIP_HEADER_FIELDS_MAX + 8];
    size_t count = 0;
    text_buffer lines TEXT_AUTO = {0};
    write_lines(&lines, x);
    AIP_TRY(text_finish(&lines, NULL));
    for (size_t i = 0; i < lines.size; i += strlen(lines.data + i) + 1) {
        fields[count++] = lines.data + i;
    }
    const text_buffer *body = x->outgoing.size > 0 ? &x->outgoing : &x->body;
    const upstream_request request = {x->route->url, x->http_method, text_view(body), fields, count};
    return upstream_begin(x->shard->upstreams, &request, &events, x, &x->transfer);
}

void
forward_begin(exchange *x)
{
    x->phase = EXCHANGE_WAITING;
    x->moved_microseconds = clock_monotonic_microseconds();
    aip_status status = begin_transfer(x);
    x->forwarded = true;
    if (status != AIP_OK) {
        spend_release(x);
        fail(x, status);
    }
}

void
forward_abandon(exchange *x)
{
    upstream_cancel(&x->transfer);
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
    if (x->upstream_full && x->transfer != NULL && x->stream.size - x->stream_sent < AIP_STREAM_BUFFER_BYTES / 2) {
        x->upstream_full = false;
        upstream_resume(x->transfer);
    }
}

/* Revoked or expired while the answer was under way. */
static aip_status
judge_again(exchange *x)
{
    uint64_t epoch = revoked_epoch(identities_revoked(x->gateway->identities));
    if (clock_now_seconds() >= x->verdict.grant.expires) {
        return AIP_TOKEN_EXPIRED;
    }
    return epoch == x->revoked_epoch ? AIP_OK : greet_standing(x, NULL);
}

/* Nothing more goes out, not even what was judged before. */
static void
cut(exchange *x, aip_status why)
{
    upstream_cancel(&x->transfer);
    bool streaming = x->phase == EXCHANGE_STREAMING;
    fail(x, why);
    if (streaming) {
        text_clear(&x->stream);
        x->stream_sent = 0;
        x->stream_broken = true;
    }
    x->wake(x);
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
    uint64_t quiet = (now - x->moved_microseconds) / 1000000;
    if (x->phase == EXCHANGE_WAITING && quiet >= x->settings->idle_seconds) {
        upstream_cancel(&x->transfer);
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
forward_stop(exchange *x)
{
    if (x->phase == EXCHANGE_WAITING || x->phase == EXCHANGE_STREAMING) {
        upstream_cancel(&x->transfer);
        if (!x->stream_ended && !x->stream_broken) {
            fail(x, AIP_OVERLOADED);
        }
        x->wake(x);
    }
}
