/* Identifiers: forms, their verdicts, keys, documents and resolution results. */
#include "aip/did.h"

#include <stdlib.h>

#include "crypto/multibase.h"
#include "did/document.h"
#include "did/keyring.h"
#include "tests/unit/check.h"
#include "tests/unit/vectors.h"

#define MULTIKEY "z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd"
#define SELF "did:aip:" MULTIKEY
#define DID_KEY "did:key:" MULTIKEY
#define OTHER_SELF "did:aip:z6MkhFwXNFWosLeugvSf4wcL9t3uuRXueGSFTRgSvHhWj5G2"
#define HASH "did:aip:56475aa75463474c0285df5dbf2bcab7"
#define NSHASH "did:aip:orchestrator:56475aa75463474c0285df5dbf2bcab7"
#define HEX32 "56475aa75463474c0285df5dbf2bcab7"

static aip_public_key
key_of(const char *did)
{
    aip_did parsed;
    aip_public_key key = {{0}};
    CHECK_STATUS(aip_did_parse(aip_bytes_of(did), &parsed, NULL), AIP_OK);
    CHECK_STATUS(aip_did_key(&parsed, &key, NULL), AIP_OK);
    return key;
}

typedef struct {
    const char *text;
    aip_status wanted;
    aip_did_form form;
} form_case;

static void
check_cases(const form_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        aip_did did;
        aip_status got = aip_did_parse(aip_bytes_of(cases[i].text), &did, NULL);
        if (got != cases[i].wanted || (got == AIP_OK && did.form != cases[i].form)) {
            printf("  %s gave %s, form %d\n", cases[i].text, aip_status_lookup(got)->name, (int)did.form);
            CHECK(false);
        }
    }
}

static void
the_form_is_decided_by_grammar_first_match_wins(void)
{
    static const form_case cases[] = {
        {SELF, AIP_OK, AIP_DID_SELF},
        {"did:key:" MULTIKEY, AIP_OK, AIP_DID_KEY},
        {HASH, AIP_OK, AIP_DID_HASH},
        {NSHASH, AIP_OK, AIP_DID_NSHASH},
        {"did:aip:a-b2-c:" HEX32, AIP_OK, AIP_DID_NSHASH},
        {"did:aip:eip155:" HEX32, AIP_OK, AIP_DID_NSHASH},
        {"did:aip:a234567890123456789012345678901:" HEX32, AIP_OK, AIP_DID_NSHASH},
        {"did:aip:a2345678912345678912345678912345:" HEX32, AIP_DID_FOREIGN_SOLANA, 0},
        {"did:aip:11111111111111111111111111111111:my_agent-1", AIP_DID_FOREIGN_SOLANA, 0},
        {"did:aip:eip155:1:0x0000000000000000000000000000000000000000:7", AIP_DID_FOREIGN_EIP155, 0},
        {"did:aip:aim_6ba7b810-9dad-11d1-80b4-00c04fd430c8", AIP_DID_FOREIGN_PROVIDER, 0},
        {"did:aip:provider_opena2a", AIP_DID_FOREIGN_PROVIDER, 0},
        {"did:aip:6ba7b810-9dad-51d1-80b4-00c04fd430c8", AIP_DID_FOREIGN_PROVIDER, 0},
        {"did:aip:56475AA75463474C0285DF5DBF2BCAB7", AIP_DID_INVALID, 0},
        {"did:aip:a-:" HEX32, AIP_DID_INVALID, 0},
        {"did:aip:a--b:" HEX32, AIP_DID_INVALID, 0},
        {"did:aip:1a:" HEX32, AIP_DID_INVALID, 0},
        {"did:aip:Upper:" HEX32, AIP_DID_INVALID, 0},
        {"did:aip:a:b:" HEX32, AIP_DID_INVALID, 0},
        {"did:aip:eip155:%41", AIP_DID_INVALID, 0},
        {"did:aip:eip155:", AIP_DID_INVALID, 0},
        {"did:aip:x_%41", AIP_DID_INVALID, 0},
        {"did:aip:", AIP_DID_INVALID, 0},
        {"did:aip:registry", AIP_DID_INVALID, 0},
        {"did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVl", AIP_DID_INVALID, 0},
        {"did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvV", AIP_DID_INVALID, 0},
        {"did:aip:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", AIP_DID_INVALID, 0},
        {"did:aip:zFAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF", AIP_DID_INVALID, 0},
        {SELF "#key-1", AIP_DID_INVALID, 0},
        {SELF "\n", AIP_DID_INVALID, 0},
        {"DID:aip:" MULTIKEY, AIP_DID_INVALID, 0},
        {"did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", AIP_DID_INVALID, 0},
        {"did:example:123", AIP_DID_METHOD_UNSUPPORTED, 0},
        {"did:example:", AIP_DID_INVALID, 0},
        {"tool:search", AIP_DID_INVALID, 0},
        {"", AIP_DID_INVALID, 0},
    };
    check_cases(cases, sizeof cases / sizeof cases[0]);
}

