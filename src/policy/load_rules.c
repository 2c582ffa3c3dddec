/* The tables of what a policy names: tools, resources, prompts, methods, skills and routes, and the rules on them. */
#include <stdlib.h>

#include "policy/load_inside.h"

/* Where the rules of a kind stand. */
typedef struct {
    const char *list, *key;
} rule_place;

static const rule_place places[POLICY_KINDS] = {[POLICY_METHOD] = {"a2a_rules", "method"},
                                                [POLICY_TOOL] = {"tool_rules", "tool"},
                                                [POLICY_RESOURCE] = {"resource_rules", "resource"},
                                                [POLICY_PROMPT] = {"prompt_rules", "prompt"},
                                                [POLICY_SKILL] = {"a2a_rules", "skill"},
                                                [POLICY_ROUTE] = {"http_rules", "route"}};

/* ---- names ---- */

/* A name as it is looked up; `*prefix`: with all that begins so. */
static bool
read_name(policy_loader *l, policy_kind kind, const char *written, load_spot at, normal_name *room, aip_bytes *out,
          bool *prefix)
{
    *prefix = false;
    *out = aip_bytes_of(written);
    if (!policy_is_address(kind)) {
        bool good = written != NULL && policy_fold(*out, room, out) && out->size > 0;
        if (!good) {
            load_complain(l, at, "a %s's name is empty or has no normal form", places[kind].key);
        }
        return good;
    }
    *prefix = out->size > 0 && out->data[out->size - 1] == '*';
    out->size -= *prefix;
    bool starred = out->size > 0 && memchr(out->data, '*', out->size) != NULL;
    if (written == NULL || starred || !(out->size > 0 || *prefix) ||
        !((kind == POLICY_RESOURCE && out->size == 0) || policy_address_is_canonical(kind, *out))) {
        load_complain(
            l, at,
            kind == POLICY_ROUTE
                ? "a route is a method, a space and a path in its simplest spelling, with at most a final star"
                : "a resource is a URI in its simplest spelling, with at most a final star");
        return false;
    }
    return true;
}

/* The name's row, new or known; NULL after a complaint. */
static policy_target *
add_target(policy_loader *l, policy_kind kind, const char *written, load_spot at)
{
    normal_name room;
    aip_bytes folded;
    bool prefix;
    policy_table *table = &l->policy->tables[kind];
    if (!read_name(l, kind, written, at, &room, &folded, &prefix)) {
        return NULL;
    }
    policy_names *names = prefix ? &table->prefixes : &table->names;
    const uint32_t *known = policy_names_find(names, folded);
    if (known != NULL) {
        return &table->targets[*known];
    }
    const char *key = policy_copy(l->policy, folded);
    policy_target *target = &table->targets[table->count];
    target->written = load_copy(l, written);
    if (key == NULL || target->written == NULL) {
        l->no_memory = true;
        return NULL;
    }
    policy_names_put(names, (aip_bytes){(const unsigned char *)key, folded.size}, (uint32_t)table->count++);
    return target;
}

static void
mark_tools(policy_loader *l, const json_t *list, bool denied)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const load_spot at = {list, NULL, i};
        policy_target *tool = add_target(l, POLICY_TOOL, load_text(l, at), at);
        if (tool != NULL) {
            tool->denied |= denied;
            tool->allowed |= !denied;
        }
    }
}

/* ---- rules ---- */

/* The kind that the rule is about; POLICY_KINDS after a complaint. */
static size_t
kind_of(policy_loader *l, const json_t *list, size_t index, policy_kind first, policy_kind second)
{
    const json_t *from = json_array_get(list, index);
    const char *one = load_member_text(l, from, places[first].key);
    const char *other = first == second ? NULL : load_member_text(l, from, places[second].key);
    if ((one == NULL) == (other == NULL) && first != second) {
        load_complain(l, (load_spot){list, NULL, index}, "a rule names either a %s or a %s", places[first].key,
                      places[second].key);
        return POLICY_KINDS;
    }
    return one != NULL || first == second ? first : second;
}

