/* The profile of RFC 9421 that requests to a gateway and its replies have to keep. */
#include "proof/proof.h"

#include <strings.h>

#include "crypto/base64url.h"
#include "crypto/hash.h"

static aip_status
read_text(const http_signature *signature, const char *name, aip_status missing, aip_bytes *out, aip_error *err)
{
    const field_item *item = field_parameter_of(&signature->input.value, name);
    if (item == NULL || item->kind != FIELD_STRING || item->text.size == 0) {
        return aip_fail(err, missing, "%s is missing or no string", name);
    }
    *out = item->text;
    return AIP_OK;
}

static aip_status
check_tag(const http_signature *signature, const char *wanted, aip_error *err)
{
    aip_bytes tag = {NULL, 0};
    AIP_TRY(read_text(signature, "tag", AIP_PROOF_TAG, &tag, err));
    return aip_bytes_equal(tag, aip_bytes_of(wanted)) ? AIP_OK : aip_fail(err, AIP_PROOF_TAG, NULL);
}

static aip_status
check_time(const http_signature *signature, int64_t now, int64_t *created, aip_error *err)
{
    const field_item *item = field_parameter_of(&signature->input.value, "created");
    const field_item *expires = field_parameter_of(&signature->input.value, "expires");
    if (item == NULL || item->kind != FIELD_INTEGER || (expires != NULL && expires->kind != FIELD_INTEGER)) {
        return aip_fail(err, AIP_PROOF_MALFORMED, "created is missing, or a time is no integer");
    }
    *created = item->integer;
    if (*created > now + AIP_CLOCK_SKEW_SECONDS) {
        return aip_fail(err, AIP_PROOF_NOT_YET_VALID, NULL);
    }
    if (*created < now - AIP_PROOF_SECONDS || (expires != NULL && expires->integer <= now)) {
        return aip_fail(err, AIP_PROOF_EXPIRED, NULL);
    }
    return AIP_OK;
}

static aip_status
check_nonce(const http_signature *signature, aip_bytes *nonce, aip_error *err)
{
    AIP_TRY(read_text(signature, "nonce", AIP_PROOF_NONCE, nonce, err));
    return nonce->size >= AIP_NONCE_BYTES_MIN && nonce->size <= AIP_NONCE_BYTES_MAX
               ? AIP_OK
               : aip_fail(err, AIP_PROOF_NONCE, "a nonce has %d to %d characters", AIP_NONCE_BYTES_MIN,
                          AIP_NONCE_BYTES_MAX);
}

static aip_status
check_covered(const http_signature *signature, const char *component, aip_error *err)
{
    return http_signature_covers(signature, component) ? AIP_OK : aip_fail(err, AIP_PROOF_UNCOVERED, "%s", component);
}

/* What both directions share. */
static aip_status
read_proof(const http_message *message, const char *tag, int64_t now, message_proof *out, aip_error *err)
{
    AIP_TRY(http_signature_find(message, AIP_BYTES_LITERAL(PROOF_LABEL), &out->signature, err));
    AIP_TRY(check_tag(&out->signature, tag, err));
    AIP_TRY(check_time(&out->signature, now, &out->created, err));
    return read_text(&out->signature, "keyid", AIP_PROOF_KEY, &out->key_id, err);
}

aip_status
proof_read_request(const http_message *request, bool has_body, int64_t now, message_proof *out, aip_error *err)
{
    static const char *const covered[] = {"@method", "@authority", "@path", "@query", "x-aip-token"};
    AIP_TRY(read_proof(request, PROOF_TAG_REQUEST, now, out, err));
    AIP_TRY(check_nonce(&out->signature, &out->nonce, err));
    for (size_t i = 0; i < sizeof covered / sizeof covered[0]; i++) {
        AIP_TRY(check_covered(&out->signature, covered[i], err));
    }
    return has_body ? check_covered(&out->signature, "content-digest", err) : AIP_OK;
}