static void
foreign_token_names_follow_their_own_grammar(void)
{
    static const form_case cases[] = {
        {"aip:key:ed25519:zFAe4sisG95oZ42w7buUn5qEE4TAnfTTFPiguZUHmhiF", AIP_OK, AIP_NAME_KEY},
        {"aip:key:ed25519:" MULTIKEY, AIP_OK, AIP_NAME_KEY},
        {"aip:key:rsa:" MULTIKEY, AIP_DID_INVALID, 0},
        {"aip:key:ed25519:0OIl", AIP_DID_INVALID, 0},
        {"aip:key:ed25519:z", AIP_DID_INVALID, 0},
        {"aip:key:ed25519:z11111111111111111111111111111111111111111111111111", AIP_DID_INVALID, 0},
        {"aip:key:ed25519:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", AIP_DID_INVALID, 0},
        {"aip:web:bench.test/agent", AIP_OK, AIP_NAME_WEB},
        {"aip:web:example.com/a/b_c-D", AIP_OK, AIP_NAME_WEB},
        {"aip:web:example.com", AIP_DID_INVALID, 0},
        {"aip:web:example.com/", AIP_DID_INVALID, 0},
        {"aip:web:example.com/a//b", AIP_DID_INVALID, 0},
        {"aip:web:/x", AIP_DID_INVALID, 0},
        {"aip:web:h.test:8080/x", AIP_DID_INVALID, 0},
        {"aip:web:u@h.test/x", AIP_DID_INVALID, 0},
        {"aip:web:h.test/../../etc", AIP_DID_INVALID, 0},
        {"aip:web:h.test/a?b#c", AIP_DID_INVALID, 0},
        {"aip:web:h.test/%2e", AIP_DID_INVALID, 0},
        {"AIP:web:x.test/y", AIP_DID_INVALID, 0},
        {"aip:web:X.test/y", AIP_DID_INVALID, 0},
        {"aip:web:localhost/y", AIP_DID_INVALID, 0},
        {"aip:web:127.0.0.1/y", AIP_DID_INVALID, 0},
        {"aip:web:h.test./y", AIP_DID_INVALID, 0},
    };
    check_cases(cases, sizeof cases / sizeof cases[0]);
}

static void
identifiers_over_their_length_are_refused(void)
{
    char text[600];
    aip_did did;
    memset(text, 'a', sizeof text);
    memcpy(text, "did:aip:x_", 10);
    CHECK_STATUS(aip_did_parse((aip_bytes){(unsigned char *)text, 256}, &did, NULL), AIP_DID_FOREIGN_PROVIDER);
    CHECK_STATUS(aip_did_parse((aip_bytes){(unsigned char *)text, 257}, &did, NULL), AIP_DID_INVALID);
    memcpy(text, "did:web:a.b:", 12);
    CHECK_STATUS(aip_did_parse((aip_bytes){(unsigned char *)text, 512}, &did, NULL), AIP_OK);
    CHECK_STATUS(aip_did_parse((aip_bytes){(unsigned char *)text, 513}, &did, NULL), AIP_DID_INVALID);
}

