/* Reads, judges and signs pages of lists of revocations. */
#include "chain/revocation_list.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "chain/revocation_inside.h"
#include "crypto/base64url.h"

enum { MEMBERS = 6, STATEMENT_BYTES_FULL = 2 << 20 };

/* ---- reading ---- */

static aip_status
decode(aip_bytes text, revocation_list *out, aip_error *err)
{
    static const jws_header_rule rule = {REVOCATION_LIST_TYPE, false};
    jws_parts parts;
    aip_bytes header;
    if (text.size > REVOCATION_LIST_BYTES_MAX) {
        return aip_fail(err, AIP_TOKEN_SIZE, NULL);
    }
    AIP_TRY(jws_cut(text, &parts, err));
    out->room = malloc(text.size);
    if (out->room == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    header = (aip_bytes){out->room, 0};
    AIP_TRY(base64url_decode(parts.header, out->room, text.size, &header.size, err));
    aip_bytes *payload = &out->statement.payload;
    payload->data = out->room + header.size;
    AIP_TRY(base64url_decode(parts.payload, out->room + header.size, text.size - header.size, &payload->size, err));
    AIP_TRY(jws_decode_signature(parts.signature, out->statement.signature, err));
    out->statement.signing_input = parts.signing_input;
    AIP_TRY(jws_read_header(header, &rule, &out->statement.kid, err));
    return out->statement.kid.size > 0 ? AIP_OK : aip_fail(err, AIP_TOKEN_HEADER, "kid is missing");
}

static aip_status
read_number(const scan_document *payload, const char *name, int64_t *out, aip_error *err)
{
    uint64_t value = 0;
    AIP_TRY(revocation_read_integer(payload, name, &value, err));
    *out = (int64_t)value;
    return AIP_OK;
}

static aip_status
read_statements(const scan_document *payload, revocation_list *out, aip_error *err)
{
    uint32_t array = scan_member(payload, 0, "statements");
    if (array == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "statements");
    }
    size_t count = payload->nodes[array].children;
    if (scan_kind_of(payload, array) != SCAN_ARRAY || out->to < out->from || (uint64_t)(out->to - out->from) != count) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "there is one statement for each number from `from` to `to`");
    }
    out->statements = calloc(count + 1, sizeof *out->statements);
    if (out->statements == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (uint32_t n = scan_child(payload, array); n != SCAN_NONE; n = scan_next(payload, n)) {
        aip_bytes *each = &out->statements[out->count++];
        if (scan_kind_of(payload, n) != SCAN_STRING || scan_plain_string(payload, n, each, NULL) != AIP_OK) {
            return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "statements are strings without escapes");
        }
    }
    return AIP_OK;
}

static aip_status
read_members(const scan_document *payload, revocation_list *out, aip_error *err)
{
    if (scan_kind_of(payload, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "the payload is no object");
    }
    AIP_TRY(revocation_read_text(payload, "iss", &out->issuer, err));
    AIP_TRY(read_number(payload, "iat", &out->issued_at, err));
    AIP_TRY(read_number(payload, "from", &out->from, err));
    AIP_TRY(read_number(payload, "to", &out->to, err));
    AIP_TRY(read_number(payload, "last", &out->last, err));
    AIP_TRY(read_statements(payload, out, err));
    return payload->nodes[0].children == MEMBERS ? AIP_OK : aip_fail(err, AIP_TOKEN_CLAIM_UNKNOWN, NULL);
}

static aip_status
parse(aip_bytes text, revocation_list *out, aip_error *err)
{
    static const scan_limits limits = {REVOCATION_LIST_BYTES_MAX, 2, MEMBERS + 1 + REVOCATION_LIST_STATEMENTS_MAX};
    scan_document payload;
    AIP_TRY(decode(text, out, err));
    AIP_TRY(scan_load(out->statement.payload, &limits, &payload, err));
    aip_status status = read_members(&payload, out, err);
    scan_clear(&payload);
    return status;
}

