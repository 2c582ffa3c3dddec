/* Compiled rules, and what they find in a text as it stands. */
#include "dlp/scan.h"

#include <stdio.h>
#include <stdlib.h>

#include "aip/limits.h"
#include "base/pattern.h"
#include "dlp/decode.h"
#include "dlp/detector.h"

#define BUILTIN_PATTERN_BYTES_MAX 1024
#define WINDOW_GROWTH_MAX ((size_t)65536) /* a match that goes on is followed so far */
#define WINDOW_EDGE 64                    /* a match that ends so near might go on: longer than any label of a domain */

typedef struct {
    char *name;
    pattern_exact *exact;
    dlp_validator validator;
    size_t before, reach; /* SIZE_MAX: a hit of the anchor asks for the whole text */
    dlp_action action;
    bool own;
} rule;

struct dlp_scanner {
    rule *rules;
    size_t count, capacity;
    pattern_source *anchors; /* while it is built */
    pattern_set *set;
    bool decodes, has_own;
};

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
    size_t text_size;
    bool failed;
};

/* ---- compiling ---- */

static aip_status
add_rule(dlp_scanner *s, const char *name, const pattern_source *exact, const pattern_source *anchor, aip_error *err)
{
    rule *r = &s->rules[s->count];
    *r = (rule){.name = strdup(name), .validator = dlp_validate_any, .before = SIZE_MAX, .reach = SIZE_MAX};
    s->anchors[s->count] = *anchor;
    s->anchors[s->count].id = (unsigned)s->count;
    s->count++;
    return r->name == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL)
                           : pattern_exact_new(exact, AIP_CONFIG_BYTES_MAX, &r->exact, err);
}

static aip_status
add_detector(dlp_scanner *s, const dlp_detector *detector, dlp_action action, aip_error *err)
{
    pattern_source exact = {.text = detector->pattern}, anchor = {.text = detector->anchor};
    AIP_TRY(add_rule(s, detector->name, &exact, &anchor, err));
    rule *r = &s->rules[s->count - 1];
    r->validator = detector->validator;
    r->before = detector->before;
    r->reach = detector->reach;
    r->action = action;
    return AIP_OK;
}

static aip_status
add_pattern(dlp_scanner *s, const dlp_pattern *pattern, aip_error *err)
{
    const dlp_detector *known = dlp_detector_of(pattern->regex);
    size_t size = strlen(pattern->name);
    if (size == 0 || size > AIP_DLP_NAME_BYTES_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a pattern's name has 1 to %d bytes", AIP_DLP_NAME_BYTES_MAX);
    }
    /* The same name and the same expression are the same detector, validator and all (D-3). */
    if (known != NULL && strcmp(known->name, pattern->name) == 0) {
        return add_detector(s, known, pattern->action, err);
    }
    pattern_source exact = {.text = pattern->regex};
    pattern_source gate = {.text = pattern->regex, .single_match = true};
    AIP_TRY(add_rule(s, pattern->name, &exact, &gate, err));
    s->rules[s->count - 1].action = pattern->action;
    s->rules[s->count - 1].own = s->has_own = true;
    return AIP_OK;
}

/* Set-literals are NUL-terminated, so a canary with a NUL cannot be looked for. */
static aip_status
add_canary(dlp_scanner *s, aip_bytes canary, size_t index, aip_error *err)
{
    char name[32];
    if (canary.size < AIP_DLP_CANARY_BYTES_MIN || memchr(canary.data, '\0', canary.size) != NULL) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a canary has at least %d bytes and no NUL", AIP_DLP_CANARY_BYTES_MIN);
    }
    char *text = strndup((const char *)canary.data, canary.size);
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    snprintf(name, sizeof name, "canary-%zu", index + 1);
    pattern_source source = {.text = text, .literal = true};
    aip_status status = add_rule(s, name, &source, &source, err);
    s->rules[s->count - 1].before = s->rules[s->count - 1].reach = canary.size;
    s->rules[s->count - 1].action = DLP_BLOCK;
    if (status != AIP_OK) {
        free(text);
        s->anchors[s->count - 1].text = NULL;
    }
    return status; /* the anchor's text is freed with the anchors */
}

static aip_status
add_all(dlp_scanner *s, const dlp_rules *rules, unsigned direction, aip_error *err)
{
    size_t builtin_count = 0;
    const dlp_detector *builtin = dlp_detectors(&builtin_count);
    for (size_t i = 0; i < rules->canary_count; i++) {
        AIP_TRY(add_canary(s, rules->canaries[i], i, err));
    }
    for (size_t i = 0; i < rules->count; i++) {
        if ((rules->patterns[i].scope & direction) != 0) {
            aip_status status = add_pattern(s, &rules->patterns[i], err);
            if (status != AIP_OK && err != NULL) {
                err->offset = (long)i;
            }
            AIP_TRY(status);
        }
    }
    for (size_t i = 0; rules->builtin && i < builtin_count; i++) {
        AIP_TRY(add_detector(s, &builtin[i], rules->builtin_action, err));
    }
    return AIP_OK;
}

static void
free_anchors(dlp_scanner *s)
{
    for (size_t i = 0; s->anchors != NULL && i < s->count; i++) {
        if (s->anchors[i].literal) {
            free((char *)(uintptr_t)s->anchors[i].text);
        }
    }
    free(s->anchors);
    s->anchors = NULL;
}

