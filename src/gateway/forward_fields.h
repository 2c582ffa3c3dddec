/* Headers of forwarded requests and of their replies. */
#ifndef GATEWAY_FORWARD_FIELDS_H
#define GATEWAY_FORWARD_FIELDS_H

#include "gateway/exchange.h"

/* Is the header's name one of those, up to NULL? */
bool forward_is(aip_bytes name, const char *const *names);
bool forward_is_clean(aip_bytes value); /* not empty, and without control characters */

/* The name under which a header of a reply comes back; NULL: it does not. */
const char *forward_returns(const exchange *x, aip_bytes name);

/* The request's header lines, each ended by NUL. The operator's credentials are among them. */
void forward_write_lines(text_buffer *lines, const exchange *x);

/* One header of a reply, of the exchange `context`: what it says of the body, and whether it comes back. */
void forward_take_field(void *context, aip_bytes name, aip_bytes value);
void forward_drop_field(gateway_answer *answer, const char *name);

/* One line of Cache-Control, and none that lets anybody keep the reply. */
void forward_forbid_caching(gateway_answer *answer);

/* Why nothing of a reply with that status can go on, whatever its body says; NULL: it can. */
const char *forward_find_fault(const exchange *x, int http);

#endif
