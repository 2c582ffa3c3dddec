/* Identities in memory: what is known, for how long, what goes first, and what a name may say for itself. */
#include "did/memory.h"

#include <pthread.h>

#include "tests/unit/check.h"
#include "tests/unit/log_subject.h"

#define NOW (SUBJECT_BEGAN + 1000)
#define WEB "did:web:a.example"

static identity_memory *memory;

static void
begin(size_t identities_max, bool ask_sources)
{
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    subject_make_keys();
    CHECK_STATUS(identity_memory_new(identities_max, ask_sources, &memory, NULL), AIP_OK);
}

static void
end(void)
{
    identity_memory_free(&memory);
    CHECK(memory == NULL);
}

/* One key, and `name`. */
static identity *
named(const char *name, size_t key)
{
    identity *id = NULL;
    CHECK_STATUS(identity_new(aip_bytes_of(name), 1, &id, NULL), AIP_OK);
    id->keys[0] = (identity_key){
        .key = subject_keys[key], .fragment = "a", .uses = IDENTITY_USES_ALL, .from = INT64_MIN, .until = INT64_MAX};
    return id;
}

static identity *
logged(size_t first, size_t count, bool deactivated)
{
    identity *id = NULL;
    const subject_log wanted = {.first = first, .count = count, .fork = 99};
    LOG_AUTO did_log *log = subject_make_log(&wanted);
    log->deactivated = deactivated;
    CHECK_STATUS(did_log_identity(log, &id, NULL), AIP_OK);
    return id;
}

static void
put(const char *name, size_t key, int64_t fresh_until)
{
    IDENTITY_AUTO identity *id = named(name, key);
    CHECK_STATUS(identity_memory_put(memory, id, fresh_until, NULL), AIP_OK);
}

static void
refuse(const char *name, aip_status status, int64_t until)
{
    aip_error why = AIP_ERROR_INIT;
    (void)!aip_fail(&why, status, "because");
    CHECK_STATUS(identity_memory_put_refusal(memory, aip_bytes_of(name), &why, until, NULL), AIP_OK);
}

static aip_status
find_at(const char *name, int64_t now, memory_state *state)
{
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, NOW};
    aip_public_key key;
    return identity_memory_find_key(memory, aip_bytes_of(name), &query, now, &key, state, NULL);
}

static memory_state
state_at(const char *name, int64_t now)
{
    memory_state state = MEMORY_REFUSED;
    aip_status status = find_at(name, now, &state);
    CHECK((status == AIP_DID_PENDING) == (state == MEMORY_UNKNOWN));
    return state;
}

static void
what_was_put_is_found_until_it_expires(void)
{
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, NOW};
    aip_public_key key;
    begin(8, false);
    put(WEB, 3, NOW + 10);
    CHECK_STATUS(identity_memory_find_key(memory, AIP_BYTES_LITERAL(WEB), &query, NOW + 9, &key, NULL, NULL), AIP_OK);
    CHECK(memcmp(&key, &subject_keys[3], sizeof key) == 0);
    CHECK(state_at(WEB, NOW + 9) == MEMORY_KNOWN);
    CHECK(state_at(WEB, NOW + 10) == MEMORY_UNKNOWN);
    put(WEB, 4, NOW + 20);
    CHECK_STATUS(identity_memory_find_key(memory, AIP_BYTES_LITERAL(WEB), &query, NOW + 10, &key, NULL, NULL), AIP_OK);
    CHECK(memcmp(&key, &subject_keys[4], sizeof key) == 0);
    end();
}

static void
names_are_compared_as_bytes(void)
{
    memory_state state;
    aip_public_key key;
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, NOW};
    begin(8, false);
    put(WEB, 3, NOW + 10);
    CHECK(state_at("did:web:a.exampl", NOW) == MEMORY_UNKNOWN);
    CHECK(state_at("did:web:a.example:", NOW) == MEMORY_UNKNOWN);
    CHECK(state_at("did:web:A.example", NOW) == MEMORY_UNKNOWN);
    CHECK(state_at("", NOW) == MEMORY_UNKNOWN);
    aip_bytes with_nul = {(const unsigned char *)WEB, sizeof WEB};
    CHECK_STATUS(identity_memory_find_key(memory, with_nul, &query, NOW, &key, &state, NULL), AIP_DID_PENDING);
    CHECK(state == MEMORY_UNKNOWN);
    end();
}

