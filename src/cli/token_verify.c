/* aip-token verify: the verdict on a token, and on one use of it. */
#include <stdlib.h>

#include "aip/chain.h"
#include "base/clock.h"
#include "base/text.h"
#include "chain/report.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "cli/token_verbs.h"

typedef struct {
    const char *now, *tool, *arguments_file;
    option_list trust, audience;
    lookup_options lookup;
    bool resolve, json;
} verify_options;

static aip_status
check_use(const verify_options *o, const aip_grant *grant, aip_error *err)
{
    STRING_AUTO char *arguments = NULL;
    size_t size = 0;
    if (o->tool == NULL) {
        return AIP_OK;
    }
    if (o->arguments_file != NULL) {
        AIP_TRY(text_load_file(o->arguments_file, AIP_BODY_BYTES_DEFAULT, &arguments, &size, err));
        if (size == 0) {
            return aip_fail(err, AIP_JSON_SYNTAX, "The file of arguments is empty.");
        }
    }
    return chain_check_tool(grant, aip_bytes_of(o->tool), (aip_bytes){(unsigned char *)arguments, size}, err);
}

/* What can be wrong with the question itself, before the token is looked at. */
static aip_status
fill_check(const verify_options *o, aip_trust *trust, aip_check *check, aip_error *err)
{
    if (o->trust.count == 0) {
        return aip_fail(err, AIP_USAGE, "name at least one --trust: a token does not vouch for itself");
    }
    if (o->arguments_file != NULL && o->tool == NULL) {
        return aip_fail(err, AIP_USAGE, "--arguments needs --tool");
    }
    if (o->lookup.sources.count > 0 && !o->resolve) {
        return aip_fail(err, AIP_USAGE, "--source needs --resolve");
    }
    for (size_t i = 0; i < o->trust.count; i++) {
        if (aip_trust_add(trust, o->trust.items[i], err) != AIP_OK) {
            char shown[64];
            return aip_fail(err, AIP_USAGE, "--trust is not a DID or key: %s",
                            aip_printable(aip_bytes_of(o->trust.items[i]), shown, sizeof shown));
        }
    }
    *check = (aip_check){.trust = trust, .audiences = o->audience.items, .audience_count = o->audience.count};
    return token_parse_now(o->now, &check->now_seconds, err);
}

/* `chain` NULL: it could not even be read; `grant` NULL: it was refused, as `refusal` says. */
static aip_status
print_verdict(const aip_chain *chain, const aip_grant *grant, const aip_error *refusal, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, "{");
    options_append_verdict(&text, grant == NULL ? refusal->status : AIP_OK, refusal);
    text_append_string(&text, ",\"chain\":");
    if (chain == NULL) {
        text_append_string(&text, "[]");
    } else {
        AIP_TRY(chain_append_elements(&text, chain, err));
    }
    text_append_string(&text, ",\"grant\":");
    if (grant == NULL) {
        text_append_string(&text, "null");
    } else {
        AIP_TRY(chain_append_grant(&text, grant, err));
    }
    text_append_string(&text, "}");
    return options_print(&text, err);
}

static aip_status
print_sentence(const verify_options *o, const aip_grant *grant, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    char shown[AIP_IDENTIFIER_BYTES_MAX + 1], budget[32], expires[21];
    clock_format_utc(grant->expires, expires);
    text_append_format(&text, "valid%s\n  root     %s\n",
                       o->tool == NULL             ? ""
                       : o->arguments_file == NULL ? ", and covers this tool (arguments not judged)"
                                                   : ", and covers this use",
                       aip_printable(grant->root, shown, sizeof shown));
    text_append_format(&text, "  leaf     %s\n", aip_printable(grant->leaf, shown, sizeof shown));
    if (grant->has_budget) {
        aip_budget_format(grant->budget_micro_usd, budget);
        text_append_format(&text, "  budget   %s USD\n", budget);
    }
    text_append_format(&text, "  links    %zu, and %u more may follow\n  expires  %s", aip_chain_length(grant->chain),
                       (unsigned)grant->depth_left, expires);
    return options_print(&text, err);
}

/* Does an issuer's key come from a host? */
static bool
names_host(const aip_chain *chain)
{
    aip_did issuer;
    for (size_t i = 0; i < aip_chain_length(chain); i++) {
        if (aip_did_parse(aip_chain_issuer(chain, i), &issuer, NULL) == AIP_OK &&
            (issuer.form == AIP_DID_WEB || issuer.form == AIP_NAME_WEB)) {
            return true;
        }
    }
    return false;
}

