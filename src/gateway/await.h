/* A request that waits for a thread that answers. */
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

/* For what the database knows of owners of tasks: those of `keys`, which it takes over, and all that others added. Asks
 * once; then AIP_OK, and the memory of owners has it. Errors beside those above: store.*. */
AIP_MUST_CHECK aip_status await_owners(exchange *x, text_buffer *keys, aip_error *err);

typedef struct {
    ledger_path path;
    ledger_key key;
    bool has_key;
    uint64_t amount_micro_usd;
} hold_wish;

/* For a hold to be durable: x->arrived_status is the verdict, x->cost.hold its number. One that comes too late is
 * released. */
AIP_MUST_CHECK aip_status await_hold(exchange *x, const hold_wish *wish, aip_error *err);
/* For x->line of the decision log to be as durable as configured; x->arrived_status tells. */
AIP_MUST_CHECK aip_status await_written(exchange *x, aip_error *err);
/* For the body, a completion statement of the leaf about that link, to be recorded. */
AIP_MUST_CHECK aip_status await_completion(exchange *x, const char *link, aip_error *err);
/* For a person's word about exactly this call, whose SHA-256 is `digest`. `shown` is what the person sees, as members
 * of a JSON object. x->arrived_status is the word, x->arrived_detail tells whose it is. */
typedef struct {
    aip_bytes shown;
    unsigned char digest[AIP_HASH_BYTES];
    unsigned char call[AIP_HASH_BYTES]; /* which one of its caller it is */
} approval_wish;

AIP_MUST_CHECK aip_status await_approval(exchange *x, const approval_wish *wish, aip_error *err);

/* Tells the thread that the chain shows who may revoke what ended it; nobody waits, and it may be lost. */
void await_no_answer(exchange *x, const revoked_fact *fact);
/* The caller takes back one of its calls, if a person is still to be asked about it; nobody waits. */
void withdraw_no_answer(const shard_tools *shard, const unsigned char call[AIP_HASH_BYTES]);
/* Ends a hold; nobody waits, and it may not be lost: until it is done the hold counts. */
void settle_no_answer(const shard_tools *shard, ledger_verb verb, int64_t hold, uint64_t amount_micro_usd);

/* Something that operators want to find in the decision log. */
typedef struct {
    const char *name, *decision_id;
    aip_bytes subject, detail;
} gateway_event;

/* Has it written; nobody waits. What could not even be asked for is said on stderr. */
void await_no_event(const shard_tools *shard, const gateway_event *event);

/* Gives what came for a shard to those who wait for it. */
void await_deliver(const shard_tools *shard);
/* The request waits no longer; what comes for it is dropped. */
void await_drop(exchange *x);
/* Ends waits that are too long. `now` is monotonic, in microseconds. */
void await_sweep(exchange *x, uint64_t now);
/* The gateway stops: ends the wait. */
void await_stop(exchange *x);

#endif
