/* Proof of possession, both ways: the holder's signature on the request, and ours on the answer. */
#include "gateway/prove.h"

#include "base/clock.h"
#include "crypto/hash.h"
#include "gateway/await.h"
#include "gateway/stages.h"
#include "proof/receipt.h"

static http_message
request_message(const exchange *x)
{
    return (http_message){
        .method = aip_bytes_of(x->http_method),
        .scheme = AIP_BYTES_LITERAL("https"), /* no default port of another scheme is left out by a signer over TLS */
        .authority = exchange_header(x, "Host", NULL),
        .path = aip_bytes_of(x->path),
        .query = x->query,
        .fields = x->fields,
        .field_count = x->field_count,
    };
}

static bool
has_body(const exchange *x)
{
    size_t codings = 0;
    aip_bytes length = exchange_header(x, "Content-Length", NULL);
    (void)exchange_header(x, "Transfer-Encoding", &codings);
    return codings > 0 || (length.size > 0 && !aip_bytes_equal(length, AIP_BYTES_LITERAL("0")));
}

/* Never a chain: each of its beginnings is a wider token, and whoever sees it could use that. */
static aip_status
check_bearer(const exchange *x, aip_error *err)
{
    const aip_ceiling *ceiling = x->verdict.grant.ceiling;
    bool allowed = ceiling == NULL ? x->settings->bearers : ceiling->bearer;
    return allowed && !x->settings->require_proof && aip_chain_length(x->chain) == 1
               ? AIP_OK
               : aip_fail(err, AIP_PROOF_MISSING, NULL);
}

/* The holder's key that the proof names, in force now; a name that is not known is asked for. */
static aip_status
find_key(exchange *x, const message_proof *proof, aip_public_key *key, aip_error *err)
{
    memory_view view = {identities_memory(x->gateway->identities), x->record.time_seconds, DID_USE_AUTHENTICATION};
    aip_key_source keys;
    const aip_did *holder = &x->chain->tokens[x->chain->count - 1].subject; /* read already: base58 is costly */
    identity_memory_source(&view, &keys);
    aip_status status = keys.find(keys.context, holder, proof->key_id, view.now_seconds, key, err);
    return status == AIP_DID_PENDING ? await_identity(x, holder->text, err) : status;
}

static aip_status
take_proof(exchange *x, const message_proof *proof, const http_message *request, aip_error *err)
{
    aip_public_key key;
    AIP_TRY(proof_check_holder(proof, x->verdict.grant.leaf, err));
    AIP_TRY(find_key(x, proof, &key, err));
    AIP_TRY(http_signature_verify(request, &proof->signature, &key, err));
    AIP_TRY(revoked_check_holder(identities_revoked(x->gateway->identities), x->chain, &key, err));
    x->proven = x->record.proven = true;
    x->holder = key;
    x->use = (nonce_use){proof->key_id, proof->nonce, proof->created};
    return AIP_OK;
}

aip_status
prove_holder(exchange *x, aip_error *err)
{
    const http_message request = request_message(x);
    message_proof proof;
    if (x->local) {
        return x->appointed ? AIP_OK : check_bearer(x, err); /* spec/stdio.md W-42 */
    }
    aip_status status = proof_read_request(&request, has_body(x), x->record.time_seconds, &proof, err);
    return status == AIP_PROOF_MISSING ? check_bearer(x, err)
           : status != AIP_OK          ? status
                                       : take_proof(x, &proof, &request, err);
}

aip_status
prove_body(exchange *x, aip_error *err)
{
    const http_message request = request_message(x);
    return x->proven && !x->part && x->body.size > 0 ? content_digest_check(&request, text_view(&x->body), err)
                                                     : AIP_OK;
}

/* The last thing that is asked, so that only requests that would go on cost the database anything. */
aip_status
prove_once(exchange *x, aip_error *err)
{
    if (!x->proven || x->part) {
        return AIP_OK;
    }
    if (x->question != NULL) {
        return AIP_DID_PENDING; /* whatever woke the request, it was not the database */
    }
    if (x->nonce_asked) {
        bool late = x->arrived_status == AIP_FETCH_TIMEOUT;
        return x->arrived_status == AIP_OK ? AIP_OK
                                           : aip_fail(err, late ? AIP_STORE_UNAVAILABLE : x->arrived_status, NULL);
    }
    nonce_memory *nonces = identities_nonces(x->gateway->identities);
    AIP_TRY(nonce_memory_take(nonces, &x->use, clock_now_seconds(), &x->nonce, err));
    x->nonce_asked = true;
    return await_nonce(x, &x->nonce, err);
}

