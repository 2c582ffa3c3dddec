/* A server behind a pipe: what it says goes to the call, session or sessions that it is for, and to nobody else. */
#include "gateway/stdio_upstream.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "check.h"
#include "gateway/stdio_inside.h"

enum { EXCHANGES = 80 };

static const scan_limits limits = {65536, 64, 4096};
static const char *const silent[] = {"sh", "-c", "exec cat 3>&1 >/dev/null", NULL};
static gateway_route route = {.name = "test", .command = silent};
static shard_tools tools;
static spawner *starter;
static int epoll_fd;
static exchange *xs[EXCHANGES];
static text_buffer told[EXCHANGES]; /* what each was told */
static bool full;                   /* nobody takes anything */
static bool modern;                 /* what is posted */
static bool restarts;               /* the server is started again */

static text_buffer *
book(const void *context)
{
    size_t i = 0;
    while (xs[i] != context) {
        i++;
    }
    return &told[i];
}

static void
on_header(void *context, aip_bytes name, aip_bytes value)
{
    bool session = aip_bytes_equal(name, AIP_BYTES_LITERAL("Mcp-Session-Id"));
    exchange *x = context;
    if (session) {
        snprintf(x->session, sizeof x->session, "%.*s", (int)value.size, (const char *)value.data);
    }
    text_append_format(book(context), "%s",
                       session                                                         ? "session "
                       : aip_bytes_equal(value, AIP_BYTES_LITERAL("application/json")) ? "json "
                                                                                       : "events ");
}

static upstream_verdict
on_start(void *context, int http)
{
    text_append_format(book(context), "%d ", http);
    return UPSTREAM_TAKEN;
}

static upstream_verdict
on_data(void *context, aip_bytes bytes)
{
    if (full) {
        return UPSTREAM_FULL;
    }
    text_append(book(context), bytes);
    return UPSTREAM_TAKEN;
}

static void
on_end(void *context, aip_status status, bool sent)
{
    text_append_format(book(context), " %s%s", aip_status_lookup(status)->name, sent ? "" : " unsent");
}

static const upstream_events events = {on_header, on_start, on_data, on_end};

static void
begin(void)
{
    const stdio_setup setup = {.route = &route, .spawner = starter, .epoll_fd = epoll_fd, .restarts = restarts};
    full = false;
    CHECK_STATUS(stdio_upstream_open(&setup, &tools.commands, NULL), AIP_OK);
}

static void
forget(int i)
{
    if (xs[i] != NULL) {
        stdio_upstream_drop(&xs[i]->pipe, true);
        scan_clear(&xs[i]->document);
        text_clear(&xs[i]->body);
        free(xs[i]);
        xs[i] = NULL;
    }
    text_clear(&told[i]);
}

static void
end(void)
{
    for (int i = 0; i < EXCHANGES; i++) {
        forget(i);
    }
    stdio_upstream_close(&tools.commands);
}

/* A message of the owner, in the session of an earlier exchange (-1: of none). */
static aip_status
post(int i, char owner, int session, const char *message)
{
    forget(i);
    exchange *x = xs[i] = calloc(1, sizeof *x);
    x->route = &route;
    x->shard = &tools;
    x->http_method = "POST";
    x->params = SCAN_NONE;
    x->modern = modern;
    memset(x->owner, owner, sizeof x->owner);
    if (session >= 0) {
        snprintf(x->session, sizeof x->session, "%s", xs[session]->session);
        x->has_session = true;
    }
    if (message[0] != '{') {
        x->http_method = message;
        return stdio_upstream_begin(x, &events, NULL);
    }
    text_append_string(&x->body, message);
    CHECK_STATUS(scan_load(text_view(&x->body), &limits, &x->document, NULL), AIP_OK);
    uint32_t id = scan_member(&x->document, 0, "id"), method = scan_member(&x->document, 0, "method");
    x->id = id == SCAN_NONE ? (aip_bytes){0} : scan_raw(&x->document, id);
    x->kind = method == SCAN_NONE ? MESSAGE_RESPONSE : id == SCAN_NONE ? MESSAGE_NOTIFICATION : MESSAGE_REQUEST;
    x->params = scan_member(&x->document, 0, "params");
    if (method != SCAN_NONE) {
        size_t size = 0;
        CHECK_STATUS(scan_unescape(&x->document, method, x->method, sizeof x->method - 1, &size, NULL), AIP_OK);
    }
    uint32_t uri = x->params == SCAN_NONE ? SCAN_NONE : scan_member(&x->document, x->params, "uri");
    if (uri != SCAN_NONE) {
        CHECK_STATUS(scan_plain_string(&x->document, uri, &x->name, NULL), AIP_OK);
    }
    return stdio_upstream_begin(x, &events, NULL);
}

