/* DID documents and resolution results: all keys of one, how one is written, and which version is shown. */
#include "did/document.h"

#include "base/clock.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "crypto/multibase.h"
#include "tests/unit/check.h"

#define KEY_A "z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
#define KEY_B "z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2"
#define KEY_C "z6MkghLt1e8m1fmANsdJJco3aCLV8Xnigr5UWwC3u5iZFPd3"
#define SELF "did:aip:" KEY_A
#define WEB "did:web:a.test"
#define NOW 1800000000

#define METHOD(id, type, more) "{\"id\":\"" id "\",\"type\":\"" type "\",\"controller\":\"" WEB "\"" more "}"
#define MULTIKEY(id, key) METHOD(id, "Multikey", ",\"publicKeyMultibase\":\"" key "\"")
#define DOCUMENT(methods, more) "{\"id\":\"" WEB "\",\"verificationMethod\":[" methods "]" more "}"

static aip_public_key
key_of(const char *multikey)
{
    unsigned char bytes[AIP_KEY_BYTES];
    aip_public_key key = {{0}};
    CHECK_STATUS(multibase_decode_key(aip_bytes_of(multikey), bytes, NULL), AIP_OK);
    CHECK_STATUS(aip_public_key_accept(bytes, &key, NULL), AIP_OK);
    return key;
}

static bool
is_key(const identity_key *key, const char *multikey)
{
    char text[MULTIBASE_KEY_TEXT_SIZE + 1];
    multibase_encode_key(key->key.bytes, text);
    return strcmp(text, multikey) == 0;
}

/* An identity of keys A, B, C in one second each from NOW - 3 on; with a log, or as a document has them. */
static identity *
make_identity(const char *name, size_t count, bool has_log)
{
    static const char *const keys[] = {KEY_A, KEY_B, KEY_C};
    identity *id = NULL;
    CHECK_STATUS(identity_new(aip_bytes_of(name), count, &id, NULL), AIP_OK);
    for (size_t i = 0; i < count; i++) {
        id->keys[i] = (identity_key){.key = key_of(keys[i]), .uses = IDENTITY_USES_ALL};
        snprintf(id->keys[i].fragment, sizeof id->keys[i].fragment, "key-%zu", i + 1);
        id->keys[i].from = has_log && i > 0 ? NOW - 3 + (int64_t)i : INT64_MIN;
        id->keys[i].until = has_log && i + 1 < count ? NOW - 2 + (int64_t)i : INT64_MAX;
    }
    id->has_log = has_log;
    if (has_log) {
        id->version = (uint32_t)count - 1;
        id->created = NOW - 1000;
        id->updated = NOW - 3 + (int64_t)count - 1;
    }
    return id;
}

static void
a_document_gives_all_its_keys_with_their_uses(void)
{
    static const char text[] =
        DOCUMENT(MULTIKEY(WEB "#a", KEY_A) "," METHOD("#b", "Ed25519VerificationKey2020",
                                                      ",\"publicKeyMultibase\":\"" KEY_B "\""),
                 ",\"authentication\":[\"#a\",\"" WEB "#b\",\"did:web:other.test#a\"],\"assertionMethod\":[\"#b\"],"
                 "\"capabilityDelegation\":[" MULTIKEY("#c", KEY_C) "]");
    static const unsigned uses[] = {IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_AUTHENTICATION),
                                    IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_AUTHENTICATION) |
                                        IDENTITY_USE_BIT(DID_USE_ASSERTION),
                                    IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_DELEGATION)};
    static const char *const keys[] = {KEY_A, KEY_B, KEY_C}, *const fragments[] = {"a", "b", "c"};
    unsigned char hash[AIP_HASH_BYTES];
    IDENTITY_AUTO identity *id = NULL;
    CHECK_STATUS(did_document_identity(aip_bytes_of(text), aip_bytes_of(WEB), &id, NULL), AIP_OK);
    if (id == NULL) {
        return;
    }
    hash_sha256(aip_bytes_of(text), hash);
    CHECK(id->key_count == 3 && !id->has_log && !id->deactivated && memcmp(id->head, hash, sizeof hash) == 0);
    CHECK_TEXT(id->name, WEB);
    for (size_t i = 0; i < id->key_count; i++) {
        CHECK(is_key(&id->keys[i], keys[i]) && id->keys[i].uses == uses[i] && !id->keys[i].compromised);
        CHECK(id->keys[i].from == INT64_MIN && id->keys[i].until == INT64_MAX);
        CHECK_TEXT(id->keys[i].fragment, fragments[i]);
    }
}

