/* What stands in a line of the decision log, in which order, and how it is read back. */
#include "audit/line.h"

#include "base/clock.h"
#include "chain/report.h"
#include "crypto/base64url.h"

/* Pieces are put together without formats: this is written for every request. */
static void
append_name(text_buffer *line, const char *name)
{
    text_append(line, AIP_BYTES_LITERAL(",\""));
    text_append_string(line, name);
    text_append(line, AIP_BYTES_LITERAL("\":"));
}

static void
append_member(text_buffer *line, const char *name, aip_bytes value, size_t bytes_max)
{
    append_name(line, name);
    text_append_json(line, (aip_bytes){value.data, value.size < bytes_max ? value.size : bytes_max});
}

/* Text of ours, which needs no escapes. */
static void
append_word(text_buffer *line, const char *name, const char *word)
{
    append_name(line, name);
    text_append(line, AIP_BYTES_LITERAL("\""));
    text_append_string(line, word);
    text_append(line, AIP_BYTES_LITERAL("\""));
}

static void
append_number(text_buffer *line, const char *name, uint64_t value)
{
    char digits[21], *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    append_name(line, name);
    text_append_string(line, at);
}

void
audit_line_digest(text_buffer *line, const char *name, const unsigned char digest[AIP_HASH_BYTES])
{
    char text[BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) + 1];
    base64url_encode((aip_bytes){digest, AIP_HASH_BYTES}, text);
    append_word(line, name, text);
}

static void
append_chain(text_buffer *line, const audit_record *record)
{
    size_t length = record->chain == NULL ? 0 : aip_chain_length(record->chain);
    if (record->verified) {
        append_member(line, "root", record->root, AIP_IDENTIFIER_BYTES_MAX);
        append_member(line, "leaf", record->leaf, AIP_IDENTIFIER_BYTES_MAX);
    }
    append_number(line, "depth", length);
    text_append_string(line, ",\"links\":[");
    for (size_t i = 0; i < length; i++) {
        char link[44];
        aip_chain_link_id(record->chain, i, link);
        text_append_string(line, i == 0 ? "\"" : ",\"");
        text_append_string(line, link);
        text_append_string(line, "\"");
    }
    text_append_string(line, "]");
    if (record->verified) { /* before that, these are a stranger's words */
        text_append_string(line, ",\"contexts\":");
        chain_append_contexts(line, record->chain);
        text_append_string(line, ",\"principal\":");
        chain_append_principal(line, record->chain);
    }
    if (record->has_budget) {
        append_number(line, "budget_micro_usd", record->budget_micro_usd);
    }
}

void
audit_line_decision(text_buffer *line, const audit_record *record)
{
    char time[21];
    clock_format_utc(record->time_seconds, time);
    text_append_string(line, "{\"event\":\"decision\"");
    append_word(line, "time", time);
    append_word(line, "decision_id", record->decision_id);
    append_word(line, "decision", record->allowed ? "ALLOW" : "BLOCK");
    append_word(line, "code", aip_status_lookup(record->status)->name);
    if (record->at != AIP_NOWHERE) {
        text_append_format(line, ",\"at\":%d", record->at);
    }
    append_word(line, "stage", record->stage);
    append_word(line, "protocol", record->protocol);
    append_member(line, "method", record->method, 128);
    if (record->tool.size > 0) {
        append_member(line, "tool", record->tool, AIP_TOOL_BYTES_MAX);
    }
    append_chain(line, record);
    if (record->has_digest) {
        audit_line_digest(line, "request_digest", record->request_digest);
    }
    if (record->http != 0) {
        text_append_format(line, ",\"http\":%d", record->http);
    }
    append_word(line, "proof", record->proven ? "holder" : "none");
    append_member(line, "peer", aip_bytes_of(record->peer), 64);
}

void
audit_line_outcome(text_buffer *line, const char *decision_id, aip_status outcome)
{
    char time[21];
    clock_format_utc(clock_now_seconds(), time);
    text_append_format(line, "{\"event\":\"outcome\",\"time\":\"%s\",\"decision_id\":\"%s\",\"code\":\"%s\"", time,
                       decision_id, aip_status_lookup(outcome)->name);
}

void
audit_line_rotation(text_buffer *line, uint32_t number, uint64_t lines)
{
    char time[21];
    clock_format_utc(clock_now_seconds(), time);
    text_append_format(line, "{\"event\":\"rotation\",\"time\":\"%s\",\"number\":%u,\"lines\":%llu", time,
                       (unsigned)number, (unsigned long long)lines);
}

void
audit_line_finish(text_buffer *line, uint64_t seq, const unsigned char prev[AIP_HASH_BYTES])
{
    append_number(line, "seq", seq);
    audit_line_digest(line, "prev", prev);
    text_append_string(line, "}\n");
}

static audit_event
event_of(aip_bytes name)
{
    static const char *const names[] = {"decision", "outcome", "checkpoint", "rotation"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (aip_bytes_equal(name, aip_bytes_of(names[i]))) {
            return (audit_event)i;
        }
    }
    return AUDIT_OTHER;
}

aip_bytes
audit_line_text(const audit_line *line, const char *name)
{
    aip_bytes text = {NULL, 0};
    uint32_t node = scan_member(&line->document, 0, name);
    if (node == SCAN_NONE || scan_kind_of(&line->document, node) != SCAN_STRING ||
        scan_plain_string(&line->document, node, &text, NULL) != AIP_OK) {
        return (aip_bytes){NULL, 0};
    }
    return text;
}

aip_status
audit_line_read(aip_bytes text, scan_node nodes[AUDIT_LINE_NODES_MAX], audit_line *out, aip_error *err)
{
    static const scan_limits limits = {AUDIT_LINE_BYTES_MAX, AIP_JSON_DEPTH_TOKEN, AUDIT_LINE_NODES_MAX};
    size_t size = 0;
    if (scan_into(text, &limits, nodes, AUDIT_LINE_NODES_MAX, &out->document, NULL) != AIP_OK) {
        return aip_fail(err, AIP_AUDIT_MALFORMED, "it is no JSON of ours");
    }
    aip_bytes prev = audit_line_text(out, "prev");
    if (prev.size != BASE64URL_TEXT_SIZE(AIP_HASH_BYTES) ||
        base64url_decode(prev, out->prev, sizeof out->prev, &size, NULL) != AIP_OK) {
        return aip_fail(err, AIP_AUDIT_MALFORMED, "it has no hash of the line before");
    }
    uint32_t seq = scan_member(&out->document, 0, "seq");
    out->has_seq = seq != SCAN_NONE;
    out->seq = 0;
    if (out->has_seq && (scan_integer(&out->document, seq, INT64_MAX, &out->seq, NULL) != AIP_OK || out->seq == 0)) {
        return aip_fail(err, AIP_AUDIT_MALFORMED, "its number is none");
    }
    out->event = event_of(audit_line_text(out, "event"));
    return AIP_OK;
}
