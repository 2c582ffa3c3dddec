/* Proof of possession, both ways: what a presenter signs, and what the gateway signs in answer (spec/proof.md). */
#ifndef PROOF_PROOF_H
#define PROOF_PROOF_H

#include "aip/limits.h"
#include "proof/signature.h"

#define PROOF_LABEL "aip"
#define PROOF_TAG_REQUEST "aip-proof"
#define PROOF_TAG_REPLY "aip-reply"

/* What a request's or reply's signature says about itself, checked as far as it can be without a key. */
typedef struct {
    http_signature signature;
    aip_bytes key_id; /* DID URL */
    int64_t created;  /* epoch seconds, within the window */
    aip_bytes nonce;  /* of a request */
} message_proof;

/* Reads a request's proof: label `aip`, tag `aip-proof`, `created` within the window around `now`, nonce and keyid
 * there, and covered are @method, @authority, @path, @query, x-aip-token and, with a body, content-digest. Verifies
 * nothing. Errors: proof.missing, .malformed, .repeated, .tag, .expired, .not_yet_valid, .nonce, .key, .uncovered. */
AIP_MUST_CHECK aip_status proof_read_request(const http_message *request, bool has_body, int64_t now,
                                             message_proof *out, aip_error *err);

/* Does the proof name a key of `did`? *kid is the DID URL. Errors: proof.key. */
AIP_MUST_CHECK aip_status proof_check_holder(const message_proof *proof, aip_bytes did, aip_error *err);

/* Signs a request: appends the values of Signature-Input and Signature. `request` has its x-aip-token and, with a body,
 * Content-Digest fields already. Errors: proof.component, memory. */
AIP_MUST_CHECK aip_status proof_sign_request(const http_message *request, const char *key_id, int64_t now,
                                             const aip_secret_key *key, text_buffer *input, text_buffer *signature,
                                             aip_error *err);

/* Signs a reply: @status, content-type, content-digest, x-aip-decision-id as far as it has them, and `signature;req` if
 * the request was signed. Errors: proof.component, memory. */
AIP_MUST_CHECK aip_status proof_sign_reply(const http_message *reply, const char *key_id, int64_t now,
                                           const aip_secret_key *key, text_buffer *input, text_buffer *signature,
                                           aip_error *err);

/* Reads a reply's proof: label, tag `aip-reply`, window, covered are @status, `signature;req` and, unless it is a
 * stream, content-digest. Verifies nothing. Errors: as proof_read_request. */
AIP_MUST_CHECK aip_status proof_read_reply(const http_message *reply, bool stream, int64_t now, message_proof *out,
                                           aip_error *err);

#endif
