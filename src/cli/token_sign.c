/* aip-token issue and delegate: both sign one element; a delegation has a parent on standard input. */
#include <stdlib.h>

#include "aip/chain.h"
#include "base/text.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "cli/token_verbs.h"

typedef struct {
    const char *key_file, *passphrase_file;
    const char *subject, *budget, *max_depth, *ttl, *not_before, *now;
    const char *context, *issuer, *kid, *principal, *constraints_file, *shares_file, *token_id;
    option_list scope, audience;
    bool json;
} sign_options;

static aip_status
parse_times(const sign_options *o, bool delegating, aip_statement *statement, aip_error *err)
{
    int64_t ttl_seconds;
    AIP_TRY(token_parse_now(o->now, &statement->issued_at, err));
    if (o->ttl != NULL) {
        AIP_TRY(options_parse_duration(o->ttl, &ttl_seconds, err));
        statement->expires_at = statement->issued_at + ttl_seconds;
    } else if (!delegating) {
        return aip_fail(err, AIP_USAGE, "--ttl is needed");
    }
    statement->has_not_before = o->not_before != NULL;
    return o->not_before == NULL ? AIP_OK : token_parse_now(o->not_before, &statement->not_before, err);
}

static aip_status
parse_limits(const sign_options *o, bool delegating, aip_statement *statement, aip_error *err)
{
    uint64_t depth;
    statement->has_budget = o->budget != NULL;
    if (o->budget != NULL && aip_budget_parse(aip_bytes_of(o->budget), &statement->budget_micro_usd, NULL) != AIP_OK) {
        return aip_fail(err, AIP_USAGE, "--budget-usd is a decimal such as 0.50, with at most 6 decimals");
    }
    if (o->max_depth == NULL) {
        return delegating ? AIP_OK : aip_fail(err, AIP_USAGE, "--max-depth is needed");
    }
    if (text_parse_unsigned(o->max_depth, AIP_DEPTH_MAX, &depth, NULL) != AIP_OK) {
        return aip_fail(err, AIP_USAGE, "--max-depth is a number from 0 to %d", AIP_DEPTH_MAX);
    }
    statement->has_max_depth = true;
    statement->max_depth = (uint32_t)depth;
    return AIP_OK;
}

static aip_status
check_required(const sign_options *o, bool delegating, aip_error *err)
{
    const char *missing = o->key_file == NULL                ? "--key"
                          : o->subject == NULL               ? "--to"
                          : o->scope.count == 0              ? "--scope"
                          : delegating && o->context == NULL ? "--context"
                                                             : NULL;
    return missing == NULL ? AIP_OK : aip_fail(err, AIP_USAGE, "%s is needed", missing);
}

/* `files` holds what the statement borrows: constraints and shares. */
static aip_status
fill_statement(const sign_options *o, bool delegating, aip_statement *statement, char *files[2], aip_error *err)
{
    size_t size;
    AIP_TRY(check_required(o, delegating, err));
    *statement = (aip_statement){
        .subject = o->subject,
        .scope = o->scope.items,
        .scope_count = o->scope.count,
        .audience = o->audience.items,
        .audience_count = o->audience.count,
        .context = o->context,
        .issuer = o->issuer,
        .kid = o->kid,
        .principal = o->principal,
        .token_id = o->token_id,
    };
    AIP_TRY(parse_times(o, delegating, statement, err));
    AIP_TRY(parse_limits(o, delegating, statement, err));
    if (o->constraints_file != NULL) {
        AIP_TRY(text_load_file(o->constraints_file, AIP_TOKEN_BYTES_MAX, &files[0], &size, err));
    }
    if (o->shares_file != NULL) {
        AIP_TRY(text_load_file(o->shares_file, AIP_TOKEN_BYTES_MAX, &files[1], &size, err));
    }
    statement->constraints = files[0];
    statement->shares = files[1];
    return AIP_OK;
}

/* After a rotation the key no longer follows from the name: the statement says whose it is, and which one. */
static void
name_signer(const aip_key_owner *owner, char kid[KEYS_KID_SIZE], aip_statement *statement)
{
    if (owner->number == 1 || statement->issuer != NULL) {
        return;
    }
    keys_write_kid(owner, kid);
    statement->issuer = owner->did;
    statement->kid = statement->kid == NULL ? kid : statement->kid;
}