static bool
covers_request_signature(const http_signature *signature)
{
    for (size_t i = 0; i < signature->input.item_count; i++) {
        if (aip_bytes_equal(signature->input.items[i].text, AIP_BYTES_LITERAL("\"signature\";req"))) {
            return true;
        }
    }
    return false;
}

aip_status
proof_read_reply(const http_message *reply, bool stream, int64_t now, message_proof *out, aip_error *err)
{
    AIP_TRY(read_proof(reply, PROOF_TAG_REPLY, now, out, err));
    AIP_TRY(check_covered(&out->signature, "@status", err));
    if (!covers_request_signature(&out->signature)) {
        return aip_fail(err, AIP_PROOF_UNCOVERED, "the request's signature");
    }
    return stream ? AIP_OK : check_covered(&out->signature, "content-digest", err);
}

aip_status
proof_check_holder(const message_proof *proof, aip_bytes did, aip_error *err)
{
    aip_bytes id = proof->key_id;
    bool names = aip_bytes_begin_with(id, did) && id.size > did.size + 1 && id.data[did.size] == '#';
    return names ? AIP_OK : aip_fail(err, AIP_PROOF_KEY, NULL);
}

static bool
has_field(const http_message *message, const char *name)
{
    for (size_t i = 0; i < message->field_count; i++) {
        aip_bytes own = message->fields[i].name;
        if (own.size == strlen(name) && strncasecmp((const char *)own.data, name, own.size) == 0) {
            return true;
        }
    }
    return false;
}

static void
append_present(text_buffer *parameters, const http_message *message, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (has_field(message, *names)) {
            text_append_string(parameters, " \"");
            text_append_string(parameters, *names);
            text_append_string(parameters, "\"");
        }
    }
}

static aip_status
sign(const http_message *message, const text_buffer *parameters, const aip_secret_key *key, text_buffer *input,
     text_buffer *signature, aip_error *err)
{
    AIP_TRY(text_finish(parameters, err));
    const http_signature_plan plan = {PROOF_LABEL, parameters->data};
    return http_signature_sign(message, &plan, key, input, signature, err);
}

aip_status
proof_sign_request(const http_message *request, const char *key_id, int64_t now, const aip_secret_key *key,
                   text_buffer *input, text_buffer *signature, aip_error *err)
{
    static const char *const optional[] = {"x-aip-token", "content-digest", NULL};
    unsigned char random[16];
    char nonce[BASE64URL_TEXT_SIZE(sizeof random) + 1];
    TEXT_AUTO text_buffer parameters = {0};
    hash_random(random, sizeof random);
    base64url_encode((aip_bytes){random, sizeof random}, nonce);
    text_append_string(&parameters, "(\"@method\" \"@authority\" \"@path\" \"@query\"");
    append_present(&parameters, request, optional);
    text_append_format(&parameters, ");created=%lld;nonce=\"%s\";keyid=\"%s\";tag=\"" PROOF_TAG_REQUEST "\"",
                       (long long)now, nonce, key_id);
    return sign(request, &parameters, key, input, signature, err);
}

aip_status
proof_sign_reply(const http_message *reply, const char *key_id, int64_t now, const aip_secret_key *key,
                 text_buffer *input, text_buffer *signature, aip_error *err)
{
    static const char *const optional[] = {"content-type", "content-digest", "x-aip-decision-id", NULL};
    TEXT_AUTO text_buffer parameters = {0};
    text_append_string(&parameters, "(\"@status\"");
    append_present(&parameters, reply, optional);
    if (reply->request != NULL && has_field(reply->request, "signature")) {
        text_append_string(&parameters, " \"signature\";req");
    }
    text_append_format(&parameters, ");created=%lld;keyid=\"", (long long)now);
    text_append_string(&parameters, key_id);
    text_append_string(&parameters, "\";tag=\"" PROOF_TAG_REPLY "\"");
    return sign(reply, &parameters, key, input, signature, err);
}