static void
keys_of_other_kinds_are_left_out_and_broken_ones_refuse_the_document(void)
{
    static const struct {
        const char *methods;
        aip_status wanted;
    } cases[] = {
        {MULTIKEY("#x", "z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"), AIP_OK},
        {MULTIKEY("#x", "u7QEB"), AIP_OK},
        {METHOD("#x", "JsonWebKey2020", ",\"publicKeyJwk\":{\"kty\":\"EC\",\"crv\":\"P-256\"}"), AIP_OK},
        {METHOD("#x", "RsaVerificationKey2018", ""), AIP_OK},
        {METHOD("#x", "JsonWebKey2020", ",\"publicKeyJwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"AA\"}"),
         AIP_DIDDOC_INVALID},
        {METHOD("#x", "JsonWebKey2020", ",\"publicKeyJwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}"),
         AIP_DIDDOC_INVALID},
        {METHOD("#x", "JsonWebKey2020", ""), AIP_DIDDOC_INVALID},
        {METHOD("#x", "Multikey", ""), AIP_DIDDOC_INVALID},
        {METHOD("#x", "Multikey", ",\"publicKeyMultibase\":\"" KEY_B "\",\"publicKeyJwk\":{}"), AIP_DIDDOC_INVALID},
        {METHOD("#x", "Ed25519VerificationKey2020", ",\"publicKeyBase64\":\"AA==\""), AIP_DIDDOC_INVALID},
        {MULTIKEY("#x", "z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvV"), AIP_DIDDOC_INVALID},
        /* y = 1, the identity */
        {MULTIKEY("#x", "z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj"), AIP_KEY_INVALID},
        {MULTIKEY("did:web:b.test#x", KEY_B), AIP_DIDDOC_INVALID},
        {MULTIKEY("#a", KEY_B), AIP_DIDDOC_INVALID},
        {"7", AIP_DIDDOC_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer text = {0};
        IDENTITY_AUTO identity *id = NULL;
        text_append_format(&text, "{\"id\":\"" WEB "\",\"verificationMethod\":[" MULTIKEY("#a", KEY_A) ",%s]}",
                           cases[i].methods);
        aip_status got = did_document_identity(text_view(&text), aip_bytes_of(WEB), &id, NULL);
        if (got != cases[i].wanted || (got == AIP_OK && id->key_count != 1)) {
            printf("  case %zu gave %s\n", i, aip_status_lookup(got)->name);
            CHECK(false);
        }
    }
}

static void
a_document_of_another_name_or_without_a_key_is_refused(void)
{
    IDENTITY_AUTO identity *id = NULL;
    static const char own[] = DOCUMENT(MULTIKEY("#a", KEY_A), "");
    CHECK_STATUS(did_document_identity(aip_bytes_of(own), AIP_BYTES_LITERAL("did:web:b.test"), &id, NULL),
                 AIP_DIDDOC_INVALID);
    CHECK_STATUS(did_document_identity(aip_bytes_of(DOCUMENT("", "")), aip_bytes_of(WEB), &id, NULL),
                 AIP_DIDDOC_KEY_NOT_FOUND);
    CHECK_STATUS(
        did_document_identity(AIP_BYTES_LITERAL("{\"id\":\"" SELF "\",\"authentication\":[{\"id\":\"#a\",\"type\":"
                                                "\"Multikey\",\"controller\":\"" SELF
                                                "\",\"publicKeyMultibase\":\"" KEY_B "\"}]}"),
                              AIP_BYTES_LITERAL(SELF), &id, NULL),
        AIP_DID_KEY_MISMATCH);
    CHECK_STATUS(did_document_identity(aip_bytes_of(DOCUMENT(MULTIKEY("#a", KEY_A), ",\"assertionMethod\":{}")),
                                       aip_bytes_of(WEB), &id, NULL),
                 AIP_DIDDOC_INVALID);
    CHECK_STATUS(did_document_identity(AIP_BYTES_LITERAL("null"), aip_bytes_of(WEB), &id, NULL), AIP_DIDDOC_INVALID);
    CHECK(id == NULL);
}

static void
too_many_methods_and_too_long_ids_are_refused(void)
{
    for (size_t count = 64; count <= 65; count++) {
        TEXT_AUTO text_buffer text = {0};
        IDENTITY_AUTO identity *id = NULL;
        text_append_string(&text, "{\"id\":\"" WEB "\",\"verificationMethod\":[");
        for (size_t i = 0; i < count; i++) {
            text_append_format(&text, "%s{\"id\":\"#%zu\",\"type\":\"Multikey\",\"controller\":\"" WEB "\",\"public",
                               i == 0 ? "" : ",", i);
            text_append_string(&text, "KeyMultibase\":\"" KEY_A "\"}");
        }
        text_append_string(&text, "]}");
        CHECK_STATUS(did_document_identity(text_view(&text), aip_bytes_of(WEB), &id, NULL),
                     count == 64 ? AIP_OK : AIP_DIDDOC_INVALID);
    }
    for (int size = 127; size <= 128; size++) {
        TEXT_AUTO text_buffer text = {0};
        IDENTITY_AUTO identity *id = NULL;
        text_append_format(&text,
                           "{\"id\":\"" WEB "\",\"verificationMethod\":[{\"id\":\"#%0*d\",\"type\":\"Multikey\","
                           "\"controller\":\"" WEB "\",\"publicKeyMultibase\":\"" KEY_A "\"}]}",
                           size, 0);
        CHECK_STATUS(did_document_identity(text_view(&text), aip_bytes_of(WEB), &id, NULL),
                     size == 127 ? AIP_OK : AIP_DIDDOC_INVALID);
    }
}

static void
a_written_document_is_read_back_equal(void)
{
    for (did_method_type type = DID_TYPE_MULTIKEY; type <= DID_TYPE_ED25519_2020; type++) {
        const did_document_options options = {.type = type};
        IDENTITY_AUTO identity *id = make_identity(WEB, 3, false), *again = NULL;
        TEXT_AUTO text_buffer text = {0};
        id->keys[1].uses = IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_ASSERTION);
        strcpy(id->keys[2].fragment, "k\xc3\xa9y/\xe2\x98\x83");
        CHECK_STATUS(did_document_write_identity(id, NOW, &options, &text, NULL), AIP_OK);
        CHECK((strstr(text.data, "\"https://w3id.org/security/multikey/v1\"") != NULL) == (type == DID_TYPE_MULTIKEY));
        CHECK((strstr(text.data, "\"https://w3id.org/security/suites/ed25519-2020/v1\"") != NULL) ==
              (type == DID_TYPE_ED25519_2020));
        CHECK(strstr(text.data, "alsoKnownAs") == NULL && strstr(text.data, "service") == NULL);
        CHECK_STATUS(did_document_identity(text_view(&text), aip_bytes_of(WEB), &again, NULL), AIP_OK);
        CHECK(again != NULL && again->key_count == 3);
        for (size_t i = 0; again != NULL && i < again->key_count; i++) {
            CHECK(memcmp(&again->keys[i], &id->keys[i], sizeof id->keys[i]) == 0);
        }
    }
}

