/* MCP: what each method means and needs. A method without a row is not passed on. */
#include "base/clock.h"
#include "crypto/base64url.h"
#include "gateway/group.h"
#include "gateway/mcp.h"
#include "gateway/mcp_address.h"
#include "gateway/mcp_tasks.h"

typedef enum {
    NEEDS_NOTHING,   /* a valid chain is enough */
    NEEDS_TOOL,      /* tool:<params.name>, and the arguments keep the constraints */
    NEEDS_PROMPT,    /* prompt:<params.name> */
    NEEDS_RESOURCE,  /* resource:<params.uri> */
    NEEDS_REFERENCE, /* params.ref names a prompt or a resource */
    NEEDS_FILTER,    /* each of params.notifications.resourceSubscriptions */
    NEEDS_TASK,      /* params.taskId is the caller's own: mcp_check_owner */
} need;

/* legacy: MCP 2026-07-28 has it no more; modern: since then */
typedef enum { ERA_ANY, ERA_LEGACY, ERA_MODERN } era;

enum { CHALLENGE_BYTES_MAX = 1024 }; /* what a challenge names */

typedef struct {
    const char *method;
    need needs;
    bool mirrored; /* modern requests carry Mcp-Name, and may be tried again with what was asked for */
    era era;
} method_row;

static const method_row request_rows[] = {
    {"initialize", NEEDS_NOTHING, false, ERA_LEGACY},
    {"ping", NEEDS_NOTHING, false, ERA_LEGACY},
    {"server/discover", NEEDS_NOTHING, false, ERA_ANY},
    {"logging/setLevel", NEEDS_NOTHING, false, ERA_LEGACY},
    {"tools/list", NEEDS_NOTHING, false, ERA_ANY},
    {"prompts/list", NEEDS_NOTHING, false, ERA_ANY},
    {"resources/list", NEEDS_NOTHING, false, ERA_ANY},
    {"resources/templates/list", NEEDS_NOTHING, false, ERA_ANY},
    {"tools/call", NEEDS_TOOL, true, ERA_ANY},
    {"prompts/get", NEEDS_PROMPT, true, ERA_ANY},
    {"resources/read", NEEDS_RESOURCE, true, ERA_ANY},
    {"resources/subscribe", NEEDS_RESOURCE, false, ERA_LEGACY},
    {"resources/unsubscribe", NEEDS_RESOURCE, false, ERA_LEGACY},
    {"completion/complete", NEEDS_REFERENCE, false, ERA_ANY},
    {"subscriptions/listen", NEEDS_FILTER, false, ERA_ANY},
    {"tasks/get", NEEDS_TASK, false, ERA_ANY}, /* tasks: G-100 */
    {"tasks/result", NEEDS_TASK, false, ERA_LEGACY},
    {"tasks/list", NEEDS_NOTHING, false, ERA_LEGACY},
    {"tasks/cancel", NEEDS_TASK, false, ERA_ANY},
    {"tasks/update", NEEDS_TASK, false, ERA_MODERN},
    {NULL, NEEDS_NOTHING, false, ERA_ANY},
};

static const method_row notification_rows[] = {
    {"notifications/initialized", NEEDS_NOTHING, false, ERA_LEGACY},
    {"notifications/cancelled", NEEDS_NOTHING, false, ERA_ANY},
    {"notifications/progress", NEEDS_NOTHING, false, ERA_ANY},
    {"notifications/roots/list_changed", NEEDS_NOTHING, false, ERA_LEGACY},
    {"notifications/tasks/status", NEEDS_NOTHING, false, ERA_LEGACY}, /* of what the server began at the client */
    {NULL, NEEDS_NOTHING, false, ERA_ANY},
};

static const method_row *
find_row(const exchange *x)
{
    const method_row *row = x->kind == MESSAGE_REQUEST ? request_rows : notification_rows;
    while (row->method != NULL && strcmp(row->method, x->method) != 0) {
        row++;
    }
    return row->method == NULL || row->era == (x->modern ? ERA_LEGACY : ERA_MODERN) ? NULL : row;
}

/* Bytes that tool and prompt names may have; anything else no scope entry can mean. */
static bool
is_name(aip_bytes name)
{
    bool good = name.size > 0 && name.size <= AIP_TOOL_BYTES_MAX;
    for (size_t i = 0; good && i < name.size; i++) {
        unsigned char c = name.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c != 0 && strchr("._:/@%-", c) != NULL);
    }
    return good;
}

