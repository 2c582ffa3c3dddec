/* What the files of this folder share: the chain itself and one check per rule. */
#ifndef CHAIN_CHAIN_H
#define CHAIN_CHAIN_H

#include "aip/chain.h"
#include "token/token.h"

/* One allocation: this, the tokens, their scan nodes, the text and the decoded payloads. */
struct aip_chain {
    size_t bytes; /* of that allocation */
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

/* The same grammar for an entry of a configuration. */
bool scope_is_entry(aip_bytes entry);
/* Does one of the entries cover `wanted`? A final star is a prefix. */
bool scope_covers(const char *const *entries, size_t count, aip_bytes wanted);

/* aip_grant_check_arguments on arguments that were read already: `object` is theirs in `document`.
 * constraint.violated. */
AIP_MUST_CHECK aip_status chain_check_arguments(const aip_chain *chain, aip_bytes tool, const scan_document *document,
                                                uint32_t object, aip_error *err);
/* Types, members, number of nodes and nesting of an element's constraints. constraint.unknown, constraint.invalid. */
AIP_MUST_CHECK aip_status constraint_check(const token *t, aip_error *err);

/* The root's shares: [[gateway DID, usd], …], together not above its budget. token.claim.invalid. */
AIP_MUST_CHECK aip_status budget_check_shares(const token *t, aip_error *err);
/* What they give to the gateway of this DID, compared as bytes; 0 when they do not name it. token.claim.invalid. */
AIP_MUST_CHECK aip_status budget_find_share(const token *t, aip_bytes gateway, uint64_t *micro_usd, aip_error *err);

/* The key that the element says it was signed with: by `keys`, or without them the one in the issuer's name.
 * Errors: aip_key_source's. */
AIP_MUST_CHECK aip_status chain_find_key(const token *t, const aip_key_source *keys, aip_public_key *out,
                                         aip_error *err);

/* Elements of a chain, the same bytes, whose signatures verified before, each under keys[i]. */
typedef struct {
    aip_public_key keys[AIP_CHAIN_ELEMENTS_MAX];
    size_t count;
} chain_proof;

/* What is judged, and what is known of it. */
typedef struct {
    const aip_chain *chain;
    const aip_check *check;
    const chain_proof *known; /* NULL: nothing */
} chain_judgement;

/* Is element i signed with the key? The only place that asks, and that may know the answer. */
bool chain_is_signed(const chain_judgement *j, size_t i, const aip_public_key *key);

/* How a root is trusted. */
typedef struct {
    aip_public_key key;
    bool unnamed;  /* only the key is proven, not the name that the token claims */
    bool stranger; /* the root is not listed */
    const aip_ceiling *ceiling;
} root_trust;

/* The chain's root: by name (pinned, or as check->keys knows it), by host, as a bare key, or as a stranger where those
 * are let in. An `aip:web` root under bare keys is decided by its signature: then the only signature is verified, and
 * the name remains unproven. Errors: trust.root.unknown, token.signature, aip_key_source's. */
AIP_MUST_CHECK aip_status trust_find_root(const chain_judgement *j, root_trust *out, aip_error *err);
/* Is the name listed as a root: by name, by host, or by the key that it carries? */
bool trust_lists(const aip_trust *trust, const aip_did *name);
/* Depth and age against the ceiling. Errors: trust.depth, trust.expired; err->at. */
AIP_MUST_CHECK aip_status trust_check_ceiling(const chain_judgement *j, const aip_ceiling *ceiling, aip_error *err);
/* Lowers what the grant says to the ceiling. */
void trust_narrow(const aip_chain *chain, const aip_ceiling *ceiling, aip_grant *grant);

/* aip_chain_verify, told what is known and telling what was proven. Keys, trust, times and audience are judged each
 * time, and a signature counts as known only under the same key: so the verdict is that of aip_chain_verify. */
AIP_MUST_CHECK aip_status chain_verify(const chain_judgement *j, chain_proof *proven, aip_grant *out, aip_error *err);

#endif
