/* Content-Digest (RFC 9530): SHA-256 is written, SHA-512 read as well. */
#include <strings.h>

#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "proof/signature.h"

void
content_digest_write(aip_bytes body, char out[CONTENT_DIGEST_SIZE])
{
    unsigned char digest[AIP_HASH_BYTES];
    char text[BASE64_TEXT_SIZE(sizeof digest) + 1];
    hash_sha256(body, digest);
    base64_encode((aip_bytes){digest, sizeof digest}, text);
    snprintf(out, CONTENT_DIGEST_SIZE, "sha-256=:%s:", text);
}

static const struct {
    const char *name;
    size_t size;
    void (*compute)(aip_bytes message, unsigned char *out);
} algorithms[] = {
    {"sha-256", AIP_HASH_BYTES, hash_sha256},
    {"sha-512", HASH_SHA512_BYTES, hash_sha512},
};

/* Judges one member; others than ours are left alone. */
static aip_status
check_member(const field_member *member, aip_bytes body, bool *known, aip_error *err)
{
    unsigned char wanted[HASH_SHA512_BYTES], given[HASH_SHA512_BYTES];
    size_t size = 0;
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (!aip_bytes_equal(member->name, aip_bytes_of(algorithms[i].name))) {
            continue;
        }
        *known = true;
        AIP_TRY(field_decode_bytes(&member->value.item, given, sizeof given, &size, err));
        algorithms[i].compute(body, wanted);
        return size == algorithms[i].size && memcmp(given, wanted, size) == 0 ? AIP_OK
                                                                              : aip_fail(err, AIP_PROOF_DIGEST, NULL);
    }
    return AIP_OK;
}

aip_status
content_digest_check(const http_message *message, aip_bytes body, aip_error *err)
{
    bool present = false, known = false;
    for (size_t i = 0; i < message->field_count; i++) {
        const http_field *field = &message->fields[i];
        if (field->name.size != sizeof "Content-Digest" - 1 ||
            strncasecmp((const char *)field->name.data, "Content-Digest", field->name.size) != 0) {
            continue;
        }
        present = true;
        for (aip_bytes rest = field->value; rest.size > 0;) {
            field_member member;
            AIP_TRY(field_next_member(&rest, &member, err));
            AIP_TRY(check_member(&member, body, &known, err));
        }
    }
    if (!present) {
        return aip_fail(err, AIP_PROOF_DIGEST, "the body has no digest");
    }
    return known ? AIP_OK : aip_fail(err, AIP_PROOF_DIGEST_ALGORITHM, NULL);
}
