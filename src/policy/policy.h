/* Policies of an operator for what agents call (spec/policy.md): loaded once, immutable, and then decisions by lookup.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "aip/key.h"
#include "base/scan.h"
#include "base/text.h"
#include "policy/path.h"

typedef struct policy policy;
typedef struct policy_scratch policy_scratch; /* what deciding needs beside the policy: one per thread */

/* What does not belong to the policy's text. */
typedef struct {
    const path_setting *paths; /* what protected paths are relative to; NULL: a policy that protects paths is refused */
    const char *file;          /* the policy's own path, protected as well; or NULL */
    const char *const *own_files; /* of the gateway, protected whatever the policy says */
    size_t own_file_count;
    text_buffer *warnings;      /* one a line; or NULL */
    bool lenient;               /* unknown keys warn */
    const aip_public_key *keys; /* that may sign policies; a signed one is refused without the right one of them */
    size_t key_count;
} policy_origin;

enum { POLICY_PROBLEMS_MAX = 50 };

typedef struct {
    uint32_t line, column; /* from 1 */
    aip_status status;     /* config.invalid, pattern.invalid, or why the text is no document */
    char sentence[240];    /* printable ASCII, with a hint where one helps */
} policy_problem;

typedef struct {
    policy_problem items[POLICY_PROBLEMS_MAX]; /* by place */
    size_t count;
    bool more; /* than have room */
} policy_problems;

/* Loads one document of apiVersion aip.io/v1alpha1 to 3 or aip-gateway/v1. All that it says is enforced by
 * policy_decide, or handed out by the functions below, or refused by name. All that is wrong with it stands in
 * `problems` (NULL: not wanted), by place; `err` is the first: its offset is the line, its detail begins
 * `line L, column C: `. Errors: config.invalid, pattern.invalid, policy.signature, base/yaml.h's, memory. */
AIP_MUST_CHECK aip_status policy_load_all(aip_bytes text, const policy_origin *origin, policy_problems *problems,
                                          policy **out, aip_error *err);
/* The same, and only the first of them. */
AIP_MUST_CHECK aip_status policy_load(aip_bytes text, const policy_origin *origin, policy **out, aip_error *err);
void policy_free(policy **p);

/* Makes `*scratch` (NULL at first) fit the policy and messages of that size. Errors: memory. */
AIP_MUST_CHECK aip_status policy_scratch_grow(policy_scratch **scratch, const policy *p, size_t message_bytes,
                                              aip_error *err);
void policy_scratch_free(policy_scratch **scratch);

/* ---- deciding ---- */

/* From the strictest on. */
typedef enum {
    POLICY_BLOCK, /* zero denies */
    POLICY_RATE_LIMITED,
    POLICY_ASK,           /* goes on when a person says yes to exactly this call */
    POLICY_ALLOW_MONITOR, /* a violation that goes on because the policy only watches */
    POLICY_ALLOW,
} policy_decision;

/* Which check decided; what was not reached cannot have. */
typedef enum {
    POLICY_BY_FAILURE, /* it could not be judged */
    POLICY_BY_NO_POLICY,
    POLICY_BY_METHOD_DENIED,
    POLICY_BY_METHOD_UNLISTED,
    POLICY_BY_METHOD, /* the method alone, since no rule concerns the call */
    POLICY_BY_RATE,
    POLICY_BY_ROOT_RATE,
    POLICY_BY_PATH,
    POLICY_BY_PATH_LIMIT,
    POLICY_BY_PROOF, /* the rule demands one */
    POLICY_BY_TOOL_DENIED,
    POLICY_BY_RULE_BLOCK,
    POLICY_BY_SCHEMA,
    POLICY_BY_TOOL_UNLISTED,
    POLICY_BY_ROOT, /* the rule is for agents of other roots */
    POLICY_BY_ARGUMENT_MISSING,
    POLICY_BY_ARGUMENT_PATTERN,
    POLICY_BY_ARGUMENT_UNDECLARED,
    POLICY_BY_RULE_ASK,
    POLICY_BY_TOOL,      /* allowed, nothing asked of its arguments */
    POLICY_BY_ARGUMENTS, /* allowed, and the arguments fit */
    POLICY_BY_RULE,      /* allowed by a rule on something else than a tool */
} policy_ground;