static void
a_document_shows_keys_in_force_and_no_compromised_one(void)
{
    IDENTITY_AUTO identity *id = make_identity(WEB, 3, false);
    TEXT_AUTO text_buffer text = {0}, none = {0};
    id->keys[0].until = NOW; /* was in force until now */
    id->keys[1].from = NOW;  /* comes into force now */
    id->keys[2].compromised = true;
    CHECK_STATUS(did_document_write_identity(id, NOW, NULL, &text, NULL), AIP_OK);
    CHECK(strstr(text.data, KEY_A) == NULL && strstr(text.data, KEY_B) != NULL && strstr(text.data, KEY_C) == NULL);
    CHECK(strstr(text.data, "\"authentication\":[\"" WEB "#key-2\"]") != NULL);
    id->keys[1].until = NOW;
    CHECK_STATUS(did_document_write_identity(id, NOW, NULL, &none, NULL), AIP_OK);
    CHECK(strstr(none.data, "\"verificationMethod\":[],\"authentication\":[],") != NULL);
}

static void
after_a_rotation_the_document_has_the_last_key_and_no_key_names(void)
{
    IDENTITY_AUTO identity *id = make_identity(SELF, 3, true), *first = make_identity(SELF, 1, true);
    TEXT_AUTO text_buffer text = {0}, early = {0}, unrotated = {0};
    CHECK_STATUS(did_document_write_identity(id, NOW, NULL, &text, NULL), AIP_OK);
    CHECK(strstr(text.data, "alsoKnownAs") == NULL && strstr(text.data, "\"" KEY_B) == NULL);
    CHECK(strstr(text.data, "{\"id\":\"" SELF "#key-3\",\"type\":\"Multikey\",\"controller\":\"" SELF
                            "\",\"publicKeyMultibase\":\"" KEY_C "\"}") != NULL);
    CHECK_STATUS(did_document_write_identity(id, NOW - 100, NULL, &early, NULL), AIP_OK); /* a clock that is behind */
    CHECK_TEXT(early.data, text.data);
    CHECK_STATUS(did_document_write_identity(first, NOW, NULL, &unrotated, NULL), AIP_OK);
    CHECK(strstr(unrotated.data, "\"alsoKnownAs\":[\"did:key:" KEY_A "\",\"did:aip:") != NULL);
}

