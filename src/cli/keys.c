/* Loads and saves key files for commands; the passphrase is wiped as soon as it has served. */
#include "cli/keys.h"

#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "crypto/hash.h"

static void
wipe_passphrase(char **passphrase)
{
    if (*passphrase != NULL) {
        hash_wipe(*passphrase, strlen(*passphrase));
        free(*passphrase);
        *passphrase = NULL;
    }
}

aip_status
keys_load(const char *path, const char *passphrase_file, aip_key_owner *owner, aip_secret_key **out, aip_error *err)
{
    __attribute__((cleanup(wipe_passphrase))) char *passphrase = NULL;
    *out = NULL;
    if (passphrase_file != NULL) {
        AIP_TRY(options_load_secret_line(passphrase_file, &passphrase, err));
    }
    return aip_keyfile_load(path, passphrase, owner, out, err);
}

aip_status
keys_save(const char *path, const char *passphrase_file, const aip_secret_key *key, const aip_key_owner *owner,
          aip_error *err)
{
    __attribute__((cleanup(wipe_passphrase))) char *passphrase = NULL;
    if (passphrase_file != NULL) {
        AIP_TRY(options_load_secret_line(passphrase_file, &passphrase, err));
    }
    return aip_keyfile_save(path, key, owner, passphrase, err);
}

void
keys_write_kid(const aip_key_owner *owner, char out[KEYS_KID_SIZE])
{
    snprintf(out, KEYS_KID_SIZE, "%s#key-%u", owner->did, (unsigned)owner->number);
}
