/* Keyed hash of names, so that nobody outside can choose names that collide. Not for signatures. */
#ifndef BASE_NAME_HASH_H
#define BASE_NAME_HASH_H

#include "aip/error.h"

typedef struct {
    uint64_t words[2];
} name_key;

/* The key of this process, drawn once; NULL when the system gives no randomness. */
const name_key *name_hash_key(void);

/* SipHash-1-3. */
uint64_t name_hash(const name_key *key, aip_bytes name);

#endif
