/* Judged on the shard as far as the token goes; the statement itself on the thread that writes the log. */
#include "gateway/completions.h"

#include "base/clock.h"
#include "crypto/base64url.h"
#include "chain/chain.h"
#include "gateway/await.h"
#include "gateway/stages.h"

static aip_status
check_request(exchange *x, aip_error *err)
{
    size_t types = 0, tokens = 0;
    aip_bytes type = exchange_header(x, "Content-Type", &types);
    AIP_TRY(greet_check_origin(x, err));
    if (types != 1 || !aip_bytes_equal(type, AIP_BYTES_LITERAL("application/jose"))) {
        return aip_fail(err, AIP_REQUEST_MEDIA_TYPE, NULL);
    }
    if (x->body_too_large || x->body.size == 0 || x->body.size > COMPLETION_BYTES_MAX) {
        return aip_fail(err, AIP_REQUEST_SIZE, NULL);
    }
    if (x->query.data != NULL || x->too_many_fields) {
        return aip_fail(err, AIP_REQUEST_INVALID, NULL);
    }
    x->credential = exchange_header(x, "X-AIP-Token", &tokens);
    if (tokens > 1) {
        return aip_fail(err, AIP_TOKEN_REPEATED, NULL);
    }
    if (x->credential.size == 0) {
        return aip_fail(err, AIP_TOKEN_MISSING, NULL);
    }
    return x->credential.size > x->settings->token_bytes_max ? aip_fail(err, AIP_TOKEN_SIZE, NULL) : AIP_OK;
}

/* No rule set has the serial 0. */
static aip_status
take_share(exchange *x, aip_error *err)
{
    uint64_t now = clock_monotonic_microseconds();
    caller_buckets *all = x->gateway->buckets;
    caller_buckets_lock(all);
    policy_bucket *bucket = caller_buckets_find(all, 0, x->owner, 1);
    if (bucket != NULL && now - bucket->at >= UINT64_C(60000000)) {
        *bucket = (policy_bucket){.at = now};
    }
    bool some = bucket != NULL && bucket->used < COMPLETIONS_PER_MINUTE;
    if (some) {
        bucket->used++;
    }
    caller_buckets_unlock(all);
    return some ? AIP_OK : aip_fail(err, AIP_TRUST_RATE, NULL);
}

/* So that the thread that judges the statement finds its key: which one that is, it decides. */
static aip_status
know_leaf(exchange *x, aip_error *err)
{
    memory_view view = {identities_memory(x->gateway->identities), clock_now_seconds(), DID_USE_AUTHENTICATION};
    const aip_did *leaf = &x->chain->tokens[x->chain->count - 1].subject;
    aip_key_source keys;
    aip_public_key key;
    identity_memory_source(&view, &keys);
    aip_status status = keys.find(keys.context, leaf, (aip_bytes){NULL, 0}, view.now_seconds, &key, NULL);
    return status == AIP_DID_PENDING ? await_identity(x, leaf->text, err) : AIP_OK;
}

static aip_status
ask(exchange *x, aip_error *err)
{
    char link[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    if (x->gateway->scribe == NULL) {
        return aip_fail(err, AIP_AUDIT_UNAVAILABLE, NULL);
    }
    AIP_TRY(take_share(x, err));
    aip_chain_link_id(x->chain, aip_chain_length(x->chain) - 1, link);
    x->statement_asked = true;
    return await_completion(x, link, err);
}

aip_status
completions_take(exchange *x, aip_error *err)
{
    if (x->question != NULL) {
        return AIP_DID_PENDING;
    }
    if (x->statement_asked) {
        bool late = x->arrived_status == AIP_FETCH_TIMEOUT;
        return x->arrived_status == AIP_OK ? AIP_OK
                                           : aip_fail(err, late ? AIP_AUDIT_UNAVAILABLE : x->arrived_status, NULL);
    }
    if (!x->record.verified) {
        AIP_TRY(check_request(x, err));
        AIP_TRY(greet_verify(x, err));
    }
    AIP_TRY(greet_standing(x, err));
    AIP_TRY(greet_lists(x, err));
    AIP_TRY(know_leaf(x, err));
    AIP_TRY(greet_rate(x, err));
    return ask(x, err);
}
