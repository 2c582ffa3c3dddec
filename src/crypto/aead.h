/* Authenticated encryption of short texts that come back to us, such as session ids. */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "aip/error.h"

#define AEAD_KEY_BYTES 32
#define AEAD_EXTRA_BYTES 40 /* 24 of nonce, 16 of tag */

void aead_key_generate(unsigned char key[AEAD_KEY_BYTES]);

/* XChaCha20-Poly1305 under a synthetic nonce (keyed hash of both inputs), so the same input gives the same
 * bytes and a repeated nonce cannot reveal more than equality. Writes plain.size + AEAD_EXTRA_BYTES. Needs
 * plain.size and bound.size below 64 KiB. */
void aead_seal(const unsigned char key[AEAD_KEY_BYTES], aip_bytes bound, aip_bytes plain, unsigned char *out);

/* Opens what aead_seal wrote with the same `bound` in place: *out is a view into `sealed`. Errors: signature.invalid.
 */
AIP_MUST_CHECK aip_status aead_open(const unsigned char key[AEAD_KEY_BYTES], aip_bytes bound, unsigned char *sealed,
                                    size_t sealed_size, aip_bytes *out);

#endif
