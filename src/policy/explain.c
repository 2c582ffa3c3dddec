/* Which part of a policy decided, as text. */
#include "policy/policy_inside.h"

static const char *const sentences[] = {
    [POLICY_BY_FAILURE] = "the call cannot be judged",
    [POLICY_BY_NO_POLICY] = "no policy loaded",
    [POLICY_BY_METHOD_DENIED] = "method in denied_methods list",
    [POLICY_BY_METHOD_UNLISTED] = "method not in allowed_methods list",
    [POLICY_BY_METHOD] = "method permitted",
    [POLICY_BY_RATE] = "rate limit exceeded",
    [POLICY_BY_ROOT_RATE] = "rate limit of the root exceeded",
    [POLICY_BY_PROOF] = "proof of possession required",
    [POLICY_BY_ROOT] = "root not in roots list",
    [POLICY_BY_RULE] = "permitted by rule",
    [POLICY_BY_PATH] = "access to protected path blocked",
    [POLICY_BY_PATH_LIMIT] = "more could be paths than is looked at in one message",
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

static const char *const nouns[POLICY_KINDS] = {
    [POLICY_METHOD] = "method", "tool", "resource", "prompt", "skill", "route"};

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

/* What stands between the noun and its list, for rules on other things than tools; NULL: as of tools. */
static const char *
middle_of(policy_ground ground)
{
    return ground == POLICY_BY_TOOL_UNLISTED ? " not listed in "
           : ground == POLICY_BY_RULE_BLOCK  ? " has action=block in "
           : ground == POLICY_BY_RULE_ASK    ? " requires user approval by "
           : ground == POLICY_BY_RULE        ? " permitted by "
                                             : NULL;
}

static void
put_sentence(const policy_verdict *v, text_buffer *out)
{
    static const char *const lists[POLICY_KINDS] = {
        [POLICY_METHOD] = "a2a_rules",    [POLICY_TOOL] = "tool_rules", [POLICY_RESOURCE] = "resource_rules",
        [POLICY_PROMPT] = "prompt_rules", [POLICY_SKILL] = "a2a_rules", [POLICY_ROUTE] = "http_rules"};
    const char *middle = middle_of(v->ground);
    if (v->ground == POLICY_BY_ARGUMENT_UNDECLARED) {
        text_append_string(out, "undeclared argument ");
        text_append_json(out, v->argument);
        text_append_string(out, " rejected (strict_args enabled)");
    } else if (middle == NULL || v->kind == POLICY_TOOL) {
        text_append_string(out, sentences[v->ground]);
    } else {
        text_append_format(out, "%s%s%s", nouns[v->kind], middle, lists[v->kind]);
    }
}

void
policy_reason(const policy_verdict *verdict, text_buffer *out)
{
    put_sentence(verdict, out);
    if (verdict->decision == POLICY_ALLOW_MONITOR) {
        text_append_string(out, " (monitor mode: allowed for dry run)");
    }
}

/* ---- verdicts ---- */

aip_status
policy_explain_verdict(const policy_verdict *verdict, text_buffer *out, aip_error *err)
{
    text_append_format(out, "%s: ", policy_decision_name(verdict->decision));
    policy_reason(verdict, out);
    if (verdict->tool.size > 0) {
        text_append_format(out, "; %s ", nouns[verdict->kind]);
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
    if (verdict->price != NULL) {
        text_append_string(out, "; priced");
    }
    if (verdict->wants_proof) {
        text_append_string(out, "; proof required");
    }
    if (verdict->status != AIP_OK) {
        text_append_format(out, "; %s", aip_status_lookup(verdict->status)->name);
    }
    text_append_string(out, "\n");
    return text_finish(out, err);
}
