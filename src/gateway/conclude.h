/* The end of a request that was forwarded: what it cost, and the line that tells how it ended. */
#ifndef GATEWAY_CONCLUDE_H
#define GATEWAY_CONCLUDE_H

#include "gateway/exchange.h"

/* Once for each exchange: later calls do nothing, as does one for a request that was never forwarded. x->refusal tells
 * how it ended. */
void conclude(exchange *x);
/* The same for one that ends here, however far it came: one that was allowed and never forwarded ends its hold (B-16),
 * and the log tells that its caller left. */
void conclude_left(exchange *x);

#endif
