/* UTF-8 inside a string, many sequences at a time (RFC 3629 section 4). */
#ifndef BASE_SCAN_UTF8_H
#define BASE_SCAN_UTF8_H

/* From the start of a sequence in a string to a place where something else than UTF-8 must be looked at: a quote, a
 * backslash, a control character, the end, or a stretch of ASCII. Where the bytes are not UTF-8, gives NULL and the
 * start of that sequence in *bad. */
const unsigned char *scan_utf8_run(const unsigned char *at, const unsigned char *end, const unsigned char **bad);

#endif
