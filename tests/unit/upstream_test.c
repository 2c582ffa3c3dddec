/* Upstream transfers against a server of a few lines, which counts what arrives. */
#include "net/upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "net/loop.h"

/* Answers `answers` requests of each connection; then it closes, at once or after one more request. */
static struct {
    int socket;
    int answers;
    bool reads_one_more;
    atomic_int requests, connections;
    pthread_t thread;
} server;

/* Requests of the test have no body that ends in an empty line, so that ends one. */
static bool
read_request(int fd)
{
    char text[4096];
    size_t size = 0;
    while (size < sizeof text) {
        ssize_t got = read(fd, text + size, sizeof text - size);
        if (got <= 0) {
            return false;
        }
        size += (size_t)got;
        const char *end = memmem(text, size, "\r\n\r\n", 4);
        size_t body = memmem(text, size, "Content-Length: 4", 17) != NULL ? 4 : 0;
        if (end != NULL && size >= (size_t)(end - text) + 4 + body) {
            atomic_fetch_add(&server.requests, 1);
            return true;
        }
    }
    return false;
}

static void *
serve(void *context)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    (void)context;
    for (int fd = accept(server.socket, NULL, NULL); fd >= 0; fd = accept(server.socket, NULL, NULL)) {
        atomic_fetch_add(&server.connections, 1);
        for (int i = 0; i < server.answers && read_request(fd); i++) {
            CHECK(write(fd, reply, sizeof reply - 1) == sizeof reply - 1);
        }
        if (server.reads_one_more) {
            (void)!read_request(fd);
        }
        close(fd);
    }
    return NULL;
}

static void
start_server(char url[64], int answers, bool reads_one_more)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server.socket = socket(AF_INET, SOCK_STREAM, 0);
    server.answers = answers;
    server.reads_one_more = reads_one_more;
    atomic_store(&server.requests, 0);
    atomic_store(&server.connections, 0);
    CHECK(bind(server.socket, (struct sockaddr *)&address, sizeof address) == 0 && listen(server.socket, 8) == 0);
    CHECK(getsockname(server.socket, (struct sockaddr *)&address, &size) == 0);
    CHECK(pthread_create(&server.thread, NULL, serve, NULL) == 0);
    snprintf(url, 64, "http://127.0.0.1:%u/x", (unsigned)ntohs(address.sin_port));
}

static void
stop_server(void)
{
    shutdown(server.socket, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.socket);
}

typedef struct {
    int epoll_fd, ends, http;
    upstream *up;
    aip_status status;
    bool sent; /* of the last one */
} bench;

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    (void)context;
    CHECK(aip_bytes_equal(name, AIP_BYTES_LITERAL("Content-Length")) && aip_bytes_equal(value, AIP_BYTES_LITERAL("2")));
}

static upstream_verdict
on_start(void *context, int http)
{
    ((bench *)context)->http = http;
    return UPSTREAM_TAKEN;
}

static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    (void)context;
    CHECK(aip_bytes_equal(bytes, AIP_BYTES_LITERAL("ok")));
    return UPSTREAM_TAKEN;
}

static void
on_end(void *context, aip_status status, bool sent)
{
    bench *b = context;
    b->status = status;
    b->sent = sent;
    b->ends++;
}

