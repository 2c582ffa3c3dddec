/* One line of the decision log: written, ended with its number and link, and read back. */
#ifndef AUDIT_LINE_H
#define AUDIT_LINE_H

#include "audit/append.h"
#include "base/scan.h"
#include "base/text.h"

#define AUDIT_LINE_BYTES_MAX 65536 /* of one line; ours stay far below */
#define AUDIT_LINE_NODES_MAX 1024

typedef enum { AUDIT_DECISION, AUDIT_OUTCOME, AUDIT_CHECKPOINT_EVENT, AUDIT_ROTATION, AUDIT_OTHER } audit_event;

/* Each begins a line, up to its `seq`. */
void audit_line_decision(text_buffer *line, const audit_record *record);
void audit_line_outcome(text_buffer *line, const char *decision_id, aip_status outcome);
/* The first of a new file, after `lines` lines of which the last stand in the file that became `number`. */
void audit_line_rotation(text_buffer *line, uint32_t number, uint64_t lines);

void audit_line_digest(text_buffer *line, const char *name, const unsigned char digest[AIP_HASH_BYTES]);
/* Appends `seq`, `prev` and the end, with a newline. */
void audit_line_finish(text_buffer *line, uint64_t seq, const unsigned char prev[AIP_HASH_BYTES]);

/* A line that was read; views into its text. */
typedef struct {
    scan_document document;
    audit_event event;
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
