/* The verbs of aip-token, and the token that three of them read. */
#ifndef CLI_TOKEN_VERBS_H
#define CLI_TOKEN_VERBS_H

#include "aip/chain.h"
#include "cli/lookup.h"

#define TOKEN_PROGRAM "aip-token"

int token_run_issue(int argc, char **argv);
int token_run_delegate(int argc, char **argv);
int token_run_verify(int argc, char **argv);
int token_run_inspect(int argc, char **argv);
int token_run_call(int argc, char **argv);
int token_run_prove(int argc, char **argv);
int token_run_revoke(int argc, char **argv);
int token_run_complete(int argc, char **argv);
int token_run_receipt(int argc, char **argv);

/* The token on standard input, without one trailing newline; malloc'd. token.missing, token.size, io. */
AIP_MUST_CHECK aip_status token_read_input(char **out, size_t *size, aip_error *err);

/* A signed statement that is no token: a receipt or a completion. NULL: it is neither. */
const char *token_statement_type(aip_bytes text);

/* Whose word counts, and how their keys are found. */
typedef struct {
    const aip_trust *trust;
    int64_t now_seconds;
    lookup *identities;
} token_statement_check;

/* Judges a statement of `type`: signed by one of those who are trusted. Prints the verdict, with `json` a refusal as
 * well. Errors: token.*, json.*, did.*, proof.key, proof.signature. */
AIP_MUST_CHECK aip_status token_verify_statement(aip_bytes text, const char *type, const token_statement_check *check,
                                                 bool json, aip_error *err);

/* The instant that --now names, else the clock's. usage. */
AIP_MUST_CHECK aip_status token_parse_now(const char *text, int64_t *now_seconds, aip_error *err);

#endif
