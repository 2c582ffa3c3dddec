/* Text that comes in pieces: what a later piece could complete is held back. */
#ifndef DLP_STREAM_H
#define DLP_STREAM_H

#include "base/text.h"
#include "dlp/scan.h"

typedef struct dlp_stream dlp_stream;

/* Borrows both. Errors: memory. */
AIP_MUST_CHECK aip_status dlp_stream_new(const dlp_scanner *scanner, dlp_workspace *workspace, dlp_stream **out,
                                         aip_error *err);
void dlp_stream_free(dlp_stream **stream); /* wipes what is held */

/* Takes a piece and appends to `out`, redacted, what no later piece can change; with `last` all that is left. Findings
 * are places in the stream and come in its order. At most AIP_DLP_STREAM_BYTES_MAX are held (D-13). Errors: as
 * dlp_scan; then the stream ends here. */
AIP_MUST_CHECK aip_status dlp_stream_add(dlp_stream *stream, aip_bytes piece, bool last, text_buffer *out,
                                         dlp_findings *findings, aip_error *err);

#endif
