/* Settles what a forwarded request cost, and writes its outcome. */
#include "gateway/conclude.h"

#include "base/clock.h"
#include "gateway/figures.h"
#include "gateway/stages.h"

static void
write_outcome(exchange *x)
{
    const exchange_findings *found = x->found;
    const audit_outcome outcome = {
        .decision_id = x->record.decision_id,
        .status = x->refusal.status,
        .http = x->upstream_http,
        .is_error = x->tool_failed,
        .state = x->state_wanted[0] == '\0' ? NULL : x->state_wanted,
        .has_cost = x->cost.hold != 0,
        .cost_micro_usd = x->cost.charged_micro_usd,
        .findings = found == NULL ? NULL : found->items + found->reported,
        .finding_count = found == NULL ? 0 : found->count - found->reported,
        .bytes = x->reply_bytes,
        .duration_microseconds = clock_monotonic_microseconds() - x->decided_microseconds,
    };
    figures_note_findings(x, outcome.finding_count);
    figures_note_outcome(x);
    uint64_t number;
    /* What can be done about a failure is done already: the next decision is refused. */
    (void)!audit_write_outcome(x->gateway->audit, &outcome, &number, NULL);
}

void
conclude(exchange *x)
{
    if (!x->forwarded || x->concluded) {
        return;
    }
    x->concluded = true;
    spend_settle(x);
    write_outcome(x);
}

void
conclude_left(exchange *x)
{
    if (!x->forwarded && !x->concluded) {
        bool was_allowed = x->line_asked && x->refusal.status == AIP_OK;
        x->concluded = true;
        spend_release(x);
        if (was_allowed) {
            x->refusal.status = AIP_CALLER_GONE;
            write_outcome(x);
        }
    } else if (x->refusal.status == AIP_OK && !x->concluded) {
        x->refusal.status = AIP_CALLER_GONE;
    }
    conclude(x);
}