static void
the_query_is_judged_as_for_any_identity(void)
{
    aip_public_key key;
    aip_error err = AIP_ERROR_INIT;
    begin(8, false);
    IDENTITY_AUTO identity *id = logged(0, 3, false);
    id->keys[1].compromised = true;
    CHECK_STATUS(identity_memory_put(memory, id, NOW + 10, NULL), AIP_OK);
    aip_bytes name = aip_bytes_of(id->name);
    identity_query query = {AIP_BYTES_LITERAL("key-3"), DID_USE_DELEGATION, NOW};
    CHECK_STATUS(identity_memory_find_key(memory, name, &query, NOW, &key, NULL, &err), AIP_OK);
    query.kid = AIP_BYTES_LITERAL("key-2");
    query.time = SUBJECT_BEGAN + 1;
    CHECK_STATUS(identity_memory_find_key(memory, name, &query, NOW, &key, NULL, &err), AIP_KEY_COMPROMISED);
    query.kid = AIP_BYTES_LITERAL("key-1");
    CHECK_STATUS(identity_memory_find_key(memory, name, &query, NOW, &key, NULL, &err), AIP_KEY_RETIRED);
    query.kid = AIP_BYTES_LITERAL("key-4");
    CHECK_STATUS(identity_memory_find_key(memory, name, &query, NOW, &key, NULL, &err), AIP_DIDDOC_KEY_NOT_FOUND);
    CHECK(state_at(id->name, NOW) == MEMORY_KNOWN);
    end();
}

static void
a_refusal_is_remembered_with_its_reason_until_its_time(void)
{
    memory_state state;
    aip_error err = AIP_ERROR_INIT;
    aip_public_key key;
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, NOW};
    begin(8, false);
    refuse(WEB, AIP_FETCH_TIMEOUT, NOW + 5);
    aip_bytes name = AIP_BYTES_LITERAL(WEB);
    CHECK_STATUS(identity_memory_find_key(memory, name, &query, NOW + 4, &key, &state, &err), AIP_FETCH_TIMEOUT);
    CHECK(state == MEMORY_REFUSED && err.status == AIP_FETCH_TIMEOUT);
    CHECK_TEXT(err.detail, "because");
    CHECK_STATUS(find_at(WEB, NOW + 4, NULL), AIP_FETCH_TIMEOUT);
    CHECK(state_at(WEB, NOW + 5) == MEMORY_UNKNOWN);
    refuse(WEB, AIP_AIPDOC_EXPIRED, NOW + 9);
    CHECK_STATUS(find_at(WEB, NOW + 8, NULL), AIP_AIPDOC_EXPIRED);
    put(WEB, 0, NOW + 20);
    CHECK(state_at(WEB, NOW + 8) == MEMORY_KNOWN);
    end();
}

static void
a_fresh_answer_outweighs_failures_but_not_judgements(void)
{
    begin(8, false);
    put(WEB, 0, NOW + 20);
    refuse(WEB, AIP_FETCH_UNREACHABLE, NOW + 5);
    CHECK(state_at(WEB, NOW) == MEMORY_KNOWN);
    refuse(WEB, AIP_KEY_RETURNED, NOW + 5);
    CHECK_STATUS(find_at(WEB, NOW, NULL), AIP_KEY_RETURNED);
    CHECK(state_at(WEB, NOW + 5) == MEMORY_KNOWN); /* it was not erased */
    put(WEB, 0, NOW + 3);
    refuse(WEB, AIP_FETCH_UNREACHABLE, NOW + 9);
    CHECK_STATUS(find_at(WEB, NOW + 4, NULL), AIP_FETCH_UNREACHABLE);
    end();
}

static void
what_cannot_be_remembered_is_refused(void)
{
    unsigned char name[AIP_IDENTIFIER_BYTES_MAX + 1];
    aip_error why = AIP_ERROR_INIT;
    memset(name, 'a', sizeof name);
    begin(8, false);
    aip_bytes text = {name, sizeof name};
    CHECK_STATUS(identity_memory_put_refusal(memory, text, &why, NOW, NULL), AIP_INTERNAL);
    why.status = AIP_DID_NOT_FOUND;
    CHECK_STATUS(identity_memory_put_refusal(memory, text, &why, NOW, NULL), AIP_DID_INVALID);
    text.size = 0;
    CHECK_STATUS(identity_memory_put_refusal(memory, text, &why, NOW, NULL), AIP_DID_INVALID);
    end();
}

