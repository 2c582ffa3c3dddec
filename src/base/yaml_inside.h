/* What the YAML loader's parts share: plain scalars (yaml_scalar.c), layout (yaml_layout.c), values
 * (yaml_values.c), events (yaml.c). */
#ifndef BASE_YAML_INSIDE_H
#define BASE_YAML_INSIDE_H

#include "base/yaml.h"

AIP_MUST_CHECK aip_status yaml_refuse(aip_error *err, aip_status status, yaml_place place, const char *why);

typedef enum {
    YAML_STRING,
    YAML_NULL,
    YAML_FALSE,
    YAML_TRUE,
    YAML_INTEGER, /* whole, without fraction and exponent */
    YAML_REAL,
    YAML_UNCLEAR_WORD,   /* a boolean or null to some, a string to others */
    YAML_UNCLEAR_NUMBER, /* a number to some, another number or a string to others, or none that JSON can write */
    YAML_UNCLEAR_DATE,
    YAML_MERGE,
} yaml_scalar;

/* The kind of a plain scalar by YAML 1.2's core schema and YAML 1.1's types, where they agree. */
yaml_scalar yaml_scalar_of(aip_bytes text);

/* The text beside libyaml's events, to refuse what libyaml lets pass and YAML 1.2 does not. Positions are counted in
 * characters, as libyaml does. */
typedef struct {
    aip_bytes text;
    uint32_t *offsets; /* byte of each character and of the end; owned */
    size_t judged;     /* characters before which all gaps have been looked at */
} yaml_layout;

/* Checks the characters, too. Errors: json.utf8, config.invalid, memory. */
AIP_MUST_CHECK aip_status yaml_layout_load(aip_bytes text, yaml_layout *out, aip_error *err);
void yaml_layout_clear(yaml_layout *layout);

/* These three return why not, or NULL. */

/* What stands between the event before and this one: comments after white space, `?` before it. */
const char *yaml_layout_check_gap(yaml_layout *layout, size_t start, size_t end);
/* A block scalar: its header, and blank lines that do not tell its indentation. */
const char *yaml_layout_check_block(const yaml_layout *layout, size_t start, size_t end);
/* Further lines of quoted text or of a flow collection: at least `spaces` spaces before them. */
const char *yaml_layout_check_lines(const yaml_layout *layout, size_t start, size_t end, size_t spaces);

/* A mapping or sequence that is not closed yet. */
typedef struct {
    json_t *container; /* borrowed from the root */
    const char *key;   /* of the member whose value comes next, in the object; NULL: a key comes next */
    yaml_place key_place;
    size_t start, column; /* where it stands, in characters from 0 and from 1 */
    bool flow;            /* in brackets */
} yaml_frame;

typedef struct {
    char *name;   /* owned */
    size_t entry; /* of its value, in the order of the document */
} yaml_anchor;

typedef struct {
    const yaml_limits *limits;
    yaml_document *out;
    bool peer;   /* as yaml_load_peer reads */
    size_t room; /* entries allocated */
    yaml_frame frames[YAML_DEPTH_MAX];
    size_t depth;
    char *key; /* owned: of `frames[depth - 1]` until its value stands in the object */
    yaml_anchor anchors[YAML_ANCHORS_MAX];
    size_t anchor_count, alias_count;
} yaml_values;

/* These take the value and the literal in any case. Errors: json.size, .depth, .number, memory. */
AIP_MUST_CHECK aip_status yaml_values_add(yaml_values *b, json_t *value, char *literal, yaml_place place,
                                          aip_error *err);
AIP_MUST_CHECK aip_status yaml_values_add_string(yaml_values *b, aip_bytes text, yaml_place place, aip_error *err);
AIP_MUST_CHECK aip_status yaml_values_add_boolean(yaml_values *b, bool value, aip_bytes text, yaml_place place,
                                                  aip_error *err);
AIP_MUST_CHECK aip_status yaml_values_add_number(yaml_values *b, bool integer, aip_bytes text, yaml_place place,
                                                 aip_error *err);
/* A mapping or sequence; decrementing `depth` closes it. */
AIP_MUST_CHECK aip_status yaml_values_open(yaml_values *b, bool mapping, yaml_place place, aip_error *err);

/* Names the value that is added next; NULL names nothing. */
AIP_MUST_CHECK aip_status yaml_values_anchor(yaml_values *b, const char *name, yaml_place place, aip_error *err);
/* Adds the last value of that name once more. Errors: config.invalid, json.size, .depth, memory. */
AIP_MUST_CHECK aip_status yaml_values_repeat(yaml_values *b, const char *name, yaml_place place, aip_error *err);

void yaml_values_sort(yaml_document *document); /* for yaml_find */
void yaml_values_clear(yaml_values *b);         /* all but the document */

#endif