static void
add_rule(policy_loader *l, policy_kind kind, const json_t *list, size_t index)
{
    const json_t *from = json_array_get(list, index);
    const load_spot at = {list, NULL, index};
    policy_target *target = add_target(l, kind, load_member_text(l, from, places[kind].key), at);
    if (target == NULL) {
        return;
    }
    if (target->rule != NULL) {
        load_warn(l, at, "a second rule for the same %s: this one counts", places[kind].key);
        policy_drop_rule(target->rule);
    }
    target->rule = load_take(l, sizeof *target->rule);
    if (target->rule != NULL) {
        target->rule->number = (uint32_t)index + 1;
        load_rule(l, from, target->rule, target);
    }
}

static void
add_rules(policy_loader *l, const json_t *spec, policy_kind first, policy_kind second)
{
    const json_t *list = load_value(spec, places[first].list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t kind = json_is_object(json_array_get(list, i)) ? kind_of(l, list, i, first, second) : POLICY_KINDS;
        if (kind < POLICY_KINDS) {
            add_rule(l, (policy_kind)kind, list, i);
        }
    }
}

/* ---- tables ---- */

static void
reserve(policy_loader *l, const json_t *spec, policy_kind kind)
{
    policy_table *table = &l->policy->tables[kind];
    size_t count = json_array_size(load_value(spec, places[kind].list));
    if (kind == POLICY_TOOL) {
        count += json_array_size(load_value(spec, "allowed_tools"));
        count += json_array_size(load_value(spec, "denied_tools"));
    }
    table->targets = load_take(l, count * sizeof *table->targets);
    l->no_memory |= !policy_names_reserve(l->policy, &table->names, count) ||
                    (policy_is_address(kind) && !policy_names_reserve(l->policy, &table->prefixes, count));
}

static int
longer_first(const void *left, const void *right)
{
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return a == b ? 0 : a > b ? -1 : 1;
}

static void
order_prefixes(policy_loader *l, policy_table *table)
{
    if (table->prefixes.count == 0) {
        return;
    }
    size_t *lengths = load_take(l, table->prefixes.count * sizeof *lengths), count = 0;
    for (uint32_t i = 0; lengths != NULL && i <= table->prefixes.mask; i++) {
        if (table->prefixes.slots[i].name.data != NULL) {
            lengths[count++] = table->prefixes.slots[i].name.size;
        }
    }
    if (count == 0) {
        return;
    }
    qsort(lengths, count, sizeof *lengths, longer_first);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || lengths[i] != lengths[i - 1]) {
            lengths[table->length_count++] = lengths[i];
        }
    }
    table->lengths = lengths;
}

void
load_tables(policy_loader *l, const json_t *spec)
{
    policy_table *tables = l->policy->tables;
    for (size_t kind = 0; kind < POLICY_KINDS; kind++) {
        reserve(l, spec, (policy_kind)kind);
    }
    if (l->no_memory) {
        return;
    }
    mark_tools(l, load_value(spec, "allowed_tools"), false);
    mark_tools(l, load_value(spec, "denied_tools"), true);
    add_rules(l, spec, POLICY_TOOL, POLICY_TOOL);
    if (l->own) {
        add_rules(l, spec, POLICY_RESOURCE, POLICY_RESOURCE);
        add_rules(l, spec, POLICY_PROMPT, POLICY_PROMPT);
        add_rules(l, spec, POLICY_METHOD, POLICY_SKILL);
        add_rules(l, spec, POLICY_ROUTE, POLICY_ROUTE);
        tables[POLICY_RESOURCE].listed = load_value(spec, "resource_rules") != NULL;
        tables[POLICY_PROMPT].listed = load_value(spec, "prompt_rules") != NULL;
        tables[POLICY_SKILL].listed = tables[POLICY_SKILL].count > 0;
        tables[POLICY_ROUTE].listed = load_value(spec, "http_rules") != NULL;
    }
    order_prefixes(l, &tables[POLICY_RESOURCE]);
    order_prefixes(l, &tables[POLICY_ROUTE]);
}
