/* What reading and judging a log share: lines without their text, and how far the chain was followed. */
#ifndef AUDIT_VERIFY_INSIDE_H
#define AUDIT_VERIFY_INSIDE_H

#include "audit/verify.h"

#define GAPS_MAX 16

/* One line as it was read. */
typedef struct {
    bool there, readable, torn, has_seq;
    audit_line_kind event;
    size_t file;
    uint64_t number_in_file, seq;
    unsigned char hash[AIP_HASH_BYTES], prev[AIP_HASH_BYTES];
    aip_status statement; /* of a checkpoint or completion: its own verdict */
    bool judged;          /* a completion's signature was */
    checkpoint_facts facts;
    char detail[96]; /* why it is unreadable, or its statement bad */
} seen_line;

/* Numbers of lines that were missing when the lines after them came. */
typedef struct {
    uint64_t first, last;
    uint64_t finding; /* its index */
} seen_gap;

typedef struct {
    const audit_check *check;
    audit_summary *summary;
    seen_line before;                        /* the last line that was followed */
    unsigned char expected[AIP_HASH_BYTES];  /* what the next line's prev must be */
    unsigned char expected2[AIP_HASH_BYTES]; /* what that of `before` had to be */
    bool has_expected;                       /* false: after a break the next line's prev is believed */
    uint64_t seq;                            /* of the last line that was followed */
    bool has_promise;
    uint64_t every, since_checkpoint;
    seen_gap gaps[GAPS_MAX], early[GAPS_MAX]; /* `early`: lines that came before their turn */
    size_t gap_count, early_count;
    audit_finding beyond; /* counted, not told of */
} audit_judge;

void judge_begin(audit_judge *j, const audit_check *check, audit_summary *summary);
/* Judges a line; `next` is the one after it, or not there. */
void judge_line(audit_judge *j, const seen_line *line, const seen_line *next);
void judge_end(audit_judge *j);

#endif
