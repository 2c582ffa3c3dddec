/* Used nonces: each serves once, whatever the clock, the load, a restart or a kill do. */
#include "proof/nonces.h"

#include <pthread.h>

#include "store/nonces.h"

#include "tests/unit/check.h"
#include "tests/unit/store_file.h"

#define NOW INT64_C(1800000000)
#define ALICE "did:aip:zAlice#key-1"
#define BOB "did:aip:zBob#key-1"
#define LAST_ACCEPTED (AIP_PROOF_SECONDS + NOW) /* of a proof created now */

static nonce_memory *memory;

static void
begin(size_t capacity)
{
    CHECK_STATUS(crypto_start(NULL), AIP_OK);
    CHECK_STATUS(nonce_memory_new(capacity, NULL, &memory, NULL), AIP_OK);
}

static aip_status
take_created(const char *key_id, unsigned number, int64_t created, int64_t now)
{
    char nonce[32];
    used_nonce taken;
    snprintf(nonce, sizeof nonce, "nonce-number-%08u", number);
    const nonce_use use = {aip_bytes_of(key_id), aip_bytes_of(nonce), created};
    return nonce_memory_take(memory, &use, now, &taken, NULL);
}

static aip_status
take(const char *key_id, unsigned number, int64_t now)
{
    return take_created(key_id, number, now, now);
}

/* One nonce, of many keys. */
static aip_status
take_of_key(unsigned key, int64_t now)
{
    char key_id[64];
    snprintf(key_id, sizeof key_id, "did:aip:zAgent%u#key-1", key);
    return take(key_id, 0, now);
}

static aip_status
take_text(aip_bytes key_id, aip_bytes nonce)
{
    used_nonce taken;
    const nonce_use use = {key_id, nonce, NOW};
    return nonce_memory_take(memory, &use, NOW, &taken, NULL);
}

/* ---- the memory ---- */

static void
a_nonce_serves_once(void)
{
    begin(64);
    CHECK_STATUS(take(ALICE, 1, NOW), AIP_OK);
    CHECK_STATUS(take(ALICE, 1, NOW), AIP_PROOF_REPLAYED);
    CHECK_STATUS(take(ALICE, 2, NOW), AIP_OK);
    CHECK_STATUS(take(ALICE, 1, NOW), AIP_PROOF_REPLAYED);
    CHECK(nonce_memory_count(memory) == 2);
    nonce_memory_free(&memory);
    CHECK(memory == NULL);
}

static void
another_time_of_creation_does_not_make_it_another_nonce(void)
{
    begin(64);
    CHECK_STATUS(take_created(ALICE, 1, NOW, NOW), AIP_OK);
    CHECK_STATUS(take_created(ALICE, 1, NOW + 1, NOW), AIP_PROOF_REPLAYED);
    CHECK_STATUS(take_created(ALICE, 1, NOW - 60, NOW), AIP_PROOF_REPLAYED);
    nonce_memory_free(&memory);
}

static void
two_keys_may_use_the_same_nonce(void)
{
    begin(64);
    CHECK_STATUS(take(ALICE, 1, NOW), AIP_OK);
    CHECK_STATUS(take(BOB, 1, NOW), AIP_OK);
    CHECK_STATUS(take(BOB, 1, NOW), AIP_PROOF_REPLAYED);
    nonce_memory_free(&memory);
}

static void
no_shift_between_nonce_and_key_makes_two_pairs_one(void)
{
    begin(64);
    CHECK_STATUS(take_text(AIP_BYTES_LITERAL("zkey"), AIP_BYTES_LITERAL("0123456789abcdef")), AIP_OK);
    CHECK_STATUS(take_text(AIP_BYTES_LITERAL("key"), AIP_BYTES_LITERAL("0123456789abcdefz")), AIP_OK);
    CHECK_STATUS(take_text(AIP_BYTES_LITERAL("key"), AIP_BYTES_LITERAL("0123456789abcdefz")), AIP_PROOF_REPLAYED);
    nonce_memory_free(&memory);
}

