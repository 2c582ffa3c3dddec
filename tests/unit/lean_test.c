/* The lean client against servers that lie about length, break off, send what is no HTTP, or say too much. */
#include "net/upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "check.h"
#include "net/lean_reply.h"
#include "net/loop.h"

#define PATIENCE_MICROSECONDS 10000000
#define HEAD "HTTP/1.1 200 OK\r\n"

/* ---- replies, whole and in pieces ---- */

typedef struct {
    text_buffer body;
    int http, starts, headers;
    size_t full_after; /* bytes of the body, then UPSTREAM_FULL once; 0: never */
    bool refuses_start, refuses_data;
    int ends;
    aip_status status;
    bool sent;
} seen;

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    (void)name;
    (void)value;
    ((seen *)context)->headers++;
}

static upstream_verdict
on_start(void *context, int http)
{
    seen *s = context;
    s->http = http;
    s->starts++;
    return s->refuses_start ? UPSTREAM_REFUSED : UPSTREAM_TAKEN;
}

static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    seen *s = context;
    if (s->full_after > 0 && s->body.size >= s->full_after) {
        s->full_after = 0;
        return UPSTREAM_FULL;
    }
    text_append(&s->body, bytes);
    return s->refuses_data ? UPSTREAM_REFUSED : UPSTREAM_TAKEN;
}

static void
on_end(void *context, aip_status status, bool sent)
{
    seen *s = context;
    s->status = status;
    s->sent = sent;
    s->ends++;
}

static const upstream_events events = {on_header, on_start, on_data, on_end};

typedef struct {
    const char *what, *text;
    lean_progress wanted; /* in the end, when the connection closes after it */
    int http;
    const char *body;
} reply_case;