static const char *
got(int i)
{
    text_append(&told[i], (aip_bytes){(const unsigned char *)"", 1});
    told[i].size--;
    return told[i].data;
}

static void
says(const char *line)
{
    stdio_inward(tools.commands, aip_bytes_of(line));
}

#define GREETING(id) \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\"}}"
#define RESULT(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define REQUEST(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}"
#define WORD(method) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\"}"
#define EVENT(message) "event: message\ndata: " message "\n\n"

/* Two clients, greeted: their exchanges are 0 and 1; the server's next id is 2. */
static void
begin_with_two(void)
{
    begin();
    CHECK_STATUS(post(0, 'a', -1, GREETING("7")), AIP_OK);
    CHECK_STATUS(post(1, 'b', -1, GREETING("\"x\"")), AIP_OK);
    says(RESULT("1"));
}

static void
a_server_is_greeted_once_and_each_client_gets_the_answer(void)
{
    begin_with_two();
    CHECK_TEXT(got(0), "session json 200 " RESULT("7") " ok");
    CHECK_TEXT(got(1), "session json 200 " RESULT("\"x\"") " ok");
    CHECK(strcmp(xs[0]->session, xs[1]->session) != 0);
    CHECK_STATUS(post(2, 'c', -1, GREETING("8")), AIP_OK);
    CHECK_TEXT(got(2), "session json 200 " RESULT("8") " ok");
    end();
}

static void
a_greeting_that_fails_is_told_and_may_be_tried_again(void)
{
    begin();
    CHECK_STATUS(post(0, 'a', -1, GREETING("7")), AIP_OK);
    says("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"no\"}}");
    CHECK_TEXT(got(0), "json 200 {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-1,\"message\":\"no\"}} ok");
    CHECK_STATUS(post(1, 'a', -1, GREETING("7")), AIP_OK);
    says(RESULT("2"));
    CHECK_TEXT(got(1), "session json 200 " RESULT("7") " ok");
    end();
}

static void
answers_find_their_clients_whatever_ids_they_chose(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, REQUEST("1", "tools/list")), AIP_OK); /* ours: 2 */
    CHECK_STATUS(post(3, 'b', 1, REQUEST("1", "tools/list")), AIP_OK); /* ours: 3 */
    says(RESULT("3"));
    CHECK_TEXT(got(3), "json 200 " RESULT("1") " ok");
    CHECK_TEXT(got(2), "");
    says(RESULT("3"));
    says(RESULT("99"));
    CHECK_TEXT(got(2), "");
    says(RESULT("2"));
    CHECK_TEXT(got(2), "json 200 " RESULT("1") " ok");
    end();
}

static void
a_session_of_nobody_is_refused(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', -1, REQUEST("1", "tools/list")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(3, 'a', -1, "GET"), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(4, 'a', -1, "DELETE"), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(5, 'a', -1, WORD("notifications/initialized")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(6, 'a', 0, "DELETE"), AIP_OK);
    CHECK_TEXT(got(6), "200  ok");
    CHECK_STATUS(post(7, 'a', 0, REQUEST("1", "tools/list")), AIP_SESSION_NOT_FOUND);
    end();
}

static void
progress_makes_a_stream_which_the_answer_ends(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0,
                      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"_meta\":"
                      "{\"progressToken\":\"t\"}}}"),
                 AIP_OK);
    says("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":2,\"progress\":1}}");
    says(RESULT("2"));
    CHECK_TEXT(got(2), "events 200 " EVENT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                                           "\"progressToken\":\"t\",\"progress\":1}}") EVENT(RESULT("1")) " ok");
    end();
}

