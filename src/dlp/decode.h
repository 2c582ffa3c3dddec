/* Encodings that wrap text: where they may be, and what they wrap. Leniently: a receiver may be lenient too. */
#ifndef DLP_DECODE_H
#define DLP_DECODE_H

#include "aip/error.h"

/* Bytes that may be base64, base64url, base32 or hexadecimal, lines joined. */
typedef struct {
    size_t start, end;
} dlp_run;

/* The next run at or after *at; *at moves behind it. */
bool dlp_next_run(aip_bytes text, size_t *at, dlp_run *run);

/* Does one that counts begin at `start`, and where does it end? */
bool dlp_is_run(aip_bytes text, size_t start, dlp_run *run);

/* Ways to read a run. base64 four times and hexadecimal twice, since what stands before may belong to the run. */
enum { DLP_HEX, DLP_HEX_1, DLP_BASE64, DLP_BASE64_1, DLP_BASE64_2, DLP_BASE64_3, DLP_BASE32, DLP_READINGS };

/* Decodes into out[run.size]. 0: it cannot be read so. */
size_t dlp_decode_run(aip_bytes run, int reading, unsigned char *out);

/* Is it certain, before it is decoded, that a run of base64 of fewer than `least` bytes is no text, UTF-16 of it or
 * compressed? */
bool dlp_is_hopeless(aip_bytes run, int reading, size_t least);

/* Views of a text without what hides in it. */
enum { DLP_ESCAPES, DLP_PERCENT, DLP_INVISIBLE, DLP_WIDE, DLP_VIEWS };

/* May the text have such things? Cheap. */
bool dlp_may_hide(aip_bytes text, int view);

/* Writes the view into out[text.size] and, when `map` is not NULL, for each of its bytes and for its end where it began
 * in the text, map[text.size + 1]. Returns its size; as the text's when nothing was hidden. */
size_t dlp_unwrap(aip_bytes text, int view, unsigned char *out, uint32_t *map);

/* Is it gzip or zlib? */
bool dlp_is_compressed(aip_bytes bytes);
/* Inflates into a buffer of its own of at most `most` bytes; *whole tells whether that was all. Damaged: what was read
 * before. Errors: memory. */
AIP_MUST_CHECK aip_status dlp_inflate(aip_bytes bytes, size_t most, unsigned char **out, size_t *size, bool *whole,
                                      aip_error *err);

/* At least four fifths printable or white space. */
bool dlp_is_readable(aip_bytes bytes);

#endif
