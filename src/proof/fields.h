/* Structured field values of HTTP (RFC 9651), read strictly: only the canonical spelling of each value. */
#ifndef PROOF_FIELDS_H
#define PROOF_FIELDS_H

#include "aip/error.h"

typedef enum { FIELD_INTEGER, FIELD_STRING, FIELD_TOKEN, FIELD_BYTES, FIELD_BOOLEAN, FIELD_LIST } field_kind;

enum { FIELD_ITEMS_MAX = 24, FIELD_PARAMETERS_MAX = 8 }; /* our own fields need 8 and 5 */

/* A bare item. Decimals, dates and display strings occur in none of the fields that we read: refused. */
typedef struct {
    field_kind kind;
    int64_t integer; /* also of a boolean: 0 or 1 */
    aip_bytes text;  /* of a string between its quotes, escapes as written; of bytes, base64 between the colons */
} field_item;

typedef struct {
    aip_bytes name;
    field_item value;
} field_parameter;

typedef struct {
    field_item item;
    field_parameter parameters[FIELD_PARAMETERS_MAX];
    size_t parameter_count;
    aip_bytes text; /* item and parameters, as written, which is canonical */
} field_value;

/* One member of a dictionary: an item, or an inner list with its parameters in `value`. */
typedef struct {
    aip_bytes name;
    field_value value;                  /* kind FIELD_LIST: parameters of the list */
    field_value items[FIELD_ITEMS_MAX]; /* of an inner list */
    size_t item_count;
} field_member;

/* Reads the members of a dictionary one by one: *rest is what is left, empty at the end. Between members optional white
 * space is read; within a member only the canonical spelling (RFC 9651 section 4.1) is, so that its text is what a
 * signer signed. Errors: proof.malformed. */
AIP_MUST_CHECK aip_status field_next_member(aip_bytes *rest, field_member *out, aip_error *err);

const field_item *field_parameter_of(const field_value *value, const char *name); /* NULL: not there */

/* Decodes an item of bytes (base64 with padding, RFC 4648 section 4, one spelling). proof.malformed. */
AIP_MUST_CHECK aip_status field_decode_bytes(const field_item *item, unsigned char *out, size_t capacity, size_t *size,
                                             aip_error *err);

#endif
