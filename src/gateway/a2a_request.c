/* A2A requests: which operation it is, what it names, and whose that is. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/splice.h"
#include "gateway/a2a_errors.h"
#include "gateway/a2a_exchange.h"
#include "gateway/a2a_public.h"
#include "gateway/await.h"
#include "gateway/lists.h"
#include "gateway/mcp.h"
#include "gateway/media.h"
#include "gateway/pipeline.h"
#include "gateway/plain.h"

a2a_notes *
a2a_notes_of(exchange *x)
{
    if (x->notes == NULL) {
        x->notes = calloc(1, sizeof(a2a_notes));
    }
    return x->notes;
}

void
a2a_forget(exchange *x)
{
    a2a_public_forget(x);
    free(x->notes);
    x->notes = NULL;
}

a2a_binding
a2a_binding_of(const exchange *x)
{
    return exchange_path_below(x).size <= 1 ? A2A_JSONRPC : A2A_REST;
}

/* ---- the head ---- */

static aip_status
check_fields(const exchange *x, aip_error *err)
{
    size_t count = 0, legacy_count = 0;
    a2a_extensions extensions;
    for (size_t i = 0; i < x->field_count; i++) {
        if (plain_is_override(x->fields[i].name)) {
            return aip_fail(err, AIP_REQUEST_HEADERS, "a header that asks for another method or path");
        }
    }
    aip_bytes asked = exchange_header(x, "A2A-Extensions", &count);
    aip_bytes legacy = exchange_header(x, "X-A2A-Extensions", &legacy_count);
    if (count > 1 || legacy_count > 1) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "A2A-Extensions is repeated");
    }
    return a2a_read_extensions(asked, legacy, &extensions, err);
}

/* E-17: the message says all, so the query has nothing to say but the version. */
static aip_status
check_rpc_query(const exchange *x, aip_error *err)
{
    target_parameter parameter;
    for (aip_bytes rest = x->query; rest.size > 0;) {
        AIP_TRY(target_next_parameter(&rest, &parameter, err));
        if (strcmp(parameter.name, "A2A-Version") != 0) {
            return aip_fail(err, AIP_REQUEST_INVALID, "a query belongs to no JSON-RPC request");
        }
    }
    return AIP_OK;
}

/* E-19 */
static aip_status
match_path(exchange *x, a2a_match *match, aip_error *err)
{
    if (x->route->a2a.rest_url == NULL) {
        return aip_fail(err, AIP_REQUEST_NOT_FOUND, NULL);
    }
    aip_status status = a2a_match_path(x->http_method, exchange_path_below(x), match, err);
    x->allow = match->row == NULL ? x->allow : match->row->http;
    return status;
}

static aip_status
match_request(exchange *x, a2a_match *match, aip_error *err)
{
    size_t count = 0;
    a2a_version version;
    bool rpc = a2a_binding_of(x) == A2A_JSONRPC;
    aip_bytes header = exchange_header(x, "A2A-Version", &count);
    AIP_TRY(target_check_query(x->query, err));
    AIP_TRY(a2a_read_version(header, count, x->query, &version, err));
    AIP_TRY(rpc ? a2a_match_method(aip_bytes_of(x->method), match, err) : match_path(x, match, err));
    return a2a_check_dialect(match, version, err);
}

static aip_status
check_type(const exchange *x, aip_error *err)
{
    size_t count = 0;
    aip_bytes type = exchange_header(x, "Content-Type", &count);
    bool legacy = media_is(type, "application/json");
    if (a2a_binding_of(x) == A2A_JSONRPC) {
        return legacy ? AIP_OK : aip_fail(err, AIP_REQUEST_MEDIA_TYPE, "Content-Type must be application/json");
    }
    return count == 0 || legacy || media_is(type, "application/a2a+json")
               ? AIP_OK
               : aip_fail(err, AIP_REQUEST_MEDIA_TYPE, "Content-Type must be application/json or application/a2a+json");
}

