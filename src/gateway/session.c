/* Session ids: an end and the upstream's id, sealed to the root and leaf that it was given to, and to the upstream, so
 * any other agent's is unknown, and so is one of another server behind the gateway, or one that has ended (G-16). */
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "gateway/group.h"
#include "gateway/stages.h"

enum {
    LONGEST_BYTES = GROUP_SESSION_BYTES_MAX,
    END_BYTES = 8, /* seconds since 1970, before the id, the most significant byte first */
    SEALED_BYTES_MAX = END_BYTES + LONGEST_BYTES + AEAD_EXTRA_BYTES,
};
_Static_assert(AIP_SESSION_BYTES_MAX <= LONGEST_BYTES, "one upstream's id is no longer than those of a group");

static void
name_binding(const exchange *x, unsigned char out[AIP_HASH_BYTES])
{
    hash_stream hash;
    hash_stream_begin(&hash);
    hash_stream_add(&hash, (aip_bytes){x->owner, sizeof x->owner});
    hash_stream_add(&hash, aip_bytes_of(x->route->url));
    hash_stream_end(&hash, out);
}

static aip_status
set_session(exchange *x, aip_bytes id, aip_error *err)
{
    if (id.size >= sizeof x->session) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    memcpy(x->session, id.data, id.size);
    x->session[id.size] = '\0';
    x->has_session = true;
    return AIP_OK;
}

/* The session as such is known by its first line, and each member's by another. */
static aip_status
set_sessions(exchange *x, aip_bytes id, aip_error *err)
{
    free(x->sessions);
    x->sessions = strndup((const char *)id.data, id.size);
    return x->sessions == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : set_session(x, group_session_name(id), err);
}

static server_request
name_event(const exchange *x, aip_bytes id)
{
    return (server_request){x->owner, aip_bytes_of(x->route->url), {NULL, 0}, id};
}

void
session_note_event(const exchange *x, aip_bytes id)
{
    if (!x->modern && !x->has_session && id.size > 0 && x->gateway->events != NULL) {
        const server_request event = name_event(x, id);
        server_requests_note(x->gateway->events, &event, clock_monotonic_microseconds());
    }
}

aip_status
session_check_event(const exchange *x, aip_bytes id, aip_error *err)
{
    const server_request event = name_event(x, id);
    return x->has_session ||
                   (id.size > 0 && x->gateway->events != NULL && server_requests_noted(x->gateway->events, &event) != 0)
               ? AIP_OK
               : aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
}

/* At a group the id says which server's event it is, so this waits until that is known. */
static aip_status
check_resumption(const exchange *x, aip_error *err)
{
    size_t count = 0;
    aip_bytes id = exchange_header(x, "Last-Event-ID", &count);
    if (count == 0 || x->modern || strcmp(x->http_method, "GET") != 0 || x->route->members != NULL) {
        return AIP_OK;
    }
    return session_check_event(x, id, err);
}

/* Takes the end off the id. */
static aip_status
check_end(exchange *x, aip_bytes *id, aip_error *err)
{
    uint64_t ends = 0;
    if (id->size < END_BYTES) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    for (size_t i = 0; i < END_BYTES; i++) {
        ends = ends << 8 | id->data[i];
    }
    *id = aip_bytes_from(*id, END_BYTES);
    x->session_ends = (int64_t)ends;
    return x->session_ends > x->record.time_seconds ? AIP_OK
                                                    : aip_fail(err, AIP_SESSION_NOT_FOUND, "the session has ended");
}

