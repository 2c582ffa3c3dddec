/* The driver's operation on YAML. Beside the verdict, the values as JSON text and the line of a refusal. */
#include "aip/limits.h"
#include "base/yaml.h"
#include "tests/vectors/conform.h"

aip_status
answer_yaml_parse(exchange *x, aip_error *err)
{
    static const yaml_limits limits = {AIP_CONFIG_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, AIP_CONFIG_NODES_MAX};
    aip_bytes text;
    yaml_document document;
    char *json STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(exchange_hex(x, "hex", &text, err));
    AIP_TRY(yaml_load(text, &limits, &document, err));
    aip_status status = json_write(document.root, &json, &size, err);
    yaml_clear(&document);
    AIP_TRY(status);
    exchange_reply_text(x, "json", (aip_bytes){(const unsigned char *)json, size});
    return AIP_OK;
}
