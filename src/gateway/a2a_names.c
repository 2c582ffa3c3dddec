/* Names of members that readers of ProtoJSON take for others. */
#include "gateway/a2a_names.h"

#include <ctype.h>

bool
a2a_snake_name(const char *name, char out[A2A_NAME_SIZE])
{
    size_t size = 0;
    bool differs = false;
    for (; *name != '\0' && size + 2 < A2A_NAME_SIZE; name++) {
        if (isupper((unsigned char)*name)) {
            out[size++] = '_';
            differs = true;
        }
        out[size++] = (char)tolower((unsigned char)*name);
    }
    out[size] = '\0';
    return differs;
}

/* Is the child named by the snake_case form of a known name? Most names hold no underscore at all. */
static bool
is_snake(const scan_document *document, uint32_t child, const char *const *known)
{
    char other[A2A_NAME_SIZE];
    aip_bytes name = scan_raw_name(document, child);
    if (!document->nodes[child].name_escaped && (name.size == 0 || memchr(name.data, '_', name.size) == NULL)) {
        return false;
    }
    for (size_t i = 0; known[i] != NULL; i++) {
        if (a2a_snake_name(known[i], other) && scan_name_equals(document, child, aip_bytes_of(other))) {
            return true;
        }
    }
    return false;
}

aip_status
a2a_check_names(const scan_document *document, uint32_t node, const char *const *known, aip_error *err)
{
    AIP_TRY(scan_check_names(document, node, known, err));
    for (uint32_t each = scan_child(document, node); each != SCAN_NONE; each = scan_next(document, each)) {
        if (is_snake(document, each, known)) {
            return aip_fail(err, AIP_JSON_AMBIGUOUS, "a known name is written in snake_case");
        }
    }
    return AIP_OK;
}
