/* What two spellings have in common: tool and method names, and the text of an argument that patterns are matched
 * against (policy-compatibility section 3). */
#ifndef POLICY_NORMAL_H
#define POLICY_NORMAL_H

#include "aip/limits.h"
#include "base/scan.h"
#include "base/text.h"

#define NORMAL_NAME_BYTES_MAX 1024 /* NFKC makes a few code points longer, up to eleven times */

typedef struct {
    char text[NORMAL_NAME_BYTES_MAX + 1]; /* UTF-8 with a NUL after it */
    size_t size;
    bool mixed; /* Latin letters together with Cyrillic or Greek ones: refuse unless the policy lists this very name */
} normal_name;

/* NORMALIZE: NFKC, lower-case of each code point, outer white space and all but letters, marks, numbers, punctuation,
 * symbols and U+0020 dropped, repeated until stable. Allocates nothing. "" is a name as well: of no tool.
 * Errors: request.invalid (over AIP_TOOL_BYTES_MAX bytes, not UTF-8, or it does not settle). */
AIP_MUST_CHECK aip_status normal_name_of(aip_bytes name, normal_name *out, aip_error *err);

/* STRING(value), appended to `out` (set out->size = 0 to use a buffer again): a string as is, true/false, null empty,
 * a number as shortest plain decimal (integers keep their exact digits), arrays and objects as compact JSON with
 * members sorted and `<`, `>`, `&`, U+2028, U+2029 escaped. `node` is of a document that the scanner accepted.
 * Errors: json.number (a number whose digits a double cannot hold, and that is no plain integer), memory. */
AIP_MUST_CHECK aip_status normal_argument(const scan_document *document, uint32_t node, text_buffer *out,
                                          aip_error *err);

#endif
