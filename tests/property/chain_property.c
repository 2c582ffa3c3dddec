/* Random chains from a fixed seed: issuing and parsing agree, no widening and no flipped bit passes. */
#include <stdlib.h>

#include "aip/chain.h"
#include "../unit/check.h"

#define NOW 1800000000
#define PARTIES 7
#define CHAINS 60
#define FLIPS 40

static uint64_t state = 0x5eed;

static uint64_t
next(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

typedef struct {
    aip_secret_key *keys[PARTIES];
    char names[PARTIES][AIP_DID_TEXT_SIZE];
    char *text;
    size_t elements;
    uint64_t budget;
    uint32_t depth; /* of the last element */
    int64_t iat, exp, nbf;
    size_t audience; /* how many of `audiences`, from the front */
    size_t scope;    /* 0: the widest of `scopes` */
} tree;

static const char *const scopes[] = {"tool:*", "tool:db.*", "tool:db.read.*", "tool:db.read.rows"};
static const char *const audiences[] = {"did:web:a.test", "did:web:b.test", "did:web:c.test"};
static const char *const foreign_audience[] = {"did:web:d.test"};
static const char *const foreign_scope[] = {"skill:cook"};

static void
open_tree(tree *t)
{
    *t = (tree){0};
    for (size_t i = 0; i < PARTIES; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {(unsigned char)(i + 1), (unsigned char)next(256),
                                              (unsigned char)next(256)};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &t->keys[i], NULL), AIP_OK);
        aip_did_of_key(aip_secret_key_public(t->keys[i]), t->names[i]);
    }
}

static void
close_tree(tree *t)
{
    free(t->text);
    for (size_t i = 0; i < PARTIES; i++) {
        aip_secret_key_free(&t->keys[i]);
    }
}

static aip_statement
say(const tree *t)
{
    return (aip_statement){.subject = t->names[t->elements + 1],
                           .scope = &scopes[t->scope],
                           .scope_count = 1,
                           .has_budget = true,
                           .budget_micro_usd = t->budget,
                           .has_max_depth = true,
                           .max_depth = t->depth,
                           .has_not_before = true,
                           .not_before = t->nbf,
                           .issued_at = t->iat,
                           .expires_at = t->exp,
                           .audience = audiences,
                           .audience_count = t->audience,
                           .context = "a random task",
                           .principal = "user:alice"};
}

static void
grow_root(tree *t)
{
    t->budget = 1000000 + next(1000000000);
    t->depth = 5 + (uint32_t)next(11);
    t->iat = NOW - 1000 - (int64_t)next(1000);
    t->nbf = t->iat + (int64_t)next(10);
    t->exp = NOW + 1000 + (int64_t)next(1000);
    t->audience = 3;
    const aip_statement said = say(t);
    CHECK_STATUS(aip_token_issue(t->keys[0], &said, &t->text, NULL), AIP_OK);
    t->elements = 1;
}

/* Narrows each dimension by a random amount, often by none, and declares only some of them. */
static void
grow(tree *t)
{
    char *longer = NULL;
    t->budget -= next(2) * next(t->budget / 4 + 1);
    t->depth -= 1;
    t->iat += (int64_t)next(3);
    t->nbf += (int64_t)next(3);
    t->exp -= (int64_t)next(3);
    t->audience -= t->audience > 1 ? next(2) : 0;
    t->scope += t->scope < 3 ? next(2) : 0;
    aip_statement said = say(t);
    if (next(3) == 0) {
        said.principal = NULL;
        said.has_max_depth = false;
    }
    CHECK_STATUS(aip_token_delegate(t->keys[t->elements], aip_bytes_of(t->text), &said, &longer, NULL), AIP_OK);
    free(t->text);
    t->text = longer;
    t->elements++;
}

