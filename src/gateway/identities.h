/* One thread that resolves names for all shards and reads the key logs that the gateway knows. The database and slow
 * hosts keep this thread waiting and no other. */
#ifndef GATEWAY_IDENTITIES_H
#define GATEWAY_IDENTITIES_H

#include "did/memory.h"
#include "gateway/question.h"
#include "gateway/own.h"
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
    const own_identity *own; /* its log is kept in the store; NULL: none */
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

/* Asks; the answer comes to `home` in any case. *out stays valid until it was taken from there. Errors:
 * gateway.overloaded (too many are waiting), memory, did.invalid. */
AIP_MUST_CHECK aip_status identities_ask(mailbox *home, question_kind kind, aip_bytes name, question **out,
                                         aip_error *err);

int mailbox_descriptor(const mailbox *box); /* readable when something came */
void mailbox_clear(const mailbox *box);     /* until something more comes */
question *mailbox_take(mailbox *box);       /* the next one, or NULL; the caller frees it */

#endif
