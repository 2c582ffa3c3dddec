/* Writes lines of the decision log in the shape of other gateways' logs. */
#include "audit/project.h"

#include <stdlib.h>

#include "audit/line.h"
#include "base/text.h"

/* A line and the members that are asked of it. */
typedef struct {
    scan_document document;
    text_buffer *out;
} projection;

static uint32_t
member(const projection *p, const char *name)
{
    return scan_member(&p->document, 0, name);
}

/* The value as it stands, under the name that it has over there; what is absent or empty stays away. */
static void
append_as(projection *p, const char *theirs, uint32_t node)
{
    aip_bytes raw = node == SCAN_NONE ? (aip_bytes){NULL, 0} : scan_raw(&p->document, node);
    if (raw.size == 0 || aip_bytes_equal(raw, AIP_BYTES_LITERAL("\"\"")) ||
        aip_bytes_equal(raw, AIP_BYTES_LITERAL("null"))) {
        return;
    }
    text_append_format(p->out, ",\"%s\":", theirs);
    text_append(p->out, raw);
}

static void
append_members(projection *p, const char *const (*names)[2])
{
    for (; (*names)[0] != NULL; names++) {
        append_as(p, (*names)[0], member(p, (*names)[1]));
    }
}

static bool
says(const projection *p, const char *name, const char *wanted)
{
    uint32_t node = member(p, name);
    return node != SCAN_NONE && scan_kind_of(&p->document, node) == SCAN_STRING &&
           scan_string_equals(&p->document, node, aip_bytes_of(wanted));
}

static void
begin(projection *p, const char *level, const char *message, const char *direction)
{
    uint32_t time = member(p, "time");
    text_append_string(p->out, "{\"time\":");
    text_append(p->out, scan_raw(&p->document, time));
    text_append_format(p->out, ",\"level\":\"%s\",\"msg\":\"%s\"", level, message);
    append_as(p, "timestamp", time);
    text_append_format(p->out, ",\"direction\":\"%s\"", direction);
}

static void
end(projection *p)
{
    text_append_string(p->out, "}\n");
}

/* Arguments stand in our log as a text; over there they are the object itself, on one line. */
static void
append_arguments(projection *p)
{
    static const scan_limits limits = {AUDIT_LINE_BYTES_MAX, AIP_JSON_DEPTH_MAX, AUDIT_LINE_NODES_MAX};
    uint32_t node = member(p, "arguments");
    scan_document inner = {0};
    char text[AUDIT_ARGUMENTS_BYTES_MAX];
    size_t size = 0;
    if (node == SCAN_NONE || scan_kind_of(&p->document, node) != SCAN_STRING ||
        scan_unescape(&p->document, node, text, sizeof text, &size, NULL) != AIP_OK) {
        return;
    }
    if (scan_load((aip_bytes){(unsigned char *)text, size}, &limits, &inner, NULL) != AIP_OK) {
        append_as(p, "args", node);
        return;
    }
    scan_clear(&inner);
    for (size_t i = 0; i < size; i++) { /* white space between values: in strings it would have been refused */
        text[i] = (unsigned char)text[i] < 0x20 ? ' ' : text[i];
    }
    text_append_string(p->out, ",\"args\":");
    text_append(p->out, (aip_bytes){(unsigned char *)text, size});
}

static void
append_action(projection *p, uint32_t action)
{
    if (action != SCAN_NONE && scan_kind_of(&p->document, action) == SCAN_STRING &&
        scan_string_equals(&p->document, action, AIP_BYTES_LITERAL("redacted"))) {
        text_append_string(p->out, ",\"dlp_action\":\"REDACTED\"");
    } else {
        append_as(p, "dlp_action", action);
    }
}

/* Data-loss prevention has a record of its own for each finding. */
static void
project_findings(projection *p)
{
    uint32_t list = member(p, "findings");
    uint32_t found = list == SCAN_NONE ? SCAN_NONE : scan_child(&p->document, list);
    for (; found != SCAN_NONE; found = scan_next(&p->document, found)) {
        uint32_t direction = scan_member(&p->document, found, "direction");
        bool down = direction != SCAN_NONE && scan_kind_of(&p->document, direction) == SCAN_STRING &&
                    scan_string_equals(&p->document, direction, AIP_BYTES_LITERAL("response"));
        begin(p, "WARN", "dlp", down ? "downstream" : "upstream");
        text_append_string(p->out, ",\"event\":\"DLP_TRIGGERED\"");
        append_as(p, "dlp_rule", scan_member(&p->document, found, "name"));
        append_action(p, scan_member(&p->document, found, "action"));
        append_as(p, "dlp_match_count", scan_member(&p->document, found, "count"));
        append_as(p, "decision_id", member(p, "decision_id"));
        end(p);
    }
}

static void
project_method_block(projection *p)
{
    static const char *const names[][2] = {{"method", "method"},
                                           {"reason", "ground"},
                                           {"policy_mode", "policy_mode"},
                                           {"decision_id", "decision_id"},
                                           {NULL, NULL}};
    begin(p, "WARN", "method_block", "upstream");
    text_append_string(p->out, ",\"event\":\"METHOD_BLOCKED\"");
    append_members(p, names);
    end(p);
}

static void
project_path_block(projection *p)
{
    static const char *const names[][2] = {{"tool", "tool"},
                                           {"protected_path", "ground"},
                                           {"policy_mode", "policy_mode"},
                                           {"decision_id", "decision_id"},
                                           {NULL, NULL}};
    begin(p, "WARN", "protected_path_block", "upstream");
    text_append_string(p->out, ",\"event\":\"PROTECTED_PATH_BLOCKED\"");
    append_members(p, names);
    append_arguments(p);
    end(p);
}

static void
project_decision(projection *p)
{
    static const char *const before[][2] = {{"decision", "decision"},   {"policy_mode", "policy_mode"},
                                            {"violation", "violation"}, {"method", "method"},
                                            {"tool", "tool"},           {NULL, NULL}};
    static const char *const after[][2] = {{"failed_arg", "failed_argument"},
                                           {"failed_rule", "ground"},
                                           {"policy_hash", "policy_hash"},
                                           {"policy_name", "policy_name"},
                                           {"agent_id", "leaf"},
                                           {"aat_issuer", "root"},
                                           {"user_id", "principal"},
                                           {"request_id", "request_id"},
                                           {"approver", "approver"},
                                           {"decision_id", "decision_id"},
                                           {NULL, NULL}};
    begin(p, "INFO", "audit", "upstream");
    append_members(p, before);
    append_arguments(p);
    append_members(p, after);
    if (!says(p, "code", "ok")) {
        append_as(p, "error_reason", member(p, "code"));
    }
    end(p);
    if (says(p, "code", "policy.method")) {
        project_method_block(p);
    } else if (says(p, "code", "policy.path")) {
        project_path_block(p);
    }
    project_findings(p);
}

aip_status
audit_project(aip_bytes line, text_buffer *out, aip_error *err)
{
    static const scan_limits limits = {AUDIT_LINE_BYTES_MAX, AIP_JSON_DEPTH_TOKEN, AUDIT_LINE_NODES_MAX};
    projection p = {.out = out};
    if (scan_load(line, &limits, &p.document, NULL) != AIP_OK || member(&p, "time") == SCAN_NONE) {
        scan_clear(&p.document);
        return aip_fail(err, AIP_AUDIT_MALFORMED, "it is no JSON of ours");
    }
    if (says(&p, "event", "decision")) {
        project_decision(&p);
    } else if (says(&p, "event", "outcome")) {
        project_findings(&p);
    }
    scan_clear(&p.document);
    return text_finish(out, err);
}
