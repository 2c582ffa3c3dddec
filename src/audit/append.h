/* The decision log: one JSON line per decision, outcome and event, each carrying the hash of the line before. */
#ifndef AUDIT_APPEND_H
#define AUDIT_APPEND_H

#include "aip/chain.h"
#include "proof/completion.h"

typedef struct audit_log audit_log; /* shared by all shards */

#define AUDIT_ARGUMENTS_BYTES_MAX 4096 /* of redacted arguments; of longer ones only the size is written */
#define AUDIT_GROUND_BYTES_MAX 256     /* of a ground, a subject, a detail, a name of a rule: cut there */
#define AUDIT_FINDINGS_OF_LINE_MAX 32  /* of more, only the number is written */
#define AUDIT_FINGERPRINT_SIZE 17

/* Something that DLP found, told of without its text. */
typedef struct {
    const char *name;                         /* of the detector, or of the policy's pattern */
    const char *place;                        /* where: a pointer into the message; NULL: not told */
    const char *direction;                    /* "request" or "response" */
    const char *action;                       /* what was done: "redacted", "blocked", "told" */
    uint32_t count;                           /* so many of this kind */
    char fingerprint[AUDIT_FINGERPRINT_SIZE]; /* keyed hash of what was found; empty: none */
} audit_dlp_finding;

/* The decision record. Zero-initialised it is a refusal; one line of gateway/pipeline.c allows. */
typedef struct {
    bool allowed;
    aip_status status; /* AIP_OK only when allowed */
    int at;            /* element concerned, or AIP_NOWHERE */
    int64_t time_seconds;
    char decision_id[23];   /* 128 random bits, base64url */
    const char *decision;   /* ALLOW, BLOCK, ALLOW_MONITOR, RATE_LIMITED, ASK …; NULL: as `allowed` says */
    const char *stage;      /* that refused, or the last one */
    const char *protocol;   /* "mcp" */
    aip_bytes method, tool; /* from the request: bounded and escaped when written */
    aip_bytes request_id;   /* JSON-RPC id as JSON text; empty: none */
    const char *upstream;   /* name of where it was to go; NULL: not known yet */
    const aip_chain *chain; /* NULL until one was parsed */
    bool verified;          /* root and leaf below are proven */
    bool proven;            /* and the leaf sent this request */
    aip_bytes root, leaf;
    bool has_budget;
    uint64_t budget_micro_usd;
    bool has_cost;
    uint64_t cost_micro_usd;   /* what is held for this request */
    uint64_t hold;             /* number of that hold in the ledger; 0: none */
    aip_bytes idempotency;     /* key of the caller; empty: none */
    const char *policy_name;   /* NULL: no policy judged, and so for the next three */
    const char *policy_hash;   /* of its text */
    const char *policy_mode;   /* "enforce" or "monitor" */
    bool violation;            /* the policy was not kept, whatever the mode made of it */
    const char *ground;        /* which rule decided, and why; NULL: none */
    aip_bytes failed_argument; /* the argument that broke it; empty: none */
    aip_bytes arguments;       /* JSON text with all secrets taken out; empty: not recorded */
    aip_bytes approver;        /* who said yes or no; empty: nobody was asked */
    const audit_dlp_finding *findings;
    size_t finding_count;
    const char *state; /* fingerprint of what the server asked to get back with a retry; NULL: nothing */
    bool has_digest;
    unsigned char request_digest[AIP_HASH_BYTES]; /* SHA-256 of the body */
    int http;                                     /* status of a refusal's reply; 0 = not known yet */
    const char *peer;                             /* address of the client */
} audit_record;

/* How a forwarded request ended. Zero-initialise. */
typedef struct {
    const char *decision_id;
    aip_status status; /* AIP_OK: the answer reached the caller whole */
    int http;          /* status of the upstream's reply; 0: there was none */
    bool is_error;     /* the answer itself tells of an error: JSON-RPC's, or a tool result's isError */
    bool has_cost;
    uint64_t cost_micro_usd; /* what was charged in the end */
    const audit_dlp_finding *findings;
    size_t finding_count;
    bool has_digest;
    unsigned char response_digest[AIP_HASH_BYTES]; /* SHA-256 of what the caller got */
    uint64_t bytes;                                /* of that */
    uint64_t duration_microseconds;                /* from the decision to the end */
    const char *state;                             /* fingerprint of what it wants back with a retry; NULL: nothing */
    const char *completion;                        /* "whole", "cut", "left" (by the caller); NULL: not told */
} audit_outcome;

/* What an operator wants to find in the log beside decisions. Zero-initialise. */
typedef struct {
    const char *name;        /* "alert", "approval", "pin", "reload", "hold_freed": words of ours */
    const char *decision_id; /* of the request that it belongs to; NULL: none */
    aip_bytes subject;       /* what it is about */
    aip_bytes detail;
    aip_bytes by; /* who did it; empty: the gateway itself */
} audit_event;

/* When a line is on the disk, and not only with the kernel. */
typedef enum {
    AUDIT_SYNC_GROUP, /* before audit_wait returns; lines of several threads share one fdatasync */
    AUDIT_SYNC_EACH,  /* before audit_wait returns; one fdatasync a line */
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
/* Writes a last checkpoint where there are any. */
void audit_close(audit_log **log);

/* Writes the decision as one line and gives the line's number. Thread-safe. The first line's `prev` is 43 times `A`.
 * Errors: audit.unavailable, memory. */
AIP_MUST_CHECK aip_status audit_write(audit_log *log, const audit_record *record, uint64_t *number, aip_error *err);
/* The same for how a forwarded request ended: one line for each. */
AIP_MUST_CHECK aip_status audit_write_outcome(audit_log *log, const audit_outcome *outcome, uint64_t *number,
                                              aip_error *err);
/* … for an event. */
AIP_MUST_CHECK aip_status audit_write_event(audit_log *log, const audit_event *event, uint64_t *number, aip_error *err);
/* … for a completion statement, a compact JWS, which is judged first: only what verifies is recorded. The caller says
 * in `check` whose it must be and about which link. Errors: also token.*, json.*, did.*, proof.key. */
AIP_MUST_CHECK aip_status audit_write_completion(audit_log *log, aip_bytes statement, const completion_check *check,
                                                 uint64_t *number, aip_error *err);
/* Returns when that line, and all before it, are as durable as configured: the kernel has all of them, and the disk if
 * so configured. So a thread with several requests in hand waits once. Errors: as audit_write. */
AIP_MUST_CHECK aip_status audit_wait(audit_log *log, uint64_t number, aip_error *err);

/* Both, for one event. */
AIP_MUST_CHECK aip_status audit_append_event(audit_log *log, const audit_event *event, aip_error *err);

/* Writes a checkpoint that is due by time. To be called about once a second. Errors: as audit_write. */
AIP_MUST_CHECK aip_status audit_tick(audit_log *log, aip_error *err);

/* Can the next line be written, as far as is known? AIP_OK, or audit.unavailable with the reason in `err`. */
AIP_MUST_CHECK aip_status audit_health(audit_log *log, aip_error *err);

#endif
