/* The identities thread: its queue, its loop, and the way back to the shards. */
#include "gateway/identities.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "did/resolver.h"
#include "store/identities.h"

enum {
    IDENTITIES_MAX = 4096, /* in memory; each a few hundred bytes */
    WAITING_MAX = 1024,    /* requests that wait for an identity */
    LOGS_WAITING_MAX = 64, /* anyone may ask for logs, so they have a small queue of their own … */
    LOGS_PER_ROUND = 4,    /* … and do not hold up what requests wait for */
    EVENTS_PER_ROUND = 64,
    EXPIRY_SECONDS = 3600,
    TAG_MASK = 7,
    TAG_WAKE = 4,
};

struct mailbox {
    identities *owner;
    int fd;
    question_list answered; /* under the owner's lock */
    mailbox *next;
};

struct identities {
    store *store;
    did_cache cache;
    int epoll_fd, wake_fd;
    net_loop *loop;
    fetcher *fetcher;
    resolver *resolver;
    identity_memory *memory;
    int64_t max_staleness_seconds, next_expiry;

    pthread_mutex_t lock; /* of the next four */
    question_list asked[QUESTION_KINDS];
    size_t waiting[QUESTION_KINDS]; /* asked and not answered yet */
    mailbox *boxes;

    question_list under_way; /* the thread's: given to the resolver */
    atomic_bool stopping;
    bool started;
    pthread_t thread;
};

static void
ring(int fd)
{
    uint64_t one = 1;
    (void)!write(fd, &one, sizeof one); /* fails only when it rings already */
}

static void
hush(int fd)
{
    uint64_t rung;
    (void)!read(fd, &rung, sizeof rung);
}

/* ---- the shards' side ---- */

aip_status
identities_ask(mailbox *home, question_kind kind, aip_bytes name, question **out, aip_error *err)
{
    static const size_t most[QUESTION_KINDS] = {[QUESTION_IDENTITY] = WAITING_MAX, [QUESTION_LOG] = LOGS_WAITING_MAX};
    identities *ids = home->owner;
    *out = NULL;
    question *l = NULL;
    AIP_TRY(question_new(home, kind, name, &l, err));
    pthread_mutex_lock(&ids->lock);
    bool taken = ids->waiting[kind] < most[kind];
    if (taken) {
        ids->waiting[kind]++;
        question_list_add(&ids->asked[kind], l);
    }
    pthread_mutex_unlock(&ids->lock);
    if (!taken) {
        question_free(&l);
        return aip_fail(err, AIP_OVERLOADED, "too many identities are being looked up");
    }
    ring(ids->wake_fd);
    *out = l;
    return AIP_OK;
}

