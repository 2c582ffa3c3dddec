/* aip-audit reconcile: what our log has and a counterparty's receipts have not, and the other way round. */
#include <stdlib.h>

#include "audit/reader.h"
#include "cli/audit_receipts.h"
#include "cli/audit_show.h"

typedef struct {
    audit_signer_options signer;
    const char *agent, *root;
    bool json;
} reconcile_options;

typedef struct {
    const reconcile_options *o;
    held_receipts receipts;
    audit_filter *filter;
    scan_node *nodes;
    uint64_t agree, differ, log_only, receipt_only, unreadable;
    text_buffer list; /* of differences */
} reconciliation;

/* One difference: `what` is differs, log_only or receipt_only. */
static void
note(reconciliation *r, const char *what, const char *id, const char *path, uint64_t line, const char *claim)
{
    char shown[256];
    if (!r->o->json) {
        text_append_format(&r->list, "%-12s %s  %s:%llu%s%s\n", what, id,
                           aip_printable(aip_bytes_of(path), shown, sizeof shown), (unsigned long long)line,
                           claim == NULL ? "" : "  ", claim == NULL ? "" : claim);
        return;
    }
    text_append_format(&r->list, "%s{\"what\":\"%s\",\"decision_id\":\"%s\",\"file\":", r->list.size == 0 ? "" : ",",
                       what, id);
    text_append_json(&r->list, aip_bytes_of(path));
    text_append_format(&r->list, ",\"line\":%llu", (unsigned long long)line);
    if (claim != NULL) {
        text_append_format(&r->list, ",\"claim\":\"%s\"", claim);
    }
    text_append_string(&r->list, "}");
}

/* Only a request that its holder proved gets a receipt. */
static bool
should_have_receipt(const reconciliation *r, const audit_line *line)
{
    return aip_bytes_equal(audit_line_text(line, "proof"), AIP_BYTES_LITERAL("holder")) &&
           audit_filter_takes(r->filter, line);
}

static void
take_decision(reconciliation *r, const audit_line *line, const char *path, uint64_t number)
{
    char id[RECEIPT_ID_SIZE + 1];
    aip_bytes name = audit_line_text(line, "decision_id");
    aip_printable(name, id, sizeof id);
    held_receipt *receipt = receipts_find(&r->receipts, name);
    if (receipt == NULL) {
        if (should_have_receipt(r, line)) {
            r->log_only++;
            note(r, "log_only", id, path, number, NULL);
        }
        return;
    }
    if (receipt->met && receipt->claim == NULL) {
        return; /* settled */
    }
    receipt->met = true;
    /* A line that follows may be the one that the receipt is about: an outcome, or a refusal of what was to be
     * allowed. */
    receipt->claim = receipts_compare(receipt, line);
    receipt->log_path = path;
    receipt->log_line = number;
    r->agree += receipt->claim == NULL;
}

static void
take_outcome(reconciliation *r, const audit_line *line)
{
    held_receipt *receipt = receipts_find(&r->receipts, audit_line_text(line, "decision_id"));
    if (receipt != NULL && receipt->claim != NULL && strcmp(receipt->claim, "code") == 0 &&
        receipts_has_code(receipt, line)) {
        receipt->claim = NULL;
        r->agree++;
    }
}

static aip_status
read_log(reconciliation *r, const char *path, aip_error *err)
{
    READER_AUTO audit_reader reader = {0};
    reader_piece piece = READER_LINE;
    aip_bytes text;
    audit_line line;
    AIP_TRY(audit_reader_open(path, &reader, err));
    for (uint64_t number = 1; piece != READER_TORN; number++) {
        AIP_TRY(audit_reader_next(&reader, &piece, &text, err));
        if (piece == READER_ENDED) {
            break;
        }
        if (piece != READER_LINE || audit_line_read(text, r->nodes, &line, NULL) != AIP_OK) {
            r->unreadable++;
        } else if (line.event == AUDIT_DECISION) {
            take_decision(r, &line, path, number);
        } else if (line.event == AUDIT_OUTCOME) {
            take_outcome(r, &line);
        }
    }
    return AIP_OK;
}

