/* What the two halves of the dialect share: expressions (pattern_dialect.c), escapes and classes (pattern_class.c). */
#ifndef BASE_PATTERN_DIALECT_INSIDE_H
#define BASE_PATTERN_DIALECT_INSIDE_H

#include "base/pattern_dialect.h"

#define DIALECT_GROUPS_MAX 100

typedef struct {
    bool multi_line, swapped; /* (?m) and (?U) */
    unsigned weight;          /* the largest product of repeats inside */
} dialect_group;

typedef struct {
    aip_bytes text;
    size_t at;
    text_buffer *out;
    aip_error *err;
    dialect_group groups[DIALECT_GROUPS_MAX];
    size_t depth;
    bool operand, repeated; /* what stands before can be repeated; it was already */
    unsigned weight;        /* of the operand */
} dialect;

AIP_MUST_CHECK aip_status dialect_refuse(dialect *d, const char *why); /* pattern.invalid at the place */
int dialect_peek(const dialect *d, size_t ahead);                      /* the byte, or -1 */
bool dialect_is_digit(int c);
bool dialect_is_letter(int c);
void dialect_emit(dialect *d, const char *text);
void dialect_emit_scalar(dialect *d, uint32_t scalar); /* as a literal */
void dialect_set_operand(dialect *d);                  /* what was emitted can be repeated */
uint32_t dialect_take_scalar(dialect *d);              /* the code point at the place; the text is UTF-8 */

/* ---- pattern_class.c ---- */

/* One code point, written as an escape; the place is after the backslash. */
AIP_MUST_CHECK aip_status dialect_take_escaped(dialect *d, uint32_t *scalar);
/* \pL, \p{Greek}, \P{^Lu}, after the backslash. Scripts are meant without extensions. */
AIP_MUST_CHECK aip_status dialect_take_property(dialect *d);
/* \d, \w, \s and their opposites, after the backslash; false when it is none of them. */
bool dialect_take_class_escape(dialect *d, bool inside);
AIP_MUST_CHECK aip_status dialect_take_class(dialect *d); /* from `[` on */

#endif
