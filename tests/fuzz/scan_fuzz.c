/* Any bytes through the scanner: its build of vectors and its build of words agree, whatever is accepted can be read
 * node by node and written canonically, and the canonical bytes are their own canonical form. */
#include <stdlib.h>

#include "aip/limits.h"
#include "base/json.h"
#include "base/scan.h"
#include "tests/unit/scan_portable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Unescaping never gives more bytes than were written. */
static void
read_strings(const scan_document *document, uint32_t node, char *out, size_t capacity)
{
    size_t size = 0;
    if (scan_kind_of(document, node) == SCAN_STRING) {
        require(scan_unescape(document, node, out, capacity, &size, NULL) == AIP_OK);
        require(scan_string_equals(document, node, (aip_bytes){(const unsigned char *)out, size}));
        require(size == 0 || scan_unescape(document, node, out, size - 1, &size, NULL) == AIP_JSON_SIZE);
    }
    if (scan_unescape_name(document, node, out, capacity, &size, NULL) == AIP_OK) {
        require(scan_name_equals(document, node, (aip_bytes){(const unsigned char *)out, size}));
    }
}

static void
read_node(const scan_document *document, uint32_t node, char *out, size_t capacity)
{
    static const char *const known[] = {"method", "params", "name", "k", "s", NULL};
    uint32_t children = 0;
    uint64_t integer = 0;
    aip_bytes raw = scan_raw(document, node), plain;
    require(raw.size > 0 && raw.data >= document->text.data);
    require(raw.data + raw.size <= document->text.data + document->text.size);
    for (uint32_t at = scan_child(document, node); at != SCAN_NONE; at = scan_next(document, at)) {
        children++;
    }
    require(children == document->nodes[node].children);
    read_strings(document, node, out, capacity);
    aip_status names = scan_check_names(document, node, known, NULL);
    require(names == AIP_OK || names == AIP_JSON_AMBIGUOUS);
    (void)!scan_member(document, node, "method");
    (void)!scan_plain_string(document, node, &plain, NULL);
    (void)!scan_integer(document, node, UINT64_MAX, &integer, NULL);
}

static void
write_canonically(aip_bytes text, bool accepted)
{
    char *once = NULL, *twice = NULL;
    size_t once_size = 0, twice_size = 0;
    aip_status status = json_canonical(text, &once, &once_size, NULL);
    require((status == AIP_OK) == accepted);
    if (accepted) {
        aip_bytes canonical = {(const unsigned char *)once, once_size};
        require(json_canonical(canonical, &twice, &twice_size, NULL) == AIP_OK);
        require(aip_bytes_equal(canonical, (aip_bytes){(const unsigned char *)twice, twice_size}));
    }
    free(once);
    free(twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    const aip_bytes text = {data, size};
    scan_document document;
    if (size > AIP_DOCUMENT_BYTES_MAX) {
        return 0;
    }
    require(scanners_agree(text, &limits));
    bool accepted = scan_load(text, &limits, &document, NULL) == AIP_OK;
    char *out = malloc(size + 1);
    for (uint32_t node = 0; out != NULL && node < document.count; node++) {
        read_node(&document, node, out, size + 1);
    }
    free(out);
    scan_clear(&document);
    write_canonically(text, accepted);
    json_t *loaded = NULL;
    if (json_load_strict(text, AIP_DOCUMENT_BYTES_MAX, &loaded, NULL) == AIP_OK) {
        require(accepted);
    }
    json_release(&loaded);
    return 0;
}
