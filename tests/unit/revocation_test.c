/* Revocations: who may make them, and what they end. */
#include "chain/revoked.h"

#include <stdlib.h>

#include "check.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"

#define NOW 1800000000
#define PARTIES 6

/* A chain from party 0 over 1 and 2 to 3; 4 and 5 stand outside. */
typedef struct {
    aip_secret_key *keys[PARTIES];
    aip_public_key signers[3];
    char names[PARTIES][AIP_DID_TEXT_SIZE];
    char links[3][44];
    char *text;
    aip_chain *chain;
} family;

static void
open_family(family *f)
{
    static const char *const scope[] = {"tool:search"};
    *f = (family){0};
    for (size_t i = 0; i < PARTIES; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1)};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &f->keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(f->keys[i]), f->names[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        char *longer = NULL;
        const aip_statement said = {.subject = f->names[i + 1],
                                    .scope = scope,
                                    .scope_count = 1,
                                    .has_max_depth = i == 0,
                                    .max_depth = 5,
                                    .issued_at = NOW,
                                    .expires_at = NOW + 100,
                                    .context = "a task"};
        CHECK_STATUS(i == 0 ? aip_token_issue(f->keys[0], &said, &longer, NULL)
                            : aip_token_delegate(f->keys[i], aip_bytes_of(f->text), &said, &longer, NULL),
                     AIP_OK);
        free(f->text);
        f->text = longer;
        f->signers[i] = *aip_secret_key_public(f->keys[i]);
    }
    CHECK_STATUS(aip_chain_parse(aip_bytes_of(f->text), &f->chain, NULL), AIP_OK);
    for (size_t i = 0; i < 3; i++) {
        aip_chain_link_id(f->chain, i, f->links[i]);
    }
}

static void
close_family(family *f)
{
    aip_chain_free(&f->chain);
    free(f->text);
    for (size_t i = 0; i < PARTIES; i++) {
        aip_secret_key_free(&f->keys[i]);
    }
}

/* Signs, parses, verifies and remembers one revocation; tells where the chain ends then, -1 = it stands. */
static int
ended_at(const family *f, size_t issuer, revocation_kind kind, const char *target)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    const revocation_statement said = {
        .kind = kind, .target = target, .issued_at = NOW, .sequence = 1, .reason = "lost"};
    revoked_memory *memory = NULL;
    char *text = NULL;
    revocation r;
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(revocation_sign(f->keys[issuer], &said, &text, NULL), AIP_OK);
    CHECK_STATUS(revocation_parse(aip_bytes_of(text), room, sizeof room, &r, NULL), AIP_OK);
    CHECK_STATUS(revocation_verify(&r, NULL, NOW, NULL), AIP_OK);
    CHECK_STATUS(revoked_memory_new(&memory, NULL), AIP_OK);
    CHECK_STATUS(revoked_check(memory, f->chain, f->signers, 3, NULL), AIP_OK);
    revoked_fact fact = {.kind = r.kind, .issuer = r.issuer.text};
    memcpy(fact.target_id, r.target_id, sizeof fact.target_id);
    CHECK_STATUS(revoked_memory_add(memory, &fact, NULL), AIP_OK);
    CHECK_STATUS(revoked_memory_add(memory, &fact, NULL), AIP_OK);
    CHECK(revoked_count(memory) == 1);
    aip_status status = revoked_check(memory, f->chain, f->signers, 3, &err);
    CHECK(status == AIP_OK || status == AIP_TOKEN_REVOKED);
    revoked_memory_free(&memory);
    free(text);
    return status == AIP_OK ? -1 : err.at;
}

static void
a_link_is_ended_by_its_signer_those_above_and_its_holder_only(void)
{
    family f;
    open_family(&f);
    for (int link = 0; link < 3; link++) {
        for (size_t issuer = 0; issuer < PARTIES; issuer++) {
            bool may = (int)issuer <= link + 1;
            CHECK(ended_at(&f, issuer, REVOKED_LINK, f.links[link]) == (may ? link : -1));
        }
    }
    close_family(&f);
}

