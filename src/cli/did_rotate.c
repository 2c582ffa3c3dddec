/* aip-did rotate and deactivate: one more entry of a key log, signed by the key that the last one committed to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/did_log_file.h"
#include "cli/did_verbs.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "crypto/multibase.h"

#define WAIT_SECONDS_MAX 2

typedef struct {
    const char *log_file, *key_file, *next_file, *passphrase_file;
    option_list compromised;
    bool final, ends, json;
} change_options;

static aip_status
print_changed(const change_options *o, const char *did, size_t version, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    if (!o->json) {
        text_append_format(&text, "%s\nversion %zu", did, version);
        return options_print(&text, err);
    }
    text_append_format(&text, "{\"did\":\"%s\",\"version\":%zu,\"log_file\":", did, version);
    text_append_json(&text, aip_bytes_of(o->log_file));
    if (o->next_file != NULL) {
        text_append_string(&text, ",\"next_key_file\":");
        text_append_json(&text, aip_bytes_of(o->next_file));
    }
    text_append_string(&text, "}");
    return options_print(&text, err);
}

/* A time above the last entry's. Entries of one second are told apart by waiting for the next one. */
static int64_t
time_after(const did_log *log)
{
    int64_t last = log->entries[log->count - 1].time, now = clock_now_seconds();
    for (int tries = 0; now <= last && last - now < WAIT_SECONDS_MAX && tries < 100 * WAIT_SECONDS_MAX; tries++) {
        nanosleep(&(struct timespec){0, 10000000}, NULL);
        now = clock_now_seconds();
    }
    return now;
}

