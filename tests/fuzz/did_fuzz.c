/* Identifiers, multibase and DID documents from arbitrary bytes. */
#include <stdlib.h>

#include "aip/did.h"
#include "crypto/multibase.h"
#include "did/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Whatever parses as the self form is spelled in the only way. */
static void
check_identifier(aip_bytes text)
{
    aip_did did;
    aip_public_key key;
    char again[AIP_DID_TEXT_SIZE];
    bool parsed = aip_did_parse(text, &did, NULL) == AIP_OK;
    require(!aip_did_is_did(text) || aip_did_is_did_url(text));
    if (parsed && did.form == AIP_DID_SELF && aip_did_key(&did, &key, NULL) == AIP_OK) {
        aip_did_of_key(&key, again);
        require(aip_bytes_equal(text, aip_bytes_of(again)));
    }
}

static void
check_url(aip_bytes text)
{
    char *url = NULL;
    if (aip_did_web_url(text, &url, NULL) == AIP_OK) {
        require(strncmp(url, "https://", 8) == 0 && strchr(url, '#') == NULL && strchr(url, '?') == NULL);
        require(strstr(url, "/../") == NULL && strchr(url, '@') == NULL);
    }
    free(url);
}

static void
check_multibase(aip_bytes text)
{
    unsigned char bytes[4096], key[AIP_KEY_BYTES];
    char *again = NULL;
    size_t decoded, used;
    uint64_t value;
    if (multibase_decode(text, bytes, sizeof bytes, &decoded, NULL) == AIP_OK && text.data[0] == 'z') {
        require(multibase_encode("base58btc", (aip_bytes){bytes, decoded}, &again, NULL) == AIP_OK || decoded > 1500);
        require(again == NULL || aip_bytes_equal(text, aip_bytes_of(again)));
    }
    free(again);
    (void)!multibase_decode_key(text, key, NULL);
    (void)!varint_decode(text, &value, &used, NULL);
}

static void
check_document(aip_bytes text)
{
    const did_key_query query = {AIP_BYTES_LITERAL("did:web:a.test"), {0}, DID_USE_AUTHENTICATION};
    aip_public_key key;
    (void)!did_document_key(text, &query, &key, NULL);
}

static void
check_resolution(aip_bytes text)
{
    TEXT_AUTO text_buffer out = {0};
    (void)!did_resolution_write(text, NULL, &out, NULL);
    require(out.size > 0 && out.data[0] == '{' && out.data[out.size - 1] == '}');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aip_bytes text = {data, size};
    check_identifier(text);
    check_url(text);
    check_multibase(text);
    check_document(text);
    check_resolution(text);
    return 0;
}
