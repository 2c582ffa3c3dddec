/* Is a decision log as it was written? Every line is held by the hash in the next one, and by its number. */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include "audit/checkpoint.h"

#define AUDIT_FINDINGS_MAX 64 /* that are told of; all are counted */

/* One thing that is wrong, and where. */
typedef struct {
    aip_status status;    /* audit.malformed, .changed, .missing, .added, .order, .cut, .checkpoint, .completion */
    size_t file;          /* index of its path */
    uint64_t line;        /* of that file, from 1 */
    uint64_t first, last; /* numbers of the lines concerned in the whole log; 0: not known */
    char detail[128];
} audit_finding;

typedef struct {
    const char *const *paths; /* files of one log in their order */
    size_t path_count;
    checkpoint_trust trust;
    bool part;                                /* the log may begin later than with its first line */
    uint64_t known_lines;                     /* the log had at least so many lines … ; 0: nothing is known */
    unsigned char known_head[AIP_HASH_BYTES]; /* … and this is the hash of the last of them */
    void (*progress)(void *context, uint64_t bytes);
    void *context;
} audit_check;

typedef struct {
    uint64_t lines, bytes, first; /* `first`: number of the first line */
    uint64_t checkpoints;
    uint64_t signed_lines;                      /* the last checkpoint speaks of the lines up to this number */
    uint64_t completions, completions_unjudged; /* the latter by keys that are in no name */
    uint64_t number;                            /* of the last line */
    unsigned char head[AIP_HASH_BYTES];
    uint64_t finding_count;
    audit_finding findings[AUDIT_FINDINGS_MAX];
} audit_summary;

/* Reads every line once. AIP_OK, or the status of the first finding; `out` tells all. Errors: io, memory. With keys to
 * judge by, a log without a checkpoint, or with a longer stretch between two than the first of them promised, is
 * audit.checkpoint. The end of a log can be cut off unseen from the last checkpoint on, unless `known_lines` tell. */
AIP_MUST_CHECK aip_status audit_verify(const audit_check *check, audit_summary *out, aip_error *err);

#endif
