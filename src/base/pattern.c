/* Many regular expressions at once: in linear time where the machine can (pattern_linear.c), PCRE2 for the others. */
#include <limits.h>
#include <stdlib.h>

#include "base/pattern_inside.h"

aip_status
pattern_use_exact(pattern_row *row, const pattern_source *source, size_t bytes_max, size_t index, aip_error *err)
{
    aip_status status = pattern_exact_new(source, bytes_max, &row->exact, err);
    if (status != AIP_OK && err != NULL) {
        err->offset = (long)index;
    }
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
    bool linear = engine == PATTERN_LINEAR && pattern_is_linear();
    set->bytes = true;
    for (size_t i = 0; i < set->count; i++) {
        set->rows[i].id = sources[i].id;
        set->rows[i].wants_start = sources[i].wants_start;
        set->rows[i].single_match = sources[i].single_match;
        set->bytes = set->bytes && sources[i].bytes;
        /* Hyperscan takes no empty pattern. */
        if (!linear || sources[i].text[0] == '\0') {
            AIP_TRY(pattern_use_exact(&set->rows[i], &sources[i], bytes_max, i, err));
        }
    }
    return linear ? pattern_linear_build(set, sources, bytes_max, err) : AIP_OK;
}

static pattern_shelf sets = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
release(pattern_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        pattern_exact_free(&set->rows[i].exact);
    }
    pattern_linear_free(set);
    free(set->rows);
    free(set);
}

static aip_status
build(const pattern_source *sources, size_t count, size_t bytes_max, pattern_engine engine, pattern_set **out,
      aip_error *err)
{
    pattern_set *set = calloc(1, sizeof *set);
    if (set == NULL || (set->rows = calloc(count + 1, sizeof *set->rows)) == NULL) {
        free(set);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    set->count = count;
    aip_status status = fill(set, sources, bytes_max, engine, err);
    for (size_t i = 0; i < count; i++) {
        set->exact_count += set->rows[i].exact != NULL;
    }
    if (status != AIP_OK) {
        release(set);
        return status;
    }
    *out = set;
    return AIP_OK;
}

aip_status
pattern_set_build(const pattern_source *sources, size_t count, size_t bytes_max, pattern_engine engine,
                  pattern_set **out, aip_error *err)
{
    TEXT_AUTO text_buffer key = {0};
    *out = NULL;
    AIP_TRY(check_sources(sources, count, bytes_max, err));
    text_append(&key, (aip_bytes){(const unsigned char *)&engine, sizeof engine});
    for (size_t i = 0; i < count; i++) {
        pattern_key_append(&key, &sources[i]);
    }
    AIP_TRY(text_finish(&key, err));
    *out = (pattern_set *)pattern_shared_take(&sets, text_view(&key));
    if (*out == NULL) {
        AIP_TRY(build(sources, count, bytes_max, engine, out, err));
        pattern_shared_put(&sets, &(*out)->shared, &key);
    }
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
    return set->exact_count;
}

void
pattern_set_free(pattern_set **set)
{
    if (*set != NULL && pattern_shared_leave(&sets, &(*set)->shared)) {
        release(*set);
    }
    *set = NULL;
}

bool
pattern_report(pattern_scan *scan, const pattern_row *row, size_t from, size_t to)
{
    scan->ended = !scan->hit(scan->context, row->id, row->wants_start ? from : 0, to);
    return scan->ended;
}

/* All matches that do not overlap, from the left. */
static aip_status
scan_exact(pattern_scan *scan, const pattern_row *row, aip_bytes text, aip_error *err)
{
    size_t at = 0, span[2];
    bool found = true;
    while (!scan->ended && at <= text.size) {
        AIP_TRY(pattern_exact_search(row->exact, text, at, &found, span, err));
        if (!found) {
            return AIP_OK;
        }
        pattern_report(scan, row, span[0], span[1]);
        if (row->single_match) {
            return AIP_OK;
        }
        at = span[1] > at && span[1] > span[0] ? span[1] : (span[0] > at ? span[0] : at) + 1;
    }
    return AIP_OK;
}

static aip_status
scan_all(pattern_scan *scan, const pattern_scratch *scratch, aip_bytes text, aip_error *err)
{
    if (scan->set->database != NULL) {
        AIP_TRY(pattern_linear_scan(scan, scratch, text, err));
    }
    for (size_t i = 0; scan->set->exact_count > 0 && i < scan->set->count && !scan->ended; i++) {
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
    pattern_scan scan = {set, hit, context, false};
    aip_bytes readable;
    unsigned char *owned;
    if (text.size > UINT_MAX) {
        return aip_fail(err, AIP_INTERNAL, "a text too long to scan");
    }
    if (set->bytes && text.size > 0 && set->exact_count == 0) {
        return scan_all(&scan, scratch, text, err);
    }
    AIP_TRY(pattern_readable(text, &readable, &owned, err));
    aip_status status = scan_all(&scan, scratch, readable, err);
    free(owned);
    return status;
}
