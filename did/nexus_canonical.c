/* The JSON bytes that Nexus Guard signs, made from the RFC 8785 ones. */
#include "aip/limits.h"
#include "base/json.h"
#include "base/number.h"
#include "base/scan.h"
#include "base/utf8.h"
#include "did/nexus.h"

#define DEPTH_MAX 16
#define NODES_MAX 8192

static uint32_t
scalar_of(const unsigned char *at, size_t length)
{
    uint32_t scalar = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        scalar = scalar << 6 | (at[i] & 0x3fu);
    }
    return scalar;
}

static void
append_escaped(text_buffer *out, uint32_t scalar)
{
    if (scalar >= 0x10000) {
        text_append_format(out, "\\u%04x", 0xd800 + ((scalar - 0x10000) >> 10));
        scalar = 0xdc00 + ((scalar - 0x10000) & 0x3ff);
    }
    text_append_format(out, "\\u%04x", scalar);
}

/* The canonical text has the short escapes already; a separator outside strings may want a space. */
static void
append_ascii(aip_bytes canonical, bool spaced, text_buffer *out)
{
    bool in_string = false;
    for (size_t i = 0, length = 1; i < canonical.size; i += length) {
        unsigned char c = canonical.data[i];
        length = utf8_sequence(canonical.data + i, canonical.size - i);
        length = length == 0 ? 1 : length;
        if (c >= 0x7f) {
            append_escaped(out, scalar_of(canonical.data + i, length));
            continue;
        }
        length = in_string && c == '\\' ? 2 : 1;
        in_string = c == '"' ? !in_string : in_string;
        text_append(out, (aip_bytes){canonical.data + i, length});
        if (spaced && !in_string && (c == ',' || c == ':')) {
            text_append_string(out, " ");
        }
    }
}

static aip_status
check_value(const scan_document *json, uint32_t node, aip_error *err)
{
    char name[AIP_JSON_NAME_BYTES_MAX];
    size_t size = 0;
    if (scan_kind_of(json, node) == SCAN_NUMBER && !number_is_exact_integer(scan_raw(json, node))) {
        return aip_fail_at(err, AIP_JSON_NUMBER, json->nodes[node].start, NULL);
    }
    if (json->nodes[node].name_end == 0) {
        return AIP_OK;
    }
    AIP_TRY(scan_unescape_name(json, node, name, sizeof name, &size, err));
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)name[i] >= 0xf0) {
            return aip_fail(err, AIP_EVIDENCE_INVALID, "a member name lies beyond the basic plane");
        }
    }
    return AIP_OK;
}

aip_status
nexus_canonical(aip_bytes json, bool spaced, text_buffer *out, aip_error *err)
{
    const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, DEPTH_MAX, NODES_MAX};
    STRING_AUTO char *canonical = NULL;
    scan_document document;
    size_t size = 0;
    aip_status status = AIP_OK;
    AIP_TRY(scan_load(json, &limits, &document, err));
    for (uint32_t i = 0; i < document.count && status == AIP_OK; i++) {
        status = check_value(&document, i, err);
    }
    scan_clear(&document);
    AIP_TRY(status);
    AIP_TRY(json_canonical(json, &canonical, &size, err));
    append_ascii((aip_bytes){(unsigned char *)canonical, size}, spaced, out);
    return text_finish(out, err);
}
