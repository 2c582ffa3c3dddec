/* aip-conform: answers questions about the library, one JSON line each, in order; never stops early. */
#include <stdio.h>
#include <stdlib.h>

#include "aip/chain.h"
#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/document.h"
#include "tests/vectors/conform.h"

#define LINE_BYTES_MAX ((size_t)64 << 20) /* the largest public document, as hex, many times over */

static const scan_limits request_limits = {LINE_BYTES_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};

aip_status
exchange_room(exchange *x, size_t size, void **out, aip_error *err)
{
    if (x->owned_count == EXCHANGE_OWNED_MAX || (*out = calloc(1, size)) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    x->owned[x->owned_count++] = *out;
    return AIP_OK;
}

uint32_t
exchange_member(const exchange *x, const char *name)
{
    uint32_t node = scan_member(&x->request, 0, name);
    return node == SCAN_NONE || scan_kind_of(&x->request, node) == SCAN_NULL ? SCAN_NONE : node;
}

aip_status
exchange_unescape(exchange *x, uint32_t node, aip_bytes *out, aip_error *err)
{
    void *room;
    if (scan_kind_of(&x->request, node) != SCAN_STRING) {
        return aip_fail(err, AIP_JSON_SHAPE, "a member is no string");
    }
    size_t capacity = scan_raw(&x->request, node).size;
    AIP_TRY(exchange_room(x, capacity + 1, &room, err));
    out->data = room;
    return scan_unescape(&x->request, node, room, capacity, &out->size, err);
}

aip_status
exchange_text(exchange *x, const char *name, bool optional, aip_bytes *out, aip_error *err)
{
    uint32_t node = exchange_member(x, name);
    *out = (aip_bytes){NULL, 0};
    if (node == SCAN_NONE) {
        return optional ? AIP_OK : aip_fail(err, AIP_JSON_SHAPE, "%s is missing", name);
    }
    return exchange_unescape(x, node, out, err);
}

aip_status
exchange_refuse_nul(aip_bytes text, aip_error *err)
{
    return text.size > 0 && memchr(text.data, '\0', text.size) != NULL ? aip_fail(err, AIP_JSON_SHAPE, "a NUL")
                                                                       : AIP_OK;
}

aip_status
exchange_string(exchange *x, const char *name, bool optional, aip_bytes *out, aip_error *err)
{
    AIP_TRY(exchange_text(x, name, optional, out, err));
    return exchange_refuse_nul(*out, err);
}

aip_status
exchange_hex(exchange *x, const char *name, aip_bytes *out, aip_error *err)
{
    aip_bytes text;
    void *folded, *room;
    AIP_TRY(exchange_text(x, name, false, &text, err));
    AIP_TRY(exchange_room(x, text.size + 1, &folded, err));
    AIP_TRY(exchange_room(x, text.size / 2 + 1, &room, err));
    for (size_t i = 0; i < text.size; i++) { /* requests may spell either case; the library reads one */
        bool upper = text.data[i] >= 'A' && text.data[i] <= 'F';
        ((unsigned char *)folded)[i] = (unsigned char)(upper ? text.data[i] + ('a' - 'A') : text.data[i]);
    }
    out->data = room;
    return hex_decode((aip_bytes){folded, text.size}, room, text.size / 2, &out->size, err);
}

aip_status
exchange_integer(exchange *x, const char *name, int64_t fallback, int64_t *out, aip_error *err)
{
    uint32_t node = exchange_member(x, name);
    uint64_t value;
    if (node == SCAN_NONE) {
        *out = fallback;
        return fallback >= 0 ? AIP_OK : aip_fail(err, AIP_JSON_SHAPE, "%s is missing", name);
    }
    AIP_TRY(scan_integer(&x->request, node, (uint64_t)1 << 53, &value, err));
    *out = (int64_t)value;
    return AIP_OK;
}

void
exchange_reply_hex(exchange *x, const char *name, aip_bytes bytes)
{
    text_append_format(&x->reply, ",\"%s\":\"", name);
    for (size_t i = 0; i < bytes.size; i++) {
        char digits[3];
        hex_encode((aip_bytes){bytes.data + i, 1}, digits);
        text_append_string(&x->reply, digits);
    }
    text_append_string(&x->reply, "\"");
}

void
exchange_reply_text(exchange *x, const char *name, aip_bytes text)
{
    text_append_format(&x->reply, ",\"%s\":", name);
    text_append_json(&x->reply, text);
}

static aip_status
read_key(exchange *x, aip_public_key *key, aip_error *err)
{
    aip_bytes pk;
    AIP_TRY(exchange_hex(x, "pk", &pk, err));
    return pk.size == AIP_KEY_BYTES ? aip_public_key_accept(pk.data, key, err) : aip_fail(err, AIP_KEY_INVALID, NULL);
}

static aip_status
answer_verify(exchange *x, aip_error *err)
{
    aip_public_key key;
    aip_bytes message, signature;
    AIP_TRY(read_key(x, &key, err));
    AIP_TRY(exchange_hex(x, "msg", &message, err));
    AIP_TRY(exchange_hex(x, "sig", &signature, err));
    return signature.size == AIP_SIGNATURE_BYTES ? aip_verify(&key, message, signature.data, err)
                                                 : aip_fail(err, AIP_SIGNATURE_INVALID, NULL);
}

static aip_status
answer_sign(exchange *x, aip_error *err)
{
    aip_bytes seed, message;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    aip_secret_key *key = NULL;
    AIP_TRY(exchange_hex(x, "seed", &seed, err));
    AIP_TRY(exchange_hex(x, "msg", &message, err));
    if (seed.size != AIP_SEED_BYTES) {
        return aip_fail(err, AIP_KEY_INVALID, NULL);
    }
    AIP_TRY(aip_secret_key_from_seed(seed.data, &key, err));
    aip_sign(key, message, signature);
    exchange_reply_hex(x, "sig", (aip_bytes){signature, sizeof signature});
    exchange_reply_hex(x, "pk", (aip_bytes){aip_secret_key_public(key)->bytes, AIP_KEY_BYTES});
    aip_secret_key_free(&key);
    return AIP_OK;
}

static aip_status
answer_multibase_decode(exchange *x, aip_error *err)
{
    aip_bytes text, decoded;
    void *room;
    AIP_TRY(exchange_text(x, "s", false, &text, err));
    AIP_TRY(exchange_room(x, text.size + 1, &room, err));
    decoded.data = room;
    AIP_TRY(multibase_decode(text, room, text.size, &decoded.size, err));
    exchange_reply_hex(x, "hex", decoded);
    return AIP_OK;
}

static aip_status
answer_multibase_encode(exchange *x, aip_error *err)
{
    aip_bytes bytes, base;
    STRING_AUTO char *encoded = NULL;
    AIP_TRY(exchange_hex(x, "hex", &bytes, err));
    AIP_TRY(exchange_string(x, "base", false, &base, err));
    AIP_TRY(multibase_encode((const char *)base.data, bytes, &encoded, err));
    exchange_reply_text(x, "s", aip_bytes_of(encoded));
    return AIP_OK;
}

static aip_status
answer_varint(exchange *x, aip_error *err)
{
    aip_bytes bytes;
    uint64_t value;
    size_t length;
    AIP_TRY(exchange_hex(x, "hex", &bytes, err));
    AIP_TRY(varint_decode(bytes, &value, &length, err));
    text_append_format(&x->reply, ",\"value\":%llu,\"len\":%zu", (unsigned long long)value, length);
    return AIP_OK;
}

static aip_status
answer_base64url(exchange *x, aip_error *err)
{
    aip_bytes text, decoded;
    void *room;
    AIP_TRY(exchange_text(x, "s", false, &text, err));
    AIP_TRY(exchange_room(x, text.size + 1, &room, err));
    decoded.data = room;
    AIP_TRY(base64url_decode(text, room, text.size, &decoded.size, err));
    exchange_reply_hex(x, "hex", decoded);
    return AIP_OK;
}

/* The name's own key, so a name without one is refused, whatever method it is of. */
static aip_status
answer_didkey_decode(exchange *x, aip_error *err)
{
    aip_bytes text;
    aip_did did;
    aip_public_key key;
    AIP_TRY(exchange_text(x, "did", false, &text, err));
    AIP_TRY(aip_did_parse(text, &did, err));
    AIP_TRY(aip_did_key(&did, &key, err));
    exchange_reply_hex(x, "pk", (aip_bytes){key.bytes, AIP_KEY_BYTES});
    return AIP_OK;
}

static aip_status
answer_didkey_encode(exchange *x, aip_error *err)
{
    aip_public_key key;
    char text[sizeof "did:key:" + MULTIBASE_KEY_TEXT_SIZE] = "did:key:";
    AIP_TRY(read_key(x, &key, err));
    multibase_encode_key(key.bytes, text + strlen(text));
    exchange_reply_text(x, "did", aip_bytes_of(text));
    return AIP_OK;
}

/* `id` is the request's own, so the method-specific identifier has a name of its own in the reply. */
static aip_status
answer_did_parse(exchange *x, aip_error *err)
{
    aip_bytes text;
    AIP_TRY(exchange_text(x, exchange_member(x, "s") == SCAN_NONE ? "did" : "s", false, &text, err));
    bool is_did = aip_did_is_did(text), is_url = aip_did_is_did_url(text);
    text_append_format(&x->reply, ",\"is_did\":%s,\"is_did_url\":%s", is_did ? "true" : "false",
                       is_url ? "true" : "false");
    if (!is_did && !is_url) {
        return AIP_OK;
    }
    aip_bytes method = aip_bytes_from(text, strlen("did:"));
    method.size = (size_t)((const unsigned char *)memchr(method.data, ':', method.size) - method.data);
    aip_bytes specific = aip_bytes_from(text, strlen("did:") + method.size + 1);
    for (size_t i = 0; i < specific.size; i++) {
        specific.size = memchr("/?#", specific.data[i], 3) == NULL ? specific.size : i;
    }
    exchange_reply_text(x, "method", method);
    exchange_reply_text(x, "method_specific_id", specific);
    return AIP_OK;
}

static aip_status
answer_didweb_url(exchange *x, aip_error *err)
{
    aip_bytes text;
    STRING_AUTO char *url = NULL;
    AIP_TRY(exchange_text(x, "did", false, &text, err));
    AIP_TRY(aip_did_web_url(text, &url, err));
    exchange_reply_text(x, "url", aip_bytes_of(url));
    return AIP_OK;
}

static aip_status
answer_diddoc_key(exchange *x, aip_error *err)
{
    aip_bytes document;
    aip_public_key key;
    did_key_query query = {.use = DID_USE_ANY};
    uint32_t node = exchange_member(x, "document");
    AIP_TRY(exchange_text(x, "did", false, &query.did, err));
    AIP_TRY(exchange_text(x, "kid", true, &query.kid, err));
    if (node == SCAN_NONE) {
        AIP_TRY(exchange_text(x, "raw", false, &document, err));
    } else {
        document = scan_raw(&x->request, node);
    }
    AIP_TRY(did_document_key(document, &query, &key, err));
    exchange_reply_hex(x, "pk", (aip_bytes){key.bytes, AIP_KEY_BYTES});
    return AIP_OK;
}

static aip_status
answer_json_check(exchange *x, aip_error *err)
{
    aip_bytes text;
    scan_document document;
    AIP_TRY(exchange_hex(x, "hex", &text, err));
    AIP_TRY(scan_load(text, &request_limits, &document, err));
    scan_clear(&document);
    return AIP_OK;
}

static aip_status
answer_jcs(exchange *x, aip_error *err)
{
    aip_bytes text;
    STRING_AUTO char *canonical = NULL;
    size_t size;
    AIP_TRY(exchange_hex(x, "hex", &text, err));
    AIP_TRY(json_canonical(text, &canonical, &size, err));
    exchange_reply_hex(x, "hex", (aip_bytes){(unsigned char *)canonical, size});
    return AIP_OK;
}

typedef struct {
    const char *op;
    aip_status (*answer)(exchange *x, aip_error *err);
} operation;

static const operation operations[] = {
    {"ed25519.verify", answer_verify},
    {"ed25519.sign", answer_sign},
    {"multibase.decode", answer_multibase_decode},
    {"multibase.encode", answer_multibase_encode},
    {"varint.decode", answer_varint},
    {"base64url.decode", answer_base64url},
    {"didkey.decode", answer_didkey_decode},
    {"didkey.encode", answer_didkey_encode},
    {"did.parse", answer_did_parse},
    {"didweb.url", answer_didweb_url},
    {"diddoc.key", answer_diddoc_key},
    {"json.check", answer_json_check},
    {"jcs", answer_jcs},
    {"jwt.verify", answer_jwt_verify},
    {"token.verify", answer_token_verify},
    {"didurl.split", answer_didurl_split},
    {"did.resolve", answer_did_resolve},
    {"diddoc.identity", answer_diddoc_identity},
    {"aipdoc.verify", answer_aipdoc_verify},
    {"time.read", answer_time_read},
    {"nexus.canonical", answer_nexus_canonical},
    {"nexus.verify", answer_nexus_verify},
    {"trust.path", answer_trust_path},
    {"pdr.score", answer_pdr_score},
    {"didlog.verify", answer_didlog_verify},
    {"yaml.parse", answer_yaml_parse},
    {"httpsig.verify", answer_httpsig_verify},
    {"revocation.verify", answer_revocation_verify},
    {"dlp.scan", answer_dlp_scan},
    {"path.check", answer_path_check},
    {"policy.load", answer_policy_load},
    {"policy.eval", answer_policy_eval},
};

static const operation *
find_operation(const exchange *x, uint32_t op)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (scan_string_equals(&x->request, op, aip_bytes_of(operations[i].op))) {
            return &operations[i];
        }
    }
    return NULL;
}

