/* Any bytes as gateway.yaml: they are taken without a problem, or refused with a place for each; and no root that is
 * written with a ceiling is ever taken without it. */
#include <stdlib.h>

#include "gateway/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void
check_trust(const gateway_config *config)
{
    const json_t *written = json_object_get(config->document.root, "trust");
    require(json_array_size(written) == config->trust.count);
    for (size_t i = 0; i < config->trust.count; i++) {
        const json_t *entry = json_array_get(written, i);
        const aip_ceiling *ceiling = config->trust.roots[i].ceiling;
        require((json_object_size(entry) > 1) == (ceiling != NULL));
        require(ceiling == NULL || json_array_size(json_object_get(entry, "scope")) == ceiling->scope_count);
        require(ceiling == NULL || json_is_true(json_object_get(entry, "bearer")) == ceiling->bearer);
    }
    require(json_is_object(json_object_get(config->document.root, "unknown")) == (config->trust.unknown != NULL));
    require(config->trust.unknown == NULL || config->trust.unknown->scope_count > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static config_problems problems;
    gateway_config config;
    aip_status status = config_load((aip_bytes){data, size}, &config, &problems, NULL);
    require((status == AIP_OK) == (problems.count == 0));
    for (size_t i = 0; i < problems.count; i++) {
        require(problems.items[i].place.line > 0 && problems.items[i].place.column > 0);
        require(problems.items[i].sentence[0] != '\0');
    }
    if (status == AIP_OK) {
        check_trust(&config);
    }
    config_clear(&config);
    return 0;
}
