/* Reads, judges and signs completion statements. */
#include "proof/completion.h"

#include "aip/chain.h"
#include "base/text.h"
#include "crypto/base64url.h"

#define NODES_MAX (16 + COMPLETION_DECISIONS_MAX)
#define TIME_MAX ((UINT64_C(1) << 53) - 1)

static aip_status
refuse(aip_error *err, const char *why)
{
    return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "%s", why);
}

static aip_status
read_text(const scan_document *payload, const char *name, aip_bytes *out, aip_error *err)
{
    uint32_t node = scan_member(payload, 0, name);
    if (node == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "%s", name);
    }
    if (scan_kind_of(payload, node) != SCAN_STRING || scan_plain_string(payload, node, out, NULL) != AIP_OK) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "%s is a string without escapes", name);
    }
    return AIP_OK;
}

static aip_status
read_hash(aip_bytes text, unsigned char out[AIP_HASH_BYTES], aip_error *err)
{
    size_t size = 0;
    AIP_TRY(base64url_decode(text, out, AIP_HASH_BYTES, &size, err));
    return size == AIP_HASH_BYTES ? AIP_OK : refuse(err, "a hash has 32 bytes");
}

static aip_status
read_issuer(const scan_document *payload, completion *out, aip_error *err)
{
    aip_bytes issuer, kid = out->statement.kid;
    AIP_TRY(read_text(payload, "iss", &issuer, err));
    AIP_TRY(aip_did_parse(issuer, &out->issuer, err));
    bool fits = kid.size == 0 || (aip_bytes_begin_with(kid, issuer) && kid.size > issuer.size + 1 &&
                                  kid.data[issuer.size] == '#' && aip_did_is_did_url(kid));
    return fits ? AIP_OK : aip_fail(err, AIP_TOKEN_HEADER, "kid is no DID URL of the issuer");
}

static aip_status
read_required(const scan_document *payload, completion *out, aip_error *err)
{
    unsigned char link[AIP_HASH_BYTES];
    uint64_t issued_at;
    uint32_t iat = scan_member(payload, 0, "iat");
    AIP_TRY(read_issuer(payload, out, err));
    if (iat == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "iat");
    }
    if (scan_integer(payload, iat, TIME_MAX, &issued_at, NULL) != AIP_OK) {
        return refuse(err, "iat is a plain integer");
    }
    out->issued_at = (int64_t)issued_at;
    AIP_TRY(read_text(payload, "link", &out->link, err));
    AIP_TRY(read_hash(out->link, link, err));
    AIP_TRY(read_text(payload, "status", &out->status, err));
    bool known = aip_bytes_equal(out->status, AIP_BYTES_LITERAL("done")) ||
                 aip_bytes_equal(out->status, AIP_BYTES_LITERAL("failed")) ||
                 aip_bytes_equal(out->status, AIP_BYTES_LITERAL("partial"));
    return known ? AIP_OK : refuse(err, "status is done, failed or partial");
}

static aip_status
read_result(const scan_document *payload, completion *out, uint32_t *members, aip_error *err)
{
    aip_bytes hash;
    out->has_result = scan_member(payload, 0, "result_hash") != SCAN_NONE;
    if (!out->has_result) {
        return AIP_OK;
    }
    *members += 1;
    AIP_TRY(read_text(payload, "result_hash", &hash, err));
    return read_hash(hash, out->result_hash, err);
}

static aip_status
read_cost(const scan_document *payload, completion *out, uint32_t *members, aip_error *err)
{
    uint32_t cost = scan_member(payload, 0, "cost_usd");
    out->has_cost = cost != SCAN_NONE;
    if (!out->has_cost) {
        return AIP_OK;
    }
    *members += 1;
    return scan_kind_of(payload, cost) == SCAN_NUMBER &&
                   aip_budget_parse(scan_raw(payload, cost), &out->cost_micro_usd, NULL) == AIP_OK
               ? AIP_OK
               : refuse(err, "cost_usd is a decimal number of at most 6 decimals");
}

static bool
is_decision(const scan_document *payload, uint32_t node)
{
    unsigned char id[16];
    aip_bytes text;
    size_t size = 0;
    return scan_kind_of(payload, node) == SCAN_STRING && scan_plain_string(payload, node, &text, NULL) == AIP_OK &&
           text.size == COMPLETION_DECISION_SIZE && base64url_decode(text, id, sizeof id, &size, NULL) == AIP_OK;
}

static aip_status
read_decisions(const scan_document *payload, completion *out, uint32_t *members, aip_error *err)
{
    uint32_t list = scan_member(payload, 0, "decisions");
    out->decisions = 0;
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    *members += 1;
    bool good = scan_kind_of(payload, list) == SCAN_ARRAY && payload->nodes[list].children <= COMPLETION_DECISIONS_MAX;
    for (uint32_t i = good ? scan_child(payload, list) : SCAN_NONE; good && i != SCAN_NONE; i = scan_next(payload, i)) {
        good = is_decision(payload, i);
        out->decisions++;
    }
    return good ? AIP_OK : refuse(err, "decisions are up to 64 decision ids");
}

