/* A request that waits for the identities thread. */
#ifndef GATEWAY_AWAIT_H
#define GATEWAY_AWAIT_H

#include "chain/revoked.h"
#include "gateway/exchange.h"

/* Each of them asks. AIP_DID_PENDING: the answer will come, and x->wake tells when to judge again. Otherwise the
 * refusal: fetch.timeout (asked too often or too long ago), gateway.overloaded, memory. */

/* For an identity, which then stands in the memory of identities. */
AIP_MUST_CHECK aip_status await_identity(exchange *x, aip_bytes name, aip_error *err);
/* For a used nonce to be durable; x->arrived_status tells whether it is. */
AIP_MUST_CHECK aip_status await_nonce(exchange *x, const used_nonce *nonce, aip_error *err);
/* For a key log, and for a page of the list of revocations; x->arrived_status and x->arrived tell. */
AIP_MUST_CHECK aip_status await_log(exchange *x, aip_bytes did, aip_error *err);
AIP_MUST_CHECK aip_status await_list(exchange *x, int64_t since, aip_error *err);
/* For the body, a revocation, to be judged and kept. `source` is who brings it. */
AIP_MUST_CHECK aip_status await_revocation(exchange *x, const char *source, aip_error *err);

/* Tells the thread that the chain shows who may revoke what ended it; nobody waits, and it may be lost. */
void await_no_answer(exchange *x, const revoked_fact *fact);

/* Gives what came for a shard to those who wait for it. */
void await_deliver(mailbox *box);
/* The request waits no longer; what comes for it is dropped. */
void await_drop(exchange *x);
/* Ends waits that are too long. `now` is monotonic, in microseconds. */
void await_sweep(exchange *x, uint64_t now);
/* The gateway stops: ends the wait. */
void await_stop(exchange *x);

#endif
