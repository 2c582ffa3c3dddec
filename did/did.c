/* Which form a text has, by grammar alone, first match wins (spec/identity.md). */
#include "aip/did.h"

#include "aip/limits.h"
#include "crypto/base64url.h"
#include "crypto/multibase.h"
#include "did/did_web.h"
#include "did/keyring.h"

#define HASH_HEX_SIZE 32
#define NAMESPACE_BYTES_MAX 31
#define KEY_NAME_BYTES_MAX 48 /* `z` + base58 of at most 34 bytes */
#define SLUG_BYTES_MAX 32

/* What a character may be part of, as bits. */
enum {
    DIGIT = 1,
    LOWER = 2,
    UPPER = 4,
    HEX_LOWER = 8,
    HEX_UPPER = 16,
    BASE58 = 32,
    MARK = 64,      /* . - _ */
    URL_MARK = 128, /* the rest of pchar: ~ ! $ & ' ( ) * + , ; = : @ */
};

static unsigned
classes_of(unsigned char c)
{
    if (c >= '0' && c <= '9') {
        return DIGIT | (c == '0' ? 0u : (unsigned)BASE58);
    }
    if (c >= 'a' && c <= 'z') {
        return LOWER | (c <= 'f' ? (unsigned)HEX_LOWER : 0u) | (c == 'l' ? 0u : (unsigned)BASE58);
    }
    if (c >= 'A' && c <= 'Z') {
        return UPPER | (c <= 'F' ? (unsigned)HEX_UPPER : 0u) | (c == 'I' || c == 'O' ? 0u : (unsigned)BASE58);
    }
    if (c == '.' || c == '-' || c == '_') {
        return MARK;
    }
    return c != '\0' && strchr("~!$&'()*+,;=:@", c) != NULL ? URL_MARK : 0u;
}

static bool
all_of(aip_bytes text, unsigned classes)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((classes_of(text.data[i]) & classes) == 0) {
            return false;
        }
    }
    return true;
}

static size_t
place_of(aip_bytes text, unsigned char c)
{
    const unsigned char *at = text.size == 0 ? NULL : memchr(text.data, c, text.size);
    return at == NULL ? text.size : (size_t)(at - text.data);
}

static aip_bytes
first(aip_bytes text, size_t size)
{
    return (aip_bytes){text.data, size};
}

/* Characters of `classes`, of `extra`, or whole percent escapes. */
static bool
all_escaped_or(aip_bytes text, unsigned classes, const char *extra)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        if (c == '%') {
            aip_bytes digits = {text.data + i + 1, 2};
            if (text.size - i < 3 || !all_of(digits, DIGIT | HEX_LOWER | HEX_UPPER)) {
                return false;
            }
            i += 2;
        } else if ((classes_of(c) & classes) == 0 && (c == '\0' || strchr(extra, c) == NULL)) {
            return false;
        }
    }
    return true;
}

bool
aip_did_is_did(aip_bytes text)
{
    aip_bytes prefix = AIP_BYTES_LITERAL("did:");
    if (!aip_bytes_begin_with(text, prefix)) {
        return false;
    }
    aip_bytes rest = aip_bytes_from(text, prefix.size);
    size_t method_size = place_of(rest, ':');
    if (method_size == 0 || method_size == rest.size || !all_of(first(rest, method_size), DIGIT | LOWER)) {
        return false;
    }
    aip_bytes id = aip_bytes_from(rest, method_size + 1);
    return id.size > 0 && id.data[id.size - 1] != ':' && all_escaped_or(id, DIGIT | LOWER | UPPER | MARK, ":");
}

bool
aip_did_is_did_url(aip_bytes text)
{
    const unsigned url = DIGIT | LOWER | UPPER | MARK | URL_MARK;
    size_t fragment = place_of(text, '#');
    aip_bytes before = first(text, fragment);
    size_t query = place_of(before, '?');
    size_t path = place_of(first(before, query), '/');
    if (!aip_did_is_did(first(text, path))) {
        return false;
    }
    return all_escaped_or((aip_bytes){text.data + path, query - path}, url, "/") &&
           all_escaped_or(aip_bytes_from(before, query < before.size ? query + 1 : query), url, "/?") &&
           all_escaped_or(aip_bytes_from(text, fragment < text.size ? fragment + 1 : fragment), url, "/?");
}

static aip_status
refuse(aip_error *err)
{
    return aip_fail(err, AIP_DID_INVALID, NULL);
}

static aip_status
parse_multikey(aip_bytes id, aip_did_form form, aip_did *out, aip_error *err)
{
    out->form = form;
    if (multibase_decode_key(id, out->key, NULL) != AIP_OK) {
        return aip_fail(err, AIP_DID_INVALID, "not an Ed25519 key in multibase: z6Mk and 44 characters");
    }
    return AIP_OK;
}

