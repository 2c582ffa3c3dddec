/* What the parts of looking into messages share. */
#ifndef GATEWAY_INSPECT_H
#define GATEWAY_INSPECT_H

#include "dlp/place.h"
#include "gateway/await.h"
#include "gateway/forward.h"

/* What was looked at. */
typedef struct {
    const char *direction;        /* "request" or "response" */
    const scan_document *message; /* NULL: a text that is none, at `place` */
    aip_bytes text;
    const char *place;
} inspected;

/* Puts findings into the exchange for its records, and raises alerts. */
void inspect_tell(exchange *x, const inspected *where, const dlp_findings *findings);

/* inspect_seam.c: what begins in one event of a stream and ends in the next, at the same place of both. `out` is what
 * the message became already, or empty. What went with the event before cannot be taken back: the rest is redacted, or
 * the stream ends. Errors: dlp.*, pattern.limit, memory. */
AIP_MUST_CHECK aip_status inspect_seam(exchange *x, const dlp_scanner *scanner, const scan_document *message,
                                       text_buffer *out, aip_error *err);
void inspect_forget(exchange *x);

#endif
