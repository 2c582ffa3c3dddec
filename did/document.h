/* DID documents and DID resolution results as JSON text (DID Core 1.0, DID Resolution; spec/identity.md). */
#ifndef DID_DOCUMENT_H
#define DID_DOCUMENT_H

#include "did/identity.h"

/* Appends the resolution result of any text, without any I/O. `supplied` is a key known from elsewhere, for the hash
 * forms, or NULL. Returns AIP_OK when there is a document, else the refusal that the result reports; memory is the only
 * failure that leaves no whole result. `err` holds the refusal as well. */
AIP_MUST_CHECK aip_status did_resolution_write(aip_bytes did_text, const aip_public_key *supplied, text_buffer *out,
                                               aip_error *err);

/* Appends the result of a resolution that failed with `failure->status`, under its W3C name: `INVALID_DID`,
 * `NOT_FOUND`, … did.deactivated is an answer and has none. `fetched`: the key or document came from the network and
 * not from the caller. */
void did_resolution_write_error(const aip_error *failure, bool fetched, text_buffer *out);

/* `did[?versionId=N][#fragment]` in its parts. */
typedef struct {
    aip_bytes did, fragment; /* borrowed; the fragment without `#`, empty: none */
    int64_t version;         /* -1: none */
} did_url;

/* Cuts a DID URL. What is none is left whole in out->did: parsing that names the fault. Errors: did.url.invalid (a
 * path, another query, an empty fragment; I-9). */
AIP_MUST_CHECK aip_status did_url_split(aip_bytes text, did_url *out, aip_error *err);

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

/* All keys that a document offers, with their uses: the same checks as did_document_key, for every method that can be
 * read; methods of other types are left out, an unacceptable key refuses the document. `head` is the SHA-256 of the
 * text. Errors: as did_document_key. */
AIP_MUST_CHECK aip_status did_document_identity(aip_bytes document_json, aip_bytes did, identity **out, aip_error *err);

/* How documents are written. */
typedef enum { DID_TYPE_MULTIKEY, DID_TYPE_ED25519_2020 } did_method_type;

typedef struct {
    did_method_type type;
    const char *also_known_as; /* one more name, or NULL */
    const char *gateway_url;   /* service `#gateway`, type AIPGateway; https; or NULL */
    const char *log_url;       /* service `#log`, type AIPKeyLog; https; or NULL */
} did_document_options;

/* Appends the document of what is known: keys in force at `now` under their fragments, relationships by use; no
 * `alsoKnownAs` of key names after version 0. A deactivated identity has none: did.deactivated. */
AIP_MUST_CHECK aip_status did_document_write_identity(const identity *id, int64_t now_seconds,
                                                      const did_document_options *options, text_buffer *out,
                                                      aip_error *err);

/* Appends the resolution result of an answer: `document` is a fetched text to show, or empty to write one. Metadata:
 * versionId, created, updated, deactivated (then didDocument is null). `version` < 0 asks for the current one, else for
 * the one that the DID URL's `versionId` names: nextVersionId is set, and did.not_found if there is none. */
AIP_MUST_CHECK aip_status did_resolution_write_identity(const identity *id, aip_bytes document, int64_t version,
                                                        int64_t now_seconds, text_buffer *out, aip_error *err);

#endif
