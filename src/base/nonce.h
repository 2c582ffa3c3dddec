/* What the memory of used nonces and the database pass each other. */
#ifndef BASE_NONCE_H
#define BASE_NONCE_H

#include "base/name_hash.h"

#define NONCE_HASH_BYTES 16

/* The keys of the hash. They are kept beside the hashes, so that both mean the same after a restart. */
typedef struct {
    name_key halves[2];
} nonce_keys;

/* A nonce that was used, by its hash together with the key's name. */
typedef struct {
    unsigned char hash[NONCE_HASH_BYTES];
    int64_t expires; /* epoch seconds; from the next one on no proof can bear it any more */
} used_nonce;

#endif
