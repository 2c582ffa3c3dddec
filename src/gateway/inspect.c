/* Secrets and personal data: messages are looked into before they go on, in both directions. */
#include "gateway/inspect.h"

#include <stdlib.h>
#include <strings.h>

#include "dlp/message.h"
#include "gateway/pipeline.h"
#include "gateway/stages.h"

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

/* Nobody waits for it. */
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
        if (each->canary) {
            raise_alert(x, place);
        }
    }
    if (findings->unread) {
        const audit_dlp_finding told = {.name = "unread", .direction = where->direction, .action = "told", .count = 1};
        tell(x, &told, "");
    }
}

/* ---- one message ---- */

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

/* `out` stays empty when nothing has to change. */
static aip_status
look_into(exchange *x, const dlp_scanner *scanner, const inspected *where, text_buffer *out, aip_error *err)
{
    dlp_findings findings = {0};
    dlp_workspace *workspace = NULL;
    AIP_TRY(rules_workspace(x->shard->tools, x->rules, scanner, &workspace, err));
    aip_status status = dlp_scan_message(scanner, workspace, where->message, &findings, out, err);
    if (status == AIP_OK) {
        inspect_tell(x, where, &findings);
        status = dlp_findings_judge(&findings, blocks_unread(x), err);
    }
    if (status != AIP_OK || !changes(&findings)) {
        text_clear(out);
    }
    dlp_findings_clear(&findings);
    return status;
}

/* ---- requests ---- */

/* A text that is not a message, and so cannot be changed: what would be redacted in a message refuses here. */
static aip_status
look_at_text(exchange *x, const dlp_scanner *scanner, const char *place, aip_bytes text, aip_error *err)
{
    dlp_findings findings = {0};
    dlp_workspace *workspace = NULL;
    const inspected where = {"request", NULL, text, place};
    AIP_TRY(rules_workspace(x->shard->tools, x->rules, scanner, &workspace, err));
    aip_status status = dlp_scan(scanner, workspace, text, &findings, err);
    for (size_t i = 0; status == AIP_OK && i < findings.count; i++) {
        findings.items[i].action = findings.items[i].action == DLP_REDACT ? DLP_BLOCK : findings.items[i].action;
    }
    if (status == AIP_OK) {
        inspect_tell(x, &where, &findings);
        status = dlp_findings_judge(&findings, blocks_unread(x), err);
    }
    dlp_findings_clear(&findings);
    return status;
}

/* What goes on beside the message may hold a copy of what was redacted in it. */
static aip_status
look_at_head(exchange *x, const dlp_scanner *scanner, aip_error *err)
{
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        char place[64];
        if (forward_passes(field->name) && field->value.size > 0) {
            snprintf(place, sizeof place, "header %.*s", (int)field->name.size, (const char *)field->name.data);
            AIP_TRY(look_at_text(x, scanner, place, field->value, err));
        }
    }
    if (!x->route->protocol->below) {
        return AIP_OK;
    }
    AIP_TRY(look_at_text(x, scanner, "path", aip_bytes_of(x->path), err));
    return x->query.size == 0 ? AIP_OK : look_at_text(x, scanner, "query", x->query, err);
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
        return AIP_OK;
    }
    AIP_TRY(look_into(x, scanner, &where, &changed, err));
    return changed.size == 0 ? AIP_OK : pipeline_change(x, &changed, err);
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
inspect_reply(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    if (x->rules == NULL) {
        return AIP_OK;
    }
    const dlp_scanner *scanner = rules_scanner(x->rules, DLP_RESPONSE, x->is_tool ? x->name : (aip_bytes){NULL, 0});
    if (scanner == NULL) {
        return AIP_OK;
    }
    const inspected where = {"response", message, message->text, NULL};
    AIP_TRY(look_into(x, scanner, &where, out, err));
    return x->phase == EXCHANGE_STREAMING ? inspect_seam(x, scanner, message, out, err) : AIP_OK;
}
