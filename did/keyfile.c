/* Key files: written once with mode 0600, read only when nobody else could have. */
#include "aip/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aip/limits.h"
#include "base/scan.h"
#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "crypto/seal.h"

#define FILE_BYTES_MAX 4096
#define FILE_NODES_MAX 64
#define FILE_DEPTH_MAX 3
#define NAME_SIZE (AIP_DID_TEXT_SIZE + sizeof("#key-4294967295 ") + MULTIBASE_KEY_TEXT_SIZE)

static aip_status
fail_io(aip_error *err, const char *what)
{
    return aip_fail(err, AIP_IO, "%s: %s", what, strerror(errno));
}

static aip_status
refuse(aip_error *err, const char *why)
{
    return aip_fail(err, AIP_KEYFILE_INVALID, "%s", why);
}

void
aip_key_owner_of(const aip_public_key *key, aip_key_owner *out)
{
    aip_did_of_key(key, out->did);
    out->number = 1;
}

/* What a sealed seed is bound to: the identity, and for a later key its number and the key as well. */
static aip_bytes
name_of(const aip_key_owner *owner, const char *key_text, char out[NAME_SIZE])
{
    int size = owner->number == 1
                   ? snprintf(out, NAME_SIZE, "%s", owner->did)
                   : snprintf(out, NAME_SIZE, "%s#key-%u %s", owner->did, (unsigned)owner->number, key_text);
    return (aip_bytes){(const unsigned char *)out, (size_t)size};
}

/* A first key is the one in the identity's name; a later one is number 2 or more of such an identity. */
static aip_status
check_owner(const aip_key_owner *owner, const aip_public_key *key, aip_error *err)
{
    aip_key_owner first;
    aip_did did;
    aip_key_owner_of(key, &first);
    if (owner->number == 1) {
        return strcmp(owner->did, first.did) == 0 ? AIP_OK : refuse(err, "seed and DID do not belong together");
    }
    bool named = aip_did_parse(aip_bytes_of(owner->did), &did, NULL) == AIP_OK && did.form == AIP_DID_SELF;
    return named && owner->number >= 2 && owner->number <= AIP_LOG_ENTRIES_MAX && strcmp(owner->did, first.did) != 0
               ? AIP_OK
               : refuse(err, "not a later key of a did:aip identity");
}

/* Fixed storage for one key file's text, so that no copy of it stays in freed memory. */
typedef struct {
    char data[FILE_BYTES_MAX + 1];
    size_t size;
} file_text;

__attribute__((format(printf, 2, 3))) static void
append(file_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text->data + text->size, sizeof text->data - text->size, format, arguments);
    va_end(arguments);
    text->size += (size_t)size; /* every field is of fixed size: the whole stays far below the array's */
}

static void
append_encoded(file_text *text, const char *name, const unsigned char *bytes, size_t size)
{
    append(text, ",\"%s\":\"", name);
    text->size += base64url_encode((aip_bytes){bytes, size}, text->data + text->size);
    append(text, "\"");
}

static aip_status
compose_sealed(const aip_secret_key *key, aip_bytes name, const char *passphrase, file_text *text, aip_error *err)
{
    seal_parameters parameters;
    unsigned char sealed[SEAL_SEED_BYTES];
    aip_status status = seal_seed(aip_secret_key_seed(key), passphrase, name, &parameters, sealed);
    if (status != AIP_OK) {
        return aip_fail(err, status, NULL);
    }
    append(text, ",\"kdf\":{\"name\":\"argon2id\",\"passes\":%llu,\"memory_bytes\":%llu",
           (unsigned long long)parameters.passes, (unsigned long long)parameters.memory_bytes);
    append_encoded(text, "salt", parameters.salt, sizeof parameters.salt);
    append(text, "},\"cipher\":\"xchacha20-poly1305\"");
    append_encoded(text, "nonce", parameters.nonce, sizeof parameters.nonce);
    append_encoded(text, "sealed_seed", sealed, sizeof sealed);
    return AIP_OK;
}

