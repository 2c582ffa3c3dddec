/* Hyperscan: many regular expressions in linear time. Without the library, or on a processor that it cannot run on,
 * PCRE2 does its work (pattern.c). */
#include <stdlib.h>

#include "base/pattern_inside.h"

#ifdef AIP_HYPERSCAN
#include <hs.h>

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
    unsigned flags = (source->bytes ? 0 : HS_FLAG_UTF8) | HS_FLAG_ALLOWEMPTY;
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
        if (sources[i].costly || !is_taken(input->texts[i], row_flags(&sources[i]))) {
            AIP_TRY(pattern_use_exact(&set->rows[i], &sources[i], bytes_max, i, err));
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
        hs_database_t *database = NULL;
        hs_error_t code = hs_compile_multi((const char *const *)input->taken, input->flags, input->ids, input->count,
                                           HS_MODE_BLOCK, NULL, &database, &why);
        set->database = database;
        if (code == HS_SUCCESS) {
            return AIP_OK;
        }
        int bad = why == NULL ? -1 : why->expression;
        hs_free_compile_error(why);
        if (code == HS_NOMEM) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        unsigned at = bad < 0 || (unsigned)bad >= input->count ? input->count - 1 : (unsigned)bad;
        AIP_TRY(
            pattern_use_exact(&set->rows[input->ids[at]], &sources[input->ids[at]], bytes_max, input->ids[at], err));
        drop(input, at);
    }
    return AIP_OK;
}

aip_status
pattern_linear_build(pattern_set *set, const pattern_source *sources, size_t bytes_max, aip_error *err)
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

bool
pattern_is_linear(void)
{
    return hs_valid_platform() == HS_SUCCESS;
}

void
pattern_linear_free(pattern_set *set)
{
    hs_free_database(set->database);
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

static int
hs_hit(unsigned index, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    pattern_scan *scan = context;
    (void)flags;
    return pattern_report(scan, &scan->set->rows[index], (size_t)from, (size_t)to);
}

aip_status
pattern_linear_scan(pattern_scan *scan, const pattern_scratch *scratch, aip_bytes text, aip_error *err)
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

#else

struct pattern_scratch {
    unsigned char nothing;
};

bool
pattern_is_linear(void)
{
    return false;
}

aip_status
pattern_linear_build(pattern_set *set, const pattern_source *sources, size_t bytes_max, aip_error *err)
{
    (void)set, (void)sources, (void)bytes_max;
    return aip_fail(err, AIP_INTERNAL, "built without Hyperscan");
}

void
pattern_linear_free(pattern_set *set)
{
    set->database = NULL;
}

aip_status
pattern_scratch_grow(pattern_scratch **scratch, const pattern_set *set, aip_error *err)
{
    (void)set;
    if (*scratch == NULL && (*scratch = calloc(1, sizeof **scratch)) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return AIP_OK;
}

void
pattern_scratch_free(pattern_scratch **scratch)
{
    free(*scratch);
    *scratch = NULL;
}

aip_status
pattern_linear_scan(pattern_scan *scan, const pattern_scratch *scratch, aip_bytes text, aip_error *err)
{
    (void)scan, (void)scratch, (void)text;
    return aip_fail(err, AIP_INTERNAL, "built without Hyperscan");
}
#endif
