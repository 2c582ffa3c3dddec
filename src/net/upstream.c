/* Upstream transfers: one request each, sent at most once, and its reply as it comes. */
#include "net/upstream.h"

#include <stdlib.h>
#include <strings.h>

#include "net/field.h"
#include "net/lean.h"
#include "net/loop_inside.h"

enum {
    CONNECT_SECONDS = 5,
    KEEP_ALIVE_SECONDS = 118, /* libcurl's own */
    CA_CACHE_SECONDS = 60,    /* authorities that changed count after that */
    SPARE_HANDLES_MAX = 64, /* handles kept for reuse; making one costs more than a request */
};

struct upstream_transfer {
    net_transfer net; /* first */
    upstream *owner;
    struct curl_slist *fields, *connect_to;
    bool special; /* options are set that stay until all are reset */
    upstream_events events;
    void *context;
    bool started, refused;
    bool sent, once;                    /* `once`: what was sent is not sent again */
    lean_transfer *lean;                /* the lean client has it; NULL: libcurl has */
    upstream_transfer *next, *previous; /* running ones, or a spare list by next */
};

struct upstream {
    net_loop *loop;
    lean *lean; /* for plain http:// */
    upstream_transfer *running, *spare, *spare_lean; /* the last without a handle of libcurl's */
    size_t spare_count;
    const char *why; /* the transfer that ended last failed; NULL: it did not, or nothing is known */
};

const char *
upstream_why(const upstream *up)
{
    return up->why;
}

/* ---- replies ---- */

static long
http_status(const upstream_transfer *transfer)
{
    long http = 0;
    curl_easy_getinfo(transfer->net.easy, CURLINFO_RESPONSE_CODE, &http);
    return http;
}

static size_t
finish_headers(upstream_transfer *transfer, size_t size)
{
    long http = http_status(transfer);
    if (http < 200) {
        return size;
    }
    transfer->started = true;
    transfer->refused = transfer->events.start(transfer->context, (int)http) == UPSTREAM_REFUSED;
    return transfer->refused ? 0 : size;
}

static size_t
on_header(char *line, size_t unit, size_t count, void *context)
{
    upstream_transfer *transfer = context;
    size_t size = unit * count;
    if (transfer->started) {
        return size; /* trailers: nobody reads them */
    }
    if (size <= 2 && (size == 0 || line[0] == '\r' || line[0] == '\n')) {
        return finish_headers(transfer, size);
    }
    aip_bytes name, value;
    /* What stands in a 1xx is not about the answer. */
    if (field_split((aip_bytes){(const unsigned char *)line, size}, &name, &value) && http_status(transfer) >= 200) {
        transfer->events.header(transfer->context, name, value);
    }
    return size;
}

static size_t
on_data(char *data, size_t unit, size_t count, void *context)
{
    upstream_transfer *transfer = context;
    size_t size = unit * count;
    switch (transfer->events.data(transfer->context, (aip_bytes){(const unsigned char *)data, size})) {
    case UPSTREAM_TAKEN:
        return size;
    case UPSTREAM_FULL:
        return CURL_WRITEFUNC_PAUSE;
    case UPSTREAM_REFUSED:
        break;
    }
    transfer->refused = true;
    return size == 0 ? 1 : 0;
}

/* libcurl repeats a request when a connection that it kept turns out to be dead. The server may have acted on it, and
 * what was decided, recorded and charged is one call. */
