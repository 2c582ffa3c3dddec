/* Identity documents of aip: names: where they stand, writing and verifying, and what a changed one is worth. */
#include "did/aipdoc.h"

#include <stdlib.h>

#include "base/clock.h"
#include "crypto/multibase.h"
#include "tests/unit/check.h"

#define NAME "aip:web:agents.example.com/team/writer"
#define NOW 1800000000

static aip_secret_key *
key_of_seed(unsigned char first)
{
    unsigned char seed[AIP_SEED_BYTES] = {first};
    aip_secret_key *key = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    return key;
}

static char *
write_document(const aip_secret_key *key, const char *name, const char *label)
{
    const aipdoc_statement statement = {name, label, NOW - 100, NOW + 100, NOW + 50};
    char *text = NULL;
    CHECK_STATUS(aipdoc_write(key, &statement, &text, NULL), AIP_OK);
    return text;
}

static void
the_address_of_a_document_follows_from_the_name(void)
{
    static const char *const refused[] = {
        "aip:web:example.com",        "aip:web:example.com/a/",
        "aip:web:example.com:8080/a", "aip:web:u@example.com/a",
        "aip:web:example.com/../a",   "aip:web:127.0.0.1/a",
        "aip:web:localhost/a",        "aip:web:Example.com/a",
        "aip:web:example.com/a?b#c",  "aip:key:ed25519:zFAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF",
        "did:web:example.com:a",      ""};
    STRING_AUTO char *url = NULL;
    CHECK_STATUS(aipdoc_url(aip_bytes_of(NAME), &url, NULL), AIP_OK);
    CHECK_TEXT(url, "https://agents.example.com/.well-known/aip/team/writer.json");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        STRING_AUTO char *none = NULL;
        CHECK_STATUS(aipdoc_url(aip_bytes_of(refused[i]), &none, NULL), AIP_DID_INVALID);
    }
}

static void
a_written_document_verifies_while_its_times_hold(void)
{
    aip_secret_key *key = key_of_seed(1);
    STRING_AUTO char *text = write_document(key, NAME, "a \"label\"\n\xe2\x98\x83");
    static const struct {
        int64_t now;
        aip_status wanted;
    } cases[] = {{NOW, AIP_OK},
                 {NOW - 100, AIP_OK},
                 {NOW - 101, AIP_AIPDOC_SIGNATURE},
                 {NOW + 49, AIP_OK},
                 {NOW + 50, AIP_AIPDOC_EXPIRED},
                 {NOW + 100, AIP_AIPDOC_EXPIRED},
                 {NOW + 101, AIP_AIPDOC_SIGNATURE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IDENTITY_AUTO identity *id = NULL;
        int64_t expires = 0;
        CHECK_STATUS(aipdoc_verify(aip_bytes_of(text), aip_bytes_of(NAME), cases[i].now, &id, &expires, NULL),
                     cases[i].wanted);
        CHECK((id != NULL) == (cases[i].wanted == AIP_OK));
        if (id != NULL) {
            CHECK(id->key_count == 1 && id->keys[0].from == NOW - 100 && id->keys[0].until == NOW + 101);
            CHECK(expires == NOW + 50 && id->keys[0].uses == IDENTITY_USES_ALL && !id->has_log);
            CHECK(memcmp(id->keys[0].key.bytes, aip_secret_key_public(key)->bytes, AIP_KEY_BYTES) == 0);
            CHECK_TEXT(id->keys[0].fragment, "key-1");
            CHECK_TEXT(id->name, NAME);
        }
    }
    aip_secret_key_free(&key);
}

static void
any_flipped_bit_is_refused(void)
{
    aip_secret_key *key = key_of_seed(2);
    STRING_AUTO char *text = write_document(key, NAME, "x");
    for (size_t i = 0; text[i] != '\0'; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            IDENTITY_AUTO identity *id = NULL;
            int64_t expires;
            text[i] = (char)(text[i] ^ (1 << bit));
            if (aipdoc_verify(aip_bytes_of(text), aip_bytes_of(NAME), NOW, &id, &expires, NULL) == AIP_OK) {
                printf("  accepted with bit %u of byte %zu flipped\n", bit, i);
                CHECK(false);
            }
            text[i] = (char)(text[i] ^ (1 << bit));
        }
    }
    aip_secret_key_free(&key);
}

static void
a_document_counts_for_its_own_name_only(void)
{
    aip_secret_key *key = key_of_seed(3), *other = key_of_seed(4);
    char own[80] = "aip:key:ed25519:", foreign[80] = "aip:key:ed25519:";
    IDENTITY_AUTO identity *id = NULL;
    int64_t expires;
    multibase_encode_raw_key(aip_secret_key_public(key)->bytes, own + strlen(own));
    multibase_encode_raw_key(aip_secret_key_public(other)->bytes, foreign + strlen(foreign));
    STRING_AUTO char *text = write_document(key, own, NULL);
    CHECK_STATUS(aipdoc_verify(aip_bytes_of(text), aip_bytes_of(foreign), NOW, &id, &expires, NULL),
                 AIP_AIPDOC_INVALID);
    CHECK_STATUS(aipdoc_verify(aip_bytes_of(text), aip_bytes_of(NAME), NOW, &id, &expires, NULL), AIP_AIPDOC_INVALID);
    CHECK_STATUS(aipdoc_verify(aip_bytes_of(text), AIP_BYTES_LITERAL("did:web:example.com"), NOW, &id, &expires, NULL),
                 AIP_DID_INVALID);
    CHECK_STATUS(aipdoc_verify(aip_bytes_of(text), aip_bytes_of(own), NOW, &id, &expires, NULL), AIP_OK);
    aip_secret_key_free(&key);
    aip_secret_key_free(&other);
}

static void
nothing_is_written_for_names_of_other_kinds_or_keys(void)
{
    aip_secret_key *key = key_of_seed(5);
    static const char *const names[] = {"did:web:example.com",
                                        "aip:web:example.com",
                                        "aip:key:ed25519:zFAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF",
                                        "did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd",
                                        "\"",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const aipdoc_statement statement = {names[i], NULL, NOW, NOW + 1, NOW + 1};
        STRING_AUTO char *text = NULL;
        CHECK_STATUS(aipdoc_write(key, &statement, &text, NULL), AIP_DID_INVALID);
        CHECK(text == NULL);
    }
    aip_secret_key_free(&key);
}

RUN(TEST(the_address_of_a_document_follows_from_the_name), TEST(a_written_document_verifies_while_its_times_hold),
    TEST(any_flipped_bit_is_refused), TEST(a_document_counts_for_its_own_name_only),
    TEST(nothing_is_written_for_names_of_other_kinds_or_keys))
