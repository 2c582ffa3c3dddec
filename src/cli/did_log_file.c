/* Writes key logs so that neither a crash nor a second writer leaves half of one. */
#include "cli/did_log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "aip/limits.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

#define LOG_MODE 0644 /* a log is public: it proves itself */
#define OPEN_TRIES 16 /* each lost to a writer that was quicker */
#define SUFFIX_BYTES 8

static aip_status
fail_io(aip_error *err, const char *what)
{
    return aip_fail(err, AIP_IO, "the key log, %s: %s", what, strerror(errno));
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Is the locked file still the one at its path, as it was? */
static bool
is_in_place(const log_file *log)
{
    struct stat there;
    return lstat(log->path, &there) == 0 && is_same_file(&there, &log->facts);
}

static aip_status
lock(log_file *log, aip_error *err)
{
    while (flock(log->file, LOCK_EX) != 0) {
        if (errno != EINTR) {
            return fail_io(err, "lock");
        }
    }
    if (fstat(log->file, &log->facts) != 0) {
        return fail_io(err, "stat");
    }
    return S_ISREG(log->facts.st_mode) ? AIP_OK : aip_fail(err, AIP_IO, "the key log is not a regular file");
}

static aip_status
read_text(log_file *log, aip_error *err)
{
    char chunk[4096];
    for (;;) {
        ssize_t got = read(log->file, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_io(err, "read");
        }
        if (got == 0) {
            return text_finish(&log->text, err);
        }
        text_append(&log->text, (aip_bytes){(unsigned char *)chunk, (size_t)got});
        if (log->text.size > AIP_DOCUMENT_BYTES_MAX) {
            return aip_fail(err, AIP_JSON_SIZE, NULL);
        }
    }
}

static aip_status
open_locked(log_file *log, aip_error *err)
{
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        log->file = open(log->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (log->file < 0) {
            return errno == ELOOP ? aip_fail(err, AIP_IO, "the key log is a symbolic link") : fail_io(err, "open");
        }
        AIP_TRY(lock(log, err));
        if (is_in_place(log)) {
            return read_text(log, err);
        }
        close(log->file);
        log->file = -1;
    }
    return aip_fail(err, AIP_IO, "the key log keeps changing");
}

aip_status
log_file_open(const char *path, log_file *out, aip_error *err)
{
    *out = (log_file){.path = path, .file = -1};
    aip_status status = open_locked(out, err);
    if (status != AIP_OK) {
        log_file_close(out);
    }
    return status;
}

void
log_file_close(log_file *log)
{
    text_clear(&log->text);
    if (log->path != NULL && log->file >= 0) {
        close(log->file);
    }
    log->path = NULL;
}

static aip_status
write_all(int file, aip_bytes text, aip_error *err)
{
    while (text.size > 0) {
        ssize_t written = write(file, text.data, text.size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fail_io(err, "write");
        }
        text = aip_bytes_from(text, (size_t)written);
    }
    return fsync(file) == 0 ? AIP_OK : fail_io(err, "fsync");
}

/* A new file `beside` with the text, safe on disk; `mode` 0: what the umask leaves of LOG_MODE. */
static aip_status
write_beside(const char *beside, aip_bytes text, mode_t mode, aip_error *err)
{
    int file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, LOG_MODE);
    if (file < 0) {
        return fail_io(err, "create");
    }
    aip_status status = mode == 0 || fchmod(file, mode) == 0 ? AIP_OK : fail_io(err, "chmod");
    if (status == AIP_OK) {
        status = write_all(file, text, err);
    }
    if (close(file) != 0 && status == AIP_OK) {
        status = fail_io(err, "close");
    }
    if (status != AIP_OK) {
        unlink(beside); /* ours: O_EXCL made it */
    }
    return status;
}

/* `path` with a random ending, in the same folder; malloc'd. */
static char *
name_beside(const char *path)
{
    unsigned char random[SUFFIX_BYTES];
    char hex[2 * SUFFIX_BYTES + 1], *name;
    hash_random(random, sizeof random);
    hex_encode((aip_bytes){random, sizeof random}, hex);
    return asprintf(&name, "%s.new-%s", path, hex) < 0 ? NULL : name;
}

static aip_status
sync_folder_of(const char *path, aip_error *err)
{
    const char *slash = strrchr(path, '/');
    STRING_AUTO char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        return fail_io(err, "open its folder");
    }
    aip_status status = fsync(file) == 0 ? AIP_OK : fail_io(err, "fsync of its folder");
    close(file);
    return status;
}

aip_status
log_file_replace(const log_file *log, bool *in_place, aip_error *err)
{
    STRING_AUTO char *beside = name_beside(log->path);
    *in_place = false;
    if (beside == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(write_beside(beside, text_view(&log->text), log->facts.st_mode & 0777, err));
    aip_status status = AIP_OK;
    if (!is_in_place(log)) { /* a writer that takes no lock */
        status = aip_fail(err, AIP_IO, "the key log changed meanwhile; nothing was written");
    } else if (rename(beside, log->path) != 0) {
        status = fail_io(err, "rename");
    }
    if (status != AIP_OK) {
        unlink(beside);
        return status;
    }
    *in_place = true;
    return sync_folder_of(log->path, err);
}

aip_status
log_file_create(const char *path, const text_buffer *text, bool *in_place, aip_error *err)
{
    STRING_AUTO char *beside = name_beside(path);
    *in_place = false;
    if (beside == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(write_beside(beside, text_view(text), 0, err));
    *in_place = link(beside, path) == 0; /* unlike rename, it never takes another file's place */
    int why = errno;
    unlink(beside);
    if (!*in_place) {
        errno = why;
        return why == EEXIST ? aip_fail(err, AIP_USAGE, "the log file exists already") : fail_io(err, "create");
    }
    return sync_folder_of(path, err);
}
