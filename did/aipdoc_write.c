/* Writes and signs identity documents of aip:web and aip:key names. */
#include "base/clock.h"
#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "did/aipdoc.h"
#include "did/keyring.h"

static void
append_time(text_buffer *out, const char *name, int64_t seconds)
{
    char text[21];
    clock_format_utc(seconds, text);
    text_append_format(out, ",\"%s\":\"%s\"", name, text);
}

/* All members but the signature. The key is spelled raw, which is what the peer's programs can read. */
static void
append_members(const aip_secret_key *key, const aipdoc_statement *statement, text_buffer *out)
{
    char raw[48];
    multibase_encode_raw_key(aip_secret_key_public(key)->bytes, raw);
    text_append_format(out, "{\"aip\":\"1.0\",\"id\":\"%s\"", statement->name);
    if (statement->label != NULL) {
        text_append_string(out, ",\"name\":");
        text_append_json(out, aip_bytes_of(statement->label));
    }
    text_append_format(out, ",\"public_keys\":[{\"id\":\"key-1\",\"type\":\"Ed25519\",\"public_key_multibase\":\"%s\"",
                       raw);
    append_time(out, "valid_from", statement->valid_from);
    append_time(out, "valid_until", statement->valid_until);
    text_append_string(out, "}]");
    append_time(out, "expires", statement->expires);
}

aip_status
aipdoc_write(const aip_secret_key *key, const aipdoc_statement *statement, char **out, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0}, whole = {0};
    STRING_AUTO char *canonical = NULL;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char encoded[BASE64URL_TEXT_SIZE(AIP_SIGNATURE_BYTES) + 1];
    size_t size;
    aip_did did;
    AIP_TRY(aip_did_parse(aip_bytes_of(statement->name), &did, err));
    if ((did.form != AIP_NAME_WEB && did.form != AIP_NAME_KEY) ||
        did_check_key(&did, aip_secret_key_public(key), NULL) != AIP_OK) {
        return aip_fail(err, AIP_DID_INVALID,
                        "only aip:web names, and the key's own aip:key name, have such a document");
    }
    append_members(key, statement, &text);
    text_append(&whole, text_view(&text));
    text_append_string(&text, "}");
    AIP_TRY(text_finish(&text, err));
    AIP_TRY(json_canonical(text_view(&text), &canonical, &size, err));
    aip_sign(key, (aip_bytes){(unsigned char *)canonical, size}, signature);
    base64url_encode((aip_bytes){signature, sizeof signature}, encoded);
    text_append_format(&whole, ",\"document_signature\":\"%s\"}", encoded);
    AIP_TRY(text_finish(&whole, err));
    *out = whole.data;
    whole = (text_buffer){0};
    return AIP_OK;
}
