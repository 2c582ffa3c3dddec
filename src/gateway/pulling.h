/* Reads the lists of revocations that other gateways publish (spec/revocation.md ), on the identities
 * thread; the shards ask whether what they told is recent enough. */
#ifndef GATEWAY_PULLING_H
#define GATEWAY_PULLING_H

#include "chain/revoked.h"
#include "did/memory.h"
#include "did/resolver.h"
#include "store/revocations.h"

typedef struct pulling pulling;

typedef struct {
    const char *const *sources; /* `DID=URL` each; copied */
    size_t source_count;
    int64_t max_staleness_seconds; /* 0: 300 */
    net_loop *loop;                /* what follows is borrowed until pulling_close */
    fetch_rules rules;             /* ca_file and allowed count; the rest is the reader's own */
    resolver *resolver;
    identity_memory *identities;
    const revocation_table *table;
    revoked_memory *revoked;
    const aip_trust *trust;
    /* Puts the answer of a resolution into `identities`. */
    void (*remember)(void *context, const char *name, aip_status status, const resolution *found, const aip_error *err);
    /* For the operator: a page was dropped (number 0), or this statement of it left out. */
    void (*report)(void *context, const char *url, int64_t number, const aip_error *why);
    void *context; /* of both */
} pulling_setup;

/* Is the text `DID=URL`, an https URL of a named host without a query? Errors: config.invalid, memory. */
AIP_MUST_CHECK aip_status pulling_check_source(const char *text, aip_error *err);

/* The DID of such a source. Errors: config.invalid, memory. */
AIP_MUST_CHECK aip_status pulling_signer(const char *source, aip_did *out, aip_error *err);

/* Errors: config.invalid (a source, the same one twice, too many, a staleness below 10 seconds), store.*, memory. */
AIP_MUST_CHECK aip_status pulling_open(const pulling_setup *setup, pulling **out, aip_error *err);
/* Another trust from now on, borrowed as the setup's. */
void pulling_set_trust(pulling *p, const aip_trust *trust);
void pulling_close(pulling **p); /* after the resolver, before the loop */

/* Does what is due, a little at a time. NULL has nothing to do. */
void pulling_tick(pulling *p, int64_t now_seconds, uint64_t now_monotonic_microseconds);
int
pulling_timeout_ms(const pulling *p, uint64_t now_monotonic_microseconds); /* until the next tick is due; -1 = none */

/* Did every source tell all that it has, recently enough? NULL has no sources. Thread-safe. Errors:
 * revocation.stale. */
AIP_MUST_CHECK aip_status pulling_check(const pulling *p, int64_t now_seconds, aip_error *err);

#endif
