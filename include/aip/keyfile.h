/* Key files: one JSON object, mode 0600, never overwritten, optionally under a passphrase. */
#ifndef AIP_KEYFILE_H
#define AIP_KEYFILE_H

#include "aip/key.h"

/* Writes `key` to a new file (O_CREAT|O_EXCL, 0600, fsync'd, and its directory). passphrase NULL = in the clear;
 * else the seed is sealed (Argon2id, XChaCha20-Poly1305). Errors: keyfile.exists, io, memory. */
AIP_MUST_CHECK aip_status aip_keyfile_save(const char *path, const aip_secret_key *key, const char *passphrase,
                                           aip_error *err);

/* Reads a key; checks that the file is a regular one with no permissions for group and others (keyfile.mode) and
 * that seed and DID belong together. Errors: keyfile.mode, .invalid, .passphrase, io, memory. */
AIP_MUST_CHECK aip_status aip_keyfile_load(const char *path, const char *passphrase, aip_secret_key **out,
                                           aip_error *err);

#endif
