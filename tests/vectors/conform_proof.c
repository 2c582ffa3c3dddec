/* The driver's operations on signed requests and on revocations. */
#include <strings.h>

#include "chain/chain.h"
#include "chain/revoked.h"
#include "crypto/base64url.h"
#include "net/call.h"
#include "proof/proof.h"
#include "tests/vectors/conform.h"

enum { FIELDS_MAX = 32 };

/* The request that is asked about. */
typedef struct {
    net_url url;
    http_message message;
    http_field fields[FIELDS_MAX];
    aip_bytes body;
    aip_public_key key;
} asked_request;

static aip_status
read_field(exchange *x, uint32_t pair, http_field *out, aip_error *err)
{
    uint32_t name = scan_kind_of(&x->request, pair) == SCAN_ARRAY ? scan_child(&x->request, pair) : SCAN_NONE;
    uint32_t value = name == SCAN_NONE ? SCAN_NONE : scan_next(&x->request, name);
    if (value == SCAN_NONE) {
        return aip_fail(err, AIP_JSON_SHAPE, "a header is [name, value]");
    }
    AIP_TRY(exchange_unescape(x, name, &out->name, err));
    return exchange_unescape(x, value, &out->value, err);
}

static aip_status
read_fields(exchange *x, asked_request *r, aip_error *err)
{
    uint32_t list = exchange_member(x, "headers");
    if (list == SCAN_NONE || scan_kind_of(&x->request, list) != SCAN_ARRAY) {
        return aip_fail(err, AIP_JSON_SHAPE, "headers is an array");
    }
    for (uint32_t i = scan_child(&x->request, list); i != SCAN_NONE; i = scan_next(&x->request, i)) {
        if (r->message.field_count == FIELDS_MAX) {
            return aip_fail(err, AIP_JSON_SHAPE, "too many headers");
        }
        AIP_TRY(read_field(x, i, &r->fields[r->message.field_count], err));
        r->message.field_count++;
    }
    return AIP_OK;
}

static aip_status
read_body(exchange *x, asked_request *r, aip_error *err)
{
    aip_bytes text;
    void *room;
    AIP_TRY(exchange_text(x, "body_base64", true, &text, err));
    AIP_TRY(exchange_room(x, text.size + 1, &room, err));
    r->body.data = room;
    return base64_decode(text, room, text.size, &r->body.size, err);
}

static aip_status
read_request(exchange *x, asked_request *r, aip_error *err)
{
    aip_bytes url, pk;
    *r = (asked_request){.message = {.fields = r->fields}};
    AIP_TRY(exchange_text(x, "method", false, &r->message.method, err));
    AIP_TRY(exchange_string(x, "url", false, &url, err));
    AIP_TRY(net_url_read((const char *)url.data, &r->url, err));
    r->message.scheme = aip_bytes_of(r->url.scheme);
    r->message.authority = aip_bytes_of(r->url.authority);
    r->message.path = aip_bytes_of(r->url.path);
    r->message.query = aip_bytes_of(r->url.query);
    AIP_TRY(read_fields(x, r, err));
    AIP_TRY(read_body(x, r, err));
    AIP_TRY(exchange_hex(x, "pk", &pk, err));
    return pk.size == AIP_KEY_BYTES ? aip_public_key_accept(pk.data, &r->key, err)
                                    : aip_fail(err, AIP_KEY_INVALID, NULL);
}

/* Without a label in the question: ours if it is there, else the only one. */
static aip_status
choose_label(exchange *x, const http_message *message, aip_bytes *label, aip_error *err)
{
    size_t count = 0;
    aip_bytes only = {NULL, 0};
    AIP_TRY(exchange_text(x, "label", true, label, err));
    for (size_t i = 0; i < message->field_count && label->data == NULL; i++) {
        const http_field *field = &message->fields[i];
        bool named = field->name.size == sizeof "Signature-Input" - 1 &&
                     strncasecmp((const char *)field->name.data, "Signature-Input", field->name.size) == 0;
        for (aip_bytes rest = field->value; named && rest.size > 0; count++) {
            field_member member;
            AIP_TRY(field_next_member(&rest, &member, err));
            only = member.name;
            if (aip_bytes_equal(only, AIP_BYTES_LITERAL(PROOF_LABEL))) {
                *label = only;
            }
        }
    }
    if (label->data == NULL && count == 1) {
        *label = only;
    }
    return label->data == NULL ? aip_fail(err, AIP_PROOF_MISSING, NULL) : AIP_OK;
}

