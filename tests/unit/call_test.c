/* One request that waits, against a server of a few lines, and the parts of URLs. */
#include "net/call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* Answers one connection with `reply`, in two pieces, and keeps what came. */
static struct {
    int socket;
    const char *reply;
    char request[4096];
    char url[64];
    pthread_t thread;
} server;

static bool
is_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strstr(text, "Content-Length: ");
    return end != NULL && strlen(end + 4) >= (length == NULL ? 0 : (size_t)(length[16] - '0'));
}

static void *
serve(void *context)
{
    (void)context;
    size_t size = 0, half = strlen(server.reply) / 2;
    int fd = accept(server.socket, NULL, NULL);
    while (fd >= 0 && size + 1 < sizeof server.request && !is_whole(server.request)) {
        ssize_t got = read(fd, server.request + size, sizeof server.request - 1 - size);
        if (got <= 0) {
            break;
        }
        size += (size_t)got;
    }
    if (half > 0 && write(fd, server.reply, half) == (ssize_t)half) {
        (void)!write(fd, server.reply + half, strlen(server.reply) - half);
    }
    if (half == 0) { /* nothing is answered until the other side gives up */
        (void)!read(fd, server.request, 1);
    }
    close(fd);
    return NULL;
}

static void
start_server(const char *reply)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server.request, 0, sizeof server.request);
    server.reply = reply;
    server.socket = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(server.socket, (struct sockaddr *)&address, sizeof address) == 0 && listen(server.socket, 8) == 0);
    CHECK(getsockname(server.socket, (struct sockaddr *)&address, &size) == 0);
    CHECK(pthread_create(&server.thread, NULL, serve, NULL) == 0);
    snprintf(server.url, sizeof server.url, "http://127.0.0.1:%u/a/../b?c=%%41", (unsigned)ntohs(address.sin_port));
}

static void
stop_server(void)
{
    shutdown(server.socket, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.socket);
}

/* Starts the server, sends one request and stops it. */
static aip_status
call(const char *method, const char *reply, size_t bytes_max, net_reply *out)
{
    static const char *const fields[] = {"Content-Type: application/jose", "X-A: 1"};
    start_server(reply);
    const net_request request = {.url = server.url,
                                 .method = method,
                                 .body = AIP_BYTES_LITERAL("abc"),
                                 .fields = fields,
                                 .field_count = 2,
                                 .timeout_seconds = 1,
                                 .bytes_max = bytes_max};
    aip_status status = net_call(&request, out, NULL);
    stop_server();
    return status;
}

static bool
equals(aip_bytes got, const char *wanted)
{
    return aip_bytes_equal(got, aip_bytes_of(wanted));
}

static void
a_request_goes_out_as_given_and_its_answer_comes_back_whole(void)
{
    net_reply reply;
    CHECK_STATUS(
        call("POST", "HTTP/1.1 403 No\r\nX-One: 1\r\nx-two:  b c \r\nContent-Length: 5\r\n\r\nhello", 5, &reply),
        AIP_OK);
    CHECK(reply.status == 403 && reply.field_count == 3 && equals(text_view(&reply.body), "hello"));
    CHECK(equals(net_reply_name(&reply, 1), "x-two") && equals(net_reply_value(&reply, 1), "b c"));
    CHECK(equals(net_reply_field(&reply, "X-TWO"), "b c") && equals(net_reply_field(&reply, "X-Three"), ""));
    CHECK(strncmp(server.request, "POST /a/../b?c=%41 HTTP/1.1\r\n", 29) == 0);
    CHECK(strstr(server.request, "\r\nX-A: 1\r\n") != NULL && strstr(server.request, "\r\n\r\nabc") != NULL);
    CHECK(strstr(server.request, "\r\nContent-Type: application/jose\r\n") != NULL);
    net_reply_clear(&reply);
}

