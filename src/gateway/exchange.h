/* One request on its way through the gateway, and its reply. Each stage fills its own part. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "crypto/hash.h"
#include "dlp/findings.h"
#include "dlp/place.h"
#include "gateway/gateway.h"
#include "net/upstream.h"
#include "policy/policy.h"
#include "proof/proof.h"

typedef http_field header_field; /* borrowed from the connection until the reply is sent */

typedef struct stdio_upstream stdio_upstream; /* gateway/stdio_upstream.h */
typedef struct stdio_call stdio_call;

typedef enum { MESSAGE_NONE, MESSAGE_REQUEST, MESSAGE_NOTIFICATION, MESSAGE_RESPONSE } message_kind;

typedef enum {
    EXCHANGE_READING,   /* the body arrives */
    EXCHANGE_GREETING,  /* an identity is looked up, before the body is read */
    EXCHANGE_LOOKING,   /* something that anyone may ask is looked up */
    EXCHANGE_ADMITTING, /* something has to be durable, or a person asked, before the message goes on */
    EXCHANGE_WAITING,   /* the upstream works */
    EXCHANGE_ANSWERED,  /* `answer` is complete */
    EXCHANGE_STREAMING, /* `answer` has its head; events follow */
    EXCHANGE_OVER,      /* nothing more is sent */
} exchange_phase;

enum { ANSWER_FIELDS_MAX = 32, FINDINGS_MAX = 32 };

/* What the caller gets. Only gateway/listen.c turns it into HTTP. */
typedef struct {
    int http;
    bool stream; /* body comes event by event from exchange.stream */
    bool close;
    text_buffer body;
    struct {
        const char *name;
        char *value;
    } fields[ANSWER_FIELDS_MAX];
    size_t field_count;
    bool bodiless; /* to HEAD: `body_bytes` is what there would be */
    uint64_t body_bytes;
} gateway_answer;

/* Splits an event stream; see gateway/events.h. */
typedef struct {
    text_buffer pending;        /* bytes of the event that is not complete yet */
    size_t scanned, line_start; /* in pending */
    size_t most;                /* bytes of an event; 0: AIP_EVENT_BYTES_DEFAULT */
    bool begun, after_cr;
} event_splitter;

/* What a shard lends to its exchanges, which use it one after the other. */
typedef struct {
    gateway *gateway;
    upstream *upstreams;
    stdio_upstream *commands; /* servers that are commands; NULL: none */
    mailbox *mail;
    rules_tools *tools; /* scratch memory of policies and scanners */
    metrics_cell *figures; /* NULL: nothing is counted */
    struct gathering **gatherings; /* those with something to do */
} shard_tools;

/* What a request may cost, and what became of it. */
typedef struct {
    uint64_t most_micro_usd; /* that the price allows for */
    int64_t hold;            /* number in the ledger; 0: none */
    bool asked, ended;       /* for a hold; the hold was settled or released */
    bool has_actual;         /* the upstream said what it cost, and is trusted */
    uint64_t actual_micro_usd, charged_micro_usd;
} exchange_cost;

/* What DLP found in request and reply, for the records. */
typedef struct {
    audit_dlp_finding items[FINDINGS_MAX];
    char places[FINDINGS_MAX][128];
    size_t count, reported; /* of those in the decision's record */
    bool in_names;          /* in what the record repeats of a request: its method, name or id */
} exchange_findings;

struct exchange {
    gateway *gateway;
    const gateway_settings *settings; /* held */
    const gateway_route *route;       /* NULL until one was found */
    const gateway_route *group;       /* of which `route` is a member, where callers know it as one; else NULL */
    const shard_tools *shard;
    exchange_phase phase;
    void (*wake)(exchange *); /* tells the listener that phase or stream moved */
    void *carrier;            /* the listener's own */

    /* what it waits for at a thread that answers */
    question *question; /* NULL: nothing */
    unsigned questions;
    uint64_t asked_microseconds; /* since when, monotonic */
    uint64_t patience_microseconds;
    bool gave_up;              /* asks no more */
    aip_status arrived_status; /* what came of the last question */
    char arrived_detail[256];
    text_buffer arrived;
    size_t stage; /* of the pipeline's list, to go on with */

    /* its shares of what callers may have under way (gateway/limits.h) */
    uint32_t address_share, root_share;
    uint64_t begun_microseconds, sent_microseconds; /* when its head was there; when it was forwarded; monotonic */

    /* as met */
    const char *http_method, *path;
    aip_bytes query; /* without `?`, as sent */
    header_field *fields; /* exchange_add_field adds them */
    size_t field_count, field_room;
    bool too_many_fields;
    bool local;     /* over our own stdin: there is no HTTP around it */
    bool apart;     /* to the listener of the figures */
    bool appointed; /* its token was set by the operator at start */
    const char *peer; /* the caller; where a trusted proxy names it, in `caller` */
    char caller[48];

    /* greet */
    aip_bytes credential;
    bool late; /* the body has the credential, so it is read before anybody is known */
    chain_verdict verdict;
    const aip_chain *chain; /* of the verdict; NULL until one was parsed */
    bool proven;            /* the request's signature is the holder's */
    bool nonce_asked;
    nonce_use use; /* of the proof: views into its headers */
    used_nonce nonce;
    aip_public_key holder;               /* whose it is, then */
    uint64_t revoked_epoch;              /* of the last look at what is revoked */
    unsigned char owner[AIP_HASH_BYTES]; /* root and leaf, which sessions are bound to */
    bool has_session;
    char session[AIP_SESSION_BYTES_MAX + 1]; /* the upstream's id */
    int64_t session_ends;                    /* seconds since 1970, of the id that the caller brought */
    char *sessions;                          /* of a group's members, owned (gateway/group.h); NULL: there are none */
    aip_bytes spoken;        /* the version that this member of a group answered, where it was asked; in `sessions` */
    aip_bytes resumed_after; /* its own id of the caller's Last-Event-ID */

