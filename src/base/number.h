/* JSON number literals as IEEE 754 doubles, both ways, the same under every locale. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "aip/error.h"

/* The nearest double of a literal that keeps RFC 8259's grammar, ties to even. Allocates nothing.
 * json.number when no double holds it: it rounds to infinity, or to zero without being zero. */
AIP_MUST_CHECK aip_status number_read(aip_bytes literal, double *out, aip_error *err);

/* Is the literal a whole number, written without fraction and exponent, of at most 2^53 - 1 in size? Those are the same
 * to every reader. */
bool number_is_exact_integer(aip_bytes literal);

#define NUMBER_TEXT_SIZE 32
/* ECMA-262 Number::toString of a finite double, as RFC 8785 section 3.2.2.3 demands, with a NUL. */
void number_write(double value, char out[NUMBER_TEXT_SIZE]);

#endif
