/* Tests of gateway/pulling: lists of other gateways, read from a fetcher that is told what to answer, into a real
 * store. */
#include "gateway/pulling.h"

#include "chain/revocation_list.h"
#include "tests/unit/resolver_fixture.h"
#include "tests/unit/store_file.h"

#define URL "https://lists.example/aip/v1/revocations"
#define SECOND UINT64_C(1000000)
#define SIGNER 5 /* keys[SIGNER] signs the lists */

static store *base;
static revocation_table table;
static revoked_memory *revoked;
static identity_memory *identities;
static aip_trust trust;
static pulling *reader;
static pulling_setup pull;
static char signer[AIP_DID_TEXT_SIZE], signer_key[AIP_DID_TEXT_SIZE + 16], source_text[256];
static const char *source_texts[2];
static int64_t at;         /* wall clock of the test */
static uint64_t monotonic; /* follows it */
static struct {
    int pages, statements;
    aip_status page, statement;
    int64_t number;
} told;

aip_status
fetcher_open(net_loop *loop, const fetch_rules *rules, fetcher **out, aip_error *err)
{
    (void)loop;
    (void)err;
    CHECK(rules->bytes_max == 4 << 20 && rules->timeout_ms >= 3000 && rules->timeout_ms <= 10000);
    CHECK(rules->configured_count > 0);
    CHECK_TEXT(rules->configured_count > 0 ? rules->configured[0] : NULL, "https://lists.example");
    *out = (fetcher *)(void *)&fetcher_of_the_test;
    return AIP_OK;
}

void
fetcher_close(fetcher **f)
{
    *f = NULL;
}

static void
remember_answer(void *context, const char *name, aip_status status, const resolution *found, const aip_error *err)
{
    (void)context;
    if (status == AIP_OK) {
        CHECK_STATUS(identity_memory_put(identities, found->id, at + 60, NULL), AIP_OK);
    } else {
        CHECK_STATUS(identity_memory_put_refusal(identities, aip_bytes_of(name), err, at + 1, NULL), AIP_OK);
    }
}

static void
hear_pulling(void *context, const char *url, int64_t number, const aip_error *why)
{
    (void)context;
    CHECK(strncmp(url, "https://", 8) == 0 && why->status != AIP_OK);
    if (number == 0) {
        told.pages++;
        told.page = why->status;
    } else {
        told.statements++;
        told.statement = why->status;
        told.number = number;
    }
}

static aip_status
take_fact(void *context, const revoked_fact *fact, aip_error *err)
{
    return revoked_memory_add(context, fact, err);
}

/* Store, memories, resolver and reader, as after a start. */
static void
open_all(void)
{
    const revoked_sink sink = {NULL, take_fact};
    CHECK_STATUS(store_open(file_path, &base, NULL), AIP_OK);
    CHECK_STATUS(store_revocations_open(base, &table, NULL), AIP_OK);
    CHECK_STATUS(revoked_memory_new(&revoked, NULL), AIP_OK);
    revoked_sink into = sink;
    into.context = revoked;
    CHECK_STATUS(store_revocations_load(&table, 0, &into, NULL), AIP_OK);
    CHECK_STATUS(identity_memory_new(64, true, &identities, NULL), AIP_OK);
    open_resolver();
    pull.resolver = under_test;
    pull.identities = identities;
    pull.revoked = revoked;
    CHECK_STATUS(pulling_open(&pull, &reader, NULL), AIP_OK);
}

static void
close_all(void)
{
    resolver_close(&under_test);
    pulling_close(&reader);
    identity_memory_free(&identities);
    revoked_memory_free(&revoked);
    store_close(&base);
}

static void
restart(void)
{
    close_all();
    open_all();
}

static void
begin_reader(size_t key_sources)
{
    file_begin();
    begin();
    setup.cache = NULL; /* each resolution asks */
    setup.sources = three_sources;
    setup.source_count = key_sources;
    memset(&told, 0, sizeof told);
    at = now;
    monotonic = 77 * SECOND;
    aip_did_of_key(aip_secret_key_public(keys[SIGNER]), signer);
    snprintf(signer_key, sizeof signer_key, "%s#key-1", signer);
    snprintf(source_text, sizeof source_text, "%s=%s", signer, URL);
    source_texts[0] = source_text;
    pull = (pulling_setup){
        .sources = source_texts,
        .source_count = 1,
        .max_staleness_seconds = 30,
        .table = &table,
        .trust = &trust,
        .remember = remember_answer,
        .report = hear_pulling,
    };
    open_all();
}

