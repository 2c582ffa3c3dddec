/* Session ids: the upstream's id sealed to the root and leaf that it was given to, so any other agent's is unknown. */
#include "crypto/base64url.h"
#include "gateway/stages.h"

enum { SEALED_BYTES_MAX = AIP_SESSION_BYTES_MAX + AEAD_EXTRA_BYTES };

aip_status
session_recognise(exchange *x, aip_error *err)
{
    size_t count = 0, size = 0;
    unsigned char sealed[SEALED_BYTES_MAX];
    aip_bytes id, field = exchange_header(x, "Mcp-Session-Id", &count);
    if (count == 0 || x->modern) {
        return AIP_OK; /* modern requests have no session: a stray header is ignored */
    }
    if (base64url_decode(field, sealed, sizeof sealed, &size, NULL) != AIP_OK ||
        aead_open(x->gateway->session_key, (aip_bytes){x->owner, sizeof x->owner}, sealed, size, &id) != AIP_OK) {
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
    unsigned char sealed[SEALED_BYTES_MAX];
    char text[BASE64URL_TEXT_SIZE(SEALED_BYTES_MAX) + 1];
    if (x->modern || upstream_id.size == 0 || upstream_id.size > AIP_SESSION_BYTES_MAX) {
        return;
    }
    aead_seal(x->gateway->session_key, (aip_bytes){x->owner, sizeof x->owner}, upstream_id, sealed);
    base64url_encode((aip_bytes){sealed, upstream_id.size + AEAD_EXTRA_BYTES}, text);
    answer_add(&x->answer, "Mcp-Session-Id", "%s", text);
}
