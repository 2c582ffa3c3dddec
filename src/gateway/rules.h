/* The operator's rules as one snapshot: each policy file with what it says of calls, secrets and prices, compiled. */
#ifndef GATEWAY_RULES_H
#define GATEWAY_RULES_H

#include "dlp/scan.h"
#include "policy/policy.h"

typedef struct rules rules;             /* immutable, shared */
typedef struct rules_tools rules_tools; /* one shard's scratch memory for any snapshot */

/* What one policy file says. */
typedef struct {
    char *file; /* as configured */
    policy *policy;
    uint64_t serial;  /* never given twice in one process: of its scratch memory */
    uint64_t buckets; /* the serial of the first one with the same text: of its buckets */
    struct rule_scanners *scanners;
} rule_set;

typedef struct {
    const char *const *files;
    size_t count;
    path_setting paths;           /* what protected paths are relative to */
    const char *const *own_files; /* of the gateway, protected by every policy */
    size_t own_file_count;
    const aip_public_key *keys; /* that may sign policies */
    size_t key_count;
} rules_setup;

/* Loads each file once. `problems` receives a line for each thing that is wrong, as `file:line:column: sentence`, and
 * for each warning. Errors: config.invalid, pattern.invalid, policy.signature, io, memory. */
AIP_MUST_CHECK aip_status rules_load(const rules_setup *setup, rules **out, text_buffer *problems, aip_error *err);
void rules_free(rules **r);
/* By the name of its file; NULL: there is none. */
const rule_set *rules_find(const rules *r, const char *file);
/* Callers do not get new rates from a policy that was loaded again as it was. */
void rules_keep_buckets(rules *r, const rules *before);
size_t rules_count(const rules *r); /* NULL has none */
const rule_set *rules_at(const rules *r, size_t i);

/* What looks into messages of that direction (DLP_REQUEST or DLP_RESPONSE) that concern a tool; empty: no tool. NULL:
 * they are not looked into. */
const dlp_scanner *rules_scanner(const rule_set *set, unsigned direction, aip_bytes tool);

/* What takes all that any rule finds out of a text for the log. NULL: there are no rules, and nothing is logged. */
const dlp_scanner *rules_audit_scanner(const rule_set *set);

AIP_MUST_CHECK aip_status rules_tools_new(rules_tools **out, aip_error *err);
void rules_tools_free(rules_tools **tools);

/* Scratch memory that fits; borrowed until the next call. Errors: memory. */
AIP_MUST_CHECK aip_status rules_policy_scratch(rules_tools *tools, const rule_set *set, size_t message_bytes,
                                               policy_scratch **out, aip_error *err);
AIP_MUST_CHECK aip_status rules_workspace(rules_tools *tools, const rule_set *set, const dlp_scanner *scanner,
                                          dlp_workspace **out, aip_error *err);

#endif
