/* What the resolver's files share: flights, their attempts, and answers before they are told. */
#ifndef DID_RESOLVER_INSIDE_H
#define DID_RESOLVER_INSIDE_H

#include "did/resolver.h"

typedef struct flight flight;

typedef enum { ATTEMPT_FAILED, ATTEMPT_RUNNING, ATTEMPT_NO_LOG, ATTEMPT_LOG_READ, ATTEMPT_LOG_KEPT } attempt_state;

/* One GET of a flight. */
typedef struct {
    flight *owner;
    attempt_state state;
    fetch *running;     /* NULL: over */
    const char *origin; /* a configured source, or the URL of a host's document; borrowed */
    aip_error failure;  /* when it failed */
    int64_t max_age_seconds;
    did_log *log; /* verified, with its text */
    text_buffer text;
} attempt;

typedef struct {
    resolver_answer answer;
    void *context;
} waiter;

/* One name that is asked for, and all who wait for it. */
struct flight {
    flight *next, *before;
    resolver *owner;
    uint64_t serial;                     /* they end in the order in which they began */
    uint64_t deadline;                   /* monotonic microseconds */
    char name[AIP_IDENTIFIER_BYTES_MAX]; /* of did.text; without a NUL */
    aip_did did;
    did_cache_entry remembered; /* what the cache held when it began */
    char *url;                  /* of a host's document, else NULL */
    waiter *waiters;
    size_t waiter_count, waiter_capacity;
    size_t running_count;
    size_t attempt_count;
    attempt attempts[];
};

struct resolver {
    resolver_setup setup;
    flight *first, *last;
    size_t under_way;
    uint64_t flights_begun;
};

/* An answer that owns what a `resolution` lends. */
typedef struct {
    identity *id;
    text_buffer document;
    resolved_by by;
    bool stale;
    int64_t fetched_at, fresh_until;
} outcome;

void outcome_clear(outcome *out);
#define OUTCOME_AUTO __attribute__((cleanup(outcome_clear)))

/* resolver.c */

/* One printable line. */
void resolver_trace(const resolver *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void resolver_report(const resolver *r, const flight *f, const aip_error *what, const char *origin);

/* Remembers a new answer and ends its flight with it. */
void flight_answer(flight *f, outcome *out);
/* Ends a flight: with `out` when `status` is AIP_OK, else with `err`; a failure is remembered, and an old answer may
 * serve instead. The flight is gone afterwards. */
void flight_end(flight *f, aip_status status, outcome *out, const aip_error *err);

/* resolver_memory.c: what needs no network */

/* What is known of a name before anybody is asked. */
typedef struct {
    did_cache_entry entry; /* what the cache holds, for later */
    outcome out;
    bool settled; /* `out`, or the refusal, is the answer */
} knowledge;

/* Asks the cache. Errors: the remembered refusal, store.*, memory. */
AIP_MUST_CHECK aip_status resolver_recall(const resolver *r, aip_bytes name, knowledge *known, aip_error *err);
/* May an old answer serve where no new one is to be had? Then it moves into `out`. */
bool resolver_serve_stale(const resolver *r, did_cache_entry *entry, outcome *out);
/* The identity of the log that the cache keeps; out->id stays NULL when there is none. Errors: log.*, store.*, memory.
 */
AIP_MUST_CHECK aip_status resolver_read_kept_log(const resolver *r, aip_bytes name, outcome *out, aip_error *err);
/* What the name alone tells, with the key `supplied` for a hash form. Errors: did.*, memory. */
AIP_MUST_CHECK aip_status resolver_read_name(const resolver *r, const aip_did *did, const aip_public_key *supplied,
                                             outcome *out, aip_error *err);
/* Dates an answer that is new now; `max_age_seconds` < 0: none was given. */
void resolver_date(outcome *out, int64_t max_age_seconds);
/* Remembers an answer. Errors: did.deactivated, log.rollback and the like, when another program has learnt more since;
 * that it cannot be written is none. */
AIP_MUST_CHECK aip_status resolver_save(const resolver *r, const outcome *out, aip_error *err);
/* Remembers a refusal, unless it says nothing about the name. */
void resolver_save_refusal(const resolver *r, aip_bytes name, aip_status refusal);

/* resolver_sources.c: key logs */

/* Asks every source; the flight may have ended when it returns. */
void flight_ask_sources(flight *f);
void flight_judge_sources(flight *f); /* decides by what was answered, and ends the flight */

/* resolver_hosts.c: documents of did:web and aip:web */

/* May the name's document be fetched? Errors: did.not_admitted, did.invalid, memory. */
AIP_MUST_CHECK aip_status resolver_check_host(const resolver *r, const aip_did *did, aip_error *err);
void flight_ask_host(flight *f); /* the flight may have ended when it returns */

/* Is the text a port, 1 to 65535, without leading zeros? */
bool resolver_is_port(aip_bytes text);

#endif
