/* Values of gateway.yaml by type, with a sentence for each way to be wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/near.h"
#include "base/text.h"
#include "gateway/config_inside.h"

enum { NAME_SHOWN = 40 };

/* ---- problems ---- */

static const yaml_entry *
entry_of(const config_reader *r, const config_spot *spot)
{
    return yaml_find(&r->out->document, spot->container, spot->key, spot->index);
}

yaml_place
config_place(const config_reader *r, const config_spot *spot)
{
    const yaml_entry *entry = entry_of(r, spot);
    return entry == NULL ? (yaml_place){0, 0} : entry->place;
}

yaml_place
config_key_place(const config_reader *r, const config_spot *spot)
{
    const yaml_entry *entry = entry_of(r, spot);
    return entry == NULL ? (yaml_place){0, 0} : entry->key_place;
}

void
config_complain(config_reader *r, yaml_place place, const char *format, ...)
{
    char raw[sizeof r->problems->items[0].sentence];
    va_list arguments;
    if (r->problems->count == CONFIG_PROBLEMS_MAX) {
        r->problems->more = true;
        return;
    }
    config_problem *problem = &r->problems->items[r->problems->count++];
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    problem->place = place;
    aip_printable(aip_bytes_of(raw), problem->sentence, sizeof problem->sentence);
}

/* `port`, or `item 2`. */
static const char *
name_of(const config_spot *spot, char out[NAME_SHOWN])
{
    if (spot->key != NULL) {
        return aip_printable(aip_bytes_of(spot->key), out, NAME_SHOWN);
    }
    snprintf(out, NAME_SHOWN, "item %zu", spot->index + 1);
    return out;
}

void
config_complain_of(config_reader *r, const config_spot *spot, const aip_error *err)
{
    char name[NAME_SHOWN];
    if (err->status == AIP_NO_MEMORY) {
        r->no_memory = true;
        return;
    }
    const char *sentence = aip_status_lookup(err->status)->sentence;
    bool plain = err->status == AIP_CONFIG_INVALID || err->status == AIP_USAGE; /* their details say it all */
    config_complain(r, config_place(r, spot), "%s: %s%s%s", name_of(spot, name),
                    plain && err->detail[0] != '\0' ? "" : sentence, plain || err->detail[0] == '\0' ? "" : " ",
                    err->detail);
}

void
config_complain_of_key(config_reader *r, const config_spot *spot, const char *const *names, size_t count)
{
    char name[NAME_SHOWN];
    near_name near = {.asked = spot->key};
    for (size_t i = 0; i < count; i++) {
        near_try(&near, names[i]);
    }
    name_of(spot, name);
    if (near.found == NULL) {
        config_complain(r, config_key_place(r, spot), "%s: no such key here", name);
    } else {
        config_complain(r, config_key_place(r, spot), "%s: no such key here; did you mean %s?", name, near.found);
    }
}

/* ---- values ---- */

static const char *
type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "a mapping";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    case JSON_NULL:
        return "nothing";
    }
    return "something else";
}

static bool
refuse_type(config_reader *r, const config_spot *spot, const char *wanted, const char *hint)
{
    char name[NAME_SHOWN];
    config_complain(r, config_place(r, spot), "%s: %s belongs here, and this is %s%s", name_of(spot, name), wanted,
                    type_of(spot->value), hint);
    return false;
}

bool
config_read_text(config_reader *r, const config_spot *spot, const char **out)
{
    char name[NAME_SHOWN];
    if (!json_is_string(spot->value)) {
        bool scalar = json_is_number(spot->value) || json_is_boolean(spot->value);
        return refuse_type(r, spot, "a text", scalar ? "; put it in quotes" : "");
    }
    *out = json_string_value(spot->value);
    if (**out == '\0') {
        config_complain(r, config_place(r, spot), "%s: an empty text", name_of(spot, name));
        return false;
    }
    return true;
}

