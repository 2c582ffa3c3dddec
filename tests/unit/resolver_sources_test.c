/* Resolution by asking: sources that disagree, hosts that are admitted, and how both are configured. */
#include "tests/unit/resolver_fixture.h"

/* --- sources --- */

static void
every_source_is_asked_and_the_longest_log_counts(void)
{
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    char url[256];
    for (size_t i = 0; i < 3; i++) {
        begin_with_sources(3);
        ask(self);
        CHECK(net.count == 3 && said.answers == 0);
        snprintf(url, sizeof url, "https://two.example:8443/.well-known/aip/did/%s.jsonl", self + 8);
        CHECK_TEXT(net.all[1].url, url);
        for (size_t k = 0; k < 3; k++) {
            static const char *const logs[] = {"0", "012", "01"};
            CHECK(said.answers == 0);
            answer_log(orders[i][k], logs[orders[i][k]], 100 + (int64_t)k);
        }
        CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_SOURCE && said.version == 2 && said.key_count == 3);
        CHECK(said.fresh_until == said.fetched_at + 100 && said.reports == 0 && memory.logs_kept == 3);
        CHECK(memory.saves == 1 && row(aip_bytes_of(self))->entry.known->version == 2);
        end();
    }
}

static void
where_no_source_knows_a_log_the_name_speaks_for_itself(void)
{
    begin_with_sources(2);
    ask(self);
    end_fetch(0, AIP_DID_NOT_FOUND, "", 20);
    CHECK(said.answers == 0);
    end_fetch(1, AIP_DID_NOT_FOUND, "", 50);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME && said.version == 0);
    CHECK(said.fresh_until == said.fetched_at + 20 && memory.saves == 1);
    end();
}

static void
one_source_that_answers_is_enough(void)
{
    begin_with_sources(3);
    ask(self);
    end_fetch(0, AIP_FETCH_TLS, NULL, -1);
    end_fetch(1, AIP_DID_NOT_FOUND, "", -1);
    end_fetch(2, AIP_OK, "not a log\n", -1);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_NAME && memory.refusals_saved == 0);
    end();
}

static void
sources_that_all_fail_refuse_with_what_tells_most(void)
{
    begin_with_sources(3);
    STRING_AUTO char *other = new_log("12"); /* of keys[1]'s identifier */
    ask(self);
    end_fetch(0, AIP_FETCH_TLS, NULL, -1);
    end_fetch(1, AIP_OK, other, -1);
    end_fetch(2, AIP_FETCH_UNREACHABLE, NULL, -1);
    CHECK_STATUS(said.status, AIP_LOG_MALFORMED);
    CHECK(memory.refusals_saved == 1 && memory.saves == 0 && memory.logs_kept == 0);
    CHECK(row(aip_bytes_of(self))->entry.refusal == AIP_LOG_MALFORMED);
    ask(self);
    CHECK(said.answers == 2 && said.status == AIP_LOG_MALFORMED && net.count == 3);
    end();
}

static void
sources_that_cannot_even_be_asked_refuse_at_once(void)
{
    begin_with_sources(2);
    net.begin_fails = AIP_FETCH_ADDRESS;
    ask(self);
    CHECK(said.answers == 1 && resolver_under_way(under_test) == 0);
    CHECK_STATUS(said.status, AIP_FETCH_ADDRESS);
    end();
}

static void
a_source_that_shows_a_fork_has_failed_and_is_reported(void)
{
    begin_with_sources(2);
    remember_log("01");
    ask(self);
    answer_log(0, "02", -1);
    answer_log(1, "012", -1);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_SOURCE && said.version == 2);
    CHECK(said.reports == 1 && said.reported == AIP_LOG_FORK);
    CHECK_TEXT(said.report_origin, "https://one.example");
    end();
}

static void
a_fork_alone_refuses_and_what_was_seen_first_stays(void)
{
    begin_with_sources(1);
    remember_log("01");
    ask(self);
    answer_log(0, "023", -1);
    CHECK_STATUS(said.status, AIP_LOG_FORK);
    CHECK(said.reports == 1 && memory.logs_kept == 1 && memory.saves == 0);
    CHECK(row(aip_bytes_of(self))->mark.version == 1);
    end();
}

