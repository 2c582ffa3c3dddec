/* Identity documents of aip:web names, the format of sunilp/aip (token-compatibility section 1.3; I-90 ff.). */
#ifndef DID_AIPDOC_H
#define DID_AIPDOC_H

#include "did/identity.h"

/* `https://domain/.well-known/aip/path.json`, malloc'd. did.invalid. */
AIP_MUST_CHECK aip_status aipdoc_url(aip_bytes name, char **out, aip_error *err);

/* Reads and verifies a document in the order: size, JSON, version, id, a key whose window holds now and whose signature
 * (86 characters base64url, 88 base64, or 128 hex) covers the RFC 8785 bytes, then `expires`. All keys become keys of
 * the identity with their windows, fragment = the part of the key's id after `#`. `expires` limits *fresh_until.
 * For an aip:key name its single key must be the name's. Errors: json.*, aipdoc.*, did.key.*, memory. */
AIP_MUST_CHECK aip_status aipdoc_verify(aip_bytes text, aip_bytes name, int64_t now_seconds, identity **out,
                                        int64_t *expires, aip_error *err);

typedef struct {
    const char *name;  /* aip:web:… or aip:key:… */
    const char *label; /* member `name`, or NULL */
    int64_t valid_from, valid_until, expires;
} aipdoc_statement;

/* Writes and signs one with `key` as its only key; malloc'd. Errors: did.invalid, memory. */
AIP_MUST_CHECK aip_status aipdoc_write(const aip_secret_key *key, const aipdoc_statement *statement, char **out,
                                       aip_error *err);

#endif
