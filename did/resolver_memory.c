/* What the resolver knows without the network: cached answers, kept logs, and names that speak for themselves. */
#include "base/clock.h"
#include "did/aipdoc.h"
#include "did/resolver_inside.h"

/* An entry from a time that has not come was written under a wrong clock: nothing says how old it is. */
static bool
is_dated(const did_cache_entry *entry, int64_t now)
{
    return entry->known != NULL && entry->fetched_at <= now + AIP_CLOCK_SKEW_SECONDS;
}

static bool
is_refused(const did_cache_entry *entry, int64_t now)
{
    return entry->refusal != AIP_OK && now < entry->refused_until && entry->refused_until <= now + AIP_NEGATIVE_SECONDS;
}

/* Moves what is known into `out`. */
static void
take_known(did_cache_entry *entry, outcome *out)
{
    out->id = entry->known;
    out->by = RESOLVED_BY_CACHE;
    out->fetched_at = entry->fetched_at;
    out->fresh_until = entry->fresh_until;
    entry->known = NULL;
}

/* The document is for show: an answer without one is still an answer. */
static void
load_document(const resolver *r, outcome *out)
{
    const did_cache *cache = r->setup.cache;
    aip_error err = AIP_ERROR_INIT;
    if (!r->setup.wants_document || out->id->has_log) {
        return;
    }
    aip_status status = cache->load_document(cache->context, aip_bytes_of(out->id->name), &out->document, &err);
    if (status != AIP_OK || out->document.failed) {
        text_clear(&out->document);
    }
}

/* Nothing serves beyond what the document of an aip:web name says of its own end (I-93). */
static bool
still_verifies(const resolver *r, const identity *id, int64_t now)
{
    const did_cache *cache = r->setup.cache;
    aip_bytes name = aip_bytes_of(id->name);
    TEXT_AUTO text_buffer text = {0};
    IDENTITY_AUTO identity *again = NULL;
    aip_error err = AIP_ERROR_INIT;
    int64_t expires;
    if (!aip_bytes_begin_with(name, AIP_BYTES_LITERAL("aip:web:"))) {
        return true;
    }
    return cache->load_document(cache->context, name, &text, &err) == AIP_OK && !text.failed &&
           aipdoc_verify(text_view(&text), name, now, &again, &expires, &err) == AIP_OK;
}

bool
resolver_serve_stale(const resolver *r, did_cache_entry *entry, outcome *out)
{
    int64_t now = clock_now_seconds();
    if (!is_dated(entry, now) || entry->fresh_until <= now - r->setup.max_staleness_seconds ||
        !still_verifies(r, entry->known, now)) {
        return false;
    }
    take_known(entry, out);
    out->stale = now >= out->fresh_until;
    load_document(r, out);
    resolver_trace(r, "cache: %s", out->stale ? "an old answer serves" : "known");
    return true;
}

/* Deactivation never expires. */
static bool
answers_now(const did_cache_entry *entry, int64_t now)
{
    return entry->known != NULL && (entry->known->deactivated || (is_dated(entry, now) && now < entry->fresh_until));
}

static void
answer_from(const resolver *r, did_cache_entry *entry, int64_t now, outcome *out)
{
    take_known(entry, out);
    load_document(r, out);
    if (out->id->deactivated) {
        resolver_trace(r, "cache: known, deactivated");
    } else {
        resolver_trace(r, "cache: known, fresh for %lld s", (long long)(out->fresh_until - now));
    }
}

aip_status
resolver_recall(const resolver *r, aip_bytes name, knowledge *known, aip_error *err)
{
    const did_cache *cache = r->setup.cache;
    did_cache_entry *entry = &known->entry;
    int64_t now = clock_now_seconds();
    known->settled = true;
    if (cache != NULL) {
        AIP_TRY(cache->load(cache->context, name, entry, err));
    }
    if (answers_now(entry, now)) {
        answer_from(r, entry, now, &known->out);
        return AIP_OK;
    }
    if (is_refused(entry, now)) {
        const char *refusal = aip_status_lookup(entry->refusal)->name;
        resolver_trace(r, "cache: %s, for another %lld s", refusal, (long long)(entry->refused_until - now));
        return resolver_serve_stale(r, entry, &known->out)
                   ? AIP_OK
                   : aip_fail(err, entry->refusal, "remembered from a moment ago");
    }
    resolver_trace(r, "cache: %s", entry->known != NULL ? "known, no longer fresh" : "unknown");
    known->settled = false;
    return AIP_OK;
}

