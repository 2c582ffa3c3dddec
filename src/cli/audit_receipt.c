/* aip-audit receipt: what a receipt says, and whether it is the gateway's. */
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

static aip_status
print_text(aip_bytes payload, bool judged, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, judged ? "signature good" : "NOT VERIFIED: no --did, --key or --log was given");
    AIP_TRY(receipt_append_claims(&text, payload, err));
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