static void
two_sources_that_contradict_each_other_are_not_both_believed(void)
{
    for (int with_cache = 0; with_cache < 2; with_cache++) {
        begin();
        setup.cache = with_cache ? &cache : NULL;
        setup.sources = three_sources;
        setup.source_count = 2;
        open_resolver();
        ask(self);
        answer_log(0, "012", -1);
        answer_log(1, "03", -1);
        CHECK(said.status == AIP_OK && said.version == 1 && said.reports == 1 && said.reported == AIP_LOG_FORK);
        end();
    }
}

static void
a_rollback_is_reported_and_the_log_that_was_kept_stays(void)
{
    begin_with_sources(1);
    remember_log("012");
    ask(self);
    answer_log(0, "01", -1);
    CHECK_STATUS(said.status, AIP_LOG_ROLLBACK);
    CHECK(said.reports == 1 && said.reported == AIP_LOG_ROLLBACK && memory.refusals_saved == 1);
    CHECK(row(aip_bytes_of(self))->mark.version == 2);
    end();
}

static void
where_sources_know_nothing_the_log_that_was_kept_counts(void)
{
    begin_with_sources(2);
    remember_log("012");
    ask(self);
    answer_log(0, "01", -1);
    end_fetch(1, AIP_DID_NOT_FOUND, "", -1);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_CACHE && said.version == 2 && said.key_count == 3);
    CHECK(said.reports == 1 && memory.saves == 1);
    end();
}

static void
a_log_that_cannot_be_kept_refuses_although_another_source_knows_none(void)
{
    begin_with_sources(2);
    memory.keep_fails = AIP_STORE_UNAVAILABLE;
    ask(self);
    end_fetch(0, AIP_DID_NOT_FOUND, "", -1);
    answer_log(1, "01!", -1);
    CHECK_STATUS(said.status, AIP_STORE_UNAVAILABLE);
    CHECK(memory.saves == 0 && memory.refusals_saved == 0 && said.reports == 0);
    end();
}

static void
an_old_answer_does_not_serve_when_a_newer_log_could_not_be_kept(void)
{
    begin();
    setup.sources = three_sources;
    setup.source_count = 1;
    setup.max_staleness_seconds = 10000;
    open_resolver();
    remember(identity_from_log("01"), -400, -100);
    memory.keep_fails = AIP_STORE_UNAVAILABLE;
    ask(self);
    answer_log(0, "01!", -1);
    CHECK_STATUS(said.status, AIP_STORE_UNAVAILABLE);
    end();
}

static void
an_old_answer_serves_where_no_source_can_be_reached(void)
{
    for (int64_t allowed = 0; allowed <= 200; allowed += 200) {
        begin();
        setup.sources = three_sources;
        setup.source_count = 2;
        setup.max_staleness_seconds = allowed;
        open_resolver();
        remember(identity_from_log("01"), -400, -100);
        remember_log("01");
        ask(self);
        end_fetch(0, AIP_FETCH_UNREACHABLE, NULL, -1);
        end_fetch(1, AIP_FETCH_TIMEOUT, NULL, -1);
        CHECK_STATUS(said.status, allowed == 0 ? AIP_FETCH_UNREACHABLE : AIP_OK);
        CHECK(allowed == 0 || (said.stale && said.version == 1));
        end();
    }
}

static void
a_deactivation_that_a_source_shows_is_an_answer(void)
{
    begin_with_sources(1);
    ask(self);
    answer_log(0, "01!", -1);
    CHECK(said.status == AIP_OK && said.deactivated && said.by == RESOLVED_BY_SOURCE);
    ask(self);
    CHECK(said.deactivated && said.by == RESOLVED_BY_CACHE && net.count == 1);
    end();
}

static void
at_the_deadline_the_sources_that_answered_decide(void)
{
    begin_with_sources(2);
    ask(self);
    answer_log(0, "01", -1);
    resolver_tick(under_test, after_the_deadline());
    CHECK(said.answers == 1 && said.status == AIP_OK && said.version == 1 && net.all[1].cancelled);
    end();
    begin_with_sources(2);
    ask(self);
    end_fetch(0, AIP_FETCH_ADDRESS, NULL, -1);
    resolver_tick(under_test, after_the_deadline());
    CHECK(said.answers == 1 && (said.status == AIP_FETCH_ADDRESS || said.status == AIP_FETCH_TIMEOUT));
    end();
}

