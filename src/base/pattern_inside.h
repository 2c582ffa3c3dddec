/* What the two halves of pattern.h share: many at once (pattern.c) and one exactly (pattern_exact.c). */
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
size_t pattern_set_exact_count(const pattern_set *set); /* how many of the set run on PCRE2 */

/* Both engines read UTF-8 only. Every byte that is no part of a sequence counts as U+0000, so that places stay the
 * same: *out is `text` itself, or a copy in *owned (free it). */
AIP_MUST_CHECK aip_status pattern_readable(aip_bytes text, aip_bytes *out, unsigned char **owned, aip_error *err);

/* pattern_exact_find on readable text. */
AIP_MUST_CHECK aip_status pattern_exact_search(const pattern_exact *exact, aip_bytes text, size_t at, bool *found,
                                               size_t span[2], aip_error *err);

#endif