aip_status
a2a_check_head(exchange *x, aip_error *err)
{
    a2a_notes *notes = a2a_notes_of(x);
    if (notes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    x->allow = "POST";
    AIP_TRY(check_fields(x, err));
    if (a2a_binding_of(x) == A2A_JSONRPC) {
        size_t count = 0;
        a2a_version version;
        if (strcmp(x->http_method, "POST") != 0) {
            return aip_fail(err, AIP_REQUEST_HTTP_METHOD, NULL);
        }
        aip_bytes header = exchange_header(x, "A2A-Version", &count);
        AIP_TRY(check_rpc_query(x, err));
        AIP_TRY(a2a_read_version(header, count, x->query, &version, err));
    } else {
        AIP_TRY(match_request(x, &notes->match, err));
    }
    return check_type(x, err);
}

/* ---- the message ---- */

static aip_status
find_credential(exchange *x, aip_error *err)
{
    const scan_document *document = &x->document;
    uint32_t params = a2a_binding_of(x) == A2A_REST ? 0 : scan_member(document, 0, "params");
    uint32_t metadata = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "metadata");
    uint32_t found = metadata == SCAN_NONE ? SCAN_NONE : scan_member(document, metadata, "aip_token");
    if (found == SCAN_NONE || scan_kind_of(document, found) != SCAN_STRING ||
        scan_plain_string(document, found, &x->credential, NULL) != AIP_OK || x->credential.size == 0) {
        x->credential = (aip_bytes){NULL, 0};
        return aip_fail(err, AIP_TOKEN_MISSING, NULL);
    }
    return x->credential.size <= x->settings->token_bytes_max
               ? AIP_OK
               : aip_fail(err, AIP_TOKEN_SIZE, "the limit is %zu bytes", x->settings->token_bytes_max);
}

/* E-15: a body that is no message, or too long, is refused as such. */
aip_status
a2a_credential(exchange *x, aip_error *err)
{
    if (x->body.size == 0 && !x->body_too_large) {
        return aip_fail(err, AIP_TOKEN_MISSING, NULL);
    }
    AIP_TRY(message_load(x, err));
    aip_status status = find_credential(x, err);
    scan_clear(&x->document);
    return status;
}

aip_status
a2a_read(exchange *x, aip_error *err)
{
    if (a2a_binding_of(x) == A2A_REST) {
        x->kind = MESSAGE_REQUEST;
        return x->body.size == 0 && !x->body_too_large ? AIP_OK : message_load(x, err);
    }
    AIP_TRY(message_read(x, err));
    return x->kind == MESSAGE_REQUEST ? AIP_OK : aip_fail(err, AIP_REQUEST_INVALID, "agents are sent requests only");
}