static void
judge_syntax_row(const json_t *row)
{
    const json_t *input = json_object_get(row, "input");
    aip_bytes text = {(const unsigned char *)json_string_value(input), json_string_length(input)};
    if (aip_did_is_did(text) != json_is_true(json_object_get(row, "is_did")) ||
        aip_did_is_did_url(text) != json_is_true(json_object_get(row, "is_did_url"))) {
        printf("  row %s\n", vectors_text(row, "id"));
        CHECK(false);
    }
}

static void
dids_and_did_urls_follow_did_core(void)
{
    (void)vectors_each_row("05-did/did_syntax_public.jsonl", judge_syntax_row);
    (void)vectors_each_row("05-did/did_syntax_w3c_testsuite_dids.jsonl", judge_syntax_row);
}

static void
judge_web_row(const json_t *row)
{
    char *url = NULL;
    bool good = strncmp(vectors_text(row, "expected"), "reject", 6) != 0;
    aip_status status = aip_did_web_url(aip_bytes_of(vectors_text(row, "did")), &url, NULL);
    if (good) {
        CHECK_TEXT(url, vectors_text(row, "url"));
    } else if (status != AIP_DID_INVALID || url != NULL) {
        printf("  row %s\n", vectors_text(row, "id"));
        CHECK(false);
    }
    free(url);
}

static void
a_did_web_becomes_one_https_url_or_nothing(void)
{
    static const char *const bad[] = {
        "did:web:example.com%3A0",
        "did:web:example.com%3A65536",
        "did:web:example.com%3A",
        "did:web:example.com%3A0443",
        "did:web:example.com%3A80%3A80",
        "did:web:Example.com",
        "did:web:example.com.",
        "did:web:user%40example.com",
        "did:web:example.com:%2e%2e",
        "did:web:example.com:%2E",
        "did:web:example.com:a%2fb",
        "did:web:example.com:a%5cb",
        "did:web:example.com:a%2525",
        "did:web:example.com:a%00",
        "did:web:example.com::a",
        "did:web:example.com:a:",
        "did:web:0x7f.1",
        "did:web:1.2.3.4",
        "did:web:2130706433",
        "did:web:%5B::1%5D",
        "did:web:-a.example",
        "did:web:a-.example",
        "did:web:localhost%3A8080",
        "did:web:a.localhost",
        "did:web:metadata.google.internal",
        "did:web:",
        DID_KEY,
    };
    char *url = NULL;
    (void)vectors_each_row("05-did/didweb_url_public.jsonl", judge_web_row);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (aip_did_web_url(aip_bytes_of(bad[i]), &url, NULL) != AIP_DID_INVALID) {
            printf("  %s\n", bad[i]);
            CHECK(false);
        }
    }
    CHECK_STATUS(aip_did_web_url(AIP_BYTES_LITERAL("did:web:example.com%3A8443:a:b"), &url, NULL), AIP_OK);
    CHECK_TEXT(url, "https://example.com:8443/a/b/did.json");
    free(url);
}

static void
judge_key_row(const json_t *row)
{
    aip_did did;
    aip_public_key key;
    unsigned char pk[64];
    const char *text = vectors_text(row, "did");
    bool good = strcmp(vectors_text(row, "expected"), "valid") == 0;
    bool is_ed25519 = strncmp(text, "did:key:z6Mk", 12) == 0;
    aip_status status = aip_did_parse(aip_bytes_of(text), &did, NULL);
    if (status == AIP_OK) {
        status = aip_did_key(&did, &key, NULL);
    }
    if (strcmp(vectors_text(row, "expected"), "invalid_strict") == 0) {
        CHECK_STATUS(status, AIP_KEY_INVALID);
    } else if ((status == AIP_OK) != (good && is_ed25519)) {
        printf("  %s gave %s\n", text, aip_status_lookup(status)->name);
        CHECK(false);
    } else if (status == AIP_OK && json_object_get(row, "pk") != NULL) {
        CHECK(aip_bytes_equal(vectors_hex(row, "pk", pk, sizeof pk), (aip_bytes){key.bytes, 32}));
    }
}

