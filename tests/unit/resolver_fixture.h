/* What the tests of the resolver share: a cache in memory, a fetcher that is told what to answer, and a record of what
 * the resolver said. Logs and documents are real. This fetcher replaces the library's. */
#ifndef TESTS_RESOLVER_FIXTURE_H
#define TESTS_RESOLVER_FIXTURE_H

#include <stdlib.h>

#include "base/clock.h"
#include "did/aipdoc.h"
#include "did/resolver.h"
#include "tests/unit/check.h"

#define KEYS 6
#define FETCHES 300
#define ENTRIES 12

/* --- keys, logs and documents --- */

static aip_secret_key *keys[KEYS];
static char self[AIP_DID_TEXT_SIZE]; /* of keys[0] */
static int64_t now;
static const char host_did[] = "did:web:example.com";

static inline void
begin_keys(void)
{
    now = clock_now_seconds();
    if (keys[0] != NULL) {
        return;
    }
    for (unsigned char i = 0; i < KEYS; i++) {
        unsigned char seed[AIP_SEED_BYTES] = {0x5e, i};
        CHECK_STATUS(aip_secret_key_from_seed(seed, &keys[i], NULL), AIP_OK);
    }
    aip_did_of_key(aip_secret_key_public(keys[0]), self);
}

static inline const char *
key_text(const aip_secret_key *key) /* `z6Mk…`; borrowed until the next call */
{
    static char did[AIP_DID_TEXT_SIZE];
    aip_did_of_key(aip_secret_key_public(key), did);
    return did + sizeof "did:aip:" - 1;
}

/* Entries signed by the keys that `order` names, one digit each; the last commits to the key after its own, so that
 * `01` extends `0`. `!` at the end deactivates. */
static inline char *
new_log(const char *order)
{
    text_buffer log = {0};
    size_t count = strcspn(order, "!");
    bool ends = order[count] == '!';
    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        did_log_change change = {.time = now - 1000 + (int64_t)i,
                                 .deactivate = last && ends,
                                 .next = aip_secret_key_public(keys[last ? order[i] - '0' + 1 : order[i + 1] - '0'])};
        if (change.deactivate) {
            change.next = NULL;
        }
        CHECK_STATUS(did_log_extend(&log, keys[order[i] - '0'], &change, NULL), AIP_OK);
    }
    return log.data;
}

static inline char *
new_document(const char *did, const aip_secret_key *key)
{
    text_buffer text = {0};
    text_append_format(&text,
                       "{\"id\":\"%s\",\"verificationMethod\":[{\"id\":\"%s#a\",\"type\":\"Multikey\","
                       "\"controller\":\"%s\",\"publicKeyMultibase\":\"%s\"}],\"capabilityDelegation\":[\"%s#a\"]}",
                       did, did, did, key_text(key), did);
    text_append(&text, (aip_bytes){(const unsigned char *)"", 1});
    return text.data;
}

static inline identity *
copy_identity(const identity *id)
{
    identity *copy = NULL;
    CHECK_STATUS(identity_new(aip_bytes_of(id->name), id->key_count, &copy, NULL), AIP_OK);
    memcpy(copy, id, sizeof *id + id->key_count * sizeof id->keys[0]);
    return copy;
}

static inline identity *
identity_from_log(const char *order)
{
    STRING_AUTO char *text = new_log(order);
    LOG_AUTO did_log *log = NULL;
    identity *id = NULL;
    CHECK_STATUS(did_log_verify(aip_bytes_of(text), now, &log, NULL), AIP_OK);
    CHECK_STATUS(did_log_identity(log, &id, NULL), AIP_OK);
    return id;
}

static inline identity *
plain_identity(const char *name)
{
    identity *id = NULL;
    CHECK_STATUS(identity_new(aip_bytes_of(name), 1, &id, NULL), AIP_OK);
    id->keys[0].key = *aip_secret_key_public(keys[1]);
    return id;
}

/* --- a cache in memory --- */

typedef struct {
    char name[AIP_IDENTIFIER_BYTES_MAX + 1];
    did_cache_entry entry;
    char *document, *log;
    did_log_mark mark;
} cached;

static struct {
    cached rows[ENTRIES];
    size_t count;
    int loads, saves, refusals_saved, logs_kept, keys_noted;
    aip_status load_fails, save_fails, keep_fails, note_fails; /* AIP_OK: it works */
} memory;

static inline cached *
row(aip_bytes name)
{
    for (size_t i = 0; i < memory.count; i++) {
        if (aip_bytes_equal(aip_bytes_of(memory.rows[i].name), name)) {
            return &memory.rows[i];
        }
    }
    CHECK(memory.count < ENTRIES);
    cached *added = &memory.rows[memory.count++];
    memcpy(added->name, name.data, name.size);
    return added;
}

