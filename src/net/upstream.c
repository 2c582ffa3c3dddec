/* Upstream transfers: one request each, sent at most once, and its reply as it comes. */
#include "net/upstream.h"

#include <stdlib.h>
#include <strings.h>

#include "net/field.h"
#include "net/loop_inside.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    SPARE_HANDLES_MAX = 64, /* handles kept for reuse; making one costs more than a request */
};

struct upstream_transfer {
    net_transfer net; /* first */
    upstream *owner;
    struct curl_slist *fields;
    upstream_events events;
    void *context;
    bool started, refused;
    bool sent, once;                    /* `once`: what was sent is not sent again */
    upstream_transfer *next, *previous; /* running ones, or the spare list by next */
};

struct upstream {
    net_loop *loop;
    upstream_transfer *running, *spare;
    size_t spare_count;
};

aip_status
upstream_start_library(aip_error *err)
{
    return net_start_library(err);
}

static aip_status
url_check(CURLU *handle, const char *url, char *path, size_t path_size)
{
    char *text = NULL;
    if ((strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) ||
        curl_url_set(handle, CURLUPART_URL, url, 0) != CURLUE_OK || !net_part_is_absent(handle, CURLUPART_USER) ||
        !net_part_is_absent(handle, CURLUPART_PASSWORD) || !net_part_is_absent(handle, CURLUPART_FRAGMENT) ||
        curl_url_get(handle, CURLUPART_PATH, &text, 0) != CURLUE_OK) {
        return AIP_CONFIG_INVALID;
    }
    int length = snprintf(path, path_size, "%s", text);
    curl_free(text);
    return length > 0 && (size_t)length < path_size ? AIP_OK : AIP_CONFIG_INVALID;
}

aip_status
upstream_check_url(const char *url, char *path, size_t path_size, aip_error *err)
{
    CURLU *handle = curl_url();
    aip_status status = handle == NULL ? AIP_NO_MEMORY : url_check(handle, url, path, path_size);
    curl_url_cleanup(handle);
    return status == AIP_OK
               ? AIP_OK
               : aip_fail(err, status, "the upstream must be an http or https URL without user or fragment");
}

static size_t
finish_headers(upstream_transfer *transfer, size_t size)
{
    long http = 0;
    curl_easy_getinfo(transfer->net.easy, CURLINFO_RESPONSE_CODE, &http);
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
    if (field_split((aip_bytes){(const unsigned char *)line, size}, &name, &value)) {
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
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
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
    curl_slist_free_all(transfer->fields);
    transfer->fields = NULL;
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
    net_loop_remove(transfer->owner->loop, &transfer->net);
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
    return transfer->started || transfer->refused ? AIP_UPSTREAM_INVALID : AIP_UPSTREAM_UNREACHABLE;
}

static void
on_done(net_transfer *ended, CURLcode code)
{
    upstream_transfer *transfer = (upstream_transfer *)ended;
    leave_running(transfer);
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
    CURL *easy = transfer == NULL ? NULL : curl_easy_init();
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

static void
set_request(upstream_transfer *transfer, const upstream_request *request)
{
    CURL *easy = transfer->net.easy;
    bool post = strcmp(request->method, "POST") == 0;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->fields);
    if (post) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.size == 0 ? "" : (const char *)request->body.data);
    } else {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, strcmp(request->method, "GET") == 0 ? NULL : request->method);
    }
}

aip_status
upstream_begin(upstream *up, const upstream_request *request, const upstream_events *events, void *context,
               upstream_transfer **out)
{
    upstream_transfer *transfer = take_transfer(up);
    *out = NULL;
    if (transfer == NULL) {
        return AIP_NO_MEMORY;
    }
    transfer->events = *events;
    transfer->context = context;
    transfer->started = transfer->refused = transfer->sent = false;
    transfer->once = strcmp(request->method, "GET") != 0;
    if (!set_fields(transfer, request)) {
        release(transfer);
        return AIP_NO_MEMORY;
    }
    set_request(transfer, request);
    if (net_loop_add(up->loop, &transfer->net) != AIP_OK) {
        release(transfer);
        return AIP_UPSTREAM_UNREACHABLE;
    }
    transfer->previous = NULL;
    transfer->next = up->running;
    if (up->running != NULL) {
        up->running->previous = transfer;
    }
    up->running = transfer;
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
    curl_easy_pause(transfer->net.easy, CURLPAUSE_CONT);
    net_loop_settle(loop);
}

void
upstream_ready(upstream *up, int fd, uint32_t epoll_events)
{
    net_loop_ready(up->loop, fd, epoll_events);
}

void
upstream_tick(upstream *up)
{
    net_loop_tick(up->loop);
}

int
upstream_timeout_ms(const upstream *up)
{
    return net_loop_timeout_ms(up->loop);
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
    if (status != AIP_OK) {
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
    net_loop_close(&(*up)->loop);
    free(*up);
    *up = NULL;
}
