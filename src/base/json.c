/* Our own JSON documents through jansson, which sees only what the scanner has passed. */
#include "base/json.h"

#include "aip/limits.h"
#include "base/scan.h"

static aip_status
scan_strictly(aip_bytes text, size_t bytes_max, aip_error *err)
{
    const scan_limits limits = {bytes_max, AIP_JSON_DEPTH_TOKEN, AIP_JSON_NODES_MAX};
    scan_document document;
    AIP_TRY(scan_load(text, &limits, &document, err));
    scan_kind kind = scan_kind_of(&document, 0);
    scan_clear(&document);
    if (kind != SCAN_OBJECT && kind != SCAN_ARRAY) {
        return aip_fail(err, AIP_JSON_SHAPE, "an object or an array belongs here");
    }
    return AIP_OK;
}

/* What jansson refuses beyond the scanner. */
static aip_status
refusal(const json_error_t *found, aip_error *err)
{
    size_t offset = found->position < 0 ? 0 : (size_t)found->position;
    enum json_error_code code = json_error_code(found);
    if (code == json_error_out_of_memory) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (code == json_error_numeric_overflow) {
        return aip_fail_at(err, AIP_JSON_NUMBER, offset, NULL);
    }
    if (code == json_error_null_character || code == json_error_null_byte_in_key) {
        return aip_fail_at(err, AIP_JSON_SHAPE, offset, "U+0000 in a string");
    }
    return aip_fail_at(err, AIP_JSON_SYNTAX, offset, NULL);
}

aip_status
json_load_strict(aip_bytes text, size_t bytes_max, json_t **out, aip_error *err)
{
    AIP_TRY(scan_strictly(text, bytes_max, err));
    json_error_t found;
    json_t *value = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &found);
    if (value == NULL) {
        return refusal(&found, err);
    }
    *out = value;
    return AIP_OK;
}

aip_status
json_write(const json_t *value, char **out, size_t *size, aip_error *err)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *out = text;
    *size = strlen(text);
    return AIP_OK;
}

void
json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}
