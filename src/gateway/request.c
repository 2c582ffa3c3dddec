/* One request: libmicrohttpd's callbacks around an exchange. */
#include "gateway/request.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "gateway/cors.h"
#include "gateway/figures.h"
#include "gateway/forward.h"
#include "gateway/log.h"
#include "gateway/pipeline.h"
#include "gateway/prove.h"
#include "gateway/share.h"
#include "gateway/stages.h"
#include "gateway/wellknown.h"

enum { STREAM_BLOCK_BYTES = 1024 };

static bool admit(request *r);

static void
resume(request *r)
{
    if (r->suspended) {
        r->suspended = false;
        r->owner->resumed = true;
        MHD_resume_connection(r->connection);
    }
}

/* While a message is judged, what comes is for its stages alone: libmicrohttpd need not know before there is an answer.
 */
static void
wake(exchange *x)
{
    request *r = x->carrier;
    bool judging = r->suspended && x->phase == EXCHANGE_ADMITTING;
    if (!judging || admit(r)) {
        resume(r);
    }
}

static void
suspend(request *r)
{
    r->suspended = true;
    MHD_suspend_connection(r->connection);
}

static enum MHD_Result
wait_on(request *r)
{
    suspend(r);
    return MHD_YES;
}

static enum MHD_Result
take_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
           size_t value_size)
{
    exchange *x = context;
    (void)kind;
    aip_bytes text = {(const unsigned char *)value, value == NULL ? 0 : value_size};
    return exchange_add_field(x, (aip_bytes){(const unsigned char *)name, name_size}, text) ? MHD_YES : MHD_NO;
}

static ssize_t
on_read(void *context, uint64_t position, char *out, size_t size)
{
    request *r = context;
    exchange *x = r->x;
    size_t ready = x->stream.size - x->stream_sent;
    (void)position;
    if (ready > 0 && x->phase != EXCHANGE_OVER) {
        size_t taken = ready < size ? ready : size;
        memcpy(out, x->stream.data + x->stream_sent, taken);
        if (!x->stream_closed) {
            hash_stream_add(&x->stream_hash, (aip_bytes){(const unsigned char *)out, taken});
        }
        x->stream_sent += taken;
        forward_drained(x);
        return (ssize_t)taken;
    }
    if (x->stream_broken) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (x->stream_ended) {
        return prove_stream_end(x) ? on_read(context, position, out, size) : MHD_CONTENT_READER_END_OF_STREAM;
    }
    suspend(r);
    return 0;
}

static struct MHD_Response *
make_response(request *r)
{
    gateway_answer *answer = &r->x->answer;
    if (answer->stream) {
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_read, r, NULL);
    }
    if (answer->bodiless) {
        return MHD_create_response_from_callback(answer->body_bytes, STREAM_BLOCK_BYTES, on_read, r, NULL);
    }
    if (answer->body.size == 0 || answer->body.failed) {
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.size, answer->body.data, MHD_RESPMEM_MUST_FREE);
    if (response != NULL) {
        answer->body = (text_buffer){0};
    }
    return response;
}

static void
end_wait(request *r)
{
    if (r->waits) {
        r->waits = false;
        figures_move(r->owner->setup.shard, METRICS_WAITING, -1);
    }
}

/* The caller has to take it, and a stream's events as long as they come. */
static void
note_answer(request *r)
{
    const exchange *x = r->x;
    end_wait(r);
    r->answered = true;
    r->streams = x->answer.stream;
    client_expect_nothing(r->from);
    if (r->streams) {
        figures_move(x->shard, METRICS_STREAMS, 1);
    } else {
        client_expect(r->from, x->settings->front.body_seconds);
        client_prolong(r->from, x->answer.body.size);
    }
    log_request(x, r->open);
    figures_note_request(x, r->open);
}

static enum MHD_Result
send_answer(request *r)
{
    gateway_answer *answer = &r->x->answer;
    prove_answer(r->x);
    cors_mark(r->x);
    note_answer(r);
    struct MHD_Response *response = make_response(r);
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < answer->field_count; i++) {
        MHD_add_response_header(response, answer->fields[i].name, answer->fields[i].value);
    }
    if (answer->close || r->doubted || atomic_load_explicit(&r->x->gateway->draining, memory_order_relaxed)) {
        MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result queued = MHD_queue_response(r->connection, (unsigned)answer->http, response);
    MHD_destroy_response(response);
    return queued;
}

