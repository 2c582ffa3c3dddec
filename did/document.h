/* DID documents and DID resolution results as JSON text (DID Core 1.0, DID Resolution; spec/identity.md). */
#ifndef DID_DOCUMENT_H
#define DID_DOCUMENT_H

#include "aip/did.h"
#include "base/text.h"

/* Appends the document of an identifier at version 0: of the forms did:aip and did:key, with the key that
 * belongs to it. Errors: did.key.mismatch, did.not_found (other forms), memory. */
AIP_MUST_CHECK aip_status did_document_write(const aip_did *did, const aip_public_key *key, text_buffer *out);

/* Appends the resolution result of any text, without any I/O. `supplied` is a key known from elsewhere, for the hash
 * forms, or NULL. Returns AIP_OK when there is a document, else the refusal that the result reports; memory is the only
 * failure that leaves no whole result. `err` holds the refusal as well. */
AIP_MUST_CHECK aip_status did_resolution_write(aip_bytes did_text, const aip_public_key *supplied, text_buffer *out,
                                               aip_error *err);

/* Appends the result of a resolution that failed with `failure->status`. `fetched`: the key or document came from the
 * network and not from the caller. */
void did_resolution_write_error(const aip_error *failure, bool fetched, text_buffer *out);

/* The W3C name of a refusal: `INVALID_DID`, `NOT_FOUND`, … */
const char *did_resolution_error_name(aip_status status, bool fetched);

/* What a key is used for; DID_USE_ANY asks for no relationship. */
typedef enum {
    DID_USE_ANY,
    DID_USE_AUTHENTICATION,
    DID_USE_ASSERTION,
    DID_USE_INVOCATION,
    DID_USE_DELEGATION,
} did_use;

/* Which key is wanted from a document. */
typedef struct {
    aip_bytes did; /* the identifier that was asked for */
    aip_bytes kid; /* DID URL of the key, or empty: the first that serves the use */
    did_use use;
} did_key_query;

/* Reads an accepted key from a document that others wrote: Multikey, Ed25519VerificationKey2020, JsonWebKey2020.
 * Checks: `id` is the DID, every method's controller is it, no id twice, the relationship lists the key, and the key
 * belongs to the identifier where its form says so. Errors: json.*, did.*, diddoc.invalid, diddoc.key.not_found. */
AIP_MUST_CHECK aip_status did_document_key(aip_bytes document_json, const did_key_query *query, aip_public_key *out,
                                           aip_error *err);

#endif