static void
a_request_of_the_server_goes_to_the_one_client_that_waits_or_to_nobody(void)
{
    begin_with_two();
    says(REQUEST("\"q\"", "roots/list")); /* nobody waits */
    CHECK_STATUS(post(2, 'a', 0, REQUEST("1", "tools/call")), AIP_OK);
    says(REQUEST("\"r\"", "roots/list"));
    CHECK_TEXT(got(2), "events 200 " EVENT(REQUEST("\"r\"", "roots/list")));
    CHECK_STATUS(post(3, 'b', 1, REQUEST("1", "tools/call")), AIP_OK);
    says(REQUEST("\"s\"", "roots/list")); /* two wait */
    CHECK_TEXT(got(2), "events 200 " EVENT(REQUEST("\"r\"", "roots/list")));
    CHECK_TEXT(got(3), "");
    CHECK(multiplex_count(tools.commands->multiplex).asked == 1);
    CHECK_STATUS(post(4, 'b', 1, RESULT("\"r\"")), AIP_OK); /* asked was the other one */
    CHECK(multiplex_count(tools.commands->multiplex).asked == 1);
    CHECK_STATUS(post(5, 'a', 0, RESULT("\"r\"")), AIP_OK);
    CHECK_TEXT(got(5), "202  ok");
    CHECK(multiplex_count(tools.commands->multiplex).asked == 0);
    end();
}

#define UPDATED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a:b\"}}"

static void
notifications_reach_those_they_concern(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, "GET"), AIP_OK);
    CHECK_STATUS(post(3, 'b', 1, "GET"), AIP_OK);
    says(WORD("notifications/tools/list_changed"));
    CHECK_TEXT(got(2), "events 200 " EVENT(WORD("notifications/tools/list_changed")));
    CHECK_TEXT(got(3), "events 200 " EVENT(WORD("notifications/tools/list_changed")));
    CHECK_STATUS(post(4, 'a', 0,
                      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"a:b\"}}"),
                 AIP_OK);
    says(RESULT("2"));
    told[2].size = told[3].size = 0;
    says(UPDATED);
    CHECK_TEXT(got(2), EVENT(UPDATED));
    CHECK_TEXT(got(3), "");
    told[2].size = 0;
    says(WORD("notifications/message")); /* whose it is cannot be told */
    CHECK_TEXT(got(2), "");
    CHECK_TEXT(got(3), "");
    CHECK_STATUS(
        post(5, 'a', 0,
             "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":\"a:b\"}}"),
        AIP_OK);
    says(RESULT("3"));
    says(UPDATED);
    CHECK_TEXT(got(2), "");
    end();
}

static void
a_new_stream_takes_the_place_of_the_old_one(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, "GET"), AIP_OK);
    CHECK_STATUS(post(3, 'a', 0, "GET"), AIP_OK);
    CHECK_TEXT(got(2), "events 200  ok");
    CHECK_TEXT(got(3), "events 200 ");
    CHECK(xs[2]->pipe == NULL && xs[3]->pipe != NULL);
    end();
}

static void
what_is_cancelled_ends_and_its_late_answer_goes_nowhere(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, REQUEST("5", "tools/call")), AIP_OK);
    CHECK_STATUS(
        post(3, 'b', 1, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}"),
        AIP_OK);
    CHECK_TEXT(got(2), ""); /* it is another's */
    CHECK_STATUS(
        post(4, 'a', 0, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}"),
        AIP_OK);
    CHECK_TEXT(got(2), " request.abandoned");
    says(RESULT("2"));
    CHECK_TEXT(got(2), " request.abandoned");
    end();
}

static void
lines_that_are_no_messages_change_nothing(void)
{
    static const char *const lines[] = {"garbage",
                                        "[]",
                                        "7",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"jsonrpc\":\"2.0\",\"id\":2}",
                                        "{\"jsonrpc\":\"2.0\",\"id\":\"2\",\"result\":{}}",
                                        "\xff"};
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, REQUEST("5", "tools/call")), AIP_OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        says(lines[i]);
    }
    CHECK_TEXT(got(2), "");
    says(RESULT("2"));
    CHECK_TEXT(got(2), "json 200 " RESULT("5") " ok");
    end();
}

