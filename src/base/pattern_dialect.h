/* The dialect of policies' expressions, RE2 as the peer's program compiles it, in the words of our engines. */
#ifndef BASE_PATTERN_DIALECT_H
#define BASE_PATTERN_DIALECT_H

#include "base/pattern.h"
#include "base/text.h"

#define PATTERN_DIALECT_BYTES_MAX 1000

/* Appends to `out` the same expression for pattern_source.text (without flags), so that both engines agree with RE2:
 * `$` is the end of the text only, `\s` knows no vertical tab. Unanchored, as the peer searches.
 * Refuses, with pattern.invalid and the byte as err->offset, whatever RE2 refuses and whatever our engines would read
 * as more: look-around, back-references, possessive and stacked quantifiers, `\Z`, `\C`, `\u`, repeats over 1000 (also
 * multiplied); over PATTERN_DIALECT_BYTES_MAX bytes; "potentially dangerous nested quantifiers". Errors: memory. */
AIP_MUST_CHECK aip_status pattern_from_re2(aip_bytes text, text_buffer *out, aip_error *err);

#endif
