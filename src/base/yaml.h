/* YAML and JSON files of an operator, strictly, as JSON values that know their places. Only home of libyaml. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/json.h"

typedef struct {
    size_t bytes, depth, nodes; /* depth at most YAML_DEPTH_MAX */
} yaml_limits;

#define YAML_DEPTH_MAX 64
#define YAML_ANCHORS_MAX 64
#define YAML_ALIASES_MAX 256

typedef struct {
    uint32_t line, column; /* from 1, columns in characters; 0: not known */
} yaml_place;

/* Where a value stands, beside the values, which do not know it. */
typedef struct {
    const json_t *container; /* NULL: the value is the root */
    const char *key;         /* in an object; NULL in an array. Borrowed from the container */
    size_t index;            /* in an array */
    yaml_place key_place, place;
    char *literal; /* a number as written, since a double may have lost some of it; NULL for all else (see
                      yaml_load_peer) */
} yaml_entry;

/* The values must not be changed while the table is in use. */
typedef struct {
    json_t *root;
    yaml_entry *entries; /* sorted for yaml_find */
    size_t count;
} yaml_document;

/* Loads one document of YAML 1.2, of which JSON is a part: strings, mappings with strings as keys, sequences, and of
 * plain scalars null, booleans and numbers as JSON writes them. Anything in quotes is a string.
 * Refused: a second document, aliases, anchors, tags, directives but `%YAML 1.2`, merge keys, a key twice, bytes that
 * are not UTF-8, control characters and those that hide or turn text; and plain scalars that readers of YAML 1.1 and
 * 1.2 take for different things, or for something that JSON has not (`yes`, `012`, `0x1f`, `1_000`, `22:22`, `1e3`,
 * `.inf`, `2026-11-21`): quotes tell.
 * `err->offset` is the line, and the detail begins `line L, column C: `. The caller owns *out also on failure, when it
 * is empty. Errors: config.invalid, json.utf8, .duplicate, .depth, .number, .size; memory. */
AIP_MUST_CHECK aip_status yaml_load(aip_bytes text, const yaml_limits *limits, yaml_document *out, aip_error *err);

/* The same for files that were written for readers with types: plain scalars that are unclear above are strings as
 * they were written, keys as well; booleans keep their spelling as `literal`; aliases repeat what their anchor names,
 * at most YAML_ALIASES_MAX times and within `limits->nodes` and `limits->depth` (json.size, .depth), with the places of
 * what they repeat. Still refused: aliases of what they stand in or as keys, tags, merge keys, and all else above. */
AIP_MUST_CHECK aip_status yaml_load_peer(aip_bytes text, const yaml_limits *limits, yaml_document *out, aip_error *err);
void yaml_clear(yaml_document *document);

/* The entry of a member (`key`) or of an item (`key` NULL); of the root with `container` NULL. NULL: there is none. */
const yaml_entry *yaml_find(const yaml_document *document, const json_t *container, const char *key, size_t index);

#endif
