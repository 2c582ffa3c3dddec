/* A person's word where the policy asks for one: what is shown, what the word binds, and that a caller may take its
 * call back (spec/approval.md). */
#include "base/clock.h"
#include "base/json.h"
#include "chain/report.h"
#include "dlp/message.h"
#include "dlp/redact.h"
#include "gateway/await.h"
#include "gateway/lists.h"
#include "gateway/stages.h"

enum { SHOWN_BYTES_MAX = 4096 };

/* ---- what the word binds ---- */

/* With its length, so that no two rows of texts run together to the same bytes. */
static void
add(hash_stream *hash, aip_bytes text)
{
    unsigned char size[8];
    for (size_t i = 0; i < sizeof size; i++) {
        size[i] = (unsigned char)((uint64_t)text.size >> (8 * i));
    }
    hash_stream_add(hash, (aip_bytes){size, sizeof size});
    hash_stream_add(hash, text);
}

/* What the parameters are nodes of: a protocol may have drawn them together from several places. */
static const scan_document *
stated(const exchange *x)
{
    return x->stated != NULL ? x->stated : &x->document;
}

/* What of the parameters is the call: not the name, which is bound and shown itself, nor `_meta`, which has the
 * credential and is another one each time. */
static bool
is_of_call(const exchange *x, uint32_t member)
{
    return !scan_name_equals(stated(x), member, AIP_BYTES_LITERAL("_meta")) &&
           !(x->is_tool && scan_name_equals(stated(x), member, AIP_BYTES_LITERAL("name")));
}

static bool
has_members(const exchange *x)
{
    return stated(x)->count > 0 && x->params != SCAN_NONE && scan_kind_of(stated(x), x->params) == SCAN_OBJECT;
}

static aip_bytes
body_of(const exchange *x)
{
    return text_view(x->outgoing.size > 0 ? &x->outgoing : &x->body);
}

/* The bytes as they go on, not a canonical form: there large numbers that differ are the same. */
static void
bind_parameters(const exchange *x, hash_stream *hash)
{
    const scan_document *all = stated(x);
    if (all != &x->document || !has_members(x)) {
        add(hash, exchange_header(x, "Content-Type", NULL)); /* by which a body is read */
        add(hash, body_of(x));
        return;
    }
    for (uint32_t m = scan_child(all, x->params); m != SCAN_NONE; m = scan_next(all, m)) {
        if (is_of_call(x, m)) {
            add(hash, scan_raw_name(all, m));
            add(hash, scan_raw(all, m));
        }
    }
}

/* O-3 */
static void
bind_call(const exchange *x, unsigned char out[AIP_HASH_BYTES])
{
    const unsigned char subject = (unsigned char)x->subject;
    hash_stream hash;
    hash_stream_begin(&hash);
    add(&hash, AIP_BYTES_LITERAL("aip-approval-1"));
    add(&hash, x->verdict.grant.root);
    add(&hash, x->verdict.grant.leaf);
    add(&hash, lists_upstream(x));
    add(&hash, (aip_bytes){&subject, 1});
    add(&hash, aip_bytes_of(x->http_method));
    add(&hash, aip_bytes_of(x->method));
    add(&hash, x->name);
    add(&hash, aip_bytes_of(x->path));
    add(&hash, x->query);
    bind_parameters(x, &hash);
    hash_stream_end(&hash, out);
}

/* Requests of one caller on one session have ids of their own. */
static void
name_call(const exchange *x, aip_bytes id, unsigned char out[AIP_HASH_BYTES])
{
    hash_stream hash;
    hash_stream_begin(&hash);
    add(&hash, (aip_bytes){x->owner, sizeof x->owner});
    add(&hash, lists_upstream(x));
    add(&hash, aip_bytes_of(x->session));
    add(&hash, id);
    hash_stream_end(&hash, out);
}

/* ---- what is shown ---- */

