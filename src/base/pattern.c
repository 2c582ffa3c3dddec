/* Many regular expressions at once, in linear time: Hyperscan, with PCRE2 for what it does not take. */
#include "base/pattern.h"

#include <hs.h>
#include <limits.h>
#include <stdlib.h>

#include "base/pattern_inside.h"

typedef struct {
    unsigned id;
    bool wants_start, single_match;
    pattern_exact *exact; /* NULL: the pattern is in the database */
} pattern_row;

struct pattern_set {
    hs_database_t *database; /* NULL when no pattern is in it */
    pattern_row *rows;
    size_t count;
};

struct pattern_scratch {
    hs_scratch_t *linear; /* NULL until a set with a database was met */
};

/* What hs_compile_multi takes, column by column, without the rows that run on PCRE2. */
typedef struct {
    char **texts;    /* one per row, owned */
    char **taken;    /* borrowed from texts */
    unsigned *flags; /* of the taken ones, as the ids */
    unsigned *ids;   /* the row's index */
    unsigned count;
} hs_input;

static unsigned
row_flags(const pattern_source *source)
{
    unsigned flags = HS_FLAG_UTF8 | HS_FLAG_ALLOWEMPTY;
    flags |= source->caseless ? HS_FLAG_CASELESS : 0;
    flags |= source->dot_all ? HS_FLAG_DOTALL : 0;
    flags |= source->multi_line ? HS_FLAG_MULTILINE : 0;
    if (source->wants_start) { /* the two do not go together */
        return flags | HS_FLAG_SOM_LEFTMOST;
    }
    return flags | (source->single_match ? HS_FLAG_SINGLEMATCH : 0);
}

/* A literal becomes an expression by a backslash before all that could be more than itself. */
static char *
row_text(const pattern_source *source)
{
    size_t size = strlen(source->text), at = 0;
    char *out = malloc(2 * size + 1);
    if (out == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)source->text[i];
        if (source->literal && byte < 0x80 && strchr("\\^$.[]|()?*+{}#-/", byte) != NULL) {
            out[at++] = '\\';
        }
        out[at++] = (char)byte;
    }
    out[at] = '\0';
    return out;
}

static aip_status
use_exact(pattern_row *row, const pattern_source *source, size_t bytes_max, size_t index, aip_error *err)
{
    aip_status status = pattern_exact_new(source, bytes_max, &row->exact, err);
    if (status != AIP_OK && err != NULL) {
        err->offset = (long)index;
    }
    return status;
}

/* Does Hyperscan take the pattern, seen alone? */
static bool
is_taken(const char *text, unsigned flags)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *why = NULL;
    bool taken = hs_expression_info(text, flags, &info, &why) == HS_SUCCESS;
    free(info);
    hs_free_compile_error(why);
    return taken;
}

static aip_status
gather(pattern_set *set, const pattern_source *sources, size_t bytes_max, hs_input *input, aip_error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].exact != NULL) {
            continue;
        }
        input->texts[i] = row_text(&sources[i]);
        if (input->texts[i] == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        if (!is_taken(input->texts[i], row_flags(&sources[i]))) {
            AIP_TRY(use_exact(&set->rows[i], &sources[i], bytes_max, i, err));
            continue;
        }
        input->taken[input->count] = input->texts[i];
        input->flags[input->count] = row_flags(&sources[i]);
        input->ids[input->count++] = (unsigned)i;
    }
    return AIP_OK;
}

static void
drop(hs_input *input, unsigned at)
{
    input->count--;
    for (unsigned i = at; i < input->count; i++) {
        input->taken[i] = input->taken[i + 1];
        input->flags[i] = input->flags[i + 1];
        input->ids[i] = input->ids[i + 1];
    }
}

