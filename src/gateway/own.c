/* Loads the gateway's own identity and writes its document. */
#include "gateway/own.h"

#include "base/clock.h"
#include "did/document.h"
#include "did/identity.h"
#include "gateway/wellknown.h"

static aip_status
load_log(const char *path, own_identity *own, identity **known, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(text_load_file(path, AIP_DOCUMENT_BYTES_MAX, &text, &size, err));
    AIP_TRY(did_log_verify((aip_bytes){(const unsigned char *)text, size}, clock_now_seconds(), &own->entries, err));
    if (strcmp(own->entries->did, own->did) != 0) {
        return aip_fail(err, AIP_CONFIG_INVALID, "the key log is another identity's");
    }
    text_append(&own->log, (aip_bytes){(const unsigned char *)text, size});
    AIP_TRY(text_finish(&own->log, err));
    return did_log_identity(own->entries, known, err);
}

static aip_status
load_known(const own_setup *setup, own_identity *own, identity **known, aip_error *err)
{
    aip_did did;
    if (setup->log_path != NULL) {
        return load_log(setup->log_path, own, known, err);
    }
    if (setup->owner->number != 1) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a later key of an identity needs its key log");
    }
    AIP_TRY(aip_did_parse(aip_bytes_of(own->did), &did, err));
    return identity_of_name(&did, NULL, known, err);
}

static aip_status
check_key(const identity *known, const aip_public_key *key, aip_error *err)
{
    aip_public_key current;
    AIP_TRY(identity_current_key(known, DID_USE_ASSERTION, clock_now_seconds(), &current, err));
    return memcmp(current.bytes, key->bytes, AIP_KEY_BYTES) == 0
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "the key is not the one that its key log puts in force");
}

/* `https://host[:port]` as the name of its did:web, malloc'd through `out`. */
static aip_status
name_host(const char *url, text_buffer *out, aip_error *err)
{
    static const char scheme[] = "https://";
    aip_did did;
    bool https = strncmp(url, scheme, sizeof scheme - 1) == 0;
    const char *host = https ? url + sizeof scheme - 1 : "", *port = strchr(host, ':');
    size_t length = port == NULL ? strlen(host) : (size_t)(port - host);
    text_append_string(out, "did:web:");
    text_append(out, (aip_bytes){(const unsigned char *)host, length});
    if (port != NULL) {
        text_append_format(out, "%%3A%s", port + 1);
    }
    AIP_TRY(text_finish(out, err));
    bool plain = memchr(host, '%', length) == NULL && (port == NULL || strchr(port + 1, ':') == NULL);
    if (!plain || aip_did_parse(text_view(out), &did, NULL) != AIP_OK) {
        return aip_fail(err, AIP_CONFIG_INVALID, "the public URL is https://host or https://host:port, a public name");
    }
    return AIP_OK;
}

/* The same keys under the name of the public host. */
static aip_status
copy_under(const identity *known, aip_bytes name, identity **out, aip_error *err)
{
    AIP_TRY(identity_new(name, known->key_count, out, err));
    (*out)->has_log = known->has_log;
    (*out)->version = known->version;
    (*out)->created = known->created;
    (*out)->updated = known->updated;
    memcpy((*out)->head, known->head, sizeof known->head);
    memcpy((*out)->keys, known->keys, known->key_count * sizeof known->keys[0]);
    return AIP_OK;
}

static aip_status
write_document(const own_setup *setup, const identity *known, own_identity *own, aip_error *err)
{
    text_buffer name TEXT_AUTO = {0}, endpoint TEXT_AUTO = {0}, log TEXT_AUTO = {0};
    identity *host IDENTITY_AUTO = NULL;
    AIP_TRY(name_host(setup->public_url, &name, err));
    text_append_format(&endpoint, "%s%s%c", setup->public_url, setup->path, 0);
    text_append_format(&log, "%s" WELLKNOWN_LOGS "%s" WELLKNOWN_LOG_END "%c", setup->public_url,
                       own->did + strlen("did:aip:"), 0);
    AIP_TRY(text_finish(&endpoint, err));
    AIP_TRY(text_finish(&log, err));
    AIP_TRY(copy_under(known, text_view(&name), &host, err));
    const did_document_options options = {DID_TYPE_MULTIKEY, own->did, endpoint.data,
                                          own->entries == NULL ? NULL : log.data};
    AIP_TRY(did_document_write_identity(host, clock_now_seconds(), &options, &own->document, err));
    return text_finish(&own->document, err);
}

static aip_status
load(const own_setup *setup, own_identity *own, aip_error *err)
{
    identity *known IDENTITY_AUTO = NULL;
    memcpy(own->did, setup->owner->did, sizeof own->did);
    AIP_TRY(load_known(setup, own, &known, err));
    AIP_TRY(check_key(known, setup->key, err));
    return setup->public_url == NULL ? AIP_OK : write_document(setup, known, own, err);
}

aip_status
own_identity_load(const own_setup *setup, own_identity *out, aip_error *err)
{
    *out = (own_identity){0};
    aip_status status = load(setup, out, err);
    if (status != AIP_OK) {
        own_identity_clear(out);
    }
    return status;
}

void
own_identity_clear(own_identity *own)
{
    did_log_free(&own->entries);
    text_clear(&own->log);
    text_clear(&own->document);
    *own = (own_identity){0};
}