static void
did_keys_of_ed25519_are_read_and_all_others_refused(void)
{
    (void)vectors_each_row("02-multibase/didkey_positive_public.jsonl", judge_key_row);
    (void)vectors_each_row("02-multibase/didkey_negative_public.jsonl", judge_key_row);
    (void)vectors_each_row("02-multibase/didkey_all_w3c.jsonl", judge_key_row);
}

static void
an_unacceptable_key_is_refused_however_often_it_is_asked(void)
{
    char text[MULTIBASE_KEY_TEXT_SIZE + 1], name[AIP_DID_TEXT_SIZE];
    unsigned char zeros[32] = {0};
    aip_public_key key;
    aip_did did;
    multibase_encode_key(zeros, text); /* a point of order 4, and what an empty memory slot holds */
    snprintf(name, sizeof name, "did:aip:%s", text);
    CHECK_STATUS(aip_did_parse(aip_bytes_of(name), &did, NULL), AIP_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(aip_did_key(&did, &key, NULL), AIP_KEY_INVALID);
    }
}

static void
accepted_keys_stay_accepted_while_the_memory_turns_over(void)
{
    unsigned char seed[32] = {0};
    aip_public_key first = key_of(SELF), key;
    for (unsigned i = 0; i < 300; i++) {
        aip_secret_key *secret = NULL;
        memcpy(seed, &i, sizeof i);
        CHECK_STATUS(aip_secret_key_from_seed(seed, &secret, NULL), AIP_OK);
        CHECK_STATUS(keyring_accept(aip_secret_key_public(secret)->bytes, &key, NULL), AIP_OK);
        CHECK_STATUS(keyring_accept(aip_secret_key_public(secret)->bytes, &key, NULL), AIP_OK);
        CHECK(memcmp(key.bytes, aip_secret_key_public(secret)->bytes, 32) == 0);
        aip_secret_key_free(&secret);
    }
    CHECK_STATUS(keyring_accept(first.bytes, &key, NULL), AIP_OK);
}

static void
check_forms_of(const char *who, const json_t *forms)
{
    unsigned char pk[32];
    char name[AIP_DID_TEXT_SIZE];
    static const char *const members[] = {"did_aip", "did_key", "did_aip_hash", "did_aip_namespaced_hash"};
    aip_public_key key = key_of(vectors_text(forms, "did_aip")), other = key_of(OTHER_SELF);
    CHECK(aip_bytes_equal(vectors_hex(forms, "public_key_hex", pk, sizeof pk), (aip_bytes){key.bytes, 32}));
    aip_did_of_key(&key, name);
    CHECK_TEXT(name, vectors_text(forms, "did_aip"));
    for (size_t i = 0; i < 4; i++) {
        const char *text = vectors_text(forms, members[i]);
        aip_did did;
        if (text[0] == '\0') {
            continue;
        }
        CHECK_STATUS(aip_did_parse(aip_bytes_of(text), &did, NULL), AIP_OK);
        CHECK_STATUS(did_check_key(&did, &key, NULL), AIP_OK);
        CHECK_STATUS(did_check_key(&did, &other, NULL), strcmp(who, "worker") == 0 ? AIP_OK : AIP_DID_KEY_MISMATCH);
        CHECK_STATUS(aip_did_key(&did, &key, NULL), i < 2 ? AIP_OK : AIP_DID_KEY_MISSING);
    }
}

static void
every_form_of_the_known_keys_belongs_to_its_key_only(void)
{
    FILE *file = vectors_open("identity/did_forms.json");
    json_t *document = file == NULL ? NULL : json_loadf(file, 0, NULL);
    const char *who;
    json_t *forms;
    if (file != NULL) {
        fclose(file);
    }
    json_object_foreach(document, who, forms)
    {
        check_forms_of(who, forms);
    }
    json_decref(document);
}

/* Of an identifier at version 0, with the key that belongs to it. */
static aip_status
write_document(const aip_did *did, const aip_public_key *key, text_buffer *out)
{
    IDENTITY_AUTO identity *id = NULL;
    AIP_TRY(identity_of_name(did, key, &id, NULL));
    return did_document_write_identity(id, 0, NULL, out, NULL);
}

