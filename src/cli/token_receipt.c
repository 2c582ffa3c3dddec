/* aip-token receipt show: what a receipt or a completion says; nothing is verified. */
#include "cli/token_verbs.h"
#include "proof/completion.h"
#include "proof/receipt.h"

#define NOTICE "not verified: no signature was checked (aip-token verify does)"

static aip_status
print_claims(const jws *read, const char *type, bool json, aip_error *err)
{
    TEXT_AUTO text_buffer claims = {0}, text = {0};
    AIP_TRY(receipt_append_claims(&claims, read->payload, err)); /* which also tells whether it is JSON at all */
    if (json) {
        text_append_format(&text, "{\"verified\":false,\"typ\":\"%s\",\"statement\":", type);
        text_append(&text, read->payload);
        text_append_string(&text, "}");
        return options_print(&text, err);
    }
    text_append_string(&text, NOTICE);
    text_append(&text, text_view(&claims));
    return options_print(&text, err);
}

static aip_status
show(const char *path, bool json, aip_error *err)
{
    STRING_AUTO char *text = NULL;
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    size_t size = 0;
    jws read;
    aip_status status = strcmp(path, "-") == 0 ? text_load_stream(stdin, AIP_TOKEN_BYTES_MAX + 1, &text, &size, err)
                                               : text_load_file(path, AIP_TOKEN_BYTES_MAX + 1, &text, &size, err);
    AIP_TRY(status);
    if (size > 0 && text[size - 1] == '\n') {
        size--;
    }
    aip_bytes view = {(unsigned char *)text, size};
    const char *type = token_statement_type(view);
    AIP_TRY(jws_parse(view, type == NULL ? RECEIPT_TYPE : type, room, sizeof room, &read, err));
    return print_claims(&read, type == NULL ? RECEIPT_TYPE : type, json, err);
}

int
token_run_receipt(int argc, char **argv)
{
    const char *words[2] = {NULL, NULL};
    size_t count = 0;
    bool json = false;
    const option table[] = {
        {"--json", OPTION_FLAG, &json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, TOKEN_PROGRAM " receipt show FILE|- [--json]", argc, argv, words, 2, &count, &err);
    if (status == AIP_OK && (count != 2 || strcmp(words[0], "show") != 0)) {
        status = aip_fail(&err, AIP_USAGE, "it is `receipt show FILE`, - for standard input");
    }
    if (status == AIP_OK) {
        status = show(words[1], json, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, json, status, &err);
}
