/* A cache that lives as long as its run and knows key logs only. */
#include "cli/lookup_logs.h"

#include <stdlib.h>

typedef struct {
    char did[AIP_DID_TEXT_SIZE];
    did_log_mark mark;
    text_buffer text;
} kept_log;

struct lookup_logs {
    kept_log *items;
    size_t count;
};

aip_status
lookup_logs_new(lookup_logs **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

void
lookup_logs_free(lookup_logs **logs)
{
    if (*logs == NULL) {
        return;
    }
    for (size_t i = 0; i < (*logs)->count; i++) {
        text_clear(&(*logs)->items[i].text);
    }
    free((*logs)->items);
    free(*logs);
    *logs = NULL;
}

static kept_log *
find(lookup_logs *logs, aip_bytes did)
{
    for (size_t i = 0; i < logs->count; i++) {
        if (aip_bytes_equal(did, aip_bytes_of(logs->items[i].did))) {
            return &logs->items[i];
        }
    }
    return NULL;
}

static aip_status
load(void *context, aip_bytes name, did_cache_entry *out, aip_error *err)
{
    (void)context, (void)name, (void)err;
    *out = (did_cache_entry){.known = NULL};
    return AIP_OK;
}

static aip_status
save(void *context, const identity *known, aip_bytes document, int64_t fetched_at, int64_t fresh_until, aip_error *err)
{
    (void)context, (void)known, (void)document, (void)fetched_at, (void)fresh_until, (void)err;
    return AIP_OK;
}

static aip_status
save_refusal(void *context, aip_bytes name, aip_status refusal, int64_t until, aip_error *err)
{
    (void)context, (void)name, (void)refusal, (void)until, (void)err;
    return AIP_OK;
}

static aip_status
load_document(void *context, aip_bytes name, text_buffer *out, aip_error *err)
{
    (void)context, (void)name, (void)out;
    return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
}

static aip_status
load_log(void *context, aip_bytes did, text_buffer *out, aip_error *err)
{
    const kept_log *kept = find(context, did);
    if (kept == NULL) {
        return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
    }
    text_append(out, text_view(&kept->text));
    return text_finish(out, err);
}

static aip_status
add(lookup_logs *logs, const did_log *log, kept_log **out, aip_error *err)
{
    kept_log *grown = realloc(logs->items, (logs->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    logs->items = grown;
    *out = &grown[logs->count++];
    **out = (kept_log){.mark = did_log_mark_of(log)};
    memcpy((*out)->did, log->did, sizeof log->did);
    return AIP_OK;
}

static aip_status
keep_log(void *context, const did_log *log, aip_bytes text, const char *origin, int64_t now, aip_error *err)
{
    (void)origin, (void)now;
    text_buffer copy = {0};
    kept_log *kept = find(context, aip_bytes_of(log->did));
    AIP_TRY(kept == NULL ? add(context, log, &kept, err) : did_log_check_mark(log, &kept->mark, err));
    text_append(&copy, text);
    aip_status status = text_finish(&copy, err);
    if (status != AIP_OK) {
        text_clear(&copy);
        return status;
    }
    text_clear(&kept->text);
    kept->text = copy;
    kept->mark = did_log_mark_of(log);
    return AIP_OK;
}

static aip_status
note_keys(void *context, const identity *known, int64_t now, aip_error *err)
{
    (void)context, (void)known, (void)now, (void)err;
    return AIP_OK;
}

static aip_status
readmit_key(void *context, aip_bytes name, const aip_public_key *key, aip_error *err)
{
    (void)context, (void)name, (void)key;
    return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
}

void
lookup_logs_cache(lookup_logs *logs, did_cache *out)
{
    *out = (did_cache){
        .context = logs,
        .load = load,
        .save = save,
        .save_refusal = save_refusal,
        .load_document = load_document,
        .load_log = load_log,
        .keep_log = keep_log,
        .note_keys = note_keys,
        .readmit_key = readmit_key,
    };
}