static void
end_reader(void)
{
    close_all();
    end();
    file_end();
}

/* Lets time pass, and the reader do all that it can. */
static void
run_for(int64_t seconds)
{
    at += seconds;
    monotonic += (uint64_t)seconds * SECOND;
    for (int i = 0; i < 500; i++) {
        pulling_tick(reader, at, monotonic);
    }
}

static int64_t
highest(void)
{
    int64_t number = -1;
    CHECK_STATUS(store_revocations_highest(&table, &number, NULL), AIP_OK);
    return number;
}

/* ---- statements and pages ---- */

/* One of keys[by] that ends the key numbered `target`, of whom it need not know. Borrowed until the next call. */
static const char *
statement_of_key(int by, unsigned char target, int64_t issued_at)
{
    static char *made;
    unsigned char seed[AIP_SEED_BYTES] = {0x77, target};
    aip_secret_key *ended = NULL;
    char name[AIP_DID_TEXT_SIZE], issuer[AIP_DID_TEXT_SIZE];
    CHECK_STATUS(aip_secret_key_from_seed(seed, &ended, NULL), AIP_OK);
    aip_did_of_key(aip_secret_key_public(ended), name);
    aip_secret_key_free(&ended);
    aip_did_of_key(aip_secret_key_public(keys[0]), issuer);
    const revocation_statement said_so = {
        .issuer = by == 1 ? issuer : NULL, /* key 1 is the next one of keys[0]'s log */
        .kind = REVOKED_DID,
        .target = name,
        .issued_at = issued_at,
        .sequence = target,
    };
    free(made);
    made = NULL;
    CHECK_STATUS(revocation_sign(keys[by], &said_so, &made, NULL), AIP_OK);
    return made;
}

typedef struct {
    int64_t from, last, issued_at;
    int signed_by;
    const char *iss, *kid;
    size_t count;
    char *statements[8];
} sheet;

static sheet
new_sheet(int64_t from, int64_t last)
{
    return (sheet){.from = from, .last = last, .issued_at = at, .signed_by = SIGNER, .iss = signer, .kid = signer_key};
}

static void
write_on(sheet *page, const char *statement)
{
    page->statements[page->count++] = strdup(statement);
}

/* Statements of keys[2], each with a target of its own. */
static sheet
full_sheet(int64_t from, size_t count, int64_t last)
{
    sheet page = new_sheet(from, last);
    for (size_t i = 0; i < count; i++) {
        write_on(&page, statement_of_key(2, (unsigned char)(from + 1 + (int64_t)i), at - 5));
    }
    return page;
}

static char *
sign_sheet(sheet *page)
{
    revocation_list_draft draft = {.from = page->from, .to = page->from};
    const revocation_list_signer by = {page->iss, page->kid, keys[page->signed_by], page->issued_at, page->last};
    char *text = NULL;
    for (size_t i = 0; i < page->count; i++) {
        CHECK_STATUS(revocation_list_append(&draft, draft.to + 1, aip_bytes_of(page->statements[i]), NULL), AIP_OK);
        free(page->statements[i]);
    }
    CHECK_STATUS(revocation_list_sign(&draft, &by, &text, NULL), AIP_OK);
    revocation_list_draft_clear(&draft);
    return text;
}

/* The last fetch is answered with this page. */
static void
answer_sheet(sheet page)
{
    STRING_AUTO char *text = sign_sheet(&page);
    end_fetch(net.count - 1, AIP_OK, text, -1);
    run_for(0);
}

static bool
asks_since(const char *number)
{
    char url[128];
    snprintf(url, sizeof url, URL "?since=%s", number);
    return net.count > 0 && net.all[net.count - 1].running && strcmp(net.all[net.count - 1].url, url) == 0;
}

/* Refused by this name (of which a second report may not follow the first), and nothing of it kept; it is asked for
 * again. */