static void
list_unmet(reconciliation *r)
{
    for (size_t i = 0; i < r->receipts.count; i++) {
        const held_receipt *receipt = &r->receipts.items[i];
        char id[RECEIPT_ID_SIZE + 1];
        if (receipt->claim != NULL) {
            r->differ++;
            note(r, "differs", aip_printable(aip_bytes_of(receipt->id), id, sizeof id), receipt->log_path,
                 receipt->log_line, receipt->claim);
        }
        if (!receipt->met) {
            r->receipt_only++;
            note(r, "receipt_only", aip_printable(aip_bytes_of(receipt->id), id, sizeof id), receipt->path,
                 receipt->line, NULL);
        }
    }
}

static aip_status
print_result(reconciliation *r, bool judged, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    aip_status verdict = r->differ + r->log_only + r->receipt_only + r->unreadable == 0 ? AIP_OK : AIP_AUDIT_DIFFERS;
    AIP_TRY(text_finish(&r->list, err));
    text_append_string(&text, r->o->json ? "{" : "");
    if (r->o->json) {
        options_append_verdict(&text, verdict, NULL);
        text_append_format(&text, ",\"verified\":%s,\"agree\":%llu,\"differ\":%llu,\"log_only\":%llu",
                           judged ? "true" : "false", (unsigned long long)r->agree, (unsigned long long)r->differ,
                           (unsigned long long)r->log_only);
        text_append_format(&text, ",\"receipt_only\":%llu,\"unreadable\":%llu,\"differences\":[",
                           (unsigned long long)r->receipt_only, (unsigned long long)r->unreadable);
    }
    text_append(&text, text_view(&r->list));
    if (r->o->json) {
        text_append_string(&text, "]}");
    } else {
        text_append_format(&text, "%llu agree, %llu differ, %llu in the log only, %llu in receipts only",
                           (unsigned long long)r->agree, (unsigned long long)r->differ, (unsigned long long)r->log_only,
                           (unsigned long long)r->receipt_only);
        if (r->unreadable > 0) {
            text_append_format(&text, ", %llu lines could not be read", (unsigned long long)r->unreadable);
        }
        text_append_string(&text, judged ? "" : "\nreceipts NOT VERIFIED: no --did, --key or --log was given");
    }
    AIP_TRY(options_print(&text, err));
    return verdict;
}

static aip_status
compare(reconciliation *r, const char *const *names, size_t count, bool *reported, aip_error *err)
{
    SERIES_AUTO audit_series files = {0};
    SIGNER_AUTO audit_signer signer = {0};
    AIP_TRY(audit_signer_load(&r->o->signer, &signer, err));
    if (count < 2) {
        return aip_fail(err, AIP_USAGE, "name the log and at least one file of receipts");
    }
    AIP_TRY(audit_name_files(names, 1, &files, err));
    for (size_t i = 1; i < count; i++) {
        AIP_TRY(receipts_load(names[i], &signer, &r->receipts, err));
    }
    AIP_TRY(receipts_sort(&r->receipts, err));
    for (size_t i = 0; i < files.count; i++) {
        AIP_TRY(read_log(r, files.paths[i], err));
    }
    list_unmet(r);
    *reported = true;
    return print_result(r, signer.given, err);
}

static aip_status
reconcile(const reconcile_options *o, const char *const *names, size_t count, bool *reported, aip_error *err)
{
    static audit_filter filter;
    reconciliation r = {.o = o, .filter = &filter, .nodes = malloc(AUDIT_LINE_NODES_MAX * sizeof *r.nodes)};
    filter.agent = o->agent;
    filter.root = o->root;
    aip_status status = r.nodes == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : compare(&r, names, count, reported, err);
    free(r.nodes);
    receipts_clear(&r.receipts);
    text_clear(&r.list);
    return status;
}

int
audit_run_reconcile(int argc, char **argv)
{
    reconcile_options o = {0};
    const char *names[AUDIT_FILES_MAX];
    size_t count = 0;
    bool reported = false;
    const option table[] = {
        AUDIT_SIGNER_ROWS(o.signer),
        {"--agent", OPTION_TEXT, &o.agent, "DID", "the receipts are this holder's: others' decisions need none"},
        {"--root", OPTION_TEXT, &o.root, "DID", "the receipts are those under this root"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, AUDIT_PROGRAM " reconcile FILE RECEIPTS... [options]", argc, argv, names,
                                      AUDIT_FILES_MAX, &count, &err);
    if (status == AIP_OK) {
        status = reconcile(&o, names, count, &reported, &err);
    }
    if (reported) {
        return aip_status_exit_code(status);
    }
    return status == AIP_OK ? 0 : options_report_failure(AUDIT_PROGRAM, o.json, status, &err);
}
