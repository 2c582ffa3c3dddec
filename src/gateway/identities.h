/* One thread that resolves names for all shards and reads the key logs that the gateway knows. The database and slow
 * hosts keep this thread waiting and no other. */
#ifndef GATEWAY_IDENTITIES_H
#define GATEWAY_IDENTITIES_H

#include "did/memory.h"
#include "gateway/keeping.h"
#include "net/fetch.h"

typedef struct identities identities;

typedef struct {
    const char *store_path;
    const char *const *sources; /* as resolver_setup; borrowed until identities_close */
    size_t source_count;
    const char *const *hosts;
    size_t host_count;
    fetch_rules rules;
    int64_t max_staleness_seconds;
    const own_identity *own;      /* its log is kept in the store; NULL: none */
    const signing_identity *self; /* NULL: none */
    const aip_trust *trust;
    const char *const *lists; /* of revocations, as pulling_setup's sources */
    size_t list_count;
    int64_t list_staleness_seconds;
} identities_setup;

/* Opens the store and all that the thread needs. Errors: store.*, config.invalid, log.rollback and log.fork (the own
 * log contradicts what the store has seen), memory, io. */
AIP_MUST_CHECK aip_status identities_open(const identities_setup *setup, identities **out, aip_error *err);
AIP_MUST_CHECK aip_status identities_start(identities *ids, aip_error *err);
/* Ends the thread and frees everything, mailboxes too: after the shards. */
void identities_close(identities **ids);

/* What verification asks. Thread-safe. */
identity_memory *identities_memory(identities *ids);

/* Owned by identities_close. Errors: memory, io. */
AIP_MUST_CHECK aip_status identities_mailbox(identities *ids, mailbox **out, aip_error *err);

/* What was used and what was revoked. Thread-safe. */
nonce_memory *identities_nonces(identities *ids);
revoked_memory *identities_revoked(identities *ids);
/* Is what other gateways' lists tell recent enough? Thread-safe. Errors: revocation.stale. */
AIP_MUST_CHECK aip_status identities_check_lists(const identities *ids, aip_error *err);

/* Makes a question, to be completed and then asked. Errors: did.invalid, memory. */
AIP_MUST_CHECK aip_status identities_question(mailbox *home, question_kind kind, aip_bytes name, question **out,
                                              aip_error *err);
/* Asks; the answer comes to the question's home in any case, and the question stays valid until it was taken from
 * there. On failure it is freed. Errors: gateway.overloaded (too many are waiting). */
AIP_MUST_CHECK aip_status identities_ask(question *q, aip_error *err);

int mailbox_descriptor(const mailbox *box); /* readable when something came */
void mailbox_clear(const mailbox *box);     /* until something more comes */
question *mailbox_take(mailbox *box);       /* the next one, or NULL; the caller frees it */

#endif
