/* What was found, where: never the text itself. */
#ifndef DLP_FINDINGS_H
#define DLP_FINDINGS_H

#include "dlp/rules.h"

typedef struct {
    const char *name; /* the scanner's */
    size_t start, end;
    unsigned rule; /* in the order of claiming */
    dlp_action action;
    bool encoded; /* not readable in the text as it stands */
    bool own;     /* of an expression of the policy, which may match anything */
    bool canary;  /* a value that somebody planted */
} dlp_finding;

/* Zero-initialise. */
typedef struct {
    dlp_finding *items;
    size_t count, capacity;
    bool unread; /* something could not be looked into: too deep, too large or damaged */
} dlp_findings;

/* dlp.failed when there are AIP_DLP_FINDINGS_MAX already; memory. */
AIP_MUST_CHECK aip_status dlp_findings_add(dlp_findings *findings, const dlp_finding *finding, aip_error *err);
void dlp_findings_clear(dlp_findings *findings); /* frees */

/* By place; of those that overlap the first to claim stays and takes in what the others cover beyond it. */
void dlp_findings_settle(dlp_findings *findings);

/* dlp.blocked, with the name of the pattern, when one of them blocks, or something unread is to be blocked. */
AIP_MUST_CHECK aip_status dlp_findings_judge(const dlp_findings *findings, bool block_unread, aip_error *err);

#endif
