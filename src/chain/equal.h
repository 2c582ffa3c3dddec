/* Equality of JSON values from two documents: a token's rule and a call's arguments. */
#ifndef CHAIN_EQUAL_H
#define CHAIN_EQUAL_H

#include "base/scan.h"

typedef struct {
    const scan_document *rule, *given; /* the token's payload and the call's arguments */
} question;

/* Is the value `given` the value `rule`? */
bool equal_values(const question *q, uint32_t rule, uint32_t given);

/* The member of object `given` that has the name of the rule's node, or SCAN_NONE. */
uint32_t equal_find_namesake(const question *q, uint32_t rule, uint32_t given);

typedef struct {
    aip_bytes view;
    char *owned; /* when escapes had to be undone; the caller frees it */
} open_text;

/* The string unescaped; false (and nothing to free) when the node is no string or memory ran out. */
bool equal_open_string(const scan_document *document, uint32_t node, open_text *out);

#endif
