/* aip-did resolve and readmit: what is known of an identifier, and the operator's word on a key that left. */
#include "base/clock.h"
#include "base/json.h"
#include "cli/did_verbs.h"
#include "cli/lookup.h"
#include "cli/options.h"
#include "crypto/multibase.h"
#include "did/document.h"
#include "did/keyring.h"
#include "store/identities.h"

#define RESULT_BYTES_MAX ((size_t)4 * AIP_DOCUMENT_BYTES_MAX) /* a document of 256 keys, as we write it */

typedef struct {
    const char *public_key;
    lookup_options lookup;
    bool json, offline;
} resolve_options;

/* The key that the caller knows; it must be the name's where the name can tell. */
static aip_status
read_public_key(const resolve_options *o, const aip_did *did, aip_public_key *out, aip_error *err)
{
    unsigned char bytes[AIP_KEY_BYTES];
    AIP_TRY(multibase_decode_key(aip_bytes_of(o->public_key), bytes, err));
    AIP_TRY(aip_public_key_accept(bytes, out, err));
    return did_check_key(did, out, err);
}

static bool
needs_document(const aip_did *did)
{
    return did->form == AIP_DID_WEB || did->form == AIP_NAME_WEB;
}

/* Resolves; `out` holds a DID Resolution result afterwards. */
static aip_status
resolve(const resolve_options *o, const did_url *q, const aip_did *did, lookup_answer *answer, aip_error *err)
{
    LOOKUP_AUTO lookup *l = NULL;
    aip_public_key key;
    const lookup_manner manner = {
        .program = DID_PROGRAM,
        .fetches = !o->offline,
        .remembers = !o->offline && (needs_document(did) || o->lookup.sources.count > 0),
        .wants_document = true,
    };
    if (o->public_key != NULL) {
        AIP_TRY(read_public_key(o, did, &key, err));
    }
    AIP_TRY(lookup_open(&o->lookup, &manner, &l, err));
    return lookup_resolve(l, q->did, o->public_key == NULL ? NULL : &key, answer, err);
}

/* The DID Resolution result, of a refusal as well; only what lies outside of resolving leaves it empty. */
static aip_status
write_result(const resolve_options *o, const char *text, did_url *q, text_buffer *out, aip_error *err)
{
    LOOKUP_ANSWER_AUTO lookup_answer answer = {.id = NULL};
    aip_did did = {.form = AIP_DID_SELF};
    aip_status status = did_url_split(aip_bytes_of(text), q, err);
    if (status == AIP_OK) {
        status = aip_did_parse(q->did, &did, err);
    }
    bool readable = status == AIP_OK;
    if (readable) {
        status = resolve(o, q, &did, &answer, err);
    }
    if (status == AIP_OK) {
        status = did_resolution_write_identity(answer.id, text_view(&answer.document), q->version, clock_now_seconds(),
                                               out, err);
    }
    aip_class class = aip_status_lookup(status)->class;
    if (status != AIP_OK && class != AIP_CLASS_USAGE && status != AIP_NO_MEMORY && status != AIP_IO) {
        text_clear(out);
        did_resolution_write_error(err, readable && needs_document(&did), out);
    }
    return status != AIP_OK || !answer.id->deactivated ? status : aip_fail(err, AIP_DID_DEACTIVATED, NULL);
}

