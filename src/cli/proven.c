/* Signs a request, sends it and checks who answered. */
#include "cli/proven.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cli/keys.h"
#include "crypto/hash.h"
#include "proof/proof.h"
#include "proof/receipt.h"

enum { FIELDS_MAX = 16, ANSWER_BYTES_MAX = 16 << 20 };

/* A request with all its fields, as text for libcurl and as views for the signature. */
typedef struct {
    net_url url;
    http_message message;
    http_field fields[FIELDS_MAX];
    char *lines[FIELDS_MAX];
    size_t count;
} signed_request;

static void
clear_request(signed_request *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->lines[i]);
    }
    r->count = 0;
}

static aip_status
add_line(signed_request *r, const char *line, size_t name_size, aip_error *err)
{
    if (r->count == FIELDS_MAX) {
        return aip_fail(err, AIP_USAGE, "too many headers");
    }
    char *copy = strdup(line);
    if (copy == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    const char *value = copy + name_size + 1;
    value += strspn(value, " ");
    r->fields[r->count] =
        (http_field){{(const unsigned char *)copy, name_size}, {(const unsigned char *)value, strlen(value)}};
    r->lines[r->count++] = copy;
    r->message.field_count = r->count;
    return AIP_OK;
}

static aip_status
add_field(signed_request *r, const char *name, const char *value, aip_error *err)
{
    TEXT_AUTO text_buffer line = {0};
    text_append_format(&line, "%s: %s", name, value);
    AIP_TRY(text_finish(&line, err));
    return add_line(r, line.data, strlen(name), err);
}

static aip_status
add_given(signed_request *r, const proven_request *request, aip_error *err)
{
    for (size_t i = 0; i < request->field_count; i++) {
        const char *colon = strchr(request->fields[i], ':');
        if (colon == NULL || strpbrk(request->fields[i], "\r\n") != NULL) {
            return aip_fail(err, AIP_USAGE, "a header is Name: value");
        }
        AIP_TRY(add_line(r, request->fields[i], (size_t)(colon - request->fields[i]), err));
    }
    return AIP_OK;
}

static aip_status
sign(const proven_caller *caller, signed_request *r, aip_error *err)
{
    TEXT_AUTO text_buffer input = {0}, signature = {0};
    char key_id[KEYS_KID_SIZE];
    keys_write_kid(caller->owner, key_id);
    AIP_TRY(proof_sign_request(&r->message, key_id, clock_now_seconds(), caller->key, &input, &signature, err));
    AIP_TRY(add_field(r, "Signature-Input", input.data, err));
    return add_field(r, "Signature", signature.data, err);
}

static aip_status
compose(const proven_caller *caller, const proven_request *request, signed_request *r, aip_error *err)
{
    char digest[CONTENT_DIGEST_SIZE];
    AIP_TRY(net_url_read(request->url, &r->url, err));
    r->message = (http_message){.method = aip_bytes_of(request->method),
                                .scheme = aip_bytes_of(r->url.scheme),
                                .authority = aip_bytes_of(r->url.authority),
                                .path = aip_bytes_of(r->url.path),
                                .query = aip_bytes_of(r->url.query),
                                .fields = r->fields};
    AIP_TRY(add_given(r, request, err));
    if (caller->token != NULL) {
        AIP_TRY(add_field(r, "X-AIP-Token", caller->token, err));
    }
    if (request->body.size > 0) {
        content_digest_write(request->body, digest);
        AIP_TRY(add_field(r, "Content-Digest", digest, err));
    }
    return sign(caller, r, err);
}

/* The key of the expected identity that the answer names, if it is in force now. */
static aip_status
find_key(const proven_caller *caller, const message_proof *proof, aip_public_key *key, aip_error *err)
{
    LOOKUP_ANSWER_AUTO lookup_answer answer = {0};
    identity_query query = {proof->key_id, DID_USE_AUTHENTICATION, clock_now_seconds()};
    bool web = strncmp(caller->expect, "did:web:", 8) == 0;
    if (web && proof_check_holder(proof, aip_bytes_of(caller->expect), NULL) != AIP_OK) {
        /* A gateway signs by its did:aip name. A key of the expected document under the same fragment is that key. */
        const unsigned char *hash = memchr(proof->key_id.data, '#', proof->key_id.size);
        query.kid = hash == NULL ? query.kid : aip_bytes_from(query.kid, (size_t)(hash + 1 - query.kid.data));
    } else {
        AIP_TRY(proof_check_holder(proof, aip_bytes_of(caller->expect), err));
    }
    AIP_TRY(lookup_resolve(caller->identities, aip_bytes_of(caller->expect), NULL, &answer, err));
    return identity_find_key(answer.id, &query, key, err);
}

static bool
is_stream(const net_reply *reply)
{
    return aip_bytes_begin_with(net_reply_field(reply, "Content-Type"), AIP_BYTES_LITERAL("text/event-stream"));
}

/* A stream ends with a receipt over all before it: what was added, left out or changed on the way shows. */
static aip_status
check_stream(const net_reply *reply, const aip_public_key *key, aip_error *err)
{
    const aip_bytes comment = AIP_BYTES_LITERAL(RECEIPT_COMMENT);
    unsigned char digest[AIP_HASH_BYTES];
    aip_bytes body = text_view(&reply->body);
    size_t at = body.size;
    do {
        const unsigned char *colon = at == 0 ? NULL : memrchr(body.data, ':', at);
        at = colon == NULL ? SIZE_MAX : (size_t)(colon - body.data);
    } while (at != SIZE_MAX && !aip_bytes_begin_with(aip_bytes_from(body, at), comment));
    if (at == SIZE_MAX || (at > 0 && body.data[at - 1] != '\n')) {
        return aip_fail(err, AIP_PROOF_MISSING, "the stream ends without its receipt");
    }
    aip_bytes receipt = aip_bytes_from(body, at + comment.size);
    const unsigned char *end = memchr(receipt.data, '\n', receipt.size);
    if (end == NULL || receipt.data + receipt.size - end > 2) {
        return aip_fail(err, AIP_PROOF_MISSING, "something follows the stream's receipt");
    }
    receipt.size = (size_t)(end - receipt.data);
    hash_sha256((aip_bytes){body.data, at}, digest);
    const receipt_check check = {key, net_reply_field(reply, "X-AIP-Decision-Id"), digest};
    return receipt_verify(receipt, &check, err);
}

static aip_status
check_answer(const proven_caller *caller, const signed_request *r, const net_reply *reply, aip_error *err)
{
    http_field fields[NET_REPLY_FIELDS_MAX];
    message_proof proof;
    aip_public_key key;
    for (size_t i = 0; i < reply->field_count; i++) {
        fields[i] = (http_field){net_reply_name(reply, i), net_reply_value(reply, i)};
    }
    const http_message answer = {
        .status = reply->status, .fields = fields, .field_count = reply->field_count, .request = &r->message};
    bool stream = is_stream(reply);
    AIP_TRY(proof_read_reply(&answer, stream, clock_now_seconds(), &proof, err));
    AIP_TRY(find_key(caller, &proof, &key, err));
    AIP_TRY(http_signature_verify(&answer, &proof.signature, &key, err));
    return stream ? check_stream(reply, &key, err) : content_digest_check(&answer, text_view(&reply->body), err);
}

static aip_status
send_composed(const proven_caller *caller, const proven_request *request, const signed_request *r, net_reply *out,
              aip_error *err)
{
    const net_request call = {
        .url = request->url,
        .method = request->method,
        .body = request->body,
        .fields = (const char *const *)r->lines,
        .field_count = r->count,
        .ca_file = caller->ca_file,
        .timeout_seconds = caller->timeout_seconds,
        .bytes_max = ANSWER_BYTES_MAX,
    };
    AIP_TRY(net_call(&call, out, err));
    return caller->expect == NULL ? AIP_OK : check_answer(caller, r, out, err);
}

aip_status
proven_headers(const proven_caller *caller, const proven_request *request, text_buffer *out, aip_error *err)
{
    signed_request r = {.count = 0};
    aip_status status = compose(caller, request, &r, err);
    for (size_t i = 0; status == AIP_OK && i < r.count; i++) {
        text_append_string(out, r.lines[i]);
        text_append_string(out, "\n");
    }
    clear_request(&r);
    return status == AIP_OK ? text_finish(out, err) : status;
}

aip_status
proven_send(const proven_caller *caller, const proven_request *request, net_reply *out, aip_error *err)
{
    signed_request r = {.count = 0};
    *out = (net_reply){0};
    aip_status status = compose(caller, request, &r, err);
    status = status == AIP_OK ? send_composed(caller, request, &r, out, err) : status;
    clear_request(&r);
    return status;
}