static void
texts_over_the_limits_are_refused(void)
{
    unsigned char long_text[1024];
    memset(long_text, 'a', sizeof long_text);
    const size_t key_max = AIP_IDENTIFIER_BYTES_MAX + 1 + AIP_FRAGMENT_BYTES_MAX;
    begin(64);
    const aip_bytes key = AIP_BYTES_LITERAL(ALICE), nonce = AIP_BYTES_LITERAL("0123456789abcdef");
    CHECK_STATUS(take_text(key, (aip_bytes){long_text, AIP_NONCE_BYTES_MIN - 1}), AIP_PROOF_NONCE);
    CHECK_STATUS(take_text(key, (aip_bytes){long_text, AIP_NONCE_BYTES_MAX + 1}), AIP_PROOF_NONCE);
    CHECK_STATUS(take_text(key, (aip_bytes){NULL, 0}), AIP_PROOF_NONCE);
    CHECK_STATUS(take_text((aip_bytes){long_text, key_max + 1}, nonce), AIP_PROOF_KEY);
    CHECK_STATUS(take_text((aip_bytes){NULL, 0}, nonce), AIP_PROOF_KEY);
    CHECK(nonce_memory_count(memory) == 0);
    CHECK_STATUS(take_text((aip_bytes){long_text, key_max}, (aip_bytes){long_text, AIP_NONCE_BYTES_MAX}), AIP_OK);
    CHECK_STATUS(take_text((aip_bytes){long_text, key_max}, (aip_bytes){long_text, AIP_NONCE_BYTES_MIN}), AIP_OK);
    nonce_memory_free(&memory);
}

static void
it_is_remembered_for_as_long_as_its_proof_could_be_accepted(void)
{
    for (int64_t skew = -AIP_PROOF_SECONDS; skew <= AIP_CLOCK_SKEW_SECONDS; skew++) {
        int64_t created = NOW + skew;
        begin(1024);
        CHECK_STATUS(take_created(ALICE, 1, created, NOW), AIP_OK);
        for (int64_t now = NOW; now <= created + AIP_PROOF_SECONDS; now++) {
            CHECK_STATUS(take(BOB, (unsigned)(now - NOW), now), AIP_OK); /* time goes on */
            CHECK_STATUS(take_created(ALICE, 1, created, now), AIP_PROOF_REPLAYED);
        }
        nonce_memory_free(&memory);
    }
}

static void
time_frees_the_room(void)
{
    begin(64);
    for (unsigned i = 0; i < 64; i++) {
        CHECK_STATUS(take_of_key(i, NOW), AIP_OK);
    }
    CHECK_STATUS(take_of_key(64, NOW), AIP_PROOF_FULL);
    CHECK_STATUS(take_of_key(64, NOW + NONCE_REMEMBERED_SECONDS), AIP_PROOF_FULL);
    CHECK_STATUS(take_of_key(64, NOW + NONCE_REMEMBERED_SECONDS + 4), AIP_OK);
    CHECK(nonce_memory_count(memory) == 1);
    for (unsigned i = 0; i < 63; i++) {
        CHECK_STATUS(take_of_key(i, NOW + NONCE_REMEMBERED_SECONDS + 4), AIP_OK);
    }
    CHECK_STATUS(take_of_key(65, NOW + NONCE_REMEMBERED_SECONDS + 4), AIP_PROOF_FULL);
    nonce_memory_free(&memory);
}

static void
after_a_pause_nothing_old_is_left(void)
{
    for (int64_t pause = 124; pause < 600; pause += 3) {
        begin(1024);
        for (int64_t created = NOW - AIP_PROOF_SECONDS; created <= NOW + AIP_CLOCK_SKEW_SECONDS; created++) {
            CHECK_STATUS(take_created(ALICE, (unsigned)(created - NOW + 100), created, NOW), AIP_OK);
        }
        CHECK(nonce_memory_count(memory) == 91);
        CHECK_STATUS(take(BOB, 1, NOW + pause), AIP_OK);
        CHECK(nonce_memory_count(memory) == 1);
        nonce_memory_free(&memory);
    }
}