aip_status
resolver_read_kept_log(const resolver *r, aip_bytes name, outcome *out, aip_error *err)
{
    const did_cache *cache = r->setup.cache;
    TEXT_AUTO text_buffer text = {0};
    LOG_AUTO did_log *log = NULL;
    if (cache == NULL) {
        return AIP_OK;
    }
    aip_status status = cache->load_log(cache->context, name, &text, err);
    if (status == AIP_DID_NOT_FOUND) {
        return AIP_OK;
    }
    AIP_TRY(status);
    AIP_TRY(text_finish(&text, err));
    AIP_TRY(did_log_verify(text_view(&text), clock_now_seconds(), &log, err));
    if (!aip_bytes_equal(aip_bytes_of(log->did), name)) {
        return aip_fail(err, AIP_STORE_INVALID, "the log that is kept is of another identifier");
    }
    out->by = RESOLVED_BY_CACHE;
    resolver_trace(r, "cache: a log of %zu entries is kept", log->count);
    return did_log_identity(log, &out->id, err);
}

aip_status
resolver_read_name(const resolver *r, const aip_did *did, const aip_public_key *supplied, outcome *out, aip_error *err)
{
    bool hashes = did->form == AIP_DID_HASH || did->form == AIP_DID_NSHASH;
    aip_status status = identity_of_name(did, hashes ? supplied : NULL, &out->id, err);
    if (status != AIP_OK) {
        resolver_trace(r, "name: refused: %s", aip_status_lookup(status)->name);
        return status;
    }
    out->by = RESOLVED_BY_NAME;
    resolver_trace(r, hashes ? "name: the key that was supplied is its own" : "name: carries its key");
    return AIP_OK;
}

void
resolver_date(outcome *out, int64_t max_age_seconds)
{
    bool shorter = max_age_seconds >= 0 && max_age_seconds < AIP_FRESH_SECONDS_MAX;
    out->fetched_at = clock_now_seconds();
    out->fresh_until = out->fetched_at + (shorter ? max_age_seconds : AIP_FRESH_SECONDS_MAX);
}

bool
resolver_is_own_trouble(aip_status status)
{
    return status == AIP_STORE_UNAVAILABLE || status == AIP_STORE_INVALID || status == AIP_NO_MEMORY ||
           status == AIP_FETCH_BUSY || status == AIP_INTERNAL;
}

static void
trace_unwritten(const resolver *r, aip_status status)
{
    resolver_trace(r, "cache: not written: %s", aip_status_lookup(status)->name);
}

/* The answer stands without it: it is only asked for again sooner. */
aip_status
resolver_save(const resolver *r, const outcome *out, aip_error *err)
{
    const did_cache *cache = r->setup.cache;
    if (cache == NULL) {
        return AIP_OK;
    }
    aip_status status =
        cache->save(cache->context, out->id, text_view(&out->document), out->fetched_at, out->fresh_until, err);
    if (status != AIP_OK) {
        trace_unwritten(r, status);
    }
    return resolver_is_own_trouble(status) ? AIP_OK : status;
}

/* Own trouble, remembered under a name, would refuse it to everybody for a while. */
void
resolver_save_refusal(const resolver *r, aip_bytes name, aip_status refusal)
{
    const did_cache *cache = r->setup.cache;
    aip_error err = AIP_ERROR_INIT;
    if (cache == NULL || resolver_is_own_trouble(refusal)) {
        return;
    }
    aip_status status =
        cache->save_refusal(cache->context, name, refusal, clock_now_seconds() + AIP_NEGATIVE_SECONDS, &err);
    if (status != AIP_OK) {
        trace_unwritten(r, status);
    }
}
