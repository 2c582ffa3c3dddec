/* Resolves identifiers, one flight per name: who asks, who waits, when it ends. */
#include "did/resolver.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "did/resolver_inside.h"

#define STALENESS_SECONDS_MAX (INT64_C(10) * 366 * 86400)

void
outcome_clear(outcome *out)
{
    identity_free(&out->id);
    text_clear(&out->document);
}

void
resolver_trace(const resolver *r, const char *format, ...)
{
    char raw[512], line[512];
    va_list arguments;
    if (r->setup.trace == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    r->setup.trace(r->setup.context, aip_printable(aip_bytes_of(raw), line, sizeof line));
}

void
resolver_report(const resolver *r, const flight *f, const aip_error *what, const char *origin)
{
    if (r->setup.report != NULL) {
        r->setup.report(r->setup.context, f->did.text, what, origin);
    }
}

static aip_status
check_setup(const resolver_setup *setup, aip_error *err)
{
    if (setup->source_count > AIP_DID_SOURCES_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "more than %d sources of key logs", AIP_DID_SOURCES_MAX);
    }
    if (setup->max_staleness_seconds < 0 || setup->max_staleness_seconds > STALENESS_SECONDS_MAX) {
        return aip_fail(err, AIP_CONFIG_INVALID, "max_staleness is from 0 to ten years");
    }
    for (size_t i = 0; i < setup->source_count; i++) {
        AIP_TRY(resolver_check_source(setup->sources[i], err));
    }
    for (size_t i = 0; i < setup->host_count; i++) {
        AIP_TRY(resolver_check_pattern(setup->hosts[i], err));
    }
    return AIP_OK;
}

aip_status
resolver_open(const resolver_setup *setup, resolver **out, aip_error *err)
{
    *out = NULL;
    AIP_TRY(check_setup(setup, err));
    resolver *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    r->setup = *setup;
    *out = r;
    return AIP_OK;
}

void
resolver_set_hosts(resolver *r, const char *const *hosts, size_t count)
{
    r->setup.hosts = hosts;
    r->setup.host_count = count;
}

static void
link_flight(flight *f)
{
    resolver *r = f->owner;
    f->before = r->last;
    *(r->last == NULL ? &r->first : &r->last->next) = f;
    r->last = f;
    r->under_way++;
    f->serial = r->flights_begun++;
}

static void
unlink_flight(flight *f)
{
    resolver *r = f->owner;
    *(f->before == NULL ? &r->first : &f->before->next) = f->next;
    *(f->next == NULL ? &r->last : &f->next->before) = f->before;
    r->under_way--;
}

static void
cancel_attempts(flight *f)
{
    for (size_t i = 0; i < f->attempt_count; i++) {
        fetch_cancel(&f->attempts[i].running);
    }
    f->running_count = 0;
}

static void
free_flight(flight *f)
{
    cancel_attempts(f);
    for (size_t i = 0; i < f->attempt_count; i++) {
        did_log_free(&f->attempts[i].log);
        text_clear(&f->attempts[i].text);
    }
    did_cache_entry_clear(&f->remembered);
    free(f->url);
    free(f->waiters);
    free(f);
}

void
resolver_close(resolver **r)
{
    if (*r == NULL) {
        return;
    }
    while ((*r)->first != NULL) {
        flight *f = (*r)->first;
        unlink_flight(f);
        free_flight(f);
    }
    free(*r);
    *r = NULL;
}

static void
tell(const resolver *r, const waiter *who, aip_status status, const outcome *out, const aip_error *err)
{
    if (status != AIP_OK) {
        who->answer(who->context, status, NULL, err);
        return;
    }
    resolution found = {.id = out->id,
                        .document = r->setup.wants_document ? text_view(&out->document) : (aip_bytes){0},
                        .by = out->by,
                        .stale = out->stale,
                        .fetched_at = out->fetched_at,
                        .fresh_until = out->fresh_until};
    who->answer(who->context, AIP_OK, &found, err);
}

/* What was learnt and could not be written down is newer than any old answer. */
static bool
may_serve_old(aip_status failure)
{
    return failure != AIP_STORE_UNAVAILABLE && failure != AIP_STORE_INVALID;
}