static aip_status
compose(const aip_secret_key *key, const aip_key_owner *owner, const char *passphrase, file_text *text, aip_error *err)
{
    char key_text[MULTIBASE_KEY_TEXT_SIZE + 1], name[NAME_SIZE];
    multibase_encode_key(aip_secret_key_public(key)->bytes, key_text);
    append(text, "{\"type\":\"aip-key\",\"version\":1,\"did\":\"%s\"", owner->did);
    if (owner->number > 1) {
        append(text, ",\"number\":%u,\"key\":\"%s\"", (unsigned)owner->number, key_text);
    }
    if (passphrase == NULL) {
        append_encoded(text, "seed", aip_secret_key_seed(key), AIP_SEED_BYTES);
    } else {
        AIP_TRY(compose_sealed(key, name_of(owner, key_text, name), passphrase, text, err));
    }
    append(text, "}\n");
    return AIP_OK;
}

static aip_status
write_all(int file, const char *data, size_t size, aip_error *err)
{
    while (size > 0) {
        ssize_t written = write(file, data, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fail_io(err, "write");
        }
        data += written;
        size -= (size_t)written;
    }
    return AIP_OK;
}

/* The name itself is durable only when its directory is. */
static aip_status
sync_directory_of(const char *path, aip_error *err)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (directory == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (file < 0) {
        return fail_io(err, "open the directory");
    }
    aip_status status = fsync(file) == 0 ? AIP_OK : fail_io(err, "fsync of the directory");
    close(file);
    return status;
}

static aip_status
write_new_file(const char *path, const file_text *text, aip_error *err)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        return errno == EEXIST ? aip_fail(err, AIP_KEYFILE_EXISTS, NULL) : fail_io(err, "create");
    }
    aip_status status = fchmod(file, 0600) == 0 ? AIP_OK : fail_io(err, "chmod");
    if (status == AIP_OK) {
        status = write_all(file, text->data, text->size, err);
    }
    if (status == AIP_OK && fsync(file) != 0) {
        status = fail_io(err, "fsync");
    }
    if (close(file) != 0 && status == AIP_OK) {
        status = fail_io(err, "close");
    }
    if (status == AIP_OK) {
        status = sync_directory_of(path, err);
    }
    if (status != AIP_OK) {
        unlink(path); /* ours: O_EXCL made it */
    }
    return status;
}

aip_status
aip_keyfile_save(const char *path, const aip_secret_key *key, const aip_key_owner *owner, const char *passphrase,
                 aip_error *err)
{
    file_text text = {.size = 0};
    aip_key_owner own;
    aip_key_owner_of(aip_secret_key_public(key), &own);
    owner = owner == NULL ? &own : owner;
    AIP_TRY(check_owner(owner, aip_secret_key_public(key), err));
    aip_status status = compose(key, owner, passphrase, &text, err);
    if (status == AIP_OK) {
        status = write_new_file(path, &text, err);
    }
    hash_wipe(&text, sizeof text);
    return status;
}

static aip_status
check_file(int file, aip_error *err)
{
    struct stat facts;
    if (fstat(file, &facts) != 0) {
        return fail_io(err, "stat");
    }
    if (!S_ISREG(facts.st_mode)) {
        return refuse(err, "not a regular file");
    }
    if ((facts.st_mode & 077) != 0) {
        return aip_fail(err, AIP_KEYFILE_MODE, NULL);
    }
    if (facts.st_uid != geteuid() && facts.st_uid != 0) {
        return aip_fail(err, AIP_KEYFILE_MODE, "the key file belongs to another user");
    }
    return AIP_OK;
}

static aip_status
read_all(int file, file_text *text, aip_error *err)
{
    while (text->size < sizeof text->data) {
        ssize_t got = read(file, text->data + text->size, sizeof text->data - text->size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_io(err, "read");
        }
        if (got == 0) {
            return AIP_OK;
        }
        text->size += (size_t)got;
    }
    return refuse(err, "larger than any key file");
}

static aip_status
read_file(const char *path, file_text *text, aip_error *err)
{
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return errno == ELOOP ? refuse(err, "a symbolic link") : fail_io(err, path);
    }
    aip_status status = check_file(file, err);
    if (status == AIP_OK) {
        status = read_all(file, text, err);
    }
    close(file);
    return status;
}

static bool
is_one_of(const scan_document *json, uint32_t member, const char *const *names)
{
    while (*names != NULL && !scan_name_equals(json, member, aip_bytes_of(*names))) {
        names++;
    }
    return *names != NULL;
}

