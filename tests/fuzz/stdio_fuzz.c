/* Any lines between two clients and a server behind a pipe, and any line with a token in it: each client gets answers
 * to what it has open and to nothing else, under its own ids, and what is cut or written anew is one JSON text on one
 * line. */
#include <stdlib.h>
#include <sys/epoll.h>

#include "aip/limits.h"
#include "base/splice.h"
#include "gateway/stdio_inside.h"
#include "gateway/stdio_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS_MAX = 64 };

static const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
static const char *const silent[] = {"sh", "-c", "exec cat 3>&1 >/dev/null", NULL};
static gateway_route route = {.name = "fuzz", .command = silent};
static shard_tools tools;

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool
is_one_line_of_json(aip_bytes text)
{
    scan_document document = {0};
    bool good = scan_load(text, &limits, &document, NULL) == AIP_OK && !splice_has_line_break(text);
    scan_clear(&document);
    return good;
}

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    exchange *x = context;
    if (aip_bytes_equal(name, AIP_BYTES_LITERAL("Mcp-Session-Id"))) {
        snprintf(x->session, sizeof x->session, "%.*s", (int)value.size, (const char *)value.data);
    }
}

static upstream_verdict
on_start(void *context, int http)
{
    exchange *x = context;
    require(x->upstream_http == 0);
    x->upstream_http = http;
    return UPSTREAM_TAKEN;
}

/* A whole message, or a whole event with one. */
static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    static const char begin[] = "event: message\ndata: ", end[] = "\n\n";
    exchange *x = context;
    size_t outer = sizeof begin - 1 + sizeof end - 1;
    bool event = bytes.size > outer && memcmp(bytes.data, begin, sizeof begin - 1) == 0;
    aip_bytes message = event ? (aip_bytes){bytes.data + sizeof begin - 1, bytes.size - outer} : bytes;
    require(x->upstream_http == 200 && is_one_line_of_json(message));
    scan_document document = {0};
    require(scan_load(message, &limits, &document, NULL) == AIP_OK);
    uint32_t id = scan_member(&document, 0, "id");
    if (scan_member(&document, 0, "method") == SCAN_NONE) {
        require(id != SCAN_NONE && aip_bytes_equal(scan_raw(&document, id), x->id));
    }
    scan_clear(&document);
    return UPSTREAM_TAKEN;
}

static void
on_end(void *context, aip_status status, bool sent)
{
    exchange *x = context;
    (void)status;
    (void)sent;
    require(x->pipe == NULL);
}

static exchange *
new_exchange(char owner, const char *session, aip_bytes line)
{
    exchange *x = calloc(1, sizeof *x);
    require(x != NULL);
    x->route = &route;
    x->shard = &tools;
    x->http_method = "POST";
    memset(x->owner, owner, sizeof x->owner);
    snprintf(x->session, sizeof x->session, "%s", session);
    x->has_session = session[0] != '\0';
    text_append(&x->body, line);
    return x;
}

/* As message.c tells them apart; what it would refuse is not sent. */
static bool
read_exchange(exchange *x)
{
    size_t size = 0;
    if (scan_load(text_view(&x->body), &limits, &x->document, NULL) != AIP_OK) {
        return false;
    }
    uint32_t id = scan_member(&x->document, 0, "id"), method = scan_member(&x->document, 0, "method");
    x->params = scan_member(&x->document, 0, "params");
    x->id = id == SCAN_NONE ? (aip_bytes){0} : scan_raw(&x->document, id);
    x->kind = method == SCAN_NONE ? MESSAGE_RESPONSE : id == SCAN_NONE ? MESSAGE_NOTIFICATION : MESSAGE_REQUEST;
    return scan_kind_of(&x->document, 0) == SCAN_OBJECT &&
           (method == SCAN_NONE ||
            (scan_kind_of(&x->document, method) == SCAN_STRING &&
             scan_unescape(&x->document, method, x->method, sizeof x->method - 1, &size, NULL) == AIP_OK));
}

static void
free_exchange(exchange *x)
{
    stdio_upstream_drop(&x->pipe, true);
    scan_clear(&x->document);
    text_clear(&x->body);
    free(x);
}

static void
check_token(aip_bytes line)
{
    text_buffer rest = {0}, one = {0};
    char *found = NULL;
    require(stdio_message_cut_token(line, &rest, &found, NULL) == AIP_OK);
    require((found != NULL) == (rest.size > 0));
    if (found != NULL) {
        require(rest.size < line.size && memmem(line.data, line.size, found, strlen(found)) != NULL);
        require(stdio_message_append(&one, text_view(&rest), NULL) == AIP_OK && is_one_line_of_json(text_view(&one)));
    }
    free(found);
    text_clear(&rest);
    text_clear(&one);
}

/* One server for all inputs, which knows of nothing at the beginning of each. */
static void
begin(void)
{
    static spawner *starter;
    stdio_upstream *s = tools.commands;
    if (s == NULL) {
        require(spawner_open(&starter, NULL) == AIP_OK && route_state_new(&route.state, NULL) == AIP_OK);
        const stdio_setup setup = {.route = &route, .spawner = starter, .epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
        require(stdio_upstream_open(&setup, &tools.commands, NULL) == AIP_OK);
        return;
    }
    while (s->sessions != NULL) {
        stdio_session_close(s, s->sessions);
    }
    multiplex_close(&s->multiplex);
    require(multiplex_open(&limits, &s->multiplex, NULL) == AIP_OK);
    require(multiplex_join(s->multiplex, NULL, &s->self, NULL) == AIP_OK);
    s->greeting = GREETING_NONE;
    s->initialized = false;
}

/* The first byte of a line says whose it is: the server's, one of two clients', or of one whose token is cut out. */
static void
take(uint8_t who, aip_bytes line, exchange *calls[CALLS_MAX], size_t *count)
{
    static const upstream_events events = {on_header, on_start, on_data, on_end};
    if (who == 't') {
        check_token(line);
    } else if (who == 's') {
        stdio_inward(tools.commands, line);
    } else if (*count < CALLS_MAX) {
        bool first = (who & 1) != 0;
        const char *session = *count < 2 ? "" : calls[first]->session;
        exchange *x = calls[(*count)++] = new_exchange(first ? 'a' : 'b', session, line);
        (void)!(read_exchange(x) ? stdio_upstream_begin(x, &events, NULL) : AIP_OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char greeting[] = "{\"id\":1,\"method\":\"initialize\"}";
    exchange *calls[CALLS_MAX] = {NULL};
    size_t count = 0;
    begin();
    take('b', aip_bytes_of(greeting), calls, &count);
    take('a', aip_bytes_of(greeting), calls, &count);
    stdio_inward(tools.commands, AIP_BYTES_LITERAL("{\"id\":1,\"result\":{}}"));
    require(calls[0]->session[0] != '\0' && calls[1]->session[0] != '\0');
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end == NULL ? size : (size_t)(end - data);
        if (length > 1) {
            take(data[0], (aip_bytes){data + 1, length - 1}, calls, &count);
        }
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    for (size_t i = 0; i < count; i++) {
        free_exchange(calls[i]);
    }
    return 0;
}
