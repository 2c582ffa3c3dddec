/* Statements of other systems from arbitrary bytes; the first byte chooses the kind. */
#include <stdlib.h>

#include "did/nexus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1800000000
#define VOUCHER "did:aip:56475aa75463474c0285df5dbf2bcab7"
#define CHALLENGE "000000000000000000000000000000000000000000000000000000000000002a"

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool
is_within(aip_bytes part, aip_bytes whole)
{
    return part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void
check_statement(nexus_kind kind, aip_bytes object)
{
    const nexus_file file = {AIP_BYTES_LITERAL("skill.md"), {0}};
    bool revokes = kind == NEXUS_REVOCATION_REST || kind == NEXUS_REVOCATION_SDK;
    const nexus_query query = {.signer = revokes ? AIP_BYTES_LITERAL(VOUCHER) : (aip_bytes){NULL, 0},
                               .about = AIP_BYTES_LITERAL(CHALLENGE),
                               .nonce = AIP_BYTES_LITERAL("nonce"),
                               .files = &file,
                               .file_count = 1,
                               .now_seconds = NOW};
    nexus_evidence evidence;
    if (nexus_verify(kind, object, &query, &evidence, NULL) == AIP_OK) {
        require(kind < NEXUS_HANDSHAKE_V1 && kind != NEXUS_REVOCATION_REST);
        require(evidence.expires > NOW && evidence.signer.size > 0 && is_within(evidence.signer, object));
        require(is_within(evidence.target, object) && is_within(evidence.scope, object));
        require(evidence.level >= -1 && evidence.level <= 5);
    }
}

/* Canonical bytes are ASCII, and their own canonical form. */
static void
check_canonical(aip_bytes json, bool spaced)
{
    TEXT_AUTO text_buffer once = {0}, twice = {0};
    if (nexus_canonical(json, spaced, &once, NULL) != AIP_OK) {
        return;
    }
    for (size_t i = 0; i < once.size; i++) {
        require(once.data[i] >= 0x20 && once.data[i] < 0x7f);
    }
    if (once.size <= 65536) { /* escapes may have made it longer than what is read */
        require(nexus_canonical(text_view(&once), spaced, &twice, NULL) == AIP_OK);
        require(aip_bytes_equal(text_view(&once), text_view(&twice)));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    aip_bytes text = {data + 1, size - 1};
    check_statement((nexus_kind)(data[0] % NEXUS_KIND_COUNT), text);
    check_canonical(text, data[0] >= 'a');
    return 0;
}