/* Every member must be one of these: what is not understood is not ignored in a key file. */
static bool
has_only(const scan_document *json, uint32_t object, const char *const *names)
{
    for (uint32_t i = scan_child(json, object); i != SCAN_NONE; i = scan_next(json, i)) {
        if (!is_one_of(json, i, names)) {
            return false;
        }
    }
    return true;
}

/* The same for the file's own object, where some members say whose key it is. */
static bool
file_has_only(const scan_document *json, const char *const *names)
{
    static const char *const owner_names[] = {"type", "version", "did", "number", "key", NULL};
    for (uint32_t i = scan_child(json, 0); i != SCAN_NONE; i = scan_next(json, i)) {
        if (!is_one_of(json, i, owner_names) && !is_one_of(json, i, names)) {
            return false;
        }
    }
    return true;
}

static bool
string_is(const scan_document *json, uint32_t object, const char *name, const char *wanted)
{
    uint32_t value = scan_member(json, object, name);
    return value != SCAN_NONE && scan_kind_of(json, value) == SCAN_STRING &&
           scan_string_equals(json, value, aip_bytes_of(wanted));
}

static bool
read_integer(const scan_document *json, uint32_t object, const char *name, uint64_t *out)
{
    uint32_t value = scan_member(json, object, name);
    return value != SCAN_NONE && scan_integer(json, value, UINT32_MAX, out, NULL) == AIP_OK;
}

/* Exactly `size` bytes of base64url. */
static bool
read_encoded(const scan_document *json, uint32_t object, const char *name, unsigned char *out, size_t size)
{
    uint32_t value = scan_member(json, object, name);
    aip_bytes text;
    size_t decoded;
    return value != SCAN_NONE && scan_kind_of(json, value) == SCAN_STRING &&
           scan_plain_string(json, value, &text, NULL) == AIP_OK &&
           base64url_decode_secret(text, out, size, &decoded, NULL) == AIP_OK && decoded == size;
}

static bool
read_kdf(const scan_document *json, seal_parameters *out)
{
    static const char *const names[] = {"name", "passes", "memory_bytes", "salt", NULL};
    uint32_t kdf = scan_member(json, 0, "kdf");
    return kdf != SCAN_NONE && scan_kind_of(json, kdf) == SCAN_OBJECT && has_only(json, kdf, names) &&
           string_is(json, kdf, "name", "argon2id") && read_integer(json, kdf, "passes", &out->passes) &&
           read_integer(json, kdf, "memory_bytes", &out->memory_bytes) &&
           read_encoded(json, kdf, "salt", out->salt, sizeof out->salt);
}

static aip_status
read_sealed(const scan_document *json, const char *passphrase, aip_bytes name, unsigned char seed[AIP_SEED_BYTES],
            aip_error *err)
{
    static const char *const names[] = {"kdf", "cipher", "nonce", "sealed_seed", NULL};
    seal_parameters parameters;
    unsigned char sealed[SEAL_SEED_BYTES];
    if (!file_has_only(json, names) || !string_is(json, 0, "cipher", "xchacha20-poly1305") ||
        !read_kdf(json, &parameters) || !read_encoded(json, 0, "nonce", parameters.nonce, sizeof parameters.nonce) ||
        !read_encoded(json, 0, "sealed_seed", sealed, sizeof sealed)) {
        return refuse(err, "the sealed seed or its parameters cannot be read");
    }
    if (passphrase == NULL) {
        return aip_fail(err, AIP_KEYFILE_PASSPHRASE, "the key file is sealed: a passphrase is needed");
    }
    aip_status status = seal_open_seed(sealed, passphrase, name, &parameters, seed);
    return status == AIP_OK ? AIP_OK : aip_fail(err, status, NULL);
}

static aip_status
read_clear(const scan_document *json, unsigned char seed[AIP_SEED_BYTES], aip_error *err)
{
    static const char *const names[] = {"seed", NULL};
    if (!file_has_only(json, names) || !read_encoded(json, 0, "seed", seed, AIP_SEED_BYTES)) {
        return refuse(err, "the seed cannot be read, or a member is unknown");
    }
    return AIP_OK;
}