static aip_status
read_profile(exchange *x, const asked_request *r, http_signature *out, aip_error *err)
{
    aip_bytes leaf;
    int64_t now;
    message_proof proof;
    AIP_TRY(exchange_text(x, "leaf", false, &leaf, err));
    AIP_TRY(exchange_integer(x, "now", -1, &now, err));
    AIP_TRY(proof_read_request(&r->message, r->body.size > 0, now, &proof, err));
    AIP_TRY(proof_check_holder(&proof, leaf, err));
    *out = proof.signature;
    return AIP_OK;
}

static bool
has_digest(const asked_request *r)
{
    for (size_t i = 0; i < r->message.field_count; i++) {
        aip_bytes name = r->fields[i].name;
        if (name.size == sizeof "Content-Digest" - 1 &&
            strncasecmp((const char *)name.data, "Content-Digest", name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* With `profile` the rules of a request to a gateway (spec/proof.md) apply: label, tag, window, holder, coverage. */
aip_status
answer_httpsig_verify(exchange *x, aip_error *err)
{
    asked_request r;
    http_signature signature;
    aip_bytes label;
    uint32_t profile = exchange_member(x, "profile");
    AIP_TRY(read_request(x, &r, err));
    if (profile != SCAN_NONE && scan_kind_of(&x->request, profile) == SCAN_TRUE) {
        AIP_TRY(read_profile(x, &r, &signature, err));
    } else {
        AIP_TRY(choose_label(x, &r.message, &label, err));
        AIP_TRY(http_signature_find(&r.message, label, &signature, err));
    }
    AIP_TRY(http_signature_verify(&r.message, &signature, &r.key, err));
    return has_digest(&r) ? content_digest_check(&r.message, r.body, err) : AIP_OK;
}

/* ---- revocations ---- */

static void
reply_link(exchange *x, const unsigned char id[AIP_HASH_BYTES])
{
    char text[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    base64url_encode((aip_bytes){id, AIP_HASH_BYTES}, text);
    exchange_reply_text(x, "link_id", aip_bytes_of(text));
}

static aip_status
find_signers(const aip_chain *chain, aip_public_key keys[AIP_CHAIN_ELEMENTS_MAX], aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        aip_status status = chain_find_key(&chain->tokens[i], NULL, &keys[i], err);
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
    }
    return aip_chain_verify_signatures(chain, keys, err);
}

/* Asks a memory that knows this one statement. */
static aip_status
judge_chain(exchange *x, const revocation *r, const aip_chain *chain, revoked_memory *memory, aip_error *err)
{
    aip_public_key keys[AIP_CHAIN_ELEMENTS_MAX];
    aip_error verdict = AIP_ERROR_INIT;
    revoked_fact fact = {.kind = r->kind, .issuer = r->issuer.text};
    memcpy(fact.target_id, r->target_id, sizeof fact.target_id);
    AIP_TRY(find_signers(chain, keys, err));
    AIP_TRY(revoked_memory_add(memory, &fact, err));
    aip_status status = revoked_check(memory, chain, keys, chain->count, &verdict);
    if (status != AIP_TOKEN_REVOKED) {
        return status != AIP_OK ? status : aip_fail(err, AIP_REVOCATION_UNAUTHORIZED, NULL);
    }
    reply_link(x, chain->tokens[verdict.at].link_id);
    return AIP_OK;
}

static aip_status
judge_token(exchange *x, const revocation *r, aip_bytes shown, aip_error *err)
{
    aip_chain *chain = NULL;
    revoked_memory *memory = NULL;
    AIP_TRY(aip_chain_parse(shown, &chain, err));
    aip_status status = revoked_memory_new(&memory, err);
    status = status == AIP_OK ? judge_chain(x, r, chain, memory, err) : status;
    revoked_memory_free(&memory);
    aip_chain_free(&chain);
    return status;
}

/* Is the statement good by the keys in the names and, with `token`, does it end that one, and at which link? */
aip_status
answer_revocation_verify(exchange *x, aip_error *err)
{
    aip_bytes text, shown;
    revocation r;
    void *room;
    int64_t now;
    AIP_TRY(exchange_text(x, "statement", false, &text, err));
    AIP_TRY(exchange_text(x, "token", true, &shown, err));
    AIP_TRY(exchange_room(x, text.size + 1, &room, err));
    AIP_TRY(revocation_parse(text, room, text.size, &r, err));
    AIP_TRY(exchange_integer(x, "now", r.issued_at, &now, err));
    AIP_TRY(revocation_verify(&r, NULL, now, err));
    if (r.chain.size > 0) {
        AIP_TRY(revocation_check_chain(&r, NULL, err));
    }
    if (shown.data != NULL) {
        return judge_token(x, &r, shown, err);
    }
    if (r.kind == REVOKED_LINK) {
        reply_link(x, r.target_id);
    }
    return AIP_OK;
}
