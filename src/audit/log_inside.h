/* What the writer's files share: the state of an open log. */
#ifndef AUDIT_LOG_INSIDE_H
#define AUDIT_LOG_INSIDE_H

#include <pthread.h>
#include <sys/types.h>

#include "audit/append.h"
#include "audit/checkpoint.h"

struct audit_log {
    audit_options options;
    char *path;
    checkpoint_signer signer;
    pthread_mutex_t lock;
    pthread_cond_t synced_more;
    int fd;
    off_t size;
    uint32_t files;                         /* number of the newest full file */
    uint64_t seq;                           /* number of the last line written */
    uint64_t synced;                        /* … and of the last that is on the disk */
    bool syncing;                           /* some thread is in fdatasync, without the lock */
    bool torn;                              /* half a line of ours is at the end and has to go first */
    bool lost;                              /* nothing can be trusted any more: refuse until reopened */
    uint64_t unsigned_lines;                /* since the last checkpoint */
    uint64_t signed_at, looked_at;          /* monotonic microseconds: last checkpoint, last look at the path */
    off_t rotate_at;                        /* put off after a failed rotation */
    unsigned char previous[AIP_HASH_BYTES]; /* hash of the last line */
    char why[160];                          /* why the last attempt failed; empty: it did not */
};

/* Notes why and refuses. */
AIP_MUST_CHECK aip_status log_fail(audit_log *log, aip_error *err, const char *what, int number);
/* Under the lock: numbers, links and writes a line that was begun. */
AIP_MUST_CHECK aip_status log_write_line(audit_log *log, text_buffer *line, aip_error *err);
AIP_MUST_CHECK aip_status log_write_checkpoint(audit_log *log, aip_error *err);
/* Under the lock, with no fdatasync under way. */
AIP_MUST_CHECK aip_status log_sync_now(audit_log *log, aip_error *err);

/* log_file.c */

/* Opens, locks and reads on; continues the newest full file where PATH is new. */
AIP_MUST_CHECK aip_status log_open_file(audit_log *log, aip_error *err);
/* Is the open file still the one at its path? */
AIP_MUST_CHECK aip_status log_check_place(audit_log *log, aip_error *err);
/* Under the lock, with no fdatasync under way: the file becomes `path.N` and a new one begins. A log that cannot be
 * rotated grows on; only one whose file was lost on the way fails. */
AIP_MUST_CHECK aip_status log_rotate(audit_log *log, aip_error *err);

#endif
