/* Identities as records of a database: fixed little-endian fields, judged again when they are read. */
#include "did/identity.h"

#include "did/keyring.h"

/* version 1, flags 1, name size 2, key count 2, log version 4, created 8, updated 8, head 32; the name; the keys */
#define RECORD_VERSION 1
#define HEAD_BYTES 58
/* key 32, uses 1, compromised 1, from 8, until 8, fragment size 1; the fragment */
#define KEY_HEAD_BYTES 51

enum { FLAG_HAS_LOG = 1, FLAG_DEACTIVATED = 2 };

static unsigned char *
put(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        *at++ = (unsigned char)(value >> (8 * i));
    }
    return at;
}

static unsigned char *
put_bytes(unsigned char *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static void
append_key(const identity_key *key, text_buffer *out)
{
    unsigned char head[KEY_HEAD_BYTES];
    aip_bytes fragment = aip_bytes_of(key->fragment);
    unsigned char *at = put_bytes(head, key->key.bytes, AIP_KEY_BYTES);
    at = put(at, key->uses, 1);
    at = put(at, key->compromised, 1);
    at = put(at, (uint64_t)key->from, 8);
    at = put(at, (uint64_t)key->until, 8);
    put(at, fragment.size, 1);
    text_append(out, (aip_bytes){head, sizeof head});
    text_append(out, fragment);
}

aip_status
identity_encode(const identity *id, text_buffer *out, aip_error *err)
{
    unsigned char head[HEAD_BYTES];
    aip_bytes name = aip_bytes_of(id->name);
    unsigned flags = (id->has_log ? (unsigned)FLAG_HAS_LOG : 0) | (id->deactivated ? (unsigned)FLAG_DEACTIVATED : 0);
    unsigned char *at = put(head, RECORD_VERSION, 1);
    at = put(at, flags, 1);
    at = put(at, name.size, 2);
    at = put(at, id->key_count, 2);
    at = put(at, id->version, 4);
    at = put(at, (uint64_t)id->created, 8);
    at = put(at, (uint64_t)id->updated, 8);
    put_bytes(at, id->head, sizeof id->head);
    text_append(out, (aip_bytes){head, sizeof head});
    text_append(out, name);
    for (size_t i = 0; i < id->key_count; i++) {
        append_key(&id->keys[i], out);
    }
    return text_finish(out, err);
}

static aip_status
refuse(const char *why, aip_error *err)
{
    return aip_fail(err, AIP_STORE_INVALID, "an identity's record: %s", why);
}

/* Takes a piece off the front; its data is NULL when the record is too short. */
static aip_bytes
take(aip_bytes *record, size_t size)
{
    aip_bytes piece = {size <= record->size ? record->data : NULL, size};
    if (piece.data != NULL) {
        *record = aip_bytes_from(*record, size);
    }
    return piece;
}

static uint64_t
get(const unsigned char **at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)(*at)[i] << (8 * i);
    }
    *at += bytes;
    return value;
}

static bool
is_fragment(aip_bytes text)
{
    bool good = text.size > 0 && text.size <= AIP_FRAGMENT_BYTES_MAX;
    for (size_t i = 0; good && i < text.size; i++) {
        good = text.data[i] > 0x20 && text.data[i] < 0x7f && text.data[i] != '#';
    }
    return good;
}

static aip_status
read_key(aip_bytes *record, identity_key *key, aip_error *err)
{
    aip_bytes head = take(record, KEY_HEAD_BYTES);
    if (head.data == NULL) {
        return refuse("too short", err);
    }
    const unsigned char *at = head.data + AIP_KEY_BYTES;
    key->uses = (uint8_t)get(&at, 1);
    uint64_t compromised = get(&at, 1);
    key->compromised = compromised == 1;
    key->from = (int64_t)get(&at, 8);
    key->until = (int64_t)get(&at, 8);
    aip_bytes fragment = take(record, (size_t)get(&at, 1));
    if (compromised > 1 || (key->uses & ~IDENTITY_USES_ALL) != 0 || (key->uses & IDENTITY_USE_BIT(DID_USE_ANY)) == 0 ||
        fragment.data == NULL || !is_fragment(fragment)) {
        return refuse("a key's fields", err);
    }
    memcpy(key->fragment, fragment.data, fragment.size);
    return keyring_accept(head.data, &key->key, err);
}

