/* Identities that were resolved, in memory: what verification asks. Shared by all threads. */
#ifndef DID_MEMORY_H
#define DID_MEMORY_H

#include "did/identity.h"

typedef struct identity_memory identity_memory;

/* `identities_max` bounds it; the least recently used go. `ask_sources`: a did:aip name does not speak for itself,
 * since a configured source may know a log of it. Errors: memory. */
AIP_MUST_CHECK aip_status identity_memory_new(size_t identities_max, bool ask_sources, identity_memory **out,
                                              aip_error *err);
void identity_memory_free(identity_memory **memory);

/* Remembers a copy of `id` under its name until `fresh_until` (epoch seconds). A deactivated identity never expires and
 * is pushed out last. Errors: memory. */
AIP_MUST_CHECK aip_status identity_memory_put(identity_memory *memory, const identity *id, int64_t fresh_until,
                                              aip_error *err);
/* Remembers that resolving ended in a refusal, until then. */
AIP_MUST_CHECK aip_status identity_memory_put_refusal(identity_memory *memory, aip_bytes name, const aip_error *why,
                                                      int64_t until, aip_error *err);
void identity_memory_forget(identity_memory *memory, aip_bytes name);

typedef enum { MEMORY_UNKNOWN, MEMORY_KNOWN, MEMORY_REFUSED } memory_state;

/* Finds a key of `name` as identity_find_key does. `state` (may be NULL) tells what was known; for MEMORY_UNKNOWN the
 * status is did.pending, for MEMORY_REFUSED the refusal. Allocates nothing. */
AIP_MUST_CHECK aip_status identity_memory_find_key(identity_memory *memory, aip_bytes name, const identity_query *query,
                                                   int64_t now_seconds, aip_public_key *out, memory_state *state,
                                                   aip_error *err);

/* Fills `out` for verification: names that carry their key answer for themselves unless a log or refusal is remembered
 * or sources have to be asked; all others come from memory. `view` is storage that must outlive `out`. Time is `now`.
 */
typedef struct {
    identity_memory *memory;
    int64_t now_seconds;
    did_use use; /* DID_USE_ANY: delegation, which signs elements */
} memory_view;
void identity_memory_source(memory_view *view, aip_key_source *out);

#endif