/* What a call names. */
typedef enum {
    POLICY_METHOD,   /* nothing but its method */
    POLICY_TOOL,     /* name: of the tool. So is whatever method is `tools/call` after normalising */
    POLICY_RESOURCE, /* its URI */
    POLICY_PROMPT,   /* its name */
    POLICY_SKILL,    /* its id; empty when the message does not say which */
    POLICY_ROUTE,    /* HTTP's method, a space, the path without query: `GET /v1/items`. Has no `method` */
} policy_kind;

/* A token bucket of one caller and one tool; zeros are a full one. */
typedef struct {
    uint64_t used, at;
} policy_bucket;

/* One message as its protocol's reader sees it. */
typedef struct {
    policy_kind kind;
    aip_bytes method, tool;       /* as the client wrote them, unescaped; `tool` is the name of whatever kind */
    const scan_document *message; /* NULL: neither parameters nor arguments */
    uint32_t parameters;          /* all that paths are looked for in; SCAN_NONE: there are none */
    uint32_t arguments;           /* an object within; SCAN_NONE or null: {} */
    aip_bytes schema_hash;  /* of the tool as the server lists it, as policy_schema_hash wants it; empty: unknown */
    aip_bytes root, leaf;   /* names of the verified chain's ends; empty: no token, which no `roots` lets pass */
    bool proven;            /* the request carries a proof of possession that was verified */
    policy_bucket *buckets; /* policy_bucket_count of them, of this leaf; NULL: limited tools are refused */
    policy_bucket *root_buckets; /* policy_root_bucket_count of them, of this root; NULL: as above */
    uint64_t now_microseconds;   /* monotonic */
} policy_call;

typedef struct policy_price policy_price;

typedef struct {
    policy_decision decision;
    aip_status status; /* AIP_OK unless refused; else what to answer */
    bool violation;
    policy_ground ground;
    bool is_tool_call;
    bool wants_proof; /* the rule demands proof of possession, whatever the decision is; see policy_decide */
    policy_kind kind; /* of the rule; POLICY_TOOL of a tool call */
    aip_bytes method; /* the policy's spelling of an allowed one; else empty. Borrowed from the policy */
    aip_bytes tool;   /* the same of a tool (or of what else the kind is) that the policy names. Where it is not the
                         call's own spelling, a token has to allow this one, too: a server may take one for the other */
    uint32_t rule;    /* from 1, in the order of the kind's rules; 0: none */
    const policy_price *price; /* what the call costs; NULL: nothing. Borrowed from the policy */
    aip_bytes argument;        /* which one failed; an undeclared one as written. Borrowed from policy or message */
    aip_bytes pattern;         /* that it failed */
} policy_verdict;

/* Judges in the order of Y-20 and Y-21. Never fails: what cannot be judged is blocked. Allocates nothing, unless paths
 * are protected, an argument with a pattern is an object, or a pattern is one that only PCRE2 takes.
 * A rule that demands a proof refuses calls that are not `proven` (proof.missing).
 * `p` NULL: Y-12. */
void policy_decide(const policy *p, policy_scratch *scratch, const policy_call *call, policy_verdict *out);

/* `ALLOW`, `BLOCK`, `ALLOW_MONITOR`, `ASK`, `RATE_LIMITED`. */
const char *policy_decision_name(policy_decision decision);

/* The peer's sentence for the verdict. Repeats an undeclared argument's name, as a JSON string. */
void policy_reason(const policy_verdict *verdict, text_buffer *out);

/* ---- what the policy says ---- */

size_t policy_bucket_count(const policy *p);
size_t policy_root_bucket_count(const policy *p);
bool policy_monitors(const policy *p);

/* The pinned hash of a tool, `sha256:…`; empty when there is none. */
aip_bytes policy_schema_hash(const policy *p, aip_bytes tool);

