/* Writes and checks receipts. */
#include "proof/receipt.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "crypto/base64url.h"
#include "proof/signature.h"
#include "token/jws.h"

#define NODES_MAX 64
#define CLAIM_NODES_MAX 128 /* of any statement: a completion names up to 64 decisions */

static void
append_text(text_buffer *text, const char *name, aip_bytes value)
{
    if (value.size > 0) {
        text_append_string(text, ",\"");
        text_append_string(text, name);
        text_append_string(text, "\":");
        text_append_json(text, value);
    }
}

static void
append_digest(text_buffer *text, const char *name, const unsigned char *digest)
{
    char encoded[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    if (digest != NULL) {
        base64url_encode_public((aip_bytes){digest, AIP_HASH_BYTES}, encoded);
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
    char cost[32];
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
    if (facts->has_cost) {
        aip_budget_format(facts->cost_micro_usd, cost);
        text_append_format(&payload, ",\"cost_usd\":%s", cost);
    }
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

static aip_status
read_claims(const scan_document *payload, receipt_seen *out, aip_error *err)
{
    aip_bytes issuer;
    uint64_t issued_at;
    uint32_t iss = scan_member(payload, 0, "iss"), iat = scan_member(payload, 0, "iat");
    uint32_t jti = scan_member(payload, 0, "jti");
    if (iss == SCAN_NONE || scan_kind_of(payload, iss) != SCAN_STRING ||
        scan_plain_string(payload, iss, &issuer, NULL) != AIP_OK) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "iss");
    }
    AIP_TRY(aip_did_parse(issuer, &out->issuer, err));
    if (iat == SCAN_NONE || scan_integer(payload, iat, INT64_MAX, &issued_at, NULL) != AIP_OK) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "iat");
    }
    out->issued_at = (int64_t)issued_at;
    if (jti == SCAN_NONE || scan_kind_of(payload, jti) != SCAN_STRING ||
        scan_plain_string(payload, jti, &out->decision_id, NULL) != AIP_OK ||
        out->decision_id.size != RECEIPT_DECISION_SIZE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "jti");
    }
    return AIP_OK;
}

aip_status
receipt_read(aip_bytes text, unsigned char *room, size_t capacity, receipt_seen *out, aip_error *err)
{
    static const scan_limits limits = {AIP_TOKEN_BYTES_MAX, 2, NODES_MAX};
    scan_node nodes[NODES_MAX];
    scan_document payload;
    AIP_TRY(jws_parse(text, RECEIPT_TYPE, room, capacity, &out->statement, err));
    AIP_TRY(scan_into(out->statement.payload, &limits, nodes, NODES_MAX, &payload, err));
    return read_claims(&payload, out, err);
}

aip_status
receipt_judge(const receipt_seen *r, const aip_key_source *keys, aip_bytes issuer, aip_error *err)
{
    aip_public_key key;
    if (issuer.size > 0 && !aip_bytes_equal(r->issuer.text, issuer)) {
        return aip_fail(err, AIP_PROOF_KEY, "the receipt is of another gateway");
    }
    AIP_TRY(keys->find(keys->context, &r->issuer, r->statement.kid, r->issued_at, &key, err));
    return jws_verify(&r->statement, &key, NULL) == AIP_OK ? AIP_OK
                                                           : aip_fail(err, AIP_PROOF_SIGNATURE, "the receipt's");
}

static void
append_claim(text_buffer *text, const scan_document *payload, uint32_t node)
{
    char name[64], value[1024];
    uint64_t seconds;
    aip_bytes raw = scan_raw(payload, node);
    if (scan_kind_of(payload, node) == SCAN_STRING) {
        raw = (aip_bytes){raw.data + 1, raw.size - 2};
    }
    aip_printable(raw, value, sizeof value);
    if (scan_name_equals(payload, node, AIP_BYTES_LITERAL("iat")) &&
        scan_integer(payload, node, INT32_MAX * (uint64_t)100, &seconds, NULL) == AIP_OK) {
        clock_format_utc((int64_t)seconds, value);
    }
    text_append_format(text, "\n  %-16s %s", aip_printable(scan_raw_name(payload, node), name, sizeof name), value);
}

aip_status
receipt_append_claims(text_buffer *text, aip_bytes json, aip_error *err)
{
    static const scan_limits limits = {AIP_TOKEN_BYTES_MAX, 2, CLAIM_NODES_MAX};
    scan_node nodes[CLAIM_NODES_MAX];
    scan_document payload;
    AIP_TRY(scan_into(json, &limits, nodes, CLAIM_NODES_MAX, &payload, err));
    for (uint32_t i = scan_child(&payload, 0); i != SCAN_NONE; i = scan_next(&payload, i)) {
        append_claim(text, &payload, i);
    }
    return text_finish(text, err);
}