static bool
read_hash(aip_bytes hex, unsigned char hash[16])
{
    size_t size;
    return hex.size == HASH_HEX_SIZE && hex_decode(hex, hash, 16, &size, NULL) == AIP_OK;
}

/* LOW *(LOW / DIGIT) *( "-" 1*(LOW / DIGIT) ) */
static bool
is_namespace(aip_bytes name)
{
    bool after_hyphen = false;
    if (name.size == 0 || name.size > NAMESPACE_BYTES_MAX || !all_of(first(name, 1), LOWER)) {
        return false;
    }
    for (size_t i = 1; i < name.size; i++) {
        bool hyphen = name.data[i] == '-';
        if ((hyphen && after_hyphen) || (!hyphen && (classes_of(name.data[i]) & (LOWER | DIGIT)) == 0)) {
            return false;
        }
        after_hyphen = hyphen;
    }
    return !after_hyphen;
}

static bool
is_solana(aip_bytes id)
{
    size_t owner = place_of(id, ':');
    if (owner < 32 || owner > 44 || owner == id.size || !all_of(first(id, owner), BASE58)) {
        return false;
    }
    aip_bytes slug = aip_bytes_from(id, owner + 1);
    return slug.size > 0 && slug.size <= SLUG_BYTES_MAX && all_escaped_or(slug, DIGIT | LOWER | UPPER, "-_") &&
           place_of(slug, '%') == slug.size;
}

static bool
is_eip155(aip_bytes id)
{
    aip_bytes prefix = AIP_BYTES_LITERAL("eip155:");
    return id.size > prefix.size && aip_bytes_begin_with(id, prefix);
}

static bool
is_uuid(aip_bytes id)
{
    if (id.size != 36) {
        return false;
    }
    for (size_t i = 0; i < id.size; i++) {
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen ? id.data[i] != '-' : (classes_of(id.data[i]) & (DIGIT | HEX_LOWER)) == 0) {
            return false;
        }
    }
    return true;
}

/* [a-z][a-z0-9]*_[A-Za-z0-9._-]+ */
static bool
is_provider(aip_bytes id)
{
    size_t name = place_of(id, '_');
    return name > 0 && name + 1 < id.size && all_of(first(id, 1), LOWER) && all_of(first(id, name), LOWER | DIGIT) &&
           all_of(aip_bytes_from(id, name + 1), DIGIT | LOWER | UPPER | MARK);
}

/* Forms of others under the same method name. An escape makes none of them. */
static aip_status
parse_foreign(aip_bytes id, aip_error *err)
{
    if (place_of(id, '%') == id.size && is_solana(id)) {
        return aip_fail(err, AIP_DID_FOREIGN_SOLANA, NULL);
    }
    if (place_of(id, '%') == id.size && is_eip155(id)) {
        return aip_fail(err, AIP_DID_FOREIGN_EIP155, NULL);
    }
    if (is_provider(id) || is_uuid(id)) {
        return aip_fail(err, AIP_DID_FOREIGN_PROVIDER, NULL);
    }
    return refuse(err);
}

static aip_status
parse_did_aip(aip_bytes id, aip_did *out, aip_error *err)
{
    size_t colon = place_of(id, ':');
    if (out->text.size > AIP_DID_AIP_BYTES_MAX) {
        return refuse(err);
    }
    if (id.size == MULTIBASE_KEY_TEXT_SIZE && aip_bytes_begin_with(id, AIP_BYTES_LITERAL("z6Mk"))) {
        return parse_multikey(id, AIP_DID_SELF, out, err);
    }
    if (read_hash(id, out->key_hash)) {
        out->form = AIP_DID_HASH;
        return AIP_OK;
    }
    if (colon < id.size && is_namespace(first(id, colon)) && read_hash(aip_bytes_from(id, colon + 1), out->key_hash)) {
        out->form = AIP_DID_NSHASH;
        return AIP_OK;
    }
    return parse_foreign(id, err);
}

static aip_status
parse_did_key(aip_bytes id, aip_did *out, aip_error *err)
{
    return parse_multikey(id, AIP_DID_KEY, out, err);
}

static aip_status
parse_did_web(aip_bytes id, aip_did *out, aip_error *err)
{
    out->form = AIP_DID_WEB;
    return did_web_check(id, err);
}

