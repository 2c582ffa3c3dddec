/* What a text may turn into on its way to a file system: escapes undone, look-alikes folded. */
#include <stdlib.h>

#include "base/hex.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "policy/path_inside.h"

#define REFERENCE_BYTES_MAX 10 /* `&#x0002f;`, with a few zeros */

/* The value of `count` digits, or -1. */
static long
hex_number(const unsigned char *at, size_t count)
{
    long value = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static void
append_decoded(text_buffer *out, long value, bool byte)
{
    if (byte || value < 0x80) {
        text_append(out, (aip_bytes){&(unsigned char){(unsigned char)value}, 1});
    } else if (value < 0xD800 || value > 0xDFFF) {
        unicode_append_scalar(out, (uint32_t)value);
    }
}

void
path_decode_once(aip_bytes text, text_buffer *out)
{
    size_t at = 0;
    while (at < text.size) {
        aip_bytes rest = aip_bytes_from(text, at);
        long wide =
            rest.size >= 6 && rest.data[0] == '%' && (rest.data[1] | 0x20) == 'u' ? hex_number(rest.data + 2, 4) : -1;
        long narrow = rest.size >= 3 && rest.data[0] == '%' ? hex_number(rest.data + 1, 2) : -1;
        if (wide >= 0 || narrow >= 0) {
            append_decoded(out, wide >= 0 ? wide : narrow, wide < 0);
            at += wide >= 0 ? 6 : 3;
            continue;
        }
        const unsigned char *next = memchr(rest.data + 1, '%', rest.size - 1);
        size_t plain = next == NULL ? rest.size : (size_t)(next - rest.data);
        text_append(out, (aip_bytes){rest.data, plain});
        at += plain;
    }
}

/* The character that `&name;` stands for, or -1; `name` is without the marks. */
static long
reference_value(const char *name, size_t size)
{
    static const struct {
        const char *name;
        char character;
    } names[] = {{"sol", '/'}, {"bsol", '\\'},  {"period", '.'}, {"amp", '&'},   {"percnt", '%'},
                 {"num", '#'}, {"lowbar", '_'}, {"dollar", '$'}, {"colon", ':'}, {"nbsp", ' '}};
    if (size > 1 && name[0] == '#') {
        bool hex = (name[1] | 0x20) == 'x';
        char digits[REFERENCE_BYTES_MAX + 1] = "", *end = digits;
        memcpy(digits, name + 1 + hex, size - 1 - hex);
        long value = hex_value((unsigned char)digits[0]) < 0 ? -1 : strtol(digits, &end, hex ? 16 : 10);
        return *end == '\0' && value <= 0x10FFFF ? value : -1;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == size && memcmp(names[i].name, name, size) == 0) {
            return names[i].character;
        }
    }
    return -1;
}

/* `&…;` at the end of `out`. */
static bool
reduce_reference(text_buffer *out)
{
    size_t limit = out->size < REFERENCE_BYTES_MAX + 1 ? out->size : REFERENCE_BYTES_MAX + 1;
    for (size_t back = 2; back <= limit; back++) {
        const char *at = out->data + out->size - back;
        long value = *at == '&' ? reference_value(at + 1, back - 2) : -1;
        if (*at == '&' && value < 0) {
            return false;
        }
        if (value >= 0) {
            out->size -= back;
            append_decoded(out, value, false);
            return true;
        }
    }
    return false;
}

/* A percent escape at the end of `out`. */
static bool
reduce_percent(text_buffer *out)
{
    const unsigned char *end = (const unsigned char *)out->data + out->size;
    if (out->size >= 3 && end[-3] == '%' && hex_number(end - 2, 2) >= 0) {
        long value = hex_number(end - 2, 2);
        out->size -= 3;
        append_decoded(out, value, true);
        return true;
    }
    if (out->size >= 6 && end[-6] == '%' && (end[-5] | 0x20) == 'u' && hex_number(end - 4, 4) >= 0) {
        long value = hex_number(end - 4, 4);
        out->size -= 6;
        append_decoded(out, value, false);
        return true;
    }
    return false;
}

