/* Resolves identifiers: cache, the identifier itself, configured sources, then the host that it names. Event-driven;
 * one thread. */
#ifndef DID_RESOLVER_H
#define DID_RESOLVER_H

#include "did/cache.h"
#include "net/fetch.h"

typedef struct resolver resolver;

typedef enum { RESOLVED_BY_CACHE, RESOLVED_BY_NAME, RESOLVED_BY_SOURCE, RESOLVED_BY_HOST } resolved_by;

/* A good answer, borrowed for the call that brings it. */
typedef struct {
    const identity *id;
    aip_bytes document; /* text that a host sent; empty: none, or not asked for */
    resolved_by by;
    bool stale;                      /* older than it should be, within max_staleness */
    int64_t fetched_at, fresh_until; /* epoch seconds */
} resolution;

typedef struct {
    const did_cache *cache;     /* NULL: nothing is remembered */
    fetcher *fetcher;           /* NULL: offline, never opens a socket */
    const char *const *sources; /* `https://host[:port]`, asked for the logs of did:aip names */
    size_t source_count;
    const char *const *hosts; /* of did:web and aip:web names that may be fetched: `host`, `host:port`, `*.domain` */
    size_t host_count;
    bool any_host;                 /* all may: for a person's own command, never for a gateway */
    int64_t max_staleness_seconds; /* an old answer serves so long when no new one is to be had */
    bool wants_document;
    void (*trace)(void *context, const char *step); /* one line per step, printable; or NULL */
    /* A fork or rollback was seen, or a key returned: for the operator's log; or NULL. */
    void (*report)(void *context, aip_bytes name, const aip_error *what, const char *origin);
    void *context; /* of trace and report */
} resolver_setup;

/* `setup` is copied, what it points at is borrowed until resolver_close. Errors: memory, config.invalid (a source that
 * is no https URL of host and port alone, more than AIP_DID_SOURCES_MAX, a bad pattern). */
AIP_MUST_CHECK aip_status resolver_open(const resolver_setup *setup, resolver **out, aip_error *err);
void resolver_close(resolver **r); /* what is under way is dropped without an answer */

/* Others in place of the setup's `hosts`, from now on; borrowed as those. Their patterns have been checked. */
void resolver_set_hosts(resolver *r, const char *const *hosts, size_t count);

/* `found` is NULL when status is not AIP_OK, and `err` says why. May be called before resolver_ask returns. It may call
 * resolver_ask, not resolver_close. */
typedef void (*resolver_answer)(void *context, aip_status status, const resolution *found, const aip_error *err);

/* One entry of the setup's `sources` / `hosts`, by the rules that resolver_open keeps. config.invalid. */
AIP_MUST_CHECK aip_status resolver_check_source(const char *source, aip_error *err);
AIP_MUST_CHECK aip_status resolver_check_pattern(const char *pattern, aip_error *err);

/* One flight per name: whoever asks for a name under way waits with the others. `supplied` is a key known from
 * elsewhere for a hash form, or NULL. Deactivated identities are answers (id->deactivated), not refusals. Refusals:
 * did.*, diddoc.*, aipdoc.*, log.*, fetch.*, json.*, store.*, memory. */
void resolver_ask(resolver *r, aip_bytes name, const aip_public_key *supplied, resolver_answer answer, void *context);

/* A failure of ours (store, memory, a full line) says nothing about the name, and is not to be remembered under it. */
bool resolver_is_own_trouble(aip_status status);

void resolver_tick(resolver *r, uint64_t now_monotonic_microseconds); /* ends what took too long */
int resolver_timeout_ms(const resolver *r);                           /* until the next tick is due; -1 = none */
size_t resolver_under_way(const resolver *r);

#endif
