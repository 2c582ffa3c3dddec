/* The policy as it applies, and which part of it decided, as text. */
#include "policy/policy_inside.h"

static const char *const sentences[] = {
    [POLICY_BY_FAILURE] = "the call cannot be judged",
    [POLICY_BY_NO_POLICY] = "no policy loaded",
    [POLICY_BY_METHOD_DENIED] = "method in denied_methods list",
    [POLICY_BY_METHOD_UNLISTED] = "method not in allowed_methods list",
    [POLICY_BY_METHOD] = "method permitted",
    [POLICY_BY_RATE] = "rate limit exceeded",
    [POLICY_BY_PATH] = "access to protected path blocked",
    [POLICY_BY_TOOL_DENIED] = "tool in denied_tools list",
    [POLICY_BY_RULE_BLOCK] = "tool has action=block in tool_rules",
    [POLICY_BY_SCHEMA] = "tool schema has changed since policy was created",
    [POLICY_BY_TOOL_UNLISTED] = "tool not in allowed_tools list",
    [POLICY_BY_ARGUMENT_MISSING] = "required argument missing",
    [POLICY_BY_ARGUMENT_PATTERN] = "argument failed regex validation",
    [POLICY_BY_ARGUMENT_UNDECLARED] = NULL,
    [POLICY_BY_RULE_ASK] = "tool requires user approval (action=ask)",
    [POLICY_BY_TOOL] = "tool allowed, no argument constraints",
    [POLICY_BY_ARGUMENTS] = "tool and arguments permitted",
};

const char *
policy_decision_name(policy_decision decision)
{
    static const char *const names[] = {[POLICY_BLOCK] = "BLOCK",
                                        [POLICY_RATE_LIMITED] = "RATE_LIMITED",
                                        [POLICY_ASK] = "ASK",
                                        [POLICY_ALLOW_MONITOR] = "ALLOW_MONITOR",
                                        [POLICY_ALLOW] = "ALLOW"};
    return names[decision];
}

void
policy_reason(const policy_verdict *verdict, text_buffer *out)
{
    if (verdict->ground == POLICY_BY_ARGUMENT_UNDECLARED) {
        text_append_string(out, "undeclared argument ");
        text_append_json(out, verdict->argument);
        text_append_string(out, " rejected (strict_args enabled)");
    } else {
        text_append_string(out, sentences[verdict->ground]);
    }
    if (verdict->decision == POLICY_ALLOW_MONITOR) {
        text_append_string(out, " (monitor mode: allowed for dry run)");
    }
}

/* ---- the policy ---- */

static void
put(text_buffer *out, const char *before, const char *text)
{
    text_append_string(out, before);
    text_append_json(out, aip_bytes_of(text));
}

static void
put_list(text_buffer *out, const char *title, const char *const *texts, size_t count)
{
    text_append_format(out, "%s:%s\n", title, count == 0 ? " none" : "");
    for (size_t i = 0; i < count; i++) {
        put(out, "  ", texts[i]);
        text_append_string(out, "\n");
    }
}

static void
put_rule(text_buffer *out, const policy_tool *tool)
{
    static const char *const actions[] = {
        [RULE_ALLOW] = "allowed", [RULE_BLOCK] = "blocked", [RULE_ASK] = "asks a person"};
    const policy_rule *rule = tool->rule;
    text_append_format(out, ": %s by rule %u", tool->denied ? "denied, else" : actions[rule->action], rule->number);
    if (tool->denied) {
        text_append_format(out, " %s", actions[rule->action]);
    }
    if (rule->strict) {
        text_append_string(out, ", no other arguments");
    }
    if (tool->rate != NULL) {
        text_append_format(out, ", at most %llu in %llu s", (unsigned long long)tool->rate_count,
                           (unsigned long long)(tool->rate_microseconds / 1000000));
    }
    if (rule->schema_hash != NULL) {
        text_append_format(out, ", with schema %s", rule->schema_hash);
    }
    text_append_string(out, "\n");
    for (size_t i = 0; i < rule->argument_count; i++) {
        put(out, "    ", rule->arguments[i].name);
        put(out, " matches ", rule->arguments[i].regex);
        text_append_string(out, "\n");
    }
}

