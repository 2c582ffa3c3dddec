/* Asks the configured sources for the key log of a did:aip name, and decides by all that they answered. */
#include "base/clock.h"
#include "did/resolver_inside.h"

#define HOST_BYTES_MAX 253

static bool
is_host_character(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* A host name as an operator may write it, of the own network too; never an IP literal, which the fetcher refuses. */
static bool
is_host(aip_bytes host)
{
    size_t label = 0, digits = 0;
    for (size_t i = 0; i < host.size; i++) {
        unsigned char c = host.data[i];
        if (c == '.' && label > 0) {
            label = digits = 0;
        } else if (is_host_character(c)) {
            label++;
            digits += c >= '0' && c <= '9';
        } else {
            return false;
        }
    }
    return host.size <= HOST_BYTES_MAX && label > digits;
}

aip_status
resolver_check_source(const char *source, aip_error *err)
{
    aip_bytes text = aip_bytes_of(source), scheme = AIP_BYTES_LITERAL("https://");
    if (!aip_bytes_begin_with(text, scheme)) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a source of key logs begins https://");
    }
    aip_bytes host = aip_bytes_from(text, scheme.size);
    const unsigned char *colon = host.size == 0 ? NULL : memchr(host.data, ':', host.size);
    if (colon != NULL) {
        aip_bytes port = aip_bytes_from(host, (size_t)(colon - host.data) + 1);
        host.size = (size_t)(colon - host.data);
        if (!resolver_is_port(port)) {
            return aip_fail(err, AIP_CONFIG_INVALID, "a source of key logs has a port that is none");
        }
    }
    if (!is_host(host)) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a source of key logs is https://, a host name and a port, no more");
    }
    return AIP_OK;
}

static void
fail_attempt(attempt *a, const aip_error *failure)
{
    a->state = ATTEMPT_FAILED;
    a->failure = *failure;
    resolver_trace(a->owner->owner, "source %s: refused: %s", a->origin, aip_status_lookup(failure->status)->name);
}

/* Verifies the log that a source sent. */
static aip_status
read_log(attempt *a, aip_bytes text, aip_error *err)
{
    AIP_TRY(did_log_verify(text, clock_now_seconds(), &a->log, err));
    if (!aip_bytes_equal(aip_bytes_of(a->log->did), a->owner->did.text)) {
        return aip_fail(err, AIP_LOG_MALFORMED, "the log is of another identifier");
    }
    text_append(&a->text, text);
    return text_finish(&a->text, err);
}

static void
take_reply(attempt *a, aip_status status, const fetch_reply *reply, const aip_error *err)
{
    aip_error failure = AIP_ERROR_INIT;
    a->max_age_seconds = reply == NULL ? -1 : reply->max_age_seconds;
    if (status == AIP_DID_NOT_FOUND) {
        a->state = ATTEMPT_NO_LOG;
        resolver_trace(a->owner->owner, "source %s: knows no log", a->origin);
        return;
    }
    if (status == AIP_OK) {
        status = reply == NULL ? aip_fail(&failure, AIP_INTERNAL, NULL) : read_log(a, reply->body, &failure);
    } else {
        failure = *err;
    }
    if (status == AIP_OK) {
        a->state = ATTEMPT_LOG_READ;
    } else {
        fail_attempt(a, &failure);
    }
}

static void
source_answered(void *context, aip_status status, const fetch_reply *reply, const aip_error *err)
{
    attempt *a = context;
    a->running = NULL;
    a->owner->running_count--;
    take_reply(a, status, reply, err);
    if (a->owner->running_count == 0) {
        flight_judge_sources(a->owner);
    }
}

static aip_status
ask_source(attempt *a, aip_error *err)
{
    const flight *f = a->owner;
    TEXT_AUTO text_buffer url = {0};
    aip_bytes id = aip_bytes_from(f->did.text, sizeof "did:aip:" - 1);
    text_append_string(&url, a->origin);
    text_append_string(&url, "/.well-known/aip/did/");
    text_append(&url, id);
    text_append_string(&url, ".jsonl");
    AIP_TRY(text_finish(&url, err));
    return fetch_begin(f->owner->setup.fetcher, url.data, source_answered, a, &a->running, err);
}

void
flight_ask_sources(flight *f)
{
    for (size_t i = 0; i < f->attempt_count; i++) {
        attempt *a = &f->attempts[i];
        aip_error err = AIP_ERROR_INIT;
        a->origin = f->owner->setup.sources[i];
        if (ask_source(a, &err) == AIP_OK) {
            a->state = ATTEMPT_RUNNING;
            f->running_count++;
        } else {
            fail_attempt(a, &err);
        }
    }
    if (f->running_count == 0) {
        flight_judge_sources(f);
    }
}

