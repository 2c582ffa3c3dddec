/* aip-token: issues, delegates, verifies, shows, uses and revokes tokens. */
#include "base/clock.h"
#include "base/text.h"
#include "aip/limits.h"
#include "cli/options.h"
#include "cli/token_verbs.h"
#include "crypto/hash.h"

aip_status
token_read_input(char **out, size_t *size, aip_error *err)
{
    aip_status status = text_load_stream(stdin, AIP_TOKEN_BYTES_MAX + 1, out, size, err);
    if (status == AIP_JSON_SIZE) {
        return aip_fail(err, AIP_TOKEN_SIZE, NULL);
    }
    AIP_TRY(status);
    if (*size > 0 && (*out)[*size - 1] == '\n') {
        (*out)[--*size] = '\0';
    }
    return *size > 0 ? AIP_OK : aip_fail(err, AIP_TOKEN_MISSING, "Nothing was read from standard input.");
}

aip_status
token_parse_now(const char *text, int64_t *now_seconds, aip_error *err)
{
    uint64_t value;
    if (text == NULL) {
        *now_seconds = clock_now_seconds();
        return AIP_OK;
    }
    if (text_parse_unsigned(text, (uint64_t)1 << 53, &value, NULL) != AIP_OK) {
        return aip_fail(err, AIP_USAGE, "a time is given in whole seconds since 1970");
    }
    *now_seconds = (int64_t)value;
    return AIP_OK;
}

int
main(int argc, char **argv)
{
    static const command commands[] = {
        {"issue", "a new token on stdout", token_run_issue},
        {"delegate", "token on stdin, narrower token on stdout", token_run_delegate},
        {"verify", "token on stdin; is it good, and for what? Receipts and completions as well", token_run_verify},
        {"inspect", "token on stdin; shows the chain, trusts nothing", token_run_inspect},
        {"call", "one proven request, or a tool of an MCP server behind a gateway", token_run_call},
        {"prove", "prints the headers that prove a request, for other programs to send", token_run_prove},
        {"revoke", "ends a link, an identity or a key; statement on stdout", token_run_revoke},
        {"complete", "closes the work under a token; signed statement on stdout", token_run_complete},
        {"receipt", "show FILE: what a gateway's receipt says", token_run_receipt},
        {NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = crypto_start(&err);
    if (status != AIP_OK) {
        return options_report_failure(TOKEN_PROGRAM, false, status, &err);
    }
    return options_run_command(TOKEN_PROGRAM, "delegation tokens", commands, argc, argv);
}
