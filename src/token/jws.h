/* A compact JWS signed with Ed25519, and the claims of a JWT in it: for signed statements that are no chain. */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include "aip/key.h"
#include "base/scan.h"

typedef struct {
    aip_bytes signing_input; /* header.payload, borrowed from the text */
    aip_bytes payload;       /* decoded, in the caller's room */
    aip_bytes kid;           /* in the caller's room; empty when absent */
    unsigned char signature[AIP_SIGNATURE_BYTES];
} jws;

/* Cuts and decodes `text` into `room`, which needs no more than text.size bytes. The header's members are exactly `alg`
 * (EdDSA or Ed25519), `typ` (equal to `typ`; NULL: any, or none) and perhaps `kid`. Trusts nothing.
 * Errors: token.size, token.malformed, token.header, base64url.invalid, json.*. */
AIP_MUST_CHECK aip_status jws_parse(aip_bytes text, const char *typ, unsigned char *room, size_t capacity, jws *out,
                                    aip_error *err);

/* Errors: token.signature. */
AIP_MUST_CHECK aip_status jws_verify(const jws *statement, const aip_public_key *key, aip_error *err);

typedef struct {
    int64_t now_seconds;
    int64_t leeway_seconds;    /* on every time */
    aip_bytes audience;        /* empty: a statement with `aud` is refused */
    const aip_public_key *key; /* an issuer whose name carries a key must carry this one */
    bool delegation;           /* also the claims of a delegation, of the types that they have everywhere */
} jwt_check;

/* Judges the claims of an indexed payload (RFC 7519): `iat` and `exp` as plain integers, expired at now = exp;
 * `iss`, with `kid` a DID URL of it; `aud` a string or an array. Unknown claims are ignored.
 * Errors: token.claim.*, token.header, token.expired, token.not_yet_valid, token.audience, did.*. */
AIP_MUST_CHECK aip_status jwt_check_claims(const scan_document *payload, aip_bytes kid, const jwt_check *check,
                                           aip_error *err);

#endif
