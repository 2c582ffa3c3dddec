/* MCP tasks: what requests, results and messages of a server about them mean for the agent that began them. */
#include "gateway/mcp_tasks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/mcp.h"
#include "gateway/owners.h"
#include "tests/unit/check.h"

#define RELATED "\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":"
#define STATE "\"status\":\"working\",\"createdAt\":\"2026-01-01T00:00:00Z\""
#define MODERN_META                                                          \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}"

static gateway running;
static shard_tools shard = {.gateway = &running};
static gateway_settings *settings;
static exchange *x;
static text_buffer out;

static void
open_all(void)
{
    const owners_setup setup = {.capacity = 100, .ttl_seconds = 1000};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    owners_free(&running.owners);
    CHECK_STATUS(owners_new(&setup, &running.owners, NULL), AIP_OK);
    if (settings != NULL) {
        return;
    }
    settings = calloc(1, sizeof *settings);
    gateway_route *route = calloc(1, sizeof *route);
    CHECK(settings != NULL && route != NULL);
    atomic_init(&settings->holders, 1);
    *route = (gateway_route){.name = "", .url = "http://u", .protocol = &protocol_mcp};
    settings->routes = route;
    settings->route_count = 1;
    settings->body_bytes_max = 1 << 20;
    pthread_mutex_init(&running.lock, NULL);
    running.settings = settings;
    CHECK_STATUS(server_requests_new(&running.server_requests, NULL), AIP_OK);
}

static void
end(void)
{
    text_clear(&out);
    exchange_free(&x);
}

/* A message of that agent, read and classified. */
static aip_status
post(unsigned char who, const char *body)
{
    end();
    x = exchange_new(&shard);
    CHECK(x != NULL);
    x->route = &settings->routes[0];
    x->http_method = body == NULL ? "GET" : "POST";
    x->path = "/mcp";
    memset(x->owner, who, sizeof x->owner);
    x->local = body != NULL && strstr(body, "2026-07-28") != NULL; /* no headers to repeat it */
    text_append_string(&x->body, body == NULL ? "" : body);
    AIP_TRY(x->route->protocol->read(x, NULL));
    return x->route->protocol->classify(x, NULL);
}

static aip_status
ask(unsigned char who, const char *method, const char *params)
{
    char body[4096];
    snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s}}", method, params);
    return post(who, body);
}

/* What becomes of a message of the server. */
static aip_status
say(const char *text)
{
    const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_document document;
    text_clear(&out);
    x->left_out = x->answered_call = false;
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &document, NULL), AIP_OK);
    aip_status status = x->route->protocol->judge(x, &document, &out, NULL);
    scan_clear(&document);
    text_append(&out, (aip_bytes){(const unsigned char *)"", out.size > 0});
    return status;
}

static aip_status
answer(const char *result)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{%s}}", result);
    return say(text);
}

static void
own(unsigned char who, const char *id)
{
    owned_caller caller = {.upstream = "http://u", .tenant = "", .now_seconds = clock_now_seconds(), .tool = "export"};
    memset(caller.owner, who, sizeof caller.owner);
    CHECK_STATUS(owners_note(running.owners, &caller, OWNED_MCP_TASK, id, NULL), AIP_OK);
}

static bool
is_owner(unsigned char who, const char *id)
{
    owned_caller caller = {.upstream = "http://u", .tenant = "", .now_seconds = clock_now_seconds()};
    memset(caller.owner, who, sizeof caller.owner);
    return owners_check(running.owners, &caller, OWNED_MCP_TASK, id, NULL) == AIP_OK;
}

/* As when the database had nothing to add. */
static aip_status
check(void)
{
    x->owners_asked = true;
    x->arrived_status = AIP_OK;
    return x->route->protocol->check(x, NULL);
}

#define CALL "\"name\":\"export\",\"arguments\":{}"

static void
a_call_that_asks_for_a_task_makes_its_caller_the_owner(void)
{
    open_all();
    CHECK_STATUS(ask('a', "tools/call", CALL ",\"task\":{\"ttl\":1000}"), AIP_OK);
    CHECK_STATUS(answer("\"task\":{\"taskId\":\"t\"," STATE "}"), AIP_OK);
    CHECK(is_owner('a', "t") && !is_owner('b', "t") && out.size == 0);
    CHECK_STATUS(ask('b', "tools/call", CALL ",\"task\":{}"), AIP_OK);
    CHECK_STATUS(answer("\"task\":{\"taskId\":\"t\"," STATE "}"), AIP_UPSTREAM_INVALID);
    static const char *const bad[] = {"\"task\":{\"status\":\"working\"}", "\"task\":{\"taskId\":7}",
                                      "\"task\":{\"taskId\":\"\"}", "\"task\":{\"taskId\":\"a\\u0000b\"}",
                                      "\"task\":{\"taskId\":\"v\",\"taskid\":\"w\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(answer(bad[i]), AIP_UPSTREAM_INVALID);
    }
    CHECK_STATUS(answer("\"content\":[]"), AIP_OK); /* the server may answer at once */
    CHECK_STATUS(ask('b', "tools/call", CALL), AIP_OK);
    CHECK_STATUS(answer("\"task\":{\"taskId\":\"u\"}"), AIP_OK); /* a member of its own: nobody asked for a task */
    CHECK(!is_owner('b', "u") && !is_owner('b', "v"));
    end();
}

