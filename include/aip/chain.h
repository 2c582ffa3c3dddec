/* Tokens as ordered lists of signed elements that only narrow: parse, verify, extend (spec/token.md). */
#ifndef AIP_CHAIN_H
#define AIP_CHAIN_H

#include "aip/did.h"
#include "aip/limits.h"

typedef struct aip_chain aip_chain;

/* Parses `text` (elements joined by `~`), checks structure and attenuation, trusts nothing and verifies no
 * signature. Copies `text`; one allocation. `err->at` is the element. Errors: token.*, chain.*, constraint.*, did.*. */
AIP_MUST_CHECK aip_status aip_chain_parse(aip_bytes text, aip_chain **out, aip_error *err);
void aip_chain_free(aip_chain **chain);

size_t aip_chain_length(const aip_chain *chain);

/* What trust in a root is limited to, whatever its tokens say. Zeroes limit nothing. */
typedef struct {
    const char *name;         /* of the profile, for records; NULL: none */
    const char *const *scope; /* entries as in tokens */
    size_t scope_count;       /* 0: no limit */
    bool has_budget, has_max_depth;
    uint64_t budget_micro_usd;
    uint32_t max_depth;           /* elements that may follow the first */
    int64_t ttl_seconds;          /* from the first element's iat; 0: no limit */
    uint32_t requests_per_minute; /* of one root; 0: no limit */
    bool bearer;                  /* a token of one element needs no proof */
    const char *policy;           /* file of the policy that its tokens are judged by; NULL: no own one */
} aip_ceiling;

/* What is trusted as a root: a name compared as bytes, a bare key, a name pinned to a key, or did:web hosts. */
typedef struct {
    char *name; /* DID or aip: name; NULL: the bare key alone */
    bool has_key;
    bool pattern; /* `did:web:*.domain`: every did:web name of a host below the domain */
    aip_public_key key;
    const aip_ceiling *ceiling; /* NULL: none */
} aip_trust_root;

typedef struct {
    aip_trust_root *roots;
    size_t count;
    aip_ceiling **ceilings; /* owned; roots and `unknown` borrow them */
    size_t ceiling_count;
    const aip_ceiling *unknown; /* what a valid chain from an unlisted root gets; NULL: a refusal */
} aip_trust;

/* Adds one entry given as text: a DID, `did:web:*.domain`, `aip:key:…`, `name=z…` (a name pinned to a key), or a bare
 * key (`z…` multicodec or raw, with an optional `ed25519:` before it). The entry is then
 * the last of `trust->roots`, and its ceiling may be set. Errors: config.invalid, did.*, memory. */
AIP_MUST_CHECK aip_status aip_trust_add(aip_trust *trust, const char *text, aip_error *err);
/* Checks and copies a ceiling into `trust`, which owns it. Errors: config.invalid (a scope entry), memory. */
AIP_MUST_CHECK aip_status aip_trust_add_ceiling(aip_trust *trust, const aip_ceiling *ceiling, const aip_ceiling **out,
                                                aip_error *err);
void aip_trust_clear(aip_trust *trust);

typedef struct {
    const aip_trust *trust;
    const char *const *audiences; /* names of this verifier; none = a token with `aud` is refused */
    size_t audience_count;
    int64_t now_seconds;
    const aip_key_source *keys; /* NULL: names that carry their key, and roots with a pinned one */
} aip_check;

/* The authority that a verified chain carries. Borrows from the chain. */
typedef struct {
    const aip_chain *chain;
    aip_bytes root, leaf; /* names; root is `aip:key:…` text of root_key when only the key is proven */
    char root_text[128];  /* storage for that */
    aip_public_key root_key;
    const aip_ceiling *ceiling; /* of the trust in the root; NULL: none */
    bool stranger;              /* the root is not listed: ceiling is trust->unknown */
    bool has_budget;
    uint64_t budget_micro_usd; /* of the nearest element that declares one, or the ceiling's if that is less */
    uint32_t depth_left;       /* further hops that may follow */
    int64_t expires;           /* least exp of all elements, or the ceiling's end; epoch seconds */
} aip_grant;

