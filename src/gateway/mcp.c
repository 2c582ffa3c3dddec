/* MCP: what each method means and needs. A method without a row is not passed on. */
#include <strings.h>

#include "base/clock.h"
#include "gateway/mcp.h"

typedef enum {
    NEEDS_NOTHING,   /* a valid chain is enough */
    NEEDS_TOOL,      /* tool:<params.name>, and the arguments keep the constraints */
    NEEDS_PROMPT,    /* prompt:<params.name> */
    NEEDS_RESOURCE,  /* resource:<params.uri> */
    NEEDS_REFERENCE, /* params.ref names a prompt or a resource */
    NEEDS_FILTER,    /* each of params.notifications.resourceSubscriptions */
} need;

typedef struct {
    const char *method;
    need needs;
    bool mirrored; /* modern requests carry Mcp-Name */
} method_row;

/* tasks/… has no row yet: a task's result belongs to the agent that started it, and that is not kept yet. */
static const method_row request_rows[] = {
    {"initialize", NEEDS_NOTHING, false},
    {"ping", NEEDS_NOTHING, false},
    {"server/discover", NEEDS_NOTHING, false},
    {"logging/setLevel", NEEDS_NOTHING, false},
    {"tools/list", NEEDS_NOTHING, false},
    {"prompts/list", NEEDS_NOTHING, false},
    {"resources/list", NEEDS_NOTHING, false},
    {"resources/templates/list", NEEDS_NOTHING, false},
    {"tools/call", NEEDS_TOOL, true},
    {"prompts/get", NEEDS_PROMPT, true},
    {"resources/read", NEEDS_RESOURCE, true},
    {"resources/subscribe", NEEDS_RESOURCE, false},
    {"resources/unsubscribe", NEEDS_RESOURCE, false},
    {"completion/complete", NEEDS_REFERENCE, false},
    {"subscriptions/listen", NEEDS_FILTER, false},
    {NULL, NEEDS_NOTHING, false},
};

static const method_row notification_rows[] = {
    {"notifications/initialized", NEEDS_NOTHING, false},
    {"notifications/cancelled", NEEDS_NOTHING, false},
    {"notifications/progress", NEEDS_NOTHING, false},
    {"notifications/roots/list_changed", NEEDS_NOTHING, false},
    {NULL, NEEDS_NOTHING, false},
};

static const method_row *
find_row(const exchange *x)
{
    const method_row *row = x->kind == MESSAGE_REQUEST ? request_rows : notification_rows;
    while (row->method != NULL && strcmp(row->method, x->method) != 0) {
        row++;
    }
    return row->method == NULL ? NULL : row;
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

/* A mirrored header equals the body's value; absent is good unless `required`. Encoded values are not read: every name
 * that a scope can cover is plain ASCII. */
static aip_status
check_mirror(const exchange *x, const char *header, aip_bytes value, bool required, aip_error *err)
{
    size_t count = 0;
    aip_bytes mirrored = exchange_header(x, header, &count);
    if (count == 0 ? required : !aip_bytes_equal(mirrored, value)) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "%s is missing or differs from the body", header);
    }
    return AIP_OK;
}

static aip_status
check_mirrors(exchange *x, const method_row *row, aip_error *err)
{
    const scan_document *document = &x->document;
    size_t mirrors = 0, versions = 0;
    uint32_t params = scan_member(document, 0, "params");
    uint32_t meta = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "_meta");
    uint32_t version =
        meta == SCAN_NONE ? SCAN_NONE : scan_member(document, meta, "io.modelcontextprotocol/protocolVersion");
    aip_bytes header = exchange_header(x, "MCP-Protocol-Version", &versions);
    (void)exchange_header(x, "Mcp-Method", &mirrors);
    x->modern = x->modern || mirrors > 0 || version != SCAN_NONE;
    bool strict = x->modern && x->kind == MESSAGE_REQUEST;
    if (version != SCAN_NONE &&
        (scan_kind_of(document, version) != SCAN_STRING || !scan_string_equals(document, version, header))) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "MCP-Protocol-Version differs from the body");
    }
    if (strict && (version == SCAN_NONE || versions == 0)) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "the protocol version must stand in header and _meta");
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
    return x->kind != MESSAGE_RESPONSE || server_requests_take(x->gateway->server_requests, &asked,
                                                               clock_monotonic_microseconds())
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
    const method_row *row = find_row(x);
    if (row == NULL) {
        return aip_fail(err, AIP_REQUEST_METHOD, NULL);
    }
    AIP_TRY(read_needs(x, row->needs, err));
    return check_mirrors(x, row, err);
}
