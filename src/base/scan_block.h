/* Runs of bytes, looked at in blocks: sixteen bytes with SSE2, which every x86-64 has, else eight in a word. Both find
 * the same; SCAN_PORTABLE chooses the word, for the tests. No block reaches beyond the end. */
#ifndef BASE_SCAN_BLOCK_H
#define BASE_SCAN_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Each rule below marks the bytes that end a run of its kind. Only the first mark of a block is used. */

#if defined __SSE2__ && !defined SCAN_PORTABLE

#include <emmintrin.h>

#define BLOCK_BYTES 16
typedef __m128i block;

static inline block
block_load(const unsigned char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* One bit of the marks a byte. */
static inline unsigned
block_first(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks);
}

static inline block
block_equal(block bytes, char wanted)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted));
}

/* There is no comparison of unsigned bytes: the smaller of the byte and the limit is the byte. */
static inline block
block_at_most(block bytes, char limit)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(limit)), bytes);
}

/* The marks are the bytes' highest bits, so a byte above 0x7F marks itself. */
static inline uint64_t
block_not_plain(block bytes)
{
    block special = _mm_or_si128(block_equal(bytes, '"'), block_equal(bytes, '\\'));
    block stops = _mm_or_si128(_mm_or_si128(block_at_most(bytes, 0x1F), special), bytes);
    return (unsigned)_mm_movemask_epi8(stops);
}

static inline uint64_t
block_not_blank(block bytes)
{
    block line_end = _mm_or_si128(block_equal(bytes, '\n'), block_equal(bytes, '\r'));
    block space = _mm_or_si128(block_equal(bytes, ' '), block_equal(bytes, '\t'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(line_end, space)) ^ 0xFFFFu;
}

#else

#include <endian.h>

#define BLOCK_BYTES 8
typedef uint64_t block;

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The first byte lowest, so that a carry or borrow runs away from the bytes before it. */
static inline block
block_load(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* A mark is the highest bit of its byte. */
static inline unsigned
block_first(uint64_t marks)
{
    return (unsigned)__builtin_ctzll(marks) >> 3;
}

/* Subtracting sets the highest bit of a byte that is too small. A borrow can set a wrong one only above a right one. */
static inline uint64_t
block_not_plain(block bytes)
{
    uint64_t control = bytes - EACH_BYTE(0x20);
    uint64_t quote = (bytes ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t backslash = (bytes ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    return (control | quote | backslash | bytes) & EACH_BYTE(0x80);
}

/* Adding 0x7F to seven bits carries into the eighth unless they are 0: the highest bit is then set where the byte
 * differs. No carry leaves its byte. */
static inline uint64_t
block_differs(block bytes, unsigned char from)
{
    uint64_t difference = bytes ^ EACH_BYTE(from);
    return ((difference & EACH_BYTE(0x7F)) + EACH_BYTE(0x7F)) | difference;
}

static inline uint64_t
block_not_blank(block bytes)
{
    uint64_t line_end = block_differs(bytes, '\n') & block_differs(bytes, '\r');
    return line_end & block_differs(bytes, ' ') & block_differs(bytes, '\t') & EACH_BYTE(0x80);
}

#endif

static inline bool
byte_is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static inline bool
byte_is_blank(unsigned char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline bool
byte_is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

typedef uint64_t block_rule(block bytes);
typedef bool byte_rule(unsigned char byte);

/* From `at` to the first byte out of the run. The rules are constants where this is called and melt into it; the last
 * bytes of the text, less than a block, go one by one. */
static inline __attribute__((always_inline)) const unsigned char *
skip_run(const unsigned char *at, const unsigned char *end, block_rule *ends, byte_rule *belongs)
{
    for (; end - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        uint64_t marks = ends(block_load(at));
        if (marks != 0) {
            return at + block_first(marks);
        }
    }
    while (at < end && belongs(*at)) {
        at++;
    }
    return at;
}

/* What stands for itself in a string, of ASCII. */
static inline const unsigned char *
skip_plain(const unsigned char *at, const unsigned char *end)
{
    return skip_run(at, end, block_not_plain, byte_is_plain);
}

/* Numbers are short: here blocks lose against the loop. */
static inline const unsigned char *
skip_digits(const unsigned char *at, const unsigned char *end)
{
    while (at < end && byte_is_digit(*at)) {
        at++;
    }
    return at;
}

/* Mostly there is none, then one; lines of indentation go by blocks. Branches that are foreseen cost less here than
 * arithmetic would, on whose result the next load waits. */
static inline const unsigned char *
skip_blanks(const unsigned char *at, const unsigned char *end)
{
    if (at<end && * at> ' ') {
        return at;
    }
    if (end - at >= 2 && at[1] > ' ' && at[0] == ' ') {
        return at + 1;
    }
    return skip_run(at, end, block_not_blank, byte_is_blank);
}

#endif