static void
set_up(bench *b)
{
    aip_error err = AIP_ERROR_INIT;
    *b = (bench){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    CHECK_STATUS(net_start_library(&err), AIP_OK);
    CHECK_STATUS(upstream_open(b->epoll_fd, &b->up, &err), AIP_OK);
}

static void
tear_down(bench *b)
{
    upstream_close(&b->up);
    close(b->epoll_fd);
    stop_server();
}

static aip_status
send_one(bench *b, const char *url, const char *method)
{
    static const upstream_events events = {on_header, on_start, on_data, on_end};
    upstream_request request = {.url = url, .method = method};
    upstream_transfer *transfer = NULL;
    uint64_t deadline = clock_monotonic_microseconds() + 5000000;
    request.body = strcmp(method, "POST") == 0 ? AIP_BYTES_LITERAL("body") : (aip_bytes){NULL, 0};
    b->ends = b->http = 0;
    CHECK_STATUS(upstream_begin(b->up, &request, &events, b, &transfer), AIP_OK);
    while (b->ends == 0 && clock_monotonic_microseconds() < deadline) {
        struct epoll_event ready[8];
        int timeout = upstream_timeout_ms(b->up);
        int count = epoll_wait(b->epoll_fd, ready, 8, timeout < 0 || timeout > 10 ? 10 : timeout);
        for (int i = 0; i < count; i++) {
            upstream_ready(b->up, (int)(ready[i].data.u64 >> 3), ready[i].events);
        }
        upstream_tick(b->up);
    }
    CHECK(b->ends == 1);
    return b->status;
}

static void
check_second_request(const char *method, aip_status wanted, int requests)
{
    bench b;
    char url[64];
    start_server(url, 1, true);
    set_up(&b);
    CHECK_STATUS(send_one(&b, url, method), AIP_OK);
    CHECK(b.http == 200 && server.requests == 1);
    CHECK_STATUS(send_one(&b, url, method), wanted);
    CHECK(server.requests == requests && b.sent);
    tear_down(&b);
    CHECK(server.requests == requests);
}

static void
a_request_that_a_kept_connection_swallowed_is_not_sent_again(void)
{
    check_second_request("POST", AIP_UPSTREAM_UNREACHABLE, 2);
    check_second_request("DELETE", AIP_UPSTREAM_UNREACHABLE, 2);
}

static void
a_get_that_a_kept_connection_swallowed_is_sent_again(void)
{
    check_second_request("GET", AIP_OK, 3);
}

static void
a_connection_that_was_closed_while_idle_is_replaced(void)
{
    bench b;
    char url[64];
    start_server(url, 1, false);
    set_up(&b);
    for (int i = 1; i <= 3; i++) {
        CHECK_STATUS(send_one(&b, url, "POST"), AIP_OK);
        CHECK(server.requests == i && server.connections == i);
        usleep(50000);
    }
    tear_down(&b);
}

static void
a_connection_is_kept_for_the_next_request(void)
{
    bench b;
    char url[64];
    start_server(url, 10, false);
    set_up(&b);
    for (int i = 1; i <= 3; i++) {
        CHECK_STATUS(send_one(&b, url, i == 2 ? "GET" : "POST"), AIP_OK);
        CHECK(server.requests == i && server.connections == 1);
    }
    tear_down(&b);
}

static void
a_cancelled_transfer_has_no_end(void)
{
    static const upstream_events events = {on_header, on_start, on_data, on_end};
    bench b;
    char url[64];
    upstream_transfer *transfer = NULL, *none = NULL;
    start_server(url, 1, false);
    set_up(&b);
    const upstream_request request = {.url = url, .method = "GET"};
    CHECK_STATUS(upstream_begin(b.up, &request, &events, &b, &transfer), AIP_OK);
    CHECK(b.ends == 0);
    upstream_cancel(&transfer);
    upstream_cancel(&none);
    CHECK(transfer == NULL);
    usleep(20000);
    upstream_tick(b.up);
    CHECK(b.ends == 0 && server.requests == 0);
    tear_down(&b);
}

static void
a_server_that_is_gone_is_unreachable(void)
{
    bench b;
    char url[64];
    start_server(url, 1, false);
    stop_server();
    set_up(&b);
    CHECK_STATUS(send_one(&b, url, "POST"), AIP_UPSTREAM_UNREACHABLE);
    CHECK(b.http == 0 && !b.sent);
    upstream_close(&b.up);
    close(b.epoll_fd);
}

static void
a_server_is_asked_for_by_another_name_at_the_address_of_its_url(void)
{
    static const struct {
        const char *url, *name, *renamed, *connect_to;
    } good[] = {{"https://127.0.0.1:8443/mcp", "inner.example", "https://inner.example:8443/mcp", "::127.0.0.1:8443"},
                {"https://a.example/mcp?x=1", "b", "https://b/mcp?x=1", "::a.example:443"},
                {"https://[::1]:9/", "b", "https://b:9/", "::[::1]:9"}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *renamed = NULL, *connect_to = NULL;
        CHECK_STATUS(upstream_rename(good[i].url, good[i].name, &renamed, &connect_to, NULL), AIP_OK);
        CHECK_TEXT(renamed, good[i].renamed);
        CHECK_TEXT(connect_to, good[i].connect_to);
        free(renamed);
        free(connect_to);
    }
    char *none = NULL, *nowhere = NULL;
    CHECK_STATUS(upstream_rename("https://a/", "b c", &none, &nowhere, NULL), AIP_CONFIG_INVALID);
    CHECK_STATUS(upstream_rename("https://a/", "b/c", &none, &nowhere, NULL), AIP_CONFIG_INVALID);
    CHECK(none == NULL && nowhere == NULL);
}

static void
loopback_is_told_from_all_else(void)
{
    static const char *const near[] = {"http://127.0.0.1/", "https://127.9.9.9:1/x", "http://LOCALHOST:8/",
                                       "http://[::1]/"};
    static const char *const far[] = {"http://127.0.0.1.example/",
                                      "http://10.0.0.1/",
                                      "http://[::2]/",
                                      "http://localhost.example/",
                                      "http://a/127.0.0.1",
                                      "stdio:x",
                                      ""};
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        CHECK(upstream_is_loopback(near[i]));
    }
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        CHECK(!upstream_is_loopback(far[i]));
    }
}

RUN(TEST(a_request_that_a_kept_connection_swallowed_is_not_sent_again),
    TEST(a_get_that_a_kept_connection_swallowed_is_sent_again),
    TEST(a_connection_that_was_closed_while_idle_is_replaced), TEST(a_connection_is_kept_for_the_next_request),
    TEST(a_cancelled_transfer_has_no_end), TEST(a_server_that_is_gone_is_unreachable),
    TEST(a_server_is_asked_for_by_another_name_at_the_address_of_its_url), TEST(loopback_is_told_from_all_else))