/* Sets `wanted` to prefix + the string's value as callers know it, and `name` to the value. */
static aip_status
want(exchange *x, const char *prefix, uint32_t node, aip_error *err)
{
    size_t size = 0;
    char value[AIP_URI_BYTES_MAX];
    if (node == SCAN_NONE || scan_kind_of(&x->document, node) != SCAN_STRING) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the name or address is missing or not a string");
    }
    x->wanted[0] = '\0';
    if (scan_unescape(&x->document, node, value, sizeof value, &size, NULL) != AIP_OK) {
        return aip_fail(err, AIP_SCOPE_INSUFFICIENT, "the name or address is too long");
    }
    aip_bytes name = {(const unsigned char *)value, size};
    bool address = strcmp(prefix, "resource:") == 0, template = strcmp(x->method, "completion/complete") == 0;
    if ((!address && !is_name(name)) || !group_write_wanted(x, prefix, name, x->wanted, &x->called) ||
        (address && !mcp_address_spell(x->wanted, sizeof x->wanted, template, &x->called))) {
        x->wanted[0] = '\0';
        return aip_fail(err, AIP_SCOPE_INSUFFICIENT, "the name or address has bytes that no scope covers");
    }
    x->name = aip_bytes_from(x->called, x->called.size - size);
    x->subject = strcmp(prefix, "resource:") == 0 ? POLICY_RESOURCE
                 : strcmp(prefix, "prompt:") == 0 ? POLICY_PROMPT
                                                  : POLICY_TOOL;
    return AIP_OK;
}

static aip_status
want_tool(exchange *x, uint32_t params, aip_error *err)
{
    uint32_t arguments = scan_member(&x->document, params, "arguments");
    AIP_TRY(want(x, "tool:", scan_member(&x->document, params, "name"), err));
    x->is_tool = true;
    x->arguments = AIP_BYTES_LITERAL("{}");
    x->argument_node = arguments;
    if (arguments != SCAN_NONE) {
        if (scan_kind_of(&x->document, arguments) != SCAN_OBJECT) {
            return aip_fail(err, AIP_REQUEST_INVALID, "arguments must be an object");
        }
        x->arguments = scan_raw(&x->document, arguments);
    }
    return AIP_OK;
}

static aip_status
want_reference(exchange *x, uint32_t params, aip_error *err)
{
    const scan_document *document = &x->document;
    uint32_t reference = scan_member(document, params, "ref"), type = SCAN_NONE;
    if (reference != SCAN_NONE && scan_kind_of(document, reference) == SCAN_OBJECT) {
        type = scan_member(document, reference, "type");
    }
    if (type == SCAN_NONE || scan_kind_of(document, type) != SCAN_STRING) {
        return aip_fail(err, AIP_REQUEST_INVALID, "ref has no type");
    }
    if (scan_string_equals(document, type, AIP_BYTES_LITERAL("ref/prompt"))) {
        return want(x, "prompt:", scan_member(document, reference, "name"), err);
    }
    if (scan_string_equals(document, type, AIP_BYTES_LITERAL("ref/resource"))) {
        return want(x, "resource:", scan_member(document, reference, "uri"), err);
    }
    return aip_fail(err, AIP_REQUEST_INVALID, "ref has an unknown type");
}

static uint32_t
find_addresses(const scan_document *document, uint32_t params)
{
    uint32_t filter = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "notifications");
    return filter == SCAN_NONE ? SCAN_NONE : scan_member(document, filter, "resourceSubscriptions");
}

/* Whether the token grants them is judged here for all but the last address, since `wanted` holds one. */
static aip_status
want_filter(exchange *x, uint32_t params, aip_error *err)
{
    const scan_document *document = &x->document;
    uint32_t list = find_addresses(document, params);
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, list) != SCAN_ARRAY) {
        return aip_fail(err, AIP_REQUEST_INVALID, "resourceSubscriptions must be an array");
    }
    size_t count = 0;
    for (uint32_t each = scan_child(document, list); each != SCAN_NONE; each = scan_next(document, each)) {
        if (count++ == AIP_SUBSCRIPTIONS_MAX) {
            return aip_fail(err, AIP_REQUEST_INVALID, "more than %d addresses", AIP_SUBSCRIPTIONS_MAX);
        }
        AIP_TRY(want(x, "resource:", each, err));
        AIP_TRY(aip_grant_covers(&x->verdict.grant, aip_bytes_of(x->wanted), err));
    }
    return AIP_OK;
}

