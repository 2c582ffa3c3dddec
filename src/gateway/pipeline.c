/* A request's way: the stages in their order, the runner, and the one line that allows. */
#include "gateway/pipeline.h"

#include "crypto/hash.h"
#include "gateway/reply.h"
#include "gateway/stages.h"

typedef struct {
    const char *name;
    aip_status (*run)(exchange *x, aip_error *err);
} stage;

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
    {"read", message_read},
    {"classify", mcp_classify},
    {"scope", check_scope},
    {"constraints", check_constraints},
    {"replay", prove_once},
    {"still standing", check_standing},
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
    return revoked_epoch(identities_revoked(x->settings->identities)) == x->revoked_epoch ? AIP_OK
                                                                                          : greet_standing(x, err);
}

/* Copies into the record what was learnt about the message so far. */
static void
describe_message(exchange *x)
{
    audit_record *record = &x->record;
    record->method = x->method[0] != '\0' ? aip_bytes_of(x->method) : aip_bytes_of(x->http_method);
    record->tool = x->name;
    record->chain = x->chain;
    record->peer = x->peer;
    record->has_digest = x->body.size > 0;
    if (record->has_digest) {
        hash_sha256(text_view(&x->body), record->request_digest);
    }
}

static aip_status
record_allowed(exchange *x, aip_error *err)
{
    describe_message(x);
    x->record.allowed = true; /* the one line that allows */
    aip_status status = audit_append(x->settings->audit, &x->record, err);
    x->record.allowed = status == AIP_OK;
    return status;
}

void
pipeline_refuse(exchange *x)
{
    x->record.allowed = false;
    if (x->document.count == 0 && x->body.size > 0 && !x->body_too_large) {
        /* Refused by its headers: the body is read for its id and for the record only. */
        (void)(message_read(x, NULL) == AIP_OK && mcp_classify(x, NULL) == AIP_OK);
    }
    describe_message(x);
    x->record.http = reply_http_status(x, x->record.status);
    aip_error unrecorded = AIP_ERROR_INIT;
    if (audit_append(x->settings->audit, &x->record, &unrecorded) != AIP_OK) {
        x->record.status = x->refusal.status = AIP_AUDIT_UNAVAILABLE;
        x->refusal.detail[0] = '\0';
    }
    reply_refuse(x);
}
