/* Expressions of policies and texts: both engines agree, and what the dialect lets through always compiles. A first
 * line is the expression, the rest the text. */
#include <stdlib.h>

#include "base/pattern_dialect.h"
#include "base/pattern_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXPRESSION_BYTES 48 /* longer ones compile for seconds when they repeat repeats */
#define TEXT_BYTES 512

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool
note(void *context, unsigned id, size_t from, size_t to)
{
    require(id == 7 && from <= to);
    *(bool *)context = true;
    return true;
}

/* 1 found, 0 not found, -1 refused or too many steps. */
static int
search(const char *expression, aip_bytes text, pattern_engine engine)
{
    const pattern_source source = {.text = expression, .id = 7, .single_match = true};
    pattern_set *set = NULL;
    pattern_scratch *scratch = NULL;
    bool found = false;
    if (pattern_set_build(&source, 1, 4096, engine, &set, NULL) != AIP_OK) {
        return -1;
    }
    require(pattern_scratch_grow(&scratch, set, NULL) == AIP_OK);
    aip_status status = pattern_set_scan(set, scratch, text, note, &found, NULL);
    pattern_scratch_free(&scratch);
    pattern_set_free(&set);
    require(status == AIP_OK || status == AIP_PATTERN_LIMIT);
    return status == AIP_OK ? found : -1;
}

static void
check_exact(const char *expression, aip_bytes text)
{
    const pattern_source source = {.text = expression};
    pattern_exact *exact = NULL;
    bool found = true;
    size_t from = 0, to = 0;
    if (pattern_exact_new(&source, 4096, &exact, NULL) != AIP_OK) {
        return;
    }
    for (size_t at = 0; found && at <= text.size; at = to > from ? to : from + 1) {
        if (pattern_exact_find(exact, text, at, &found, &from, &to, NULL) != AIP_OK) {
            break;
        }
        require(!found || (from >= at && from <= to && to <= text.size));
    }
    pattern_exact_free(&exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    TEXT_AUTO text_buffer out = {0};
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = end == NULL ? size : (size_t)(end - data);
    aip_bytes rest = {data + length + (end != NULL), size - length - (end != NULL)};
    rest.size = rest.size > TEXT_BYTES ? TEXT_BYTES : rest.size;
    if (length > EXPRESSION_BYTES || pattern_from_re2((aip_bytes){data, length}, &out, NULL) != AIP_OK) {
        return 0;
    }
    text_append(&out, (aip_bytes){(const unsigned char *)"", 1});
    int linear = search(out.data, rest, PATTERN_LINEAR), exact = search(out.data, rest, PATTERN_EXACT_ONLY);
    require(linear == exact || linear < 0 || exact < 0);
    check_exact(out.data, rest);
    return 0;
}
