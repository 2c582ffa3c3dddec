/* Runs the resolver for one command: its own epoll loop, until the answer is there. */
#include "cli/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/lookup_logs.h"
#include "did/memory.h"
#include "did/resolver.h"
#include "store/identities.h"

enum {
    EVENTS_PER_ROUND = 32,
    ROUND_MILLISECONDS_MAX = 1000,
    NAMES_MAX = 64, /* of one run: a chain has 16 elements */
    PATH_SIZE = 4096,
};

struct lookup {
    lookup_manner manner;
    const lookup_options *options;
    store *database;
    lookup_logs *logs;
    did_cache cache;
    address_range *allowed;
    int epoll_fd;
    net_loop *loop;
    fetcher *fetcher;
    resolver *resolver;
    identity_memory *memory;
    memory_view view;
    aip_key_source keys;
};

bool
lookup_cache_path(const char *given, char *out, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int written;
    if (given != NULL) {
        written = snprintf(out, size, "%s", given);
    } else if (state != NULL && state[0] == '/') {
        written = snprintf(out, size, "%s/aip/identities.db", state);
    } else if (home != NULL && home[0] == '/') {
        written = snprintf(out, size, "%s/.local/state/aip/identities.db", home);
    } else {
        return false;
    }
    return written > 0 && (size_t)written < size;
}

/* Makes the missing folders above `path`, for their owner alone. */
static aip_status
make_folders(char *path, aip_error *err)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
        int why = errno;
        *slash = '/';
        if (!there) {
            return aip_fail(err, AIP_STORE_UNAVAILABLE, "the cache's folder cannot be made: %s", strerror(why));
        }
    }
    return AIP_OK;
}

/* The database, or else a memory of the logs that were given. */
static aip_status
open_cache(lookup *l, aip_error *err)
{
    char path[PATH_SIZE];
    bool named = l->options->cache != NULL;
    bool known = lookup_cache_path(l->options->cache, path, sizeof path);
    if (named && !known) {
        return aip_fail(err, AIP_USAGE, "the path of --cache is too long");
    }
    bool exists = known && (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR));
    if (!named && !exists && (!known || !l->manner.remembers)) {
        AIP_TRY(lookup_logs_new(&l->logs, err));
        lookup_logs_cache(l->logs, &l->cache);
        return AIP_OK;
    }
    if (!named && !exists) {
        AIP_TRY(make_folders(path, err));
    }
    AIP_TRY(store_open(path, &l->database, err));
    return store_identities(l->database, &l->cache, err);
}

static aip_status
take_log(lookup *l, const char *path, aip_error *err)
{
    STRING_AUTO char *text = NULL;
    LOG_AUTO did_log *log = NULL;
    size_t size;
    int64_t now = clock_now_seconds();
    AIP_TRY(text_load_file(path, AIP_DOCUMENT_BYTES_MAX, &text, &size, err));
    aip_bytes bytes = {(const unsigned char *)text, size};
    AIP_TRY(did_log_verify(bytes, now, &log, err));
    return l->cache.keep_log(l->cache.context, log, bytes, path, now, err);
}

static aip_status
open_fetcher(lookup *l, aip_error *err)
{
    const lookup_options *o = l->options;
    l->allowed = calloc(o->addresses.count + 1, sizeof *l->allowed);
    if (l->allowed == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < o->addresses.count; i++) {
        AIP_TRY(address_range_parse(o->addresses.items[i], &l->allowed[i], err));
    }
    if (!l->manner.fetches) {
        return AIP_OK;
    }
    const fetch_rules rules = {.ca_file = o->ca_file, .allowed = l->allowed, .allowed_count = o->addresses.count};
    AIP_TRY(net_start_library(err));
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        return aip_fail(err, AIP_IO, "epoll: %s", strerror(errno));
    }
    AIP_TRY(net_loop_open(l->epoll_fd, &l->loop, err));
    return fetcher_open(l->loop, &rules, &l->fetcher, err);
}

static void
trace(void *context, const char *step)
{
    const lookup *l = context;
    if (l->options->trace) {
        fprintf(stderr, "%s: trace: %s\n", l->manner.program, step);
    }
}

static void
report(void *context, aip_bytes name, const aip_error *what, const char *origin)
{
    const lookup *l = context;
    const aip_status_facts *facts = aip_status_lookup(what->status);
    char shown[AIP_IDENTIFIER_BYTES_MAX + 1], from[256];
    fprintf(stderr, "%s: warning: %s: %s (%s, from %s)\n", l->manner.program, facts->name, facts->sentence,
            aip_printable(name, shown, sizeof shown), aip_printable(aip_bytes_of(origin), from, sizeof from));
}

static aip_status
open_resolver(lookup *l, aip_error *err)
{
    const lookup_options *o = l->options;
    int64_t max_staleness_seconds = 0;
    if (o->max_staleness != NULL) {
        AIP_TRY(options_parse_duration(o->max_staleness, &max_staleness_seconds, err));
    }
    const resolver_setup setup = {
        .cache = &l->cache,
        .fetcher = l->fetcher,
        .sources = o->sources.items,
        .source_count = o->sources.count,
        .any_host = true,
        .max_staleness_seconds = max_staleness_seconds,
        .wants_document = l->manner.wants_document,
        .trace = trace,
        .report = report,
        .context = l,
    };
    return resolver_open(&setup, &l->resolver, err);
}