/* Judges a parsed chain: root trusted, signatures root to leaf stopping at the first bad one, time, audience.
 * Pure but for the memory of accepted keys. Errors: trust.root.unknown, did.*, token.signature, token.expired,
 * token.not_yet_valid, token.audience, token.budget.negative, trust.depth, trust.expired; `err->at` is the element. */
AIP_MUST_CHECK aip_status aip_chain_verify(const aip_chain *chain, const aip_check *check, aip_grant *out,
                                           aip_error *err);

/* The pure inner walk: signatures root to leaf with one given key per element. Allocates nothing. token.signature. */
AIP_MUST_CHECK aip_status aip_chain_verify_signatures(const aip_chain *chain, const aip_public_key *keys,
                                                      aip_error *err);

/* Does the grant cover this? `wanted` is e.g. `tool:search`. Errors: scope.insufficient, trust.scope. */
AIP_MUST_CHECK aip_status aip_grant_covers(const aip_grant *grant, aip_bytes wanted, aip_error *err);

/* Do the arguments (JSON text of one object) keep every element's constraints on `tool`? constraint.violated, json.*.
 */
AIP_MUST_CHECK aip_status aip_grant_check_arguments(const aip_grant *grant, aip_bytes tool, aip_bytes arguments,
                                                    aip_error *err);

/* What an issuer or a delegator says. Zero-initialise; NULL or has_… = false means absent. */
typedef struct {
    const char *issuer;  /* NULL: did:aip of the key; an `aip:` name issues the foreign form */
    const char *kid;     /* DID URL of the key, for an issuer whose key was rotated; NULL: none */
    const char *subject; /* required */
    const char *const *scope;
    size_t scope_count;
    bool has_budget;
    uint64_t budget_micro_usd;
    bool has_max_depth;
    uint32_t max_depth;
    bool has_not_before;
    int64_t issued_at, expires_at, not_before; /* epoch seconds; delegation: expires_at 0 = the parent's */
    const char *const *audience;
    size_t audience_count;
    const char *context, *principal;
    const char *constraints; /* JSON text of the claim */
    const char *shares;      /* JSON text of the claim, root only */
    const char *token_id;    /* jti; NULL = random where one is required */
} aip_statement;

/* Element 0 / one element more, signed offline; malloc'd text. The result was parsed again by the rules of
 * aip_chain_parse, so nothing that would be refused is ever signed. Errors: as aip_chain_parse; usage. */
AIP_MUST_CHECK aip_status aip_token_issue(const aip_secret_key *key, const aip_statement *statement, char **out,
                                          aip_error *err);
AIP_MUST_CHECK aip_status aip_token_delegate(const aip_secret_key *key, aip_bytes parent,
                                             const aip_statement *statement, char **out, aip_error *err);

/* Decimal USD text ("0.50") to whole micro-USD and back. No exponent, at most 6 decimals. token.claim.invalid. */
AIP_MUST_CHECK aip_status aip_budget_parse(aip_bytes text, uint64_t *micro_usd, aip_error *err);
void aip_budget_format(uint64_t micro_usd, char out[32]); /* shortest, at least one decimal: `0.5`, `1.0` */

/* The chain as JSON for people and programs, trusting nothing: {"elements":[{iss, sub, scope, …, link_id}, …]}.
 * malloc'd. */
AIP_MUST_CHECK aip_status aip_chain_describe(const aip_chain *chain, char **out, aip_error *err);
/* Link id of element i, base64url, 43 characters and a NUL. */
void aip_chain_link_id(const aip_chain *chain, size_t i, char out[44]);
/* The issuer / subject name of element i. */
aip_bytes aip_chain_issuer(const aip_chain *chain, size_t i);
aip_bytes aip_chain_subject(const aip_chain *chain, size_t i);

#endif
