/* Structured fields, signatures of requests and digests from arbitrary bytes. */
#include <stdlib.h>

#include "crypto/hash.h"
#include "proof/proof.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static bool
lies_within(aip_bytes part, aip_bytes whole)
{
    return part.size == 0 || (part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

static void
check_value(const field_value *value, aip_bytes whole)
{
    unsigned char bytes[64];
    size_t size = 0;
    require(value->parameter_count <= FIELD_PARAMETERS_MAX && lies_within(value->text, whole));
    require(lies_within(value->item.text, whole));
    for (size_t i = 0; i < value->parameter_count; i++) {
        require(value->parameters[i].name.size > 0 && lies_within(value->parameters[i].value.text, whole));
        for (size_t k = 0; k < i; k++) {
            require(!aip_bytes_equal(value->parameters[i].name, value->parameters[k].name));
        }
    }
    if (field_decode_bytes(&value->item, bytes, sizeof bytes, &size, NULL) == AIP_OK) {
        require(value->item.kind == FIELD_BYTES && size <= sizeof bytes);
    }
}

/* A member's text is canonical: read again, alone, it is the same member. */
static void
check_member(const field_member *member, aip_bytes whole)
{
    TEXT_AUTO text_buffer alone = {0};
    field_member again;
    require(member->name.size > 0 && lies_within(member->name, whole) && member->item_count <= FIELD_ITEMS_MAX);
    check_value(&member->value, whole);
    for (size_t i = 0; i < member->item_count; i++) {
        check_value(&member->items[i], whole);
    }
    bool bare = member->value.text.size == 0 || member->value.text.data[0] == ';';
    text_append(&alone, member->name);
    text_append_string(&alone, bare ? "" : "=");
    text_append(&alone, member->value.text);
    aip_bytes rest = text_view(&alone);
    require(field_next_member(&rest, &again, NULL) == AIP_OK && rest.size == 0);
    require(aip_bytes_equal(again.value.text, member->value.text) && again.item_count == member->item_count);
    require(again.value.item.kind == member->value.item.kind);
}

static void
check_dictionary(aip_bytes text)
{
    aip_bytes rest = text;
    while (rest.size > 0) {
        size_t before = rest.size;
        field_member member;
        if (field_next_member(&rest, &member, NULL) != AIP_OK) {
            return;
        }
        require(rest.size < before);
        check_member(&member, text);
    }
}

/* Whatever list of components can be signed verifies, and under another key it does not. */
static void
check_signing(http_message *request, const http_signature *found, const aip_secret_key *key)
{
    TEXT_AUTO text_buffer input = {0}, value = {0}, parameters = {0};
    http_signature signature;
    http_field fields[] = {request->fields[0], request->fields[1], {{NULL, 0}, {NULL, 0}}, {{NULL, 0}, {NULL, 0}}};
    const aip_public_key other = {{1}};
    http_message message = *request;
    text_append(&parameters, found->input.value.text);
    if (text_finish(&parameters, NULL) != AIP_OK || memchr(parameters.data, '\0', parameters.size) != NULL) {
        return;
    }
    message.fields = fields;
    message.field_count = 2;
    const http_signature_plan plan = {"fuzz", parameters.data};
    if (http_signature_sign(&message, &plan, key, &input, &value, NULL) != AIP_OK) {
        return;
    }
    fields[2] = (http_field){AIP_BYTES_LITERAL("signature-input"), text_view(&input)};
    fields[3] = (http_field){AIP_BYTES_LITERAL("signature"), text_view(&value)};
    message.field_count = 4;
    require(http_signature_find(&message, AIP_BYTES_LITERAL("fuzz"), &signature, NULL) == AIP_OK);
    message.field_count = 2;
    aip_status status = http_signature_verify(&message, &signature, aip_secret_key_public(key), NULL);
    require(status == AIP_OK || field_parameter_of(&signature.input.value, "alg") != NULL);
    require(http_signature_verify(&message, &signature, &other, NULL) == AIP_PROOF_SIGNATURE);
}

static void
check_found(http_message *request, const http_signature *found)
{
    static const unsigned char seed[AIP_SEED_BYTES] = {77};
    TEXT_AUTO text_buffer base = {0};
    aip_secret_key *key = NULL;
    message_proof proof;
    require(found->input.value.item.kind == FIELD_LIST);
    require(aip_secret_key_from_seed(seed, &key, NULL) == AIP_OK);
    bool good = http_signature_base(request, &found->input, &base, NULL) == AIP_OK;
    require(http_signature_verify(request, found, aip_secret_key_public(key), NULL) != AIP_OK);
    if (proof_read_request(request, true, NOW, &proof, NULL) == AIP_OK) {
        require(proof.nonce.size >= AIP_NONCE_BYTES_MIN && proof.nonce.size <= AIP_NONCE_BYTES_MAX);
        require(proof.created >= NOW - AIP_PROOF_SECONDS && proof.created <= NOW + AIP_CLOCK_SKEW_SECONDS);
        require(http_signature_covers(&proof.signature, "x-aip-token"));
        require(proof_check_holder(&proof, proof.key_id, NULL) == AIP_PROOF_KEY);
    }
    if (good) {
        check_signing(request, found, key);
    }
    aip_secret_key_free(&key);
}

/* Lines of the input are the values of Signature-Input, Signature and Content-Digest. */
static void
check_request(aip_bytes text)
{
    aip_bytes lines[3] = {{text.data, 0}, {text.data, 0}, {text.data, 0}};
    for (size_t i = 0; i < 3; i++) {
        const unsigned char *end = text.size == 0 ? NULL : memchr(text.data, '\n', text.size);
        lines[i] = (aip_bytes){text.data, end == NULL ? text.size : (size_t)(end - text.data)};
        text = aip_bytes_from(text, end == NULL ? text.size : lines[i].size + 1);
    }
    const http_field fields[] = {
        {AIP_BYTES_LITERAL("X-AIP-Token"), AIP_BYTES_LITERAL("e0~e1")},
        {AIP_BYTES_LITERAL("Content-Digest"), lines[2]},
        {AIP_BYTES_LITERAL("Signature-Input"), lines[0]},
        {AIP_BYTES_LITERAL("Signature"), lines[1]},
    };
    http_message request = {.method = AIP_BYTES_LITERAL("POST"),
                            .scheme = AIP_BYTES_LITERAL("https"),
                            .authority = AIP_BYTES_LITERAL("Gateway.Example:443"),
                            .path = AIP_BYTES_LITERAL("/mcp"),
                            .query = AIP_BYTES_LITERAL("a=b"),
                            .fields = fields,
                            .field_count = 4};
    http_signature found;
    if (http_signature_find(&request, AIP_BYTES_LITERAL("aip"), &found, NULL) == AIP_OK) {
        check_found(&request, &found);
    }
    (void)!content_digest_check(&request, AIP_BYTES_LITERAL("{}"), NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aip_bytes text = {data, size};
    require(crypto_start(NULL) == AIP_OK);
    check_dictionary(text);
    check_request(text);
    return 0;
}
