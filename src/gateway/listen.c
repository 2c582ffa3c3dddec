/* HTTP in and out: libmicrohttpd callbacks around exchanges. */
#include "gateway/listen.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/forward.h"
#include "gateway/pipeline.h"
#include "gateway/reply.h"

enum {
    CONNECTION_MEMORY_BYTES = 32768, /* must hold all headers: the longest token and room */
    IDLE_CONNECTION_SECONDS = 75,
    STREAM_BLOCK_BYTES = 4096,
};

typedef struct request request;

/* One TCP connection. */
typedef struct {
    listener *owner;
    int fd;
    char address[INET6_ADDRSTRLEN];
    request *current;
} client;

struct request {
    exchange *x;
    struct MHD_Connection *connection;
    client *from;
    listener *owner;
    bool refused, health, suspended;
    size_t received;
    request *next, *previous;
};

struct listener {
    listener_setup setup;
    struct MHD_Daemon *daemon;
    request *requests;
    size_t active;
    bool resumed; /* a connection was, since the last run: the daemon's own timeout does not know of it */
};

/* ---- one request ---- */

static void
wake(exchange *x)
{
    request *r = x->carrier;
    if (r->suspended) {
        r->suspended = false;
        r->owner->resumed = true;
        MHD_resume_connection(r->connection);
    }
}

static void
suspend(request *r)
{
    r->suspended = true;
    MHD_suspend_connection(r->connection);
}

static enum MHD_Result
take_field(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
           size_t value_size)
{
    exchange *x = context;
    (void)kind;
    if (x->field_count >= AIP_HEADER_FIELDS_MAX) {
        x->too_many_fields = true;
        return MHD_NO;
    }
    x->fields[x->field_count++] = (header_field){{(const unsigned char *)name, name_size},
                                                 {(const unsigned char *)value, value == NULL ? 0 : value_size}};
    return MHD_YES;
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
        x->stream_sent += taken;
        forward_drained(x);
        return (ssize_t)taken;
    }
    if (x->stream_broken) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (x->stream_ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
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

/* One line per request on stderr. */
static void
log_request(const exchange *x)
{
    char line[1024], method[64], tool[64], leaf[96];
    if (x->settings->quiet) {
        return;
    }
    const audit_record *record = &x->record;
    int size =
        snprintf(line, sizeof line, "%s %s %s %s %d %s%s%s %s\n", record->decision_id,
                 record->allowed ? "ALLOW" : "BLOCK", aip_status_lookup(record->status)->name, record->stage,
                 x->answer.http, aip_printable(record->method, method, sizeof method), record->tool.size > 0 ? " " : "",
                 aip_printable(record->tool, tool, sizeof tool), aip_printable(record->leaf, leaf, sizeof leaf));
    if (size > 0 && write(STDERR_FILENO, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1) < 0) {
        return; /* nowhere left to say it */
    }
}

static enum MHD_Result
send_answer(request *r)
{
    gateway_answer *answer = &r->x->answer;
    struct MHD_Response *response = make_response(r);
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < answer->field_count; i++) {
        MHD_add_response_header(response, answer->fields[i].name, answer->fields[i].value);
    }
    if (answer->close) {
        MHD_add_response_header(response, "Connection", "close");
    }
    if (!r->health) {
        log_request(r->x);
    }
    enum MHD_Result queued = MHD_queue_response(r->connection, (unsigned)answer->http, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result
refuse(request *r)
{
    pipeline_refuse(r->x);
    r->x->phase = EXCHANGE_ANSWERED;
    return send_answer(r);
}

static void
fill_exchange(request *r, const char *url, const char *method)
{
    exchange *x = r->x;
    x->carrier = r;
    x->wake = wake;
    x->http_method = method;
    x->path = url;
    x->peer = r->from->address;
    MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, take_field, x);
}

static request *
new_request(listener *l, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request *r = info == NULL || info->socket_context == NULL ? NULL : calloc(1, sizeof *r);
    exchange *x = r == NULL ? NULL : exchange_new(l->setup.settings, l->setup.upstreams);
    if (x == NULL) {
        free(r);
        return NULL;
    }
    *r = (request){.x = x, .connection = connection, .from = info->socket_context, .owner = l, .next = l->requests};
    if (l->requests != NULL) {
        l->requests->previous = r;
    }
    l->requests = r;
    l->active++;
    r->from->current = r;
    return r;
}

/* A refused request's body is read to answer with its id; not when it is announced as long. */
static bool
announces_long_body(const exchange *x)
{
    aip_bytes length = exchange_header(x, "Content-Length", NULL);
    uint64_t declared = 0;
    for (size_t i = 0; i < length.size && declared <= AIP_REFUSED_BODY_BYTES_MAX; i++) {
        if (length.data[i] < '0' || length.data[i] > '9') {
            return true;
        }
        declared = declared * 10 + (uint64_t)(length.data[i] - '0');
    }
    return declared > AIP_REFUSED_BODY_BYTES_MAX;
}

static enum MHD_Result
take_head(listener *l, struct MHD_Connection *connection, const char *url, const char *method, void **slot)
{
    request *r = new_request(l, connection);
    if (r == NULL) {
        return MHD_NO;
    }
    *slot = r;
    fill_exchange(r, url, method);
    r->health = strcmp(url, "/healthz") == 0 && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
    r->refused = !r->health && !pipeline_greet(r->x);
    if (r->refused && announces_long_body(r->x)) {
        r->x->answer.close = true;
        return refuse(r);
    }
    return MHD_YES;
}

static enum MHD_Result
take_body(request *r, const char *data, size_t size)
{
    exchange *x = r->x;
    size_t cap = r->refused || r->health ? AIP_REFUSED_BODY_BYTES_MAX : x->settings->body_bytes_max;
    r->received += size;
    if (r->received <= cap) {
        text_append(&x->body, (aip_bytes){(const unsigned char *)data, size});
        return MHD_YES;
    }
    /* Chunked and too long. The rest is thrown away for a while, so that the caller can read why. */
    x->body_too_large = true;
    x->answer.close = true;
    text_clear(&x->body);
    return r->received <= 2 * cap ? MHD_YES : MHD_NO;
}

static enum MHD_Result
take_end(request *r)
{
    exchange *x = r->x;
    if (r->health) {
        x->answer.http = 200;
        text_append_string(&x->answer.body, "{\"status\":\"ok\"}");
        answer_add(&x->answer, "Content-Type", "application/json");
        return send_answer(r);
    }
    if (r->refused || !pipeline_admit(x)) {
        return refuse(r);
    }
    forward_begin(x);
    if (x->phase != EXCHANGE_WAITING) {
        return send_answer(r);
    }
    suspend(r);
    return MHD_YES;
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *data, size_t *size, void **slot)
{
    request *r = *slot;
    (void)version;
    if (r == NULL) {
        return take_head(context, connection, url, method, slot);
    }
    if (*size > 0) {
        size_t arrived = *size;
        *size = 0;
        return take_body(r, data, arrived);
    }
    switch (r->x->phase) {
    case EXCHANGE_READING:
        return take_end(r);
    case EXCHANGE_ANSWERED:
    case EXCHANGE_STREAMING:
        return send_answer(r);
    case EXCHANGE_WAITING:
        suspend(r);
        return MHD_YES;
    case EXCHANGE_OVER:
        break;
    }
    return MHD_NO;
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why)
{
    listener *l = context;
    request *r = *slot;
    (void)connection;
    (void)why;
    if (r == NULL) {
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
    exchange_free(&r->x);
    free(r);
    *slot = NULL;
}

/* ---- one connection ---- */

static void
note_address(client *c, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL) {
        return;
    }
    const struct sockaddr *address = info->client_addr;
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, c->address,
                  sizeof c->address);
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, c->address,
                  sizeof c->address);
    }
}

