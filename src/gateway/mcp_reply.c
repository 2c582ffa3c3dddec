/* MCP: messages of the server, and what they say of the call. */
#include "base/clock.h"
#include "gateway/lists.h"
#include "gateway/mcp.h"
#include "gateway/stages.h"

static const char *const message_names[] = {"jsonrpc", "id", "method", "params", "result", "error", NULL};

/* A session that only begins has no id yet when its server asks: the caller learns it with the same reply. */
server_request
mcp_server_request(const exchange *x, aip_bytes id)
{
    return (server_request){x->owner, aip_bytes_of(x->route->url), aip_bytes_of(x->session), id};
}

/* Is it `{"isError": true}`, what a tool says that failed? */
static bool
tells_failure(const scan_document *message, uint32_t result)
{
    uint32_t flag = result == SCAN_NONE ? SCAN_NONE : scan_member(message, result, "isError");
    return flag != SCAN_NONE && scan_kind_of(message, flag) == SCAN_TRUE;
}

/* An id may come back in another spelling of the same string or number only from a server that reads and writes
 * it anew; those we know give back the bytes that they got. */
static bool
answers_call(const exchange *x, const scan_document *message, uint32_t id)
{
    return x->kind == MESSAGE_REQUEST && id != SCAN_NONE && aip_bytes_equal(scan_raw(message, id), x->id);
}

static aip_status
judge_response(exchange *x, const scan_document *message, uint32_t result, aip_error *err)
{
    uint32_t id = scan_member(message, 0, "id");
    size_t resumes = 0;
    (void)exchange_header(x, "Last-Event-ID", &resumes);
    if (answers_call(x, message, id) && !x->answered_call) {
        x->answered_call = true;
        x->tool_failed = result == SCAN_NONE || tells_failure(message, result);
        spend_note_actual(x, message, result);
        return AIP_OK;
    }
    if (x->kind == MESSAGE_REQUEST && x->upstream_http >= 300) {
        return AIP_OK; /* a failure may be about a message that could not be read */
    }
    return x->kind == MESSAGE_NONE && resumes > 0
               ? AIP_OK
               : aip_fail(err, AIP_UPSTREAM_INVALID, "a response that nobody waits for");
}

/* Modern servers ask by results, and have no requests of their own. */
static aip_status
judge_request(exchange *x, const scan_document *message, aip_error *err)
{
    uint32_t id = scan_member(message, 0, "id");
    if (id == SCAN_NONE) {
        return AIP_OK; /* a notification */
    }
    aip_bytes raw = scan_raw(message, id);
    scan_kind kind = scan_kind_of(message, id);
    if (x->modern || (kind != SCAN_STRING && kind != SCAN_NUMBER) || raw.size > AIP_REQUEST_ID_BYTES_MAX) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "a request from the server");
    }
    const server_request asked = mcp_server_request(x, raw);
    server_requests_note(x->gateway->server_requests, &asked, clock_monotonic_microseconds());
    return AIP_OK;
}

aip_status
mcp_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    uint32_t version = scan_member(message, 0, "jsonrpc"), result = scan_member(message, 0, "result");
    bool failure = scan_member(message, 0, "error") != SCAN_NONE,
         method = scan_member(message, 0, "method") != SCAN_NONE;
    if (version == SCAN_NONE || scan_kind_of(message, version) != SCAN_STRING ||
        !scan_string_equals(message, version, AIP_BYTES_LITERAL("2.0")) ||
        scan_check_names(message, 0, message_names, NULL) != AIP_OK || (result != SCAN_NONE) + failure + method != 1) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "a reply that is not one JSON-RPC message");
    }
    if (method) {
        return judge_request(x, message, err);
    }
    AIP_TRY(judge_response(x, message, result, err));
    return result == SCAN_NONE ? AIP_OK : lists_judge(x, message, out, err);
}

/* Basic/patterns/subscriptions asks for a result at the end, basic/patterns/cancellation for a notification: both. */
bool
mcp_append_end(text_buffer *out, const exchange *x)
{
    int id_size = (int)x->id.size;
    const char *id = (const char *)x->id.data;
    if (x->kind == MESSAGE_NONE) {
        return strcmp(x->http_method, "GET") == 0;
    }
    if (!x->modern || strcmp(x->method, "subscriptions/listen") != 0) {
        return false;
    }
    text_append_format(out,
                       "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                       "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%.*s},\"requestId\":%.*s,"
                       "\"reason\":\"The gateway ends.\"}}\n\n",
                       id_size, id, id_size, id);
    text_append_format(out,
                       "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"resultType\":"
                       "\"complete\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%.*s}}}\n\n",
                       id_size, id, id_size, id);
    return true;
}
