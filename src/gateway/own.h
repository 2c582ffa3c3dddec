/* The gateway's own identity: its key, the key log that the key belongs to, and its document. */
#ifndef GATEWAY_OWN_H
#define GATEWAY_OWN_H

#include "aip/keyfile.h"
#include "did/log.h"

typedef struct {
    const aip_key_owner *owner; /* of `key` */
    const aip_public_key *key;
    const char *log_path;   /* NULL: the identity has no log */
    const char *public_url; /* `https://host[:port]`; NULL: no document is written */
    const char *path;       /* of the address that is served there */
} own_setup;

/* What the gateway signs with. */
typedef struct {
    char did[AIP_DID_TEXT_SIZE];
    char key_id[AIP_DID_TEXT_SIZE + 16]; /* DID URL of the key */
    aip_secret_key *key;
} signing_identity;

/* Set once at start, then read by all shards. */
typedef struct {
    char did[AIP_DID_TEXT_SIZE]; /* "": the gateway has no identity */
    did_log *entries;            /* the verified log; NULL: none */
    text_buffer log;             /* its text */
    text_buffer document;        /* did:web document of the public host; empty: none */
} own_identity;

/* Checks that the key is the one in force in its log, or the identifier's own without one. Errors: config.invalid (the
 * URL; a key that its log does not put in force), log.*, did.*, json.size, io, memory. */
AIP_MUST_CHECK aip_status own_identity_load(const own_setup *setup, own_identity *out, aip_error *err);
void own_identity_clear(own_identity *own);

#endif
