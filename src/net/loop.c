/* libcurl's socket_action interface on an epoll. */
#include "net/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "net/loop_inside.h"

enum { IDLE_CONNECTIONS_MAX = 256 };

struct net_loop {
    CURLM *multi; /* NULL until the first transfer */
    int epoll_fd;
    bool timer_set;
    uint64_t due_microseconds;
};

static CURLcode library = CURLE_FAILED_INIT;

static void
start_library(void)
{
    library = curl_global_init(CURL_GLOBAL_DEFAULT);
}

aip_status
net_start_library(aip_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
    return library == CURLE_OK ? AIP_OK : aip_fail(err, AIP_INTERNAL, "libcurl does not start");
}

CURL *
net_easy_new(void)
{
    return net_start_library(NULL) == AIP_OK ? curl_easy_init() : NULL;
}

/* libcurl asks to watch a socket, or to stop. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    net_loop *loop = context;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    struct epoll_event event = {.data.u64 = (uint64_t)fd << 3 | NET_LOOP_EPOLL_TAG};
    event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    if (epoll_ctl(loop->epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0 &&
        epoll_ctl(loop->epoll_fd, known == NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) {
        return -1;
    }
    curl_multi_assign(loop->multi, fd, loop);
    return 0;
}

static int
on_timer(CURLM *multi, long milliseconds, void *context)
{
    net_loop *loop = context;
    (void)multi;
    loop->timer_set = milliseconds >= 0;
    if (loop->timer_set) {
        loop->due_microseconds = clock_monotonic_microseconds() + (uint64_t)milliseconds * 1000;
    }
    return 0;
}

aip_status
net_loop_open(int epoll_fd, net_loop **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    (*out)->epoll_fd = epoll_fd;
    return AIP_OK;
}

/* A gateway whose servers are all plain HTTP never needs libcurl's megabytes. */
static aip_status
make_multi(net_loop *loop)
{
    AIP_TRY(net_start_library(NULL));
    CURLM *multi = curl_multi_init();
    if (multi == NULL) {
        return AIP_NO_MEMORY;
    }
    loop->multi = multi;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
    return AIP_OK;
}

void
net_loop_close(net_loop **loop)
{
    if (*loop != NULL) {
        curl_multi_cleanup((*loop)->multi);
        free(*loop);
        *loop = NULL;
    }
}

aip_status
net_loop_add(net_loop *loop, net_transfer *transfer)
{
    AIP_TRY(loop->multi == NULL ? make_multi(loop) : AIP_OK);
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    return curl_multi_add_handle(loop->multi, transfer->easy) == CURLM_OK ? AIP_OK : AIP_NO_MEMORY;
}

void
net_loop_remove(net_loop *loop, net_transfer *transfer)
{
    curl_multi_remove_handle(loop->multi, transfer->easy);
}

void
net_loop_settle(net_loop *loop)
{
    int left = 0;
    if (loop->multi == NULL) {
        return;
    }
    for (CURLMsg *message = curl_multi_info_read(loop->multi, &left); message != NULL;
         message = curl_multi_info_read(loop->multi, &left)) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        char *private = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        net_transfer *transfer = (net_transfer *)(void *)private;
        transfer->done(transfer, code);
    }
}

void
net_loop_ready(net_loop *loop, int fd, uint32_t epoll_events)
{
    int running = 0, mask = 0;
    if (loop->multi == NULL) {
        return;
    }
    mask |= (epoll_events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
    mask |= (epoll_events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0;
    mask |= (epoll_events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0;
    curl_multi_socket_action(loop->multi, fd, mask, &running);
    net_loop_settle(loop);
}

void
net_loop_tick(net_loop *loop)
{
    int running = 0;
    if (loop->timer_set && clock_monotonic_microseconds() >= loop->due_microseconds) {
        loop->timer_set = false;
        curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        net_loop_settle(loop);
    }
}

int
net_loop_timeout_ms(const net_loop *loop)
{
    if (!loop->timer_set) {
        return -1;
    }
    uint64_t now = clock_monotonic_microseconds();
    return now >= loop->due_microseconds ? 0 : (int)((loop->due_microseconds - now + 999) / 1000);
}

bool
net_part_is_absent(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool absent = curl_url_get(url, part, &text, 0) != CURLUE_OK;
    curl_free(text);
    return absent;
}

aip_status
net_outcome(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return AIP_OK;
    case CURLE_OUT_OF_MEMORY:
        return AIP_NO_MEMORY;
    case CURLE_OPERATION_TIMEDOUT:
        return AIP_FETCH_TIMEOUT;
    case CURLE_BAD_CONTENT_ENCODING:
        return AIP_FETCH_CODING;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
        return AIP_FETCH_TLS;
    default:
        return AIP_FETCH_UNREACHABLE;
    }
}