static inline aip_status
cache_load(void *context, aip_bytes name, did_cache_entry *out, aip_error *err)
{
    (void)context;
    memory.loads++;
    if (memory.load_fails != AIP_OK) {
        return aip_fail(err, memory.load_fails, NULL);
    }
    *out = row(name)->entry;
    out->known = out->known == NULL ? NULL : copy_identity(out->known);
    return AIP_OK;
}

static inline aip_status
cache_save(void *context, const identity *known, aip_bytes document, int64_t fetched_at, int64_t fresh_until,
           aip_error *err)
{
    (void)context;
    if (memory.save_fails != AIP_OK) {
        return aip_fail(err, memory.save_fails, NULL);
    }
    memory.saves++;
    cached *r = row(aip_bytes_of(known->name));
    identity_free(&r->entry.known);
    r->entry = (did_cache_entry){copy_identity(known), fetched_at, fresh_until, AIP_OK, 0};
    free(r->document);
    r->document = document.size == 0 ? NULL : strndup((const char *)document.data, document.size);
    return AIP_OK;
}

static inline aip_status
cache_save_refusal(void *context, aip_bytes name, aip_status refusal, int64_t until, aip_error *err)
{
    (void)context;
    if (memory.save_fails != AIP_OK) {
        return aip_fail(err, memory.save_fails, NULL);
    }
    memory.refusals_saved++;
    row(name)->entry.refusal = refusal;
    row(name)->entry.refused_until = until;
    return AIP_OK;
}

static inline aip_status
cache_load_document(void *context, aip_bytes name, text_buffer *out, aip_error *err)
{
    (void)context;
    if (row(name)->document == NULL) {
        return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
    }
    text_append_string(out, row(name)->document);
    return AIP_OK;
}

static inline aip_status
cache_load_log(void *context, aip_bytes did, text_buffer *out, aip_error *err)
{
    (void)context;
    if (row(did)->log == NULL) {
        return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
    }
    text_append_string(out, row(did)->log);
    return AIP_OK;
}

static inline aip_status
cache_keep_log(void *context, const did_log *log, aip_bytes text, const char *origin, int64_t at, aip_error *err)
{
    cached *r = row(aip_bytes_of(log->did));
    (void)context;
    CHECK(origin != NULL && at >= now);
    if (memory.keep_fails != AIP_OK) {
        return aip_fail(err, memory.keep_fails, NULL);
    }
    if (r->log != NULL) {
        AIP_TRY(did_log_check_mark(log, &r->mark, err));
    }
    memory.logs_kept++;
    free(r->log);
    r->log = strndup((const char *)text.data, text.size);
    r->mark = did_log_mark_of(log);
    return AIP_OK;
}

static inline aip_status
cache_note_keys(void *context, const identity *known, int64_t at, aip_error *err)
{
    (void)context;
    CHECK(known->key_count > 0 && at >= now);
    memory.keys_noted++;
    return memory.note_fails == AIP_OK ? AIP_OK : aip_fail(err, memory.note_fails, NULL);
}

static inline aip_status
cache_readmit_key(void *context, aip_bytes name, const aip_public_key *key, aip_error *err)
{
    (void)context;
    (void)name;
    (void)key;
    return aip_fail(err, AIP_DID_NOT_FOUND, NULL);
}

static const did_cache cache = {
    NULL,           cache_load,     cache_save,      cache_save_refusal, cache_load_document,
    cache_load_log, cache_keep_log, cache_note_keys, cache_readmit_key,
};

/* Puts what was known earlier into the cache. Times count from now. */
static inline void
remember(identity *known, int64_t fetched, int64_t fresh)
{
    did_cache_entry *entry = &row(aip_bytes_of(known->name))->entry;
    identity_free(&entry->known);
    entry->known = known;
    entry->fetched_at = now + fetched;
    entry->fresh_until = now + fresh;
}

static inline void
remember_refusal(const char *name, aip_status refusal, int64_t until)
{
    row(aip_bytes_of(name))->entry.refusal = refusal;
    row(aip_bytes_of(name))->entry.refused_until = now + until;
}

static inline void
remember_log(const char *order)
{
    STRING_AUTO char *text = new_log(order);
    LOG_AUTO did_log *log = NULL;
    CHECK_STATUS(did_log_verify(aip_bytes_of(text), now, &log, NULL), AIP_OK);
    CHECK_STATUS(cache_keep_log(NULL, log, aip_bytes_of(text), "before", now, NULL), AIP_OK);
}

/* --- a fetcher that is told what to answer --- */

struct fetch {
    char url[256];
    fetch_end end;
    void *context;
    bool running, cancelled;
};

static struct {
    struct fetch all[FETCHES];
    size_t count;
    aip_status begin_fails;
} net;

aip_status
fetch_begin(fetcher *f, const char *url, fetch_end end, void *context, fetch **out, aip_error *err)
{
    CHECK(f != NULL && net.count < FETCHES);
    if (net.begin_fails != AIP_OK) {
        return aip_fail(err, net.begin_fails, NULL);
    }
    struct fetch *added = &net.all[net.count++];
    *added = (struct fetch){.end = end, .context = context, .running = true};
    snprintf(added->url, sizeof added->url, "%s", url);
    *out = added;
    return AIP_OK;
}

