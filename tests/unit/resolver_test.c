/* Resolution: its order, what is remembered and for how long, one flight per name, and offline. */
#include "tests/unit/resolver_fixture.h"

/* --- what the name alone decides --- */

static void
a_name_that_is_none_of_ours_is_refused_before_anything_is_asked(void)
{
    static const struct {
        const char *name;
        aip_status status;
    } rows[] = {
        {"", AIP_DID_INVALID},
        {"did:aip:z6MkNo", AIP_DID_INVALID},
        {"did:web:localhost", AIP_DID_INVALID},
        {"did:web:127.0.0.1", AIP_DID_INVALID},
        {"did:aip:eip155:1:0x00112233445566778899aabbccddeeff00112233:7", AIP_DID_FOREIGN_EIP155},
        {"did:aip:aim_7f3c", AIP_DID_FOREIGN_PROVIDER},
        {"did:ion:abc", AIP_DID_METHOD_UNSUPPORTED},
    };
    begin();
    open_resolver();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(rows[i].name);
        CHECK(said.answers == (int)i + 1);
        CHECK_STATUS(said.status, rows[i].status);
        CHECK_STATUS(said.error, rows[i].status);
    }
    CHECK(memory.loads == 0 && memory.refusals_saved == 0 && net.count == 0);
    end();
}

static void
a_name_that_carries_its_key_answers_for_itself_and_is_not_saved(void)
{
    char name[128];
    begin();
    open_resolver();
    snprintf(name, sizeof name, "did:key:%s", key_text(keys[0]));
    ask(name);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME && said.key_count == 1);
    CHECK(is_about(said.fetched_at, now) && said.fresh_until == said.fetched_at + AIP_FRESH_SECONDS_MAX);
    snprintf(name, sizeof name, "aip:key:ed25519:%s", key_text(keys[0]));
    ask(name);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME);
    ask(self);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME && said.version == 0);
    CHECK(said.answers == 3 && memory.saves == 0 && net.count == 0);
    end();
}

static void
a_hash_form_needs_the_key_that_hashes_to_it(void)
{
    /* SHA-256 of the key of RFC 8032 section 7.1, test 1 (d75a9801…), its first half. */
    static const unsigned char seed[AIP_SEED_BYTES] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                                       0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                                       0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    aip_bytes name = AIP_BYTES_LITERAL("did:aip:service:21fe31dfa154a261626bf854046fd227");
    aip_secret_key *key = NULL;
    begin();
    open_resolver();
    CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
    resolver_ask(under_test, name, NULL, hear, NULL);
    CHECK_STATUS(said.status, AIP_DID_KEY_MISSING);
    resolver_ask(under_test, name, aip_secret_key_public(keys[0]), hear, NULL);
    CHECK_STATUS(said.status, AIP_DID_KEY_MISMATCH);
    resolver_ask(under_test, name, aip_secret_key_public(key), hear, NULL);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME && said.key_count == 1);
    CHECK(said.answers == 3 && net.count == 0 && memory.saves == 0 && memory.refusals_saved == 0);
    aip_secret_key_free(&key);
    end();
}

static void
a_key_from_elsewhere_counts_for_nothing_beside_a_name_that_has_one(void)
{
    begin();
    open_resolver();
    resolver_ask(under_test, aip_bytes_of(self), aip_secret_key_public(keys[3]), hear, NULL);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME && said.key_count == 1);
    char name[128];
    snprintf(name, sizeof name, "did:key:%s", key_text(keys[0]));
    resolver_ask(under_test, aip_bytes_of(name), aip_secret_key_public(keys[3]), hear, NULL);
    CHECK(said.answers == 2 && said.status == AIP_OK && said.by == RESOLVED_BY_NAME && said.key_count == 1);
    end();
}

/* --- what is remembered --- */

static void
a_fresh_answer_is_used_and_nobody_is_asked(void)
{
    begin();
    setup.wants_document = true;
    open_resolver();
    remember(plain_identity(host_did), -100, 200);
    row(aip_bytes_of(host_did))->document = strdup("{\"shown\":1}");
    ask(host_did);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_CACHE && !said.stale && net.count == 0);
    CHECK(said.fetched_at == now - 100 && said.fresh_until == now + 200);
    CHECK_TEXT(said.document, "{\"shown\":1}");
    CHECK(memory.saves == 0);
    end();
}