/* The raw key or the multicodec spelling of the same key. */
static aip_status
parse_name_key(aip_bytes text, aip_did *out, aip_error *err)
{
    unsigned char bytes[2 + AIP_KEY_BYTES];
    size_t size;
    out->form = AIP_NAME_KEY;
    if (text.size < 2 || text.size > KEY_NAME_BYTES_MAX || text.data[0] != 'z' ||
        base58_decode(aip_bytes_from(text, 1), bytes, sizeof bytes, &size, NULL) != AIP_OK) {
        return refuse(err);
    }
    if (size == AIP_KEY_BYTES) {
        memcpy(out->key, bytes, AIP_KEY_BYTES);
        return AIP_OK;
    }
    return parse_multikey(text, AIP_NAME_KEY, out, err);
}

/* domain "/" segment *("/" segment) */
static aip_status
parse_name_web(aip_bytes text, aip_did *out, aip_error *err)
{
    size_t slash = place_of(text, '/');
    out->form = AIP_NAME_WEB;
    if (slash == text.size || !did_web_host_is_public(first(text, slash))) {
        return refuse(err);
    }
    for (aip_bytes rest = aip_bytes_from(text, slash); rest.size > 0;) {
        rest = aip_bytes_from(rest, 1);
        aip_bytes segment = first(rest, place_of(rest, '/'));
        if (segment.size == 0 || !all_of(segment, DIGIT | LOWER | UPPER | MARK) ||
            place_of(segment, '.') < segment.size) {
            return refuse(err);
        }
        rest = aip_bytes_from(rest, segment.size);
    }
    return AIP_OK;
}

typedef struct {
    const char *prefix;
    bool is_did; /* the grammar of DID Core holds besides */
    aip_status (*parse)(aip_bytes rest, aip_did *out, aip_error *err);
} method;

static const method methods[] = {
    {"did:aip:", true, parse_did_aip},           {"did:key:", true, parse_did_key},   {"did:web:", true, parse_did_web},
    {"aip:key:ed25519:", false, parse_name_key}, {"aip:web:", false, parse_name_web},
};

aip_status
aip_did_parse(aip_bytes text, aip_did *out, aip_error *err)
{
    *out = (aip_did){.text = text};
    if (text.size > AIP_IDENTIFIER_BYTES_MAX) {
        return refuse(err);
    }
    bool is_did = aip_did_is_did(text);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        aip_bytes prefix = aip_bytes_of(methods[i].prefix);
        if (aip_bytes_begin_with(text, prefix)) {
            if (methods[i].is_did && !is_did) {
                return refuse(err);
            }
            return methods[i].parse(aip_bytes_from(text, prefix.size), out, err);
        }
    }
    return is_did ? aip_fail(err, AIP_DID_METHOD_UNSUPPORTED, NULL) : refuse(err);
}

void
aip_did_of_key(const aip_public_key *key, char out[AIP_DID_TEXT_SIZE])
{
    memcpy(out, "did:aip:", sizeof "did:aip:" - 1);
    multibase_encode_key(key->bytes, out + sizeof "did:aip:" - 1);
}

aip_status
aip_did_key(const aip_did *did, aip_public_key *out, aip_error *err)
{
    switch (did->form) {
    case AIP_DID_SELF:
    case AIP_DID_KEY:
    case AIP_NAME_KEY:
        return keyring_accept(did->key, out, err);
    case AIP_DID_HASH:
    case AIP_DID_NSHASH:
        return aip_fail(err, AIP_DID_KEY_MISSING, NULL);
    case AIP_DID_WEB:
    case AIP_NAME_WEB:
        break;
    }
    return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
}

aip_status
aip_did_find_key(const aip_did *did, aip_bytes kid, aip_public_key *out, aip_error *err)
{
    AIP_TRY(aip_did_key(did, out, err));
    return did_check_only_key(did, kid, out, err);
}

aip_status
did_check_only_key(const aip_did *did, aip_bytes kid, const aip_public_key *key, aip_error *err)
{
    char own[MULTIBASE_KEY_TEXT_SIZE + 1];
    if (kid.size == 0) {
        return AIP_OK;
    }
    if (!aip_bytes_begin_with(kid, did->text) || kid.size == did->text.size || kid.data[did->text.size] != '#') {
        return aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, "the kid names another identity");
    }
    aip_bytes fragment = aip_bytes_from(kid, did->text.size + 1);
    multibase_encode_key(key->bytes, own);
    bool numbered = did->form != AIP_DID_KEY && aip_bytes_equal(fragment, AIP_BYTES_LITERAL("key-1"));
    bool known = numbered || aip_bytes_equal(fragment, aip_bytes_of(own));
    return known ? AIP_OK : aip_fail(err, AIP_DIDDOC_KEY_NOT_FOUND, NULL);
}
