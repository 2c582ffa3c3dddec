/* Messages of clients on their way to a server behind a pipe. */
#include "gateway/stdio_upstream.h"

#include "gateway/stdio_inside.h"

aip_status
stdio_send(stdio_upstream *s, aip_bytes line, aip_error *err)
{
    switch (child_send(s->child, line)) {
    case CHILD_TAKEN:
        return AIP_OK;
    case CHILD_FULL:
        return aip_fail(err, AIP_OVERLOADED, "the server does not read what it is sent");
    case CHILD_GONE:
        return aip_fail(err, AIP_UPSTREAM_UNREACHABLE, NULL);
    case CHILD_REFUSED:
        break;
    }
    return aip_fail(err, AIP_REQUEST_SIZE, "too long for one line");
}

void
stdio_send_if_possible(void *server, aip_bytes line)
{
    (void)!stdio_send(server, line, NULL);
}

/* A server that was started again is greeted again before anything else of legacy clients. */
static bool
must_wait(const stdio_upstream *s, const exchange *x)
{
    return !x->modern && (s->greeting == GREETING_OWED || s->greeting == GREETING_ASKED);
}

static void
note_subscription(stdio_session *session, const exchange *x)
{
    if (strcmp(x->method, "resources/subscribe") == 0) {
        stdio_session_subscribe(session, x->name);
    } else if (strcmp(x->method, "resources/unsubscribe") == 0) {
        stdio_session_unsubscribe(session, x->name);
    }
}

aip_status
stdio_send_request(stdio_call *call, aip_error *err)
{
    stdio_upstream *s = call->owner;
    AIP_TRY(multiplex_outward(s->multiplex, call->session->client, &call->x->document, &s->out, err));
    call->id = s->out.id;
    if (must_wait(s, call->x)) {
        call->held = s->out.text;
        s->out.text = (text_buffer){0};
        return AIP_OK;
    }
    aip_status status = stdio_send(s, text_view(&s->out.text), err);
    if (status != AIP_OK) {
        multiplex_forget(s->multiplex, call->id);
        call->id = 0;
        return status;
    }
    note_subscription(call->session, call->x);
    return AIP_OK;
}

static aip_status
begin_request(stdio_upstream *s, exchange *x, const upstream_events *events, stdio_session *session, aip_error *err)
{
    bool greets = !x->modern && strcmp(x->method, "initialize") == 0;
    if (session == NULL && !greets && !x->modern && !x->local) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    if (session == NULL || (greets && !x->local)) {
        AIP_TRY(stdio_session_open(s, x, &session, err));
    }
    stdio_call *call = stdio_call_new(s, x, events, session);
    if (call == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (stdio_waiting_takes(s, x)) {
        stdio_waiting_begin(call, greets);
        return AIP_OK;
    }
    aip_status status = greets ? stdio_greeting_begin(call, err) : stdio_send_request(call, err);
    if (status != AIP_OK) {
        x->pipe = NULL;
        stdio_call_free(call);
    }
    return status;
}

/* Cancelled by who asked: nothing more is said about it but that. */
static void
end_cancelled(stdio_upstream *s, uint32_t id)
{
    for (stdio_call *each = s->calls; each != NULL; each = each->next) {
        if (each->id == id) {
            each->id = 0;
            stdio_call_end(each, AIP_CALLER_GONE, true);
            return;
        }
    }
}

static bool
goes_on(stdio_upstream *s, const exchange *x)
{
    if (strcmp(x->method, "notifications/initialized") == 0) {
        bool first = !s->initialized;
        s->initialized = true;
        return first && !must_wait(s, x);
    }
    return !must_wait(s, x);
}

/* A notification, or an answer to what the server asked. */
static aip_status
send_word(stdio_upstream *s, exchange *x, stdio_session *session, aip_error *err)
{
    if (session == NULL) {
        return x->modern || x->local ? AIP_OK : aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    AIP_TRY(multiplex_outward(s->multiplex, session->client, &x->document, &s->out, err));
    if (s->out.verdict == MULTIPLEX_ONE && goes_on(s, x)) {
        AIP_TRY(stdio_send(s, text_view(&s->out.text), err));
    }
    if (s->out.ends && s->out.id != 0) {
        end_cancelled(s, s->out.id);
    }
    return AIP_OK;
}

static aip_status
begin_stream(stdio_upstream *s, exchange *x, const upstream_events *events, stdio_session *session, aip_error *err)
{
    if (session == NULL && x->local) {
        AIP_TRY(stdio_session_open(s, x, &session, err));
    }
    if (session == NULL) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    if (session->stream != NULL) {
        stdio_call_end(session->stream, AIP_OK, true); /* the new one takes its place */
    }
    stdio_call *call = stdio_call_new(s, x, events, session);
    if (call == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    call->is_stream = true;
    session->stream = call;
    (void)stdio_call_begin_reply(call, true);
    return AIP_OK;
}

static stdio_upstream *
find(const exchange *x)
{
    stdio_upstream *each = x->shard->commands;
    while (each != NULL && strncmp(each->name, x->route->name, sizeof each->name - 1) != 0) {
        each = each->next;
    }
    return each;
}

static bool
is_known_version(const exchange *x)
{
    static const char *const known[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
    size_t count = 0;
    aip_bytes version = exchange_header(x, "MCP-Protocol-Version", &count);
    bool found = count == 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        found = found || aip_bytes_equal(version, aip_bytes_of(known[i]));
    }
    return found;
}

aip_status
stdio_upstream_check(exchange *x, aip_error *err)
{
    if (x->route->command == NULL) {
        return AIP_OK;
    }
    const stdio_upstream *s = find(x);
    child_state state = s == NULL ? CHILD_STOPPED : child_look(s->child).state;
    if (state != CHILD_STARTING && state != CHILD_RUNNING && (s == NULL || !stdio_waiting_takes(s, x))) {
        return aip_fail(err, AIP_UPSTREAM_UNREACHABLE, "the server is not running");
    }
    if (x->local || x->modern || (x->kind == MESSAGE_REQUEST && strcmp(x->method, "initialize") == 0)) {
        return AIP_OK;
    }
    if (!is_known_version(x)) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "a protocol version that is not known");
    }
    if (!x->has_session) {
        return aip_fail(err, AIP_REQUEST_INVALID, "Mcp-Session-Id is missing");
    }
    return stdio_session_find(s, x) == NULL ? aip_fail(err, AIP_SESSION_NOT_FOUND, NULL) : AIP_OK;
}

aip_status
stdio_upstream_begin(exchange *x, const upstream_events *events, aip_error *err)
{
    stdio_upstream *s = find(x);
    if (s == NULL) {
        return aip_fail(err, AIP_UPSTREAM_UNREACHABLE, "no server was started for this route");
    }
    stdio_session *session = x->modern && !x->local ? NULL : stdio_session_find(s, x);
    if (x->kind == MESSAGE_REQUEST) {
        return begin_request(s, x, events, session, err);
    }
    if (x->kind == MESSAGE_NONE && strcmp(x->http_method, "GET") == 0) {
        return begin_stream(s, x, events, session, err);
    }
    if (x->kind == MESSAGE_NONE && session == NULL) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    if (x->kind == MESSAGE_NONE) {
        stdio_session_close(s, session);
    } else {
        AIP_TRY(send_word(s, x, session, err));
    }
    (void)!events->start(x, x->kind == MESSAGE_NONE ? 200 : 202);
    events->end(x, AIP_OK, true);
    return AIP_OK;
}