static void
a_full_memory_forgets_nothing_for_a_newcomer(void)
{
    begin(64);
    for (unsigned i = 0; i < 64; i++) {
        CHECK_STATUS(take_of_key(i, NOW), AIP_OK);
    }
    for (unsigned i = 64; i < 200; i++) {
        CHECK_STATUS(take_of_key(i, NOW + 1), AIP_PROOF_FULL);
    }
    for (unsigned i = 0; i < 64; i++) {
        CHECK_STATUS(take_of_key(i, NOW + 1), AIP_PROOF_REPLAYED);
    }
    nonce_memory_free(&memory);
}

static void
one_key_has_an_eighth_and_the_others_the_rest(void)
{
    begin(64);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_STATUS(take(ALICE, i, NOW), AIP_OK);
    }
    CHECK_STATUS(take(ALICE, 8, NOW), AIP_PROOF_FULL);
    CHECK_STATUS(take(ALICE, 3, NOW), AIP_PROOF_REPLAYED);
    CHECK_STATUS(take(BOB, 8, NOW), AIP_OK);
    for (unsigned i = 0; i < 55; i++) {
        CHECK_STATUS(take_of_key(i, NOW), AIP_OK);
    }
    CHECK_STATUS(take(BOB, 9, NOW), AIP_PROOF_FULL);
    nonce_memory_free(&memory);
}

static void
a_share_is_given_back_when_its_nonces_expire(void)
{
    begin(64);
    for (unsigned round = 0; round < 50; round++) {
        int64_t now = NOW + round * (NONCE_REMEMBERED_SECONDS + 4);
        for (unsigned i = 0; i < 8; i++) {
            CHECK_STATUS(take(ALICE, round * 8 + i, now), AIP_OK);
        }
        CHECK_STATUS(take(ALICE, round * 8 + 8, now), AIP_PROOF_FULL);
        CHECK_STATUS(take_of_key(round, now), AIP_OK);
    }
    nonce_memory_free(&memory);
}

static void
a_large_memory_shares_the_same_way(void)
{
    enum { ROOM = 1 << 16 };
    begin(ROOM);
    unsigned taken = 0;
    while (taken < ROOM && take(ALICE, taken, NOW) == AIP_OK) {
        taken++;
    }
    /* The first full stripe ends it; by chance that can be well before the whole share is used, never before half. */
    CHECK(taken > ROOM / 8 / 2 && taken <= ROOM / 8);
    unsigned others = 0;
    for (unsigned i = 0; i < ROOM / 2; i++) {
        others += take_of_key(i, NOW) == AIP_OK;
    }
    CHECK(others == ROOM / 2);
    CHECK(nonce_memory_count(memory) >= taken + others);
    nonce_memory_free(&memory);
}

static void
a_clock_that_goes_back_forgets_nothing(void)
{
    static const int64_t back[] = {1, 3, 30, 91, 300, 3600, 86400};
    for (size_t i = 0; i < sizeof back / sizeof back[0]; i++) {
        begin(1024);
        CHECK_STATUS(take(ALICE, 1, NOW), AIP_OK);
        CHECK_STATUS(take(ALICE, 2, NOW - back[i]), AIP_OK);
        /* The time of the first one comes again. */
        for (int64_t now = NOW - back[i]; now < LAST_ACCEPTED; now += 1 + back[i] / 40) {
            CHECK_STATUS(take_of_key((unsigned)(now - NOW + back[i]), now), AIP_OK);
        }
        CHECK_STATUS(take_created(ALICE, 1, NOW, LAST_ACCEPTED), AIP_PROOF_REPLAYED);
        nonce_memory_free(&memory);
    }
}

