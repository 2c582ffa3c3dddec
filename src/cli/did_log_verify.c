/* aip-did log: the verbs of key logs, and verify: is it whole, whose keys counted when, and was another one seen? */
#include "base/clock.h"
#include "cli/did_verbs.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "store/identities.h"

#define HEAD_TEXT_SIZE (BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1)

static const char *
state_of(const did_log *log, size_t i)
{
    return log->entries[i].compromised ? "compromised"
           : log->deactivated          ? "ended"
           : i + 1 == log->count       ? "current"
                                       : "retired";
}

static void
format_time(bool known, int64_t seconds, const char *otherwise, char out[21])
{
    if (known) {
        clock_format_utc(seconds, out);
    } else {
        snprintf(out, 21, "%s", otherwise);
    }
}

static void
append_key_line(text_buffer *text, const did_log *log, size_t i)
{
    char key[MULTIBASE_KEY_TEXT_SIZE + 1], from[21], until[21];
    bool last = i + 1 == log->count;
    multibase_encode_key(log->entries[i].key.bytes, key);
    format_time(i > 0, log->entries[i].time, "the beginning", from);
    format_time(!last, last ? 0 : log->entries[i + 1].time, "now on", until);
    text_append_format(text, "\n  #key-%-3zu %s  %-11s  from %s until %s", i + 1, key, state_of(log, i), from, until);
}

static void
append_text(text_buffer *text, const did_log *log, const char *head)
{
    const did_log_entry *last = &log->entries[log->count - 1];
    text_append_format(text, "%s\nversion %zu, head %s", log->did, log->count - 1, head);
    for (size_t i = 0; i < log->count; i++) {
        append_key_line(text, log, i);
    }
    text_append_string(text, log->deactivated ? "\nended for ever"
                             : last->has_next ? "\nthe next key is committed to"
                                              : "\nno further rotation is possible");
}

static void
append_bound(text_buffer *text, const char *name, bool known, int64_t seconds)
{
    text_append_format(text, ",\"%s\":", name);
    if (known) {
        text_append_format(text, "%lld", (long long)seconds);
    } else {
        text_append_string(text, "null");
    }
}

static void
append_json(text_buffer *text, const did_log *log, const char *head)
{
    text_append_format(text, "{\"valid\":true,\"code\":\"ok\",\"did\":\"%s\",\"version\":%zu,\"head\":\"%s\"", log->did,
                       log->count - 1, head);
    text_append_format(text, ",\"deactivated\":%s,\"rotates\":%s,\"keys\":[", log->deactivated ? "true" : "false",
                       log->entries[log->count - 1].has_next ? "true" : "false");
    for (size_t i = 0; i < log->count; i++) {
        char key[MULTIBASE_KEY_TEXT_SIZE + 1];
        bool last = i + 1 == log->count;
        multibase_encode_key(log->entries[i].key.bytes, key);
        text_append_format(text, "%s{\"id\":\"%s#key-%zu\",\"key\":\"%s\",\"state\":\"%s\"", i == 0 ? "" : ",",
                           log->did, i + 1, key, state_of(log, i));
        append_bound(text, "from", i > 0, log->entries[i].time);
        append_bound(text, "until", !last, last ? 0 : log->entries[i + 1].time);
        text_append_string(text, "}");
    }
    text_append_string(text, "]}");
}

/* Compares with what was seen, and remembers the log if it goes on from there. */
static aip_status
compare(const char *cache_path, const did_log *log, aip_bytes text, const char *origin, aip_error *err)
{
    store *database = NULL;
    did_cache cache;
    AIP_TRY(store_open(cache_path, &database, err));
    aip_status status = store_identities(database, &cache, err);
    if (status == AIP_OK) {
        status = cache.keep_log(cache.context, log, text, origin, clock_now_seconds(), err);
    }
    store_close(&database);
    return status;
}

static aip_status
verify(const char *path, const char *cache_path, bool json, aip_error *err)
{
    STRING_AUTO char *bytes = NULL;
    TEXT_AUTO text_buffer text = {0};
    LOG_AUTO did_log *log = NULL;
    char head[HEAD_TEXT_SIZE];
    size_t size;
    AIP_TRY(text_load_file(path, AIP_DOCUMENT_BYTES_MAX, &bytes, &size, err));
    aip_bytes view = {(const unsigned char *)bytes, size};
    AIP_TRY(did_log_verify(view, clock_now_seconds(), &log, err));
    if (cache_path != NULL) {
        AIP_TRY(compare(cache_path, log, view, path, err));
    }
    base64url_encode((aip_bytes){log->entries[log->count - 1].hash, AIP_HASH_BYTES}, head);
    if (json) {
        append_json(&text, log, head);
    } else {
        append_text(&text, log, head);
    }
    return options_print(&text, err);
}

int
did_run_log_verify(int argc, char **argv)
{
    const char *path = NULL, *cache_path = NULL;
    bool json = false;
    size_t count = 0;
    const option table[] = {
        {"--cache", OPTION_TEXT, &cache_path, "DB", "compare with what was seen before, and remember this"},
        {"--json", OPTION_FLAG, &json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, DID_PROGRAM " log verify FILE [options]", argc, argv, &path, 1, &count, &err);
    if (status == AIP_OK && count == 0) {
        status = aip_fail(&err, AIP_USAGE, "name the file of the log");
    }
    if (status == AIP_OK) {
        status = verify(path, cache_path, json, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(DID_PROGRAM, json, status, &err);
}

int
did_run_log(int argc, char **argv)
{
    static const command commands[] = {
        {"start", "begins the log of an existing identity", did_run_log_start},
        {"verify", "judges a log and prints its keys", did_run_log_verify},
        {NULL, NULL, NULL},
    };
    return options_run_command(DID_PROGRAM " log", "key logs", commands, argc, argv);
}
