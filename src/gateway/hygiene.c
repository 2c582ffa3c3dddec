/* Warnings about tokens that are longer-lived, wider, richer or deeper than they need to be. */
#include "gateway/hygiene.h"

#include "chain/chain.h"

enum { LIFETIME_SECONDS = 3600, DEPTH = 5 };
static const uint64_t BUDGET_MICRO_USD = 10000000;

static void
warn(text_buffer *out, const char *text)
{
    bool first = out->size > 0 && out->data[out->size - 1] == '[';
    text_append_string(out, first ? "\"" : ", \"");
    text_append_string(out, text);
    text_append_string(out, "\"");
}

static bool
has_wildcard(const token *leaf)
{
    for (uint32_t i = 0; i < leaf->scope_count; i++) {
        if (memchr(leaf->scope[i].data, '*', leaf->scope[i].size) != NULL) {
            return true;
        }
    }
    return false;
}

void
hygiene_append_report(text_buffer *out, const exchange *x)
{
    const token *leaf = &x->chain->tokens[x->chain->count - 1];
    text_append_string(out, "{\"passed\": true, \"warnings\": [");
    if (leaf->exp - leaf->iat > LIFETIME_SECONDS) {
        warn(out, "the token lives longer than 3600 seconds");
    }
    if (has_wildcard(leaf)) {
        warn(out, "the scope has a wildcard");
    }
    if (x->verdict.grant.has_budget && x->verdict.grant.budget_micro_usd > BUDGET_MICRO_USD) {
        warn(out, "the budget is above 10.0 USD");
    }
    if (x->chain->count > DEPTH || x->verdict.grant.depth_left > DEPTH) {
        warn(out, "the delegation may go deeper than 5 hops");
    }
    text_append_string(out, "], \"errors\": []}");
}
