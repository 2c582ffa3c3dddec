/* aip-token revoke: signs a revocation, and brings it to a gateway if asked to. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "chain/revocation.h"
#include "cli/keys.h"
#include "cli/mcp_client.h"
#include "cli/options.h"
#include "cli/token_verbs.h"
#include "crypto/base64url.h"

#define REVOCATIONS_PATH "/aip/v1/revocations"
enum { TIMEOUT_SECONDS = 30, ANSWER_BYTES_MAX = 1 << 16, LINK_ID_SIZE = 44 };

typedef struct {
    const char *key_file, *passphrase_file, *link, *did, *revoked_key, *reason, *chain_file, *sequence, *issuer, *kid;
    const char *now, *post, *expect;
    bool json;
    lookup_options lookup;
} revoke_options;

/* What the run holds, and what the statement borrows from it. */
typedef struct {
    aip_secret_key *key;
    aip_key_owner owner;
    lookup *identities;
    char *chain, *signed_text;
    char kid[KEYS_KID_SIZE], last_link[LINK_ID_SIZE], id[LINK_ID_SIZE];
    json_t *answer;
} revoke_state;

static void
clear_state(revoke_state *state)
{
    aip_secret_key_free(&state->key);
    lookup_close(&state->identities);
    free(state->chain);
    free(state->signed_text);
    json_decref(state->answer);
}

static aip_status
check_options(const revoke_options *o, aip_error *err)
{
    net_url url;
    int targets = (o->link != NULL) + (o->did != NULL) + (o->revoked_key != NULL);
    if (o->key_file == NULL) {
        return aip_fail(err, AIP_USAGE, "--key is needed");
    }
    if (targets > 1 || (targets == 0 && o->chain_file == NULL)) {
        return aip_fail(err, AIP_USAGE, "one of --link, --did and --revoked-key is needed, or --chain");
    }
    if (o->expect != NULL && o->post == NULL) {
        return aip_fail(err, AIP_USAGE, "--expect belongs to --post");
    }
    return o->post == NULL ? AIP_OK : net_url_read(o->post, &url, err);
}

/* Without a target the last element's link is meant. */
static aip_status
load_chain(const revoke_options *o, revoke_state *state, aip_error *err)
{
    aip_chain *chain = NULL;
    size_t size;
    if (o->chain_file == NULL) {
        return AIP_OK;
    }
    AIP_TRY(text_load_file(o->chain_file, AIP_TOKEN_BYTES_MAX + 2, &state->chain, &size, err));
    while (size > 0 && (state->chain[size - 1] == '\n' || state->chain[size - 1] == '\r')) {
        state->chain[--size] = '\0';
    }
    AIP_TRY(aip_chain_parse((aip_bytes){(unsigned char *)state->chain, size}, &chain, err));
    aip_chain_link_id(chain, aip_chain_length(chain) - 1, state->last_link);
    aip_chain_free(&chain);
    return AIP_OK;
}

/* Milliseconds, so that statements of one issuer rise without anything to remember. */
static aip_status
read_sequence(const char *text, uint64_t *out, aip_error *err)
{
    if (text != NULL) {
        return text_parse_unsigned(text, (UINT64_C(1) << 53) - 1, out, NULL) == AIP_OK
                   ? AIP_OK
                   : aip_fail(err, AIP_USAGE, "--seq is a whole number below 2^53");
    }
    *out = (uint64_t)clock_now_milliseconds();
    return AIP_OK;
}

/* After a rotation the key no longer follows from the name: the statement says whose it is, and which one. */
static void
name_issuer(const revoke_options *o, revoke_state *state, revocation_statement *said)
{
    said->issuer = o->issuer;
    said->kid = o->kid;
    if (state->owner.number == 1 || o->issuer != NULL) {
        return;
    }
    keys_write_kid(&state->owner, state->kid);
    said->issuer = state->owner.did;
    said->kid = o->kid == NULL ? state->kid : o->kid;
}

static aip_status
fill_statement(const revoke_options *o, revoke_state *state, revocation_statement *said, aip_error *err)
{
    *said = (revocation_statement){
        .kind = o->did != NULL           ? REVOKED_DID
                : o->revoked_key != NULL ? REVOKED_KEY
                                         : REVOKED_LINK,
        .target = o->did != NULL           ? o->did
                  : o->revoked_key != NULL ? o->revoked_key
                  : o->link != NULL        ? o->link
                                           : state->last_link,
        .reason = o->reason,
        .chain = state->chain,
    };
    name_issuer(o, state, said);
    AIP_TRY(token_parse_now(o->now, &said->issued_at, err));
    return read_sequence(o->sequence, &said->sequence, err);
}

/* Keys that are in no name are the gateway's to find. */
static bool
is_left_to_the_gateway(aip_status status)
{
    return status == AIP_DID_PENDING || status == AIP_DID_NOT_FOUND || status == AIP_DID_KEY_MISSING ||
           status == AIP_DIDDOC_KEY_NOT_FOUND;
}

/* A statement that its own chain shows to be without effect is not handed out. */
static aip_status
check_signed(revoke_state *state, aip_error *err)
{
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    revocation r;
    AIP_TRY(revocation_parse(aip_bytes_of(state->signed_text), room, sizeof room, &r, err));
    base64url_encode((aip_bytes){r.id, sizeof r.id}, state->id);
    aip_status status = r.chain.size == 0 ? AIP_OK : revocation_check_chain(&r, NULL, err);
    return is_left_to_the_gateway(status) ? AIP_OK : status;
}

