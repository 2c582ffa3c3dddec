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
    CHECK_STATUS(aip_keyfile_load(path, passphrase, NULL, &loaded, NULL), AIP_OK);
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
    CHECK_STATUS(aip_keyfile_save(path, key, NULL, NULL, NULL), AIP_OK);
    umask(before);
    CHECK(stat(path, &facts) == 0 && (facts.st_mode & 07777) == 0600);
    CHECK_STATUS(aip_keyfile_save(path, other, NULL, NULL, NULL), AIP_KEYFILE_EXISTS);
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
    CHECK_STATUS(aip_keyfile_save(path, key, NULL, "correct horse", NULL), AIP_OK);
    check_same_key("correct horse", key);
    CHECK_STATUS(aip_keyfile_load(path, "wrong horse", NULL, &loaded, NULL), AIP_KEYFILE_PASSPHRASE);
    CHECK_STATUS(aip_keyfile_load(path, NULL, NULL, &loaded, NULL), AIP_KEYFILE_PASSPHRASE);
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
    CHECK_STATUS(aip_keyfile_load(path, NULL, NULL, &key, NULL), AIP_OK);
    aip_secret_key_free(&key);
    write_file(CLEAR, 0400);
    CHECK_STATUS(aip_keyfile_load(path, NULL, NULL, &key, NULL), AIP_OK);
    aip_secret_key_free(&key);
    write_file(CLEAR, 0640);
    CHECK_STATUS(aip_keyfile_load(path, NULL, NULL, &key, NULL), AIP_KEYFILE_MODE);
    write_file(CLEAR, 0604);
    CHECK_STATUS(aip_keyfile_load(path, NULL, NULL, &key, NULL), AIP_KEYFILE_MODE);
    write_file(CLEAR, 0600);
    snprintf(link_path, sizeof link_path, "%s/link", directory);
    CHECK(symlink(path, link_path) == 0);
    CHECK_STATUS(aip_keyfile_load(link_path, NULL, NULL, &key, NULL), AIP_KEYFILE_INVALID);
    unlink(link_path);
    CHECK_STATUS(aip_keyfile_load(link_path, NULL, NULL, &key, NULL), AIP_IO);
    CHECK_STATUS(aip_keyfile_load(directory, NULL, NULL, &key, NULL), AIP_KEYFILE_INVALID);
    CHECK(mkfifo(link_path, 0600) == 0);
    CHECK_STATUS(aip_keyfile_load(link_path, NULL, NULL, &key, NULL), AIP_KEYFILE_INVALID);
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
        CHECK_STATUS(aip_keyfile_load(path, "passphrase", NULL, &key, NULL), AIP_KEYFILE_INVALID);
        CHECK(key == NULL);
    }
    end();
}

static void
saving_into_a_missing_directory_fails_without_a_trace(void)
{
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    CHECK_STATUS(aip_keyfile_save("/tmp/aip-no-such-directory/key.json", key, NULL, NULL, NULL), AIP_IO);
    aip_secret_key_free(&key);
}

/* The second key of DID's identity, made of the same seed as DID's own key or of another one. */
#define OTHER_DID "did:aip:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2"
#define KEY "z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
#define LATER(did, number, key) \
    "{\"type\":\"aip-key\",\"version\":1,\"did\":\"" did "\"" number key ",\"seed\":\"" SEED "\"}"
#define NUMBER(n) ",\"number\":" n
#define MEMBER_KEY ",\"key\":\"" KEY "\""

static void
check_later_key(const char *passphrase, const aip_secret_key *wanted, const aip_key_owner *owner)
{
    aip_secret_key *loaded = NULL;
    aip_key_owner found = {.number = 0};
    CHECK_STATUS(aip_keyfile_load(path, passphrase, &found, &loaded, NULL), AIP_OK);
    CHECK(loaded != NULL && memcmp(aip_secret_key_seed(loaded), aip_secret_key_seed(wanted), AIP_SEED_BYTES) == 0);
    CHECK_TEXT(found.did, owner->did);
    CHECK(found.number == owner->number);
    aip_secret_key_free(&loaded);
    CHECK_STATUS(aip_keyfile_load(path, passphrase, NULL, &loaded, NULL), AIP_KEYFILE_INVALID);
    CHECK(loaded == NULL);
}

static void
a_later_key_keeps_its_identity_and_number(void)
{
    aip_secret_key *first = NULL, *key = NULL;
    aip_key_owner owner;
    begin();
    CHECK_STATUS(aip_secret_key_generate(&first, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    aip_key_owner_of(aip_secret_key_public(first), &owner);
    owner.number = 2;
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, NULL, NULL), AIP_OK);
    check_later_key(NULL, key, &owner);
    unlink(path);
    owner.number = 256;
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, "correct horse", NULL), AIP_OK);
    check_later_key("correct horse", key, &owner);
    aip_secret_key_free(&first);
    aip_secret_key_free(&key);
    end();
}