static void
what_ended_never_expires_and_is_never_replaced(void)
{
    begin(8, false);
    IDENTITY_AUTO identity *dead = logged(0, 3, true);
    IDENTITY_AUTO identity *alive = logged(0, 2, false);
    CHECK_STATUS(identity_memory_put(memory, alive, NOW + 10, NULL), AIP_OK);
    CHECK(state_at(alive->name, NOW) == MEMORY_KNOWN);
    CHECK_STATUS(identity_memory_put(memory, dead, NOW + 10, NULL), AIP_OK);
    CHECK_STATUS(find_at(dead->name, NOW + 1000000, NULL), AIP_DID_DEACTIVATED);
    CHECK_STATUS(identity_memory_put(memory, alive, NOW + 10, NULL), AIP_OK);
    refuse(dead->name, AIP_FETCH_TIMEOUT, NOW + 10);
    CHECK_STATUS(find_at(dead->name, NOW, NULL), AIP_DID_DEACTIVATED);
    CHECK_STATUS(identity_memory_put(memory, dead, NOW + 10, NULL), AIP_OK);
    CHECK_STATUS(find_at(dead->name, NOW + 1000000, NULL), AIP_DID_DEACTIVATED);
    end();
}

static void
what_is_forgotten_is_unknown(void)
{
    begin(8, false);
    put(WEB, 0, NOW + 10);
    put("did:web:b.example", 0, NOW + 10);
    identity_memory_forget(memory, AIP_BYTES_LITERAL(WEB));
    identity_memory_forget(memory, AIP_BYTES_LITERAL(WEB));
    identity_memory_forget(memory, AIP_BYTES_LITERAL("did:web:c.example"));
    CHECK(state_at(WEB, NOW) == MEMORY_UNKNOWN);
    CHECK(state_at("did:web:b.example", NOW) == MEMORY_KNOWN);
    end();
}

static size_t
count_known(size_t names)
{
    size_t known = 0;
    for (size_t i = 0; i < names; i++) {
        char name[64];
        snprintf(name, sizeof name, "did:web:h%zu.example", i);
        known += state_at(name, NOW) != MEMORY_UNKNOWN;
    }
    return known;
}

static void
put_many(size_t names)
{
    for (size_t i = 0; i < names; i++) {
        char name[64];
        snprintf(name, sizeof name, "did:web:h%zu.example", i);
        if (i % 3 == 0) {
            refuse(name, AIP_DID_NOT_FOUND, NOW + 10);
        } else {
            put(name, i % SUBJECT_KEYS, NOW + 10);
        }
    }
}

static void
the_bound_holds_and_is_used_up(void)
{
    static const size_t bounds[] = {1, 2, 15, 100, 1000};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        begin(bounds[i], false);
        put_many(bounds[i]);
        CHECK(count_known(bounds[i]) == bounds[i]);
        put_many(3 * bounds[i] + 5);
        CHECK(count_known(3 * bounds[i] + 5) == bounds[i]);
        end();
    }
}

/* Against a plain array, with more names than places of the index by chance fall together. */
static void
names_come_and_go_in_any_order(void)
{
    enum { MODEL_NAMES = 300 };
    bool there[MODEL_NAMES] = {false};
    unsigned random = 7;
    begin(1000, false);
    for (int turn = 0; turn < 20000; turn++) {
        char name[64];
        unsigned n = (unsigned)rand_r(&random) % MODEL_NAMES;
        snprintf(name, sizeof name, "did:web:h%u.example", n);
        CHECK((state_at(name, NOW) == MEMORY_KNOWN) == there[n]);
        if (rand_r(&random) % 2 == 0) {
            put(name, n % SUBJECT_KEYS, NOW + 10);
            there[n] = true;
        } else {
            identity_memory_forget(memory, aip_bytes_of(name));
            there[n] = false;
        }
    }
    for (unsigned n = 0; n < MODEL_NAMES; n++) {
        char name[64];
        snprintf(name, sizeof name, "did:web:h%u.example", n);
        CHECK((state_at(name, NOW) == MEMORY_KNOWN) == there[n]);
    }
    end();
}

static void
the_least_recently_used_goes_first(void)
{
    begin(3, false);
    put("did:web:a.example", 0, NOW + 10);
    put("did:web:b.example", 0, NOW + 10);
    put("did:web:c.example", 0, NOW + 10);
    CHECK(state_at("did:web:a.example", NOW) == MEMORY_KNOWN);
    put("did:web:d.example", 0, NOW + 10);
    CHECK(state_at("did:web:b.example", NOW) == MEMORY_UNKNOWN);
    CHECK(state_at("did:web:a.example", NOW) == MEMORY_KNOWN);
    CHECK(state_at("did:web:c.example", NOW) == MEMORY_KNOWN);
    CHECK(state_at("did:web:d.example", NOW) == MEMORY_KNOWN);
    end();
}

