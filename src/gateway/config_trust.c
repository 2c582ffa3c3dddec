/* `trust:` and `unknown:` of gateway.yaml: roots, and what trust in them is limited to (PROTOCOL section 4). */
#include <stdlib.h>

#include "chain/chain.h"
#include "gateway/config_inside.h"

enum { PROFILE_NAME_BYTES_MAX = 64, REQUESTS_PER_MINUTE_MAX = 1000000 };

/* An entry that is being read. */
typedef struct {
    const char *root;
    config_spot root_spot;
    aip_ceiling ceiling;
    const char **scope; /* owned; the ceiling borrows it */
    bool limits;        /* any member of the ceiling was given */
    bool good;
} profile;

typedef bool (*member_reader)(config_reader *r, const config_spot *spot, profile *p);

static bool
read_root(config_reader *r, const config_spot *spot, profile *p)
{
    p->root_spot = *spot;
    return config_read_text(r, spot, &p->root);
}

static bool
read_name(config_reader *r, const config_spot *spot, profile *p)
{
    if (!config_read_text(r, spot, &p->ceiling.name)) {
        return false;
    }
    if (strlen(p->ceiling.name) > PROFILE_NAME_BYTES_MAX) {
        config_complain(r, config_place(r, spot), "name: longer than %d bytes", PROFILE_NAME_BYTES_MAX);
        return false;
    }
    return true;
}

static aip_status
check_scope(const char *text, aip_error *err)
{
    return scope_is_entry(aip_bytes_of(text))
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "a scope entry is kind:name, with at most one star, at its end");
}

/* To a ceiling no entries are no limit, so a list without any would give all where its author meant nothing. */
static bool
read_scope(config_reader *r, const config_spot *spot, profile *p)
{
    free(p->scope);
    if (!config_read_list(r, spot, AIP_SCOPE_ENTRIES_MAX, check_scope, &p->scope, &p->ceiling.scope_count)) {
        return false;
    }
    p->ceiling.scope = p->scope;
    if (p->ceiling.scope_count == 0) {
        config_complain(r, config_place(r, spot), "scope: an empty list would grant nothing; leave the root out");
        return false;
    }
    return true;
}

static bool
read_budget(config_reader *r, const config_spot *spot, profile *p)
{
    p->ceiling.has_budget = true;
    return config_read_amount(r, spot, &p->ceiling.budget_micro_usd);
}

static bool
read_depth(config_reader *r, const config_spot *spot, profile *p)
{
    uint64_t depth = 0;
    bool good = config_read_number(r, spot, 0, AIP_DEPTH_MAX, &depth);
    p->ceiling.has_max_depth = true;
    p->ceiling.max_depth = (uint32_t)depth;
    return good;
}

static bool
read_ttl(config_reader *r, const config_spot *spot, profile *p)
{
    uint64_t seconds = 0;
    bool good = config_read_duration(r, spot, 1, CONFIG_DURATION_MAX, &seconds);
    p->ceiling.ttl_seconds = (int64_t)seconds;
    return good;
}

static bool
read_bearer(config_reader *r, const config_spot *spot, profile *p)
{
    return config_read_flag(r, spot, &p->ceiling.bearer);
}

static bool
read_policy(config_reader *r, const config_spot *spot, profile *p)
{
    return config_read_text(r, spot, &p->ceiling.policy);
}

static bool
read_rate(config_reader *r, const config_spot *spot, profile *p)
{
    uint64_t rate = 0;
    bool good = config_read_number(r, spot, 1, REQUESTS_PER_MINUTE_MAX, &rate);
    p->ceiling.requests_per_minute = (uint32_t)rate;
    return good;
}

/* The first row is what tells the two apart: an entry of `trust` has a root, the profile of `unknown` a name. */
static const char *const entry_names[] = {"root", "scope",  "budget_usd",          "max_depth",
                                          "ttl",  "bearer", "requests_per_minute", "policy"};
static const char *const profile_names[] = {"name", "scope",  "budget_usd",          "max_depth",
                                            "ttl",  "bearer", "requests_per_minute", "policy"};
static const member_reader readers[] = {NULL,     read_scope,  read_budget, read_depth,
                                        read_ttl, read_bearer, read_rate,   read_policy};
