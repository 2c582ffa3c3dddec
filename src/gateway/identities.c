/* The identities thread: its loop, and what it does for each kind of question. */
#include "gateway/identities_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/identities.h"

enum {
    IDENTITIES_MAX = 4096,                     /* in memory; each a few hundred bytes */
    ATTEMPTS_MAX = AIP_CHAIN_ELEMENTS_MAX + 1, /* resolutions that one revocation may need */
    OTHERS_PER_ROUND = 4,                      /* of what anyone may ask: it does not hold up what requests wait for */
    EVENTS_PER_ROUND = 64,
    EXPIRY_SECONDS = 3600,
    NONCE_EXPIRY_SECONDS = 10,
    CATCH_UP_MILLISECONDS = 900,
    TAG_MASK = 7,
    TAG_WAKE = 4,
};

enum {
    WAITING_MAX = 1024, /* requests that wait for an identity */
    NONCES_WAITING_MAX = 8192,
    OPEN_WAITING_MAX = 64, /* anyone may ask for these, so they have small queues of their own */
};

static const size_t questions_most[QUESTION_KINDS] = {
    [QUESTION_IDENTITY] = WAITING_MAX,    [QUESTION_LOG] = OPEN_WAITING_MAX,     [QUESTION_NONCE] = NONCES_WAITING_MAX,
    [QUESTION_REVOKE] = OPEN_WAITING_MAX, [QUESTION_REVOKED] = OPEN_WAITING_MAX, [QUESTION_JUDGED] = OPEN_WAITING_MAX,
    [QUESTION_PINS] = OPEN_WAITING_MAX,   [QUESTION_OWNERS] = WAITING_MAX,
};

static void
say(const char *what, const char *name, const char *why)
{
    char line[512 + AIP_IDENTIFIER_BYTES_MAX], printable[AIP_IDENTIFIER_BYTES_MAX + 1];
    int size = snprintf(line, sizeof line, "aip-gateway: WARNING identity %s: %s%s\n",
                        aip_printable(aip_bytes_of(name), printable, sizeof printable), what, why);
    if (size > 0 && write(STDERR_FILENO, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1) < 0) {
        return; /* nowhere left to say it */
    }
}

static void
report(void *context, aip_bytes name, const aip_error *what, const char *origin)
{
    char text[AIP_IDENTIFIER_BYTES_MAX + 1], from[200], why[256];
    (void)context;
    snprintf(why, sizeof why, " (from %s)", aip_printable(aip_bytes_of(origin), from, sizeof from));
    say(aip_status_lookup(what->status)->name, aip_printable(name, text, sizeof text), why);
}

/* At least until the next second, so that whoever waited finds it: `now` moved on since they came. */
static int64_t
usable_until(const identities *ids, const resolution *found, int64_t now)
{
    int64_t until = found->fresh_until;
    if (found->stale && found->fresh_until < now + AIP_NEGATIVE_SECONDS) {
        until = found->fresh_until + ids->max_staleness_seconds;
        until = until > now + AIP_NEGATIVE_SECONDS ? now + AIP_NEGATIVE_SECONDS : until;
    }
    return until > now ? until : now + 1;
}

/* What failed for want of something of ours is tried again at once by whoever asks next. */
static int64_t
refused_until(aip_status status, int64_t now)
{
    bool ours = resolver_is_own_trouble(status);
    return now + (ours ? 1 : AIP_NEGATIVE_SECONDS);
}

/* Without memory for it the asker finds nothing, asks again, and is refused in the end. */
static void
remember(identities *ids, const char *name, aip_status status, const resolution *found, const aip_error *err)
{
    int64_t now = clock_now_seconds();
    if (status == AIP_OK) {
        if (found->stale) {
            say("a stale answer serves: no new one is to be had", name, "");
        }
        (void)!identity_memory_put(ids->memory, found->id, usable_until(ids, found, now), NULL);
    } else {
        (void)!identity_memory_put_refusal(ids->memory, aip_bytes_of(name), err, refused_until(status, now), NULL);
    }
}

static void
remember_pulled(void *context, const char *name, aip_status status, const resolution *found, const aip_error *err)
{
    remember(context, name, status, found, err);
}

