/* Lines that are no decisions: outcomes, events, rotations. */
#include "audit/line_inside.h"
#include "base/clock.h"

static void
begin_now(text_buffer *line, const char *event)
{
    line_reserve(line);
    LINE_LITERAL(line, "{\"event\":\"");
    text_append_string(line, event);
    LINE_LITERAL(line, "\"");
    line_append_time(line, clock_now_seconds());
}

static void
write_outcome(text_buffer *line, const audit_outcome *outcome, line_amount amount)
{
    begin_now(line, "outcome");
    LINE_WORD(line, "decision_id", outcome->decision_id);
    LINE_WORD(line, "code", aip_status_lookup(outcome->status)->name);
    if (outcome->http > 0) {
        LINE_NUMBER(line, "http", (uint64_t)outcome->http);
    }
    LINE_NAME(line, "is_error");
    line_put(line, outcome->is_error ? AIP_BYTES_LITERAL("true") : AIP_BYTES_LITERAL("false"));
    if (outcome->completion != NULL) {
        LINE_WORD(line, "completion", outcome->completion);
    }
    if (outcome->state != NULL) {
        LINE_WORD(line, "state", outcome->state);
    }
    if (outcome->has_cost) {
        LINE_NUMBER(line, "cost_micro_usd", outcome->cost_micro_usd);
    }
    line_append_findings(line, outcome->findings, outcome->finding_count, amount);
    if (outcome->has_digest) {
        LINE_DIGEST(line, "response_digest", outcome->response_digest);
    }
    LINE_NUMBER(line, "bytes", outcome->bytes);
    LINE_NUMBER(line, "duration_us", outcome->duration_microseconds);
}

void
audit_line_outcome(text_buffer *line, const audit_outcome *outcome)
{
    write_outcome(line, outcome, LINE_WHOLE);
    if (line->size > LINE_BEGUN_BYTES_MAX) {
        write_outcome(line, outcome, LINE_BARE);
    }
}

aip_status
audit_line_event(text_buffer *line, const audit_event *event, aip_error *err)
{
    audit_line_kind kind = audit_line_kind_of(aip_bytes_of(event->name));
    if (kind < AUDIT_ALERT || kind > AUDIT_HOLD_FREED) {
        return aip_fail(err, AIP_INTERNAL, "no such event of the log");
    }
    begin_now(line, event->name);
    if (event->decision_id != NULL) {
        LINE_WORD(line, "decision_id", event->decision_id);
    }
    LINE_TEXT(line, "subject", event->subject, AIP_IDENTIFIER_BYTES_MAX);
    LINE_TEXT(line, "detail", event->detail, AUDIT_ARGUMENTS_BYTES_MAX);
    LINE_TEXT(line, "by", event->by, AIP_IDENTIFIER_BYTES_MAX);
    return AIP_OK;
}

void
audit_line_rotation(text_buffer *line, uint32_t number, uint64_t lines)
{
    begin_now(line, "rotation");
    LINE_NUMBER(line, "number", number);
    LINE_NUMBER(line, "lines", lines);
}
