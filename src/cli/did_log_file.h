/* Key logs as files: one writer at a time, and at every moment either the old log or the new one is there. */
#ifndef CLI_DID_LOG_FILE_H
#define CLI_DID_LOG_FILE_H

#include <sys/stat.h>

#include "did/log.h"

typedef struct {
    const char *path; /* borrowed */
    int file;         /* locked; -1: closed */
    struct stat facts;
    text_buffer text; /* what it held when it was opened; grown by the caller */
} log_file;

/* Opens an existing log, waits for its lock and reads it. Errors: io, json.size, memory. */
AIP_MUST_CHECK aip_status log_file_open(const char *path, log_file *out, aip_error *err);
void log_file_close(log_file *log);
#define LOG_FILE_AUTO __attribute__((cleanup(log_file_close)))

/* Puts `log->text` in its place: a new file beside it, flushed, renamed over it, the folder flushed. A file that
 * changed since it was opened is left alone. *in_place tells, also on failure, whether the new text may be there.
 * Errors: io, memory. */
AIP_MUST_CHECK aip_status log_file_replace(const log_file *log, bool *in_place, aip_error *err);

/* The same for a log that must not be there yet. Errors: usage (it is), io, memory. */
AIP_MUST_CHECK aip_status log_file_create(const char *path, const text_buffer *text, bool *in_place, aip_error *err);

#endif
