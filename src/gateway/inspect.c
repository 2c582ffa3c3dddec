/* Secrets and personal data: messages are looked into before they go on, in both directions. */
#include "gateway/inspect.h"

#include <stdlib.h>
#include <strings.h>

#include "dlp/message.h"
#include "gateway/events.h"
#include "gateway/mcp_params.h"
#include "gateway/pipeline.h"
#include "gateway/stages.h"
#include "policy/mirrors.h"

/* ---- what is told of findings ---- */

static const char *
name_action(dlp_action action)
{
    static const char *const names[] = {[DLP_REDACT] = "redacted", [DLP_WARN] = "told", [DLP_BLOCK] = "blocked"};
    return names[action];
}

static exchange_findings *
found_in(exchange *x)
{
    if (x->found == NULL) {
        x->found = calloc(1, sizeof *x->found);
    }
    return x->found;
}

/* The same thing at the same place again only counts up. Beyond the room they are counted with the last one. */
static void
tell(exchange *x, const audit_dlp_finding *finding, const char *place)
{
    exchange_findings *found = found_in(x);
    if (found == NULL) {
        return; /* what is done about it does not depend on telling it */
    }
    for (size_t i = found->reported; i < found->count; i++) {
        audit_dlp_finding *each = &found->items[i];
        if (i + 1 == FINDINGS_MAX || (each->name == finding->name && each->direction == finding->direction &&
                                      strcmp(found->places[i], place) == 0)) {
            each->count++;
            return;
        }
    }
    if (found->count < FINDINGS_MAX) {
        snprintf(found->places[found->count], sizeof found->places[0], "%s", place);
        found->items[found->count] = *finding;
        found->items[found->count].place = found->places[found->count];
        found->count++;
    }
}

/* One for each message or text, whatever is in it: a caller could fill the log with them. Nobody waits for it. */
static void
raise_alert(exchange *x, const char *place)
{
    char detail[320];
    snprintf(detail, sizeof detail, "a planted value was found at %s", place);
    await_no_event(x->shard,
                   &(const gateway_event){"alert", x->record.decision_id, x->verdict.grant.leaf, aip_bytes_of(detail)});
}

void
inspect_tell(exchange *x, const inspected *where, const dlp_findings *findings)
{
    bool alerted = false;
    for (size_t i = 0; i < findings->count; i++) {
        const dlp_finding *each = &findings->items[i];
        char place[DLP_PLACE_SIZE] = "";
        audit_dlp_finding told = {
            .name = each->name, .direction = where->direction, .action = name_action(each->action), .count = 1};
        if (where->message != NULL) {
            dlp_place(where->message, findings, i, place);
        } else {
            snprintf(place, sizeof place, "%s", where->place);
        }
        dlp_fingerprint(x->gateway->finding_key, (aip_bytes){where->text.data + each->start, each->end - each->start},
                        told.fingerprint);
        tell(x, &told, place);
        if (each->canary && !alerted) {
            alerted = true;
            raise_alert(x, place);
        }
    }
    if (findings->unread) {
        const audit_dlp_finding told = {.name = "unread", .direction = where->direction, .action = "told", .count = 1};
        tell(x, &told, "");
    }
}

/* ---- one message ---- */

/* Is something in what the record repeats of a request? What cannot be told counts as if. */
static void
look_at_names(exchange *x, const dlp_scanner *scanner, dlp_workspace *workspace)
{
    const aip_bytes names[] = {x->name, aip_bytes_of(x->method), x->id};
    for (size_t i = 0; x->found != NULL && i < sizeof names / sizeof names[0]; i++) {
        dlp_findings findings = {0};
        aip_status status = names[i].size == 0 ? AIP_OK : dlp_scan(scanner, workspace, names[i], &findings, NULL);
        x->found->in_names |= status != AIP_OK || findings.count > 0 || findings.unread;
        dlp_findings_clear(&findings);
    }
}

static bool
changes(const dlp_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].action == DLP_REDACT) {
            return true;
        }
    }
    return false;
}

static bool
blocks_unread(const exchange *x)
{
    return policy_dlp_of(x->rules->policy)->block_unread;
}

/* What only its server can read goes on byte for byte or not at all: a marker inside would be another state
 * (G-123). */
