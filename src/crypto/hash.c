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

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(hash_stream), "the state fits");

static crypto_hash_sha256_state *
state_of(hash_stream *stream)
{
    return (crypto_hash_sha256_state *)(void *)stream->opaque;
}

void
hash_stream_begin(hash_stream *stream)
{
    crypto_hash_sha256_init(state_of(stream));
}

void
hash_stream_add(hash_stream *stream, aip_bytes piece)
{
    crypto_hash_sha256_update(state_of(stream), piece.data, piece.size);
}

void
hash_stream_end(hash_stream *stream, unsigned char out[AIP_HASH_BYTES])
{
    crypto_hash_sha256_final(state_of(stream), out);
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
