/* What anyone may read without a token: the health answer, the gateway's document, key logs. It decides nothing. */
#ifndef GATEWAY_WELLKNOWN_H
#define GATEWAY_WELLKNOWN_H

#include "gateway/exchange.h"

#define WELLKNOWN_DOCUMENT "/.well-known/did.json"
#define WELLKNOWN_LOGS "/.well-known/aip/did/"
#define WELLKNOWN_LOG_END ".jsonl"

/* Is the address one of these? */
bool wellknown_serves(const exchange *x);
/* Makes the answer, or asks for it: then the phase is EXCHANGE_LOOKING until wellknown_arrived. */
void wellknown_answer(exchange *x);
/* What came of asking for a log; `log` is NULL unless `status` is AIP_OK. */
void wellknown_arrived(exchange *x, aip_status status, const text_buffer *log);

#endif
