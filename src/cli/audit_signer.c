/* Whose signatures count for aip-audit: found offline, in a name, a key or a key log. */
#include <stdlib.h>

#include "base/clock.h"
#include "cli/audit_verbs.h"
#include "crypto/multibase.h"

static aip_status
find_by_name(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    (void)context;
    (void)signed_at;
    return aip_did_find_key(name, kid, out, err);
}

static aip_status
find_by_key(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    const audit_signer *signer = context;
    (void)name;
    (void)kid;
    (void)signed_at;
    (void)err;
    *out = signer->key;
    return AIP_OK;
}

static aip_status
find_by_log(void *context, const aip_did *name, aip_bytes kid, int64_t signed_at, aip_public_key *out, aip_error *err)
{
    const audit_signer *signer = context;
    const identity_query query = {.kid = kid, .use = DID_USE_ASSERTION, .time = signed_at};
    (void)name; /* compared with the issuer before */
    return identity_find_key(signer->id, &query, out, err);
}

static aip_status
load_did(const char *text, audit_signer *out, aip_error *err)
{
    aip_did did;
    AIP_TRY(aip_did_parse(aip_bytes_of(text), &did, err));
    AIP_TRY(aip_did_key(&did, &out->key, err));
    out->issuer = text;
    out->source.find = find_by_name;
    return AIP_OK;
}

static aip_status
load_key(const char *text, audit_signer *out, aip_error *err)
{
    unsigned char bytes[AIP_KEY_BYTES];
    AIP_TRY(multibase_decode_key(aip_bytes_of(text), bytes, err));
    AIP_TRY(aip_public_key_accept(bytes, &out->key, err));
    out->source.find = find_by_key;
    return AIP_OK;
}

static aip_status
load_log(const char *path, audit_signer *out, aip_error *err)
{
    STRING_AUTO char *bytes = NULL;
    LOG_AUTO did_log *log = NULL;
    size_t size;
    AIP_TRY(text_load_file(path, AIP_DOCUMENT_BYTES_MAX, &bytes, &size, err));
    AIP_TRY(did_log_verify((aip_bytes){(const unsigned char *)bytes, size}, clock_now_seconds(), &log, err));
    AIP_TRY(did_log_identity(log, &out->id, err));
    out->id->deactivated = false; /* what it signed before its end was signed */
    snprintf(out->name, sizeof out->name, "%s", log->did);
    out->issuer = out->name;
    out->source.find = find_by_log;
    return AIP_OK;
}

aip_status
audit_signer_load(const audit_signer_options *options, audit_signer *out, aip_error *err)
{
    int given = (options->did != NULL) + (options->key != NULL) + (options->log != NULL);
    *out = (audit_signer){.given = given > 0, .source.context = out};
    if (given > 1) {
        return aip_fail(err, AIP_USAGE, "give one of --did, --key and --log");
    }
    return options->did != NULL   ? load_did(options->did, out, err)
           : options->key != NULL ? load_key(options->key, out, err)
           : options->log != NULL ? load_log(options->log, out, err)
                                  : AIP_OK;
}

void
audit_signer_clear(audit_signer *signer)
{
    identity_free(&signer->id);
}

static aip_status
copy_names(const char *const *names, size_t count, audit_series *out, aip_error *err)
{
    out->paths = calloc(count, sizeof *out->paths);
    for (size_t i = 0; out->paths != NULL && i < count; i++) {
        out->paths[out->count] = strdup(names[i]);
        if (out->paths[out->count++] == NULL) {
            out->count--;
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
    }
    return out->paths != NULL ? AIP_OK : aip_fail(err, AIP_NO_MEMORY, NULL);
}

aip_status
audit_name_files(const char *const *names, size_t count, audit_series *out, aip_error *err)
{
    *out = (audit_series){NULL, 0, 0};
    if (count == 0) {
        return aip_fail(err, AIP_USAGE, "name the file of the log");
    }
    if (count > 1) {
        return copy_names(names, count, out, err);
    }
    AIP_TRY(audit_series_list(names[0], out, err));
    if (out->count == 0) {
        return aip_fail(err, AIP_IO, "there is no such log");
    }
    return AIP_OK;
}
