/* What a server behind a pipe says: read strictly, and given to the call, session or sessions that it is for. */
#include "base/clock.h"
#include "gateway/stdio_inside.h"

enum { COMPLAINT_SECONDS = 1 };

static void
complain(stdio_upstream *s, const char *what)
{
    uint64_t now = clock_monotonic_microseconds();
    if (s->told_at != 0 && (now - s->told_at) / 1000000 < COMPLAINT_SECONDS) {
        s->untold++;
        return;
    }
    stdio_log(s, "%s (%llu more before)", what, (unsigned long long)s->untold);
    s->told_at = now;
    s->untold = 0;
}

static stdio_call *
find_call(const stdio_upstream *s, uint32_t id)
{
    stdio_call *each = s->calls;
    while (each != NULL && each->id != id) {
        each = each->next;
    }
    return each;
}

/* The session's latest request that waits, or its stream. */
static stdio_call *
find_place(const stdio_upstream *s, const stdio_session *session, bool stream_first)
{
    if (stream_first && session->stream != NULL) {
        return session->stream;
    }
    for (stdio_call *each = s->calls; each != NULL; each = each->next) {
        if (each->session == session && each->id != 0 && !each->done && each->held.size == 0) {
            return each;
        }
    }
    return session->stream;
}

/* ---- to one ---- */

static void
deliver_one(stdio_upstream *s, const multiplex_message *m)
{
    if (m->client == s->self) {
        if (m->ends) {
            stdio_greeting_arrived(s, text_view(&m->text));
        }
        return;
    }
    stdio_session *session = multiplex_owner(m->client);
    stdio_call *call = m->id != 0 ? find_call(s, m->id) : find_place(s, session, false);
    if (call != NULL) {
        if (m->ends) {
            call->id = 0;
        }
        stdio_call_deliver(call, text_view(&m->text), m->ends);
    }
}

/* The server's answer could not be read in one way only: its call gets none. */
static void
fail_one(stdio_upstream *s, const multiplex_message *m)
{
    stdio_call *call = m->id == 0 ? NULL : find_call(s, m->id);
    complain(s, "an answer that cannot be passed on");
    if (m->id != 0) {
        multiplex_forget(s->multiplex, m->id);
    }
    if (call != NULL) {
        call->id = 0;
        stdio_call_end(call, AIP_UPSTREAM_INVALID, true);
    }
}

/* ---- requests of the server ---- */

static bool
is_method(const scan_document *document, const char *name)
{
    uint32_t method = scan_member(document, 0, "method");
    return method != SCAN_NONE && scan_kind_of(document, method) == SCAN_STRING &&
           scan_string_equals(document, method, aip_bytes_of(name));
}

/* Its own pings are answered here when nobody is there. */
static void
answer_server(stdio_upstream *s)
{
    TEXT_AUTO text_buffer text = {0};
    uint32_t id = scan_member(&s->line, 0, "id");
    scan_kind kind = id == SCAN_NONE ? SCAN_NULL : scan_kind_of(&s->line, id);
    if (kind != SCAN_STRING && kind != SCAN_NUMBER) {
        return;
    }
    text_append_string(&text, "{\"jsonrpc\":\"2.0\",\"id\":");
    text_append(&text, scan_raw(&s->line, id));
    text_append_string(&text, is_method(&s->line, "ping")
                                  ? ",\"result\":{}}"
                                  : ",\"error\":{\"code\":-32603,\"message\":\"No client is there for this.\"}}");
    if (text_finish(&text, NULL) == AIP_OK) {
        stdio_send_if_possible(s, text_view(&text));
    }
}

static void
deliver_request(stdio_upstream *s, const multiplex_message *m)
{
    stdio_session *session = stdio_session_meant(s);
    stdio_call *call = session == NULL || session->single ? NULL : find_place(s, session, false);
    if (call == NULL || multiplex_ask(s->multiplex, session->client, &s->line, NULL) != AIP_OK) {
        answer_server(s);
        return;
    }
    stdio_call_deliver(call, text_view(&m->text), false);
}

/* ---- notifications that belong to no request ---- */

static bool
is_list_change(const scan_document *document)
{
    return is_method(document, "notifications/tools/list_changed") ||
           is_method(document, "notifications/prompts/list_changed") ||
           is_method(document, "notifications/resources/list_changed");
}

/* A change of lists tells nothing of anybody, and what is said of a task reaches its owner only (G-106); all else is
 * for who asked for it, or for nobody. */
static bool
concerns(const stdio_upstream *s, const stdio_session *session, const stdio_session *meant)
{
    if (session->single) {
        return session == meant && is_method(&s->line, "notifications/message");
    }
    if (is_list_change(&s->line) || is_method(&s->line, "notifications/tasks/status")) {
        return true;
    }
    if (is_method(&s->line, "notifications/resources/updated")) {
        uint32_t params = scan_member(&s->line, 0, "params");
        uint32_t uri = params == SCAN_NONE ? SCAN_NONE : scan_member(&s->line, params, "uri");
        return stdio_session_hears(session, &s->line, uri);
    }
    return session == meant;
}

static void
deliver_notification(stdio_upstream *s, const multiplex_message *m)
{
    const stdio_session *meant = stdio_session_meant(s);
    bool stream_first = is_list_change(&s->line) || is_method(&s->line, "notifications/resources/updated");
    for (stdio_session *each = s->sessions, *next = NULL; each != NULL; each = next) {
        next = each->next;
        stdio_call *call = concerns(s, each, meant) ? find_place(s, each, stream_first) : NULL;
        if (call != NULL) {
            stdio_call_deliver(call, text_view(&m->text), false);
        }
    }
}

void
stdio_inward(stdio_upstream *s, aip_bytes line)
{
    const scan_limits limits = {line.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    if (scan_reload(&s->line, line, &limits, NULL) != AIP_OK) {
        complain(s, "a line that is not one JSON message was dropped");
        return;
    }
    if (multiplex_inward(s->multiplex, &s->line, &s->in, NULL) != AIP_OK) {
        fail_one(s, &s->in);
        return;
    }
    switch (s->in.verdict) {
    case MULTIPLEX_NOBODY:
        break;
    case MULTIPLEX_ONE:
        deliver_one(s, &s->in);
        break;
    case MULTIPLEX_ASKS:
        deliver_request(s, &s->in);
        break;
    case MULTIPLEX_ANYONE:
        deliver_notification(s, &s->in);
        break;
    }
}
