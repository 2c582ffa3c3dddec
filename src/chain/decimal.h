/* Exact comparison of JSON numbers by their decimal text. */
#ifndef CHAIN_DECIMAL_H
#define CHAIN_DECIMAL_H

#include "aip/bytes.h"

/* Less than, equal to or greater than zero as a is to b; 1.0 equals 1 and -0 equals 0. Both are JSON numbers. Linear.
 */
int decimal_compare(aip_bytes a, aip_bytes b);

#endif