static void
what_was_forgotten_in_a_future_is_refused_when_its_time_comes_again(void)
{
    static const int64_t ahead[] = {95, 256, 3600, 86400 * 365};
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        begin(64);
        CHECK_STATUS(take(ALICE, 1, NOW), AIP_OK);
        CHECK_STATUS(take(ALICE, 2, NOW + ahead[i]), AIP_OK);
        CHECK(nonce_memory_count(memory) == 1);
        CHECK_STATUS(take_created(ALICE, 1, NOW, NOW + 1), AIP_PROOF_EXPIRED);
        CHECK_STATUS(take_created(ALICE, 2, NOW + ahead[i], NOW + ahead[i]), AIP_PROOF_REPLAYED);
        /* And only its time: others go on. */
        CHECK_STATUS(take(ALICE, 3, NOW + 1), AIP_OK);
        nonce_memory_free(&memory);
    }
}

static void
a_clock_that_went_back_does_not_fill_the_memory(void)
{
    begin(64);
    for (unsigned i = 0; i < 32; i++) {
        CHECK_STATUS(take_of_key(i, NOW), AIP_OK);
    }
    for (unsigned round = 0; round < 30; round++) {
        int64_t now = NOW - 3600 + round * (NONCE_REMEMBERED_SECONDS + 4);
        for (unsigned i = 0; i < 32; i++) {
            CHECK_STATUS(take_of_key(1000 + round * 32 + i, now), AIP_OK);
        }
        CHECK_STATUS(take_of_key(999, now), AIP_PROOF_FULL);
    }
    for (unsigned i = 0; i < 32; i++) {
        CHECK_STATUS(take_of_key(i, NOW), AIP_PROOF_REPLAYED);
    }
    nonce_memory_free(&memory);
}

static void
times_beyond_all_reason_are_refused(void)
{
    static const int64_t times[][2] = {
        {INT64_MIN, NOW}, {-1, NOW}, {INT64_MAX, NOW}, {INT64_MAX - 89, NOW}, {UINT32_MAX, NOW},
        {NOW - 91, NOW},  {NOW, -1}, {0, 91},          {NOW, INT64_MAX},
    };
    begin(64);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        CHECK_STATUS(take_created(ALICE, 1, times[i][0], times[i][1]), AIP_PROOF_EXPIRED);
    }
    CHECK_STATUS(take_created(ALICE, 1, 0, 0), AIP_OK);
    CHECK_STATUS(take_created(ALICE, 1, 0, 0), AIP_PROOF_REPLAYED);
    nonce_memory_free(&memory);
}

static void
without_a_database_nothing_from_before_the_start_is_accepted(void)
{
    begin(64);
    nonce_memory_forgot(memory, NOW + NONCE_REMEMBERED_SECONDS);
    CHECK_STATUS(take_created(ALICE, 1, NOW, NOW), AIP_PROOF_EXPIRED);
    CHECK_STATUS(take_created(ALICE, 1, NOW - 60, NOW), AIP_PROOF_EXPIRED);
    CHECK_STATUS(take_created(ALICE, 1, NOW + 1, NOW), AIP_OK);
    nonce_memory_forgot(memory, NOW); /* never back */
    CHECK_STATUS(take_created(ALICE, 2, NOW, NOW), AIP_PROOF_EXPIRED);
    nonce_memory_free(&memory);
}

static void
impossible_sizes_are_refused(void)
{
    CHECK_STATUS(nonce_memory_new(0, NULL, &memory, NULL), AIP_NO_MEMORY);
    CHECK(memory == NULL);
    CHECK_STATUS(nonce_memory_new(SIZE_MAX, NULL, &memory, NULL), AIP_NO_MEMORY);
    CHECK(memory == NULL);
    nonce_memory_free(&memory);
    begin(1);
    CHECK_STATUS(take(ALICE, 1, NOW), AIP_OK);
    CHECK_STATUS(take(BOB, 1, NOW), AIP_PROOF_FULL);
    nonce_memory_free(&memory);
}

enum { RACERS = 4, RACED = 4000 };
static unsigned char wins[RACERS][RACED];

static void *
race(void *own)
{
    for (unsigned i = 0; i < RACED; i++) {
        unsigned at = (i * 7 + 1) % RACED;
        ((unsigned char *)own)[at] = take_of_key(at, NOW + i / 500) == AIP_OK;
    }
    return NULL;
}

