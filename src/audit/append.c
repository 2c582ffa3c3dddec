/* The decision log's writer: formats outside the lock; links, writes and remembers the hash inside. */
#include "audit/append.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "chain/report.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

enum { LINE_BYTES_MAX = 65536 }; /* of a line read back at start; ours stay far below */

struct audit_log {
    int fd;
    pthread_mutex_t lock;
    off_t size;
    unsigned char previous[AIP_HASH_BYTES];
};

static void
append_member(text_buffer *line, const char *name, aip_bytes value, size_t bytes_max)
{
    text_append_format(line, ",\"%s\":", name);
    text_append_json(line, (aip_bytes){value.data, value.size < bytes_max ? value.size : bytes_max});
}

static void
append_digest(text_buffer *line, const char *name, const unsigned char digest[AIP_HASH_BYTES])
{
    char text[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    base64url_encode((aip_bytes){digest, AIP_HASH_BYTES}, text);
    text_append_format(line, ",\"%s\":\"%s\"", name, text);
}

static void
append_chain(text_buffer *line, const audit_record *record)
{
    size_t length = record->chain == NULL ? 0 : aip_chain_length(record->chain);
    if (record->verified) {
        append_member(line, "root", record->root, AIP_IDENTIFIER_BYTES_MAX);
        append_member(line, "leaf", record->leaf, AIP_IDENTIFIER_BYTES_MAX);
    }
    text_append_format(line, ",\"depth\":%zu,\"links\":[", length);
    for (size_t i = 0; i < length; i++) {
        char link[44];
        aip_chain_link_id(record->chain, i, link);
        text_append_format(line, "%s\"%s\"", i == 0 ? "" : ",", link);
    }
    text_append_string(line, "]");
    if (record->verified) { /* before that, these are a stranger's words */
        text_append_string(line, ",\"contexts\":");
        chain_append_contexts(line, record->chain);
        text_append_string(line, ",\"principal\":");
        chain_append_principal(line, record->chain);
    }
    if (record->has_budget) {
        text_append_format(line, ",\"budget_micro_usd\":%llu", (unsigned long long)record->budget_micro_usd);
    }
}

/* The whole line but its `prev` member and end. */
static void
format_decision(text_buffer *line, const audit_record *record)
{
    char time[21];
    clock_format_utc(record->time_seconds, time);
    text_append_format(
        line, "{\"event\":\"decision\",\"time\":\"%s\",\"decision_id\":\"%s\",\"decision\":\"%s\",\"code\":\"%s\"",
        time, record->decision_id, record->allowed ? "ALLOW" : "BLOCK", aip_status_lookup(record->status)->name);
    if (record->at != AIP_NOWHERE) {
        text_append_format(line, ",\"at\":%d", record->at);
    }
    text_append_format(line, ",\"stage\":\"%s\",\"protocol\":\"%s\"", record->stage, record->protocol);
    append_member(line, "method", record->method, 128);
    if (record->tool.size > 0) {
        append_member(line, "tool", record->tool, AIP_TOOL_BYTES_MAX);
    }
    append_chain(line, record);
    if (record->has_digest) {
        append_digest(line, "request_digest", record->request_digest);
    }
    if (record->http != 0) {
        text_append_format(line, ",\"http\":%d", record->http);
    }
    text_append_string(line, record->proven ? ",\"proof\":\"holder\"" : ",\"proof\":\"none\"");
    append_member(line, "peer", aip_bytes_of(record->peer), 64);
}

static aip_status
write_all(int fd, aip_bytes line)
{
    while (line.size > 0) {
        ssize_t written = write(fd, line.data, line.size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return AIP_AUDIT_UNAVAILABLE;
        }
        line = aip_bytes_from(line, (size_t)written);
    }
    return AIP_OK;
}

/* Under the lock: links the line to the one before and writes it. */
static aip_status
append_locked(audit_log *log, text_buffer *line, aip_error *err)
{
    append_digest(line, "prev", log->previous);
    text_append_string(line, "}\n");
    AIP_TRY(text_finish(line, err));
    aip_bytes bytes = text_view(line);
    if (write_all(log->fd, bytes) != AIP_OK) {
        /* Only our own unacknowledged half line is taken back. If even that fails, the next start says so. */
        (void)!ftruncate(log->fd, log->size);
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, NULL);
    }
    log->size += (off_t)bytes.size;
    hash_sha256((aip_bytes){bytes.data, bytes.size - 1}, log->previous);
    return AIP_OK;
}

static aip_status
append(audit_log *log, text_buffer *line, aip_error *err)
{
    pthread_mutex_lock(&log->lock);
    aip_status status = append_locked(log, line, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

aip_status
audit_append(audit_log *log, const audit_record *record, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    format_decision(&line, record);
    return append(log, &line, err);
}

aip_status
audit_append_outcome(audit_log *log, const char *decision_id, aip_status outcome, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    char time[21];
    clock_format_utc(clock_now_seconds(), time);
    text_append_format(&line, "{\"event\":\"outcome\",\"time\":\"%s\",\"decision_id\":\"%s\",\"code\":\"%s\"", time,
                       decision_id, aip_status_lookup(outcome)->name);
    return append(log, &line, err);
}

/* Reads the tail of the file and hashes its last line. */
static aip_status
continue_chain(audit_log *log, aip_error *err)
{
    struct stat facts;
    if (fstat(log->fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the audit log is not a regular file");
    }
    log->size = facts.st_size;
    if (log->size == 0) {
        return AIP_OK;
    }
    char *tail STRING_AUTO = malloc(LINE_BYTES_MAX);
    if (tail == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    off_t start = log->size > LINE_BYTES_MAX ? log->size - LINE_BYTES_MAX : 0;
    ssize_t size = pread(log->fd, tail, (size_t)(log->size - start), start);
    if (size <= 0 || size != log->size - start || tail[size - 1] != '\n') {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE,
                        "the last line of the audit log is torn: move the file away or mend it");
    }
    const char *before = memrchr(tail, '\n', (size_t)size - 1);
    if (before == NULL && start > 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the last line of the audit log is too long to be one of ours");
    }
    const char *line = before == NULL ? tail : before + 1;
    hash_sha256((aip_bytes){(const unsigned char *)line, (size_t)(tail + size - 1 - line)}, log->previous);
    return AIP_OK;
}

static aip_status
open_locked(audit_log *log, const char *path, aip_error *err)
{
    log->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd < 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the audit log cannot be opened: %s", strerror(errno));
    }
    if (flock(log->fd, LOCK_EX | LOCK_NB) != 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the audit log is in use by another process");
    }
    return continue_chain(log, err);
}

aip_status
audit_open(const char *path, audit_log **out, aip_error *err)
{
    *out = NULL;
    audit_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    log->fd = -1;
    pthread_mutex_init(&log->lock, NULL);
    aip_status status = open_locked(log, path, err);
    if (status != AIP_OK) {
        audit_close(&log);
        return status;
    }
    *out = log;
    return AIP_OK;
}

void
audit_close(audit_log **log)
{
    if (*log == NULL) {
        return;
    }
    if ((*log)->fd >= 0) {
        close((*log)->fd);
    }
    pthread_mutex_destroy(&(*log)->lock);
    free(*log);
    *log = NULL;
}
