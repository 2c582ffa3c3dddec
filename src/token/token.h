/* One signed statement: a compact EdDSA JWS of type aip+jwt, parsed without trust (spec/token.md). */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include "aip/did.h"
#include "aip/limits.h"
#include "base/scan.h"

/* Which claims an element declares; "absent" is never a magic value. */
enum {
    TOKEN_BUDGET = 1 << 0,
    TOKEN_MAX_DEPTH = 1 << 1,
    TOKEN_NBF = 1 << 2,
    TOKEN_JTI = 1 << 3,
    TOKEN_AUDIENCE = 1 << 4,
    TOKEN_PAR_HASH = 1 << 5,
    TOKEN_CONTEXT = 1 << 6,
    TOKEN_PRINCIPAL = 1 << 7,
    TOKEN_CONSTRAINTS = 1 << 8,
    TOKEN_SHARES = 1 << 9,
    TOKEN_KID = 1 << 10,
};

typedef struct {
    aip_bytes text;          /* the element */
    aip_bytes signing_input; /* header.payload */
    unsigned char signature[AIP_SIGNATURE_BYTES];
    unsigned char link_id[AIP_HASH_BYTES]; /* SHA-256 of the signing input */
    unsigned declared;                     /* TOKEN_… bits */
    bool foreign;                          /* iss is an aip: name: one element, exact scopes */
    aip_did issuer, subject;
    unsigned char issuer_id[AIP_HASH_BYTES], subject_id[AIP_HASH_BYTES]; /* SHA-256 of the names: what is revoked */
    aip_bytes kid;
    aip_bytes scope[AIP_SCOPE_ENTRIES_MAX];
    uint32_t scope_count;
    aip_bytes audience[AIP_AUDIENCES_MAX];
    uint32_t audience_count;
    uint64_t budget_micro_usd;
    bool budget_negative; /* foreign only: judged after signature and expiry */
    uint32_t max_depth;
    int64_t iat, exp, nbf;
    unsigned char par_hash[AIP_HASH_BYTES];
    aip_bytes jti, context,
        principal;         /* raw JSON string content, without quotes; context and principal may hold escapes */
    scan_document payload; /* for constraints and shares */
    uint32_t constraints;  /* node of payload, or SCAN_NONE */
    uint32_t shares;
} token;

/* The header of every token that we sign, as base64url. */
#define TOKEN_HEADER_TEXT "eyJhbGciOiJFZERTQSIsInR5cCI6ImFpcCtqd3QifQ"

/* An element cut at its dots and decoded, not yet read. */
typedef struct {
    aip_bytes text;    /* the element */
    aip_bytes header;  /* decoded; empty when it is TOKEN_HEADER_TEXT */
    aip_bytes payload; /* decoded */
    unsigned char signature[AIP_SIGNATURE_BYTES];
    uint32_t nodes_max; /* scan nodes that the payload can need at most */
} token_draft;

/* Cuts `element` and decodes its parts, header and payload into `room`, of which header.size + payload.size bytes are
 * then used. Errors: token.size, token.malformed, base64url.invalid. */
AIP_MUST_CHECK aip_status token_cut(aip_bytes element, unsigned char *room, size_t capacity, token_draft *out,
                                    aip_error *err);

/* Reads header, signature and claims, each by itself: types, grammar of names, what is required and refused in a root
 * (`parent` NULL) or a later element. `nodes[draft->nodes_max]` and the draft's bytes must outlive `out`.
 * Errors: json.*, token.malformed, .header, .claim.*, .budget.negative, did.*. */
AIP_MUST_CHECK aip_status token_read(const token_draft *draft, const token *parent, scan_node *nodes, token *out,
                                     aip_error *err);

/* Unescaped text of the top-level string claim `name`; json.size when it does not fit, token.claim.missing. */
AIP_MUST_CHECK aip_status token_claim_text(const token *t, const char *name, char *out, size_t capacity, size_t *size,
                                           aip_error *err);

/* The element that says `payload`, malloc'd; `kid` NULL: without one. `key` NULL: a draft, as jws_encode makes it.
 * Errors: memory. */
AIP_MUST_CHECK aip_status token_encode(const aip_secret_key *key, const char *kid, aip_bytes payload, char **out,
                                       aip_error *err);

#endif
