/* SHA-256 by the processor's own instructions where it has them: it is asked for several times in every request, and
 * libsodium's portable code takes five times as long. OpenSSL's plain interface keeps its state on the stack. */
#define OPENSSL_API_COMPAT 0x10101000L

#include <openssl/sha.h>

#include "crypto/hash.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(hash_stream), "the state fits");

static SHA256_CTX *
state_of(hash_stream *stream)
{
    return (SHA256_CTX *)(void *)stream->opaque;
}

void
hash_stream_begin(hash_stream *stream)
{
    SHA256_Init(state_of(stream));
}

void
hash_stream_add(hash_stream *stream, aip_bytes piece)
{
    if (piece.size > 0) {
        SHA256_Update(state_of(stream), piece.data, piece.size);
    }
}

void
hash_stream_end(hash_stream *stream, unsigned char out[AIP_HASH_BYTES])
{
    SHA256_Final(out, state_of(stream)); /* which wipes the state */
}

void
hash_sha256(aip_bytes message, unsigned char out[AIP_HASH_BYTES])
{
    hash_stream stream;
    hash_stream_begin(&stream);
    hash_stream_add(&stream, message);
    hash_stream_end(&stream, out);
}
