/* What the parts of the loader share: the schema (load_schema.c), values by type (load_values.c), rules (load_rules.c).
 */
#ifndef POLICY_LOAD_INSIDE_H
#define POLICY_LOAD_INSIDE_H

#include "base/yaml.h"
#include "policy/policy_inside.h"

typedef struct {
    yaml_document document;
    const policy_origin *origin;
    policy *policy;
    aip_error *err; /* never NULL */
    uint64_t begun; /* monotonic microseconds */
} policy_loader;

/* A value by where it stands. */
typedef struct {
    const json_t *container;
    const char *key; /* NULL: the item of that index */
    size_t index;
} load_spot;

/* Refuses with the place of the value, or of its key. The sentence must not hold raw input. */
AIP_MUST_CHECK aip_status load_refuse(policy_loader *l, load_spot spot, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void load_warn(policy_loader *l, load_spot spot, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts the place before the sentence of a failure further below. */
AIP_MUST_CHECK aip_status load_refuse_as(policy_loader *l, load_spot spot, const char *what);

/* Unknown keys, types, words out of a choice, what is not enforced. */
AIP_MUST_CHECK aip_status load_check_schema(policy_loader *l);

/* ---- values of a mapping that keeps the schema; NULL, false, 0 for what is absent ---- */

const json_t *load_value(const json_t *container, const char *key); /* NULL also for null */
/* Text as it was written, whatever a reader without types makes of it; NULL for containers and null. */
const char *load_text(const policy_loader *l, load_spot spot);
const char *load_member_text(const policy_loader *l, const json_t *container, const char *key);
/* The word trimmed and lower-cased; "" for none, and for what is longer. */
#define LOAD_WORD_SIZE 32
const char *load_word(const char *text, char out[LOAD_WORD_SIZE]);
/* `y Y yes on`, `n N no off` as well; false when it is none. */
bool load_read_boolean(const json_t *value, bool *out);
bool load_boolean(const json_t *container, const char *key, bool absent);
bool load_read_duration(const char *text); /* 1h30m, 0s, 7d */
bool load_read_size(const char *text, uint64_t *bytes);
/* N/period: N per so many microseconds. */
bool load_read_rate(const char *text, uint64_t *count, uint64_t *microseconds);

/* ---- rules ---- */

/* All patterns together: a large repeat of a large class takes seconds, and a file may hold thousands. */
#define LOAD_MICROSECONDS_MAX 60000000

/* One pattern of a policy as a set of its own: the peer's gate, then its dialect. Errors: pattern.invalid, memory. */
AIP_MUST_CHECK aip_status load_pattern(const char *regex, pattern_set **out, aip_error *err);

AIP_MUST_CHECK aip_status load_rules(policy_loader *l, const json_t *spec);
AIP_MUST_CHECK aip_status load_names(policy_loader *l, const json_t *spec);
AIP_MUST_CHECK aip_status load_dlp(policy_loader *l, const json_t *spec);

#endif
