/* Reads the key wanted from a DID document that others wrote. */
#include "did/document.h"

#include "aip/limits.h"
#include "base/scan.h"
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "did/keyring.h"

#define DOCUMENT_DEPTH_MAX 16
#define DOCUMENT_NODES_MAX 8192
#define METHODS_MAX 64 /* ids are compared each with each */

typedef struct {
    const scan_document *json;
    const did_key_query *query;
    uint32_t methods; /* the array `verificationMethod`, or SCAN_NONE */
    uint32_t uses;    /* the array of the relationship, or SCAN_NONE */
} document_reader;

static aip_status
refuse(aip_error *err, const char *why)
{
    return aip_fail(err, AIP_DIDDOC_INVALID, "%s", why);
}

static bool
is_kind(const document_reader *reader, uint32_t node, scan_kind kind)
{
    return node != SCAN_NONE && scan_kind_of(reader->json, node) == kind;
}

static bool
member_equals(const document_reader *reader, uint32_t object, const char *name, aip_bytes wanted)
{
    uint32_t value = scan_member(reader->json, object, name);
    return is_kind(reader, value, SCAN_STRING) && scan_string_equals(reader->json, value, wanted);
}

static bool
plain_member(const document_reader *reader, uint32_t object, const char *name, aip_bytes *out)
{
    uint32_t value = scan_member(reader->json, object, name);
    return is_kind(reader, value, SCAN_STRING) && scan_plain_string(reader->json, value, out, NULL) == AIP_OK;
}

/* The fragment, with its `#`, of a DID URL of this very document, absolute or relative; empty for any other text. */
static aip_bytes
fragment_of(const document_reader *reader, aip_bytes url)
{
    aip_bytes did = reader->query->did;
    if (aip_bytes_begin_with(url, did)) {
        url = aip_bytes_from(url, did.size);
    }
    return url.size > 1 && url.data[0] == '#' ? url : (aip_bytes){0};
}

static aip_bytes
string_fragment(const document_reader *reader, uint32_t string)
{
    aip_bytes url;
    if (!is_kind(reader, string, SCAN_STRING) || scan_plain_string(reader->json, string, &url, NULL) != AIP_OK) {
        return (aip_bytes){0};
    }
    return fragment_of(reader, url);
}

static aip_bytes
method_fragment(const document_reader *reader, uint32_t method)
{
    return string_fragment(reader, scan_member(reader->json, method, "id"));
}

static aip_status
check_method(const document_reader *reader, uint32_t method, aip_error *err)
{
    if (!is_kind(reader, method, SCAN_OBJECT) || method_fragment(reader, method).size == 0) {
        return refuse(err, "a verification method is not an object with an id of this document");
    }
    if (!member_equals(reader, method, "controller", reader->query->did)) {
        return refuse(err, "a verification method's controller is not the identifier");
    }
    return AIP_OK;
}

/* The first item of an array that may be missing. */
static uint32_t
first_item(const document_reader *reader, uint32_t array)
{
    return array == SCAN_NONE ? SCAN_NONE : scan_child(reader->json, array);
}

/* Does an object of `array` before `until` have this id? */
static bool
has_id(const document_reader *reader, uint32_t array, uint32_t until, aip_bytes id)
{
    for (uint32_t i = first_item(reader, array); i != until; i = scan_next(reader->json, i)) {
        if (is_kind(reader, i, SCAN_OBJECT) && aip_bytes_equal(method_fragment(reader, i), id)) {
            return true;
        }
    }
    return false;
}

static aip_status
check_methods(const document_reader *reader, aip_error *err)
{
    uint32_t count = 0;
    if (reader->methods != SCAN_NONE && !is_kind(reader, reader->methods, SCAN_ARRAY)) {
        return refuse(err, "verificationMethod is not an array");
    }
    for (uint32_t i = first_item(reader, reader->methods); i != SCAN_NONE; i = scan_next(reader->json, i)) {
        if (++count > METHODS_MAX) {
            return refuse(err, "too many verification methods");
        }
        AIP_TRY(check_method(reader, i, err));
        if (has_id(reader, reader->methods, i, method_fragment(reader, i))) {
            return refuse(err, "two verification methods have the same id");
        }
    }
    return AIP_OK;
}

/* The relationship's entries are references, or methods of its own that must not repeat an id. */
static aip_status
check_uses(const document_reader *reader, aip_error *err)
{
    uint32_t count = 0;
    if (reader->uses != SCAN_NONE && !is_kind(reader, reader->uses, SCAN_ARRAY)) {
        return refuse(err, "a verification relationship is not an array");
    }
    for (uint32_t i = first_item(reader, reader->uses); i != SCAN_NONE; i = scan_next(reader->json, i)) {
        if (++count > METHODS_MAX) {
            return refuse(err, "too many entries in a verification relationship");
        }
        if (is_kind(reader, i, SCAN_STRING)) {
            continue;
        }
        AIP_TRY(check_method(reader, i, err));
        aip_bytes id = method_fragment(reader, i);
        if (has_id(reader, reader->methods, SCAN_NONE, id) || has_id(reader, reader->uses, i, id)) {
            return refuse(err, "two verification methods have the same id");
        }
    }
    return AIP_OK;
}

static bool
serves_use(const document_reader *reader, uint32_t method)
{
    if (reader->query->use == DID_USE_ANY) {
        return true;
    }
    aip_bytes id = method_fragment(reader, method);
    for (uint32_t i = first_item(reader, reader->uses); i != SCAN_NONE; i = scan_next(reader->json, i)) {
        if (aip_bytes_equal(string_fragment(reader, i), id)) {
            return true;
        }
    }
    return false;
}

