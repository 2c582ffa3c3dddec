/* aip-token complete: an agent closes its work under a link; the statement is for the audit and grants nothing. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/keys.h"
#include "cli/token_verbs.h"
#include "crypto/hash.h"
#include "proof/completion.h"

#define RESULT_BYTES_MAX ((size_t)256 << 20)

typedef struct {
    const char *key_file, *passphrase_file, *token_file, *status, *result_file, *cost, *context, *kid, *now;
    option_list decisions;
} complete_options;

/* What the run holds, and what the statement borrows from it. */
typedef struct {
    aip_secret_key *key;
    aip_key_owner owner;
    char *token;
    aip_chain *chain;
    char link[44], leaf[AIP_IDENTIFIER_BYTES_MAX + 1], kid[KEYS_KID_SIZE];
    unsigned char result_hash[AIP_HASH_BYTES];
} complete_state;

static void
clear_state(complete_state *state)
{
    aip_secret_key_free(&state->key);
    aip_chain_free(&state->chain);
    free(state->token);
}

static aip_status
check_options(const complete_options *o, aip_error *err)
{
    const char *missing = o->key_file == NULL     ? "--key"
                          : o->token_file == NULL ? "--token"
                          : o->status == NULL     ? "--status"
                                                  : NULL;
    return missing == NULL ? AIP_OK : aip_fail(err, AIP_USAGE, "%s is needed", missing);
}

static aip_status
load_leaf(const complete_options *o, complete_state *state, aip_error *err)
{
    size_t size;
    AIP_TRY(text_load_file(o->token_file, AIP_TOKEN_BYTES_MAX + 2, &state->token, &size, err));
    while (size > 0 && (state->token[size - 1] == '\n' || state->token[size - 1] == '\r')) {
        state->token[--size] = '\0';
    }
    AIP_TRY(aip_chain_parse((aip_bytes){(unsigned char *)state->token, size}, &state->chain, err));
    size_t last = aip_chain_length(state->chain) - 1;
    aip_bytes leaf = aip_chain_subject(state->chain, last);
    aip_chain_link_id(state->chain, last, state->link);
    snprintf(state->leaf, sizeof state->leaf, "%.*s", (int)leaf.size, (const char *)leaf.data);
    return AIP_OK;
}

/* A name that carries a key can be held against the key file; for others the reader asks who they are. */
static aip_status
check_owner(const complete_state *state, aip_error *err)
{
    aip_did leaf;
    AIP_TRY(aip_did_parse(aip_bytes_of(state->leaf), &leaf, err));
    bool own = strcmp(state->owner.did, state->leaf) == 0 ||
               memcmp(leaf.key, aip_secret_key_public(state->key)->bytes, AIP_KEY_BYTES) == 0;
    return own || !aip_did_has_key(&leaf) ? AIP_OK
                                          : aip_fail(err, AIP_PROOF_KEY, "the key is not that of the token's holder");
}

static aip_status
hash_result(const complete_options *o, complete_state *state, aip_error *err)
{
    STRING_AUTO char *result = NULL;
    size_t size;
    AIP_TRY(text_load_file(o->result_file, RESULT_BYTES_MAX, &result, &size, err));
    hash_sha256((aip_bytes){(unsigned char *)result, size}, state->result_hash);
    return AIP_OK;
}

static aip_status
fill_statement(const complete_options *o, complete_state *state, completion_statement *said, aip_error *err)
{
    *said = (completion_statement){.issuer = state->leaf,
                                   .kid = o->kid,
                                   .link = state->link,
                                   .status = o->status,
                                   .has_cost = o->cost != NULL,
                                   .decisions = o->decisions.items,
                                   .decision_count = o->decisions.count,
                                   .context = o->context};
    AIP_TRY(token_parse_now(o->now, &said->issued_at, err));
    if (o->result_file != NULL) {
        AIP_TRY(hash_result(o, state, err));
        said->result_hash = state->result_hash;
    }
    if (o->cost != NULL && aip_budget_parse(aip_bytes_of(o->cost), &said->cost_micro_usd, NULL) != AIP_OK) {
        return aip_fail(err, AIP_USAGE, "--cost is a decimal such as 0.50, with at most 6 decimals");
    }
    if (o->kid == NULL && state->owner.number > 1) {
        keys_write_kid(&state->owner, state->kid);
        said->kid = state->kid;
    }
    return AIP_OK;
}

static aip_status
complete(const complete_options *o, complete_state *state, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    STRING_AUTO char *statement = NULL;
    completion_statement said;
    AIP_TRY(check_options(o, err));
    AIP_TRY(load_leaf(o, state, err));
    AIP_TRY(keys_load(o->key_file, o->passphrase_file, &state->owner, &state->key, err));
    AIP_TRY(check_owner(state, err));
    AIP_TRY(fill_statement(o, state, &said, err));
    AIP_TRY(completion_sign(state->key, &said, &statement, err));
    text_append_string(&text, statement);
    return options_print(&text, err);
}

int
token_run_complete(int argc, char **argv)
{
    complete_options o = {0};
    complete_state state = {0};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of the token's holder"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens a sealed key file"},
        {"--token", OPTION_TEXT, &o.token_file, "FILE", "the token under which the work was done"},
        {"--status", OPTION_TEXT, &o.status, "WORD", "done, failed or partial"},
        {"--result", OPTION_TEXT, &o.result_file, "FILE", "what came of it: its hash is told"},
        {"--cost", OPTION_TEXT, &o.cost, "USD", "what was spent"},
        {"--decision", OPTION_LIST, &o.decisions, "ID", "a decision of the gateway that belongs to it"},
        {"--context", OPTION_TEXT, &o.context, "TEXT", "what for, for people"},
        {"--kid", OPTION_TEXT, &o.kid, "DIDURL", "which of the holder's keys this is; known for did:aip"},
        {"--now", OPTION_TEXT, &o.now, "EPOCH", "the present second, for tests"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, TOKEN_PROGRAM " complete --key FILE --token FILE --status WORD [options]",
                                      argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = complete(&o, &state, &err);
    }
    clear_state(&state);
    options_release(table);
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, false, status, &err);
}
