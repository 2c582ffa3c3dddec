/* The decision log's writer: formats outside the lock; numbers, links, writes and remembers the hash inside. */
#include "audit/append.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit/completion_line.h"
#include "audit/line.h"
#include "audit/log_inside.h"
#include "base/clock.h"
#include "crypto/hash.h"

#define MICROSECONDS UINT64_C(1000000)

aip_status
log_fail(audit_log *log, aip_error *err, const char *what, int number)
{
    snprintf(log->why, sizeof log->why, "%s%s%s", what, number == 0 ? "" : ": ", number == 0 ? "" : strerror(number));
    return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "%s", log->why);
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

/* Takes back half a line of ours, which nobody was told of. */
static aip_status
take_back(audit_log *log, aip_error *err)
{
    log->torn = ftruncate(log->fd, log->size) != 0;
    return log->torn ? log_fail(log, err, "half a line cannot be taken back", errno) : AIP_OK;
}

/* Under the lock: `hashed` holds what was begun, so that only the end of the line is hashed while others wait. */
static aip_status
write_begun(audit_log *log, text_buffer *line, hash_stream *hashed, aip_error *err)
{
    size_t begun = line->size;
    audit_line_finish(line, log->seq + 1, log->previous);
    AIP_TRY(text_finish(line, err));
    aip_bytes bytes = text_view(line);
    if (write_all(log->fd, bytes) != AIP_OK) {
        int why = errno;
        (void)!take_back(log, NULL);
        return log_fail(log, err, "the audit log cannot be written", why);
    }
    log->size += (off_t)bytes.size;
    log->seq++;
    log->unsigned_lines++;
    hash_stream_add(hashed, (aip_bytes){bytes.data + begun, bytes.size - begun - 1});
    hash_stream_end(hashed, log->previous);
    log->why[0] = '\0';
    return AIP_OK;
}

static void
hash_begun(const text_buffer *line, hash_stream *out)
{
    hash_stream_begin(out);
    hash_stream_add(out, text_view(line));
}

aip_status
log_write_line(audit_log *log, text_buffer *line, aip_error *err)
{
    hash_stream hashed;
    hash_begun(line, &hashed);
    return write_begun(log, line, &hashed, err);
}

aip_status
log_write_checkpoint(audit_log *log, aip_error *err)
{
    TEXT_AUTO text_buffer line = {0};
    int64_t now = clock_now_seconds(); /* a clock that was never set may stand before 1970, which no claim can say */
    checkpoint_facts facts = {
        .lines = log->seq, .every = log->options.checkpoint_lines, .issued_at = now < 0 ? 0 : now};
    memcpy(facts.head, log->previous, sizeof facts.head);
    AIP_TRY(checkpoint_append(&line, &log->signer, &facts, err));
    AIP_TRY(log_write_line(log, &line, err));
    log->unsigned_lines = 0;
    log->signed_at = clock_monotonic_microseconds();
    return AIP_OK;
}

aip_status
log_sync_now(audit_log *log, aip_error *err)
{
    if (fdatasync(log->fd) != 0) {
        log->lost = true; /* what the kernel has dropped it does not tell a second time */
        return log_fail(log, err, "the audit log cannot be synced", errno);
    }
    log->synced = log->seq;
    return AIP_OK;
}

static bool
checkpoint_is_due(const audit_log *log, uint64_t now)
{
    return log->signer.key != NULL && log->unsigned_lines > 0 &&
           (log->unsigned_lines >= log->options.checkpoint_lines ||
            now - log->signed_at >= log->options.checkpoint_seconds * MICROSECONDS);
}

static bool
must_rotate(const audit_log *log, size_t bytes)
{
    return log->options.rotate_bytes > 0 && log->size > 0 && log->size + (off_t)bytes > log->rotate_at;
}

/* Under the lock: what has to be in order before the next line. */
static aip_status
prepare(audit_log *log, size_t bytes, aip_error *err)
{
    uint64_t now = clock_monotonic_microseconds();
    if (log->lost) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "%s", log->why);
    }
    if (log->torn) {
        AIP_TRY(take_back(log, err));
    }
    if (now - log->looked_at >= MICROSECONDS) {
        AIP_TRY(log_check_place(log, err));
        log->looked_at = now;
    }
    if (checkpoint_is_due(log, now)) {
        AIP_TRY(log_write_checkpoint(log, err));
    }
    /* An fdatasync that began meanwhile keeps the file; then the next line finds it too large. */
    return must_rotate(log, bytes) && !log->syncing ? log_rotate(log, err) : AIP_OK;
}

/* Under the lock. While another thread is in fdatasync the file must not be changed for another. */
static aip_status
append_locked(audit_log *log, text_buffer *line, hash_stream *hashed, aip_error *err)
{
    while (log->syncing && must_rotate(log, line->size + AUDIT_LINE_END_BYTES)) {
        pthread_cond_wait(&log->synced_more, &log->lock);
    }
    AIP_TRY(prepare(log, line->size + AUDIT_LINE_END_BYTES, err));
    AIP_TRY(write_begun(log, line, hashed, err));
    return log->options.sync == AUDIT_SYNC_EACH ? log_sync_now(log, err) : AIP_OK;
}

static aip_status
append(audit_log *log, text_buffer *line, uint64_t *number, aip_error *err)
{
    hash_stream hashed;
    AIP_TRY(text_finish(line, err));
    if (line->size > AUDIT_LINE_BYTES_MAX - AUDIT_LINE_END_BYTES) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the line would be too long");
    }
    hash_begun(line, &hashed);
    pthread_mutex_lock(&log->lock);
    aip_status status = append_locked(log, line, &hashed, err);
    *number = log->seq;
    pthread_mutex_unlock(&log->lock);
    return status;
}