/* libmicrohttpd does not look at a suspended connection, so hang-ups are watched here. */
static void
on_connection(void *context, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode code)
{
    listener *l = context;
    client *c = *slot;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c != NULL && c->fd >= 0) {
            (void)epoll_ctl(l->setup.epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        }
        free(c);
        *slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = calloc(1, sizeof *c);
    if (c == NULL || info == NULL) {
        free(c);
        return; /* requests of a connection without a client are dropped */
    }
    c->owner = l;
    c->fd = info->connect_fd;
    note_address(c, connection);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->setup.epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        c->fd = -1;
    }
    *slot = c;
}

void
listener_hangup(void *context)
{
    client *c = context;
    request *r = c->current;
    if (r != NULL && r->suspended) {
        forward_abandon(r->x);
    }
}

/* ---- the daemon ---- */

/* Paths are compared as sent: what two readers could decode differently is simply another path. */
static size_t
leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

aip_status
listener_open(const listener_setup *setup, listener **out, aip_error *err)
{
    listener *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    l->setup = *setup;
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, setup->socket,
        MHD_OPTION_CONNECTION_LIMIT, setup->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_CONNECTION_SECONDS,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, l, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_END);
    if (l->daemon == NULL) {
        free(l);
        return aip_fail(err, AIP_LISTEN, "libmicrohttpd does not start");
    }
    *out = l;
    return AIP_OK;
}

int
listener_descriptor(const listener *l)
{
    return MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int
listener_timeout_ms(listener *l)
{
    MHD_UNSIGNED_LONG_LONG milliseconds = 0;
    if (l->resumed) {
        return 0;
    }
    if (MHD_get_timeout(l->daemon, &milliseconds) != MHD_YES) {
        return -1;
    }
    return milliseconds > 1000 ? 1000 : (int)milliseconds;
}

void
listener_run(listener *l)
{
    l->resumed = false; /* before: a reader may resume others meanwhile */
    (void)MHD_run(l->daemon);
}

void
listener_sweep(listener *l, uint64_t now)
{
    for (request *r = l->requests; r != NULL; r = r->next) {
        forward_sweep(r->x, now);
    }
}

void
listener_quiesce(listener *l)
{
    MHD_socket fd = MHD_quiesce_daemon(l->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        close(fd);
    }
}

size_t
listener_active(const listener *l)
{
    return l->active;
}

void
listener_close(listener **l)
{
    if (*l == NULL) {
        return;
    }
    for (request *r = (*l)->requests; r != NULL; r = r->next) {
        forward_stop(r->x);
    }
    for (int round = 0; round < 8; round++) {
        listener_run(*l); /* suspended connections must be gone before the daemon stops */
    }
    MHD_stop_daemon((*l)->daemon);
    free(*l);
    *l = NULL;
}
