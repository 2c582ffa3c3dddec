/* A request's way: the stages in their order, the runner, and the one line that allows. */
#include "gateway/pipeline.h"

#include "base/clock.h"
#include "base/splice.h"
#include "chain/chain.h"
#include "gateway/await.h"
#include "gateway/figures.h"
#include "gateway/group.h"
#include "gateway/lists.h"
#include "gateway/mcp.h"
#include "gateway/reply.h"
#include "gateway/share.h"
#include "gateway/stages.h"
#include "gateway/stdio_upstream.h"

typedef struct {
    const char *name;
    aip_status (*run)(exchange *x, aip_error *err);
} stage;

static aip_status read_message(exchange *x, aip_error *err);
static aip_status classify(exchange *x, aip_error *err);
static aip_status check_scope(exchange *x, aip_error *err);
static aip_status check_constraints(exchange *x, aip_error *err);
static aip_status check_standing(exchange *x, aip_error *err);
static aip_status check_protocol(exchange *x, aip_error *err);
static aip_status record_allowed(exchange *x, aip_error *err);

static const stage greet_stages[] = {
    {"address", greet_address},       {"share", share_address},
    {"framing", greet_framing},
    {"credential", greet_credential}, {"verify", greet_verify},
    {"standing", greet_standing},     {"lists", greet_lists},
    {"proof", prove_holder},          {"rate", greet_rate},
    {"load", share_root},             {"session", session_recognise},   {NULL, NULL},
};

static const stage admit_stages[] = {
    {"body", prove_body},
    {"read", read_message},
    {"classify", classify},
    {"member", group_choose},
    {"rules", judge_choose},
    {"definition", lists_check_tool},
    {"contents", inspect_request},
    {"scope", check_scope},
    {"constraints", check_constraints},
    {"policy", judge_policy},
    {"asked", mcp_check_asked},
    {"ownership", check_protocol},
    {"server", stdio_upstream_check},
    {"replay", prove_once},
    {"approval", approve_call},
    {"still standing", check_standing},
    {"upstream", reach_upstream},
    {"budget", spend_hold},
    {"record", record_allowed},
    {NULL, NULL},
};

/* Begins with the stage that waited, if one did. */
static pipeline_verdict
run(const stage *stages, exchange *x)
{
    for (; stages[x->stage].name != NULL; x->stage++) {
        const stage *each = &stages[x->stage];
        x->record.stage = each->name;
        aip_status status = each->run(x, &x->refusal);
        if (status == AIP_DID_PENDING && x->question != NULL) {
            x->refusal = (aip_error)AIP_ERROR_INIT;
            return PIPELINE_WAITS;
        }
        if (status != AIP_OK) {
            x->record.status = x->refusal.status = status;
            x->record.at = x->refusal.at;
            return PIPELINE_REFUSED;
        }
        x->refusal =
            (aip_error)AIP_ERROR_INIT; /* a stage that tried one way and took another leaves no reason behind */
        if (x->late && x->credential.size == 0) {
            x->stage++; /* to go on with, when the body is there */
            return PIPELINE_PASSED;
        }
    }
    x->stage = 0;
    return PIPELINE_PASSED;
}

pipeline_verdict
pipeline_greet(exchange *x)
{
    uint64_t begun = clock_monotonic_microseconds();
    pipeline_verdict verdict = run(greet_stages, x);
    if (verdict == PIPELINE_REFUSED) {
        share_note_refusal(x);
    }
    figures_note_time(x, METRICS_VERIFICATION, verdict == PIPELINE_WAITS ? 0 : begun);
    return verdict;
}

static aip_status
read_credential(exchange *x, aip_error *err)
{
    return x->credential.size > 0 ? AIP_OK : x->route->protocol->credential(x, err);
}

/* The stages that a token in the body had to wait for. */
static pipeline_verdict
greet_late(exchange *x)
{
    pipeline_verdict verdict = PIPELINE_REFUSED;
    aip_status status = read_credential(x, &x->refusal);
    if (status == AIP_OK) {
        verdict = run(greet_stages, x);
    } else {
        x->record.status = x->refusal.status = status;
    }
    if (verdict == PIPELINE_REFUSED) {
        share_note_refusal(x);
    }
    x->late = verdict == PIPELINE_WAITS;
    return verdict;
}

