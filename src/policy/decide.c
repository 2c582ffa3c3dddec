/* One message against one policy, in the order of Y-20 and Y-21. */
#include "policy/decide_inside.h"

/* ---- verdicts ---- */

static void
refuse(policy_verdict *v, aip_status status, policy_ground ground)
{
    v->decision = ground == POLICY_BY_RATE ? POLICY_RATE_LIMITED : POLICY_BLOCK;
    v->status = status;
    v->violation = true;
    v->ground = ground;
}

static void
allow(policy_verdict *v, policy_decision decision, policy_ground ground)
{
    v->decision = decision;
    v->status = AIP_OK;
    v->ground = ground;
}

/* The policy forbids it: monitor mode lets it go on, and only this. */
static void
violate(const policy *p, policy_verdict *v, aip_status status, policy_ground ground)
{
    refuse(v, status, ground);
    if (p->monitor) {
        v->decision = POLICY_ALLOW_MONITOR;
        v->status = AIP_OK;
    }
}

/* ---- methods ---- */

static bool
method_passes(const policy *p, aip_bytes folded, policy_verdict *v)
{
    const uint32_t *allowed = policy_names_find(&p->allowed_methods, folded);
    if (policy_names_find(&p->denied_methods, folded) != NULL) {
        refuse(v, AIP_POLICY_METHOD, POLICY_BY_METHOD_DENIED);
        return false;
    }
    if (allowed == NULL && !p->any_method) {
        refuse(v, AIP_POLICY_METHOD, POLICY_BY_METHOD_UNLISTED);
        return false;
    }
    v->method = aip_bytes_of(allowed == NULL ? NULL : p->methods[*allowed]);
    return true;
}

/* ---- the checks of a tool call ---- */

/* A bucket of `count` calls that refills evenly. What is used is counted in calls times microseconds, so that nothing
 * is lost by rounding. */
static bool
take_token(const policy_tool *tool, const policy_call *call)
{
    if (call->buckets == NULL) {
        return false;
    }
    policy_bucket *bucket = &call->buckets[tool->bucket];
    uint64_t now = call->now_microseconds, period = tool->rate_microseconds;
    uint64_t elapsed = now > bucket->at ? now - bucket->at : 0;
    uint64_t refilled = elapsed >= period ? period * tool->rate_count : elapsed * tool->rate_count;
    bucket->used = bucket->used > refilled ? bucket->used - refilled : 0;
    bucket->at = now > bucket->at ? now : bucket->at;
    if (bucket->used > period * (tool->rate_count - 1)) {
        return false;
    }
    bucket->used += period;
    return true;
}

static bool
paths_pass(const policy *p, const policy_call *call, aip_bytes folded, policy_verdict *v)
{
    size_t entry = PATH_NONE;
    if (p->guard == NULL || call->message == NULL || call->parameters == SCAN_NONE) {
        return true;
    }
    bool recursive = decide_is_recursive(call, folded);
    aip_status status = path_guard_check_value(p->guard, call->message, call->parameters, recursive, &entry, NULL);
    if (status != AIP_OK) {
        refuse(v, status, POLICY_BY_FAILURE);
    } else if (entry != PATH_NONE) {
        refuse(v, AIP_POLICY_PATH, POLICY_BY_PATH);
    }
    return status == AIP_OK && entry == PATH_NONE;
}

static void
decide_arguments(const policy *p, const policy_rule *rule, decide_state *s, policy_verdict *v)
{
    policy_ground ground = decide_check_arguments(rule, p->strict_default, s, v);
    switch (ground) {
    case POLICY_BY_TOOL:
    case POLICY_BY_ARGUMENTS:
        if (rule != NULL && rule->action == RULE_ASK) {
            allow(v, POLICY_ASK, POLICY_BY_RULE_ASK);
        } else {
            allow(v, POLICY_ALLOW, ground);
        }
        break;
    case POLICY_BY_ARGUMENT_MISSING:
    case POLICY_BY_ARGUMENT_PATTERN:
    case POLICY_BY_ARGUMENT_UNDECLARED:
        violate(p, v, AIP_POLICY_ARGUMENT, ground);
        break;
    case POLICY_BY_FAILURE:
    case POLICY_BY_NO_POLICY:
    case POLICY_BY_METHOD_DENIED:
    case POLICY_BY_METHOD_UNLISTED:
    case POLICY_BY_METHOD:
    case POLICY_BY_RATE:
    case POLICY_BY_PATH:
    case POLICY_BY_TOOL_DENIED:
    case POLICY_BY_RULE_BLOCK:
    case POLICY_BY_SCHEMA:
    case POLICY_BY_TOOL_UNLISTED:
    case POLICY_BY_RULE_ASK:
        refuse(v, s->failure, POLICY_BY_FAILURE);
        break;
    }
}