static void
report_pulled(void *context, const char *url, int64_t number, const aip_error *why)
{
    (void)context;
    if (number > 0) {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING revocations of %s: number %lld is left out: %s\n", url,
                (long long)number, aip_status_lookup(why->status)->name);
    } else {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING revocations of %s: the page is dropped: %s%s%s\n", url,
                aip_status_lookup(why->status)->name, why->detail[0] == '\0' ? "" : ": ", why->detail);
    }
}

static void
on_answer(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    question *l = context;
    identities *ids = l->taker;
    remember(ids, l->name, status, found, err);
    question_list_remove(&ids->under_way, l);
    desk_answer(ids->asked, l);
}

/* A revocation's issuer, or a name in its chain, was resolved or refused: it is judged again. */
static void
on_wanted(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    question *q = context;
    identities *ids = q->taker;
    remember(ids, q->wanted, status, found, err);
    question_list_remove(&ids->under_way, q);
    desk_put_back(ids->asked, q);
}

/* Whoever answers later finds the way back. */
static question *
next_asked(identities *ids, question_kind kind)
{
    question *q = desk_take(ids->asked, kind);
    identities_take_terms(ids); /* after the question: what came before it was asked holds for it */
    if (q != NULL) {
        q->taker = ids;
    }
    return q;
}

static void
take_names(identities *ids)
{
    for (question *l = next_asked(ids, QUESTION_IDENTITY); l != NULL; l = next_asked(ids, QUESTION_IDENTITY)) {
        question_list_add(&ids->under_way, l);
        resolver_ask(ids->resolver, aip_bytes_of(l->name), NULL, on_answer, l);
    }
}

/* One transaction for all that wait: while it commits, the next ones gather. */
static void
take_nonces(identities *ids)
{
    question *batch[NONCES_PER_COMMIT];
    size_t count = 0;
    while (count < NONCES_PER_COMMIT && (batch[count] = next_asked(ids, QUESTION_NONCE)) != NULL) {
        count++;
    }
    if (count > 0) {
        keeping_commit_nonces(&ids->kept, batch, count);
    }
    for (size_t i = 0; i < count; i++) {
        desk_answer(ids->asked, batch[i]);
    }
}

/* What was begun before is saved first. */
static void
take_owners(identities *ids)
{
    owning_save(&ids->owned);
    for (question *q = next_asked(ids, QUESTION_OWNERS); q != NULL; q = next_asked(ids, QUESTION_OWNERS)) {
        owning_take(&ids->owned, q);
        desk_answer(ids->asked, q);
    }
}

static void
take_log(identities *ids, question *q)
{
    q->status = ids->cache.load_log(ids->cache.context, aip_bytes_of(q->name), &q->text, NULL);
    desk_answer(ids->asked, q);
}

static void
take_revocation(identities *ids, question *q)
{
    keeping_revoke(&ids->kept, ids->memory, q);
    if (q->status != AIP_DID_PENDING) {
        desk_answer(ids->asked, q);
    } else if (++q->attempts > ATTEMPTS_MAX) {
        q->status = AIP_DID_NOT_FOUND;
        desk_answer(ids->asked, q);
    } else {
        question_list_add(&ids->under_way, q);
        resolver_ask(ids->resolver, aip_bytes_of(q->wanted), NULL, on_wanted, q);
    }
}

static void
take_pins(identities *ids, question *q)
{
    pinning_take(&ids->pins, q);
    desk_answer(ids->asked, q);
}

static void
take_judged(identities *ids, question *q)
{
    keeping_judged(&ids->kept, q);
    desk_answer(ids->asked, q);
}

static void
take_page(identities *ids, question *q)
{
    keeping_list(&ids->kept, q);
    desk_answer(ids->asked, q);
}

/* What requests wait for goes first; a few of the others each round. */
static void
take_questions(identities *ids)
{
    static const struct {
        question_kind kind;
        void (*take)(identities *ids, question *q);
    } others[] = {
        {QUESTION_REVOKE, take_revocation}, {QUESTION_REVOKED, take_page},  {QUESTION_LOG, take_log},
        {QUESTION_PINS, take_pins},         {QUESTION_JUDGED, take_judged},
    };
    take_names(ids);
    take_nonces(ids);
    take_owners(ids);
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        for (int i = 0; i < OTHERS_PER_ROUND; i++) {
            question *q = next_asked(ids, others[k].kind);
            if (q == NULL) {
                break;
            }
            others[k].take(ids, q);
        }
    }
}

