/* SHA-256 and SHA-512, secret comparison and random bytes. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "aip/key.h"

void hash_sha256(aip_bytes message, unsigned char out[AIP_HASH_BYTES]);
#define HASH_SHA512_BYTES 64
void hash_sha512(aip_bytes message, unsigned char out[HASH_SHA512_BYTES]);    /* for digests of others */
bool hash_equal(const unsigned char *a, const unsigned char *b, size_t size); /* constant time */
void hash_random(void *out, size_t size);
void hash_wipe(void *secret, size_t size);

/* Once per process before anything else of crypto/ is used; later calls are free. Errors: internal. */
AIP_MUST_CHECK aip_status crypto_start(aip_error *err);

#endif
