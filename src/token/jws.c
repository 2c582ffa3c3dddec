/* Parses and verifies one compact Ed25519 JWS, strictly and without trust. */
#include "token/jws.h"

#include "aip/limits.h"
#include "crypto/base64url.h"

#define HEADER_NODES 8

static aip_status
read_kid(const scan_document *header, uint32_t node, jws *out, aip_error *err)
{
    if (node == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(header, node) != SCAN_STRING || scan_plain_string(header, node, &out->kid, NULL) != AIP_OK ||
        out->kid.size == 0) {
        return aip_fail(err, AIP_TOKEN_HEADER, "kid is no plain string");
    }
    return AIP_OK;
}

static aip_status
read_header(aip_bytes text, const char *typ, jws *out, aip_error *err)
{
    static const scan_limits limits = {AIP_ELEMENT_BYTES_MAX, 2, HEADER_NODES};
    scan_node nodes[HEADER_NODES];
    scan_document header;
    AIP_TRY(scan_into(text, &limits, nodes, HEADER_NODES, &header, err));
    uint32_t alg = scan_member(&header, 0, "alg"), type = scan_member(&header, 0, "typ"),
             kid = scan_member(&header, 0, "kid");
    uint32_t known = (uint32_t)(alg != SCAN_NONE) + (type != SCAN_NONE) + (kid != SCAN_NONE);
    if (scan_kind_of(&header, 0) != SCAN_OBJECT || nodes[0].children != known || alg == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_HEADER, "the members are alg, typ and kid");
    }
    if (!scan_string_equals(&header, alg, AIP_BYTES_LITERAL("EdDSA")) &&
        !scan_string_equals(&header, alg, AIP_BYTES_LITERAL("Ed25519"))) {
        return aip_fail(err, AIP_TOKEN_HEADER, "alg is not EdDSA");
    }
    if (typ != NULL && (type == SCAN_NONE || !scan_string_equals(&header, type, aip_bytes_of(typ)))) {
        return aip_fail(err, AIP_TOKEN_HEADER, "typ is not %s", typ);
    }
    return read_kid(&header, kid, out, err);
}

aip_status
jws_parse(aip_bytes text, const char *typ, unsigned char *room, size_t capacity, jws *out, aip_error *err)
{
    *out = (jws){.kid = {NULL, 0}};
    if (text.size > AIP_TOKEN_BYTES_MAX) {
        return aip_fail(err, AIP_TOKEN_SIZE, NULL);
    }
    const unsigned char *first = text.size == 0 ? NULL : memchr(text.data, '.', text.size);
    const unsigned char *last = text.size == 0 ? NULL : memrchr(text.data, '.', text.size);
    if (first == NULL || first == last || memchr(first + 1, '.', (size_t)(last - first - 1)) != NULL) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "there are exactly three parts");
    }
    aip_bytes header = {room, 0};
    size_t signature_size = 0;
    AIP_TRY(base64url_decode((aip_bytes){text.data, (size_t)(first - text.data)}, room, capacity, &header.size, err));
    out->payload.data = room + header.size;
    AIP_TRY(base64url_decode((aip_bytes){first + 1, (size_t)(last - first - 1)}, room + header.size,
                             capacity - header.size, &out->payload.size, err));
    out->signing_input = (aip_bytes){text.data, (size_t)(last - text.data)};
    AIP_TRY(base64url_decode(aip_bytes_from(text, out->signing_input.size + 1), out->signature, sizeof out->signature,
                             &signature_size, err));
    if (signature_size != sizeof out->signature) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "a signature has 64 bytes");
    }
    return read_header(header, typ, out, err);
}

aip_status
jws_verify(const jws *statement, const aip_public_key *key, aip_error *err)
{
    return aip_verify(key, statement->signing_input, statement->signature, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_TOKEN_SIGNATURE, NULL);
}
