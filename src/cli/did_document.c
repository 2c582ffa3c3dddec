/* aip-did document: writes what an identity publishes, its DID document, a host's, or one of an aip:web name. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/did_verbs.h"
#include "cli/keys.h"
#include "cli/options.h"
#include "did/aipdoc.h"
#include "did/document.h"
#include "did/log.h"

#define DEFAULT_LIFE "30d"
#define RESULT_BYTES_MAX ((size_t)4 * AIP_DOCUMENT_BYTES_MAX)

typedef struct {
    const char *did, *key, *passphrase_file, *log, *type;
    const char *web_host, *gateway_url;
    const char *aip_web, *expires_in, *label;
    bool json;
} document_options;

/* What is known of an identity: by its log, or by the name alone. */
static aip_status
load_identity(const document_options *o, const char *name, uint32_t key_number, identity **out, aip_error *err)
{
    STRING_AUTO char *text = NULL;
    LOG_AUTO did_log *log = NULL;
    aip_did did;
    size_t size;
    if (o->log == NULL) {
        if (key_number > 1) {
            return aip_fail(err, AIP_USAGE, "this key came by a rotation: give the identity's key log by --log");
        }
        AIP_TRY(aip_did_parse(aip_bytes_of(name), &did, err));
        return identity_of_name(&did, NULL, out, err);
    }
    AIP_TRY(text_load_file(o->log, AIP_DOCUMENT_BYTES_MAX, &text, &size, err));
    AIP_TRY(did_log_verify((aip_bytes){(unsigned char *)text, size}, clock_now_seconds(), &log, err));
    if (strcmp(log->did, name) != 0) {
        return aip_fail(err, AIP_USAGE, "the key log is of another identity");
    }
    return did_log_identity(log, out, err);
}

static aip_status
find_identity(const document_options *o, identity **out, aip_error *err)
{
    aip_secret_key *key = NULL;
    aip_key_owner owner;
    if ((o->did == NULL) == (o->key == NULL)) {
        return aip_fail(err, AIP_USAGE, "name either a DID or a key file by --key");
    }
    if (o->did != NULL) {
        return load_identity(o, o->did, 0, out, err);
    }
    AIP_TRY(keys_load(o->key, o->passphrase_file, &owner, &key, err));
    aip_secret_key_free(&key);
    return load_identity(o, owner.did, owner.number, out, err);
}

static aip_status
read_type(const char *text, did_method_type *out, aip_error *err)
{
    *out = DID_TYPE_MULTIKEY;
    if (text == NULL || strcmp(text, "Multikey") == 0) {
        return AIP_OK;
    }
    *out = DID_TYPE_ED25519_2020;
    return strcmp(text, "Ed25519VerificationKey2020") == 0
               ? AIP_OK
               : aip_fail(err, AIP_USAGE, "--type is Multikey or Ed25519VerificationKey2020");
}

/* `host[:port]` as a did:web name, in which the colon is escaped. */
static aip_status
name_host(const char *host, text_buffer *name, aip_error *err)
{
    const char *colon = strchr(host, ':');
    size_t size = colon == NULL ? strlen(host) : (size_t)(colon - host);
    aip_did did;
    text_append_string(name, "did:web:");
    text_append(name, (aip_bytes){(const unsigned char *)host, size});
    text_append_string(name, colon == NULL ? "" : "%3A");
    text_append_string(name, colon == NULL ? "" : colon + 1);
    AIP_TRY(text_finish(name, err));
    return aip_did_parse(text_view(name), &did, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_USAGE, "--web-host is a public host name, perhaps with a port");
}

static aip_status
check_gateway_url(const char *url, aip_error *err)
{
    bool good = strncmp(url, "https://", 8) == 0 && url[8] != '\0';
    for (const char *at = url; good && *at != '\0'; at++) {
        good = *at > ' ' && *at < 0x7f && strchr("\"<>\\^`{|}", *at) == NULL;
    }
    return good ? AIP_OK : aip_fail(err, AIP_USAGE, "--gateway-url is an https URL");
}

/* The same keys under a host's name. */
static aip_status
rename_identity(const identity *id, aip_bytes name, identity **out, aip_error *err)
{
    aip_public_key current;
    AIP_TRY(identity_current_key(id, DID_USE_ANY, clock_now_seconds(), &current, err));
    AIP_TRY(identity_new(name, 1, out, err));
    for (size_t i = 0; i < id->key_count; i++) {
        if (memcmp(id->keys[i].key.bytes, current.bytes, AIP_KEY_BYTES) == 0) {
            (*out)->keys[0] = id->keys[i];
        }
    }
    (*out)->keys[0].from = INT64_MIN;
    return AIP_OK;
}

