/* A request that goes to all members of a group: an exchange for each, and one answer or stream made of what they say
 * (spec/group.md U-14 to U-27). In place of a transfer, like a server that is a command. */
#ifndef GATEWAY_GROUP_GATHER_H
#define GATEWAY_GROUP_GATHER_H

#include "gateway/exchange.h"

typedef struct gathering gathering;

/* Asks the members. x->gathering is it until the answer or stream of `x` is complete, which may be before this returns.
 * Errors: request.invalid (a cursor), memory. */
AIP_MUST_CHECK aip_status gathering_begin(exchange *x, aip_error *err);
/* Nobody wants to know any more; each exchange knows by its era whether its end cancels anything. `*g` may be NULL. */
void gathering_drop(gathering **g);
void gathering_resume(gathering *g); /* the caller has read */
void gathering_sweep(gathering *g, uint64_t now);

/* Goes on with all that members said of late; `gatherings` as in shard_tools. */
void gathering_run(gathering **gatherings);

#endif
