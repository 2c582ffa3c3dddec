/* Writes DID resolution results, and cuts the DID URLs that ask for them. */
#include "base/clock.h"
#include "did/document.h"
#include "did/document_inside.h"

#define CONTENT_TYPE "\"contentType\":\"application/did+json\""
#define VERSION_DIGITS_MAX 9

typedef struct {
    const char *name, *title;
} w3c_error;

static const w3c_error invalid_did = {"INVALID_DID", "The DID is not valid."};
static const w3c_error invalid_url = {"INVALID_DID_URL", "The DID URL is not valid."};
static const w3c_error invalid_options = {"INVALID_OPTIONS", "The options are not valid."};
static const w3c_error not_found = {"NOT_FOUND", "The DID was not found."};
static const w3c_error not_supported = {"METHOD_NOT_SUPPORTED", "The DID method is not supported."};
static const w3c_error invalid_document = {"INVALID_DID_DOCUMENT", "The DID document is not valid."};
static const w3c_error internal_error = {"INTERNAL_ERROR", "The resolution failed."};

static const struct {
    aip_status status;
    const w3c_error *error;
} error_names[] = {
    {AIP_DID_INVALID, &invalid_did},
    {AIP_KEY_INVALID, &invalid_did},
    {AIP_DID_URL_INVALID, &invalid_url},
    {AIP_DID_KEY_MISSING, &not_found},
    {AIP_DID_NOT_FOUND, &not_found},
    {AIP_DID_NOT_ADMITTED, &not_found},
    {AIP_DID_KEY_MISMATCH, &invalid_options},
    {AIP_DID_FOREIGN_SOLANA, &not_supported},
    {AIP_DID_FOREIGN_EIP155, &not_supported},
    {AIP_DID_FOREIGN_PROVIDER, &not_supported},
    {AIP_DID_METHOD_UNSUPPORTED, &not_supported},
    {AIP_DIDDOC_INVALID, &invalid_document},
    {AIP_DIDDOC_KEY_NOT_FOUND, &invalid_document},
    {AIP_KEY_RETIRED, &invalid_document},
    {AIP_KEY_COMPROMISED, &invalid_document},
    {AIP_KEY_RETURNED, &invalid_document},
    {AIP_LOG_MALFORMED, &invalid_document},
    {AIP_LOG_LINK, &invalid_document},
    {AIP_LOG_KEY, &invalid_document},
    {AIP_LOG_TIME, &invalid_document},
    {AIP_LOG_SIGNATURE, &invalid_document},
    {AIP_LOG_ENDED, &invalid_document},
    {AIP_LOG_ROLLBACK, &invalid_document},
    {AIP_LOG_FORK, &invalid_document},
    {AIP_AIPDOC_INVALID, &invalid_document},
    {AIP_AIPDOC_VERSION, &invalid_document},
    {AIP_AIPDOC_SIGNATURE, &invalid_document},
    {AIP_AIPDOC_EXPIRED, &invalid_document},
    {AIP_FETCH_ADDRESS, &invalid_document},
    {AIP_FETCH_REDIRECT, &invalid_document},
    {AIP_FETCH_SIZE, &invalid_document},
    {AIP_FETCH_CODING, &invalid_document},
};

/* A fetched text that is not readable JSON, or a wrong key in it, is the document's fault, not the caller's. */
static bool
blames_document(aip_status status)
{
    return status == AIP_DID_KEY_MISMATCH || status == AIP_KEY_INVALID ||
           (status >= AIP_JSON_SYNTAX && status <= AIP_JSON_SHAPE);
}

static const w3c_error *
find_w3c_error(aip_status status, bool fetched)
{
    if (fetched && blames_document(status)) {
        return &invalid_document;
    }
    for (size_t i = 0; i < sizeof error_names / sizeof error_names[0]; i++) {
        if (error_names[i].status == status) {
            return error_names[i].error;
        }
    }
    return &internal_error;
}

void
did_resolution_write_error(const aip_error *failure, bool fetched, text_buffer *out)
{
    if (failure->status == AIP_DID_DEACTIVATED) { /* an answer, and no error */
        text_append_string(out, "{\"didDocument\":null,\"didDocumentMetadata\":{\"deactivated\":true},"
                                "\"didResolutionMetadata\":{" CONTENT_TYPE "}}");
        return;
    }
    const aip_status_facts *facts = aip_status_lookup(failure->status);
    const w3c_error *error = find_w3c_error(failure->status, fetched);
    text_append_format(out,
                       "{\"didDocument\":null,\"didDocumentMetadata\":{},\"didResolutionMetadata\":{\"error\":"
                       "{\"type\":\"https://www.w3.org/ns/did#%s\",\"title\":\"%s\",\"detail\":",
                       error->name, error->title);
    text_append_json(out, aip_bytes_of(failure->detail[0] == '\0' ? facts->sentence : failure->detail));
    text_append_format(out, ",\"code\":\"%s\"}}}", facts->name);
}