/* Under the lock: one thread syncs for all that wait. */
static void
lead_sync(audit_log *log)
{
    uint64_t reached = log->seq;
    int fd = log->fd;
    log->syncing = true;
    pthread_mutex_unlock(&log->lock);
    int why = fdatasync(fd) == 0 ? 0 : errno;
    pthread_mutex_lock(&log->lock);
    log->syncing = false;
    if (why != 0) {
        log->lost = true;
        (void)!log_fail(log, NULL, "the audit log cannot be synced", why);
    } else if (reached > log->synced) {
        log->synced = reached;
    }
    pthread_cond_broadcast(&log->synced_more);
}

aip_status
audit_wait(audit_log *log, uint64_t number, aip_error *err)
{
    if (log->options.sync != AUDIT_SYNC_GROUP) {
        return AIP_OK;
    }
    pthread_mutex_lock(&log->lock);
    while (log->synced < number && !log->lost) {
        if (log->syncing) {
            pthread_cond_wait(&log->synced_more, &log->lock);
        } else {
            lead_sync(log);
        }
    }
    aip_status status = log->synced >= number ? AIP_OK : aip_fail(err, AIP_AUDIT_UNAVAILABLE, "%s", log->why);
    pthread_mutex_unlock(&log->lock);
    return status;
}

aip_status
audit_write(audit_log *log, const audit_record *record, uint64_t *number, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    audit_line_decision(&line, record);
    return append(log, &line, number, err);
}

aip_status
audit_write_outcome(audit_log *log, const audit_outcome *outcome, uint64_t *number, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    audit_line_outcome(&line, outcome);
    return append(log, &line, number, err);
}

aip_status
audit_write_event(audit_log *log, const audit_event *event, uint64_t *number, aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    AIP_TRY(audit_line_event(&line, event, err));
    return append(log, &line, number, err);
}

aip_status
audit_append_event(audit_log *log, const audit_event *event, aip_error *err)
{
    uint64_t number;
    AIP_TRY(audit_write_event(log, event, &number, err));
    return audit_wait(log, number, err);
}

aip_status
audit_write_completion(audit_log *log, aip_bytes statement, const completion_check *check, uint64_t *number,
                       aip_error *err)
{
    text_buffer line TEXT_AUTO = {0};
    AIP_TRY(completion_line_append(&line, statement, check, err));
    return append(log, &line, number, err);
}

aip_status
audit_tick(audit_log *log, aip_error *err)
{
    aip_status status = AIP_OK;
    pthread_mutex_lock(&log->lock);
    if (!log->lost && !log->torn && checkpoint_is_due(log, clock_monotonic_microseconds())) {
        status = log_write_checkpoint(log, err);
    }
    uint64_t number = log->seq;
    pthread_mutex_unlock(&log->lock);
    return status == AIP_OK ? audit_wait(log, number, err) : status;
}

aip_status
audit_health(audit_log *log, aip_error *err)
{
    pthread_mutex_lock(&log->lock);
    aip_status status = log->why[0] != '\0' ? aip_fail(err, AIP_AUDIT_UNAVAILABLE, "%s", log->why) : AIP_OK;
    if (status == AIP_OK) {
        status = log_check_place(log, err);
        log->why[0] = '\0'; /* it may come back: the next line looks again */
        log->looked_at = status == AIP_OK ? log->looked_at : 0;
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

static aip_status
set_up(audit_log *log, const audit_options *options, aip_error *err)
{
    log->options = *options;
    if (options->checkpoint_lines == 0) {
        log->options.checkpoint_lines = AUDIT_CHECKPOINT_LINES_DEFAULT;
    }
    if (options->checkpoint_seconds == 0) {
        log->options.checkpoint_seconds = AUDIT_CHECKPOINT_SECONDS_DEFAULT;
    }
    log->signer = (checkpoint_signer){options->key, options->issuer, options->key_id};
    log->rotate_at = (off_t)options->rotate_bytes;
    log->signed_at = log->looked_at = clock_monotonic_microseconds();
    log->path = strdup(options->path);
    if (log->path == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(log_open_file(log, err));
    /* What the last checkpoint promised may have been due when its writer ended: the next line comes after a new one.
     */
    log->unsigned_lines = log->seq == 0 ? 0 : log->options.checkpoint_lines;
    log->synced = log->options.sync == AUDIT_SYNC_NONE ? log->seq : 0;
    return AIP_OK;
}

aip_status
audit_open_with(const audit_options *options, audit_log **out, aip_error *err)
{
    *out = NULL;
    audit_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    log->fd = -1;
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->synced_more, NULL);
    aip_status status = set_up(log, options, err);
    if (status != AIP_OK) {
        log->lost = true;
        audit_close(&log);
        return status;
    }
    *out = log;
    return AIP_OK;
}

/* A log that ends in a checkpoint has no line that nothing holds. */
static void
close_file(audit_log *log)
{
    if (!log->lost && !log->torn && log->signer.key != NULL && log->unsigned_lines > 0) {
        (void)!log_write_checkpoint(log, NULL);
    }
    if (!log->lost && log->options.sync != AUDIT_SYNC_NONE) {
        (void)!log_sync_now(log, NULL);
    }
    close(log->fd);
}

void
audit_close(audit_log **log)
{
    if (*log == NULL) {
        return;
    }
    if ((*log)->fd >= 0) {
        close_file(*log);
    }
    pthread_cond_destroy(&(*log)->synced_more);
    pthread_mutex_destroy(&(*log)->lock);
    free((*log)->path);
    free(*log);
    *log = NULL;
}
