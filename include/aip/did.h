/* Identifiers: their forms, decided by grammar alone and before any I/O (spec/identity.md). */
#ifndef AIP_DID_H
#define AIP_DID_H

#include "aip/key.h"

typedef enum {
    AIP_DID_SELF,   /* did:aip:z6Mk…: the key is in the name */
    AIP_DID_KEY,    /* did:key:z6Mk…: the same for another method */
    AIP_DID_HASH,   /* did:aip:<32 hex>: half of a hash of a key */
    AIP_DID_NSHASH, /* did:aip:<namespace>:<32 hex> */
    AIP_DID_WEB,    /* did:web:host[:path] */
    AIP_NAME_KEY,   /* aip:key:ed25519:z…, of foreign tokens */
    AIP_NAME_WEB,   /* aip:web:domain/path, of foreign tokens */
} aip_did_form;

typedef struct {
    aip_bytes text; /* borrowed; compared as bytes */
    aip_did_form form;
    unsigned char key[AIP_KEY_BYTES]; /* SELF, KEY, NAME_KEY: bytes, not yet accepted as a key */
    unsigned char key_hash[16];       /* HASH, NSHASH */
} aip_did;

/* Errors: did.invalid, did.foreign.solana, did.foreign.eip155, did.foreign.provider, did.method.unsupported. */
AIP_MUST_CHECK aip_status aip_did_parse(aip_bytes text, aip_did *out, aip_error *err);

static inline bool
aip_did_has_key(const aip_did *did)
{
    return did->form == AIP_DID_SELF || did->form == AIP_DID_KEY || did->form == AIP_NAME_KEY;
}

#define AIP_DID_SELF_SIZE (sizeof("did:aip:") - 1 + 48)
#define AIP_DID_TEXT_SIZE (AIP_DID_SELF_SIZE + 1)
/* `did:aip:z6Mk…` of a key, with a NUL. */
void aip_did_of_key(const aip_public_key *key, char out[AIP_DID_TEXT_SIZE]);

/* Is the text a DID / a DID URL by DID Core 1.0 section 3.1–3.2, of any method? */
bool aip_did_is_did(aip_bytes text);
bool aip_did_is_did_url(aip_bytes text);

/* HTTPS URL of a did:web (did:web method, Read); malloc'd. did.invalid for IP literals, single labels, escapes, … */
AIP_MUST_CHECK aip_status aip_did_web_url(aip_bytes did, char **out, aip_error *err);

/* The accepted key of an identifier that carries its key, through a small process-wide memory of accepted
 * keys (acceptance costs about two verifications). Thread-safe. Errors: did.key.invalid,
 * did.key.missing (hash forms), did.not_found (forms that need a document). */
AIP_MUST_CHECK aip_status aip_did_key(const aip_did *did, aip_public_key *out, aip_error *err);

/* Which key a name signed with, answered from memory alone: verification fetches nothing. */
typedef struct {
    /* `kid` is the DID URL that the signature names, or empty; `signed_at` epoch seconds. The key is accepted. Errors:
     * did.pending (has to be resolved first), did.key.retired, did.key.compromised, did.deactivated,
     * diddoc.key.not_found, and the refusals of a resolution. */
    aip_status (*find)(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out,
                       aip_error *err);
    void *context;
} aip_key_source;

/* The key of a name that carries one, without any source: its only key is `#key-1` or `#z6Mk…`. Errors: as
 * aip_did_key; diddoc.key.not_found. */
AIP_MUST_CHECK aip_status aip_did_find_key(const aip_did *did, aip_bytes kid, aip_public_key *out, aip_error *err);

#endif
