/* What anyone may ask without a token: health, figures, the gateway's document, key logs, revocations. It decides
 * about no request of others. */
#ifndef GATEWAY_WELLKNOWN_H
#define GATEWAY_WELLKNOWN_H

#include "gateway/exchange.h"

#define WELLKNOWN_DOCUMENT "/.well-known/did.json"
#define WELLKNOWN_LOGS "/.well-known/aip/did/"
#define WELLKNOWN_LOG_END ".jsonl"
#define RESOURCE_METADATA "/.well-known/oauth-protected-resource"
#define REVOCATIONS_PATH "/aip/v1/revocations"

/* Is the address one of these? */
bool wellknown_serves(const exchange *x);
/* Makes the answer, or asks for it: then the phase is EXCHANGE_LOOKING until something arrives. */
void wellknown_answer(exchange *x);
/* Makes the answer from what arrived. */
void wellknown_arrived(exchange *x);

#endif