static void
print_refusal(aip_bytes id, aip_status status, const aip_error *err)
{
    const aip_status_facts *facts = aip_status_lookup(status);
    printf("{\"id\":%.*s,\"ok\":false,\"error\":\"%s\"", (int)id.size, (const char *)id.data, facts->name);
    if (err->status == status && err->at != AIP_NOWHERE) {
        printf(",\"at\":%d", err->at);
    }
    if (facts->peer != NULL) {
        printf(",\"peer\":\"%s\"", facts->peer);
    }
    puts("}");
}

static void
answer_request(exchange *x, aip_bytes id)
{
    aip_error err = AIP_ERROR_INIT;
    uint32_t op = exchange_member(x, "op");
    if (op == SCAN_NONE || scan_kind_of(&x->request, op) != SCAN_STRING) {
        print_refusal(id, AIP_JSON_SHAPE, &err);
        return;
    }
    const operation *found = find_operation(x, op);
    if (found == NULL) {
        printf("{\"id\":%.*s,\"unsupported\":true}\n", (int)id.size, (const char *)id.data);
        return;
    }
    aip_status status = found->answer(x, &err);
    if (status == AIP_OK) {
        status = text_finish(&x->reply, &err);
    }
    if (status != AIP_OK) {
        print_refusal(id, status, &err);
        return;
    }
    printf("{\"id\":%.*s,\"ok\":true%.*s}\n", (int)id.size, (const char *)id.data, (int)x->reply.size,
           x->reply.size == 0 ? "" : x->reply.data);
}

static void
answer_line(aip_bytes line)
{
    aip_error err = AIP_ERROR_INIT;
    aip_bytes id = AIP_BYTES_LITERAL("null");
    exchange x = {.owned_count = 0};
    aip_status status = scan_load(line, &request_limits, &x.request, &err);
    if (status != AIP_OK) {
        print_refusal(id, status, &err);
        return;
    }
    uint32_t node = scan_member(&x.request, 0, "id");
    answer_request(&x, node == SCAN_NONE ? id : scan_raw(&x.request, node));
    for (size_t i = 0; i < x.owned_count; i++) {
        free(x.owned[i]);
    }
    text_clear(&x.reply);
    scan_clear(&x.request);
}

int
main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    if (crypto_start(NULL) != AIP_OK) {
        return aip_status_exit_code(AIP_INTERNAL);
    }
    while ((size = getline(&line, &capacity, stdin)) >= 0) {
        answer_line((aip_bytes){(unsigned char *)line, (size_t)size});
        fflush(stdout);
    }
    free(line);
    return 0;
}
