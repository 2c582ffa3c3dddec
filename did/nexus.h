/* Signed statements of Nexus Guard and OpenA2A, judged as evidence: who said what about whom. None is an authority. */
#ifndef DID_NEXUS_H
#define DID_NEXUS_H

#include "aip/did.h"
#include "base/text.h"

typedef enum {
    NEXUS_VOUCH_REST,        /* voucher_did, target_did, scope, statement?, signature */
    NEXUS_VOUCH_CERTIFICATE, /* the same and voucher_public_key; its other members are unsigned and not read */
    NEXUS_VOUCH_SDK,         /* eight signed members, voucher_pubkey, signature */
    NEXUS_REVOCATION_REST,   /* vouch_id, signature */
    NEXUS_REVOCATION_SDK,    /* four signed members, revoker_pubkey, signature */
    NEXUS_CHALLENGE_REST,    /* did, challenge, public_key?, signature */
    NEXUS_CHALLENGE_SDK,     /* challenge {…}, response {signer_did, public_key, signature} */
    NEXUS_CHALLENGE_OPENA2A, /* challenge, agentDid, nonce, issuedAt, expiresAt, publicKey?, signature */
    NEXUS_SKILL_REST,        /* author_did, timestamp, public_key?, signature */
    NEXUS_SKILL_MANIFEST,    /* did, files, public_key, timestamp, version, signature (hex) */
    NEXUS_HANDSHAKE_V1,      /* these three prove too little: evidence.unsupported */
    NEXUS_ROTATION,
    NEXUS_VC_EXPORT,
    NEXUS_KIND_COUNT
} nexus_kind;

/* `vouch.rest`, `vouch.certificate`, `vouch.sdk`, …, `handshake.v1`, `rotation`, `vc.export`. */
bool nexus_kind_of(aip_bytes name, nexus_kind *out);

/* A file of a skill that really is there: a regular one, by its path below the skill's folder. */
typedef struct {
    aip_bytes path;
    unsigned char hash[AIP_HASH_BYTES]; /* SHA-256 */
} nexus_file;

/* What the caller knows, and what the statement has to be about. */
typedef struct {
    aip_bytes signer; /* who must have signed. Empty: whom the object names. For a revocation, the voucher */
    const aip_public_key
        *key;                /* the signer's, known from elsewhere; NULL: the object's own, if it belongs to its DID */
    aip_bytes about;         /* a revocation's vouch id, as we know it; the challenge or nonce that we gave out */
    aip_bytes nonce;         /* OpenA2A: the nonce that we gave out */
    const nexus_file *files; /* skills; the REST form has one */
    size_t file_count;
    int64_t now_seconds;
} nexus_query;

/* What was signed; the views borrow from the object. What is not signed does not occur here. */
typedef struct {
    aip_public_key key;
    aip_bytes signer, target, scope;  /* target and scope of vouches, else empty */
    int level;                        /* 0 to 5; -1: none */
    int64_t expires;                  /* epoch seconds; INT64_MAX: none, so a time from first sight is the caller's */
    unsigned char id[AIP_HASH_BYTES]; /* of signer and signed bytes: what was revoked stays so under any other name */
    char vouch_id[17];                /* SDK vouches: what an SDK revocation calls them; else empty */
} nexus_evidence;

/* Judges one statement: form, key and DID, signature, times, subject. Errors: json.*, did.*, evidence.*, memory. */
AIP_MUST_CHECK aip_status nexus_verify(nexus_kind kind, aip_bytes object, const nexus_query *query, nexus_evidence *out,
                                       aip_error *err);

/* The bytes that these systems sign for a JSON text: members sorted, everything but ASCII as `\uXXXX`; `spaced`: with
 * `, ` and `: `. Not RFC 8785. Numbers other than exact integers, and names beyond the basic plane, whose order is read
 * in two ways, are refused. Errors: json.*, evidence.invalid, memory. */
AIP_MUST_CHECK aip_status nexus_canonical(aip_bytes json, bool spaced, text_buffer *out, aip_error *err);

#endif
