/* The compiled policy, as loading leaves it and deciding reads it. */
#ifndef POLICY_POLICY_INSIDE_H
#define POLICY_POLICY_INSIDE_H

#include "base/pattern.h"
#include "policy/normal.h"
#include "policy/path.h"
#include "policy/policy.h"


typedef struct {
    aip_bytes name; /* normalised */
    uint32_t value;
} policy_slot;

/* Names to numbers; open addressing, at most half full. */
typedef struct {
    policy_slot *slots;
    uint32_t mask, count; /* slots - 1; without slots both are 0 */
} policy_names;

typedef struct {
    const char *name;  /* compared bytewise */
    const char *regex; /* as written */
    pattern_set *pattern;
} policy_argument;

typedef enum { RULE_ALLOW, RULE_BLOCK, RULE_ASK } policy_action;

typedef struct {
    uint32_t number; /* from 1, as written */
    policy_action action;
    bool strict;
    policy_argument *arguments;
    size_t argument_count;
    const char *schema_hash; /* or NULL */
} policy_rule;

/* All that the policy says of one tool. */
typedef struct {
    const char *written; /* first spelling */
    bool allowed, denied;
    policy_rule *rule;                      /* the last that names it; or NULL */
    uint64_t rate_count, rate_microseconds; /* 0: no limit */
    const char *rate;
    uint32_t bucket;
} policy_tool;

typedef struct policy_chunk policy_chunk;

struct policy {
    policy_chunk *chunks; /* all memory but what the libraries hold */
    const char *name, *version, *owner, *api_version;
    bool monitor, strict_default;
    bool default_methods, any_method;
    policy_names allowed_methods, denied_methods; /* value: index into `methods` */
    const char **methods;                         /* as written, allowed ones first */
    size_t method_count;
    policy_names tool_names;
    policy_tool *tools;
    size_t tool_count, rule_count, bucket_count;
    const char **paths; /* as written */
    size_t path_count;
    path_guard *guard; /* NULL: nothing is protected */
    policy_dlp *dlp;
};

/* Zeroed memory that lives as long as the policy; NULL: none left. */
void *policy_take(policy *p, size_t size);
const char *policy_copy(policy *p, aip_bytes text); /* with a NUL */

bool policy_names_reserve(policy *p, policy_names *names, size_t count);
/* The value of the name, or NULL. */
const uint32_t *policy_names_find(const policy_names *names, aip_bytes name);
/* The value, which is `value` when the name is new. The names must have room; `name` must live as long. */
uint32_t policy_names_put(policy_names *names, aip_bytes name, uint32_t value);

/* The name normalised, in `room` or, when nothing changes, in place; `room->mixed` is set in any case. False: it has no
 * normal form. */
bool policy_fold(aip_bytes name, normal_name *room, aip_bytes *out);

/* Tool of the policy by its normalised name, or NULL. */
const policy_tool *policy_find_tool(const policy *p, aip_bytes folded);

struct policy_scratch {
    pattern_scratch *patterns;
    text_buffer text; /* of the argument that is looked at; grown beforehand */
};

#endif