static attempt *
shortest_log_read(flight *f)
{
    attempt *shortest = NULL;
    for (size_t i = 0; i < f->attempt_count; i++) {
        attempt *a = &f->attempts[i];
        if (a->state == ATTEMPT_LOG_READ && (shortest == NULL || a->log->count < shortest->log->count)) {
            shortest = a;
        }
    }
    return shortest;
}

/* Does the log extend what was seen, before and by way of the other sources? */
static aip_status
keep_log(const attempt *a, const attempt *longest, aip_error *err)
{
    const did_cache *cache = a->owner->owner->setup.cache;
    if (cache != NULL) {
        return cache->keep_log(cache->context, a->log, text_view(&a->text), a->origin, clock_now_seconds(), err);
    }
    if (longest == NULL) {
        return AIP_OK;
    }
    did_log_mark seen = did_log_mark_of(longest->log);
    return did_log_check_mark(a->log, &seen, err);
}

/* Keeps what extends, the shorter ones first, so that a mirror that lags behind another is no rollback. A log that was
 * proven and could not be kept ends it all: to go on without would be to unsee it. */
static aip_status
keep_logs(flight *f, attempt **longest, aip_error *err)
{
    for (attempt *a; (a = shortest_log_read(f)) != NULL;) {
        aip_error failure = AIP_ERROR_INIT;
        aip_status status = keep_log(a, *longest, &failure);
        if (status == AIP_OK) {
            a->state = ATTEMPT_LOG_KEPT;
            *longest = a;
            resolver_trace(f->owner, "source %s: log of %zu entries, extends what was seen", a->origin, a->log->count);
            continue;
        }
        fail_attempt(a, &failure);
        if (status != AIP_LOG_ROLLBACK && status != AIP_LOG_FORK) {
            *err = failure;
            return status;
        }
        resolver_report(f->owner, f, &failure, a->origin);
    }
    return AIP_OK;
}

static bool
is_acceptable(const attempt *a)
{
    return a->state == ATTEMPT_NO_LOG || a->state == ATTEMPT_LOG_KEPT;
}

/* What proves a fault of the log tells more than what was in the way of a fetch. */
static int
telling(aip_status status)
{
    aip_bytes name = aip_bytes_of(aip_status_lookup(status)->name);
    if (status == AIP_FETCH_BUSY) {
        return 0;
    }
    if (aip_bytes_begin_with(name, AIP_BYTES_LITERAL("fetch."))) {
        return 1;
    }
    return aip_bytes_begin_with(name, AIP_BYTES_LITERAL("log.")) ? 3 : 2;
}

/* AIP_OK when at least one source answered acceptably, and then how long that stays fresh. */
static aip_status
weigh(const flight *f, int64_t *max_age_seconds, aip_error *err)
{
    const aip_error *most = NULL;
    bool acceptable = false;
    *max_age_seconds = AIP_FRESH_SECONDS_MAX;
    for (size_t i = 0; i < f->attempt_count; i++) {
        const attempt *a = &f->attempts[i];
        if (!is_acceptable(a)) {
            most = most == NULL || telling(a->failure.status) > telling(most->status) ? &a->failure : most;
            continue;
        }
        acceptable = true;
        if (a->max_age_seconds >= 0 && a->max_age_seconds < *max_age_seconds) {
            *max_age_seconds = a->max_age_seconds;
        }
    }
    if (acceptable || most == NULL) {
        return acceptable ? AIP_OK : aip_fail(err, AIP_INTERNAL, NULL);
    }
    *err = *most;
    return most->status;
}

static aip_status
decide(flight *f, outcome *out, aip_error *err)
{
    attempt *longest = NULL;
    int64_t max_age_seconds;
    AIP_TRY(keep_logs(f, &longest, err));
    AIP_TRY(weigh(f, &max_age_seconds, err));
    if (longest != NULL) {
        out->by = RESOLVED_BY_SOURCE;
        AIP_TRY(did_log_identity(longest->log, &out->id, err));
    } else {
        AIP_TRY(resolver_read_kept_log(f->owner, f->did.text, out, err));
    }
    if (out->id == NULL) {
        AIP_TRY(resolver_read_name(f->owner, &f->did, NULL, out, err));
    }
    resolver_date(out, max_age_seconds);
    return AIP_OK;
}

void
flight_judge_sources(flight *f)
{
    OUTCOME_AUTO outcome out = {0};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = decide(f, &out, &err);
    if (status == AIP_OK) {
        flight_answer(f, &out);
    } else {
        flight_end(f, status, NULL, &err);
    }
}