/* E-15 */
static aip_status
cut_token(exchange *x, const a2a_facts *facts, aip_error *err)
{
    SPLICE_AUTO splice edit = {0};
    TEXT_AUTO text_buffer changed = {0};
    const scan_limits limits = {x->settings->body_bytes_max, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    uint32_t metadata = scan_member(&x->document, facts->params, "metadata");
    if (scan_kind_of(&x->document, facts->aip_token) != SCAN_STRING ||
        !scan_string_equals(&x->document, facts->aip_token, x->credential)) {
        return aip_fail(err, AIP_TOKEN_REPEATED, "another token in params.metadata");
    }
    splice_begin(&edit, &x->document);
    AIP_TRY(splice_remove(&edit, metadata, facts->aip_token, err));
    AIP_TRY(splice_finish(&edit, &limits, &changed, NULL, err));
    return pipeline_change(x, &changed, err);
}

/* What the stages after this one see. */
static void
tell(exchange *x, const a2a_facts *facts)
{
    const a2a_row *row = facts->row;
    (void)snprintf(x->method, sizeof x->method, "%s", row->name);
    (void)snprintf(x->wanted, sizeof x->wanted, "%s", row->scope);
    x->subject = row->has_message ? POLICY_SKILL : POLICY_METHOD;
    x->name = aip_bytes_of(facts->skill);
    x->params = facts->params;
    x->argument_node = facts->message;
    x->arguments = facts->message == SCAN_NONE ? AIP_BYTES_LITERAL("{}") : scan_raw(&x->document, facts->message);
}

/* E-18: a skill that a message names has to be granted as well. */
static aip_status
check_skill(const exchange *x, const a2a_facts *facts, aip_error *err)
{
    char wanted[AIP_A2A_ID_BYTES_MAX + 8];
    if (facts->skill[0] == '\0' || !x->record.verified) {
        return AIP_OK;
    }
    (void)snprintf(wanted, sizeof wanted, "skill:%s", facts->skill);
    return aip_grant_covers(&x->verdict.grant, aip_bytes_of(wanted), err);
}

aip_status
a2a_classify(exchange *x, aip_error *err)
{
    a2a_notes *notes = a2a_notes_of(x);
    if (notes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(match_request(x, &notes->match, err));
    const scan_document *document = x->document.count == 0 ? NULL : &x->document;
    aip_bytes query = notes->match.binding == A2A_REST ? x->query : (aip_bytes){NULL, 0};
    AIP_TRY(a2a_facts_read(&notes->match, document, query, &notes->facts, err));
    if (notes->facts.aip_token != SCAN_NONE && x->record.verified) {
        return cut_token(x, &notes->facts, err);
    }
    tell(x, &notes->facts);
    return check_skill(x, &notes->facts, err);
}

/* ---- what the stages before leave open ---- */

/* E-82: another gateway on the same database may know more; of a list nobody can tell what is missing. */
static aip_status
look_up(exchange *x, const owned_caller *caller, aip_error *err)
{
    const a2a_notes *notes = x->notes;
    TEXT_AUTO text_buffer keys = {0};
    AIP_TRY(a2a_tasks_collect(x->gateway->owners, caller, &notes->facts, &x->document, &keys));
    bool lists = notes->facts.row->operation == A2A_LIST_TASKS;
    return keys.size > 0 || lists ? await_owners(x, &keys, err) : AIP_OK;
}

aip_status
a2a_check(exchange *x, aip_error *err)
{
    const a2a_notes *notes = x->notes;
    owned_caller caller;
    if (notes == NULL || notes->facts.row == NULL || x->gateway->owners == NULL) {
        return aip_fail(err, AIP_INTERNAL, "whose task it is cannot be told");
    }
    if (notes->facts.registers_push) {
        AIP_TRY(a2a_push_check(&x->route->a2a.push, notes->facts.push_url, err));
    }
    a2a_caller_of(x, &caller);
    AIP_TRY(look_up(x, &caller, err));
    return a2a_tasks_judge(x->gateway->owners, &caller, &notes->facts, &x->document, err);
}

void
a2a_caller_of(const exchange *x, owned_caller *out)
{
    const a2a_notes *notes = x->notes;
    *out = (owned_caller){.upstream = (const char *)lists_upstream(x).data,
                        .tenant = notes->facts.tenant,
                        .now_seconds = clock_now_seconds()};
    memcpy(out->owner, x->owner, sizeof out->owner);
}

/* ---- on its way ---- */

aip_status
a2a_address(const exchange *x, text_buffer *out, aip_error *err)
{
    bool rpc = a2a_binding_of(x) == A2A_JSONRPC;
    return exchange_append_address(x, rpc ? x->route->url : x->route->a2a.rest_url, !rpc, out, err);
}

const char *
a2a_append_refusal(text_buffer *out, const exchange *x)
{
    const a2a_refusal refusal = {a2a_binding_of(x), x->id, &x->refusal, x->record.decision_id};
    a2a_append_error(out, &refusal);
    return "application/json";
}