pipeline_verdict
pipeline_admit(exchange *x)
{
    if (x->late) {
        pipeline_verdict greeted = greet_late(x);
        if (greeted != PIPELINE_PASSED) {
            return greeted;
        }
    }
    uint64_t begun = x->stage == 0 ? clock_monotonic_microseconds() : 0;
    pipeline_verdict verdict = run(admit_stages, x);
    figures_note_time(x, METRICS_POLICY, begun);
    return verdict == PIPELINE_PASSED && !x->record.allowed ? PIPELINE_REFUSED : verdict;
}

static aip_status
read_message(exchange *x, aip_error *err)
{
    return x->route->protocol->read(x, err);
}

static aip_status
classify(exchange *x, aip_error *err)
{
    return x->route->protocol->classify(x, err);
}

/* Views into a message that is no longer the one. */
static void
forget_message(exchange *x)
{
    x->id = x->name = x->called = x->arguments = (aip_bytes){NULL, 0};
    x->params = x->argument_node = SCAN_NONE;
    x->kind = MESSAGE_NONE;
    x->is_tool = false;
    x->method[0] = x->wanted[0] = '\0';
}

static bool
is_pure(const stage *each, bool granted)
{
    return each->run == read_message || each->run == classify || each->run == group_choose ||
           each->run == judge_choose ||
           each->run == judge_policy || (granted && (each->run == check_scope || each->run == check_constraints));
}

pipeline_verdict
pipeline_explain(exchange *x, void (*tell)(void *context, const exchange *x, const char *stage, aip_status status),
                 void *context)
{
    for (const stage *each = admit_stages; each->name != NULL; each++) {
        if (!is_pure(each, x->chain != NULL)) {
            continue;
        }
        aip_status status = each->run(x, &x->refusal);
        tell(context, x, each->name, status);
        if (status != AIP_OK) {
            x->refusal.status = status;
            return PIPELINE_REFUSED;
        }
    }
    return PIPELINE_PASSED;
}

/* What is judged from here on is what goes on. */
aip_status
pipeline_change(exchange *x, text_buffer *message, aip_error *err)
{
    AIP_TRY(text_finish(message, err));
    text_clear(&x->replaced);
    x->replaced = x->outgoing; /* the policy's verdict may still name an argument in it */
    x->outgoing = *message;
    *message = (text_buffer){0};
    scan_clear(&x->document);
    forget_message(x);
    AIP_TRY(read_message(x, err));
    return classify(x, err);
}