static void
append_time(text_buffer *out, const char *name, int64_t seconds)
{
    char text[21];
    if (seconds != 0) {
        clock_format_utc(seconds, text);
        text_append_format(out, "\"%s\":\"%s\",", name, text);
    }
}

static void
append_metadata(const identity *id, uint32_t version, text_buffer *out)
{
    bool earlier = version < id->version;
    text_append_format(out, ",\"didDocumentMetadata\":{\"versionId\":\"%u\",", version);
    append_time(out, "created", id->created);
    append_time(out, "updated", !earlier ? id->updated : version == 0 ? id->created : id->keys[version].from);
    if (earlier) {
        text_append_format(out, "\"nextVersionId\":\"%u\",", version + 1);
    }
    text_append_format(out, "\"deactivated\":%s},\"didResolutionMetadata\":{" CONTENT_TYPE "}}",
                       id->deactivated ? "true" : "false");
}

/* A host's text on one line. No string holds a raw control, so these stand between values. */
static void
append_fetched(aip_bytes document, text_buffer *out)
{
    for (size_t i = 0, plain = 0; i <= document.size; i++) {
        if (i == document.size || document.data[i] < 0x20) {
            text_append(out, (aip_bytes){document.data + plain, i - plain});
            plain = i + 1;
        }
    }
}

static aip_status
append_document(const identity *id, aip_bytes document, const document_moment *moment, text_buffer *out, aip_error *err)
{
    if (id->deactivated) {
        text_append_string(out, "null");
        return AIP_OK;
    }
    if (document.size > 0 && aip_did_is_did(aip_bytes_of(id->name))) {
        append_fetched(document, out);
        return AIP_OK;
    }
    return document_write_moment(id, moment, NULL, out, err);
}

aip_status
did_resolution_write_identity(const identity *id, aip_bytes document, int64_t version, int64_t now_seconds,
                              text_buffer *out, aip_error *err)
{
    if (version > (int64_t)id->version) {
        return aip_fail(err, AIP_DID_NOT_FOUND, "there is no such version");
    }
    if (id->has_log && id->key_count <= id->version) {
        return aip_fail(err, AIP_INTERNAL, "a log has a key for each version");
    }
    const document_moment moment = {now_seconds, version < 0 ? id->version : (uint32_t)version};
    text_append_string(out, "{\"didDocument\":");
    AIP_TRY(append_document(id, document, &moment, out, err));
    append_metadata(id, moment.version, out);
    return text_finish(out, err);
}

static aip_status
resolve_name(aip_bytes did_text, const aip_public_key *supplied, text_buffer *out, aip_error *err)
{
    IDENTITY_AUTO identity *id = NULL;
    aip_did did;
    if (!aip_did_is_did(did_text)) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    AIP_TRY(aip_did_parse(did_text, &did, err));
    AIP_TRY(identity_of_name(&did, supplied, &id, err));
    return did_resolution_write_identity(id, (aip_bytes){0}, -1, 0, out, err);
}

aip_status
did_resolution_write(aip_bytes did_text, const aip_public_key *supplied, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer result = {0};
    aip_error failure = AIP_ERROR_INIT;
    aip_status status = resolve_name(did_text, supplied, &result, &failure);
    if (status == AIP_OK) {
        text_append(out, text_view(&result));
    } else {
        did_resolution_write_error(&failure, false, out);
    }
    AIP_TRY(text_finish(out, err));
    if (err != NULL) {
        *err = failure;
    }
    return status;
}

/* Digits without a leading zero. */
static bool
read_version(aip_bytes text, int64_t *version)
{
    *version = 0;
    if (text.size == 0 || text.size > VERSION_DIGITS_MAX || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *version = *version * 10 + (text.data[i] - '0');
    }
    return true;
}

aip_status
did_url_split(aip_bytes text, did_url *out, aip_error *err)
{
    aip_bytes query = AIP_BYTES_LITERAL("?versionId=");
    size_t end = 0, fragment = 0;
    while (end < text.size && memchr("/?#", text.data[end], 3) == NULL) {
        end++;
    }
    *out = (did_url){.did = {text.data, end}, .version = -1};
    if (end == text.size || !aip_did_is_did_url(text)) {
        out->did = text; /* whoever parses it finds what is wrong */
        return AIP_OK;
    }
    aip_bytes rest = aip_bytes_from(text, end);
    while (fragment < rest.size && rest.data[fragment] != '#') {
        fragment++;
    }
    if (fragment < rest.size) {
        out->fragment = aip_bytes_from(rest, fragment + 1);
    }
    bool good = fragment == rest.size || out->fragment.size > 0;
    rest.size = fragment;
    if (good && rest.size > 0) {
        good = aip_bytes_begin_with(rest, query) && read_version(aip_bytes_from(rest, query.size), &out->version);
    }
    return good ? AIP_OK : aip_fail(err, AIP_DID_URL_INVALID, NULL);
}