static void
modern_servers_begin_tasks_by_themselves(void)
{
    open_all();
    CHECK_STATUS(ask('a', "tools/call", CALL "," MODERN_META), AIP_OK);
    CHECK(x->modern);
    CHECK_STATUS(answer("\"resultType\":\"task\",\"taskId\":\"t\"," STATE), AIP_OK);
    CHECK(is_owner('a', "t"));
    CHECK_STATUS(answer("\"resultType\":\"complete\",\"taskId\":\"u\"," STATE), AIP_OK);
    CHECK(!is_owner('a', "u"));
    CHECK_STATUS(ask('b', "tools/call", CALL "," MODERN_META), AIP_OK);
    CHECK_STATUS(answer("\"resultType\":\"task\",\"taskId\":\"t\"," STATE), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(answer("\"resultType\":\"task\"," STATE), AIP_UPSTREAM_INVALID);
    end();
}

static void
others_find_no_such_task(void)
{
    static const char *const methods[] = {"tasks/get", "tasks/result", "tasks/cancel"};
    open_all();
    own('a', "t");
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(ask('a', methods[i], "\"taskId\":\"t\""), AIP_OK);
        CHECK(x->subject == POLICY_METHOD && x->wanted[0] == '\0' && !x->is_tool);
        CHECK_STATUS(check(), AIP_OK);
        CHECK_STATUS(ask('b', methods[i], "\"taskId\":\"t\""), AIP_OK);
        CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
        CHECK_STATUS(ask('a', methods[i], "\"taskId\":\"T\""), AIP_OK);
        CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
        CHECK_STATUS(ask('a', methods[i], ""), AIP_REQUEST_INVALID);
        CHECK_STATUS(ask('a', methods[i], "\"taskId\":{}"), AIP_REQUEST_INVALID);
        CHECK_STATUS(ask('a', methods[i], "\"taskId\":\"t\",\"TaskId\":\"u\""), AIP_JSON_AMBIGUOUS);
    }
    end();
}