    /* admit */
    text_buffer body;
    bool body_too_large;
    scan_document document;
    message_kind kind;
    bool modern;  /* 2026-07-28 and later */
    aip_bytes id; /* raw bytes of a JSON-RPC id; empty = none */
    char method[128];
    char wanted[AIP_URI_BYTES_MAX + 64]; /* scope that this needs; "" = any valid chain may */
    aip_bytes called;                    /* part of `wanted`: tool, prompt or address as callers know it, */
    aip_bytes name;                      /* and as its server does, which is all but a group's prefix of it */
    bool is_tool;
    policy_kind subject; /* what `name` is of */
    bool renamed;        /* the tool's name goes on as its upstream advertises it */
    bool schema_known;   /* the upstream has listed the tool: */
    catalogue_hashes schema;
    text_buffer mirrors; /* of that tool: which arguments stand in headers too (policy/mirrors.h) */
    aip_bytes arguments;            /* raw bytes of params.arguments */
    uint32_t params, argument_node; /* nodes of the document; SCAN_NONE: there are none */
    const scan_document *stated;    /* what those are nodes of; NULL: `document` */
    void *notes;                    /* of the protocol */
    const char *allow;              /* methods that the address has; NULL: the protocol's */
    const rule_set *rules;          /* NULL: tokens alone decide */
    policy_verdict judged;          /* by the policy */
    bool was_judged;
    text_buffer outgoing;       /* what goes on, where it is not the body as it came, */
    text_buffer replaced;       /* and what was to go on before */
    exchange_findings *found;   /* NULL: nothing */
    text_buffer told_arguments; /* as they may stand in the log */
    char state_given[DLP_FINGERPRINT_SIZE];  /* of the state that a retry brings back; empty: none */
    char state_wanted[DLP_FINGERPRINT_SIZE]; /* and of the one that the reply hands out */
    bool person_asked;
    bool owners_asked;  /* for what the database knows of tasks' owners */
    bool left_out;      /* the message of the server that was just judged is not for this caller */
    char *answers_tool; /* whose result the message of the server has that was just judged; NULL: of the tool called */
    char approver[128]; /* who said yes */
    exchange_cost cost;
    bool line_asked; /* for the record to be durable */
    bool statement_asked; /* for a completion statement to be recorded */
    uint64_t line;   /* its number */
    uint64_t decided_microseconds;

    audit_record record; /* zero means deny */
    aip_error refusal;

    /* reply */
    gateway_answer answer;
    upstream_transfer *transfer;
    stdio_call *pipe; /* in place of the transfer, when the server is a command, */
    struct gathering *gathering; /* or when several are asked (gateway/group_gather.h) */
    bool part;                   /* of such a request: it asks one of the servers, and was proven with the others */
    bool entered;              /* counts among the requests of its route */
    bool forwarded, concluded; /* it may have reached the upstream; its end stands in the log */
    bool tool_failed;          /* the reply tells of an error: JSON-RPC's, or a tool result's isError */
    uint64_t reply_bytes;      /* from the upstream */
    int upstream_http;
    bool upstream_json, upstream_stream, upstream_coded;
    bool upstream_doubled;   /* a header that says what the reply is stands in it twice */
    unsigned upstream_said;  /* which of them stand in it, by their place in forward_fields.c */
    event_splitter splitter;
    struct stream_tails *tails; /* of the last event; NULL: none */
    text_buffer stream;         /* judged events, not yet sent */
    size_t stream_sent;
    hash_stream stream_hash; /* of all that was sent */
    bool stream_closed;      /* by its receipt, or it gets none */
    bool stream_ended, stream_broken;
    bool answered_call;          /* the response to the request was in the stream */
    uint64_t opened_microseconds; /* when it was asked for as its session's stream, monotonic; 0: it is none */
    uint64_t head_microseconds;   /* when the head of its reply came, monotonic; 0: not yet */
    unsigned stream_tries;        /* of it: the upstream may not know yet that the one before has gone */
    bool asks_again;
    bool resumable;              /* its events have ids, so the caller may ask for what is missing */
    bool upstream_full;          /* paused until `stream` drains */
    uint64_t moved_microseconds; /* last sign of life, monotonic */
};

AIP_MUST_CHECK exchange *exchange_new(const shard_tools *shard);
void exchange_free(exchange **x);

/* One more header of the request, borrowed. False, and `too_many_fields`, when there is no room for it. */
bool exchange_add_field(exchange *x, aip_bytes name, aip_bytes value);

/* The header's value; *count (may be NULL) tells how often it occurs, 0 = not at all. Names compare without case. */
aip_bytes exchange_header(const exchange *x, const char *name, size_t *count);

/* What the path has below its route's: nothing, or a slash and what follows, as sent. */
aip_bytes exchange_path_below(const exchange *x);
/* Appends `base`, with `below` what the path has below the route's, the query as sent, and a NUL. Errors: memory. */
AIP_MUST_CHECK aip_status exchange_append_address(const exchange *x, const char *base, bool below, text_buffer *out,
                                                  aip_error *err);

/* Has the value no control character but the tab (RFC 9110 section 5.5)? */
bool exchange_is_field_value(aip_bytes value);

/* Adds a header to the answer; too many or out of memory makes it a 500 without body. */
void
answer_add(gateway_answer *answer, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void answer_clear(gateway_answer *answer);

#endif
