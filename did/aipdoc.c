/* Verifies identity documents of aip:web and aip:key names. */
#include "did/aipdoc.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "base/scan.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "did/keyring.h"

#define DOCUMENT_DEPTH_MAX 16
#define DOCUMENT_NODES_MAX 8192
#define KEYS_MAX 64 /* each may cost an acceptance and a verification */

typedef struct {
    const scan_document *json;
    aip_did name;
    size_t count;
    identity_key keys[KEYS_MAX];
} document_reader;

static aip_status
refuse(aip_error *err, const char *why)
{
    return aip_fail(err, AIP_AIPDOC_INVALID, "%s", why);
}

aip_status
aipdoc_url(aip_bytes name, char **out, aip_error *err)
{
    aip_bytes prefix = AIP_BYTES_LITERAL("aip:web:");
    TEXT_AUTO text_buffer url = {0};
    aip_did did;
    AIP_TRY(aip_did_parse(name, &did, err));
    if (did.form != AIP_NAME_WEB) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    aip_bytes host = aip_bytes_from(name, prefix.size), path;
    path.data = memchr(host.data, '/', host.size);
    path.size = host.size - (size_t)(path.data - host.data);
    host.size -= path.size;
    text_append_string(&url, "https://");
    text_append(&url, host);
    text_append_string(&url, "/.well-known/aip");
    text_append(&url, path);
    text_append_string(&url, ".json");
    AIP_TRY(text_finish(&url, err));
    *out = url.data;
    url = (text_buffer){0};
    return AIP_OK;
}

/* A string member without escapes. */
static aip_status
read_text(const scan_document *json, uint32_t object, const char *name, aip_bytes *out, aip_error *err)
{
    uint32_t node = scan_member(json, object, name);
    if (node == SCAN_NONE || scan_kind_of(json, node) != SCAN_STRING ||
        scan_plain_string(json, node, out, NULL) != AIP_OK) {
        return aip_fail(err, AIP_AIPDOC_INVALID, "%s is missing or no plain string", name);
    }
    return AIP_OK;
}

static aip_status
read_time(const scan_document *json, uint32_t object, const char *name, int64_t *out, aip_error *err)
{
    aip_bytes text;
    AIP_TRY(read_text(json, object, name, &text, err));
    return clock_read_utc(text, out) ? AIP_OK : aip_fail(err, AIP_AIPDOC_INVALID, "%s is no RFC 3339 time", name);
}

/* Readers that keep numbers as doubles and those that do not must see the same document. */
static aip_status
check_numbers(const scan_document *json, aip_error *err)
{
    for (uint32_t i = 0; i < json->count; i++) {
        if (scan_kind_of(json, i) == SCAN_NUMBER && !number_is_exact_integer(scan_raw(json, i))) {
            return aip_fail_at(err, AIP_JSON_NUMBER, json->nodes[i].start, NULL);
        }
    }
    return AIP_OK;
}

/* `1.N`. */
static aip_status
check_version(const scan_document *json, aip_error *err)
{
    aip_bytes text;
    size_t major = 0;
    AIP_TRY(read_text(json, 0, "aip", &text, err));
    while (major < text.size && text.data[major] >= '0' && text.data[major] <= '9') {
        major++;
    }
    size_t minor = major + 1;
    while (minor < text.size && text.data[minor] >= '0' && text.data[minor] <= '9') {
        minor++;
    }
    if (major == 0 || text.data[0] == '0' || minor <= major + 1 || minor != text.size || text.data[major] != '.') {
        return refuse(err, "aip is no version");
    }
    return major == 1 && text.data[0] == '1' ? AIP_OK : aip_fail(err, AIP_AIPDOC_VERSION, NULL);
}

