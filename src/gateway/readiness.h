/* Can the gateway do its work now? Asked by whoever sends callers to it. */
#ifndef GATEWAY_READINESS_H
#define GATEWAY_READINESS_H

#include "gateway/exchange.h"

/* Makes the answer of /readyz, or asks the database first: then the phase is EXCHANGE_LOOKING. Reasons are told to
 * those who may read the figures. */
void readiness_ask(exchange *x);
void readiness_arrived(exchange *x);

#endif
