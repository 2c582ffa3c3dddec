/* A process-wide, bounded memory of keys that passed acceptance, and the tie between names and keys. */
#ifndef DID_KEYRING_H
#define DID_KEYRING_H

#include "aip/did.h"

/* aip_public_key_accept through the memory: the verdict is the same with and without it. Thread-safe.
 * Errors: did.key.invalid. */
AIP_MUST_CHECK aip_status keyring_accept(const unsigned char bytes[AIP_KEY_BYTES], aip_public_key *out, aip_error *err);

/* Does the key belong to the identifier: is it the one inside, or does it hash to it? Forms that carry neither key
 * nor hash are content with any key. Errors: did.key.mismatch. */
AIP_MUST_CHECK aip_status did_check_key(const aip_did *did, const aip_public_key *key, aip_error *err);

/* Where `key` is the only key of a name, a kid says `#key-1` (not of did:key) or the key itself, `#z6Mk…`, or nothing
 * (I-9). Errors: diddoc.key.not_found. */
AIP_MUST_CHECK aip_status did_check_only_key(const aip_did *did, aip_bytes kid, const aip_public_key *key,
                                             aip_error *err);

/* First 16 bytes of SHA-256 over the raw key: what the hash forms spell in hex. */
void did_key_hash(const unsigned char key[AIP_KEY_BYTES], unsigned char out[16]);

#endif