static void
the_document_of_a_self_form_has_the_specified_members(void)
{
    TEXT_AUTO text_buffer out = {0};
    aip_public_key key = key_of(SELF), other = key_of(OTHER_SELF);
    aip_did did;
    CHECK_STATUS(aip_did_parse(AIP_BYTES_LITERAL(SELF), &did, NULL), AIP_OK);
    CHECK_STATUS(write_document(&did, &other, &out), AIP_DID_KEY_MISMATCH);
    CHECK_STATUS(write_document(&did, &key, &out), AIP_OK);
    text_append(&out, (aip_bytes){(const unsigned char *)"", 1});
    CHECK_TEXT(out.data,
               "{\"@context\":[\"https://www.w3.org/ns/did/v1\",\"https://w3id.org/security/multikey/v1\"],"
               "\"id\":\"" SELF "\",\"alsoKnownAs\":[\"did:key:" MULTIKEY "\",\"" HASH "\"],"
               "\"verificationMethod\":[{\"id\":\"" SELF "#key-1\",\"type\":\"Multikey\",\"controller\":\"" SELF
               "\",\"publicKeyMultibase\":\"" MULTIKEY "\"}],\"authentication\":[\"" SELF "#key-1\"],"
               "\"assertionMethod\":[\"" SELF "#key-1\"],\"capabilityInvocation\":[\"" SELF "#key-1\"],"
               "\"capabilityDelegation\":[\"" SELF "#key-1\"]}");
}

static void
documents_of_every_form_are_read_back_for_every_use(void)
{
    static const char *const names[] = {SELF, DID_KEY, HASH, NSHASH};
    aip_public_key key = key_of(SELF), read;
    for (size_t i = 0; i < 4; i++) {
        TEXT_AUTO text_buffer out = {0};
        char kid[128];
        aip_did did;
        CHECK_STATUS(aip_did_parse(aip_bytes_of(names[i]), &did, NULL), AIP_OK);
        CHECK_STATUS(write_document(&did, &key, &out), AIP_OK);
        snprintf(kid, sizeof kid, "%s#" MULTIKEY, names[i]);
        for (did_use use = DID_USE_ANY; use <= DID_USE_DELEGATION; use++) {
            did_key_query query = {did.text, {0}, use};
            CHECK_STATUS(did_document_key(text_view(&out), &query, &read, NULL), AIP_OK);
            CHECK(memcmp(read.bytes, key.bytes, 32) == 0);
            query.kid = aip_bytes_of(kid);
            CHECK_STATUS(did_document_key(text_view(&out), &query, &read, NULL), AIP_OK);
        }
    }
}

static void
judge_document_row(const json_t *row)
{
    char *text = json_dumps(json_object_get(row, "document"), JSON_COMPACT);
    aip_public_key key;
    did_key_query query = {aip_bytes_of(vectors_text(row, "did")), {0}, DID_USE_AUTHENTICATION};
    bool good = strcmp(vectors_text(row, "expected"), "ok") == 0;
    aip_status status = did_document_key(aip_bytes_of(text), &query, &key, NULL);
    if ((status == AIP_OK) != good) {
        printf("  row %s gave %s\n", vectors_text(row, "id"), aip_status_lookup(status)->name);
        CHECK(false);
    }
    free(text);
}

#define WEB "did:web:a.test"
#define METHOD(id, controller, more) \
    "{\"id\":\"" id "\",\"type\":\"Multikey\",\"controller\":\"" controller "\"" more "}"
#define KEY ",\"publicKeyMultibase\":\"" MULTIKEY "\""
#define DOCUMENT(methods, more) "{\"id\":\"" WEB "\",\"verificationMethod\":[" methods "]" more "}"
#define GOOD METHOD(WEB "#k", WEB, KEY)

