/* Builds signature bases, verifies and signs messages. */
#include "proof/signature.h"

#include <strings.h>

#include "crypto/base64url.h"

static bool
is_named(const http_field *field, aip_bytes name)
{
    return field->name.size == name.size &&
           strncasecmp((const char *)field->name.data, (const char *)name.data, name.size) == 0;
}

/* Reads the member `label` out of all lines of one field; every member is read, so that none is malformed or twice.
 * Members are large, so it is read where it belongs, and only what comes after it elsewhere. */
static aip_status
find_member(const http_message *message, aip_bytes field, aip_bytes label, field_member *out, bool *found,
            aip_error *err)
{
    field_member later;
    *found = false;
    for (size_t i = 0; i < message->field_count; i++) {
        aip_bytes rest = message->fields[i].value;
        while (is_named(&message->fields[i], field) && rest.size > 0) {
            field_member *member = *found ? &later : out;
            AIP_TRY(field_next_member(&rest, member, err));
            bool wanted = aip_bytes_equal(member->name, label);
            if (wanted && *found) {
                return aip_fail(err, AIP_PROOF_REPEATED, NULL);
            }
            *found = *found || wanted;
        }
    }
    return AIP_OK;
}

aip_status
http_signature_find(const http_message *message, aip_bytes label, http_signature *out, aip_error *err)
{
    field_member value;
    bool has_input, has_value;
    size_t size = 0;
    AIP_TRY(find_member(message, AIP_BYTES_LITERAL("Signature-Input"), label, &out->input, &has_input, err));
    AIP_TRY(find_member(message, AIP_BYTES_LITERAL("Signature"), label, &value, &has_value, err));
    if (!has_input || !has_value) {
        return aip_fail(err, AIP_PROOF_MISSING, NULL);
    }
    if (out->input.value.item.kind != FIELD_LIST) {
        return aip_fail(err, AIP_PROOF_MALFORMED, "Signature-Input holds a list of components");
    }
    AIP_TRY(field_decode_bytes(&value.value.item, out->bytes, sizeof out->bytes, &size, err));
    return size == sizeof out->bytes ? AIP_OK : aip_fail(err, AIP_PROOF_MALFORMED, "a signature has 64 bytes");
}

bool
http_signature_covers(const http_signature *signature, const char *component)
{
    for (size_t i = 0; i < signature->input.item_count; i++) {
        const field_value *item = &signature->input.items[i];
        if (item->parameter_count == 0 && aip_bytes_equal(item->item.text, aip_bytes_of(component))) {
            return true;
        }
    }
    return false;
}

/* ---- the signature base ---- */

static aip_status
refuse_component(const field_value *component, aip_error *err)
{
    char name[64];
    return aip_fail(err, AIP_PROOF_COMPONENT, "%s", aip_printable(component->item.text, name, sizeof name));
}

