/* Reads a body as exactly one JSON-RPC message that no two readers could read differently. */
#include "gateway/mcp.h"

static const char *const message_names[] = {"jsonrpc", "id", "method", "params", "result", "error", NULL};
static const char *const params_names[] = {
    "name",         "arguments",     "uri",       "_meta",         "cursor",          "ref",   "argument",
    "task",         "taskId",        "requestId", "progressToken", "protocolVersion", "level", "inputResponses",
    "requestState", "notifications", NULL};
static const char *const result_names[] = {"_meta",
                                           "content",
                                           "structuredContent",
                                           "isError",
                                           "contents",
                                           "messages",
                                           "completion",
                                           "tools",
                                           "prompts",
                                           "resources",
                                           "nextCursor",
                                           "resultType",
                                           "inputRequests",
                                           "resourceTemplates",
                                           "requestState",
                                           "ttlMs",
                                           "cacheScope",
                                           "capabilities",
                                           "supportedVersions",
                                           "protocolVersion",
                                           "instructions",
                                           "serverInfo",
                                           "role",
                                           "model",
                                           "action",
                                           "roots",
                                           "task",
                                           "tasks",
                                           NULL};
static const char *const error_names[] = {"code", "message", "data", NULL};
static const char *const meta_names[] = {"progressToken", "aip/token", "io.modelcontextprotocol/protocolVersion",
                                         "io.modelcontextprotocol/related-task", NULL};

static const scan_limits *
limits(const exchange *x, scan_limits *out)
{
    *out = (scan_limits){x->settings->body_bytes_max, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    return out;
}

/* At the levels of the protocol no two readers see different members, in either direction. */
aip_status
message_check_names(const scan_document *document, aip_error *err)
{
    static const struct {
        const char *name;
        const char *const *known;
    } levels[] = {{"params", params_names}, {"result", result_names}, {"error", error_names}};
    AIP_TRY(scan_check_names(document, 0, message_names, err));
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        uint32_t level = scan_member(document, 0, levels[i].name);
        uint32_t meta = level == SCAN_NONE ? SCAN_NONE : scan_member(document, level, "_meta");
        if (level != SCAN_NONE) {
            AIP_TRY(scan_check_names(document, level, levels[i].known, err));
        }
        if (meta != SCAN_NONE) {
            AIP_TRY(scan_check_names(document, meta, meta_names, err));
        }
    }
    return AIP_OK;
}

static aip_status
check_levels(const exchange *x, aip_error *err)
{
    const scan_document *document = &x->document;
    AIP_TRY(message_check_names(document, err));
    uint32_t params = scan_member(document, 0, "params");
    if (params == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, params) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "params must be an object");
    }
    AIP_TRY(scan_check_names(document, params, params_names, err));
    uint32_t meta = scan_member(document, params, "_meta");
    if (meta == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, meta) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "_meta must be an object");
    }
    AIP_TRY(scan_check_names(document, meta, meta_names, err));
    return scan_member(document, meta, "aip/token") == SCAN_NONE
               ? AIP_OK
               : aip_fail(err, AIP_TOKEN_REPEATED, "another token in _meta");
}

static aip_status
read_id(exchange *x, aip_error *err)
{
    uint32_t id = scan_member(&x->document, 0, "id");
    if (id == SCAN_NONE) {
        return AIP_OK;
    }
    scan_kind kind = scan_kind_of(&x->document, id);
    aip_bytes raw = scan_raw(&x->document, id);
    if ((kind != SCAN_STRING && kind != SCAN_NUMBER) || raw.size > AIP_REQUEST_ID_BYTES_MAX) {
        return aip_fail(err, AIP_REQUEST_INVALID, "id must be a short string or a number");
    }
    x->id = raw;
    return AIP_OK;
}

static aip_status
read_method(exchange *x, uint32_t method, aip_error *err)
{
    size_t size = 0;
    if (scan_kind_of(&x->document, method) != SCAN_STRING) {
        return aip_fail(err, AIP_REQUEST_INVALID, "method must be a string");
    }
    if (scan_unescape(&x->document, method, x->method, sizeof x->method - 1, &size, NULL) != AIP_OK ||
        memchr(x->method, '\0', size) != NULL) {
        x->method[0] = '\0';
        return aip_fail(err, AIP_REQUEST_METHOD, NULL);
    }
    x->method[size] = '\0';
    return AIP_OK;
}

/* Tells request, notification and response apart; anything between is refused. */
static aip_status
read_kind(exchange *x, aip_error *err)
{
    const scan_document *document = &x->document;
    uint32_t method = scan_member(document, 0, "method"), version = scan_member(document, 0, "jsonrpc");
    bool result = scan_member(document, 0, "result") != SCAN_NONE,
         error = scan_member(document, 0, "error") != SCAN_NONE;
    if (version == SCAN_NONE || scan_kind_of(document, version) != SCAN_STRING ||
        !scan_string_equals(document, version, AIP_BYTES_LITERAL("2.0"))) {
        return aip_fail(err, AIP_REQUEST_INVALID, "jsonrpc must be \"2.0\"");
    }
    if (method != SCAN_NONE) {
        x->kind = x->id.size > 0 ? MESSAGE_REQUEST : MESSAGE_NOTIFICATION;
        return result || error ? aip_fail(err, AIP_REQUEST_INVALID, "method and result in one message")
                               : read_method(x, method, err);
    }
    x->kind = MESSAGE_RESPONSE;
    return result != error && x->id.size > 0 ? AIP_OK
                                             : aip_fail(err, AIP_REQUEST_INVALID, "neither a request nor a response");
}

aip_status
message_load(exchange *x, aip_error *err)
{
    scan_limits bounds;
    const text_buffer *text = x->outgoing.size > 0 ? &x->outgoing : &x->body;
    if (x->body_too_large) {
        size_t most = x->late ? AIP_REFUSED_BODY_BYTES_MAX : x->settings->body_bytes_max;
        return aip_fail(err, AIP_REQUEST_SIZE, "the limit is %zu bytes%s", most,
                        x->late ? " without a token in a header" : "");
    }
    AIP_TRY(text_finish(&x->body, err));
    return scan_load(text_view(text), limits(x, &bounds), &x->document, err);
}

aip_status
message_read(exchange *x, aip_error *err)
{
    if (strcmp(x->http_method, "POST") != 0) {
        return AIP_OK;
    }
    AIP_TRY(message_load(x, err));
    if (scan_kind_of(&x->document, 0) == SCAN_ARRAY) {
        return aip_fail(err, AIP_REQUEST_BATCH, NULL);
    }
    if (scan_kind_of(&x->document, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, NULL);
    }
    AIP_TRY(read_id(x, err));
    AIP_TRY(check_levels(x, err));
    return read_kind(x, err);
}
