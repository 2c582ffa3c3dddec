/* SHA-256, SHA-384 and SHA-512, secret comparison and random bytes. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "aip/key.h"

void hash_sha256(aip_bytes message, unsigned char out[AIP_HASH_BYTES]);
/* SHA-256 of what comes piece by piece. */
typedef struct {
    _Alignas(16) unsigned char opaque[128];
} hash_stream;
void hash_stream_begin(hash_stream *stream);
void hash_stream_add(hash_stream *stream, aip_bytes piece);
void hash_stream_end(hash_stream *stream, unsigned char out[AIP_HASH_BYTES]);

#define HASH_SHA384_BYTES 48
#define HASH_SHA512_BYTES 64
void hash_sha384(aip_bytes message, unsigned char out[HASH_SHA384_BYTES]);
void hash_sha512(aip_bytes message, unsigned char out[HASH_SHA512_BYTES]);    /* for digests of others */
#define HASH_KEY_BYTES 32
/* BLAKE2b under a key, RFC 7693: equal texts are told as equal, and nobody without the key can try texts out. `size` is
 * 16 to 64. */
void hash_keyed(const unsigned char key[HASH_KEY_BYTES], aip_bytes message, unsigned char *out, size_t size);
bool hash_equal(const unsigned char *a, const unsigned char *b, size_t size); /* constant time */
void hash_random(void *out, size_t size);
void hash_wipe(void *secret, size_t size);

/* Once per process before anything else of crypto/ is used; later calls are free. Errors: internal. */
AIP_MUST_CHECK aip_status crypto_start(aip_error *err);

#endif