static void
of_threads_that_bring_one_nonce_together_one_wins(void)
{
    pthread_t threads[RACERS];
    begin(1 << 15);
    for (size_t i = 0; i < RACERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, race, wins[i]) == 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t at = 0; at < RACED; at++) {
        CHECK(wins[0][at] + wins[1][at] + wins[2][at] + wins[3][at] == 1);
    }
    CHECK(nonce_memory_count(memory) == RACED);
    nonce_memory_free(&memory);
}

/* A second, simpler memory: takes whose outcome a list of all that was ever taken foretells. */
static void
random_takes_agree_with_a_list(void)
{
    enum { KEYS = 6, TAKES = 60000, SEEN = 1 << 14 };
    static int64_t until[KEYS][SEEN]; /* when the last one taken expires */
    uint64_t state = 42;
    int64_t now = NOW;
    size_t taken = 0, refused = 0;
    begin(1 << 13);
    memset(until, 0, sizeof until);
    for (unsigned i = 0; i < TAKES; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        unsigned random = (unsigned)(state >> 33);
        now += random % 8 == 0;
        unsigned key = random / 8 % KEYS, number = random / 64 % 1024 + (unsigned)(now - NOW) / 64 % 16 * 1024;
        char key_id[32];
        snprintf(key_id, sizeof key_id, "did:aip:zKey%u#k", key);
        aip_status status = take(key_id, number, now);
        bool remembered = until[key][number] >= now;
        bool maybe = !remembered && until[key][number] + 4 > now; /* forgotten by whole spans */
        CHECK(status == AIP_OK || status == AIP_PROOF_REPLAYED);
        CHECK(maybe || (status == AIP_PROOF_REPLAYED) == remembered);
        if (status == AIP_OK) {
            until[key][number] = now + NONCE_REMEMBERED_SECONDS;
            taken++;
        } else {
            refused++;
        }
    }
    CHECK(taken > 10000 && refused > 1000);
    nonce_memory_free(&memory);
}

/* ---- the table ---- */

static store *db;
static nonce_table table;
static nonce_keys keys;

static void
open_it(void)
{
    CHECK_STATUS(store_open(file_path, &db, NULL), AIP_OK);
    CHECK_STATUS(store_nonces_open(db, &table, &keys, NULL), AIP_OK);
}

static used_nonce
numbered(uint32_t number, int64_t expires)
{
    used_nonce entry = {.expires = expires};
    memcpy(entry.hash, &number, sizeof number);
    return entry;
}

static aip_status
append(uint32_t number, int64_t expires, bool *known)
{
    const used_nonce entry = numbered(number, expires);
    return store_nonces_append(&table, &entry, 1, known, NULL);
}

static void
count_entry(void *context, const used_nonce *entry)
{
    CHECK(entry->expires > 0);
    *(size_t *)context += 1;
}

static size_t
load_count(int64_t now, int64_t *forgotten)
{
    size_t count = 0;
    const nonce_sink sink = {&count, count_entry};
    CHECK_STATUS(store_nonces_load(&table, now, &sink, forgotten, NULL), AIP_OK);
    return count;
}

static void
load_into_memory(void *context, const used_nonce *entry)
{
    nonce_memory_load(memory, entry, *(int64_t *)context);
}

/* As a gateway starts. */
static void
start(int64_t now, size_t capacity)
{
    int64_t forgotten = 0;
    const nonce_sink sink = {&now, load_into_memory};
    open_it();
    CHECK_STATUS(nonce_memory_new(capacity, &keys, &memory, NULL), AIP_OK);
    CHECK_STATUS(store_nonces_load(&table, now, &sink, &forgotten, NULL), AIP_OK);
    nonce_memory_forgot(memory, forgotten);
}

static void
stop(void)
{
    nonce_memory_free(&memory);
    store_close(&db);
}