static void
an_answer_that_is_no_longer_fresh_is_asked_for_again(void)
{
    begin();
    open_resolver();
    remember(plain_identity(host_did), -400, 0);
    ask(host_did);
    CHECK(said.answers == 0 && net.count == 1 && resolver_under_way(under_test) == 1);
    answer_document(0, host_did, 60);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_HOST && !said.stale && said.document[0] == '\0');
    CHECK(said.fresh_until == said.fetched_at + 60 && is_about(said.fetched_at, now));
    CHECK(memory.saves == 1 && memory.keys_noted == 1);
    CHECK(row(aip_bytes_of(host_did))->entry.fresh_until == said.fresh_until);
    CHECK(row(aip_bytes_of(host_did))->document != NULL);
    ask(host_did);
    CHECK(said.by == RESOLVED_BY_CACHE && net.count == 1 && resolver_under_way(under_test) == 0);
    end();
}

static void
an_answer_written_under_a_clock_that_ran_ahead_is_not_fresh(void)
{
    begin();
    setup.max_staleness_seconds = 86400;
    open_resolver();
    remember(plain_identity(host_did), 100000, 100300);
    ask(host_did);
    CHECK(said.answers == 0 && net.count == 1);
    end_fetch(0, AIP_FETCH_UNREACHABLE, NULL, -1);
    CHECK_STATUS(said.status, AIP_FETCH_UNREACHABLE);
    end();
}

static void
a_max_age_shortens_freshness_and_never_lengthens_it(void)
{
    static const struct {
        int64_t max_age, fresh;
    } rows[] = {{-1, 300}, {0, 0}, {1, 1}, {299, 299}, {300, 300}, {301, 300}, {INT64_MAX, 300}};
    begin();
    setup.cache = NULL;
    setup.trace = NULL;
    setup.report = NULL;
    open_resolver();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(host_did);
        answer_document(i, host_did, rows[i].max_age);
        CHECK(said.fresh_until == said.fetched_at + rows[i].fresh);
    }
    CHECK(said.answers == sizeof rows / sizeof rows[0]);
    end();
}

static void
a_refusal_is_remembered_for_half_a_minute_and_no_longer(void)
{
    begin();
    open_resolver();
    ask(host_did);
    end_fetch(0, AIP_FETCH_TLS, NULL, -1);
    CHECK_STATUS(said.status, AIP_FETCH_TLS);
    CHECK(memory.refusals_saved == 1);
    CHECK(is_about(row(aip_bytes_of(host_did))->entry.refused_until, now + AIP_NEGATIVE_SECONDS));
    ask(host_did);
    CHECK_STATUS(said.status, AIP_FETCH_TLS);
    CHECK(said.answers == 2 && net.count == 1 && memory.refusals_saved == 1);
    ask("did:web:other.example.com");
    CHECK(said.answers == 2 && net.count == 2);
    remember_refusal(host_did, AIP_FETCH_TLS, 0);
    ask(host_did);
    CHECK(said.answers == 2 && net.count == 3);
    end();
}

static void
a_refusal_from_a_clock_that_ran_ahead_does_not_last(void)
{
    begin();
    open_resolver();
    remember_refusal(host_did, AIP_FETCH_TLS, 100000);
    ask(host_did);
    CHECK(said.answers == 0 && net.count == 1);
    end();
}

static void
a_refusal_hides_no_answer_that_is_still_fresh(void)
{
    begin();
    open_resolver();
    remember(plain_identity(host_did), -10, 100);
    remember_refusal(host_did, AIP_FETCH_TIMEOUT, 20);
    ask(host_did);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_CACHE && !said.stale);
    end();
}

static void
a_remembered_refusal_stands_before_an_old_answer_unless_staleness_is_allowed(void)
{
    for (int64_t allowed = 0; allowed <= 100; allowed += 100) {
        begin();
        setup.max_staleness_seconds = allowed;
        open_resolver();
        remember(plain_identity(host_did), -350, -50);
        remember_refusal(host_did, AIP_FETCH_TIMEOUT, 20);
        ask(host_did);
        CHECK_STATUS(said.status, allowed == 0 ? AIP_FETCH_TIMEOUT : AIP_OK);
        CHECK(said.stale == (allowed > 0) && net.count == 0);
        end();
    }
}

