/* The compiled policy, as loading leaves it and deciding reads it. */
#ifndef POLICY_POLICY_INSIDE_H
#define POLICY_POLICY_INSIDE_H

#include "aip/chain.h"
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

typedef struct {
    const char *argument;
    uint64_t micro_usd; /* per unit */
    const char *usd;    /* as written */
} policy_unit_price;

/* All in micro-USD, at most POLICY_PRICE_MAX each. */
struct policy_price {
    uint64_t flat, response_kib, response_max; /* response_max: of the response's part; 0 without response_kib */
    policy_unit_price *units;
    size_t unit_count;
    bool trusts_actual;
};

#define POLICY_PRICE_MAX UINT64_C(1000000000000)         /* a million USD: what is dearer is a slip of the pen */
#define POLICY_CALL_PRICE_MAX UINT64_C(9999999999999999) /* what a budget can say */

typedef struct {
    uint64_t count, microseconds; /* 0: no limit */
    const char *text;
    uint32_t bucket;
} policy_rate;

typedef enum { RULE_ALLOW, RULE_BLOCK, RULE_ASK } policy_action;

typedef struct {
    uint32_t number; /* from 1, as written */
    policy_action action;
    bool strict, proof;
    policy_argument *arguments;
    size_t argument_count;
    const char *schema_hash; /* or NULL */
    policy_price *price;     /* or NULL */
    aip_trust roots;         /* that may call it; none: all */
    const char **root_texts; /* as written, as many */
} policy_rule;

/* All that the policy says of one tool, resource, prompt, skill, route or method. */
typedef struct {
    const char *written; /* first spelling */
    bool allowed, denied;
    policy_rule *rule; /* the last that names it; or NULL */
    policy_rate rate, root_rate;
} policy_target;

enum { POLICY_KINDS = POLICY_ROUTE + 1 };

/* The targets of one kind. */
typedef struct {
    bool listed;                  /* the policy has rules on the kind: what they do not name is refused */
    policy_names names, prefixes; /* value: index into `targets`; a prefix without its star */
    size_t *lengths;              /* of the prefixes, each once, the longest first */
    size_t length_count;
    policy_target *targets;
    size_t count;
} policy_table;

typedef struct policy_chunk policy_chunk;

struct policy {
    policy_chunk *chunks; /* all memory but what the libraries hold */
    const char *name, *version, *owner, *api_version;
    bool monitor, strict_default, is_signed;
    bool default_methods, any_method;
    policy_names allowed_methods, denied_methods; /* value: index into `methods` */
    const char **methods;                         /* as written, allowed ones first */
    size_t method_count;
    policy_table tables[POLICY_KINDS]; /* by kind; of tools, the allowed and denied ones as well */
    size_t bucket_count, root_bucket_count;
    const char **paths; /* as written */
    size_t path_count;
    path_guard *guard; /* NULL: nothing is protected */
    policy_dlp *dlp;
    policy_approval approval;
    policy_pins pins;
    char hash[65], file_sha256[65];
};

/* Zeroed memory that lives as long as the policy; NULL: none left. */
void *policy_take(policy *p, size_t size);
const char *policy_copy(policy *p, aip_bytes text); /* with a NUL */
void policy_drop_rule(policy_rule *rule);           /* what libraries hold of it; NULL: nothing */

bool policy_names_reserve(policy *p, policy_names *names, size_t count);
/* The value of the name, or NULL. */
const uint32_t *policy_names_find(const policy_names *names, aip_bytes name);
/* The value, which is `value` when the name is new. The names must have room; `name` must live as long. */
uint32_t policy_names_put(policy_names *names, aip_bytes name, uint32_t value);

/* The name normalised, in `room` or, when nothing changes, in place; `room->mixed` is set in any case. False: it has no
 * normal form. */
bool policy_fold(aip_bytes name, normal_name *room, aip_bytes *out);

/* Are names of this kind addresses, which are compared as bytes and may be named by a prefix? */
bool policy_is_address(policy_kind kind);
/* Is the address of that kind written in the one way that all readers take for the same (Y-16)? */
bool policy_address_is_canonical(policy_kind kind, aip_bytes address);

/* What the policy says of a name that is folded, or of a canonical address; NULL: nothing. */
const policy_target *policy_find(const policy *p, policy_kind kind, aip_bytes name);

/* May an agent of that root call what the rule (or NULL) is about? */
bool policy_admits_root(const policy_rule *rule, aip_bytes root);

struct policy_scratch {
    pattern_scratch *patterns;
    text_buffer text; /* of the argument that is looked at; grown beforehand */
};

#endif
