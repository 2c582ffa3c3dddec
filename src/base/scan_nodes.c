/* Nodes that a document owns: room for a text, kept from one text to the next. */
#include <stdlib.h>

#include "base/scan_inside.h"

/* Room for `text` at first: a value takes some 20 bytes in ordinary messages; what is denser grows. */
static uint32_t
first_capacity(aip_bytes text, const scan_limits *limits)
{
    size_t guess = text.size / 16 + 8;
    guess = guess < limits->nodes ? guess : limits->nodes;
    return (uint32_t)(guess < SCAN_NONE ? guess : SCAN_NONE - 1);
}

/* Nodes that are too few for `text`, or too many to keep for it, give way to others: nothing of theirs is copied. */
aip_status
scan_make_room(scan_document *document, aip_bytes text, const scan_limits *limits, aip_error *err)
{
    uint32_t wanted = first_capacity(text, limits);
    bool hoards = document->capacity > SCAN_KEPT_NODES && wanted <= SCAN_KEPT_NODES;
    if (document->nodes != NULL && document->capacity >= wanted && !hoards) {
        return AIP_OK;
    }
    free(document->nodes);
    document->capacity = 0;
    document->nodes = malloc((size_t)wanted * sizeof *document->nodes);
    if (document->nodes == NULL && wanted > 0) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    document->capacity = wanted;
    return AIP_OK;
}

aip_status
scan_load(aip_bytes text, const scan_limits *limits, scan_document *out, aip_error *err)
{
    *out = (scan_document){0};
    aip_status status = scan_reload(out, text, limits, err);
    if (status != AIP_OK) {
        scan_clear(out);
    }
    return status;
}

void
scan_clear(scan_document *document)
{
    free(document->nodes);
    *document = (scan_document){0};
}
