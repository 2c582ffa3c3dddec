/* Issues element 0 and appends delegations: writes the claims, judges the draft by the reader's rules, then signs. */
#include <stdlib.h>

#include "base/text.h"
#include "chain/chain.h"
#include "did/keyring.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"

#define TOKEN_ID_BYTES 16

/* What is said, with all defaults resolved. */
typedef struct {
    const aip_statement *statement;
    aip_bytes parent; /* chain that is extended; empty: none */
    aip_bytes issuer;
    int64_t expires_at;
    const char *token_id; /* NULL: none */
    const char *par_hash; /* NULL: element 0 */
} saying;

static void
write_name(text_buffer *text, const char *name)
{
    text_append_format(text, "%s\"%s\":", text_view(text).size == 0 ? "{" : ",", name);
}

static void
write_text(text_buffer *text, const char *name, const char *value)
{
    if (value != NULL) {
        write_name(text, name);
        text_append_json(text, aip_bytes_of(value));
    }
}

static void
write_integer(text_buffer *text, const char *name, bool present, int64_t value)
{
    if (present) {
        write_name(text, name);
        text_append_format(text, "%lld", (long long)value);
    }
}

static void
write_list(text_buffer *text, const char *name, const char *const *items, size_t count)
{
    write_name(text, name);
    text_append_string(text, "[");
    for (size_t i = 0; i < count; i++) {
        text_append_string(text, i == 0 ? "" : ",");
        text_append_json(text, aip_bytes_of(items[i]));
    }
    text_append_string(text, "]");
}

static void
write_budget(text_buffer *text, const aip_statement *s)
{
    char amount[32];
    if (s->has_budget) {
        aip_budget_format(s->budget_micro_usd, amount);
        write_name(text, "budget_usd");
        text_append_string(text, amount);
    }
}

/* A claim given as JSON: one value, or it could smuggle in others. */
static aip_status
write_json(text_buffer *text, const char *name, const char *json, aip_error *err)
{
    static const scan_limits limits = {AIP_ELEMENT_BYTES_MAX, AIP_JSON_DEPTH_TOKEN, AIP_JSON_NODES_TOKEN};
    scan_node nodes[AIP_JSON_NODES_TOKEN];
    scan_document document;
    if (json == NULL) {
        return AIP_OK;
    }
    AIP_TRY(scan_into(aip_bytes_of(json), &limits, nodes, AIP_JSON_NODES_TOKEN, &document, err));
    write_name(text, name);
    text_append(text, scan_raw(&document, 0));
    return AIP_OK;
}

static aip_status
write_claims(text_buffer *text, const saying *say, aip_error *err)
{
    const aip_statement *s = say->statement;
    write_name(text, "iss");
    text_append_json(text, say->issuer);
    write_text(text, "sub", s->subject);
    write_list(text, "scope", s->scope, s->scope_count);
    write_budget(text, s);
    write_integer(text, "max_depth", s->has_max_depth, s->max_depth);
    write_integer(text, "iat", true, s->issued_at);
    write_integer(text, "exp", true, say->expires_at);
    write_integer(text, "nbf", s->has_not_before, s->not_before);
    write_text(text, "jti", say->token_id);
    if (s->audience_count > 0) {
        write_list(text, "aud", s->audience, s->audience_count);
    }
    write_text(text, "par_hash", say->par_hash);
    write_text(text, "context", s->context);
    write_text(text, "principal", s->principal);
    AIP_TRY(write_json(text, "constraints", s->constraints, err));
    AIP_TRY(write_json(text, "shares", s->shares, err));
    text_append_string(text, "}");
    return text_finish(text, err);
}

static aip_status
join(aip_bytes parent, const char *element, char **out, aip_error *err)
{
    text_buffer text = {0};
    if (parent.size > 0) {
        text_append(&text, parent);
        text_append_string(&text, "~");
    }
    text_append(&text, (aip_bytes){(const unsigned char *)element, strlen(element) + 1});
    aip_status status = text_finish(&text, err);
    if (status != AIP_OK) {
        text_clear(&text);
    }
    *out = text.data;
    return status;
}

/* The parent chain, if there is one, and one element that says `payload`, signed when there is a key. */
static aip_status
extend(const aip_secret_key *key, const saying *say, aip_bytes payload, char **out, aip_error *err)
{
    char *element STRING_AUTO = NULL;
    AIP_TRY(token_encode(key, say->statement->kid, payload, &element, err));
    return join(say->parent, element, out, err);
}

