/* Refusals as HTTP and JSON-RPC. */
#include "gateway/reply.h"

#include "gateway/hygiene.h"
#include "gateway/mcp.h"
#include "gateway/wellknown.h"

enum {
    PRIVATE_CODE = -31001,         /* modern MCP: outside all reserved ranges */
    HEADER_MISMATCH_CODE = -32020, /* MCP 2026-07-28 */
    VERSION_UNKNOWN_CODE = -32022, /* the same */
    METHOD_UNKNOWN_CODE = -32601,  /* JSON-RPC 2.0 */
};

int
reply_http_status(const exchange *x, aip_status status)
{
    if (status == AIP_REQUEST_METHOD && x->modern) {
        return 404; /* MCP 2026-07-28, basic/index */
    }
    return aip_status_lookup(status)->http;
}

/* The policy profile's numbers mean something else in modern MCP; only JSON-RPC's own ones stay. */
static int
rpc_code(const exchange *x, aip_status status)
{
    int code = aip_status_lookup(status)->rpc;
    if (status == AIP_REQUEST_HEADERS && x->modern) {
        return HEADER_MISMATCH_CODE;
    }
    if (status == AIP_REQUEST_METHOD && x->modern) {
        return METHOD_UNKNOWN_CODE;
    }
    if (status == AIP_REQUEST_VERSION && x->modern) {
        return VERSION_UNKNOWN_CODE;
    }
    return x->modern && code > -32600 ? PRIVATE_CODE : code;
}

const char *
reply_append_rpc_error(text_buffer *out, const exchange *x)
{
    const aip_status_facts *facts = aip_status_lookup(x->refusal.status);
    int code = rpc_code(x, x->refusal.status);
    text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    text_append(out, x->id.size > 0 ? x->id : AIP_BYTES_LITERAL("null"));
    text_append_format(out, ",\"error\":{\"code\":%d,\"message\":", code);
    text_append_json(out, aip_bytes_of(facts->sentence));
    text_append_format(out, ",\"data\":{\"code_name\":\"%s\",\"reason\":", facts->name);
    text_append_json(out, aip_bytes_of(x->refusal.detail[0] != '\0' ? x->refusal.detail : facts->sentence));
    if (x->refusal.at != AIP_NOWHERE) {
        text_append_format(out, ",\"at\":%d", x->refusal.at);
    }
    if (x->refusal.status == AIP_REQUEST_VERSION) {
        mcp_append_versions(out, x);
    }
    text_append_format(out, ",\"decision_id\":\"%s\"", x->record.decision_id);
    if (facts->peer != NULL) {
        text_append_format(out, ",\"peer_code\":\"%s\"", facts->peer);
    }
    if (code == PRIVATE_CODE) {
        text_append_format(out, ",\"profile_code\":%d", facts->rpc);
    }
    if (x->name.size > 0) {
        text_append_string(out, x->is_tool ? ",\"tool\":" : ",\"name\":");
        text_append_json(out, x->name);
    }
    text_append_string(out, "}}}");
    return "application/json";
}

void
reply_append_plain_error(text_buffer *out, const aip_error *why, const char *decision_id)
{
    const aip_status_facts *facts = aip_status_lookup(why->status);
    text_append_format(out,
                       "{\"error\":{\"code\":\"%s\",\"message\":", facts->peer != NULL ? facts->peer : facts->name);
    text_append_json(out, aip_bytes_of(facts->sentence));
    text_append_format(out, ",\"code_name\":\"%s\"", facts->name);
    if (why->detail[0] != '\0') {
        text_append_string(out, ",\"reason\":");
        text_append_json(out, aip_bytes_of(why->detail));
    }
    if (decision_id != NULL) {
        text_append_format(out, ",\"decision_id\":\"%s\"", decision_id);
    }
    text_append_format(out, "},\"status\":%d}", facts->http);
}

/* A scope may stand in a quoted string of a header when nothing in it could end that string. */
static bool
is_quotable(const char *text)
{
    return text[0] != '\0' && strpbrk(text, "\"\\") == NULL;
}