void
fetch_cancel(fetch **which)
{
    if (*which != NULL) {
        CHECK((*which)->running);
        (*which)->running = false;
        (*which)->cancelled = true;
        *which = NULL;
    }
}

/* The body is gone once the answer was given, as the fetcher's is. */
static inline void
end_fetch(size_t index, aip_status status, const char *body, int64_t max_age)
{
    aip_error err = AIP_ERROR_INIT;
    char *own = body == NULL ? NULL : strdup(body);
    bool whole = status == AIP_OK || status == AIP_DID_NOT_FOUND;
    fetch_reply reply = {status == AIP_OK ? 200 : 404, aip_bytes_of(own), max_age};
    CHECK(index < net.count && net.all[index].running);
    if (index < net.count && net.all[index].running) {
        net.all[index].running = false;
        status = status == AIP_OK ? AIP_OK : aip_fail(&err, status, NULL);
        net.all[index].end(net.all[index].context, status, whole ? &reply : NULL, &err);
    }
    free(own);
}

/* --- the resolver under test, and what it says --- */

static struct {
    int answers;
    aip_status status;
    aip_status error; /* err->status, when refused */
    char detail[192];
    resolved_by by;
    bool stale, deactivated, again;
    size_t key_count;
    uint32_t version;
    int64_t fetched_at, fresh_until;
    char document[1024];
    char steps[4096];
    int reports;
    aip_status reported;
    char report_origin[256];
} said;

static resolver *under_test;
static resolver_setup setup;

static inline void
hear(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    (void)context;
    said.answers++;
    said.status = status;
    CHECK((status == AIP_OK) == (found != NULL));
    if (found == NULL) {
        said.error = err->status;
        snprintf(said.detail, sizeof said.detail, "%s", err->detail);
        return;
    }
    said.by = found->by;
    said.stale = found->stale;
    said.deactivated = found->id->deactivated;
    said.key_count = found->id->key_count;
    said.version = found->id->version;
    said.fetched_at = found->fetched_at;
    said.fresh_until = found->fresh_until;
    snprintf(said.document, sizeof said.document, "%.*s", (int)found->document.size,
             found->document.size == 0 ? "" : (const char *)found->document.data);
}

static inline void
hear_step(void *context, const char *step)
{
    (void)context;
    CHECK(strlen(said.steps) + strlen(step) + 2 < sizeof said.steps);
    strcat(strcat(said.steps, step), "\n");
}

static inline void
hear_report(void *context, aip_bytes name, const aip_error *what, const char *origin)
{
    (void)context;
    CHECK(name.size > 0);
    said.reports++;
    said.reported = what->status;
    snprintf(said.report_origin, sizeof said.report_origin, "%s", origin);
}

static int fetcher_of_the_test;

/* A resolver with cache, fetcher and any host; the test changes `setup` and calls open_resolver. */
static inline void
begin(void)
{
    begin_keys();
    memset(&memory, 0, sizeof memory);
    memset(&net, 0, sizeof net);
    memset(&said, 0, sizeof said);
    setup = (resolver_setup){.cache = &cache,
                             .fetcher = (fetcher *)(void *)&fetcher_of_the_test,
                             .any_host = true,
                             .trace = hear_step,
                             .report = hear_report};
}

static inline void
open_resolver(void)
{
    CHECK_STATUS(resolver_open(&setup, &under_test, NULL), AIP_OK);
}

static const char *const three_sources[] = {"https://one.example", "https://two.example:8443", "https://three.example"};

static inline void
begin_with_sources(size_t count)
{
    begin();
    setup.sources = three_sources;
    setup.source_count = count;
    open_resolver();
}

static inline void
end(void)
{
    resolver_close(&under_test);
    for (size_t i = 0; i < memory.count; i++) {
        did_cache_entry_clear(&memory.rows[i].entry);
        free(memory.rows[i].document);
        free(memory.rows[i].log);
    }
}

static inline void
ask(const char *name)
{
    resolver_ask(under_test, aip_bytes_of(name), NULL, hear, NULL);
}

static inline uint64_t
after_the_deadline(void)
{
    return clock_monotonic_microseconds() + (AIP_RESOLVE_MILLISECONDS + 1) * UINT64_C(1000);
}

static inline void
answer_log(size_t index, const char *order, int64_t max_age)
{
    STRING_AUTO char *log = new_log(order);
    end_fetch(index, AIP_OK, log, max_age);
}

static inline void
answer_document(size_t index, const char *did, int64_t max_age)
{
    STRING_AUTO char *document = new_document(did, keys[1]);
    end_fetch(index, AIP_OK, document, max_age);
}

static inline bool
is_about(int64_t time, int64_t wanted)
{
    return time >= wanted && time <= wanted + 5;
}

#endif
