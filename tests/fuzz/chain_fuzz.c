/* Tokens from arbitrary text: parsing, describing, verifying and judging arguments never go wrong. */
#include <stdlib.h>

#include "aip/chain.h"
#include "base/scan.h"
#include "token/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A description is one JSON document, whatever the claims say. */
static void
check_description(const aip_chain *chain)
{
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    char *text = NULL;
    scan_document document;
    require(aip_chain_describe(chain, &text, NULL) == AIP_OK);
    require(scan_load(aip_bytes_of(text), &limits, &document, NULL) == AIP_OK);
    scan_clear(&document);
    free(text);
}

static void
check_text(aip_bytes text)
{
    aip_chain *chain = NULL;
    aip_grant grant;
    const aip_check check = {.trust = NULL, .now_seconds = 1800000000};
    if (aip_chain_parse(text, &chain, NULL) != AIP_OK) {
        require(chain == NULL);
        return;
    }
    check_description(chain);
    require(aip_chain_verify(chain, &check, &grant, NULL) == AIP_TRUST_ROOT_UNKNOWN);
    grant = (aip_grant){.chain = chain};
    aip_status covered = aip_grant_covers(&grant, AIP_BYTES_LITERAL("tool:t"), NULL);
    aip_status held =
        aip_grant_check_arguments(&grant, AIP_BYTES_LITERAL("t"), AIP_BYTES_LITERAL("{\"a\":[1,\"b\"]}"), NULL);
    require(covered == AIP_OK || covered == AIP_SCOPE_INSUFFICIENT);
    require(held == AIP_OK || held == AIP_CONSTRAINT_VIOLATED);
    aip_chain_free(&chain);
}

/* The input as a token, and as the payload of one, so that claims are reached without guessing base64. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = NULL;
    check_text((aip_bytes){data, size});
    if (token_encode(NULL, NULL, (aip_bytes){data, size}, &text, NULL) == AIP_OK) {
        check_text(aip_bytes_of(text));
        free(text);
    }
    return 0;
}
