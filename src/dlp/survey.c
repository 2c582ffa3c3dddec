/* Classes of 64 bytes at a time as bits, by vectors where the processor has them. */
#include "dlp/survey.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define BLOCK ((size_t)64)
#define RUN_BITS 14  /* a run of an encoding that counts: 16 with its padding */
#define WORD_BITS 51 /* a private key of Bitcoin */

__extension__ typedef unsigned __int128 two_words;

/* One bit per byte. */
typedef struct {
    uint64_t digit, letter, small, dot, letter_x, high;
    uint64_t sign; /* @ and % */
    uint64_t run;  /* letters, digits, + / - _ */
} block_bits;

typedef struct {
    aip_bytes text;
    const dlp_watch *watch;
    size_t base; /* of the block */
    block_bits now, before;
} pass;

static void
classify_bytes(const unsigned char *at, size_t count, block_bits *out)
{
    *out = (block_bits){0};
    for (size_t i = 0; i < count; i++) {
        unsigned char c = at[i];
        bool digit = (unsigned char)(c - '0') < 10, letter = (unsigned char)((c | 0x20) - 'a') < 26;
        out->digit |= (uint64_t)digit << i;
        out->letter |= (uint64_t)letter << i;
        out->dot |= (uint64_t)(c == '.') << i;
        out->sign |= (uint64_t)(c == '@' || c == '%') << i;
        out->letter_x |= (uint64_t)((c | 0x20) == 'x') << i;
        out->high |= (uint64_t)(c >> 7) << i;
        out->small |= (uint64_t)(letter && (c & 0x20) != 0) << i;
        out->run |= (uint64_t)(digit || letter || c == '+' || c == '/' || c == '-' || c == '_') << i;
    }
}

#ifdef __x86_64__
#define EQUALS(vector, byte) _mm256_cmpeq_epi8(vector, _mm256_set1_epi8(byte))
#define FROM(vector, first, count)                                                                                \
    EQUAL_VECTORS(_mm256_min_epu8(_mm256_sub_epi8(vector, _mm256_set1_epi8(first)), _mm256_set1_epi8(count - 1)), \
                  _mm256_sub_epi8(vector, _mm256_set1_epi8(first)))
#define EQUAL_VECTORS(a, b) _mm256_cmpeq_epi8(a, b)

/* 32 bytes, each 0xFF where it is of the class. */
typedef struct {
    __m256i digit, letter, small, dot, sign, letter_x, high, run;
} half_classes;

__attribute__((target("avx2"), always_inline)) static inline half_classes
classify_half(const unsigned char *at)
{
    half_classes out;
    __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i lower = _mm256_or_si256(c, _mm256_set1_epi8(0x20));
    out.digit = FROM(c, '0', 10);
    out.letter = FROM(lower, 'a', 26);
    out.small = _mm256_slli_epi16(c, 2); /* the bit of small letters where the sign is */
    out.run = _mm256_or_si256(_mm256_or_si256(EQUALS(c, '+'), EQUALS(c, '/')),
                              _mm256_or_si256(EQUALS(c, '-'), EQUALS(c, '_')));
    out.run = _mm256_or_si256(out.run, _mm256_or_si256(out.digit, out.letter));
    out.dot = EQUALS(c, '.');
    out.sign = _mm256_or_si256(EQUALS(c, '@'), EQUALS(c, '%'));
    out.letter_x = EQUALS(lower, 'x');
    out.high = c;
    return out;
}

__attribute__((target("avx2"), always_inline)) static inline uint64_t
bits_of(__m256i low, __m256i high)
{
    uint64_t bits = (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low);
    /* Or else compilers gather the words into vectors only to take them apart again. */
    __asm__("" : "+r"(bits));
    return bits;
}

__attribute__((target("avx2"), always_inline)) static inline void
classify_vectors(const unsigned char *at, size_t count, block_bits *out)
{
    unsigned char padded[BLOCK] = {0};
    if (count < BLOCK) {
        memcpy(padded, at, count);
        at = padded;
    }
    half_classes low = classify_half(at), high = classify_half(at + BLOCK / 2);
    out->digit = bits_of(low.digit, high.digit);
    out->letter = bits_of(low.letter, high.letter);
    out->dot = bits_of(low.dot, high.dot);
    out->sign = bits_of(low.sign, high.sign);
    out->letter_x = bits_of(low.letter_x, high.letter_x);
    out->high = bits_of(low.high, high.high);
    out->small = bits_of(low.small, high.small) & out->letter;
    out->run = bits_of(low.run, high.run);
}
#endif

/* Bits where at least `count` set bits in a row end; bit 63 is the end of the block before. Of a power of two. */
static two_words
rows_of(two_words bits, unsigned count)
{
    for (unsigned i = 1; i < count; i *= 2) {
        bits &= bits << i;
    }
    return bits;
}

static two_words
joined(uint64_t before, uint64_t now)
{
    return (two_words)now << 64 | before;
}

/* Of rows of bits, where each becomes long enough: once per row. */
static uint64_t
firsts(two_words rows)
{
    return (uint64_t)(rows >> 64) & ~(uint64_t)(rows >> 63);
}

static unsigned
take_bit(uint64_t *bits)
{
    unsigned at = (unsigned)__builtin_ctzll(*bits);
    *bits &= *bits - 1;
    return at;
}

static bool
is_hex(aip_bytes text, size_t at, size_t count)
{
    for (size_t i = at; i < at + count; i++) {
        unsigned char lower = i < text.size ? text.data[i] | 0x20 : 0;
        if (!(lower >= '0' && lower <= '9') && !(lower >= 'a' && lower <= 'f')) {
            return false;
        }
    }
    return true;
}