static void
refuse(request *r)
{
    pipeline_refuse(r->x);
    r->x->phase = EXCHANGE_ANSWERED;
}

static void
fill_exchange(request *r, const char *url, const char *method)
{
    exchange *x = r->x;
    x->carrier = r;
    x->wake = wake;
    x->http_method = method;
    x->path = url;
    const char *query = r->target == NULL ? NULL : strchr(r->target, '?');
    x->query = query == NULL ? (aip_bytes){NULL, 0} : aip_bytes_of(query + 1);
    x->peer = r->from->address;
    x->apart = r->owner->setup.apart;
    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, take_field, x);
    share_name_caller(x);
    client_expect(r->from, x->settings->front.body_seconds);
}

/* From its first line on, a head has its own time, which is shorter than that of an idle connection. */
static void
expect_head(const listener *l, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info != NULL && info->socket_context != NULL) {
        const gateway_settings *settings = gateway_settings_take(l->setup.shard->gateway);
        client_expect(info->socket_context, settings->front.head_seconds);
        settings_drop(&settings);
    }
}

void *
request_line(void *context, const char *target, struct MHD_Connection *connection)
{
    request *r = calloc(1, sizeof *r);
    expect_head(context, connection);
    if (r != NULL && (r->target = strdup(target)) == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

/* Completes what request_line began. */
static bool
open_request(request *r, listener *l, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    exchange *x = info == NULL || info->socket_context == NULL
                      ? NULL
                      : exchange_new(l->setup.shard);
    if (x == NULL) {
        return false;
    }
    r->x = x;
    r->connection = connection;
    r->from = info->socket_context;
    r->owner = l;
    r->next = l->requests;
    if (l->requests != NULL) {
        l->requests->previous = r;
    }
    l->requests = r;
    l->active++;
    r->from->current = r;
    return true;
}

/* A refused request is answered at once if its body has not been sent yet, or is too long even to be thrown away.
 * Otherwise the body is taken first: a connection that closes while the caller sends loses the answer. */
static bool
is_answered_at_once(const exchange *x)
{
    size_t expectations = 0, codings = 0;
    aip_bytes length = exchange_header(x, "Content-Length", NULL);
    aip_bytes coding = exchange_header(x, "Transfer-Encoding", &codings);
    uint64_t declared = 0;
    (void)exchange_header(x, "Expect", &expectations);
    if (codings > 0 && (coding.size != 7 || strncasecmp((const char *)coding.data, "chunked", 7) != 0)) {
        return true; /* libmicrohttpd takes all that ever follows for its body */
    }
    for (size_t i = 0; i < length.size && declared <= AIP_DISCARDED_BODY_BYTES_MAX; i++) {
        if (length.data[i] < '0' || length.data[i] > '9') {
            return true;
        }
        declared = declared * 10 + (uint64_t)(length.data[i] - '0');
    }
    return declared > AIP_DISCARDED_BODY_BYTES_MAX || (expectations > 0 && declared > AIP_REFUSED_BODY_BYTES_MAX);
}

/* Again after each wait: libmicrohttpd 0.9.75 calls back before it reads the body. */
static enum MHD_Result
greet(request *r)
{
    pipeline_verdict verdict = pipeline_greet(r->x);
    if (verdict == PIPELINE_WAITS) {
        r->x->phase = EXCHANGE_GREETING;
        return wait_on(r);
    }
    r->x->phase = EXCHANGE_READING;
    r->refused = verdict == PIPELINE_REFUSED;
    r->doubted = r->refused && greet_doubts_framing(r->x);
    if (r->refused && is_answered_at_once(r->x)) {
        r->x->answer.close = true;
        refuse(r);
        return send_answer(r);
    }
    return MHD_YES;
}

static enum MHD_Result
take_head(request *r, listener *l, struct MHD_Connection *connection, const char *url, const char *method)
{
    if (!open_request(r, l, connection)) {
        return MHD_NO;
    }
    fill_exchange(r, url, method);
    r->open = wellknown_serves(r->x);
    r->doubted = r->open && greet_doubts_framing(r->x);
    return r->open ? MHD_YES : greet(r);
}

static enum MHD_Result
take_body(request *r, const char *data, size_t size)
{
    exchange *x = r->x;
    size_t cap = r->refused || r->open || x->late ? AIP_REFUSED_BODY_BYTES_MAX : x->settings->body_bytes_max;
    r->received += size;
    client_prolong(r->from, size);
    if (r->received <= cap) {
        text_append(&x->body, (aip_bytes){(const unsigned char *)data, size});
        return MHD_YES;
    }
    /* Too long. The rest is thrown away, so that the caller can read why. */
    x->body_too_large = true;
    x->answer.close = true;
    text_clear(&x->body);
    return r->received <= cap + AIP_DISCARDED_BODY_BYTES_MAX ? MHD_YES : MHD_NO;
}

/* Judges the whole message and sends it on, as far as nothing has to be waited for. Is there an answer already? */
static bool
admit(request *r)
{
    exchange *x = r->x;
    pipeline_verdict verdict = r->refused ? PIPELINE_REFUSED : pipeline_admit(x);
    if (verdict == PIPELINE_WAITS) {
        x->phase = EXCHANGE_ADMITTING;
        return false;
    }
    if (verdict == PIPELINE_REFUSED) {
        refuse(r);
        return true;
    }
    forward_begin(x);
    if (x->phase != EXCHANGE_WAITING) {
        return true;
    }
    r->waits = true;
    figures_move(x->shard, METRICS_WAITING, 1);
    return false;
}

static enum MHD_Result
take_end(request *r)
{
    exchange *x = r->x;
    client_expect_nothing(r->from);
    if (r->open) {
        wellknown_answer(x);
        return x->phase == EXCHANGE_LOOKING || x->phase == EXCHANGE_WAITING ? wait_on(r) : send_answer(r);
    }
    return admit(r) ? send_answer(r) : wait_on(r);
}

enum MHD_Result
request_arrived(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                const char *version, const char *data, size_t *size, void **slot)
{
    request *r = *slot;
    (void)version;
    if (r == NULL) {
        return MHD_NO; /* there was no memory for its first line */
    }
    if (r->x == NULL) {
        return take_head(r, context, connection, url, method);
    }
    if (r->x->phase == EXCHANGE_GREETING) {
        return greet(r);
    }
    if (*size > 0) {
        size_t arrived = *size;
        *size = 0;
        return take_body(r, data, arrived);
    }
    switch (r->x->phase) {
    case EXCHANGE_READING:
    case EXCHANGE_ADMITTING:
        return take_end(r);
    case EXCHANGE_LOOKING:
        wellknown_arrived(r->x);
        return r->x->phase == EXCHANGE_LOOKING ? wait_on(r) : send_answer(r);
    case EXCHANGE_ANSWERED:
    case EXCHANGE_STREAMING:
        return send_answer(r);
    case EXCHANGE_WAITING:
        return wait_on(r);
    case EXCHANGE_GREETING:
    case EXCHANGE_OVER:
        break;
    }
    return MHD_NO;
}

static bool
is_undecided(const request *r)
{
    const exchange *x = r->x;
    return !r->answered && (x == NULL || (x->decided_microseconds == 0 && x->phase != EXCHANGE_OVER && !r->open));
}

/* What libmicrohttpd could not read it has answered itself, with a bare 4xx or 5xx: it is recorded all the same. */
static void
record_unread(request *r, listener *l, struct MHD_Connection *connection)
{
    if (r->x == NULL && open_request(r, l, connection)) {
        r->x->path = r->target;
        r->x->http_method = "";
        r->x->peer = r->from->address;
    }
    if (r->x != NULL) {
        pipeline_record_unread(r->x);
        log_request(r->x, false);
    }
}

void
request_completed(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
    listener *l = context;
    request *r = *slot;
    *slot = NULL;
    if (r != NULL && why == MHD_REQUEST_TERMINATED_WITH_ERROR && is_undecided(r)) {
        record_unread(r, l, connection);
    }
    if (r == NULL || r->x == NULL) {
        free(r == NULL ? NULL : r->target);
        free(r);
        return;
    }
    if (r->from->current == r) {
        r->from->current = NULL;
    }
    if (r->previous != NULL) {
        r->previous->next = r->next;
    } else {
        l->requests = r->next;
    }
    if (r->next != NULL) {
        r->next->previous = r->previous;
    }
    l->active--;
    end_wait(r);
    if (r->streams) {
        figures_move(l->setup.shard, METRICS_STREAMS, -1);
    }
    client_expect(r->from, r->x->settings->front.idle_seconds);
    exchange_free(&r->x);
    free(r->target);
    free(r);
}
