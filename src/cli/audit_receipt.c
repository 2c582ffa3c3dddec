/* aip-audit receipt: what a receipt says, and whether it is the gateway's. */
#include "base/clock.h"
#include "cli/audit_receipts.h"

static aip_status
print_json(aip_bytes payload, bool judged, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_format(&text, "{\"verified\":%s,\"receipt\":", judged ? "true" : "false");
    text_append(&text, payload);
    text_append_string(&text, "}");
    return options_print(&text, err);
}

static void
append_claim(text_buffer *text, const scan_document *document, uint32_t node)
{
    char name[64], value[1024];
    uint64_t seconds;
    aip_bytes raw = scan_raw(document, node);
    if (scan_kind_of(document, node) == SCAN_STRING) {
        raw = (aip_bytes){raw.data + 1, raw.size - 2};
    }
    aip_printable(raw, value, sizeof value);
    if (scan_name_equals(document, node, AIP_BYTES_LITERAL("iat")) &&
        scan_integer(document, node, INT32_MAX * (uint64_t)100, &seconds, NULL) == AIP_OK) {
        clock_format_utc((int64_t)seconds, value);
    }
    text_append_format(text, "\n  %-16s %s", aip_printable(scan_raw_name(document, node), name, sizeof name), value);
}

static aip_status
print_text(aip_bytes payload, bool judged, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    scan_node nodes[RECEIPT_NODES_MAX];
    scan_document document;
    AIP_TRY(receipts_scan(payload, nodes, &document, err));
    text_append_string(&text, judged ? "signature good" : "NOT VERIFIED: no --did, --key or --log was given");
    for (uint32_t i = scan_child(&document, 0); i != SCAN_NONE; i = scan_next(&document, i)) {
        append_claim(&text, &document, i);
    }
    return options_print(&text, err);
}

static aip_status
show_receipt(const char *path, const audit_signer_options *options, bool json, aip_error *err)
{
    STRING_AUTO char *text = NULL, *payload = NULL;
    SIGNER_AUTO audit_signer signer = {0};
    size_t size = 0, payload_size = 0;
    AIP_TRY(audit_signer_load(options, &signer, err));
    if (strcmp(path, "-") == 0) {
        AIP_TRY(text_load_stream(stdin, AIP_TOKEN_BYTES_MAX + 1, &text, &size, err));
    } else {
        AIP_TRY(text_load_file(path, AIP_TOKEN_BYTES_MAX + 1, &text, &size, err));
    }
    if (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    AIP_TRY(receipts_read_one((aip_bytes){(unsigned char *)text, size}, &signer, &payload, &payload_size, err));
    aip_bytes view = {(unsigned char *)payload, payload_size};
    return json ? print_json(view, signer.given, err) : print_text(view, signer.given, err);
}

int
audit_run_receipt(int argc, char **argv)
{
    audit_signer_options signer = {NULL, NULL, NULL};
    const char *path = NULL;
    bool json = false;
    size_t count = 0;
    const option table[] = {
        AUDIT_SIGNER_ROWS(signer),
        {"--json", OPTION_FLAG, &json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, AUDIT_PROGRAM " receipt FILE|- [options]", argc, argv, &path, 1, &count, &err);
    if (status == AIP_OK && count == 0) {
        status = aip_fail(&err, AIP_USAGE, "name the file of the receipt, or - for standard input");
    }
    if (status == AIP_OK) {
        status = show_receipt(path, &signer, json, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(AUDIT_PROGRAM, json, status, &err);
}
