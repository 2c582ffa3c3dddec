/* Completion statements: an agent closes its work under a link. They are for the audit only and grant nothing. */
#ifndef PROOF_COMPLETION_H
#define PROOF_COMPLETION_H

#include "aip/did.h"
#include "token/jws.h"

#define COMPLETION_TYPE "aip-completion+jwt"
#define COMPLETION_BYTES_MAX 8192
#define COMPLETION_DECISIONS_MAX 64
#define COMPLETION_DECISION_SIZE 22 /* of a decision id: 128 bits in base64url */

/* Read, nothing trusted. Views into the text and the caller's room. */
typedef struct {
    jws statement;
    aip_did issuer; /* the leaf that closes its work */
    int64_t issued_at;
    aip_bytes link;   /* id of the link under which it worked, as written */
    aip_bytes status; /* done, failed or partial */
    bool has_result;
    unsigned char result_hash[AIP_HASH_BYTES]; /* SHA-256 of what came of it */
    bool has_cost;
    uint64_t cost_micro_usd; /* what it says that it spent; nothing is charged by it */
    size_t decisions;        /* how many it names */
} completion;

/* Reads a compact JWS; `room` needs no more than text.size bytes. The claims are exactly iss, iat, link, status,
 * result_hash?, cost_usd?, decisions? and context?. Errors: token.*, json.*, did.*, base64url.invalid. */
AIP_MUST_CHECK aip_status completion_read(aip_bytes text, unsigned char *room, size_t capacity, completion *out,
                                          aip_error *err);

typedef struct {
    const aip_key_source *keys; /* NULL: only names that carry their key */
    aip_bytes issuer, link;     /* the leaf and the link that are expected; empty: any */
    int64_t now_seconds;        /* 0: its time is not judged */
} completion_check;

/* Is it the leaf's word about this link? Errors: token.signature, token.not_yet_valid, proof.key (another leaf or
 * link), and those of the key source. */
AIP_MUST_CHECK aip_status completion_verify(const completion *c, const completion_check *check, aip_error *err);

/* What the agent says; NULL: not told. */
typedef struct {
    const char *issuer, *kid; /* issuer required; kid only after a rotation */
    int64_t issued_at;
    const char *link, *status; /* required */
    const unsigned char *result_hash;
    bool has_cost;
    uint64_t cost_micro_usd;
    const char *const *decisions;
    size_t decision_count;
    const char *context;
} completion_statement;

/* Signs it, malloc'd, after judging it as completion_read does. Errors: those; memory. */
AIP_MUST_CHECK aip_status completion_sign(const aip_secret_key *key, const completion_statement *said, char **out,
                                          aip_error *err);

#endif
