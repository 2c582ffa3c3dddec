/* From a document to a compiled policy: the head, the names, the paths. */
#include <stdlib.h>

#include "base/clock.h"
#include "policy/load_inside.h"

/* Of the peer's, with the two that every client sends besides. */
static const char *const default_methods[] = {"initialize",
                                              "initialized",
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

/* ---- the head ---- */

static bool
is_name(const char *name)
{
    size_t size = strlen(name);
    return size <= 253 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size && name[0] != '-' &&
           name[size - 1] != '-';
}

/* A member's text, copied; *out stays NULL when it is absent. */
static aip_status
copy_text(policy_loader *l, const json_t *container, const char *key, const char **out)
{
    const char *text = load_member_text(l, container, key);
    if (text != NULL && (*out = policy_copy(l->policy, aip_bytes_of(text))) == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    return AIP_OK;
}

static aip_status
load_metadata(policy_loader *l)
{
    const json_t *metadata = load_value(l->document.root, "metadata");
    const load_spot at = {metadata, "name", 0};
    policy *p = l->policy;
    AIP_TRY(copy_text(l, metadata, "name", &p->name));
    AIP_TRY(copy_text(l, metadata, "version", &p->version));
    AIP_TRY(copy_text(l, metadata, "owner", &p->owner));
    if (p->name == NULL || p->name[0] == '\0') {
        return load_refuse(l, (load_spot){l->document.root, "metadata", 0}, "metadata.name is required");
    }
    if (!is_name(p->name)) {
        load_warn(l, at, "metadata.name is not of lower-case letters, digits and dashes");
    }
    return AIP_OK;
}

static aip_status
load_head(policy_loader *l)
{
    static const char *const versions[] = {"aip.io/v1alpha1", "aip.io/v1alpha2", "aip.io/v1alpha3"};
    const json_t *root = l->document.root;
    const char *version = load_member_text(l, root, "apiVersion"), *kind = load_member_text(l, root, "kind");
    char shown[64];
    for (size_t i = 0; version != NULL && i < sizeof versions / sizeof versions[0]; i++) {
        l->policy->api_version = strcmp(version, versions[i]) == 0 ? versions[i] : l->policy->api_version;
    }
    if (l->policy->api_version == NULL) {
        return load_refuse(l, (load_spot){root, "apiVersion", 0},
                           "apiVersion is one of aip.io/v1alpha1, aip.io/v1alpha2, aip.io/v1alpha3");
    }
    if (kind == NULL || strcmp(kind, "AgentPolicy") != 0) {
        return load_refuse(l, (load_spot){root, "kind", 0}, "unexpected kind \"%s\", expected AgentPolicy",
                           aip_printable(aip_bytes_of(kind), shown, sizeof shown));
    }
    return load_metadata(l);
}

static aip_status
load_mode(policy_loader *l, const json_t *spec)
{
    const char *text = load_member_text(l, spec, "mode");
    char word[LOAD_WORD_SIZE], shown[LOAD_WORD_SIZE];
    load_word(text, word);
    l->policy->monitor = strcmp(word, "monitor") == 0;
    l->policy->strict_default = load_boolean(spec, "strict_args_default", false);
    if (text == NULL || l->policy->monitor || strcmp(word, "enforce") == 0) {
        return AIP_OK;
    }
    return load_refuse(l, (load_spot){spec, "mode", 0}, "invalid mode \"%s\", must be 'enforce' or 'monitor'",
                       aip_printable(aip_bytes_of(text), shown, sizeof shown));
}

/* ---- methods ---- */

/* Folded into the policy's memory. */
static aip_status
add_method(policy_loader *l, policy_names *names, const char *written, load_spot at)
{
    normal_name room;
    aip_bytes folded;
    policy *p = l->policy;
    if (!policy_fold(aip_bytes_of(written), &room, &folded) || folded.size == 0) {
        return load_refuse(l, at, "a method that has no normal form");
    }
    const char *key = policy_copy(p, folded);
    p->methods[p->method_count] = policy_copy(p, aip_bytes_of(written));
    if (key == NULL || p->methods[p->method_count] == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    p->method_count += policy_names_put(names, aip_bytes_of(key), (uint32_t)p->method_count) == p->method_count;
    return AIP_OK;
}

static aip_status
add_methods(policy_loader *l, const json_t *spec, const char *key, policy_names *names)
{
    const json_t *list = load_value(spec, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const load_spot at = {list, NULL, i};
        const char *written = load_text(l, at);
        if (names == &l->policy->allowed_methods && strcmp(written, "*") == 0) {
            l->policy->any_method = true;
        } else {
            AIP_TRY(add_method(l, names, written, at));
        }
    }
    return AIP_OK;
}

static aip_status
load_methods(policy_loader *l, const json_t *spec)
{
    policy *p = l->policy;
    size_t allowed = json_array_size(load_value(spec, "allowed_methods"));
    size_t denied = json_array_size(load_value(spec, "denied_methods"));
    p->default_methods = allowed == 0;
    p->methods = policy_take(p, (allowed + denied + DEFAULT_METHODS) * sizeof *p->methods);
    if (p->methods == NULL || !policy_names_reserve(p, &p->allowed_methods, allowed + DEFAULT_METHODS) ||
        !policy_names_reserve(p, &p->denied_methods, denied)) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; p->default_methods && i < DEFAULT_METHODS; i++) {
        AIP_TRY(add_method(l, &p->allowed_methods, default_methods[i], (load_spot){spec, "allowed_methods", 0}));
    }
    AIP_TRY(add_methods(l, spec, "allowed_methods", &p->allowed_methods));
    AIP_TRY(add_methods(l, spec, "denied_methods", &p->denied_methods));
    if (!p->any_method && policy_names_find(&p->allowed_methods, AIP_BYTES_LITERAL("tools/call")) == NULL) {
        load_warn(l, (load_spot){spec, "allowed_methods", 0},
                  "allowed_methods is without tools/call: no tool can be used");
    }
    return AIP_OK;
}

/* ---- paths ---- */

static aip_status
load_paths(policy_loader *l, const json_t *spec)
{
    const json_t *list = load_value(spec, "protected_paths");
    const load_spot at = {spec, "protected_paths", 0};
    policy *p = l->policy;
    size_t count = json_array_size(list), own = l->origin->file == NULL ? 0 : 1;
    p->paths = policy_take(p, (count + own) * sizeof *p->paths);
    if (p->paths == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < count + own; i++) {
        const char *text = i < count ? load_text(l, (load_spot){list, NULL, i}) : l->origin->file;
        if ((p->paths[p->path_count++] = policy_copy(p, aip_bytes_of(text))) == NULL) {
            return aip_fail(l->err, AIP_NO_MEMORY, NULL);
        }
    }
    if (p->path_count == 0) {
        return AIP_OK;
    }
    if (l->origin->paths == NULL) {
        return load_refuse(l, at, "paths cannot be protected here: no directory is known");
    }
    *l->err = (aip_error)AIP_ERROR_INIT;
    if (path_guard_new(p->paths, p->path_count, l->origin->paths, &p->guard, l->err) == AIP_OK) {
        return AIP_OK;
    }
    bool known = l->err->offset >= 0 && (size_t)l->err->offset < count;
    return load_refuse_as(l, known ? (load_spot){list, NULL, (size_t)l->err->offset} : at, "protected_paths");
}

/* ---- all of it ---- */

static aip_status
compile(policy_loader *l)
{
    const json_t *spec = load_value(l->document.root, "spec");
    AIP_TRY(load_check_schema(l));
    AIP_TRY(load_head(l));
    AIP_TRY(load_mode(l, spec));
    AIP_TRY(load_methods(l, spec));
    AIP_TRY(load_names(l, spec));
    AIP_TRY(load_rules(l, spec));
    AIP_TRY(load_dlp(l, spec));
    return load_paths(l, spec);
}

aip_status
policy_load(aip_bytes text, const policy_origin *origin, policy **out, aip_error *err)
{
    static const yaml_limits limits = {AIP_CONFIG_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, AIP_CONFIG_NODES_MAX};
    static const policy_origin nowhere = {0};
    aip_error why = AIP_ERROR_INIT;
    policy_loader l = {.origin = origin == NULL ? &nowhere : origin, .err = err == NULL ? &why : err};
    *out = NULL;
    l.begun = clock_monotonic_microseconds();
    AIP_TRY(yaml_load_peer(text, &limits, &l.document, l.err));
    l.policy = calloc(1, sizeof *l.policy);
    aip_status status = l.policy == NULL ? aip_fail(l.err, AIP_NO_MEMORY, NULL) : compile(&l);
    yaml_clear(&l.document);
    if (status != AIP_OK) {
        policy_free(&l.policy);
    }
    *out = l.policy;
    return status;
}
