/* What is known of one identifier: its keys, each with its uses and the time in which it counts. */
#ifndef DID_IDENTITY_H
#define DID_IDENTITY_H

#include "aip/did.h"
#include "aip/limits.h"
#include "base/text.h"

/* What a key is used for; DID_USE_ANY asks for no relationship. */
typedef enum {
    DID_USE_ANY,
    DID_USE_AUTHENTICATION,
    DID_USE_ASSERTION,
    DID_USE_INVOCATION,
    DID_USE_DELEGATION,
} did_use;

#define IDENTITY_USE_BIT(use) (1u << (use))
#define IDENTITY_USES_ALL 0x1fu /* of a key log's keys: every use, and DID_USE_ANY */

typedef struct {
    aip_public_key key;  /* accepted */
    int64_t from, until; /* signatures count while from <= time < until; INT64_MIN and INT64_MAX leave a side open */
    uint8_t uses;        /* IDENTITY_USE_BIT of each; DID_USE_ANY is always set */
    bool compromised;
    char fragment[AIP_FRAGMENT_BYTES_MAX + 1]; /* of its DID URL, without '#': `key-2`, or as the document says */
} identity_key;

/* Immutable once filled. One allocation. The order is for lookups in memory, which touch as few cache lines as it lets
 * them: what every one looks at, the name's usual length, and the beginning of a key. */
typedef struct {
    bool has_log, deactivated;
    uint32_t version; /* of the log; 0 without one */
    size_t key_count;
    char name[AIP_IDENTIFIER_BYTES_MAX + 1];
    unsigned char head[AIP_HASH_BYTES]; /* hash of the log's last entry, or of the fetched document; else zero */
    int64_t created, updated;           /* epoch seconds, of the log's first and last entry; 0 = unknown */
    identity_key keys[];                /* in the order of the log or document */
} identity;

/* Errors: memory, did.invalid (a name or key count beyond the limits). */
AIP_MUST_CHECK aip_status identity_new(aip_bytes name, size_t key_count, identity **out, aip_error *err);
void identity_free(identity **id);
#define IDENTITY_AUTO __attribute__((cleanup(identity_free)))

/* What the identifier alone tells: of the forms that carry a key, or of a hash form with the key `supplied` that hashes
 * to it (else NULL). Version 0, one key `key-1` (did:key: its own text), all uses, no end. Errors: did.*, memory. */
AIP_MUST_CHECK aip_status identity_of_name(const aip_did *did, const aip_public_key *supplied, identity **out,
                                           aip_error *err);

typedef struct {
    aip_bytes kid; /* DID URL of the key or its bare fragment; empty: the log's or the name's first key, or of a
                      document the first that serves the use */
    did_use use;
    int64_t time; /* epoch seconds: when the signature was made. For a proof made now, now */
} identity_query;

/* The key that the query names, if it counted then. `#z6Mk…`, the key itself, is an alias of every fragment.
 * Errors: did.deactivated, diddoc.key.not_found, did.key.retired, did.key.compromised. */
AIP_MUST_CHECK aip_status identity_find_key(const identity *id, const identity_query *query, aip_public_key *out,
                                            aip_error *err);

/* The key that signs today: the last of a log, the first other one that serves the use. Errors: as identity_find_key.
 */
AIP_MUST_CHECK aip_status identity_current_key(const identity *id, did_use use, int64_t now, aip_public_key *out,
                                               aip_error *err);

/* The identity as bytes for a database, and back. What is read is judged again: form, key acceptance (through the
 * keyring) and that the keys belong to `name`. Errors: store.invalid, did.key.invalid, did.key.mismatch, memory. */
AIP_MUST_CHECK aip_status identity_encode(const identity *id, text_buffer *out, aip_error *err);
AIP_MUST_CHECK aip_status identity_decode(aip_bytes record, aip_bytes name, identity **out, aip_error *err);

#endif