/* As a gateway admits. */
static aip_status
admit(const char *key_id, unsigned number, int64_t created, int64_t now)
{
    char nonce[32];
    used_nonce taken;
    bool known = false;
    snprintf(nonce, sizeof nonce, "nonce-number-%08u", number);
    const nonce_use use = {aip_bytes_of(key_id), aip_bytes_of(nonce), created};
    AIP_TRY(nonce_memory_take(memory, &use, now, &taken, NULL));
    AIP_TRY(store_nonces_append(&table, &taken, 1, &known, NULL));
    return known ? AIP_PROOF_REPLAYED : AIP_OK;
}

static void
a_restart_forgets_nothing(void)
{
    file_begin();
    start(NOW, 4096);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_STATUS(admit(ALICE, i, NOW, NOW), AIP_OK);
    }
    for (int64_t later = 0; later <= AIP_PROOF_SECONDS; later += 20) {
        stop();
        start(NOW + later, 4096);
        CHECK(nonce_memory_count(memory) == 100);
        for (unsigned i = 0; i < 100; i++) {
            CHECK_STATUS(admit(ALICE, i, NOW, NOW + later), AIP_PROOF_REPLAYED);
        }
    }
    CHECK_STATUS(admit(ALICE, 100, NOW, NOW), AIP_OK);
    stop();
    file_end();
}

static void
a_restart_with_an_older_clock_forgets_nothing(void)
{
    file_begin();
    start(NOW, 64);
    CHECK_STATUS(admit(ALICE, 1, NOW, NOW), AIP_OK);
    stop();
    start(NOW - 7200, 64);
    CHECK_STATUS(admit(ALICE, 2, NOW - 7200, NOW - 7200), AIP_OK);
    CHECK_STATUS(store_nonces_expire(&table, NOW - 1, NULL), AIP_OK);
    stop();
    start(NOW, 64);
    CHECK_STATUS(admit(ALICE, 1, NOW, NOW), AIP_PROOF_REPLAYED);
    stop();
    file_end();
}

static void
what_a_wrong_clock_expired_is_refused_after_a_restart(void)
{
    file_begin();
    start(NOW, 64);
    CHECK_STATUS(admit(ALICE, 1, NOW, NOW), AIP_OK);
    stop();
    start(NOW + 86400, 64);
    CHECK(nonce_memory_count(memory) == 0);
    CHECK(file_query("SELECT count(*) FROM used_nonce") == 0);
    stop();
    start(NOW, 64);
    CHECK_STATUS(admit(ALICE, 1, NOW, NOW), AIP_PROOF_EXPIRED);
    CHECK_STATUS(admit(ALICE, 2, NOW + 1, NOW), AIP_OK);
    stop();
    file_end();
}

static void
a_smaller_memory_refuses_what_it_could_not_load(void)
{
    file_begin();
    start(NOW, 4096);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_STATUS(admit(ALICE, i, NOW + i % 10, NOW), AIP_OK);
    }
    stop();
    start(NOW, 50);
    CHECK(nonce_memory_count(memory) == 50);
    for (unsigned i = 0; i < 100; i++) {
        aip_status status = admit(ALICE, i, NOW + i % 10, NOW);
        CHECK(status == AIP_PROOF_REPLAYED || status == AIP_PROOF_EXPIRED);
    }
    stop();
    file_end();
}

static void
the_keys_are_drawn_once_for_a_database(void)
{
    nonce_keys first, none = {0};
    file_begin();
    open_it();
    first = keys;
    CHECK(memcmp(&first, &none, sizeof none) != 0);
    CHECK(memcmp(&first.halves[0], &first.halves[1], sizeof first.halves[0]) != 0);
    store_close(&db);
    open_it();
    CHECK(memcmp(&first, &keys, sizeof keys) == 0);
    store_close(&db);
    file_end();
    file_begin();
    open_it();
    CHECK(memcmp(&first, &keys, sizeof keys) != 0);
    store_close(&db);
    file_end();
}

