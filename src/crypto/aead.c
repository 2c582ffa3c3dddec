/* Authenticated encryption with a synthetic nonce. */
#include "crypto/aead.h"

#include <sodium.h>

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(AEAD_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key size");
_Static_assert(AEAD_EXTRA_BYTES == NONCE_BYTES + TAG_BYTES, "nonce and tag");

void
aead_key_generate(unsigned char key[AEAD_KEY_BYTES])
{
    randombytes_buf(key, AEAD_KEY_BYTES);
}

static void
synthetic_nonce(const unsigned char key[AEAD_KEY_BYTES], aip_bytes bound, aip_bytes plain,
                unsigned char nonce[NONCE_BYTES])
{
    crypto_generichash_state state;
    const uint64_t sizes[2] = {bound.size, plain.size}; /* so that no two pairs hash alike */
    crypto_generichash_init(&state, key, AEAD_KEY_BYTES, NONCE_BYTES);
    crypto_generichash_update(&state, (const unsigned char *)sizes, sizeof sizes);
    crypto_generichash_update(&state, bound.data, bound.size);
    crypto_generichash_update(&state, plain.data, plain.size);
    crypto_generichash_final(&state, nonce, NONCE_BYTES);
}

void
aead_seal(const unsigned char key[AEAD_KEY_BYTES], aip_bytes bound, aip_bytes plain, unsigned char *out)
{
    synthetic_nonce(key, bound, plain, out);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, plain.data, plain.size, bound.data, bound.size,
                                               NULL, out, key);
}

aip_status
aead_open(const unsigned char key[AEAD_KEY_BYTES], aip_bytes bound, unsigned char *sealed, size_t sealed_size,
          aip_bytes *out)
{
    if (sealed_size < AEAD_EXTRA_BYTES) {
        return AIP_SIGNATURE_INVALID;
    }
    unsigned char *text = sealed + NONCE_BYTES;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(text, NULL, NULL, text, sealed_size - NONCE_BYTES, bound.data,
                                                   bound.size, sealed, key) != 0) {
        return AIP_SIGNATURE_INVALID;
    }
    *out = (aip_bytes){text, sealed_size - AEAD_EXTRA_BYTES};
    return AIP_OK;
}
