/* Unicode as far as names and paths need it: NFKC, lower-case, categories. Only home of <utf8proc.h>, in unicode.c. */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include "base/text.h"
#include "base/utf8.h"

typedef enum { UNICODE_OTHER, UNICODE_LATIN, UNICODE_GREEK, UNICODE_CYRILLIC } unicode_script;

typedef enum {
    UNICODE_NFKC,      /* NFKC alone */
    UNICODE_NFKC_FOLD, /* NFKC_Casefold: case folded and ignorable code points dropped as well */
} unicode_form;

/* Reads the code point at the front of `text`, which is not empty; *length is its bytes. What is not UTF-8 is U+FFFD of
 * one byte. */
uint32_t unicode_read(aip_bytes text, size_t *length);

uint32_t unicode_lower(uint32_t scalar);    /* simple, of one code point */
bool unicode_is_space(uint32_t scalar);     /* White_Space */
bool unicode_is_shown(uint32_t scalar);     /* L, M, N, P, S or U+0020 */
bool unicode_is_invisible(uint32_t scalar); /* a format character or another that is not shown and no space */
unicode_script unicode_script_of_letter(uint32_t scalar); /* by block; OTHER for what is no letter */

/* The first code points of `text` in the form, in `out[capacity]`; *count of them. `text` is UTF-8. False when they do
 * not fit. Meant for short texts: the time may grow with the square of combining marks in a row. */
bool unicode_normalize(aip_bytes text, unicode_form form, int32_t *out, size_t capacity, size_t *count);

/* Appends `text` in the form, in linear time: a row of over 200 code points without an ASCII one is cut. Bytes that are
 * not UTF-8 stay as they are. */
void unicode_append(text_buffer *out, aip_bytes text, unicode_form form);

void unicode_append_scalar(text_buffer *out, uint32_t scalar);

#endif