/* `0x` and eight digits, which are no longer run. */
static bool
is_short_hex(const pass *p, size_t x)
{
    unsigned char c = x < 2 ? ' ' : p->text.data[x - 2];
    if (x == 0 || p->text.data[x - 1] != '0') {
        return false;
    }
    bool inside = (unsigned char)(c - '0') < 10 || (unsigned char)((c | 0x20) - 'a') < 26 || c == '+' || c == '/' ||
                  c == '-' || c == '_';
    return !inside && is_hex(p->text, x + 1, 8);
}

/* The marks of a block in order of kinds; the list is in order of places block by block. */
static void
mark_hidden(const pass *p, two_words runs)
{
    const dlp_watch *watch = p->watch;
    uint64_t begins = firsts(runs), signs = p->now.sign, leads = p->now.high;
    uint64_t hex = p->now.letter_x;
    while (begins != 0) {
        watch->mark(watch->context, DLP_MARK_RUN, p->base + take_bit(&begins) + 1 - RUN_BITS);
    }
    while (hex != 0) {
        size_t x = p->base + take_bit(&hex);
        if (is_short_hex(p, x)) {
            watch->mark(watch->context, DLP_MARK_RUN, x - 1);
        }
    }
    while (signs != 0) {
        size_t at = p->base + take_bit(&signs);
        if (p->text.data[at] == '%' && is_hex(p->text, at + 1, 2)) {
            watch->mark(watch->context, DLP_MARK_PERCENT, at);
        }
    }
    while (leads != 0) {
        size_t at = p->base + take_bit(&leads);
        if (p->text.data[at] >= 0xC2 && dlp_invisible(p->text, at) > 0) {
            watch->mark(watch->context, DLP_MARK_INVISIBLE, at);
        }
    }
}

static bool
is_capital_at(const pass *p, size_t at, size_t back)
{
    return at >= back && (unsigned char)(p->text.data[at - back] - 'A') < 26;
}

/* Most numbers are short, alone, and follow no capital: those are told here, where their length is at hand. */
static bool
may_be_number(const pass *p, unsigned bit)
{
    uint64_t others = ~(p->now.digit >> bit);
    unsigned count = others == 0 ? (unsigned)BLOCK : (unsigned)__builtin_ctzll(others);
    size_t at = p->base + bit, end = at + count;
    if (count >= 15 || bit + count >= BLOCK || end >= p->text.size) {
        return true;
    }
    unsigned char next = p->text.data[end];
    bool named = is_capital_at(p, at, 1) || (at > 0 && p->text.data[at - 1] == ' ' && is_capital_at(p, at, 2));
    return next == ' ' || next == '-' || next == '.' || named;
}

static void
open_gates(const pass *p, two_words runs)
{
    uint64_t digits = p->now.digit, signs = p->now.sign;
    /* Neither after a digit nor after a small letter anything begins that is asked for; capitals may precede. */
    uint64_t inside = digits | p->now.small, inside_before = p->before.digit | p->before.small;
    uint64_t numbers = digits & ~(inside << 1 | inside_before >> 63);
    uint64_t dots = (uint64_t)(joined(p->before.dot, p->now.dot) >> 57) & p->now.dot;
    while (numbers != 0) {
        unsigned bit = take_bit(&numbers);
        if (may_be_number(p, bit)) {
            dlp_gate_number(p->text, p->base + bit, p->watch);
        }
    }
    while (signs != 0) {
        size_t at = p->base + take_bit(&signs);
        if (p->text.data[at] == '@') {
            dlp_gate_address(p->text, at, p->watch);
        }
    }
    while (dots != 0) {
        dlp_gate_dots(p->text, p->base + take_bit(&dots) - 7, p->watch);
    }
    if (runs >> 64 != 0) {
        two_words words = joined(p->before.digit | p->before.letter, p->now.digit | p->now.letter);
        two_words sixteen = rows_of(words, 16), three = words & words << 1 & words << 2;
        uint64_t ends = firsts(sixteen & sixteen << 16 & sixteen << 32 & three << 48);
        while (ends != 0) {
            dlp_gate_word(p->text, p->base + take_bit(&ends) + 1 - WORD_BITS, p->watch);
        }
    }
}

__attribute__((always_inline)) static inline void
look_at_block(pass *p)
{
    two_words runs = rows_of(joined(p->before.run, p->now.run), 8);
    runs &= runs << (RUN_BITS - 8);
    bool hides = runs >> 64 != 0 || (p->now.sign | p->now.high | p->now.letter_x) != 0;
    if (hides) {
        mark_hidden(p, runs);
    }
    if ((p->now.digit | p->now.sign | p->now.dot) != 0 || runs >> 64 != 0) {
        open_gates(p, runs);
    }
    p->before = p->now;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
survey_vectors(pass *p)
{
    for (p->base = 0; p->base < p->text.size; p->base += BLOCK) {
        size_t left = p->text.size - p->base;
        classify_vectors(p->text.data + p->base, left < BLOCK ? left : BLOCK, &p->now);
        look_at_block(p);
    }
}
#endif

static void
survey_bytes(pass *p)
{
    for (p->base = 0; p->base < p->text.size; p->base += BLOCK) {
        size_t left = p->text.size - p->base;
        classify_bytes(p->text.data + p->base, left < BLOCK ? left : BLOCK, &p->now);
        look_at_block(p);
    }
}

void
dlp_survey(aip_bytes text, const dlp_watch *watch)
{
    pass p = {.text = text, .watch = watch};
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        survey_vectors(&p);
        return;
    }
#endif
    survey_bytes(&p);
}