static void
hold_state(const scan_document *message, dlp_findings *findings)
{
    static const char *const parents[] = {"params", "result"};
    for (size_t i = 0; i < sizeof parents / sizeof parents[0]; i++) {
        uint32_t parent = scan_member(message, 0, parents[i]);
        uint32_t state = parent == SCAN_NONE ? SCAN_NONE : scan_member(message, parent, "requestState");
        aip_bytes raw = state == SCAN_NONE ? (aip_bytes){NULL, 0} : scan_raw(message, state);
        size_t begin = raw.size == 0 ? 0 : (size_t)(raw.data - message->text.data);
        for (size_t j = 0; j < findings->count; j++) {
            dlp_finding *each = &findings->items[j];
            bool inside = each->start >= begin && each->end <= begin + raw.size;
            each->action = inside && each->action == DLP_REDACT ? DLP_BLOCK : each->action;
        }
    }
}

/* `out` stays empty when nothing has to change. */
static aip_status
look_into(exchange *x, const dlp_scanner *scanner, const inspected *where, text_buffer *out, aip_error *err)
{
    dlp_findings findings = {0};
    dlp_workspace *workspace = NULL;
    AIP_TRY(rules_workspace(x->shard->tools, x->rules, scanner, &workspace, err));
    aip_status status = dlp_scan_message(scanner, workspace, where->message, &findings, out, err);
    if (status == AIP_OK && x->route->protocol == &protocol_mcp) {
        hold_state(where->message, &findings);
    }
    if (status == AIP_OK) {
        inspect_tell(x, where, &findings);
        status = dlp_findings_judge(&findings, blocks_unread(x), err);
    }
    if (findings.count > 0 && !x->forwarded) {
        look_at_names(x, scanner, workspace);
    }
    if (status != AIP_OK || !changes(&findings)) {
        text_clear(out);
    }
    dlp_findings_clear(&findings);
    return status;
}

/* A text that is not a message, and so cannot be changed: what would be redacted in a message refuses here. */
static aip_status
look_at_text(exchange *x, const dlp_scanner *scanner, const inspected *where, aip_error *err)
{
    dlp_findings findings = {0};
    dlp_workspace *workspace = NULL;
    AIP_TRY(rules_workspace(x->shard->tools, x->rules, scanner, &workspace, err));
    aip_status status = dlp_scan(scanner, workspace, where->text, &findings, err);
    for (size_t i = 0; status == AIP_OK && i < findings.count; i++) {
        findings.items[i].action = findings.items[i].action == DLP_REDACT ? DLP_BLOCK : findings.items[i].action;
    }
    if (status == AIP_OK) {
        inspect_tell(x, where, &findings);
        status = dlp_findings_judge(&findings, blocks_unread(x), err);
    }
    if (findings.count > 0 && !x->forwarded) {
        look_at_names(x, scanner, workspace);
    }
    dlp_findings_clear(&findings);
    return status;
}

/* ---- requests ---- */

static aip_status
look_at_part(exchange *x, const dlp_scanner *scanner, const char *place, aip_bytes text, aip_error *err)
{
    const inspected where = {"request", NULL, text, place};
    return text.size == 0 ? AIP_OK : look_at_text(x, scanner, &where, err);
}

/* What goes on beside the message may hold a copy of what was redacted in it. The key of a retry stands in the log. */
static bool
is_retry_key(aip_bytes name)
{
    static const char header[] = "Idempotency-Key";
    return name.size == sizeof header - 1 && strncasecmp((const char *)name.data, header, sizeof header - 1) == 0;
}

/* What MCP writes as base64 is looked at both ways. */
static aip_status
look_at_field(exchange *x, const dlp_scanner *scanner, const header_field *field, aip_error *err)
{
    TEXT_AUTO text_buffer decoded = {0};
    char place[64];
    bool good = false;
    snprintf(place, sizeof place, "header %.*s", (int)field->name.size, (const char *)field->name.data);
    AIP_TRY(look_at_part(x, scanner, place, field->value, err));
    if (!aip_bytes_begin_with(field->value, AIP_BYTES_LITERAL("=?base64?"))) {
        return AIP_OK;
    }
    AIP_TRY(mirror_decode(field->value, &decoded, &good, err));
    return good ? look_at_part(x, scanner, place, text_view(&decoded), err) : AIP_OK;
}