enum { MEMBERS = sizeof readers / sizeof readers[0] };

static void
read_members(config_reader *r, const config_spot *spot, const char *const *names, profile *p)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)spot->value, key, value)
    {
        const config_spot member = {.container = spot->value, .key = key, .value = value};
        size_t i = 0;
        while (i < MEMBERS && strcmp(names[i], key) != 0) {
            i++;
        }
        if (i == MEMBERS) {
            config_complain_of_key(r, &member, names, MEMBERS);
            p->good = false;
            continue;
        }
        member_reader first = names == entry_names ? read_root : read_name;
        p->good &= (i == 0 ? first : readers[i])(r, &member, p);
        p->limits |= i > 0;
    }
}

static void
take_ceiling(config_reader *r, const config_spot *spot, const profile *p, const aip_ceiling **out)
{
    aip_error err = AIP_ERROR_INIT;
    if (aip_trust_add_ceiling(&r->out->trust, &p->ceiling, out, &err) != AIP_OK) {
        config_complain_of(r, spot, &err);
    }
}

static bool
same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The second of two entries for one root would never count. */
static bool
is_listed_before(const aip_trust *trust)
{
    const aip_trust_root *last = &trust->roots[trust->count - 1];
    for (const aip_trust_root *root = trust->roots; root < last; root++) {
        if (same_text(root->name, last->name) && root->has_key == last->has_key &&
            (!last->has_key || memcmp(root->key.bytes, last->key.bytes, AIP_KEY_BYTES) == 0)) {
            return true;
        }
    }
    return false;
}

static bool
take_root(config_reader *r, const config_spot *spot, const char *root)
{
    aip_error err = AIP_ERROR_INIT;
    if (aip_trust_add(&r->out->trust, root, &err) != AIP_OK) {
        config_complain_of(r, spot, &err);
        return false;
    }
    if (is_listed_before(&r->out->trust)) {
        config_complain(r, config_place(r, spot), "this root stands above already, and the first entry counts");
    }
    return true;
}

static void
read_entry(config_reader *r, const config_spot *spot)
{
    profile p = {.good = true};
    if (!json_is_object(spot->value)) {
        if (config_read_text(r, spot, &p.root)) {
            take_root(r, spot, p.root);
        }
        return;
    }
    read_members(r, spot, entry_names, &p);
    if (p.root_spot.key == NULL) {
        config_complain(r, config_place(r, spot), "root is missing: the DID, pattern or key that this entry is about");
    } else if (p.root != NULL && take_root(r, &p.root_spot, p.root) && p.good && p.limits) {
        take_ceiling(r, spot, &p, &r->out->trust.roots[r->out->trust.count - 1].ceiling);
    }
    free(p.scope);
}

void
config_read_trust(config_reader *r, const config_spot *spot)
{
    if (!json_is_array(spot->value)) {
        config_complain(r, config_place(r, spot), "trust: a list belongs here; write each root after a dash");
        return;
    }
    for (size_t i = 0; i < json_array_size(spot->value); i++) {
        const config_spot item = {.container = spot->value, .index = i, .value = json_array_get(spot->value, i)};
        read_entry(r, &item);
    }
}

void
config_read_unknown(config_reader *r, const config_spot *spot)
{
    profile p = {.good = true};
    if (json_is_string(spot->value) && strcmp(json_string_value(spot->value), "deny") == 0) {
        return;
    }
    if (!json_is_object(spot->value)) {
        config_complain(r, config_place(r, spot), "unknown: deny, or a profile with name and scope, belongs here");
        return;
    }
    read_members(r, spot, profile_names, &p);
    if (json_object_get(spot->value, "name") == NULL) {
        config_complain(r, config_place(r, spot), "unknown: name is missing; it stands in the decision log");
    }
    if (json_object_get(spot->value, "scope") == NULL) {
        config_complain(r, config_place(r, spot), "unknown: scope is missing: what strangers may do at most");
    } else if (p.good && p.ceiling.name != NULL) {
        take_ceiling(r, spot, &p, &r->out->trust.unknown);
    }
    free(p.scope);
}
