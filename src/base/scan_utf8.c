/* The automaton of UTF-8 sequences in a string, one table row a byte, without a branch a byte. */
#include "base/scan_utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* A state is the place of six bits in a row; what stands there is the next state. So a step is one load and one shift
 * (Per Vognsen's shift-based automaton). REFUSED and STOPPED lead to themselves. */
enum {
    START = 0,     /* between sequences */
    REFUSED = 6,   /* not UTF-8 */
    STOPPED = 12,  /* met the end of a run between sequences */
    ONE = 18,      /* one more continuation byte belongs here */
    TWO = 24,      /* two */
    THREE = 30,    /* three */
    AFTER_E0 = 36, /* two, the first not below A0: overlong */
    AFTER_ED = 42, /* two, the first not above 9F: surrogates */
    AFTER_F0 = 48, /* three, the first not below 90: overlong */
    AFTER_F4 = 54  /* three, the first not above 8F: above U+10FFFF */
};

#define STATE_BITS UINT64_C(63)
#define GO(from, to) ((uint64_t)(to) << (from))

/* A byte that belongs nowhere refuses from each state but STOPPED. */
#define NOWHERE                                                                                               \
    (GO(START, REFUSED) | GO(REFUSED, REFUSED) | GO(STOPPED, STOPPED) | GO(ONE, REFUSED) | GO(TWO, REFUSED) | \
     GO(THREE, REFUSED) | GO(AFTER_E0, REFUSED) | GO(AFTER_ED, REFUSED) | GO(AFTER_F0, REFUSED) |             \
     GO(AFTER_F4, REFUSED))
/* A row that differs from NOWHERE: REFUSED is taken out, what leads on is put in. */
#define ROW(from, to) (GO(from, REFUSED) ^ GO(from, to))

#define PLAIN (NOWHERE ^ ROW(START, START))
#define STOP (NOWHERE ^ ROW(START, STOPPED))
#define LEAD(state) (NOWHERE ^ ROW(START, state))
#define ANY_TAIL (NOWHERE ^ ROW(ONE, START) ^ ROW(TWO, ONE) ^ ROW(THREE, TWO))
#define TAIL_80 (ANY_TAIL ^ ROW(AFTER_ED, ONE) ^ ROW(AFTER_F4, TWO)) /* 80 to 8F */
#define TAIL_90 (ANY_TAIL ^ ROW(AFTER_ED, ONE) ^ ROW(AFTER_F0, TWO)) /* 90 to 9F */
#define TAIL_A0 (ANY_TAIL ^ ROW(AFTER_E0, ONE) ^ ROW(AFTER_F0, TWO)) /* A0 to BF */

#define TWICE(row) row, row
#define FOUR(row) TWICE(row), TWICE(row)
#define EIGHT(row) FOUR(row), FOUR(row)
#define SIXTEEN(row) EIGHT(row), EIGHT(row)

/* clang-format off */
static const uint64_t rows[256] = {
    /* 00 */ SIXTEEN(STOP), SIXTEEN(STOP), /* control characters */
    /* 20 */ TWICE(PLAIN), STOP, FOUR(PLAIN), PLAIN, EIGHT(PLAIN), /* 22 is the quote */
    /* 30 */ SIXTEEN(PLAIN), SIXTEEN(PLAIN),
    /* 50 */ EIGHT(PLAIN), FOUR(PLAIN), STOP, PLAIN, TWICE(PLAIN), /* 5C is the backslash */
    /* 60 */ SIXTEEN(PLAIN), SIXTEEN(PLAIN),
    /* 80 */ SIXTEEN(TAIL_80), SIXTEEN(TAIL_90), SIXTEEN(TAIL_A0), SIXTEEN(TAIL_A0),
    /* C0 */ TWICE(NOWHERE), TWICE(LEAD(ONE)), FOUR(LEAD(ONE)), EIGHT(LEAD(ONE)), /* C0 and C1 would be overlong */
    /* D0 */ SIXTEEN(LEAD(ONE)),
    /* E0 */ LEAD(AFTER_E0), LEAD(TWO), TWICE(LEAD(TWO)), FOUR(LEAD(TWO)),
    /* E8 */ FOUR(LEAD(TWO)), LEAD(TWO), LEAD(AFTER_ED), TWICE(LEAD(TWO)),
    /* F0 */ LEAD(AFTER_F0), LEAD(THREE), TWICE(LEAD(THREE)), LEAD(AFTER_F4), NOWHERE, TWICE(NOWHERE),
    /* F8 */ EIGHT(NOWHERE),
};
/* clang-format on */

static inline __attribute__((always_inline)) uint64_t
next_state(uint64_t state, unsigned char byte)
{
    return rows[byte] >> (state & STATE_BITS);
}

/* Written out, as compilers leave the loop. */
static inline __attribute__((always_inline)) uint64_t
four_steps(uint64_t state, const unsigned char *at)
{
    return next_state(next_state(next_state(next_state(state, at[0]), at[1]), at[2]), at[3]);
}

/* The first byte of the sequence that `at` continues, or `at` when it continues none. */
static const unsigned char *
sequence_start(const unsigned char *at, uint64_t state)
{
    if (state == START) {
        return at;
    }
    do {
        at--;
    } while (utf8_continues(*at));
    return at;
}

/* Byte by byte to where the run ends. */
static const unsigned char *
walk(const unsigned char *at, const unsigned char *end, uint64_t state, const unsigned char **bad)
{
    for (; at < end; at++) {
        uint64_t next = next_state(state, *at) & STATE_BITS;
        if (next == STOPPED) {
            return at;
        }
        if (next == REFUSED) {
            *bad = sequence_start(at, state);
            return NULL;
        }
        state = next;
    }
    if (state != START) {
        *bad = sequence_start(at, state);
        return NULL;
    }
    return at;
}

static inline __attribute__((always_inline)) const unsigned char *
run(const unsigned char *at, const unsigned char *end, const unsigned char **bad)
{
    uint64_t state = START, word;
    for (; end - at >= 8; at += 8) {
        memcpy(&word, at, sizeof word);
        if (state == START && (word & UINT64_C(0x8080808080808080)) == 0) {
            return at;
        }
        uint64_t next = four_steps(four_steps(state, at), at + 4) & STATE_BITS;
        if (next == REFUSED || next == STOPPED) {
            break;
        }
        state = next;
    }
    return walk(at, end, state, bad);
}

#if defined __x86_64__ && !defined SCAN_PORTABLE

/* The same with the shift of BMI2, which takes half as long. */
static __attribute__((target("bmi2"))) const unsigned char *
run_bmi2(const unsigned char *at, const unsigned char *end, const unsigned char **bad)
{
    return run(at, end, bad);
}

const unsigned char *
scan_utf8_run(const unsigned char *at, const unsigned char *end, const unsigned char **bad)
{
    return __builtin_cpu_supports("bmi2") ? run_bmi2(at, end, bad) : run(at, end, bad);
}

#else

const unsigned char *
scan_utf8_run(const unsigned char *at, const unsigned char *end, const unsigned char **bad)
{
    return run(at, end, bad);
}

#endif
