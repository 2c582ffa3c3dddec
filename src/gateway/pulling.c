/* Asks each source in time for what comes after the number that was taken in, and takes in what passes. */
#include "gateway/pulling.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "base/text.h"
#include "gateway/pulling_inside.h"
#include "net/https_host.h"

enum {
    STALENESS_SECONDS_DEFAULT = 300,
    ASKED_PER_STALENESS = 3,
    RETRIES_PER_INTERVAL = 4,
    TIMEOUT_MILLISECONDS_MAX = 10000,
    PAGES_PER_ROUND = 1024, /* then the others come first, and a list that never ends waits */
    REPORT_AGAIN_SECONDS = 60,
    SECOND_US = 1000000,
};

#define STALENESS_SECONDS_MAX INT64_C(315360000)

/* ---- what a source is ---- */

static aip_status
cut_source(const char *text, aip_did *did, const char **url, aip_error *err)
{
    const char *sign = strchr(text, '=');
    char host[HTTPS_HOST_BYTES];
    if (sign == NULL) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a source of revocations is written DID=URL");
    }
    const aip_bytes name = {(const unsigned char *)text, (size_t)(sign - text)};
    *url = sign + 1;
    if (!aip_did_is_did(name) || aip_did_parse(name, did, NULL) != AIP_OK) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a source of revocations begins with the DID that signs its list");
    }
    aip_status status = https_host(*url, host, err);
    if (status == AIP_NO_MEMORY) {
        return status;
    }
    return status == AIP_OK && strchr(*url, '?') == NULL && strchr(*url + sizeof "https://" - 1, '/') != NULL
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "a source of revocations is an https URL of a name, with a path");
}

aip_status
pulling_check_source(const char *text, aip_error *err)
{
    aip_did did;
    const char *url;
    return cut_source(text, &did, &url, err);
}

aip_status
pulling_signer(const char *source, aip_did *out, aip_error *err)
{
    const char *url;
    return cut_source(source, out, &url, err);
}

static aip_status
check_unique(const pulling *p, const pull_source *s, aip_error *err)
{
    for (const pull_source *each = p->sources; each < s; each++) {
        if (strcmp(each->did, s->did) == 0 && strcmp(each->url, s->url) == 0) {
            return aip_fail(err, AIP_CONFIG_INVALID, "a source of revocations is given twice");
        }
    }
    return AIP_OK;
}