static aip_status
print_value(const json_t *value, bool json, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    STRING_AUTO char *shown = json_dumps(value, json ? JSON_COMPACT : JSON_INDENT(2));
    if (shown == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    text_append_string(&text, shown);
    return options_print(&text, err);
}

/* Is it the method that the fragment names: by its id, or by the key itself? */
static bool
is_method(const json_t *method, const did_url *q)
{
    aip_bytes id = aip_bytes_of(json_string_value(json_object_get(method, "id")));
    aip_bytes key = aip_bytes_of(json_string_value(json_object_get(method, "publicKeyMultibase")));
    if (aip_bytes_begin_with(id, q->did)) {
        id = aip_bytes_from(id, q->did.size);
    }
    bool by_id = id.size > 0 && id.data[0] == '#' && aip_bytes_equal(aip_bytes_from(id, 1), q->fragment);
    return by_id || (key.size > 0 && aip_bytes_equal(key, q->fragment));
}

static aip_status
print_method(const json_t *document, const did_url *q, bool json, aip_error *err)
{
    const json_t *methods = json_object_get(document, "verificationMethod"), *method;
    size_t i;
    json_array_foreach((json_t *)methods, i, method)
    {
        if (is_method(method, q)) {
            return print_value(method, json, err);
        }
    }
    return aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
}

/* Of a good result its document, or the method in it that the fragment names. */
static aip_status
print_part(aip_bytes result, const did_url *q, bool json, aip_error *err)
{
    JSON_AUTO json_t *value = NULL;
    AIP_TRY(json_load_strict(result, RESULT_BYTES_MAX, &value, err));
    const json_t *document = json_object_get(value, "didDocument");
    return q->fragment.size > 0 ? print_method(document, q, json, err) : print_value(document, json, err);
}

/* With `json` the whole result is one line, also of a refusal, which sets the exit code only: *printed. */
static aip_status
resolve_and_print(const resolve_options *o, const char *text, bool *printed, aip_error *err)
{
    TEXT_AUTO text_buffer result = {0};
    did_url q;
    aip_error print_error = AIP_ERROR_INIT;
    aip_status status = write_result(o, text, &q, &result, err);
    bool whole = o->json ? status != AIP_OK || q.fragment.size == 0 : status == AIP_DID_DEACTIVATED;
    if (text_view(&result).size == 0) {
        return status;
    }
    if (!whole) {
        return status != AIP_OK ? status : print_part(text_view(&result), &q, o->json, err);
    }
    aip_status print_status = options_print(&result, &print_error);
    if (print_status != AIP_OK) {
        *err = print_error;
        return print_status;
    }
    *printed = o->json;
    return status;
}

int
did_run_resolve(int argc, char **argv)
{
    resolve_options o = {.json = false};
    const char *text = NULL;
    bool printed = false;
    size_t count = 0;
    const option table[] = {
        {"--public-key", OPTION_TEXT, &o.public_key, "KEY", "z6Mk... text of the key that a hash form names"},
        {"--offline", OPTION_FLAG, &o.offline, NULL, "never use the network"},
        {"--json", OPTION_FLAG, &o.json, NULL, "print the DID Resolution result as one line"},
        LOOKUP_ROWS(o.lookup),
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, DID_PROGRAM " resolve DID[?versionId=N][#KEY] [options]", argc, argv,
                                      &text, 1, &count, &err);
    if (status == AIP_OK && count == 0) {
        status = aip_fail(&err, AIP_USAGE, "name the DID to resolve");
    }
    if (status == AIP_OK) {
        status = resolve_and_print(&o, text, &printed, &err);
    }
    options_release(table);
    if (status == AIP_OK || printed) {
        return aip_status_exit_code(status);
    }
    return options_report_failure(DID_PROGRAM, o.json, status, &err);
}

static aip_status
readmit(const char *name, const char *key_text, const char *cache_path, aip_error *err)
{
    unsigned char bytes[AIP_KEY_BYTES];
    char path[4096];
    aip_public_key key;
    aip_did did;
    store *database = NULL;
    did_cache cache;
    AIP_TRY(aip_did_parse(aip_bytes_of(name), &did, err));
    AIP_TRY(multibase_decode_key(aip_bytes_of(key_text), bytes, err));
    AIP_TRY(aip_public_key_accept(bytes, &key, err));
    if (!lookup_cache_path(cache_path, path, sizeof path)) {
        return aip_fail(err, AIP_USAGE, "name the database by --cache");
    }
    AIP_TRY(store_open(path, &database, err));
    aip_status status = store_identities(database, &cache, err);
    if (status == AIP_OK) {
        status = cache.readmit_key(cache.context, did.text, &key, err);
    }
    store_close(&database);
    return status;
}

int
did_run_readmit(int argc, char **argv)
{
    const char *arguments[2] = {NULL, NULL}, *cache_path = NULL;
    bool json = false;
    size_t count = 0;
    const option table[] = {
        {"--cache", OPTION_TEXT, &cache_path, "DB", "where the key's leaving is remembered"},
        {"--json", OPTION_FLAG, &json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    TEXT_AUTO text_buffer text = {0};
    aip_error err = AIP_ERROR_INIT;
    aip_status status =
        options_parse(table, DID_PROGRAM " readmit DID KEY --cache DB", argc, argv, arguments, 2, &count, &err);
    if (status == AIP_OK && (count < 2 || cache_path == NULL)) {
        status = aip_fail(&err, AIP_USAGE, "DID, KEY and --cache are needed");
    }
    if (status == AIP_OK) {
        status = readmit(arguments[0], arguments[1], cache_path, &err);
    }
    if (status == AIP_OK) {
        text_append_string(&text, json ? "{\"readmitted\":true}" : "readmitted");
        status = options_print(&text, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(DID_PROGRAM, json, status, &err);
}