static void
one_caller_does_not_take_all_sessions(void)
{
    begin();
    CHECK_STATUS(post(0, 'a', -1, GREETING("1")), AIP_OK);
    says(RESULT("1"));
    for (int i = 1; i <= STDIO_SESSIONS_PER_OWNER_MAX; i++) {
        CHECK_STATUS(post(i, 'a', -1, GREETING("1")), AIP_OK);
        CHECK_STATUS(post(70, 'a', i, WORD("notifications/initialized")), AIP_OK);
    }
    CHECK_STATUS(post(71, 'a', 0, WORD("notifications/initialized")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(72, 'a', 1, WORD("notifications/initialized")), AIP_OK);
    end();
}

static void
a_slow_reader_loses_nothing_and_then_its_call(void)
{
    static char large[AIP_EVENT_BYTES_DEFAULT - 200], line[sizeof large + 100];
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, "GET"), AIP_OK);
    full = true;
    says(WORD("notifications/tools/list_changed"));
    full = false;
    stdio_upstream_resume(xs[2]->pipe);
    CHECK_TEXT(got(2), "events 200 " EVENT(WORD("notifications/tools/list_changed")));
    memset(large, 'x', sizeof large - 1);
    snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"a\":\"%s\"}",
             large);
    full = true;
    says(line);
    CHECK(xs[2]->pipe != NULL);
    says(line);
    CHECK(xs[2]->pipe == NULL);
    CHECK(strstr(got(2), " gateway.overloaded") != NULL);
    end();
}

static void
the_end_of_the_server_ends_calls_and_sessions(void)
{
    begin_with_two();
    CHECK_STATUS(post(2, 'a', 0, REQUEST("5", "tools/call")), AIP_OK);
    CHECK_STATUS(post(3, 'b', 1, "GET"), AIP_OK);
    stdio_upstream_stop(tools.commands, true, clock_monotonic_microseconds());
    for (int i = 0; i < 500 && !stdio_upstream_has_ended(tools.commands); i++) {
        struct epoll_event ready;
        if (epoll_wait(epoll_fd, &ready, 1, 20) == 1) {
            child_ready(ready.data.u64, ready.events, clock_monotonic_microseconds());
        }
        stdio_upstream_tick(tools.commands, clock_monotonic_microseconds());
    }
    CHECK(stdio_upstream_has_ended(tools.commands) && stdio_upstream_code(tools.commands) >= 0);
    CHECK_TEXT(got(2), " upstream.unreachable");
    CHECK_TEXT(got(3), "events 200  ok");
    CHECK(tools.commands->sessions == NULL);
    CHECK_STATUS(post(4, 'a', 0, REQUEST("5", "tools/call")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(5, 'a', -1, GREETING("1")), AIP_UPSTREAM_UNREACHABLE);
    CHECK(tools.commands->sessions == NULL);
    end();
}

/* ---- between two lives ---- */

static child_state
state_now(void)
{
    return child_look(tools.commands->child).state;
}

static void
run_until(child_state wanted)
{
    for (int i = 0; i < 500 && state_now() != wanted; i++) {
        struct epoll_event ready;
        if (epoll_wait(epoll_fd, &ready, 1, 20) == 1) {
            child_ready(ready.data.u64, ready.events, clock_monotonic_microseconds());
        }
        stdio_upstream_tick(tools.commands, clock_monotonic_microseconds());
    }
    CHECK(state_now() == wanted);
}

/* A server that has just ended, and will be started again in a second. */
static void
begin_pause(void)
{
    restarts = true;
    begin_with_two();
    run_until(CHILD_RUNNING);
    kill(child_look(tools.commands->child).pid, SIGKILL);
    run_until(CHILD_BACKING_OFF);
}

static void
end_pause(void)
{
    end();
    modern = restarts = false;
}

static void
answer_call(int i)
{
    char line[64];
    CHECK(xs[i]->pipe != NULL && xs[i]->pipe->id != 0);
    if (xs[i]->pipe != NULL) {
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":{}}", xs[i]->pipe->id);
        says(line);
    }
}

