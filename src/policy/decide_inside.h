/* What deciding's two halves share: the order of checks (decide.c) and the arguments (decide_arguments.c). */
#ifndef POLICY_DECIDE_INSIDE_H
#define POLICY_DECIDE_INSIDE_H

#include "policy/policy_inside.h"

/* One of the things that a call names and that the policy has rules on. */
typedef struct {
    const policy_target *target; /* NULL: not listed */
    policy_kind kind;
} decide_aspect;

typedef struct {
    const policy_call *call;
    policy_scratch *scratch;
    decide_aspect aspects[2]; /* a rule on the method, and what the kind says */
    size_t aspect_count;
    aip_status failure; /* why the arguments cannot be judged */
    normal_name room;   /* of the name */
    aip_bytes acting;   /* name of the tool, or of the method, after normalising */
} decide_state;

/* Are the arguments an object, or absent? */
bool decide_has_object(const policy_call *call);

/* POLICY_BY_TOOL, _ARGUMENTS, one of _ARGUMENT_…, or _FAILURE with state->failure. `rule` NULL: none. */
policy_ground
decide_check_arguments(const policy_rule *rule, bool strict_default, decide_state *state, policy_verdict *v);

/* May the call act on all that lies below what it names? */
bool decide_is_recursive(const policy_call *call, aip_bytes tool);

#endif
