/* The operator's policy: which rules hold for this request, and what they say of it. */
#include <stdio.h>

#include "base/clock.h"
#include "gateway/group.h"
#include "gateway/lists.h"
#include "gateway/mcp.h"
#include "gateway/pipeline.h"
#include "gateway/stages.h"

/* Those that trust in the root names, those of the route, or the standard ones. */
aip_status
judge_choose(exchange *x, aip_error *err)
{
    const aip_ceiling *ceiling = x->verdict.grant.ceiling;
    const gateway_settings *settings = x->settings;
    if (x->route->members != NULL) {
        return AIP_OK; /* nothing of it goes on: what each member is asked is judged for itself */
    }
    if (ceiling == NULL || ceiling->policy == NULL) {
        x->rules = x->route->rules != NULL ? x->route->rules : settings->standard;
        return AIP_OK;
    }
    x->rules = settings->rules == NULL ? NULL : rules_find(settings->rules, ceiling->policy);
    return x->rules == NULL ? aip_fail(err, AIP_INTERNAL, "a policy of trust is not loaded") : AIP_OK;
}

/* Leaf and root have buckets of their own, also where they have the same name. */
static void
name_caller(const char *role, aip_bytes name, unsigned char out[AIP_HASH_BYTES])
{
    char text[AIP_IDENTIFIER_BYTES_MAX + 8];
    int size = snprintf(text, sizeof text, "%s %.*s", role, (int)name.size, (const char *)name.data);
    hash_sha256((aip_bytes){(const unsigned char *)text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1},
                out);
}

static void
decide_with_buckets(exchange *x, policy_scratch *scratch, policy_call *call)
{
    const policy *p = x->rules->policy;
    caller_buckets *all = x->gateway->buckets;
    size_t of_leaf = policy_bucket_count(p), of_root = policy_root_bucket_count(p);
    unsigned char leaf[AIP_HASH_BYTES], root[AIP_HASH_BYTES];
    if (of_leaf + of_root == 0) {
        policy_decide(p, scratch, call, &x->judged);
        return;
    }
    name_caller("leaf", call->leaf, leaf);
    name_caller("root", call->root, root);
    caller_buckets_lock(all);
    call->buckets = of_leaf == 0 ? NULL : caller_buckets_find(all, x->rules->buckets, leaf, of_leaf);
    call->root_buckets = of_root == 0 ? NULL : caller_buckets_find(all, x->rules->buckets, root, of_root);
    policy_decide(p, scratch, call, &x->judged);
    caller_buckets_unlock(all);
}

static aip_status
decide(exchange *x, aip_error *err)
{
    char hash[CATALOGUE_HASH_TEXT_SIZE];
    policy_scratch *scratch = NULL;
    aip_bytes pinned = policy_schema_hash(x->rules->policy, x->name);
    size_t size = x->stated != NULL ? x->stated->text.size : x->document.text.size;
    AIP_TRY(rules_policy_scratch(x->shard->tools, x->rules, size, &scratch, err));
    policy_call call = {
        .kind = x->subject,
        .method = aip_bytes_of(x->method),
        .tool = x->name,
        .message = x->stated != NULL ? x->stated : &x->document,
        .parameters = x->was_judged ? SCAN_NONE : x->params, /* paths in them were looked for the first time */
        .arguments = x->argument_node,
        .schema_hash = x->schema_known ? catalogue_schema_text(&x->schema, pinned, hash) : (aip_bytes){NULL, 0},
        .root = x->verdict.grant.root,
        .leaf = x->verdict.grant.leaf,
        .proven = x->proven,
        .now_microseconds = clock_monotonic_microseconds(),
    };
    decide_with_buckets(x, scratch, &call);
    x->was_judged = true;
    return AIP_OK;
}

static aip_status
refuse(exchange *x, aip_error *err)
{
    TEXT_AUTO text_buffer reason = {0};
    policy_reason(&x->judged, &reason);
    return text_finish(&reason, NULL) == AIP_OK ? aip_fail(err, x->judged.status, "%.*s", (int)reason.size, reason.data)
                                                : aip_fail(err, x->judged.status, NULL);
}

/* The policy folds names, tokens compare bytes: a spelling that only the policy takes for its tool has to keep what
 * tokens say of the policy's spelling as well. That is what goes on, unless the upstream has said how it spells it. */
static aip_status
hold_to_spelling(exchange *x, aip_error *err)
{
    char wanted[GROUP_WANTED_SIZE];
    aip_bytes called, tool = x->judged.tool;
    if (!x->is_tool || tool.size == 0 || aip_bytes_equal(tool, x->name)) {
        return AIP_OK;
    }
    if (!group_write_wanted(x, "tool:", tool, wanted, &called)) {
        return aip_fail(err, AIP_INTERNAL, NULL);
    }
    AIP_TRY(aip_grant_covers(&x->verdict.grant, aip_bytes_of(wanted), err));
    AIP_TRY(pipeline_hold_arguments(x, called, err));
    return x->schema_known ? AIP_OK : lists_rename_tool(x, tool, err);
}

/* Of several addresses in one message the strictest verdict is the message's (G-120). */
static aip_status
judge_named(exchange *x, aip_error *err)
{
    const policy_verdict before = x->judged;
    bool again = x->was_judged;
    AIP_TRY(decide(x, err));
    if (x->judged.status != AIP_OK) {
        return refuse(x, err);
    }
    if (again && before.decision < x->judged.decision) {
        x->judged = before;
        return AIP_OK;
    }
    return hold_to_spelling(x, err);
}

aip_status
judge_policy(exchange *x, aip_error *err)
{
    if (x->rules == NULL || x->kind == MESSAGE_NONE || x->kind == MESSAGE_RESPONSE) {
        return AIP_OK; /* no method: what may be answered, or read on, was allowed when it was asked */
    }
    return mcp_judge_each(x, judge_named, err);
}
