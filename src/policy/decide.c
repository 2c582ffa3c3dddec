/* One message against one policy, in the order of Y-20 and Y-21. */
#include "policy/decide_inside.h"

/* ---- verdicts ---- */

static void
refuse(policy_verdict *v, aip_status status, policy_ground ground)
{
    v->decision = ground == POLICY_BY_RATE || ground == POLICY_BY_ROOT_RATE ? POLICY_RATE_LIMITED : POLICY_BLOCK;
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
    const policy_target *ruled = policy_find(p, POLICY_METHOD, folded);
    if (policy_names_find(&p->denied_methods, folded) != NULL) {
        refuse(v, AIP_POLICY_METHOD, POLICY_BY_METHOD_DENIED);
        return false;
    }
    if (allowed == NULL && ruled == NULL && !p->any_method) {
        refuse(v, AIP_POLICY_METHOD, POLICY_BY_METHOD_UNLISTED);
        return false;
    }
    v->method = aip_bytes_of(allowed != NULL ? p->methods[*allowed] : ruled != NULL ? ruled->written : NULL);
    return true;
}

/* ---- the checks of a call ---- */

/* A bucket of `count` calls that refills evenly. What is used is counted in calls times microseconds, so that nothing
 * is lost by rounding. */
static bool
take_token(const policy_rate *rate, policy_bucket *buckets, uint64_t now)
{
    if (rate->count == 0) {
        return true;
    }
    if (buckets == NULL) {
        return false;
    }
    policy_bucket *bucket = &buckets[rate->bucket];
    uint64_t period = rate->microseconds;
    uint64_t elapsed = now > bucket->at ? now - bucket->at : 0;
    uint64_t refilled = elapsed >= period ? period * rate->count : elapsed * rate->count;
    bucket->used = bucket->used > refilled ? bucket->used - refilled : 0;
    bucket->at = now > bucket->at ? now : bucket->at;
    if (bucket->used > period * (rate->count - 1)) {
        return false;
    }
    bucket->used += period;
    return true;
}

static bool
rates_pass(const decide_state *s, policy_verdict *v)
{
    const policy_call *call = s->call;
    for (size_t i = 0; i < s->aspect_count; i++) {
        const policy_target *target = s->aspects[i].target;
        if (target != NULL && !take_token(&target->rate, call->buckets, call->now_microseconds)) {
            refuse(v, AIP_POLICY_RATE, POLICY_BY_RATE);
            return false;
        }
        if (target != NULL && !take_token(&target->root_rate, call->root_buckets, call->now_microseconds)) {
            refuse(v, AIP_POLICY_RATE, POLICY_BY_ROOT_RATE);
            return false;
        }
    }
    return true;
}

static bool
judge_paths(aip_status status, size_t entry, policy_verdict *v)
{
    if (status != AIP_OK) {
        refuse(v, status, status == AIP_POLICY_PATH ? POLICY_BY_PATH_LIMIT : POLICY_BY_FAILURE);
    } else if (entry != PATH_NONE) {
        refuse(v, AIP_POLICY_PATH, POLICY_BY_PATH);
    }
    return status == AIP_OK && entry == PATH_NONE;
}

static bool
paths_pass(const policy *p, const policy_call *call, aip_bytes folded, policy_verdict *v)
{
    size_t entry = PATH_NONE;
    if (p->guard == NULL) {
        return true;
    }
    if (call->kind == POLICY_ROUTE) {
        const unsigned char *space = call->tool.size == 0 ? NULL : memchr(call->tool.data, ' ', call->tool.size);
        aip_bytes path = aip_bytes_from(call->tool, space == NULL ? 0 : (size_t)(space - call->tool.data) + 1);
        aip_status checked = path_guard_check(p->guard, path, false, &entry, NULL);
        if (!judge_paths(checked, entry, v)) {
            return false;
        }
    }
    if (call->message == NULL || call->parameters == SCAN_NONE) {
        return true;
    }
    bool recursive = decide_is_recursive(call, folded);
    aip_status status = path_guard_check_value(p->guard, call->message, call->parameters, recursive, &entry, NULL);
    return judge_paths(status, entry, v);
}