static void
each_era_has_its_own_methods(void)
{
    open_all();
    CHECK_STATUS(ask('a', "tasks/update", "\"taskId\":\"t\",\"inputResponses\":{}"), AIP_REQUEST_METHOD);
    CHECK_STATUS(ask('a', "tasks/list", MODERN_META), AIP_REQUEST_METHOD);
    CHECK_STATUS(ask('a', "tasks/result", "\"taskId\":\"t\"," MODERN_META), AIP_REQUEST_METHOD);
    CHECK_STATUS(ask('a', "tasks/get", "\"taskId\":\"t\"," MODERN_META), AIP_OK);
    CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
    CHECK_STATUS(ask('a', "tasks/update", "\"taskId\":\"t\",\"inputResponses\":{}," MODERN_META), AIP_OK);
    CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
    CHECK_STATUS(ask('a', "tasks/get", "\"taskId\":\"t\",\"inputResponses\":{}," MODERN_META), AIP_REQUEST_INVALID);
    own('a', "t");
    CHECK_STATUS(ask('a', "tasks/update", "\"taskId\":\"t\",\"inputResponses\":{}," MODERN_META), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    end();
}

/* A server might put the answer to it into the task's own queue. */
static void
a_request_that_says_it_belongs_to_a_task_needs_that_task(void)
{
    open_all();
    own('a', "t");
    CHECK_STATUS(ask('a', "ping", RELATED "\"t\"}}"), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    CHECK_STATUS(ask('b', "ping", RELATED "\"t\"}}"), AIP_OK);
    CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
    CHECK_STATUS(ask('b', "ping", RELATED "7}}"), AIP_OK);
    CHECK_STATUS(check(), AIP_REQUEST_INVALID);
    CHECK_STATUS(ask('b', "ping", RELATED "\"u\",\"taskid\":\"t\"}}"), AIP_OK);
    CHECK_STATUS(check(), AIP_REQUEST_INVALID);
    CHECK_STATUS(ask('b', "ping", "\"_meta\":{\"io.modelcontextprotocol/Related-Task\":{}}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(ask('b', "ping", ""), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    static const char told[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{" RELATED "\"%s\"}}}}";
    char body[512];
    snprintf(body, sizeof body, told, "t");
    CHECK_STATUS(post('a', body), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    CHECK_STATUS(post('b', body), AIP_OK);
    CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
    snprintf(body, sizeof body, told, "of the client");
    CHECK_STATUS(post('b', body), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    CHECK_STATUS(
        post('b', "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"t\"}}"),
        AIP_OK);
    CHECK_STATUS(check(), AIP_TASK_NOT_FOUND);
    end();
}

static void
one_listens_to_ones_own_tasks(void)
{
    open_all();
    own('a', "t");
    own('a', "u");
    own('b', "v");
    static const struct {
        const char *ids;
        aip_status status;
    } rows[] = {{"[\"t\",\"u\"]", AIP_OK},
                {"[]", AIP_OK},
                {"[\"t\",\"v\"]", AIP_TASK_NOT_FOUND},
                {"[\"w\"]", AIP_TASK_NOT_FOUND},
                {"[7]", AIP_REQUEST_INVALID},
                {"[\"t\"],\"TaskIds\":[\"v\"]", AIP_JSON_AMBIGUOUS},
                {"\"t\"", AIP_REQUEST_INVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char params[512];
        snprintf(params, sizeof params, "\"notifications\":{\"taskIds\":%s}," MODERN_META, rows[i].ids);
        CHECK_STATUS(ask('a', "subscriptions/listen", params), AIP_OK);
        CHECK_STATUS(check(), rows[i].status);
    }
    char params[2048] = "\"notifications\":{\"taskIds\":[";
    for (int i = 0; i <= AIP_TASKS_NAMED_MAX; i++) {
        strcat(params, i == 0 ? "\"t\"" : ",\"t\"");
    }
    strcat(params, "]}," MODERN_META);
    CHECK_STATUS(ask('a', "subscriptions/listen", params), AIP_OK);
    CHECK_STATUS(check(), AIP_REQUEST_INVALID);
    end();
}

static void
a_list_goes_on_with_the_callers_own(void)
{
    open_all();
    own('a', "t");
    own('b', "u");
    CHECK_STATUS(ask('a', "tasks/list", "\"cursor\":\"next\""), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    CHECK_STATUS(answer("\"tasks\":[{\"taskId\":\"t\",\"n\":1e2},{\"taskId\":\"u\"},{\"taskId\":\"x\"},7,{},"
                        "{\"taskId\":\"t\",\"TaskId\":\"u\"}],\"nextCursor\":\"c\""),
                 AIP_OK);
    CHECK_TEXT(
        out.data,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tasks\":[{\"taskId\":\"t\",\"n\":1e2}],\"nextCursor\":\"c\"}}");
    CHECK_STATUS(answer("\"tasks\":[{\"taskId\":\"t\"}]"), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(answer("\"tasks\":{}"), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(answer("\"Tasks\":[]"), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(answer(""), AIP_UPSTREAM_INVALID);
    end();
}

static void
an_answer_is_about_the_task_that_was_asked_for(void)
{
    open_all();
    own('a', "t");
    own('a', "own too");
    CHECK_STATUS(ask('a', "tasks/get", "\"taskId\":\"t\""), AIP_OK);
    CHECK_STATUS(answer("\"taskId\":\"t\"," STATE), AIP_OK);
    CHECK_TEXT(x->answers_tool, "export");
    CHECK_STATUS(answer("\"taskId\":\"own too\"," STATE), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(ask('a', "tasks/result", "\"taskId\":\"t\""), AIP_OK);
    CHECK_STATUS(answer("\"content\":[]," RELATED "\"t\"}}"), AIP_OK);
    CHECK_TEXT(x->answers_tool, "export");
    CHECK_STATUS(answer("\"content\":[]"), AIP_OK);
    CHECK_STATUS(answer("\"content\":[]," RELATED "\"u\"}}"), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(answer("\"content\":[]," RELATED "7}}"), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(say("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"no\"}}"), AIP_OK);
    CHECK_TEXT(x->answers_tool, "export");
    end();
}

static void
what_a_server_says_of_others_tasks_is_left_out(void)
{
    static const struct {
        const char *text;
        bool shown;
    } rows[] = {
        {"\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"t\"}", true},
        {"\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"u\"}", false},
        {"\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"u\"," RELATED "\"t\"}}}", false},
        {"\"method\":\"notifications/tasks/status\"", false},
        {"\"method\":\"notifications/tasks\",\"params\":{\"taskId\":\"u\"}", false},
        {"\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1," RELATED "\"t\"}}}", true},
        {"\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1," RELATED "\"u\"}}}", false},
        {"\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1," RELATED "null}}}", false},
        {"\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1}", true},
        {"\"id\":5,\"method\":\"elicitation/create\",\"params\":{" RELATED "\"t\"}}}", true},
        {"\"id\":6,\"method\":\"elicitation/create\",\"params\":{" RELATED "\"u\"}}}", false},
        {"\"id\":7,\"method\":\"tasks/get\",\"params\":{\"taskId\":\"the client's\"}", true},
    };
    open_all();
    own('a', "t");
    own('b', "u");
    CHECK_STATUS(post('a', NULL), AIP_OK);
    x->phase = EXCHANGE_STREAMING;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",%s}", rows[i].text);
        CHECK_STATUS(say(text), AIP_OK);
        CHECK(x->left_out == !rows[i].shown);
    }
    const server_request shown = mcp_server_request(x, AIP_BYTES_LITERAL("5")),
                         hidden = mcp_server_request(x, AIP_BYTES_LITERAL("6"));
    CHECK(server_requests_noted(running.server_requests, &shown) != 0);
    CHECK(server_requests_noted(running.server_requests, &hidden) == 0);
    x->phase = EXCHANGE_WAITING; /* one JSON reply: there is nothing that could follow */
    CHECK_STATUS(say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks\",\"params\":{\"taskId\":\"u\"}}"),
                 AIP_UPSTREAM_INVALID);
    end();
}

static void
a_resumed_stream_is_judged_by_what_its_answers_are(void)
{
    open_all();
    own('a', "t");
    own('b', "u");
    CHECK_STATUS(post('a', NULL), AIP_OK);
    CHECK(exchange_add_field(x, AIP_BYTES_LITERAL("Last-Event-ID"), AIP_BYTES_LITERAL("1")));
    x->phase = EXCHANGE_STREAMING;
    CHECK_STATUS(answer("\"task\":{\"taskId\":\"new\"," STATE "}"), AIP_OK);
    CHECK(is_owner('a', "new"));
    CHECK_STATUS(answer("\"tasks\":[{\"taskId\":\"u\"}]"), AIP_OK);
    CHECK_TEXT(out.data, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tasks\":[]}}");
    CHECK_STATUS(answer("\"taskId\":\"u\"," STATE), AIP_OK);
    CHECK(x->left_out);
    CHECK_STATUS(answer("\"content\":[]," RELATED "\"u\"}}"), AIP_OK);
    CHECK(x->left_out);
    CHECK_STATUS(answer("\"content\":[]," RELATED "\"t\"}}"), AIP_OK);
    CHECK(!x->left_out);
    CHECK_TEXT(x->answers_tool, "export");
    CHECK_STATUS(answer("\"content\":[]"), AIP_OK);
    CHECK(!x->left_out && x->answers_tool == NULL);
    end();
}

static void
without_a_memory_nothing_is_found(void)
{
    open_all();
    owners_free(&running.owners);
    CHECK_STATUS(ask('a', "tasks/get", "\"taskId\":\"t\""), AIP_OK);
    CHECK_STATUS(check(), AIP_INTERNAL);
    CHECK_STATUS(ask('a', "ping", ""), AIP_OK);
    CHECK_STATUS(check(), AIP_OK);
    CHECK_STATUS(ask('a', "tools/call", CALL ",\"task\":{}"), AIP_OK);
    CHECK_STATUS(answer("\"task\":{\"taskId\":\"t\"," STATE "}"), AIP_UPSTREAM_INVALID);
    end();
    const gateway_settings *last = settings;
    settings_drop(&last);
    server_requests_free(&running.server_requests);
}

RUN(TEST(a_call_that_asks_for_a_task_makes_its_caller_the_owner), TEST(modern_servers_begin_tasks_by_themselves),
    TEST(others_find_no_such_task), TEST(each_era_has_its_own_methods),
    TEST(a_request_that_says_it_belongs_to_a_task_needs_that_task), TEST(one_listens_to_ones_own_tasks),
    TEST(a_list_goes_on_with_the_callers_own), TEST(an_answer_is_about_the_task_that_was_asked_for),
    TEST(what_a_server_says_of_others_tasks_is_left_out), TEST(a_resumed_stream_is_judged_by_what_its_answers_are),
    TEST(without_a_memory_nothing_is_found))