/* An ASCII character at the end of `out` written in more bytes than it needs, two to six. */
static bool
reduce_overlong(text_buffer *out)
{
    static const unsigned char leads[] = {0, 0, 0, 0xE0, 0xF0, 0xF8, 0xFC};
    const unsigned char *end = (const unsigned char *)out->data + out->size;
    unsigned char last = end[-1];
    if (out->size >= 2 && (end[-2] & 0xFE) == 0xC0 && (utf8_continues(last) || strchr("./\\", last) != NULL)) {
        long value = utf8_continues(last) ? ((end[-2] & 1) << 6 | (last & 0x3F)) : last;
        out->size -= 2;
        append_decoded(out, value, true);
        return true;
    }
    for (size_t length = 3; length < sizeof leads && utf8_continues(last) && out->size >= length; length++) {
        bool padded = end[-(long)length] == leads[length] && (end[-2] & 0xFE) == 0x80;
        for (size_t i = 3; i < length; i++) {
            padded = padded && end[-(long)i] == 0x80;
        }
        if (padded) {
            long value = (end[-2] & 1) << 6 | (last & 0x3F);
            out->size -= length;
            append_decoded(out, value, true);
            return true;
        }
    }
    return false;
}

static bool
reduce(text_buffer *out)
{
    if (out->failed || out->size < 2) {
        return false;
    }
    char last = out->data[out->size - 1];
    if (last == ';') {
        return reduce_reference(out);
    }
    return (hex_value((unsigned char)last) >= 0 && reduce_percent(out)) || reduce_overlong(out);
}

/* Without an escape, and in no more bytes than it needs? */
static bool
is_decoded(aip_bytes text)
{
    if (text.size == 0 || memchr(text.data, '%', text.size) != NULL || memchr(text.data, '&', text.size) != NULL) {
        return false;
    }
    for (size_t at = 0, length; at < text.size; at += length) {
        length = utf8_ascii_prefix(text.data + at, text.size - at);
        length = length > 0 ? length : utf8_sequence(text.data + at, text.size - at);
        if (length == 0) {
            return false;
        }
    }
    return true;
}

void
path_decode_all(aip_bytes text, text_buffer *out)
{
    if (is_decoded(text)) {
        text_append(out, text);
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        text_append(out, (aip_bytes){text.data + i, 1});
        while (reduce(out)) { /* what was decoded may complete an escape before it */
        }
    }
}

static uint32_t
look_alike(uint32_t scalar)
{
    switch (scalar) {
    case 0x2044: /* fraction slash */
    case 0x2215: /* division slash */
    case 0x2571: /* box drawings diagonal */
    case 0x29F8: /* big solidus */
    case 0x338:  /* combining long solidus overlay */
        return '/';
    case 0x2216: /* set minus */
    case 0x29F5: /* reverse solidus operator */
    case 0x29F9: /* big reverse solidus */
        return '\\';
    case 0x3002: /* ideographic full stop */
        return '.';
    default:
        return scalar;
    }
}

void
path_fold(aip_bytes text, text_buffer *out)
{
    TEXT_AUTO text_buffer folded = {0};
    unicode_append(&folded, text, UNICODE_NFKC_FOLD);
    out->failed = out->failed || folded.failed;
    for (size_t at = 0, length; at < folded.size; at += length) {
        aip_bytes rest = aip_bytes_from(text_view(&folded), at);
        uint32_t scalar = unicode_read(rest, &length);
        if (scalar < 0x80 || scalar == 0xFFFD) {
            text_append(out, (aip_bytes){rest.data, length});
        } else if (!unicode_is_invisible(scalar)) {
            unicode_append_scalar(out, look_alike(scalar));
        }
    }
}

static void
lower_ascii(aip_bytes text, text_buffer *out)
{
    char room[256];
    for (size_t at = 0; at < text.size;) {
        size_t size = text.size - at < sizeof room ? text.size - at : sizeof room;
        for (size_t i = 0; i < size; i++) {
            unsigned char byte = text.data[at + i];
            room[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
        }
        text_append(out, (aip_bytes){(unsigned char *)room, size});
        at += size;
    }
}

void
path_lower(aip_bytes text, text_buffer *out)
{
    for (size_t at = 0, length; at < text.size; at += length) {
        aip_bytes rest = aip_bytes_from(text, at);
        length = utf8_ascii_prefix(rest.data, rest.size);
        if (length > 0) {
            lower_ascii((aip_bytes){rest.data, length}, out);
            continue;
        }
        uint32_t scalar = unicode_read(rest, &length);
        if (scalar == 0xFFFD) {
            text_append(out, (aip_bytes){rest.data, length});
        } else {
            unicode_append_scalar(out, unicode_lower(scalar));
        }
    }
}
