/* Anchors of all rules in one pass, and the exact patterns around their hits. */
#include <stdlib.h>

#include "aip/limits.h"
#include "base/pattern_inside.h"
#include "dlp/decode.h"
#include "dlp/scan_inside.h"

#define WINDOW_GROWTH_MAX ((size_t)65536) /* a match that goes on is followed so far */
#define WINDOW_EDGE 128                   /* searched beyond a window, and so near to its end a match might go on: */
                                          /* longer than any label of a domain */

/* Where a rule's pattern is to be looked for. */
typedef struct {
    unsigned rule;
    size_t from, to;
} window;

struct dlp_workspace {
    pattern_scratch *scratch;
    window *windows;
    size_t count, capacity;
    size_t *latest; /* of each rule, its last window + 1 */
    const dlp_scanner *scanner;
    aip_bytes text;
    uint32_t *places; /* see dlp_workspace_take_places */
    size_t place_count, place_capacity, own_count;
    dlp_hints hints;
    size_t run_end; /* of the last run: lines of one run are looked at once */
    bool failed;
};

aip_status
dlp_workspace_new(const dlp_scanner *scanner, dlp_workspace **out, aip_error *err)
{
    dlp_workspace *w = calloc(1, sizeof *w);
    *out = w;
    if (w == NULL || (w->latest = calloc(scanner->count + 1, sizeof w->latest[0])) == NULL) {
        dlp_workspace_free(out);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    w->scanner = scanner;
    aip_status status = scanner->anchors == NULL ? AIP_OK : pattern_scratch_grow(&w->scratch, scanner->anchors, err);
    if (status == AIP_OK && scanner->slow != NULL) {
        status = pattern_scratch_grow(&w->scratch, scanner->slow, err);
    }
    if (status != AIP_OK) {
        dlp_workspace_free(out);
    }
    return status;
}

void
dlp_workspace_free(dlp_workspace **workspace)
{
    if (*workspace != NULL) {
        pattern_scratch_free(&(*workspace)->scratch);
        free((*workspace)->windows);
        free((*workspace)->latest);
        free((*workspace)->places);
        free(*workspace);
        *workspace = NULL;
    }
}

const dlp_hints *
dlp_workspace_hints(const dlp_workspace *workspace)
{
    return &workspace->hints;
}

bool
dlp_workspace_take_places(dlp_workspace *w, uint32_t **places, size_t *count)
{
    *places = w->places;
    *count = w->place_count;
    w->places = NULL;
    w->place_count = w->place_capacity = 0;
    return !w->scanner->exact && !w->scanner->has_slow;
}

/* ---- places and windows ---- */

static void *
grown(void *items, size_t *capacity, size_t size)
{
    size_t more = *capacity == 0 ? 64 : *capacity * 2;
    void *larger = reallocarray(items, more, size);
    *capacity = larger == NULL ? *capacity : more;
    return larger;
}

/* In order among those from `first` on; they come nearly so. */
static void
keep_place(dlp_workspace *w, size_t first, size_t place)
{
    if (w->place_count == w->place_capacity) {
        uint32_t *places = grown(w->places, &w->place_capacity, sizeof *places);
        if (places == NULL) {
            w->failed = true;
            return;
        }
        w->places = places;
    }
    size_t at = w->place_count++;
    for (; at > first && w->places[at - 1] > place; at--) {
        w->places[at] = w->places[at - 1];
    }
    w->places[at] = (uint32_t)place;
}

static void
note_mark(void *context, dlp_mark mark, size_t at)
{
    dlp_workspace *w = context;
    dlp_run run;
    if (mark != DLP_MARK_INVISIBLE && !w->scanner->decodes) {
        return;
    }
    if (mark == DLP_MARK_RUN && (at < w->run_end || !dlp_is_run(w->text, at, &run))) {
        return;
    }
    if (mark == DLP_MARK_RUN) {
        w->hints.first_run = w->hints.runs && w->hints.first_run < at ? w->hints.first_run : at;
        w->hints.runs = true;
        w->run_end = run.end;
    }
    w->hints.percent = w->hints.percent || mark == DLP_MARK_PERCENT;
    w->hints.invisible = w->hints.invisible || mark == DLP_MARK_INVISIBLE;
    keep_place(w, w->own_count, at);
}

static void
keep_window(dlp_workspace *w, const window *added)
{
    if (w->count == w->capacity) {
        window *windows = grown(w->windows, &w->capacity, sizeof *windows);
        if (windows == NULL) {
            w->failed = true;
            return;
        }
        w->windows = windows;
    }
    w->windows[w->count++] = *added;
    w->latest[added->rule] = w->count;
}

/* Windows of one rule that touch are one, so all of them together are never longer than the text. */
static void
open_window(dlp_workspace *w, size_t id, size_t from, size_t to)
{
    size_t reach = w->scanner->rules[id].reach;
    window added = {(unsigned)id, from, reach >= w->text.size - to ? w->text.size : to + reach};
    if (w->latest[id] != 0) {
        window *last = &w->windows[w->latest[id] - 1];
        if (added.from <= last->to) {
            last->to = added.to > last->to ? added.to : last->to;
            last->from = added.from < last->from ? added.from : last->from;
            return;
        }
    }
    keep_window(w, &added);
}

static bool
note_anchor(void *context, unsigned id, size_t from, size_t to)
{
    dlp_workspace *w = context;
    const dlp_rule *r = &w->scanner->rules[id];
    (void)from;
    if (r->own && to > 0) {
        keep_place(w, 0, to - 1);
        w->own_count = w->place_count;
    }
    open_window(w, id, r->before >= to ? 0 : to - r->before, to);
    return !w->failed;
}

static void
note_gate(void *context, dlp_gate gate, size_t from, size_t to)
{
    dlp_workspace *w = context;
    for (size_t id = w->scanner->of_gate[gate]; id != SIZE_MAX; id = w->scanner->rules[id].next_of_gate) {
        open_window(w, id, from, to);
    }
}

/* ---- the exact patterns ---- */

static size_t
whole_character(aip_bytes text, size_t at)
{
    while (at > 0 && at < text.size && (text.data[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

static aip_status
take_match(const dlp_rule *r, unsigned id, const size_t span[2], dlp_findings *out, aip_error *err)
{
    dlp_finding finding = {r->name, span[0], span[1], id, r->action, false, r->own, r->canary};
    return dlp_findings_add(out, &finding, err);
}

/* All matches that begin in the window. What stands at its edge is seen as it is in the text: the pattern looks back on
 * the bytes before it, and a match that ends near its end is tried again in a larger one. */
static aip_status
search_window(const dlp_rule *r, const window *w, aip_bytes text, dlp_findings *out, aip_error *err)
{
    size_t base = whole_character(text, w->from < 8 || r->before == SIZE_MAX ? 0 : w->from - 8);
    size_t edge = text.size - w->to < WINDOW_EDGE ? text.size : w->to + WINDOW_EDGE;
    size_t at = whole_character(text, w->from), to = whole_character(text, edge), grown = 0, span[2];
    bool found = true;
    while (at < to) {
        aip_bytes view = {text.data + base, to - base};
        AIP_TRY(pattern_exact_search(r->exact, view, at - base, &found, span, err));
        if (!found) {
            return AIP_OK;
        }
        span[0] += base;
        span[1] += base;
        if (to - span[1] < WINDOW_EDGE / 2 && to < text.size && grown < WINDOW_GROWTH_MAX) {
            size_t more = text.size - to < r->reach ? text.size - to : r->reach;
            grown += more;
            to = whole_character(text, to + more);
            continue;
        }
        bool good = span[1] > span[0] && r->validator((aip_bytes){text.data + span[0], span[1] - span[0]});
        if (good) {
            AIP_TRY(take_match(r, w->rule, span, out, err));
        }
        at = good ? span[1] : span[0] + 1;
        while (at < to && (text.data[at] & 0xC0) == 0x80) {
            at++;
        }
    }
    return AIP_OK;
}

static int
compare_windows(const void *left, const void *right)
{
    const window *a = left, *b = right;
    if (a->rule != b->rule) {
        return a->rule < b->rule ? -1 : 1;
    }
    return (a->from > b->from) - (a->from < b->from);
}

/* The window before may have been enlarged into this one. */
static void
begin_after(window *w, const window *before, const dlp_findings *out)
{
    const dlp_finding *last = out->count == 0 ? NULL : &out->items[out->count - 1];
    if (last != NULL && before->rule == w->rule && last->rule == w->rule && last->end > w->from) {
        w->from = last->end;
    }
}

static aip_status
search_all(dlp_workspace *w, aip_bytes text, dlp_findings *out, aip_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        window *here = &w->windows[i];
        if (i > 0) {
            begin_after(here, here - 1, out);
        }
        AIP_TRY(search_window(&w->scanner->rules[here->rule], here, text, out, err));
    }
    return AIP_OK;
}

/* Exact patterns read UTF-8: whether it is, is asked once for all windows, which may be many and long. */
static aip_status
search_windows(dlp_workspace *w, aip_bytes text, dlp_findings *out, aip_error *err)
{
    aip_bytes readable;
    unsigned char *owned;
    if (w->count == 0) {
        return AIP_OK;
    }
    if (w->count > 1) {
        qsort(w->windows, w->count, sizeof w->windows[0], compare_windows);
    }
    AIP_TRY(pattern_readable(text, &readable, &owned, err));
    aip_status status = search_all(w, readable, out, err);
    free(owned);
    return status;
}

static int
compare_places(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static aip_status
find_windows(dlp_workspace *w, aip_bytes text, aip_error *err)
{
    const dlp_scanner *s = w->scanner;
    const dlp_watch watch = {w, note_gate, note_mark};
    if (s->anchors != NULL) {
        AIP_TRY(pattern_set_scan(s->anchors, w->scratch, text, note_anchor, w, err));
    }
    if (s->slow != NULL) {
        AIP_TRY(pattern_set_scan(s->slow, w->scratch, text, note_anchor, w, err));
    }
    dlp_survey(text, &watch);
    if (w->own_count > 0) {
        qsort(w->places, w->place_count, sizeof w->places[0], compare_places);
    }
    return AIP_OK;
}

aip_status
dlp_scan_plain(const dlp_scanner *scanner, dlp_workspace *w, aip_bytes text, dlp_findings *out, aip_error *err)
{
    w->count = w->place_count = w->own_count = w->run_end = 0;
    w->failed = false;
    w->text = text;
    w->hints = (dlp_hints){.runs = scanner->exact, .percent = scanner->exact, .invisible = scanner->exact};
    if (scanner->count == 0 || text.size == 0) {
        return AIP_OK;
    }
    memset(w->latest, 0, scanner->count * sizeof w->latest[0]);
    for (size_t i = 0; scanner->exact && i < scanner->count; i++) {
        open_window(w, i, 0, text.size);
    }
    if (!scanner->exact) {
        AIP_TRY(find_windows(w, text, err));
    }
    return w->failed ? aip_fail(err, AIP_NO_MEMORY, NULL) : search_windows(w, text, out, err);
}
