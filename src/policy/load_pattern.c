/* A policy's regular expression, made into a set of one. */
#include "base/pattern_dialect.h"
#include "policy/load_inside.h"

#define GROWTH 64 /* of the text in our engines' words: `\s` becomes a class */

aip_status
load_pattern(const char *regex, pattern_set **out, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    AIP_TRY(pattern_from_re2(aip_bytes_of(regex), &text, err));
    text_append(&text, AIP_BYTES_LITERAL("\0"));
    AIP_TRY(text_finish(&text, err));
    const pattern_source source = {.text = text.data, .single_match = true};
    return pattern_set_new(&source, 1, (size_t)PATTERN_DIALECT_BYTES_MAX * GROWTH, out, err);
}
