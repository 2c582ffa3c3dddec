/* Findings to redacted text. */
#ifndef DLP_REDACT_H
#define DLP_REDACT_H

#include "base/text.h"
#include "dlp/findings.h"

/* `[REDACTED:name]`, or `[REDACTED:name:encoded]` for what was found inside an encoding (D-8). */
void dlp_write_marker(text_buffer *out, const dlp_finding *finding);

/* Appends `text` with a marker in place of each finding that is not only warned of. `findings` are settled. */
void dlp_redact(aip_bytes text, const dlp_findings *findings, text_buffer *out);

#endif
