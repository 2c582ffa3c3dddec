/* What the parts of pattern.h share: many at once (pattern.c, pattern_linear.c) and one exactly (pattern_exact.c). */
#ifndef BASE_PATTERN_INSIDE_H
#define BASE_PATTERN_INSIDE_H

#include <pthread.h>

#include "base/pattern.h"
#include "base/text.h"

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

/* The first member of what is compiled once for all who ask for the same. */
typedef struct pattern_shared {
    struct pattern_shared *next;
    size_t users;
    text_buffer key; /* all that it is made from */
} pattern_shared;

/* ---- pattern_shared.c ---- */

typedef struct {
    pattern_shared *first; /* in use by somebody */
    pthread_mutex_t lock;
} pattern_shelf;

pattern_shared *pattern_shared_take(pattern_shelf *shelf, aip_bytes key);              /* NULL: there is none */
void pattern_shared_put(pattern_shelf *shelf, pattern_shared *item, text_buffer *key); /* takes the key */
bool pattern_shared_leave(pattern_shelf *shelf, pattern_shared *item);                 /* the last one frees the item */
void pattern_key_append(text_buffer *key, const pattern_source *source);

typedef struct {
    unsigned id;
    bool wants_start, single_match;
    pattern_exact *exact; /* NULL: the pattern is in the database */
} pattern_row;

struct pattern_set {
    pattern_shared shared;
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

/* ---- pattern_compile.c ---- */

/* An order is a row after the other: this, then its text and NUL. A number is as the machine has it: both sides are one
 * program. */
typedef struct {
    uint32_t row, flags, size; /* of all of it */
} pattern_order_row;

/* A reply is this, then the packed database, then the numbers of the rows that are PCRE2's. */
typedef struct {
    uint64_t database_size;
    uint32_t left_count, status; /* an aip_status: internal, memory */
} pattern_reply;

/* Takes whatever time Hyperscan takes. An empty reply: memory. */
void pattern_compile(aip_bytes order, text_buffer *reply);

/* ---- pattern_workshop.c ---- */

/* pattern_compile in the workshop, where there is one, or else here. A reply that ends early is one that met a limit.
 * Errors: io, memory. */
AIP_MUST_CHECK aip_status pattern_workshop_compile(aip_bytes order, text_buffer *reply, aip_error *err);

#endif
