/* What is wrong with a policy: all of it, each with its place. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/load_inside.h"

/* Of the key, where there is one. */
static yaml_place
place_of(const policy_loader *l, load_spot spot)
{
    const yaml_entry *entry = yaml_find(&l->document, spot.container, spot.key, spot.index);
    yaml_place place = entry == NULL ? (yaml_place){1, 1} : entry->key_place.line > 0 ? entry->key_place : entry->place;
    return place.line == 0 ? (yaml_place){1, 1} : place;
}

/* A part that a walk over the keys refused is refused by its reader, too: once is enough. */
static bool
is_known(const policy_loader *l, yaml_place place)
{
    for (size_t i = 0; i < l->schema_problems; i++) {
        if (l->problems->items[i].line == place.line && l->problems->items[i].column == place.column) {
            return true;
        }
    }
    return false;
}

static void
add_problem(policy_loader *l, yaml_place place, aip_status status, const char *sentence)
{
    policy_problems *problems = l->problems;
    if (is_known(l, place)) {
        return;
    }
    if (problems->count == POLICY_PROBLEMS_MAX) {
        problems->more = true;
        return;
    }
    policy_problem *problem = &problems->items[problems->count++];
    *problem = (policy_problem){.line = place.line, .column = place.column, .status = status};
    aip_printable(aip_bytes_of(sentence), problem->sentence, sizeof problem->sentence);
}

void
load_complain(policy_loader *l, load_spot spot, const char *format, ...)
{
    char sentence[sizeof l->problems->items[0].sentence];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    add_problem(l, place_of(l, spot), AIP_CONFIG_INVALID, sentence);
}

static const char *
words_of(const aip_error *below)
{
    return below->detail[0] == '\0' ? aip_status_lookup(below->status)->sentence : below->detail;
}

void
load_complain_of(policy_loader *l, load_spot spot, const char *what, const aip_error *below)
{
    char sentence[sizeof l->problems->items[0].sentence];
    if (below->status == AIP_NO_MEMORY) {
        l->no_memory = true;
        return;
    }
    snprintf(sentence, sizeof sentence, "%s: %s", what, words_of(below));
    add_problem(l, place_of(l, spot), below->status == AIP_OK ? AIP_CONFIG_INVALID : below->status, sentence);
}

void
load_complain_of_text(policy_loader *l, const aip_error *below)
{
    unsigned line = 1, column = 1;
    int read = 0;
    if (sscanf(below->detail, "line %u, column %u: %n", &line, &column, &read) < 2) {
        read = 0;
    }
    const char *rest = below->detail + read;
    add_problem(l, (yaml_place){line, column}, below->status,
                rest[0] == '\0' ? aip_status_lookup(below->status)->sentence : rest);
}

void
load_warn(policy_loader *l, load_spot spot, const char *format, ...)
{
    char sentence[sizeof l->problems->items[0].sentence], shown[sizeof sentence];
    va_list arguments;
    if (l->origin->warnings == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    const yaml_entry *entry = yaml_find(&l->document, spot.container, spot.key, spot.index);
    yaml_place place = entry == NULL ? (yaml_place){1, 1} : entry->place;
    text_append_format(l->origin->warnings, "line %u, column %u: %s\n", place.line, place.column,
                       aip_printable(aip_bytes_of(sentence), shown, sizeof shown));
}

static int
by_place(const void *left, const void *right)
{
    const policy_problem *a = left, *b = right;
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->column < b->column ? -1 : a->column > b->column;
}

aip_status
load_report(policy_loader *l, aip_error *err)
{
    const policy_problem *first = &l->problems->items[0];
    if (l->no_memory) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (l->problems->count == 0) {
        return AIP_OK;
    }
    qsort(l->problems->items, l->problems->count, sizeof *l->problems->items, by_place);
    return aip_fail_at(err, first->status, first->line, "line %u, column %u: %s", first->line, first->column,
                       first->sentence);
}