static aip_status
sign(const revoke_options *o, revoke_state *state, aip_error *err)
{
    revocation_statement said;
    AIP_TRY(check_options(o, err));
    AIP_TRY(load_chain(o, state, err));
    AIP_TRY(keys_load(o->key_file, o->passphrase_file, &state->owner, &state->key, err));
    AIP_TRY(fill_statement(o, state, &said, err));
    AIP_TRY(revocation_sign(state->key, &said, &state->signed_text, err));
    return check_signed(state, err);
}

/* A URL that names a host only means the place that the specification names. */
static aip_status
write_address(const char *given, text_buffer *out, aip_error *err)
{
    net_url url;
    AIP_TRY(net_url_read(given, &url, err));
    bool bare = strcmp(url.path, "/") == 0 && url.query[0] == '\0';
    if (bare) {
        text_append_format(out, "%s://%s" REVOCATIONS_PATH, url.scheme, url.authority);
    } else {
        text_append_string(out, given);
    }
    return text_finish(out, err);
}

static aip_status
read_answer(const net_reply *reply, json_t **out, aip_error *err)
{
    AIP_TRY(mcp_check_refusal(reply, err));
    bool good = json_load_strict(text_view(&reply->body), ANSWER_BYTES_MAX, out, NULL) == AIP_OK &&
                json_is_true(json_object_get(*out, "accepted"));
    return good ? AIP_OK : aip_fail(err, AIP_CALL_REFUSED, "the answer does not say that it was accepted");
}

/* The request is signed so that the reply can be bound to it; the gateway judges the statement alone. */
static aip_status
post(const revoke_options *o, revoke_state *state, aip_error *err)
{
    static const char *const fields[] = {"Content-Type: application/jose", "Accept: application/json"};
    const lookup_manner manner = {TOKEN_PROGRAM, true, false, false};
    NET_REPLY_AUTO net_reply reply = {0};
    TEXT_AUTO text_buffer address = {0};
    AIP_TRY(write_address(o->post, &address, err));
    if (o->expect != NULL) {
        AIP_TRY(lookup_open(&o->lookup, &manner, &state->identities, err));
    }
    const proven_caller caller = {
        .key = state->key,
        .owner = &state->owner,
        .expect = o->expect,
        .identities = state->identities,
        .ca_file = o->lookup.ca_file,
        .timeout_seconds = TIMEOUT_SECONDS,
    };
    const proven_request request = {"POST", address.data, aip_bytes_of(state->signed_text), fields, 2};
    AIP_TRY(proven_send(&caller, &request, &reply, err));
    return read_answer(&reply, &state->answer, err);
}

static aip_status
print_statement(const revoke_state *state, aip_error *err)
{
    TEXT_AUTO text_buffer out = {0};
    text_append_string(&out, state->signed_text);
    return options_print(&out, err);
}

/* One object: the statement's, with the gateway's answer in it if there is one; without `json` the answer alone. */
static aip_status
print_result(const revoke_state *state, bool json, aip_error *err)
{
    TEXT_AUTO text_buffer out = {0};
    STRING_AUTO char *answer =
        state->answer == NULL ? NULL : json_dumps(state->answer, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (state->answer != NULL && answer == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (!json) {
        text_append_string(&out, answer == NULL ? "" : answer);
        return answer == NULL ? AIP_OK : options_print(&out, err);
    }
    text_append_format(&out, "{\"statement\":\"%s\",\"id\":\"%s\"", state->signed_text, state->id);
    if (answer != NULL) {
        text_append_format(&out, ",\"answer\":%s", answer);
    }
    text_append_string(&out, "}");
    return options_print(&out, err);
}

static aip_status
run(const revoke_options *o, revoke_state *state, aip_error *err)
{
    AIP_TRY(sign(o, state, err));
    if (!o->json) { /* before it is sent: whoever cannot reach the gateway has it all the same */
        AIP_TRY(print_statement(state, err));
    }
    if (o->post != NULL) {
        AIP_TRY(post(o, state, err));
    }
    return print_result(state, o->json, err);
}

int
token_run_revoke(int argc, char **argv)
{
    revoke_options o = {0};
    revoke_state state = {0};
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key_file, "FILE", "key file of who revokes"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "its first line opens a sealed key file"},
        {"--link", OPTION_TEXT, &o.link, "ID", "the link that ends, with all below it"},
        {"--did", OPTION_TEXT, &o.did, "DID", "the identity that ends"},
        {"--revoked-key", OPTION_TEXT, &o.revoked_key, "z6Mk...", "the key that ends"},
        {"--chain", OPTION_TEXT, &o.chain_file, "FILE", "token up to the link, so that a gateway can judge at once"},
        {"--reason", OPTION_TEXT, &o.reason, "TEXT", "why; for people"},
        {"--issuer", OPTION_TEXT, &o.issuer, "DID", "name of who revokes: did:web; known for did:aip"},
        {"--kid", OPTION_TEXT, &o.kid, "DIDURL", "which of the issuer's keys this is; known for did:aip"},
        {"--seq", OPTION_TEXT, &o.sequence, "N", "the issuer's own number (now in milliseconds)"},
        {"--now", OPTION_TEXT, &o.now, "EPOCH", "the present second, for tests"},
        {"--post", OPTION_TEXT, &o.post, "URL", "bring it to this gateway (" REVOCATIONS_PATH " if it has no path)"},
        {"--expect", OPTION_TEXT, &o.expect, "DID", "the gateway, whose signature the answer must carry"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one JSON object"},
        LOOKUP_ROWS(o.lookup),
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, TOKEN_PROGRAM " revoke --key FILE (--link ID | --did DID | --revoked-key KEY) [options]",
                      argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = run(&o, &state, &err);
    }
    clear_state(&state);
    options_release(table);
    return status == AIP_OK ? 0 : options_report_failure(TOKEN_PROGRAM, o.json, status, &err);
}
