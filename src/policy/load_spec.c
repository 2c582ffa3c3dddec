/* Methods, the cost of patterns, paths, approval and pins of a policy. */
#include "policy/load_inside.h"

/* Of the peer's, with those that every client sends besides. */
static const char *const default_methods[] = {"initialize",
                                              "initialized",
                                              "server/discover", /* how modern clients begin */
                                              "ping",
                                              "tools/call",
                                              "tools/list",
                                              "completion/complete",
                                              "cancelled",
                                              "notifications/initialized",
                                              "notifications/progress",
                                              "notifications/message",
                                              "notifications/resources/updated",
                                              "notifications/resources/list_changed",
                                              "notifications/tools/list_changed",
                                              "notifications/prompts/list_changed",
                                              "notifications/cancelled",
                                              "notifications/roots/list_changed"};

enum { DEFAULT_METHODS = sizeof default_methods / sizeof default_methods[0] };

/* ---- methods ---- */

/* Folded into the policy's memory. */
static void
add_method(policy_loader *l, policy_names *names, const char *written, load_spot at)
{
    normal_name room;
    aip_bytes folded;
    policy *p = l->policy;
    if (!policy_fold(aip_bytes_of(written), &room, &folded) || folded.size == 0) {
        load_complain(l, at, "a method that has no normal form");
        return;
    }
    const char *key = policy_copy(p, folded);
    p->methods[p->method_count] = load_copy(l, written);
    if (key == NULL || p->methods[p->method_count] == NULL) {
        l->no_memory = true;
        return;
    }
    p->method_count += policy_names_put(names, aip_bytes_of(key), (uint32_t)p->method_count) == p->method_count;
}

static void
add_methods(policy_loader *l, const json_t *spec, const char *key, policy_names *names)
{
    const json_t *list = load_value(spec, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const load_spot at = {list, NULL, i};
        const char *written = load_text(l, at);
        if (written != NULL && names == &l->policy->allowed_methods && strcmp(written, "*") == 0) {
            l->policy->any_method = true;
        } else if (written != NULL) {
            add_method(l, names, written, at);
        }
    }
}

void
load_methods(policy_loader *l, const json_t *spec)
{
    policy *p = l->policy;
    size_t allowed = json_array_size(load_value(spec, "allowed_methods"));
    size_t denied = json_array_size(load_value(spec, "denied_methods"));
    p->default_methods = allowed == 0;
    p->methods = load_take(l, (allowed + denied + DEFAULT_METHODS) * sizeof *p->methods);
    if (p->methods == NULL || !policy_names_reserve(p, &p->allowed_methods, allowed + DEFAULT_METHODS) ||
        !policy_names_reserve(p, &p->denied_methods, denied)) {
        l->no_memory = true;
        return;
    }
    for (size_t i = 0; p->default_methods && i < DEFAULT_METHODS; i++) {
        add_method(l, &p->allowed_methods, default_methods[i], (load_spot){spec, "allowed_methods", 0});
    }
    add_methods(l, spec, "allowed_methods", &p->allowed_methods);
    add_methods(l, spec, "denied_methods", &p->denied_methods);
    if (!p->any_method && policy_names_find(&p->allowed_methods, AIP_BYTES_LITERAL("tools/call")) == NULL) {
        load_warn(l, (load_spot){spec, "allowed_methods", 0},
                  "allowed_methods is without tools/call: no tool can be used");
    }
}

/* ---- patterns ---- */

static void
plan_rules(policy_loader *l, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *map = json_object_get(json_array_get(list, i), "allow_args"), *value;
        const char *name;
        json_object_foreach(map, name, value)
        {
            const load_spot at = {map, name, 0};
            load_plan(l, at, load_text(l, at));
        }
    }
}

