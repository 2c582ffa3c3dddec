/* Values of YAML as they are built, each with its place; anchors and what repeats them. */
#include <errno.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/yaml_inside.h"

#define NUMBER_BYTES_MAX 64 /* more digits than any double tells apart, several times over */

/* ---- the table of places ---- */

static aip_status
add_entry(yaml_values *b, const yaml_entry *entry, aip_error *err)
{
    if (b->out->count == b->limits->nodes) {
        return yaml_refuse(err, AIP_JSON_SIZE, entry->place, "more values than the limit");
    }
    if (b->out->count == b->room) {
        size_t room = b->room == 0 ? 64 : b->room * 2;
        yaml_entry *entries = realloc(b->out->entries, room * sizeof *entries);
        if (entries == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        b->out->entries = entries;
        b->room = room;
    }
    b->out->entries[b->out->count++] = *entry;
    return AIP_OK;
}

static int
compare(const void *left, const void *right)
{
    const yaml_entry *a = left, *b = right;
    uintptr_t in_a = (uintptr_t)a->container, in_b = (uintptr_t)b->container;
    if (in_a != in_b) {
        return in_a < in_b ? -1 : 1;
    }
    if (a->key == NULL || b->key == NULL) {
        bool less = a->key == NULL && (b->key != NULL || a->index < b->index);
        return less ? -1 : a->key != b->key || a->index != b->index;
    }
    return strcmp(a->key, b->key);
}

void
yaml_values_sort(yaml_document *document)
{
    qsort(document->entries, document->count, sizeof *document->entries, compare);
}

const yaml_entry *
yaml_find(const yaml_document *document, const json_t *container, const char *key, size_t index)
{
    const yaml_entry wanted = {.container = container, .key = key, .index = key == NULL ? index : 0};
    return document->count == 0
               ? NULL
               : bsearch(&wanted, document->entries, document->count, sizeof *document->entries, compare);
}

void
yaml_clear(yaml_document *document)
{
    for (size_t i = 0; i < document->count; i++) {
        free(document->entries[i].literal);
    }
    free(document->entries);
    json_decref(document->root);
    *document = (yaml_document){0};
}

/* ---- values into their places ---- */

/* Takes the value in any case; the entry of it is complete but for where it stands. */
static aip_status
put_value(yaml_values *b, json_t *value, yaml_entry *entry)
{
    if (value == NULL) {
        return AIP_NO_MEMORY;
    }
    if (b->depth == 0) {
        b->out->root = value;
        return AIP_OK;
    }
    yaml_frame *top = &b->frames[b->depth - 1];
    entry->container = top->container;
    if (json_is_array(top->container)) {
        entry->index = json_array_size(top->container);
        return json_array_append_new(top->container, value) == 0 ? AIP_OK : AIP_NO_MEMORY;
    }
    if (json_object_set_new_nocheck(top->container, b->key, value) != 0) {
        return AIP_NO_MEMORY;
    }
    entry->key = json_object_iter_key(json_object_iter_at(top->container, b->key));
    entry->key_place = top->key_place;
    free(b->key);
    b->key = NULL;
    top->key = NULL;
    return AIP_OK;
}

/* Takes the value and the literal. */
aip_status
yaml_values_add(yaml_values *b, json_t *value, char *literal, yaml_place place, aip_error *err)
{
    yaml_entry entry = {.place = place, .literal = literal};
    aip_status status = put_value(b, value, &entry);
    status = status == AIP_OK ? add_entry(b, &entry, err) : aip_fail(err, status, NULL);
    if (status != AIP_OK) {
        free(literal);
    }
    return status;
}

aip_status
yaml_values_open(yaml_values *b, bool mapping, yaml_place place, aip_error *err)
{
    json_t *container = mapping ? json_object() : json_array();
    AIP_TRY(yaml_values_add(b, container, NULL, place, err));
    if (b->depth == b->limits->depth || b->depth == YAML_DEPTH_MAX) {
        return yaml_refuse(err, AIP_JSON_DEPTH, place, "nested too deeply");
    }
    b->frames[b->depth++] = (yaml_frame){.container = container, .column = place.column};
    return AIP_OK;
}

aip_status
yaml_values_add_string(yaml_values *b, aip_bytes text, yaml_place place, aip_error *err)
{
    return yaml_values_add(b, json_stringn((const char *)text.data, text.size), NULL, place, err);
}

/* Where the type that is wanted decides what a word is, its spelling is kept. */
aip_status
yaml_values_add_boolean(yaml_values *b, bool value, aip_bytes text, yaml_place place, aip_error *err)
{
    char *literal = b->peer ? strndup((const char *)text.data, text.size) : NULL;
    if (b->peer && literal == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return yaml_values_add(b, json_boolean(value), literal, place, err);
}

aip_status
yaml_values_add_number(yaml_values *b, bool integer, aip_bytes text, yaml_place place, aip_error *err)
{
    char literal[NUMBER_BYTES_MAX + 1];
    double real = 0;
    long long whole = 0;
    if (text.size > NUMBER_BYTES_MAX) {
        return yaml_refuse(err, AIP_JSON_NUMBER, place, "a number of too many digits");
    }
    memcpy(literal, text.data, text.size);
    literal[text.size] = '\0';
    if (integer) {
        errno = 0;
        whole = strtoll(literal, NULL, 10);
    }
    if ((integer && errno != 0) || (!integer && number_read(aip_bytes_of(literal), &real, NULL) != AIP_OK)) {
        return yaml_refuse(err, AIP_JSON_NUMBER, place, "a number that is too large or too small");
    }
    char *copy = strdup(literal);
    if (copy == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return yaml_values_add(b, integer ? json_integer(whole) : json_real(real), copy, place, err);
}

/* ---- anchors and aliases ---- */

aip_status
yaml_values_anchor(yaml_values *b, const char *name, yaml_place place, aip_error *err)
{
    if (name == NULL) {
        return AIP_OK;
    }
    if (b->anchor_count == YAML_ANCHORS_MAX) {
        return yaml_refuse(err, AIP_JSON_SIZE, place, "more anchors than the limit");
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    b->anchors[b->anchor_count++] = (yaml_anchor){copy, b->out->count};
    return AIP_OK;
}

static const json_t *
value_of(const yaml_values *b, const yaml_entry *entry)
{
    if (entry->container == NULL) {
        return b->out->root;
    }
    return entry->key == NULL ? json_array_get(entry->container, entry->index)
                              : json_object_get(entry->container, entry->key);
}

static bool
is_open(const yaml_values *b, const json_t *value)
{
    for (size_t i = 0; i < b->depth; i++) {
        if (b->frames[i].container == value) {
            return true;
        }
    }
    return false;
}

static aip_status repeat(yaml_values *b, const json_t *value, size_t *at, aip_error *err);

static aip_status
repeat_children(yaml_values *b, const json_t *value, size_t *at, aip_error *err)
{
    const char *name;
    json_t *child;
    size_t i;
    json_array_foreach(value, i, child)
    {
        AIP_TRY(repeat(b, child, at, err));
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, child)
    {
        yaml_frame *top = &b->frames[b->depth - 1];
        b->key = strdup(name);
        if (b->key == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        top->key = b->key;
        top->key_place = b->out->entries[*at].key_place;
        AIP_TRY(repeat(b, child, at, err));
    }
    b->depth--;
    return AIP_OK;
}

/* Entries stand in the order of the document, each before those of what it contains. */
static aip_status
repeat(yaml_values *b, const json_t *value, size_t *at, aip_error *err)
{
    const yaml_entry *entry = &b->out->entries[(*at)++];
    yaml_place place = entry->place;
    if (json_is_object(value) || json_is_array(value)) {
        AIP_TRY(yaml_values_open(b, json_is_object(value), place, err));
        return repeat_children(b, value, at, err);
    }
    char *literal = entry->literal == NULL ? NULL : strdup(entry->literal);
    if (entry->literal != NULL && literal == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return yaml_values_add(b, json_copy((json_t *)(uintptr_t)value), literal, place, err);
}

aip_status
yaml_values_repeat(yaml_values *b, const char *name, yaml_place place, aip_error *err)
{
    size_t i = b->anchor_count;
    while (i > 0 && strcmp(b->anchors[i - 1].name, name) != 0) {
        i--;
    }
    if (i == 0) {
        return yaml_refuse(err, AIP_CONFIG_INVALID, place, "an alias of nothing that stands above");
    }
    if (b->alias_count++ == YAML_ALIASES_MAX) {
        return yaml_refuse(err, AIP_JSON_SIZE, place, "more aliases than the limit");
    }
    size_t at = b->anchors[i - 1].entry;
    const json_t *value = value_of(b, &b->out->entries[at]);
    return is_open(b, value) ? yaml_refuse(err, AIP_CONFIG_INVALID, place, "an alias of what it stands in")
                             : repeat(b, value, &at, err);
}

void
yaml_values_clear(yaml_values *b)
{
    free(b->key);
    for (size_t i = 0; i < b->anchor_count; i++) {
        free(b->anchors[i].name);
    }
}
