/* DID documents from arbitrary bytes: what is read of one, and that what is written of that reads back. */
#include <stdlib.h>

#include "did/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME "did:web:a.test"

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool
offers(const identity *id, const aip_public_key *key, did_use use)
{
    for (size_t i = 0; i < id->key_count; i++) {
        if (memcmp(id->keys[i].key.bytes, key->bytes, AIP_KEY_BYTES) == 0 &&
            (id->keys[i].uses & IDENTITY_USE_BIT(use)) != 0) {
            return true;
        }
    }
    return false;
}

/* One key of a document that is good as a whole is one of its keys. */
static void
check_key(aip_bytes text, const identity *id, did_use use)
{
    const did_key_query query = {AIP_BYTES_LITERAL(NAME), {NULL, 0}, use};
    aip_public_key key;
    if (did_document_key(text, &query, &key, NULL) == AIP_OK && id != NULL) {
        require(offers(id, &key, use));
    }
}

static void
check_written(const identity *id)
{
    TEXT_AUTO text_buffer text = {0};
    IDENTITY_AUTO identity *again = NULL;
    require(did_document_write_identity(id, 0, NULL, &text, NULL) == AIP_OK);
    require(did_document_identity(text_view(&text), AIP_BYTES_LITERAL(NAME), &again, NULL) == AIP_OK);
    require(again->key_count == id->key_count);
    require(memcmp(again->keys, id->keys, id->key_count * sizeof id->keys[0]) == 0);
}

static void
check_shown(const identity *id, aip_bytes document)
{
    TEXT_AUTO text_buffer text = {0};
    require(did_resolution_write_identity(id, document, -1, 0, &text, NULL) == AIP_OK);
    require(memchr(text.data, '\n', text.size) == NULL);
}

static void
check_url(aip_bytes text)
{
    did_url url;
    if (did_url_split(text, &url, NULL) == AIP_OK && (url.version >= 0 || url.fragment.size > 0)) {
        require(aip_did_is_did(url.did) && aip_did_is_did_url(text));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aip_bytes text = {data, size};
    IDENTITY_AUTO identity *id = NULL;
    if (did_document_identity(text, AIP_BYTES_LITERAL(NAME), &id, NULL) == AIP_OK) {
        check_written(id);
        check_shown(id, text);
    }
    for (did_use use = DID_USE_ANY; use <= DID_USE_DELEGATION; use++) {
        check_key(text, id, use);
    }
    check_url(text);
    return 0;
}