static void
another_process_that_was_faster_is_seen(void)
{
    bool known = true;
    store *other = NULL;
    nonce_table theirs;
    nonce_keys same;
    file_begin();
    open_it();
    CHECK_STATUS(store_open(file_path, &other, NULL), AIP_OK);
    CHECK_STATUS(store_nonces_open(other, &theirs, &same, NULL), AIP_OK);
    CHECK(memcmp(&keys, &same, sizeof keys) == 0);
    const used_nonce entries[] = {numbered(1, NOW), numbered(2, NOW), numbered(1, NOW)};
    CHECK_STATUS(store_nonces_append(&theirs, entries, 1, &known, NULL), AIP_OK);
    CHECK(!known);
    bool each[3] = {false, true, false};
    CHECK_STATUS(store_nonces_append(&table, entries, 3, each, NULL), AIP_OK);
    CHECK(each[0] && !each[1] && each[2]);
    CHECK(file_query("SELECT count(*) FROM used_nonce") == 2);
    store_close(&other);
    store_close(&db);
    file_end();
}

static void
only_what_has_expired_is_removed_and_the_mark_never_goes_back(void)
{
    int64_t forgotten = -1;
    bool known;
    file_begin();
    open_it();
    CHECK(load_count(NOW, &forgotten) == 0);
    CHECK(forgotten == 0);
    for (uint32_t i = 0; i < 10; i++) {
        CHECK_STATUS(append(i, NOW + i, &known), AIP_OK);
    }
    CHECK_STATUS(store_nonces_expire(&table, NOW, NULL), AIP_OK);
    CHECK(load_count(NOW, &forgotten) == 10);
    CHECK(forgotten == 0);
    CHECK(load_count(NOW + 5, &forgotten) == 5);
    CHECK(forgotten == NOW + 4);
    CHECK_STATUS(append(20, NOW - 50, &known), AIP_OK);
    CHECK(load_count(NOW - 40, &forgotten) == 5);
    CHECK(forgotten == NOW + 4);
    CHECK(load_count(NOW + 100, &forgotten) == 0);
    CHECK(forgotten == NOW + 9);
    store_close(&db);
    file_end();
}

static void
an_append_that_fails_leaves_nothing_behind(void)
{
    bool known[3];
    file_begin();
    open_it();
    CHECK(file_query("CREATE TRIGGER no_seven BEFORE INSERT ON used_nonce WHEN new.expires = 7"
                     " BEGIN SELECT raise(ABORT, 'no'); END") == -1);
    const used_nonce entries[] = {numbered(1, NOW), numbered(2, 7), numbered(3, NOW)};
    CHECK_STATUS(store_nonces_append(&table, entries, 3, known, NULL), AIP_STORE_UNAVAILABLE);
    CHECK(file_query("SELECT count(*) FROM used_nonce") == 0);
    CHECK_STATUS(store_nonces_append(&table, entries, 1, known, NULL), AIP_OK);
    CHECK(file_query("SELECT count(*) FROM used_nonce") == 1);
    store_close(&db);
    file_end();
}

