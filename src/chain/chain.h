/* What the files of this folder share: the chain itself and one check per rule. */
#ifndef CHAIN_CHAIN_H
#define CHAIN_CHAIN_H

#include "aip/chain.h"
#include "token/token.h"

/* One allocation: this, the tokens, their scan nodes, the text and the decoded payloads. */
struct aip_chain {
    aip_bytes text;
    size_t count;
    token tokens[];
};

#define CHAIN_NONE SIZE_MAX

/* Notes the element that `status` concerns, and returns `status`. */
aip_status chain_place(aip_error *err, size_t element, aip_status status);

/* "Absent = as the nearest ancestor that declares it", once for all: the element at or above `from` that declares
 * `claim` (a TOKEN_… bit; 0 stands for what all declare), or CHAIN_NONE. */
size_t chain_nearest(const aip_chain *chain, size_t from, unsigned claim);

/* Further hops that may follow element i. */
uint32_t chain_depth_left(const aip_chain *chain, size_t i);

/* Links and attenuation of all elements. chain.*; err->at. */
AIP_MUST_CHECK aip_status chain_attenuate(const aip_chain *chain, aip_error *err);

/* Grammar of an element's scope entries. token.claim.invalid. */
AIP_MUST_CHECK aip_status scope_check(const token *t, aip_error *err);
/* Does each entry of `child` lie within one entry of `ancestor`? Bytes, never folded. */
bool scope_is_within(const token *ancestor, const token *child);

/* Types, members, number of nodes and nesting of an element's constraints. constraint.unknown, constraint.invalid. */
AIP_MUST_CHECK aip_status constraint_check(const token *t, aip_error *err);

/* The root's shares: [[gateway DID, usd], …], together not above its budget. token.claim.invalid. */
AIP_MUST_CHECK aip_status budget_check_shares(const token *t, aip_error *err);

/* The trusted key of the chain's root: by name (pinned or in the name), or as a bare key. An `aip:web` root under bare
 * keys is decided by its signature, which sets *proven: the only signature is verified, and the name remains unproven.
 * Errors: trust.root.unknown, did.*, token.signature. */
AIP_MUST_CHECK aip_status trust_find_root(const aip_chain *chain, const aip_trust *trust, bool *proven,
                                          aip_public_key *key, aip_error *err);

#endif