static void
what_ended_is_pushed_out_last(void)
{
    begin(4, false);
    IDENTITY_AUTO identity *dead = logged(0, 2, true);
    CHECK_STATUS(identity_memory_put(memory, dead, NOW, NULL), AIP_OK);
    put_many(50);
    CHECK_STATUS(find_at(dead->name, NOW, NULL), AIP_DID_DEACTIVATED);
    for (size_t i = 1; i < 6; i++) {
        IDENTITY_AUTO identity *other = logged(i, 2, true);
        CHECK_STATUS(identity_memory_put(memory, other, NOW, NULL), AIP_OK);
    }
    put(WEB, 0, NOW + 10);
    CHECK(state_at(WEB, NOW) == MEMORY_KNOWN);
    end();
}

/* What verification asks */

static aip_status
ask(const char *text, const char *kid, int64_t signed_at, aip_public_key *key)
{
    memory_view view = {.memory = memory, .now_seconds = NOW};
    aip_key_source source;
    aip_did name;
    identity_memory_source(&view, &source);
    CHECK_STATUS(aip_did_parse(aip_bytes_of(text), &name, NULL), AIP_OK);
    return source.find(source.context, &name, aip_bytes_of(kid), signed_at, key, NULL);
}

static void
a_name_with_its_key_speaks_for_itself_unless_more_is_known(void)
{
    char did[AIP_DID_TEXT_SIZE];
    aip_public_key key;
    begin(8, false);
    aip_did_of_key(&subject_keys[0], did);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_OK);
    CHECK(memcmp(&key, &subject_keys[0], sizeof key) == 0);
    CHECK_STATUS(ask(did, "#key-2", NOW, &key), AIP_DIDDOC_KEY_NOT_FOUND);
    IDENTITY_AUTO identity *id = logged(0, 2, false);
    CHECK_STATUS(identity_memory_put(memory, id, NOW + 10, NULL), AIP_OK);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_KEY_RETIRED);
    CHECK_STATUS(ask(did, "", SUBJECT_BEGAN, &key), AIP_OK);
    CHECK_STATUS(ask(did, "key-2", NOW, &key), AIP_OK);
    CHECK(memcmp(&key, &subject_keys[1], sizeof key) == 0);
    refuse(did, AIP_LOG_FORK, NOW + 5);
    CHECK_STATUS(ask(did, "key-2", NOW, &key), AIP_LOG_FORK);
    end();
}

static void
with_sources_to_ask_a_name_waits_for_them(void)
{
    char did[AIP_DID_TEXT_SIZE], other[AIP_DID_TEXT_SIZE];
    aip_public_key key;
    begin(8, true);
    aip_did_of_key(&subject_keys[0], did);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_DID_PENDING);
    snprintf(other, sizeof other, "did:key:%s", did + strlen("did:aip:"));
    CHECK_STATUS(ask(other, "", NOW, &key), AIP_OK); /* that method has no logs */
    IDENTITY_AUTO identity *id = logged(0, 1, false);
    CHECK_STATUS(identity_memory_put(memory, id, NOW + 10, NULL), AIP_OK);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_OK);
    CHECK_STATUS(identity_memory_put(memory, id, NOW, NULL), AIP_OK);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_DID_PENDING);
    end();
}

static void
a_name_whose_log_has_expired_does_not_speak_for_itself_again(void)
{
    char did[AIP_DID_TEXT_SIZE];
    aip_public_key key;
    begin(8, false);
    aip_did_of_key(&subject_keys[0], did);
    IDENTITY_AUTO identity *rotated = logged(0, 2, false);
    IDENTITY_AUTO identity *plain = named(did, 0);
    CHECK_STATUS(identity_memory_put(memory, rotated, NOW, NULL), AIP_OK);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_DID_PENDING);
    CHECK_STATUS(identity_memory_put(memory, plain, NOW, NULL), AIP_OK);
    CHECK_STATUS(ask(did, "", NOW, &key), AIP_OK);
    end();
}

