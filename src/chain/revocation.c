/* Parses, judges and signs revocations. */
#include "chain/revocation.h"

#include "base/text.h"
#include "chain/chain.h"
#include "chain/revocation_inside.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"

#define NODES_MAX 16
#define REASON_BYTES_MAX 256
#define TIME_MAX ((UINT64_C(1) << 53) - 1)

static aip_status
refuse(aip_error *err, const char *why)
{
    return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "%s", why);
}

aip_status
revocation_read_text(const scan_document *payload, const char *name, aip_bytes *out, aip_error *err)
{
    uint32_t node = scan_member(payload, 0, name);
    if (node == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "%s", name);
    }
    if (scan_kind_of(payload, node) != SCAN_STRING || scan_plain_string(payload, node, out, NULL) != AIP_OK) {
        return refuse(err, "a string without escapes is needed");
    }
    return AIP_OK;
}

aip_status
revocation_read_integer(const scan_document *payload, const char *name, uint64_t *out, aip_error *err)
{
    uint32_t node = scan_member(payload, 0, name);
    if (node == SCAN_NONE) {
        return aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "%s", name);
    }
    return scan_kind_of(payload, node) == SCAN_NUMBER && scan_integer(payload, node, TIME_MAX, out, NULL) == AIP_OK
               ? AIP_OK
               : refuse(err, "a plain integer is needed");
}

static aip_status
read_link(revocation *r, aip_error *err)
{
    size_t size = 0;
    AIP_TRY(base64url_decode(r->target, r->target_id, AIP_HASH_BYTES, &size, err));
    return size == AIP_HASH_BYTES ? AIP_OK : refuse(err, "a link id has 32 bytes");
}

static aip_status
read_did(revocation *r, aip_error *err)
{
    aip_did did;
    AIP_TRY(aip_did_parse(r->target, &did, err));
    hash_sha256(r->target, r->target_id);
    return AIP_OK;
}

static aip_status
read_key(revocation *r, aip_error *err)
{
    return multibase_decode_key(r->target, r->target_id, err);
}

static const struct {
    const char *name;
    aip_status (*read)(revocation *r, aip_error *err);
} targets[] = {
    [REVOKED_LINK] = {"link", read_link},
    [REVOKED_DID] = {"did", read_did},
    [REVOKED_KEY] = {"key", read_key},
};
#define TARGETS (sizeof targets / sizeof targets[0])

static aip_status
read_target(const scan_document *payload, revocation *out, uint32_t *members, aip_error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < TARGETS; i++) {
        if (scan_member(payload, 0, targets[i].name) != SCAN_NONE) {
            out->kind = (revocation_kind)i;
            found++;
        }
    }
    if (found != 1) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "exactly one of link, did and key is needed");
    }
    *members += 1;
    AIP_TRY(revocation_read_text(payload, targets[out->kind].name, &out->target, err));
    return targets[out->kind].read(out, err);
}

static aip_status
read_optional(const scan_document *payload, revocation *out, uint32_t *members, aip_error *err)
{
    uint32_t reason = scan_member(payload, 0, "reason");
    if (reason != SCAN_NONE) {
        *members += 1;
        if (scan_kind_of(payload, reason) != SCAN_STRING || scan_raw(payload, reason).size > REASON_BYTES_MAX + 2) {
            return refuse(err, "reason is a string of at most 256 bytes");
        }
    }
    if (scan_member(payload, 0, "chain") != SCAN_NONE) {
        *members += 1;
        AIP_TRY(revocation_read_text(payload, "chain", &out->chain, err));
        return out->chain.size > 0 ? AIP_OK : refuse(err, "the chain is empty");
    }
    return AIP_OK;
}

static aip_status
read_claims(const scan_document *payload, revocation *out, aip_error *err)
{
    aip_bytes issuer;
    uint64_t issued_at;
    uint32_t members = 3;
    if (scan_kind_of(payload, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "the payload is no object");
    }
    AIP_TRY(revocation_read_text(payload, "iss", &issuer, err));
    AIP_TRY(aip_did_parse(issuer, &out->issuer, err));
    AIP_TRY(revocation_read_integer(payload, "iat", &issued_at, err));
    AIP_TRY(revocation_read_integer(payload, "seq", &out->sequence, err));
    out->issued_at = (int64_t)issued_at;
    AIP_TRY(read_target(payload, out, &members, err));
    AIP_TRY(read_optional(payload, out, &members, err));
    return payload->nodes[0].children == members ? AIP_OK : aip_fail(err, AIP_TOKEN_CLAIM_UNKNOWN, NULL);
}

bool
revocation_kid_fits(aip_bytes kid, aip_bytes issuer)
{
    return aip_bytes_begin_with(kid, issuer) && kid.size > issuer.size + 1 && kid.data[issuer.size] == '#' &&
           aip_did_is_did_url(kid);
}

static aip_status
check_kid(const revocation *r, aip_error *err)
{
    aip_bytes kid = r->statement.kid;
    return kid.size == 0 || revocation_kid_fits(kid, r->issuer.text)
               ? AIP_OK
               : aip_fail(err, AIP_TOKEN_HEADER, "kid is no DID URL of the issuer");
}

