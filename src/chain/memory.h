/* Chains that were verified, so that a chain seen before costs a comparison and each new hop one verification. */
#ifndef CHAIN_MEMORY_H
#define CHAIN_MEMORY_H

#include "chain/chain.h"

typedef struct chain_memory chain_memory;
typedef struct chain_entry chain_entry; /* a parsed chain, shared and immutable */

typedef struct {
    size_t bytes_max;          /* of all that is remembered */
    size_t bytes_per_root_max; /* of one root key: its own oldest chains go first, never another root's */
} chain_memory_limits;

AIP_MUST_CHECK aip_status chain_memory_new(const chain_memory_limits *limits, chain_memory **out, aip_error *err);
void chain_memory_free(chain_memory **memory); /* entries that are still held stay until they are released */

/* What was found. The grant borrows from the entry, and points into itself: never copy it. */
typedef struct {
    chain_entry *entry; /* held; NULL: the text could not be parsed */
    aip_grant grant;
    chain_proof proof; /* the keys that the elements were signed with */
} chain_verdict;

/* Parses and verifies `text`: the verdict, its place and the grant are those of aip_chain_parse and aip_chain_verify,
 * at every time, with every trust and key source. What may be left out is reading the same bytes again, and verifying a
 * signature again under the same key. `memory` may be NULL. *out is cleared by the caller, also on failure; asked again
 * with an entry in it, of the same text, that is taken. Thread-safe. Errors: as both. */
AIP_MUST_CHECK aip_status chain_memory_verify(chain_memory *memory, aip_bytes text, const aip_check *check,
                                              chain_verdict *out, aip_error *err);
void chain_verdict_clear(chain_verdict *verdict);
/* The same verdict for one more holder, who clears it. Thread-safe. */
chain_verdict chain_verdict_share(const chain_verdict *verdict);

const aip_chain *chain_entry_chain(const chain_entry *entry);

typedef struct {
    size_t entries, bytes;
    uint64_t whole_hits, prefix_hits, misses;
} chain_memory_figures;
chain_memory_figures chain_memory_count(chain_memory *memory);

#endif