static void
an_ended_identity_has_no_document(void)
{
    IDENTITY_AUTO identity *id = make_identity(SELF, 2, true);
    TEXT_AUTO text_buffer document = {0}, result = {0};
    id->deactivated = true;
    CHECK_STATUS(did_document_write_identity(id, NOW, NULL, &document, NULL), AIP_DID_DEACTIVATED);
    CHECK(document.size == 0);
    CHECK_STATUS(did_resolution_write_identity(id, (aip_bytes){0}, -1, NOW, &result, NULL), AIP_OK);
    CHECK_TEXT(result.data, "{\"didDocument\":null,\"didDocumentMetadata\":{\"versionId\":\"1\",\"created\":"
                            "\"2027-01-15T07:43:20Z\",\"updated\":\"2027-01-15T07:59:58Z\",\"deactivated\":true},"
                            "\"didResolutionMetadata\":{\"contentType\":\"application/did+json\"}}");
}

static void
the_document_of_a_host_names_its_owner_and_services(void)
{
    const did_document_options options = {.also_known_as = SELF,
                                          .gateway_url = "https://a.test/mcp",
                                          .log_url = "https://a.test/.well-known/aip/did/" KEY_A ".jsonl"};
    IDENTITY_AUTO identity *id = make_identity(WEB, 1, false);
    TEXT_AUTO text_buffer text = {0};
    CHECK_STATUS(did_document_write_identity(id, NOW, &options, &text, NULL), AIP_OK);
    CHECK(strstr(text.data, ",\"alsoKnownAs\":[\"" SELF "\"],") != NULL);
    CHECK(strstr(text.data,
                 ",\"service\":[{\"id\":\"" WEB "#gateway\",\"type\":\"AIPGateway\",\"serviceEndpoint\":"
                 "\"https://a.test/mcp\"},{\"id\":\"" WEB "#log\",\"type\":\"AIPKeyLog\",\"serviceEndpoint\":"
                 "\"https://a.test/.well-known/aip/did/" KEY_A ".jsonl\"}]}") != NULL);
}

