/* One compact Ed25519 JWS, the form of tokens and of all other signed statements: cut, judged and written here. */
#include "token/jws.h"

#include "aip/limits.h"
#include "base/text.h"
#include "crypto/base64url.h"

#define HEADER_NODES 8

aip_status
jws_cut(aip_bytes text, jws_parts *out, aip_error *err)
{
    const unsigned char *first = text.size == 0 ? NULL : memchr(text.data, '.', text.size);
    const unsigned char *last = text.size == 0 ? NULL : memrchr(text.data, '.', text.size);
    if (first == NULL || first == last || memchr(first + 1, '.', (size_t)(last - first - 1)) != NULL) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "there are exactly three parts");
    }
    out->header = (aip_bytes){text.data, (size_t)(first - text.data)};
    out->payload = (aip_bytes){first + 1, (size_t)(last - first - 1)};
    out->signing_input = (aip_bytes){text.data, (size_t)(last - text.data)};
    out->signature = aip_bytes_from(text, out->signing_input.size + 1);
    return AIP_OK;
}

aip_status
jws_decode_signature(aip_bytes text, unsigned char out[AIP_SIGNATURE_BYTES], aip_error *err)
{
    unsigned char decoded[BASE64URL_DECODED_MAX(AIP_TOKEN_BYTES_MAX)]; /* of any size: the wrong ones have a name */
    size_t size = 0;
    AIP_TRY(base64url_decode(text, decoded, sizeof decoded, &size, err));
    if (size != AIP_SIGNATURE_BYTES) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "a signature has 64 bytes");
    }
    memcpy(out, decoded, AIP_SIGNATURE_BYTES);
    return AIP_OK;
}

static bool
is_our_algorithm(const scan_document *header, uint32_t node, bool both_names)
{
    return scan_string_equals(header, node, AIP_BYTES_LITERAL("EdDSA")) ||
           (both_names && scan_string_equals(header, node, AIP_BYTES_LITERAL("Ed25519")));
}

static aip_status
read_kid(const scan_document *header, uint32_t node, aip_bytes *kid, aip_error *err)
{
    *kid = (aip_bytes){NULL, 0};
    if (node == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(header, node) != SCAN_STRING || scan_plain_string(header, node, kid, NULL) != AIP_OK ||
        kid->size == 0) {
        return aip_fail(err, AIP_TOKEN_HEADER, "kid is no plain string");
    }
    return AIP_OK;
}

aip_status
jws_read_header(aip_bytes json, const jws_header_rule *rule, aip_bytes *kid, aip_error *err)
{
    static const scan_limits limits = {AIP_ELEMENT_BYTES_MAX, 2, HEADER_NODES};
    scan_node nodes[HEADER_NODES];
    scan_document header;
    AIP_TRY(scan_into(json, &limits, nodes, HEADER_NODES, &header, err));
    uint32_t alg = scan_member(&header, 0, "alg"), typ = scan_member(&header, 0, "typ"),
             id = scan_member(&header, 0, "kid");
    uint32_t known = (uint32_t)(alg != SCAN_NONE) + (typ != SCAN_NONE) + (id != SCAN_NONE);
    if (scan_kind_of(&header, 0) != SCAN_OBJECT || nodes[0].children != known || alg == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_HEADER, "the members are alg, typ and kid");
    }
    if (!is_our_algorithm(&header, alg, rule->both_names)) {
        return aip_fail(err, AIP_TOKEN_HEADER, "alg is not EdDSA");
    }
    if (rule->typ != NULL && (typ == SCAN_NONE || !scan_string_equals(&header, typ, aip_bytes_of(rule->typ)))) {
        return aip_fail(err, AIP_TOKEN_HEADER, "typ is not %s", rule->typ);
    }
    return read_kid(&header, id, kid, err);
}

aip_status
jws_parse(aip_bytes text, const char *typ, unsigned char *room, size_t capacity, jws *out, aip_error *err)
{
    const jws_header_rule rule = {typ, true};
    jws_parts parts;
    aip_bytes header = {room, 0};
    *out = (jws){.kid = {NULL, 0}};
    if (text.size > AIP_TOKEN_BYTES_MAX) {
        return aip_fail(err, AIP_TOKEN_SIZE, NULL);
    }
    AIP_TRY(jws_cut(text, &parts, err));
    AIP_TRY(base64url_decode(parts.header, room, capacity, &header.size, err));
    unsigned char *rest = room + header.size;
    out->payload.data = rest;
    AIP_TRY(base64url_decode(parts.payload, rest, capacity - header.size, &out->payload.size, err));
    AIP_TRY(jws_decode_signature(parts.signature, out->signature, err));
    out->signing_input = parts.signing_input;
    return jws_read_header(header, &rule, &out->kid, err);
}

aip_status
jws_verify(const jws *statement, const aip_public_key *key, aip_error *err)
{
    return aip_verify(key, statement->signing_input, statement->signature, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_TOKEN_SIGNATURE, NULL);
}

/* What a statement says is no secret, its signature may be one. */
static void
append_encoded(text_buffer *text, aip_bytes bytes)
{
    char block[BASE64URL_TEXT_SIZE(3 * 64) + 1]; /* whole groups of three bytes join without a seam */
    for (size_t at = 0; at < bytes.size; at += 3 * 64) {
        size_t left = bytes.size - at;
        base64url_encode_public((aip_bytes){bytes.data + at, left < 3 * 64 ? left : 3 * 64}, block);
        text_append_string(text, block);
    }
}

static aip_status
append_header(text_buffer *text, const jws_statement *statement, aip_error *err)
{
    TEXT_AUTO text_buffer header = {0};
    text_append_string(&header, "{\"alg\":\"EdDSA\",\"typ\":\"");
    text_append_string(&header, statement->typ);
    if (statement->kid != NULL) {
        text_append_string(&header, "\",\"kid\":\"");
        text_append_string(&header, statement->kid);
    }
    text_append_string(&header, "\"}");
    append_encoded(text, text_view(&header));
    return text_finish(&header, err);
}

aip_status
jws_encode(const aip_secret_key *key, const jws_statement *statement, char **out, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    unsigned char signature[AIP_SIGNATURE_BYTES] = {0};
    char encoded[BASE64URL_TEXT_SIZE(sizeof signature) + 1];
    AIP_TRY(append_header(&text, statement, err));
    text_append_string(&text, ".");
    append_encoded(&text, statement->payload);
    AIP_TRY(text_finish(&text, err));
    if (key != NULL) {
        aip_sign(key, text_view(&text), signature);
    }
    text_append_string(&text, ".");
    base64url_encode((aip_bytes){signature, sizeof signature}, encoded);
    text_append_string(&text, encoded);
    AIP_TRY(text_finish(&text, err));
    *out = text.data;
    text = (text_buffer){0};
    return AIP_OK;
}
