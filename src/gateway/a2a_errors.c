/* Writes refusals as A2A's errors: its own numbers where they mean what happened, one private number elsewhere. */
#include "gateway/a2a_errors.h"

#include <ctype.h>

enum { REASON_BYTES = 64, METHOD_UNKNOWN_CODE = -32601, RESERVED_BY_JSONRPC = -32600 };

/* E-41: what A2A itself has a name for. */
static const struct {
    aip_status status;
    int code;
    const char *reason, *rpc_status;
} shared[] = {
    {AIP_A2A_TASK, -32001, "TASK_NOT_FOUND", "NOT_FOUND"},
    {AIP_A2A_VERSION, -32009, "VERSION_NOT_SUPPORTED", "FAILED_PRECONDITION"},
};
enum { SHARED_COUNT = sizeof shared / sizeof shared[0] };

/* google.rpc.Code by HTTP status. */
static const struct {
    int http;
    const char *name;
} codes[] = {
    {400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"},    {403, "PERMISSION_DENIED"}, {404, "NOT_FOUND"},
    {405, "UNIMPLEMENTED"},    {406, "INVALID_ARGUMENT"},   {409, "ABORTED"},           {413, "OUT_OF_RANGE"},
    {415, "INVALID_ARGUMENT"}, {429, "RESOURCE_EXHAUSTED"}, {500, "INTERNAL"},          {502, "UNAVAILABLE"},
    {503, "UNAVAILABLE"},      {504, "DEADLINE_EXCEEDED"},
};

static size_t
find_shared(aip_status status)
{
    size_t i = 0;
    while (i < SHARED_COUNT && shared[i].status != status) {
        i++;
    }
    return i;
}

int
a2a_error_code(aip_status status)
{
    size_t i = find_shared(status);
    int code = aip_status_lookup(status)->rpc;
    if (i < SHARED_COUNT) {
        return shared[i].code;
    }
    if (status == AIP_REQUEST_METHOD) {
        return METHOD_UNKNOWN_CODE;
    }
    return code <= RESERVED_BY_JSONRPC ? code : A2A_PRIVATE_CODE;
}

static const char *
rpc_status(aip_status status)
{
    size_t i = find_shared(status);
    int http = aip_status_lookup(status)->http;
    if (i < SHARED_COUNT) {
        return shared[i].rpc_status;
    }
    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].http == http) {
            return codes[i].name;
        }
    }
    return http < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}

/* `scope.insufficient` becomes SCOPE_INSUFFICIENT. */
static const char *
reason_of(aip_status status, char out[REASON_BYTES])
{
    size_t shared_at = find_shared(status), size = 0;
    if (shared_at < SHARED_COUNT) {
        return shared[shared_at].reason;
    }
    for (const char *name = aip_status_lookup(status)->name; *name != '\0' && size + 1 < REASON_BYTES; name++) {
        out[size++] = *name == '.' ? '_' : (char)toupper((unsigned char)*name);
    }
    out[size] = '\0';
    return out;
}

static void
append_member(text_buffer *out, const char *name, const char *value)
{
    text_append_format(out, ",\"%s\":", name);
    text_append_json(out, aip_bytes_of(value));
}

/* All values of `metadata` are strings. */
static void
append_info(text_buffer *out, const a2a_refusal *refusal)
{
    aip_status status = refusal->refusal->status;
    const aip_status_facts *facts = aip_status_lookup(status);
    char reason[REASON_BYTES];
    text_append_format(out,
                       "[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"%s\",\"domain\":\"%s\","
                       "\"metadata\":{\"code_name\":\"%s\"",
                       reason_of(status, reason),
                       find_shared(status) < SHARED_COUNT ? A2A_PROTOCOL_DOMAIN : A2A_OWN_DOMAIN, facts->name);
    if (refusal->refusal->detail[0] != '\0') {
        append_member(out, "detail", refusal->refusal->detail);
    }
    if (refusal->refusal->at != AIP_NOWHERE) {
        text_append_format(out, ",\"at\":\"%d\"", refusal->refusal->at);
    }
    if (refusal->decision_id != NULL) {
        append_member(out, "decision_id", refusal->decision_id);
    }
    if (facts->peer != NULL) {
        append_member(out, "peer_code", facts->peer);
    }
    if (a2a_error_code(status) == A2A_PRIVATE_CODE) {
        text_append_format(out, ",\"profile_code\":\"%d\"", facts->rpc);
    }
    text_append_string(out, "}}]");
}

void
a2a_append_error(text_buffer *out, const a2a_refusal *refusal)
{
    aip_status status = refusal->refusal->status;
    const aip_status_facts *facts = aip_status_lookup(status);
    if (refusal->binding == A2A_JSONRPC) {
        text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":");
        text_append(out, refusal->id.size > 0 ? refusal->id : AIP_BYTES_LITERAL("null"));
        text_append_format(out, ",\"error\":{\"code\":%d,\"message\":", a2a_error_code(status));
        text_append_json(out, aip_bytes_of(facts->sentence));
        text_append_string(out, ",\"data\":");
    } else {
        text_append_format(out, "{\"error\":{\"code\":%d,\"status\":\"%s\",\"message\":", facts->http,
                           rpc_status(status));
        text_append_json(out, aip_bytes_of(facts->sentence));
        text_append_string(out, ",\"details\":");
    }
    append_info(out, refusal);
    text_append_string(out, "}}");
}