static void
an_earlier_version_is_shown_with_its_key_and_the_next_one(void)
{
    static const struct {
        int64_t version;
        const char *key, *metadata;
    } cases[] = {
        {-1, KEY_C,
         "\"versionId\":\"2\",\"created\":\"2027-01-15T07:43:20Z\",\"updated\":\"2027-01-15T07:59:59Z\",\"de"},
        {2, KEY_C,
         "\"versionId\":\"2\",\"created\":\"2027-01-15T07:43:20Z\",\"updated\":\"2027-01-15T07:59:59Z\",\"de"},
        {1, KEY_B,
         "\"versionId\":\"1\",\"created\":\"2027-01-15T07:43:20Z\",\"updated\":\"2027-01-15T07:59:58Z\","
         "\"nextVersionId\":\"2\",\"deactivated\":false"},
        {0, KEY_A,
         "\"versionId\":\"0\",\"created\":\"2027-01-15T07:43:20Z\",\"updated\":\"2027-01-15T07:43:20Z\","
         "\"nextVersionId\":\"1\",\"deactivated\":false"},
    };
    IDENTITY_AUTO identity *id = make_identity(SELF, 3, true), *plain = make_identity(SELF, 1, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer text = {0};
        CHECK_STATUS(did_resolution_write_identity(id, (aip_bytes){0}, cases[i].version, NOW, &text, NULL), AIP_OK);
        CHECK(strstr(text.data, cases[i].metadata) != NULL);
        const char *key = strstr(text.data, "\"publicKeyMultibase\":\"");
        CHECK(key != NULL && strncmp(key + strlen("\"publicKeyMultibase\":\""), cases[i].key, 48) == 0);
        CHECK((strstr(text.data, "alsoKnownAs") != NULL) == (cases[i].version == 0));
    }
    TEXT_AUTO text_buffer text = {0}, compromised = {0};
    CHECK_STATUS(did_resolution_write_identity(id, (aip_bytes){0}, 3, NOW, &text, NULL), AIP_DID_NOT_FOUND);
    CHECK_STATUS(did_resolution_write_identity(plain, (aip_bytes){0}, 1, NOW, &text, NULL), AIP_DID_NOT_FOUND);
    CHECK(text.size == 0);
    id->keys[0].compromised = true;
    CHECK_STATUS(did_resolution_write_identity(id, (aip_bytes){0}, 0, NOW, &compromised, NULL), AIP_OK);
    CHECK(strstr(compromised.data, "\"verificationMethod\":[]") != NULL);
    CHECK(strstr(compromised.data, "alsoKnownAs") == NULL);
}

static void
a_fetched_document_is_shown_on_one_line(void)
{
    IDENTITY_AUTO identity *id = make_identity(WEB, 1, false);
    TEXT_AUTO text_buffer text = {0};
    aip_bytes fetched = AIP_BYTES_LITERAL("{\n\t\"id\": \"" WEB "\",\r\n \"n\": 1.50 }\n");
    CHECK_STATUS(did_resolution_write_identity(id, fetched, -1, NOW, &text, NULL), AIP_OK);
    CHECK_TEXT(text.data,
               "{\"didDocument\":{\"id\": \"" WEB "\", \"n\": 1.50 },\"didDocumentMetadata\":{\"versionId\":"
               "\"0\",\"deactivated\":false},\"didResolutionMetadata\":{\"contentType\":\"application/did+json\"}}");
}

