/* Merges gateway.yaml with the command line, by the names of options in the table of keys. */
#include "cli/gateway_file.h"

#include <stdlib.h>

#define NOT_GIVEN UINT64_MAX /* beyond every row's range */

void
gateway_file_begin(const option *table)
{
    for (const option *row = table; row->name != NULL; row++) {
        if (row->kind == OPTION_UNSIGNED) {
            *(uint64_t *)row->destination = NOT_GIVEN;
        }
    }
}

/* ---- the file ---- */

aip_status
gateway_file_load(const char *path, gateway_config *out, text_buffer *report, aip_error *err)
{
    static config_problems problems; /* 13 KiB; the main thread alone loads */
    char *text STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(text_load_file(path, AIP_CONFIG_BYTES_MAX, &text, &size, err));
    aip_status status = config_load((aip_bytes){(const unsigned char *)text, size}, out, &problems, err);
    for (size_t i = 0; status == AIP_CONFIG_INVALID && i < problems.count; i++) {
        const config_problem *problem = &problems.items[i];
        text_append_format(report, "%s:%u:%u: %s\n", path, problem->place.line, problem->place.column,
                           problem->sentence);
    }
    if (problems.more) {
        text_append_format(report, "%s: and more\n", path);
    }
    return status;
}

/* ---- into the options ---- */

