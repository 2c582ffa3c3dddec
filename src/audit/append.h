/* The decision log: one JSON line per decision, each carrying the hash of the line before. */
#ifndef AUDIT_APPEND_H
#define AUDIT_APPEND_H

#include "aip/chain.h"

typedef struct audit_log audit_log; /* shared by all shards */

/* The decision record. Zero-initialised it is a refusal; one line of gateway/pipeline.c allows. */
typedef struct {
    bool allowed;
    aip_status status; /* AIP_OK only when allowed */
    int at;            /* element concerned, or AIP_NOWHERE */
    int64_t time_seconds;
    char decision_id[23];   /* 128 random bits, base64url */
    const char *stage;      /* that refused, or the last one */
    const char *protocol;   /* "mcp" */
    aip_bytes method, tool; /* from the request: bounded and escaped when written */
    const aip_chain *chain; /* NULL until one was parsed */
    bool verified;          /* root and leaf below are proven */
    bool proven;            /* and the leaf sent this request */
    aip_bytes root, leaf;
    bool has_budget;
    uint64_t budget_micro_usd;
    bool has_digest;
    unsigned char request_digest[AIP_HASH_BYTES]; /* SHA-256 of the body */
    int http;                                     /* status of a refusal's reply; 0 = not known yet */
    const char *peer;                             /* address of the client */
} audit_record;

/* Opens or creates (0600) and locks the file, and reads its last line to continue the chain. A torn last line, or a
 * lock held by another process, is audit.unavailable: nothing is ever cut off what was found. Errors: also io, memory.
 */
AIP_MUST_CHECK aip_status audit_open(const char *path, audit_log **out, aip_error *err);
void audit_close(audit_log **log);

/* Writes the decision as one line; when this returns AIP_OK the kernel has all of it. Thread-safe.
 * The first line's `prev` is 43 times `A`. Errors: audit.unavailable, memory. */
AIP_MUST_CHECK aip_status audit_append(audit_log *log, const audit_record *record, aip_error *err);

/* Writes how an allowed request ended, when it did not end as the caller was promised. */
AIP_MUST_CHECK aip_status audit_append_outcome(audit_log *log, const char *decision_id, aip_status status,
                                               aip_error *err);

#endif
