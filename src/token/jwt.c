/* Judges the claims of a JWT that is no element of a chain. */
#include "aip/did.h"
#include "aip/limits.h"
#include "token/amount.h"
#include "token/jws.h"

#define TIME_MAX ((UINT64_C(1) << 53) - 1)

static aip_status
refuse(aip_error *err, const char *name)
{
    return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "%s", name);
}

static aip_status
find(const scan_document *payload, const char *name, uint32_t *node, aip_error *err)
{
    *node = scan_member(payload, 0, name);
    return *node != SCAN_NONE ? AIP_OK : aip_fail(err, AIP_TOKEN_CLAIM_MISSING, "%s", name);
}

static aip_status
read_integer(const scan_document *payload, const char *name, uint64_t maximum, uint64_t *out, aip_error *err)
{
    uint32_t node;
    AIP_TRY(find(payload, name, &node, err));
    return scan_kind_of(payload, node) == SCAN_NUMBER && scan_integer(payload, node, maximum, out, NULL) == AIP_OK
               ? AIP_OK
               : refuse(err, name);
}

static aip_status
check_times(const scan_document *payload, const jwt_check *check, aip_error *err)
{
    uint64_t iat, exp, nbf = 0;
    AIP_TRY(read_integer(payload, "iat", TIME_MAX, &iat, err));
    AIP_TRY(read_integer(payload, "exp", TIME_MAX, &exp, err));
    if (scan_member(payload, 0, "nbf") != SCAN_NONE) {
        AIP_TRY(read_integer(payload, "nbf", TIME_MAX, &nbf, err));
    }
    if (exp <= iat) {
        return refuse(err, "exp is not after iat");
    }
    int64_t latest = check->now_seconds + check->leeway_seconds;
    if ((int64_t)iat > latest || (int64_t)nbf > latest) {
        return aip_fail(err, AIP_TOKEN_NOT_YET_VALID, NULL);
    }
    return check->now_seconds - check->leeway_seconds < (int64_t)exp ? AIP_OK : aip_fail(err, AIP_TOKEN_EXPIRED, NULL);
}

static bool
is_text(const scan_document *payload, uint32_t node)
{
    return scan_kind_of(payload, node) == SCAN_STRING && scan_raw(payload, node).size > 2;
}

static aip_status
check_audience(const scan_document *payload, aip_bytes wanted, aip_error *err)
{
    uint32_t node = scan_member(payload, 0, "aud");
    if (node == SCAN_NONE) {
        return wanted.size == 0 ? AIP_OK : aip_fail(err, AIP_TOKEN_AUDIENCE, "none is named");
    }
    bool list = scan_kind_of(payload, node) == SCAN_ARRAY, found = false;
    for (uint32_t i = list ? scan_child(payload, node) : node; i != SCAN_NONE;
         i = list ? scan_next(payload, i) : SCAN_NONE) {
        if (!is_text(payload, i)) {
            return refuse(err, "aud");
        }
        found = found || (wanted.size > 0 && scan_string_equals(payload, i, wanted));
    }
    return found ? AIP_OK : aip_fail(err, AIP_TOKEN_AUDIENCE, NULL);
}

static aip_status
read_name(const scan_document *payload, const char *name, aip_did *out, aip_error *err)
{
    uint32_t node;
    aip_bytes text;
    AIP_TRY(find(payload, name, &node, err));
    if (scan_kind_of(payload, node) != SCAN_STRING || scan_plain_string(payload, node, &text, NULL) != AIP_OK) {
        return refuse(err, name);
    }
    return aip_did_parse(text, out, err);
}

static aip_status
check_delegation(const scan_document *payload, aip_error *err)
{
    aip_did subject;
    uint32_t scope, budget = scan_member(payload, 0, "budget_usd");
    uint64_t ignored;
    AIP_TRY(read_name(payload, "sub", &subject, err));
    AIP_TRY(find(payload, "scope", &scope, err));
    if (scan_kind_of(payload, scope) != SCAN_ARRAY || scan_child(payload, scope) == SCAN_NONE) {
        return refuse(err, "scope");
    }
    for (uint32_t i = scan_child(payload, scope); i != SCAN_NONE; i = scan_next(payload, i)) {
        if (!is_text(payload, i)) {
            return refuse(err, "scope");
        }
    }
    if (budget != SCAN_NONE && scan_kind_of(payload, budget) != SCAN_NUMBER) {
        return refuse(err, "budget_usd");
    }
    if (budget != SCAN_NONE) {
        AIP_TRY(amount_parse(scan_raw(payload, budget), &ignored, err));
    }
    return read_integer(payload, "max_depth", AIP_DEPTH_MAX, &ignored, err);
}

aip_status
jwt_check_claims(const scan_document *payload, aip_bytes kid, const jwt_check *check, aip_error *err)
{
    aip_did issuer;
    uint32_t id = scan_member(payload, 0, "jti");
    if (scan_kind_of(payload, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_TOKEN_MALFORMED, "the payload is no object");
    }
    AIP_TRY(read_name(payload, "iss", &issuer, err));
    if (aip_did_has_key(&issuer) && memcmp(issuer.key, check->key->bytes, AIP_KEY_BYTES) != 0) {
        return aip_fail(err, AIP_DID_KEY_MISMATCH, NULL);
    }
    if (kid.size > 0 && !(aip_did_is_did_url(kid) && aip_bytes_begin_with(kid, issuer.text) &&
                          kid.size > issuer.text.size && kid.data[issuer.text.size] == '#')) {
        return aip_fail(err, AIP_TOKEN_HEADER, "kid is no DID URL of the issuer");
    }
    if (id != SCAN_NONE && !is_text(payload, id)) {
        return refuse(err, "jti");
    }
    if (check->delegation) {
        AIP_TRY(check_delegation(payload, err));
    }
    AIP_TRY(check_times(payload, check, err));
    return check_audience(payload, check->audience, err);
}
