/* Clients of a server behind a pipe, and what is whose (spec/stdio.md W-22 to W-24). */
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "gateway/stdio_inside.h"

stdio_session *
stdio_session_find(const stdio_upstream *s, const exchange *x)
{
    stdio_session *each = s->sessions;
    if (!x->local && !x->has_session) {
        return NULL;
    }
    while (each != NULL && (x->local ? !each->local : each->id[0] == '\0' || strcmp(each->id, x->session) != 0)) {
        each = each->next;
    }
    if (each != NULL) {
        each->used = clock_monotonic_microseconds();
    }
    return each;
}

/* One caller does not take all: its oldest session that waits for nothing gives way. */
static aip_status
make_room(stdio_upstream *s, const unsigned char owner[AIP_HASH_BYTES], aip_error *err)
{
    size_t count = 0;
    stdio_session *oldest = NULL;
    for (stdio_session *each = s->sessions; each != NULL; each = each->next) {
        if (each->id[0] == '\0' || memcmp(each->owner, owner, AIP_HASH_BYTES) != 0) {
            continue;
        }
        count++;
        if (each->calls == (each->stream != NULL) && (oldest == NULL || each->used < oldest->used)) {
            oldest = each;
        }
    }
    if (count < STDIO_SESSIONS_PER_OWNER_MAX) {
        return AIP_OK;
    }
    if (oldest == NULL) {
        return aip_fail(err, AIP_OVERLOADED, "this caller has too many sessions");
    }
    stdio_session_close(s, oldest);
    return AIP_OK;
}

aip_status
stdio_session_open(stdio_upstream *s, const exchange *x, stdio_session **out, aip_error *err)
{
    unsigned char random[16];
    bool has_id = !x->local && !x->modern;
    *out = NULL;
    AIP_TRY(has_id ? make_room(s, x->owner, err) : AIP_OK);
    stdio_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = multiplex_join(s->multiplex, session, &session->client, err);
    if (status != AIP_OK) {
        free(session);
        return status;
    }
    if (has_id) {
        hash_random(random, sizeof random);
        base64url_encode((aip_bytes){random, sizeof random}, session->id);
    }
    session->local = x->local;
    session->single = x->modern && !x->local;
    session->used = clock_monotonic_microseconds();
    memcpy(session->owner, x->owner, sizeof session->owner);
    session->next = s->sessions;
    if (session->next != NULL) {
        session->next->previous = session;
    }
    s->sessions = session;
    *out = session;
    return AIP_OK;
}

static void
end_calls(stdio_upstream *s, stdio_session *session)
{
    for (stdio_call *each = s->calls, *next = NULL; each != NULL; each = next) {
        next = each->next;
        if (each->session == session) {
            each->session = NULL; /* it is being freed here */
            stdio_call_end(each, each->is_stream ? AIP_OK : AIP_SESSION_NOT_FOUND, true);
        }
    }
}

void
stdio_session_close(stdio_upstream *s, stdio_session *session)
{
    end_calls(s, session);
    multiplex_leave(s->multiplex, &session->client, stdio_send_if_possible, s);
    for (stdio_subscription *each = session->subscriptions, *next = NULL; each != NULL; each = next) {
        next = each->next;
        free(each);
    }
    if (session->previous != NULL) {
        session->previous->next = session->next;
    } else {
        s->sessions = session->next;
    }
    if (session->next != NULL) {
        session->next->previous = session->previous;
    }
    free(session);
}

void
stdio_session_sweep(stdio_upstream *s, uint64_t now)
{
    for (stdio_session *each = s->sessions, *next = NULL; each != NULL; each = next) {
        next = each->next;
        if (each->calls > 0) {
            each->used = now;
        } else if (each->id[0] != '\0' && (now - each->used) / 1000000 >= STDIO_SESSION_IDLE_SECONDS) {
            stdio_session_close(s, each);
        }
    }
}

/* ---- whose ---- */

void
stdio_session_subscribe(stdio_session *session, aip_bytes uri)
{
    if (session->subscription_count >= STDIO_SUBSCRIPTIONS_MAX || uri.size == 0) {
        return;
    }
    stdio_subscription *added = malloc(sizeof *added + uri.size);
    if (added != NULL) {
        added->size = uri.size;
        memcpy(added->uri, uri.data, uri.size);
        added->next = session->subscriptions;
        session->subscriptions = added;
        session->subscription_count++;
    }
}

void
stdio_session_unsubscribe(stdio_session *session, aip_bytes uri)
{
    stdio_subscription **at = &session->subscriptions;
    while (*at != NULL) {
        stdio_subscription *each = *at;
        if (aip_bytes_equal((aip_bytes){each->uri, each->size}, uri)) {
            *at = each->next;
            session->subscription_count--;
            free(each);
        } else {
            at = &each->next;
        }
    }
}

bool
stdio_session_hears(const stdio_session *session, const scan_document *document, uint32_t uri)
{
    bool readable = uri != SCAN_NONE && scan_kind_of(document, uri) == SCAN_STRING;
    for (const stdio_subscription *each = session->subscriptions; readable && each != NULL; each = each->next) {
        if (scan_string_equals(document, uri, (aip_bytes){each->uri, each->size})) {
            return true;
        }
    }
    return false;
}

stdio_session *
stdio_session_meant(const stdio_upstream *s)
{
    stdio_session *only = NULL, *busy = NULL;
    size_t all = 0, waiting = 0;
    for (stdio_session *each = s->sessions; each != NULL; each = each->next) {
        bool waits = each->calls > (each->stream != NULL ? 1u : 0u);
        only = each;
        all++;
        busy = waits ? each : busy;
        waiting += waits;
    }
    return all == 1 ? only : waiting == 1 ? busy : NULL;
}
