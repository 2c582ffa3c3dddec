/* What was revoked, by whom, in memory: asked for each request. Shared by all threads. */
#ifndef CHAIN_REVOKED_H
#define CHAIN_REVOKED_H

#include "chain/revocation.h"

typedef struct revoked_memory revoked_memory;

AIP_MUST_CHECK aip_status revoked_memory_new(revoked_memory **out, aip_error *err);
void revoked_memory_free(revoked_memory **memory);

/* What a statement says, as far as it counts. */
typedef struct {
    revocation_kind kind;
    unsigned char target_id[AIP_HASH_BYTES];
    aip_bytes issuer;
} revoked_fact;

/* Remembers that this issuer ended this target. It counts for each chain in which the issuer may. Errors: memory. */
AIP_MUST_CHECK aip_status revoked_memory_add(revoked_memory *memory, const revoked_fact *fact, aip_error *err);

/* Is any element, any party or any key of the chain revoked by somebody who may? Links: by the signer of that link or
 * of one above, or its holder. Parties: by themselves, or the signer of a link at or above the one that brought them
 * in. Keys that signed elements: by their holder, or the signer of a link above. `keys[i]` signed element i. Allocates
 * nothing. Errors: token.revoked; `err->at` is the element. */
AIP_MUST_CHECK aip_status revoked_check(revoked_memory *memory, const aip_chain *chain, const aip_public_key *keys,
                                        size_t key_count, aip_error *err);

/* Which fact ended the chain: this shows that its issuer may. Its issuer borrows from the chain. False: none. */
bool revoked_find(revoked_memory *memory, const aip_chain *chain, const aip_public_key *keys, size_t key_count,
                  revoked_fact *out);

/* The same for the key that the chain's last holder proved, which may be another than its name carries. */
AIP_MUST_CHECK aip_status revoked_check_holder(revoked_memory *memory, const aip_chain *chain,
                                               const aip_public_key *key, aip_error *err);

/* Rises with each addition: who remembers a good verdict compares it. */
uint64_t revoked_epoch(revoked_memory *memory);
size_t revoked_count(revoked_memory *memory);

#endif
