/* The attenuation walk: how elements are linked, and that none is wider than those above it, one row a dimension. */
#include "chain/chain.h"
#include "crypto/hash.h"

size_t
chain_nearest(const aip_chain *chain, size_t from, unsigned claim)
{
    for (size_t i = from + 1; i-- > 0;) {
        if ((chain->tokens[i].declared & claim) == claim) {
            return i;
        }
    }
    return CHAIN_NONE;
}

uint32_t
chain_depth_left(const aip_chain *chain, size_t i)
{
    size_t declarer = chain_nearest(chain, i, TOKEN_MAX_DEPTH); /* element 0 always declares it */
    size_t hops = i - declarer;
    uint32_t depth = chain->tokens[declarer].max_depth;
    return depth > hops ? depth - (uint32_t)hops : 0;
}

static bool
scope_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    return scope_is_within(&chain->tokens[ancestor], &chain->tokens[child]);
}

static bool
time_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    return chain->tokens[child].iat >= chain->tokens[ancestor].iat &&
           chain->tokens[child].exp <= chain->tokens[ancestor].exp;
}

static bool
start_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    return chain->tokens[child].nbf >= chain->tokens[ancestor].nbf;
}

static bool
budget_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    return chain->tokens[child].budget_micro_usd <= chain->tokens[ancestor].budget_micro_usd;
}

/* Each hop between the two has used up one. */
static bool
depth_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    size_t hops = child - ancestor;
    return chain->tokens[ancestor].max_depth >= hops &&
           chain->tokens[child].max_depth <= chain->tokens[ancestor].max_depth - hops;
}

static bool
audience_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    const token *outer = &chain->tokens[ancestor], *inner = &chain->tokens[child];
    for (uint32_t i = 0; i < inner->audience_count; i++) {
        uint32_t k = 0;
        while (k < outer->audience_count && !aip_bytes_equal(outer->audience[k], inner->audience[i])) {
            k++;
        }
        if (k == outer->audience_count) {
            return false;
        }
    }
    return true;
}

/* Compared unescaped: one text has many spellings in JSON. */
static bool
principal_within(const aip_chain *chain, size_t ancestor, size_t child)
{
    char a[AIP_IDENTIFIER_BYTES_MAX], b[AIP_IDENTIFIER_BYTES_MAX];
    size_t a_size = 0, b_size = 0;
    return token_claim_text(&chain->tokens[ancestor], "principal", a, sizeof a, &a_size, NULL) == AIP_OK &&
           token_claim_text(&chain->tokens[child], "principal", b, sizeof b, &b_size, NULL) == AIP_OK &&
           a_size == b_size && memcmp(a, b, a_size) == 0;
}

typedef struct {
    unsigned claim;    /* TOKEN_… bit; 0: every element declares it */
    bool of_root_only; /* no later element may introduce it */
    aip_status widened;
    bool (*within)(const aip_chain *chain, size_t ancestor, size_t child);
} dimension;

/* Constraints need no row: every element's must hold, so more of them only narrow. */
static const dimension dimensions[] = {
    {0, false, AIP_CHAIN_WIDENED_SCOPE, scope_within},
    {TOKEN_BUDGET, false, AIP_CHAIN_WIDENED_BUDGET, budget_within},
    {TOKEN_MAX_DEPTH, false, AIP_CHAIN_WIDENED_DEPTH, depth_within},
    {0, false, AIP_CHAIN_WIDENED_TIME, time_within},
    {TOKEN_NBF, false, AIP_CHAIN_WIDENED_TIME, start_within},
    {TOKEN_AUDIENCE, false, AIP_CHAIN_WIDENED_AUDIENCE, audience_within},
    {TOKEN_PRINCIPAL, true, AIP_CHAIN_PRINCIPAL, principal_within},
};

static aip_status
check_dimension(const aip_chain *chain, size_t i, const dimension *row, aip_error *err)
{
    if ((chain->tokens[i].declared & row->claim) != row->claim) {
        return AIP_OK;
    }
    size_t ancestor = chain_nearest(chain, i - 1, row->claim);
    bool narrows = ancestor == CHAIN_NONE ? !row->of_root_only : row->within(chain, ancestor, i);
    return narrows ? AIP_OK : aip_fail(err, row->widened, NULL);
}

/* did:key and did:aip of one key are one party. */
static bool
is_same_party(const aip_did *a, const aip_did *b)
{
    return aip_bytes_equal(a->text, b->text) ||
           (aip_did_has_key(a) && aip_did_has_key(b) && memcmp(a->key, b->key, AIP_KEY_BYTES) == 0);
}

static aip_status
check_parties(const aip_chain *chain, size_t i, aip_error *err)
{
    const aip_did *subject = &chain->tokens[i].subject;
    bool seen = is_same_party(subject, &chain->tokens[0].issuer);
    for (size_t k = 0; k < i; k++) {
        seen = seen || is_same_party(subject, &chain->tokens[k].subject);
    }
    return seen ? aip_fail(err, AIP_CHAIN_CYCLE, NULL) : AIP_OK;
}

static aip_status
check_link(const aip_chain *chain, size_t i, aip_error *err)
{
    const token *parent = &chain->tokens[i - 1], *child = &chain->tokens[i];
    if (!aip_bytes_equal(child->issuer.text, parent->subject.text)) {
        return aip_fail(err, AIP_CHAIN_ISSUER, NULL);
    }
    if (memcmp(child->par_hash, parent->link_id, AIP_HASH_BYTES) != 0) {
        return aip_fail(err, AIP_CHAIN_PARENT, NULL);
    }
    return chain_depth_left(chain, i - 1) > 0 ? AIP_OK : aip_fail(err, AIP_CHAIN_DEPTH, NULL);
}

static aip_status
check_element(const aip_chain *chain, size_t i, aip_error *err)
{
    AIP_TRY(i == 0 ? AIP_OK : check_link(chain, i, err));
    AIP_TRY(check_parties(chain, i, err));
    for (size_t d = 0; i > 0 && d < sizeof dimensions / sizeof dimensions[0]; d++) {
        AIP_TRY(check_dimension(chain, i, &dimensions[d], err));
    }
    return AIP_OK;
}

aip_status
chain_attenuate(const aip_chain *chain, aip_error *err)
{
    if (chain->tokens[0].foreign) {
        return chain->count == 1
                   ? AIP_OK
                   : chain_place(err, 1, aip_fail(err, AIP_TOKEN_MALFORMED, "a foreign token has one element"));
    }
    for (size_t i = 0; i < chain->count; i++) {
        aip_status status = check_element(chain, i, err);
        if (status != AIP_OK) {
            return chain_place(err, i, status);
        }
    }
    return AIP_OK;
}