/* All names are asked for, also those that carry their key: the cache or a log may know more of them. */
static aip_status
open_memory(lookup *l, aip_error *err)
{
    AIP_TRY(identity_memory_new(NAMES_MAX, true, &l->memory, err));
    l->view = (memory_view){.memory = l->memory, .now_seconds = clock_now_seconds()};
    identity_memory_source(&l->view, &l->keys);
    return AIP_OK;
}

static aip_status
open_parts(lookup *l, aip_error *err)
{
    AIP_TRY(open_fetcher(l, err));
    AIP_TRY(open_resolver(l, err)); /* first, since it judges the options and the cache may be made */
    AIP_TRY(open_cache(l, err));
    for (size_t i = 0; i < l->options->logs.count; i++) {
        AIP_TRY(take_log(l, l->options->logs.items[i], err));
    }
    return open_memory(l, err);
}

aip_status
lookup_open(const lookup_options *options, const lookup_manner *manner, lookup **out, aip_error *err)
{
    lookup *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *l = (lookup){.manner = *manner, .options = options, .epoll_fd = -1};
    aip_status status = open_parts(l, err);
    if (status != AIP_OK) {
        lookup_close(&l);
        return status;
    }
    *out = l;
    return AIP_OK;
}

void
lookup_close(lookup **l)
{
    if (*l == NULL) {
        return;
    }
    resolver_close(&(*l)->resolver);
    fetcher_close(&(*l)->fetcher);
    net_loop_close(&(*l)->loop);
    if ((*l)->epoll_fd >= 0) {
        close((*l)->epoll_fd);
    }
    identity_memory_free(&(*l)->memory);
    store_close(&(*l)->database);
    lookup_logs_free(&(*l)->logs);
    free((*l)->allowed);
    free(*l);
    *l = NULL;
}

void
lookup_answer_clear(lookup_answer *answer)
{
    identity_free(&answer->id);
    text_clear(&answer->document);
}

/* One question, and where its answer goes. */
typedef struct {
    lookup *owner;
    lookup_answer *out;
    bool done;
    aip_status status;
    aip_error err;
} question;

static aip_status
copy_answer(const resolution *found, lookup_answer *out, aip_error *err)
{
    size_t count = found->id->key_count;
    AIP_TRY(identity_new(aip_bytes_of(found->id->name), count, &out->id, err));
    memcpy(out->id, found->id, sizeof *found->id + count * sizeof found->id->keys[0]);
    text_append(&out->document, found->document);
    return text_finish(&out->document, err);
}

static aip_status
take_answer(question *q, const resolution *found)
{
    lookup *l = q->owner;
    if (found->stale) {
        fprintf(stderr, "%s: warning: the answer is %lld seconds old\n", l->manner.program,
                (long long)(clock_now_seconds() - found->fetched_at));
    }
    AIP_TRY(identity_memory_put(l->memory, found->id, INT64_MAX, &q->err)); /* this run asks once */
    return q->out == NULL ? AIP_OK : copy_answer(found, q->out, &q->err);
}

static void
answer(void *context, aip_status status, const resolution *found, const aip_error *err)
{
    question *q = context;
    q->done = true;
    q->status = status;
    if (status != AIP_OK) {
        q->err = *err;
        return;
    }
    q->status = take_answer(q, found);
}

static int
round_milliseconds(const lookup *l)
{
    int timeout = ROUND_MILLISECONDS_MAX;
    int due[] = {resolver_timeout_ms(l->resolver), l->loop == NULL ? -1 : net_loop_timeout_ms(l->loop)};
    for (size_t i = 0; i < sizeof due / sizeof due[0]; i++) {
        timeout = due[i] >= 0 && due[i] < timeout ? due[i] : timeout;
    }
    return timeout;
}

static void
run_round(lookup *l)
{
    struct epoll_event events[EVENTS_PER_ROUND];
    if (l->loop != NULL) {
        int count = epoll_wait(l->epoll_fd, events, EVENTS_PER_ROUND, round_milliseconds(l));
        for (int i = 0; i < count; i++) {
            net_loop_ready(l->loop, (int)(events[i].data.u64 >> 3), events[i].events);
        }
        net_loop_tick(l->loop);
    }
    resolver_tick(l->resolver, clock_monotonic_microseconds());
}

aip_status
lookup_resolve(lookup *l, aip_bytes name, const aip_public_key *supplied, lookup_answer *out, aip_error *err)
{
    question q = {.owner = l, .out = out, .status = AIP_INTERNAL, .err = AIP_ERROR_INIT};
    resolver_ask(l->resolver, name, supplied, answer, &q);
    while (!q.done && resolver_under_way(l->resolver) > 0) {
        run_round(l);
    }
    if (!q.done) {
        return aip_fail(err, AIP_INTERNAL, "the resolver gave no answer");
    }
    if (q.status != AIP_OK && err != NULL) {
        *err = q.err;
    }
    return q.status;
}

const aip_key_source *
lookup_source(const lookup *l)
{
    return &l->keys;
}