static int
on_request(void *context, char *server_ip, char *own_ip, int server_port, int own_port)
{
    upstream_transfer *transfer = context;
    (void)server_ip;
    (void)own_ip;
    (void)server_port;
    (void)own_port;
    if (transfer->sent && transfer->once) {
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* What stays the same for all uses of a handle. */
static void
prepare(upstream_transfer *transfer)
{
    CURL *easy = transfer->net.easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a lookup that hangs does not hold up the loop */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");      /* the environment never redirects a credentialed request */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
}

/* Returns a transfer that is in no list and not in the multi handle. */
static void
release(upstream_transfer *transfer)
{
    upstream *up = transfer->owner;
    if (transfer->net.easy == NULL) {
        transfer->next = up->spare_lean;
        up->spare_lean = transfer;
        return;
    }
    curl_slist_free_all(transfer->fields);
    curl_slist_free_all(transfer->connect_to);
    transfer->fields = transfer->connect_to = NULL;
    if (up->spare_count >= SPARE_HANDLES_MAX) {
        curl_easy_cleanup(transfer->net.easy);
        free(transfer);
        return;
    }
    transfer->previous = NULL;
    transfer->next = up->spare;
    up->spare = transfer;
    up->spare_count++;
}

static void
leave_running(upstream_transfer *transfer)
{
    if (transfer->net.easy == NULL) {
        lean_cancel(&transfer->lean);
    } else {
        net_loop_remove(transfer->owner->loop, &transfer->net);
    }
    if (transfer->previous != NULL) {
        transfer->previous->next = transfer->next;
    } else {
        transfer->owner->running = transfer->next;
    }
    if (transfer->next != NULL) {
        transfer->next->previous = transfer->previous;
    }
}

static aip_status
outcome(const upstream_transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK) {
        return AIP_OK;
    }
    if (code == CURLE_OUT_OF_MEMORY) {
        return AIP_NO_MEMORY;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return AIP_UPSTREAM_TIMEOUT;
    }
    bool no_http = code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UNSUPPORTED_PROTOCOL; /* or HTTP/0.9 */
    return transfer->started || transfer->refused || no_http ? AIP_UPSTREAM_INVALID : AIP_UPSTREAM_UNREACHABLE;
}

static void
on_done(net_transfer *ended, CURLcode code)
{
    upstream_transfer *transfer = (upstream_transfer *)ended;
    leave_running(transfer);
    transfer->owner->why = code == CURLE_OK ? NULL : curl_easy_strerror(code);
    transfer->events.end(transfer->context, outcome(transfer, code), transfer->sent);
    release(transfer);
}

static upstream_transfer *
take_transfer(upstream *up)
{
    upstream_transfer *transfer = up->spare;
    if (transfer != NULL) {
        up->spare = transfer->next;
        up->spare_count--;
        return transfer;
    }
    transfer = calloc(1, sizeof *transfer);
    CURL *easy = transfer == NULL ? NULL : net_easy_new();
    if (easy == NULL) {
        free(transfer);
        return NULL;
    }
    transfer->owner = up;
    transfer->net = (net_transfer){easy, on_done};
    prepare(transfer);
    return transfer;
}

static bool
set_fields(upstream_transfer *transfer, const upstream_request *request)
{
    for (size_t i = 0; i < request->field_count; i++) {
        struct curl_slist *longer = curl_slist_append(transfer->fields, request->fields[i]);
        if (longer == NULL) {
            return false;
        }
        transfer->fields = longer;
    }
    return true;
}

/* Files and names of one server must not be left for the next one that the handle is used for; nor is there a way to
 * set the system's authorities again but to reset all. */
static void
forget_way(upstream_transfer *transfer)
{
    if (transfer->special) {
        curl_easy_reset(transfer->net.easy);
        prepare(transfer);
        transfer->special = false;
    }
}

static bool
set_way(upstream_transfer *transfer, const upstream_way *way)
{
    static const upstream_way usual = {0};
    CURL *easy = transfer->net.easy;
    forget_way(transfer);
    way = way == NULL ? &usual : way;
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)(way->connect_seconds == 0 ? CONNECT_SECONDS
                                                                                    : way->connect_seconds));
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(way->keep_alive_seconds == 0 ? KEEP_ALIVE_SECONDS
                                                                                    : way->keep_alive_seconds));
    if (way->ca_file == NULL && way->cert_file == NULL && way->connect_to == NULL) {
        return true;
    }
    transfer->special = true;
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_CACHE_SECONDS);
    bool good = way->ca_file == NULL || curl_easy_setopt(easy, CURLOPT_CAINFO, way->ca_file) == CURLE_OK;
    good = good && (way->cert_file == NULL || (curl_easy_setopt(easy, CURLOPT_SSLCERT, way->cert_file) == CURLE_OK &&
                                               curl_easy_setopt(easy, CURLOPT_SSLKEY, way->key_file) == CURLE_OK));
    if (good && way->ca_file != NULL) {
        good = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
    }
    if (good && way->connect_to != NULL) {
        transfer->connect_to = curl_slist_append(NULL, way->connect_to);
        good = transfer->connect_to != NULL &&
               curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to) == CURLE_OK;
    }
    return good;
}

static void
set_request(upstream_transfer *transfer, const upstream_request *request)
{
    CURL *easy = transfer->net.easy;
    bool post = strcmp(request->method, "POST") == 0, head = strcmp(request->method, "HEAD") == 0;
    bool body = post || strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    if (body) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, post ? NULL : request->method);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.size == 0 ? "" : (const char *)request->body.data);
    } else {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                         head || strcmp(request->method, "GET") == 0 ? NULL : request->method);
    }
}

static void
enter_running(upstream *up, upstream_transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = up->running;
    if (up->running != NULL) {
        up->running->previous = transfer;
    }
    up->running = transfer;
}

/* ---- plain http:// ---- */

static void
on_lean_header(void *context, aip_bytes name, aip_bytes value)
{
    upstream_transfer *transfer = context;
    transfer->events.header(transfer->context, name, value);
}

static upstream_verdict
on_lean_start(void *context, int http)
{
    upstream_transfer *transfer = context;
    return transfer->events.start(transfer->context, http);
}