static bool
tool_passes(const policy *p, const policy_tool *tool, const policy_call *call, policy_verdict *v)
{
    const policy_rule *rule = tool == NULL ? NULL : tool->rule;
    if (tool != NULL && tool->denied) {
        violate(p, v, AIP_POLICY_TOOL, POLICY_BY_TOOL_DENIED);
        return false;
    }
    if (rule != NULL && rule->action == RULE_BLOCK) {
        refuse(v, AIP_POLICY_TOOL, POLICY_BY_RULE_BLOCK);
        return false;
    }
    if (rule != NULL && rule->schema_hash != NULL &&
        !aip_bytes_equal(aip_bytes_of(rule->schema_hash), call->schema_hash)) {
        refuse(v, AIP_POLICY_SCHEMA, POLICY_BY_SCHEMA);
        return false;
    }
    if (tool == NULL) {
        violate(p, v, AIP_POLICY_TOOL, POLICY_BY_TOOL_UNLISTED);
        return false;
    }
    return true;
}

static void
decide_tool_call(const policy *p, decide_state *s, policy_verdict *v)
{
    normal_name room;
    aip_bytes folded;
    const policy_tool *tool = NULL;
    bool named = policy_fold(s->call->tool, &room, &folded);
    v->is_tool_call = true;
    if (named && (tool = policy_find_tool(p, folded)) != NULL) {
        v->tool = aip_bytes_of(tool->written);
        v->rule = tool->rule == NULL ? 0 : tool->rule->number;
        if (tool->rate_count > 0 && !take_token(tool, s->call)) {
            refuse(v, AIP_POLICY_RATE, POLICY_BY_RATE);
            return;
        }
    }
    if (!paths_pass(p, s->call, named ? folded : s->call->tool, v)) {
        return;
    }
    if (tool == NULL && (!named || room.mixed)) { /* made to be taken for another name: not forgiven */
        refuse(v, AIP_POLICY_TOOL, POLICY_BY_TOOL_UNLISTED);
        return;
    }
    if (!decide_has_object(s->call)) {
        refuse(v, AIP_POLICY_PARAMETERS, POLICY_BY_FAILURE);
        return;
    }
    if (tool_passes(p, tool, s->call, v)) {
        decide_arguments(p, tool->rule, s, v);
    }
}

static bool
is_tool_call(aip_bytes folded)
{
    return aip_bytes_equal(folded, AIP_BYTES_LITERAL("tools/call"));
}

void
policy_decide(const policy *p, policy_scratch *scratch, const policy_call *call, policy_verdict *out)
{
    normal_name room;
    aip_bytes folded;
    decide_state state = {.call = call, .scratch = scratch, .failure = AIP_INTERNAL};
    *out = (policy_verdict){.status = AIP_INTERNAL, .violation = true};
    if (p == NULL) {
        refuse(out, AIP_POLICY_TOOL, POLICY_BY_NO_POLICY);
        return;
    }
    if (!policy_fold(call->method, &room, &folded)) {
        refuse(out, AIP_POLICY_METHOD, POLICY_BY_METHOD_UNLISTED);
        return;
    }
    if (!method_passes(p, folded, out)) {
        return;
    }
    out->violation = false;
    if (is_tool_call(folded)) {
        out->method = AIP_BYTES_LITERAL("tools/call");
        decide_tool_call(p, &state, out);
    } else if (paths_pass(p, call, folded, out)) {
        allow(out, POLICY_ALLOW, POLICY_BY_METHOD);
    }
}
