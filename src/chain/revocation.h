/* One revocation: a signed statement that ends a link, an identity or a key for good (spec/revocation.md). */
#ifndef CHAIN_REVOCATION_H
#define CHAIN_REVOCATION_H

#include "aip/chain.h"
#include "token/jws.h"

#define REVOCATION_TYPE "aip-revocation+jwt"

typedef enum { REVOKED_LINK, REVOKED_DID, REVOKED_KEY } revocation_kind;

/* Parsed, nothing trusted. Views into the text and the caller's room. */
typedef struct {
    jws statement;
    aip_did issuer;
    int64_t issued_at; /* epoch seconds */
    uint64_t sequence; /* the issuer's own counter */
    revocation_kind kind;
    aip_bytes target;                        /* as written: link id, DID, or `z6Mk…` */
    unsigned char target_id[AIP_HASH_BYTES]; /* the link id, SHA-256 of the DID, or the key */
    unsigned char id[AIP_HASH_BYTES];        /* SHA-256 of the signing input: names the statement */
    aip_bytes chain;                         /* token up to the link, or empty */
} revocation;

/* Reads a compact JWS. `room` needs no more than text.size bytes. Exactly the claims iss, iat, seq, reason?, chain? and
 * one of link, did and key. Errors: token.*, json.*, did.*, base64url.invalid. */
AIP_MUST_CHECK aip_status revocation_parse(aip_bytes text, unsigned char *room, size_t capacity, revocation *out,
                                           aip_error *err);

/* Was it signed by its issuer, with a key in force now, and not in the future? Errors: token.signature,
 * token.not_yet_valid, aip_key_source's. */
AIP_MUST_CHECK aip_status revocation_verify(const revocation *r, const aip_key_source *keys, int64_t now,
                                            aip_error *err);
/* The same for one that comes in a list: with the key in force when it says that it was made (R-53, I-74). */
AIP_MUST_CHECK aip_status revocation_verify_listed(const revocation *r, const aip_key_source *keys, int64_t now,
                                                   aip_error *err);

/* May `issuer` end element i of this chain: is it the one who signed that link or one above it, or its holder? */
bool revocation_may_end(const aip_chain *chain, size_t i, aip_bytes issuer);

/* Does the statement concern the chain that it carries, and may its issuer make it? The chain is parsed and verified by
 * `keys` from its first element on; its root need not be trusted here. Errors: revocation.unauthorized, and
 * aip_chain_parse's and aip_chain_verify's for the chain. */
AIP_MUST_CHECK aip_status revocation_check_chain(const revocation *r, const aip_key_source *keys, aip_error *err);

typedef struct {
    const char *issuer, *kid; /* NULL: did:aip of the key; none */
    revocation_kind kind;
    const char *target, *reason, *chain; /* reason and chain may be NULL */
    int64_t issued_at;
    uint64_t sequence;
} revocation_statement;

/* Signs one, malloc'd, after judging it as revocation_parse does. Errors: as revocation_parse; memory. */
AIP_MUST_CHECK aip_status revocation_sign(const aip_secret_key *key, const revocation_statement *said, char **out,
                                          aip_error *err);

#endif
