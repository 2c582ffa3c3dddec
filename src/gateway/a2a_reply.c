/* What agents answer: whose tasks it tells of, and what of it the caller may see. */
#include "base/splice.h"
#include "gateway/a2a_exchange.h"
#include "gateway/a2a_public.h"

/* Is it the one response to the request? */
static aip_status
check_envelope(const exchange *x, const scan_document *message, bool *failed, aip_error *err)
{
    static const char *const names[] = {"jsonrpc", "id", "method", "params", "result", "error", NULL};
    uint32_t version = scan_member(message, 0, "jsonrpc"), id = scan_member(message, 0, "id");
    bool result = scan_member(message, 0, "result") != SCAN_NONE;
    *failed = scan_member(message, 0, "error") != SCAN_NONE;
    if (version == SCAN_NONE || scan_kind_of(message, version) != SCAN_STRING ||
        !scan_string_equals(message, version, AIP_BYTES_LITERAL("2.0")) || result == *failed ||
        scan_member(message, 0, "method") != SCAN_NONE || scan_check_names(message, 0, names, NULL) != AIP_OK) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "a reply that is not one JSON-RPC response");
    }
    bool answers = id != SCAN_NONE && aip_bytes_equal(scan_raw(message, id), x->id);
    bool unread = *failed && (id == SCAN_NONE || scan_kind_of(message, id) == SCAN_NULL);
    return answers || unread ? AIP_OK : aip_fail(err, AIP_UPSTREAM_INVALID, "a response that nobody waits for");
}

/* ---- the extended card: E-59 ---- */

static aip_status
put_card(const exchange *x, const scan_document *message, uint32_t node, text_buffer *out, aip_error *err)
{
    a2a_card_room room;
    a2a_card card;
    SPLICE_AUTO splice edit = {0};
    const scan_limits limits = {x->settings->body_bytes_max, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    AIP_TRY(a2a_public_setup(x, true, &room, err));
    AIP_TRY(a2a_card_make(scan_raw(message, node), &room.setup, &card, err));
    splice_begin(&edit, message);
    aip_status status = splice_replace(&edit, node, text_view(&card.body), err);
    if (status == AIP_OK) {
        status = splice_finish(&edit, &limits, out, NULL, err);
    }
    a2a_card_clear(&card);
    return status;
}

static aip_status
judge_card(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    uint32_t node = a2a_binding_of(x) == A2A_REST ? 0 : scan_member(message, 0, "result");
    return put_card(x, message, node, out, err);
}

/* ---- tasks ---- */

static aip_status
learn(exchange *x, const scan_document *message, aip_error *err)
{
    a2a_reply_facts reply;
    owned_caller caller;
    a2a_caller_of(x, &caller);
    AIP_TRY(a2a_reply_read(message, a2a_binding_of(x), &reply, err));
    return a2a_tasks_learn(x->gateway->owners, &caller, &reply, err);
}

static aip_status
thin_out(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    owned_caller caller;
    const a2a_reply reply = {a2a_binding_of(x), message};
    a2a_caller_of(x, &caller);
    return a2a_tasks_filter(x->gateway->owners, &caller, &reply, out, err);
}

/* An agent that tells of somebody else's task has mixed them up: the reply goes nowhere, and the caller learns no more
 * than that. */
aip_status
a2a_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    const a2a_notes *notes = x->notes;
    bool failed = x->upstream_http >= 300;
    if (notes == NULL || notes->facts.row == NULL) {
        return aip_fail(err, AIP_INTERNAL, "a reply to no operation");
    }
    if (a2a_binding_of(x) == A2A_JSONRPC) {
        AIP_TRY(check_envelope(x, message, &failed, err));
    }
    x->answered_call = failed || x->phase != EXCHANGE_STREAMING;
    if (failed) {
        x->tool_failed = true;
        return AIP_OK;
    }
    switch (notes->facts.row->operation) {
    case A2A_LIST_TASKS:
        return thin_out(x, message, out, err);
    case A2A_GET_EXTENDED_CARD:
        return judge_card(x, message, out, err);
    case A2A_SEND_MESSAGE:
    case A2A_SEND_STREAMING_MESSAGE:
    case A2A_GET_TASK:
    case A2A_CANCEL_TASK:
    case A2A_SUBSCRIBE_TO_TASK:
    case A2A_CREATE_PUSH_CONFIG:
    case A2A_GET_PUSH_CONFIG:
    case A2A_LIST_PUSH_CONFIGS:
    case A2A_DELETE_PUSH_CONFIG:
    case A2A_OPERATION_COUNT:
        break;
    }
    return learn(x, message, err);
}