/* `#key-N`, `key-N` or the key itself, of a key that the log has had. */
static aip_status
find_compromised(const did_log *log, const char *text, aip_public_key *out, aip_error *err)
{
    uint64_t number = 0;
    const char *name = text[0] == '#' ? text + 1 : text;
    bool numbered = strncmp(name, "key-", 4) == 0 && text_parse_unsigned(name + 4, log->count, &number, NULL) == AIP_OK;
    for (size_t i = 0; i < log->count; i++) {
        char key[MULTIBASE_KEY_TEXT_SIZE + 1];
        multibase_encode_key(log->entries[i].key.bytes, key);
        if (numbered ? number == i + 1 : strcmp(name, key) == 0) {
            *out = log->entries[i].key;
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_USAGE, "--compromised names no key of this log");
}

static aip_status
find_all_compromised(const change_options *o, const did_log *log, aip_public_key **out, aip_error *err)
{
    *out = calloc(o->compromised.count + 1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < o->compromised.count; i++) {
        AIP_TRY(find_compromised(log, o->compromised.items[i], &(*out)[i], err));
    }
    return AIP_OK;
}

/* What the entry says that follows the log's last; *compromised is its storage. */
static aip_status
fill_change(const change_options *o, const did_log *log, const aip_secret_key *next, aip_public_key **compromised,
            did_log_change *out, aip_error *err)
{
    AIP_TRY(find_all_compromised(o, log, compromised, err));
    *out = (did_log_change){
        .next = next == NULL ? NULL : aip_secret_key_public(next),
        .compromised = *compromised,
        .compromised_count = o->compromised.count,
        .deactivate = o->ends,
        .time = time_after(log),
    };
    return AIP_OK;
}

/* The grown log is judged before anything is written; the next key is safe before the log promises it. */
static aip_status
write_change(const change_options *o, log_file *file, const aip_secret_key *next, const aip_key_owner *next_owner,
             aip_error *err)
{
    bool in_place;
    if (next != NULL) {
        AIP_TRY(keys_save(o->next_file, o->passphrase_file, next, next_owner, err));
    }
    aip_status status = log_file_replace(file, &in_place, err);
    if (next != NULL && !in_place) {
        unlink(o->next_file);
    }
    return status;
}

static aip_status
extend(const change_options *o, log_file *file, const aip_secret_key *key, const aip_key_owner *owner,
       const aip_secret_key *next, aip_error *err)
{
    LOG_AUTO did_log *log = NULL;
    aip_public_key *compromised = NULL;
    did_log_change change;
    AIP_TRY(did_log_verify(text_view(&file->text), clock_now_seconds(), &log, err));
    if (strcmp(log->did, owner->did) != 0) {
        return aip_fail(err, AIP_LOG_KEY, "the key file is another identity's");
    }
    if (next != NULL && log->count + 1 >= AIP_LOG_ENTRIES_MAX) {
        return aip_fail(err, AIP_USAGE, "this is the last entry that fits: use --final");
    }
    aip_status status = fill_change(o, log, next, &compromised, &change, err);
    if (status == AIP_OK) {
        status = did_log_extend(&file->text, key, &change, err);
    }
    free(compromised);
    AIP_TRY(status);
    aip_key_owner next_owner = *owner;
    next_owner.number = (uint32_t)log->count + 2;
    AIP_TRY(write_change(o, file, next, &next_owner, err));
    return print_changed(o, log->did, log->count, err);
}

/* Without a log the identity's own key ends it by entry 0. */
static aip_status
deactivate_without_log(const change_options *o, const aip_secret_key *key, const aip_key_owner *owner, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    bool in_place;
    const did_log_change change = {.deactivate = true, .time = clock_now_seconds()};
    if (owner->number != 1) {
        return aip_fail(err, AIP_LOG_KEY, "without a log only the identity's first key can end it");
    }
    AIP_TRY(did_log_extend(&text, key, &change, err));
    AIP_TRY(log_file_create(o->log_file, &text, &in_place, err));
    return print_changed(o, owner->did, 0, err);
}

static aip_status
change_log(const change_options *o, const aip_secret_key *key, const aip_key_owner *owner, aip_error *err)
{
    LOG_FILE_AUTO log_file file = {.file = -1};
    aip_secret_key *next = NULL;
    if (o->ends && access(o->log_file, F_OK) != 0 && errno == ENOENT) {
        return deactivate_without_log(o, key, owner, err);
    }
    AIP_TRY(log_file_open(o->log_file, &file, err));
    if (o->next_file != NULL) {
        AIP_TRY(aip_secret_key_generate(&next, err));
    }
    aip_status status = extend(o, &file, key, owner, next, err);
    aip_secret_key_free(&next);
    return status;
}

static int
run_change(const option *table, const char *usage, change_options *o, int argc, char **argv)
{
    aip_secret_key *key = NULL;
    aip_key_owner owner;
    bool deactivating = strcmp(argv[0], "deactivate") == 0;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, usage, argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK && (o->log_file == NULL || o->key_file == NULL)) {
        status = aip_fail(&err, AIP_USAGE, "--log and --key are needed");
    } else if (status == AIP_OK && deactivating && !o->ends) {
        status = aip_fail(&err, AIP_USAGE, "this is for ever: say --yes");
    } else if (status == AIP_OK && !deactivating && (o->next_file != NULL) == o->final) {
        status = aip_fail(&err, AIP_USAGE, "either --next-out, or --final for the last rotation ever");
    }
    if (status == AIP_OK) {
        status = keys_load(o->key_file, o->passphrase_file, &owner, &key, &err);
    }
    if (status == AIP_OK) {
        status = change_log(o, key, &owner, &err);
    }
    aip_secret_key_free(&key);
    options_release(table);
    return status == AIP_OK ? 0 : options_report_failure(DID_PROGRAM, o->json, status, &err);
}

int
did_run_rotate(int argc, char **argv)
{
    change_options o = {0};
    const option table[] = {
        {"--log", OPTION_TEXT, &o.log_file, "FILE", "key log, replaced as a whole"},
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of the key that the log commits to"},
        {"--next-out", OPTION_TEXT, &o.next_file, "FILE", "new key file of the key that comes after it"},
        {"--final", OPTION_FLAG, &o.final, NULL, "no key comes after it"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "opens the key file, and seals the new one"},
        {"--compromised", OPTION_LIST, &o.compromised, "KEY", "earlier key that counts for nothing: #key-N or z6Mk..."},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    return run_change(table, DID_PROGRAM " rotate --log FILE --key FILE (--next-out FILE | --final) [options]", &o,
                      argc, argv);
}

int
did_run_deactivate(int argc, char **argv)
{
    change_options o = {0};
    const option table[] = {
        {"--log", OPTION_TEXT, &o.log_file, "FILE", "key log, made if there is none"},
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of the key that the log commits to; no log: the first"},
        {"--yes", OPTION_FLAG, &o.ends, NULL, "it cannot be undone"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "opens the key file"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    return run_change(table, DID_PROGRAM " deactivate --log FILE --key FILE --yes [options]", &o, argc, argv);
}
