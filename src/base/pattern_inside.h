/* What the parts of pattern.h share: many at once (pattern.c, pattern_linear.c) and one exactly (pattern_exact.c). */
#ifndef BASE_PATTERN_INSIDE_H
#define BASE_PATTERN_INSIDE_H

#include "base/pattern.h"

typedef enum {
    PATTERN_LINEAR,    /* Hyperscan, where the machine and the pattern allow it; PCRE2 for the others */
    PATTERN_EXACT_ONLY /* PCRE2 for all, as on a machine that Hyperscan cannot run on */
} pattern_engine;

/* pattern_set_new with the choice of engine, so that both can be compared. */
AIP_MUST_CHECK aip_status pattern_set_build(const pattern_source *sources, size_t count, size_t bytes_max,
                                            pattern_engine engine, pattern_set **out, aip_error *err);
bool pattern_is_linear(void); /* was it built with Hyperscan, and does the processor have what that needs? */
size_t pattern_set_exact_count(const pattern_set *set); /* how many of the set run on PCRE2 */

/* Both engines read UTF-8 only. Every byte that is no part of a sequence counts as U+0000, so that places stay the
 * same: *out is `text` itself, or a copy in *owned (free it). */
AIP_MUST_CHECK aip_status pattern_readable(aip_bytes text, aip_bytes *out, unsigned char **owned, aip_error *err);

/* pattern_exact_find on readable text. */
AIP_MUST_CHECK aip_status pattern_exact_search(const pattern_exact *exact, aip_bytes text, size_t at, bool *found,
                                               size_t span[2], aip_error *err);

typedef struct {
    unsigned id;
    bool wants_start, single_match;
    pattern_exact *exact; /* NULL: the pattern is in the database */
} pattern_row;

struct pattern_set {
    void *database; /* Hyperscan's; NULL when no pattern is in it */
    pattern_row *rows;
    size_t count, exact_count;
    bool bytes; /* no pattern asks for UTF-8 */
};

/* A scan that goes on until its hit says otherwise. */
typedef struct {
    const pattern_set *set;
    pattern_hit hit;
    void *context;
    bool ended;
} pattern_scan;

bool pattern_report(pattern_scan *scan, const pattern_row *row, size_t from, size_t to); /* has it ended? */

/* Moves a row to PCRE2. err->offset is its index. */
AIP_MUST_CHECK aip_status pattern_use_exact(pattern_row *row, const pattern_source *source, size_t bytes_max,
                                            size_t index, aip_error *err);

/* ---- pattern_linear.c ---- */

/* All rows that are not exact, but for those that only PCRE2 takes. */
AIP_MUST_CHECK aip_status pattern_linear_build(pattern_set *set, const pattern_source *sources, size_t bytes_max,
                                               aip_error *err);
void pattern_linear_free(pattern_set *set);
AIP_MUST_CHECK aip_status pattern_linear_scan(pattern_scan *scan, const pattern_scratch *scratch, aip_bytes text,
                                              aip_error *err);

#endif
