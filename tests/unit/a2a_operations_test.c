/* A2A: what requests of both versions and bindings mean, whose tasks are whose, who may be notified, what is refused.
 */
#include <stdlib.h>

#include "base/json.h"
#include "check.h"
#include "crypto/hash.h"
#include "gateway/a2a_errors.h"
#include "gateway/a2a_push.h"
#include "gateway/a2a_tasks.h"
#include "gateway/target.h"
#include "tests/unit/a2a_sdk_requests.h"

#define NOW 1800000000

static aip_bytes
bytes(const char *text)
{
    return aip_bytes_of(text);
}

/* ---- methods and paths ---- */

static void
both_versions_of_a_method_mean_the_same(void)
{
    static const struct {
        const char *old, *new;
        a2a_operation operation;
    } rows[] = {
        {"message/send", "SendMessage", A2A_SEND_MESSAGE},
        {"message/stream", "SendStreamingMessage", A2A_SEND_STREAMING_MESSAGE},
        {"tasks/get", "GetTask", A2A_GET_TASK},
        {NULL, "ListTasks", A2A_LIST_TASKS},
        {"tasks/cancel", "CancelTask", A2A_CANCEL_TASK},
        {"tasks/resubscribe", "SubscribeToTask", A2A_SUBSCRIBE_TO_TASK},
        {"tasks/pushNotificationConfig/set", "CreateTaskPushNotificationConfig", A2A_CREATE_PUSH_CONFIG},
        {"tasks/pushNotificationConfig/get", "GetTaskPushNotificationConfig", A2A_GET_PUSH_CONFIG},
        {"tasks/pushNotificationConfig/list", "ListTaskPushNotificationConfigs", A2A_LIST_PUSH_CONFIGS},
        {"tasks/pushNotificationConfig/delete", "DeleteTaskPushNotificationConfig", A2A_DELETE_PUSH_CONFIG},
        {"agent/getAuthenticatedExtendedCard", "GetExtendedAgentCard", A2A_GET_EXTENDED_CARD},
    };
    CHECK(sizeof rows / sizeof rows[0] == A2A_OPERATION_COUNT);
    for (size_t i = 0; i < A2A_OPERATION_COUNT; i++) {
        a2a_match match;
        CHECK_STATUS(a2a_match_method(bytes(rows[i].new), &match, NULL), AIP_OK);
        CHECK(match.row->operation == rows[i].operation && match.version == A2A_1_0);
        CHECK_TEXT(match.row->name, rows[i].new);
        CHECK(strncmp(match.row->scope, "a2a:", 4) == 0);
        CHECK_TEXT(match.row->scope + 4, rows[i].old == NULL ? "tasks/list" : rows[i].old);
        if (rows[i].old != NULL) {
            CHECK_STATUS(a2a_match_method(bytes(rows[i].old), &match, NULL), AIP_OK);
            CHECK(match.row->operation == rows[i].operation && match.version == A2A_0_3);
        }
    }
}

static void
unknown_methods_are_refused(void)
{
    static const char *const rows[] = {"",
                                       "sendMessage",
                                       "SENDMESSAGE",
                                       "SendMessage ",
                                       "message/send/",
                                       "tasks/send",
                                       "tasks/list",
                                       "QuerySkill",
                                       "tools/call",
                                       "SetTaskPushNotificationConfig",
                                       "Message/Send",
                                       "message\\send",
                                       "ListTaskPushNotificationConfig"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_match match;
        CHECK_STATUS(a2a_match_method(bytes(rows[i]), &match, NULL), AIP_REQUEST_METHOD);
    }
    a2a_match match;
    CHECK_STATUS(a2a_match_method((aip_bytes){(const unsigned char *)"GetTask\0", 8}, &match, NULL),
                 AIP_REQUEST_METHOD);
}