static void
a_document_that_could_mean_two_keys_is_refused(void)
{
    static const struct {
        const char *document, *kid;
        aip_status wanted;
    } cases[] = {
        {DOCUMENT(GOOD, ",\"authentication\":[\"" WEB "#k\"]"), "", AIP_OK},
        {DOCUMENT(GOOD, ",\"authentication\":[\"#k\"]"), WEB "#k", AIP_OK},
        {DOCUMENT("", ",\"authentication\":[" GOOD "]"), WEB "#k", AIP_OK},
        {DOCUMENT(GOOD, ""), WEB "#k", AIP_DIDDOC_KEY_NOT_FOUND},
        {DOCUMENT(GOOD, ",\"assertionMethod\":[\"#k\"]"), WEB "#k", AIP_DIDDOC_KEY_NOT_FOUND},
        {DOCUMENT(GOOD, ",\"authentication\":[\"#k\"]"), WEB "#j", AIP_DIDDOC_KEY_NOT_FOUND},
        {DOCUMENT(GOOD, ",\"authentication\":[\"#k\"]"), "did:web:b.test#k", AIP_DIDDOC_KEY_NOT_FOUND},
        {DOCUMENT(GOOD, ",\"authentication\":[" GOOD "]"), WEB "#k", AIP_DIDDOC_INVALID},
        {DOCUMENT(GOOD "," METHOD("#k", WEB, KEY), ",\"authentication\":[\"#k\"]"), "", AIP_DIDDOC_INVALID},
        {DOCUMENT(METHOD(WEB "#k", "did:web:b.test", KEY), ",\"authentication\":[\"#k\"]"), "", AIP_DIDDOC_INVALID},
        {DOCUMENT(GOOD "," METHOD(WEB "#j", "did:web:b.test", KEY), ",\"authentication\":[\"#k\"]"), "",
         AIP_DIDDOC_INVALID},
        {DOCUMENT(METHOD("did:web:b.test#k", WEB, KEY), ",\"authentication\":[\"#k\"]"), "", AIP_DIDDOC_INVALID},
        {DOCUMENT(METHOD("#k", WEB, KEY ",\"publicKeyJwk\":{}"), ",\"authentication\":[\"#k\"]"), "",
         AIP_DIDDOC_INVALID},
        {DOCUMENT(METHOD("#k", WEB, ""), ",\"authentication\":[\"#k\"]"), "", AIP_DIDDOC_INVALID},
        {DOCUMENT(GOOD, ",\"authentication\":[\"#k\"],\"id\":\"x\""), "", AIP_JSON_DUPLICATE},
        {DOCUMENT(GOOD, ",\"authentication\":{}"), "", AIP_DIDDOC_INVALID},
        {"[]", "", AIP_DIDDOC_INVALID},
        {"{\"id\":\"" WEB "\"}", "", AIP_DIDDOC_KEY_NOT_FOUND},
        {"{", "", AIP_JSON_SYNTAX},
    };
    (void)vectors_each_row("05-did/diddoc_public.jsonl", judge_document_row);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        did_key_query query = {AIP_BYTES_LITERAL(WEB), aip_bytes_of(cases[i].kid), DID_USE_AUTHENTICATION};
        aip_public_key key;
        aip_status got = did_document_key(aip_bytes_of(cases[i].document), &query, &key, NULL);
        if (got != cases[i].wanted) {
            printf("  case %zu gave %s\n", i, aip_status_lookup(got)->name);
            CHECK(false);
        }
    }
}

static aip_status
judge_nexus_document(const char *file_name, const char *member)
{
    FILE *file = vectors_open(file_name);
    json_t *whole = file == NULL ? NULL : json_loadf(file, 0, NULL);
    json_t *document = member == NULL ? whole : json_object_get(whole, member);
    char *text = json_dumps(document, JSON_COMPACT);
    did_key_query query = {AIP_BYTES_LITERAL(HASH), {0}, DID_USE_AUTHENTICATION};
    aip_public_key key;
    aip_status status = file == NULL ? AIP_STATUS_COUNT : did_document_key(aip_bytes_of(text), &query, &key, NULL);
    free(text);
    json_decref(whole);
    if (file != NULL) {
        fclose(file);
    }
    return status;
}

