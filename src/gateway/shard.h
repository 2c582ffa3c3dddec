/* One shard: a thread with one epoll loop that owns its connections from accept to close. */
#ifndef GATEWAY_SHARD_H
#define GATEWAY_SHARD_H

#include "gateway/gateway.h"

typedef struct shard shard;

/* `socket` is bound and listening; the shard owns it, also on failure. Errors: memory, listen, io. */
AIP_MUST_CHECK aip_status shard_start(gateway *g, int socket, unsigned connections_max, shard **out, aip_error *err);
void shard_stop(shard *s);  /* asks it to drain and end */
void shard_hurry(shard *s); /* … without draining */
bool shard_has_ended(const shard *s);
void shard_join(shard **s); /* waits and frees */

#endif