/* By id, or by the alias `#z6Mk…` that did:key made customary. */
static bool
is_wanted(const document_reader *reader, uint32_t method)
{
    aip_bytes key, wanted = fragment_of(reader, reader->query->kid);
    if (reader->query->kid.size == 0 || aip_bytes_equal(method_fragment(reader, method), wanted)) {
        return true;
    }
    return wanted.size > 0 && plain_member(reader, method, "publicKeyMultibase", &key) &&
           aip_bytes_equal(key, aip_bytes_from(wanted, 1));
}

static uint32_t
find_method(const document_reader *reader)
{
    for (uint32_t i = first_item(reader, reader->methods); i != SCAN_NONE; i = scan_next(reader->json, i)) {
        if (is_wanted(reader, i) && serves_use(reader, i)) {
            return i;
        }
    }
    for (uint32_t i = first_item(reader, reader->uses); i != SCAN_NONE; i = scan_next(reader->json, i)) {
        if (is_kind(reader, i, SCAN_OBJECT) && is_wanted(reader, i)) {
            return i;
        }
    }
    return SCAN_NONE;
}

static aip_status
read_multibase(const document_reader *reader, uint32_t method, unsigned char key[AIP_KEY_BYTES], aip_error *err)
{
    aip_bytes text;
    if (!plain_member(reader, method, "publicKeyMultibase", &text) || multibase_decode_key(text, key, NULL) != AIP_OK) {
        return refuse(err, "publicKeyMultibase is not an Ed25519 key");
    }
    return AIP_OK;
}

static aip_status
read_jwk(const document_reader *reader, uint32_t method, unsigned char key[AIP_KEY_BYTES], aip_error *err)
{
    uint32_t jwk = scan_member(reader->json, method, "publicKeyJwk");
    aip_bytes x;
    size_t size;
    if (!is_kind(reader, jwk, SCAN_OBJECT) || !member_equals(reader, jwk, "kty", AIP_BYTES_LITERAL("OKP")) ||
        !member_equals(reader, jwk, "crv", AIP_BYTES_LITERAL("Ed25519"))) {
        return refuse(err, "publicKeyJwk is not of kty OKP and crv Ed25519");
    }
    if (scan_member(reader->json, jwk, "d") != SCAN_NONE) {
        return refuse(err, "publicKeyJwk carries a private key");
    }
    if (!plain_member(reader, jwk, "x", &x) || base64url_decode(x, key, AIP_KEY_BYTES, &size, NULL) != AIP_OK ||
        size != AIP_KEY_BYTES) {
        return refuse(err, "publicKeyJwk.x is not 32 bytes in base64url");
    }
    return AIP_OK;
}

/* Key types and the one member that holds their key; with a second one, two readers could take two keys. */
static const struct {
    const char *type, *member, *other;
    aip_status (*read)(const document_reader *reader, uint32_t method, unsigned char *key, aip_error *err);
} key_types[] = {
    {"Multikey", "publicKeyMultibase", "publicKeyJwk", read_multibase},
    {"Ed25519VerificationKey2020", "publicKeyMultibase", "publicKeyJwk", read_multibase},
    {"JsonWebKey2020", "publicKeyJwk", "publicKeyMultibase", read_jwk},
};

static aip_status
read_key(const document_reader *reader, uint32_t method, unsigned char key[AIP_KEY_BYTES], aip_error *err)
{
    for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++) {
        if (!member_equals(reader, method, "type", aip_bytes_of(key_types[i].type))) {
            continue;
        }
        if (scan_member(reader->json, method, key_types[i].other) != SCAN_NONE) {
            return refuse(err, "a verification method holds more than one key");
        }
        return key_types[i].read(reader, method, key, err);
    }
    return refuse(err, "the verification method's type is not supported");
}

static uint32_t
find_uses(const scan_document *json, did_use use)
{
    static const char *const names[] = {
        [DID_USE_AUTHENTICATION] = "authentication",
        [DID_USE_ASSERTION] = "assertionMethod",
        [DID_USE_INVOCATION] = "capabilityInvocation",
        [DID_USE_DELEGATION] = "capabilityDelegation",
    };
    return use == DID_USE_ANY ? SCAN_NONE : scan_member(json, 0, names[use]);
}

static aip_status
read_document(const scan_document *json, const did_key_query *query, unsigned char key[AIP_KEY_BYTES], aip_error *err)
{
    document_reader reader = {json, query, scan_member(json, 0, "verificationMethod"), find_uses(json, query->use)};
    if (!is_kind(&reader, 0, SCAN_OBJECT) || !member_equals(&reader, 0, "id", query->did)) {
        return refuse(err, "the document's id is not the identifier that was asked for");
    }
    AIP_TRY(check_methods(&reader, err));
    AIP_TRY(check_uses(&reader, err));
    uint32_t method = find_method(&reader);
    if (method == SCAN_NONE) {
        return aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
    }
    return read_key(&reader, method, key, err);
}

aip_status
did_document_key(aip_bytes document_json, const did_key_query *query, aip_public_key *out, aip_error *err)
{
    const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, DOCUMENT_NODES_MAX};
    unsigned char key[AIP_KEY_BYTES];
    aip_public_key accepted;
    scan_document json;
    aip_did did;
    AIP_TRY(aip_did_parse(query->did, &did, err));
    AIP_TRY(scan_load(document_json, &limits, &json, err));
    aip_status status = read_document(&json, query, key, err);
    scan_clear(&json);
    AIP_TRY(status);
    AIP_TRY(keyring_accept(key, &accepted, err));
    AIP_TRY(did_check_key(&did, &accepted, err));
    *out = accepted;
    return AIP_OK;
}
