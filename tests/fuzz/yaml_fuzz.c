/* Any bytes through the YAML loader: what is accepted knows all its places and literals, and where the text is JSON as
 * well, both readers see the same values. */
#include <stdlib.h>

#include "aip/limits.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static size_t check_value(const yaml_document *document, const yaml_entry *entry, const json_t *value, size_t depth);

static size_t
check_children(const yaml_document *document, const json_t *container, size_t depth)
{
    size_t count = 0, index;
    const char *key;
    json_t *value;
    json_array_foreach(container, index, value)
    {
        count += check_value(document, yaml_find(document, container, NULL, index), value, depth);
    }
    json_object_foreach((json_t *)(uintptr_t)container, key, value)
    {
        const yaml_entry *entry = yaml_find(document, container, key, 0);
        require(entry != NULL && entry->key_place.line > 0 && entry->key_place.column > 0);
        count += check_value(document, entry, value, depth);
    }
    return count;
}

/* Number of values. */
static size_t
check_value(const yaml_document *document, const yaml_entry *entry, const json_t *value, size_t depth)
{
    require(depth <= AIP_CONFIG_DEPTH_MAX + 1);
    require(entry != NULL && entry->place.line > 0 && entry->place.column > 0);
    require(entry->literal != NULL || !json_is_number(value));
    require(entry->literal == NULL || json_is_number(value) || json_is_boolean(value));
    require(!json_is_string(value) || strlen(json_string_value(value)) == json_string_length(value));
    return 1 + check_children(document, value, depth + 1);
}

/* What is read strictly is read the same for readers with types, but for what they call it. */
static void
check_peer(aip_bytes text, const yaml_limits *limits, const json_t *strict)
{
    yaml_document document;
    if (yaml_load_peer(text, limits, &document, NULL) != AIP_OK) {
        require(strict == NULL && document.root == NULL && document.entries == NULL);
        return;
    }
    require(check_value(&document, yaml_find(&document, NULL, NULL, 0), document.root, 1) == document.count);
    require(strict == NULL || json_equal(strict, document.root));
    yaml_clear(&document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const yaml_limits limits = {AIP_DOCUMENT_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, 4096};
    const aip_bytes text = {data, size};
    yaml_document document;
    json_t *json = NULL;
    aip_error err = AIP_ERROR_INIT;
    if (yaml_load(text, &limits, &document, &err) != AIP_OK) {
        require(document.root == NULL && document.entries == NULL);
        require(strncmp(err.detail, "line ", 5) == 0 || err.status == AIP_JSON_SIZE);
        check_peer(text, &limits, NULL);
        return 0;
    }
    require(check_value(&document, yaml_find(&document, NULL, NULL, 0), document.root, 1) == document.count);
    if (json_load_strict(text, AIP_DOCUMENT_BYTES_MAX, &json, NULL) == AIP_OK) {
        require(json_equal(json, document.root));
    }
    json_release(&json);
    check_peer(text, &limits, document.root);
    yaml_clear(&document);
    return 0;
}