/* Verification itself looks nothing up: it says which name it misses, and is asked again when that is known. */
static aip_status
verify_resolving(lookup *l, const aip_chain *chain, const aip_check *check, aip_grant *grant, aip_error *err)
{
    for (size_t tries = 0; tries <= aip_chain_length(chain); tries++) {
        aip_status status = aip_chain_verify(chain, check, grant, err);
        if (status != AIP_DID_PENDING) {
            return status;
        }
        size_t at = err->at < 0 || (size_t)err->at >= aip_chain_length(chain) ? 0 : (size_t)err->at;
        status = lookup_resolve(l, aip_chain_issuer(chain, at), NULL, NULL, err);
        if (status != AIP_OK) {
            err->at = (int)at;
            return status;
        }
    }
    return aip_fail(err, AIP_DID_PENDING, NULL);
}

static aip_status
judge(const verify_options *o, aip_bytes token, aip_check *check, aip_chain **chain, aip_grant *grant, aip_error *err)
{
    LOOKUP_AUTO lookup *l = NULL;
    AIP_TRY(aip_chain_parse(token, chain, err));
    const lookup_manner manner = {
        .program = TOKEN_PROGRAM,
        .fetches = o->resolve,
        .remembers = o->resolve && (names_host(*chain) || o->lookup.sources.count > 0),
    };
    AIP_TRY(lookup_open(&o->lookup, &manner, &l, err));
    check->keys = lookup_source(l);
    aip_status status = verify_resolving(l, *chain, check, grant, err);
    check->keys = NULL;
    return status == AIP_OK ? check_use(o, grant, err) : status;
}

/* With --json a refusal is a verdict too: it is printed here, and *printed tells so. */
static aip_status
verify_token(const verify_options *o, aip_bytes token, aip_check *check, bool *printed, aip_error *err)
{
    aip_chain *chain = NULL;
    aip_grant grant;
    aip_error print_error = AIP_ERROR_INIT;
    aip_status status = judge(o, token, check, &chain, &grant, err);
    bool good = status == AIP_OK;
    aip_status print_status = o->json ? print_verdict(chain, good ? &grant : NULL, err, &print_error)
                              : good  ? print_sentence(o, &grant, &print_error)
                                      : AIP_OK;
    aip_chain_free(&chain);
    *printed = good || o->json;
    if (print_status != AIP_OK) {
        *printed = false;
        *err = print_error;
        return print_status;
    }
    return status;
}

static aip_status
verify_statement(const verify_options *o, aip_bytes text, const aip_check *check, bool *printed, aip_error *err)
{
    LOOKUP_AUTO lookup *l = NULL;
    const lookup_manner manner = {.program = TOKEN_PROGRAM, .fetches = o->resolve, .remembers = o->resolve};
    if (o->tool != NULL || o->audience.count > 0) {
        return aip_fail(err, AIP_USAGE, "a receipt or completion grants nothing: it covers no tool and no audience");
    }
    AIP_TRY(lookup_open(&o->lookup, &manner, &l, err));
    const token_statement_check statement = {check->trust, check->now_seconds, l};
    aip_status status = token_verify_statement(text, token_statement_type(text), &statement, o->json, err);
    *printed = status == AIP_OK || o->json;
    return status;
}

static aip_status
verify_and_print(const verify_options *o, aip_check *check, bool *printed, aip_error *err)
{
    STRING_AUTO char *text = NULL;
    size_t size;
    aip_error print_error = AIP_ERROR_INIT;
    aip_status status = token_read_input(&text, &size, err);
    if (status != AIP_OK) {
        *printed = o->json && print_verdict(NULL, NULL, err, &print_error) == AIP_OK;
        return status;
    }
    aip_bytes view = {(unsigned char *)text, size};
    return token_statement_type(view) != NULL ? verify_statement(o, view, check, printed, err)
                                              : verify_token(o, view, check, printed, err);
}

int
token_run_verify(int argc, char **argv)
{
    verify_options o = {0};
    aip_trust trust = {0};
    aip_check check;
    bool printed = false;
    const option table[] = {
        {"--trust", OPTION_LIST, &o.trust, "ROOT", "DID, aip:key name, key (z...) or NAME=KEY that may be the root"},
        {"--audience", OPTION_LIST, &o.audience, "NAME", "a name of this verifier, for tokens with an audience"},
        {"--now", OPTION_TEXT, &o.now, "EPOCH", "judge as of this second"},
        {"--tool", OPTION_TEXT, &o.tool, "TOOL", "does it cover this tool, or this scope?"},
        {"--arguments", OPTION_TEXT, &o.arguments_file, "FILE", "JSON object: does it allow these arguments?"},
        {"--resolve", OPTION_FLAG, &o.resolve, NULL, "fetch what is needed; else no socket is opened"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        LOOKUP_ROWS(o.lookup),
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, TOKEN_PROGRAM " verify --trust ROOT [options] < token", argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = fill_check(&o, &trust, &check, &err);
    }
    if (status == AIP_OK) {
        status = verify_and_print(&o, &check, &printed, &err);
    }
    options_release(table);
    aip_trust_clear(&trust);
    return printed ? aip_status_exit_code(status) : options_report_failure(TOKEN_PROGRAM, o.json, status, &err);
}