static void
write_parameters(const exchange *x, text_buffer *out)
{
    const scan_document *all = stated(x);
    const char *comma = "";
    if (!has_members(x)) {
        text_append(out, body_of(x));
        return;
    }
    text_append_string(out, "{");
    for (uint32_t m = scan_child(all, x->params); m != SCAN_NONE; m = scan_next(all, m)) {
        if (is_of_call(x, m)) {
            text_append_format(out, "%s\"", comma);
            text_append(out, scan_raw_name(all, m));
            text_append_string(out, "\":");
            text_append(out, scan_raw(all, m));
            comma = ",";
        }
    }
    text_append_string(out, "}");
}

/* A text that is no JSON is looked into as it stands. */
static aip_status
take_secrets_out(const exchange *x, const dlp_scanner *scanner, aip_bytes text, text_buffer *out, aip_error *err)
{
    static const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_document document;
    dlp_workspace *workspace = NULL;
    dlp_findings findings = {0};
    AIP_TRY(rules_workspace(x->shard->tools, x->rules, scanner, &workspace, err));
    aip_status status;
    if (scan_load(text, &limits, &document, NULL) == AIP_OK) {
        status = dlp_scan_message(scanner, workspace, &document, &findings, out, err);
        scan_clear(&document);
    } else {
        status = dlp_scan(scanner, workspace, text, &findings, err);
        dlp_redact(text, &findings, out);
    }
    dlp_findings_clear(&findings);
    return status == AIP_OK ? text_finish(out, err) : status;
}

/* As in the log: whatever any rule finds, in whichever direction. */
static aip_status
redact(const exchange *x, text_buffer *text, aip_error *err)
{
    const dlp_scanner *scanner = rules_audit_scanner(x->rules);
    text_buffer clean = {0};
    AIP_TRY(text_finish(text, err));
    if (scanner == NULL) {
        return AIP_OK;
    }
    aip_status status = take_secrets_out(x, scanner, text_view(text), &clean, err);
    text_clear(text);
    *text = clean;
    return status;
}

/* O-2: what cannot be looked through is not shown. */
static aip_status
append_parameters(exchange *x, text_buffer *out, aip_error *err)
{
    text_buffer text TEXT_AUTO = {0};
    write_parameters(x, &text);
    size_t whole = text.size;
    aip_status status = redact(x, &text, err);
    if (status == AIP_NO_MEMORY) {
        return status;
    }
    text_append_format(out, ",\"arguments_bytes\":%zu,\"arguments\":", whole);
    if (status != AIP_OK) {
        text_append_string(out, "null,\"arguments_cut\":true");
        return AIP_OK;
    }
    bool cut = text.size > SHOWN_BYTES_MAX;
    text_append_json(out, (aip_bytes){(const unsigned char *)text.data, cut ? SHOWN_BYTES_MAX : text.size});
    text_append_string(out, cut ? ",\"arguments_cut\":true" : ",\"arguments_cut\":false");
    return AIP_OK;
}

static void
append_hops(const exchange *x, text_buffer *out)
{
    text_append_string(out, ",\"principal\":");
    chain_append_principal(out, x->chain);
    text_append_string(out, ",\"hops\":[");
    for (size_t i = 0; i < aip_chain_length(x->chain); i++) {
        text_append_string(out, i == 0 ? "{\"to\":" : ",{\"to\":");
        text_append_json(out, aip_chain_subject(x->chain, i));
        text_append_string(out, ",\"context\":");
        chain_append_context(out, x->chain, i);
        text_append_string(out, "}");
    }
    text_append_string(out, "]");
}

static void
append_text(text_buffer *out, const char *name, aip_bytes value)
{
    text_append_format(out, ",\"%s\":", name);
    text_append_json(out, value);
}