/* `key-1`, `#key-1` and `name#key-1` name the same key. */
static aip_status
read_fragment(document_reader *reader, uint32_t entry, identity_key *key, aip_error *err)
{
    aip_bytes id;
    AIP_TRY(read_text(reader->json, entry, "id", &id, err));
    if (aip_bytes_begin_with(id, reader->name.text)) {
        id = aip_bytes_from(id, reader->name.text.size);
    }
    if (id.size > 0 && id.data[0] == '#') {
        id = aip_bytes_from(id, 1);
    }
    if (id.size == 0 || id.size > AIP_FRAGMENT_BYTES_MAX || memchr(id.data, '#', id.size) != NULL) {
        return refuse(err, "the id of a key is empty, too long or another name's");
    }
    memcpy(key->fragment, id.data, id.size);
    for (size_t i = 0; i < reader->count; i++) {
        if (strcmp(reader->keys[i].fragment, key->fragment) == 0) {
            return refuse(err, "two keys have the same id");
        }
    }
    return AIP_OK;
}

/* The raw or the multicodec spelling: what an aip:key name may hold. */
static aip_status
read_key(const document_reader *reader, uint32_t entry, aip_public_key *out, aip_error *err)
{
    TEXT_AUTO text_buffer name = {0};
    aip_bytes type, text;
    aip_did did;
    AIP_TRY(read_text(reader->json, entry, "type", &type, err));
    AIP_TRY(read_text(reader->json, entry, "public_key_multibase", &text, err));
    if (!aip_bytes_equal(type, AIP_BYTES_LITERAL("Ed25519"))) {
        return refuse(err, "a key's type is not Ed25519");
    }
    text_append_string(&name, "aip:key:ed25519:");
    text_append(&name, text);
    AIP_TRY(text_finish(&name, err));
    if (aip_did_parse(text_view(&name), &did, NULL) != AIP_OK) {
        return refuse(err, "public_key_multibase is not an Ed25519 key");
    }
    AIP_TRY(keyring_accept(did.key, out, err));
    return did_check_key(&reader->name, out, err);
}

static aip_status
add_key(document_reader *reader, uint32_t entry, aip_error *err)
{
    identity_key *key = &reader->keys[reader->count];
    if (reader->count == KEYS_MAX || scan_kind_of(reader->json, entry) != SCAN_OBJECT) {
        return refuse(err, "there are too many keys, or one is no object");
    }
    *key = (identity_key){.uses = IDENTITY_USES_ALL};
    AIP_TRY(read_fragment(reader, entry, key, err));
    AIP_TRY(read_key(reader, entry, &key->key, err));
    AIP_TRY(read_time(reader->json, entry, "valid_from", &key->from, err));
    AIP_TRY(read_time(reader->json, entry, "valid_until", &key->until, err));
    key->until++; /* their last second counts */
    reader->count++;
    return AIP_OK;
}

static aip_status
read_keys(document_reader *reader, aip_error *err)
{
    uint32_t list = scan_member(reader->json, 0, "public_keys");
    if (list == SCAN_NONE || scan_kind_of(reader->json, list) != SCAN_ARRAY) {
        return refuse(err, "public_keys is no array");
    }
    for (uint32_t i = scan_child(reader->json, list); i != SCAN_NONE; i = scan_next(reader->json, i)) {
        AIP_TRY(add_key(reader, i, err));
    }
    if (reader->count == 0 || (reader->name.form == AIP_NAME_KEY && reader->count != 1)) {
        return refuse(err, "there is no key, or a key name has several");
    }
    return AIP_OK;
}

/* Three spellings, told apart by their length: base64url, base64 with padding, hex. */
static aip_status
read_signature(const scan_document *json, unsigned char signature[AIP_SIGNATURE_BYTES], aip_error *err)
{
    aip_bytes text;
    size_t size = 0;
    aip_status status = AIP_AIPDOC_INVALID;
    AIP_TRY(read_text(json, 0, "document_signature", &text, err));
    if (text.size == 86) {
        status = base64url_decode(text, signature, AIP_SIGNATURE_BYTES, &size, NULL);
    } else if (text.size == 88) {
        status = base64_decode(text, signature, AIP_SIGNATURE_BYTES, &size, NULL);
    } else if (text.size == 128) {
        status = hex_decode(text, signature, AIP_SIGNATURE_BYTES, &size, NULL);
    }
    return status == AIP_OK && size == AIP_SIGNATURE_BYTES
               ? AIP_OK
               : refuse(err, "document_signature is no signature in base64url, base64 or hex");
}