static bool
has_more(identities *ids)
{
    return desk_has(ids->asked, QUESTION_NONCE) || desk_has(ids->asked, QUESTION_REVOKE) ||
           desk_has(ids->asked, QUESTION_REVOKED) || desk_has(ids->asked, QUESTION_LOG) ||
           desk_has(ids->asked, QUESTION_PINS) || desk_has(ids->asked, QUESTION_JUDGED) ||
           desk_has(ids->asked, QUESTION_OWNERS) || owning_has_work(&ids->owned);
}

/* What another process on the same database was told counts here within a second. */
static void
catch_up(identities *ids)
{
    uint64_t now = clock_monotonic_microseconds();
    aip_error why = AIP_ERROR_INIT;
    if (now < ids->next_catch_up) {
        return;
    }
    ids->next_catch_up = now + CATCH_UP_MILLISECONDS * 1000ull;
    aip_status status = keeping_catch_up(&ids->kept, &why);
    status = status == AIP_OK ? pinning_catch_up(&ids->pins, clock_now_seconds(), &why) : status;
    status = status == AIP_OK ? owning_catch_up(&ids->owned, &why) : status;
    if (status != AIP_OK && !ids->behind) {
        say(aip_status_lookup(status)->name, "-", ": revocations that others brought are not known");
    }
    ids->behind = status != AIP_OK;
}

static void
expire(identities *ids)
{
    int64_t now = clock_now_seconds();
    aip_error why = AIP_ERROR_INIT;
    if (now >= ids->next_nonce_expiry) {
        ids->next_nonce_expiry = now + NONCE_EXPIRY_SECONDS;
        keeping_expire(&ids->kept, now);
    }
    if (now < ids->next_expiry) {
        return;
    }
    ids->next_expiry = now + EXPIRY_SECONDS;
    owning_expire(&ids->owned, now);
    if (store_identities_expire(ids->store, now, ids->max_staleness_seconds, &why) != AIP_OK) {
        say(aip_status_lookup(why.status)->name, "-", ": old answers stay in the database");
    }
}