/* A header that repeats an argument is written from the message that goes on, which is looked into for itself. */
static aip_status
look_at_head(exchange *x, const dlp_scanner *scanner, aip_error *err)
{
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        if ((forward_passes(x, field->name) || is_retry_key(field->name)) && !mcp_params_knows(x, field->name)) {
            AIP_TRY(look_at_field(x, scanner, field, err));
        }
    }
    if (!x->route->protocol->below) {
        return AIP_OK;
    }
    AIP_TRY(look_at_part(x, scanner, "path", aip_bytes_of(x->path), err));
    return look_at_part(x, scanner, "query", x->query, err);
}

/* Arguments as they may stand in the log: with all that any rule would redact, block or tell of taken out. */
static aip_status
keep_arguments(exchange *x, aip_error *err)
{
    const dlp_scanner *scanner = rules_audit_scanner(x->rules);
    dlp_findings findings = {0};
    dlp_workspace *workspace = NULL;
    scan_document document = {0};
    const scan_limits limits = {x->arguments.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    if (scanner == NULL || x->arguments.size == 0 || x->arguments.size > AUDIT_ARGUMENTS_BYTES_MAX) {
        return AIP_OK;
    }
    AIP_TRY(rules_workspace(x->shard->tools, x->rules, scanner, &workspace, err));
    AIP_TRY(scan_load(x->arguments, &limits, &document, err));
    text_clear(&x->told_arguments);
    aip_status status = dlp_scan_message(scanner, workspace, &document, &findings, &x->told_arguments, err);
    scan_clear(&document);
    dlp_findings_clear(&findings);
    AIP_TRY(status);
    x->record.arguments = text_view(&x->told_arguments);
    return AIP_OK;
}

static aip_status
look_into_request(exchange *x, const dlp_scanner *scanner, aip_error *err)
{
    TEXT_AUTO text_buffer changed = {0};
    const inspected where = {"request", &x->document, x->document.text, NULL};
    AIP_TRY(look_at_head(x, scanner, err));
    if (x->document.count == 0) {
        return x->route->protocol->texts ? look_at_part(x, scanner, "body", text_view(&x->body), err) : AIP_OK;
    }
    AIP_TRY(look_into(x, scanner, &where, &changed, err));
    if (changed.size == 0) {
        return AIP_OK;
    }
    AIP_TRY(mcp_params_check_changed(x, err));
    return pipeline_change(x, &changed, err);
}

aip_status
inspect_request(exchange *x, aip_error *err)
{
    if (x->rules == NULL) {
        return AIP_OK;
    }
    const dlp_scanner *scanner = rules_scanner(x->rules, DLP_REQUEST, x->is_tool ? x->name : (aip_bytes){NULL, 0});
    AIP_TRY(scanner == NULL ? AIP_OK : look_into_request(x, scanner, err));
    return x->settings->audit_arguments ? keep_arguments(x, err) : AIP_OK;
}

/* ---- replies ---- */

aip_status
inspect_reply_text(exchange *x, aip_bytes text, aip_error *err)
{
    const dlp_scanner *scanner =
        x->rules == NULL || text.size == 0 ? NULL : rules_scanner(x->rules, DLP_RESPONSE, (aip_bytes){NULL, 0});
    const inspected where = {"response", NULL, text, "body"};
    return scanner == NULL ? AIP_OK : look_at_text(x, scanner, &where, err);
}

static const dlp_scanner *
reply_scanner(const exchange *x)
{
    aip_bytes tool = x->answers_tool != NULL ? aip_bytes_of(x->answers_tool)
                     : x->is_tool            ? x->name
                                             : (aip_bytes){NULL, 0};
    return x->rules == NULL ? NULL : rules_scanner(x->rules, DLP_RESPONSE, tool);
}

aip_status
inspect_event(exchange *x, aip_bytes event, aip_error *err)
{
    TEXT_AUTO text_buffer beside = {0};
    const dlp_scanner *scanner = reply_scanner(x);
    if (scanner == NULL) {
        return AIP_OK;
    }
    events_append_beside(&beside, event);
    AIP_TRY(text_finish(&beside, err));
    const inspected where = {"response", NULL, text_view(&beside), "event"};
    return beside.size == 0 ? AIP_OK : look_at_text(x, scanner, &where, err);
}

aip_status
inspect_reply(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    const dlp_scanner *scanner = reply_scanner(x);
    if (scanner == NULL) {
        return AIP_OK;
    }
    const inspected where = {"response", message, message->text, NULL};
    AIP_TRY(look_into(x, scanner, &where, out, err));
    return x->phase == EXCHANGE_STREAMING ? inspect_seam(x, scanner, message, out, err) : AIP_OK;
}
