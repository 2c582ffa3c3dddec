/* One shard: a thread with one epoll loop that owns its connections from accept to close. */
#ifndef GATEWAY_SHARD_H
#define GATEWAY_SHARD_H

#include "gateway/gateway.h"

typedef struct shard shard;

/* Bound and listening, or -1. */
typedef struct {
    int callers, figures;
    unsigned connections_max; /* of callers */
} shard_setup;

/* The shard owns the sockets, also on failure. Errors: memory, listen, io. */
AIP_MUST_CHECK aip_status shard_start(gateway *g, const shard_setup *setup, shard **out, aip_error *err);
void shard_stop(shard *s);  /* asks it to drain and end */
void shard_hurry(shard *s); /* … without draining */
bool shard_has_ended(const shard *s);
void shard_join(shard **s); /* waits and frees */

#endif
