/* gateway.yaml by its table of keys. */
#include "gateway/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "did/resolver.h"
#include "gateway/admin.h"
#include "gateway/config_inside.h"
#include "gateway/front.h"
#include "gateway/pulling.h"
#include "gateway/serve.h"
#include "net/address.h"
#include "net/upstream.h"

enum { PATH_BYTES = 64 };

static aip_status
check_upstream(const char *text, aip_error *err)
{
    char path[1024];
    return upstream_check_url(text, path, sizeof path, err);
}

static aip_status
check_range(const char *text, aip_error *err)
{
    address_range range;
    return address_range_parse(text, &range, err);
}

static aip_status
check_arguments(const char *text, aip_error *err)
{
    return strcmp(text, "none") == 0 || strcmp(text, "redacted") == 0
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "none or redacted belongs here");
}

static aip_status
check_sync(const char *text, aip_error *err)
{
    return strcmp(text, "group") == 0 || strcmp(text, "each") == 0 || strcmp(text, "none") == 0
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "group, each or none belongs here");
}

const config_row config_rows[] = {
#define CONFIG_ROW(path, kind, option, least, most, initial, reload, check, help) \
    {path, CONFIG_##kind, option, least, most, initial, reload, check, help},
#include "gateway/config.def"
#undef CONFIG_ROW
};
const size_t config_row_count = sizeof config_rows / sizeof config_rows[0];
_Static_assert(sizeof config_rows / sizeof config_rows[0] <= CONFIG_ROWS_MAX, "a value for each row");

aip_status
config_check_number(const config_row *row, uint64_t number, aip_error *err)
{
    if (number < row->least || number > row->most) {
        return aip_fail(err, AIP_USAGE, "%s is %llu to %llu", row->option == NULL ? row->path : row->option,
                        (unsigned long long)row->least, (unsigned long long)row->most);
    }
    return AIP_OK;
}

/* ---- rows ---- */

static const config_row *
find_row(const char *path)
{
    for (size_t i = 0; i < config_row_count; i++) {
        if (strcmp(config_rows[i].path, path) == 0) {
            return &config_rows[i];
        }
    }
    return NULL;
}

const config_value *
config_value_of(const gateway_config *config, const char *path)
{
    return &config->values[find_row(path) - config_rows];
}

/* What follows `section` (`listen.`, or "" for the whole file) in the row's path, up to the next dot, into `out`. */
static bool
name_below(const config_row *row, const char *section, char out[PATH_BYTES])
{
    size_t size = strlen(section);
    if (strncmp(row->path, section, size) != 0) {
        return false;
    }
    snprintf(out, PATH_BYTES, "%.*s", (int)strcspn(row->path + size, "."), row->path + size);
    return true;
}

static bool
is_section(const char *path)
{
    size_t size = strlen(path);
    for (size_t i = 0; i < config_row_count; i++) {
        if (strncmp(config_rows[i].path, path, size) == 0 && config_rows[i].path[size] == '.') {
            return true;
        }
    }
    return false;
}

/* A key that belongs into another section, or one that is misspelt. */
static void
complain_of_key(config_reader *r, const config_spot *spot, const char *section)
{
    char room[CONFIG_ROWS_MAX][PATH_BYTES];
    const char *names[CONFIG_ROWS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < config_row_count; i++) {
        const char *dot = strrchr(config_rows[i].path, '.');
        if (strcmp(dot == NULL ? config_rows[i].path : dot + 1, spot->key) == 0) {
            config_complain(r, config_key_place(r, spot), "%s: no such key here; did you mean %s?", spot->key,
                            config_rows[i].path);
            return;
        }
        if (name_below(&config_rows[i], section, room[count])) {
            names[count] = room[count];
            count++;
        }
    }
    config_complain_of_key(r, spot, names, count);
}

/* ---- values ---- */

static void
read_text(config_reader *r, const config_spot *spot, const config_row *row, config_value *out)
{
    aip_error err = AIP_ERROR_INIT;
    out->given = config_read_text(r, spot, &out->text);
    if (out->given && row->check != NULL && row->check(out->text, &err) != AIP_OK) {
        config_complain_of(r, spot, &err);
    }
}

static void
read_value(config_reader *r, const config_spot *spot, const config_row *row)
{
    config_value *out = &r->out->values[row - config_rows];
    const yaml_entry *entry = yaml_find(&r->out->document, spot->container, spot->key, spot->index);
    bool flag = false;
    switch (row->kind) {
    case CONFIG_TEXT:
        read_text(r, spot, row, out);
        break;
    case CONFIG_LIST:
        out->given = config_read_list(r, spot, (size_t)row->most, row->check, &out->items, &out->count);
        break;
    case CONFIG_NUMBER:
        out->given = config_read_number(r, spot, row->least, row->most, &out->number);
        break;
    case CONFIG_DURATION:
        out->given = config_read_duration(r, spot, row->least, row->most, &out->number);
        break;
    case CONFIG_FLAG:
        out->given = config_read_flag(r, spot, &flag);
        out->number = flag;
        break;
    case CONFIG_TRUST:
        config_read_trust(r, spot);
        out->given = true;
        break;
    case CONFIG_UNKNOWN:
        config_read_unknown(r, spot);
        out->given = true;
        break;
    case CONFIG_UPSTREAMS:
        config_read_upstreams(r, spot, (size_t)row->most);
        out->given = true;
        break;
    }
    if (row->kind == CONFIG_NUMBER || row->kind == CONFIG_DURATION) {
        out->text = entry != NULL && entry->literal != NULL ? entry->literal : json_string_value(spot->value);
    }
}

static void read_section(config_reader *r, const json_t *object, const char *section);

static void
read_member(config_reader *r, const config_spot *spot, const char *section)
{
    char path[PATH_BYTES];
    int size = snprintf(path, sizeof path - 1, "%s%s", section, spot->key);
    const config_row *row = size < 0 || (size_t)size >= sizeof path - 1 ? NULL : find_row(path);
    if (row != NULL) {
        read_value(r, spot, row);
    } else if (size < 0 || (size_t)size >= sizeof path - 1 || !is_section(path)) {
        complain_of_key(r, spot, section);
    } else if (json_is_object(spot->value)) {
        strcat(path, ".");
        read_section(r, spot->value, path);
    } else {
        config_complain(r, config_place(r, spot), "%s: a mapping belongs here; write its keys below, indented", path);
    }
}

/* The table's paths end the descent. */
static void
read_section(config_reader *r, const json_t *object, const char *section)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        const config_spot spot = {.container = object, .key = key, .value = value};
        read_member(r, &spot, section);
    }
}

