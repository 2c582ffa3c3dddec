/* The list of what was found. */
#include "dlp/findings.h"

#include <stdlib.h>

#include "aip/limits.h"

aip_status
dlp_findings_add(dlp_findings *findings, const dlp_finding *finding, aip_error *err)
{
    if (findings->count == AIP_DLP_FINDINGS_MAX) {
        return aip_fail(err, AIP_DLP_FAILED, "more than %d findings", AIP_DLP_FINDINGS_MAX);
    }
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity == 0 ? 8 : findings->capacity * 2;
        dlp_finding *items = reallocarray(findings->items, capacity, sizeof *items);
        if (items == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        findings->items = items;
        findings->capacity = capacity;
    }
    findings->items[findings->count++] = *finding;
    return AIP_OK;
}

void
dlp_findings_clear(dlp_findings *findings)
{
    free(findings->items);
    *findings = (dlp_findings){0};
}

static int
compare(const void *left, const void *right)
{
    const dlp_finding *a = left, *b = right;
    if (a->start != b->start) {
        return a->start < b->start ? -1 : 1;
    }
    return (a->rule > b->rule) - (a->rule < b->rule);
}

/* `kept` begins no later than `other`, and they overlap. The strictest action of the two holds. */
static void
join(dlp_finding *kept, const dlp_finding *other)
{
    dlp_finding claimer = other->rule < kept->rule ? *other : *kept;
    claimer.start = kept->start;
    claimer.end = other->end > kept->end ? other->end : kept->end;
    bool redacts = kept->action == DLP_REDACT || other->action == DLP_REDACT;
    bool blocks = kept->action == DLP_BLOCK || other->action == DLP_BLOCK;
    claimer.action = blocks ? DLP_BLOCK : redacts ? DLP_REDACT : DLP_WARN;
    *kept = claimer;
}

void
dlp_findings_settle(dlp_findings *findings)
{
    size_t kept = 0;
    if (findings->count < 2) {
        return;
    }
    qsort(findings->items, findings->count, sizeof findings->items[0], compare);
    for (size_t i = 1; i < findings->count; i++) {
        if (findings->items[i].start < findings->items[kept].end) {
            join(&findings->items[kept], &findings->items[i]);
        } else {
            findings->items[++kept] = findings->items[i];
        }
    }
    findings->count = kept + 1;
}

aip_status
dlp_findings_judge(const dlp_findings *findings, bool block_unread, aip_error *err)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].action == DLP_BLOCK) {
            char name[AIP_DLP_NAME_BYTES_MAX + 1];
            aip_printable(aip_bytes_of(findings->items[i].name), name, sizeof name);
            return aip_fail(err, AIP_DLP_BLOCKED, "%s", name);
        }
    }
    return findings->unread && block_unread ? aip_fail(err, AIP_DLP_FAILED, "an encoding could not be looked into")
                                            : AIP_OK;
}