/* W-48 */
static void
what_needs_no_session_waits_for_the_next_life(void)
{
    begin_pause();
    CHECK_STATUS(post(2, 'a', 0, REQUEST("5", "tools/call")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(post(3, 'a', -1, GREETING("6")), AIP_OK);
    modern = true;
    CHECK_STATUS(post(4, 'a', -1, REQUEST("7", "tools/call")), AIP_OK);
    CHECK_STATUS(post(5, 'b', -1, REQUEST("7", "tools/call")), AIP_OK);
    CHECK_STATUS(stdio_upstream_check(xs[4], NULL), AIP_OK);
    CHECK(xs[3]->pipe->id == 0 && xs[4]->pipe->id == 0);
    forget(5); /* it went away */
    run_until(CHILD_RUNNING);
    CHECK_TEXT(got(4), "");
    answer_call(4);
    CHECK_TEXT(got(4), "json 200 " RESULT("7") " ok");
    CHECK(tools.commands->greeting == GREETING_ASKED);
    says(RESULT("1"));
    says(RESULT("2"));
    says(RESULT("3"));
    CHECK_TEXT(got(3), "session json 200 " RESULT("6") " ok");
    modern = false;
    CHECK_STATUS(post(6, 'a', 3, REQUEST("8", "tools/call")), AIP_OK);
    answer_call(6);
    CHECK_TEXT(got(6), "json 200 " RESULT("8") " ok");
    end_pause();
}

/* W-48 */
static void
only_so_many_wait_and_only_so_long(void)
{
    begin_pause();
    modern = true;
    for (int i = 2; i < 66; i++) {
        CHECK_STATUS(post(i, 'a', -1, REQUEST("1", "tools/call")), AIP_OK);
    }
    CHECK_STATUS(stdio_upstream_check(xs[2], NULL), AIP_UPSTREAM_UNREACHABLE);
    CHECK_STATUS(post(66, 'a', -1, REQUEST("1", "tools/call")), AIP_UPSTREAM_UNREACHABLE);
    CHECK_STATUS(post(67, 'b', -1, REQUEST("1", "tools/call")), AIP_OK);
    stdio_waiting_sweep(tools.commands, clock_monotonic_microseconds() + 9000000);
    CHECK_TEXT(got(2), "");
    stdio_waiting_sweep(tools.commands, clock_monotonic_microseconds() + 10000000);
    CHECK_TEXT(got(2), " upstream.unreachable unsent");
    CHECK_TEXT(got(67), " upstream.unreachable unsent");
    CHECK(tools.commands->calls == NULL);
    end_pause();
}

/* W-48 */
static void
others_are_refused_in_the_pause_as_ever(void)
{
    begin_pause();
    CHECK_STATUS(post(2, 'a', 0, REQUEST("5", "tools/call")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(stdio_upstream_check(xs[2], NULL), AIP_UPSTREAM_UNREACHABLE);
    CHECK_STATUS(post(3, 'a', 0, WORD("notifications/initialized")), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(stdio_upstream_check(xs[3], NULL), AIP_UPSTREAM_UNREACHABLE);
    CHECK_STATUS(post(4, 'a', 0, "GET"), AIP_SESSION_NOT_FOUND);
    CHECK_STATUS(stdio_upstream_check(xs[4], NULL), AIP_UPSTREAM_UNREACHABLE);
    modern = true;
    CHECK_STATUS(post(5, 'a', -1, REQUEST("1", "tools/call")), AIP_OK);
    xs[5]->local = true;
    CHECK_STATUS(stdio_upstream_check(xs[5], NULL), AIP_UPSTREAM_UNREACHABLE);
    stdio_upstream_stop(tools.commands, false, clock_monotonic_microseconds());
    stdio_upstream_tick(tools.commands, clock_monotonic_microseconds());
    CHECK_TEXT(got(5), " upstream.unreachable unsent");
    end_pause();
}

static void
open_all(void)
{
    CHECK_STATUS(spawner_open(&starter, NULL), AIP_OK);
    CHECK_STATUS(route_state_new(&route.state, NULL), AIP_OK);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll_fd >= 0);
}

static void
close_all(void)
{
    spawner_close(&starter);
    route_state_drop(&route.state);
    close(epoll_fd);
}

RUN({"open", open_all}, TEST(a_server_is_greeted_once_and_each_client_gets_the_answer),
    TEST(a_greeting_that_fails_is_told_and_may_be_tried_again),
    TEST(answers_find_their_clients_whatever_ids_they_chose), TEST(a_session_of_nobody_is_refused),
    TEST(progress_makes_a_stream_which_the_answer_ends),
    TEST(a_request_of_the_server_goes_to_the_one_client_that_waits_or_to_nobody),
    TEST(notifications_reach_those_they_concern), TEST(a_new_stream_takes_the_place_of_the_old_one),
    TEST(what_is_cancelled_ends_and_its_late_answer_goes_nowhere), TEST(lines_that_are_no_messages_change_nothing),
    TEST(one_caller_does_not_take_all_sessions), TEST(a_slow_reader_loses_nothing_and_then_its_call),
    TEST(the_end_of_the_server_ends_calls_and_sessions), TEST(what_needs_no_session_waits_for_the_next_life),
    TEST(only_so_many_wait_and_only_so_long), TEST(others_are_refused_in_the_pause_as_ever), {"close", close_all})