/* Could any call of it by an agent of that root go on (so a list shows it)? `kind` is no POLICY_METHOD. */
bool policy_shows_to(const policy *p, policy_kind kind, aip_bytes name, aip_bytes root);

typedef enum { POLICY_DLP_ALL, POLICY_DLP_REQUEST, POLICY_DLP_RESPONSE } policy_dlp_scope;
typedef enum { POLICY_DLP_BLOCK, POLICY_DLP_REDACT, POLICY_DLP_WARN } policy_dlp_action;

typedef struct {
    const char *name, *regex;
    policy_dlp_scope scope;
    policy_dlp_action action; /* what it does; of requests without one, on_request_match */
    bool has_action;
} policy_dlp_pattern;

/* Of one tool, in place of what holds for all. */
typedef struct {
    const char *tool, *folded; /* as written; as it is compared after normalising */
    bool scan_requests, scan_responses;
    bool has_action;
    policy_dlp_action action; /* of all that is found in its calls */
} policy_dlp_tool;

typedef struct {
    const char *text; /* NULL: in the file */
    const char *file; /* its contents without a last line break; whoever wires reads it */
} policy_dlp_canary;

typedef struct {
    bool enabled, detect_encoding, filter_stderr, scan_requests, scan_responses;
    bool reject_on_failure; /* on_redaction_failure: reject */
    policy_dlp_action on_request_match;
    uint64_t max_scan_size; /* bytes */
    const policy_dlp_pattern *patterns;
    size_t pattern_count;
    bool builtin, block_unread;
    policy_dlp_action builtin_action;
    const policy_dlp_tool *tools;
    size_t tool_count;
    const policy_dlp_canary *canaries;
    size_t canary_count;
} policy_dlp;

/* What holds for that tool (any spelling); NULL: what holds for all. */
const policy_dlp_tool *policy_dlp_tool_of(const policy *p, aip_bytes tool);

/* NULL: the policy has no such part. */
const policy_dlp *policy_dlp_of(const policy *p);

/* How a person is asked (Y-40); the defaults where the policy says nothing. */
typedef struct {
    int64_t timeout_seconds, cooldown_seconds;
    uint32_t prompts_per_minute;
} policy_approval;

const policy_approval *policy_approval_of(const policy *p);

typedef enum { POLICY_PINS_FIRST_SIGHT, POLICY_PINS_SCHEMA_HASH, POLICY_PINS_OFF } policy_pins_mode;

/* How changes of what a server lists are met (Y-41); the defaults where the policy says nothing. */
typedef struct {
    policy_pins_mode mode;
    bool block_flagged; /* a description with hidden characters or instructions: refused, else a warning */
} policy_pins;

const policy_pins *policy_pins_of(const policy *p);

const char *policy_name(const policy *p); /* metadata.name */

/* Hash of the document without its signature (RFC 8785, SHA-256) and of the file's bytes, as 64 hexadecimal digits. */
const char *policy_hash(const policy *p);
const char *policy_file_sha256(const policy *p);

/* ---- prices (Y-35): whole micro-USD, from literals ---- */

/* The most that the call may cost. `arguments` as in policy_call. Errors: policy.price (an argument that is priced is
 * missing, no number from 0 up, or makes a price that is out of range). */
AIP_MUST_CHECK aip_status policy_price_hold(const policy_price *price, const scan_document *message, uint32_t arguments,
                                            uint64_t *micro_usd, aip_error *err);
/* What it costs after all, never above `hold`: `actual` where the response says one and the price trusts it. */
uint64_t policy_price_settle(const policy_price *price, uint64_t hold, uint64_t response_bytes, bool has_actual,
                             uint64_t actual_micro_usd);
bool policy_price_trusts_actual(const policy_price *price);

/* ---- explaining ---- */

/* The policy as it applies, the same text for the same policy. Errors: memory. */
AIP_MUST_CHECK aip_status policy_explain(const policy *p, text_buffer *out, aip_error *err);

/* One line: what decided, with rule, argument and pattern. Errors: memory. */
AIP_MUST_CHECK aip_status policy_explain_verdict(const policy_verdict *verdict, text_buffer *out, aip_error *err);

#endif
