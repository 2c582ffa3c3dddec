/* Writes DID documents and resolution results, from the identifier alone. */
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "did/document.h"
#include "did/keyring.h"

#define CONTEXTS "[\"https://www.w3.org/ns/did/v1\",\"https://w3id.org/security/multikey/v1\"]"

/* The pieces of a document. An accepted identifier has no character that JSON would escape. */
typedef struct {
    const aip_did *did;
    char multikey[MULTIBASE_KEY_TEXT_SIZE + 1];
    char hash_hex[33];
} document_subject;

static void
append_id(const document_subject *subject, text_buffer *out)
{
    text_append(out, subject->did->text);
}

/* The DID URL of the only key, quoted. */
static void
append_key_id(const document_subject *subject, text_buffer *out)
{
    text_append_string(out, "\"");
    append_id(subject, out);
    text_append_format(out, "#%s\"", subject->did->form == AIP_DID_KEY ? subject->multikey : "key-1");
}

static void
append_aliases(const document_subject *subject, text_buffer *out)
{
    if (subject->did->form != AIP_DID_KEY) {
        text_append_format(out, "\"did:key:%s\",", subject->multikey);
    }
    if (subject->did->form != AIP_DID_SELF) {
        text_append_format(out, "\"did:aip:%s\"", subject->multikey);
        text_append_string(out, subject->did->form == AIP_DID_HASH ? "" : ",");
    }
    if (subject->did->form != AIP_DID_HASH) {
        text_append_format(out, "\"did:aip:%s\"", subject->hash_hex);
    }
}

static void
append_document(const document_subject *subject, text_buffer *out)
{
    static const char *const relationships[] = {"authentication", "assertionMethod", "capabilityInvocation",
                                                "capabilityDelegation"};
    text_append_string(out, "{\"@context\":" CONTEXTS ",\"id\":\"");
    append_id(subject, out);
    text_append_string(out, "\",\"alsoKnownAs\":[");
    append_aliases(subject, out);
    text_append_string(out, "],\"verificationMethod\":[{\"id\":");
    append_key_id(subject, out);
    text_append_string(out, ",\"type\":\"Multikey\",\"controller\":\"");
    append_id(subject, out);
    text_append_format(out, "\",\"publicKeyMultibase\":\"%s\"}]", subject->multikey);
    for (size_t i = 0; i < sizeof relationships / sizeof relationships[0]; i++) {
        text_append_format(out, ",\"%s\":[", relationships[i]);
        append_key_id(subject, out);
        text_append_string(out, "]");
    }
    text_append_string(out, "}");
}

static bool
has_document(const aip_did *did)
{
    return did->form == AIP_DID_SELF || did->form == AIP_DID_KEY || did->form == AIP_DID_HASH ||
           did->form == AIP_DID_NSHASH;
}

static aip_status
write_document(const aip_did *did, const aip_public_key *key, text_buffer *out, aip_error *err)
{
    document_subject subject = {.did = did};
    unsigned char hash[16];
    if (!has_document(did)) {
        return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
    }
    AIP_TRY(did_check_key(did, key, err));
    multibase_encode_key(key->bytes, subject.multikey);
    did_key_hash(key->bytes, hash);
    hex_encode((aip_bytes){hash, sizeof hash}, subject.hash_hex);
    append_document(&subject, out);
    return text_finish(out, err);
}

aip_status
did_document_write(const aip_did *did, const aip_public_key *key, text_buffer *out)
{
    return write_document(did, key, out, NULL);
}

typedef struct {
    const char *name, *title;
} w3c_error;

static const w3c_error invalid_did = {"INVALID_DID", "The DID is not valid."};
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
    {AIP_DID_KEY_MISSING, &not_found},
    {AIP_DID_NOT_FOUND, &not_found},
    {AIP_DID_KEY_MISMATCH, &invalid_options},
    {AIP_DID_FOREIGN_SOLANA, &not_supported},
    {AIP_DID_FOREIGN_EIP155, &not_supported},
    {AIP_DID_FOREIGN_PROVIDER, &not_supported},
    {AIP_DID_METHOD_UNSUPPORTED, &not_supported},
    {AIP_DIDDOC_INVALID, &invalid_document},
    {AIP_DIDDOC_KEY_NOT_FOUND, &invalid_document},
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

const char *
did_resolution_error_name(aip_status status, bool fetched)
{
    return find_w3c_error(status, fetched)->name;
}

void
did_resolution_write_error(const aip_error *failure, bool fetched, text_buffer *out)
{
    const aip_status_facts *facts = aip_status_lookup(failure->status);
    const w3c_error *error = find_w3c_error(failure->status, fetched);
    text_append_format(out,
                       "{\"didDocument\":null,\"didDocumentMetadata\":{},\"didResolutionMetadata\":{\"error\":"
                       "{\"type\":\"https://www.w3.org/ns/did#%s\",\"title\":\"%s\",\"detail\":",
                       error->name, error->title);
    text_append_json(out, aip_bytes_of(failure->detail[0] == '\0' ? facts->sentence : failure->detail));
    text_append_format(out, ",\"code\":\"%s\"}}}", facts->name);
}

/* The key that an identifier stands for: its own, or the supplied one; did_check_key then ties the two. */
static aip_status
find_key(const aip_did *did, const aip_public_key *supplied, aip_public_key *key, aip_error *err)
{
    if (supplied != NULL && has_document(did)) {
        AIP_TRY(did_check_key(did, supplied, err));
        *key = *supplied;
        return AIP_OK;
    }
    return aip_did_key(did, key, err);
}

static aip_status
resolve_document(aip_bytes did_text, const aip_public_key *supplied, text_buffer *document, aip_error *err)
{
    aip_public_key key;
    aip_did did;
    if (!aip_did_is_did(did_text)) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    AIP_TRY(aip_did_parse(did_text, &did, err));
    AIP_TRY(find_key(&did, supplied, &key, err));
    return write_document(&did, &key, document, err);
}

aip_status
did_resolution_write(aip_bytes did_text, const aip_public_key *supplied, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer document = {0};
    aip_error failure = AIP_ERROR_INIT;
    aip_status status = resolve_document(did_text, supplied, &document, &failure);
    if (status == AIP_OK) {
        text_append_string(out, "{\"didDocument\":");
        text_append(out, text_view(&document));
        text_append_string(out, ",\"didDocumentMetadata\":{\"versionId\":\"0\",\"deactivated\":false},"
                                "\"didResolutionMetadata\":{\"contentType\":\"application/did+json\"}}");
    } else {
        did_resolution_write_error(&failure, false, out);
    }
    AIP_TRY(text_finish(out, err));
    if (err != NULL) {
        *err = failure;
    }
    return status;
}