static void
put_tools(text_buffer *out, const policy *p)
{
    text_append_format(out, "tools, all others %s:%s\n", p->monitor ? "forwarded as violations" : "refused",
                       p->tool_count == 0 ? " none" : "");
    for (size_t i = 0; i < p->tool_count; i++) {
        const policy_tool *tool = &p->tools[i];
        put(out, "  ", tool->written);
        if (tool->rule != NULL) {
            put_rule(out, tool);
        } else {
            text_append_format(out, ": %s%s\n", tool->denied ? "denied" : "allowed",
                               !tool->denied && p->strict_default ? ", no arguments" : "");
        }
    }
}

static void
put_methods(text_buffer *out, const policy *p)
{
    size_t allowed = p->allowed_methods.count, denied = p->method_count - allowed;
    if (p->any_method) {
        text_append_string(out, "methods allowed: any but the denied ones\n");
    } else {
        put_list(out, p->default_methods ? "methods allowed (the defaults)" : "methods allowed", p->methods, allowed);
    }
    put_list(out, "methods denied", p->methods + allowed, denied);
}

static void
put_dlp(text_buffer *out, const policy_dlp *dlp)
{
    static const char *const scopes[] = {
        [POLICY_DLP_ALL] = "both ways", [POLICY_DLP_REQUEST] = "requests", [POLICY_DLP_RESPONSE] = "responses"};
    if (dlp == NULL || !dlp->enabled) {
        text_append_string(out, "data loss prevention: off\n");
        return;
    }
    text_append_format(out, "data loss prevention: requests %s, responses %s, encodings %s\n",
                       dlp->scan_requests ? "scanned" : "not scanned", dlp->scan_responses ? "scanned" : "not scanned",
                       dlp->detect_encoding ? "decoded" : "not decoded");
    for (size_t i = 0; i < dlp->pattern_count; i++) {
        put(out, "  ", dlp->patterns[i].name);
        text_append_format(out, " in %s", scopes[dlp->patterns[i].scope]);
        put(out, " matches ", dlp->patterns[i].regex);
        text_append_string(out, "\n");
    }
}

aip_status
policy_explain(const policy *p, text_buffer *out, aip_error *err)
{
    put(out, "policy ", p->name);
    if (p->version != NULL) {
        put(out, ", version ", p->version);
    }
    text_append_format(out, ", %s\n", p->api_version);
    text_append_string(out, p->monitor ? "mode: monitor, violations are forwarded\n" : "mode: enforce\n");
    put_methods(out, p);
    put_tools(out, p);
    put_list(out, "protected paths", p->paths, p->path_count);
    put_dlp(out, p->dlp);
    return text_finish(out, err);
}

aip_status
policy_explain_verdict(const policy_verdict *verdict, text_buffer *out, aip_error *err)
{
    text_append_format(out, "%s: ", policy_decision_name(verdict->decision));
    policy_reason(verdict, out);
    if (verdict->tool.size > 0) {
        text_append_string(out, "; tool ");
        text_append_json(out, verdict->tool);
    }
    if (verdict->rule > 0) {
        text_append_format(out, "; rule %u", verdict->rule);
    }
    if (verdict->argument.size > 0 && verdict->ground != POLICY_BY_ARGUMENT_UNDECLARED) {
        text_append_string(out, "; argument ");
        text_append_json(out, verdict->argument);
        text_append_string(out, " against ");
        text_append_json(out, verdict->pattern);
    }
    if (verdict->status != AIP_OK) {
        text_append_format(out, "; %s", aip_status_lookup(verdict->status)->name);
    }
    text_append_string(out, "\n");
    return text_finish(out, err);
}
