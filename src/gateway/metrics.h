/* Figures for Prometheus: counted per shard without locks, summed when somebody reads them (spec/a2a.md, E-60 ff.). */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "base/text.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef struct metrics metrics;
typedef struct metrics_cell metrics_cell; /* of one shard: only its thread writes to it */

typedef enum { METRICS_MCP, METRICS_A2A, METRICS_HTTP, METRICS_OWN, METRICS_PROTOCOLS } metrics_protocol;

/* What a request is for. Names that callers choose never become labels. */
typedef enum {
    METRICS_CALL,      /* tools/call, and requests to plain HTTP APIs */
    METRICS_LIST,      /* …/list */
    METRICS_READ,      /* prompts, resources, completion, tasks, cards */
    METRICS_MESSAGE,   /* A2A messages */
    METRICS_SUBSCRIBE, /* streams that are listened to */
    METRICS_LIFECYCLE, /* initialize, ping, sessions, cancellation */
    METRICS_OTHER,
    METRICS_CLASSES
} metrics_class;

typedef enum {
    METRICS_VERIFICATION,
    METRICS_POLICY,
    METRICS_UPSTREAM,
    METRICS_TOTAL,
    METRICS_HISTOGRAMS
} metrics_histogram;

/* Gauges that shards move up and down themselves. */
typedef enum {
    METRICS_STREAMS,
    METRICS_CONNECTIONS,
    METRICS_WAITING,
    METRICS_HOLDS,
    METRICS_MOVING_GAUGES
} metrics_moving;

/* What is asked of others when somebody reads; UINT64_MAX: nobody knows, and it is not shown. */
typedef struct {
    uint64_t sessions, chains, identities, nonces, tasks; /* entries remembered */
    uint64_t audit_lag_milliseconds;                      /* age of the oldest record that is not on the disk */
    uint64_t open_holds, held_micro_usd;
    uint64_t uptime_seconds;
    const char *version, *policy_hash; /* "" or NULL: not shown */
} metrics_view;

#define METRICS_VIEW_UNKNOWN                                                                                     \
    {                                                                                                            \
        .sessions = UINT64_MAX, .chains = UINT64_MAX, .identities = UINT64_MAX, .nonces = UINT64_MAX,            \
        .tasks = UINT64_MAX, .open_holds = UINT64_MAX, .held_micro_usd = UINT64_MAX                              \
    }

/* Errors: memory. */
AIP_MUST_CHECK aip_status metrics_new(size_t cells, metrics **out, aip_error *err);
void metrics_free(metrics **m);
metrics_cell *metrics_cell_of(metrics *m, size_t i); /* i < cells */

void metrics_count_request(metrics_cell *cell, metrics_protocol protocol, metrics_class class);
void metrics_count_decision(metrics_cell *cell, aip_status status);
/* Of a request that was forwarded; `is_error`: the server did what it was asked, and tells of an error. */
void metrics_count_outcome(metrics_cell *cell, aip_status status, bool is_error);
void metrics_count_time(metrics_cell *cell, metrics_histogram which, uint64_t microseconds);
void metrics_count_findings(metrics_cell *cell, size_t findings); /* of data-loss prevention */
void metrics_move(metrics_cell *cell, metrics_moving which, int64_t by);

/* Of a JSON-RPC method, or of an A2A operation's name; METRICS_OTHER for what is not known. */
metrics_class metrics_class_of(aip_bytes method);

/* Appends the text format 0.0.4. Thread-safe. Errors: memory. */
AIP_MUST_CHECK aip_status metrics_write(const metrics *m, const metrics_view *view, text_buffer *out, aip_error *err);

#endif
