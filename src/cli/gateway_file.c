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

static void
append_problems(text_buffer *text, const config_problems *problems)
{
    text_append_string(text, "{\"valid\":false,\"code\":\"config.invalid\",\"problems\":[");
    for (size_t i = 0; i < problems->count; i++) {
        const config_problem *problem = &problems->items[i];
        text_append_format(text, "%s{\"line\":%u,\"column\":%u,\"message\":", i == 0 ? "" : ",", problem->place.line,
                           problem->place.column);
        text_append_json(text, aip_bytes_of(problem->sentence));
        text_append_string(text, "}");
    }
    text_append_format(text, "],\"more\":%s}", problems->more ? "true" : "false");
}

static void
print_problems(const char *path, const config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const config_problem *problem = &problems->items[i];
        fprintf(stderr, "%s:%u:%u: %s\n", path, problem->place.line, problem->place.column, problem->sentence);
    }
    if (problems->more) {
        fprintf(stderr, "%s: and more\n", path);
    }
}

aip_status
gateway_file_load(const char *path, bool json, gateway_config *out, aip_error *err)
{
    static config_problems problems; /* 13 KiB */
    char *text STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(text_load_file(path, AIP_CONFIG_BYTES_MAX, &text, &size, err));
    aip_status status = config_load((aip_bytes){(const unsigned char *)text, size}, out, &problems, err);
    if (status == AIP_CONFIG_INVALID && json) {
        TEXT_AUTO text_buffer object = {0};
        append_problems(&object, &problems);
        AIP_TRY(options_print(&object, err));
    } else if (status == AIP_CONFIG_INVALID) {
        print_problems(path, &problems);
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
give(const option *to, const config_value *value, aip_error *err)
{
    const char **text = to->destination;
    uint64_t *number = to->destination;
    switch (to->kind) {
    case OPTION_TEXT:
        *text = *text == NULL ? value->text : *text;
        return AIP_OK;
    case OPTION_UNSIGNED:
        *number = *number == NOT_GIVEN ? value->number : *number;
        return AIP_OK;
    case OPTION_LIST:
        return give_list(value, to->destination, err);
    case OPTION_FLAG:
        break;
    }
    return aip_fail(err, AIP_INTERNAL, "a key for a flag");
}

static aip_status
give_default(const option *to, const config_row *row, aip_error *err)
{
    config_value value = {.text = row->initial};
    int64_t seconds = 0;
    if (row->kind == CONFIG_NUMBER) {
        AIP_TRY(text_parse_unsigned(row->initial, row->most, &value.number, err));
    } else if (row->kind == CONFIG_DURATION) {
        AIP_TRY(text_parse_duration(row->initial, &seconds, err));
        value.number = (uint64_t)seconds;
    }
    return give(to, &value, err);
}

aip_status
gateway_file_apply(const option *table, const gateway_config *config, aip_error *err)
{
    for (size_t i = 0; i < config_row_count; i++) {
        const config_row *row = &config_rows[i];
        const option *to = find_option(table, row->option);
        if (to == NULL || row->kind == CONFIG_TRUST) {
            continue;
        }
        if (config->values[i].given) {
            AIP_TRY(give(to, &config->values[i], err));
        }
        if (row->initial != NULL) {
            AIP_TRY(give_default(to, row, err));
        }
        if (to->kind == OPTION_UNSIGNED && *(uint64_t *)to->destination != NOT_GIVEN) {
            AIP_TRY(config_check_number(row, *(uint64_t *)to->destination, err));
        }
    }
    return AIP_OK;
}
