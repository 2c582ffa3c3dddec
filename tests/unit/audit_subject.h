/* Decision logs for tests: a scratch folder, a signer, records, and files as lines. */
#ifndef TESTS_AUDIT_SUBJECT_H
#define TESTS_AUDIT_SUBJECT_H

#include <stdlib.h>
#include <unistd.h>

#include "audit/series.h"
#include "audit/verify.h"
#include "base/text.h"
#include "tests/unit/check.h"

#define SUBJECT_LINES_MAX 256

static char subject_folder[] = "/tmp/aip-audit.XXXXXX";
static char subject_path[64];
static aip_secret_key *subject_key;
static char subject_did[AIP_DID_TEXT_SIZE], subject_kid[AIP_DID_TEXT_SIZE + 8];

static inline aip_status
subject_find(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    (void)signed_at;
    return aip_did_find_key(name, kid, out, err);
}
static const aip_key_source subject_keys = {subject_find, NULL};

/* An empty folder with no log in it. */
static inline void
subject_begin(void)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {7, 7, 7};
    SERIES_AUTO audit_series files = {0};
    if (subject_key == NULL) {
        CHECK(mkdtemp(subject_folder) != NULL);
        snprintf(subject_path, sizeof subject_path, "%s/log", subject_folder);
        CHECK_STATUS(aip_secret_key_from_seed(seed, &subject_key, NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(subject_key), subject_did);
        snprintf(subject_kid, sizeof subject_kid, "%s#key-1", subject_did);
    }
    CHECK_STATUS(audit_series_list(subject_path, &files, NULL), AIP_OK);
    for (size_t i = 0; i < files.count; i++) {
        unlink(files.paths[i]);
    }
}

static inline void
subject_end(void)
{
    subject_begin();
    rmdir(subject_folder);
    aip_secret_key_free(&subject_key);
}

static inline audit_options
subject_options(uint64_t checkpoint_lines)
{
    return (audit_options){.path = subject_path,
                           .sync = AUDIT_SYNC_NONE,
                           .key = checkpoint_lines == 0 ? NULL : subject_key,
                           .issuer = subject_did,
                           .key_id = subject_kid,
                           .checkpoint_lines = checkpoint_lines,
                           .checkpoint_seconds = 1000};
}

static inline audit_record
subject_record(unsigned number)
{
    audit_record record = {.allowed = true,
                           .at = AIP_NOWHERE,
                           .time_seconds = 1800000000 + number,
                           .stage = "record",
                           .protocol = "mcp",
                           .method = AIP_BYTES_LITERAL("tools/call"),
                           .tool = AIP_BYTES_LITERAL("search"),
                           .peer = "127.0.0.1"};
    snprintf(record.decision_id, sizeof record.decision_id, "AAAAAAAAAAAAAAAA%06u", number % 1000000);
    return record;
}

/* Without rotation, checkpoints and fdatasync. */
static inline aip_status
subject_open(const char *path, audit_log **out, aip_error *err)
{
    return audit_open_with(&(audit_options){.path = path, .sync = AUDIT_SYNC_NONE}, out, err);
}

/* Each waits until its line is as durable as configured. */
static inline aip_status
subject_append_one(audit_log *log, const audit_record *record, aip_error *err)
{
    uint64_t number;
    AIP_TRY(audit_write(log, record, &number, err));
    return audit_wait(log, number, err);
}

static inline aip_status
subject_append_outcome(audit_log *log, const audit_outcome *outcome, aip_error *err)
{
    uint64_t number;
    AIP_TRY(audit_write_outcome(log, outcome, &number, err));
    return audit_wait(log, number, err);
}

static inline aip_status
subject_append_completion(audit_log *log, aip_bytes statement, const completion_check *check, aip_error *err)
{
    uint64_t number;
    AIP_TRY(audit_write_completion(log, statement, check, &number, err));
    return audit_wait(log, number, err);
}

static inline void
subject_append(audit_log *log, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        audit_record record = subject_record(i);
        CHECK_STATUS(subject_append_one(log, &record, NULL), AIP_OK);
    }
}

/* A log of so many decisions, with a checkpoint each `checkpoint_lines`. */
static inline void
subject_write(unsigned count, uint64_t checkpoint_lines)
{
    audit_log *log = NULL;
    subject_begin();
    audit_options options = subject_options(checkpoint_lines);
    CHECK_STATUS(audit_open_with(&options, &log, NULL), AIP_OK);
    subject_append(log, 1, count);
    audit_close(&log);
}

static inline void
subject_save(const char *path, aip_bytes text)
{
    FILE *stream = fopen(path, "wb");
    CHECK(stream != NULL && fwrite(text.data, 1, text.size, stream) == text.size);
    if (stream != NULL) {
        fclose(stream);
    }
}

static inline aip_status
subject_verify(bool signatures, audit_summary *out)
{
    SERIES_AUTO audit_series files = {0};
    CHECK_STATUS(audit_series_list(subject_path, &files, NULL), AIP_OK);
    const audit_check check = {.paths = (const char *const *)files.paths,
                               .path_count = files.count,
                               .trust = {signatures ? &subject_keys : NULL, aip_bytes_of(subject_did)}};
    aip_error err = AIP_ERROR_INIT;
    return audit_verify(&check, out, &err);
}

/* A file as lines that can be changed and written again. */
typedef struct {
    char *text;
    size_t size, count;
    aip_bytes lines[SUBJECT_LINES_MAX]; /* with their newlines */
} subject_lines;

static inline void
subject_cut(subject_lines *out)
{
    *out = (subject_lines){0};
    CHECK_STATUS(text_load_file(subject_path, 1 << 20, &out->text, &out->size, NULL), AIP_OK);
    for (size_t at = 0; at < out->size && out->count < SUBJECT_LINES_MAX;) {
        const char *end = memchr(out->text + at, '\n', out->size - at);
        size_t size = end == NULL ? out->size - at : (size_t)(end + 1 - (out->text + at));
        out->lines[out->count++] = (aip_bytes){(unsigned char *)out->text + at, size};
        at += size;
    }
}

static inline void
subject_join(const subject_lines *lines)
{
    TEXT_AUTO text_buffer text = {0};
    for (size_t i = 0; i < lines->count; i++) {
        text_append(&text, lines->lines[i]);
    }
    subject_save(subject_path, text_view(&text));
}

#endif
