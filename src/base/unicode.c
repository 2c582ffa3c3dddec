/* Unicode as far as names and paths need it, from utf8proc. */
#include "base/unicode.h"

#include <utf8proc.h>

#define PIECE_SCALARS 200
#define GROWTH 18 /* of one code point under NFKC, the longest is U+FDFA */

uint32_t
unicode_read(aip_bytes text, size_t *length)
{
    utf8proc_int32_t scalar = 0xFFFD;
    *length = utf8_sequence(text.data, text.size);
    if (*length == 0) {
        *length = 1;
        return 0xFFFD;
    }
    utf8proc_iterate(text.data, (utf8proc_ssize_t)*length, &scalar);
    return (uint32_t)scalar;
}

uint32_t
unicode_lower(uint32_t scalar)
{
    if (scalar < 0x80) {
        return scalar >= 'A' && scalar <= 'Z' ? scalar + ('a' - 'A') : scalar;
    }
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)scalar);
}

bool
unicode_is_space(uint32_t scalar)
{
    if (scalar < 0x80) {
        return scalar == ' ' || (scalar >= '\t' && scalar <= '\r');
    }
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)scalar);
    return scalar == 0x85 || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

bool
unicode_is_shown(uint32_t scalar)
{
    if (scalar < 0x80) {
        return scalar >= ' ' && scalar != 0x7F;
    }
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)scalar);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_SO;
}

bool
unicode_is_invisible(uint32_t scalar)
{
    return !unicode_is_shown(scalar) && !unicode_is_space(scalar);
}

unicode_script
unicode_script_of_letter(uint32_t scalar)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)scalar);
    if (category < UTF8PROC_CATEGORY_LU || category > UTF8PROC_CATEGORY_LO) {
        return UNICODE_OTHER;
    }
    if (scalar < 0x2B0 || (scalar >= 0x1E00 && scalar < 0x1F00) || (scalar >= 0x2C60 && scalar < 0x2C80) ||
        (scalar >= 0xA720 && scalar < 0xA800) || (scalar >= 0xAB30 && scalar < 0xAB70)) {
        return UNICODE_LATIN;
    }
    if ((scalar >= 0x370 && scalar < 0x400) || (scalar >= 0x1F00 && scalar < 0x2000)) {
        return UNICODE_GREEK;
    }
    if ((scalar >= 0x400 && scalar < 0x530) || (scalar >= 0x1C80 && scalar < 0x1C90) ||
        (scalar >= 0x2DE0 && scalar < 0x2E00) || (scalar >= 0xA640 && scalar < 0xA6A0)) {
        return UNICODE_CYRILLIC;
    }
    return UNICODE_OTHER;
}

bool
unicode_normalize(aip_bytes text, unicode_form form, int32_t *out, size_t capacity, size_t *count)
{
    unsigned options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                       (form == UNICODE_NFKC_FOLD ? UTF8PROC_CASEFOLD | UTF8PROC_IGNORE : 0);
    utf8proc_ssize_t size = utf8proc_decompose(text.data, (utf8proc_ssize_t)text.size, out, (utf8proc_ssize_t)capacity,
                                               (utf8proc_option_t)options);
    if (size < 0 || (size_t)size > capacity) {
        return false;
    }
    size = utf8proc_normalize_utf32(out, size, (utf8proc_option_t)options);
    *count = size < 0 ? 0 : (size_t)size;
    return size >= 0;
}

void
unicode_append_scalar(text_buffer *out, uint32_t scalar)
{
    unsigned char bytes[4];
    text_append(out, (aip_bytes){bytes, utf8_encode(scalar, bytes)});
}

static void
append_piece(text_buffer *out, aip_bytes piece, unicode_form form)
{
    int32_t scalars[PIECE_SCALARS * GROWTH];
    size_t count = 0;
    if (!unicode_normalize(piece, form, scalars, sizeof scalars / sizeof scalars[0], &count)) {
        text_append(out, piece);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        unicode_append_scalar(out, (uint32_t)scalars[i]);
    }
}

/* Where the piece at the front ends. ASCII joins with nothing before it, so a piece ends before an ASCII byte. */
static size_t
piece_size(aip_bytes text)
{
    size_t at = 0, ascii = 0;
    for (size_t scalars = 0; scalars < PIECE_SCALARS && at < text.size; scalars++) {
        size_t length = utf8_sequence(text.data + at, text.size - at);
        if (length == 0) {
            return at;
        }
        ascii = length == 1 ? at : ascii;
        at += length;
    }
    return at == text.size || ascii == 0 ? at : ascii;
}

void
unicode_append(text_buffer *out, aip_bytes text, unicode_form form)
{
    size_t at = 0;
    while (at < text.size) {
        aip_bytes rest = aip_bytes_from(text, at);
        size_t size = piece_size(rest);
        if (size == 0) {
            text_append(out, (aip_bytes){rest.data, 1});
            at++;
            continue;
        }
        append_piece(out, (aip_bytes){rest.data, size}, form);
        at += size;
    }
}
