/* Rules to what is run: anchors of all of them together, and each exact pattern. */
#include <stdio.h>
#include <stdlib.h>

#include "aip/limits.h"
#include "base/pattern_dialect.h"
#include "base/pattern_inside.h"
#include "dlp/literal.h"
#include "dlp/scan_inside.h"

#define OWN_BYTES_MAX (PATTERN_DIALECT_BYTES_MAX * 16) /* one byte becomes an escape */

/* While a scanner is built. */
typedef struct {
    dlp_scanner *scanner;
    const dlp_rules *said;
    pattern_source *anchors, *slow; /* their texts are owned */
    size_t anchor_count, slow_count;
    dlp_engine engine;
} plan;

/* Takes the text. */
static aip_status
add_source(pattern_source *list, size_t *count, char *text, pattern_source source, aip_error *err)
{
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    source.text = text;
    list[(*count)++] = source;
    return AIP_OK;
}

static aip_status
add_anchor(plan *p, char *text, pattern_source source, aip_error *err)
{
    source.id = (unsigned)p->scanner->count - 1;
    source.bytes = true;
    return add_source(p->anchors, &p->anchor_count, text, source, err);
}

static aip_status
add_rule(plan *p, const char *name, const pattern_source *exact, dlp_action action, aip_error *err)
{
    dlp_rule *r = &p->scanner->rules[p->scanner->count++];
    *r = (dlp_rule){.name = strdup(name),
                    .validator = dlp_validate_any,
                    .before = SIZE_MAX,
                    .reach = SIZE_MAX,
                    .action = action,
                    .next_of_gate = SIZE_MAX,
                    .origin = SIZE_MAX};
    return r->name == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL)
                           : pattern_exact_new(exact, AIP_CONFIG_BYTES_MAX, &r->exact, err);
}

static aip_status
add_detector(plan *p, const dlp_detector *detector, dlp_action action, aip_error *err)
{
    dlp_scanner *s = p->scanner;
    pattern_source exact = {.text = detector->pattern};
    AIP_TRY(add_rule(p, detector->name, &exact, action, err));
    dlp_rule *r = &s->rules[s->count - 1];
    r->validator = detector->validator;
    r->before = detector->before;
    r->reach = detector->reach;
    r->gate = detector->gate;
    if (r->gate == DLP_GATE_NONE) {
        return add_anchor(p, strdup(detector->anchor), (pattern_source){0}, err);
    }
    r->next_of_gate = s->of_gate[r->gate];
    s->of_gate[r->gate] = s->count - 1;
    return AIP_OK;
}

/* Its anchor is a literal of its own, where it has one; or else it is its own anchor (D-3). */
static aip_status
add_own_anchors(plan *p, const char *regex, aip_error *err)
{
    dlp_rule *r = &p->scanner->rules[p->scanner->count - 1];
    dlp_literals literals;
    dlp_literals_of(regex, &literals);
    for (size_t i = 0; i < literals.count; i++) {
        pattern_source source = {.literal = true, .caseless = literals.caseless};
        AIP_TRY(add_anchor(p, strdup(literals.text[i]), source, err));
    }
    if (literals.count > 0) {
        return AIP_OK;
    }
    r->slow = p->scanner->has_slow = true;
    pattern_source gate = {.single_match = true, .id = (unsigned)p->scanner->count - 1};
    return add_source(p->slow, &p->slow_count, strdup(regex), gate, err);
}

static aip_status
add_own(plan *p, const dlp_pattern *pattern, aip_error *err)
{
    TEXT_AUTO text_buffer regex = {0};
    AIP_TRY(pattern_from_re2(aip_bytes_of(pattern->regex), &regex, err));
    text_append(&regex, (aip_bytes){(const unsigned char *)"", 1});
    AIP_TRY(text_finish(&regex, err));
    pattern_source exact = {.text = regex.data};
    AIP_TRY(add_rule(p, pattern->name, &exact, pattern->action, err));
    p->scanner->rules[p->scanner->count - 1].own = p->scanner->has_own = true;
    return add_own_anchors(p, regex.data, err);
}

static aip_status
add_pattern(plan *p, size_t index, aip_error *err)
{
    const dlp_pattern *pattern = &p->said->patterns[index];
    const dlp_detector *known = dlp_detector_of(pattern->regex);
    size_t size = strlen(pattern->name);
    if (size == 0 || size > AIP_DLP_NAME_BYTES_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a pattern's name has 1 to %d bytes", AIP_DLP_NAME_BYTES_MAX);
    }
    /* The same name and the same expression are the same detector, validator and all (D-3). */
    if (known != NULL && strcmp(known->name, pattern->name) == 0) {
        AIP_TRY(add_detector(p, known, pattern->action, err));
    } else {
        AIP_TRY(add_own(p, pattern, err));
    }
    p->scanner->rules[p->scanner->count - 1].origin = index;
    return AIP_OK;
}

