/* Upstream transfers over libcurl's socket_action interface. */
#include "net/upstream.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>

#include "base/clock.h"

enum {
    CONNECT_TIMEOUT_MS = 5000,
    SPARE_HANDLES_MAX = 64, /* handles kept for reuse; making one costs more than a request */
    IDLE_CONNECTIONS_MAX = 256,
};

struct upstream_transfer {
    upstream *owner;
    CURL *easy;
    struct curl_slist *fields;
    upstream_events events;
    void *context;
    bool started, refused;
    upstream_transfer *next, *previous; /* running ones, or the spare list by next */
};

struct upstream {
    CURLM *multi;
    int epoll_fd;
    bool timer_set;
    uint64_t due_microseconds;
    upstream_transfer *running, *spare;
    size_t spare_count;
};

aip_status
upstream_start_library(aip_error *err)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? AIP_OK
                                                             : aip_fail(err, AIP_INTERNAL, "libcurl does not start");
}

static bool
url_part_is_absent(CURLU *handle, CURLUPart part)
{
    char *text = NULL;
    bool absent = curl_url_get(handle, part, &text, 0) != CURLUE_OK;
    curl_free(text);
    return absent;
}

static aip_status
url_check(CURLU *handle, const char *url, char *path, size_t path_size)
{
    char *text = NULL;
    if ((strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0) ||
        curl_url_set(handle, CURLUPART_URL, url, 0) != CURLUE_OK || !url_part_is_absent(handle, CURLUPART_USER) ||
        !url_part_is_absent(handle, CURLUPART_PASSWORD) || !url_part_is_absent(handle, CURLUPART_FRAGMENT) ||
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

/* libcurl asks to watch a socket, or to stop. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    upstream *up = context;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(up->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    struct epoll_event event = {.data.u64 = (uint64_t)fd << 3 | UPSTREAM_EPOLL_TAG};
    event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    if (epoll_ctl(up->epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0 &&
        epoll_ctl(up->epoll_fd, known == NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) {
        return -1;
    }
    curl_multi_assign(up->multi, fd, up);
    return 0;
}

static int
on_timer(CURLM *multi, long milliseconds, void *context)
{
    upstream *up = context;
    (void)multi;
    up->timer_set = milliseconds >= 0;
    if (up->timer_set) {
        up->due_microseconds = clock_monotonic_microseconds() + (uint64_t)milliseconds * 1000;
    }
    return 0;
}

static size_t
finish_headers(upstream_transfer *transfer, size_t size)
{
    long http = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http);
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
    const char *colon = memchr(line, ':', size);
    if (colon == NULL || strncmp(line, "HTTP/", 5) == 0) {
        return size;
    }
    aip_bytes name = {(const unsigned char *)line, (size_t)(colon - line)};
    const unsigned char *value = (const unsigned char *)colon + 1, *end = (const unsigned char *)line + size;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    transfer->events.header(transfer->context, name, (aip_bytes){value, (size_t)(end - value)});
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

/* What stays the same for all uses of a handle. */
static void
prepare(upstream_transfer *transfer)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* the environment never redirects a credentialed request */
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
    transfer->easy = easy;
    prepare(transfer);
    return transfer;
}

/* Returns a transfer that is in no list and not in the multi handle. */
static void
release(upstream_transfer *transfer)
{
    upstream *up = transfer->owner;
    curl_slist_free_all(transfer->fields);
    transfer->fields = NULL;
    if (up->spare_count >= SPARE_HANDLES_MAX) {
        curl_easy_cleanup(transfer->easy);
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
    curl_multi_remove_handle(transfer->owner->multi, transfer->easy);
    if (transfer->previous != NULL) {
        transfer->previous->next = transfer->next;
    } else {
        transfer->owner->running = transfer->next;
    }
    if (transfer->next != NULL) {
        transfer->next->previous = transfer->previous;
    }
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
    CURL *easy = transfer->easy;
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
    transfer->started = transfer->refused = false;
    if (!set_fields(transfer, request)) {
        release(transfer);
        return AIP_NO_MEMORY;
    }
    set_request(transfer, request);
    if (curl_multi_add_handle(up->multi, transfer->easy) != CURLM_OK) {
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

/* Reports the transfers that ended. */
static void
collect(upstream *up)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(up->multi, &left); message != NULL;
         message = curl_multi_info_read(up->multi, &left)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        char *private = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        upstream_transfer *transfer = (upstream_transfer *)(void *)private;
        leave_running(transfer);
        transfer->events.end(transfer->context, outcome(transfer, code));
        release(transfer);
    }
}

void
upstream_resume(upstream_transfer *transfer)
{
    upstream *up = transfer->owner;
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    collect(up);
}

void
upstream_ready(upstream *up, int fd, uint32_t epoll_events)
{
    int running = 0, mask = 0;
    mask |= (epoll_events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
    mask |= (epoll_events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    mask |= (epoll_events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
    curl_multi_socket_action(up->multi, fd, mask, &running);
    collect(up);
}

void
upstream_tick(upstream *up)
{
    int running = 0;
    if (up->timer_set && clock_monotonic_microseconds() >= up->due_microseconds) {
        up->timer_set = false;
        curl_multi_socket_action(up->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        collect(up);
    }
}

int
upstream_timeout_ms(const upstream *up)
{
    if (!up->timer_set) {
        return -1;
    }
    uint64_t now = clock_monotonic_microseconds();
    return now >= up->due_microseconds ? 0 : (int)((up->due_microseconds - now + 999) / 1000);
}

aip_status
upstream_open(int epoll_fd, upstream **out, aip_error *err)
{
    *out = NULL;
    upstream *up = calloc(1, sizeof *up);
    CURLM *multi = up == NULL ? NULL : curl_multi_init();
    if (multi == NULL) {
        free(up);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    up->multi = multi;
    up->epoll_fd = epoll_fd;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, up);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, up);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
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
        curl_easy_cleanup(transfer->easy);
        free(transfer);
    }
    curl_multi_cleanup((*up)->multi);
    free(*up);
    *up = NULL;
}
