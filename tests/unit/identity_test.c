/* Identities: which key counts for what and when, and that records of them are judged again. */
#include "did/identity.h"

#include "crypto/multibase.h"
#include "did/keyring.h"
#include "tests/unit/check.h"

#define WEB "did:web:a.test"

static aip_public_key
key_of(unsigned char number)
{
    unsigned char seed[AIP_SEED_BYTES] = {number};
    aip_secret_key *secret = NULL;
    CHECK_STATUS(aip_secret_key_from_seed(seed, &secret, NULL), AIP_OK);
    aip_public_key key = *aip_secret_key_public(secret);
    aip_secret_key_free(&secret);
    return key;
}

static bool
same_key(const aip_public_key *a, const aip_public_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* An identity of `count` keys with no other limits: key-1, key-2, … of key_of(1), key_of(2), … */
static identity *
new_identity(const char *name, size_t count)
{
    identity *id = NULL;
    CHECK_STATUS(identity_new(aip_bytes_of(name), count, &id, NULL), AIP_OK);
    for (size_t i = 0; i < count; i++) {
        id->keys[i] = (identity_key){
            .key = key_of((unsigned char)(i + 1)), .uses = IDENTITY_USES_ALL, .from = INT64_MIN, .until = INT64_MAX};
        snprintf(id->keys[i].fragment, sizeof id->keys[i].fragment, "key-%zu", i + 1);
    }
    return id;
}

/* A log of three keys that follow one another at 100 and 200. */
static identity *
new_logged(void)
{
    char name[AIP_DID_TEXT_SIZE];
    aip_public_key first = key_of(1);
    aip_did_of_key(&first, name);
    identity *id = new_identity(name, 3);
    id->has_log = true;
    id->version = 2;
    id->created = 50;
    id->updated = 200;
    id->keys[0].until = id->keys[1].from = 100;
    id->keys[1].until = id->keys[2].from = 200;
    memset(id->head, 7, sizeof id->head);
    return id;
}

static aip_status
find(const identity *id, const char *kid, did_use use, int64_t time, aip_public_key *out)
{
    const identity_query query = {aip_bytes_of(kid), use, time};
    aip_public_key unused;
    return identity_find_key(id, &query, out == NULL ? &unused : out, NULL);
}

static aip_status
of_name(const char *text, const aip_public_key *supplied, identity **out)
{
    aip_did did;
    CHECK_STATUS(aip_did_parse(aip_bytes_of(text), &did, NULL), AIP_OK);
    return identity_of_name(&did, supplied, out, NULL);
}

static void
a_name_with_its_key_is_an_identity_of_one_key_without_end(void)
{
    char name[AIP_DID_TEXT_SIZE];
    const aip_public_key key = key_of(1);
    aip_public_key found;
    IDENTITY_AUTO identity *id = NULL;
    aip_did_of_key(&key, name);
    CHECK_STATUS(of_name(name, NULL, &id), AIP_OK);
    CHECK(id->key_count == 1 && !id->has_log && !id->deactivated && id->version == 0);
    CHECK_TEXT(id->name, name);
    CHECK_TEXT(id->keys[0].fragment, "key-1");
    CHECK_STATUS(find(id, "", DID_USE_DELEGATION, INT64_MIN, &found), AIP_OK);
    CHECK(same_key(&found, &key));
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, INT64_MAX - 1, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-2", DID_USE_ANY, 0, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
}

static void
a_did_key_calls_its_key_by_the_key_itself(void)
{
    char name[64] = "did:key:", kid[128];
    const aip_public_key key = key_of(1);
    IDENTITY_AUTO identity *id = NULL;
    multibase_encode_key(key.bytes, name + strlen(name));
    CHECK_STATUS(of_name(name, NULL, &id), AIP_OK);
    CHECK_TEXT(id->keys[0].fragment, name + strlen("did:key:"));
    snprintf(kid, sizeof kid, "%s#%s", name, name + strlen("did:key:"));
    CHECK_STATUS(find(id, kid, DID_USE_ANY, 0, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 0, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
}

static void
a_hash_form_needs_the_key_that_hashes_to_it(void)
{
    const aip_public_key key = key_of(1), other = key_of(2);
    static const char digits[] = "0123456789abcdef";
    char name[64] = "did:aip:personal:";
    unsigned char hash[16];
    identity *id = NULL;
    did_key_hash(key.bytes, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        snprintf(name + strlen(name), 3, "%c%c", digits[hash[i] >> 4], digits[hash[i] & 15]);
    }
    CHECK_STATUS(of_name(name, NULL, &id), AIP_DID_KEY_MISSING);
    CHECK_STATUS(of_name(name, &other, &id), AIP_DID_KEY_MISMATCH);
    CHECK(id == NULL);
    CHECK_STATUS(of_name(name, &key, &id), AIP_OK);
    CHECK(id != NULL && same_key(&id->keys[0].key, &key));
    identity_free(&id);
}

static void
a_supplied_key_never_replaces_the_key_in_the_name(void)
{
    char name[AIP_DID_TEXT_SIZE];
    const aip_public_key key = key_of(1), other = key_of(2);
    identity *id = NULL;
    aip_did_of_key(&key, name);
    CHECK_STATUS(of_name(name, &other, &id), AIP_DID_KEY_MISMATCH);
    CHECK_STATUS(of_name(WEB, &other, &id), AIP_DID_NOT_FOUND);
    CHECK(id == NULL);
}

static void
names_and_key_counts_beyond_the_limits_are_refused(void)
{
    static const unsigned char long_name[AIP_IDENTIFIER_BYTES_MAX + 1] = {'d'};
    identity *id = NULL;
    CHECK_STATUS(identity_new((aip_bytes){NULL, 0}, 1, &id, NULL), AIP_DID_INVALID);
    CHECK_STATUS(identity_new((aip_bytes){long_name, sizeof long_name}, 1, &id, NULL), AIP_DID_INVALID);
    CHECK_STATUS(identity_new(AIP_BYTES_LITERAL("did:\0x"), 1, &id, NULL), AIP_DID_INVALID);
    CHECK_STATUS(identity_new(aip_bytes_of(WEB), AIP_IDENTITY_KEYS_MAX + 1, &id, NULL), AIP_DID_INVALID);
    CHECK(id == NULL);
    CHECK_STATUS(identity_new(aip_bytes_of(WEB), AIP_IDENTITY_KEYS_MAX, &id, NULL), AIP_OK);
    identity_free(&id);
    CHECK(id == NULL);
}

static void
a_key_counts_from_its_first_second_until_before_its_last(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, INT64_MIN, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 99, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 100, NULL), AIP_KEY_RETIRED);
    CHECK_STATUS(find(id, "key-2", DID_USE_ANY, 99, NULL), AIP_KEY_RETIRED);
    CHECK_STATUS(find(id, "key-2", DID_USE_ANY, 100, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-2", DID_USE_ANY, 199, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-2", DID_USE_ANY, 200, NULL), AIP_KEY_RETIRED);
    CHECK_STATUS(find(id, "key-3", DID_USE_ANY, 200, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-3", DID_USE_ANY, 199, NULL), AIP_KEY_RETIRED);
}

static void
without_a_kid_a_log_means_the_identifiers_own_key(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    aip_public_key found;
    CHECK_STATUS(find(id, "", DID_USE_ANY, 99, &found), AIP_OK);
    CHECK(same_key(&found, &id->keys[0].key));
    CHECK_STATUS(find(id, "", DID_USE_ANY, 150, NULL), AIP_KEY_RETIRED);
}

static void
a_kid_is_a_url_of_this_name_or_a_bare_fragment(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    const aip_public_key other = key_of(9);
    char kid[700], alias[MULTIBASE_KEY_TEXT_SIZE + 1];
    aip_public_key found;
    snprintf(kid, sizeof kid, "%s#key-3", id->name);
    CHECK_STATUS(find(id, kid, DID_USE_ANY, 300, &found), AIP_OK);
    CHECK(same_key(&found, &id->keys[2].key));
    multibase_encode_key(id->keys[1].key.bytes, alias);
    CHECK_STATUS(find(id, alias, DID_USE_ANY, 150, &found), AIP_OK);
    CHECK(same_key(&found, &id->keys[1].key));
    CHECK_STATUS(find(id, alias, DID_USE_ANY, 300, NULL), AIP_KEY_RETIRED);
    snprintf(kid, sizeof kid, "%s#%s", id->name, alias);
    CHECK_STATUS(find(id, kid, DID_USE_ANY, 150, NULL), AIP_OK);
    multibase_encode_key(other.bytes, alias);
    CHECK_STATUS(find(id, alias, DID_USE_ANY, 150, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
}

static void
any_other_spelling_of_a_kid_finds_nothing(void)
{
    static const char *const spellings[] = {"%s",       "%s#",        "#key-3",         "%s##key-3",
                                            "%s#key-4", "%s?a#key-3", "did:aip:#key-3", "%s#key-3#key-3",
                                            "Key-3",    "%s/#key-3",  "key-3 ",         "%s#key-03"};
    IDENTITY_AUTO identity *id = new_logged();
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        char kid[700];
        const char *at = strchr(spellings[i], 's');
        bool named = at != NULL && at > spellings[i] && at[-1] == '%';
        snprintf(kid, sizeof kid, "%s%s", named ? id->name : "", named ? at + 1 : spellings[i]);
        CHECK_STATUS(find(id, kid, DID_USE_ANY, 300, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
    }
}

static void
a_documents_first_serving_key_that_counts_is_found_without_a_kid(void)
{
    IDENTITY_AUTO identity *id = new_identity(WEB, 3);
    aip_public_key found;
    id->keys[0].uses = IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_ASSERTION);
    id->keys[1].until = 100;
    CHECK_STATUS(find(id, "", DID_USE_AUTHENTICATION, 50, &found), AIP_OK);
    CHECK(same_key(&found, &id->keys[1].key));
    CHECK_STATUS(find(id, "", DID_USE_AUTHENTICATION, 100, &found), AIP_OK);
    CHECK(same_key(&found, &id->keys[2].key));
    id->keys[2].uses = id->keys[0].uses;
    CHECK_STATUS(find(id, "", DID_USE_AUTHENTICATION, 100, NULL), AIP_KEY_RETIRED);
    id->keys[1].uses = id->keys[0].uses;
    CHECK_STATUS(find(id, "", DID_USE_AUTHENTICATION, 50, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
    CHECK_STATUS(find(id, "", DID_USE_ASSERTION, 50, NULL), AIP_OK);
}

static void
a_key_listed_for_another_use_is_not_found(void)
{
    IDENTITY_AUTO identity *id = new_identity(WEB, 1);
    id->keys[0].uses = IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_ASSERTION);
    CHECK_STATUS(find(id, "key-1", DID_USE_ASSERTION, 0, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 0, NULL), AIP_OK);
    CHECK_STATUS(find(id, "key-1", DID_USE_AUTHENTICATION, 0, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
    CHECK_STATUS(find(id, WEB "#key-1", DID_USE_DELEGATION, 0, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
}

static void
a_fragment_of_the_document_goes_before_the_alias_of_another_key(void)
{
    IDENTITY_AUTO identity *id = new_identity(WEB, 2);
    aip_public_key found;
    multibase_encode_key(id->keys[0].key.bytes, id->keys[1].fragment);
    CHECK_STATUS(find(id, id->keys[1].fragment, DID_USE_ANY, 0, &found), AIP_OK);
    CHECK(same_key(&found, &id->keys[1].key));
}

static void
a_compromised_key_never_counts_and_says_so_first(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    id->keys[0].compromised = true;
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 50, NULL), AIP_KEY_COMPROMISED);
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 150, NULL), AIP_KEY_COMPROMISED);
    CHECK_STATUS(find(id, "", DID_USE_ANY, 50, NULL), AIP_KEY_COMPROMISED);
    CHECK_STATUS(find(id, "key-2", DID_USE_ANY, 150, NULL), AIP_OK);
}

static void
a_deactivated_identity_has_no_key_at_any_time(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    aip_public_key found;
    id->deactivated = true;
    id->keys[0].compromised = true;
    CHECK_STATUS(find(id, "key-1", DID_USE_ANY, 50, NULL), AIP_DID_DEACTIVATED);
    CHECK_STATUS(find(id, "no-such-key", DID_USE_ANY, 50, NULL), AIP_DID_DEACTIVATED);
    CHECK_STATUS(identity_current_key(id, DID_USE_ANY, 300, &found, NULL), AIP_DID_DEACTIVATED);
}

static void
the_current_key_is_the_last_of_a_log_and_a_documents_first_that_serves(void)
{
    IDENTITY_AUTO identity *logged = new_logged();
    IDENTITY_AUTO identity *web = new_identity(WEB, 2);
    IDENTITY_AUTO identity *none = new_identity(WEB, 0);
    aip_public_key found;
    CHECK_STATUS(identity_current_key(logged, DID_USE_AUTHENTICATION, 300, &found, NULL), AIP_OK);
    CHECK(same_key(&found, &logged->keys[2].key));
    CHECK_STATUS(identity_current_key(logged, DID_USE_AUTHENTICATION, 190, &found, NULL), AIP_OK);
    CHECK(same_key(&found, &logged->keys[2].key));
    web->keys[0].uses = IDENTITY_USE_BIT(DID_USE_ANY);
    CHECK_STATUS(identity_current_key(web, DID_USE_AUTHENTICATION, 0, &found, NULL), AIP_OK);
    CHECK(same_key(&found, &web->keys[1].key));
    web->keys[1].until = 10;
    CHECK_STATUS(identity_current_key(web, DID_USE_AUTHENTICATION, 10, &found, NULL), AIP_KEY_RETIRED);
    CHECK_STATUS(identity_current_key(none, DID_USE_ANY, 0, &found, NULL), AIP_DIDDOC_KEY_NOT_FOUND);
}

static bool
same_identity(const identity *a, const identity *b)
{
    bool same = strcmp(a->name, b->name) == 0 && a->has_log == b->has_log && a->deactivated == b->deactivated &&
                a->version == b->version && a->created == b->created && a->updated == b->updated &&
                memcmp(a->head, b->head, sizeof a->head) == 0 && a->key_count == b->key_count;
    for (size_t i = 0; same && i < a->key_count; i++) {
        const identity_key *x = &a->keys[i], *y = &b->keys[i];
        same = same_key(&x->key, &y->key) && strcmp(x->fragment, y->fragment) == 0 && x->uses == y->uses &&
               x->compromised == y->compromised && x->from == y->from && x->until == y->until;
    }
    return same;
}

/* Encodes and decodes under `name`; on success the result is `id` again. */
static aip_status
again(const identity *id, const char *name)
{
    TEXT_AUTO text_buffer record = {0};
    IDENTITY_AUTO identity *read = NULL;
    CHECK_STATUS(identity_encode(id, &record, NULL), AIP_OK);
    aip_status status = identity_decode(text_view(&record), aip_bytes_of(name), &read, NULL);
    CHECK((status == AIP_OK) == (read != NULL));
    CHECK(read == NULL || same_identity(id, read));
    return status;
}

static void
a_record_is_read_back_as_it_was(void)
{
    IDENTITY_AUTO identity *logged = new_logged();
    IDENTITY_AUTO identity *web = new_identity(WEB, AIP_IDENTITY_KEYS_MAX);
    IDENTITY_AUTO identity *none = new_identity(WEB, 0);
    logged->keys[1].compromised = true;
    logged->deactivated = true;
    web->keys[5].uses = IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_INVOCATION);
    memset(web->keys[6].fragment, 'x', AIP_FRAGMENT_BYTES_MAX);
    web->keys[7].from = -5;
    web->keys[7].until = 5;
    CHECK_STATUS(again(logged, logged->name), AIP_OK);
    CHECK_STATUS(again(web, WEB), AIP_OK);
    CHECK_STATUS(again(none, WEB), AIP_OK);
}

static void
a_record_under_another_name_is_refused(void)
{
    IDENTITY_AUTO identity *logged = new_logged();
    IDENTITY_AUTO identity *web = new_identity(WEB, 1);
    CHECK_STATUS(again(logged, WEB), AIP_STORE_INVALID);
    CHECK_STATUS(again(web, "did:web:b.test"), AIP_STORE_INVALID);
    CHECK_STATUS(again(web, ""), AIP_STORE_INVALID);
}

static void
a_record_whose_keys_do_not_belong_to_its_name_is_refused(void)
{
    IDENTITY_AUTO identity *logged = new_logged();
    IDENTITY_AUTO identity *hash = new_identity("did:aip:00000000000000000000000000000000", 1);
    IDENTITY_AUTO identity *web = new_identity(WEB, 1);
    logged->keys[0].key = key_of(9);
    CHECK_STATUS(again(logged, logged->name), AIP_DID_KEY_MISMATCH);
    CHECK_STATUS(again(hash, hash->name), AIP_DID_KEY_MISMATCH);
    memset(web->keys[0].key.bytes, 0, AIP_KEY_BYTES);
    CHECK_STATUS(again(web, WEB), AIP_KEY_INVALID);
}

static void
a_record_of_keys_that_no_log_has_is_refused(void)
{
    for (int fault = 0; fault < 7; fault++) {
        IDENTITY_AUTO identity *id = new_logged();
        id->has_log = fault != 0;
        id->version = fault == 1 ? 1 : 2;
        id->keys[0].from = fault == 2 ? 0 : INT64_MIN;
        id->keys[1].until = fault == 3 ? 199 : 200;
        id->keys[2].until = fault == 4 ? 300 : INT64_MAX;
        id->key_count = fault == 5 ? 0 : 3;
        if (fault == 6) {
            id->keys[1].until = id->keys[2].from = 100;
        }
        CHECK_STATUS(again(id, id->name), AIP_STORE_INVALID);
    }
}

static void
a_name_without_a_log_has_one_key_and_a_host_has_no_log(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    IDENTITY_AUTO identity *web = new_identity(WEB, 1);
    id->has_log = false;
    id->key_count = 1;
    CHECK_STATUS(again(id, id->name), AIP_STORE_INVALID);
    id->version = 0;
    CHECK_STATUS(again(id, id->name), AIP_OK);
    web->has_log = true;
    CHECK_STATUS(again(web, WEB), AIP_STORE_INVALID);
    web->has_log = false;
    web->version = 1;
    CHECK_STATUS(again(web, WEB), AIP_STORE_INVALID);
}

static void
fields_that_no_writer_makes_are_refused(void)
{
    for (int fault = 0; fault < 4; fault++) {
        IDENTITY_AUTO identity *id = new_identity(WEB, 2);
        id->keys[1].uses = fault == 0 ? 0 : fault == 1 ? 0xff : IDENTITY_USES_ALL;
        strcpy(id->keys[1].fragment, fault == 2 ? "" : fault == 3 ? "a#b" : "c");
        CHECK_STATUS(again(id, WEB), AIP_STORE_INVALID);
    }
}

static void
a_record_cut_short_or_longer_is_refused(void)
{
    IDENTITY_AUTO identity *id = new_logged();
    TEXT_AUTO text_buffer record = {0};
    CHECK_STATUS(identity_encode(id, &record, NULL), AIP_OK);
    for (size_t size = 0; size < record.size; size++) {
        identity *read = NULL;
        aip_bytes cut = {(const unsigned char *)record.data, size};
        CHECK_STATUS(identity_decode(cut, aip_bytes_of(id->name), &read, NULL), AIP_STORE_INVALID);
        CHECK(read == NULL);
    }
    identity *read = NULL;
    text_append_string(&record, "x");
    CHECK_STATUS(identity_decode(text_view(&record), aip_bytes_of(id->name), &read, NULL), AIP_STORE_INVALID);
    record.data[0] = 2;
    record.size--;
    CHECK_STATUS(identity_decode(text_view(&record), aip_bytes_of(id->name), &read, NULL), AIP_STORE_INVALID);
}

RUN(TEST(a_name_with_its_key_is_an_identity_of_one_key_without_end), TEST(a_did_key_calls_its_key_by_the_key_itself),
    TEST(a_hash_form_needs_the_key_that_hashes_to_it), TEST(a_supplied_key_never_replaces_the_key_in_the_name),
    TEST(names_and_key_counts_beyond_the_limits_are_refused),
    TEST(a_key_counts_from_its_first_second_until_before_its_last),
    TEST(without_a_kid_a_log_means_the_identifiers_own_key), TEST(a_kid_is_a_url_of_this_name_or_a_bare_fragment),
    TEST(any_other_spelling_of_a_kid_finds_nothing),
    TEST(a_documents_first_serving_key_that_counts_is_found_without_a_kid),
    TEST(a_key_listed_for_another_use_is_not_found),
    TEST(a_fragment_of_the_document_goes_before_the_alias_of_another_key),
    TEST(a_compromised_key_never_counts_and_says_so_first), TEST(a_deactivated_identity_has_no_key_at_any_time),
    TEST(the_current_key_is_the_last_of_a_log_and_a_documents_first_that_serves), TEST(a_record_is_read_back_as_it_was),
    TEST(a_record_under_another_name_is_refused), TEST(a_record_whose_keys_do_not_belong_to_its_name_is_refused),
    TEST(a_record_of_keys_that_no_log_has_is_refused), TEST(a_name_without_a_log_has_one_key_and_a_host_has_no_log),
    TEST(fields_that_no_writer_makes_are_refused), TEST(a_record_cut_short_or_longer_is_refused))
