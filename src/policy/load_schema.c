/* A document against the keys that policies have; what is known but not kept is refused by name. */
#include "base/near.h"
#include "policy/load_inside.h"

enum { NAME_SHOWN = 64 };

/* ---- unknown keys ---- */

static bool
belongs(const policy_loader *l, const load_key *key)
{
    return key->home == KEY_ANYWHERE || l->policy->api_version == NULL || (key->home == KEY_OWN) == l->own;
}

static const char *
nearest(const policy_loader *l, const char *name, const load_key *keys)
{
    near_name near = {.asked = name};
    for (; keys->name != NULL; keys++) {
        if (belongs(l, keys)) {
            near_try(&near, keys->name);
        }
    }
    return near.found;
}

static void
check_unknown(policy_loader *l, load_spot spot, const load_key *keys, const load_key *elsewhere)
{
    char name[NAME_SHOWN];
    const char *near = l->problems->more ? NULL : nearest(l, spot.key, keys);
    aip_printable(aip_bytes_of(spot.key), name, sizeof name);
    if (elsewhere != NULL) {
        load_complain(l, spot, "%s: no such key here; it belongs to apiVersion %s", name,
                      elsewhere->home == KEY_OWN ? "aip-gateway/v1" : "aip.io/v1alpha3");
    } else if (l->origin->lenient) {
        load_warn(l, spot, "%s: no such key here; it has no effect", name);
    } else if (near != NULL) {
        load_complain(l, spot, "%s: no such key here; did you mean %s?", name, near);
    } else {
        load_complain(l, spot, "%s: no such key here", name);
    }
}

/* ---- values ---- */

static bool
is_one_of(const char *text, const char *choices)
{
    char word[LOAD_WORD_SIZE];
    size_t size = strlen(load_word(text, word));
    for (const char *at = choices; size > 0 && at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, word, size) == 0 && (at[size] == '|' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static void
check_text(policy_loader *l, load_spot spot, const load_key *key)
{
    const char *text = load_text(l, spot);
    uint64_t microseconds;
    if (text == NULL) {
        load_complain(l, spot, "%s is a text", key->name);
    } else if (key->kind == KEY_DURATION && !load_read_duration(text, &microseconds)) {
        load_complain(l, spot, "%s is a duration, such as 5m or 1h30m", key->name);
    } else if (key->choices != NULL && !is_one_of(text, key->choices)) {
        load_complain(l, spot, "%s is one of %s here", key->name, key->choices);
    }
}

static void
check_boolean(policy_loader *l, load_spot spot, const load_key *key)
{
    bool value;
    if (!load_read_boolean(json_object_get(spot.container, spot.key), &value)) {
        load_complain(l, spot, "%s is true or false", key->name);
    } else if (value && key->off) {
        load_complain(l, spot, "%s: what this switches on is not enforced here", key->name);
    }
}

static void
check_texts(policy_loader *l, load_spot spot, const load_key *key)
{
    const json_t *value = json_object_get(spot.container, spot.key);
    if (!json_is_array(value)) {
        load_complain(l, spot, "%s is a list of texts", key->name);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const load_spot item = {value, NULL, i};
        const char *text = load_text(l, item);
        if (text == NULL || text[0] == '\0' || json_is_null(json_array_get(value, i))) {
            load_complain(l, item, "%s: item %zu is no text, or empty", key->name, i + 1);
        }
    }
}

static void
check_text_map(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *value = json_object_get(spot.container, spot.key), *member;
    const char *name;
    if (!json_is_object(value)) {
        load_complain(l, spot, "%s is a mapping of texts", key->name);
    }
    json_object_foreach(value, name, member)
    {
        const load_spot inner = {value, name, 0};
        if (json_is_null(member) || load_text(l, inner) == NULL) {
            load_complain(l, inner, "%s: each value is a text", key->name);
        }
    }
}

static void check_mapping(policy_loader *l, load_spot spot, json_t *mapping, const load_key *keys);

static void
check_mappings(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *list = json_object_get(spot.container, spot.key);
    bool texts = key->kind == KEY_CANARIES;
    if (!json_is_array(list)) {
        load_complain(l, spot, "%s is a list of %smappings", key->name, texts ? "texts and " : "");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const load_spot item = {list, NULL, i};
        if (!texts || load_text(l, item) == NULL) {
            check_mapping(l, item, json_array_get(list, i), key->keys);
        }
    }
}

static void
check_named(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *map = json_object_get(spot.container, spot.key), *member;
    const char *name;
    if (!json_is_object(map)) {
        load_complain(l, spot, "%s is a mapping of names to mappings", key->name);
    }
    json_object_foreach(map, name, member)
    {
        check_mapping(l, (load_spot){map, name, 0}, member, key->keys);
    }
}

static void
check_value(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *value = json_object_get(spot.container, spot.key);
    if (key->kind == KEY_RESERVED) {
        load_complain(l, spot, "%s is not enforced here, so it must not stand here", key->name);
        return;
    }
    if (json_is_null(value)) {
        if (l->own) { /* `roots:` without any would be for all */
            load_complain(l, spot, "%s: its value is missing", key->name);
        }
        return;
    }
    switch (key->kind) {
    case KEY_TEXT:
    case KEY_DURATION:
        check_text(l, spot, key);
        break;
    case KEY_BOOLEAN:
        check_boolean(l, spot, key);
        break;
    case KEY_NUMBER:
        if (!json_is_integer(value) || json_integer_value(value) < 0) {
            load_complain(l, spot, "%s is a number", key->name);
        }
        break;
    case KEY_TEXTS:
        check_texts(l, spot, key);
        break;
    case KEY_TEXT_MAP:
        check_text_map(l, spot, key);
        break;
    case KEY_PRICE:
        if (load_text(l, spot) == NULL) {
            check_mapping(l, spot, value, key->keys);
        }
        break;
    case KEY_MAPPING:
        check_mapping(l, spot, value, key->keys);
        break;
    case KEY_MAPPINGS:
    case KEY_CANARIES:
        check_mappings(l, spot, key);
        break;
    case KEY_NAMED:
        check_named(l, spot, key);
        break;
    case KEY_RESERVED:
        break;
    }
}

static void
check_mapping(policy_loader *l, load_spot spot, json_t *mapping, const load_key *keys)
{
    const char *name;
    json_t *value;
    if (!json_is_object(mapping)) {
        load_complain(l, spot, "%s: a mapping is wanted", spot.key == NULL ? "this" : "this key");
        return;
    }
    json_object_foreach(mapping, name, value)
    {
        const load_spot inner = {mapping, name, 0};
        const load_key *key = keys;
        while (key->name != NULL && strcmp(key->name, name) != 0) {
            key++;
        }
        if (key->name == NULL || !belongs(l, key)) {
            check_unknown(l, inner, keys, key->name == NULL ? NULL : key);
        } else {
            check_value(l, inner, key);
        }
    }
}

void
load_check_schema(policy_loader *l)
{
    check_mapping(l, (load_spot){NULL, NULL, 0}, l->document.root, load_root_keys);
    l->schema_problems = l->problems->count;
}
