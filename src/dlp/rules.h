/* What data-loss prevention is to look for and to do: filled by whoever loads a policy (spec/dlp.md). */
#ifndef DLP_RULES_H
#define DLP_RULES_H

#include "aip/error.h"

enum { DLP_REQUEST = 1, DLP_RESPONSE = 2, DLP_BOTH = 3 };

typedef enum { DLP_REDACT, DLP_WARN, DLP_BLOCK } dlp_action; /* in order of strictness beyond redaction */

/* A pattern of the policy's own. */
typedef struct {
    const char *name;  /* 1 to AIP_DLP_NAME_BYTES_MAX bytes; stands in the marker as it is */
    const char *regex; /* RE2's dialect */
    unsigned scope;    /* DLP_REQUEST, DLP_RESPONSE or both */
    dlp_action action;
} dlp_pattern;

/* From what the built-in detectors do; patterns of the policy are not concerned (D-16). */
typedef struct {
    const char *name; /* of a detector; each at most once */
    bool off;         /* it is left out */
    dlp_action action;
} dlp_exception;

/* Zero: nothing is looked for. All is borrowed until dlp_scanner_new returns. */
typedef struct {
    const dlp_pattern *patterns; /* in the order in which they claim text */
    size_t count;
    const aip_bytes *canaries; /* planted values: always DLP_BLOCK, always DLP_BOTH */
    size_t canary_count;
    bool builtin;              /* all detectors of detectors.def, after the policy's own */
    dlp_action builtin_action; /* what they do */
    const dlp_exception *exceptions;
    size_t exception_count;
    bool detect_encoding; /* looks into encodings */
    bool block_unread;    /* what could not be looked into is blocked, not marked */
} dlp_rules;

#endif