static void
an_old_answer_serves_within_max_staleness_and_not_beyond(void)
{
    static const struct {
        int64_t max_staleness, fresh_until;
        bool serves;
    } rows[] = {{0, 0, false}, {0, -1, false}, {60, -30, true}, {60, -50, true}, {60, -60, false}, {60, -5000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        setup.max_staleness_seconds = rows[i].max_staleness;
        open_resolver();
        remember(plain_identity(host_did), rows[i].fresh_until - 300, rows[i].fresh_until);
        ask(host_did);
        CHECK(net.count == 1 && said.answers == 0);
        end_fetch(0, AIP_FETCH_STATUS, NULL, -1);
        CHECK_STATUS(said.status, rows[i].serves ? AIP_OK : AIP_FETCH_STATUS);
        CHECK(said.stale == rows[i].serves && memory.saves == 0 && memory.refusals_saved == 1);
        CHECK(!rows[i].serves || (said.by == RESOLVED_BY_CACHE && said.fresh_until == now + rows[i].fresh_until));
        end();
    }
}

static void
a_failure_leaves_what_was_known_in_the_cache(void)
{
    begin();
    open_resolver();
    remember(plain_identity(host_did), -400, -100);
    ask(host_did);
    end_fetch(0, AIP_OK, "{\"id\":\"did:web:evil.example\"}", 300);
    CHECK_STATUS(said.status, AIP_DIDDOC_INVALID);
    const did_cache_entry *entry = &row(aip_bytes_of(host_did))->entry;
    CHECK(entry->known != NULL && entry->fresh_until == now - 100 && entry->refusal == AIP_DIDDOC_INVALID);
    CHECK(memory.saves == 0 && memory.keys_noted == 0);
    end();
}

static void
a_deactivated_identity_is_an_answer_for_ever(void)
{
    begin_with_sources(1);
    remember(identity_from_log("01!"), -1000000, -900000);
    remember_refusal(self, AIP_FETCH_TIMEOUT, 20);
    ask(self);
    CHECK(said.status == AIP_OK && said.deactivated && !said.stale && said.by == RESOLVED_BY_CACHE && net.count == 0);
    end();
}

static void
a_cache_that_cannot_be_read_refuses(void)
{
    begin();
    open_resolver();
    memory.load_fails = AIP_STORE_UNAVAILABLE;
    ask(self);
    CHECK_STATUS(said.status, AIP_STORE_UNAVAILABLE);
    ask(host_did);
    CHECK_STATUS(said.status, AIP_STORE_UNAVAILABLE);
    CHECK(said.answers == 2 && net.count == 0);
    end();
}

static void
an_answer_stands_although_it_cannot_be_saved(void)
{
    begin();
    open_resolver();
    memory.save_fails = AIP_STORE_UNAVAILABLE;
    ask(host_did);
    answer_document(0, host_did, -1);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_HOST);
    ask(host_did);
    end_fetch(1, AIP_FETCH_SIZE, NULL, -1);
    CHECK_STATUS(said.status, AIP_FETCH_SIZE);
    CHECK(strstr(said.steps, "cache: not written: store.unavailable") != NULL);
    end();
}

static void
an_answer_does_not_count_when_another_program_has_learnt_more(void)
{
    begin();
    setup.sources = three_sources;
    setup.source_count = 1;
    setup.max_staleness_seconds = 10000;
    open_resolver();
    remember(identity_from_log("01"), -400, -100);
    memory.save_fails = AIP_DID_DEACTIVATED;
    ask(self);
    answer_log(0, "012", -1);
    CHECK_STATUS(said.status, AIP_DID_DEACTIVATED);
    end();
}

/* --- one flight --- */

static void
one_fetch_answers_all_who_ask_for_a_name(void)
{
    begin();
    open_resolver();
    for (int i = 0; i < 20; i++) {
        ask(host_did);
    }
    CHECK(net.count == 1 && said.answers == 0 && resolver_under_way(under_test) == 1 && memory.loads == 1);
    answer_document(0, host_did, -1);
    CHECK(said.answers == 20 && said.status == AIP_OK && memory.saves == 1 && resolver_under_way(under_test) == 0);
    end();
}

static void
names_that_differ_do_not_share_a_flight(void)
{
    begin();
    open_resolver();
    ask("did:web:example.com");
    ask("did:web:example.com:a");
    ask("did:web:example.com:ab");
    CHECK(net.count == 3 && resolver_under_way(under_test) == 3);
    CHECK_TEXT(net.all[0].url, "https://example.com/.well-known/did.json");
    CHECK_TEXT(net.all[1].url, "https://example.com/a/did.json");
    answer_document(1, "did:web:example.com:a", -1);
    CHECK(said.answers == 1 && said.status == AIP_OK && resolver_under_way(under_test) == 2);
    answer_document(0, "did:web:example.com:a", -1);
    CHECK(said.answers == 2 && said.status == AIP_DIDDOC_INVALID);
    end();
}

