/* Token buckets of policies' rates: one array for each caller and rule set, shared by all shards. */
#ifndef GATEWAY_BUCKETS_H
#define GATEWAY_BUCKETS_H

#include "crypto/hash.h"
#include "policy/policy.h"

typedef struct caller_buckets caller_buckets;

#define CALLER_BUCKETS_MAX 16384 /* callers; beyond, who has not called for longest starts anew */

AIP_MUST_CHECK aip_status caller_buckets_new(caller_buckets **out, aip_error *err);
void caller_buckets_free(caller_buckets **buckets);

/* Between these two nobody else touches any bucket. `serial` is that of the rule set. */
void caller_buckets_lock(caller_buckets *buckets);
void caller_buckets_unlock(caller_buckets *buckets);
/* The caller's buckets, full ones at first; NULL: no memory, and then limited calls are refused. */
policy_bucket *
caller_buckets_find(caller_buckets *buckets, uint64_t serial, const unsigned char caller[AIP_HASH_BYTES], size_t count);

#endif
