/* SHA-384 and SHA-512, constant-time comparison, random bytes, wiping, and the start of the library. */
#include "crypto/hash.h"

#include <sodium.h>

aip_status
crypto_start(aip_error *err)
{
    return sodium_init() < 0 ? aip_fail(err, AIP_INTERNAL, "libsodium did not start") : AIP_OK;
}

/* SHA-512 that starts from other words and is cut (FIPS 180-4 section 5.3.4), since libsodium has none. */
void
hash_sha384(aip_bytes message, unsigned char out[HASH_SHA384_BYTES])
{
    static const uint64_t words[8] = {
        UINT64_C(0xcbbb9d5dc1059ed8), UINT64_C(0x629a292a367cd507), UINT64_C(0x9159015a3070dd17),
        UINT64_C(0x152fecd8f70e5939), UINT64_C(0x67332667ffc00b31), UINT64_C(0x8eb44a8768581511),
        UINT64_C(0xdb0c2e0d64f98fa7), UINT64_C(0x47b5481dbefa4fa4)};
    unsigned char whole[HASH_SHA512_BYTES];
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    memcpy(state.state, words, sizeof words);
    crypto_hash_sha512_update(&state, message.data, message.size);
    crypto_hash_sha512_final(&state, whole);
    memcpy(out, whole, HASH_SHA384_BYTES);
}

void
hash_sha512(aip_bytes message, unsigned char out[HASH_SHA512_BYTES])
{
    crypto_hash_sha512(out, message.data, message.size);
}

void
hash_keyed(const unsigned char key[HASH_KEY_BYTES], aip_bytes message, unsigned char *out, size_t size)
{
    crypto_generichash(out, size, message.data, message.size, key, HASH_KEY_BYTES);
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
