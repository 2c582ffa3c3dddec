/* The decision log's files: opening, going on where the last line ended, rotation by size. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/line.h"
#include "audit/log_inside.h"
#include "audit/reader.h"
#include "audit/series.h"
#include "crypto/hash.h"

#define OPEN_FLAGS (O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW)

/* The lines of a log whose lines bear no numbers. */
static aip_status
count_lines(const char *path, uint64_t *count, aip_error *err)
{
    READER_AUTO audit_reader reader = {0};
    reader_piece piece = READER_LINE;
    aip_bytes line;
    AIP_TRY(audit_reader_open(path, &reader, err));
    for (*count = 0; piece != READER_ENDED && piece != READER_TORN;) {
        AIP_TRY(audit_reader_next(&reader, &piece, &line, err));
        *count += piece == READER_LINE || piece == READER_LONG;
    }
    return AIP_OK;
}

/* Goes on after `line`, the last of the file at `path`. */
static aip_status
follow(audit_log *log, const char *path, aip_bytes line, aip_error *err)
{
    scan_node *nodes = malloc(AUDIT_LINE_NODES_MAX * sizeof *nodes);
    audit_line last = {0};
    if (nodes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    hash_sha256(line, log->previous);
    bool numbered = audit_line_read(line, nodes, &last, NULL) == AIP_OK && last.has_seq;
    free(nodes);
    log->seq = last.seq;
    return numbered ? AIP_OK : count_lines(path, &log->seq, err);
}

/* Reads the tail of the file, of `size` bytes, and follows its last line. */
static aip_status
follow_tail(audit_log *log, int fd, off_t size, const char *path, aip_error *err)
{
    char *tail STRING_AUTO = malloc(AUDIT_LINE_BYTES_MAX);
    if (tail == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    off_t start = size > AUDIT_LINE_BYTES_MAX ? size - AUDIT_LINE_BYTES_MAX : 0;
    ssize_t got = pread(fd, tail, (size_t)(size - start), start);
    if (got <= 0 || got != size - start || tail[got - 1] != '\n') {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE,
                        "the last line of the audit log is torn: move the file away or mend it");
    }
    const char *before = memrchr(tail, '\n', (size_t)got - 1);
    if (before == NULL && start > 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the last line of the audit log is too long to be one of ours");
    }
    const char *line = before == NULL ? tail : before + 1;
    return follow(log, path, (aip_bytes){(const unsigned char *)line, (size_t)(tail + got - 1 - line)}, err);
}

static aip_status
check_regular(int fd, off_t *size, aip_error *err)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the audit log is not a regular file");
    }
    *size = facts.st_size;
    return AIP_OK;
}

/* Where PATH is new and full files stand beside it, the chain goes on from the newest. */
static aip_status
follow_full_file(audit_log *log, aip_error *err)
{
    off_t size;
    char *name STRING_AUTO = audit_series_name(log->path, log->files);
    if (name == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the newest full file of the audit log: %s", strerror(errno));
    }
    aip_status status = check_regular(fd, &size, err);
    if (status == AIP_OK) {
        status = follow_tail(log, fd, size, name, err);
    }
    close(fd);
    return status;
}

static aip_status
begin_file(audit_log *log, aip_error *err)
{
    TEXT_AUTO text_buffer line = {0};
    audit_line_rotation(&line, log->files, log->seq);
    return log_write_line(log, &line, err);
}

static aip_status
lock_file(audit_log *log, aip_error *err)
{
    if (flock(log->fd, LOCK_EX | LOCK_NB) != 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the audit log is in use by another process");
    }
    return AIP_OK;
}

/* A new file is there after a crash only when its folder says so. */
static aip_status
sync_folder(const audit_log *log)
{
    if (log->options.sync == AUDIT_SYNC_NONE) {
        return AIP_OK;
    }
    int folder = audit_series_open_folder(log->path);
    bool done = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0) {
        close(folder);
    }
    return done ? AIP_OK : AIP_AUDIT_UNAVAILABLE;
}

aip_status
log_open_file(audit_log *log, aip_error *err)
{
    SERIES_AUTO audit_series series = {0};
    log->fd = open(log->path, OPEN_FLAGS, 0600);
    if (log->fd < 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "%s cannot be opened: %s", log->path, strerror(errno));
    }
    AIP_TRY(lock_file(log, err));
    AIP_TRY(check_regular(log->fd, &log->size, err));
    AIP_TRY(audit_series_list(log->path, &series, err));
    log->files = series.highest;
    if (log->size > 0) {
        return follow_tail(log, log->fd, log->size, log->path, err);
    }
    if (sync_folder(log) != AIP_OK) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, "the audit log's folder cannot be synced: %s", strerror(errno));
    }
    if (log->files > 0) {
        AIP_TRY(follow_full_file(log, err));
        return begin_file(log, err);
    }
    return AIP_OK;
}

aip_status
log_check_place(audit_log *log, aip_error *err)
{
    struct stat open_one, named_one;
    if (fstat(log->fd, &open_one) == 0 && stat(log->path, &named_one) == 0 && open_one.st_dev == named_one.st_dev &&
        open_one.st_ino == named_one.st_ino) {
        return AIP_OK;
    }
    return log_fail(log, err, "the audit log was moved or removed", 0);
}

/* The new file at PATH, locked, in place of the full one. */
static aip_status
take_new_file(audit_log *log, aip_error *err)
{
    int fd = open(log->path, OPEN_FLAGS | O_EXCL, 0600);
    if (fd < 0) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, NULL);
    }
    int full = log->fd;
    log->fd = fd;
    if (lock_file(log, err) != AIP_OK || sync_folder(log) != AIP_OK) {
        log->fd = full;
        close(fd);
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, NULL);
    }
    close(full);
    log->size = 0;
    log->files++;
    return AIP_OK;
}

/* After a failed rotation: the old file goes on under its name, or the log is lost. */
static aip_status
keep_old_file(audit_log *log, const char *name, aip_error *err)
{
    if (renameat2(AT_FDCWD, name, AT_FDCWD, log->path, RENAME_NOREPLACE) == 0) {
        return AIP_OK;
    }
    log->lost = true;
    return log_fail(log, err, "the audit log was lost while it was rotated", errno);
}

aip_status
log_rotate(audit_log *log, aip_error *err)
{
    char *name STRING_AUTO = audit_series_name(log->path, log->files + 1);
    log->rotate_at = log->size + (off_t)(log->options.rotate_bytes / 8 + 1);
    if (name == NULL) {
        return AIP_OK;
    }
    if (log->signer.key != NULL) {
        AIP_TRY(log_write_checkpoint(log, err)); /* so that a full file proves itself */
    }
    if (log->options.sync != AUDIT_SYNC_NONE) {
        AIP_TRY(log_sync_now(log, err));
    }
    if (renameat2(AT_FDCWD, log->path, AT_FDCWD, name, RENAME_NOREPLACE) != 0) {
        return AIP_OK;
    }
    if (take_new_file(log, NULL) != AIP_OK) {
        return keep_old_file(log, name, err);
    }
    log->rotate_at = (off_t)log->options.rotate_bytes;
    return begin_file(log, err);
}