static void
decide_arguments(const policy *p, const decide_aspect *aspect, decide_state *s, policy_verdict *v)
{
    const policy_rule *rule = aspect->target->rule;
    bool has_arguments = aspect->kind == POLICY_TOOL || aspect->kind == POLICY_PROMPT;
    policy_ground ground = has_arguments ? decide_check_arguments(rule, p->strict_default, s, v) : POLICY_BY_RULE;
    switch (ground) {
    case POLICY_BY_RULE:
    case POLICY_BY_TOOL:
    case POLICY_BY_ARGUMENTS:
        if (rule != NULL && rule->action == RULE_ASK) {
            allow(v, POLICY_ASK, POLICY_BY_RULE_ASK);
        } else {
            allow(v, POLICY_ALLOW, aspect->kind == POLICY_TOOL ? ground : POLICY_BY_RULE);
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
    case POLICY_BY_ROOT_RATE:
    case POLICY_BY_PATH:
    case POLICY_BY_PATH_LIMIT:
    case POLICY_BY_PROOF:
    case POLICY_BY_TOOL_DENIED:
    case POLICY_BY_RULE_BLOCK:
    case POLICY_BY_SCHEMA:
    case POLICY_BY_TOOL_UNLISTED:
    case POLICY_BY_ROOT:
    case POLICY_BY_RULE_ASK:
        refuse(v, s->failure, POLICY_BY_FAILURE);
        break;
    }
}

static aip_status
status_of(policy_kind kind)
{
    return kind == POLICY_TOOL ? AIP_POLICY_TOOL : kind == POLICY_METHOD ? AIP_POLICY_METHOD : AIP_POLICY_TARGET;
}

static bool
target_passes(const policy *p, const decide_aspect *aspect, const policy_call *call, policy_verdict *v)
{
    const policy_target *target = aspect->target;
    const policy_rule *rule = target == NULL ? NULL : target->rule;
    if (target != NULL && target->denied) {
        violate(p, v, AIP_POLICY_TOOL, POLICY_BY_TOOL_DENIED);
        return false;
    }
    if (rule != NULL && rule->action == RULE_BLOCK) {
        refuse(v, status_of(aspect->kind), POLICY_BY_RULE_BLOCK);
        return false;
    }
    if (rule != NULL && rule->schema_hash != NULL &&
        !aip_bytes_equal(aip_bytes_of(rule->schema_hash), call->schema_hash)) {
        refuse(v, AIP_POLICY_SCHEMA, POLICY_BY_SCHEMA);
        return false;
    }
    if (target == NULL) {
        violate(p, v, status_of(aspect->kind), POLICY_BY_TOOL_UNLISTED);
        return false;
    }
    if (!policy_admits_root(rule, call->root)) {
        violate(p, v, AIP_POLICY_ROOT, POLICY_BY_ROOT);
        return false;
    }
    return true;
}

/* ---- what a call is about ---- */

/* False: the name has no normal form, or one that is made to be taken for another: not forgiven. */
static bool
find_aspect(const policy *p, policy_kind kind, decide_state *s)
{
    aip_bytes name = s->call->tool, folded = name;
    decide_aspect *out = &s->aspects[s->aspect_count++];
    *out = (decide_aspect){.kind = kind};
    if (policy_is_address(kind)) {
        out->target = policy_address_is_canonical(kind, name) ? policy_find(p, kind, name) : NULL;
        return policy_address_is_canonical(kind, name);
    }
    bool named = policy_fold(name, &s->room, &folded);
    out->target = named ? policy_find(p, kind, folded) : NULL;
    s->acting = kind == POLICY_TOOL ? (named ? folded : name) : s->acting;
    return out->target != NULL || (named && !s->room.mixed);
}

static void
note_rule(const decide_aspect *aspect, policy_verdict *v)
{
    v->kind = aspect->kind;
    v->rule = aspect->target == NULL || aspect->target->rule == NULL ? 0 : aspect->target->rule->number;
}

/* What the verdict says of rules, whatever comes out; of a method and a skill, the skill. */
static void
note_aspects(const decide_state *s, policy_verdict *v)
{
    for (size_t i = 0; i < s->aspect_count; i++) {
        const policy_target *target = s->aspects[i].target;
        const policy_rule *rule = target == NULL ? NULL : target->rule;
        note_rule(&s->aspects[i], v);
        if (target != NULL && v->kind != POLICY_METHOD) {
            v->tool = aip_bytes_of(target->written);
        }
        if (rule != NULL) {
            v->price = rule->price == NULL ? v->price : rule->price;
            v->wants_proof |= rule->proof;
        }
    }
}

/* The strictest of what the rules say: one that monitor mode forgives hides no other. */
static void
judge_aspects(const policy *p, decide_state *s, policy_verdict *v)
{
    const policy_verdict before = *v;
    bool violation = false;
    for (size_t i = 0; i < s->aspect_count; i++) {
        const decide_aspect *aspect = &s->aspects[i];
        policy_verdict one = before;
        note_rule(aspect, &one);
        if (target_passes(p, aspect, s->call, &one)) {
            decide_arguments(p, aspect, s, &one);
        }
        violation |= one.violation;
        if (i == 0 || one.decision <= v->decision) {
            *v = one;
        }
    }
    v->violation = violation;
}

static void
decide_ruled(const policy *p, decide_state *s, bool honest, policy_verdict *v)
{
    const policy_kind kind = s->aspects[s->aspect_count - 1].kind;
    note_aspects(s, v);
    if (!rates_pass(s, v) || !paths_pass(p, s->call, s->acting, v)) {
        return;
    }
    if (!honest) {
        refuse(v, status_of(kind), POLICY_BY_TOOL_UNLISTED);
        return;
    }
    if ((kind == POLICY_TOOL || kind == POLICY_PROMPT) && !decide_has_object(s->call)) {
        refuse(v, AIP_POLICY_PARAMETERS, POLICY_BY_FAILURE);
        return;
    }
    if (v->wants_proof && !s->call->proven) {
        refuse(v, AIP_PROOF_MISSING, POLICY_BY_PROOF);
        return;
    }
    judge_aspects(p, s, v);
}

static bool
is_tool_call(aip_bytes folded)
{
    return aip_bytes_equal(folded, AIP_BYTES_LITERAL("tools/call"));
}

/* Routes have no method in the policy's sense; all else is judged by it first. */
static bool
admit_method(const policy *p, const policy_call *call, normal_name *room, aip_bytes *folded, policy_verdict *v)
{
    if (call->kind == POLICY_ROUTE) {
        *folded = AIP_BYTES_LITERAL("");
        if (p->tables[POLICY_ROUTE].listed || p->any_method) {
            return true;
        }
        refuse(v, AIP_POLICY_METHOD, POLICY_BY_METHOD_UNLISTED);
        return false;
    }
    if (!policy_fold(call->method, room, folded)) {
        refuse(v, AIP_POLICY_METHOD, POLICY_BY_METHOD_UNLISTED);
        return false;
    }
    return method_passes(p, *folded, v);
}

void
policy_decide(const policy *p, policy_scratch *scratch, const policy_call *call, policy_verdict *out)
{
    normal_name room;
    decide_state s = {.call = call, .scratch = scratch, .failure = AIP_INTERNAL};
    bool honest = true;
    *out = (policy_verdict){.status = AIP_INTERNAL, .violation = true};
    if (p == NULL) {
        refuse(out, AIP_POLICY_TOOL, POLICY_BY_NO_POLICY);
        return;
    }
    if (!admit_method(p, call, &room, &s.acting, out)) {
        return;
    }
    bool calls = is_tool_call(s.acting);
    out->violation = false;
    out->is_tool_call = call->kind == POLICY_TOOL || calls;
    out->kind = out->is_tool_call ? POLICY_TOOL : call->kind;
    out->method = calls ? AIP_BYTES_LITERAL("tools/call") : out->method;
    const policy_target *ruled = call->kind == POLICY_ROUTE ? NULL : policy_find(p, POLICY_METHOD, s.acting);
    if (ruled != NULL) {
        s.aspects[s.aspect_count++] = (decide_aspect){ruled, POLICY_METHOD};
    }
    if (out->kind == POLICY_TOOL || (out->kind != POLICY_METHOD && p->tables[out->kind].listed)) {
        honest = find_aspect(p, out->kind, &s);
    }
    if (s.aspect_count > 0) {
        decide_ruled(p, &s, honest, out);
    } else if (paths_pass(p, call, s.acting, out)) {
        allow(out, POLICY_ALLOW, POLICY_BY_METHOD);
    }
}
