/* UTF-8 sequences, one at a time (RFC 3629 section 4). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool
utf8_continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Bytes of ASCII at the front, in words as far as they go. */
static inline size_t
utf8_ascii_prefix(const unsigned char *text, size_t size)
{
    size_t at = 0;
    uint64_t word;
    while (at + sizeof word <= size) {
        memcpy(&word, text + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
        at += sizeof word;
    }
    while (at < size && text[at] < 0x80) {
        at++;
    }
    return at;
}

/* Length of the sequence at `at` with `left` > 0 bytes before the end, or 0 when it is not UTF-8. */
static inline size_t
utf8_sequence(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4 || left < 2 || !utf8_continues(at[1])) {
        return 0;
    }
    if (lead < 0xE0) {
        return 2;
    }
    /* The second byte alone tells overlong forms, surrogates and what lies above U+10FFFF. */
    if (left < 3 || !utf8_continues(at[2]) || (lead == 0xE0 && at[1] < 0xA0) || (lead == 0xED && at[1] > 0x9F)) {
        return 0;
    }
    if (lead < 0xF0) {
        return 3;
    }
    if (left < 4 || !utf8_continues(at[3]) || (lead == 0xF0 && at[1] < 0x90) || (lead == 0xF4 && at[1] > 0x8F)) {
        return 0;
    }
    return 4;
}

/* Writes a scalar value; returns its length. */
static inline size_t
utf8_encode(uint32_t scalar, unsigned char out[4])
{
    if (scalar < 0x80) {
        out[0] = (unsigned char)scalar;
        return 1;
    }
    size_t length = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (unsigned char)(0x80 | (scalar & 0x3F));
        scalar >>= 6;
    }
    out[0] = (unsigned char)(leads[length] | scalar);
    return length;
}

#endif
