/* Seals a seed under a passphrase. */
#include "crypto/seal.h"

#include <sodium.h>

#include "crypto/hash.h"

_Static_assert(SEAL_SALT_BYTES == crypto_pwhash_SALTBYTES, "salt size");
_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce size");
_Static_assert(SEAL_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag size");

#define WRAPPING_KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES

static aip_status
derive(unsigned char key[WRAPPING_KEY_BYTES], const char *passphrase, const seal_parameters *parameters)
{
    int failed = crypto_pwhash(key, WRAPPING_KEY_BYTES, passphrase, strlen(passphrase), parameters->salt,
                               parameters->passes, (size_t)parameters->memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    return failed ? AIP_NO_MEMORY : AIP_OK;
}

aip_status
seal_seed(const unsigned char seed[AIP_SEED_BYTES], const char *passphrase, aip_bytes name, seal_parameters *parameters,
          unsigned char sealed[SEAL_SEED_BYTES])
{
    unsigned char key[WRAPPING_KEY_BYTES];
    parameters->passes = crypto_pwhash_OPSLIMIT_MODERATE;
    parameters->memory_bytes = crypto_pwhash_MEMLIMIT_MODERATE;
    hash_random(parameters->salt, sizeof parameters->salt);
    hash_random(parameters->nonce, sizeof parameters->nonce);
    aip_status status = derive(key, passphrase, parameters);
    if (status == AIP_OK) {
        crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL, seed, AIP_SEED_BYTES, name.data, name.size, NULL,
                                                   parameters->nonce, key);
    }
    hash_wipe(key, sizeof key);
    return status;
}

static bool
parameters_are_bounded(const seal_parameters *parameters)
{
    return parameters->passes >= crypto_pwhash_argon2id_OPSLIMIT_MIN && parameters->passes <= SEAL_PASSES_MAX &&
           parameters->memory_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
           parameters->memory_bytes <= SEAL_MEMORY_BYTES_MAX;
}

aip_status
seal_open_seed(const unsigned char sealed[SEAL_SEED_BYTES], const char *passphrase, aip_bytes name,
               const seal_parameters *parameters, unsigned char seed[AIP_SEED_BYTES])
{
    unsigned char key[WRAPPING_KEY_BYTES];
    if (!parameters_are_bounded(parameters)) {
        return AIP_KEYFILE_INVALID;
    }
    aip_status status = derive(key, passphrase, parameters);
    if (status == AIP_OK &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(seed, NULL, NULL, sealed, SEAL_SEED_BYTES, name.data, name.size,
                                                   parameters->nonce, key) != 0) {
        status = AIP_KEYFILE_PASSPHRASE;
    }
    hash_wipe(key, sizeof key);
    return status;
}