static aip_status
print_token(const char *token, bool json, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    if (!json) {
        text_append_string(&text, token);
        return options_print(&text, err);
    }
    aip_chain *chain = NULL;
    char link_id[44];
    AIP_TRY(aip_chain_parse(aip_bytes_of(token), &chain, err));
    aip_chain_link_id(chain, aip_chain_length(chain) - 1, link_id);
    aip_chain_free(&chain);
    text_append_string(&text, "{\"token\":");
    text_append_json(&text, aip_bytes_of(token));
    text_append_format(&text, ",\"link_id\":\"%s\"}", link_id);
    return options_print(&text, err);
}

static aip_status
sign_and_print(const sign_options *o, bool delegating, aip_statement *statement, aip_error *err)
{
    aip_secret_key *key = NULL;
    aip_key_owner owner;
    STRING_AUTO char *parent = NULL;
    STRING_AUTO char *token = NULL;
    char kid[KEYS_KID_SIZE];
    size_t size = 0;
    if (delegating) {
        AIP_TRY(token_read_input(&parent, &size, err));
    }
    AIP_TRY(keys_load(o->key_file, o->passphrase_file, &owner, &key, err));
    name_signer(&owner, kid, statement);
    aip_status status =
        delegating ? aip_token_delegate(key, (aip_bytes){(unsigned char *)parent, size}, statement, &token, err)
                   : aip_token_issue(key, statement, &token, err);
    aip_secret_key_free(&key);
    return status == AIP_OK ? print_token(token, o->json, err) : status;
}

static int
run_sign(bool delegating, const char *usage, int argc, char **argv)
{
    sign_options o = {0};
    char *files[2] = {NULL, NULL};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of who grants"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens a sealed key file"},
        {"--to", OPTION_TEXT, &o.subject, "DID", "who receives"},
        {"--scope", OPTION_LIST, &o.scope, "SCOPE", "kind:name, or a prefix ending in *, such as tool:search"},
        {"--budget-usd", OPTION_TEXT, &o.budget, "USD", "ceiling of what may be spent"},
        {"--max-depth", OPTION_TEXT, &o.max_depth, "N", "how many more hops may follow, 0 to 15"},
        {"--ttl", OPTION_TEXT, &o.ttl, "TIME", "how long it lasts: 90s, 15m, 1h, 2d"},
        {"--not-before", OPTION_TEXT, &o.not_before, "EPOCH", "not valid before this second"},
        {"--aud", OPTION_LIST, &o.audience, "NAME", "gateway DID or origin that it is meant for"},
        {"--context", OPTION_TEXT, &o.context, "TEXT", "why; for the audit"},
        {"--constraints", OPTION_TEXT, &o.constraints_file, "FILE", "JSON: {tool: {argument: constraint}}"},
        {"--kid", OPTION_TEXT, &o.kid, "DIDURL", "which of the issuer's keys this is; known for did:aip"},
        {"--id", OPTION_TEXT, &o.token_id, "JTI", "token id; random where one is needed"},
        {"--now", OPTION_TEXT, &o.now, "EPOCH", "the present second, for tests"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        /* What only a root may say stands last: a delegation's table ends before it. */
        {delegating ? NULL : "--principal", OPTION_TEXT, &o.principal, "TEXT", "on whose behalf"},
        {"--issuer", OPTION_TEXT, &o.issuer, "NAME", "name of who grants: did:web, or aip: for a compact token"},
        {"--shares", OPTION_TEXT, &o.shares_file, "FILE", "JSON: [[gateway DID, usd], ...]"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_statement statement;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, usage, argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = fill_statement(&o, delegating, &statement, files, &err);
    }
    if (status == AIP_OK) {
        status = sign_and_print(&o, delegating, &statement, &err);
    }
    options_release(table);
    free(files[0]);
    free(files[1]);
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, o.json, status, &err);
}

int
token_run_issue(int argc, char **argv)
{
    return run_sign(false, TOKEN_PROGRAM " issue --key FILE --to DID --scope S --max-depth N --ttl T [options]", argc,
                    argv);
}

int
token_run_delegate(int argc, char **argv)
{
    return run_sign(true, TOKEN_PROGRAM " delegate --key FILE --to DID --scope S --context TEXT [options] < token",
                    argc, argv);
}