static void
more_names_than_the_limit_are_refused_and_not_remembered(void)
{
    char name[64];
    begin();
    setup.cache = NULL;
    open_resolver();
    for (int i = 0; i < AIP_FETCH_WAITING_MAX; i++) {
        snprintf(name, sizeof name, "did:web:h%d.example.com", i);
        ask(name);
    }
    CHECK(said.answers == 0 && net.count == AIP_FETCH_WAITING_MAX);
    ask(host_did);
    CHECK(said.answers == 1 && net.count == AIP_FETCH_WAITING_MAX);
    CHECK_STATUS(said.status, AIP_FETCH_BUSY);
    ask("did:web:h7.example.com");
    CHECK(said.answers == 1);
    end_fetch(7, AIP_FETCH_STATUS, NULL, -1);
    CHECK(said.answers == 3 && said.status == AIP_FETCH_STATUS);
    ask(host_did);
    CHECK(said.answers == 3 && net.count == AIP_FETCH_WAITING_MAX + 1);
    end();
}

static void
a_fetcher_that_is_busy_refuses_without_a_memory_of_it(void)
{
    begin();
    open_resolver();
    net.begin_fails = AIP_FETCH_BUSY;
    ask(host_did);
    CHECK(said.answers == 1 && said.status == AIP_FETCH_BUSY && memory.refusals_saved == 0);
    CHECK(resolver_under_way(under_test) == 0);
    net.begin_fails = AIP_FETCH_ADDRESS;
    ask(host_did);
    CHECK(said.answers == 2 && said.status == AIP_FETCH_ADDRESS && memory.refusals_saved == 1);
    end();
}

static void
a_flight_ends_when_its_time_is_over(void)
{
    begin();
    open_resolver();
    CHECK(resolver_timeout_ms(under_test) == -1);
    ask(host_did);
    ask(host_did);
    int wait = resolver_timeout_ms(under_test);
    CHECK(wait > AIP_RESOLVE_MILLISECONDS - 1000 && wait <= AIP_RESOLVE_MILLISECONDS);
    resolver_tick(under_test, clock_monotonic_microseconds());
    CHECK(said.answers == 0 && net.all[0].running);
    resolver_tick(under_test, after_the_deadline());
    CHECK(said.answers == 2 && net.all[0].cancelled && resolver_under_way(under_test) == 0);
    CHECK_STATUS(said.status, AIP_FETCH_TIMEOUT);
    CHECK(memory.refusals_saved == 1 && resolver_timeout_ms(under_test) == -1);
    end();
}

/* Asks once more from inside an answer. */
static void
hear_and_ask_again(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    hear(NULL, status, found, err);
    if (!said.again) {
        said.again = true;
        resolver_ask(under_test, aip_bytes_of(context), NULL, hear_and_ask_again, context);
    }
}

static void
an_answer_may_ask_for_the_same_name_again(void)
{
    static char name[] = "did:web:example.com";
    begin();
    open_resolver();
    resolver_ask(under_test, aip_bytes_of(name), NULL, hear_and_ask_again, name);
    ask(name);
    answer_document(0, name, 0); /* not fresh for a second: the next one is asked for anew */
    CHECK(said.answers == 2 && net.count == 2 && resolver_under_way(under_test) == 1);
    answer_document(1, name, -1);
    CHECK(said.answers == 3 && resolver_under_way(under_test) == 0);
    said.again = false;
    resolver_ask(under_test, aip_bytes_of(name), NULL, hear_and_ask_again, name);
    CHECK(said.answers == 5 && said.by == RESOLVED_BY_CACHE && net.count == 2);
    end();
}

static void
an_answer_at_the_deadline_may_ask_again_and_gets_its_own_time(void)
{
    static char name[] = "did:web:example.com";
    begin();
    setup.cache = NULL;
    open_resolver();
    resolver_ask(under_test, aip_bytes_of(name), NULL, hear_and_ask_again, name);
    resolver_tick(under_test, after_the_deadline());
    CHECK(said.answers == 1 && net.count == 2 && net.all[1].running && resolver_under_way(under_test) == 1);
    end();
    CHECK(said.answers == 1 && net.all[1].cancelled);
}