aip_status
session_recognise(exchange *x, aip_error *err)
{
    size_t count = 0, size = 0;
    unsigned char sealed[SEALED_BYTES_MAX], binding[AIP_HASH_BYTES];
    aip_bytes id, field = exchange_header(x, "Mcp-Session-Id", &count);
    if (count == 0) {
        return check_resumption(x, err);
    }
    if (x->modern) {
        return AIP_OK; /* modern requests have no session: a stray header is ignored */
    }
    name_binding(x, binding);
    if (base64url_decode(field, sealed, sizeof sealed, &size, NULL) != AIP_OK ||
        aead_open(x->gateway->session_key, (aip_bytes){binding, sizeof binding}, sealed, size, &id) != AIP_OK) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    AIP_TRY(check_end(x, &id, err));
    return x->route->members == NULL ? set_session(x, id, err) : set_sessions(x, id, err);
}

/* A server may repeat the id with each reply: it stays the same text, and ends when it would have ended. */
static int64_t
end_of(const exchange *x, aip_bytes id)
{
    const char *known = x->sessions != NULL ? x->sessions : x->session;
    return x->has_session && aip_bytes_equal(id, aip_bytes_of(known))
               ? x->session_ends
               : x->record.time_seconds + (int64_t)x->settings->front.session_seconds;
}

void
session_seal(exchange *x, aip_bytes id)
{
    unsigned char plain[END_BYTES + LONGEST_BYTES], sealed[SEALED_BYTES_MAX], binding[AIP_HASH_BYTES];
    char text[BASE64URL_TEXT_SIZE(SEALED_BYTES_MAX) + 1];
    if (id.size > LONGEST_BYTES) {
        return;
    }
    uint64_t ends = (uint64_t)end_of(x, id);
    for (size_t i = END_BYTES; i > 0; i--, ends >>= 8) {
        plain[i - 1] = (unsigned char)(ends & 0xff);
    }
    memcpy(plain + END_BYTES, id.data, id.size);
    name_binding(x, binding);
    aead_seal(x->gateway->session_key, (aip_bytes){binding, sizeof binding}, (aip_bytes){plain, END_BYTES + id.size},
              sealed);
    base64url_encode((aip_bytes){sealed, END_BYTES + id.size + AEAD_EXTRA_BYTES}, text);
    answer_add(&x->answer, "Mcp-Session-Id", "%s", text);
}

/* Where it is one of several the caller does not see it: theirs are sealed together. */
void
session_issue(exchange *x, aip_bytes upstream_id)
{
    if (x->modern || upstream_id.size == 0 || upstream_id.size > AIP_SESSION_BYTES_MAX) {
        return;
    }
    if (x->group == NULL) {
        session_seal(x, upstream_id);
        if (!x->has_session) { /* what its server asks with the same reply is asked in it */
            memcpy(x->session, upstream_id.data, upstream_id.size);
            x->session[upstream_id.size] = '\0';
        }
    } else if (x->part) {
        (void)!set_session(x, upstream_id, NULL);
    }
}

/* A resumed stream is the one of a call, or goes on beside its session's own. */
bool
session_has_stream(const exchange *x)
{
    size_t resumes = 0;
    (void)exchange_header(x, "Last-Event-ID", &resumes);
    return x->has_session && resumes == 0 && strcmp(x->http_method, "GET") == 0;
}

/* No request of a server has an empty id. */
static server_request
stream_of(const exchange *x)
{
    return (server_request){x->owner, aip_bytes_of(x->route->url), aip_bytes_of(x->session), {NULL, 0}};
}

/* Whoever resumes a stream has lost it, though its server may not know yet. */
bool
session_may_claim(const exchange *x)
{
    return x->has_session && strcmp(x->http_method, "GET") == 0;
}

/* By when it was asked for, not by when it was answered: of two at once the later one stays. */
void
session_claim_stream(const exchange *x)
{
    const server_request stream = stream_of(x);
    if (server_requests_noted(x->gateway->server_requests, &stream) <= x->sent_microseconds) {
        server_requests_note(x->gateway->server_requests, &stream, x->sent_microseconds);
    }
}

bool
session_stream_replaced(const exchange *x)
{
    const server_request stream = stream_of(x);
    return server_requests_noted(x->gateway->server_requests, &stream) > x->opened_microseconds;
}