/* What a person could not be shown nobody can allow, and it must not hide the others (O-2). */
static aip_status
check_shown(const text_buffer *members, aip_error *err)
{
    text_buffer object TEXT_AUTO = {0};
    json_t *read JSON_AUTO = NULL;
    text_append_string(&object, "{");
    text_append(&object, text_view(members));
    text_append_string(&object, "}");
    AIP_TRY(text_finish(&object, err));
    return json_load_strict(text_view(&object), object.size, &read, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_APPROVAL_DENIED, "the call cannot be shown to a person");
}

static aip_status
show(exchange *x, approval_wish *wish, text_buffer *out, aip_error *err)
{
    static const char *const kinds[] = {
        [POLICY_METHOD] = "method", [POLICY_TOOL] = "tool",   [POLICY_RESOURCE] = "resource",
        [POLICY_PROMPT] = "prompt", [POLICY_SKILL] = "skill", [POLICY_ROUTE] = "route",
    };
    text_append_format(out, "\"kind\":\"%s\"", kinds[x->subject]);
    append_text(out, "name", x->name);
    append_text(out, "method", aip_bytes_of(x->method[0] != '\0' ? x->method : x->http_method));
    append_text(out, "upstream", lists_upstream(x));
    append_text(out, "root", x->verdict.grant.root);
    append_text(out, "leaf", x->verdict.grant.leaf);
    append_text(out, "decision_id", aip_bytes_of(x->record.decision_id));
    append_hops(x, out);
    AIP_TRY(append_parameters(x, out, err));
    AIP_TRY(check_shown(out, err));
    wish->shown = text_view(out);
    return AIP_OK;
}

/* ---- the stage ---- */

static aip_status
ask(exchange *x, aip_error *err)
{
    text_buffer shown TEXT_AUTO = {0};
    approval_wish wish;
    if (x->gateway->approvals == NULL) {
        return aip_fail(err, AIP_APPROVAL_DENIED, "there is nobody who could be asked");
    }
    x->person_asked = true;
    bind_call(x, wish.digest);
    name_call(x, x->id, wish.call);
    AIP_TRY(show(x, &wish, &shown, err));
    return await_approval(x, &wish, err);
}

/* The token may have ended while the person thought about it. */
static aip_status
take_word(exchange *x, aip_error *err)
{
    (void)aip_printable(aip_bytes_of(x->arrived_detail), x->approver, sizeof x->approver);
    if (x->arrived_status == AIP_OK) {
        return clock_now_seconds() < x->verdict.grant.expires ? AIP_OK : aip_fail(err, AIP_TOKEN_EXPIRED, NULL);
    }
    if (x->arrived_status == AIP_APPROVAL_TIMEOUT || x->arrived_status == AIP_FETCH_TIMEOUT) {
        return aip_fail(err, AIP_APPROVAL_TIMEOUT, "User did not respond to approval dialog within timeout");
    }
    return x->arrived_status == AIP_APPROVAL_DENIED
               ? aip_fail(err, AIP_APPROVAL_DENIED, "User explicitly denied the tool call via approval dialog")
               : aip_fail(err, x->arrived_status, NULL);
}

/* O-9: the notification itself goes on. */
static void
take_back(exchange *x)
{
    unsigned char call[AIP_HASH_BYTES];
    uint32_t id = has_members(x) ? scan_member(stated(x), x->params, "requestId") : SCAN_NONE;
    if (id != SCAN_NONE) {
        name_call(x, scan_raw(stated(x), id), call);
        withdraw_no_answer(x->shard, call);
    }
}

aip_status
approve_call(exchange *x, aip_error *err)
{
    if (x->kind == MESSAGE_NOTIFICATION && x->gateway->approvals != NULL &&
        strcmp(x->method, "notifications/cancelled") == 0) {
        take_back(x);
    }
    if (!x->was_judged || x->judged.decision != POLICY_ASK) {
        return AIP_OK;
    }
    if (x->question != NULL) {
        return AIP_DID_PENDING; /* whatever woke the request, it was not the person */
    }
    return x->person_asked ? take_word(x, err) : ask(x, err);
}
