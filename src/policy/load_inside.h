/* What the parts of the loader share: the keys (load_keys.c) and the walk over them (load_schema.c), problems
 * (load_problems.c), values by type (load_values.c), rules (load_rules.c, load_rule.c) and the rest (load_spec.c,
 * load_dlp.c, load_sign.c). All go on after a complaint, so values may be of any type. */
#ifndef POLICY_LOAD_INSIDE_H
#define POLICY_LOAD_INSIDE_H

#include "base/yaml.h"
#include "policy/policy_inside.h"

typedef struct {
    yaml_document document;
    const policy_origin *origin;
    policy *policy;
    policy_problems *problems; /* never NULL */
    size_t schema_problems;    /* how many the walk over the keys found; a second one of the same place is left out */
    bool no_memory;
    bool own;      /* aip-gateway/v1 */
    uint64_t cost; /* of compiling all patterns, estimated; see load_pattern.c */
} policy_loader;

/* A value by where it stands. */
typedef struct {
    const json_t *container;
    const char *key; /* NULL: the item of that index */
    size_t index;
} load_spot;

/* ---- problems ---- */

/* Notes the place of the value, or of its key. The sentence must not hold raw input. */
void load_complain(policy_loader *l, load_spot spot, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The sentence and status of a failure further below, about `what`; no memory is noted as such. */
void load_complain_of(policy_loader *l, load_spot spot, const char *what, const aip_error *below);
void load_warn(policy_loader *l, load_spot spot, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The text is no document. */
void load_complain_of_text(policy_loader *l, const aip_error *below);
/* Sorts the problems by place; AIP_OK when there are none. Errors: of the first, memory. */
AIP_MUST_CHECK aip_status load_report(policy_loader *l, aip_error *err);

/* ---- keys ---- */

typedef enum {
    KEY_TEXT,
    KEY_BOOLEAN,
    KEY_NUMBER,
    KEY_DURATION,
    KEY_TEXTS,
    KEY_TEXT_MAP,
    KEY_MAPPING,
    KEY_MAPPINGS,
    KEY_NAMED,    /* a mapping of names to mappings of these keys */
    KEY_PRICE,    /* a text, or a mapping of these keys */
    KEY_CANARIES, /* texts, or mappings of these keys */
    KEY_RESERVED, /* of the peer's plans; nobody keeps it */
} key_kind;

typedef enum { KEY_ANYWHERE, KEY_OWN, KEY_PEER } key_home; /* in all apiVersions, in ours, in the peer's */

typedef struct load_key load_key;

struct load_key {
    const char *name;
    key_kind kind;
    const load_key *keys; /* of what is below; ends with a NULL name */
    const char *choices;  /* `a|b`; NULL: any */
    bool off;             /* a boolean that may only be false: what it switches on is not enforced */
    key_home home;
};

extern const load_key load_root_keys[];

/* Unknown keys, types, words out of a choice, what is not enforced. */
void load_check_schema(policy_loader *l);

/* ---- values; NULL, false, 0 for what is absent or of another type ---- */

const json_t *load_value(const json_t *container, const char *key); /* NULL also for null */
/* Text as it was written, whatever a reader without types makes of it; NULL for containers and null. */
const char *load_text(const policy_loader *l, load_spot spot);
const char *load_member_text(const policy_loader *l, const json_t *container, const char *key);
/* Copied into the policy's memory; NULL: absent, or no memory, which is noted. */
const char *load_copy(policy_loader *l, const char *text);
void *load_take(policy_loader *l, size_t size); /* zeroed; NULL is noted */
/* The word trimmed and lower-cased; "" for none, and for what is longer. */
#define LOAD_WORD_SIZE 32
const char *load_word(const char *text, char out[LOAD_WORD_SIZE]);
/* The index of the member's word among `choices[count]`, or `absent`. */
size_t load_choice(const policy_loader *l, const json_t *container, const char *key, const char *const *choices,
                   size_t absent);
/* `y Y yes on`, `n N no off` as well; false when it is none. */
bool load_read_boolean(const json_t *value, bool *out);
bool load_boolean(const json_t *container, const char *key, bool absent);
bool load_read_duration(const char *text, uint64_t *microseconds); /* 1h30m, 0s, 7d */
bool load_read_size(const char *text, uint64_t *bytes);
/* N/period: N per so many microseconds. */
bool load_read_rate(const char *text, uint64_t *count, uint64_t *microseconds);
/* USD as whole micro-USD, at most POLICY_PRICE_MAX. */
bool load_read_price(const char *text, uint64_t *micro_usd);

/* ---- patterns ---- */

/* Estimated microseconds of compiling all patterns of one policy; one that costs more is refused before. */
#define LOAD_COST_MAX 4000000
/* The same of a pattern that Hyperscan compiles; a dearer one runs on PCRE2. */
#define LOAD_PATTERN_COST_MAX 50000

/* What Hyperscan, and otherwise PCRE2, would take to compile the expression, roughly; *expanded is the number of its
 * atoms with all repeats written out. */
uint64_t load_pattern_cost(const char *regex, uint64_t *expanded);
/* Adds a pattern (NULL: none) to the policy's cost; complains once, where it becomes too much. All patterns are planned
 * before the first is compiled. */
void load_plan(policy_loader *l, load_spot spot, const char *regex);
/* One pattern of a policy as a set of its own: the peer's gate, then its dialect. NULL: it complained, or
 * the policy costs too much. */
pattern_set *load_pattern(policy_loader *l, load_spot spot, const char *what, const char *regex);

/* ---- parts ---- */

void load_rule(policy_loader *l, const json_t *from, policy_rule *rule, policy_target *target);
void load_plan_all(policy_loader *l, const json_t *spec);
void load_tables(policy_loader *l, const json_t *spec);
void load_methods(policy_loader *l, const json_t *spec);
void load_paths(policy_loader *l, const json_t *spec);
void load_approval(policy_loader *l, const json_t *spec);
void load_pins(policy_loader *l, const json_t *spec);
void load_dlp(policy_loader *l, const json_t *spec);
/* The hashes of the document and of the text, and the document's signature. */
void load_hashes(policy_loader *l, aip_bytes text);

#endif
