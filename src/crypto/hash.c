/* SHA-256 and SHA-512, constant-time comparison, random bytes, wiping, and the start of the library. */
#include "crypto/hash.h"

#include <sodium.h>

aip_status
crypto_start(aip_error *err)
{
    return sodium_init() < 0 ? aip_fail(err, AIP_INTERNAL, "libsodium did not start") : AIP_OK;
}

void
hash_sha256(aip_bytes message, unsigned char out[AIP_HASH_BYTES])
{
    crypto_hash_sha256(out, message.data, message.size);
}

void
hash_sha512(aip_bytes message, unsigned char out[HASH_SHA512_BYTES])
{
    crypto_hash_sha512(out, message.data, message.size);
}

bool
hash_equal(const unsigned char *a, const unsigned char *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

void
hash_random(void *out, size_t size)
{
    randombytes_buf(out, size);
}

void
hash_wipe(void *secret, size_t size)
{
    sodium_memzero(secret, size);
}