aip_status
revocation_parse(aip_bytes text, unsigned char *room, size_t capacity, revocation *out, aip_error *err)
{
    static const scan_limits limits = {AIP_TOKEN_BYTES_MAX * 2, 2, NODES_MAX};
    scan_node nodes[NODES_MAX];
    scan_document payload;
    *out = (revocation){.chain = {NULL, 0}};
    AIP_TRY(jws_parse(text, REVOCATION_TYPE, room, capacity, &out->statement, err));
    AIP_TRY(scan_into(out->statement.payload, &limits, nodes, NODES_MAX, &payload, err));
    AIP_TRY(read_claims(&payload, out, err));
    hash_sha256(out->statement.signing_input, out->id);
    return check_kid(out, err);
}

static aip_status
verify(const revocation *r, const aip_key_source *keys, int64_t now, int64_t signed_at, aip_error *err)
{
    aip_public_key key;
    if (r->issued_at > now + AIP_CLOCK_SKEW_SECONDS) {
        return aip_fail(err, AIP_TOKEN_NOT_YET_VALID, NULL);
    }
    AIP_TRY(keys == NULL ? aip_did_find_key(&r->issuer, r->statement.kid, &key, err)
                         : keys->find(keys->context, &r->issuer, r->statement.kid, signed_at, &key, err));
    return jws_verify(&r->statement, &key, err);
}

aip_status
revocation_verify(const revocation *r, const aip_key_source *keys, int64_t now, aip_error *err)
{
    return verify(r, keys, now, now, err);
}

aip_status
revocation_verify_listed(const revocation *r, const aip_key_source *keys, int64_t now, aip_error *err)
{
    return verify(r, keys, now, r->issued_at, err);
}

bool
revocation_may_end(const aip_chain *chain, size_t i, aip_bytes issuer)
{
    for (size_t k = 0; k <= i; k++) {
        if (aip_bytes_equal(chain->tokens[k].issuer.text, issuer)) {
            return true;
        }
    }
    return aip_bytes_equal(chain->tokens[i].subject.text, issuer);
}

/* The signatures only: times and trust are no matter, since to end something needs no authority beyond the chain. */
static aip_status
prove_chain(const aip_chain *chain, const aip_key_source *keys, aip_error *err)
{
    const chain_judgement j = {chain, NULL, NULL};
    for (size_t i = 0; i < chain->count; i++) {
        aip_public_key key;
        aip_status status = chain_find_key(&chain->tokens[i], keys, &key, err);
        if (status == AIP_OK && !chain_is_signed(&j, i, &key)) {
            status = aip_fail(err, AIP_TOKEN_SIGNATURE, NULL);
        }
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
    }
    return AIP_OK;
}

/* The element that the statement concerns, or CHAIN_NONE. A key is looked for among those in the names. */
static size_t
find_target(const revocation *r, const aip_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        const token *t = &chain->tokens[i];
        bool link = r->kind == REVOKED_LINK && memcmp(t->link_id, r->target_id, AIP_HASH_BYTES) == 0;
        bool did = r->kind == REVOKED_DID && aip_bytes_equal(t->subject.text, r->target);
        bool key = r->kind == REVOKED_KEY && aip_did_has_key(&t->subject) &&
                   memcmp(t->subject.key, r->target_id, AIP_KEY_BYTES) == 0;
        if (link || did || key) {
            return i;
        }
    }
    return CHAIN_NONE;
}

aip_status
revocation_check_chain(const revocation *r, const aip_key_source *keys, aip_error *err)
{
    aip_chain *chain = NULL;
    AIP_TRY(aip_chain_parse(r->chain, &chain, err));
    size_t target = find_target(r, chain);
    aip_status status = prove_chain(chain, keys, err);
    if (status == AIP_OK && (target == CHAIN_NONE || !revocation_may_end(chain, target, r->issuer.text))) {
        status = aip_fail(err, AIP_REVOCATION_UNAUTHORIZED, NULL);
    }
    aip_chain_free(&chain);
    return status;
}

static void
append_text(text_buffer *text, const char *name, const char *value)
{
    if (value != NULL) {
        text_append_format(text, ",\"%s\":", name);
        text_append_json(text, aip_bytes_of(value));
    }
}

static aip_status
judge_draft(const char *text, aip_error *err)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    revocation r;
    return revocation_parse(aip_bytes_of(text), room, sizeof room, &r, err);
}

aip_status
revocation_sign(const aip_secret_key *key, const revocation_statement *said, char **out, aip_error *err)
{
    char own[AIP_DID_TEXT_SIZE];
    TEXT_AUTO text_buffer payload = {0};
    STRING_AUTO char *draft = NULL;
    *out = NULL;
    aip_did_of_key(aip_secret_key_public(key), own);
    text_append_string(&payload, "{\"iss\":");
    text_append_json(&payload, aip_bytes_of(said->issuer == NULL ? own : said->issuer));
    text_append_format(&payload, ",\"iat\":%lld,\"seq\":%llu", (long long)said->issued_at,
                       (unsigned long long)said->sequence);
    append_text(&payload, targets[said->kind].name, said->target);
    append_text(&payload, "reason", said->reason);
    append_text(&payload, "chain", said->chain);
    text_append_string(&payload, "}");
    AIP_TRY(text_finish(&payload, err));
    const jws_statement statement = {REVOCATION_TYPE, said->kid, text_view(&payload)};
    AIP_TRY(jws_encode(NULL, &statement, &draft, err));
    AIP_TRY(judge_draft(draft, err));
    return jws_encode(key, &statement, out, err);
}