static aip_status
add_source(pulling *p, const char *text, aip_error *err)
{
    pull_source *s = &p->sources[p->count];
    char **origin = &p->origins[p->count];
    aip_did did;
    const char *url;
    AIP_TRY(cut_source(text, &did, &url, err));
    s->owner = p;
    s->did = strndup((const char *)did.text.data, did.text.size);
    s->url = strdup(url);
    *origin = strndup(url, sizeof "https://" - 1 + strcspn(url + sizeof "https://" - 1, "/"));
    p->count++; /* what there is of it is freed with the others */
    if (s->did == NULL || s->url == NULL || *origin == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(check_unique(p, s, err));
    return store_revocations_find_mark(p->setup.table, aip_bytes_of(s->url), aip_bytes_of(s->did), &s->mark, err);
}

/* ---- freshness ---- */

static void
publish_freshness(pulling *p)
{
    int64_t oldest = INT64_MAX - p->setup.max_staleness_seconds;
    for (size_t i = 0; i < p->count; i++) {
        oldest = p->sources[i].mark.complete_at < oldest ? p->sources[i].mark.complete_at : oldest;
    }
    atomic_store(&p->fresh_until, (long long)(oldest + p->setup.max_staleness_seconds));
}

aip_status
pulling_check(const pulling *p, int64_t now_seconds, aip_error *err)
{
    return p == NULL || now_seconds <= atomic_load(&p->fresh_until) ? AIP_OK
                                                                    : aip_fail(err, AIP_REVOCATION_STALE, NULL);
}

/* ---- one page after the other ---- */

static void
report_page(pull_source *s, const aip_error *why)
{
    const pulling_setup *setup = &s->owner->setup;
    if (why->status != s->reported || s->owner->now >= s->reported_at + REPORT_AGAIN_SECONDS) {
        s->reported = why->status;
        s->reported_at = s->owner->now;
        setup->report(setup->context, s->url, 0, why);
    }
}

static void
drop_page(pull_source *s, const aip_error *why)
{
    uint64_t pause = s->owner->interval_us / RETRIES_PER_INTERVAL;
    report_page(s, why);
    pulled_clear(&s->page);
    s->phase = PULL_IDLE;
    s->due = s->owner->monotonic + (pause < SECOND_US ? SECOND_US : pause);
}

static void
on_page(void *context, aip_status status, const fetch_reply *reply, const aip_error *err)
{
    pull_source *s = context;
    s->running = NULL;
    s->phase = PULL_FAILED;
    if (status == AIP_DID_NOT_FOUND) { /* what the fetcher calls it: it mostly fetches documents */
        (void)!aip_fail(&s->why, AIP_FETCH_STATUS, "HTTP status %d", reply->http);
        return;
    }
    if (status != AIP_OK) {
        s->why = *err;
        return;
    }
    s->page.text = malloc(reply->body.size + 1);
    if (s->page.text == NULL) {
        (void)!aip_fail(&s->why, AIP_NO_MEMORY, NULL);
        return;
    }
    memcpy(s->page.text, reply->body.size == 0 ? (const unsigned char *)"" : reply->body.data, reply->body.size);
    s->page.size = reply->body.size;
    s->phase = PULL_ARRIVED;
}

/* The mark is read again: another process on the same store may have read on. */
static aip_status
ask(pull_source *s, aip_error *err)
{
    pulling *p = s->owner;
    TEXT_AUTO text_buffer url = {0};
    int64_t complete_at = s->mark.complete_at; /* of what this process has in its memory */
    AIP_TRY(store_revocations_find_mark(p->setup.table, aip_bytes_of(s->url), aip_bytes_of(s->did), &s->mark, err));
    s->mark.complete_at = complete_at;
    text_append_format(&url, "%s?since=%lld", s->url, (long long)s->mark.number);
    text_append(&url, (aip_bytes){(const unsigned char *)"", 1});
    AIP_TRY(text_finish(&url, err));
    s->phase = PULL_FETCHING;
    return fetch_begin(p->fetcher, url.data, on_page, s, &s->running, err);
}

static aip_status
begin_round(pull_source *s, aip_error *err)
{
    s->pages_left = PAGES_PER_ROUND;
    s->round_due = s->owner->monotonic + s->owner->interval_us;
    return ask(s, err);
}

static aip_status
open_page(pull_source *s, aip_error *err)
{
    pulled_page *page = &s->page;
    AIP_TRY(revocation_list_parse((aip_bytes){(unsigned char *)page->text, page->size}, &page->list, err));
    page->statements = calloc(page->list.count + 1, sizeof *page->statements);
    page->room = malloc(page->list.statement.payload.size);
    if (page->statements == NULL || page->room == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    s->phase = PULL_CHECKING;
    return AIP_OK;
}

static aip_status
check_page(pull_source *s, aip_error *err)
{
    if (s->page.waiting) {
        return AIP_OK;
    }
    bool good = false;
    AIP_TRY(pulled_check(s, &good, err));
    s->phase = good ? PULL_JUDGING : s->phase;
    return AIP_OK;
}

static aip_status
judge_page(pull_source *s, aip_error *err)
{
    AIP_TRY(pulled_judge(s, err));
    s->phase = pulled_is_decided(s) ? PULL_KEEPING : s->phase;
    return AIP_OK;
}

static revocation_record
record_of(const pull_source *s, size_t i)
{
    const pulled_statement *each = &s->page.statements[i];
    revocation_record record = {
        .fact = {.kind = each->said.kind, .issuer = each->said.issuer.text},
        .issued_at = each->said.issued_at,
        .sequence = each->said.sequence,
        .judged = each->judged,
        .configured = true,
        .source = aip_bytes_of(s->url),
        .statement = s->page.list.statements[i],
        .received_at = s->owner->now,
    };
    memcpy(record.id, each->said.id, sizeof record.id);
    memcpy(record.fact.target_id, each->said.target_id, sizeof record.fact.target_id);
    return record;
}

static aip_status
keep_records(pull_source *s, revocation_record *records, revocation_place *places, aip_error *err)
{
    const revocation_list *list = &s->page.list;
    revocation_page page = {
        .url = aip_bytes_of(s->url),
        .issuer = aip_bytes_of(s->did),
        .from = list->from,
        .to = list->to,
        .last = list->last,
        .issued_at = list->issued_at,
        .records = records,
    };
    for (size_t i = 0; i < list->count; i++) {
        if (s->page.statements[i].verdict == PULLED_TAKEN) {
            records[page.count++] = record_of(s, i);
        }
    }
    return store_revocations_add_page(s->owner->setup.table, &page, places, err);
}

static aip_status
keep_page(pull_source *s, aip_error *err)
{
    size_t room = s->page.list.count + 1;
    revocation_record *records = calloc(room, sizeof *records);
    revocation_place *places = calloc(room, sizeof *places);
    aip_status status =
        records == NULL || places == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : keep_records(s, records, places, err);
    free(records);
    free(places);
    s->phase = status == AIP_OK ? PULL_ADDING : s->phase;
    return status;
}

static void
report_left_out(pull_source *s)
{
    const pulling_setup *setup = &s->owner->setup;
    for (size_t i = 0; i < s->page.list.count; i++) {
        if (s->page.statements[i].verdict == PULLED_LEFT_OUT) {
            setup->report(setup->context, s->url, s->page.list.from + 1 + (int64_t)i, &s->page.statements[i].why);
        }
    }
}

static aip_status
finish_page(pull_source *s, aip_error *err)
{
    const revocation_list *list = &s->page.list;
    bool whole = list->to == list->last;
    s->mark = (revocation_mark){list->to, list->issued_at, list->last, whole ? list->issued_at : s->mark.complete_at};
    s->reported = AIP_OK;
    report_left_out(s);
    publish_freshness(s->owner);
    pulled_clear(&s->page);
    s->phase = PULL_IDLE;
    s->due = s->round_due;
    if (whole || s->pages_left <= 1) {
        return AIP_OK;
    }
    s->pages_left--;
    return ask(s, err);
}

/* What is kept and not in memory would not count, so the page is not done before all is. */
static aip_status
add_page(pull_source *s, aip_error *err)
{
    for (size_t i = 0; i < s->page.list.count; i++) {
        aip_error why = AIP_ERROR_INIT;
        if (s->page.statements[i].verdict != PULLED_TAKEN) {
            continue;
        }
        revocation_record record = record_of(s, i);
        if (revoked_memory_add(s->owner->setup.revoked, &record.fact, &why) != AIP_OK) {
            report_page(s, &why);
            s->due = s->owner->monotonic + SECOND_US;
            return AIP_OK;
        }
    }
    return finish_page(s, err);
}

static aip_status
step(pull_source *s, aip_error *err)
{
    switch (s->phase) {
    case PULL_IDLE:
        return s->owner->monotonic >= s->due ? begin_round(s, err) : AIP_OK;
    case PULL_FETCHING:
        return AIP_OK;
    case PULL_FAILED:
        *err = s->why;
        return s->why.status;
    case PULL_ARRIVED:
        return open_page(s, err);
    case PULL_CHECKING:
        return check_page(s, err);
    case PULL_JUDGING:
        return judge_page(s, err);
    case PULL_KEEPING:
        s->due = 0;
        return keep_page(s, err);
    case PULL_ADDING:
        return s->owner->monotonic >= s->due ? add_page(s, err) : AIP_OK;
    }
    return aip_fail(err, AIP_INTERNAL, NULL);
}

void
pulling_tick(pulling *p, int64_t now_seconds, uint64_t now_monotonic_microseconds)
{
    if (p == NULL) {
        return;
    }
    p->now = now_seconds;
    p->monotonic = now_monotonic_microseconds;
    for (size_t i = 0; i < p->count; i++) {
        aip_error why = AIP_ERROR_INIT;
        if (step(&p->sources[i], &why) != AIP_OK) {
            drop_page(&p->sources[i], &why);
        }
    }
}

/* In microseconds from now; UINT64_MAX: somebody else wakes the thread. */
static uint64_t
time_left(const pull_source *s, uint64_t now)
{
    switch (s->phase) {
    case PULL_FETCHING:
        return UINT64_MAX;
    case PULL_CHECKING:
        return s->page.waiting ? UINT64_MAX : 0;
    case PULL_JUDGING:
        return pulled_can_go_on(s) ? 0 : UINT64_MAX;
    case PULL_IDLE:
    case PULL_ADDING:
        return s->due > now ? s->due - now : 0;
    case PULL_FAILED:
    case PULL_ARRIVED:
    case PULL_KEEPING:
        break;
    }
    return 0;
}

int
pulling_timeout_ms(const pulling *p, uint64_t now_monotonic_microseconds)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        uint64_t left = time_left(&p->sources[i], now_monotonic_microseconds);
        least = left < least ? left : least;
    }
    return least == UINT64_MAX ? -1 : (int)((least + 999) / 1000);
}

