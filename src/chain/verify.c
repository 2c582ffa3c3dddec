/* Judges a parsed chain: trust in the root, the signature walk, then time and audience. Allocates nothing. */
#include <stdio.h>

#include "chain/chain.h"
#include "crypto/multibase.h"

aip_status
chain_find_key(const token *t, const aip_key_source *keys, aip_public_key *out, aip_error *err)
{
    aip_bytes kid = t->foreign ? (aip_bytes){NULL, 0} : t->kid; /* foreign verifiers do not read it */
    return keys == NULL ? aip_did_find_key(&t->issuer, kid, out, err)
                        : keys->find(keys->context, &t->issuer, kid, t->iat, out, err);
}

bool
chain_is_signed(const chain_judgement *j, size_t i, const aip_public_key *key)
{
    const token *t = &j->chain->tokens[i];
    bool known =
        j->known != NULL && i < j->known->count && memcmp(j->known->keys[i].bytes, key->bytes, AIP_KEY_BYTES) == 0;
    return known || aip_verify(key, t->signing_input, t->signature, NULL) == AIP_OK;
}

static aip_status
verify_element(const chain_judgement *j, size_t i, const aip_public_key *key, aip_error *err)
{
    return chain_is_signed(j, i, key) ? AIP_OK : chain_place(err, i, aip_fail(err, AIP_TOKEN_SIGNATURE, NULL));
}

aip_status
aip_chain_verify_signatures(const aip_chain *chain, const aip_public_key *keys, aip_error *err)
{
    const chain_judgement j = {chain, NULL, NULL};
    for (size_t i = 0; i < chain->count; i++) {
        AIP_TRY(verify_element(&j, i, &keys[i], err));
    }
    return AIP_OK;
}

/* Keys are looked up one element at a time: a bad signature ends the work that strangers can cause, and a name is
 * looked up only after the element that names it was proven. */
static aip_status
walk_signatures(const chain_judgement *j, const aip_public_key *root_key, chain_proof *proven, aip_error *err)
{
    for (size_t i = 0; i < j->chain->count; i++) {
        aip_public_key *key = &proven->keys[i];
        *key = *root_key;
        aip_status status = i == 0 ? AIP_OK : chain_find_key(&j->chain->tokens[i], j->check->keys, key, err);
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
        AIP_TRY(verify_element(j, i, key, err));
        proven->count = i + 1;
    }
    return AIP_OK;
}

/* Names were compared when the chain was parsed; two names can still turn out to have one key. */
static aip_status
check_distinct_keys(const aip_chain *chain, const chain_proof *proven, aip_error *err)
{
    const aip_did *leaf = &chain->tokens[chain->count - 1].subject;
    for (size_t i = 0; i < proven->count; i++) {
        const unsigned char *key = proven->keys[i].bytes;
        bool again = aip_did_has_key(leaf) && memcmp(leaf->key, key, AIP_KEY_BYTES) == 0;
        for (size_t k = 0; k < i; k++) {
            again = again || memcmp(proven->keys[k].bytes, key, AIP_KEY_BYTES) == 0;
        }
        if (again) {
            return chain_place(err, i, aip_fail(err, AIP_CHAIN_CYCLE, "two parties have one key"));
        }
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

static void
fill_grant(const aip_chain *chain, const root_trust *root, aip_grant *out)
{
    size_t last = chain->count - 1;
    size_t budget = chain_nearest(chain, last, TOKEN_BUDGET);
    *out = (aip_grant){.chain = chain, .root_key = root->key, .expires = chain->tokens[last].exp};
    out->root = chain->tokens[0].issuer.text;
    out->leaf = chain->tokens[last].subject.text;
    if (root->unnamed) {
        char key[48];
        multibase_encode_raw_key(root->key.bytes, key);
        int size = snprintf(out->root_text, sizeof out->root_text, "aip:key:ed25519:%s", key);
        out->root = (aip_bytes){(const unsigned char *)out->root_text, (size_t)size};
    }
    out->has_budget = budget != CHAIN_NONE;
    out->budget_micro_usd = out->has_budget ? chain->tokens[budget].budget_micro_usd : 0;
    out->depth_left = chain_depth_left(chain, last);
    out->stranger = root->stranger;
    trust_narrow(chain, root->ceiling, out);
}

aip_status
chain_verify(const chain_judgement *j, chain_proof *proven, aip_grant *out, aip_error *err)
{
    root_trust root;
    *out = (aip_grant){0};
    proven->count = 0;
    aip_status status = trust_find_root(j, &root, err);
    if (status != AIP_OK) {
        return chain_place(err, 0, status);
    }
    if (root.unnamed) {
        proven->keys[0] = root.key;
        proven->count = 1;
    } else {
        AIP_TRY(walk_signatures(j, &root.key, proven, err));
        AIP_TRY(j->chain->tokens[0].foreign ? AIP_OK : check_distinct_keys(j->chain, proven, err));
    }
    AIP_TRY(check_started(j->chain, j->check->now_seconds, err));
    AIP_TRY(check_audience(j->chain, j->check, err));
    AIP_TRY(check_unexpired(j->chain, j->check->now_seconds, err));
    AIP_TRY(trust_check_ceiling(j, root.ceiling, err));
    fill_grant(j->chain, &root, out);
    return AIP_OK;
}

aip_status
aip_chain_verify(const aip_chain *chain, const aip_check *check, aip_grant *out, aip_error *err)
{
    const chain_judgement j = {chain, check, NULL};
    chain_proof proven;
    return chain_verify(&j, &proven, out, err);
}
