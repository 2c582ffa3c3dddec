/* Splits a stream of bytes at LF into lines of bounded length, without changing a byte. */
#ifndef NET_LINES_H
#define NET_LINES_H

#include "base/text.h"

/* Zero-initialise and set bytes_max. */
typedef struct {
    size_t bytes_max; /* of one line, without its LF */
    text_buffer pending;
    size_t start, scanned; /* of the line that is being read; where its LF was looked for */
    bool skipping;         /* the rest of a line that was too long */
} line_splitter;

typedef enum {
    LINES_MORE, /* more bytes are needed */
    LINES_LINE, /* a whole line, without its LF, never empty */
    LINES_LONG, /* the first bytes_max bytes of a line that is longer: told once, and the rest is skipped to its LF */
} lines_found;

/* Adds received bytes; lines_next is called until LINES_MORE before the next bytes. Errors: memory. */
AIP_MUST_CHECK aip_status lines_add(line_splitter *splitter, aip_bytes bytes, aip_error *err);
/* `line` is borrowed until the next call on the splitter. A line that is empty or a lone CR is left out. */
lines_found lines_next(line_splitter *splitter, aip_bytes *line);
/* At the end of the stream: how many bytes stand after the last LF (0: none, or of a line told as too long).
 * Forgets all and frees. */
size_t lines_end(line_splitter *splitter);

#endif