static void
check_dropped(sheet page, aip_status why)
{
    size_t known = revoked_count(revoked);
    int64_t number = highest();
    char url[256];
    snprintf(url, sizeof url, "%s", net.all[net.count - 1].url);
    answer_sheet(page);
    CHECK_STATUS(told.page, why);
    CHECK(revoked_count(revoked) == known && highest() == number);
    CHECK(!net.all[net.count - 1].running);
    run_for(3);
    CHECK(net.all[net.count - 1].running);
    CHECK_TEXT(net.all[net.count - 1].url, url);
}

/* ---- */

static void
a_page_is_kept_and_counts(void)
{
    begin_reader(0);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    run_for(0);
    CHECK(net.count == 1 && asks_since("0"));
    answer_sheet(full_sheet(0, 3, 3));
    CHECK(revoked_count(revoked) == 3 && highest() == 3);
    CHECK(told.pages == 0 && told.statements == 0);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    CHECK(file_query("SELECT count(*) FROM revocation WHERE source = '" URL "' AND judged = 0") == 3);
    end_reader();
}

static void
without_sources_nothing_is_stale(void)
{
    CHECK_STATUS(pulling_check(NULL, INT64_C(1) << 40, NULL), AIP_OK);
    pulling_tick(NULL, 0, 0);
    CHECK(pulling_timeout_ms(NULL, 0) == -1);
}