static void
without_sources_a_log_that_was_kept_says_more_than_the_name(void)
{
    begin();
    open_resolver();
    remember_log("01");
    ask(self);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_CACHE && said.version == 1 && net.count == 0);
    CHECK(memory.saves == 1);
    end();
}

static void
a_log_that_was_kept_is_verified_when_it_is_read(void)
{
    begin();
    open_resolver();
    remember_log("01");
    char *log = row(aip_bytes_of(self))->log;
    char *signature = strstr(log, "\"sig\":\"") + sizeof "\"sig\":\"" - 1;
    signature[5] = signature[5] == 'A' ? 'B' : 'A';
    ask(self);
    CHECK(said.status != AIP_OK && memory.saves == 0);
    end();
    begin();
    open_resolver();
    row(aip_bytes_of(self))->log = new_log("12");
    ask(self);
    CHECK_STATUS(said.status, AIP_STORE_INVALID);
    end();
}

/* --- hosts --- */

static void
only_hosts_that_are_admitted_are_asked(void)
{
    static const struct {
        const char *pattern, *name;
        bool admitted;
    } rows[] = {
        {"example.com", "did:web:example.com", true},
        {"Example.COM", "did:web:example.com:a", true},
        {"example.com", "aip:web:example.com/agents/x", true},
        {"example.com", "did:web:example.org", false},
        {"example.com", "did:web:a.example.com", false},
        {"example.com", "did:web:badexample.com", false},
        {"example.com", "did:web:example.com.evil.org", false},
        {"example.com", "did:web:example.com%3A8443", false},
        {"example.com:8443", "did:web:example.com%3A8443:a", true},
        {"example.com:8443", "did:web:example.com", false},
        {"example.com:8443", "did:web:example.com%3A844", false},
        {"*.example.com", "did:web:a.example.com", true},
        {"*.example.com", "did:web:b.a.example.com", true},
        {"*.example.com", "aip:web:a.example.com/x", true},
        {"*.example.com", "aip:web:example.org/a-example-com", false},
        {"*.example.com", "did:web:example.com", false},
        {"*.example.com", "did:web:badexample.com", false},
        {"*.example.com", "did:web:b.com", false},
        {"*.example.com", "did:web:a.example.com%3A8443", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        setup.any_host = false;
        setup.hosts = &rows[i].pattern;
        setup.host_count = 1;
        open_resolver();
        ask(rows[i].name);
        CHECK(net.count == rows[i].admitted && said.answers == !rows[i].admitted);
        if (!rows[i].admitted) {
            CHECK_STATUS(said.status, AIP_DID_NOT_ADMITTED);
        }
        CHECK(memory.refusals_saved == 0);
        end();
    }
}

static void
a_host_that_is_not_admitted_does_not_count_by_what_others_remembered(void)
{
    begin();
    setup.any_host = false;
    open_resolver();
    remember(plain_identity(host_did), -10, 200);
    ask(host_did);
    CHECK_STATUS(said.status, AIP_DID_NOT_ADMITTED);
    end();
}

static void
a_key_that_returned_refuses_the_document_and_is_reported(void)
{
    begin();
    open_resolver();
    memory.note_fails = AIP_KEY_RETURNED;
    ask(host_did);
    answer_document(0, host_did, -1);
    CHECK_STATUS(said.status, AIP_KEY_RETURNED);
    CHECK(said.reports == 1 && said.reported == AIP_KEY_RETURNED && memory.saves == 0 && memory.refusals_saved == 1);
    CHECK_TEXT(said.report_origin, "https://example.com/.well-known/did.json");
    end();
}

static void
a_document_that_a_host_does_not_have_is_not_found(void)
{
    begin();
    open_resolver();
    ask(host_did);
    end_fetch(0, AIP_DID_NOT_FOUND, "<html>no</html>", 100000);
    CHECK_STATUS(said.status, AIP_DID_NOT_FOUND);
    CHECK(memory.refusals_saved == 1 && said.detail[0] == '\0');
    end();
}

static void
a_document_is_handed_on_only_if_it_is_wanted(void)
{
    for (int wanted = 0; wanted < 2; wanted++) {
        begin();
        setup.wants_document = wanted;
        open_resolver();
        ask(host_did);
        answer_document(0, host_did, -1);
        CHECK(said.status == AIP_OK && (strstr(said.document, "verificationMethod") != NULL) == (wanted == 1));
        said.document[0] = '\0';
        ask(host_did);
        CHECK(said.by == RESOLVED_BY_CACHE && (strstr(said.document, "verificationMethod") != NULL) == (wanted == 1));
        end();
    }
}

static void
what_a_host_sent_is_in_no_step_and_no_error(void)
{
    begin();
    open_resolver();
    ask(host_did);
    end_fetch(0, AIP_OK, "{\"MARKER\":1,\"id\":\"did:web:MARKER\",\"MARKER\":2}\x01", -1);
    CHECK(said.status != AIP_OK && strstr(said.detail, "MARKER") == NULL);
    CHECK(strstr(said.steps, "MARKER") == NULL && strstr(said.steps, "host example.com: refused: ") != NULL);
    for (const char *c = said.steps; *c != '\0'; c++) {
        CHECK(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
    }
    end();
}

/* A document of an aip:web name that says when it ends. */
static char *
new_aip_document(const char *name, int64_t expires)
{
    char *text = NULL;
    aipdoc_statement statement = {
        .name = name, .valid_from = now - 1000, .valid_until = now + 1000, .expires = expires};
    CHECK_STATUS(aipdoc_write(keys[1], &statement, &text, NULL), AIP_OK);
    return text;
}

static void
a_document_of_an_aip_web_name_is_fresh_until_it_ends_at_most(void)
{
    static const char name[] = "aip:web:example.com/agents/x";
    begin();
    STRING_AUTO char *text = new_aip_document(name, now + 40);
    open_resolver();
    ask(name);
    CHECK_TEXT(net.all[0].url, "https://example.com/.well-known/aip/agents/x.json");
    end_fetch(0, AIP_OK, text, 200);
    CHECK(said.status == AIP_OK && said.by == RESOLVED_BY_HOST && said.fresh_until == now + 40);
    CHECK(memory.saves == 1 && memory.keys_noted == 1);
    end();
}

static void
a_document_of_an_aip_web_name_never_serves_beyond_its_end(void)
{
    static const char name[] = "aip:web:example.com/agents/x";
    for (int ended = 0; ended < 2; ended++) {
        begin();
        setup.max_staleness_seconds = 10000;
        open_resolver();
        remember(plain_identity(name), -400, -100);
        row(aip_bytes_of(name))->document = new_aip_document(name, ended ? now - 100 : now + 500);
        ask(name);
        end_fetch(0, AIP_FETCH_UNREACHABLE, NULL, -1);
        CHECK_STATUS(said.status, ended ? AIP_FETCH_UNREACHABLE : AIP_OK);
        CHECK(said.stale == !ended);
        end();
    }
}

/* --- configuration and steps --- */

static void
a_source_is_an_https_url_of_host_and_port_and_no_more(void)
{
    static const char *const bad[] = {"http://one.example",
                                      "https://",
                                      "https:///",
                                      "https://one.example/",
                                      "https://one.example/x",
                                      "https://u@one.ex",
                                      "https://one.ex?x",
                                      "https://one.ex#x",
                                      "https://one.ex:",
                                      "https://one.ex:0",
                                      "https://one.ex:66000",
                                      "https://one.ex:44a",
                                      "https://127.0.0.1",
                                      "https://[::1]",
                                      "https://one..ex",
                                      "https://.ex",
                                      "https://one.ex.",
                                      "one.example",
                                      "",
                                      "https://one.ex:1:2",
                                      "https://one.ex\r\nx.ex",
                                      "HTTPS://one.example",
                                      "https://one.ex:08",
                                      "https://one ex"};
    static const char *const good[] = {"https://one.example", "https://localhost:8443", "https://a-1.b:65535"};
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setup.sources = &bad[i];
        setup.source_count = 1;
        CHECK_STATUS(resolver_open(&setup, &under_test, NULL), AIP_CONFIG_INVALID);
        CHECK(under_test == NULL);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        setup.sources = &good[i];
        open_resolver();
        resolver_close(&under_test);
    }
    const char *many[AIP_DID_SOURCES_MAX + 1];
    for (size_t i = 0; i <= AIP_DID_SOURCES_MAX; i++) {
        many[i] = good[0];
    }
    setup.sources = many;
    setup.source_count = AIP_DID_SOURCES_MAX + 1;
    CHECK_STATUS(resolver_open(&setup, &under_test, NULL), AIP_CONFIG_INVALID);
    end();
}

static void
a_host_pattern_is_a_name_a_port_or_a_star_in_front(void)
{
    static const char *const bad[] = {"",
                                      "*",
                                      "*.",
                                      "*example.com",
                                      "a.*.com",
                                      "*.*.com",
                                      "example.com:",
                                      "example.com:0",
                                      "example.com/x",
                                      "https://example.com",
                                      "localhost",
                                      "127.0.0.1",
                                      "example.com.",
                                      "a b.com",
                                      "*:8443"};
    static const char *const good[] = {"example.com", "example.com:8443", "*.example.com", "*.test"};
    begin();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setup.hosts = &bad[i];
        setup.host_count = 1;
        CHECK_STATUS(resolver_open(&setup, &under_test, NULL), AIP_CONFIG_INVALID);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        setup.hosts = &good[i];
        open_resolver();
        resolver_close(&under_test);
    }
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    strcpy(long_name + sizeof long_name - sizeof ".com", ".com");
    setup.hosts = &(const char *){long_name};
    CHECK_STATUS(resolver_open(&setup, &under_test, NULL), AIP_CONFIG_INVALID);
    setup.host_count = 0;
    setup.max_staleness_seconds = -1;
    CHECK_STATUS(resolver_open(&setup, &under_test, NULL), AIP_CONFIG_INVALID);
    end();
}