/* The windows of a log's keys follow one another without a gap. */
static bool
windows_follow(const identity *id)
{
    bool good = id->keys[0].from == INT64_MIN && id->keys[id->key_count - 1].until == INT64_MAX;
    for (size_t i = 1; good && i < id->key_count; i++) {
        good = id->keys[i].from == id->keys[i - 1].until && id->keys[i].from > id->keys[i - 1].from;
    }
    return good;
}

/* The name of the self form is the spelling of its key, so encoding the key compares both at once. */
static bool
is_self(const identity *id)
{
    char name[AIP_DID_TEXT_SIZE];
    if (id->key_count == 0) {
        return false;
    }
    aip_did_of_key(&id->keys[0].key, name);
    return strcmp(name, id->name) == 0;
}

/* Names of a host are content with any keys; all others have one key of their own, or a log that begins with it. */
static aip_status
check_belonging(const identity *id, aip_error *err)
{
    aip_did did;
    if (is_self(id)) {
        bool good = id->has_log ? id->key_count == (size_t)id->version + 1 && windows_follow(id)
                                : id->key_count == 1 && id->version == 0;
        return good ? AIP_OK : refuse("keys that its log cannot have", err);
    }
    AIP_TRY(aip_did_parse(aip_bytes_of(id->name), &did, err));
    bool of_host = did.form == AIP_DID_WEB || did.form == AIP_NAME_WEB;
    if (!of_host && id->key_count > 0) {
        AIP_TRY(did_check_key(&did, &id->keys[0].key, err));
    }
    bool good = !id->has_log && id->version == 0 && (of_host || id->key_count == 1);
    return good ? AIP_OK : refuse("keys that its name cannot have", err);
}

/* The fields before the keys. */
static aip_status
read_head(aip_bytes *record, aip_bytes name, identity **out, aip_error *err)
{
    aip_bytes head = take(record, HEAD_BYTES);
    const unsigned char *at = head.data;
    if (at == NULL || get(&at, 1) != RECORD_VERSION) {
        return refuse("of another form", err);
    }
    unsigned flags = (unsigned)get(&at, 1);
    aip_bytes stored = take(record, (size_t)get(&at, 2));
    size_t key_count = (size_t)get(&at, 2);
    if ((flags & ~(unsigned)(FLAG_HAS_LOG | FLAG_DEACTIVATED)) != 0 || stored.data == NULL ||
        !aip_bytes_equal(stored, name) || key_count > AIP_IDENTITY_KEYS_MAX) {
        return refuse("its name, flags or number of keys", err);
    }
    AIP_TRY(identity_new(name, key_count, out, err));
    identity *id = *out;
    id->has_log = (flags & FLAG_HAS_LOG) != 0;
    id->deactivated = (flags & FLAG_DEACTIVATED) != 0;
    id->version = (uint32_t)get(&at, 4);
    id->created = (int64_t)get(&at, 8);
    id->updated = (int64_t)get(&at, 8);
    memcpy(id->head, at, sizeof id->head);
    return AIP_OK;
}

static aip_status
read_record(aip_bytes record, aip_bytes name, identity **out, aip_error *err)
{
    AIP_TRY(read_head(&record, name, out, err));
    for (size_t i = 0; i < (*out)->key_count; i++) {
        AIP_TRY(read_key(&record, &(*out)->keys[i], err));
    }
    if (record.size > 0) {
        return refuse("something follows", err);
    }
    return check_belonging(*out, err);
}

aip_status
identity_decode(aip_bytes record, aip_bytes name, identity **out, aip_error *err)
{
    *out = NULL;
    aip_status status = read_record(record, name, out, err);
    if (status != AIP_OK) {
        identity_free(out);
    }
    return status;
}
