/* A request that waits for the identities thread. */
#ifndef GATEWAY_AWAIT_H
#define GATEWAY_AWAIT_H

#include "gateway/exchange.h"

/* Asks for an identity. AIP_DID_PENDING: the answer will come, and x->wake tells when to judge again. Otherwise the
 * refusal: fetch.timeout (asked too often or too long ago), gateway.overloaded, memory. */
AIP_MUST_CHECK aip_status await_identity(exchange *x, aip_bytes name, aip_error *err);
/* The same for a key log that the gateway knows; wellknown_arrived gets it. */
AIP_MUST_CHECK aip_status await_log(exchange *x, aip_bytes did, aip_error *err);

/* Gives what came for a shard to those who wait for it. */
void await_deliver(mailbox *box);
/* The request waits no longer; what comes for it is dropped. */
void await_drop(exchange *x);
/* Ends waits that are too long. `now` is monotonic, in microseconds. */
void await_sweep(exchange *x, uint64_t now);
/* The gateway stops: ends the wait. */
void await_stop(exchange *x);

#endif