static void
a_party_is_ended_by_itself_and_those_above_it_only(void)
{
    family f;
    open_family(&f);
    for (size_t issuer = 0; issuer < PARTIES; issuer++) {
        CHECK(ended_at(&f, issuer, REVOKED_DID, f.names[0]) == (issuer == 0 ? 0 : -1));
        CHECK(ended_at(&f, issuer, REVOKED_DID, f.names[2]) == (issuer <= 2 ? 1 : -1));
        CHECK(ended_at(&f, issuer, REVOKED_DID, f.names[3]) == (issuer <= 3 ? 2 : -1));
        CHECK(ended_at(&f, issuer, REVOKED_DID, f.names[5]) == -1);
    }
    close_family(&f);
}

static void
a_key_is_ended_by_its_holder_and_those_above_only(void)
{
    family f;
    char key[MULTIBASE_KEY_TEXT_SIZE + 1];
    open_family(&f);
    for (size_t issuer = 0; issuer < PARTIES; issuer++) {
        multibase_encode_key(f.signers[0].bytes, key);
        CHECK(ended_at(&f, issuer, REVOKED_KEY, key) == (issuer == 0 ? 0 : -1));
        multibase_encode_key(f.signers[2].bytes, key);
        CHECK(ended_at(&f, issuer, REVOKED_KEY, key) == (issuer <= 2 ? 1 : -1));
        multibase_encode_key(aip_secret_key_public(f.keys[3])->bytes, key);
        CHECK(ended_at(&f, issuer, REVOKED_KEY, key) == (issuer <= 3 ? 2 : -1));
    }
    close_family(&f);
}

static aip_status
judge_with_chain(const family *f, size_t issuer, const char *link, const char *chain)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    const revocation_statement said = {
        .kind = REVOKED_LINK, .target = link, .issued_at = NOW, .sequence = 7, .chain = chain};
    char *text = NULL;
    revocation r;
    CHECK_STATUS(revocation_sign(f->keys[issuer], &said, &text, NULL), AIP_OK);
    aip_status status = revocation_parse(aip_bytes_of(text), room, sizeof room, &r, NULL);
    status = status == AIP_OK ? revocation_verify(&r, NULL, NOW, NULL) : status;
    status = status == AIP_OK ? revocation_check_chain(&r, NULL, NULL) : status;
    free(text);
    return status;
}

static void
a_statement_that_carries_its_chain_is_judged_at_once(void)
{
    family f;
    open_family(&f);
    CHECK_STATUS(judge_with_chain(&f, 0, f.links[2], f.text), AIP_OK);
    CHECK_STATUS(judge_with_chain(&f, 3, f.links[2], f.text), AIP_OK);
    CHECK_STATUS(judge_with_chain(&f, 3, f.links[1], f.text), AIP_REVOCATION_UNAUTHORIZED);
    CHECK_STATUS(judge_with_chain(&f, 4, f.links[1], f.text), AIP_REVOCATION_UNAUTHORIZED);
    char *cut = strdup(f.text);
    *strrchr(cut, '~') = '\0';
    CHECK_STATUS(judge_with_chain(&f, 0, f.links[2], cut), AIP_REVOCATION_UNAUTHORIZED);
    char *signature = strrchr(cut, '.') + 5;
    *signature = *signature == 'A' ? 'B' : 'A';
    CHECK_STATUS(judge_with_chain(&f, 0, f.links[1], cut), AIP_TOKEN_SIGNATURE);
    free(cut);
    close_family(&f);
}

static aip_status
judge_payload(const char *payload, const char *typ)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    const jws_statement statement = {typ, NULL, aip_bytes_of(payload)};
    char *text = NULL;
    revocation r;
    CHECK_STATUS(jws_encode(NULL, &statement, &text, NULL), AIP_OK);
    aip_status status = revocation_parse(aip_bytes_of(text), room, sizeof room, &r, NULL);
    free(text);
    return status;
}

#define ISSUER "\"iss\":\"did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd\""
#define LINK "\"link\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""

