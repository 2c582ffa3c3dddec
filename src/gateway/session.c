/* Session ids: the upstream's id sealed to the root and leaf that it was given to, and to the upstream, so any other
 * agent's is unknown, and so is one of another server behind the gateway. */
#include "base/clock.h"
#include "crypto/base64url.h"
#include "gateway/stages.h"

enum { SEALED_BYTES_MAX = AIP_SESSION_BYTES_MAX + AEAD_EXTRA_BYTES };

static void
name_binding(const exchange *x, unsigned char out[AIP_HASH_BYTES])
{
    hash_stream hash;
    hash_stream_begin(&hash);
    hash_stream_add(&hash, (aip_bytes){x->owner, sizeof x->owner});
    hash_stream_add(&hash, aip_bytes_of(x->route->url));
    hash_stream_end(&hash, out);
}

aip_status
session_recognise(exchange *x, aip_error *err)
{
    size_t count = 0, size = 0;
    unsigned char sealed[SEALED_BYTES_MAX], binding[AIP_HASH_BYTES];
    aip_bytes id, field = exchange_header(x, "Mcp-Session-Id", &count);
    if (count == 0 || x->modern) {
        return AIP_OK; /* modern requests have no session: a stray header is ignored */
    }
    name_binding(x, binding);
    if (base64url_decode(field, sealed, sizeof sealed, &size, NULL) != AIP_OK ||
        aead_open(x->gateway->session_key, (aip_bytes){binding, sizeof binding}, sealed, size, &id) != AIP_OK) {
        return aip_fail(err, AIP_SESSION_NOT_FOUND, NULL);
    }
    memcpy(x->session, id.data, id.size); /* at most AIP_SESSION_BYTES_MAX, by the size of `sealed` */
    x->session[id.size] = '\0';
    x->has_session = true;
    return AIP_OK;
}

void
session_issue(exchange *x, aip_bytes upstream_id)
{
    unsigned char sealed[SEALED_BYTES_MAX], binding[AIP_HASH_BYTES];
    char text[BASE64URL_TEXT_SIZE(SEALED_BYTES_MAX) + 1];
    if (x->modern || upstream_id.size == 0 || upstream_id.size > AIP_SESSION_BYTES_MAX) {
        return;
    }
    name_binding(x, binding);
    aead_seal(x->gateway->session_key, (aip_bytes){binding, sizeof binding}, upstream_id, sealed);
    base64url_encode((aip_bytes){sealed, upstream_id.size + AEAD_EXTRA_BYTES}, text);
    answer_add(&x->answer, "Mcp-Session-Id", "%s", text);
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

void
session_claim_stream(exchange *x)
{
    const server_request stream = stream_of(x);
    x->opened_microseconds = clock_monotonic_microseconds();
    server_requests_note(x->gateway->server_requests, &stream, x->opened_microseconds);
}

bool
session_stream_replaced(const exchange *x)
{
    const server_request stream = stream_of(x);
    return server_requests_noted(x->gateway->server_requests, &stream) > x->opened_microseconds;
}