/* ---- start and end ---- */

static aip_status
open_fetcher(pulling *p, aip_error *err)
{
    uint64_t timeout = p->interval_us / 1000;
    const fetch_rules rules = {
        .ca_file = p->setup.rules.ca_file,
        .allowed = p->setup.rules.allowed,
        .allowed_count = p->setup.rules.allowed_count,
        .configured = (const char *const *)p->origins,
        .configured_count = p->count,
        .bytes_max = REVOCATION_LIST_BYTES_MAX,
        .timeout_ms = timeout > TIMEOUT_MILLISECONDS_MAX ? TIMEOUT_MILLISECONDS_MAX : (unsigned)timeout,
        .parallel_max = AIP_REVOCATION_SOURCES_MAX,
    };
    return fetcher_open(p->setup.loop, &rules, &p->fetcher, err);
}

static aip_status
prepare(pulling *p, aip_error *err)
{
    const pulling_setup *setup = &p->setup;
    p->sources = calloc(setup->source_count + 1, sizeof *p->sources);
    p->origins = calloc(setup->source_count + 1, sizeof *p->origins);
    if (p->sources == NULL || p->origins == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < setup->source_count; i++) {
        AIP_TRY(add_source(p, setup->sources[i], err));
    }
    publish_freshness(p);
    return open_fetcher(p, err);
}

