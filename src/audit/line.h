/* One line of the decision log: written, ended with its number and link, and read back. */
#ifndef AUDIT_LINE_H
#define AUDIT_LINE_H

#include "audit/append.h"
#include "base/scan.h"
#include "base/text.h"

#define AUDIT_LINE_BYTES_MAX 65536 /* of one line; ours stay far below */
#define AUDIT_LINE_NODES_MAX 1024
#define AUDIT_LINE_END_BYTES 90 /* at most, of number and link */

typedef enum {
    AUDIT_DECISION,
    AUDIT_OUTCOME,
    AUDIT_CHECKPOINT_EVENT,
    AUDIT_ROTATION,
    AUDIT_COMPLETION,
    AUDIT_ALERT,
    AUDIT_APPROVAL,
    AUDIT_PIN,
    AUDIT_RELOAD,
    AUDIT_HOLD_FREED,
    AUDIT_OTHER,
} audit_line_kind;

/* Each begins a line, up to its `seq`. What would make it longer than a line may be is left out: arguments and contexts
 * first, then hops and findings. */
void audit_line_decision(text_buffer *line, const audit_record *record);
void audit_line_outcome(text_buffer *line, const audit_outcome *outcome);
/* internal, if there is no such event. */
AIP_MUST_CHECK aip_status audit_line_event(text_buffer *line, const audit_event *event, aip_error *err);
/* The first of a new file, after `lines` lines of which the last stand in the file that became `number`. */
void audit_line_rotation(text_buffer *line, uint32_t number, uint64_t lines);

/* Appends `seq`, `prev` and the end, with a newline. */
void audit_line_finish(text_buffer *line, uint64_t seq, const unsigned char prev[AIP_HASH_BYTES]);

audit_line_kind audit_line_kind_of(aip_bytes event);

/* A line that was read; views into its text. */
typedef struct {
    scan_document document;
    audit_line_kind event;
    bool has_seq; /* logs of the first version have none */
    uint64_t seq;
    unsigned char prev[AIP_HASH_BYTES];
} audit_line;

/* Reads a line without its newline, into nodes of the caller. Errors: audit.malformed. */
AIP_MUST_CHECK aip_status audit_line_read(aip_bytes text, scan_node nodes[AUDIT_LINE_NODES_MAX], audit_line *out,
                                          aip_error *err);

/* The member's text where it is a plain string, else empty. */
aip_bytes audit_line_text(const audit_line *line, const char *name);

#endif
