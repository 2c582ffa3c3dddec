/* Judges a parsed chain: trust in the root, the signature walk, then time and audience. Allocates nothing. */
#include <stdio.h>

#include "chain/chain.h"
#include "crypto/multibase.h"

static aip_status
verify_element(const aip_chain *chain, size_t i, const aip_public_key *key, aip_error *err)
{
    const token *t = &chain->tokens[i];
    if (aip_verify(key, t->signing_input, t->signature, NULL) != AIP_OK) {
        return chain_place(err, i, aip_fail(err, AIP_TOKEN_SIGNATURE, NULL));
    }
    return AIP_OK;
}

aip_status
aip_chain_verify_signatures(const aip_chain *chain, const aip_public_key *keys, aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        AIP_TRY(verify_element(chain, i, &keys[i], err));
    }
    return AIP_OK;
}

/* Without a key log the only key of a name is its first, so a kid may name no other; it has two spellings. */
static aip_status
check_kid(const token *t, const aip_public_key *key, aip_error *err)
{
    if ((t->declared & TOKEN_KID) == 0 || t->foreign) {
        return AIP_OK;
    }
    char own[MULTIBASE_KEY_TEXT_SIZE + 1];
    multibase_encode_key(key->bytes, own);
    aip_bytes fragment = aip_bytes_from(t->kid, t->issuer.text.size + 1);
    bool known = aip_bytes_equal(fragment, AIP_BYTES_LITERAL("key-1")) || aip_bytes_equal(fragment, aip_bytes_of(own));
    return known ? AIP_OK : aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
}

/* Keys are looked up one element at a time: a bad signature ends the work that strangers can cause. */
static aip_status
walk_signatures(const aip_chain *chain, const aip_public_key *root_key, aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        aip_public_key key = *root_key;
        aip_status status = i == 0 ? AIP_OK : aip_did_key(&chain->tokens[i].issuer, &key, err);
        status = status == AIP_OK ? check_kid(&chain->tokens[i], &key, err) : status;
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
        AIP_TRY(verify_element(chain, i, &key, err));
    }
    return AIP_OK;
}

static aip_status
check_started(const aip_chain *chain, int64_t now, aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        const token *t = &chain->tokens[i];
        bool waiting = (t->declared & TOKEN_NBF) != 0 && t->nbf - AIP_CLOCK_SKEW_SECONDS > now;
        if (waiting || t->iat - AIP_CLOCK_SKEW_SECONDS > now) {
            return chain_place(err, i, aip_fail(err, AIP_TOKEN_NOT_YET_VALID, NULL));
        }
    }
    return AIP_OK;
}

static bool
is_addressed(const token *t, const aip_check *check)
{
    for (size_t i = 0; i < check->audience_count; i++) {
        for (uint32_t k = 0; k < t->audience_count; k++) {
            if (aip_bytes_equal(t->audience[k], aip_bytes_of(check->audiences[i]))) {
                return true;
            }
        }
    }
    return false;
}

/* The nearest declared audience is the narrowest. A foreign token's peers call a wrong one malformed. */
static aip_status
check_audience(const aip_chain *chain, const aip_check *check, aip_error *err)
{
    size_t i = chain_nearest(chain, chain->count - 1, TOKEN_AUDIENCE);
    if (i == CHAIN_NONE || is_addressed(&chain->tokens[i], check)) {
        return AIP_OK;
    }
    aip_status status = chain->tokens[i].foreign ? AIP_TOKEN_CLAIM_INVALID : AIP_TOKEN_AUDIENCE;
    return chain_place(err, i, aip_fail(err, status, "another audience is meant"));
}

static aip_status
check_unexpired(const aip_chain *chain, int64_t now, aip_error *err)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (now >= chain->tokens[i].exp) {
            return chain_place(err, i, aip_fail(err, AIP_TOKEN_EXPIRED, NULL));
        }
    }
    return chain->tokens[0].budget_negative ? chain_place(err, 0, aip_fail(err, AIP_TOKEN_BUDGET_NEGATIVE, NULL))
                                            : AIP_OK;
}

/* `unnamed`: only the root's key is proven, not the name that its token claims. */
static void
fill_grant(const aip_chain *chain, bool unnamed, const aip_public_key *root_key, aip_grant *out)
{
    size_t last = chain->count - 1;
    size_t budget = chain_nearest(chain, last, TOKEN_BUDGET);
    *out = (aip_grant){.chain = chain, .root_key = *root_key, .expires = chain->tokens[last].exp};
    out->root = chain->tokens[0].issuer.text;
    out->leaf = chain->tokens[last].subject.text;
    if (unnamed) {
        char key[48];
        multibase_encode_raw_key(root_key->bytes, key);
        int size = snprintf(out->root_text, sizeof out->root_text, "aip:key:ed25519:%s", key);
        out->root = (aip_bytes){(const unsigned char *)out->root_text, (size_t)size};
    }
    out->has_budget = budget != CHAIN_NONE;
    out->budget_micro_usd = out->has_budget ? chain->tokens[budget].budget_micro_usd : 0;
    out->depth_left = chain_depth_left(chain, last);
}

aip_status
aip_chain_verify(const aip_chain *chain, const aip_check *check, aip_grant *out, aip_error *err)
{
    bool proven = false;
    aip_public_key root_key = {{0}};
    *out = (aip_grant){0};
    aip_status status = trust_find_root(chain, check->trust, &proven, &root_key, err);
    if (status != AIP_OK) {
        return chain_place(err, 0, status);
    }
    AIP_TRY(proven ? AIP_OK : walk_signatures(chain, &root_key, err));
    AIP_TRY(check_started(chain, check->now_seconds, err));
    AIP_TRY(check_audience(chain, check, err));
    AIP_TRY(check_unexpired(chain, check->now_seconds, err));
    fill_grant(chain, proven, &root_key, out);
    return AIP_OK;
}
