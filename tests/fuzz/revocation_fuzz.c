/* Revocations from arbitrary text, and what they end. */
#include <stdlib.h>

#include "base/text.h"
#include "chain/revoked.h"
#include "crypto/hash.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What was read can be said again, and is read as the same. */
static void
check_again(const revocation *r, const aip_secret_key *key)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    TEXT_AUTO text_buffer issuer = {0}, target = {0}, chain = {0};
    char *text = NULL;
    revocation again;
    text_append(&issuer, r->issuer.text);
    text_append(&target, r->target);
    text_append(&chain, r->chain);
    require(text_finish(&issuer, NULL) == AIP_OK && text_finish(&target, NULL) == AIP_OK);
    require(text_finish(&chain, NULL) == AIP_OK);
    const revocation_statement said = {
        .issuer = issuer.data,
        .kind = r->kind,
        .target = target.data,
        .chain = r->chain.size == 0 ? NULL : chain.data,
        .issued_at = r->issued_at,
        .sequence = r->sequence,
    };
    if (revocation_sign(key, &said, &text, NULL) != AIP_OK) { /* the header that is written may be the longer one */
        require(r->chain.size > AIP_TOKEN_BYTES_MAX / 2);
        return;
    }
    require(revocation_parse(aip_bytes_of(text), room, sizeof room, &again, NULL) == AIP_OK);
    require(again.kind == r->kind && memcmp(again.target_id, r->target_id, sizeof r->target_id) == 0);
    require(again.issued_at == r->issued_at && again.sequence == r->sequence);
    require(aip_bytes_equal(again.issuer.text, r->issuer.text) && aip_bytes_equal(again.chain, r->chain));
    free(text);
}

/* With the chain that it carries in the hand: the memory and the statement's own judgement agree. */
static void
check_chain(const revocation *r)
{
    revoked_memory *memory = NULL;
    aip_chain *chain = NULL;
    aip_error err = AIP_ERROR_INIT;
    revoked_fact fact = {.kind = r->kind, .issuer = r->issuer.text};
    aip_status judged = revocation_check_chain(r, NULL, NULL);
    if (aip_chain_parse(r->chain, &chain, NULL) != AIP_OK) {
        require(chain == NULL && judged != AIP_OK);
        return;
    }
    memcpy(fact.target_id, r->target_id, sizeof fact.target_id);
    require(revoked_memory_new(&memory, NULL) == AIP_OK);
    require(revoked_check(memory, chain, NULL, 0, NULL) == AIP_OK);
    require(revoked_memory_add(memory, &fact, NULL) == AIP_OK && revoked_count(memory) == 1);
    aip_status ended = revoked_check(memory, chain, NULL, 0, &err);
    require(ended == AIP_OK || (ended == AIP_TOKEN_REVOKED && (size_t)err.at < aip_chain_length(chain)));
    require(judged != AIP_OK || ended == AIP_TOKEN_REVOKED);
    revoked_memory_free(&memory);
    aip_chain_free(&chain);
}

static void
check_statement(aip_bytes text, const aip_secret_key *key)
{
    unsigned char *room = malloc(text.size == 0 ? 1 : text.size); /* exact, so that a sanitizer sees a byte too many */
    revocation r;
    require(room != NULL);
    if (revocation_parse(text, room, text.size, &r, NULL) == AIP_OK) {
        require(r.kind == REVOKED_LINK || r.kind == REVOKED_DID || r.kind == REVOKED_KEY);
        require(r.target.size > 0 && r.issuer.text.size > 0 && r.issued_at >= 0);
        require(revocation_verify(&r, NULL, r.issued_at - AIP_CLOCK_SKEW_SECONDS - 1, NULL) == AIP_TOKEN_NOT_YET_VALID);
        (void)!revocation_verify(&r, NULL, NOW, NULL);
        check_again(&r, key);
        check_chain(&r);
    }
    free(room);
}

/* The input as a statement, and as the payload of one, so that claims are reached without guessing base64. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {77};
    const jws_statement statement = {REVOCATION_TYPE, NULL, {data, size}};
    aip_secret_key *key = NULL;
    char *text = NULL;
    require(crypto_start(NULL) == AIP_OK);
    require(aip_secret_key_from_seed(seed, &key, NULL) == AIP_OK);
    check_statement((aip_bytes){data, size}, key);
    if (jws_encode(NULL, &statement, &text, NULL) == AIP_OK) {
        check_statement(aip_bytes_of(text), key);
        free(text);
    }
    aip_secret_key_free(&key);
    return 0;
}
