/* Receipts: what a gateway decided and answered, signed by it, as a compact JWS that any JOSE library verifies. */
#ifndef PROOF_RECEIPT_H
#define PROOF_RECEIPT_H

#include "aip/chain.h"
#include "base/text.h"
#include "token/jws.h"

#define RECEIPT_TYPE "aip-receipt+jwt"
#define RECEIPT_COMMENT ": aip-receipt " /* begins the last line of a stream, followed by the receipt */

#define RECEIPT_DECISION_SIZE 22 /* of a decision id: 128 bits in base64url */

/* What a receipt says. Views are borrowed. */
typedef struct {
    aip_bytes issuer, key_id; /* the gateway's DID, and the DID URL of its key */
    int64_t issued_at;
    aip_bytes decision_id;
    bool allowed;
    aip_bytes code;         /* name of the status */
    aip_bytes root, leaf;   /* empty: no token was verified */
    const aip_chain *chain; /* whose link ids are told; NULL: none */
    aip_bytes method, tool; /* empty: none */
    bool has_cost;          /* and what it cost, or may cost at most where that is not known yet */
    uint64_t cost_micro_usd;
    const unsigned char *request_digest;  /* SHA-256 of the request's body; NULL: it had none */
    const unsigned char *response_digest; /* of the answer's body, or of all that the stream held before */
} receipt_facts;

/* malloc'd. Errors: memory. */
AIP_MUST_CHECK aip_status receipt_sign(const receipt_facts *facts, const aip_secret_key *key, char **out,
                                       aip_error *err);

/* Verifies a receipt with a key of the expected gateway, and that it is about this decision and this answer. Errors:
 * token.*, json.*, base64url.invalid; proof.signature; proof.digest (another answer), proof.key (another gateway or
 * decision). */
typedef struct {
    const aip_public_key *key;
    aip_bytes decision_id;
    const unsigned char *response_digest;
} receipt_check;
AIP_MUST_CHECK aip_status receipt_verify(aip_bytes text, const receipt_check *check, aip_error *err);

/* A receipt as somebody reads it who was not there; nothing trusted. Views into the text and the caller's room. */
typedef struct {
    jws statement;
    aip_did issuer;
    int64_t issued_at;
    aip_bytes decision_id;
} receipt_seen;

/* Errors: token.*, json.*, did.*, base64url.invalid. */
AIP_MUST_CHECK aip_status receipt_read(aip_bytes text, unsigned char *room, size_t capacity, receipt_seen *out,
                                       aip_error *err);
/* Is it signed by its issuer, with the key of that time? `issuer` empty: any that `keys` knows. Errors: proof.key (of
 * another gateway), proof.signature, and those of the source. */
AIP_MUST_CHECK aip_status receipt_judge(const receipt_seen *r, const aip_key_source *keys, aip_bytes issuer,
                                        aip_error *err);

/* Appends each claim of a signed statement as a line for people, in printable ASCII. Errors: json.*, memory. */
AIP_MUST_CHECK aip_status receipt_append_claims(text_buffer *text, aip_bytes payload, aip_error *err);

#endif
