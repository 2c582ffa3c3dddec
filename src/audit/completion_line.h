/* The line of a completion statement: what was signed, repeated in the open around it. */
#ifndef AUDIT_COMPLETION_LINE_H
#define AUDIT_COMPLETION_LINE_H

#include "audit/line.h"
#include "proof/completion.h"

/* Judges the statement and begins its line, up to its `seq`. Errors: those of completion_read and completion_verify. */
AIP_MUST_CHECK aip_status completion_line_append(text_buffer *line, aip_bytes statement, const completion_check *check,
                                                 aip_error *err);

/* Reads a line of event `completion`: what it says in the open is what was signed, by the leaf where its name carries
 * the key; *judged tells whether it does. Errors: audit.completion, memory. */
AIP_MUST_CHECK aip_status completion_line_read(aip_bytes text, const audit_line *line, bool *judged, aip_error *err);

#endif