static void
an_owner_that_the_key_cannot_have_is_not_written(void)
{
    aip_secret_key *first = NULL, *key = NULL;
    aip_key_owner owner;
    begin();
    CHECK_STATUS(aip_secret_key_generate(&first, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    aip_key_owner_of(aip_secret_key_public(first), &owner);
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, NULL, NULL), AIP_KEYFILE_INVALID);
    owner.number = 0;
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, NULL, NULL), AIP_KEYFILE_INVALID);
    owner.number = 257;
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, NULL, NULL), AIP_KEYFILE_INVALID);
    owner.number = 2;
    CHECK_STATUS(aip_keyfile_save(path, first, &owner, NULL, NULL), AIP_KEYFILE_INVALID);
    strcpy(owner.did, "did:web:example.com");
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, NULL, NULL), AIP_KEYFILE_INVALID);
    CHECK(access(path, F_OK) != 0);
    aip_secret_key_free(&first);
    aip_secret_key_free(&key);
    end();
}

static void
a_later_key_file_that_contradicts_itself_is_refused(void)
{
    static const char *const texts[] = {
        LATER(OTHER_DID, NUMBER("2"), ""),
        LATER(OTHER_DID, "", MEMBER_KEY),
        LATER(OTHER_DID, NUMBER("0"), MEMBER_KEY),
        LATER(OTHER_DID, NUMBER("1"), MEMBER_KEY),
        LATER(OTHER_DID, NUMBER("257"), MEMBER_KEY),
        LATER(OTHER_DID, NUMBER("4294967298"), MEMBER_KEY),
        LATER(OTHER_DID, NUMBER("\"2\""), MEMBER_KEY),
        LATER(OTHER_DID, NUMBER("2"), ",\"key\":\"z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2\""),
        LATER(OTHER_DID, NUMBER("2"), ",\"key\":\"" KEY "x\""),
        LATER(DID, NUMBER("2"), MEMBER_KEY),
        LATER("did:web:example.com", NUMBER("2"), MEMBER_KEY),
        LATER("did:aip:d3b07384d113edec49eaa6238ad5ff00", NUMBER("2"), MEMBER_KEY),
    };
    aip_secret_key *key = NULL;
    aip_key_owner owner;
    begin();
    write_file(LATER(OTHER_DID, NUMBER("2"), MEMBER_KEY), 0600);
    CHECK_STATUS(aip_keyfile_load(path, NULL, &owner, &key, NULL), AIP_OK);
    aip_secret_key_free(&key);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_file(texts[i], 0600);
        CHECK_STATUS(aip_keyfile_load(path, NULL, &owner, &key, NULL), AIP_KEYFILE_INVALID);
        CHECK(key == NULL);
    }
    end();
}

/* Replaces the first `from` in the file by `to` of the same length. */
static void
change_file(const char *from, const char *to)
{
    char text[4096];
    FILE *file = fopen(path, "r+");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    char *found = strstr(text, from);
    CHECK(found != NULL && strlen(from) == strlen(to));
    if (found != NULL) {
        memcpy(found, to, strlen(to));
        rewind(file);
        CHECK(fwrite(text, 1, size, file) == size);
    }
    CHECK(file != NULL && fclose(file) == 0);
}

static void
a_passphrase_seals_number_and_identity_too(void)
{
    aip_secret_key *first = NULL, *key = NULL, *loaded = NULL;
    aip_key_owner owner, found;
    begin();
    CHECK_STATUS(aip_secret_key_generate(&first, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_generate(&key, NULL), AIP_OK);
    aip_key_owner_of(aip_secret_key_public(first), &owner);
    owner.number = 2;
    CHECK_STATUS(aip_keyfile_save(path, key, &owner, "correct horse", NULL), AIP_OK);
    change_file("\"number\":2", "\"number\":3");
    CHECK_STATUS(aip_keyfile_load(path, "correct horse", &found, &loaded, NULL), AIP_KEYFILE_PASSPHRASE);
    change_file("\"number\":3", "\"number\":2");
    change_file(owner.did, OTHER_DID);
    CHECK_STATUS(aip_keyfile_load(path, "correct horse", &found, &loaded, NULL), AIP_KEYFILE_PASSPHRASE);
    change_file(OTHER_DID, owner.did);
    CHECK_STATUS(aip_keyfile_load(path, "correct horse", &found, &loaded, NULL), AIP_OK);
    aip_secret_key_free(&loaded);
    aip_secret_key_free(&first);
    aip_secret_key_free(&key);
    end();
}

RUN(TEST(a_key_in_the_clear_is_written_once_with_mode_0600), TEST(a_sealed_key_opens_with_its_passphrase_only),
    TEST(a_file_that_others_can_read_or_reach_is_refused), TEST(a_file_that_is_not_exactly_a_key_file_is_refused),
    TEST(saving_into_a_missing_directory_fails_without_a_trace), TEST(a_later_key_keeps_its_identity_and_number),
    TEST(an_owner_that_the_key_cannot_have_is_not_written), TEST(a_later_key_file_that_contradicts_itself_is_refused),
    TEST(a_passphrase_seals_number_and_identity_too))
