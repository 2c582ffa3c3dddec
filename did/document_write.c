/* Writes DID documents: the only place that knows their shape. */
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "did/document.h"
#include "did/document_inside.h"
#include "did/keyring.h"

typedef struct {
    const identity *id;
    const document_moment *moment;
    const did_document_options *options;
    text_buffer *out;
} writer;

static const struct {
    const char *name, *context;
} method_types[] = {
    [DID_TYPE_MULTIKEY] = {"Multikey", "https://w3id.org/security/multikey/v1"},
    [DID_TYPE_ED25519_2020] = {"Ed25519VerificationKey2020", "https://w3id.org/security/suites/ed25519-2020/v1"},
};

/* A version of a log has one key, whatever the clock says. */
static bool
is_shown(const writer *w, const identity_key *key)
{
    if (key->compromised) {
        return false;
    }
    return w->id->has_log ? key == &w->id->keys[w->moment->version]
                          : key->from <= w->moment->now_seconds && w->moment->now_seconds < key->until;
}

/* A DID URL of the document, quoted. */
static void
append_url(const writer *w, const char *fragment)
{
    TEXT_AUTO text_buffer url = {0};
    text_append_format(&url, "%s#%s", w->id->name, fragment);
    text_append_json(w->out, text_view(&url));
    w->out->failed = w->out->failed || url.failed;
}

static void
append_alias(const writer *w, const char **before, const char *prefix, const char *rest)
{
    TEXT_AUTO text_buffer name = {0};
    text_append_format(&name, "%s%s", prefix, rest);
    w->out->failed = w->out->failed || name.failed;
    if (strcmp(name.failed ? "" : name.data, w->id->name) == 0) {
        return;
    }
    text_append_string(w->out, *before);
    text_append_json(w->out, text_view(&name));
    *before = ",";
}

/* Names of the key belong to a name only while the key is the one that the name itself stands for. */
static bool
has_key_names(const writer *w)
{
    aip_did did;
    bool of_key =
        aip_did_parse(aip_bytes_of(w->id->name), &did, NULL) == AIP_OK &&
        (did.form == AIP_DID_SELF || did.form == AIP_DID_KEY || did.form == AIP_DID_HASH || did.form == AIP_DID_NSHASH);
    return of_key && w->moment->version == 0 && w->id->key_count > 0 && is_shown(w, &w->id->keys[0]);
}

static void
append_aliases(const writer *w)
{
    const char *before = ",\"alsoKnownAs\":[";
    if (has_key_names(w)) {
        char multikey[MULTIBASE_KEY_TEXT_SIZE + 1], hash_hex[33];
        unsigned char hash[16];
        multibase_encode_key(w->id->keys[0].key.bytes, multikey);
        did_key_hash(w->id->keys[0].key.bytes, hash);
        hex_encode((aip_bytes){hash, sizeof hash}, hash_hex);
        append_alias(w, &before, "did:key:", multikey);
        append_alias(w, &before, "did:aip:", multikey);
        append_alias(w, &before, "did:aip:", hash_hex);
    }
    if (w->options->also_known_as != NULL) {
        append_alias(w, &before, w->options->also_known_as, "");
    }
    text_append_string(w->out, before[1] == '\0' ? "]" : "");
}

static void
append_methods(const writer *w)
{
    const char *before = "";
    text_append_string(w->out, ",\"verificationMethod\":[");
    for (size_t i = 0; i < w->id->key_count; i++) {
        const identity_key *key = &w->id->keys[i];
        char multikey[MULTIBASE_KEY_TEXT_SIZE + 1];
        if (!is_shown(w, key)) {
            continue;
        }
        multibase_encode_key(key->key.bytes, multikey);
        text_append_format(w->out, "%s{\"id\":", before);
        append_url(w, key->fragment);
        text_append_format(w->out, ",\"type\":\"%s\",\"controller\":", method_types[w->options->type].name);
        text_append_json(w->out, aip_bytes_of(w->id->name));
        text_append_format(w->out, ",\"publicKeyMultibase\":\"%s\"}", multikey);
        before = ",";
    }
    text_append_string(w->out, "]");
}

static void
append_relationship(const writer *w, const char *name, did_use use)
{
    const char *before = "";
    text_append_format(w->out, ",\"%s\":[", name);
    for (size_t i = 0; i < w->id->key_count; i++) {
        if (is_shown(w, &w->id->keys[i]) && (w->id->keys[i].uses & IDENTITY_USE_BIT(use)) != 0) {
            text_append_string(w->out, before);
            append_url(w, w->id->keys[i].fragment);
            before = ",";
        }
    }
    text_append_string(w->out, "]");
}

static void
append_service(const writer *w, const char **before, const char *fragment, const char *type, const char *url)
{
    if (url == NULL) {
        return;
    }
    text_append_format(w->out, "%s{\"id\":", *before);
    append_url(w, fragment);
    text_append_format(w->out, ",\"type\":\"%s\",\"serviceEndpoint\":", type);
    text_append_json(w->out, aip_bytes_of(url));
    text_append_string(w->out, "}");
    *before = ",";
}

static void
append_services(const writer *w)
{
    const char *before = ",\"service\":[";
    append_service(w, &before, "gateway", "AIPGateway", w->options->gateway_url);
    append_service(w, &before, "log", "AIPKeyLog", w->options->log_url);
    text_append_string(w->out, before[1] == '\0' ? "]" : "");
}

aip_status
document_write_moment(const identity *id, const document_moment *moment, const did_document_options *options,
                      text_buffer *out, aip_error *err)
{
    static const did_document_options plain = {.type = DID_TYPE_MULTIKEY};
    const writer w = {id, moment, options == NULL ? &plain : options, out};
    if (id->deactivated) {
        return aip_fail(err, AIP_DID_DEACTIVATED, NULL);
    }
    if (id->has_log && moment->version >= id->key_count) {
        return aip_fail(err, AIP_INTERNAL, "a log has a key for each version");
    }
    text_append_format(
        out, "{\"@context\":[\"https://www.w3.org/ns/did/v1\",\"%s\"],\"id\":", method_types[w.options->type].context);
    text_append_json(out, aip_bytes_of(id->name));
    append_aliases(&w);
    append_methods(&w);
    append_relationship(&w, "authentication", DID_USE_AUTHENTICATION);
    append_relationship(&w, "assertionMethod", DID_USE_ASSERTION);
    append_relationship(&w, "capabilityInvocation", DID_USE_INVOCATION);
    append_relationship(&w, "capabilityDelegation", DID_USE_DELEGATION);
    append_services(&w);
    text_append_string(out, "}");
    return text_finish(out, err);
}

aip_status
did_document_write_identity(const identity *id, int64_t now_seconds, const did_document_options *options,
                            text_buffer *out, aip_error *err)
{
    const document_moment moment = {now_seconds, id->version};
    return document_write_moment(id, &moment, options, out, err);
}
