/* Signed statements that are no tokens, as aip-token verify judges them: receipts and completions. */
#include "cli/token_verbs.h"
#include "proof/completion.h"
#include "proof/receipt.h"

/* One statement of either kind. Views into the text and `room`. */
typedef struct {
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    receipt_seen receipt;
    completion completion;
    const jws *said;
    const aip_did *issuer;
    int64_t issued_at;
} statement;

const char *
token_statement_type(aip_bytes text)
{
    static const char *const types[] = {RECEIPT_TYPE, COMPLETION_TYPE};
    unsigned char room[AIP_TOKEN_BYTES_MAX];
    jws read;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (jws_parse(text, types[i], room, sizeof room, &read, NULL) == AIP_OK) {
            return types[i];
        }
    }
    return NULL;
}

static aip_status
read_statement(aip_bytes text, const char *type, statement *out, aip_error *err)
{
    if (strcmp(type, RECEIPT_TYPE) == 0) {
        AIP_TRY(receipt_read(text, out->room, sizeof out->room, &out->receipt, err));
        out->said = &out->receipt.statement;
        out->issuer = &out->receipt.issuer;
        out->issued_at = out->receipt.issued_at;
        return AIP_OK;
    }
    AIP_TRY(completion_read(text, out->room, sizeof out->room, &out->completion, err));
    out->said = &out->completion.statement;
    out->issuer = &out->completion.issuer;
    out->issued_at = out->completion.issued_at;
    return AIP_OK;
}

/* By name, or by the key that the name turned out to have. */
static bool
is_trusted(const aip_trust *trust, const aip_did *issuer, const aip_public_key *key)
{
    for (size_t i = 0; i < trust->count; i++) {
        const aip_trust_root *root = &trust->roots[i];
        bool named = root->name == NULL || aip_bytes_equal(issuer->text, aip_bytes_of(root->name));
        bool keyed = !root->has_key || memcmp(root->key.bytes, key->bytes, AIP_KEY_BYTES) == 0;
        if (named && keyed && !root->pattern && (root->name != NULL || root->has_key)) {
            return true;
        }
    }
    return false;
}

static aip_status
judge(const statement *s, const token_statement_check *check, aip_error *err)
{
    const aip_key_source *keys = lookup_source(check->identities);
    aip_public_key key;
    aip_status status = keys->find(keys->context, s->issuer, s->said->kid, s->issued_at, &key, err);
    if (status == AIP_DID_PENDING) {
        AIP_TRY(lookup_resolve(check->identities, s->issuer->text, NULL, NULL, err));
        status = keys->find(keys->context, s->issuer, s->said->kid, s->issued_at, &key, err);
    }
    AIP_TRY(status);
    if (!is_trusted(check->trust, s->issuer, &key)) {
        return aip_fail(err, AIP_PROOF_KEY, "its signer is not one of those that --trust names");
    }
    if (s->issued_at > check->now_seconds + AIP_CLOCK_SKEW_SECONDS) {
        return aip_fail(err, AIP_TOKEN_NOT_YET_VALID, NULL);
    }
    return jws_verify(s->said, &key, NULL) == AIP_OK ? AIP_OK : aip_fail(err, AIP_PROOF_SIGNATURE, "the statement's");
}

static aip_status
print_verdict(const statement *s, const char *type, aip_status verdict, const aip_error *refusal, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, "{");
    options_append_verdict(&text, verdict, refusal);
    text_append_format(&text, ",\"typ\":\"%s\",\"statement\":", type);
    if (verdict == AIP_OK) {
        text_append(&text, s->said->payload);
    } else {
        text_append_string(&text, "null");
    }
    text_append_string(&text, "}");
    return options_print(&text, err);
}

static aip_status
print_sentence(const statement *s, const char *type, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, strcmp(type, RECEIPT_TYPE) == 0 ? "valid receipt: it grants nothing"
                                                              : "valid completion: it grants nothing");
    AIP_TRY(receipt_append_claims(&text, s->said->payload, err));
    return options_print(&text, err);
}

aip_status
token_verify_statement(aip_bytes text, const char *type, const token_statement_check *check, bool json, aip_error *err)
{
    statement s;
    aip_status status = read_statement(text, type, &s, err);
    if (status == AIP_OK) {
        status = judge(&s, check, err);
    }
    if (json) {
        aip_error print_error = AIP_ERROR_INIT;
        AIP_TRY(print_verdict(&s, type, status, err, &print_error));
        return status;
    }
    return status == AIP_OK ? print_sentence(&s, type, err) : status;
}
