/* Regular expressions: many at once in linear time (Hyperscan), and one exactly (PCRE2 with limits). */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "aip/error.h"

typedef struct pattern_set pattern_set;         /* compiled, immutable, shared */
typedef struct pattern_scratch pattern_scratch; /* one per thread, for any sets that it was grown for */

typedef struct {
    const char *text;
    unsigned id; /* what a hit reports; several may share one */
    bool caseless, dot_all, multi_line;
    bool literal;      /* no metacharacters */
    bool wants_start;  /* hits report where they begin: costs more */
    bool single_match; /* one hit per scan is enough */
    bool costly;       /* compiling it for linear time takes seconds: exactly, with limits, instead */
    bool bytes;        /* any bytes are searched, not characters; has no meaning to PCRE2 */
} pattern_source;

/* Compiles all of them. `bytes_max` bounds each text. On failure `err->offset` is the index of the bad pattern and the
 * detail says why, without repeating it. Errors: pattern.invalid, memory. */
AIP_MUST_CHECK aip_status pattern_set_new(const pattern_source *sources, size_t count, size_t bytes_max,
                                          pattern_set **out, aip_error *err);
void pattern_set_free(pattern_set **set);

/* Makes `*scratch` (NULL at first) fit the set. Errors: memory. */
AIP_MUST_CHECK aip_status pattern_scratch_grow(pattern_scratch **scratch, const pattern_set *set, aip_error *err);
void pattern_scratch_free(pattern_scratch **scratch);

/* A hit ends before `to`; `from` is 0 unless the source wants its start. Return false to end the scan. */
typedef bool (*pattern_hit)(void *context, unsigned id, size_t from, size_t to);

/* Errors: internal (the scratch does not fit). An ended scan is AIP_OK. */
AIP_MUST_CHECK aip_status pattern_set_scan(const pattern_set *set, pattern_scratch *scratch, aip_bytes text,
                                           pattern_hit hit, void *context, aip_error *err);

/* One expression, matched exactly, leftmost, with JIT where there is one and with limits on matching. */
typedef struct pattern_exact pattern_exact;

AIP_MUST_CHECK aip_status pattern_exact_new(const pattern_source *source, size_t bytes_max, pattern_exact **out,
                                            aip_error *err);
void pattern_exact_free(pattern_exact **exact);

/* The first match that begins at or after `at` in the whole `text` (what stands before counts for look-behind and
 * `\b`). *found tells whether there is one. Thread-safe. Errors: pattern.limit (it took too many steps), memory. */
AIP_MUST_CHECK aip_status pattern_exact_find(const pattern_exact *exact, aip_bytes text, size_t at, bool *found,
                                             size_t *from, size_t *to, aip_error *err);

#endif