static void
names_without_a_key_need_memory(void)
{
    static const char hashed[] = "did:aip:00112233445566778899aabbccddeeff";
    static const char spaced[] = "did:aip:personal:00112233445566778899aabbccddeeff";
    aip_public_key key;
    begin(8, false);
    CHECK_STATUS(ask(WEB, "", NOW, &key), AIP_DID_PENDING);
    CHECK_STATUS(ask("aip:web:a.example/agent", "", NOW, &key), AIP_DID_PENDING);
    CHECK_STATUS(ask(hashed, "", NOW, &key), AIP_DID_KEY_MISSING);
    CHECK_STATUS(ask(spaced, "", NOW, &key), AIP_DID_KEY_MISSING);
    put(WEB, 2, NOW + 10);
    put(hashed, 3, NOW + 10);
    CHECK_STATUS(ask(WEB, "", NOW, &key), AIP_OK);
    CHECK(memcmp(&key, &subject_keys[2], sizeof key) == 0);
    CHECK_STATUS(ask(hashed, "", NOW, &key), AIP_OK);
    CHECK_STATUS(ask(spaced, "", NOW, &key), AIP_DID_KEY_MISSING);
    refuse(spaced, AIP_DID_KEY_MISMATCH, NOW + 10);
    CHECK_STATUS(ask(spaced, "", NOW, &key), AIP_DID_KEY_MISMATCH);
    end();
}

static void
a_key_for_other_uses_does_not_delegate(void)
{
    aip_public_key key;
    begin(8, false);
    IDENTITY_AUTO identity *id = named(WEB, 0);
    id->keys[0].uses = IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_AUTHENTICATION);
    CHECK_STATUS(identity_memory_put(memory, id, NOW + 10, NULL), AIP_OK);
    CHECK_STATUS(ask(WEB, "", NOW, &key), AIP_DIDDOC_KEY_NOT_FOUND);
    end();
}

/* Threads: each name's key is a function of the name, so that a torn entry shows. */

#define THREADS 4
#define TURNS 4000
#define NAMES 64

static int wrong[THREADS];

static void
one_turn(unsigned *random, int *failures)
{
    char name[64];
    aip_error why = {.status = AIP_FETCH_TIMEOUT};
    aip_public_key key;
    const identity_query query = {{NULL, 0}, DID_USE_DELEGATION, NOW};
    unsigned drawn = (unsigned)rand_r(random), n = drawn % NAMES;
    snprintf(name, sizeof name, "did:web:h%u.example", n);
    aip_bytes text = aip_bytes_of(name);
    if (drawn % 7 == 0) {
        IDENTITY_AUTO identity *id = named(name, n % SUBJECT_KEYS);
        *failures += identity_memory_put(memory, id, NOW + 10, NULL) != AIP_OK;
    } else if (drawn % 31 == 0) {
        *failures += identity_memory_put_refusal(memory, text, &why, NOW + 10, NULL) != AIP_OK;
    } else if (drawn % 37 == 0) {
        identity_memory_forget(memory, text);
    } else {
        aip_status status = identity_memory_find_key(memory, text, &query, NOW, &key, NULL, NULL);
        *failures += status == AIP_OK && memcmp(&key, &subject_keys[n % SUBJECT_KEYS], sizeof key) != 0;
        *failures += status != AIP_OK && status != AIP_DID_PENDING && status != AIP_FETCH_TIMEOUT;
    }
}

static void *
take_turns(void *context)
{
    int *failures = context;
    unsigned random = (unsigned)(failures - wrong) + 1;
    for (int i = 0; i < TURNS; i++) {
        one_turn(&random, failures);
    }
    return NULL;
}

static void
threads_find_whole_entries_and_the_bound_holds(void)
{
    pthread_t threads[THREADS];
    begin(40, false);
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, take_turns, &wrong[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(wrong[i] == 0);
    }
    size_t known = count_known(NAMES);
    CHECK(known > 0 && known <= 40);
    put_many(NAMES); /* no place was lost on the way */
    CHECK(count_known(NAMES) == 40);
    end();
}

RUN(TEST(what_was_put_is_found_until_it_expires), TEST(names_are_compared_as_bytes),
    TEST(the_query_is_judged_as_for_any_identity), TEST(a_refusal_is_remembered_with_its_reason_until_its_time),
    TEST(a_fresh_answer_outweighs_failures_but_not_judgements), TEST(what_cannot_be_remembered_is_refused),
    TEST(what_ended_never_expires_and_is_never_replaced), TEST(what_is_forgotten_is_unknown),
    TEST(the_bound_holds_and_is_used_up), TEST(names_come_and_go_in_any_order),
    TEST(the_least_recently_used_goes_first), TEST(what_ended_is_pushed_out_last),
    TEST(a_name_with_its_key_speaks_for_itself_unless_more_is_known), TEST(with_sources_to_ask_a_name_waits_for_them),
    TEST(a_name_whose_log_has_expired_does_not_speak_for_itself_again), TEST(names_without_a_key_need_memory),
    TEST(a_key_for_other_uses_does_not_delegate), TEST(threads_find_whole_entries_and_the_bound_holds))