static aip_status
read_context(const scan_document *payload, uint32_t *members, aip_error *err)
{
    uint32_t context = scan_member(payload, 0, "context");
    if (context == SCAN_NONE) {
        return AIP_OK;
    }
    *members += 1;
    return scan_kind_of(payload, context) == SCAN_STRING && scan_raw(payload, context).size <= AIP_CONTEXT_BYTES_MAX + 2
               ? AIP_OK
               : refuse(err, "context is a string of at most 256 bytes");
}

aip_status
completion_read(aip_bytes text, unsigned char *room, size_t capacity, completion *out, aip_error *err)
{
    static const scan_limits limits = {COMPLETION_BYTES_MAX, 2, NODES_MAX};
    scan_node nodes[NODES_MAX];
    scan_document payload;
    uint32_t members = 4;
    *out = (completion){0};
    if (text.size > COMPLETION_BYTES_MAX) {
        return aip_fail(err, AIP_TOKEN_SIZE, NULL);
    }
    AIP_TRY(jws_parse(text, COMPLETION_TYPE, room, capacity, &out->statement, err));
    AIP_TRY(scan_into(out->statement.payload, &limits, nodes, NODES_MAX, &payload, err));
    if (scan_kind_of(&payload, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "the payload is no object");
    }
    AIP_TRY(read_required(&payload, out, err));
    AIP_TRY(read_result(&payload, out, &members, err));
    AIP_TRY(read_cost(&payload, out, &members, err));
    AIP_TRY(read_decisions(&payload, out, &members, err));
    AIP_TRY(read_context(&payload, &members, err));
    return payload.nodes[0].children == members ? AIP_OK : aip_fail(err, AIP_TOKEN_CLAIM_UNKNOWN, NULL);
}

static aip_status
find_own_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    (void)signed_at;
    return aip_did_find_key(name, kid, out, err);
}

aip_status
completion_verify(const completion *c, const completion_check *check, aip_error *err)
{
    static const aip_key_source own = {find_own_key, NULL};
    const aip_key_source *keys = check->keys == NULL ? &own : check->keys;
    aip_public_key key;
    if (check->issuer.size > 0 && !aip_bytes_equal(c->issuer.text, check->issuer)) {
        return aip_fail(err, AIP_PROOF_KEY, "the statement is of another agent");
    }
    if (check->link.size > 0 && !aip_bytes_equal(c->link, check->link)) {
        return aip_fail(err, AIP_PROOF_KEY, "the statement is about another link");
    }
    if (check->now_seconds != 0 && c->issued_at > check->now_seconds + AIP_CLOCK_SKEW_SECONDS) {
        return aip_fail(err, AIP_TOKEN_NOT_YET_VALID, NULL);
    }
    AIP_TRY(keys->find(keys->context, &c->issuer, c->statement.kid, c->issued_at, &key, err));
    return jws_verify(&c->statement, &key, err);
}

static void
append_decisions(text_buffer *text, const completion_statement *said)
{
    if (said->decision_count == 0) {
        return;
    }
    text_append_string(text, ",\"decisions\":[");
    for (size_t i = 0; i < said->decision_count; i++) {
        text_append_string(text, i == 0 ? "" : ",");
        text_append_json(text, aip_bytes_of(said->decisions[i]));
    }
    text_append_string(text, "]");
}

static aip_status
write_payload(const completion_statement *said, text_buffer *out, aip_error *err)
{
    char encoded[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1], cost[32];
    text_append_string(out, "{\"iss\":");
    text_append_json(out, aip_bytes_of(said->issuer));
    text_append_format(out, ",\"iat\":%lld,\"link\":", (long long)said->issued_at);
    text_append_json(out, aip_bytes_of(said->link));
    text_append_string(out, ",\"status\":");
    text_append_json(out, aip_bytes_of(said->status));
    if (said->result_hash != NULL) {
        base64url_encode((aip_bytes){said->result_hash, AIP_HASH_BYTES}, encoded);
        text_append_format(out, ",\"result_hash\":\"%s\"", encoded);
    }
    if (said->has_cost) {
        aip_budget_format(said->cost_micro_usd, cost);
        text_append_format(out, ",\"cost_usd\":%s", cost);
    }
    append_decisions(out, said);
    if (said->context != NULL) {
        text_append_string(out, ",\"context\":");
        text_append_json(out, aip_bytes_of(said->context));
    }
    text_append_string(out, "}");
    return text_finish(out, err);
}

static aip_status
judge_draft(const jws_statement *said, aip_error *err)
{
    STRING_AUTO char *draft = NULL;
    unsigned char room[COMPLETION_BYTES_MAX];
    completion c;
    AIP_TRY(jws_encode(NULL, said, &draft, err));
    return completion_read(aip_bytes_of(draft), room, sizeof room, &c, err);
}

aip_status
completion_sign(const aip_secret_key *key, const completion_statement *said, char **out, aip_error *err)
{
    TEXT_AUTO text_buffer payload = {0};
    *out = NULL;
    AIP_TRY(write_payload(said, &payload, err));
    const jws_statement statement = {COMPLETION_TYPE, said->kid, text_view(&payload)};
    AIP_TRY(judge_draft(&statement, err));
    return jws_encode(key, &statement, out, err);
}
