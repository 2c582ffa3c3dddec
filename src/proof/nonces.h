/* Nonces of proofs that were used, in memory: each serves once. Shared by all threads. */
#ifndef PROOF_NONCES_H
#define PROOF_NONCES_H

#include "aip/limits.h"
#include "base/nonce.h"

/* A proof is accepted until `created` + AIP_PROOF_SECONDS; its nonce is remembered for a clock's skew longer. */
#define NONCE_REMEMBERED_SECONDS (AIP_PROOF_SECONDS + AIP_CLOCK_SKEW_SECONDS)

typedef struct nonce_memory nonce_memory;

/* Room for `capacity` nonces, about 56 bytes each, decided now; pages are touched as they are needed. `keys` are those
 * of the database, or NULL for new ones. Errors: memory. */
AIP_MUST_CHECK aip_status nonce_memory_new(size_t capacity, const nonce_keys *keys, nonce_memory **out, aip_error *err);
void nonce_memory_free(nonce_memory **memory);

typedef struct {
    aip_bytes key_id; /* as in the proof */
    aip_bytes nonce;
    int64_t created; /* epoch seconds */
} nonce_use;

/* Takes the nonce of a proof whose window and signature have been checked: with less, strangers could use up the
 * nonces of others. *taken is what has to outlive a restart (store/nonces.h). A nonce is taken for good, whatever
 * becomes of the request. Constant time, amortised.
 *
 * Nothing is forgotten while a proof could bear it, also if the clock jumps: what was forgotten in a future that turned
 * out not to be one is refused when its time comes again. Errors: proof.replayed; proof.expired (its time may have been
 * forgotten already); proof.full (of unexpired nonces, or an eighth of the room is this key's); proof.nonce, proof.key
 * (over the limits). */
AIP_MUST_CHECK aip_status nonce_memory_take(nonce_memory *memory, const nonce_use *use, int64_t now, used_nonce *taken,
                                            aip_error *err);

/* Remembers what a database kept. Counts for no key's share. Without room, it is as if its time had been forgotten. */
void nonce_memory_load(nonce_memory *memory, const used_nonce *kept, int64_t now);

/* Nonces that expire until then may have been used without our memory of it: proof.expired. Whoever keeps no database
 * says so at the start, with now + NONCE_REMEMBERED_SECONDS; then no proof made before the start is accepted. */
void nonce_memory_forgot(nonce_memory *memory, int64_t until);

size_t nonce_memory_count(nonce_memory *memory);

#endif
