/* A compact JWS signed with Ed25519, and the claims of a JWT in it: for signed statements that are no chain. */
#ifndef TOKEN_JWS_H
#define TOKEN_JWS_H

#include "aip/key.h"
#include "base/scan.h"

/* A compact JWS cut at its dots: views into the text, nothing decoded. */
typedef struct {
    aip_bytes header, payload, signature; /* base64url */
    aip_bytes signing_input;              /* header.payload */
} jws_parts;

/* Errors: token.malformed. */
AIP_MUST_CHECK aip_status jws_cut(aip_bytes text, jws_parts *out, aip_error *err);

/* Errors: token.malformed, base64url.invalid. */
AIP_MUST_CHECK aip_status jws_decode_signature(aip_bytes text, unsigned char out[AIP_SIGNATURE_BYTES], aip_error *err);

/* What a decoded header must say. RFC 8037 names the algorithm EdDSA and RFC 9864 Ed25519. */
typedef struct {
    const char *typ; /* NULL: any, or none */
    bool both_names; /* Ed25519 is read as well */
} jws_header_rule;

/* The members are exactly `alg`, `typ` and perhaps `kid`, a plain string; *kid is empty without one.
 * Errors: token.header, json.*. */
AIP_MUST_CHECK aip_status jws_read_header(aip_bytes json, const jws_header_rule *rule, aip_bytes *kid, aip_error *err);

/* A statement cut, decoded and with its header checked; not verified. */
typedef struct {
    aip_bytes signing_input; /* borrowed from the text */
    aip_bytes payload;       /* decoded, in the caller's room */
    aip_bytes kid;           /* in the caller's room; empty when absent */
    unsigned char signature[AIP_SIGNATURE_BYTES];
} jws;

/* Decodes into `room`, which needs no more than text.size bytes. `typ` as in jws_header_rule; both names of the
 * algorithm are read. Errors: token.size, token.malformed, token.header, base64url.invalid, json.*. */
AIP_MUST_CHECK aip_status jws_parse(aip_bytes text, const char *typ, unsigned char *room, size_t capacity, jws *out,
                                    aip_error *err);

/* Errors: token.signature. */
AIP_MUST_CHECK aip_status jws_verify(const jws *statement, const aip_public_key *key, aip_error *err);

/* The compact JWS that says `payload`, malloc'd. `kid` NULL: none; it and `typ` need no escapes. `key` NULL leaves the
 * signature at zero: a draft to be judged before anything is signed. Errors: memory. */
typedef struct {
    const char *typ, *kid;
    aip_bytes payload;
} jws_statement;
AIP_MUST_CHECK aip_status jws_encode(const aip_secret_key *key, const jws_statement *statement, char **out,
                                     aip_error *err);

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