/* ---- files ---- */

static int
by_place(const void *left, const void *right)
{
    const config_problem *a = left, *b = right;
    if (a->place.line != b->place.line) {
        return a->place.line < b->place.line ? -1 : 1;
    }
    return a->place.column < b->place.column ? -1 : a->place.column > b->place.column;
}

static aip_status
report(config_problems *problems, aip_error *err)
{
    const config_problem *first = &problems->items[0];
    if (problems->count == 0) {
        return AIP_OK;
    }
    qsort(problems->items, problems->count, sizeof *problems->items, by_place);
    return aip_fail_at(err, AIP_CONFIG_INVALID, first->place.line, "line %u, column %u: %s", first->place.line,
                       first->place.column, first->sentence);
}

/* The loader's detail begins with the place, which the problem holds itself. */
static void
complain_of_text(config_reader *r, const aip_error *err)
{
    unsigned line = 1, column = 1;
    int read = 0;
    if (sscanf(err->detail, "line %u, column %u: %n", &line, &column, &read) < 2) {
        read = 0;
    }
    const char *sentence = err->status == AIP_CONFIG_INVALID ? "" : aip_status_lookup(err->status)->sentence;
    config_complain(r, (yaml_place){line, column}, "%s%s%s", sentence, sentence[0] == '\0' ? "" : " ",
                    err->detail + read);
}

aip_status
config_load(aip_bytes text, gateway_config *out, config_problems *problems, aip_error *err)
{
    static const yaml_limits limits = {AIP_CONFIG_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, AIP_CONFIG_NODES_MAX};
    config_reader r = {.out = out, .problems = problems};
    aip_error why = AIP_ERROR_INIT;
    *out = (gateway_config){0};
    *problems = (config_problems){0};
    aip_status status = yaml_load(text, &limits, &out->document, &why);
    if (status == AIP_NO_MEMORY) {
        return aip_fail(err, status, NULL);
    }
    if (status != AIP_OK) {
        complain_of_text(&r, &why);
    } else if (json_is_object(out->document.root)) {
        read_section(&r, out->document.root, "");
    } else {
        config_complain(&r, (yaml_place){1, 1}, "keys belong here, such as listen: and trust:");
    }
    return r.no_memory ? aip_fail(err, AIP_NO_MEMORY, NULL) : report(problems, err);
}

void
config_clear(gateway_config *config)
{
    for (size_t i = 0; i < config_row_count; i++) {
        free(config->values[i].items);
    }
    config_clear_upstreams(config);
    aip_trust_clear(&config->trust);
    yaml_clear(&config->document);
    *config = (gateway_config){0};
}
