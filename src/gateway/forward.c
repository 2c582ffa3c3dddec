/* Forwarding: the request on its way, and what of the reply comes back. */
#include "gateway/forward.h"

#include <strings.h>

#include "base/clock.h"
#include "gateway/answer.h"
#include "gateway/conclude.h"
#include "gateway/events.h"
#include "gateway/figures.h"
#include "gateway/forward_fields.h"
#include "gateway/group.h"
#include "gateway/group_gather.h"
#include "gateway/reply.h"
#include "gateway/stages.h"
#include "gateway/stdio_upstream.h"

enum { STREAM_TRIES_MAX = 6 };
enum { EVENT_ROOM_BYTES = 65536 }; /* of an event beside its message, and of what came with it */

/* Ends the exchange with a refusal of the reply. */
void
forward_fail(exchange *x, aip_status status)
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

void
forward_open_stream(exchange *x)
{
    x->answer.http = 200;
    x->answer.stream = true;
    forward_forbid_caching(&x->answer);
    answer_add(&x->answer, "X-Accel-Buffering", "no");
    reply_add_common(x);
    x->phase = EXCHANGE_STREAMING;
    if (x->opened_microseconds != 0) {
        session_claim_stream(x);
    }
    x->wake(x);
}

static upstream_verdict
on_start(void *context, int http)
{
    exchange *x = context;
    x->upstream_http = http;
    figures_note_time(x, METRICS_UPSTREAM, x->sent_microseconds);
    reach_note(x, true);
    x->head_microseconds = x->moved_microseconds = clock_monotonic_microseconds();
    const char *fault = forward_find_fault(x, http);
    if (fault != NULL) {
        (void)!aip_fail(&x->refusal, AIP_UPSTREAM_INVALID, "%s", fault);
        return UPSTREAM_REFUSED;
    }
    if (x->upstream_stream && http == 200 && strcmp(x->http_method, "DELETE") != 0) {
        forward_open_stream(x);
    }
    return UPSTREAM_TAKEN;
}

/* With other data where it was changed, and for callers of a group with an id that tells whose stream it is. */
static void
append_event(exchange *x, aip_bytes event, aip_bytes changed)
{
    TEXT_AUTO text_buffer written = {0}, id = {0};
    aip_bytes own = x->group != NULL && !x->part && !x->modern ? group_event_id(event) : (aip_bytes){NULL, 0};
    if (changed.size == 0 && own.size == 0) {
        text_append(&x->stream, event);
        return;
    }
    if (changed.size > 0) {
        events_append_changed(own.size > 0 ? &written : &x->stream, event, changed);
    }
    if (own.size > 0) {
        group_append_id(&id, x->route, own);
        group_append_event(&x->stream, changed.size > 0 ? text_view(&written) : event, text_view(&id));
        x->stream.failed = x->stream.failed || written.failed || id.failed;
    }
}

static aip_status
take_events(exchange *x, aip_bytes bytes)
{
    aip_bytes event;
    x->splitter.most = x->settings->body_bytes_max + EVENT_ROOM_BYTES;
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
        if (!x->left_out) {
            AIP_TRY(inspect_event(x, event, &x->refusal));
            append_event(x, event, text_view(&changed));
        }
        x->left_out = false;
        x->resumable = x->resumable || (!x->modern && events_have_id(event));
        session_note_event(x, events_id(event));
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

/* What a status says that came without a reply. */
static aip_status
status_meant(const exchange *x)
{
    if (x->upstream_http == 405) {
        return AIP_REQUEST_HTTP_METHOD;
    }
    if (x->upstream_http == 404) {
        return x->has_session ? AIP_SESSION_NOT_FOUND : AIP_REQUEST_NOT_FOUND;
    }
    return AIP_UPSTREAM_INVALID;
}

/* A status of its own with nothing that can be passed on: the status stays where the protocol gives it a meaning. */
static void
answer_status_only(exchange *x)
{
    int http = x->upstream_http;
    bool tells_era = http == 400 && x->route->protocol->answers_once; /* clients of both fall back to the older one */
    aip_status meant = status_meant(x);
    (void)!aip_fail(&x->refusal, meant, "status %d without a JSON reply", http);
    x->allow = "POST";
    forward_fail(x, meant);
    x->answer.http = tells_era ? http : x->answer.http;
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

void
forward_finish(exchange *x, int http)
{
    gateway_answer *answer = &x->answer;
    x->upstream_http = http;
    conclude(x);
    if (x->phase == EXCHANGE_STREAMING) {
        x->stream_ended = true;
        return;
    }
    answer->http = http;
    if (x->route->protocol->cache_control != NULL) {
        answer_add(answer, "Cache-Control", "%s", x->route->protocol->cache_control);
    }
    reply_add_common(x);
    x->phase = EXCHANGE_ANSWERED;
}

static void
finish_reply(exchange *x)
{
    gateway_answer *answer = &x->answer;
    const protocol *speaks = x->route->protocol;
    bool good = x->upstream_http >= 200 && x->upstream_http < 300;
    bool bare = answer->body.size == 0 && speaks->below && (good || speaks->texts);
    bool taken = good && speaks->answers_once && (x->kind == MESSAGE_NOTIFICATION || x->kind == MESSAGE_RESPONSE);
    if (x->upstream_http == 409 && session_may_claim(x) && x->stream_tries < STREAM_TRIES_MAX) {
        session_claim_stream(x);
        x->stream_tries++;
        x->asks_again = true; /* at the next sweep */
        answer_clear(answer);
        return;
    }
    if (text_finish(&answer->body, NULL) != AIP_OK) {
        forward_fail(x, AIP_NO_MEMORY);
        return;
    }
    if (good && x->kind != MESSAGE_REQUEST && strcmp(x->http_method, "GET") != 0) {
        text_clear(&answer->body); /* nothing is owed but the status */
        forward_drop_field(answer, "Content-Type");
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
            forward_fail(x, x->refusal.status);
        }
        return;
    }
    forward_finish(x, x->upstream_http);
    answer->http = taken ? 202 : answer->http;
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
        forward_fail(x, AIP_UPSTREAM_INVALID);
    } else if (status != AIP_OK) {
        forward_fail(x, status);
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
        forward_fail(x, status != AIP_OK ? status : AIP_UPSTREAM_UNREACHABLE);
    } else {
        finish_reply(x);
    }
    x->wake(x);
}

static aip_status
begin_transfer(exchange *x)
{
    static const upstream_events events = {forward_take_field, on_start, on_data, on_end};
    if (x->route->members != NULL) {
        return gathering_begin(x, &x->refusal);
    }
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
        forward_fail(x, status);
    }
}

/* The upstream may not have known yet that the stream before has gone. */
void
forward_ask_again(exchange *x)
{
    x->asks_again = x->upstream_json = x->upstream_stream = x->upstream_coded = x->upstream_doubled = false;
    x->upstream_said = 0;
    x->upstream_http = 0;
    x->head_microseconds = 0;
    if (begin_transfer(x) != AIP_OK) {
        forward_fail(x, AIP_UPSTREAM_UNREACHABLE);
        x->wake(x);
    }
}
