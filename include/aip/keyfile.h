/* Key files: one JSON object, mode 0600, never overwritten, optionally under a passphrase. */
#ifndef AIP_KEYFILE_H
#define AIP_KEYFILE_H

#include "aip/did.h"

/* Whose key it is: after a rotation the identity keeps its name while its keys change. */
typedef struct {
    char did[AIP_DID_TEXT_SIZE];
    uint32_t number; /* 1: the identifier's own key; the key's DID URL is `did#key-<number>` */
} aip_key_owner;

/* The owner of a key that is its identity's first. */
void aip_key_owner_of(const aip_public_key *key, aip_key_owner *out);

/* Writes `key` to a new file (O_CREAT|O_EXCL, 0600, fsync'd, and its directory). passphrase NULL = in the clear;
 * else the seed is sealed (Argon2id, XChaCha20-Poly1305). `owner` NULL: the key's own identity.
 * Errors: keyfile.exists, io, memory. */
AIP_MUST_CHECK aip_status aip_keyfile_save(const char *path, const aip_secret_key *key, const aip_key_owner *owner,
                                           const char *passphrase, aip_error *err);

/* Reads a key; checks that the file is a regular one with no permissions for group and others (keyfile.mode), that a
 * first key's seed and DID belong together, and otherwise that the seed is that of the key the file names. `owner`
 * NULL: a file of a later key is refused. Errors: keyfile.mode, .invalid, .passphrase, io, memory. */
AIP_MUST_CHECK aip_status aip_keyfile_load(const char *path, const char *passphrase, aip_key_owner *owner,
                                           aip_secret_key **out, aip_error *err);

#endif