static void
the_documents_of_another_service_are_tied_to_the_hash(void)
{
    if (judge_nexus_document("identity/resolution_nexus_service.json", "didDocument") == AIP_STATUS_COUNT) {
        return;
    }
    CHECK_STATUS(judge_nexus_document("identity/resolution_nexus_service.json", "didDocument"), AIP_OK);
    CHECK_STATUS(judge_nexus_document("identity/resolution_nexus_after_rotation.json", "didDocument"),
                 AIP_DID_KEY_MISMATCH);
    CHECK_STATUS(judge_nexus_document("identity/document_nexus_sdk.json", NULL), AIP_DIDDOC_INVALID);
    CHECK_STATUS(judge_nexus_document("identity/lookup_nexus_service.json", NULL), AIP_DIDDOC_INVALID);
}

static void
resolution_results_carry_the_standard_error_names(void)
{
    aip_public_key key = key_of(SELF), other = key_of(OTHER_SELF);
    const struct {
        const char *did;
        const aip_public_key *supplied;
        const char *type, *code;
    } cases[] = {
        {SELF, NULL, NULL, NULL},
        {"did:key:" MULTIKEY, NULL, NULL, NULL},
        {HASH, &key, NULL, NULL},
        {HASH, NULL, "NOT_FOUND", "did.key.missing"},
        {HASH, &other, "INVALID_OPTIONS", "did.key.mismatch"},
        {WEB, NULL, "NOT_FOUND", "did.not_found"},
        {"did:example:1", NULL, "METHOD_NOT_SUPPORTED", "did.method.unsupported"},
        {"did:aip:provider_x", NULL, "METHOD_NOT_SUPPORTED", "did.foreign.provider"},
        {"aip:web:a.test/b", NULL, "INVALID_DID", "did.invalid"},
        {SELF "#key-1", NULL, "INVALID_DID", "did.invalid"},
        {"\"\n\xff", NULL, "INVALID_DID", "did.invalid"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        aip_status status = did_resolution_write(aip_bytes_of(cases[i].did), cases[i].supplied, &out, NULL);
        json_t *result = NULL;
        char type[80];
        CHECK((status == AIP_OK) == (cases[i].type == NULL));
        CHECK_STATUS(json_load_strict(text_view(&out), 65536, &result, NULL), AIP_OK);
        const json_t *metadata = json_object_get(result, "didResolutionMetadata");
        const json_t *error = json_object_get(metadata, "error");
        if (cases[i].type == NULL) {
            CHECK_TEXT(vectors_text(metadata, "contentType"), "application/did+json");
            CHECK_TEXT(vectors_text(json_object_get(result, "didDocument"), "id"), cases[i].did);
            CHECK_TEXT(vectors_text(json_object_get(result, "didDocumentMetadata"), "versionId"), "0");
        } else {
            snprintf(type, sizeof type, "https://www.w3.org/ns/did#%s", cases[i].type);
            CHECK(json_is_null(json_object_get(result, "didDocument")));
            CHECK_TEXT(vectors_text(error, "type"), type);
            CHECK_TEXT(vectors_text(error, "code"), cases[i].code);
        }
        json_decref(result);
    }
}

RUN(TEST(the_form_is_decided_by_grammar_first_match_wins), TEST(foreign_token_names_follow_their_own_grammar),
    TEST(identifiers_over_their_length_are_refused), TEST(dids_and_did_urls_follow_did_core),
    TEST(a_did_web_becomes_one_https_url_or_nothing), TEST(did_keys_of_ed25519_are_read_and_all_others_refused),
    TEST(an_unacceptable_key_is_refused_however_often_it_is_asked),
    TEST(accepted_keys_stay_accepted_while_the_memory_turns_over),
    TEST(every_form_of_the_known_keys_belongs_to_its_key_only),
    TEST(the_document_of_a_self_form_has_the_specified_members),
    TEST(documents_of_every_form_are_read_back_for_every_use), TEST(a_document_that_could_mean_two_keys_is_refused),
    TEST(the_documents_of_another_service_are_tied_to_the_hash),
    TEST(resolution_results_carry_the_standard_error_names))