static aip_status
judge(const saying *say, aip_bytes payload, aip_error *err)
{
    char *draft STRING_AUTO = NULL;
    aip_chain *chain = NULL;
    AIP_TRY(extend(NULL, say, payload, &draft, err));
    aip_status status = aip_chain_parse(aip_bytes_of(draft), &chain, err);
    aip_chain_free(&chain);
    return status;
}

static aip_status
say_and_sign(const aip_secret_key *key, const saying *say, char **out, aip_error *err)
{
    text_buffer payload TEXT_AUTO = {0};
    AIP_TRY(write_claims(&payload, say, err));
    AIP_TRY(judge(say, text_view(&payload), err));
    return extend(key, say, text_view(&payload), out, err);
}

static void
make_token_id(char out[BASE64URL_TEXT_SIZE(TOKEN_ID_BYTES) + 1])
{
    unsigned char id[TOKEN_ID_BYTES];
    hash_random(id, sizeof id);
    base64url_encode((aip_bytes){id, sizeof id}, out);
}

/* A name that carries a key must carry the signer's, unless a kid says that it is a later key of that identity: which
 * keys those are, only its log tells. */
static aip_status
check_signer(const aip_secret_key *key, const aip_did *issuer, const char *kid, aip_error *err)
{
    bool later = kid != NULL && issuer->form == AIP_DID_SELF;
    bool own = did_check_key(issuer, aip_secret_key_public(key), NULL) == AIP_OK;
    return own || later ? AIP_OK : aip_fail(err, AIP_DID_KEY_MISMATCH, "the issuer's name belongs to another key");
}

static aip_status
check_statement(const aip_statement *s, aip_error *err)
{
    return s->subject == NULL ? aip_fail(err, AIP_USAGE, "a subject is needed") : AIP_OK;
}

aip_status
aip_token_issue(const aip_secret_key *key, const aip_statement *statement, char **out, aip_error *err)
{
    char own[AIP_DID_TEXT_SIZE], token_id[BASE64URL_TEXT_SIZE(TOKEN_ID_BYTES) + 1];
    aip_did issuer;
    *out = NULL;
    AIP_TRY(check_statement(statement, err));
    aip_did_of_key(aip_secret_key_public(key), own);
    const char *name = statement->issuer == NULL ? own : statement->issuer;
    AIP_TRY(aip_did_parse(aip_bytes_of(name), &issuer, err));
    AIP_TRY(check_signer(key, &issuer, statement->kid, err));
    bool foreign = issuer.form == AIP_NAME_KEY || issuer.form == AIP_NAME_WEB;
    make_token_id(token_id);
    const saying say = {
        .statement = statement,
        .issuer = aip_bytes_of(name),
        .expires_at = statement->expires_at,
        .token_id = statement->token_id != NULL || foreign ? statement->token_id : token_id,
    };
    return say_and_sign(key, &say, out, err);
}

static aip_status
delegate(const aip_secret_key *key, const aip_chain *parent, const aip_statement *statement, char **out, aip_error *err)
{
    char par_hash[44], token_id[BASE64URL_TEXT_SIZE(TOKEN_ID_BYTES) + 1];
    const token *last = &parent->tokens[parent->count - 1];
    AIP_TRY(check_signer(key, &last->subject, statement->kid, err));
    aip_chain_link_id(parent, parent->count - 1, par_hash);
    make_token_id(token_id);
    const saying say = {
        .statement = statement,
        .parent = parent->text,
        .issuer = last->subject.text,
        .expires_at = statement->expires_at == 0 ? last->exp : statement->expires_at,
        .token_id = statement->token_id == NULL ? token_id : statement->token_id,
        .par_hash = par_hash,
    };
    return say_and_sign(key, &say, out, err);
}

aip_status
aip_token_delegate(const aip_secret_key *key, aip_bytes parent, const aip_statement *statement, char **out,
                   aip_error *err)
{
    aip_chain *chain = NULL;
    *out = NULL;
    AIP_TRY(check_statement(statement, err));
    AIP_TRY(aip_chain_parse(parent, &chain, err));
    aip_status status = delegate(key, chain, statement, out, err);
    aip_chain_free(&chain);
    return status;
}
