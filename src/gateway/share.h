/* Who the caller is, and its share of what may be under way. */
#ifndef GATEWAY_SHARE_H
#define GATEWAY_SHARE_H

#include "gateway/exchange.h"

/* x->peer becomes the right-most address in X-Forwarded-For that is no trusted proxy's, if a trusted proxy sent the
 * request. What is no address ends the walk: then whoever wrote it is the caller. */
void share_name_caller(exchange *x);
/* After a refusal from the headers: one of the token or its proof counts as a failure of the address. */
void share_note_refusal(const exchange *x);
void share_release(exchange *x);

/* Is it a numeric address in one of the ranges? */
bool share_in_ranges(const char *address, const front_ranges *ranges);

#endif
