/* Tool descriptions that hide something from people, or that give orders to the model that reads them. */
#ifndef POLICY_SUSPICIOUS_H
#define POLICY_SUSPICIOUS_H

#include "base/scan.h"

typedef struct suspicious suspicious; /* may be used by any thread */

/* Errors: memory; pattern.invalid. */
AIP_MUST_CHECK aip_status suspicious_new(suspicious **out, aip_error *err);
void suspicious_free(suspicious **s);

#define SUSPICIOUS_FINDINGS_MAX 16

/* One finding; it never repeats the text. Both strings are static. */
typedef struct {
    const char *name;  /* a contract: `hidden.…`, `instruct.…`, `name.…`; policy/suspicious.def */
    const char *place; /* the tool's member: `description`, `inputSchema`, …; `other` */
    uint32_t node;     /* the string, or the member whose name it is */
} suspicious_finding;

typedef struct {
    suspicious_finding items[SUSPICIOUS_FINDINGS_MAX]; /* each name once for each place; the first ones */
    size_t count;
} suspicious_findings;

/* Looks at every string and member name of a tool (or prompt or resource) of a list, but not into `icons` and `_meta`,
 * which no model reads. Some text is flagged that is meant well: what follows is the operator's choice. Errors: memory,
 * pattern.invalid, pattern.limit, internal: then it counts as suspicious. */
AIP_MUST_CHECK aip_status suspicious_check(suspicious *s, const scan_document *document, uint32_t tool,
                                           suspicious_findings *out, aip_error *err);

#endif