aip_status
pulling_open(const pulling_setup *setup, pulling **out, aip_error *err)
{
    *out = NULL;
    int64_t staleness = setup->max_staleness_seconds == 0 ? STALENESS_SECONDS_DEFAULT : setup->max_staleness_seconds;
    if (staleness < AIP_REVOCATION_STALENESS_MIN || staleness > STALENESS_SECONDS_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "revocations may be from %d seconds to ten years old",
                        AIP_REVOCATION_STALENESS_MIN);
    }
    if (setup->source_count > AIP_REVOCATION_SOURCES_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "more than %d sources of revocations", AIP_REVOCATION_SOURCES_MAX);
    }
    pulling *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    p->setup = *setup;
    p->setup.max_staleness_seconds = staleness;
    p->interval_us = (uint64_t)(staleness / ASKED_PER_STALENESS) * SECOND_US;
    aip_status status = prepare(p, err);
    if (status != AIP_OK) {
        pulling_close(&p);
        return status;
    }
    *out = p;
    return AIP_OK;
}

void
pulling_set_trust(pulling *p, const aip_trust *trust)
{
    p->setup.trust = trust;
}

void
pulling_close(pulling **p)
{
    if (*p == NULL) {
        return;
    }
    for (size_t i = 0; i < (*p)->count; i++) {
        pull_source *s = &(*p)->sources[i];
        fetch_cancel(&s->running);
        pulled_clear(&s->page);
        free(s->did);
        free(s->url);
        free((*p)->origins[i]);
    }
    fetcher_close(&(*p)->fetcher);
    free((*p)->sources);
    free((*p)->origins);
    free(*p);
    *p = NULL;
}