static void
every_refusal_has_its_standard_name(void)
{
    static const struct {
        aip_status status;
        const char *name;
    } cases[] = {
        {AIP_DID_URL_INVALID, "INVALID_DID_URL"},       {AIP_DID_NOT_ADMITTED, "NOT_FOUND"},
        {AIP_KEY_RETIRED, "INVALID_DID_DOCUMENT"},      {AIP_KEY_COMPROMISED, "INVALID_DID_DOCUMENT"},
        {AIP_KEY_RETURNED, "INVALID_DID_DOCUMENT"},     {AIP_LOG_MALFORMED, "INVALID_DID_DOCUMENT"},
        {AIP_LOG_LINK, "INVALID_DID_DOCUMENT"},         {AIP_LOG_KEY, "INVALID_DID_DOCUMENT"},
        {AIP_LOG_TIME, "INVALID_DID_DOCUMENT"},         {AIP_LOG_SIGNATURE, "INVALID_DID_DOCUMENT"},
        {AIP_LOG_ENDED, "INVALID_DID_DOCUMENT"},        {AIP_LOG_ROLLBACK, "INVALID_DID_DOCUMENT"},
        {AIP_LOG_FORK, "INVALID_DID_DOCUMENT"},         {AIP_AIPDOC_INVALID, "INVALID_DID_DOCUMENT"},
        {AIP_AIPDOC_VERSION, "INVALID_DID_DOCUMENT"},   {AIP_AIPDOC_SIGNATURE, "INVALID_DID_DOCUMENT"},
        {AIP_AIPDOC_EXPIRED, "INVALID_DID_DOCUMENT"},   {AIP_FETCH_ADDRESS, "INVALID_DID_DOCUMENT"},
        {AIP_FETCH_REDIRECT, "INVALID_DID_DOCUMENT"},   {AIP_FETCH_SIZE, "INVALID_DID_DOCUMENT"},
        {AIP_FETCH_CODING, "INVALID_DID_DOCUMENT"},     {AIP_FETCH_TLS, "INTERNAL_ERROR"},
        {AIP_FETCH_STATUS, "INTERNAL_ERROR"},           {AIP_FETCH_TIMEOUT, "INTERNAL_ERROR"},
        {AIP_FETCH_UNREACHABLE, "INTERNAL_ERROR"},      {AIP_FETCH_BUSY, "INTERNAL_ERROR"},
        {AIP_STORE_UNAVAILABLE, "INTERNAL_ERROR"},      {AIP_STORE_INVALID, "INTERNAL_ERROR"},
        {AIP_DID_KEY_MISMATCH, "INVALID_DID_DOCUMENT"}, {AIP_NO_MEMORY, "INTERNAL_ERROR"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer said = {0};
        char type[80];
        const aip_error failure = {cases[i].status, AIP_NOWHERE, AIP_NOWHERE, ""};
        did_resolution_write_error(&failure, true, &said);
        snprintf(type, sizeof type, "\"type\":\"https://www.w3.org/ns/did#%s\"", cases[i].name);
        CHECK(memmem(said.data, said.size, type, strlen(type)) != NULL);
    }
    TEXT_AUTO text_buffer text = {0};
    const aip_error ended = {AIP_DID_DEACTIVATED, AIP_NOWHERE, AIP_NOWHERE, ""};
    did_resolution_write_error(&ended, false, &text);
    CHECK_TEXT(text.data, "{\"didDocument\":null,\"didDocumentMetadata\":{\"deactivated\":true},"
                          "\"didResolutionMetadata\":{\"contentType\":\"application/did+json\"}}");
}

static void
a_did_url_has_a_version_and_a_fragment_and_nothing_else(void)
{
    did_url url;
    CHECK_STATUS(did_url_split(AIP_BYTES_LITERAL(SELF "?versionId=7#key-2"), &url, NULL), AIP_OK);
    CHECK(aip_bytes_equal(url.did, AIP_BYTES_LITERAL(SELF)) && url.version == 7);
    CHECK(aip_bytes_equal(url.fragment, AIP_BYTES_LITERAL("key-2")));
    CHECK_STATUS(did_url_split(AIP_BYTES_LITERAL(SELF "?versionId=07"), &url, NULL), AIP_DID_URL_INVALID);
    CHECK_STATUS(did_url_split(AIP_BYTES_LITERAL(SELF "/path"), &url, NULL), AIP_DID_URL_INVALID);
    CHECK_STATUS(did_url_split((aip_bytes){NULL, 0}, &url, NULL), AIP_OK);
    CHECK(url.did.size == 0 && url.version == -1);
}

RUN(TEST(a_document_gives_all_its_keys_with_their_uses),
    TEST(keys_of_other_kinds_are_left_out_and_broken_ones_refuse_the_document),
    TEST(a_document_of_another_name_or_without_a_key_is_refused), TEST(too_many_methods_and_too_long_ids_are_refused),
    TEST(a_written_document_is_read_back_equal), TEST(a_document_shows_keys_in_force_and_no_compromised_one),
    TEST(after_a_rotation_the_document_has_the_last_key_and_no_key_names), TEST(an_ended_identity_has_no_document),
    TEST(the_document_of_a_host_names_its_owner_and_services),
    TEST(an_earlier_version_is_shown_with_its_key_and_the_next_one), TEST(a_fetched_document_is_shown_on_one_line),
    TEST(every_refusal_has_its_standard_name), TEST(a_did_url_has_a_version_and_a_fragment_and_nothing_else))
