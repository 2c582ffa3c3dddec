/* What the resolver remembers between runs, as functions: src/store has them over SQLite, tests may have others. */
#ifndef DID_CACHE_H
#define DID_CACHE_H

#include "did/log.h"

/* What was answered last time. */
typedef struct {
    identity *known;       /* owned; NULL: only a refusal is remembered */
    int64_t fetched_at;    /* epoch seconds */
    int64_t fresh_until;   /* of `known` */
    aip_status refusal;    /* of the last attempt; AIP_OK: it succeeded */
    int64_t refused_until; /* it is not tried again before */
} did_cache_entry;

void did_cache_entry_clear(did_cache_entry *entry);

/* All of them may wait for the disk, and are called by one thread at a time. Errors: store.unavailable, store.invalid,
 * memory, and those named. */
typedef struct {
    void *context;

    /* Missing: entry zeroed and AIP_OK. */
    aip_status (*load)(void *context, aip_bytes name, did_cache_entry *out, aip_error *err);
    /* Remembers an answer; `document` is the fetched text for `load_document`, or empty. */
    aip_status (*save)(void *context, const identity *known, aip_bytes document, int64_t fetched_at,
                       int64_t fresh_until, aip_error *err);
    /* Remembers a failure beside what is known, which stays. */
    aip_status (*save_refusal)(void *context, aip_bytes name, aip_status refusal, int64_t until, aip_error *err);
    aip_status (*load_document)(void *context, aip_bytes name, text_buffer *out, aip_error *err);

    /* The log kept for a did:aip name: appends its text. None: AIP_DID_NOT_FOUND. */
    aip_status (*load_log)(void *context, aip_bytes did, text_buffer *out, aip_error *err);
    /* Keeps a verified log if it extends what was seen, in one transaction, durably. A rollback or fork is refused,
     * what was seen first stays, and the other one is kept aside as evidence with where it came from. log.rollback,
     * log.fork. */
    aip_status (*keep_log)(void *context, const did_log *log, aip_bytes text, const char *origin, int64_t now,
                           aip_error *err);

    /* did:web and aip:web: which keys the name has shown. Notes those of `known`, and those that left; one that left
     * and is back refuses the document: did.key.returned. In one transaction with nothing written on refusal. */
    aip_status (*note_keys)(void *context, const identity *known, int64_t now, aip_error *err);
    /* The operator's word that a key that left may return. did.not_found. */
    aip_status (*readmit_key)(void *context, aip_bytes name, const aip_public_key *key, aip_error *err);
} did_cache;

#endif