static aip_status
judge(const tree *t, aip_bytes text, aip_grant *grant, aip_chain **chain)
{
    aip_trust trust = {0};
    const aip_check check = {&trust, audiences, 1, NOW, NULL};
    CHECK_STATUS(aip_trust_add(&trust, t->names[0], NULL), AIP_OK);
    aip_status status = aip_chain_parse(text, chain, NULL);
    if (status == AIP_OK) {
        status = aip_chain_verify(*chain, &check, grant, NULL);
    }
    aip_trust_clear(&trust);
    return status;
}

static void
grow_random(tree *t)
{
    open_tree(t);
    grow_root(t);
    for (uint64_t hops = next(PARTIES - 2); hops > 0; hops--) {
        grow(t);
    }
}

static void
what_was_said_is_what_is_read(void)
{
    for (size_t i = 0; i < CHAINS; i++) {
        tree t;
        aip_chain *chain = NULL;
        aip_grant grant;
        grow_random(&t);
        CHECK_STATUS(judge(&t, aip_bytes_of(t.text), &grant, &chain), AIP_OK);
        CHECK(chain != NULL && aip_chain_length(chain) == t.elements && grant.budget_micro_usd == t.budget &&
              grant.depth_left == t.depth && grant.expires == t.exp &&
              aip_bytes_equal(grant.leaf, aip_bytes_of(t.names[t.elements])));
        aip_chain_free(&chain);
        close_tree(&t);
    }
}

/* One dimension wider than the parent, all others equal. */
static aip_status
widen(aip_statement *said, uint64_t dimension)
{
    switch (dimension) {
    case 0:
        said->scope = foreign_scope;
        return AIP_CHAIN_WIDENED_SCOPE;
    case 1:
        said->budget_micro_usd += 1 + next(1000);
        return AIP_CHAIN_WIDENED_BUDGET;
    case 2:
        said->max_depth += 1;
        return AIP_CHAIN_WIDENED_DEPTH;
    case 3:
        said->expires_at += 1 + (int64_t)next(1000);
        return AIP_CHAIN_WIDENED_TIME;
    case 4:
        said->issued_at -= 1 + (int64_t)next(1000);
        return AIP_CHAIN_WIDENED_TIME;
    case 5:
        said->not_before -= 1 + (int64_t)next(1000);
        return AIP_CHAIN_WIDENED_TIME;
    case 6:
        said->audience = foreign_audience;
        said->audience_count = 1;
        return AIP_CHAIN_WIDENED_AUDIENCE;
    case 7:
        said->principal = "user:mallory";
        return AIP_CHAIN_PRINCIPAL;
    default:
        said->scope_count = 1;
        said->scope = scopes;
        return AIP_CHAIN_WIDENED_SCOPE;
    }
}

static void
any_widening_is_refused_at_its_element(void)
{
    for (size_t i = 0; i < CHAINS * 4; i++) {
        tree t;
        char *longer = NULL;
        aip_error err = AIP_ERROR_INIT;
        grow_random(&t);
        t.depth -= 1;
        aip_statement said = say(&t);
        aip_status wanted = widen(&said, next(t.scope > 0 ? 9 : 8));
        CHECK_STATUS(aip_token_delegate(t.keys[t.elements], aip_bytes_of(t.text), &said, &longer, &err), wanted);
        CHECK(longer == NULL && err.at == (int)t.elements);
        close_tree(&t);
    }
}

static void
any_flipped_bit_is_refused(void)
{
    for (size_t i = 0; i < CHAINS / 2; i++) {
        tree t;
        grow_random(&t);
        size_t size = strlen(t.text);
        for (size_t k = 0; k < FLIPS; k++) {
            aip_chain *chain = NULL;
            aip_grant grant;
            size_t at = next(size);
            char bit = (char)(1 << next(7));
            t.text[at] ^= bit;
            CHECK(judge(&t, (aip_bytes){(const unsigned char *)t.text, size}, &grant, &chain) != AIP_OK);
            t.text[at] ^= bit;
            aip_chain_free(&chain);
        }
        close_tree(&t);
    }
}

RUN(TEST(what_was_said_is_what_is_read), TEST(any_widening_is_refused_at_its_element), TEST(any_flipped_bit_is_refused))