/* Compiles, and moves a pattern to PCRE2 whenever only the compiler finds that it is too much. */
static aip_status
compile(pattern_set *set, const pattern_source *sources, size_t bytes_max, hs_input *input, aip_error *err)
{
    while (input->count > 0) {
        hs_compile_error_t *why = NULL;
        hs_error_t code = hs_compile_multi((const char *const *)input->taken, input->flags, input->ids, input->count,
                                           HS_MODE_BLOCK, NULL, &set->database, &why);
        if (code == HS_SUCCESS) {
            return AIP_OK;
        }
        int bad = why == NULL ? -1 : why->expression;
        hs_free_compile_error(why);
        if (code == HS_NOMEM) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        unsigned at = bad < 0 || (unsigned)bad >= input->count ? input->count - 1 : (unsigned)bad;
        AIP_TRY(use_exact(&set->rows[input->ids[at]], &sources[input->ids[at]], bytes_max, input->ids[at], err));
        drop(input, at);
    }
    return AIP_OK;
}

static aip_status
build_linear(pattern_set *set, const pattern_source *sources, size_t bytes_max, aip_error *err)
{
    size_t room = set->count + 1;
    hs_input input = {calloc(room, sizeof *input.texts), calloc(room, sizeof *input.taken),
                      calloc(room, sizeof *input.flags), calloc(room, sizeof *input.ids), 0};
    aip_status status = AIP_OK;
    if (input.texts == NULL || input.taken == NULL || input.flags == NULL || input.ids == NULL) {
        status = aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    status = status == AIP_OK ? gather(set, sources, bytes_max, &input, err) : status;
    status = status == AIP_OK ? compile(set, sources, bytes_max, &input, err) : status;
    for (size_t i = 0; input.texts != NULL && i < set->count; i++) {
        free(input.texts[i]);
    }
    free(input.texts);
    free(input.taken);
    free(input.flags);
    free(input.ids);
    return status;
}

static aip_status
check_sources(const pattern_source *sources, size_t count, size_t bytes_max, aip_error *err)
{
    if (count > INT_MAX) {
        return aip_fail(err, AIP_PATTERN_INVALID, "too many patterns");
    }
    for (size_t i = 0; i < count; i++) {
        if (sources[i].text == NULL || strlen(sources[i].text) > bytes_max) {
            return aip_fail_at(err, AIP_PATTERN_INVALID, i, "it is longer than %zu bytes", bytes_max);
        }
    }
    return AIP_OK;
}

static aip_status
fill(pattern_set *set, const pattern_source *sources, size_t bytes_max, pattern_engine engine, aip_error *err)
{
    bool linear = engine == PATTERN_LINEAR && hs_valid_platform() == HS_SUCCESS;
    for (size_t i = 0; i < set->count; i++) {
        set->rows[i].id = sources[i].id;
        set->rows[i].wants_start = sources[i].wants_start;
        set->rows[i].single_match = sources[i].single_match;
        /* Hyperscan takes no empty pattern. */
        if (!linear || sources[i].text[0] == '\0') {
            AIP_TRY(use_exact(&set->rows[i], &sources[i], bytes_max, i, err));
        }
    }
    return linear ? build_linear(set, sources, bytes_max, err) : AIP_OK;
}

aip_status
pattern_set_build(const pattern_source *sources, size_t count, size_t bytes_max, pattern_engine engine,
                  pattern_set **out, aip_error *err)
{
    *out = NULL;
    AIP_TRY(check_sources(sources, count, bytes_max, err));
    pattern_set *set = calloc(1, sizeof *set);
    if (set == NULL || (set->rows = calloc(count + 1, sizeof *set->rows)) == NULL) {
        free(set);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    set->count = count;
    aip_status status = fill(set, sources, bytes_max, engine, err);
    if (status != AIP_OK) {
        pattern_set_free(&set);
        return status;
    }
    *out = set;
    return AIP_OK;
}

aip_status
pattern_set_new(const pattern_source *sources, size_t count, size_t bytes_max, pattern_set **out, aip_error *err)
{
    return pattern_set_build(sources, count, bytes_max, PATTERN_LINEAR, out, err);
}

size_t
pattern_set_exact_count(const pattern_set *set)
{
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++) {
        found += set->rows[i].exact != NULL;
    }
    return found;
}

void
pattern_set_free(pattern_set **set)
{
    if (*set == NULL) {
        return;
    }
    for (size_t i = 0; i < (*set)->count; i++) {
        pattern_exact_free(&(*set)->rows[i].exact);
    }
    hs_free_database((*set)->database);
    free((*set)->rows);
    free(*set);
    *set = NULL;
}

aip_status
pattern_scratch_grow(pattern_scratch **scratch, const pattern_set *set, aip_error *err)
{
    if (*scratch == NULL && (*scratch = calloc(1, sizeof **scratch)) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (set->database == NULL) {
        return AIP_OK;
    }
    hs_error_t code = hs_alloc_scratch(set->database, &(*scratch)->linear);
    if (code == HS_NOMEM) {
        (*scratch)->linear = NULL; /* the old one is gone by then */
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return code == HS_SUCCESS ? AIP_OK : aip_fail(err, AIP_INTERNAL, "a scratch was refused with code %d", code);
}

void
pattern_scratch_free(pattern_scratch **scratch)
{
    if (*scratch != NULL) {
        hs_free_scratch((*scratch)->linear);
        free(*scratch);
        *scratch = NULL;
    }
}

typedef struct {
    const pattern_set *set;
    pattern_hit hit;
    void *context;
    bool ended;
} scan_state;

static int
hs_hit(unsigned index, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    scan_state *scan = context;
    const pattern_row *row = &scan->set->rows[index];
    (void)flags;
    scan->ended = !scan->hit(scan->context, row->id, row->wants_start ? (size_t)from : 0, (size_t)to);
    return scan->ended;
}

static aip_status
scan_linear(scan_state *scan, const pattern_scratch *scratch, aip_bytes text, aip_error *err)
{
    if (scratch == NULL || scratch->linear == NULL) {
        return aip_fail(err, AIP_INTERNAL, "the scratch does not fit the patterns");
    }
    hs_error_t code =
        hs_scan(scan->set->database, (const char *)text.data, (unsigned)text.size, 0, scratch->linear, hs_hit, scan);
    return code == HS_SUCCESS || code == HS_SCAN_TERMINATED
               ? AIP_OK
               : aip_fail(err, AIP_INTERNAL, "a scan ended with code %d", code);
}

/* All matches that do not overlap, from the left. */
static aip_status
scan_exact(scan_state *scan, const pattern_row *row, aip_bytes text, aip_error *err)
{
    size_t at = 0, span[2];
    bool found = true;
    while (!scan->ended && at <= text.size) {
        AIP_TRY(pattern_exact_search(row->exact, text, at, &found, span, err));
        if (!found) {
            return AIP_OK;
        }
        scan->ended = !scan->hit(scan->context, row->id, row->wants_start ? span[0] : 0, span[1]);
        if (row->single_match) {
            return AIP_OK;
        }
        at = span[1] > at && span[1] > span[0] ? span[1] : (span[0] > at ? span[0] : at) + 1;
    }
    return AIP_OK;
}

static aip_status
scan_all(scan_state *scan, const pattern_scratch *scratch, aip_bytes text, aip_error *err)
{
    if (scan->set->database != NULL) {
        AIP_TRY(scan_linear(scan, scratch, text, err));
    }
    for (size_t i = 0; i < scan->set->count && !scan->ended; i++) {
        if (scan->set->rows[i].exact != NULL) {
            AIP_TRY(scan_exact(scan, &scan->set->rows[i], text, err));
        }
    }
    return AIP_OK;
}

aip_status
pattern_set_scan(const pattern_set *set, pattern_scratch *scratch, aip_bytes text, pattern_hit hit, void *context,
                 aip_error *err)
{
    scan_state scan = {set, hit, context, false};
    aip_bytes readable;
    unsigned char *owned;
    if (text.size > UINT_MAX) {
        return aip_fail(err, AIP_INTERNAL, "a text too long to scan");
    }
    AIP_TRY(pattern_readable(text, &readable, &owned, err));
    aip_status status = scan_all(&scan, scratch, readable, err);
    free(owned);
    return status;
}
