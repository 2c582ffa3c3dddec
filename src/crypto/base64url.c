/* Strict base64url and lower-case hex: one spelling per value. */
#include "crypto/base64url.h"

#include <sodium.h>

#define NOT_A_DIGIT 0x80

/* Value of a digit, or NOT_A_DIGIT. */
typedef unsigned digit_reader(unsigned char c);

/* For public text: a look-up. */
static unsigned
look_up(unsigned char c)
{
#define X NOT_A_DIGIT
    static const unsigned char values[128] = {
        X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,
        X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,  52, 53, 54, 55,
        56, 57, 58, 59, 60, 61, X,  X,  X,  X,  X,  X,  X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
        13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,  X,  63, X,  26, 27, 28, 29, 30, 31, 32,
        33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X,  X,  X,  X,  X};
#undef X
    return values[c & 127] | (c & 128u);
}

/* For the standard alphabet. */
static unsigned
look_up_standard(unsigned char c)
{
    if (c == '-' || c == '_') {
        return NOT_A_DIGIT;
    }
    return look_up(c == '+' ? '-' : c == '/' ? '_' : c);
}

/* For secrets: arithmetic on ranges, so that no memory access depends on the text. */
static unsigned
compute(unsigned char c)
{
    unsigned upper = (unsigned)(c - 'A'), lower = (unsigned)(c - 'a'), digit = (unsigned)(c - '0');
    unsigned value = NOT_A_DIGIT;
    value = upper < 26 ? upper : value;
    value = lower < 26 ? lower + 26 : value;
    value = digit < 10 ? digit + 52 : value;
    value = c == '-' ? 62 : value;
    return c == '_' ? 63 : value;
}

/* The digits of a text that does not fill a group of four: 2 give one byte, 3 give two; spare bits are zero. */
static inline bool
decode_tail(digit_reader *read, const unsigned char *in, size_t digits, unsigned char *out)
{
    unsigned a = read(in[0]), b = read(in[1]), c = digits == 3 ? read(in[2]) : 0;
    if (((a | b | c) & NOT_A_DIGIT) != 0 || (digits == 2 ? b & 15 : c & 3) != 0) {
        return false;
    }
    out[0] = (unsigned char)(a << 2 | b >> 4);
    if (digits == 3) {
        out[1] = (unsigned char)(b << 4 | c >> 2);
    }
    return true;
}

/* Four digits at a time; bad digits are collected and judged once at the end. Not libsodium's decoder, which is lenient
 * and slow (spec/decisions/007-own-base64url-decoder.md). */
static inline bool
decode(digit_reader *read, aip_bytes text, unsigned char *out)
{
    const unsigned char *in = text.data;
    size_t groups = text.size / 4, tail = text.size % 4;
    unsigned bad = 0;
    for (size_t i = 0; i < groups; i++, in += 4, out += 3) {
        unsigned a = read(in[0]), b = read(in[1]), c = read(in[2]), d = read(in[3]);
        bad |= a | b | c | d;
        out[0] = (unsigned char)(a << 2 | b >> 4);
        out[1] = (unsigned char)(b << 4 | c >> 2);
        out[2] = (unsigned char)(c << 6 | d);
    }
    return (bad & NOT_A_DIGIT) == 0 && (tail == 0 || decode_tail(read, in, tail, out));
}

/* Bytes that the text stands for, or SIZE_MAX when no text is that long. */
static size_t
decoded_size(aip_bytes text)
{
    size_t tail = text.size % 4;
    return tail == 1 ? SIZE_MAX : text.size / 4 * 3 + (tail == 0 ? 0 : tail - 1);
}

aip_status
base64url_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    size_t decoded = decoded_size(text);
    bool good = decoded <= capacity && decode(look_up, text, out);
    *size = good ? decoded : 0;
    return good ? AIP_OK : aip_fail(err, AIP_BASE64URL_INVALID, NULL);
}

aip_status
base64url_decode_secret(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    size_t decoded = decoded_size(text);
    bool good = decoded <= capacity && decode(compute, text, out);
    *size = good ? decoded : 0;
    return good ? AIP_OK : aip_fail(err, AIP_BASE64URL_INVALID, NULL);
}

size_t
base64url_encode(aip_bytes bytes, char *out)
{
    size_t characters = BASE64URL_TEXT_SIZE(bytes.size);
    sodium_bin2base64(out, characters + 1, bytes.data, bytes.size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return characters;
}

size_t
base64url_encode_public(aip_bytes bytes, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes.data;
    size_t at = 0, i = 0;
    for (; i + 3 <= bytes.size; i += 3) {
        unsigned group = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
        out[at++] = digits[group >> 18];
        out[at++] = digits[group >> 12 & 63];
        out[at++] = digits[group >> 6 & 63];
        out[at++] = digits[group & 63];
    }
    if (i < bytes.size) {
        unsigned second = i + 1 < bytes.size ? in[i + 1] : 0;
        out[at++] = digits[in[i] >> 2];
        out[at++] = digits[(in[i] & 3u) << 4 | second >> 4];
        if (i + 1 < bytes.size) {
            out[at++] = digits[(second & 15) << 2];
        }
    }
    out[at] = '\0';
    return at;
}

aip_status
base64_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    bool good = text.size % 4 == 0;
    for (int i = 0; good && i < 2 && text.size > 0 && text.data[text.size - 1] == '='; i++) {
        text.size--;
    }
    size_t decoded = decoded_size(text);
    good = good && decoded <= capacity && decode(look_up_standard, text, out);
    *size = good ? decoded : 0;
    return good ? AIP_OK : aip_fail(err, AIP_BASE64URL_INVALID, "not base64 with padding");
}

size_t
base64_encode(aip_bytes bytes, char *out)
{
    sodium_bin2base64(out, BASE64_TEXT_SIZE(bytes.size) + 1, bytes.data, bytes.size, sodium_base64_VARIANT_ORIGINAL);
    return BASE64_TEXT_SIZE(bytes.size);
}

static int
hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

aip_status
hex_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err)
{
    *size = 0;
    if (text.size % 2 != 0 || text.size / 2 > capacity) {
        return aip_fail(err, AIP_HEX_INVALID, NULL);
    }
    for (size_t i = 0; i < text.size / 2; i++) {
        int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return aip_fail_at(err, AIP_HEX_INVALID, 2 * i, NULL);
        }
        out[i] = (unsigned char)(high << 4 | low);
    }
    *size = text.size / 2;
    return AIP_OK;
}

void
hex_encode(aip_bytes bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        out[2 * i] = digits[bytes.data[i] >> 4];
        out[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    out[2 * bytes.size] = '\0';
}
