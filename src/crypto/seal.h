/* A secret under a passphrase: Argon2id derives the key, XChaCha20-Poly1305 seals (RFC 9106, RFC 8439). */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "aip/key.h"

#define SEAL_SALT_BYTES 16
#define SEAL_NONCE_BYTES 24
#define SEAL_TAG_BYTES 16
#define SEAL_SEED_BYTES (AIP_SEED_BYTES + SEAL_TAG_BYTES)
#define SEAL_PASSES_MAX 16                    /* a hostile file must not cost minutes … */
#define SEAL_MEMORY_BYTES_MAX (1024ull << 20) /* … or the machine's memory */

typedef struct {
    uint64_t passes, memory_bytes; /* of Argon2id 1.3, one lane */
    unsigned char salt[SEAL_SALT_BYTES];
    unsigned char nonce[SEAL_NONCE_BYTES];
} seal_parameters;

/* Seals 32 secret bytes with fresh parameters; `name` is authenticated too. Errors: memory. */
AIP_MUST_CHECK aip_status seal_seed(const unsigned char seed[AIP_SEED_BYTES], const char *passphrase, aip_bytes name,
                                    seal_parameters *parameters, unsigned char sealed[SEAL_SEED_BYTES]);

/* Opens them. Errors: keyfile.invalid (parameters over the caps), keyfile.passphrase, memory. */
AIP_MUST_CHECK aip_status seal_open_seed(const unsigned char sealed[SEAL_SEED_BYTES], const char *passphrase,
                                         aip_bytes name, const seal_parameters *parameters,
                                         unsigned char seed[AIP_SEED_BYTES]);

#endif
