/* From a document to a compiled policy: the head, and the parts in their order. */
#include <stdlib.h>

#include "policy/load_inside.h"

/* ---- the head ---- */

static bool
is_name(const char *name)
{
    size_t size = strlen(name);
    return size <= 253 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size && name[0] != '-' &&
           name[size - 1] != '-';
}

/* Three numbers, and letters and digits after a dash. */
static bool
is_version(const char *text)
{
    for (int i = 0; i < 3; i++) {
        size_t digits = strspn(text, "0123456789");
        bool ends = i == 2 ? text[digits] == '\0' || text[digits] == '-' : text[digits] == '.';
        if (digits == 0 || !ends) {
            return false;
        }
        text += digits + (text[digits] != '\0');
    }
    return text[strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] == '\0' &&
           (text[0] != '\0' || text[-1] != '-');
}

static void
load_metadata(policy_loader *l)
{
    const json_t *metadata = load_value(l->document.root, "metadata");
    policy *p = l->policy;
    p->name = load_copy(l, load_member_text(l, metadata, "name"));
    p->version = load_copy(l, load_member_text(l, metadata, "version"));
    p->owner = load_copy(l, load_member_text(l, metadata, "owner"));
    if (p->name == NULL || p->name[0] == '\0') {
        load_complain(l, (load_spot){l->document.root, "metadata", 0}, "metadata.name is required");
    } else if (!is_name(p->name)) {
        load_warn(l, (load_spot){metadata, "name", 0}, "metadata.name is not of lower-case letters, digits and dashes");
    }
    if (p->version != NULL && !is_version(p->version)) {
        load_warn(l, (load_spot){metadata, "version", 0}, "metadata.version is not three numbers, such as 1.0.0");
    }
}

/* The version, before all else: it says which keys there are. */
static void
find_version(policy_loader *l)
{
    static const char *const versions[] = {"aip.io/v1alpha1", "aip.io/v1alpha2", "aip.io/v1alpha3", "aip-gateway/v1"};
    const json_t *root = json_is_object(l->document.root) ? l->document.root : NULL;
    const char *version = load_member_text(l, root, "apiVersion");
    for (size_t i = 0; version != NULL && i < sizeof versions / sizeof versions[0]; i++) {
        l->policy->api_version = strcmp(version, versions[i]) == 0 ? versions[i] : l->policy->api_version;
    }
    l->own = l->policy->api_version == versions[3];
}

static void
load_head(policy_loader *l)
{
    const json_t *root = l->document.root;
    const char *kind = load_member_text(l, root, "kind");
    char shown[64];
    if (l->policy->api_version == NULL) {
        load_complain(l, (load_spot){root, "apiVersion", 0},
                      "apiVersion is one of aip-gateway/v1, aip.io/v1alpha1, aip.io/v1alpha2, aip.io/v1alpha3");
    }
    if (kind == NULL) {
        load_complain(l, (load_spot){root, "kind", 0}, "kind is missing, expected AgentPolicy");
    } else if (strcmp(kind, "AgentPolicy") != 0) {
        load_complain(l, (load_spot){root, "kind", 0}, "unexpected kind \"%s\", expected AgentPolicy",
                      aip_printable(aip_bytes_of(kind), shown, sizeof shown));
    }
    load_metadata(l);
}

static void
load_mode(policy_loader *l, const json_t *spec)
{
    const char *text = load_member_text(l, spec, "mode");
    char word[LOAD_WORD_SIZE], shown[LOAD_WORD_SIZE];
    load_word(text, word);
    l->policy->monitor = strcmp(word, "monitor") == 0;
    l->policy->strict_default = load_boolean(spec, "strict_args_default", false);
    if (text != NULL && !l->policy->monitor && strcmp(word, "enforce") != 0) {
        load_complain(l, (load_spot){spec, "mode", 0}, "invalid mode \"%s\", must be 'enforce' or 'monitor'",
                      aip_printable(aip_bytes_of(text), shown, sizeof shown));
    }
}

/* ---- all of it ---- */

static void
compile(policy_loader *l, aip_bytes text)
{
    find_version(l);
    load_check_schema(l);
    if (!json_is_object(l->document.root)) {
        return;
    }
    const json_t *spec = load_value(l->document.root, "spec");
    load_head(l);
    load_mode(l, spec);
    load_methods(l, spec);
    load_plan_all(l, spec);
    load_tables(l, spec);
    load_dlp(l, spec);
    load_paths(l, spec);
    load_approval(l, spec);
    load_pins(l, spec);
    load_hashes(l, text);
}

static void
load_document(policy_loader *l, aip_bytes text)
{
    static const yaml_limits limits = {AIP_CONFIG_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, AIP_CONFIG_NODES_MAX};
    aip_error below = AIP_ERROR_INIT;
    if (yaml_load_peer(text, &limits, &l->document, &below) == AIP_OK) {
        l->policy = calloc(1, sizeof *l->policy);
        l->no_memory = l->policy == NULL;
        if (l->policy != NULL) {
            compile(l, text);
        }
    } else if (below.status == AIP_NO_MEMORY) {
        l->no_memory = true;
    } else {
        load_complain_of_text(l, &below);
    }
    yaml_clear(&l->document);
}

aip_status
policy_load_all(aip_bytes text, const policy_origin *origin, policy_problems *problems, policy **out, aip_error *err)
{
    static const policy_origin nowhere = {0};
    policy_problems own;
    policy_loader l = {.origin = origin == NULL ? &nowhere : origin, .problems = problems == NULL ? &own : problems};
    l.problems->count = 0;
    l.problems->more = false;
    load_document(&l, text);
    aip_status status = load_report(&l, err);
    if (status != AIP_OK) {
        policy_free(&l.policy);
    }
    *out = l.policy;
    return status;
}

aip_status
policy_load(aip_bytes text, const policy_origin *origin, policy **out, aip_error *err)
{
    return policy_load_all(text, origin, NULL, out, err);
}