static int
sooner(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void
run_round(identities *ids)
{
    struct epoll_event events[EVENTS_PER_ROUND];
    int timeout = sooner(net_loop_timeout_ms(ids->loop), resolver_timeout_ms(ids->resolver));
    timeout = sooner(timeout, pulling_timeout_ms(ids->pulling, clock_monotonic_microseconds()));
    timeout = has_more(ids) ? 0 : sooner(timeout, CATCH_UP_MILLISECONDS);
    int count = epoll_wait(ids->epoll_fd, events, EVENTS_PER_ROUND, timeout);
    for (int i = 0; i < count; i++) {
        if ((events[i].data.u64 & TAG_MASK) == TAG_WAKE) {
            desk_clear(ids->asked);
        } else {
            net_loop_ready(ids->loop, (int)(events[i].data.u64 >> 3), events[i].events);
        }
    }
    net_loop_tick(ids->loop);
    resolver_tick(ids->resolver, clock_monotonic_microseconds());
    identities_take_terms(ids);
    take_questions(ids);
    pulling_tick(ids->pulling, clock_now_seconds(), clock_monotonic_microseconds());
    net_loop_tick(ids->loop); /* what was just asked starts at once */
    catch_up(ids);
    expire(ids);
}

static void *
run(void *context)
{
    identities *ids = context;
    while (!atomic_load(&ids->worker.stopping)) {
        run_round(ids);
    }
    return NULL;
}

/* ---- start and end ---- */

static aip_status
keep_own_log(identities *ids, const own_identity *own, aip_error *err)
{
    if (own == NULL || own->entries == NULL) {
        return AIP_OK;
    }
    return ids->cache.keep_log(ids->cache.context, own->entries, text_view(&own->log), "--key-log", clock_now_seconds(),
                               err);
}

static aip_status
open_pulling(identities *ids, const identities_setup *setup, aip_error *err)
{
    const pulling_setup reading = {
        .sources = setup->lists,
        .source_count = setup->list_count,
        .max_staleness_seconds = setup->list_staleness_seconds,
        .loop = ids->loop,
        .rules = setup->rules,
        .resolver = ids->resolver,
        .identities = ids->memory,
        .table = &ids->kept.revocation_table,
        .revoked = ids->kept.revoked,
        .trust = setup->trust,
        .remember = remember_pulled,
        .report = report_pulled,
        .context = ids,
    };
    return setup->list_count == 0 ? AIP_OK : pulling_open(&reading, &ids->pulling, err);
}

/* A log that the store knows binds its name, sources or none: so no did:aip name speaks for itself unasked. */
static aip_status
prepare(identities *ids, const identities_setup *setup, aip_error *err)
{
    AIP_TRY(store_open(setup->store_path, &ids->store, err));
    AIP_TRY(store_identities(ids->store, &ids->cache, err));
    AIP_TRY(keep_own_log(ids, setup->own, err));
    AIP_TRY(keeping_open(ids->store, setup->trust, setup->self, &ids->kept, err));
    AIP_TRY(setup->tools == NULL ? AIP_OK : pinning_open(ids->store, setup->tools, setup->audit, &ids->pins, err));
    AIP_TRY(setup->owners == NULL ? AIP_OK : owning_open(ids->store, setup->owners, ids->asked, &ids->owned, err));
    AIP_TRY(identity_memory_new(IDENTITIES_MAX, true, &ids->memory, err));
    ids->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = TAG_WAKE};
    if (ids->epoll_fd < 0 || epoll_ctl(ids->epoll_fd, EPOLL_CTL_ADD, desk_descriptor(ids->asked), &event) != 0) {
        return aip_fail(err, AIP_IO, "epoll: %s", strerror(errno));
    }
    AIP_TRY(net_loop_open(ids->epoll_fd, &ids->loop, err));
    fetch_rules rules = setup->rules;
    rules.configured = setup->sources;
    rules.configured_count = setup->source_count;
    AIP_TRY(fetcher_open(ids->loop, &rules, &ids->fetcher, err));
    const resolver_setup resolving = {
        .cache = &ids->cache,
        .fetcher = ids->fetcher,
        .sources = setup->sources,
        .source_count = setup->source_count,
        .hosts = setup->hosts,
        .host_count = setup->host_count,
        .max_staleness_seconds = setup->max_staleness_seconds,
        .report = report,
    };
    AIP_TRY(resolver_open(&resolving, &ids->resolver, err));
    return open_pulling(ids, setup, err);
}

aip_status
identities_open(const identities_setup *setup, identities **out, aip_error *err)
{
    identities *ids = calloc(1, sizeof *ids);
    *out = NULL;
    if (ids == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    ids->epoll_fd = -1;
    pthread_mutex_init(&ids->terms_lock, NULL);
    ids->max_staleness_seconds = setup->max_staleness_seconds;
    aip_status status = desk_new(questions_most, &ids->asked, err);
    status = status == AIP_OK ? prepare(ids, setup, err) : status;
    if (status != AIP_OK) {
        identities_close(&ids);
        return status;
    }
    *out = ids;
    return AIP_OK;
}

aip_status
identities_start(identities *ids, aip_error *err)
{
    return worker_start(&ids->worker, run, ids, "of identities", err);
}

void
identities_close(identities **ids)
{
    identities *each = *ids;
    if (each == NULL) {
        return;
    }
    (void)worker_end(&each->worker, each->asked);
    owning_close(&each->owned);
    resolver_close(&each->resolver);
    pulling_close(&each->pulling);
    fetcher_close(&each->fetcher);
    net_loop_close(&each->loop);
    question_list_free(&each->under_way);
    desk_free(&each->asked);
    identities_release_terms(each);
    identity_memory_free(&each->memory);
    keeping_close(&each->kept);
    store_close(&each->store);
    if (each->epoll_fd >= 0) {
        close(each->epoll_fd);
    }
    free(each);
    *ids = NULL;
}
