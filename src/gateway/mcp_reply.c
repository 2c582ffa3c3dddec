/* MCP: messages of the server, and what they say of the call. */
#include <stdlib.h>

#include "base/clock.h"
#include "gateway/group.h"
#include "gateway/lists.h"
#include "gateway/mcp.h"
#include "gateway/mcp_tasks.h"
#include "gateway/stages.h"

/* A session that only begins has its id already when its server asks: it came with the head of the same reply. */
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
        mcp_name_state(x, message, result, x->state_wanted);
        spend_note_actual(x, message, result);
        return AIP_OK;
    }
    if (x->kind == MESSAGE_REQUEST && x->upstream_http >= 300) {
        return AIP_OK; /* a failure may be about a message that could not be read */
    }
    return x->kind == MESSAGE_NONE && resumes > 0 && !x->part /* such a stream was no call's */
               ? AIP_OK
               : aip_fail(err, AIP_UPSTREAM_INVALID, "a response that nobody waits for");
}

void
mcp_name_state(const exchange *x, const scan_document *message, uint32_t level, char out[DLP_FINGERPRINT_SIZE])
{
    uint32_t state = level == SCAN_NONE ? SCAN_NONE : scan_member(message, level, "requestState");
    size_t room = state == SCAN_NONE ? 0 : scan_raw(message, state).size, size = 0;
    char *text = state != SCAN_NONE && scan_kind_of(message, state) == SCAN_STRING ? malloc(room) : NULL;
    out[0] = '\0';
    if (text != NULL && scan_unescape(message, state, text, room, &size, NULL) == AIP_OK) {
        dlp_fingerprint(x->gateway->finding_key, (aip_bytes){(const unsigned char *)text, size}, out);
    }
    free(text);
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

/* Of a group's servers, the versions are those of all. */
static bool
is_discovery(const exchange *x)
{
    return x->group == NULL && x->kind == MESSAGE_REQUEST && strcmp(x->method, "server/discover") == 0;
}

/* What is left of the message, with the names that a group's callers know. */
static aip_status
name_for_callers(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer left = *out;
    scan_document again = {0};
    *out = (text_buffer){0};
    if (left.size == 0) {
        return group_name_reply(x, message, out, err);
    }
    const scan_limits limits = {left.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    AIP_TRY(text_finish(&left, err));
    AIP_TRY(scan_load(text_view(&left), &limits, &again, err));
    aip_status status = group_name_reply(x, &again, out, err);
    scan_clear(&again);
    if (status == AIP_OK && out->size == 0) {
        *out = left;
        left = (text_buffer){0};
    }
    return status;
}

aip_status
mcp_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    uint32_t version = scan_member(message, 0, "jsonrpc"), result = scan_member(message, 0, "result");
    bool failure = scan_member(message, 0, "error") != SCAN_NONE,
         method = scan_member(message, 0, "method") != SCAN_NONE;
    if (version == SCAN_NONE || scan_kind_of(message, version) != SCAN_STRING ||
        !scan_string_equals(message, version, AIP_BYTES_LITERAL("2.0")) ||
        message_check_names(message, NULL) != AIP_OK || (result != SCAN_NONE) + failure + method != 1) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "a reply that is not one JSON-RPC message");
    }
    if (method) {
        AIP_TRY(mcp_tasks_judge_message(x, message, err));
        AIP_TRY(x->left_out ? AIP_OK : judge_request(x, message, err));
    } else {
        AIP_TRY(judge_response(x, message, result, err));
        AIP_TRY(mcp_tasks_judge_result(x, message, out, err));
        AIP_TRY(result == SCAN_NONE || out->size > 0 ? AIP_OK : lists_judge(x, message, out, err));
        AIP_TRY(result == SCAN_NONE || !is_discovery(x) ? AIP_OK : mcp_narrow_versions(message, result, out, err));
    }
    return x->group == NULL || x->left_out ? AIP_OK : name_for_callers(x, message, out, err);
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