static const option *
find_option(const option *table, const char *name)
{
    for (const option *row = table; name != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* The member of `options` that the row's destination is in the structure of the table. */
static void *
place_in(const option_source *source, const option *row, const void *options)
{
    size_t offset = (size_t)((const char *)row->destination - (const char *)source->destinations);
    return (char *)(uintptr_t)options + offset;
}

static aip_status
give_list(const config_value *value, option_list *out, aip_error *err)
{
    if (out->count > 0 || value->count == 0) {
        return AIP_OK;
    }
    out->items = malloc(value->count * sizeof *out->items);
    if (out->items == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    memcpy(out->items, value->items, value->count * sizeof *out->items);
    out->count = value->count;
    return AIP_OK;
}

static aip_status
give(option_kind kind, void *place, const config_value *value, aip_error *err)
{
    const char **text = place;
    uint64_t *number = place;
    switch (kind) {
    case OPTION_TEXT:
        *text = *text == NULL ? value->text : *text;
        return AIP_OK;
    case OPTION_UNSIGNED:
        *number = *number == NOT_GIVEN ? value->number : *number;
        return AIP_OK;
    case OPTION_LIST:
        return give_list(value, place, err);
    case OPTION_FLAG:
        break;
    }
    return aip_fail(err, AIP_INTERNAL, "a key for a flag");
}

static aip_status
give_default(option_kind kind, void *place, const config_row *row, aip_error *err)
{
    config_value value = {.text = row->initial};
    int64_t seconds = 0;
    if (row->kind == CONFIG_NUMBER) {
        AIP_TRY(text_parse_unsigned(row->initial, row->most, &value.number, err));
    } else if (row->kind == CONFIG_DURATION) {
        AIP_TRY(text_parse_duration(row->initial, &seconds, err));
        value.number = (uint64_t)seconds;
    }
    return give(kind, place, &value, err);
}

static aip_status
apply_row(const option *to, void *place, const config_row *row, const config_value *value, aip_error *err)
{
    if (value->given) {
        AIP_TRY(give(to->kind, place, value, err));
    }
    if (row->initial != NULL) {
        AIP_TRY(give_default(to->kind, place, row, err));
    }
    const uint64_t *number = place;
    return to->kind == OPTION_UNSIGNED && *number != NOT_GIVEN ? config_check_number(row, *number, err) : AIP_OK;
}

aip_status
gateway_file_apply(const option_source *source, void *to, const gateway_config *config, aip_error *err)
{
    for (size_t i = 0; i < config_row_count; i++) {
        const option *row = find_option(source->table, config_rows[i].option);
        if (row != NULL && config_rows[i].kind != CONFIG_TRUST) {
            AIP_TRY(apply_row(row, place_in(source, row, to), &config_rows[i], &config->values[i], err));
        }
    }
    return AIP_OK;
}

void
gateway_file_release(const option_source *source, void *to)
{
    for (const option *row = source->table; row->name != NULL; row++) {
        option_list *list = place_in(source, row, to);
        const option_list *given = place_in(source, row, source->given);
        if (row->kind == OPTION_LIST && list->items != given->items) {
            free(list->items);
            *list = (option_list){0};
        }
    }
}

/* ---- what changed ---- */

static bool
is_given(const option_source *source, const option *row)
{
    const void *place = place_in(source, row, source->given);
    switch (row->kind) {
    case OPTION_TEXT:
        return *(const char *const *)place != NULL;
    case OPTION_UNSIGNED:
        return *(const uint64_t *)place != NOT_GIVEN;
    case OPTION_LIST:
        return ((const option_list *)place)->count > 0;
    case OPTION_FLAG:
        break;
    }
    return false;
}

static bool
same_value(const config_row *row, const config_value *a, const config_value *b)
{
    if (a->given != b->given || !a->given) {
        return a->given == b->given;
    }
    if (row->kind == CONFIG_TEXT) {
        return strcmp(a->text, b->text) == 0;
    }
    bool same = a->number == b->number && a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->items[i], b->items[i]) == 0;
    }
    return same;
}

void
gateway_file_changes(const option_source *source, const gateway_config *before, const gateway_config *after,
                     text_buffer *out)
{
    for (size_t i = 0; i < config_row_count; i++) {
        const config_row *row = &config_rows[i];
        const option *to = find_option(source->table, row->option);
        bool counts = !row->reload && (to == NULL || !is_given(source, to));
        if (counts && !same_value(row, &before->values[i], &after->values[i])) {
            text_append_format(out, "%s%s", out->size == 0 ? "" : ", ", row->path);
        }
    }
}

/* ---- checks ---- */

/* A line of a report in its parts: a file with a place, a file alone, or neither. */
typedef struct {
    aip_bytes file, sentence;
    unsigned line, column;
    bool warning;
} found_line;

static aip_bytes
span(const char *from, const char *to)
{
    return (aip_bytes){(const unsigned char *)from, (size_t)(to - from)};
}

/* `line` ends with NUL. The place is `:line:column: ` after the file, or `line L, column C: ` after `: warning: `. */
static void
take_apart(const char *line, found_line *out)
{
    int read = 0;
    *out = (found_line){.sentence = aip_bytes_of(line)};
    const char *warning = strstr(line, ": warning: ");
    if (warning != NULL) {
        const char *rest = warning + strlen(": warning: ");
        out->warning = true;
        out->file = span(line, warning);
        if (sscanf(rest, "line %u, column %u: %n", &out->line, &out->column, &read) < 2 || read == 0) {
            read = 0;
        }
        out->sentence = aip_bytes_of(rest + read);
        return;
    }
    for (const char *colon = strchr(line, ':'); colon != NULL; colon = strchr(colon + 1, ':')) {
        read = 0;
        if (sscanf(colon, ":%u:%u: %n", &out->line, &out->column, &read) == 2 && read > 0) {
            out->file = span(line, colon);
            out->sentence = aip_bytes_of(colon + read);
            return;
        }
    }
    out->line = out->column = 0;
}

static void
append_line(text_buffer *out, const found_line *line)
{
    text_append_string(out, "{");
    if (line->line > 0) {
        text_append_format(out, "\"line\":%u,\"column\":%u,", line->line, line->column);
    }
    text_append_string(out, "\"message\":");
    text_append_json(out, line->sentence);
    if (line->file.size > 0) {
        text_append_string(out, ",\"file\":");
        text_append_json(out, line->file);
    }
    text_append_string(out, "}");
}

static void
append_lines(text_buffer *out, const text_buffer *report, bool warnings)
{
    const char *comma = "";
    text_append_format(out, ",\"%s\":[", warnings ? "warnings" : "problems");
    for (size_t i = 0; i < report->size;) {
        const char *end = memchr(report->data + i, '\n', report->size - i);
        size_t size = end == NULL ? report->size - i : (size_t)(end - (report->data + i));
        char *text STRING_AUTO = strndup(report->data + i, size);
        found_line line = {0};
        if (text == NULL) {
            out->failed = true;
            return;
        }
        take_apart(text, &line);
        if (line.warning == warnings) {
            text_append_string(out, comma);
            append_line(out, &line);
            comma = ",";
        }
        i += size + 1;
    }
    text_append_string(out, "]");
}

static int
exit_code_of(aip_status status)
{
    int code = aip_status_exit_code(status);
    bool other = status == AIP_USAGE || status == AIP_IO || status == AIP_NO_MEMORY;
    return status == AIP_OK || other ? code : 1;
}

int
gateway_file_print_check(bool json, aip_status status, const text_buffer *report)
{
    TEXT_AUTO text_buffer object = {0};
    if (!json) {
        fwrite(report->data == NULL ? "" : report->data, 1, report->size, stderr);
        if (status == AIP_OK) {
            puts("valid");
        }
        return exit_code_of(status);
    }
    text_append_format(&object, "{\"valid\":%s", status == AIP_OK ? "true" : "false");
    if (status != AIP_OK) {
        text_append_format(&object, ",\"code\":\"%s\"", aip_status_lookup(status)->name);
        append_lines(&object, report, false);
    }
    append_lines(&object, report, true);
    text_append_string(&object, "}");
    return options_print(&object, NULL) == AIP_OK ? exit_code_of(status) : aip_status_exit_code(AIP_NO_MEMORY);
}
