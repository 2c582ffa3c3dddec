/* aip-did: makes identities and resolves them. */
#include <stdio.h>
#include <stdlib.h>

#include "aip/did.h"
#include "aip/keyfile.h"
#include "aip/limits.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/options.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/document.h"

#define PROGRAM "aip-did"
#define DEFAULT_KEY_FILE "aip-key.json"

static aip_status
save_new_key(const char *path, const char *passphrase_file, char did[AIP_DID_TEXT_SIZE], aip_error *err)
{
    char *passphrase = NULL;
    aip_secret_key *key = NULL;
    if (passphrase_file != NULL) {
        AIP_TRY(options_load_secret_line(passphrase_file, &passphrase, err));
    }
    aip_status status = aip_secret_key_generate(&key, err);
    if (status == AIP_OK) {
        status = aip_keyfile_save(path, key, passphrase, err);
    }
    if (status == AIP_OK) {
        aip_did_of_key(aip_secret_key_public(key), did);
    }
    aip_secret_key_free(&key);
    if (passphrase != NULL) {
        hash_wipe(passphrase, strlen(passphrase));
        free(passphrase);
    }
    return status;
}

static aip_status
print_created(bool json, const char *did, const char *path, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    if (!json) {
        text_append_string(&text, did);
        return options_print(&text, err);
    }
    text_append_format(&text, "{\"did\":\"%s\",\"key_file\":", did);
    text_append_json(&text, aip_bytes_of(path));
    text_append_string(&text, "}");
    return options_print(&text, err);
}

static int
run_create(int argc, char **argv)
{
    const char *path = DEFAULT_KEY_FILE, *passphrase_file = NULL;
    bool json = false;
    char did[AIP_DID_TEXT_SIZE];
    const option table[] = {
        {"--out", OPTION_TEXT, &path, "FILE", "new key file, mode 0600, never overwritten (" DEFAULT_KEY_FILE ")"},
        {"--passphrase-file", OPTION_TEXT, &passphrase_file, "FILE", "seal the key under this file's first line"},
        {"--json", OPTION_FLAG, &json, NULL, "print one JSON object"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, PROGRAM " create [options]", argc, argv, NULL, 0, NULL, &err);
    if (status == AIP_OK) {
        status = save_new_key(path, passphrase_file, did, &err);
    }
    if (status == AIP_OK) {
        status = print_created(json, did, path, &err);
    }
    return status == AIP_OK ? 0 : options_report_failure(PROGRAM, json, status, &err);
}

/* Prints the document of a good resolution result, indented. */
static aip_status
print_document(aip_bytes result, aip_error *err)
{
    JSON_AUTO json_t *value = NULL;
    AIP_TRY(json_load_strict(result, AIP_DOCUMENT_BYTES_MAX, &value, err));
    STRING_AUTO char *pretty = json_dumps(json_object_get(value, "didDocument"), JSON_INDENT(2));
    TEXT_AUTO text_buffer text = {0};
    if (pretty == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    text_append_string(&text, pretty);
    return options_print(&text, err);
}

/* Resolves and prints; with `json` a refusal is a result as well, and its status only sets the exit code. */
static aip_status
resolve_and_print(const char *did, const char *public_key, bool json, bool *printed, aip_error *err)
{
    unsigned char bytes[AIP_KEY_BYTES];
    aip_public_key key;
    TEXT_AUTO text_buffer result = {0};
    if (public_key != NULL) {
        AIP_TRY(multibase_decode_key(aip_bytes_of(public_key), bytes, err));
        AIP_TRY(aip_public_key_accept(bytes, &key, err));
    }
    aip_status status = did_resolution_write(aip_bytes_of(did), public_key == NULL ? NULL : &key, &result, err);
    if (json && status != AIP_NO_MEMORY) {
        AIP_TRY(options_print(&result, err));
        *printed = true;
        return status;
    }
    return status == AIP_OK ? print_document(text_view(&result), err) : status;
}

static int
run_resolve(int argc, char **argv)
{
    const char *did = NULL, *public_key = NULL;
    bool json = false, offline = false, printed = false;
    size_t count = 0;
    const option table[] = {
        {"--public-key", OPTION_TEXT, &public_key, "KEY", "z6Mk… text of the key that a hash form names"},
        {"--offline", OPTION_FLAG, &offline, NULL, "never use the network"},
        {"--json", OPTION_FLAG, &json, NULL, "print the DID Resolution result as one line"},
        {NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = options_parse(table, PROGRAM " resolve DID [options]", argc, argv, &did, 1, &count, &err);
    if (status == AIP_OK && count == 0) {
        status = aip_fail(&err, AIP_USAGE, "name the DID to resolve");
    }
    if (status == AIP_OK) {
        status = resolve_and_print(did, public_key, json, &printed, &err);
    }
    if (status == AIP_OK || printed) {
        return aip_status_exit_code(status);
    }
    return options_report_failure(PROGRAM, json, status, &err);
}

int
main(int argc, char **argv)
{
    static const command commands[] = {
        {"create", "new identity: writes a key file, prints the DID", run_create},
        {"resolve", "prints the document of a DID", run_resolve},
        {NULL, NULL, NULL},
    };
    aip_error err = AIP_ERROR_INIT;
    aip_status status = crypto_start(&err);
    if (status != AIP_OK) {
        return options_report_failure(PROGRAM, false, status, &err);
    }
    return options_run_command(PROGRAM, "identities", commands, argc, argv);
}
