/* Policies of an operator for tool calls (spec/policy.md): loaded once, immutable, and then decisions by lookup. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/scan.h"
#include "base/text.h"
#include "policy/path.h"

typedef struct policy policy;
typedef struct policy_scratch policy_scratch; /* what deciding needs beside the policy: one per thread */

/* What does not belong to the policy's text. */
typedef struct {
    const path_setting *paths; /* what protected paths are relative to; NULL: a policy that protects paths is refused */
    const char *file;          /* the policy's own path, protected as well; or NULL */
    text_buffer *warnings;     /* one a line; or NULL */
    bool lenient;              /* unknown keys warn */
} policy_origin;

/* Loads one document of apiVersion aip.io/v1alpha1 to 3. All that it says is enforced by policy_decide, or handed out
 * by the functions below, or refused by name. `err->offset` is the line, the detail begins `line L, column C: `.
 * Errors: config.invalid, pattern.invalid, base/yaml.h's, memory. */
AIP_MUST_CHECK aip_status policy_load(aip_bytes text, const policy_origin *origin, policy **out, aip_error *err);
void policy_free(policy **p);

/* Makes `*scratch` (NULL at first) fit the policy and messages of that size. Errors: memory. */
AIP_MUST_CHECK aip_status policy_scratch_grow(policy_scratch **scratch, const policy *p, size_t message_bytes,
                                              aip_error *err);
void policy_scratch_free(policy_scratch **scratch);

/* ---- deciding ---- */

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
    POLICY_BY_METHOD, /* no tool call: the method alone */
    POLICY_BY_RATE,
    POLICY_BY_PATH,
    POLICY_BY_TOOL_DENIED,
    POLICY_BY_RULE_BLOCK,
    POLICY_BY_SCHEMA,
    POLICY_BY_TOOL_UNLISTED,
    POLICY_BY_ARGUMENT_MISSING,
    POLICY_BY_ARGUMENT_PATTERN,
    POLICY_BY_ARGUMENT_UNDECLARED,
    POLICY_BY_RULE_ASK,
    POLICY_BY_TOOL,      /* allowed, nothing asked of its arguments */
    POLICY_BY_ARGUMENTS, /* allowed, and the arguments fit */
} policy_ground;

/* A token bucket of one caller and one tool; zeros are a full one. */
typedef struct {
    uint64_t used, at;
} policy_bucket;

/* One message as its protocol's reader sees it. */
typedef struct {
    aip_bytes method, tool;       /* as the client wrote them, unescaped; `tool` of tool calls */
    const scan_document *message; /* NULL: neither parameters nor arguments */
    uint32_t parameters;          /* all that paths are looked for in; SCAN_NONE: there are none */
    uint32_t arguments;           /* an object within; SCAN_NONE or null: {} */
    aip_bytes schema_hash;     /* of the tool as the server lists it, as policy_schema_hash wants it; empty: unknown */
    policy_bucket *buckets;    /* policy_bucket_count of them, of this caller; NULL: limited tools are refused */
    uint64_t now_microseconds; /* monotonic */
} policy_call;

typedef struct {
    policy_decision decision;
    aip_status status; /* AIP_OK unless refused; else what to answer */
    bool violation;
    policy_ground ground;
    bool is_tool_call;
    aip_bytes method;   /* the policy's spelling of an allowed one; else empty. Borrowed from the policy */
    aip_bytes tool;     /* the same of a tool that the policy names */
    uint32_t rule;      /* from 1, in the order of tool_rules; 0: none */
    aip_bytes argument; /* which one failed; an undeclared one as written. Borrowed from policy or message */
    aip_bytes pattern;  /* that it failed */
} policy_verdict;

/* Judges in the order of Y-20 and Y-21. Never fails: what cannot be judged is blocked. Allocates nothing, unless paths
 * are protected, an argument with a pattern is an object, or a pattern is one that only PCRE2 takes.
 * `p` NULL: Y-12. */
void policy_decide(const policy *p, policy_scratch *scratch, const policy_call *call, policy_verdict *out);

/* `ALLOW`, `BLOCK`, `ALLOW_MONITOR`, `ASK`, `RATE_LIMITED`. */
const char *policy_decision_name(policy_decision decision);

/* The peer's sentence for the verdict. Repeats an undeclared argument's name, as a JSON string. */
void policy_reason(const policy_verdict *verdict, text_buffer *out);

/* ---- what the policy says ---- */

size_t policy_bucket_count(const policy *p);
bool policy_monitors(const policy *p);

/* The pinned hash of a tool, `sha256:…`; empty when there is none. */
aip_bytes policy_schema_hash(const policy *p, aip_bytes tool);

/* Could any call of the tool go on (tools/list shows it)? */
bool policy_shows(const policy *p, aip_bytes tool);

typedef enum { POLICY_DLP_ALL, POLICY_DLP_REQUEST, POLICY_DLP_RESPONSE } policy_dlp_scope;
typedef enum { POLICY_DLP_BLOCK, POLICY_DLP_REDACT, POLICY_DLP_WARN } policy_dlp_action;

typedef struct {
    const char *name, *regex;
    policy_dlp_scope scope;
} policy_dlp_pattern;

typedef struct {
    bool enabled, detect_encoding, filter_stderr, scan_requests, scan_responses;
    bool reject_on_failure; /* on_redaction_failure: reject */
    policy_dlp_action on_request_match;
    uint64_t max_scan_size; /* bytes */
    const policy_dlp_pattern *patterns;
    size_t pattern_count;
} policy_dlp;

/* NULL: the policy has no such part. */
const policy_dlp *policy_dlp_of(const policy *p);

/* ---- explaining ---- */

/* The policy as it applies, the same text for the same policy. Errors: memory. */
AIP_MUST_CHECK aip_status policy_explain(const policy *p, text_buffer *out, aip_error *err);

/* One line: what decided, with rule, argument and pattern. Errors: memory. */
AIP_MUST_CHECK aip_status policy_explain_verdict(const policy_verdict *verdict, text_buffer *out, aip_error *err);

#endif