bool
config_read_number(config_reader *r, const config_spot *spot, uint64_t least, uint64_t most, uint64_t *out)
{
    char name[NAME_SHOWN];
    if (!json_is_integer(spot->value)) {
        return refuse_type(r, spot, "a whole number",
                           json_is_string(spot->value) ? "; write plain digits without quotes" : "");
    }
    json_int_t value = json_integer_value(spot->value);
    if (value < 0 || (uint64_t)value < least || (uint64_t)value > most) {
        config_complain(r, config_place(r, spot), "%s: not from %llu to %llu", name_of(spot, name),
                        (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

bool
config_read_duration(config_reader *r, const config_spot *spot, uint64_t least, uint64_t most, uint64_t *out)
{
    char name[NAME_SHOWN];
    aip_error err = AIP_ERROR_INIT;
    int64_t seconds = 0;
    if (json_is_integer(spot->value)) {
        return config_read_number(r, spot, least, most, out);
    }
    if (!json_is_string(spot->value)) {
        return refuse_type(r, spot, "a duration such as 90s, 15m, 1h or 2d", "");
    }
    if (text_parse_duration(json_string_value(spot->value), &seconds, &err) != AIP_OK) {
        config_complain_of(r, spot, &err);
        return false;
    }
    *out = (uint64_t)seconds;
    if (*out < least || *out > most) {
        config_complain(r, config_place(r, spot), "%s: not from %llu to %llu seconds", name_of(spot, name),
                        (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    return true;
}

bool
config_read_flag(config_reader *r, const config_spot *spot, bool *out)
{
    *out = json_is_true(spot->value);
    return json_is_boolean(spot->value) || refuse_type(r, spot, "true or false", "");
}

bool
config_read_amount(config_reader *r, const config_spot *spot, uint64_t *micro_usd)
{
    char name[NAME_SHOWN];
    const yaml_entry *entry = entry_of(r, spot);
    if (entry == NULL || entry->literal == NULL) {
        return refuse_type(r, spot, "an amount in USD", json_is_string(spot->value) ? "; write it without quotes" : "");
    }
    if (aip_budget_parse(aip_bytes_of(entry->literal), micro_usd, NULL) != AIP_OK) {
        config_complain(r, entry->place,
                        "%s: an amount in USD is not negative and has at most %d digits, then at most 6 decimals",
                        name_of(spot, name), AIP_BUDGET_INTEGER_DIGITS_MAX);
        return false;
    }
    return true;
}

static bool
is_repeated(const char *const *items, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool
read_item(config_reader *r, const config_spot *spot, aip_status (*check)(const char *text, aip_error *err),
          const char **items, size_t *count)
{
    const char *text = NULL;
    aip_error err = AIP_ERROR_INIT;
    if (!config_read_text(r, spot, &text)) {
        return false;
    }
    if (check != NULL && check(text, &err) != AIP_OK) {
        config_complain_of(r, spot, &err);
        return false;
    }
    if (is_repeated(items, *count, text)) {
        config_complain(r, config_place(r, spot), "item %zu: stands in the list already", spot->index + 1);
        return false;
    }
    items[(*count)++] = text;
    return true;
}

bool
config_read_list(config_reader *r, const config_spot *spot, size_t most,
                 aip_status (*check)(const char *text, aip_error *err), const char ***items, size_t *count)
{
    char name[NAME_SHOWN];
    bool good = true;
    *items = NULL;
    *count = 0;
    if (!json_is_array(spot->value)) {
        return refuse_type(r, spot, "a list",
                           json_is_string(spot->value) ? "; write each entry on a line of its own after a dash" : "");
    }
    size_t size = json_array_size(spot->value);
    if (size > most) {
        config_complain(r, config_place(r, spot), "%s: more than %zu entries", name_of(spot, name), most);
        return false;
    }
    *items = calloc(size + 1, sizeof **items);
    if (*items == NULL) {
        r->no_memory = true;
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const config_spot item = {.container = spot->value, .index = i, .value = json_array_get(spot->value, i)};
        good &= read_item(r, &item, check, *items, count);
    }
    return good;
}