static void
each_step_is_told(void)
{
    begin_with_sources(2);
    ask(self);
    answer_log(0, "012", -1);
    end_fetch(1, AIP_DID_NOT_FOUND, "", -1);
    CHECK_TEXT(said.steps, "cache: unknown\nsource https://two.example:8443: knows no log\n"
                           "source https://one.example: log of 3 entries, extends what was seen\n");
    said.steps[0] = '\0';
    ask(self);
    CHECK(strncmp(said.steps, "cache: known, fresh for ", 24) == 0);
    end();
}

RUN(TEST(every_source_is_asked_and_the_longest_log_counts),
    TEST(where_no_source_knows_a_log_the_name_speaks_for_itself), TEST(one_source_that_answers_is_enough),
    TEST(sources_that_all_fail_refuse_with_what_tells_most), TEST(sources_that_cannot_even_be_asked_refuse_at_once),
    TEST(a_source_that_shows_a_fork_has_failed_and_is_reported),
    TEST(a_fork_alone_refuses_and_what_was_seen_first_stays),
    TEST(two_sources_that_contradict_each_other_are_not_both_believed),
    TEST(a_rollback_is_reported_and_the_log_that_was_kept_stays),
    TEST(where_sources_know_nothing_the_log_that_was_kept_counts),
    TEST(a_log_that_cannot_be_kept_refuses_although_another_source_knows_none),
    TEST(an_old_answer_does_not_serve_when_a_newer_log_could_not_be_kept),
    TEST(an_old_answer_serves_where_no_source_can_be_reached), TEST(a_deactivation_that_a_source_shows_is_an_answer),
    TEST(at_the_deadline_the_sources_that_answered_decide),
    TEST(without_sources_a_log_that_was_kept_says_more_than_the_name),
    TEST(a_log_that_was_kept_is_verified_when_it_is_read), TEST(only_hosts_that_are_admitted_are_asked),
    TEST(a_host_that_is_not_admitted_does_not_count_by_what_others_remembered),
    TEST(a_key_that_returned_refuses_the_document_and_is_reported),
    TEST(a_document_that_a_host_does_not_have_is_not_found), TEST(a_document_is_handed_on_only_if_it_is_wanted),
    TEST(what_a_host_sent_is_in_no_step_and_no_error),
    TEST(a_document_of_an_aip_web_name_is_fresh_until_it_ends_at_most),
    TEST(a_document_of_an_aip_web_name_never_serves_beyond_its_end),
    TEST(a_source_is_an_https_url_of_host_and_port_and_no_more),
    TEST(a_host_pattern_is_a_name_a_port_or_a_star_in_front), TEST(each_step_is_told))