/* A host's document, which says whose it is and where to find the gateway and the log. */
static aip_status
write_web(const document_options *o, const identity *id, did_document_options *shape, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer name = {0}, log_url = {0};
    IDENTITY_AUTO identity *web = NULL;
    aip_bytes method = AIP_BYTES_LITERAL("did:aip:");
    if (o->gateway_url == NULL || !aip_bytes_begin_with(aip_bytes_of(id->name), method)) {
        return aip_fail(err, AIP_USAGE, "--web-host needs --gateway-url, and a did:aip identity");
    }
    AIP_TRY(check_gateway_url(o->gateway_url, err));
    AIP_TRY(name_host(o->web_host, &name, err));
    AIP_TRY(rename_identity(id, text_view(&name), &web, err));
    text_append_format(&log_url, "https://%s/.well-known/aip/did/%s.jsonl", o->web_host, id->name + method.size);
    AIP_TRY(text_finish(&log_url, err));
    shape->also_known_as = id->name;
    shape->gateway_url = o->gateway_url;
    shape->log_url = id->has_log ? log_url.data : NULL;
    return did_document_write_identity(web, clock_now_seconds(), shape, out, err);
}

static aip_status
write_did_document(const document_options *o, text_buffer *out, aip_error *err)
{
    IDENTITY_AUTO identity *id = NULL;
    did_document_options shape = {.type = DID_TYPE_MULTIKEY};
    if (o->label != NULL || o->expires_in != NULL || (o->web_host == NULL && o->gateway_url != NULL)) {
        return aip_fail(err, AIP_USAGE,
                        "--expires-in and --label go with --aip-web, and --gateway-url with --web-host");
    }
    AIP_TRY(read_type(o->type, &shape.type, err));
    AIP_TRY(find_identity(o, &id, err));
    if (o->web_host != NULL) {
        return write_web(o, id, &shape, out, err);
    }
    return did_document_write_identity(id, clock_now_seconds(), &shape, out, err);
}

static aip_status
write_aip_document(const document_options *o, text_buffer *out, aip_error *err)
{
    aipdoc_statement statement = {.name = o->aip_web, .label = o->label, .valid_from = clock_now_seconds()};
    STRING_AUTO char *text = NULL;
    aip_secret_key *key = NULL;
    aip_key_owner owner;
    int64_t life;
    if (o->key == NULL || o->did != NULL || o->log != NULL || o->type != NULL || o->web_host != NULL ||
        o->gateway_url != NULL) {
        return aip_fail(err, AIP_USAGE, "--aip-web goes with --key, --expires-in and --label alone");
    }
    AIP_TRY(options_parse_duration(o->expires_in == NULL ? DEFAULT_LIFE : o->expires_in, &life, err));
    statement.valid_until = statement.expires = statement.valid_from + life;
    AIP_TRY(keys_load(o->key, o->passphrase_file, &owner, &key, err));
    aip_status status = aipdoc_write(key, &statement, &text, err);
    aip_secret_key_free(&key);
    AIP_TRY(status);
    text_append_string(out, text);
    return text_finish(out, err);
}

/* Indented for people, who may publish it as it is: no signature depends on white space. */
static aip_status
print_document(aip_bytes document, bool json, aip_error *err)
{
    JSON_AUTO json_t *value = NULL;
    TEXT_AUTO text_buffer text = {0};
    AIP_TRY(json_load_strict(document, RESULT_BYTES_MAX, &value, err));
    STRING_AUTO char *shown = json_dumps(value, json ? JSON_COMPACT : JSON_INDENT(2));
    if (shown == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    text_append_string(&text, shown);
    return options_print(&text, err);
}

static aip_status
write_and_print(const document_options *o, aip_error *err)
{
    TEXT_AUTO text_buffer document = {0};
    AIP_TRY(o->aip_web != NULL ? write_aip_document(o, &document, err) : write_did_document(o, &document, err));
    return print_document(text_view(&document), o->json, err);
}

int
did_run_document(int argc, char **argv)
{
    document_options o = {.json = false};
    size_t count = 0;
    const option table[] = {
        {"--key", OPTION_TEXT, &o.key, "FILE", "key file of the identity, instead of its DID"},
        {"--passphrase-file", OPTION_TEXT, &o.passphrase_file, "FILE", "the key file is sealed under its first line"},
        {"--log", OPTION_TEXT, &o.log, "FILE", "key log of the identity"},
        {"--type", OPTION_TEXT, &o.type, "TYPE", "Multikey (default) or Ed25519VerificationKey2020"},
        {"--web-host", OPTION_TEXT, &o.web_host, "HOST", "write the document of did:web:HOST with this identity's key"},
        {"--gateway-url", OPTION_TEXT, &o.gateway_url, "URL", "where that host's gateway is"},
        {"--aip-web", OPTION_TEXT, &o.aip_web, "NAME", "write a signed identity document of this aip:web name"},
        {"--expires-in", OPTION_TEXT, &o.expires_in, "TIME", "how long that one is valid (" DEFAULT_LIFE ")"},
        {"--label", OPTION_TEXT, &o.label, "TEXT", "a name for people in it"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print one line"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, DID_PROGRAM " document (DID | --key FILE) [options]", argc, argv, &o.did, 1, &count, &err);
    if (status == AIP_OK) {
        status = write_and_print(&o, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(DID_PROGRAM, o.json, status, &err);
}
