/* Key files: written once with mode 0600, read only when nobody else could have. */
#include "aip/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aip/did.h"
#include "base/scan.h"
#include "base/text.h"
#include "crypto/base64url.h"
#include "crypto/hash.h"
#include "crypto/seal.h"

#define FILE_BYTES_MAX 4096
#define FILE_NODES_MAX 64
#define FILE_DEPTH_MAX 3

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
compose(const aip_secret_key *key, const char *passphrase, file_text *text, aip_error *err)
{
    char did[AIP_DID_TEXT_SIZE];
    seal_parameters parameters;
    unsigned char sealed[SEAL_SEED_BYTES];
    aip_did_of_key(aip_secret_key_public(key), did);
    append(text, "{\"type\":\"aip-key\",\"version\":1,\"did\":\"%s\"", did);
    if (passphrase == NULL) {
        append_encoded(text, "seed", aip_secret_key_seed(key), AIP_SEED_BYTES);
    } else {
        aip_status status = seal_seed(aip_secret_key_seed(key), passphrase, aip_bytes_of(did), &parameters, sealed);
        if (status != AIP_OK) {
            return aip_fail(err, status, NULL);
        }
        append(text, ",\"kdf\":{\"name\":\"argon2id\",\"passes\":%llu,\"memory_bytes\":%llu",
               (unsigned long long)parameters.passes, (unsigned long long)parameters.memory_bytes);
        append_encoded(text, "salt", parameters.salt, sizeof parameters.salt);
        append(text, "},\"cipher\":\"xchacha20-poly1305\"");
        append_encoded(text, "nonce", parameters.nonce, sizeof parameters.nonce);
        append_encoded(text, "sealed_seed", sealed, sizeof sealed);
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
aip_keyfile_save(const char *path, const aip_secret_key *key, const char *passphrase, aip_error *err)
{
    file_text text = {.size = 0};
    aip_status status = compose(key, passphrase, &text, err);
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
        return errno == ELOOP ? refuse(err, "a symbolic link") : fail_io(err, "open");
    }
    aip_status status = check_file(file, err);
    if (status == AIP_OK) {
        status = read_all(file, text, err);
    }
    close(file);
    return status;
}

/* Every member must be one of these: what is not understood is not ignored in a key file. */
static bool
has_only(const scan_document *json, uint32_t object, const char *const *names)
{
    for (uint32_t i = scan_child(json, object); i != SCAN_NONE; i = scan_next(json, i)) {
        size_t n = 0;
        while (names[n] != NULL && !scan_name_equals(json, i, aip_bytes_of(names[n]))) {
            n++;
        }
        if (names[n] == NULL) {
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
read_sealed(const scan_document *json, const char *passphrase, aip_bytes did, unsigned char seed[AIP_SEED_BYTES],
            aip_error *err)
{
    static const char *const names[] = {"type", "version", "did", "kdf", "cipher", "nonce", "sealed_seed", NULL};
    seal_parameters parameters;
    unsigned char sealed[SEAL_SEED_BYTES];
    if (!has_only(json, 0, names) || !string_is(json, 0, "cipher", "xchacha20-poly1305") ||
        !read_kdf(json, &parameters) || !read_encoded(json, 0, "nonce", parameters.nonce, sizeof parameters.nonce) ||
        !read_encoded(json, 0, "sealed_seed", sealed, sizeof sealed)) {
        return refuse(err, "the sealed seed or its parameters cannot be read");
    }
    if (passphrase == NULL) {
        return aip_fail(err, AIP_KEYFILE_PASSPHRASE, "the key file is sealed: a passphrase is needed");
    }
    aip_status status = seal_open_seed(sealed, passphrase, did, &parameters, seed);
    return status == AIP_OK ? AIP_OK : aip_fail(err, status, NULL);
}

static aip_status
read_clear(const scan_document *json, unsigned char seed[AIP_SEED_BYTES], aip_error *err)
{
    static const char *const names[] = {"type", "version", "did", "seed", NULL};
    if (!has_only(json, 0, names) || !read_encoded(json, 0, "seed", seed, AIP_SEED_BYTES)) {
        return refuse(err, "the seed cannot be read, or a member is unknown");
    }
    return AIP_OK;
}

/* The key of the seed, when it is the one that the file names. */
static aip_status
make_key(const unsigned char seed[AIP_SEED_BYTES], aip_bytes did, aip_secret_key **out, aip_error *err)
{
    char wanted[AIP_DID_TEXT_SIZE];
    aip_secret_key *key;
    AIP_TRY(aip_secret_key_from_seed(seed, &key, err));
    aip_did_of_key(aip_secret_key_public(key), wanted);
    if (!aip_bytes_equal(did, aip_bytes_of(wanted))) {
        aip_secret_key_free(&key);
        return refuse(err, "seed and DID do not belong together");
    }
    *out = key;
    return AIP_OK;
}

static aip_status
read_key(const scan_document *json, const char *passphrase, aip_secret_key **out, aip_error *err)
{
    unsigned char seed[AIP_SEED_BYTES];
    uint64_t version;
    aip_bytes did;
    uint32_t did_node = scan_member(json, 0, "did");
    if (!string_is(json, 0, "type", "aip-key") || !read_integer(json, 0, "version", &version) || version != 1 ||
        did_node == SCAN_NONE || scan_kind_of(json, did_node) != SCAN_STRING ||
        scan_plain_string(json, did_node, &did, NULL) != AIP_OK) {
        return refuse(err, "not of type aip-key, version 1, with a did");
    }
    aip_status status = scan_member(json, 0, "kdf") == SCAN_NONE ? read_clear(json, seed, err)
                                                                 : read_sealed(json, passphrase, did, seed, err);
    if (status == AIP_OK) {
        status = make_key(seed, did, out, err);
    }
    hash_wipe(seed, sizeof seed);
    return status;
}

aip_status
aip_keyfile_load(const char *path, const char *passphrase, aip_secret_key **out, aip_error *err)
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
                     ? read_key(&json, passphrase, out, err)
                     : refuse(err, "not strict JSON");
    }
    hash_wipe(&text, sizeof text);
    return status;
}
