/* One thread that resolves names for all shards and reads the key logs that the gateway knows. The database and slow
 * hosts keep this thread waiting and no other. */
#ifndef GATEWAY_IDENTITIES_H
#define GATEWAY_IDENTITIES_H

#include "did/memory.h"
#include "gateway/keeping.h"
#include "gateway/owning.h"
#include "gateway/pinning.h"
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
    catalogue *tools; /* of upstreams, which the thread pins; NULL: none are */
    audit_log *audit; /* that tells of changed ones; or NULL */
    owners *owners;   /* of tasks, which the thread saves; NULL: none are */
    const char *const *lists; /* of revocations, as pulling_setup's sources */
    size_t list_count;
    int64_t list_staleness_seconds;
} identities_setup;

/* What may be replaced while the thread runs. */
typedef struct {
    const aip_trust *trust;
    const char *const *hosts; /* as above */
    size_t host_count;
    void *held; /* what these borrow; released when others took their place, or at the end */
    void (*release)(void *held);
} identities_terms;

/* Opens the store and all that the thread needs. Errors: store.*, config.invalid, log.rollback and log.fork (the own
 * log contradicts what the store has seen), memory, io. */
AIP_MUST_CHECK aip_status identities_open(const identities_setup *setup, identities **out, aip_error *err);
AIP_MUST_CHECK aip_status identities_start(identities *ids, aip_error *err);
/* Takes over `terms` and what they hold, also on failure. The thread works by them soon. Thread-safe. Errors:
 * config.invalid (a pattern). */
AIP_MUST_CHECK aip_status identities_renew(identities *ids, const identities_terms *terms, aip_error *err);
/* Ends the thread and frees everything: after the shards. */
void identities_close(identities **ids);

/* What verification asks. Thread-safe. */
identity_memory *identities_memory(identities *ids);

/* Where it is asked. */
desk *identities_desk(identities *ids);

/* What was used and what was revoked. Thread-safe. */
nonce_memory *identities_nonces(identities *ids);
revoked_memory *identities_revoked(identities *ids);
/* Is what other gateways' lists tell recent enough? Thread-safe. Errors: revocation.stale. */
AIP_MUST_CHECK aip_status identities_check_lists(const identities *ids, aip_error *err);

#endif
