/* The driver's operations on tokens. */
#include <stdlib.h>

#include "aip/chain.h"
#include "chain/report.h"
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "tests/vectors/conform.h"
#include "token/jws.h"

static aip_status
read_token(exchange *x, aip_bytes *out, aip_error *err)
{
    return exchange_member(x, "token") != SCAN_NONE ? exchange_text(x, "token", false, out, err)
                                                    : exchange_hex(x, "token_hex", out, err);
}

static aip_status
check_jwt(exchange *x, const jws *statement, jwt_check *check, aip_error *err)
{
    static const scan_limits limits = {AIP_TOKEN_BYTES_MAX, AIP_JSON_DEPTH_TOKEN, AIP_JSON_NODES_TOKEN};
    static scan_node nodes[AIP_JSON_NODES_TOKEN];
    scan_document payload;
    AIP_TRY(exchange_text(x, "aud", true, &check->audience, err));
    AIP_TRY(exchange_integer(x, "now", -1, &check->now_seconds, err));
    AIP_TRY(exchange_integer(x, "leeway", 0, &check->leeway_seconds, err));
    AIP_TRY(scan_into(statement->payload, &limits, nodes, AIP_JSON_NODES_TOKEN, &payload, err));
    AIP_TRY(jwt_check_claims(&payload, statement->kid, check, err));
    text_append_string(&x->reply, ",\"claims\":");
    for (size_t i = 0; i < statement->payload.size;
         i++) { /* no string holds a raw control: these stand between values */
        unsigned char c = statement->payload.data[i];
        text_append(&x->reply, c < 0x20 ? AIP_BYTES_LITERAL(" ") : (aip_bytes){&c, 1});
    }
    return AIP_OK;
}

/* Without a type, a time and an audience, only the signature is asked about. */
aip_status
answer_jwt_verify(exchange *x, aip_error *err)
{
    aip_bytes text, pk, typ;
    aip_public_key key;
    jws statement;
    void *room;
    AIP_TRY(read_token(x, &text, err));
    AIP_TRY(exchange_hex(x, "pk", &pk, err));
    AIP_TRY(exchange_string(x, "typ", true, &typ, err));
    if (pk.size != AIP_KEY_BYTES) {
        return aip_fail(err, AIP_KEY_INVALID, NULL);
    }
    AIP_TRY(aip_public_key_accept(pk.data, &key, err));
    AIP_TRY(exchange_room(x, text.size + 1, &room, err));
    AIP_TRY(jws_parse(text, (const char *)typ.data, room, text.size, &statement, err));
    AIP_TRY(jws_verify(&statement, &key, err));
    jwt_check check = {.key = &key, .delegation = aip_bytes_equal(typ, AIP_BYTES_LITERAL("aip+jwt"))};
    bool only_signature =
        typ.data == NULL && exchange_member(x, "now") == SCAN_NONE && exchange_member(x, "aud") == SCAN_NONE;
    return only_signature ? AIP_OK : check_jwt(x, &statement, &check, err);
}

static bool
is_hex_key(aip_bytes text)
{
    unsigned char key[AIP_KEY_BYTES];
    size_t size;
    return text.size == 2 * (size_t)AIP_KEY_BYTES && hex_decode(text, key, sizeof key, &size, NULL) == AIP_OK;
}

static aip_status
add_root(exchange *x, uint32_t node, aip_trust *trust, aip_error *err)
{
    aip_bytes text;
    unsigned char key[AIP_KEY_BYTES];
    char encoded[MULTIBASE_KEY_TEXT_SIZE + 1];
    size_t size;
    AIP_TRY(exchange_unescape(x, node, &text, err));
    AIP_TRY(exchange_refuse_nul(text, err));
    if (!is_hex_key(text)) {
        return aip_trust_add(trust, (const char *)text.data, err);
    }
    AIP_TRY(hex_decode(text, key, sizeof key, &size, err));
    multibase_encode_key(key, encoded);
    return aip_trust_add(trust, encoded, err);
}

static aip_status
read_trust(exchange *x, aip_trust *trust, aip_error *err)
{
    uint32_t list = exchange_member(x, "trust");
    if (list == SCAN_NONE || scan_kind_of(&x->request, list) != SCAN_ARRAY) {
        return aip_fail(err, AIP_JSON_SHAPE, "trust is an array");
    }
    for (uint32_t i = scan_child(&x->request, list); i != SCAN_NONE; i = scan_next(&x->request, i)) {
        AIP_TRY(add_root(x, i, trust, err));
    }
    return AIP_OK;
}

static aip_status
read_audiences(exchange *x, const char *names[AIP_AUDIENCES_MAX], size_t *count, aip_error *err)
{
    uint32_t node = exchange_member(x, "audience");
    bool list = node != SCAN_NONE && scan_kind_of(&x->request, node) == SCAN_ARRAY;
    *count = 0;
    for (uint32_t i = list ? scan_child(&x->request, node) : node; i != SCAN_NONE;
         i = list ? scan_next(&x->request, i) : SCAN_NONE) {
        aip_bytes text;
        if (*count == AIP_AUDIENCES_MAX) {
            return aip_fail(err, AIP_JSON_SHAPE, "too many audiences");
        }
        AIP_TRY(exchange_unescape(x, i, &text, err));
        AIP_TRY(exchange_refuse_nul(text, err));
        names[(*count)++] = (const char *)text.data;
    }
    return AIP_OK;
}

static aip_status
reply_grant(exchange *x, const aip_grant *grant, aip_error *err)
{
    exchange_reply_text(x, "leaf", grant->leaf);
    text_append_string(&x->reply, ",\"link_ids\":[");
    for (size_t i = 0; i < aip_chain_length(grant->chain); i++) {
        char link_id[44];
        aip_chain_link_id(grant->chain, i, link_id);
        text_append_format(&x->reply, "%s\"%s\"", i == 0 ? "" : ",", link_id);
    }
    text_append_string(&x->reply, "],\"grant\":");
    return chain_append_grant(&x->reply, grant, err);
}

static aip_status
judge(exchange *x, const aip_chain *chain, const aip_check *check, aip_error *err)
{
    aip_grant grant;
    aip_bytes tool;
    uint32_t arguments = exchange_member(x, "arguments");
    AIP_TRY(aip_chain_verify(chain, check, &grant, err));
    AIP_TRY(exchange_text(x, "tool", true, &tool, err));
    if (tool.data != NULL) {
        aip_bytes raw = arguments == SCAN_NONE ? (aip_bytes){NULL, 0} : scan_raw(&x->request, arguments);
        AIP_TRY(chain_check_tool(&grant, tool, raw, err));
    }
    return reply_grant(x, &grant, err);
}

static aip_status
verify_token(exchange *x, aip_trust *trust, aip_error *err)
{
    aip_bytes text;
    const char *audiences[AIP_AUDIENCES_MAX];
    aip_check check = {.trust = trust, .audiences = audiences};
    aip_chain *chain = NULL;
    AIP_TRY(read_token(x, &text, err));
    AIP_TRY(read_trust(x, trust, err));
    AIP_TRY(read_audiences(x, audiences, &check.audience_count, err));
    AIP_TRY(exchange_integer(x, "now", -1, &check.now_seconds, err));
    AIP_TRY(aip_chain_parse(text, &chain, err));
    aip_status status = judge(x, chain, &check, err);
    aip_chain_free(&chain);
    return status;
}

aip_status
answer_token_verify(exchange *x, aip_error *err)
{
    aip_trust trust = {0};
    aip_status status = verify_token(x, &trust, err);
    aip_trust_clear(&trust);
    return status;
}