/* The text without its top-level member `document_signature`, and without the comma that stood beside it. */
static void
cut_signature(const scan_document *json, text_buffer *out)
{
    uint32_t own = scan_member(json, 0, "document_signature"), before = SCAN_NONE;
    for (uint32_t i = scan_child(json, 0); i != own; i = scan_next(json, i)) {
        before = i;
    }
    uint32_t next = scan_next(json, own);
    size_t from = before != SCAN_NONE ? json->nodes[before].end : json->nodes[own].name - 1;
    size_t to = before == SCAN_NONE && next != SCAN_NONE ? json->nodes[next].name - 1 : json->nodes[own].end;
    text_append(out, (aip_bytes){json->text.data, from});
    text_append(out, aip_bytes_from(json->text, to));
}

/* Some key whose window holds now signed the document. */
static aip_status
check_signature(const document_reader *reader, int64_t now_seconds, aip_error *err)
{
    unsigned char signature[AIP_SIGNATURE_BYTES];
    TEXT_AUTO text_buffer unsigned_text = {0};
    STRING_AUTO char *canonical = NULL;
    size_t size;
    AIP_TRY(read_signature(reader->json, signature, err));
    cut_signature(reader->json, &unsigned_text);
    AIP_TRY(text_finish(&unsigned_text, err));
    AIP_TRY(json_canonical(text_view(&unsigned_text), &canonical, &size, err));
    for (size_t i = 0; i < reader->count; i++) {
        const identity_key *key = &reader->keys[i];
        if (key->from <= now_seconds && now_seconds < key->until &&
            aip_verify(&key->key, (aip_bytes){(unsigned char *)canonical, size}, signature, NULL) == AIP_OK) {
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_AIPDOC_SIGNATURE, NULL);
}

static aip_status
read_document(document_reader *reader, int64_t now_seconds, int64_t *expires, aip_error *err)
{
    aip_bytes id;
    if (scan_kind_of(reader->json, 0) != SCAN_OBJECT) {
        return refuse(err, "the document is no object");
    }
    AIP_TRY(check_numbers(reader->json, err));
    AIP_TRY(check_version(reader->json, err));
    AIP_TRY(read_text(reader->json, 0, "id", &id, err));
    if (!aip_bytes_equal(id, reader->name.text)) {
        return refuse(err, "the document's id is not the name that was asked for");
    }
    AIP_TRY(read_keys(reader, err));
    AIP_TRY(check_signature(reader, now_seconds, err));
    AIP_TRY(read_time(reader->json, 0, "expires", expires, err));
    return now_seconds < *expires ? AIP_OK : aip_fail(err, AIP_AIPDOC_EXPIRED, NULL);
}

static aip_status
make_identity(const document_reader *reader, identity **out, aip_error *err)
{
    AIP_TRY(identity_new(reader->name.text, reader->count, out, err));
    memcpy((*out)->keys, reader->keys, reader->count * sizeof reader->keys[0]);
    hash_sha256(reader->json->text, (*out)->head);
    return AIP_OK;
}

aip_status
aipdoc_verify(aip_bytes text, aip_bytes name, int64_t now_seconds, identity **out, int64_t *expires, aip_error *err)
{
    const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX, DOCUMENT_NODES_MAX};
    document_reader reader;
    scan_document json;
    reader.json = &json;
    reader.count = 0;
    AIP_TRY(aip_did_parse(name, &reader.name, err));
    if (reader.name.form != AIP_NAME_WEB && reader.name.form != AIP_NAME_KEY) {
        return aip_fail(err, AIP_DID_INVALID, NULL);
    }
    AIP_TRY(scan_load(text, &limits, &json, err));
    aip_status status = read_document(&reader, now_seconds, expires, err);
    if (status == AIP_OK) {
        status = make_identity(&reader, out, err);
    }
    scan_clear(&json);
    return status;
}
