/* A request's way: the stages in their order, the runner, and the one line that allows. */
#include "gateway/pipeline.h"

#include "base/clock.h"
#include "gateway/await.h"
#include "gateway/lists.h"
#include "gateway/mcp.h"
#include "gateway/reply.h"
#include "gateway/stages.h"

typedef struct {
    const char *name;
    aip_status (*run)(exchange *x, aip_error *err);
} stage;

static aip_status read_message(exchange *x, aip_error *err);
static aip_status classify(exchange *x, aip_error *err);
static aip_status check_scope(exchange *x, aip_error *err);
static aip_status check_constraints(exchange *x, aip_error *err);
static aip_status check_standing(exchange *x, aip_error *err);
static aip_status record_allowed(exchange *x, aip_error *err);

static const stage greet_stages[] = {
    {"address", greet_address},       {"framing", greet_framing},
    {"credential", greet_credential}, {"verify", greet_verify},
    {"standing", greet_standing},     {"lists", greet_lists},
    {"proof", prove_holder},          {"rate", greet_rate},
    {"session", session_recognise},   {NULL, NULL},
};

static const stage admit_stages[] = {
    {"body", prove_body},
    {"read", read_message},
    {"classify", classify},
    {"rules", judge_choose},
    {"definition", lists_check_tool},
    {"contents", inspect_request},
    {"scope", check_scope},
    {"constraints", check_constraints},
    {"policy", judge_policy},
    {"asked", mcp_check_asked},
    {"replay", prove_once},
    {"approval", approve_call},
    {"still standing", check_standing},
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
    }
    x->stage = 0;
    return PIPELINE_PASSED;
}

pipeline_verdict
pipeline_greet(exchange *x)
{
    return run(greet_stages, x);
}

pipeline_verdict
pipeline_admit(exchange *x)
{
    pipeline_verdict verdict = run(admit_stages, x);
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

/* What is judged from here on is what goes on. */
aip_status
pipeline_change(exchange *x, text_buffer *message, aip_error *err)
{
    AIP_TRY(text_finish(message, err));
    text_clear(&x->outgoing);
    x->outgoing = *message;
    *message = (text_buffer){0};
    scan_clear(&x->document);
    AIP_TRY(read_message(x, err));
    return classify(x, err);
}

static aip_status
check_scope(exchange *x, aip_error *err)
{
    return x->wanted[0] == '\0' ? AIP_OK : aip_grant_covers(&x->verdict.grant, aip_bytes_of(x->wanted), err);
}

static aip_status
check_constraints(exchange *x, aip_error *err)
{
    return x->is_tool ? aip_grant_check_arguments(&x->verdict.grant, x->name, x->arguments, err) : AIP_OK;
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
    record->has_digest = x->body.size > 0;
    if (record->has_digest) {
        hash_sha256(text_view(&x->body), record->request_digest);
    }
    if (x->rules != NULL) {
        describe_policy(x);
    }
    if (x->found != NULL) {
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
    reply_refuse(x);
}