static aip_status
read_needs(exchange *x, need needs, aip_error *err)
{
    uint32_t params = x->params = scan_member(&x->document, 0, "params");
    x->subject = POLICY_METHOD;
    if (needs == NEEDS_NOTHING) {
        return AIP_OK;
    }
    if (needs == NEEDS_TASK) {
        mcp_task_id id;
        return mcp_task_named(x, id, err);
    }
    if (needs == NEEDS_FILTER) {
        return x->record.verified ? want_filter(x, params, err) : AIP_OK;
    }
    if (params == SCAN_NONE) {
        return aip_fail(err, AIP_REQUEST_INVALID, "params are missing");
    }
    switch (needs) {
    case NEEDS_TOOL:
        return want_tool(x, params, err);
    case NEEDS_PROMPT:
        return want(x, "prompt:", scan_member(&x->document, params, "name"), err);
    case NEEDS_RESOURCE:
        return want(x, "resource:", scan_member(&x->document, params, "uri"), err);
    case NEEDS_REFERENCE:
        return want_reference(x, params, err);
    case NEEDS_NOTHING:
    case NEEDS_FILTER:
    case NEEDS_TASK:
        break;
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

/* `=?base64?…?=` around a value that a header cannot carry as it is (MCP 2026-07-28, transports, Custom Headers). */
static aip_bytes
uncover(aip_bytes header, unsigned char room[AIP_URI_BYTES_MAX])
{
    static const char begin[] = "=?base64?", end[] = "?=";
    size_t before = sizeof begin - 1, after = sizeof end - 1, size = 0;
    if (header.size < before + after || memcmp(header.data, begin, before) != 0 ||
        memcmp(header.data + header.size - after, end, after) != 0) {
        return header;
    }
    aip_bytes inner = {header.data + before, header.size - before - after};
    return base64_decode(inner, room, AIP_URI_BYTES_MAX, &size, NULL) == AIP_OK ? (aip_bytes){room, size} : header;
}

/* A mirrored header equals the body's value; absent is good unless `required`. */
static aip_status
check_mirror(const exchange *x, const char *header, aip_bytes value, bool required, aip_error *err)
{
    unsigned char room[AIP_URI_BYTES_MAX];
    size_t count = 0;
    aip_bytes mirrored = exchange_header(x, header, &count);
    if (count == 0 ? required : !aip_bytes_equal(uncover(mirrored, room), value)) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "%s is missing or differs from the body", header);
    }
    return AIP_OK;
}

static uint32_t
find_meta(const exchange *x, const char *name)
{
    const scan_document *document = &x->document;
    uint32_t params = scan_member(document, 0, "params");
    uint32_t meta = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "_meta");
    return meta == SCAN_NONE ? SCAN_NONE : scan_member(document, meta, name);
}

/* A modern version in header or body makes the request modern, so the two agree or it is refused. A mirror alone does
 * so only where no version is named: clients of older versions may send mirrors as well. */
static aip_status
check_era(exchange *x, aip_error *err)
{
    size_t mirrors = 0, versions = 0;
    uint32_t version = find_meta(x, META_VERSION);
    aip_bytes header = exchange_header(x, "MCP-Protocol-Version", &versions);
    (void)exchange_header(x, "Mcp-Method", &mirrors);
    x->modern = x->modern || (mirrors > 0 && versions == 0) || version != SCAN_NONE;
    if (version == SCAN_NONE) {
        return AIP_OK;
    }
    if (!x->local && scan_kind_of(&x->document, version) == SCAN_STRING &&
        !scan_string_equals(&x->document, version, header)) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "MCP-Protocol-Version is missing or differs from the body");
    }
    aip_bytes raw = scan_raw(&x->document, version);
    bool text = scan_kind_of(&x->document, version) == SCAN_STRING && raw.size >= 2;
    return text ? mcp_check_version((aip_bytes){raw.data + 1, raw.size - 2}, err)
                : aip_fail(err, AIP_REQUEST_META, "the protocol version in _meta must be a string");
}

/* Basic/index, `_meta`: what each modern request says of its sender. */
static aip_status
check_meta(const exchange *x, aip_error *err)
{
    uint32_t capabilities = find_meta(x, "io.modelcontextprotocol/clientCapabilities");
    if (find_meta(x, META_VERSION) == SCAN_NONE) {
        return aip_fail(err, AIP_REQUEST_META, "the protocol version is missing in _meta");
    }
    return capabilities != SCAN_NONE && scan_kind_of(&x->document, capabilities) == SCAN_OBJECT
               ? AIP_OK
               : aip_fail(err, AIP_REQUEST_META, "the client's capabilities are missing in _meta");
}

