/* `initialize` at a server that many clients share: asked once in each of its lives, answered to each client
 * (spec/stdio.md W-21, W-45). */
#include "gateway/stdio_inside.h"

static const char own_id[] = "greeting";

/* The gateway's own request, with what the first client said. */
static aip_status
ask(stdio_upstream *s, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_document document = {0};
    text_append_format(&text, "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"initialize\",\"params\":", own_id);
    text_append(&text, text_view(&s->params));
    text_append_string(&text, "}");
    AIP_TRY(text_finish(&text, err));
    AIP_TRY(scan_load(text_view(&text), &limits, &document, err));
    aip_status status = multiplex_outward(s->multiplex, s->self, &document, &s->out, err);
    scan_clear(&document);
    AIP_TRY(status);
    status = stdio_send(s, text_view(&s->out.text), err);
    if (status != AIP_OK) {
        multiplex_forget(s->multiplex, s->out.id);
        return status;
    }
    s->greeting = GREETING_ASKED;
    return AIP_OK;
}

static bool
tells_result(const stdio_upstream *s)
{
    return aip_bytes_begin_with(text_view(&s->answer), AIP_BYTES_LITERAL("\"result\":"));
}

static void
answer(stdio_call *call)
{
    TEXT_AUTO text_buffer text = {0};
    const stdio_upstream *s = call->owner;
    text_append_string(&text, "{\"jsonrpc\":\"2.0\",\"id\":");
    text_append(&text, call->x->id);
    text_append_string(&text, ",");
    text_append(&text, text_view(&s->answer));
    text_append_string(&text, "}");
    if (text_finish(&text, NULL) != AIP_OK) {
        stdio_call_end(call, AIP_NO_MEMORY, true);
        return;
    }
    if (tells_result(s) && call->session != NULL && call->session->id[0] != '\0') {
        call->events->header(call->x, AIP_BYTES_LITERAL("Mcp-Session-Id"), aip_bytes_of(call->session->id));
    }
    call->greets = !tells_result(s); /* else its session is the client's from now on */
    stdio_call_deliver(call, text_view(&text), true);
}

static aip_status
keep_params(stdio_upstream *s, const exchange *x, aip_error *err)
{
    text_clear(&s->params);
    text_append(&s->params, x->params == SCAN_NONE ? AIP_BYTES_LITERAL("{}") : scan_raw(&x->document, x->params));
    return text_finish(&s->params, err);
}

aip_status
stdio_greeting_begin(stdio_call *call, aip_error *err)
{
    stdio_upstream *s = call->owner;
    call->greets = true;
    if (s->greeting == GREETING_DONE) {
        answer(call);
        return AIP_OK;
    }
    if (s->greeting != GREETING_NONE) {
        return AIP_OK;
    }
    s->replays = false;
    s->initialized = false;
    AIP_TRY(keep_params(s, call->x, err));
    return ask(s, err);
}

/* The member of the response that answers; false: there is none. */
static bool
keep_answer(stdio_upstream *s, aip_bytes message)
{
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_document document = {0};
    bool good = false;
    text_clear(&s->answer);
    if (scan_load(message, &limits, &document, NULL) == AIP_OK) {
        uint32_t result = scan_member(&document, 0, "result"), error = scan_member(&document, 0, "error");
        good = result != SCAN_NONE;
        text_append_string(&s->answer, good ? "\"result\":" : "\"error\":");
        text_append(&s->answer, good ? scan_raw(&document, result) : scan_raw(&document, error));
    }
    scan_clear(&document);
    return good && text_finish(&s->answer, NULL) == AIP_OK;
}

static void
answer_all(stdio_upstream *s)
{
    for (stdio_call *each = s->calls, *next = NULL; each != NULL; each = next) {
        next = each->next;
        if (each->greets) {
            answer(each);
        }
    }
}

/* What waited for the greeting goes on, in the order in which it came: the latest stands first. */
static void
send_held(stdio_upstream *s)
{
    stdio_call *each = s->calls;
    while (each != NULL && each->next != NULL) {
        each = each->next;
    }
    for (stdio_call *previous = NULL; each != NULL; each = previous) {
        previous = each->previous;
        if (each->held.size == 0) {
            continue;
        }
        aip_status status = stdio_send(s, text_view(&each->held), NULL);
        text_clear(&each->held);
        if (status != AIP_OK) {
            multiplex_forget(s->multiplex, each->id);
            stdio_call_end(each, status, false);
        }
    }
}

void
stdio_greeting_arrived(stdio_upstream *s, aip_bytes message)
{
    bool good = keep_answer(s, message);
    s->greeting = good || s->replays ? GREETING_DONE : GREETING_NONE;
    if (s->initialized) { /* said while it was asked, or in a life before */
        stdio_send_if_possible(s, AIP_BYTES_LITERAL("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
    }
    answer_all(s);
    send_held(s);
}

void
stdio_greeting_repeat(stdio_upstream *s)
{
    if (s->greeting != GREETING_OWED) {
        return;
    }
    s->replays = true;
    if (ask(s, NULL) != AIP_OK) {
        s->greeting = GREETING_DONE; /* what is held goes on, and the server says what it thinks of it */
        send_held(s);
    }
}
