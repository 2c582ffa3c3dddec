/* HTTP message signatures (RFC 9421) with Ed25519, and digests of bodies (RFC 9530). */
#ifndef PROOF_SIGNATURE_H
#define PROOF_SIGNATURE_H

#include "aip/key.h"
#include "base/text.h"
#include "proof/fields.h"

typedef struct {
    aip_bytes name, value; /* as received; names compare without case */
} http_field;

/* A request or a response, as far as signatures see it. Views only. */
typedef struct http_message http_message;
struct http_message {
    aip_bytes method;    /* of a request; empty: a response */
    aip_bytes scheme;    /* `https` or `http` */
    aip_bytes authority; /* host and port, as in Host; written in lower case, default ports left out */
    aip_bytes path;      /* as sent, not decoded; empty counts as `/` */
    aip_bytes query;     /* without its `?`, as sent */
    int status;          /* of a response */
    const http_field *fields;
    size_t field_count;
    const http_message *request; /* of a response, for components with `req`; or NULL */
};

/* One signature of a message. Views into its fields. */
typedef struct {
    field_member input; /* the components and their parameters; input.value.text is @signature-params */
    unsigned char bytes[AIP_SIGNATURE_BYTES];
} http_signature;

/* Finds the signature of this label in Signature-Input and Signature. Both are read whole and strictly; a label twice
 * in either is refused. Errors: proof.missing, proof.malformed, proof.repeated. */
AIP_MUST_CHECK aip_status http_signature_find(const http_message *message, aip_bytes label, http_signature *out,
                                              aip_error *err);

/* Does it cover this component, by name without parameters? */
bool http_signature_covers(const http_signature *signature, const char *component);

/* Verifies the equation. Components read: @method, @authority, @scheme, @path, @query, @target-uri, @request-target,
 * @status and fields, each plain or with `req`. Errors: proof.component (absent, repeated or not read here),
 * proof.signature, memory. */
AIP_MUST_CHECK aip_status http_signature_verify(const http_message *message, const http_signature *signature,
                                                const aip_public_key *key, aip_error *err);

/* Appends the signature base (RFC 9421 section 2.5) of the covered components. Errors: proof.component, memory. */
AIP_MUST_CHECK aip_status http_signature_base(const http_message *message, const field_member *input, text_buffer *out,
                                              aip_error *err);

/* Signs what `parameters` says, an inner list with its parameters such as `("@method");created=1`. Appends the
 * values of the two fields, `label=(…)…` and `label=:…:`. Errors: proof.malformed, proof.component, memory. */
typedef struct {
    const char *label, *parameters;
} http_signature_plan;
AIP_MUST_CHECK aip_status http_signature_sign(const http_message *message, const http_signature_plan *plan,
                                              const aip_secret_key *key, text_buffer *input, text_buffer *signature,
                                              aip_error *err);

/* The value of Content-Digest for a body: `sha-256=:…:` (RFC 9530). */
#define CONTENT_DIGEST_SIZE (sizeof("sha-256=::") + 44)
void content_digest_write(aip_bytes body, char out[CONTENT_DIGEST_SIZE]);

/* Does the message's Content-Digest hold for `body`? Every sha-256 and sha-512 in it has to; others are not read.
 * Errors: proof.digest (wrong, or no such field), proof.digest.algorithm (neither of the two), proof.malformed. */
AIP_MUST_CHECK aip_status content_digest_check(const http_message *message, aip_bytes body, aip_error *err);

#endif
