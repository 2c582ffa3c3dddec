/* aip-did create, and aip-did log start: an identity's first key, and the first entry of its log. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/did_log_file.h"
#include "cli/did_verbs.h"
#include "cli/keys.h"
#include "cli/options.h"

#define DEFAULT_KEY_FILE "aip-key.json"

typedef struct {
    const char *key_file, *passphrase_file, *log_file, *next_file;
    bool json;
} start_options;

static aip_status
print_started(const start_options *o, const aip_key_owner *owner, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    if (!o->json) {
        text_append_string(&text, owner->did);
        return options_print(&text, err);
    }
    text_append_format(&text, "{\"did\":\"%s\",\"key_file\":", owner->did);
    text_append_json(&text, aip_bytes_of(o->key_file));
    if (o->log_file != NULL) {
        text_append_string(&text, ",\"log_file\":");
        text_append_json(&text, aip_bytes_of(o->log_file));
        text_append_string(&text, ",\"next_key_file\":");
        text_append_json(&text, aip_bytes_of(o->next_file));
    }
    text_append_string(&text, "}");
    return options_print(&text, err);
}

/* The next key goes to its file before the log that promises it; a log that did not come to be takes the file back. */
static aip_status
write_next_and_log(const start_options *o, const aip_secret_key *key, const aip_secret_key *next, bool *in_place,
                   aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    aip_key_owner owner;
    aip_key_owner_of(aip_secret_key_public(key), &owner);
    owner.number = 2;
    const did_log_change change = {.next = aip_secret_key_public(next), .time = clock_now_seconds()};
    AIP_TRY(did_log_extend(&text, key, &change, err));
    AIP_TRY(keys_save(o->next_file, o->passphrase_file, next, &owner, err));
    aip_status status = log_file_create(o->log_file, &text, in_place, err);
    if (!*in_place) {
        unlink(o->next_file);
    }
    return status;
}

static aip_status
start_log(const start_options *o, const aip_secret_key *key, bool *in_place, aip_error *err)
{
    aip_secret_key *next = NULL;
    *in_place = false;
    AIP_TRY(aip_secret_key_generate(&next, err));
    aip_status status = write_next_and_log(o, key, next, in_place, err);
    aip_secret_key_free(&next);
    return status;
}

static aip_status
create(const start_options *o, aip_key_owner *owner, aip_error *err)
{
    aip_secret_key *key = NULL;
    bool in_place = true;
    AIP_TRY(aip_secret_key_generate(&key, err));
    aip_key_owner_of(aip_secret_key_public(key), owner);
    aip_status status = keys_save(o->key_file, o->passphrase_file, key, owner, err);
    if (status == AIP_OK && o->log_file != NULL) {
        status = start_log(o, key, &in_place, err);
        if (!in_place) {
            unlink(o->key_file); /* nobody has seen this identity */
        }
    }
    aip_secret_key_free(&key);
    return status;
}

int
did_run_create(int argc, char **argv)
{
    start_options o = {.key_file = DEFAULT_KEY_FILE};
    aip_key_owner owner;
    const option table[] = {
        {"--out", OPTION_TEXT, &o.key_file, "FILE",
         "new key file, mode 0600, never overwritten (" DEFAULT_KEY_FILE ")"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "seal the key under this file's first line"},
        {"--log", OPTION_TEXT, &o.log_file, "FILE", "also begin a key log, so that the key can be rotated"},
        {"--next-out", OPTION_TEXT, &o.next_file, "FILE", "new key file of the key that the log commits to"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, DID_PROGRAM " create [options]", argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK && (o.log_file == NULL) != (o.next_file == NULL)) {
        status = aip_fail(&err, AIP_USAGE, "--log and --next-out belong together: a log commits to the next key");
    }
    if (status == AIP_OK) {
        status = create(&o, &owner, &err);
    }
    if (status == AIP_OK) {
        status = print_started(&o, &owner, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(DID_PROGRAM, o.json, status, &err);
}

static aip_status
start_for_existing(const start_options *o, aip_key_owner *owner, aip_error *err)
{
    aip_secret_key *key = NULL;
    bool in_place;
    if (o->key_file == NULL || o->log_file == NULL || o->next_file == NULL) {
        return aip_fail(err, AIP_USAGE, "--key, --log and --next-out are needed");
    }
    AIP_TRY(keys_load(o->key_file, o->passphrase_file, NULL, &key, err));
    aip_key_owner_of(aip_secret_key_public(key), owner);
    aip_status status = start_log(o, key, &in_place, err);
    aip_secret_key_free(&key);
    return status;
}

int
did_run_log_start(int argc, char **argv)
{
    start_options o = {0};
    aip_key_owner owner;
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of the identity's own key"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "opens it, and seals the next one"},
        {"--log", OPTION_TEXT, &o.log_file, "FILE", "new key log"},
        {"--next-out", OPTION_TEXT, &o.next_file, "FILE", "new key file of the key that the log commits to"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, DID_PROGRAM " log start --key FILE --log FILE --next-out FILE", argc, argv,
                                      NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = start_for_existing(&o, &owner, &err);
    }
    if (status == AIP_OK) {
        status = print_started(&o, &owner, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(DID_PROGRAM, o.json, status, &err);
}