static const reply_case cases[] = {
    {"a length", HEAD "Content-Length: 5\r\n\r\nhello", LEAN_WHOLE, 200, "hello"},
    {"no body", "HTTP/1.1 204 No Content\r\n\r\n", LEAN_WHOLE, 204, ""},
    {"a length of nothing", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", LEAN_WHOLE, 202, ""},
    {"no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", LEAN_WHOLE, 200, "ok"},
    {"chunks", HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n", LEAN_WHOLE,
     200, "abc0123456789"},
    {"chunks with trailers", HEAD "transfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nSet: x\r\nB: c\r\n\r\n", LEAN_WHOLE,
     200, "a"},
    {"until it closes", HEAD "\r\nall of it", LEAN_WHOLE, 200, "all of it"},
    {"an old server", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", LEAN_WHOLE, 200, "ok"},
    {"an interim reply", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" HEAD "Content-Length: 2\r\n\r\nok", LEAN_WHOLE, 200,
     "ok"},
    {"both lengths", HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"two lengths", HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", LEAN_INVALID, 0, ""},
    {"a list of lengths", HEAD "Content-Length: 5, 5\r\n\r\nhello", LEAN_INVALID, 0, ""},
    {"a negative length", HEAD "Content-Length: -1\r\n\r\n", LEAN_INVALID, 0, ""},
    {"a signed length", HEAD "Content-Length: +5\r\n\r\nhello", LEAN_INVALID, 0, ""},
    {"an empty length", HEAD "Content-Length:\r\n\r\n", LEAN_INVALID, 0, ""},
    {"a length in hexadecimal", HEAD "Content-Length: 0x5\r\n\r\nhello", LEAN_INVALID, 0, ""},
    {"a length beyond all", HEAD "Content-Length: 99999999999999999999\r\n\r\n", LEAN_INVALID, 0, ""},
    {"less than its length", HEAD "Content-Length: 50\r\n\r\nhello", LEAN_INVALID, 200, "hello"},
    {"two codings", HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", LEAN_INVALID, 0,
     ""},
    {"a coding that nobody asked for", HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"an identity coding", HEAD "Transfer-Encoding: identity\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"chunks of an old server", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"a chunk without a size", HEAD "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n", LEAN_INVALID, 200, ""},
    {"a chunk size with a sign", HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n", LEAN_INVALID, 200, ""},
    {"a chunk size that is no number", HEAD "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n", LEAN_INVALID, 200, ""},
    {"a chunk size beyond all", HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", LEAN_INVALID, 200, ""},
    {"a chunk size and a space", HEAD "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", LEAN_INVALID, 200,
     ""},
    {"a chunk size that ends in LF", HEAD "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", LEAN_INVALID, 200,
     ""},
    {"a chunk longer than its size", HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", LEAN_INVALID, 200,
     "abc"},
    {"LF in a chunk's extension", HEAD "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n", LEAN_INVALID,
     200, ""},
    {"chunks that break off", HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", LEAN_INVALID, 200, "abc"},
    {"a trailer that ends in LF", HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", LEAN_INVALID, 200, ""},
    {"lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", LEAN_INVALID, 0, ""},
    {"one line that ends in LF", HEAD "A: b\nContent-Length: 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"CR inside a line", HEAD "A: b\rContent-Length: 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"a folded line", HEAD "A: b\r\n c: d\r\nContent-Length: 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"a space before the colon", HEAD "Content-Length : 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"no name", HEAD ": x\r\nContent-Length: 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"no colon", HEAD "Content-Length 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"DEL in a value", HEAD "A: \x7f\r\nContent-Length: 2\r\n\r\nok", LEAN_INVALID, 0, ""},
    {"a status too high", "HTTP/1.1 999 Huge\r\nContent-Length: 0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"a status of four digits", "HTTP/1.1 2000 Huge\r\nContent-Length: 0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"a status too low", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"no status", "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"a change of protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", LEAN_INVALID, 0, ""},
    {"another version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"another protocol", "SSH-2.0-OpenSSH\r\n", LEAN_INVALID, 0, ""},
    {"a blank line first", "\r\n" HEAD "Content-Length: 0\r\n\r\n", LEAN_INVALID, 0, ""},
    {"an interim reply and no other", "HTTP/1.1 103 Early\r\n\r\n", LEAN_INVALID, 0, ""},
    {"half a head", HEAD "Content-Le", LEAN_INVALID, 0, ""},
    {"nothing", "", LEAN_INVALID, 0, ""},
};

/* Offers at most `piece` bytes more each time, as a connection would. */
static lean_progress
read_in_pieces(seen *s, aip_bytes text, size_t piece, size_t *used)
{
    lean_reply reply = {.events = &events, .context = s};
    size_t from = 0, offered = 0;
    while (offered < text.size) {
        size_t taken = 0;
        offered = offered + piece < text.size ? offered + piece : text.size;
        lean_progress progress = lean_reply_take(&reply, (aip_bytes){text.data + from, offered - from}, &taken);
        from += taken;
        *used = from;
        if (progress != LEAN_MORE) {
            return progress;
        }
    }
    return lean_reply_end(&reply);
}

static void
check_case(const reply_case *each, size_t piece)
{
    seen s = {.http = 0};
    size_t used = 0;
    lean_progress got = read_in_pieces(&s, aip_bytes_of(each->text), piece, &used);
    bool body = aip_bytes_equal(text_view(&s.body), aip_bytes_of(each->body));
    if (got != each->wanted || s.http != each->http || !body) {
        printf("  %s, %zu bytes at a time: %d, HTTP %d\n", each->what, piece, (int)got, s.http);
    }
    CHECK(got == each->wanted && s.http == each->http && body && s.starts <= 1);
    text_clear(&s.body);
}

static void
replies_are_read_alike_in_any_pieces(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t piece = 1; piece <= 17; piece += 4) {
            check_case(&cases[i], piece);
        }
        check_case(&cases[i], 65536);
    }
}

static void
a_nul_anywhere_in_a_head_is_refused(void)
{
    static const char text[] = HEAD "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n";
    for (size_t at = 0; at < sizeof text - 1; at++) {
        char changed[sizeof text];
        seen s = {.http = 0};
        size_t used = 0;
        memcpy(changed, text, sizeof text);
        changed[at] = '\0';
        CHECK(read_in_pieces(&s, (aip_bytes){(const unsigned char *)changed, sizeof text - 1}, 9, &used) ==
              LEAN_INVALID);
        CHECK(s.starts == 0);
        text_clear(&s.body);
    }
}

static void
what_follows_a_reply_is_not_taken(void)
{
    static const char two[] = HEAD "Content-Length: 2\r\n\r\nok" HEAD "Content-Length: 4\r\n\r\nevil";
    seen s = {.http = 0};
    size_t used = 0;
    CHECK(read_in_pieces(&s, AIP_BYTES_LITERAL(two), 4096, &used) == LEAN_WHOLE);
    CHECK(used < sizeof two / 2 + 2 && aip_bytes_equal(text_view(&s.body), AIP_BYTES_LITERAL("ok")));
    text_clear(&s.body);
}

static void
repeat(text_buffer *text, const char *line, size_t bytes)
{
    while (text->size < bytes) {
        text_append_string(text, line);
    }
}

static void
heads_interim_replies_trailers_and_extensions_have_bounds(void)
{
    static const struct {
        const char *begin, *line;
        size_t bytes;
    } rows[] = {
        {HEAD, "X-Filler: 0123456789\r\n", 70000},
        {HEAD "X: ", "a", 70000},
        {"", "HTTP/1.1 102 Processing\r\n\r\n", 1000},
        {HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X-Filler: 0123456789\r\n", 20000},
        {HEAD "Transfer-Encoding: chunked\r\n\r\n1;", "a", 1000},
        {HEAD "Transfer-Encoding: chunked\r\n\r\n", "0", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_buffer text = {0};
        seen s = {.http = 0};
        size_t used = 0;
        text_append_string(&text, rows[i].begin);
        repeat(&text, rows[i].line, rows[i].bytes);
        CHECK_STATUS(text_finish(&text, NULL), AIP_OK);
        CHECK(read_in_pieces(&s, text_view(&text), 1000, &used) == LEAN_INVALID);
        CHECK(used < text.size || i < 2);
        text_clear(&text);
        text_clear(&s.body);
    }
}

static void
an_owner_that_refuses_ends_the_reply(void)
{
    seen head = {.refuses_start = true}, data = {.refuses_data = true};
    size_t used = 0;
    CHECK(read_in_pieces(&head, aip_bytes_of(cases[0].text), 4096, &used) == LEAN_REFUSED);
    CHECK(read_in_pieces(&data, aip_bytes_of(cases[0].text), 4096, &used) == LEAN_REFUSED);
    CHECK(head.body.size == 0 && data.http == 200);
    text_clear(&data.body);
}

/* ---- connections ---- */

/* Answers each request of a connection with `text`, at most `answers` times, and then closes it. */
static struct {
    int socket, answers, connections, requests, times; /* that the text is sent for one request */
    bool silent;                                       /* after the head it waits for the peer to go */
    text_buffer text;
    pthread_t thread;
    unsigned port;
} server;

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
        if (end != NULL && size >= (size_t)(end - text) + 4 + (text[0] == 'P' ? 4 : 0)) {
            server.requests++;
            return true;
        }
    }
    return false;
}

static bool
send_all(int fd)
{
    for (size_t at = 0; at < server.text.size;) {
        ssize_t sent = send(fd, server.text.data + at, server.text.size - at, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += (size_t)sent;
    }
    return true;
}

static void *
serve(void *context)
{
    char byte;
    (void)context;
    for (int fd = accept(server.socket, NULL, NULL); fd >= 0; fd = accept(server.socket, NULL, NULL)) {
        server.connections++;
        for (int i = 0; i < server.answers && read_request(fd); i++) {
            bool heard = true;
            for (int time = 0; heard && time < server.times; time++) {
                heard = send_all(fd);
            }
        }
        while (server.silent && read(fd, &byte, 1) > 0) {
        }
        close(fd);
    }
    return NULL;
}

static void
start_server(const char *text, int answers)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server.socket = socket(AF_INET, SOCK_STREAM, 0);
    server.answers = answers;
    server.connections = server.requests = 0;
    server.silent = false;
    server.times = 1;
    server.text = (text_buffer){0};
    text_append_string(&server.text, text);
    CHECK(bind(server.socket, (struct sockaddr *)&address, sizeof address) == 0 && listen(server.socket, 8) == 0);
    CHECK(getsockname(server.socket, (struct sockaddr *)&address, &size) == 0);
    server.port = ntohs(address.sin_port);
}

static void
run_server(void)
{
    CHECK(pthread_create(&server.thread, NULL, serve, NULL) == 0);
}

static void
stop_server(void)
{
    shutdown(server.socket, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.socket);
    text_clear(&server.text);
}

typedef struct {
    int epoll_fd;
    upstream *up;
    seen s;
    upstream_transfer *transfer;
} client;

static void
open_client(client *c)
{
    *c = (client){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    CHECK_STATUS(net_start_library(NULL), AIP_OK);
    CHECK_STATUS(upstream_open(c->epoll_fd, &c->up, NULL), AIP_OK);
}

static void
close_client(client *c)
{
    upstream_close(&c->up);
    close(c->epoll_fd);
    text_clear(&c->s.body);
}

static void
turn(client *c)
{
    struct epoll_event ready[8];
    int timeout = upstream_timeout_ms(c->up);
    int count = epoll_wait(c->epoll_fd, ready, 8, timeout < 0 || timeout > 10 ? 10 : timeout);
    for (int i = 0; i < count; i++) {
        upstream_ready(c->up, (int)(ready[i].data.u64 >> 3), ready[i].events);
    }
    upstream_tick(c->up);
}

static void
begin(client *c, const char *host, const char *method)
{
    char url[128];
    snprintf(url, sizeof url, "http://%s:%u/x?a=b", host, server.port);
    upstream_request request = {.url = url, .method = method};
    request.body = strcmp(method, "POST") == 0 ? AIP_BYTES_LITERAL("body") : (aip_bytes){NULL, 0};
    text_clear(&c->s.body);
    c->s = (seen){.full_after = c->s.full_after};
    CHECK_STATUS(upstream_begin(c->up, &request, &events, &c->s, &c->transfer), AIP_OK);
}

static aip_status
send_one(client *c, const char *host, const char *method)
{
    uint64_t deadline = clock_monotonic_microseconds() + PATIENCE_MICROSECONDS;
    begin(c, host, method);
    while (c->s.ends == 0 && clock_monotonic_microseconds() < deadline) {
        turn(c);
    }
    CHECK(c->s.ends == 1);
    return c->s.status;
}

static void
a_connection_is_kept_only_after_a_reply_that_left_nothing_open(void)
{
    static const struct {
        const char *text;
        int connections;
    } rows[] = {
        {HEAD "Content-Length: 2\r\n\r\nok", 1},
        {HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 1},
        {HEAD "Content-Length: 2\r\nConnection: x, Close\r\n\r\nok", 3},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 3},
        {HEAD "Content-Length: 2\r\n\r\nok" HEAD "Content-Length: 2\r\n\r\nno", 3},
        {HEAD "Content-Length: 2\r\n\r\nok\r\n", 3},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client c;
        start_server(rows[i].text, 10);
        run_server();
        open_client(&c);
        for (int request = 0; request < 3; request++) {
            CHECK_STATUS(send_one(&c, "127.0.0.1", "POST"), AIP_OK);
            CHECK(c.s.http == 204 || aip_bytes_equal(text_view(&c.s.body), AIP_BYTES_LITERAL("ok")));
            usleep(2000);
        }
        close_client(&c);
        stop_server();
        CHECK(server.requests == 3 && server.connections == rows[i].connections);
    }
}

static void
localhost_is_tried_by_both_families(void)
{
    client c;
    start_server(HEAD "Content-Length: 2\r\n\r\nok", 10);
    run_server();
    open_client(&c);
    CHECK_STATUS(send_one(&c, "localhost", "GET"), AIP_OK);
    close_client(&c);
    stop_server();
}

static void
a_server_that_breaks_off_is_unreachable_or_invalid(void)
{
    static const struct {
        const char *text;
        aip_status wanted;
    } rows[] = {
        {"", AIP_UPSTREAM_UNREACHABLE},
        {HEAD "Content-Ty", AIP_UPSTREAM_UNREACHABLE},
        {HEAD "Content-Length: 9\r\n\r\nok", AIP_UPSTREAM_INVALID},
        {HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nok", AIP_UPSTREAM_INVALID},
        {"garbage\r\n\r\n", AIP_UPSTREAM_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client c;
        start_server(rows[i].text, 1);
        run_server();
        open_client(&c);
        CHECK_STATUS(send_one(&c, "127.0.0.1", "POST"), rows[i].wanted);
        CHECK(c.s.sent);
        close_client(&c);
        stop_server();
        CHECK(server.requests == 1);
    }
}

static void
a_head_of_300_megabytes_is_cut_short(void)
{
    client c;
    start_server(HEAD, 1);
    repeat(&server.text, "X-Filler: 0123456789012345678901234567890123456789\r\n", 1 << 20);
    server.times = 300;
    run_server();
    open_client(&c);
    CHECK_STATUS(send_one(&c, "127.0.0.1", "POST"), AIP_UPSTREAM_INVALID);
    close_client(&c);
    stop_server();
}

static void
an_owner_that_is_full_gets_the_rest_when_it_resumes(void)
{
    client c;
    uint64_t deadline = clock_monotonic_microseconds() + PATIENCE_MICROSECONDS;
    start_server(HEAD "Content-Length: 3000000\r\n\r\n", 1);
    size_t head = server.text.size;
    repeat(&server.text, "0123456789", head + 3000000);
    run_server();
    open_client(&c);
    c.s.full_after = 1000;
    begin(&c, "127.0.0.1", "GET");
    while (c.s.full_after > 0 && clock_monotonic_microseconds() < deadline) {
        turn(&c);
    }
    size_t before = c.s.body.size;
    for (int i = 0; i < 5; i++) {
        turn(&c);
    }
    CHECK(c.s.ends == 0 && before > 0 && c.s.body.size == before); /* nothing comes while it is full */
    upstream_resume(c.transfer);
    while (c.s.ends == 0 && clock_monotonic_microseconds() < deadline) {
        turn(&c);
    }
    CHECK(c.s.ends == 1 && c.s.status == AIP_OK && c.s.body.size == 3000000);
    for (size_t i = 0; i < c.s.body.size; i++) {
        CHECK(c.s.body.data[i] == (char)('0' + i % 10));
    }
    close_client(&c);
    stop_server();
}

static void
a_cancelled_stream_closes_its_connection(void)
{
    client c;
    start_server(HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 1);
    server.silent = true;
    run_server();
    open_client(&c);
    begin(&c, "127.0.0.1", "GET");
    for (int i = 0; i < 100 && c.s.body.size < 2; i++) {
        turn(&c);
    }
    CHECK(c.s.body.size == 2 && c.s.ends == 0);
    upstream_cancel(&c.transfer);
    turn(&c);
    CHECK(c.transfer == NULL && c.s.ends == 0);
    close_client(&c);
    stop_server(); /* it would wait for ever if the connection stayed */
}

static void
a_server_that_takes_no_connection_is_given_up(void)
{
    static const upstream_way way = {.connect_seconds = 1};
    client c;
    int filler[64];
    uint64_t begun = clock_monotonic_microseconds();
    start_server("", 0);
    CHECK(listen(server.socket, 0) == 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)server.port)};
    for (size_t i = 0; i < 64; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(filler[i], (struct sockaddr *)&address, sizeof address);
    }
    open_client(&c);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", server.port);
    const upstream_request request = {.url = url, .method = "POST", .way = &way};
    CHECK_STATUS(upstream_begin(c.up, &request, &events, &c.s, &c.transfer), AIP_OK);
    while (c.s.ends == 0 && clock_monotonic_microseconds() - begun < PATIENCE_MICROSECONDS) {
        turn(&c);
    }
    CHECK(c.s.ends == 1 && c.s.status == AIP_UPSTREAM_TIMEOUT && !c.s.sent);
    close_client(&c);
    for (size_t i = 0; i < 64; i++) {
        close(filler[i]);
    }
    close(server.socket);
    text_clear(&server.text);
}

RUN(TEST(replies_are_read_alike_in_any_pieces), TEST(a_nul_anywhere_in_a_head_is_refused),
    TEST(what_follows_a_reply_is_not_taken), TEST(heads_interim_replies_trailers_and_extensions_have_bounds),
    TEST(an_owner_that_refuses_ends_the_reply), TEST(a_connection_is_kept_only_after_a_reply_that_left_nothing_open),
    TEST(localhost_is_tried_by_both_families), TEST(a_server_that_breaks_off_is_unreachable_or_invalid),
    TEST(a_head_of_300_megabytes_is_cut_short), TEST(an_owner_that_is_full_gets_the_rest_when_it_resumes),
    TEST(a_cancelled_stream_closes_its_connection), TEST(a_server_that_takes_no_connection_is_given_up))
