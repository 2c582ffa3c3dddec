/* What loading rules and finding their scanners share. */
#ifndef GATEWAY_RULES_INSIDE_H
#define GATEWAY_RULES_INSIDE_H

#include "gateway/rules.h"

typedef struct {
    dlp_scanner *request, *response;
} tool_scanners;

struct rule_scanners {
    dlp_scanner *request, *response; /* of all tools that have none of their own; NULL: not looked into */
    dlp_scanner *audit;              /* redacts everything */
    tool_scanners *tools;            /* as policy_dlp's */
    size_t tool_count;
};

/* Errors: config.invalid, pattern.invalid, io (a canary's file), memory. */
AIP_MUST_CHECK aip_status rule_scanners_new(const policy *p, struct rule_scanners **out, aip_error *err);
/* Appends a warning for each pattern that is slow. */
void rule_scanners_warn(const rule_set *set, text_buffer *out);
void rule_scanners_free(struct rule_scanners **scanners);

#endif
