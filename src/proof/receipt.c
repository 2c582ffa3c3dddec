/* Writes and checks receipts. */
#include "proof/receipt.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/base64url.h"
#include "proof/signature.h"
#include "token/jws.h"

#define NODES_MAX 64

static void
append_text(text_buffer *text, const char *name, aip_bytes value)
{
    if (value.size > 0) {
        text_append_format(text, ",\"%s\":", name);
        text_append_json(text, value);
    }
}

static void
append_digest(text_buffer *text, const char *name, const unsigned char *digest)
{
    char encoded[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    if (digest != NULL) {
        base64url_encode((aip_bytes){digest, AIP_HASH_BYTES}, encoded);
        append_text(text, name, aip_bytes_of(encoded));
    }
}

static void
append_links(text_buffer *text, const aip_chain *chain)
{
    char id[44];
    text_append_string(text, ",\"links\":[");
    for (size_t i = 0; chain != NULL && i < aip_chain_length(chain); i++) {
        aip_chain_link_id(chain, i, id);
        text_append_format(text, "%s\"%s\"", i == 0 ? "" : ",", id);
    }
    text_append_string(text, "]");
}

aip_status
receipt_sign(const receipt_facts *facts, const aip_secret_key *key, char **out, aip_error *err)
{
    TEXT_AUTO text_buffer payload = {0}, kid = {0};
    *out = NULL;
    text_append_string(&payload, "{\"iss\":");
    text_append_json(&payload, facts->issuer);
    text_append_format(&payload, ",\"iat\":%lld", (long long)facts->issued_at);
    append_text(&payload, "jti", facts->decision_id);
    append_text(&payload, "decision", facts->allowed ? AIP_BYTES_LITERAL("ALLOW") : AIP_BYTES_LITERAL("BLOCK"));
    append_text(&payload, "code", facts->code);
    append_text(&payload, "root", facts->root);
    append_text(&payload, "sub", facts->leaf);
    append_links(&payload, facts->chain);
    append_text(&payload, "method", facts->method);
    append_text(&payload, "tool", facts->tool);
    append_digest(&payload, "request_digest", facts->request_digest);
    append_digest(&payload, "response_digest", facts->response_digest);
    text_append_string(&payload, "}");
    text_append(&kid, facts->key_id);
    AIP_TRY(text_finish(&payload, err));
    AIP_TRY(text_finish(&kid, err));
    const jws_statement statement = {RECEIPT_TYPE, kid.data, text_view(&payload)};
    return jws_encode(key, &statement, out, err);
}

static bool
says(const scan_document *payload, const char *name, aip_bytes wanted)
{
    uint32_t node = scan_member(payload, 0, name);
    return node != SCAN_NONE && scan_kind_of(payload, node) == SCAN_STRING && scan_string_equals(payload, node, wanted);
}

static aip_status
check_payload(aip_bytes json, const receipt_check *check, aip_error *err)
{
    static const scan_limits limits = {AIP_TOKEN_BYTES_MAX, 2, NODES_MAX};
    scan_node nodes[NODES_MAX];
    scan_document payload;
    char digest[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    AIP_TRY(scan_into(json, &limits, nodes, NODES_MAX, &payload, err));
    if (!says(&payload, "jti", check->decision_id)) {
        return aip_fail(err, AIP_PROOF_KEY, "the receipt is about another decision");
    }
    base64url_encode((aip_bytes){check->response_digest, AIP_HASH_BYTES}, digest);
    return says(&payload, "response_digest", aip_bytes_of(digest))
               ? AIP_OK
               : aip_fail(err, AIP_PROOF_DIGEST, "the receipt is about another answer");
}

aip_status
receipt_verify(aip_bytes text, const receipt_check *check, aip_error *err)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    jws receipt;
    AIP_TRY(jws_parse(text, RECEIPT_TYPE, room, sizeof room, &receipt, err));
    if (jws_verify(&receipt, check->key, NULL) != AIP_OK) {
        return aip_fail(err, AIP_PROOF_SIGNATURE, "the receipt's");
    }
    return check_payload(receipt.payload, check, err);
}
