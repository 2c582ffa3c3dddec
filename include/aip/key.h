/* Ed25519 keys. An aip_public_key is one that passed the acceptance rule (spec/identity.md). */
#ifndef AIP_KEY_H
#define AIP_KEY_H

#include "aip/error.h"

#define AIP_KEY_BYTES 32
#define AIP_SEED_BYTES 32
#define AIP_SIGNATURE_BYTES 64
#define AIP_HASH_BYTES 32

typedef struct {
    unsigned char bytes[AIP_KEY_BYTES];
} aip_public_key;

/* A signing key. Opaque, in memory that is locked where the system allows and wiped when freed. */
typedef struct aip_secret_key aip_secret_key;

/* Accepts 32 bytes as a key: canonical encoding, not the identity, in the prime-order subgroup.
 * About 100 microseconds: once per key, then remembered (did/keyring.h).
 * Errors: did.key.invalid. Source: RFC 8032 section 5.1.3, spec/identity.md. */
AIP_MUST_CHECK aip_status aip_public_key_accept(const unsigned char bytes[AIP_KEY_BYTES], aip_public_key *out,
                                                aip_error *err);

/* New random key / key of a 32-byte seed. The caller frees it. Errors: memory, did.key.invalid. */
AIP_MUST_CHECK aip_status aip_secret_key_generate(aip_secret_key **out, aip_error *err);
AIP_MUST_CHECK aip_status aip_secret_key_from_seed(const unsigned char seed[AIP_SEED_BYTES], aip_secret_key **out,
                                                   aip_error *err);
void aip_secret_key_free(aip_secret_key **key); /* wipes, sets *key to NULL; *key may be NULL */

const aip_public_key *aip_secret_key_public(const aip_secret_key *key); /* borrowed */
const unsigned char *
aip_secret_key_seed(const aip_secret_key *key); /* borrowed, 32 secret bytes, for the key file only */

/* Signs `message` (RFC 8032 section 5.1.6, pure Ed25519). Cannot fail. */
void aip_sign(const aip_secret_key *key, aip_bytes message, unsigned char signature[AIP_SIGNATURE_BYTES]);

/* Strict verification: S < L, cofactorless equation, R compared as bytes; the same verdict with every
 * libsodium. Allocates nothing. Errors: signature.invalid. Source: RFC 8032 section 5.1.7, spec/identity.md. */
AIP_MUST_CHECK aip_status aip_verify(const aip_public_key *key, aip_bytes message,
                                     const unsigned char signature[AIP_SIGNATURE_BYTES], aip_error *err);

#endif