static void
pages_are_read_until_the_last_and_only_that_one_is_fresh(void)
{
    begin_reader(0);
    run_for(0);
    answer_sheet(full_sheet(0, 2, 5));
    CHECK(revoked_count(revoked) == 2 && asks_since("2"));
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    answer_sheet(full_sheet(2, 2, 6)); /* one was added meanwhile */
    CHECK(revoked_count(revoked) == 4 && asks_since("4"));
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    answer_sheet(full_sheet(4, 2, 6));
    CHECK(revoked_count(revoked) == 6 && net.count == 3 && !net.all[2].running);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

static void
a_source_is_asked_three_times_in_the_time_that_it_may_be_old(void)
{
    begin_reader(0);
    run_for(0);
    for (size_t i = 1; i <= 4; i++) {
        CHECK(net.count == i && asks_since("0"));
        answer_sheet(new_sheet(0, 0));
        CHECK(pulling_timeout_ms(reader, monotonic) == 10000);
        run_for(9);
        CHECK(net.count == i);
        run_for(1);
    }
    CHECK(highest() == 0 && told.pages == 0);
    end_reader();
}

static void
what_was_told_is_stale_after_its_time(void)
{
    begin_reader(0);
    run_for(0);
    sheet page = new_sheet(0, 0);
    page.issued_at = at - 7; /* its own time counts, not that of its arrival */
    answer_sheet(page);
    CHECK_STATUS(pulling_check(reader, at + 23, NULL), AIP_OK);
    CHECK_STATUS(pulling_check(reader, at + 24, NULL), AIP_REVOCATION_STALE);
    run_for(10);
    answer_sheet(new_sheet(0, 0));
    CHECK_STATUS(pulling_check(reader, at + 30, NULL), AIP_OK);
    CHECK_STATUS(pulling_check(reader, at + 31, NULL), AIP_REVOCATION_STALE);
    end_reader();
}

static void
every_source_has_to_be_fresh(void)
{
    char second[256];
    begin_reader(0);
    pulling_close(&reader);
    snprintf(second, sizeof second, "%s=https://lists.example:8443/other", signer);
    source_texts[1] = second;
    pull.source_count = 2;
    CHECK_STATUS(pulling_open(&pull, &reader, NULL), AIP_OK);
    run_for(0);
    CHECK(net.count == 2);
    CHECK_TEXT(net.all[1].url, "https://lists.example:8443/other?since=0");
    answer_sheet(new_sheet(0, 0));
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    sheet page = new_sheet(0, 0);
    STRING_AUTO char *text = sign_sheet(&page);
    end_fetch(0, AIP_OK, text, -1);
    run_for(0);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

static void
a_restart_remembers_how_far_and_how_fresh(void)
{
    begin_reader(0);
    run_for(0);
    answer_sheet(full_sheet(0, 2, 2));
    at += 20;
    restart();
    CHECK(revoked_count(revoked) == 2);
    CHECK_STATUS(pulling_check(reader, at + 10, NULL), AIP_OK);
    CHECK_STATUS(pulling_check(reader, at + 11, NULL), AIP_REVOCATION_STALE);
    run_for(0);
    CHECK(asks_since("2"));
    sheet before = new_sheet(2, 2);
    before.issued_at = at - 21; /* from before the last page */
    check_dropped(before, AIP_REVOCATION_LIST_ROLLBACK);
    answer_sheet(full_sheet(2, 1, 3));
    CHECK(revoked_count(revoked) == 3);
    end_reader();
}

static void
a_restart_in_the_middle_of_a_list_is_not_fresh_and_forgets_no_number(void)
{
    begin_reader(0);
    run_for(0);
    answer_sheet(full_sheet(0, 2, 9));
    restart();
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    run_for(0);
    CHECK(asks_since("2"));
    check_dropped(full_sheet(2, 1, 8), AIP_REVOCATION_LIST_ROLLBACK); /* 9 was named */
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    answer_sheet(full_sheet(2, 7, 9));
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

static void
a_page_that_fails_is_dropped_by_name(void)
{
    begin_reader(0);
    run_for(0);
    answer_sheet(full_sheet(0, 2, 2));
    run_for(10);
    CHECK(asks_since("2"));
    check_dropped(full_sheet(3, 1, 4), AIP_REVOCATION_LIST_GAP);
    check_dropped(new_sheet(2, 3), AIP_REVOCATION_LIST_GAP);
    check_dropped(full_sheet(0, 3, 3), AIP_REVOCATION_LIST_ROLLBACK); /* the answer to an older question */
    check_dropped(full_sheet(0, 1, 1), AIP_REVOCATION_LIST_ROLLBACK);
    check_dropped(new_sheet(1, 1), AIP_REVOCATION_LIST_ROLLBACK);
    sheet page = full_sheet(2, 1, 3);
    page.signed_by = 4;
    check_dropped(page, AIP_TOKEN_SIGNATURE);
    page = full_sheet(2, 1, 3);
    page.iss = self;
    check_dropped(page, AIP_TOKEN_CLAIM_INVALID);
    page = full_sheet(2, 1, 3);
    page.kid = "did:web:example.com#key-1";
    check_dropped(page, AIP_TOKEN_HEADER);
    page = full_sheet(2, 1, 3);
    page.issued_at = at + 31;
    check_dropped(page, AIP_TOKEN_NOT_YET_VALID);
    page = full_sheet(2, 1, 3);
    page.issued_at = at - 10000;
    check_dropped(page, AIP_REVOCATION_LIST_ROLLBACK);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE); /* all that renewed nothing */
    answer_sheet(full_sheet(2, 1, 3));
    CHECK(revoked_count(revoked) == 3);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

static void
what_cannot_be_fetched_or_read_is_reported_and_asked_for_again(void)
{
    static const struct {
        aip_status fetched;
        const char *body;
        aip_status reported;
    } cases[] = {
        {AIP_FETCH_TIMEOUT, NULL, AIP_FETCH_TIMEOUT},   {AIP_FETCH_SIZE, NULL, AIP_FETCH_SIZE},
        {AIP_DID_NOT_FOUND, NULL, AIP_FETCH_STATUS},    {AIP_OK, "", AIP_TOKEN_MALFORMED},
        {AIP_OK, "{\"error\":1}", AIP_TOKEN_MALFORMED}, {AIP_OK, "e30.e30.AAAA", AIP_TOKEN_MALFORMED},
        {AIP_OK, "e30.e30.!", AIP_BASE64URL_INVALID},
    };
    begin_reader(0);
    run_for(0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(net.count == i + 1 && asks_since("0"));
        end_fetch(i, cases[i].fetched, cases[i].body, -1);
        run_for(0);
        CHECK_STATUS(told.page, cases[i].reported);
        run_for(3);
    }
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    net.begin_fails = AIP_FETCH_BUSY;
    end_fetch(net.count - 1, AIP_FETCH_TLS, NULL, -1);
    run_for(0);
    run_for(3);
    CHECK_STATUS(told.page, AIP_FETCH_BUSY);
    net.begin_fails = AIP_OK;
    run_for(3);
    CHECK(asks_since("0"));
    end_reader();
}

static void
a_source_that_keeps_failing_is_reported_once_a_minute(void)
{
    begin_reader(0);
    run_for(0);
    for (int i = 0; i < 10; i++) {
        end_fetch(net.count - 1, AIP_FETCH_TIMEOUT, NULL, -1);
        run_for(0);
        run_for(3);
    }
    CHECK(told.pages == 1);
    run_for(60);
    end_fetch(net.count - 1, AIP_FETCH_TIMEOUT, NULL, -1);
    run_for(0);
    CHECK(told.pages == 2);
    end_reader();
}

static void
a_bad_statement_is_left_out_by_number_and_holds_up_nobody(void)
{
    begin_reader(0);
    run_for(0);
    answer_sheet(full_sheet(0, 1, 1));
    run_for(10);
    sheet page = full_sheet(1, 1, 4);
    char *forged = strdup(statement_of_key(2, 50, at));
    forged[strlen(forged) - 5] = forged[strlen(forged) - 5] == 'A' ? 'B' : 'A';
    write_on(&page, forged);
    write_on(&page, statement_of_key(2, 51, at));
    free(forged);
    answer_sheet(page);
    CHECK(told.pages == 0 && told.statements == 1 && told.number == 3);
    CHECK_STATUS(told.statement, AIP_TOKEN_SIGNATURE);
    CHECK(revoked_count(revoked) == 3 && highest() == 3);
    run_for(10);
    CHECK(asks_since("4"));
    page = new_sheet(4, 6);
    write_on(&page, "nonsense");
    write_on(&page, statement_of_key(2, 52, at + 31));
    answer_sheet(page);
    CHECK(told.statements == 3 && told.number == 6);
    CHECK_STATUS(told.statement, AIP_TOKEN_NOT_YET_VALID);
    CHECK(revoked_count(revoked) == 3);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

/* Whose clock is ahead by what is allowed has taken what is ahead by that of its own time. */
static void
a_statement_is_as_far_ahead_as_its_publisher_may_take_it(void)
{
    begin_reader(0);
    run_for(0);
    sheet page = new_sheet(0, 2);
    page.issued_at = at + 30;
    write_on(&page, statement_of_key(2, 1, at + 60));
    write_on(&page, statement_of_key(2, 2, at + 61));
    answer_sheet(page);
    CHECK(revoked_count(revoked) == 1 && told.statements == 1 && told.number == 2);
    CHECK_STATUS(told.statement, AIP_TOKEN_NOT_YET_VALID);
    end_reader();
}

/* keys[0] was replaced by keys[1] at now - 999. */
static void
a_statement_is_judged_by_the_key_that_was_in_force_when_it_was_made(void)
{
    begin_reader(0);
    IDENTITY_AUTO identity *rotated = identity_from_log("01");
    CHECK_STATUS(identity_memory_put(identities, rotated, at + 600, NULL), AIP_OK);
    run_for(0);
    sheet page = new_sheet(0, 2);
    write_on(&page, statement_of_key(0, 1, now - 1000)); /* by the first key, before */
    write_on(&page, statement_of_key(0, 2, now - 10));   /* by the first key, afterwards */
    answer_sheet(page);
    CHECK(told.statements == 1 && told.number == 2);
    CHECK(revoked_count(revoked) == 1);
    end_reader();
}

static void
a_list_is_judged_by_the_key_that_is_in_force_now(void)
{
    begin_reader(0);
    pulling_close(&reader);
    snprintf(source_text, sizeof source_text, "%s=%s", self, URL);
    CHECK_STATUS(pulling_open(&pull, &reader, NULL), AIP_OK);
    IDENTITY_AUTO identity *rotated = identity_from_log("01");
    CHECK_STATUS(identity_memory_put(identities, rotated, at + 600, NULL), AIP_OK);
    char kid[AIP_DID_TEXT_SIZE + 16];
    snprintf(kid, sizeof kid, "%s#key-1", self);
    run_for(0);
    sheet page = new_sheet(0, 0);
    page.iss = self;
    page.kid = kid;
    page.signed_by = 0;
    check_dropped(page, AIP_KEY_RETIRED);
    snprintf(kid, sizeof kid, "%s#key-2", self);
    page = new_sheet(0, 0);
    page.iss = self;
    page.kid = kid;
    page.signed_by = 1;
    answer_sheet(page);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

/* The source of key logs does not answer now, so nobody knows whether the issuer's key still counts. */
static void
an_issuer_that_cannot_be_resolved_now_drops_the_page_and_loses_nothing(void)
{
    begin_reader(1);
    run_for(0);
    sheet page = full_sheet(0, 2, 2);
    STRING_AUTO char *text = sign_sheet(&page);
    end_fetch(0, AIP_OK, text, -1);
    run_for(0);
    CHECK(net.count == 2 && strncmp(net.all[1].url, three_sources[0], strlen(three_sources[0])) == 0);
    end_fetch(1, AIP_DID_NOT_FOUND, NULL, -1); /* of the signer: no log */
    run_for(0);
    CHECK(net.count == 3 && highest() == 0); /* of the issuer, once for both */
    end_fetch(2, AIP_FETCH_TIMEOUT, NULL, -1);
    run_for(0);
    CHECK(told.pages == 1 && told.statements == 0);
    CHECK(aip_status_lookup(told.page)->class == AIP_CLASS_UNAVAILABLE);
    CHECK(highest() == 0 && revoked_count(revoked) == 0);
    run_for(3);
    CHECK(net.count == 4 && asks_since("0"));
    end_fetch(3, AIP_OK, text, -1);
    run_for(0);
    for (size_t i = 4; i < net.count; i++) {
        end_fetch(i, AIP_DID_NOT_FOUND, NULL, -1);
        run_for(0);
    }
    CHECK(highest() == 2 && revoked_count(revoked) == 2 && told.statements == 0);
    end_reader();
}

static void
many_issuers_are_resolved_some_at_a_time(void)
{
    revocation_list_draft draft = {.from = 0, .to = 0};
    begin_reader(1);
    for (unsigned char i = 0; i < 40; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {0x99, i};
        aip_secret_key *key = NULL;
        STRING_AUTO char *statement = NULL;
        CHECK_STATUS(aip_secret_key_from_seed(seed, &key, NULL), AIP_OK);
        const revocation_statement ends = {.kind = REVOKED_DID, .target = self, .issued_at = at, .sequence = 1};
        CHECK_STATUS(revocation_sign(key, &ends, &statement, NULL), AIP_OK);
        CHECK_STATUS(revocation_list_append(&draft, i + 1, aip_bytes_of(statement), NULL), AIP_OK);
        aip_secret_key_free(&key);
    }
    STRING_AUTO char *text = NULL;
    const revocation_list_signer by = {signer, signer_key, keys[SIGNER], at, 40};
    CHECK_STATUS(revocation_list_sign(&draft, &by, &text, NULL), AIP_OK);
    revocation_list_draft_clear(&draft);
    run_for(0);
    end_fetch(0, AIP_OK, text, -1);
    run_for(0);
    end_fetch(1, AIP_DID_NOT_FOUND, NULL, -1);
    run_for(0);
    CHECK(net.count == 2 + 16);
    CHECK(pulling_timeout_ms(reader, monotonic) == -1); /* the answers wake it */
    for (size_t i = 2; i < net.count; i++) {
        end_fetch(i, AIP_DID_NOT_FOUND, NULL, -1);
        run_for(0);
    }
    CHECK(net.count == 2 + 40 && revoked_count(revoked) == 40 && told.pages + told.statements == 0);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

static void
judging_takes_few_statements_at_a_time(void)
{
    revocation_list_draft draft = {.from = 0, .to = 0};
    begin_reader(0);
    for (int i = 0; i < 100; i++) {
        const char *statement = statement_of_key(2, (unsigned char)i, at);
        CHECK_STATUS(revocation_list_append(&draft, i + 1, aip_bytes_of(statement), NULL), AIP_OK);
    }
    STRING_AUTO char *text = NULL;
    const revocation_list_signer by = {signer, signer_key, keys[SIGNER], at, 100};
    CHECK_STATUS(revocation_list_sign(&draft, &by, &text, NULL), AIP_OK);
    revocation_list_draft_clear(&draft);
    run_for(0);
    end_fetch(0, AIP_OK, text, -1);
    int ticks = 0;
    for (; highest() < 100 && ticks < 100; ticks++) {
        CHECK(pulling_timeout_ms(reader, monotonic) == 0);
        pulling_tick(reader, at, monotonic);
    }
    CHECK(ticks >= 8 && ticks <= 20);
    run_for(0);
    CHECK(revoked_count(revoked) == 100);
    end_reader();
}

static void
the_same_list_again_changes_nothing(void)
{
    begin_reader(0);
    run_for(0);
    sheet page = full_sheet(0, 2, 2);
    STRING_AUTO char *text = sign_sheet(&page);
    end_fetch(0, AIP_OK, text, -1);
    run_for(0);
    run_for(10);
    CHECK(asks_since("2"));
    end_fetch(1, AIP_OK, text, -1);
    run_for(0);
    CHECK_STATUS(told.page, AIP_REVOCATION_LIST_ROLLBACK);
    CHECK(highest() == 2 && revoked_count(revoked) == 2);
    end_reader();
}

static void
another_signer_is_another_list_from_its_beginning(void)
{
    begin_reader(0);
    run_for(0);
    answer_sheet(full_sheet(0, 2, 2));
    char mine[AIP_DID_TEXT_SIZE + 16];
    snprintf(source_text, sizeof source_text, "%s=%s", self, URL);
    restart();
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE);
    run_for(0);
    CHECK(asks_since("0"));
    sheet page = full_sheet(0, 1, 1);
    page.signed_by = 0;
    page.iss = self;
    snprintf(mine, sizeof mine, "%s#key-1", self);
    page.kid = mine;
    answer_sheet(page);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    CHECK(highest() == 2 || highest() == 3);
    end_reader();
}

static void
only_a_key_that_serves_assertion_signs_a_list(void)
{
    static const char web[] = "did:web:gw.example", kid[] = "did:web:gw.example#a";
    begin_reader(0);
    pulling_close(&reader);
    snprintf(source_text, sizeof source_text, "%s=%s", web, URL);
    CHECK_STATUS(pulling_open(&pull, &reader, NULL), AIP_OK);
    IDENTITY_AUTO identity *known = plain_identity(web);
    strcpy(known->keys[0].fragment, "a");
    known->keys[0].from = INT64_MIN;
    known->keys[0].until = INT64_MAX;
    known->keys[0].uses = IDENTITY_USES_ALL & ~IDENTITY_USE_BIT(DID_USE_ASSERTION);
    CHECK_STATUS(identity_memory_put(identities, known, at + 600, NULL), AIP_OK);
    run_for(0);
    sheet page = new_sheet(0, 0);
    page.iss = web;
    page.kid = kid;
    page.signed_by = 1;
    check_dropped(page, AIP_DIDDOC_KEY_NOT_FOUND);
    known->keys[0].uses = IDENTITY_USE_BIT(DID_USE_ANY) | IDENTITY_USE_BIT(DID_USE_ASSERTION);
    CHECK_STATUS(identity_memory_put(identities, known, at + 600, NULL), AIP_OK);
    page.issued_at = at;
    answer_sheet(page);
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

/* A page that this reader never saw is kept: `count` statements that nobody has judged. */
static void
let_another_process_read(int64_t count)
{
    revocation_record *records = calloc((size_t)count, sizeof *records);
    revocation_place *places = calloc((size_t)count, sizeof *places);
    for (int64_t i = 0; i < count; i++) {
        records[i] = (revocation_record){.id = {1, (unsigned char)i, (unsigned char)(i >> 8)},
                                         .fact = {.kind = REVOKED_DID, .issuer = aip_bytes_of(self)},
                                         .configured = true,
                                         .source = AIP_BYTES_LITERAL(URL),
                                         .statement = AIP_BYTES_LITERAL("statement")};
    }
    const revocation_page page = {.url = AIP_BYTES_LITERAL(URL),
                                  .issuer = aip_bytes_of(signer),
                                  .to = count,
                                  .last = count,
                                  .issued_at = at,
                                  .records = records,
                                  .count = (size_t)count};
    CHECK_STATUS(store_revocations_add_page(&table, &page, places, NULL), AIP_OK);
    free(records);
    free(places);
}

static void
what_another_process_read_is_not_asked_for_and_makes_nothing_fresh_here(void)
{
    begin_reader(0);
    let_another_process_read(2);
    run_for(0);
    CHECK(asks_since("2"));
    answer_sheet(full_sheet(2, 1, 4));
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_REVOCATION_STALE); /* its memory may lack the first two */
    answer_sheet(full_sheet(3, 1, 4));
    CHECK_STATUS(pulling_check(reader, at, NULL), AIP_OK);
    end_reader();
}

/* The number in the store never goes back, whatever this reader thought that it was. */
static void
another_process_that_reads_on_meanwhile_is_noticed(void)
{
    begin_reader(0);
    run_for(0);
    let_another_process_read(2);
    answer_sheet(full_sheet(0, 1, 2));
    CHECK_STATUS(told.page, AIP_REVOCATION_LIST_ROLLBACK);
    CHECK(highest() == 2);
    run_for(3);
    CHECK(asks_since("2"));
    end_reader();
}

static void
a_list_is_not_subject_to_the_cap_of_a_source(void)
{
    begin_reader(0);
    let_another_process_read(AIP_REVOCATIONS_UNJUDGED_MAX);
    run_for(0);
    CHECK(asks_since("1000"));
    answer_sheet(full_sheet(AIP_REVOCATIONS_UNJUDGED_MAX, 1, AIP_REVOCATIONS_UNJUDGED_MAX + 1));
    CHECK(told.pages == 0 && highest() == AIP_REVOCATIONS_UNJUDGED_MAX + 1);
    end_reader();
}

static void
check_refused_source(const char *format, const char *did)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s", did, format);
    CHECK_STATUS(pulling_check_source(text, NULL), AIP_CONFIG_INVALID);
}

static void
a_source_is_a_did_and_an_https_url(void)
{
    pulling *none = NULL;
    begin_reader(0);
    CHECK_STATUS(pulling_check_source(source_text, NULL), AIP_OK);
    check_refused_source("", self);
    check_refused_source("=", self);
    check_refused_source("=http://lists.example/x", self);
    check_refused_source("=https://127.0.0.1/x", self);
    check_refused_source("=https://lists.example", self);
    check_refused_source("=https://lists.example/x?a=b", self);
    check_refused_source("=https://lists.example/x#b", self);
    check_refused_source("=https://u@lists.example/x", self);
    check_refused_source("=https://lists.example/x", "");
    check_refused_source("=https://lists.example/x", "aip:web:a.example/b");
    check_refused_source("=https://lists.example/x", "did:aip:zWrong");
    source_texts[1] = source_texts[0];
    pull.source_count = 2;
    CHECK_STATUS(pulling_open(&pull, &none, NULL), AIP_CONFIG_INVALID);
    pull.source_count = 1;
    pull.max_staleness_seconds = 9;
    CHECK_STATUS(pulling_open(&pull, &none, NULL), AIP_CONFIG_INVALID);
    pull.max_staleness_seconds = -1;
    CHECK_STATUS(pulling_open(&pull, &none, NULL), AIP_CONFIG_INVALID);
    CHECK(none == NULL);
    end_reader();
}

RUN(TEST(a_page_is_kept_and_counts), TEST(without_sources_nothing_is_stale),
    TEST(pages_are_read_until_the_last_and_only_that_one_is_fresh),
    TEST(a_source_is_asked_three_times_in_the_time_that_it_may_be_old), TEST(what_was_told_is_stale_after_its_time),
    TEST(every_source_has_to_be_fresh), TEST(a_restart_remembers_how_far_and_how_fresh),
    TEST(a_restart_in_the_middle_of_a_list_is_not_fresh_and_forgets_no_number),
    TEST(a_page_that_fails_is_dropped_by_name), TEST(what_cannot_be_fetched_or_read_is_reported_and_asked_for_again),
    TEST(a_source_that_keeps_failing_is_reported_once_a_minute),
    TEST(a_bad_statement_is_left_out_by_number_and_holds_up_nobody),
    TEST(a_statement_is_as_far_ahead_as_its_publisher_may_take_it),
    TEST(a_statement_is_judged_by_the_key_that_was_in_force_when_it_was_made),
    TEST(a_list_is_judged_by_the_key_that_is_in_force_now),
    TEST(an_issuer_that_cannot_be_resolved_now_drops_the_page_and_loses_nothing),
    TEST(many_issuers_are_resolved_some_at_a_time), TEST(judging_takes_few_statements_at_a_time),
    TEST(the_same_list_again_changes_nothing), TEST(another_signer_is_another_list_from_its_beginning),
    TEST(only_a_key_that_serves_assertion_signs_a_list),
    TEST(what_another_process_read_is_not_asked_for_and_makes_nothing_fresh_here),
    TEST(another_process_that_reads_on_meanwhile_is_noticed), TEST(a_list_is_not_subject_to_the_cap_of_a_source),
    TEST(a_source_is_a_did_and_an_https_url))