static void
what_is_under_way_at_the_end_is_dropped(void)
{
    begin_with_sources(3);
    remember(identity_from_log("01"), -400, -100);
    ask(self);
    ask(self);
    ask(host_did);
    answer_log(1, "01", -1);
    CHECK(net.count == 4 && resolver_under_way(under_test) == 2);
    end();
    CHECK(said.answers == 0 && net.all[0].cancelled && !net.all[1].cancelled && net.all[3].cancelled);
    CHECK(under_test == NULL);
    resolver_close(&under_test);
}

/* --- offline --- */

static void
offline_only_what_is_at_hand_answers(void)
{
    begin();
    setup.fetcher = NULL;
    setup.any_host = false;
    open_resolver();
    ask(self);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME);
    ask(host_did);
    CHECK_STATUS(said.status, AIP_DID_NOT_FOUND);
    remember(plain_identity(host_did), -10, 100);
    ask(host_did);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_CACHE);
    remember(plain_identity(host_did), -400, -100);
    ask(host_did);
    CHECK_STATUS(said.status, AIP_DID_NOT_FOUND);
    CHECK(said.answers == 4 && memory.refusals_saved == 0 && resolver_under_way(under_test) == 0);
    end();
}

static void
offline_an_old_answer_serves_within_max_staleness(void)
{
    begin();
    setup.fetcher = NULL;
    setup.max_staleness_seconds = 200;
    open_resolver();
    remember(plain_identity(host_did), -400, -100);
    ask(host_did);
    CHECK(said.status == AIP_OK && said.stale);
    remember(plain_identity(host_did), -500, -201);
    ask(host_did);
    CHECK_STATUS(said.status, AIP_DID_NOT_FOUND);
    end();
}

static void
offline_a_name_whose_log_a_source_may_know_does_not_speak_for_itself(void)
{
    begin();
    setup.fetcher = NULL;
    setup.sources = three_sources;
    setup.source_count = 1;
    open_resolver();
    ask(self);
    CHECK_STATUS(said.status, AIP_DID_NOT_FOUND);
    CHECK(net.count == 0);
    end();
}

RUN(TEST(a_name_that_is_none_of_ours_is_refused_before_anything_is_asked),
    TEST(a_name_that_carries_its_key_answers_for_itself_and_is_not_saved),
    TEST(a_hash_form_needs_the_key_that_hashes_to_it),
    TEST(a_key_from_elsewhere_counts_for_nothing_beside_a_name_that_has_one),
    TEST(a_fresh_answer_is_used_and_nobody_is_asked), TEST(an_answer_that_is_no_longer_fresh_is_asked_for_again),
    TEST(an_answer_written_under_a_clock_that_ran_ahead_is_not_fresh),
    TEST(a_max_age_shortens_freshness_and_never_lengthens_it),
    TEST(a_refusal_is_remembered_for_half_a_minute_and_no_longer),
    TEST(a_refusal_from_a_clock_that_ran_ahead_does_not_last), TEST(a_refusal_hides_no_answer_that_is_still_fresh),
    TEST(a_remembered_refusal_stands_before_an_old_answer_unless_staleness_is_allowed),
    TEST(an_old_answer_serves_within_max_staleness_and_not_beyond), TEST(a_failure_leaves_what_was_known_in_the_cache),
    TEST(a_deactivated_identity_is_an_answer_for_ever), TEST(a_cache_that_cannot_be_read_refuses),
    TEST(an_answer_stands_although_it_cannot_be_saved),
    TEST(an_answer_does_not_count_when_another_program_has_learnt_more), TEST(one_fetch_answers_all_who_ask_for_a_name),
    TEST(names_that_differ_do_not_share_a_flight), TEST(more_names_than_the_limit_are_refused_and_not_remembered),
    TEST(a_fetcher_that_is_busy_refuses_without_a_memory_of_it), TEST(a_flight_ends_when_its_time_is_over),
    TEST(an_answer_may_ask_for_the_same_name_again),
    TEST(an_answer_at_the_deadline_may_ask_again_and_gets_its_own_time), TEST(what_is_under_way_at_the_end_is_dropped),
    TEST(offline_only_what_is_at_hand_answers), TEST(offline_an_old_answer_serves_within_max_staleness),
    TEST(offline_a_name_whose_log_a_source_may_know_does_not_speak_for_itself))