/* A string member that is copied; false when it is missing, escaped or longer. */
static bool
read_text(const scan_document *json, const char *name, char *out, size_t capacity)
{
    uint32_t value = scan_member(json, 0, name);
    aip_bytes text;
    if (value == SCAN_NONE || scan_kind_of(json, value) != SCAN_STRING ||
        scan_plain_string(json, value, &text, NULL) != AIP_OK || text.size >= capacity) {
        return false;
    }
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

/* Whose key it is, as the file says; `key_text` is empty for a first key. */
static aip_status
read_owner(const scan_document *json, aip_key_owner *owner, char key_text[MULTIBASE_KEY_TEXT_SIZE + 1], aip_error *err)
{
    uint64_t version, number = 1;
    key_text[0] = '\0';
    if (!string_is(json, 0, "type", "aip-key") || !read_integer(json, 0, "version", &version) || version != 1 ||
        !read_text(json, "did", owner->did, sizeof owner->did)) {
        return refuse(err, "not of type aip-key, version 1, with a did");
    }
    bool later = scan_member(json, 0, "number") != SCAN_NONE || scan_member(json, 0, "key") != SCAN_NONE;
    if (later && (!read_integer(json, 0, "number", &number) || number < 2 ||
                  !read_text(json, "key", key_text, MULTIBASE_KEY_TEXT_SIZE + 1))) {
        return refuse(err, "a later key has a number from 2 on and its key");
    }
    owner->number = (uint32_t)number;
    return AIP_OK;
}

/* The key of the seed, when it is the one that the file names. */
static aip_status
make_key(const unsigned char seed[AIP_SEED_BYTES], const aip_key_owner *owner, const char *key_text,
         aip_secret_key **out, aip_error *err)
{
    char derived[MULTIBASE_KEY_TEXT_SIZE + 1];
    aip_secret_key *key;
    AIP_TRY(aip_secret_key_from_seed(seed, &key, err));
    multibase_encode_key(aip_secret_key_public(key)->bytes, derived);
    aip_status status = check_owner(owner, aip_secret_key_public(key), err);
    if (status == AIP_OK && owner->number > 1 && strcmp(key_text, derived) != 0) {
        status = refuse(err, "seed and key do not belong together");
    }
    if (status != AIP_OK) {
        aip_secret_key_free(&key);
        return status;
    }
    *out = key;
    return AIP_OK;
}

static aip_status
read_key(const scan_document *json, const char *passphrase, aip_key_owner *owner, aip_secret_key **out, aip_error *err)
{
    unsigned char seed[AIP_SEED_BYTES];
    char key_text[MULTIBASE_KEY_TEXT_SIZE + 1], name[NAME_SIZE];
    aip_key_owner named;
    AIP_TRY(read_owner(json, &named, key_text, err));
    if (owner == NULL && named.number != 1) {
        return refuse(err, "a later key of a rotated identity cannot be used here");
    }
    aip_status status = scan_member(json, 0, "kdf") == SCAN_NONE
                            ? read_clear(json, seed, err)
                            : read_sealed(json, passphrase, name_of(&named, key_text, name), seed, err);
    if (status == AIP_OK) {
        status = make_key(seed, &named, key_text, out, err);
    }
    if (status == AIP_OK && owner != NULL) {
        *owner = named;
    }
    hash_wipe(seed, sizeof seed);
    return status;
}

aip_status
aip_keyfile_load(const char *path, const char *passphrase, aip_key_owner *owner, aip_secret_key **out, aip_error *err)
{
    const scan_limits limits = {FILE_BYTES_MAX, FILE_DEPTH_MAX, FILE_NODES_MAX};
    scan_node nodes[FILE_NODES_MAX];
    scan_document json;
    file_text text = {.size = 0};
    *out = NULL;
    aip_status status = read_file(path, &text, err);
    if (status == AIP_OK) {
        aip_bytes bytes = {(const unsigned char *)text.data, text.size};
        status = scan_into(bytes, &limits, nodes, FILE_NODES_MAX, &json, NULL) == AIP_OK
                     ? read_key(&json, passphrase, owner, out, err)
                     : refuse(err, "not strict JSON");
    }
    hash_wipe(&text, sizeof text);
    return status;
}
