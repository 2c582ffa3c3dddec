/* Hashes of a policy, and the signature of its author (Y-6). */
#include <stdlib.h>

#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "policy/load_inside.h"

/* RFC 8785 of the document without metadata.signature; malloc'd. NULL: noted. */
static char *
canonical_text(policy_loader *l, size_t *size)
{
    json_auto_t *copy = json_deep_copy(l->document.root);
    STRING_AUTO char *written = NULL;
    char *out = NULL;
    size_t written_size = 0;
    aip_error below = AIP_ERROR_INIT;
    if (copy == NULL) {
        l->no_memory = true;
        return NULL;
    }
    json_object_del(json_object_get(copy, "metadata"), "signature");
    if (json_write(copy, &written, &written_size, &below) != AIP_OK ||
        json_canonical((aip_bytes){(const unsigned char *)written, written_size}, &out, size, &below) != AIP_OK) {
        load_complain_of(l, (load_spot){NULL, NULL, 0}, "the document has no canonical form", &below);
        return NULL;
    }
    return out;
}

static bool
is_signed(const policy_loader *l, const unsigned char signature[AIP_SIGNATURE_BYTES], aip_bytes message)
{
    for (size_t i = 0; i < l->origin->key_count; i++) {
        if (aip_verify(&l->origin->keys[i], message, signature, NULL) == AIP_OK) {
            return true;
        }
    }
    return false;
}

static void
check_signature(policy_loader *l, aip_bytes message)
{
    static const char prefix[] = "ed25519:";
    const json_t *metadata = load_value(l->document.root, "metadata");
    const load_spot at = {metadata, "signature", 0};
    const char *text = load_member_text(l, metadata, "signature");
    unsigned char signature[AIP_SIGNATURE_BYTES];
    size_t size = 0;
    aip_error below = {.status = AIP_POLICY_SIGNATURE, .offset = -1, .at = -1};
    if (text == NULL) {
        return;
    }
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 ||
        base64_decode(aip_bytes_of(text + sizeof prefix - 1), signature, sizeof signature, &size, NULL) != AIP_OK ||
        size != sizeof signature) {
        load_complain_of(l, at, "signature is ed25519: and standard base64 of 64 bytes", &below);
    } else if (l->origin->key_count == 0) {
        load_complain_of(l, at, "signature: no key is configured that it could be checked with", &below);
    } else if (!is_signed(l, signature, message)) {
        load_complain_of(l, at, "signature", &below);
    } else {
        l->policy->is_signed = true;
    }
}

void
load_hashes(policy_loader *l, aip_bytes text)
{
    unsigned char hash[AIP_HASH_BYTES];
    size_t size = 0;
    STRING_AUTO char *canonical = canonical_text(l, &size);
    const aip_bytes message = {(const unsigned char *)canonical, size};
    hash_sha256(text, hash);
    hex_encode((aip_bytes){hash, sizeof hash}, l->policy->file_sha256);
    if (canonical != NULL) {
        hash_sha256(message, hash);
        hex_encode((aip_bytes){hash, sizeof hash}, l->policy->hash);
        check_signature(l, message);
    }
}
