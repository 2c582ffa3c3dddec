/* Key files as commands name them: a path, and a file whose first line is the passphrase. */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "aip/keyfile.h"

/* Loads `path`; `passphrase_file` NULL: a sealed key file is refused. `owner` as in aip_keyfile_load. Errors:
 * aip_keyfile_load's; io, usage (the passphrase file). */
AIP_MUST_CHECK aip_status keys_load(const char *path, const char *passphrase_file, aip_key_owner *owner,
                                    aip_secret_key **out, aip_error *err);

/* Writes a new key file, sealed if there is a passphrase file; `owner` as in aip_keyfile_save. */
AIP_MUST_CHECK aip_status keys_save(const char *path, const char *passphrase_file, const aip_secret_key *key,
                                    const aip_key_owner *owner, aip_error *err);

#define KEYS_KID_SIZE (AIP_DID_TEXT_SIZE + sizeof("#key-4294967295"))
/* The DID URL of the owner's key: `did#key-<number>`. */
void keys_write_kid(const aip_key_owner *owner, char out[KEYS_KID_SIZE]);

#endif