aip_status
pipeline_rename(exchange *x, uint32_t node, aip_bytes text, bool raw, aip_error *err)
{
    SPLICE_AUTO splice edit = {0};
    TEXT_AUTO text_buffer changed = {0};
    const scan_limits limits = {x->settings->body_bytes_max, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    splice_begin(&edit, &x->document);
    AIP_TRY(raw ? splice_replace(&edit, node, text, err) : splice_replace_string(&edit, node, text, err));
    AIP_TRY(splice_finish(&edit, &limits, &changed, NULL, err));
    x->renamed = true;
    return pipeline_change(x, &changed, err);
}

static aip_status
check_scope(exchange *x, aip_error *err)
{
    return x->wanted[0] == '\0' ? AIP_OK : aip_grant_covers(&x->verdict.grant, aip_bytes_of(x->wanted), err);
}

/* Tokens and policy judge the same reading of the message. */
aip_status
pipeline_hold_arguments(const exchange *x, aip_bytes tool, aip_error *err)
{
    const aip_grant *grant = &x->verdict.grant;
    bool none = x->argument_node == SCAN_NONE || scan_kind_of(&x->document, x->argument_node) == SCAN_NULL;
    return none ? aip_grant_check_arguments(grant, tool, AIP_BYTES_LITERAL("{}"), err)
                : chain_check_arguments(grant->chain, tool, &x->document, x->argument_node, err);
}

static aip_status
check_constraints(exchange *x, aip_error *err)
{
    if (x->subject == POLICY_ROUTE && x->kind == MESSAGE_REQUEST) {
        return aip_grant_check_arguments(&x->verdict.grant, aip_bytes_of(x->wanted), x->arguments, err); /* E-72 */
    }
    return x->is_tool ? pipeline_hold_arguments(x, x->called, err) : AIP_OK;
}

static aip_status
check_protocol(exchange *x, aip_error *err)
{
    return x->route->protocol->check == NULL ? AIP_OK : x->route->protocol->check(x, err);
}

/* What was revoked while the request waited for its body or for the database counts as well. */
static aip_status
check_standing(exchange *x, aip_error *err)
{
    return revoked_epoch(identities_revoked(x->gateway->identities)) == x->revoked_epoch ? AIP_OK
                                                                                         : greet_standing(x, err);
}

static void
describe_policy(exchange *x)
{
    audit_record *record = &x->record;
    record->policy_name = policy_name(x->rules->policy);
    record->policy_hash = policy_hash(x->rules->policy);
    record->policy_mode = policy_monitors(x->rules->policy) ? "monitor" : "enforce";
    if (!x->was_judged) {
        return;
    }
    record->violation = x->judged.violation;
    record->failed_argument = x->judged.argument;
    record->decision = x->judged.decision == POLICY_ASK ? NULL : policy_decision_name(x->judged.decision);
}

/* A name or an id in which something was found does not stand in the log either. */
static void
hide(exchange *x)
{
    if (x->found->in_names) {
        x->record.tool = x->record.failed_argument = (aip_bytes){NULL, 0};
        x->record.method = x->record.request_id = (aip_bytes){NULL, 0};
    }
}

/* Copies into the record what was learnt about the message so far. */
static void
describe(exchange *x)
{
    audit_record *record = &x->record;
    record->method = x->method[0] != '\0' ? aip_bytes_of(x->method) : aip_bytes_of(x->http_method);
    record->tool = x->name;
    record->chain = x->chain;
    record->peer = x->peer;
    record->request_id = x->id;
    record->upstream = x->route == NULL || x->route->name[0] == '\0' ? NULL : x->route->name;
    record->protocol = x->route == NULL ? "" : x->route->protocol->name;
    record->approver = aip_bytes_of(x->approver);
    record->state = x->state_given[0] == '\0' ? NULL : x->state_given;
    record->has_digest = x->body.size > 0;
    if (record->has_digest) {
        hash_sha256(text_view(&x->body), record->request_digest);
    }
    if (x->rules != NULL) {
        describe_policy(x);
    }
    if (x->found != NULL) {
        hide(x);
        figures_note_findings(x, x->found->count - x->found->reported);
        record->findings = x->found->items;
        record->finding_count = x->found->reported = x->found->count;
    }
}

/* Waits until the line is as durable as the operator wants it. */
static aip_status
record_allowed(exchange *x, aip_error *err)
{
    if (x->question != NULL) {
        return AIP_DID_PENDING; /* whatever woke the request, it was not the scribe */
    }
    if (x->line_asked) {
        x->record.allowed = x->arrived_status == AIP_OK;
        return x->arrived_status == AIP_OK ? AIP_OK : aip_fail(err, AIP_AUDIT_UNAVAILABLE, NULL);
    }
    describe(x);
    x->decided_microseconds = clock_monotonic_microseconds();
    x->record.allowed = true; /* the one line that allows */
    aip_status status = audit_write(x->gateway->audit, &x->record, &x->line, err);
    x->record.allowed = status == AIP_OK;
    if (status == AIP_OK) {
        figures_note_decision(x, AIP_OK);
    }
    if (status != AIP_OK || x->gateway->scribe == NULL) {
        return status;
    }
    x->line_asked = true;
    return await_written(x, err);
}

/* A line of what was allowed may stand in the log already: this one is about the refusal that followed. */
void
pipeline_refuse(exchange *x)
{
    x->record.allowed = false;
    spend_release(x);
    if (x->document.count == 0 && x->outgoing.size == 0 && x->body.size > 0 && !x->body_too_large && x->route != NULL) {
        /* Refused by its headers: the body is read for its id and for the record only. */
        (void)(read_message(x, NULL) == AIP_OK && classify(x, NULL) == AIP_OK);
    }
    describe(x);
    if (x->record.decision != NULL && x->judged.status == AIP_OK) {
        x->record.decision = NULL; /* the policy was not the one that refused */
    }
    x->record.http = reply_http_status(x, x->record.status);
    aip_error unrecorded = AIP_ERROR_INIT;
    uint64_t number;
    if (audit_write(x->gateway->audit, &x->record, &number, &unrecorded) != AIP_OK) {
        x->record.status = x->refusal.status = AIP_AUDIT_UNAVAILABLE;
        x->refusal.detail[0] = '\0';
    }
    figures_note_decision(x, x->record.status);
    reply_refuse(x);
}

void
pipeline_record_unread(exchange *x)
{
    uint64_t number;
    if (x->refusal.status == AIP_OK) {
        x->record.stage = "framing";
        (void)!aip_fail(&x->refusal, AIP_REQUEST_HEADERS, NULL);
    }
    x->record.allowed = false;
    x->record.status = x->refusal.status;
    spend_release(x);
    describe(x);
    if (audit_write(x->gateway->audit, &x->record, &number, NULL) == AIP_OK) {
        figures_note_decision(x, x->record.status);
    }
}
