/* A text as its reader sees it: escapes resolved, percent-encoding undone, invisible characters and NULs left out. */
#include "base/hex.h"
#include "base/utf8.h"
#include "dlp/decode.h"
#include "dlp/survey.h"

/* `count` hexadecimal digits as a number; -1 when they are not there. */
static long
read_hex(aip_bytes text, size_t at, size_t count)
{
    long value = 0;
    if (text.size - at < count) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        int next = hex_value(text.data[at + i]);
        if (next < 0) {
            return -1;
        }
        value = value * 16 + next;
    }
    return value;
}

/* A step reads at `at` and writes at most as many bytes as it reads; returns how many it read, and 0 when there is
 * nothing to undo. */
typedef size_t step(aip_bytes text, size_t at, unsigned char out[4], size_t *size);

static size_t
step_code(aip_bytes text, size_t at, unsigned char out[4], size_t *size)
{
    long unit = read_hex(text, at + 2, 4);
    size_t used = 6;
    if (unit < 0) {
        return 0;
    }
    if (unit >= 0xD800 && unit < 0xDC00 && text.size - at >= 12 && text.data[at + 6] == '\\' &&
        text.data[at + 7] == 'u') {
        long low = read_hex(text, at + 8, 4);
        if (low >= 0xDC00 && low < 0xE000) {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            used = 12;
        }
    }
    *size = utf8_encode((uint32_t)unit, out);
    return used;
}

static size_t
step_escape(aip_bytes text, size_t at, unsigned char out[4], size_t *size)
{
    static const char letters[] = "nrtbf\"\\/'", meanings[] = "\n\r\t\b\f\"\\/'";
    if (text.data[at] != '\\' || text.size - at < 2) {
        return 0;
    }
    if (text.data[at + 1] == 'u') {
        return step_code(text, at, out, size);
    }
    const char *letter = text.data[at + 1] == '\0' ? NULL : strchr(letters, text.data[at + 1]);
    long code = text.data[at + 1] == 'x' ? read_hex(text, at + 2, 2) : -1;
    *size = 1;
    if (code >= 0) {
        out[0] = (unsigned char)code;
        return 4;
    }
    out[0] = letter == NULL ? 0 : (unsigned char)meanings[letter - letters];
    return letter == NULL ? 0 : 2;
}

static size_t
step_percent(aip_bytes text, size_t at, unsigned char out[4], size_t *size)
{
    long code = text.data[at] == '%' ? read_hex(text, at + 1, 2) : -1;
    out[0] = (unsigned char)code;
    *size = 1;
    return code < 0 ? 0 : 3;
}

/* Soft hyphen, grapheme joiner, zero-width and direction marks, variation selectors, byte order mark, tags. */
static bool
is_invisible(const unsigned char *at, size_t length)
{
    if (length == 2) {
        return (at[0] == 0xC2 && at[1] == 0xAD) || (at[0] == 0xCD && at[1] == 0x8F);
    }
    if (length == 3) {
        return (at[0] == 0xE2 && at[1] == 0x80 &&
                ((at[2] >= 0x8B && at[2] <= 0x8F) || (at[2] >= 0xAA && at[2] <= 0xAE))) ||
               (at[0] == 0xE2 && at[1] == 0x81 && at[2] >= 0xA0 && at[2] <= 0xAF) ||
               (at[0] == 0xE1 && at[1] == 0xA0 && at[2] == 0x8E) || (at[0] == 0xEF && at[1] == 0xB8 && at[2] <= 0x8F) ||
               (at[0] == 0xEF && at[1] == 0xBB && at[2] == 0xBF);
    }
    return length == 4 && at[0] == 0xF3 && at[1] == 0xA0;
}

size_t
dlp_invisible(aip_bytes text, size_t at)
{
    size_t length = text.data[at] < 0xC2 ? 0 : utf8_sequence(text.data + at, text.size - at);
    return length > 1 && is_invisible(text.data + at, length) ? length : 0;
}

static size_t
step_invisible(aip_bytes text, size_t at, unsigned char out[4], size_t *size)
{
    (void)out;
    *size = 0;
    return dlp_invisible(text, at);
}

/* UTF-16 of ASCII, in either byte order. */
static size_t
step_wide(aip_bytes text, size_t at, unsigned char out[4], size_t *size)
{
    (void)out;
    *size = 0;
    return text.data[at] == 0 ? 1 : 0;
}

static bool
has_percent(aip_bytes text)
{
    const unsigned char *end = text.data + text.size, *at = text.data;
    while ((at = memchr(at, '%', (size_t)(end - at))) != NULL) {
        if (read_hex(text, (size_t)(at - text.data) + 1, 2) >= 0) {
            return true;
        }
        at++;
    }
    return false;
}

static bool
has_invisible(aip_bytes text)
{
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] >= 0xC2 && dlp_invisible(text, at) > 0) {
            return true;
        }
    }
    return false;
}

static bool
is_wide(aip_bytes text)
{
    size_t zeroes = 0;
    if (memchr(text.data, 0, text.size) == NULL) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        zeroes += text.data[i] == 0;
    }
    return zeroes >= 4 && zeroes * 2 <= text.size + 1;
}

/* In words, as far as they go: most text is ASCII, and then nothing in it is invisible. */
static bool
is_ascii(aip_bytes text)
{
    uint64_t word, all = 0;
    size_t at = 0;
    for (; at + sizeof word <= text.size; at += sizeof word) {
        memcpy(&word, text.data + at, sizeof word);
        all |= word;
    }
    for (; at < text.size; at++) {
        all |= (uint64_t)text.data[at];
    }
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

bool
dlp_may_hide(aip_bytes text, int view)
{
    if (text.size == 0) {
        return false;
    }
    switch (view) {
    case DLP_ESCAPES:
        return memchr(text.data, '\\', text.size) != NULL;
    case DLP_PERCENT:
        return has_percent(text);
    case DLP_INVISIBLE:
        return !is_ascii(text) && has_invisible(text);
    default:
        return is_wide(text);
    }
}

size_t
dlp_unwrap(aip_bytes text, int view, unsigned char *out, uint32_t *map)
{
    static step *const steps[DLP_VIEWS] = {step_escape, step_percent, step_invisible, step_wide};
    size_t size = 0;
    for (size_t at = 0; at < text.size;) {
        unsigned char written[4] = {text.data[at]};
        size_t count = 1, used = steps[view](text, at, written, &count);
        if (used == 0) {
            used = 1;
            count = 1;
            written[0] = text.data[at];
        }
        for (size_t i = 0; i < count; i++) {
            if (map != NULL) {
                map[size] = (uint32_t)at;
            }
            out[size++] = written[i];
        }
        at += used;
    }
    if (map != NULL) {
        map[size] = (uint32_t)text.size;
    }
    return size;
}