static void
rest_paths_are_found_with_what_they_name(void)
{
    static const struct {
        const char *method, *path;
        a2a_operation operation;
        a2a_version version;
        const char *tenant, *task, *config;
    } rows[] = {
        {"POST", "/message:send", A2A_SEND_MESSAGE, A2A_1_0, "", "", ""},
        {"POST", "/message:stream", A2A_SEND_STREAMING_MESSAGE, A2A_1_0, "", "", ""},
        {"POST", "/v1/message:send", A2A_SEND_MESSAGE, A2A_0_3, "", "", ""},
        {"POST", "/acme/message:send", A2A_SEND_MESSAGE, A2A_1_0, "acme", "", ""},
        {"GET", "/tasks", A2A_LIST_TASKS, A2A_1_0, "", "", ""},
        {"GET", "/acme/tasks", A2A_LIST_TASKS, A2A_1_0, "acme", "", ""},
        {"GET", "/tasks/t-1", A2A_GET_TASK, A2A_1_0, "", "t-1", ""},
        {"GET", "/tasks/t%2D1%20x", A2A_GET_TASK, A2A_1_0, "", "t-1 x", ""},
        {"GET", "/tasks/tasks", A2A_GET_TASK, A2A_1_0, "", "tasks", ""},
        {"GET", "/v1/tasks/t", A2A_GET_TASK, A2A_0_3, "", "t", ""},
        {"POST", "/tasks/t:cancel", A2A_CANCEL_TASK, A2A_1_0, "", "t", ""},
        {"GET", "/tasks/t:subscribe", A2A_SUBSCRIBE_TO_TASK, A2A_1_0, "", "t", ""},
        {"POST", "/tasks/t:subscribe", A2A_SUBSCRIBE_TO_TASK, A2A_1_0, "", "t", ""},
        {"POST", "/v1/tasks/t:subscribe", A2A_SUBSCRIBE_TO_TASK, A2A_0_3, "", "t", ""},
        {"GET", "/v1/tasks/t:subscribe", A2A_SUBSCRIBE_TO_TASK, A2A_0_3, "", "t", ""},
        {"POST", "/tasks/t/pushNotificationConfigs", A2A_CREATE_PUSH_CONFIG, A2A_1_0, "", "t", ""},
        {"GET", "/tasks/t/pushNotificationConfigs", A2A_LIST_PUSH_CONFIGS, A2A_1_0, "", "t", ""},
        {"GET", "/a/tasks/t/pushNotificationConfigs/c", A2A_GET_PUSH_CONFIG, A2A_1_0, "a", "t", "c"},
        {"DELETE", "/v1/tasks/t/pushNotificationConfigs/c", A2A_DELETE_PUSH_CONFIG, A2A_0_3, "", "t", "c"},
        {"GET", "/extendedAgentCard", A2A_GET_EXTENDED_CARD, A2A_1_0, "", "", ""},
        {"GET", "/v1/card", A2A_GET_EXTENDED_CARD, A2A_0_3, "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_match match;
        CHECK_STATUS(a2a_match_path(rows[i].method, bytes(rows[i].path), &match, NULL), AIP_OK);
        CHECK(match.row != NULL && match.row->operation == rows[i].operation && match.version == rows[i].version);
        CHECK_TEXT(match.tenant, rows[i].tenant);
        CHECK_TEXT(match.task, rows[i].task);
        CHECK_TEXT(match.config, rows[i].config);
    }
}

static void
paths_that_could_be_read_otherwise_are_refused(void)
{
    static const char *const rows[] = {
        "",
        "message:send",
        "//message:send",
        "/tasks//t",
        "/tasks/t/",
        "/tasks/",
        "/tasks/.",
        "/tasks/..",
        "/tasks/%2e%2E",
        "/a/../tasks/t",
        "/./tasks/t",
        "/tasks/a%2Fb",
        "/tasks/a%2fpushNotificationConfigs",
        "/tasks/a%5Cb",
        "/tasks/a\\b",
        "/tasks/a%252Fb",
        "/tasks/a%25",
        "/tasks/a%",
        "/tasks/a%4",
        "/tasks/a%zz",
        "/tasks/a%00",
        "/tasks/a%0a",
        "/tasks/a%7F",
        "/tasks/a;v=1",
        "/tasks/a%3Bv=1",
        "/tasks/a?b",
        "/tasks/a%3Fb",
        "/tasks/a%23b",
        "/tasks/a#b",
        "/tasks/a b",
        "/tasks/\xC3\xA9",
        "/tasks/%C3",
        "/tasks/%C0%AFx",
        "/tasks/t%3Acancel",
        "/tasks/t%3asubscribe",
        "/message%3Asend",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_match match;
        aip_status status = a2a_match_path("GET", bytes(rows[i]), &match, NULL);
        CHECK_STATUS(status, AIP_REQUEST_INVALID);
        if (status != AIP_REQUEST_INVALID) {
            printf("  at %s\n", rows[i]);
        }
    }
    char *many = calloc(1, 4096);
    for (size_t i = 0; many != NULL && i < 2000; i++) {
        many[i] = i % 2 == 0 ? '/' : 'a';
    }
    a2a_match match;
    CHECK_STATUS(a2a_match_path("GET", bytes(many), &match, NULL), AIP_REQUEST_INVALID);
    memset(many, 'a', 4000);
    many[0] = '/';
    CHECK_STATUS(a2a_match_path("GET", bytes(many), &match, NULL), AIP_REQUEST_INVALID);
    free(many);
}

static void
paths_and_http_methods_without_a_row_are_refused(void)
{
    static const struct {
        const char *method, *path;
        aip_status status;
    } rows[] = {
        {"GET", "/message:send", AIP_REQUEST_HTTP_METHOD},
        {"POST", "/tasks", AIP_REQUEST_HTTP_METHOD},
        {"DELETE", "/tasks/t", AIP_REQUEST_HTTP_METHOD},
        {"PUT", "/tasks/t/pushNotificationConfigs", AIP_REQUEST_HTTP_METHOD},
        {"get", "/tasks/t", AIP_REQUEST_HTTP_METHOD},
        {"GE", "/tasks/t", AIP_REQUEST_HTTP_METHOD},
        {"", "/tasks/t", AIP_REQUEST_HTTP_METHOD},
        {"GET, POST", "/tasks/t:subscribe", AIP_REQUEST_HTTP_METHOD},
        {"GET", "/", AIP_REQUEST_NOT_FOUND},
        {"GET", "/Tasks/t", AIP_REQUEST_NOT_FOUND},
        {"GET", "/v1", AIP_REQUEST_NOT_FOUND},
        {"GET", "/v1/tasks", AIP_REQUEST_NOT_FOUND},
        {"GET", "/V1/tasks:x", AIP_REQUEST_NOT_FOUND},
        {"GET", "/v1/extendedAgentCard", AIP_REQUEST_NOT_FOUND},
        {"GET", "/card", AIP_REQUEST_NOT_FOUND},
        {"POST", "/message:sends", AIP_REQUEST_NOT_FOUND},
        {"POST", "/tasks/t:purge", AIP_REQUEST_NOT_FOUND},
        {"POST", "/tasks/:cancel", AIP_REQUEST_NOT_FOUND},
        {"POST", "/tasks/t:cancel:cancel", AIP_REQUEST_NOT_FOUND},
        {"GET", "/tasks/a/b", AIP_REQUEST_NOT_FOUND},
        {"POST", "/tasks/message:send", AIP_REQUEST_NOT_FOUND},
        {"POST", "/v1/acme/message:send", AIP_REQUEST_NOT_FOUND},
        {"POST", "/a/b/message:send", AIP_REQUEST_NOT_FOUND},
        {"POST", "/skills/s/query", AIP_REQUEST_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_match match;
        CHECK_STATUS(a2a_match_path(rows[i].method, bytes(rows[i].path), &match, NULL), rows[i].status);
    }
    a2a_match match;
    CHECK_STATUS(a2a_match_path("PUT", bytes("/tasks/t:subscribe"), &match, NULL), AIP_REQUEST_HTTP_METHOD);
    CHECK_TEXT(match.row->http, "GET, POST");
}

/* ---- version and extensions ---- */

static void
a_request_has_one_version(void)
{
    static const struct {
        const char *header, *query;
        aip_status status;
        a2a_version version;
    } rows[] = {
        {NULL, "", AIP_OK, A2A_0_3},
        {"", "", AIP_OK, A2A_0_3},
        {"0.3", "", AIP_OK, A2A_0_3},
        {"1.0", "", AIP_OK, A2A_1_0},
        {NULL, "A2A-Version=1.0", AIP_OK, A2A_1_0},
        {NULL, "x=1&A2A-Version=1%2E0&y", AIP_OK, A2A_1_0},
        {"1.0", "A2A-Version=1.0", AIP_OK, A2A_1_0},
        {"1.0", "A2A-Version=0.3", AIP_REQUEST_HEADERS, A2A_0_3},
        {"", "A2A-Version=1.0", AIP_REQUEST_HEADERS, A2A_0_3},
        {NULL, "A2A-Version=1.0&A2A-Version=1.0", AIP_REQUEST_INVALID, A2A_0_3},
        {NULL, "a2a-version=1.0", AIP_REQUEST_INVALID, A2A_0_3},
        {NULL, "A2A%2DVersion=1.0&A2A-version=0.3", AIP_REQUEST_INVALID, A2A_0_3},
        {NULL, "A2A-Version=%zz", AIP_REQUEST_INVALID, A2A_0_3},
        {"1", "", AIP_A2A_VERSION, A2A_0_3},
        {"1.0.0", "", AIP_A2A_VERSION, A2A_0_3},
        {"1.00", "", AIP_A2A_VERSION, A2A_0_3},
        {"1.1", "", AIP_A2A_VERSION, A2A_0_3},
        {"2.0", "", AIP_A2A_VERSION, A2A_0_3},
        {"0.2", "", AIP_A2A_VERSION, A2A_0_3},
        {"v1.0", "", AIP_A2A_VERSION, A2A_0_3},
        {"1.0, 0.3", "", AIP_A2A_VERSION, A2A_0_3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_version version;
        aip_status status = a2a_read_version(bytes(rows[i].header), rows[i].header == NULL ? 0 : 1,
                                             bytes(rows[i].query), &version, NULL);
        CHECK_STATUS(status, rows[i].status);
        CHECK(status != AIP_OK || version == rows[i].version);
    }
    a2a_version version;
    CHECK_STATUS(a2a_read_version(bytes("1.0"), 2, bytes(""), &version, NULL), AIP_REQUEST_HEADERS);
}

static void
dialect_and_version_must_agree(void)
{
    a2a_match match;
    CHECK_STATUS(a2a_match_method(bytes("SendMessage"), &match, NULL), AIP_OK);
    CHECK_STATUS(a2a_check_dialect(&match, A2A_1_0, NULL), AIP_OK);
    CHECK_STATUS(a2a_check_dialect(&match, A2A_0_3, NULL), AIP_A2A_VERSION);
    CHECK_STATUS(a2a_match_path("POST", bytes("/v1/message:send"), &match, NULL), AIP_OK);
    CHECK_STATUS(a2a_check_dialect(&match, A2A_1_0, NULL), AIP_A2A_VERSION);
    CHECK_STATUS(a2a_check_dialect(&match, A2A_0_3, NULL), AIP_OK);
}

static void
extensions_are_a_list_of_uris(void)
{
    a2a_extensions asked;
    CHECK_STATUS(
        a2a_read_extensions(bytes("https://a.test/x/v1 ,\thttps://b.test,,https://b.test"), bytes(""), &asked, NULL),
        AIP_OK);
    CHECK(asked.count == 2);
    CHECK(aip_bytes_equal(asked.uris[0], bytes("https://a.test/x/v1")) &&
          aip_bytes_equal(asked.uris[1], bytes("https://b.test")));
    CHECK_STATUS(a2a_read_extensions(bytes(""), bytes("urn:x"), &asked, NULL), AIP_OK);
    CHECK(asked.count == 1 && aip_bytes_equal(asked.uris[0], bytes("urn:x")));
    CHECK_STATUS(a2a_read_extensions(bytes("urn:x,urn:y"), bytes("urn:y, urn:x"), &asked, NULL), AIP_OK);
    CHECK_STATUS(a2a_read_extensions(bytes(" , "), bytes(""), &asked, NULL), AIP_OK);
    CHECK(asked.count == 0);
    CHECK_STATUS(a2a_read_extensions(bytes("urn:x"), bytes("urn:y"), &asked, NULL), AIP_REQUEST_HEADERS);
    CHECK_STATUS(a2a_read_extensions(bytes("noscheme"), bytes(""), &asked, NULL), AIP_REQUEST_HEADERS);
    CHECK_STATUS(a2a_read_extensions(bytes("urn:a b"), bytes(""), &asked, NULL), AIP_REQUEST_HEADERS);
    CHECK_STATUS(a2a_read_extensions(bytes("\"urn:a\""), bytes(""), &asked, NULL), AIP_REQUEST_HEADERS);
    CHECK_STATUS(a2a_read_extensions(bytes("u:1,u:2,u:3,u:4,u:5,u:6,u:7,u:8,u:9,u:a,u:b,u:c,u:d,u:e,u:f,u:g,u:h"),
                                     bytes(""), &asked, NULL),
                 AIP_REQUEST_HEADERS);
}

/* ---- facts ---- */

static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, 4096};

/* Of a JSON-RPC request with these params. */
static aip_status
read_rpc(const char *method, const char *params, a2a_facts *out)
{
    a2a_match match;
    scan_document document;
    text_buffer TEXT_AUTO text = {0};
    text_append_format(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
    CHECK_STATUS(a2a_match_method(bytes(method), &match, NULL), AIP_OK);
    CHECK_STATUS(scan_load(text_view(&text), &limits, &document, NULL), AIP_OK);
    aip_status status = a2a_facts_read(&match, &document, bytes(""), out, NULL);
    scan_clear(&document);
    return status;
}

static aip_status
read_rest(const char *request, const char *query, const char *body, a2a_facts *out)
{
    a2a_match match;
    scan_document document;
    char method[16] = "";
    size_t size = strcspn(request, " ");
    memcpy(method, request, size);
    CHECK_STATUS(a2a_match_path(method, bytes(request + size + 1), &match, NULL), AIP_OK);
    if (body == NULL) {
        return a2a_facts_read(&match, NULL, bytes(query), out, NULL);
    }
    CHECK_STATUS(scan_load(bytes(body), &limits, &document, NULL), AIP_OK);
    aip_status status = a2a_facts_read(&match, &document, bytes(query), out, NULL);
    scan_clear(&document);
    return status;
}

#define MESSAGE "\"messageId\":\"m\",\"role\":\"ROLE_USER\",\"parts\":[{\"text\":\"hi\"}]"

static void
a_message_tells_its_task_and_context(void)
{
    a2a_facts facts;
    static const char *const methods[] = {"SendMessage", "SendStreamingMessage", "message/send", "message/stream"};
    for (size_t i = 0; i < 4; i++) {
        CHECK_STATUS(read_rpc(methods[i],
                              "{\"tenant\":\"acme\",\"message\":{" MESSAGE ",\"taskId\":\"t\\u002d1\",\"contextId\":"
                              "\"c\",\"referenceTaskIds\":[\"r\"]},\"configuration\":{\"historyLength\":3},"
                              "\"metadata\":{\"aip_token\":\"x.y.z\",\"skillId\":\"plan\",\"other\":{}}}",
                              &facts),
                     AIP_OK);
        CHECK_TEXT(facts.task, "t-1");
        CHECK_TEXT(facts.context, "c");
        CHECK_TEXT(facts.tenant, "acme");
        CHECK_TEXT(facts.skill, "plan");
        CHECK(facts.references != SCAN_NONE && facts.history != SCAN_NONE && facts.message != SCAN_NONE);
        CHECK(facts.aip_token != SCAN_NONE && facts.secret_count == 1 && facts.secrets[0] == facts.aip_token);
        CHECK(!facts.registers_push && facts.row->streams == (i % 2 == 1));
    }
    CHECK_STATUS(read_rpc("SendMessage", "{\"message\":{" MESSAGE ",\"taskId\":null,\"contextId\":\"\"}}", &facts),
                 AIP_OK);
    CHECK_TEXT(facts.task, "");
    CHECK_TEXT(facts.context, "");
    CHECK_STATUS(read_rest("POST /v1/message:send", "",
                           "{\"message\":{\"messageId\":\"m\",\"content\":[],\"taskId\":\"t\"}}", &facts),
                 AIP_OK);
    CHECK_TEXT(facts.task, "t");
}

static void
messages_that_could_be_read_otherwise_are_refused(void)
{
    static const struct {
        const char *params;
        aip_status status;
    } rows[] = {
        {"{}", AIP_REQUEST_INVALID},
        {"[]", AIP_REQUEST_INVALID},
        {"{\"message\":null}", AIP_REQUEST_INVALID},
        {"{\"message\":[]}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"task_id\":\"t\"}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE ",\"context_id\":\"t\"}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE ",\"context\\u005fid\":\"t\"}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE ",\"TaskId\":\"t\"}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE ",\"tas\xE2\x84\xAAId\":\"t\"}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE ",\"reference_task_ids\":[]}}", AIP_JSON_AMBIGUOUS},
        {"{\"Message\":{" MESSAGE "},\"message\":{" MESSAGE "}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"task_push_notification_config\":{\"url\":\"https://a.b\"}}}",
         AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"push_notification\":{\"url\":\"https://a.b\"}}}",
         AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE ",\"taskId\":7}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"taskId\":[\"t\"]}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"taskId\":\"a b\"}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"taskId\":\"a\\u0000\"}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"referenceTaskIds\":\"r\"}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"referenceTaskIds\":[1]}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"referenceTaskIds\":[\"\"]}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"id\":\"t\"}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"taskId\":\"t\"}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"contextId\":\"t\"}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"request\":{" MESSAGE "}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"pushNotificationConfig\":{\"url\":\"https://a.b\"}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"metadata\":{\"aip_token\":\"x\"}}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"metadata\":{\"AIP_TOKEN\":\"x\"}}", AIP_JSON_AMBIGUOUS},
        {"{\"message\":{" MESSAGE "},\"metadata\":\"x\"}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"taskPushNotificationConfig\":{\"url\":\"https://"
         "evil.example\",\"pushNotificationConfig\":{\"url\":\"https://a.b\"}}}}",
         AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE
         "},\"configuration\":{\"pushNotificationConfig\":{\"url\":\"https://a.b\",\"config\":{}}}}",
         AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotificationConfig\":{\"pushNotificationConfig\":{"
         "\"url\":\"https://a.b\",\"pushNotificationConfig\":{}}}}}",
         AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotificationConfig\":{}}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotificationConfig\":{\"url\":1}}}", AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotificationConfig\":{\"url\":\"https://a.b\\u0000\"}}}",
         AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotificationConfig\":{\"url\":\"https://a.b\"},"
         "\"taskPushNotificationConfig\":{\"url\":\"https://c.d\"}}}",
         AIP_REQUEST_INVALID},
        {"{\"message\":{" MESSAGE ",\"taskId\":\"t\"},\"configuration\":{\"taskPushNotificationConfig\":{\"taskId\":"
         "\"u\",\"url\":\"https://c.d\"}}}",
         AIP_REQUEST_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_facts facts;
        CHECK_STATUS(read_rpc("SendMessage", rows[i].params, &facts), rows[i].status);
        CHECK_STATUS(read_rpc("message/send", rows[i].params, &facts), rows[i].status);
    }
}

static void
tasks_are_named_as_the_version_names_them(void)
{
    static const struct {
        const char *method, *params, *task, *config;
    } rows[] = {
        {"GetTask", "{\"id\":\"t\",\"historyLength\":1}", "t", ""},
        {"tasks/get", "{\"id\":\"t\",\"metadata\":{}}", "t", ""},
        {"CancelTask", "{\"id\":\"t\"}", "t", ""},
        {"tasks/resubscribe", "{\"id\":\"t\"}", "t", ""},
        {"GetTaskPushNotificationConfig", "{\"taskId\":\"t\",\"id\":\"c\"}", "t", "c"},
        {"tasks/pushNotificationConfig/get", "{\"id\":\"t\",\"pushNotificationConfigId\":\"c\"}", "t", "c"},
        {"DeleteTaskPushNotificationConfig", "{\"taskId\":\"t\",\"id\":\"c\"}", "t", "c"},
        {"tasks/pushNotificationConfig/delete", "{\"id\":\"t\",\"pushNotificationConfigId\":\"c\"}", "t", "c"},
        {"ListTaskPushNotificationConfigs", "{\"taskId\":\"t\"}", "t", ""},
        {"tasks/pushNotificationConfig/list", "{\"id\":\"t\"}", "t", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_facts facts;
        CHECK_STATUS(read_rpc(rows[i].method, rows[i].params, &facts), AIP_OK);
        CHECK_TEXT(facts.task, rows[i].task);
        CHECK_TEXT(facts.config, rows[i].config);
    }
    static const struct {
        const char *method, *params;
    } bad[] = {
        {"GetTask", "{}"},
        {"GetTask", "{\"id\":\"\"}"},
        {"GetTask", "{\"id\":\"t\",\"taskId\":\"u\"}"},
        {"GetTask", "{\"taskId\":\"t\"}"},
        {"GetTask", "{\"id\":\"t\",\"name\":\"tasks/u\"}"},
        {"GetTask", "{\"id\":\"t\",\"contextId\":\"c\"}"},
        {"tasks/get", "{\"id\":\"t\",\"message\":{}}"},
        {"CancelTask", "{\"id\":null}"},
        {"tasks/pushNotificationConfig/get", "{\"id\":\"t\",\"taskId\":\"u\"}"},
        {"ListTaskPushNotificationConfigs", "{\"taskId\":\"t\",\"id\":\"c\"}"},
        {"ListTasks", "{\"taskId\":\"t\"}"},
        {"GetExtendedAgentCard", "{\"id\":\"t\"}"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        a2a_facts facts;
        CHECK_STATUS(read_rpc(bad[i].method, bad[i].params, &facts), AIP_REQUEST_INVALID);
    }
    a2a_facts facts;
    CHECK_STATUS(read_rpc("ListTasks", "{\"contextId\":\"c\",\"pageSize\":5}", &facts), AIP_OK);
    CHECK_TEXT(facts.context, "c");
    CHECK_STATUS(read_rpc("ListTasks", "{\"context_id\":\"c\"}", &facts), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(read_rpc("GetTask", "{\"id\":\"t\",\"history_length\":1}", &facts), AIP_JSON_AMBIGUOUS);
}

static void
a_registration_tells_its_address_and_its_secrets(void)
{
    a2a_facts facts;
    CHECK_STATUS(read_rpc("CreateTaskPushNotificationConfig",
                          "{\"taskId\":\"t\",\"id\":\"c\",\"url\":\"https://h.example/n\",\"token\":\"s1\","
                          "\"authentication\":{\"scheme\":\"Bearer\",\"credentials\":\"s2\"}}",
                          &facts),
                 AIP_OK);
    CHECK(facts.registers_push && facts.secret_count == 2);
    CHECK_TEXT(facts.push_url, "https://h.example/n");
    CHECK_TEXT(facts.config, "c");
    CHECK_STATUS(read_rpc("tasks/pushNotificationConfig/set",
                          "{\"taskId\":\"t\",\"pushNotificationConfig\":{\"id\":\"c\",\"url\":\"https://h.example/n\","
                          "\"token\":\"s1\",\"authentication\":{\"schemes\":[\"Bearer\"],\"credentials\":\"s2\"}}}",
                          &facts),
                 AIP_OK);
    CHECK(facts.registers_push && facts.secret_count == 2);
    CHECK_TEXT(facts.config, "c");
    CHECK_STATUS(read_rest("POST /tasks/t/pushNotificationConfigs", "", "{\"url\":\"https://h.example/n\"}", &facts),
                 AIP_OK);
    CHECK_TEXT(facts.push_url, "https://h.example/n");
    CHECK_STATUS(read_rest("POST /v1/tasks/t/pushNotificationConfigs", "",
                           "{\"name\":\"tasks/t/pushNotificationConfigs/c\",\"pushNotificationConfig\":{\"url\":"
                           "\"https://h.example/n\",\"token\":\"s\"}}",
                           &facts),
                 AIP_OK);
    CHECK(facts.registers_push && facts.secret_count == 1);
    CHECK_STATUS(read_rest("POST /v1/tasks/t/pushNotificationConfigs", "",
                           "{\"parent\":\"tasks/t\",\"configId\":\"c\",\"config\":{\"name\":\"\","
                           "\"pushNotificationConfig\":{\"url\":\"https://h.example/n\"}}}",
                           &facts),
                 AIP_OK);
    CHECK_TEXT(facts.config, "c");
    CHECK_STATUS(read_rpc("message/send",
                          "{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotificationConfig\":{\"url\":"
                          "\"https://h.example/n\",\"token\":\"s\"}}}",
                          &facts),
                 AIP_OK);
    CHECK(facts.registers_push && facts.secret_count == 1);
    CHECK_STATUS(read_rest("POST /v1/message:send", "",
                           "{\"message\":{" MESSAGE "},\"configuration\":{\"pushNotification\":{\"url\":"
                           "\"https://h.example/n\"}}}",
                           &facts),
                 AIP_OK);
    CHECK(facts.registers_push);
}

static void
registrations_that_name_two_things_are_refused(void)
{
    static const struct {
        const char *request, *body;
    } rows[] = {
        {"POST /tasks/t/pushNotificationConfigs", NULL},
        {"POST /tasks/t/pushNotificationConfigs", "{}"},
        {"POST /tasks/t/pushNotificationConfigs", "{\"taskId\":\"u\",\"url\":\"https://h.example\"}"},
        {"POST /tasks/t/pushNotificationConfigs",
         "{\"url\":\"https://h.example\",\"pushNotificationConfig\":{\"url\":\"https://i.example\"}}"},
        {"POST /tasks/t/pushNotificationConfigs", "{\"config\":{\"url\":\"https://h.example\"}}"},
        {"POST /v1/tasks/t/pushNotificationConfigs", "{\"url\":\"https://h.example\"}"},
        {"POST /v1/tasks/t/pushNotificationConfigs",
         "{\"name\":\"tasks/u/pushNotificationConfigs/c\",\"pushNotificationConfig\":{\"url\":\"https://h.example\"}}"},
        {"POST /v1/tasks/t/pushNotificationConfigs",
         "{\"name\":\"tasks/tt\",\"pushNotificationConfig\":{\"url\":\"https://h.example\"}}"},
        {"POST /v1/tasks/t/pushNotificationConfigs",
         "{\"parent\":\"tasks/u\",\"config\":{\"pushNotificationConfig\":{\"url\":\"https://h.example\"}}}"},
        {"POST /v1/tasks/t/pushNotificationConfigs",
         "{\"config\":{\"name\":\"tasks/u/x\",\"pushNotificationConfig\":{\"url\":\"https://h.example\"}}}"},
        {"POST /v1/tasks/t/pushNotificationConfigs",
         "{\"config\":{\"pushNotificationConfig\":{\"url\":\"https://"
         "h.example\"}},\"pushNotificationConfig\":{\"url\":\"https://i.example\"}}"},
        {"POST /v1/tasks/t:cancel", "{\"name\":\"tasks/u\"}"},
        {"POST /tasks/t:cancel", "{\"id\":\"u\"}"},
        {"POST /tasks/t:cancel", "[]"},
        {"POST /acme/tasks/t:cancel", "{\"tenant\":\"other\"}"},
        {"POST /message:send", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_facts facts;
        aip_status status = read_rest(rows[i].request, "", rows[i].body, &facts);
        CHECK_STATUS(status, AIP_REQUEST_INVALID);
        if (status != AIP_REQUEST_INVALID) {
            printf("  at %zu\n", i);
        }
    }
    a2a_facts facts;
    CHECK_STATUS(read_rest("POST /v1/tasks/t:cancel", "", "{\"name\":\"tasks/t\"}", &facts), AIP_OK);
    CHECK_STATUS(read_rest("POST /acme/tasks/t:cancel", "", "{\"tenant\":\"acme\",\"id\":\"t\"}", &facts), AIP_OK);
    CHECK_STATUS(read_rest("POST /tasks/t:cancel", "", NULL, &facts), AIP_OK);
}

static void
a_query_names_what_belongs_to_it_and_nothing_else(void)
{
    a2a_facts facts;
    CHECK_STATUS(read_rest("GET /tasks", "contextId=c%2D1&pageSize=3&x=y&A2A-Version=1.0", NULL, &facts), AIP_OK);
    CHECK_TEXT(facts.context, "c-1");
    static const char *const rows[] = {"contextId=a&contextId=b",
                                       "context_id=a",
                                       "contextid=a",
                                       "tenant=x",
                                       "taskId=t",
                                       "id=t",
                                       "contextId=%",
                                       "page_size=3",
                                       "contextId=%00",
                                       "contextId=a+b",
                                       "context%49d=a&contextId=b"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_STATUS(read_rest("GET /tasks", rows[i], NULL, &facts), AIP_REQUEST_INVALID);
    }
    CHECK_STATUS(read_rest("GET /tasks/t", "historyLength=2", NULL, &facts), AIP_OK);
    CHECK_STATUS(read_rest("GET /tasks/t", "taskId=u", NULL, &facts), AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("GET /tasks/t", "id=u", NULL, &facts), AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("DELETE /tasks/t/pushNotificationConfigs/c", "id=d", NULL, &facts), AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("GET /tasks/t/pushNotificationConfigs/c", "taskId=u", NULL, &facts), AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("POST /tasks/t/pushNotificationConfigs", "url=https://10.0.0.1/",
                           "{\"url\":\"https://example.com/\"}", &facts),
                 AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("POST /tasks/t:cancel", "metadata=x", "{}", &facts), AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("GET /tasks/t", "name=tasks/u", NULL, &facts), AIP_REQUEST_INVALID);
    CHECK_STATUS(read_rest("GET /v1/tasks/t", "contextId=u", NULL, &facts), AIP_REQUEST_INVALID);
}

/* Reads a recorded request as the gateway would. */
static aip_status
read_recorded(size_t i, a2a_facts *out)
{
    a2a_match match;
    a2a_version version;
    scan_document document = {.count = 0};
    aip_bytes query = bytes(sdk_requests[i].query);
    bool body = sdk_requests[i].body[0] != '\0';
    CHECK(!body || scan_load(bytes(sdk_requests[i].body), &limits, &document, NULL) == AIP_OK);
    if (sdk_requests[i].path[0] == '\0') {
        aip_bytes method = {NULL, 0};
        CHECK_STATUS(scan_plain_string(&document, scan_member(&document, 0, "method"), &method, NULL), AIP_OK);
        CHECK_STATUS(a2a_match_method(method, &match, NULL), AIP_OK);
    } else {
        CHECK_STATUS(a2a_match_path(sdk_requests[i].method, bytes(sdk_requests[i].path), &match, NULL), AIP_OK);
    }
    CHECK_STATUS(a2a_read_version(bytes(sdk_requests[i].version), 1, query, &version, NULL), AIP_OK);
    CHECK_STATUS(a2a_check_dialect(&match, version, NULL), AIP_OK);
    aip_status status = a2a_facts_read(&match, body ? &document : NULL, query, out, NULL);
    scan_clear(&document);
    return status;
}

static void
what_the_official_client_sends_is_understood(void)
{
    size_t seen[A2A_OPERATION_COUNT] = {0};
    for (size_t i = 0; i < sizeof sdk_requests / sizeof sdk_requests[0]; i++) {
        a2a_facts facts;
        CHECK_STATUS(read_recorded(i, &facts), AIP_OK);
        a2a_operation operation = facts.row->operation;
        bool whole = operation == A2A_LIST_TASKS || operation == A2A_GET_EXTENDED_CARD;
        bool config = operation == A2A_CREATE_PUSH_CONFIG || operation == A2A_GET_PUSH_CONFIG ||
                      operation == A2A_DELETE_PUSH_CONFIG;
        bool context = operation == A2A_LIST_TASKS || facts.row->has_message;
        CHECK_TEXT(facts.task, whole ? "" : "t");
        CHECK_TEXT(facts.context, context ? "c" : "");
        CHECK_TEXT(facts.config, config ? "p" : "");
        CHECK(facts.registers_push == (facts.row->has_message || operation == A2A_CREATE_PUSH_CONFIG));
        CHECK(facts.secret_count == (facts.registers_push ? 2u : 0u));
        CHECK_TEXT(facts.push_url, facts.registers_push ? "https://h.example/n" : "");
        seen[operation]++;
    }
    for (size_t i = 0; i < A2A_OPERATION_COUNT; i++) {
        CHECK(seen[i] == (i == A2A_LIST_TASKS ? 2u : 4u));
    }
}

/* ---- replies ---- */

static aip_status
read_reply(const char *text, a2a_binding binding, a2a_reply_facts *out)
{
    scan_document document;
    CHECK_STATUS(scan_load(bytes(text), &limits, &document, NULL), AIP_OK);
    aip_status status = a2a_reply_read(&document, binding, out, NULL);
    scan_clear(&document);
    return status;
}

static void
a_reply_tells_what_it_began(void)
{
    static const struct {
        const char *text;
        a2a_binding binding;
        const char *task, *context;
    } rows[] = {
        {"{\"id\":1,\"result\":{\"task\":{\"id\":\"t\",\"contextId\":\"c\"}}}", A2A_JSONRPC, "t", "c"},
        {"{\"id\":1,\"result\":{\"message\":{\"messageId\":\"m\",\"contextId\":\"c\"}}}", A2A_JSONRPC, "", "c"},
        {"{\"id\":1,\"result\":{\"statusUpdate\":{\"taskId\":\"t\",\"contextId\":\"c\"}}}", A2A_JSONRPC, "t", "c"},
        {"{\"id\":1,\"result\":{\"artifactUpdate\":{\"taskId\":\"t\",\"contextId\":\"c\"}}}", A2A_JSONRPC, "t", "c"},
        {"{\"id\":1,\"result\":{\"kind\":\"task\",\"id\":\"t\",\"contextId\":\"c\"}}", A2A_JSONRPC, "t", "c"},
        {"{\"id\":1,\"result\":{\"kind\":\"message\",\"contextId\":\"c\"}}", A2A_JSONRPC, "", "c"},
        {"{\"id\":1,\"result\":{\"kind\":\"status-update\",\"taskId\":\"t\",\"contextId\":\"c\"}}", A2A_JSONRPC, "t",
         "c"},
        {"{\"id\":1,\"result\":{\"id\":\"t\",\"status\":{},\"contextId\":\"c\"}}", A2A_JSONRPC, "t", "c"},
        {"{\"id\":1,\"error\":{\"code\":1}}", A2A_JSONRPC, "", ""},
        {"{\"task\":{\"id\":\"t\",\"contextId\":\"c\"}}", A2A_REST, "t", "c"},
        {"{\"msg\":{\"contextId\":\"c\",\"taskId\":\"t\"}}", A2A_REST, "t", "c"},
        {"{\"id\":\"t\",\"contextId\":\"c\",\"status\":{\"state\":\"TASK_STATE_WORKING\"}}", A2A_REST, "t", "c"},
        {"{\"task\":{\"id\":\"t\"},\"statusUpdate\":{\"taskId\":\"t\",\"contextId\":\"c\"}}", A2A_REST, "t", "c"},
        {"[]", A2A_REST, "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a2a_reply_facts facts;
        CHECK_STATUS(read_reply(rows[i].text, rows[i].binding, &facts), AIP_OK);
        CHECK_TEXT(facts.task, rows[i].task);
        CHECK_TEXT(facts.context, rows[i].context);
    }
    static const char *const bad[] = {"{\"task\":{\"id\":\"t\"},\"statusUpdate\":{\"taskId\":\"u\"}}",
                                      "{\"task\":[]}",
                                      "{\"task\":{\"id\":7}}",
                                      "{\"task\":{\"id\":\"a\\u0000b\"}}",
                                      "{\"status_update\":{\"taskId\":\"t\"}}",
                                      "{\"Task\":{\"id\":\"t\"}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        a2a_reply_facts facts;
        CHECK_STATUS(read_reply(bad[i], A2A_REST, &facts), AIP_UPSTREAM_INVALID);
    }
}

/* ---- who owns what ---- */

static owned_caller
caller_of(unsigned char name)
{
    owned_caller caller = {.upstream = "agent", .tenant = "", .now_seconds = NOW};
    memset(caller.owner, name, sizeof caller.owner);
    return caller;
}

static owners *
tasks_of(size_t capacity)
{
    owners *tasks = NULL;
    const owners_setup setup = {.capacity = capacity, .ttl_seconds = 100};
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(owners_new(&setup, &tasks, NULL), AIP_OK);
    return tasks;
}

static aip_status
judge(owners *tasks, const owned_caller *caller, const char *params)
{
    a2a_match match;
    a2a_facts facts;
    scan_document document;
    text_buffer TEXT_AUTO text = {0};
    text_append_format(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"SendMessage\",\"params\":%s}", params);
    CHECK_STATUS(a2a_match_method(bytes("SendMessage"), &match, NULL), AIP_OK);
    CHECK_STATUS(scan_load(text_view(&text), &limits, &document, NULL), AIP_OK);
    CHECK_STATUS(a2a_facts_read(&match, &document, bytes(""), &facts, NULL), AIP_OK);
    aip_status status = a2a_tasks_judge(tasks, caller, &facts, &document, NULL);
    scan_clear(&document);
    return status;
}

static void
every_task_and_context_of_a_message_is_judged(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b');
    a2a_reply_facts began = {"t", "c"};
    CHECK_STATUS(a2a_tasks_learn(tasks, &alice, &began, NULL), AIP_OK);
    CHECK_STATUS(judge(tasks, &alice, "{\"message\":{" MESSAGE "}}"), AIP_OK);
    CHECK_STATUS(judge(tasks, &bob, "{\"message\":{" MESSAGE "}}"), AIP_OK);
    CHECK_STATUS(judge(tasks, &alice,
                       "{\"message\":{" MESSAGE ",\"taskId\":\"t\",\"contextId\":\"c\",\"referenceTaskIds\":[\"t\"]}}"),
                 AIP_OK);
    CHECK_STATUS(judge(tasks, &bob, "{\"message\":{" MESSAGE ",\"taskId\":\"t\"}}"), AIP_A2A_TASK);
    CHECK_STATUS(judge(tasks, &bob, "{\"message\":{" MESSAGE ",\"contextId\":\"c\"}}"), AIP_A2A_TASK);
    CHECK_STATUS(judge(tasks, &bob, "{\"message\":{" MESSAGE ",\"referenceTaskIds\":[\"t\"]}}"), AIP_A2A_TASK);
    CHECK_STATUS(judge(tasks, &alice, "{\"message\":{" MESSAGE ",\"referenceTaskIds\":[\"t\",\"u\"]}}"), AIP_A2A_TASK);
    CHECK_STATUS(judge(tasks, &alice, "{\"message\":{" MESSAGE ",\"contextId\":\"new\"}}"), AIP_A2A_TASK);
    a2a_reply_facts stolen = {"t", ""};
    CHECK_STATUS(a2a_tasks_learn(tasks, &bob, &stolen, NULL), AIP_A2A_TASK);
    owners_free(&tasks);
    tasks = tasks_of(100);
    alice.claims = bob.claims = true;
    CHECK_STATUS(judge(tasks, &alice, "{\"message\":{" MESSAGE ",\"contextId\":\"new\"}}"), AIP_OK);
    CHECK_STATUS(judge(tasks, &bob, "{\"message\":{" MESSAGE ",\"contextId\":\"new\"}}"), AIP_A2A_TASK);
    owners_free(&tasks);
}

static size_t
count_unknown(owners *tasks, const owned_caller *caller, const char *params)
{
    a2a_match match;
    a2a_facts facts;
    scan_document document;
    text_buffer TEXT_AUTO text = {0};
    text_buffer TEXT_AUTO keys = {0};
    text_append_format(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"SendMessage\",\"params\":%s}", params);
    CHECK_STATUS(a2a_match_method(bytes("SendMessage"), &match, NULL), AIP_OK);
    CHECK_STATUS(scan_load(text_view(&text), &limits, &document, NULL), AIP_OK);
    CHECK_STATUS(a2a_facts_read(&match, &document, bytes(""), &facts, NULL), AIP_OK);
    CHECK_STATUS(a2a_tasks_collect(tasks, caller, &facts, &document, &keys), AIP_OK);
    scan_clear(&document);
    return keys.size / AIP_HASH_BYTES;
}

static void
what_the_memory_does_not_know_is_collected_to_be_asked_for(void)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b');
    a2a_reply_facts began = {"t", "c"};
    CHECK_STATUS(a2a_tasks_learn(tasks, &alice, &began, NULL), AIP_OK);
    static const char all[] =
        "{\"message\":{" MESSAGE ",\"taskId\":\"t\",\"contextId\":\"c\",\"referenceTaskIds\":[\"t\",\"u\",\"v\"]}}";
    CHECK(count_unknown(tasks, &alice, "{\"message\":{" MESSAGE "}}") == 0);
    CHECK(count_unknown(tasks, &alice, all) == 2);
    CHECK(count_unknown(tasks, &bob, all) == 2); /* whose it is does not matter */
    bob.upstream = "other";
    CHECK(count_unknown(tasks, &bob, all) == 5);
    owners_free(&tasks);
}

static aip_status
filter(const owned_caller *caller, const char *text, a2a_binding binding, text_buffer *out)
{
    owners *tasks = tasks_of(100);
    owned_caller alice = caller_of('a'), bob = caller_of('b');
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "a1", NULL), AIP_OK);
    CHECK_STATUS(owners_note(tasks, &alice, OWNED_A2A_TASK, "a2", NULL), AIP_OK);
    CHECK_STATUS(owners_note(tasks, &bob, OWNED_A2A_TASK, "b1", NULL), AIP_OK);
    scan_document document;
    CHECK_STATUS(scan_load(bytes(text), &limits, &document, NULL), AIP_OK);
    const a2a_reply reply = {binding, &document};
    aip_status status = a2a_tasks_filter(tasks, caller, &reply, out, NULL);
    scan_clear(&document);
    owners_free(&tasks);
    text_append_string(out, "");
    return status;
}

static void
a_list_shows_the_callers_tasks_and_counts_no_others(void)
{
    static const char all[] = "{\"tasks\":[{\"id\":\"a1\",\"n\":1e2},{\"id\":\"b1\"}, {\"id\":\"x\"},{\"id\":7},{},"
                              "{\"id\":\"\\u0061\\u0032\"}],\"pageSize\":50,\"totalSize\":6,\"nextPageToken\":\"\"}";
    static const struct {
        unsigned char who;
        const char *result;
    } rows[] = {
        {'a', "{\"tasks\":[{\"id\":\"a1\",\"n\":1e2},{\"id\":\"\\u0061\\u0032\"}],\"pageSize\":50,\"totalSize\":2,"
              "\"nextPageToken\":\"\"}"},
        {'b', "{\"tasks\":[{\"id\":\"b1\"}],\"pageSize\":50,\"totalSize\":1,\"nextPageToken\":\"\"}"},
        {'c', "{\"tasks\":[],\"pageSize\":50,\"totalSize\":0,\"nextPageToken\":\"\"}"},
    };
    for (size_t i = 0; i < 3; i++) {
        text_buffer TEXT_AUTO out = {0};
        text_buffer TEXT_AUTO rpc_out = {0};
        owned_caller caller = caller_of(rows[i].who);
        CHECK_STATUS(filter(&caller, all, A2A_REST, &out), AIP_OK);
        char *canonical = NULL, *expected = NULL;
        size_t size = 0;
        CHECK_STATUS(json_canonical(text_view(&out), &canonical, &size, NULL), AIP_OK);
        CHECK_STATUS(json_canonical(bytes(rows[i].result), &expected, &size, NULL), AIP_OK);
        CHECK_TEXT(canonical, expected);
        free(canonical);
        free(expected);
        CHECK_STATUS(filter(&caller, "{\"id\":1,\"result\":{\"tasks\":[{\"id\":\"b1\"}]}}", A2A_JSONRPC, &rpc_out),
                     AIP_OK);
        CHECK((rows[i].who == 'b') == (rpc_out.size == 0));
    }
    text_buffer TEXT_AUTO out = {0};
    owned_caller caller = caller_of('a');
    CHECK_STATUS(filter(&caller, "{\"id\":1,\"error\":{\"code\":-32601}}", A2A_JSONRPC, &out), AIP_OK);
    CHECK(out.size == 0);
    CHECK_STATUS(filter(&caller, "{\"tasks\":[{\"id\":\"b1\",\"Id\":\"a1\"}]}", A2A_REST, &out), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&out), bytes("{\"tasks\":[]}")));
    text_buffer TEXT_AUTO empty = {0};
    CHECK_STATUS(filter(&caller, "{\"totalSize\":7}", A2A_REST, &empty),
                 AIP_OK); /* ProtoJSON leaves out an empty list */
    CHECK(aip_bytes_equal(text_view(&empty), bytes("{\"totalSize\":0}")));
    static const char *const bad[] = {"[]",
                                      "{\"tasks\":{}}",
                                      "{\"Tasks\":[]}",
                                      "{\"tasks\":[],\"total_size\":9}",
                                      "{\"id\":\"b1\",\"contextId\":\"c\"}",
                                      "{\"tasks\":[],\"task\":{\"id\":\"b1\"}}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(filter(&caller, bad[i], A2A_REST, &out), AIP_UPSTREAM_INVALID);
    }
    CHECK_STATUS(filter(&caller, "{\"id\":1,\"result\":[]}", A2A_JSONRPC, &out), AIP_UPSTREAM_INVALID);
    CHECK_STATUS(filter(&caller, "{\"id\":1}", A2A_JSONRPC, &out), AIP_UPSTREAM_INVALID);
}

/* ---- notifications ---- */

static void
addresses_to_notify_are_public_ones(void)
{
    static const a2a_push_rule open = {.http = false};
    static const char *const good[] = {"https://hooks.example.com/n?x=1",
                                       "HTTPS://Hooks.Example.com",
                                       "https://a.b:8443/",
                                       "https://8.8.8.8/n",
                                       "https://8.8.8.8:444",
                                       "https://[2600:1901::1]/n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_STATUS(a2a_push_check(&open, good[i], NULL), AIP_OK);
    }
    static const char *const bad[] = {"",
                                      "hooks.example.com",
                                      "ftp://a.b/",
                                      "http://hooks.example.com/",
                                      "https://",
                                      "https:///n",
                                      "https:/a.b",
                                      "https://user@a.b/",
                                      "https://user:p@a.b/",
                                      "https://a.b@127.0.0.1/",
                                      "https://127.0.0.1/",
                                      "https://127.0.0.1:443/",
                                      "https://127.1/",
                                      "https://2130706433/",
                                      "https://0x7f000001/",
                                      "https://0177.0.0.1/",
                                      "https://0x7f.1/",
                                      "https://10.0.0.1/",
                                      "https://172.16.0.1/",
                                      "https://192.168.1.1/",
                                      "https://169.254.169.254/latest/meta-data/",
                                      "https://100.64.0.1/",
                                      "https://0.0.0.0/",
                                      "https://255.255.255.255/",
                                      "https://[::1]/",
                                      "https://[::]/",
                                      "https://[::ffff:127.0.0.1]/",
                                      "https://[::ffff:7f00:1]/",
                                      "https://[fe80::1]/",
                                      "https://[fe80::1%25eth0]/",
                                      "https://[fd00::1]/",
                                      "https://[64:ff9b::7f00:1]/",
                                      "https://[2002:7f00:1::]/",
                                      "https://[::1/",
                                      "https://::1/",
                                      "https://[127.0.0.1]/",
                                      "https://localhost/",
                                      "https://LOCALHOST/",
                                      "https://a.localhost/",
                                      "https://printer.local/",
                                      "https://metadata.google.internal/",
                                      "https://intranet/",
                                      "https://router.lan/",
                                      "https://a.home.arpa/",
                                      "https://a.b./",
                                      "https://a..b/",
                                      "https://.a.b/",
                                      "https://a.b:0/",
                                      "https://a.b:65536/",
                                      "https://a.b:/",
                                      "https://a.b:08/",
                                      "https://a.b:80:80/",
                                      "https://a.b#x",
                                      "https://a.b/#x",
                                      "https://a.b\\@c.d/",
                                      "https://a.b /",
                                      "https://a b.c/",
                                      "https://%31%32%37.0.0.1/",
                                      "https://a%2eb/",
                                      "https://\xC3\xA9.fr/",
                                      "https://a.b/\x01",
                                      "javascript://a.b/",
                                      ("https://127\xE3\x80\x82"
                                       "0.0.1/")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        aip_status status = a2a_push_check(&open, bad[i], NULL);
        CHECK_STATUS(status, AIP_A2A_PUSH);
        if (status != AIP_A2A_PUSH) {
            printf("  at %s\n", bad[i]);
        }
    }
    char *long_one = calloc(1, 4000);
    memcpy(long_one, "https://a.b/", 12);
    memset(long_one + 12, 'x', 3000);
    CHECK_STATUS(a2a_push_check(&open, long_one, NULL), AIP_A2A_PUSH);
    free(long_one);
}

static void
an_operator_opens_and_closes_addresses(void)
{
    address_range range;
    CHECK_STATUS(address_range_parse("10.1.0.0/16", &range, NULL), AIP_OK);
    const a2a_push_rule opened = {.http = true, .open = &range, .open_count = 1};
    CHECK_STATUS(a2a_push_check(&opened, "http://10.1.2.3:8080/n", NULL), AIP_OK);
    CHECK_STATUS(a2a_push_check(&opened, "http://hooks.example.com/", NULL), AIP_OK);
    CHECK_STATUS(a2a_push_check(&opened, "http://10.2.0.1/", NULL), AIP_A2A_PUSH);
    static const char *const hosts[] = {"hooks.corp.internal", "*.example.com", "a.test:8443"};
    const a2a_push_rule listed = {.hosts = hosts, .host_count = 3};
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(a2a_push_check_pattern(hosts[i], NULL), AIP_OK);
    }
    CHECK_STATUS(a2a_push_check(&listed, "https://hooks.corp.internal/n", NULL), AIP_OK);
    CHECK_STATUS(a2a_push_check(&listed, "https://A.example.com:9/n", NULL), AIP_OK);
    CHECK_STATUS(a2a_push_check(&listed, "https://a.test:8443", NULL), AIP_OK);
    CHECK_STATUS(a2a_push_check(&listed, "https://a.test", NULL), AIP_A2A_PUSH);
    CHECK_STATUS(a2a_push_check(&listed, "https://example.com/", NULL), AIP_A2A_PUSH);
    CHECK_STATUS(a2a_push_check(&listed, "https://badexample.com/", NULL), AIP_A2A_PUSH);
    CHECK_STATUS(a2a_push_check(&listed, "https://a.example.com.evil.org/", NULL), AIP_A2A_PUSH);
    CHECK_STATUS(a2a_push_check(&listed, "https://8.8.8.8/", NULL), AIP_A2A_PUSH);
    static const char *const bad[] = {"", "*", "*.", "A.b", "a.b:0", "a.b:x", ".a", "a.", "https://a.b", "a/b", "*a.b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(a2a_push_check_pattern(bad[i], NULL), AIP_CONFIG_INVALID);
    }
}

/* ---- errors ---- */

static void
write_error(a2a_binding binding, aip_status status, text_buffer *out)
{
    aip_error refusal = AIP_ERROR_INIT;
    CHECK_STATUS(aip_fail(&refusal, status, "because of \"x\""), status);
    const a2a_refusal r = {binding, bytes("\"7\""), &refusal, "d1"};
    a2a_append_error(out, &r);
    CHECK_STATUS(text_finish(out, NULL), AIP_OK);
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
}

static void
refusals_are_answered_in_the_callers_binding(void)
{
    text_buffer TEXT_AUTO rpc = {0}, rest = {0}, scope = {0};
    write_error(A2A_JSONRPC, AIP_A2A_TASK, &rpc);
    CHECK_TEXT(rpc.data,
               "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"error\":{\"code\":-32001,\"message\":\"The task or context is "
               "unknown, has ended or belongs to another agent.\",\"data\":[{\"@type\":\"type.googleapis.com/"
               "google.rpc.ErrorInfo\",\"reason\":\"TASK_NOT_FOUND\",\"domain\":\"a2a-protocol.org\",\"metadata\":{"
               "\"code_name\":\"a2a.task.not_found\",\"detail\":\"because of \\\"x\\\"\",\"decision_id\":\"d1\"}}]}}");
    write_error(A2A_REST, AIP_A2A_VERSION, &rest);
    CHECK(strstr(rest.data, "{\"error\":{\"code\":400,\"status\":\"FAILED_PRECONDITION\",\"message\":") == rest.data);
    CHECK(strstr(rest.data, "\"details\":[{\"@type\":") != NULL && strstr(rest.data, "VERSION_NOT_SUPPORTED") != NULL);
    write_error(A2A_JSONRPC, AIP_SCOPE_INSUFFICIENT, &scope);
    CHECK(strstr(scope.data, "\"code\":-31001") != NULL &&
          strstr(scope.data, "\"reason\":\"SCOPE_INSUFFICIENT\"") != NULL);
    CHECK(strstr(scope.data, "\"domain\":\"aip-gateway\"") != NULL &&
          strstr(scope.data, "\"profile_code\":\"-32001\"") != NULL);
}

static void
no_number_of_ours_means_something_else_in_a2a(void)
{
    for (int i = 1; i < AIP_STATUS_COUNT; i++) {
        aip_status status = (aip_status)i;
        int code = a2a_error_code(status);
        bool own = status == AIP_A2A_TASK || status == AIP_A2A_VERSION;
        CHECK(own || code == A2A_PRIVATE_CODE || code == -32700 || (code <= -32600 && code >= -32603));
        for (a2a_binding binding = A2A_JSONRPC; binding <= A2A_REST; binding++) {
            text_buffer TEXT_AUTO text = {0};
            scan_document document;
            write_error(binding, status, &text);
            CHECK_STATUS(
                scan_load((aip_bytes){(const unsigned char *)text.data, text.size - 1}, &limits, &document, NULL),
                AIP_OK);
            scan_clear(&document);
        }
    }
    CHECK(a2a_error_code(AIP_REQUEST_METHOD) == -32601);
    text_buffer TEXT_AUTO text = {0};
    write_error(A2A_REST, AIP_TOKEN_MISSING, &text);
    CHECK(strstr(text.data, "\"code\":401,\"status\":\"UNAUTHENTICATED\"") != NULL);
}

RUN(TEST(both_versions_of_a_method_mean_the_same), TEST(unknown_methods_are_refused),
    TEST(rest_paths_are_found_with_what_they_name), TEST(paths_that_could_be_read_otherwise_are_refused),
    TEST(paths_and_http_methods_without_a_row_are_refused), TEST(a_request_has_one_version),
    TEST(dialect_and_version_must_agree), TEST(extensions_are_a_list_of_uris),
    TEST(a_message_tells_its_task_and_context), TEST(messages_that_could_be_read_otherwise_are_refused),
    TEST(tasks_are_named_as_the_version_names_them), TEST(a_registration_tells_its_address_and_its_secrets),
    TEST(registrations_that_name_two_things_are_refused), TEST(a_query_names_what_belongs_to_it_and_nothing_else),
    TEST(what_the_official_client_sends_is_understood), TEST(a_reply_tells_what_it_began),
    TEST(every_task_and_context_of_a_message_is_judged),
    TEST(what_the_memory_does_not_know_is_collected_to_be_asked_for),
    TEST(a_list_shows_the_callers_tasks_and_counts_no_others), TEST(addresses_to_notify_are_public_ones),
    TEST(an_operator_opens_and_closes_addresses), TEST(refusals_are_answered_in_the_callers_binding),
    TEST(no_number_of_ours_means_something_else_in_a2a))