static void
claims_are_exactly_those_of_a_revocation(void)
{
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1,\"seq\":0," LINK "}", REVOCATION_TYPE), AIP_OK);
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1,\"seq\":0," LINK "}", "aip+jwt"), AIP_TOKEN_HEADER);
    CHECK_STATUS(judge_payload("{\"iat\":1,\"seq\":0," LINK "}", REVOCATION_TYPE), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1," LINK "}", REVOCATION_TYPE), AIP_TOKEN_CLAIM_MISSING);
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1,\"seq\":0}", REVOCATION_TYPE), AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(
        judge_payload("{" ISSUER ",\"iat\":1,\"seq\":0," LINK ",\"did\":\"did:web:a.example\"}", REVOCATION_TYPE),
        AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1.5,\"seq\":0," LINK "}", REVOCATION_TYPE),
                 AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1,\"seq\":0," LINK ",\"exp\":5}", REVOCATION_TYPE),
                 AIP_TOKEN_CLAIM_UNKNOWN);
    CHECK_STATUS(judge_payload("{" ISSUER ",\"iat\":1,\"seq\":0,\"link\":\"AAAA\"}", REVOCATION_TYPE),
                 AIP_TOKEN_CLAIM_INVALID);
    CHECK_STATUS(judge_payload("[]", REVOCATION_TYPE), AIP_TOKEN_MALFORMED);
}

static void
a_statement_of_the_future_or_by_another_key_does_not_count(void)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    family f;
    revocation r;
    char *text = NULL;
    open_family(&f);
    revocation_statement said = {.kind = REVOKED_LINK, .target = f.links[0], .issued_at = NOW, .sequence = 1};
    CHECK_STATUS(revocation_sign(f.keys[0], &said, &text, NULL), AIP_OK);
    CHECK_STATUS(revocation_parse(aip_bytes_of(text), room, sizeof room, &r, NULL), AIP_OK);
    CHECK_STATUS(revocation_verify(&r, NULL, NOW - AIP_CLOCK_SKEW_SECONDS - 1, NULL), AIP_TOKEN_NOT_YET_VALID);
    free(text);
    said.issuer = f.names[1];
    CHECK_STATUS(revocation_sign(f.keys[0], &said, &text, NULL), AIP_OK);
    CHECK_STATUS(revocation_parse(aip_bytes_of(text), room, sizeof room, &r, NULL), AIP_OK);
    CHECK_STATUS(revocation_verify(&r, NULL, NOW, NULL), AIP_TOKEN_SIGNATURE);
    free(text);
    close_family(&f);
}

/* Many facts that do not concern the chain change no verdict. */
static void
the_memory_grows_and_keeps_every_fact(void)
{
    revoked_memory *memory = NULL;
    family f;
    open_family(&f);
    CHECK_STATUS(revoked_memory_new(&memory, NULL), AIP_OK);
    revoked_fact fact = {.kind = REVOKED_LINK, .issuer = aip_bytes_of(f.names[4])};
    for (uint32_t i = 0; i < 50000; i++) {
        memcpy(fact.target_id, &i, sizeof i);
        CHECK_STATUS(revoked_memory_add(memory, &fact, NULL), AIP_OK);
    }
    CHECK(revoked_count(memory) == 50000 && revoked_epoch(memory) == 50000);
    CHECK_STATUS(revoked_check(memory, f.chain, f.signers, 3, NULL), AIP_OK);
    fact = (revoked_fact){.kind = REVOKED_DID, .issuer = aip_bytes_of(f.names[0])};
    hash_sha256(aip_bytes_of(f.names[1]), fact.target_id);
    CHECK_STATUS(revoked_memory_add(memory, &fact, NULL), AIP_OK);
    CHECK_STATUS(revoked_check(memory, f.chain, f.signers, 3, NULL), AIP_TOKEN_REVOKED);
    revoked_memory_free(&memory);
    close_family(&f);
}

RUN(TEST(a_link_is_ended_by_its_signer_those_above_and_its_holder_only),
    TEST(a_party_is_ended_by_itself_and_those_above_it_only), TEST(a_key_is_ended_by_its_holder_and_those_above_only),
    TEST(a_statement_that_carries_its_chain_is_judged_at_once), TEST(claims_are_exactly_those_of_a_revocation),
    TEST(a_statement_of_the_future_or_by_another_key_does_not_count), TEST(the_memory_grows_and_keeps_every_fact))