void
load_plan_all(policy_loader *l, const json_t *spec)
{
    const json_t *list = load_value(load_value(spec, "dlp"), "patterns");
    plan_rules(l, load_value(spec, "tool_rules"));
    plan_rules(l, load_value(spec, "prompt_rules"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *from = json_array_get(list, i);
        load_plan(l, (load_spot){list, NULL, i}, load_member_text(l, from, "regex"));
    }
}

/* ---- paths ---- */

static void
guard_paths(policy_loader *l, const json_t *spec, size_t written)
{
    const load_spot at = {spec, "protected_paths", 0};
    policy *p = l->policy;
    aip_error below = AIP_ERROR_INIT;
    size_t own = l->origin->paths == NULL ? 0 : l->origin->own_file_count, all = p->path_count + own;
    if (all == 0) {
        return;
    }
    if (l->origin->paths == NULL) {
        load_complain(l, at, "paths cannot be protected here: no directory is known");
        return;
    }
    path_setting setting = *l->origin->paths;
    const char **entries = load_take(l, all * sizeof *entries);
    setting.own_entries = own;
    for (size_t i = 0; entries != NULL && i < all; i++) {
        entries[i] = i < p->path_count ? p->paths[i] : l->origin->own_files[i - p->path_count];
    }
    if (entries != NULL && path_guard_new(entries, all, &setting, &p->guard, &below) != AIP_OK) {
        bool known = below.offset >= 0 && (size_t)below.offset < written;
        load_complain_of(l, known ? (load_spot){load_value(spec, "protected_paths"), NULL, (size_t)below.offset} : at,
                         "protected_paths", &below);
    }
}

void
load_paths(policy_loader *l, const json_t *spec)
{
    const json_t *list = load_value(spec, "protected_paths");
    policy *p = l->policy;
    size_t count = json_array_size(list), own = l->origin->file == NULL ? 0 : 1;
    p->paths = load_take(l, (count + own) * sizeof *p->paths);
    for (size_t i = 0; p->paths != NULL && i < count + own; i++) {
        const char *text = i < count ? load_text(l, (load_spot){list, NULL, i}) : l->origin->file;
        p->paths[p->path_count] = load_copy(l, text);
        if (p->paths[p->path_count] == NULL) { /* no text: complained of before */
            return;
        }
        p->path_count++;
    }
    guard_paths(l, spec, count);
}

/* ---- approval and pins ---- */

static void
load_seconds(policy_loader *l, const json_t *from, const char *key, int64_t least, int64_t *seconds)
{
    uint64_t microseconds;
    const char *text = load_member_text(l, from, key);
    if (text == NULL || !load_read_duration(text, &microseconds)) {
        return;
    }
    *seconds = (int64_t)(microseconds / 1000000);
    if (*seconds < least || *seconds > 86400 || microseconds % 1000000 != 0) {
        load_complain(l, (load_spot){from, key, 0}, "%s is whole seconds, from %ds to 24h", key, (int)least);
    }
}

void
load_approval(policy_loader *l, const json_t *spec)
{
    const json_t *from = l->own ? load_value(spec, "approval") : NULL;
    const json_t *prompts = load_value(from, "prompts_per_minute");
    policy_approval *out = &l->policy->approval;
    *out = (policy_approval){.timeout_seconds = 60, .cooldown_seconds = 300, .prompts_per_minute = 10};
    load_seconds(l, from, "timeout", 1, &out->timeout_seconds);
    load_seconds(l, from, "cooldown", 0, &out->cooldown_seconds);
    if (prompts != NULL) {
        json_int_t count = json_integer_value(prompts);
        out->prompts_per_minute = (uint32_t)(count < 0 || count > 1000 ? 0 : count);
        if (out->prompts_per_minute == 0) {
            load_complain(l, (load_spot){from, "prompts_per_minute", 0}, "prompts_per_minute is 1 to 1000");
        }
    }
}

void
load_pins(policy_loader *l, const json_t *spec)
{
    static const char *const modes[] = {[POLICY_PINS_FIRST_SIGHT] = "first_sight", "schema_hash", "off", NULL};
    static const char *const flagged[] = {"warn", "block", NULL};
    const json_t *from = l->own ? load_value(spec, "pins") : NULL;
    l->policy->pins.mode = (policy_pins_mode)load_choice(l, from, "mode", modes, POLICY_PINS_FIRST_SIGHT);
    l->policy->pins.block_flagged = load_choice(l, from, "flagged", flagged, 0) == 1;
}