static void
a_locked_database_is_an_error_and_not_a_yes(void)
{
    bool known;
    sqlite3 *other = NULL;
    file_begin();
    open_it();
    CHECK(sqlite3_open(file_path, &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    CHECK_STATUS(append(1, NOW, &known), AIP_STORE_UNAVAILABLE);
    CHECK(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(other) == SQLITE_OK);
    CHECK_STATUS(append(1, NOW, &known), AIP_OK);
    CHECK(!known);
    store_close(&db);
    file_end();
}

/* Hashes whose keys are gone say nothing any more. */
static void
a_database_that_lost_its_keys_refuses_all_it_knew_of(void)
{
    int64_t forgotten = 0;
    file_begin();
    start(NOW, 64);
    CHECK_STATUS(admit(ALICE, 1, NOW, NOW), AIP_OK);
    CHECK(file_query("DELETE FROM nonce_memory") == -1);
    load_count(NOW, &forgotten);
    CHECK(forgotten == INT64_MAX);
    stop();
    start(NOW, 64);
    CHECK_STATUS(admit(ALICE, 1, NOW, NOW), AIP_PROOF_EXPIRED);
    CHECK_STATUS(admit(ALICE, 1, NOW + 1, NOW), AIP_OK);
    stop();
    file_end();
}

enum { PER_COMMIT = 5 };
static uint32_t reached;

static void
append_until_killed(int acknowledge)
{
    store *own = NULL;
    nonce_table its;
    nonce_keys its_keys;
    if (store_open(file_path, &own, NULL) != AIP_OK || store_nonces_open(own, &its, &its_keys, NULL) != AIP_OK) {
        return;
    }
    for (uint32_t next = reached + 1;; next++) {
        used_nonce entries[PER_COMMIT];
        bool known[PER_COMMIT];
        for (uint32_t i = 0; i < PER_COMMIT; i++) {
            entries[i] = numbered(next * PER_COMMIT + i, NOW);
        }
        if (store_nonces_append(&its, entries, PER_COMMIT, known, NULL) != AIP_OK ||
            write(acknowledge, &next, sizeof next) != (ssize_t)sizeof next) {
            return;
        }
    }
}

static void
no_nonce_that_was_acknowledged_is_lost_by_a_kill(void)
{
    file_begin();
    reached = 0;
    for (unsigned round = 0; round < 12; round++) {
        int64_t forgotten;
        reached = file_kill_writer(append_until_killed, 15 + round * 5, reached);
        open_it();
        size_t kept = load_count(NOW, &forgotten);
        /* Whole commits: those acknowledged, and at most one a kill that was not. */
        CHECK(kept % PER_COMMIT == 0 && kept >= reached * PER_COMMIT && forgotten == 0);
        uint32_t known_until = 0;
        for (uint32_t i = 1; i <= reached; i++) {
            bool known = false;
            known_until += append(i * PER_COMMIT + i % PER_COMMIT, NOW, &known) == AIP_OK && known;
            if (i + 20 < reached) {
                i += reached / 20;
            }
        }
        CHECK(known_until > 0 || reached == 0);
        CHECK(load_count(NOW, &forgotten) == kept);
        store_close(&db);
    }
    CHECK(reached > 12);
    file_end();
}

RUN(TEST(a_nonce_serves_once), TEST(another_time_of_creation_does_not_make_it_another_nonce),
    TEST(two_keys_may_use_the_same_nonce), TEST(no_shift_between_nonce_and_key_makes_two_pairs_one),
    TEST(texts_over_the_limits_are_refused), TEST(it_is_remembered_for_as_long_as_its_proof_could_be_accepted),
    TEST(time_frees_the_room), TEST(after_a_pause_nothing_old_is_left),
    TEST(a_full_memory_forgets_nothing_for_a_newcomer), TEST(one_key_has_an_eighth_and_the_others_the_rest),
    TEST(a_share_is_given_back_when_its_nonces_expire), TEST(a_large_memory_shares_the_same_way),
    TEST(a_clock_that_goes_back_forgets_nothing),
    TEST(what_was_forgotten_in_a_future_is_refused_when_its_time_comes_again),
    TEST(a_clock_that_went_back_does_not_fill_the_memory), TEST(times_beyond_all_reason_are_refused),
    TEST(without_a_database_nothing_from_before_the_start_is_accepted), TEST(impossible_sizes_are_refused),
    TEST(of_threads_that_bring_one_nonce_together_one_wins), TEST(random_takes_agree_with_a_list),
    TEST(a_restart_forgets_nothing), TEST(a_restart_with_an_older_clock_forgets_nothing),
    TEST(what_a_wrong_clock_expired_is_refused_after_a_restart), TEST(a_smaller_memory_refuses_what_it_could_not_load),
    TEST(the_keys_are_drawn_once_for_a_database), TEST(another_process_that_was_faster_is_seen),
    TEST(only_what_has_expired_is_removed_and_the_mark_never_goes_back),
    TEST(an_append_that_fails_leaves_nothing_behind), TEST(a_locked_database_is_an_error_and_not_a_yes),
    TEST(a_database_that_lost_its_keys_refuses_all_it_knew_of), TEST(no_nonce_that_was_acknowledged_is_lost_by_a_kill))
