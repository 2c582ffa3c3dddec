/* Reads keys from a DID document that others wrote. */
#include "did/document.h"

#include "base/scan.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "did/keyring.h"

#define DOCUMENT_DEPTH_MAX 16
#define DOCUMENT_NODES_MAX 8192
#define METHODS_MAX 64 /* ids are compared each with each */

typedef struct {
    uint32_t node;
    aip_bytes fragment; /* of its id, with the `#` */
    unsigned uses;      /* IDENTITY_USE_BIT of each */
} key_method;

typedef struct {
    const scan_document *json;
    aip_bytes did;
    size_t count;
    key_method methods[METHODS_MAX];
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
    if (aip_bytes_begin_with(url, reader->did)) {
        url = aip_bytes_from(url, reader->did.size);
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

static key_method *
find_fragment(document_reader *reader, size_t count, aip_bytes fragment)
{
    for (size_t i = 0; i < count; i++) {
        if (aip_bytes_equal(reader->methods[i].fragment, fragment)) {
            return &reader->methods[i];
        }
    }
    return NULL;
}

static aip_status
add_method(document_reader *reader, uint32_t node, unsigned uses, aip_error *err)
{
    aip_bytes fragment = string_fragment(reader, scan_member(reader->json, node, "id"));
    if (!is_kind(reader, node, SCAN_OBJECT) || fragment.size == 0) {
        return refuse(err, "a verification method is not an object with an id of this document");
    }
    if (fragment.size > AIP_FRAGMENT_BYTES_MAX + 1) {
        return refuse(err, "the id of a verification method is too long");
    }
    if (!member_equals(reader, node, "controller", reader->did)) {
        return refuse(err, "a verification method's controller is not the identifier");
    }
    if (find_fragment(reader, reader->count, fragment) != NULL) {
        return refuse(err, "two verification methods have the same id");
    }
    if (reader->count == METHODS_MAX) {
        return refuse(err, "too many verification methods");
    }
    reader->methods[reader->count++] = (key_method){node, fragment, uses | IDENTITY_USE_BIT(DID_USE_ANY)};
    return AIP_OK;
}

/* The first item of the array `name`, SCAN_NONE for an empty or absent one. */
static aip_status
open_list(const document_reader *reader, const char *name, uint32_t *item, aip_error *err)
{
    uint32_t list = scan_member(reader->json, 0, name);
    *item = SCAN_NONE;
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    if (!is_kind(reader, list, SCAN_ARRAY)) {
        return aip_fail(err, AIP_DIDDOC_INVALID, "%s is not an array", name);
    }
    *item = scan_child(reader->json, list);
    return AIP_OK;
}

/* A relationship's items are references to the first `declared` methods, or methods of its own. References elsewhere
 * name other documents' keys and are none of ours. */
static aip_status
read_uses(document_reader *reader, size_t declared, const char *name, unsigned use, aip_error *err)
{
    uint32_t count = 0, item;
    AIP_TRY(open_list(reader, name, &item, err));
    for (; item != SCAN_NONE; item = scan_next(reader->json, item)) {
        if (++count > METHODS_MAX) {
            return refuse(err, "too many entries in a verification relationship");
        }
        if (!is_kind(reader, item, SCAN_STRING)) {
            AIP_TRY(add_method(reader, item, use, err));
            continue;
        }
        key_method *named = find_fragment(reader, declared, string_fragment(reader, item));
        if (named != NULL) {
            named->uses |= use;
        }
    }
    return AIP_OK;
}

/* The one walk: what the document as a whole must keep, and all methods with their uses. */
static aip_status
read_methods(document_reader *reader, aip_error *err)
{
    static const struct {
        const char *name;
        did_use use;
    } relationships[] = {
        {"authentication", DID_USE_AUTHENTICATION},
        {"assertionMethod", DID_USE_ASSERTION},
        {"capabilityInvocation", DID_USE_INVOCATION},
        {"capabilityDelegation", DID_USE_DELEGATION},
    };
    uint32_t item;
    if (!is_kind(reader, 0, SCAN_OBJECT) || !member_equals(reader, 0, "id", reader->did)) {
        return refuse(err, "the document's id is not the identifier that was asked for");
    }
    AIP_TRY(open_list(reader, "verificationMethod", &item, err));
    for (; item != SCAN_NONE; item = scan_next(reader->json, item)) {
        AIP_TRY(add_method(reader, item, 0, err));
    }
    size_t declared = reader->count;
    for (size_t i = 0; i < sizeof relationships / sizeof relationships[0]; i++) {
        AIP_TRY(read_uses(reader, declared, relationships[i].name, IDENTITY_USE_BIT(relationships[i].use), err));
    }
    return AIP_OK;
}

/* Each reader sets *ours = false for a key of another algorithm, and refuses what is broken. */
static aip_status
read_multibase(const document_reader *reader, uint32_t method, unsigned char *key, bool *ours, aip_error *err)
{
    aip_bytes text;
    if (!plain_member(reader, method, "publicKeyMultibase", &text)) {
        return refuse(err, "publicKeyMultibase is missing");
    }
    *ours = aip_bytes_begin_with(text, AIP_BYTES_LITERAL("z6Mk"));
    if (*ours && multibase_decode_key(text, key, NULL) != AIP_OK) {
        return refuse(err, "publicKeyMultibase is not an Ed25519 key");
    }
    return AIP_OK;
}

static aip_status
read_jwk(const document_reader *reader, uint32_t method, unsigned char *key, bool *ours, aip_error *err)
{
    uint32_t jwk = scan_member(reader->json, method, "publicKeyJwk");
    aip_bytes x;
    size_t size;
    if (!is_kind(reader, jwk, SCAN_OBJECT)) {
        return refuse(err, "publicKeyJwk is not an object");
    }
    if (scan_member(reader->json, jwk, "d") != SCAN_NONE) {
        return refuse(err, "publicKeyJwk carries a private key");
    }
    *ours = member_equals(reader, jwk, "kty", AIP_BYTES_LITERAL("OKP")) &&
            member_equals(reader, jwk, "crv", AIP_BYTES_LITERAL("Ed25519"));
    if (*ours && (!plain_member(reader, jwk, "x", &x) ||
                  base64url_decode(x, key, AIP_KEY_BYTES, &size, NULL) != AIP_OK || size != AIP_KEY_BYTES)) {
        return refuse(err, "publicKeyJwk.x is not 32 bytes in base64url");
    }
    return AIP_OK;
}

/* Key types and the one member that holds their key; with a second one, two readers could take two keys. */
static const struct {
    const char *type, *other;
    aip_status (*read)(const document_reader *reader, uint32_t method, unsigned char *key, bool *ours, aip_error *err);
} key_types[] = {
    {"Multikey", "publicKeyJwk", read_multibase},
    {"Ed25519VerificationKey2020", "publicKeyJwk", read_multibase},
    {"JsonWebKey2020", "publicKeyMultibase", read_jwk},
};

/* The accepted key of a method, tied to the identifier; *ours = false for types and algorithms that are not read. */
static aip_status
read_key(const document_reader *reader, const aip_did *did, uint32_t method, aip_public_key *out, bool *ours,
         aip_error *err)
{
    unsigned char key[AIP_KEY_BYTES];
    *ours = false;
    for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++) {
        if (!member_equals(reader, method, "type", aip_bytes_of(key_types[i].type))) {
            continue;
        }
        if (scan_member(reader->json, method, key_types[i].other) != SCAN_NONE) {
            return refuse(err, "a verification method holds more than one key");
        }
        AIP_TRY(key_types[i].read(reader, method, key, ours, err));
    }
    if (!*ours) {
        return AIP_OK;
    }
    AIP_TRY(keyring_accept(key, out, err));
    return did_check_key(did, out, err);
}

/* By id, or by the alias `#z6Mk…` that did:key made customary. */
static bool
is_wanted(const document_reader *reader, const key_method *method, aip_bytes kid)
{
    aip_bytes key, wanted = fragment_of(reader, kid);
    if (kid.size == 0 || aip_bytes_equal(method->fragment, wanted)) {
        return true;
    }
    return wanted.size > 0 && plain_member(reader, method->node, "publicKeyMultibase", &key) &&
           aip_bytes_equal(key, aip_bytes_from(wanted, 1));
}

static aip_status
choose_key(const document_reader *reader, const aip_did *did, const did_key_query *query, aip_public_key *out,
           aip_error *err)
{
    bool ours;
    for (size_t i = 0; i < reader->count; i++) {
        const key_method *method = &reader->methods[i];
        if ((method->uses & IDENTITY_USE_BIT(query->use)) == 0 || !is_wanted(reader, method, query->kid)) {
            continue;
        }
        AIP_TRY(read_key(reader, did, method->node, out, &ours, err));
        return ours ? AIP_OK : refuse(err, "the verification method's type is not supported");
    }
    return aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
}

static aip_status
gather_keys(const document_reader *reader, const aip_did *did, identity_key *keys, size_t *count, aip_error *err)
{
    *count = 0;
    for (size_t i = 0; i < reader->count; i++) {
        identity_key *key = &keys[*count];
        aip_bytes fragment = aip_bytes_from(reader->methods[i].fragment, 1);
        bool ours;
        *key = (identity_key){.uses = (uint8_t)reader->methods[i].uses, .from = INT64_MIN, .until = INT64_MAX};
        AIP_TRY(read_key(reader, did, reader->methods[i].node, &key->key, &ours, err));
        memcpy(key->fragment, fragment.data, fragment.size);
        *count += ours ? 1 : 0;
    }
    return *count > 0 ? AIP_OK : aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
}

static aip_status
make_identity(const document_reader *reader, const aip_did *did, identity **out, aip_error *err)
{
    identity_key keys[METHODS_MAX];
    size_t count;
    AIP_TRY(gather_keys(reader, did, keys, &count, err));
    AIP_TRY(identity_new(reader->did, count, out, err));
    memcpy((*out)->keys, keys, count * sizeof keys[0]);
    hash_sha256(reader->json->text, (*out)->head);
    return AIP_OK;
}

/* Indexes the document and walks it; on success the caller clears *json. */
static aip_status
open_document(aip_bytes text, aip_bytes name, scan_document *json, document_reader *reader, aip_error *err)
{
    const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, DOCUMENT_NODES_MAX};
    AIP_TRY(scan_load(text, &limits, json, err));
    reader->json = json;
    reader->did = name;
    reader->count = 0;
    aip_status status = read_methods(reader, err);
    if (status != AIP_OK) {
        scan_clear(json);
    }
    return status;
}

aip_status
did_document_key(aip_bytes document_json, const did_key_query *query, aip_public_key *out, aip_error *err)
{
    document_reader reader;
    scan_document json;
    aip_public_key found;
    aip_did did;
    AIP_TRY(aip_did_parse(query->did, &did, err));
    AIP_TRY(open_document(document_json, query->did, &json, &reader, err));
    aip_status status = choose_key(&reader, &did, query, &found, err);
    scan_clear(&json);
    AIP_TRY(status);
    *out = found;
    return AIP_OK;
}

aip_status
did_document_identity(aip_bytes document_json, aip_bytes did, identity **out, aip_error *err)
{
    document_reader reader;
    scan_document json;
    aip_did parsed;
    AIP_TRY(aip_did_parse(did, &parsed, err));
    AIP_TRY(open_document(document_json, did, &json, &reader, err));
    aip_status status = make_identity(&reader, &parsed, out, err);
    scan_clear(&json);
    return status;
}