static upstream_verdict
on_lean_data(void *context, aip_bytes bytes)
{
    upstream_transfer *transfer = context;
    return transfer->events.data(transfer->context, bytes);
}

static void
on_lean_end(void *context, aip_status status, bool sent)
{
    upstream_transfer *transfer = context;
    transfer->lean = NULL;
    leave_running(transfer);
    transfer->owner->why = lean_why(transfer->owner->lean);
    transfer->events.end(transfer->context, status, sent);
    release(transfer);
}

static aip_status
begin_lean(upstream *up, const upstream_request *request, upstream_transfer **out)
{
    static const upstream_events events = {on_lean_header, on_lean_start, on_lean_data, on_lean_end};
    upstream_transfer *transfer = up->spare_lean == NULL ? calloc(1, sizeof *transfer) : up->spare_lean;
    if (transfer == NULL) {
        return AIP_NO_MEMORY;
    }
    up->spare_lean = transfer->next;
    transfer->owner = up;
    aip_status status = lean_begin(up->lean, request, &events, transfer, &transfer->lean);
    if (status != AIP_OK) {
        release(transfer);
        return status;
    }
    *out = transfer;
    return AIP_OK;
}

/* ---- both ---- */

static aip_status
begin_curl(upstream *up, const upstream_request *request, upstream_transfer **out)
{
    upstream_transfer *transfer = take_transfer(up);
    if (transfer == NULL) {
        return AIP_NO_MEMORY;
    }
    transfer->started = transfer->refused = transfer->sent = false;
    transfer->once = strcmp(request->method, "GET") != 0;
    if (!set_way(transfer, request->way) || !set_fields(transfer, request)) {
        release(transfer);
        return AIP_NO_MEMORY;
    }
    set_request(transfer, request);
    if (net_loop_add(up->loop, &transfer->net) != AIP_OK) {
        release(transfer);
        return AIP_UPSTREAM_UNREACHABLE;
    }
    *out = transfer;
    return AIP_OK;
}

aip_status
upstream_begin(upstream *up, const upstream_request *request, const upstream_events *events, void *context,
               upstream_transfer **out)
{
    upstream_transfer *transfer = NULL;
    *out = NULL;
    AIP_TRY(lean_serves(up->lean, request) ? begin_lean(up, request, &transfer) : begin_curl(up, request, &transfer));
    transfer->events = *events;
    transfer->context = context;
    enter_running(up, transfer);
    *out = transfer;
    return AIP_OK;
}

void
upstream_cancel(upstream_transfer **transfer)
{
    if (*transfer != NULL) {
        leave_running(*transfer);
        release(*transfer);
        *transfer = NULL;
    }
}

void
upstream_resume(upstream_transfer *transfer)
{
    net_loop *loop = transfer->owner->loop;
    if (transfer->lean != NULL) {
        lean_resume(transfer->lean);
        return;
    }
    curl_easy_pause(transfer->net.easy, CURLPAUSE_CONT);
    net_loop_settle(loop);
}

void
upstream_ready(upstream *up, int fd, uint32_t epoll_events)
{
    if (!lean_ready(up->lean, fd, epoll_events)) {
        net_loop_ready(up->loop, fd, epoll_events);
    }
}

void
upstream_tick(upstream *up)
{
    lean_tick(up->lean);
    net_loop_tick(up->loop);
}

int
upstream_timeout_ms(const upstream *up)
{
    int of_lean = lean_timeout_ms(up->lean), of_curl = net_loop_timeout_ms(up->loop);
    return of_lean < 0 || (of_curl >= 0 && of_curl < of_lean) ? of_curl : of_lean;
}

aip_status
upstream_open(int epoll_fd, upstream **out, aip_error *err)
{
    upstream *up = calloc(1, sizeof *up);
    *out = NULL;
    if (up == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = net_loop_open(epoll_fd, &up->loop, err);
    status = status == AIP_OK ? lean_open(epoll_fd, &up->lean, err) : status;
    if (status != AIP_OK) {
        net_loop_close(&up->loop);
        free(up);
        return status;
    }
    *out = up;
    return AIP_OK;
}

void
upstream_close(upstream **up)
{
    if (*up == NULL) {
        return;
    }
    while ((*up)->running != NULL) {
        upstream_transfer *transfer = (*up)->running;
        upstream_cancel(&transfer);
    }
    while ((*up)->spare != NULL) {
        upstream_transfer *transfer = (*up)->spare;
        (*up)->spare = transfer->next;
        curl_easy_cleanup(transfer->net.easy);
        free(transfer);
    }
    while ((*up)->spare_lean != NULL) {
        upstream_transfer *transfer = (*up)->spare_lean;
        (*up)->spare_lean = transfer->next;
        free(transfer);
    }
    lean_close(&(*up)->lean);
    net_loop_close(&(*up)->loop);
    free(*up);
    *up = NULL;
}