aip_status
revocation_list_parse(aip_bytes text, revocation_list *out, aip_error *err)
{
    *out = (revocation_list){.room = NULL};
    aip_status status = parse(text, out, err);
    if (status != AIP_OK) {
        revocation_list_clear(out);
    }
    return status;
}

void
revocation_list_clear(revocation_list *list)
{
    free(list->statements);
    free(list->room);
    *list = (revocation_list){.room = NULL};
}

static aip_status
check_signature(const revocation_list *list, const revocation_list_rule *rule, aip_error *err)
{
    aip_did signer;
    aip_public_key key;
    AIP_TRY(aip_did_parse(rule->signer, &signer, err));
    AIP_TRY(rule->keys->find(rule->keys->context, &signer, list->statement.kid, rule->now_seconds, &key, err));
    return jws_verify(&list->statement, &key, err);
}

static aip_status
check_order(const revocation_list *list, const revocation_list_rule *rule, aip_error *err)
{
    if (list->issued_at > rule->now_seconds + AIP_CLOCK_SKEW_SECONDS) {
        return aip_fail(err, AIP_TOKEN_NOT_YET_VALID, NULL);
    }
    if (list->issued_at < rule->issued_at) {
        return aip_fail(err, AIP_REVOCATION_LIST_ROLLBACK, "the page is older than the last one");
    }
    if (list->from != rule->asked) {
        return list->from > rule->asked
                   ? aip_fail(err, AIP_REVOCATION_LIST_GAP, "the page begins after what was asked for")
                   : aip_fail(err, AIP_REVOCATION_LIST_ROLLBACK, "the page begins before what was asked for");
    }
    if (list->last < rule->highest || list->last < list->to) {
        return aip_fail(err, AIP_REVOCATION_LIST_ROLLBACK, "the highest number went back");
    }
    return list->count > 0 || list->from == list->last
               ? AIP_OK
               : aip_fail(err, AIP_REVOCATION_LIST_GAP, "the page is empty and there is more");
}

aip_status
revocation_list_check(const revocation_list *list, const revocation_list_rule *rule, aip_error *err)
{
    if (!aip_bytes_equal(list->issuer, rule->signer)) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "iss is not the configured signer");
    }
    if (!revocation_kid_fits(list->statement.kid, list->issuer)) {
        return aip_fail(err, AIP_TOKEN_HEADER, "kid is no DID URL of the issuer");
    }
    AIP_TRY(check_signature(list, rule, err));
    return check_order(list, rule, err);
}

/* ---- writing ---- */

aip_status
revocation_list_append(revocation_list_draft *draft, int64_t number, aip_bytes statement, aip_error *err)
{
    if (draft->count >= REVOCATION_LIST_STATEMENTS_MAX || draft->bytes >= STATEMENT_BYTES_FULL) {
        return AIP_OK;
    }
    if (number != draft->to + 1) {
        return aip_fail(err, AIP_INTERNAL, "a revocation's number is missing");
    }
    text_append_string(&draft->statements, draft->count == 0 ? "" : ",");
    text_append_json(&draft->statements, statement);
    draft->count++;
    draft->bytes += statement.size;
    draft->to = number;
    return text_finish(&draft->statements, err);
}

void
revocation_list_draft_clear(revocation_list_draft *draft)
{
    text_clear(&draft->statements);
}

aip_status
revocation_list_sign(const revocation_list_draft *draft, const revocation_list_signer *signer, char **out,
                     aip_error *err)
{
    TEXT_AUTO text_buffer payload = {0};
    *out = NULL;
    text_append_string(&payload, "{\"iss\":");
    text_append_json(&payload, aip_bytes_of(signer->did));
    text_append_format(&payload, ",\"iat\":%lld,\"from\":%lld,\"to\":%lld,\"last\":%lld,\"statements\":[",
                       (long long)signer->issued_at, (long long)draft->from, (long long)draft->to,
                       (long long)signer->last);
    text_append(&payload, text_view(&draft->statements));
    text_append_string(&payload, "]}");
    AIP_TRY(text_finish(&payload, err));
    const jws_statement statement = {REVOCATION_LIST_TYPE, signer->key_id, text_view(&payload)};
    return jws_encode(signer->key, &statement, out, err);
}
