/* Reads each message of a reply as strictly as the caller's, lets its protocol judge it, and looks into it. */
#include "gateway/answer.h"

#include "gateway/stages.h"

static aip_status
load(aip_bytes text, scan_document *out, aip_error *err)
{
    const scan_limits limits = {text.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    return scan_load(text, &limits, out, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_UPSTREAM_INVALID, "a reply that is not one JSON message");
}

/* The protocol may have left things out; what is left is looked into. */
static aip_status
inspect(exchange *x, const scan_document *document, text_buffer *changed, text_buffer *out, aip_error *err)
{
    scan_document again = {0};
    if (changed->size == 0) {
        return inspect_reply(x, document, out, err);
    }
    AIP_TRY(text_finish(changed, err));
    AIP_TRY(load(text_view(changed), &again, err));
    aip_status status = inspect_reply(x, &again, out, err);
    scan_clear(&again);
    if (status == AIP_OK && out->size == 0) {
        *out = *changed;
        *changed = (text_buffer){0};
    }
    return status;
}

static aip_status
judge_text(exchange *x, aip_bytes text, text_buffer *changed, aip_error *err)
{
    AIP_TRY(x->route->protocol->judge(x, NULL, changed, err));
    return inspect_reply_text(x, text, err);
}

/* A reply's head says whether it is JSON; events do not say what they are: one that is none is a text (E-77). */
aip_status
answer_judge(exchange *x, aip_bytes text, text_buffer *out, aip_error *err)
{
    scan_document document = {0};
    text_buffer changed TEXT_AUTO = {0};
    bool streams = x->phase == EXCHANGE_STREAMING, texts = x->route->protocol->texts, answered = x->answered_call;
    if (texts && !streams && !x->upstream_json) {
        return judge_text(x, text, &changed, err);
    }
    aip_status status = load(text, &document, texts && streams ? NULL : err);
    if (status != AIP_OK) {
        return texts && streams ? judge_text(x, text, &changed, err) : status;
    }
    status = x->route->protocol->judge(x, &document, &changed, err);
    if (status == AIP_OK && !x->left_out) {
        status = inspect(x, &document, &changed, out, err);
    }
    scan_clear(&document);
    x->answered_call = status == AIP_OK ? x->answered_call : answered; /* the caller does not get it */
    return status == AIP_OK ? text_finish(out, err) : status;
}