static void
a_redirect_is_an_answer_and_is_not_followed(void)
{
    net_reply reply;
    CHECK_STATUS(
        call("GET", "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 100, &reply),
        AIP_OK);
    CHECK(reply.status == 302 && equals(net_reply_field(&reply, "location"), "http://127.0.0.1:1/"));
    CHECK(strncmp(server.request, "GET /a/../b?c=%41 ", 18) == 0);
    net_reply_clear(&reply);
}

static void
fields_of_an_interim_answer_are_forgotten(void)
{
    net_reply reply;
    CHECK_STATUS(call("GET",
                      "HTTP/1.1 103 Early Hints\r\nSignature: a\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nSignature: b\r\nContent-Length: 0\r\n\r\n",
                      100, &reply),
                 AIP_OK);
    CHECK(reply.status == 200 && reply.field_count == 2 && equals(net_reply_field(&reply, "signature"), "b"));
    net_reply_clear(&reply);
}

static void
an_answer_over_its_limits_is_refused(void)
{
    text_buffer head = {0};
    net_reply reply;
    CHECK_STATUS(call("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 4, &reply), AIP_FETCH_SIZE);
    net_reply_clear(&reply);
    CHECK_STATUS(call("GET", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", 4, &reply), AIP_FETCH_SIZE);
    net_reply_clear(&reply);
    text_append_string(&head, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < NET_REPLY_FIELDS_MAX + 1; i++) {
        text_append_string(&head, "X: y\r\n");
    }
    text_append_string(&head, "\r\n");
    CHECK_STATUS(text_finish(&head, NULL), AIP_OK);
    text_append(&head, (aip_bytes){(const unsigned char *)"", 1});
    CHECK_STATUS(call("GET", head.data, 100, &reply), AIP_FETCH_SIZE);
    net_reply_clear(&reply);
    text_clear(&head);
}

static void
what_cannot_be_reached_or_does_not_answer_is_named(void)
{
    net_reply reply;
    CHECK_STATUS(call("GET", "", 100, &reply), AIP_FETCH_TIMEOUT);
    net_reply_clear(&reply);
    CHECK_STATUS(call("GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 100, &reply), AIP_FETCH_UNREACHABLE);
    net_reply_clear(&reply);
    net_request request = {.url = server.url, .method = "GET", .timeout_seconds = 1, .bytes_max = 100};
    CHECK_STATUS(net_call(&request, &reply, NULL), AIP_FETCH_UNREACHABLE);
    net_reply_clear(&reply);
    request.url = "file:///etc/hostname";
    CHECK_STATUS(net_call(&request, &reply, NULL), AIP_USAGE);
    net_reply_clear(&reply);
}

static void
a_url_is_cut_into_the_parts_that_are_signed(void)
{
    static const struct {
        const char *text, *scheme, *authority, *path, *query;
    } good[] = {
        {"https://Gateway.Example/mcp?a=b&c", "https", "gateway.example", "/mcp", "a=b&c"},
        {"HTTPS://gateway.example:443", "https", "gateway.example", "/", ""},
        {"http://gateway.example:80/?", "http", "gateway.example", "/", ""},
        {"http://gateway.example:443/%2e%2E/..//x", "http", "gateway.example:443", "/%2e%2E/..//x", ""},
        {"https://[::1]:8443/x?y?z", "https", "[::1]:8443", "/x", "y?z"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        net_url url;
        CHECK_STATUS(net_url_read(good[i].text, &url, NULL), AIP_OK);
        CHECK_TEXT(url.scheme, good[i].scheme);
        CHECK_TEXT(url.authority, good[i].authority);
        CHECK_TEXT(url.path, good[i].path);
        CHECK_TEXT(url.query, good[i].query);
    }
}

static void
a_url_with_more_than_that_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "gateway.example/mcp",
                                      "ftp://gateway.example/",
                                      "file:///etc/passwd",
                                      "https://",
                                      "https:///mcp",
                                      "https://alice@gateway.example/",
                                      "https://alice:secret@gateway.example/",
                                      "https://gateway.example/#top",
                                      "https://gateway.example:99999/",
                                      "https://gateway.example:x/",
                                      "https://gateway.example/a b",
                                      "https://gate way.example/",
                                      "https://gateway.example/\n",
                                      "https://gateway.example/\xc3\xbc",
                                      "https://gateway.example/?\xc3\xbc",
                                      "https://gateway.example/\x7f"};
    char text[2000] = "https://gateway.example/";
    net_url url;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(net_url_read(bad[i], &url, NULL), AIP_USAGE);
    }
    memset(text + strlen(text), 'a', 1100);
    CHECK_STATUS(net_url_read(text, &url, NULL), AIP_USAGE);
}

RUN(TEST(a_request_goes_out_as_given_and_its_answer_comes_back_whole),
    TEST(a_redirect_is_an_answer_and_is_not_followed), TEST(fields_of_an_interim_answer_are_forgotten),
    TEST(an_answer_over_its_limits_is_refused), TEST(what_cannot_be_reached_or_does_not_answer_is_named),
    TEST(a_url_is_cut_into_the_parts_that_are_signed), TEST(a_url_with_more_than_that_is_refused))
