/* Hyperscan: many regular expressions in linear time. Without the library, or on a processor that it cannot run on,
 * PCRE2 does its work (pattern.c). */
#include <stdlib.h>

#include "base/pattern_inside.h"
#include "base/pattern_workshop.h"

#ifdef AIP_HYPERSCAN
#include <hs.h>

struct pattern_scratch {
    hs_scratch_t *linear; /* NULL until a set with a database was met */
};

/* ---- what the compiler is told (pattern_compile.c), and what it gives ---- */

static uint32_t
row_flags(const pattern_source *source)
{
    uint32_t flags = (source->bytes ? 0 : HS_FLAG_UTF8) | HS_FLAG_ALLOWEMPTY;
    flags |= source->caseless ? HS_FLAG_CASELESS : 0;
    flags |= source->dot_all ? HS_FLAG_DOTALL : 0;
    flags |= source->multi_line ? HS_FLAG_MULTILINE : 0;
    if (source->wants_start) { /* the two do not go together */
        return flags | HS_FLAG_SOM_LEFTMOST;
    }
    return flags | (source->single_match ? HS_FLAG_SINGLEMATCH : 0);
}

/* A literal becomes an expression by a backslash before all that could be more than itself. */
static void
append_text(text_buffer *out, const pattern_source *source)
{
    for (const char *at = source->text; *at != '\0'; at++) {
        if (source->literal && strchr("\\^$.[]|()?*+{}#-/", *at) != NULL) {
            text_append_string(out, "\\");
        }
        text_append(out, (aip_bytes){(const unsigned char *)at, 1});
    }
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
}

static aip_status
append_row(text_buffer *out, const pattern_source *source, size_t row, aip_error *err)
{
    pattern_order_row head = {.row = (uint32_t)row, .flags = row_flags(source)};
    size_t start = out->size;
    text_append(out, (aip_bytes){(const unsigned char *)&head, sizeof head});
    append_text(out, source);
    AIP_TRY(text_finish(out, err));
    if (out->size - start > UINT32_MAX) {
        return aip_fail_at(err, AIP_PATTERN_INVALID, row, "too long");
    }
    head.size = (uint32_t)(out->size - start);
    memcpy(out->data + start, &head, sizeof head);
    return AIP_OK;
}

/* All rows but those that are PCRE2's already, and those that become so here. */
static aip_status
write_order(pattern_set *set, const pattern_source *sources, size_t bytes_max, text_buffer *order, aip_error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->rows[i].exact == NULL && sources[i].costly) {
            AIP_TRY(pattern_use_exact(&set->rows[i], &sources[i], bytes_max, i, err));
        } else if (set->rows[i].exact == NULL) {
            AIP_TRY(append_row(order, &sources[i], i, err));
        }
    }
    return AIP_OK;
}

static aip_status
take_database(pattern_set *set, aip_bytes packed, aip_error *err)
{
    hs_database_t *database = NULL;
    if (packed.size == 0) {
        return AIP_OK;
    }
    hs_error_t code = hs_deserialize_database((const char *)packed.data, packed.size, &database);
    set->database = database;
    if (code == HS_NOMEM) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return code == HS_SUCCESS ? AIP_OK : aip_fail(err, AIP_INTERNAL, "a database was refused with code %d", code);
}

/* What the compiler did not take is PCRE2's. */
static aip_status
take_reply(pattern_set *set, const pattern_source *sources, size_t bytes_max, aip_bytes reply, aip_error *err)
{
    pattern_reply head;
    if (reply.size < sizeof head) {
        return aip_fail(err, AIP_PATTERN_LIMIT, "compiling it takes too long or too much memory");
    }
    memcpy(&head, reply.data, sizeof head);
    if (head.status != (uint32_t)AIP_OK) {
        return aip_fail(err, (aip_status)head.status, NULL);
    }
    aip_bytes rest = aip_bytes_from(reply, sizeof head);
    if (head.database_size > rest.size || rest.size - head.database_size != head.left_count * sizeof(uint32_t)) {
        return aip_fail(err, AIP_PATTERN_LIMIT, "compiling it ended early");
    }
    for (size_t i = 0; i < head.left_count; i++) {
        uint32_t row;
        memcpy(&row, rest.data + head.database_size + i * sizeof row, sizeof row);
        if (row >= set->count || set->rows[row].exact != NULL) {
            return aip_fail(err, AIP_INTERNAL, "the compiler names a pattern that it was not given");
        }
        AIP_TRY(pattern_use_exact(&set->rows[row], &sources[row], bytes_max, row, err));
    }
    return take_database(set, (aip_bytes){rest.data, head.database_size}, err);
}

aip_status
pattern_linear_build(pattern_set *set, const pattern_source *sources, size_t bytes_max, aip_error *err)
{
    TEXT_AUTO text_buffer order = {0}, reply = {0};
    AIP_TRY(write_order(set, sources, bytes_max, &order, err));
    if (order.size == 0) {
        return AIP_OK;
    }
    AIP_TRY(pattern_workshop_compile(text_view(&order), &reply, err));
    return take_reply(set, sources, bytes_max, text_view(&reply), err);
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
