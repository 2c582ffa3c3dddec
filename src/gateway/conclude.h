/* The end of a request that was forwarded: what it cost, and the line that tells how it ended. */
#ifndef GATEWAY_CONCLUDE_H
#define GATEWAY_CONCLUDE_H

#include "gateway/exchange.h"

/* Once for each exchange: later calls do nothing, as does one for a request that was never forwarded. x->refusal tells
 * how it ended. */
void conclude(exchange *x);

#endif