static aip_status
build(dlp_scanner *s, const dlp_rules *rules, unsigned direction, aip_error *err)
{
    size_t builtin_count = 0;
    dlp_detectors(&builtin_count);
    s->capacity = rules->count + rules->canary_count + (rules->builtin ? builtin_count : 0) + 1;
    s->rules = calloc(s->capacity, sizeof s->rules[0]);
    s->anchors = calloc(s->capacity, sizeof s->anchors[0]);
    s->decodes = rules->detect_encoding;
    if (s->rules == NULL || s->anchors == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(add_all(s, rules, direction, err));
    return s->count == 0 ? AIP_OK : pattern_set_new(s->anchors, s->count, AIP_CONFIG_BYTES_MAX, &s->set, err);
}

aip_status
dlp_scanner_new(const dlp_rules *rules, unsigned direction, dlp_scanner **out, aip_error *err)
{
    *out = NULL;
    dlp_scanner *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = build(s, rules, direction, err);
    free_anchors(s);
    if (status != AIP_OK) {
        dlp_scanner_free(&s);
        return status;
    }
    *out = s;
    return AIP_OK;
}

void
dlp_scanner_free(dlp_scanner **scanner)
{
    dlp_scanner *s = *scanner;
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        free(s->rules[i].name);
        pattern_exact_free(&s->rules[i].exact);
    }
    pattern_set_free(&s->set);
    free(s->rules);
    free(s);
    *scanner = NULL;
}

bool
dlp_scanner_decodes(const dlp_scanner *scanner)
{
    return scanner->decodes;
}

bool
dlp_scanner_has_own(const dlp_scanner *scanner)
{
    return scanner->has_own;
}

size_t
dlp_scanner_reach(const dlp_scanner *scanner)
{
    size_t reach = 0;
    for (size_t i = 0; i < scanner->count; i++) {
        size_t own = scanner->rules[i].reach == SIZE_MAX ? AIP_DLP_OWN_REACH : scanner->rules[i].reach;
        reach = own > reach ? own : reach;
    }
    return reach;
}

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
    aip_status status = scanner->set == NULL ? AIP_OK : pattern_scratch_grow(&w->scratch, scanner->set, err);
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
        free(*workspace);
        *workspace = NULL;
    }
}

/* ---- scanning ---- */

static bool
keep_window(dlp_workspace *w, const window *added)
{
    if (w->count == w->capacity) {
        size_t capacity = w->capacity == 0 ? 64 : w->capacity * 2;
        window *windows = reallocarray(w->windows, capacity, sizeof *windows);
        if (windows == NULL) {
            w->failed = true;
            return false;
        }
        w->windows = windows;
        w->capacity = capacity;
    }
    w->windows[w->count++] = *added;
    w->latest[added->rule] = w->count;
    return true;
}

/* Windows of one rule that touch are one, so all of them together are never longer than the text. */
static bool
open_window(void *context, unsigned id, size_t from, size_t to)
{
    dlp_workspace *w = context;
    const rule *r = &w->scanner->rules[id];
    window added = {id, r->before >= to ? 0 : to - r->before,
                    r->reach >= w->text_size - to ? w->text_size : to + r->reach};
    (void)from;
    if (w->latest[id] != 0) {
        window *last = &w->windows[w->latest[id] - 1];
        if (added.from <= last->to) {
            last->to = added.to > last->to ? added.to : last->to;
            last->from = added.from < last->from ? added.from : last->from;
            return true;
        }
    }
    return keep_window(w, &added);
}

static size_t
whole_character(aip_bytes text, size_t at)
{
    while (at > 0 && at < text.size && (text.data[at] & 0xC0) == 0x80) {
        at--;
    }
    return at;
}

static aip_status
take_match(const rule *r, unsigned id, const size_t span[2], dlp_findings *out, aip_error *err)
{
    dlp_finding finding = {r->name, span[0], span[1], id, r->action, false, r->own};
    return dlp_findings_add(out, &finding, err);
}

/* All matches that begin in the window. What stands at its edge is seen as it is in the text: the pattern looks back on
 * the bytes before it, and a match that ends near its end is tried again in a larger one. */
static aip_status
search_window(const rule *r, const window *w, aip_bytes text, dlp_findings *out, aip_error *err)
{
    size_t base = whole_character(text, w->from < 8 || r->before == SIZE_MAX ? 0 : w->from - 8);
    size_t at = whole_character(text, w->from), to = whole_character(text, w->to), grown = 0, span[2];
    bool found = true;
    while (at < to) {
        aip_bytes view = {text.data + base, to - base};
        AIP_TRY(pattern_exact_find(r->exact, view, at - base, &found, &span[0], &span[1], err));
        if (!found) {
            return AIP_OK;
        }
        span[0] += base;
        span[1] += base;
        if (to - span[1] < WINDOW_EDGE && to < text.size && grown < WINDOW_GROWTH_MAX) {
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

aip_status
dlp_scan_plain(const dlp_scanner *scanner, dlp_workspace *w, aip_bytes text, dlp_findings *out, aip_error *err)
{
    w->count = 0;
    w->failed = false;
    w->text_size = text.size;
    if (scanner->set == NULL || text.size == 0) {
        return AIP_OK;
    }
    memset(w->latest, 0, scanner->count * sizeof w->latest[0]);
    AIP_TRY(pattern_set_scan(scanner->set, w->scratch, text, open_window, w, err));
    if (w->failed) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (w->count > 1) {
        qsort(w->windows, w->count, sizeof w->windows[0], compare_windows);
    }
    for (size_t i = 0; i < w->count; i++) {
        size_t earlier = out->count;
        /* The window before may have been enlarged into this one. */
        if (earlier > 0 && out->items[earlier - 1].rule == w->windows[i].rule && i > 0 &&
            w->windows[i - 1].rule == w->windows[i].rule && out->items[earlier - 1].end > w->windows[i].from) {
            w->windows[i].from = out->items[earlier - 1].end;
        }
        AIP_TRY(search_window(&scanner->rules[w->windows[i].rule], &w->windows[i], text, out, err));
    }
    return AIP_OK;
}
