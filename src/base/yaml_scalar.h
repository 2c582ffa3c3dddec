/* What a plain scalar of YAML is, to every reader or to some. */
#ifndef BASE_YAML_SCALAR_H
#define BASE_YAML_SCALAR_H

#include "aip/bytes.h"

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

#endif