/* Literals are NUL-terminated, so a canary with a NUL cannot be looked for. */
static aip_status
add_canary(plan *p, aip_bytes canary, size_t index, aip_error *err)
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
    aip_status status = add_rule(p, name, &source, DLP_BLOCK, err);
    dlp_rule *r = &p->scanner->rules[p->scanner->count - 1];
    r->before = r->reach = canary.size;
    r->canary = true;
    if (status != AIP_OK) {
        free(text);
        return status;
    }
    return add_anchor(p, text, source, err);
}

/* ---- exceptions ---- */

/* config.invalid, with the index, when an exception names nothing or names it twice. */
static aip_status
check_exceptions(const dlp_rules *said, aip_error *err)
{
    for (size_t i = 0; i < said->exception_count; i++) {
        if (said->exceptions[i].name == NULL || dlp_detector_named(said->exceptions[i].name) == NULL) {
            return aip_fail_at(err, AIP_CONFIG_INVALID, i, "no detector has this name");
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(said->exceptions[i].name, said->exceptions[k].name) == 0) {
                return aip_fail_at(err, AIP_CONFIG_INVALID, i, "a detector is named twice");
            }
        }
    }
    return AIP_OK;
}

static const dlp_exception *
exception_of(const dlp_rules *said, const char *name)
{
    for (size_t i = 0; i < said->exception_count; i++) {
        if (strcmp(said->exceptions[i].name, name) == 0) {
            return &said->exceptions[i];
        }
    }
    return NULL;
}

static aip_status
add_builtin(plan *p, aip_error *err)
{
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    for (size_t i = 0; i < count; i++) {
        const dlp_exception *exception = exception_of(p->said, table[i].name);
        if (exception == NULL || !exception->off) {
            dlp_action action = exception == NULL ? p->said->builtin_action : exception->action;
            AIP_TRY(add_detector(p, &table[i], action, err));
        }
    }
    return AIP_OK;
}

/* ---- all of it ---- */

static aip_status
add_all(plan *p, unsigned direction, aip_error *err)
{
    AIP_TRY(check_exceptions(p->said, err));
    for (size_t i = 0; i < p->said->canary_count; i++) {
        AIP_TRY(add_canary(p, p->said->canaries[i], i, err));
    }
    for (size_t i = 0; i < p->said->count; i++) {
        if ((p->said->patterns[i].scope & direction) != 0) {
            aip_status status = add_pattern(p, i, err);
            if (status != AIP_OK && err != NULL) {
                err->offset = (long)i;
            }
            AIP_TRY(status);
        }
    }
    return p->said->builtin ? add_builtin(p, err) : AIP_OK;
}

static aip_status
compile_sets(plan *p, aip_error *err)
{
    dlp_scanner *s = p->scanner;
    s->exact = p->engine == DLP_EXACT || !pattern_is_linear();
    if (p->anchor_count > 0 && !s->exact) {
        AIP_TRY(pattern_set_new(p->anchors, p->anchor_count, AIP_CONFIG_BYTES_MAX, &s->anchors, err));
    }
    return p->slow_count == 0 || s->exact ? AIP_OK
                                          : pattern_set_new(p->slow, p->slow_count, OWN_BYTES_MAX, &s->slow, err);
}

static aip_status
build(plan *p, unsigned direction, aip_error *err)
{
    dlp_scanner *s = p->scanner;
    size_t builtin_count = 0;
    dlp_detectors(&builtin_count);
    s->capacity = p->said->count + p->said->canary_count + (p->said->builtin ? builtin_count : 0) + 1;
    s->rules = calloc(s->capacity, sizeof s->rules[0]);
    p->anchors = calloc(s->capacity, DLP_LITERALS_MAX * sizeof p->anchors[0]);
    p->slow = calloc(s->capacity, sizeof p->slow[0]);
    s->decodes = p->said->detect_encoding;
    if (s->rules == NULL || p->anchors == NULL || p->slow == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < DLP_GATES; i++) {
        s->of_gate[i] = SIZE_MAX;
    }
    AIP_TRY(add_all(p, direction, err));
    return compile_sets(p, err);
}

static void
free_sources(pattern_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)sources[i].text);
    }
    free(sources);
}

aip_status
dlp_scanner_build(const dlp_rules *rules, unsigned direction, dlp_engine engine, dlp_scanner **out, aip_error *err)
{
    *out = NULL;
    dlp_scanner *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    plan p = {.scanner = s, .said = rules, .engine = engine};
    aip_status status = build(&p, direction, err);
    free_sources(p.anchors, p.anchor_count);
    free_sources(p.slow, p.slow_count);
    if (status != AIP_OK) {
        dlp_scanner_free(&s);
        return status;
    }
    *out = s;
    return AIP_OK;
}

aip_status
dlp_scanner_new(const dlp_rules *rules, unsigned direction, dlp_scanner **out, aip_error *err)
{
    return dlp_scanner_build(rules, direction, DLP_ANCHORED, out, err);
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
    pattern_set_free(&s->anchors);
    pattern_set_free(&s->slow);
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

bool
dlp_scanner_is_slow(const dlp_scanner *scanner, size_t pattern)
{
    for (size_t i = 0; i < scanner->count; i++) {
        if (scanner->rules[i].origin == pattern) {
            return scanner->rules[i].slow;
        }
    }
    return false;
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