/* ---- answers ---- */

static bool
answers_in_kind(const exchange *x)
{
    size_t signatures = 0;
    (void)exchange_header(x, "Signature", &signatures);
    return x->gateway->self.key != NULL && signatures > 0;
}

static aip_status
write_receipt(const exchange *x, const unsigned char digest[AIP_HASH_BYTES], char **out, aip_error *err)
{
    const signing_identity *self = &x->gateway->self;
    const audit_record *record = &x->record;
    const receipt_facts facts = {
        .issuer = aip_bytes_of(self->did),
        .key_id = aip_bytes_of(self->key_id),
        .issued_at = clock_now_seconds(),
        .decision_id = aip_bytes_of(record->decision_id),
        .allowed = record->allowed,
        .code = aip_bytes_of(aip_status_lookup(record->status)->name),
        .root = record->root,
        .leaf = record->leaf,
        .chain = record->verified ? x->chain : NULL,
        .method = record->method,
        .tool = record->tool,
        .request_digest = record->has_digest ? record->request_digest : NULL,
        .response_digest = digest,
        .has_cost = record->has_cost,
        .cost_micro_usd = x->cost.ended ? x->cost.charged_micro_usd : record->cost_micro_usd,
    };
    return receipt_sign(&facts, self->key, out, err);
}

static aip_status
add_receipt(exchange *x, aip_error *err)
{
    unsigned char digest[AIP_HASH_BYTES];
    char *text STRING_AUTO = NULL;
    hash_sha256(text_view(&x->answer.body), digest);
    AIP_TRY(write_receipt(x, digest, &text, err));
    answer_add(&x->answer, "X-AIP-Receipt", "%s", text);
    return AIP_OK;
}

static aip_status
sign_answer(exchange *x, aip_error *err)
{
    const signing_identity *self = &x->gateway->self;
    gateway_answer *answer = &x->answer;
    const http_message request = request_message(x);
    header_field fields[ANSWER_FIELDS_MAX];
    TEXT_AUTO text_buffer input = {0}, signature = {0};
    for (size_t i = 0; i < answer->field_count; i++) {
        fields[i] = (header_field){aip_bytes_of(answer->fields[i].name), aip_bytes_of(answer->fields[i].value)};
    }
    const http_message reply = {
        .status = answer->http, .fields = fields, .field_count = answer->field_count, .request = &request};
    AIP_TRY(proof_sign_reply(&reply, self->key_id, clock_now_seconds(), self->key, &input, &signature, err));
    answer_add(answer, "Signature-Input", "%s", input.data);
    answer_add(answer, "Signature", "%s", signature.data);
    return AIP_OK;
}

static aip_status
complete_answer(exchange *x, aip_error *err)
{
    char digest[CONTENT_DIGEST_SIZE];
    if (!x->answer.stream) {
        content_digest_write(text_view(&x->answer.body), digest);
        answer_add(&x->answer, "Content-Digest", "%s", digest);
        AIP_TRY(x->record.decision_id[0] == '\0' ? AIP_OK : add_receipt(x, err));
    }
    return sign_answer(x, err);
}

void
prove_answer(exchange *x)
{
    x->stream_closed = !answers_in_kind(x);
    if (!x->stream_closed && complete_answer(x, NULL) != AIP_OK) {
        answer_clear(&x->answer);
        x->answer.http = 500;
    }
}

bool
prove_stream_end(exchange *x)
{
    unsigned char digest[AIP_HASH_BYTES];
    char *text STRING_AUTO = NULL;
    if (x->stream_closed) {
        return false;
    }
    x->stream_closed = true;
    hash_stream_end(&x->stream_hash, digest);
    if (write_receipt(x, digest, &text, NULL) != AIP_OK) {
        return false; /* the reader misses it, and does not believe the stream */
    }
    text_append_format(&x->stream, RECEIPT_COMMENT "%s\n\n", text);
    return text_finish(&x->stream, NULL) == AIP_OK;
}
