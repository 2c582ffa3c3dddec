/* Globs over UTF-8 text in linear time: `*` any text, `?` one character, all else itself. */
#ifndef CHAIN_GLOB_H
#define CHAIN_GLOB_H

#include "aip/bytes.h"

#define GLOB_BYTES_MAX 256

/* Is `pattern` one that all readers read alike? Not longer than GLOB_BYTES_MAX; no brackets and backslashes,
 * which are classes and escapes elsewhere. */
bool glob_is_well_formed(aip_bytes pattern);

/* Does the well-formed `pattern` match the whole of `text`? Both are valid UTF-8. */
bool glob_matches(aip_bytes pattern, aip_bytes text);

#endif
