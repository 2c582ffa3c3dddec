/* Runs a glob as a set of states, one bit each: no backtracking, whatever the pattern. */
#include "chain/glob.h"

#define WORDS (GLOB_BYTES_MAX / 64 + 1)

typedef struct {
    uint64_t words[WORDS];
} state_set;

typedef struct {
    state_set literal[256]; /* states that the byte leads on from */
    state_set any;          /* states before a `?` */
    state_set after_any;    /* states after one: the rest of its character is still to come */
    state_set star;         /* states before a `*` */
    size_t final;
} automaton;

bool
glob_is_well_formed(aip_bytes pattern)
{
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] == '[' || pattern.data[i] == ']' || pattern.data[i] == '\\') {
            return false;
        }
    }
    return pattern.size <= GLOB_BYTES_MAX;
}

static void
set_add(state_set *set, size_t state)
{
    set->words[state / 64] |= UINT64_C(1) << (state % 64);
}

static void
compile(aip_bytes pattern, automaton *out)
{
    memset(out, 0, sizeof *out);
    size_t state = 0;
    for (size_t i = 0; i < pattern.size && state < GLOB_BYTES_MAX; i++) {
        unsigned char c = pattern.data[i];
        if (c == '*' && i > 0 && pattern.data[i - 1] == '*') {
            continue;
        }
        if (c == '?') {
            set_add(&out->after_any, state + 1);
        }
        set_add(c == '*' ? &out->star : c == '?' ? &out->any : &out->literal[c], state);
        state++;
    }
    out->final = state;
}

/* States reached over `byte`: onward where it fits, in place before a star, in place within a character of `?`. */
static bool
step(const automaton *a, unsigned char byte, state_set *set)
{
    bool inside_character = (byte & 0xc0) == 0x80;
    uint64_t carry = 0, alive = 0;
    for (size_t w = 0; w < WORDS; w++) {
        uint64_t now = set->words[w];
        uint64_t onward = now & (a->literal[byte].words[w] | (inside_character ? 0 : a->any.words[w]));
        uint64_t in_place = now & (a->star.words[w] | (inside_character ? a->after_any.words[w] : 0));
        set->words[w] = onward << 1 | carry | in_place;
        carry = onward >> 63;
        alive |= set->words[w];
    }
    return alive != 0;
}

/* A star may match nothing. Neighbouring stars were made one, so a single pass is enough. */
static void
skip_stars(const automaton *a, state_set *set)
{
    uint64_t carry = 0;
    for (size_t w = 0; w < WORDS; w++) {
        uint64_t before_star = set->words[w] & a->star.words[w];
        set->words[w] |= before_star << 1 | carry;
        carry = before_star >> 63;
    }
}

bool
glob_matches(aip_bytes pattern, aip_bytes text)
{
    automaton a;
    state_set set = {{1}};
    compile(pattern, &a);
    skip_stars(&a, &set);
    for (size_t i = 0; i < text.size; i++) {
        if (!step(&a, text.data[i], &set)) {
            return false;
        }
        skip_stars(&a, &set);
    }
    return (set.words[a.final / 64] >> (a.final % 64) & 1) != 0;
}
