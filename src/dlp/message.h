/* Every string, name and number of a JSON message. */
#ifndef DLP_MESSAGE_H
#define DLP_MESSAGE_H

#include "base/scan.h"
#include "base/text.h"
#include "dlp/scan.h"

/* Looks at the whole message. Findings are places in its bytes. `out` receives the message with markers; all bytes
 * outside of the strings and numbers concerned are those of the message.
 * Errors: dlp.failed (also when what was written would not be the same tree), pattern.limit, memory, internal; then
 * nothing of the message may go on. Clauses D-9 to D-12. */
AIP_MUST_CHECK aip_status dlp_scan_message(const dlp_scanner *scanner, dlp_workspace *workspace,
                                           const scan_document *message, dlp_findings *findings, text_buffer *out,
                                           aip_error *err);

#endif
