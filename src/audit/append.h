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

/* When a line is on the disk, and not only with the kernel. */
typedef enum {
    AUDIT_SYNC_GROUP, /* before audit_append returns; lines of several threads share one fdatasync */
    AUDIT_SYNC_EACH,  /* before audit_append returns; one fdatasync a line */
    AUDIT_SYNC_NONE,  /* when the kernel sees fit: a machine that loses power may lose the last seconds */
} audit_sync;

#define AUDIT_CHECKPOINT_LINES_DEFAULT 1000
#define AUDIT_CHECKPOINT_SECONDS_DEFAULT 60

/* Zero-initialise. What it points at is borrowed until audit_close. */
typedef struct {
    const char *path;
    audit_sync sync;
    uint64_t rotate_bytes;       /* a file that would grow beyond becomes `path.N`; 0: never */
    const aip_secret_key *key;   /* signs checkpoints; NULL: there are none */
    const char *issuer, *key_id; /* the gateway's DID, and the DID URL of its key */
    uint64_t checkpoint_lines;   /* at most so many lines between two checkpoints; 0: the default */
    uint64_t checkpoint_seconds; /* at most so long, if audit_tick is called; 0: the default */
} audit_options;

/* Opens or creates (0600) and locks the file, and reads its last line to continue the chain. A torn last line, or a
 * lock held by another process, is audit.unavailable: nothing is ever cut off what was found. Errors: also io, memory.
 */
AIP_MUST_CHECK aip_status audit_open_with(const audit_options *options, audit_log **out, aip_error *err);
/* The same without rotation, checkpoints and fdatasync. */
AIP_MUST_CHECK aip_status audit_open(const char *path, audit_log **out, aip_error *err);
/* Writes a last checkpoint where there are any. */
void audit_close(audit_log **log);

/* Writes the decision as one line; when this returns AIP_OK the kernel has all of it, and the disk if so configured.
 * Thread-safe. The first line's `prev` is 43 times `A`. Errors: audit.unavailable, memory. */
AIP_MUST_CHECK aip_status audit_append(audit_log *log, const audit_record *record, aip_error *err);

/* Writes how an allowed request ended, when it did not end as the caller was promised. */
AIP_MUST_CHECK aip_status audit_append_outcome(audit_log *log, const char *decision_id, aip_status status,
                                               aip_error *err);

/* audit_append in two halves, for a thread that has several requests in hand: writes the line and gives its number;
 * audit_wait then returns when that line, and all before it, are as durable as configured. Errors: as audit_append. */
AIP_MUST_CHECK aip_status audit_write(audit_log *log, const audit_record *record, uint64_t *number, aip_error *err);
AIP_MUST_CHECK aip_status audit_wait(audit_log *log, uint64_t number, aip_error *err);

/* Writes a checkpoint that is due by time. To be called about once a second. Errors: as audit_append. */
AIP_MUST_CHECK aip_status audit_tick(audit_log *log, aip_error *err);

/* Can the next line be written, as far as is known? AIP_OK, or audit.unavailable with the reason in `err`. */
AIP_MUST_CHECK aip_status audit_health(audit_log *log, aip_error *err);

#endif