/* The name is free to be asked for again before the first answer is told, since an answer may do so. */
void
flight_end(flight *f, aip_status status, outcome *out, const aip_error *err)
{
    resolver *r = f->owner;
    OUTCOME_AUTO outcome old = {0};
    unlink_flight(f);
    if (status != AIP_OK) {
        resolver_save_refusal(r, f->did.text, status);
        if (may_serve_old(status) && resolver_serve_stale(r, &f->remembered, &old)) {
            status = AIP_OK;
            out = &old;
        }
    }
    for (size_t i = 0; i < f->waiter_count; i++) {
        tell(r, &f->waiters[i], status, out, err);
    }
    free_flight(f);
}

/* If another program has learnt more meanwhile, neither this answer nor the old one serves: the next one to ask gets
 * what is kept now. */
void
flight_answer(flight *f, outcome *out)
{
    aip_error err = AIP_ERROR_INIT;
    aip_status status = resolver_save(f->owner, out, &err);
    if (status != AIP_OK) {
        did_cache_entry_clear(&f->remembered);
    }
    flight_end(f, status, out, &err);
}

static aip_status
join_flight(flight *f, const waiter *who, aip_error *err)
{
    if (f->waiter_count == f->waiter_capacity) {
        size_t capacity = f->waiter_capacity == 0 ? 4 : f->waiter_capacity * 2;
        waiter *waiters = reallocarray(f->waiters, capacity, sizeof *waiters);
        if (waiters == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        f->waiters = waiters;
        f->waiter_capacity = capacity;
    }
    f->waiters[f->waiter_count++] = *who;
    return AIP_OK;
}

static flight *
find_flight(const resolver *r, aip_bytes name)
{
    flight *f = r->first;
    while (f != NULL && !aip_bytes_equal(f->did.text, name)) {
        f = f->next;
    }
    return f;
}

static aip_status
new_flight(resolver *r, const aip_did *did, const waiter *who, flight **out, aip_error *err)
{
    size_t count = did->form == AIP_DID_SELF ? r->setup.source_count : 1;
    if (r->under_way >= AIP_FETCH_WAITING_MAX) {
        return aip_fail(err, AIP_FETCH_BUSY, NULL);
    }
    flight *f = calloc(1, sizeof *f + count * sizeof f->attempts[0]);
    if (f == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    f->owner = r;
    f->attempt_count = count;
    f->deadline = clock_monotonic_microseconds() + AIP_RESOLVE_MILLISECONDS * UINT64_C(1000);
    f->did = *did;
    memcpy(f->name, did->text.data, did->text.size);
    f->did.text = (aip_bytes){(const unsigned char *)f->name, did->text.size};
    for (size_t i = 0; i < count; i++) {
        f->attempts[i].owner = f;
    }
    if (join_flight(f, who, err) != AIP_OK) {
        free_flight(f);
        return AIP_NO_MEMORY;
    }
    *out = f;
    return AIP_OK;
}

static void
begin_flight(resolver *r, const aip_did *did, did_cache_entry *entry, const waiter *who)
{
    OUTCOME_AUTO outcome old = {0};
    aip_error err = AIP_ERROR_INIT;
    flight *f = NULL;
    aip_status status = new_flight(r, did, who, &f, &err);
    if (status != AIP_OK) {
        tell(r, who, resolver_serve_stale(r, entry, &old) ? AIP_OK : status, &old, &err);
        return;
    }
    f->remembered = *entry;
    *entry = (did_cache_entry){0};
    link_flight(f);
    if (did->form == AIP_DID_SELF) {
        flight_ask_sources(f);
    } else {
        flight_ask_host(f);
    }
}

static bool
needs_host(const aip_did *did)
{
    return did->form == AIP_DID_WEB || did->form == AIP_NAME_WEB;
}

/* Nobody is asked: a log that was kept says more than the name. */
static aip_status
read_own(const resolver *r, const aip_did *did, outcome *out, aip_error *err)
{
    AIP_TRY(resolver_read_kept_log(r, did->text, out, err));
    if (out->id != NULL) {
        resolver_date(out, -1);
        return resolver_save(r, out, err);
    }
    AIP_TRY(resolver_read_name(r, did, NULL, out, err));
    resolver_date(out, -1);
    return AIP_OK;
}

/* Everything that needs no network. A host is judged before the cache, which another program may have filled under
 * other rules. */
static aip_status
read_at_hand(const resolver *r, const aip_did *did, knowledge *known, aip_error *err)
{
    if (needs_host(did) && r->setup.fetcher != NULL) {
        AIP_TRY(resolver_check_host(r, did, err));
    }
    AIP_TRY(resolver_recall(r, did->text, known, err));
    if (known->settled) {
        return AIP_OK;
    }
    known->settled = r->setup.fetcher == NULL || (did->form == AIP_DID_SELF && r->setup.source_count == 0);
    if (!known->settled) {
        return AIP_OK;
    }
    if (did->form == AIP_DID_SELF && r->setup.source_count == 0) {
        return read_own(r, did, &known->out, err);
    }
    resolver_trace(r, "offline: nobody is asked");
    return resolver_serve_stale(r, &known->entry, &known->out) ? AIP_OK : aip_fail(err, AIP_DID_NOT_FOUND, "offline");
}

/* Names of which there is nothing to learn but what they say. */
static bool
is_complete(const aip_did *did)
{
    return did->form != AIP_DID_SELF && !needs_host(did);
}

static void
ask_parsed(resolver *r, const aip_did *did, const aip_public_key *supplied, const waiter *who)
{
    aip_error err = AIP_ERROR_INIT;
    knowledge known = {.settled = true};
    aip_status status;
    if (is_complete(did)) {
        status = resolver_read_name(r, did, supplied, &known.out, &err);
        resolver_date(&known.out, -1);
    } else {
        status = read_at_hand(r, did, &known, &err);
    }
    if (status == AIP_OK && !known.settled) {
        begin_flight(r, did, &known.entry, who);
    } else {
        tell(r, who, status, &known.out, &err);
    }
    did_cache_entry_clear(&known.entry);
    outcome_clear(&known.out);
}

void
resolver_ask(resolver *r, aip_bytes name, const aip_public_key *supplied, resolver_answer answer, void *context)
{
    aip_error err = AIP_ERROR_INIT;
    waiter who = {answer, context};
    aip_did did;
    aip_status status = aip_did_parse(name, &did, &err);
    if (status != AIP_OK) {
        resolver_trace(r, "name: refused: %s", aip_status_lookup(status)->name);
        tell(r, &who, status, NULL, &err);
        return;
    }
    flight *f = find_flight(r, name);
    if (f == NULL) {
        ask_parsed(r, &did, supplied, &who);
        return;
    }
    status = join_flight(f, &who, &err);
    if (status != AIP_OK) {
        tell(r, &who, status, NULL, &err);
        return;
    }
    resolver_trace(r, "name: asked for already, waits for that answer");
}

/* What has not come by now has failed; what came decides. */
static void
expire_flight(flight *f)
{
    aip_error err = AIP_ERROR_INIT;
    aip_status status = aip_fail(&err, AIP_FETCH_TIMEOUT, "not within %d ms", AIP_RESOLVE_MILLISECONDS);
    cancel_attempts(f);
    resolver_trace(f->owner, "time: %d ms are over", AIP_RESOLVE_MILLISECONDS);
    if (f->did.form != AIP_DID_SELF) {
        flight_end(f, status, NULL, &err);
        return;
    }
    for (size_t i = 0; i < f->attempt_count; i++) {
        if (f->attempts[i].state == ATTEMPT_RUNNING) {
            f->attempts[i].state = ATTEMPT_FAILED;
            f->attempts[i].failure = err;
        }
    }
    flight_judge_sources(f);
}

void
resolver_tick(resolver *r, uint64_t now_monotonic_microseconds)
{
    uint64_t begun = r->flights_begun; /* an answer may ask anew: that one is not overdue */
    while (r->first != NULL && r->first->serial < begun && r->first->deadline <= now_monotonic_microseconds) {
        expire_flight(r->first);
    }
}

int
resolver_timeout_ms(const resolver *r)
{
    uint64_t now = clock_monotonic_microseconds();
    if (r->first == NULL) {
        return -1;
    }
    return r->first->deadline <= now ? 0 : (int)((r->first->deadline - now + 999) / 1000);
}

size_t
resolver_under_way(const resolver *r)
{
    return r->under_way;
}
