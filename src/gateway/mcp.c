/* MCP: what each method means and needs. A method without a row is not passed on. */
#include <strings.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "gateway/mcp.h"

typedef enum {
    NEEDS_NOTHING,   /* a valid chain is enough */
    NEEDS_TOOL,      /* tool:<params.name>, and the arguments keep the constraints */
    NEEDS_PROMPT,    /* prompt:<params.name> */
    NEEDS_RESOURCE,  /* resource:<params.uri> */
    NEEDS_REFERENCE, /* params.ref names a prompt or a resource */
    NEEDS_FILTER,    /* each of params.notifications.resourceSubscriptions */
} need;

typedef enum { ERA_ANY, ERA_LEGACY } era; /* legacy: MCP 2026-07-28 has it no more */

typedef struct {
    const char *method;
    need needs;
    bool mirrored; /* modern requests carry Mcp-Name, and may be tried again with what was asked for */
    era era;
} method_row;

/* tasks/… has no row yet: a task's result belongs to the agent that started it, and that is not kept yet. */
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
    {NULL, NEEDS_NOTHING, false, ERA_ANY},
};

static const method_row notification_rows[] = {
    {"notifications/initialized", NEEDS_NOTHING, false, ERA_LEGACY},
    {"notifications/cancelled", NEEDS_NOTHING, false, ERA_ANY},
    {"notifications/progress", NEEDS_NOTHING, false, ERA_ANY},
    {"notifications/roots/list_changed", NEEDS_NOTHING, false, ERA_LEGACY},
    {NULL, NEEDS_NOTHING, false, ERA_ANY},
};

static const method_row *
find_row(const exchange *x)
{
    const method_row *row = x->kind == MESSAGE_REQUEST ? request_rows : notification_rows;
    while (row->method != NULL && strcmp(row->method, x->method) != 0) {
        row++;
    }
    return row->method == NULL || (row->era == ERA_LEGACY && x->modern) ? NULL : row;
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

/* Visible ASCII without anything a server could resolve to a place outside the prefix that was granted. */
static bool
is_address(aip_bytes uri)
{
    const char *text = (const char *)uri.data;
    bool good = uri.size > 0 && memmem(text, uri.size, "/../", 4) == NULL && memmem(text, uri.size, "/./", 3) == NULL;
    good = good && !(uri.size >= 3 && memcmp(text + uri.size - 3, "/..", 3) == 0);
    for (size_t i = 0; good && i < uri.size; i++) {
        good = text[i] > 0x20 && text[i] < 0x7f && text[i] != '\\';
        if (good && text[i] == '%' && i + 2 < uri.size) {
            good = strncasecmp(text + i, "%2e", 3) != 0 && strncasecmp(text + i, "%2f", 3) != 0 &&
                   strncasecmp(text + i, "%5c", 3) != 0;
        }
    }
    return good;
}

/* Sets `wanted` to prefix + the string's value, and `name` to the value. */
static aip_status
want(exchange *x, const char *prefix, uint32_t node, aip_error *err)
{
    size_t length = strlen(prefix), size = 0;
    if (node == SCAN_NONE || scan_kind_of(&x->document, node) != SCAN_STRING) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the name or address is missing or not a string");
    }
    memcpy(x->wanted, prefix, length + 1);
    char *value = x->wanted + length;
    if (scan_unescape(&x->document, node, value, AIP_URI_BYTES_MAX, &size, NULL) != AIP_OK) {
        x->wanted[0] = '\0';
        return aip_fail(err, AIP_SCOPE_INSUFFICIENT, "the name or address is too long");
    }
    aip_bytes name = {(const unsigned char *)value, size};
    if (strcmp(prefix, "resource:") == 0 ? !is_address(name) : !is_name(name)) {
        x->wanted[0] = '\0';
        return aip_fail(err, AIP_SCOPE_INSUFFICIENT, "the name or address has bytes that no scope covers");
    }
    value[size] = '\0';
    x->name = name;
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

/* All but the last address are judged here, since `wanted` holds one. */
static aip_status
want_filter(exchange *x, uint32_t params, aip_error *err)
{
    const scan_document *document = &x->document;
    uint32_t filter = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "notifications");
    uint32_t list = filter == SCAN_NONE ? SCAN_NONE : scan_member(document, filter, "resourceSubscriptions");
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, list) != SCAN_ARRAY) {
        return aip_fail(err, AIP_REQUEST_INVALID, "resourceSubscriptions must be an array");
    }
    for (uint32_t each = scan_child(document, list); each != SCAN_NONE; each = scan_next(document, each)) {
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
    return retried && !row->mirrored ? aip_fail(err, AIP_REQUEST_INVALID, "this method asks for no input") : AIP_OK;
}

static aip_status
check_mirrors(exchange *x, const method_row *row, aip_error *err)
{
    bool strict = x->modern && x->kind == MESSAGE_REQUEST;
    if (strict) {
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
    return check_mirror(x, "Mcp-Name", row->mirrored ? x->name : (aip_bytes){NULL, 0}, strict && row->mirrored, err);
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