/* Only a call that its server may answer with questions is sent again with answers. */
static aip_status
check_retry(const exchange *x, const method_row *row, aip_error *err)
{
    uint32_t params = scan_member(&x->document, 0, "params");
    bool retried = params != SCAN_NONE && (scan_member(&x->document, params, "inputResponses") != SCAN_NONE ||
                                           scan_member(&x->document, params, "requestState") != SCAN_NONE);
    return retried && !row->mirrored && row->era != ERA_MODERN
               ? aip_fail(err, AIP_REQUEST_INVALID, "this method asks for no input")
               : AIP_OK;
}

static aip_status
check_mirrors(exchange *x, const method_row *row, aip_error *err)
{
    bool strict = x->modern && x->kind == MESSAGE_REQUEST;
    if (strict) {
        mcp_name_state(x, &x->document, x->params, x->state_given);
        AIP_TRY(check_retry(x, row, err));
    }
    if (x->local) {
        return strict ? check_meta(x, err) : AIP_OK; /* a line has no headers */
    }
    if (strict) {
        AIP_TRY(check_meta(x, err));
    }
    AIP_TRY(check_mirror(x, "Mcp-Method", aip_bytes_of(x->method), strict, err));
    if (x->renamed) {
        return AIP_OK; /* it was compared with the name that the caller gave */
    }
    mcp_task_id task;
    aip_bytes name = row->mirrored ? x->name : (aip_bytes){NULL, 0};
    if (row->needs == NEEDS_TASK) {
        AIP_TRY(mcp_task_named(x, task, err));
        name = aip_bytes_of(task);
    }
    return check_mirror(x, "Mcp-Name", name, strict && (row->mirrored || row->needs == NEEDS_TASK), err);
}

/* Of a subscription; other messages name one thing, which is known already. */
static uint32_t
find_first_address(const exchange *x)
{
    const method_row *row = x->route->protocol == &protocol_mcp && x->kind == MESSAGE_REQUEST ? find_row(x) : NULL;
    uint32_t list = row != NULL && row->needs == NEEDS_FILTER ? find_addresses(&x->document, x->params) : SCAN_NONE;
    return list == SCAN_NONE ? SCAN_NONE : scan_child(&x->document, list);
}

aip_status
mcp_judge_each(exchange *x, aip_status (*judge)(exchange *x, aip_error *err), aip_error *err)
{
    uint32_t each = find_first_address(x);
    if (each == SCAN_NONE) {
        return judge(x, err);
    }
    for (; each != SCAN_NONE; each = scan_next(&x->document, each)) {
        AIP_TRY(want(x, "resource:", each, err));
        AIP_TRY(judge(x, err));
    }
    return AIP_OK;
}

static void
note_lacking(const exchange *x, text_buffer *out)
{
    bool lacks = aip_grant_covers(&x->verdict.grant, aip_bytes_of(x->wanted), NULL) != AIP_OK;
    if (lacks && out->size + strlen(x->wanted) < CHALLENGE_BYTES_MAX && strpbrk(x->wanted, "\"\\") == NULL) {
        text_append_format(out, "%s%s", out->size == 0 ? "" : " ", x->wanted);
    }
}

void
mcp_append_lacking(text_buffer *out, exchange *x)
{
    const aip_bytes called = x->called, name = x->name; /* views into `wanted` */
    char wanted[sizeof x->wanted];
    uint32_t each = find_first_address(x);
    memcpy(wanted, x->wanted, sizeof wanted);
    for (; each != SCAN_NONE; each = scan_next(&x->document, each)) {
        if (want(x, "resource:", each, NULL) == AIP_OK) {
            note_lacking(x, out);
        }
    }
    memcpy(x->wanted, wanted, sizeof wanted);
    x->called = called;
    x->name = name;
}

/* An answer that nobody asked for is none. */
aip_status
mcp_check_asked(exchange *x, aip_error *err)
{
    const server_request asked = mcp_server_request(x, x->id);
    return x->kind != MESSAGE_RESPONSE ||
                   server_requests_take(x->gateway->server_requests, &asked, clock_monotonic_microseconds())
               ? AIP_OK
               : aip_fail(err, AIP_REQUEST_INVALID, "the server has not asked for this response");
}

aip_status
mcp_classify(exchange *x, aip_error *err)
{
    if (x->kind == MESSAGE_NONE) {
        return AIP_OK; /* GET and DELETE of a legacy session carry no message */
    }
    if (x->kind == MESSAGE_RESPONSE) {
        return x->modern ? aip_fail(err, AIP_REQUEST_INVALID, "this version has no responses from clients") : AIP_OK;
    }
    AIP_TRY(check_era(x, err));
    const method_row *row = find_row(x);
    if (row == NULL) {
        return aip_fail(err, AIP_REQUEST_METHOD, NULL);
    }
    AIP_TRY(read_needs(x, row->needs, err));
    return check_mirrors(x, row, err);
}