static void
append_lower(text_buffer *out, aip_bytes text)
{
    text_append(out, text);
    for (size_t i = out->failed ? out->size : out->size - text.size; i < out->size; i++) {
        char c = out->data[i];
        out->data[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
}

static void
append_authority(text_buffer *out, const http_message *m)
{
    aip_bytes authority = m->authority, port = AIP_BYTES_LITERAL(":443");
    if (aip_bytes_equal(m->scheme, AIP_BYTES_LITERAL("http"))) {
        port = AIP_BYTES_LITERAL(":80");
    }
    if (authority.size > port.size && memcmp(authority.data + authority.size - port.size, port.data, port.size) == 0) {
        authority.size -= port.size;
    }
    append_lower(out, authority);
}

static void
append_path(text_buffer *out, const http_message *m)
{
    text_append(out, m->path.size == 0 ? AIP_BYTES_LITERAL("/") : m->path);
}

static void
append_method(text_buffer *out, const http_message *m)
{
    text_append(out, m->method);
}

static void
append_scheme(text_buffer *out, const http_message *m)
{
    append_lower(out, m->scheme);
}

static void
append_query(text_buffer *out, const http_message *m)
{
    text_append_string(out, "?");
    text_append(out, m->query);
}

static void
append_request_target(text_buffer *out, const http_message *m)
{
    append_path(out, m);
    if (m->query.size > 0) {
        append_query(out, m);
    }
}

static void
append_target_uri(text_buffer *out, const http_message *m)
{
    append_scheme(out, m);
    text_append_string(out, "://");
    append_authority(out, m);
    append_request_target(out, m);
}

static void
append_status(text_buffer *out, const http_message *m)
{
    text_append_format(out, "%03d", m->status);
}

/* RFC 9421 section 2.2. */
static const struct {
    const char *name;
    bool of_request;
    void (*append)(text_buffer *out, const http_message *m);
} derived[] = {
    {"@method", true, append_method},         {"@authority", true, append_authority},
    {"@scheme", true, append_scheme},         {"@path", true, append_path},
    {"@query", true, append_query},           {"@request-target", true, append_request_target},
    {"@target-uri", true, append_target_uri}, {"@status", false, append_status},
};

static aip_status
append_derived(text_buffer *out, const http_message *m, const field_value *component, aip_error *err)
{
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        if (aip_bytes_equal(component->item.text, aip_bytes_of(derived[i].name)) &&
            derived[i].of_request == (m->method.size > 0)) {
            derived[i].append(out, m);
            return AIP_OK;
        }
    }
    return refuse_component(component, err);
}

static aip_bytes
trim(aip_bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = aip_bytes_from(text, 1);
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* All lines of the field, trimmed, in order (section 2.1). */
static aip_status
append_field(text_buffer *out, const http_message *m, const field_value *component, aip_error *err)
{
    bool found = false;
    for (size_t i = 0; i < m->field_count; i++) {
        if (is_named(&m->fields[i], component->item.text)) {
            text_append_string(out, found ? ", " : "");
            text_append(out, trim(m->fields[i].value));
            found = true;
        }
    }
    return found ? AIP_OK : refuse_component(component, err);
}

/* A component of the message or, with `req`, of the request that it answers. Field names are in lower case. */
static aip_status
append_component(text_buffer *out, const http_message *message, const field_value *component, aip_error *err)
{
    const field_item *of_request = field_parameter_of(component, "req");
    bool plain = component->parameter_count == (of_request == NULL ? 0 : 1);
    const http_message *m = of_request == NULL ? message : message->request;
    aip_bytes name = component->item.text;
    if (component->item.kind != FIELD_STRING || !plain || m == NULL || name.size == 0) {
        return refuse_component(component, err);
    }
    for (size_t i = 0; i < name.size; i++) {
        if ((name.data[i] >= 'A' && name.data[i] <= 'Z') || name.data[i] == '\\') {
            return refuse_component(component, err);
        }
    }
    text_append(out, component->text);
    text_append_string(out, ": ");
    AIP_TRY(name.data[0] == '@' ? append_derived(out, m, component, err) : append_field(out, m, component, err));
    text_append_string(out, "\n");
    return AIP_OK;
}

aip_status
http_signature_base(const http_message *message, const field_member *input, text_buffer *out, aip_error *err)
{
    for (size_t i = 0; i < input->item_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (aip_bytes_equal(input->items[i].text, input->items[k].text)) {
                return refuse_component(&input->items[i], err);
            }
        }
        AIP_TRY(append_component(out, message, &input->items[i], err));
    }
    text_append_string(out, "\"@signature-params\": ");
    text_append(out, input->value.text);
    return text_finish(out, err);
}

aip_status
http_signature_verify(const http_message *message, const http_signature *signature, const aip_public_key *key,
                      aip_error *err)
{
    TEXT_AUTO text_buffer base = {0};
    const field_item *algorithm = field_parameter_of(&signature->input.value, "alg");
    if (algorithm != NULL &&
        (algorithm->kind != FIELD_STRING || !aip_bytes_equal(algorithm->text, AIP_BYTES_LITERAL("ed25519")))) {
        return aip_fail(err, AIP_PROOF_SIGNATURE, "the algorithm is not ed25519");
    }
    AIP_TRY(http_signature_base(message, &signature->input, &base, err));
    return aip_verify(key, text_view(&base), signature->bytes, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_PROOF_SIGNATURE, NULL);
}

aip_status
http_signature_sign(const http_message *message, const http_signature_plan *plan, const aip_secret_key *key,
                    text_buffer *input, text_buffer *signature, aip_error *err)
{
    TEXT_AUTO text_buffer base = {0}, line = {0};
    unsigned char bytes[AIP_SIGNATURE_BYTES];
    char encoded[BASE64_TEXT_SIZE(sizeof bytes) + 1];
    field_member member;
    text_append_string(&line, plan->label);
    text_append_string(&line, "=");
    text_append_string(&line, plan->parameters);
    AIP_TRY(text_finish(&line, err));
    aip_bytes rest = text_view(&line);
    AIP_TRY(field_next_member(&rest, &member, err));
    if (rest.size > 0 || member.value.item.kind != FIELD_LIST) {
        return aip_fail(err, AIP_PROOF_MALFORMED, "one list of components is needed");
    }
    AIP_TRY(http_signature_base(message, &member, &base, err));
    aip_sign(key, text_view(&base), bytes);
    base64_encode((aip_bytes){bytes, sizeof bytes}, encoded);
    text_append(input, text_view(&line));
    text_append_string(signature, plan->label);
    text_append_string(signature, "=:");
    text_append_string(signature, encoded);
    text_append_string(signature, ":");
    AIP_TRY(text_finish(input, err));
    return text_finish(signature, err);
}
