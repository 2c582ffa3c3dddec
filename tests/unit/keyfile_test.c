/* Key files: what is written is read back, never overwritten, and refused when others could have read it. */
#include "aip/keyfile.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/check.h"

static char directory[] = "/tmp/aip-keyfile-XXXXXX";
static char path[64];

static void
begin(void)
{
    strcpy(strrchr(directory, '-'), "-XXXXXX");
    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/key.json", directory);
}

static void
end(void)
{
    unlink(path);
    CHECK(rmdir(directory) == 0);
}

static void
write_file(const char *text, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    CHECK(chmod(path, mode) == 0);
}

static void
check_same_key(const char *passphrase, const aip_secret_key *wanted)
{
    aip_secret_key *loaded = NULL;
    CHECK_STATUS(aip_keyfile_load(path, passphrase, &loaded, NULL), AIP_OK);
    CHECK(loaded != NULL && memcmp(aip_secret_key_seed(loaded), aip_secret_key_seed(wanted), AIP_SEED_BYTES) == 0);
    aip_secret_key_free(&loaded);
}

static void
a_key_in_the_clear_is_written_once_with_mode_0600(void)
{
    aip_secret_key *key = NULL, *other = NULL;
    struct stat facts;
    begin();
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_generate(&other, NULL), AIP_OK);
    mode_t before = umask(0777);
    CHECK_STATUS(aip_keyfile_save(path, key, NULL, NULL), AIP_OK);
    umask(before);
    CHECK(stat(path, &facts) == 0 && (facts.st_mode & 07777) == 0600);
    CHECK_STATUS(aip_keyfile_save(path, other, NULL, NULL), AIP_KEYFILE_EXISTS);
    check_same_key(NULL, key);
    check_same_key("unneeded", key);
    aip_secret_key_free(&key);
    aip_secret_key_free(&other);
    end();
}

static void
a_sealed_key_opens_with_its_passphrase_only(void)
{
    aip_secret_key *key = NULL, *loaded = NULL;
    begin();
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    CHECK_STATUS(aip_keyfile_save(path, key, "correct horse", NULL), AIP_OK);
    check_same_key("correct horse", key);
    CHECK_STATUS(aip_keyfile_load(path, "wrong horse", &loaded, NULL), AIP_KEYFILE_PASSPHRASE);
    CHECK_STATUS(aip_keyfile_load(path, NULL, &loaded, NULL), AIP_KEYFILE_PASSPHRASE);
    CHECK(loaded == NULL);
    aip_secret_key_free(&key);
    end();
}

#define DID "did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
#define SEED "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define CLEAR "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID "\",\"seed\":\"" SEED "\"}"

static void
a_file_that_others_can_read_or_reach_is_refused(void)
{
    aip_secret_key *key = NULL;
    char link_path[80];
    begin();
    write_file(CLEAR, 0600);
    CHECK_STATUS(aip_keyfile_load(path, NULL, &key, NULL), AIP_OK);
    aip_secret_key_free(&key);
    write_file(CLEAR, 0400);
    CHECK_STATUS(aip_keyfile_load(path, NULL, &key, NULL), AIP_OK);
    aip_secret_key_free(&key);
    write_file(CLEAR, 0640);
    CHECK_STATUS(aip_keyfile_load(path, NULL, &key, NULL), AIP_KEYFILE_MODE);
    write_file(CLEAR, 0604);
    CHECK_STATUS(aip_keyfile_load(path, NULL, &key, NULL), AIP_KEYFILE_MODE);
    write_file(CLEAR, 0600);
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    CHECK(symlink(path, link_path) == 0);
    CHECK_STATUS(aip_keyfile_load(link_path, NULL, &key, NULL), AIP_KEYFILE_INVALID);
    unlink(link_path);
    CHECK_STATUS(aip_keyfile_load(link_path, NULL, &key, NULL), AIP_IO);
    CHECK_STATUS(aip_keyfile_load(directory, NULL, &key, NULL), AIP_KEYFILE_INVALID);
    CHECK(mkfifo(link_path, 0600) == 0);
    CHECK_STATUS(aip_keyfile_load(link_path, NULL, &key, NULL), AIP_KEYFILE_INVALID);
    unlink(link_path);
    end();
}

static void
a_file_that_is_not_exactly_a_key_file_is_refused(void)
{
    static const char *const texts[] = {
        "",
        "{}",
        CLEAR " x",
        "{\"type\":\"aip-key\",\"version\":2,\"did\":\"" DID "\",\"seed\":\"" SEED "\"}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID "\",\"seed\":\"" SEED "\",\"more\":1}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID "\",\"did\":\"" DID "\",\"seed\":\"" SEED "\"}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID
        "\",\"seed\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\"}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID
        "\",\"seed\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg\"}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"did:aip:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2\","
        "\"seed\":\"" SEED "\"}",
        "{\"type\":\"key\",\"version\":1,\"did\":\"" DID "\",\"seed\":\"" SEED "\"}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID "\",\"kdf\":{},\"seed\":\"" SEED "\"}",
        "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" DID
        "\",\"kdf\":{\"name\":\"argon2id\",\"passes\":3,\"memory_bytes\":4000000000,"
        "\"salt\":\"AAAAAAAAAAAAAAAAAAAAAA\"},\"cipher\":\"xchacha20-poly1305\",\"nonce\":"
        "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
        "\"sealed_seed\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
    };
    aip_secret_key *key = NULL;
    begin();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_file(texts[i], 0600);
        CHECK_STATUS(aip_keyfile_load(path, "passphrase", &key, NULL), AIP_KEYFILE_INVALID);
        CHECK(key == NULL);
    }
    end();
}

static void
saving_into_a_missing_directory_fails_without_a_trace(void)
{
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    CHECK_STATUS(aip_keyfile_save("/tmp/aip-no-such-directory/key.json", key, NULL, NULL), AIP_IO);
    aip_secret_key_free(&key);
}

RUN(TEST(a_key_in_the_clear_is_written_once_with_mode_0600), TEST(a_sealed_key_opens_with_its_passphrase_only),
    TEST(a_file_that_others_can_read_or_reach_is_refused), TEST(a_file_that_is_not_exactly_a_key_file_is_refused),
    TEST(saving_into_a_missing_directory_fails_without_a_trace))