/* RFC 9728 section 5.1, after our own scheme; only where OAuth is configured. */
static void
add_oauth_challenge(exchange *x, const char *scope)
{
    const front_settings *front = &x->settings->front;
    if (front->resource == NULL) {
        return;
    }
    aip_bytes origin = front_resource_origin(front);
    const char *begin = scope == NULL ? "" : "error=\"insufficient_scope\", scope=\"";
    answer_add(&x->answer, "WWW-Authenticate", "Bearer %s%s%sresource_metadata=\"%.*s" RESOURCE_METADATA "%s\"", begin,
               scope == NULL ? "" : scope, scope == NULL ? "" : "\", ", (int)origin.size, (const char *)origin.data,
               front_resource_path(front));
}

static void
add_challenge(exchange *x)
{
    const aip_status_facts *facts = aip_status_lookup(x->refusal.status);
    TEXT_AUTO text_buffer lacking = {0};
    const char *scope = x->refusal.status == AIP_SCOPE_INSUFFICIENT && is_quotable(x->wanted) ? x->wanted : NULL;
    if (scope != NULL) {
        mcp_append_lacking(&lacking, x);
        text_append(&lacking, (aip_bytes){(const unsigned char *)"", 1});
        scope = text_finish(&lacking, NULL) == AIP_OK && lacking.size > 1 ? lacking.data : scope;
    }
    if (facts->class == AIP_CLASS_CREDENTIAL) {
        answer_add(&x->answer, "WWW-Authenticate", "AIP error=\"%s\", error_description=\"%s\"", facts->name,
                   facts->sentence);
        add_oauth_challenge(x, NULL);
    } else if (scope != NULL) {
        answer_add(&x->answer, "WWW-Authenticate", "AIP error=\"insufficient_scope\", scope=\"%s\"", scope);
        add_oauth_challenge(x, scope);
    }
}

void
reply_add_common(exchange *x)
{
    answer_add(&x->answer, "X-AIP-Decision-Id", "%s", x->record.decision_id);
    if (x->record.verified) {
        text_buffer report TEXT_AUTO = {0};
        hygiene_append_report(&report, x);
        if (text_finish(&report, NULL) == AIP_OK) {
            answer_add(&x->answer, "X-AIP-Audit", "%.*s", (int)report.size, report.data);
        }
    }
}

static bool
may_be_tried_again(aip_status status)
{
    return status == AIP_OVERLOADED || status == AIP_CALLER_BUSY || status == AIP_CALLER_FAILING ||
           status == AIP_AUDIT_UNAVAILABLE || status == AIP_FETCH_BUSY ||
           status == AIP_TRUST_RATE || status == AIP_PROOF_FULL || status == AIP_REVOCATION_FULL ||
           status == AIP_REVOCATION_FULL || status == AIP_STORE_UNAVAILABLE;
}

void
reply_refuse_unjudged(exchange *x, aip_status status, const char *methods)
{
    answer_clear(&x->answer);
    x->answer.http = aip_status_lookup(status)->http;
    reply_append_plain_error(&x->answer.body, &(aip_error){.status = status}, NULL);
    answer_add(&x->answer, "Content-Type", "application/json");
    answer_add(&x->answer, "Cache-Control", "no-store");
    if (status == AIP_REQUEST_HTTP_METHOD && methods != NULL) {
        answer_add(&x->answer, "Allow", "%s", methods);
    }
    if (may_be_tried_again(status)) {
        answer_add(&x->answer, "Retry-After", "1");
    }
}

void
reply_refuse(exchange *x)
{
    bool close = x->answer.close;
    answer_clear(&x->answer);
    x->answer.close = close;
    x->answer.http = reply_http_status(x, x->refusal.status);
    const protocol *speaks = x->route == NULL ? NULL : x->route->protocol;
    const char *type = "application/json";
    if (speaks != NULL && speaks->append_error != NULL && (speaks->below || strcmp(x->http_method, "POST") == 0)) {
        type = speaks->append_error(&x->answer.body, x);
    } else {
        reply_append_plain_error(&x->answer.body, &x->refusal, x->record.decision_id);
    }
    answer_add(&x->answer, "Content-Type", "%s", type);
    answer_add(&x->answer, "Cache-Control", "no-store");
    if (x->refusal.status == AIP_REQUEST_HTTP_METHOD) {
        answer_add(&x->answer, "Allow", "%s",
                   x->allow != NULL ? x->allow : x->modern ? "POST" : speaks == NULL ? "" : speaks->methods);
    }
    if (may_be_tried_again(x->refusal.status)) {
        answer_add(&x->answer, "Retry-After", "1");
    }
    add_challenge(x);
    reply_add_common(x);
}