aip_status
identities_mailbox(identities *ids, mailbox **out, aip_error *err)
{
    mailbox *box = calloc(1, sizeof *box);
    *out = NULL;
    if (box == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    box->owner = ids;
    box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (box->fd < 0) {
        free(box);
        return aip_fail(err, AIP_IO, "eventfd: %s", strerror(errno));
    }
    pthread_mutex_lock(&ids->lock);
    box->next = ids->boxes;
    ids->boxes = box;
    pthread_mutex_unlock(&ids->lock);
    *out = box;
    return AIP_OK;
}

int
mailbox_descriptor(const mailbox *box)
{
    return box->fd;
}

void
mailbox_clear(const mailbox *box)
{
    hush(box->fd);
}

question *
mailbox_take(mailbox *box)
{
    pthread_mutex_lock(&box->owner->lock);
    question *l = question_list_take(&box->answered);
    pthread_mutex_unlock(&box->owner->lock);
    return l;
}

identity_memory *
identities_memory(identities *ids)
{
    return ids->memory;
}

/* ---- the thread's side ---- */

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

static void
post(identities *ids, question *l)
{
    mailbox *home = l->home; /* `l` is the shard's, and may be gone, as soon as the lock is */
    pthread_mutex_lock(&ids->lock);
    ids->waiting[l->kind]--;
    question_list_add(&home->answered, l);
    pthread_mutex_unlock(&ids->lock);
    ring(home->fd);
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
on_answer(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    question *l = context;
    identities *ids = l->home->owner;
    int64_t now = clock_now_seconds();
    if (status == AIP_OK) {
        if (found->stale) {
            say("a stale answer serves: no new one is to be had", l->name, "");
        }
        (void)!identity_memory_put(ids->memory, found->id, usable_until(ids, found, now), NULL);
    } else {
        (void)!identity_memory_put_refusal(ids->memory, aip_bytes_of(l->name), err, refused_until(status, now), NULL);
    }
    question_list_remove(&ids->under_way, l);
    post(ids, l);
}

static question *
next_asked(identities *ids, question_kind kind)
{
    pthread_mutex_lock(&ids->lock);
    question *l = question_list_take(&ids->asked[kind]);
    pthread_mutex_unlock(&ids->lock);
    return l;
}

static bool
has_asked(identities *ids, question_kind kind)
{
    pthread_mutex_lock(&ids->lock);
    bool any = ids->asked[kind].first != NULL;
    pthread_mutex_unlock(&ids->lock);
    return any;
}

static void
take_questions(identities *ids)
{
    for (question *l = next_asked(ids, QUESTION_IDENTITY); l != NULL; l = next_asked(ids, QUESTION_IDENTITY)) {
        question_list_add(&ids->under_way, l);
        resolver_ask(ids->resolver, aip_bytes_of(l->name), NULL, on_answer, l);
    }
    for (int i = 0; i < LOGS_PER_ROUND; i++) {
        question *l = next_asked(ids, QUESTION_LOG);
        if (l == NULL) {
            return;
        }
        l->status = ids->cache.load_log(ids->cache.context, aip_bytes_of(l->name), &l->log, NULL);
        post(ids, l);
    }
}

static void
expire(identities *ids)
{
    int64_t now = clock_now_seconds();
    aip_error why = AIP_ERROR_INIT;
    if (now < ids->next_expiry) {
        return;
    }
    ids->next_expiry = now + EXPIRY_SECONDS;
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
    timeout = has_asked(ids, QUESTION_LOG) ? 0 : sooner(timeout, EXPIRY_SECONDS * 1000);
    int count = epoll_wait(ids->epoll_fd, events, EVENTS_PER_ROUND, timeout);
    for (int i = 0; i < count; i++) {
        if ((events[i].data.u64 & TAG_MASK) == TAG_WAKE) {
            hush(ids->wake_fd);
        } else {
            net_loop_ready(ids->loop, (int)(events[i].data.u64 >> 3), events[i].events);
        }
    }
    net_loop_tick(ids->loop);
    resolver_tick(ids->resolver, clock_monotonic_microseconds());
    take_questions(ids);
    net_loop_tick(ids->loop); /* what was just asked starts at once */
    expire(ids);
}

static void *
run(void *context)
{
    identities *ids = context;
    while (!atomic_load(&ids->stopping)) {
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

/* A log that the store knows binds its name, sources or none: so no did:aip name speaks for itself unasked. */
static aip_status
prepare(identities *ids, const identities_setup *setup, aip_error *err)
{
    AIP_TRY(store_open(setup->store_path, &ids->store, err));
    AIP_TRY(store_identities(ids->store, &ids->cache, err));
    AIP_TRY(keep_own_log(ids, setup->own, err));
    AIP_TRY(identity_memory_new(IDENTITIES_MAX, true, &ids->memory, err));
    ids->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    ids->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = TAG_WAKE};
    if (ids->epoll_fd < 0 || ids->wake_fd < 0 || epoll_ctl(ids->epoll_fd, EPOLL_CTL_ADD, ids->wake_fd, &event) != 0) {
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
    return resolver_open(&resolving, &ids->resolver, err);
}

aip_status
identities_open(const identities_setup *setup, identities **out, aip_error *err)
{
    identities *ids = calloc(1, sizeof *ids);
    *out = NULL;
    if (ids == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    ids->epoll_fd = ids->wake_fd = -1;
    ids->max_staleness_seconds = setup->max_staleness_seconds;
    pthread_mutex_init(&ids->lock, NULL);
    aip_status status = prepare(ids, setup, err);
    if (status != AIP_OK) {
        identities_close(&ids);
        return status;
    }
    *out = ids;
    return AIP_OK;
}

/* Signals are for the main thread alone. */
aip_status
identities_start(identities *ids, aip_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ids->started = pthread_create(&ids->thread, NULL, run, ids) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ids->started ? AIP_OK : aip_fail(err, AIP_IO, "the identities thread does not start");
}

static void
close_boxes(identities *ids)
{
    while (ids->boxes != NULL) {
        mailbox *box = ids->boxes;
        ids->boxes = box->next;
        question_list_free(&box->answered);
        close(box->fd);
        free(box);
    }
}

void
identities_close(identities **ids)
{
    identities *each = *ids;
    if (each == NULL) {
        return;
    }
    if (each->started) {
        atomic_store(&each->stopping, true);
        ring(each->wake_fd);
        pthread_join(each->thread, NULL);
    }
    resolver_close(&each->resolver);
    fetcher_close(&each->fetcher);
    net_loop_close(&each->loop);
    question_list_free(&each->under_way);
    for (int kind = 0; kind < QUESTION_KINDS; kind++) {
        question_list_free(&each->asked[kind]);
    }
    close_boxes(each);
    identity_memory_free(&each->memory);
    store_close(&each->store);
    if (each->wake_fd >= 0) {
        close(each->wake_fd);
    }
    if (each->epoll_fd >= 0) {
        close(each->epoll_fd);
    }
    pthread_mutex_destroy(&each->lock);
    free(each);
    *ids = NULL;
}
