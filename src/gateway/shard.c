/* The shard's loop: sockets of clients and upstreams, timers, and nothing that waits. */
#include "gateway/shard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/await.h"
#include "gateway/group_gather.h"
#include "gateway/listen.h"
#include "gateway/stdio_client.h"
#include "gateway/stdio_upstream.h"

enum {
    EVENTS_PER_ROUND = 256,
    SWEEP_MICROSECONDS = 500000,          /* what is revoked ends open streams within a second */
    READERS_MAX = 64,                     /* connections to the figures */
    COMMANDS_END_MICROSECONDS = 15000000, /* by themselves, by SIGTERM, by SIGKILL */
    TAG_MASK = 7,                         /* pointers are aligned, so their low bits are free; 0 = a client */
    TAG_LISTENER = 2,
    TAG_MAIL = 3,
    TAG_WAKE = 4,
};

struct shard {
    shard_tools tools;
    gathering *gatherings; /* with something to do */
    int epoll_fd, wake_fd;
    listener *clients;   /* NULL: nobody comes over HTTP */
    listener *readers;   /* of the figures; NULL: they have no address of their own, or another shard has it */
    stdio_client *local; /* NULL: nobody is at our stdin */
    atomic_bool stopping, hurried, ended;
    uint64_t next_sweep;
    bool started;
    pthread_t thread;
};

static int
sooner(int a, int b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

static void
dispatch(shard *s, const struct epoll_event *event)
{
    uint64_t reading;
    switch (event->data.u64 & TAG_MASK) {
    case UPSTREAM_EPOLL_TAG:
        upstream_ready(s->tools.upstreams, (int)(event->data.u64 >> 3), event->events);
        break;
    case TAG_WAKE:
        (void)!read(s->wake_fd, &reading, sizeof reading);
        break;
    case TAG_MAIL:
        await_deliver(&s->tools);
        break;
    case TAG_LISTENER:
        break; /* it runs every round */
    case STDIO_UPSTREAM_EPOLL_TAG:
        child_ready(event->data.u64, event->events, clock_monotonic_microseconds());
        break;
    case STDIO_CLIENT_INPUT_TAG:
    case STDIO_CLIENT_OUTPUT_TAG:
        stdio_client_ready(s->local, event->data.u64 & TAG_MASK);
        break;
    default:
        listener_hangup(event->data.ptr);
        break;
    }
}

static void
run_round(shard *s)
{
    struct epoll_event events[EVENTS_PER_ROUND];
    int timeout = sooner(listener_timeout_ms(s->clients), upstream_timeout_ms(s->tools.upstreams));
    timeout = sooner(timeout, listener_timeout_ms(s->readers));
    timeout = sooner(timeout, stdio_client_timeout_ms(s->local));
    timeout = sooner(timeout, stdio_upstream_timeout_ms(s->tools.commands, clock_monotonic_microseconds()));
    timeout = sooner(timeout, s->gatherings != NULL ? 0 : -1);
    timeout = sooner(timeout, listener_active(s->clients) > 0 || atomic_load(&s->stopping) ? 500 : -1);
    mailbox_ring_desks(s->tools.mail);
    int count = epoll_wait(s->epoll_fd, events, EVENTS_PER_ROUND, timeout);
    for (int i = 0; i < count; i++) {
        dispatch(s, &events[i]);
    }
    upstream_tick(s->tools.upstreams);
    uint64_t now = clock_monotonic_microseconds();
    if (now >= s->next_sweep) {
        s->next_sweep = now + SWEEP_MICROSECONDS;
        listener_sweep(s->clients, now);
        listener_sweep(s->readers, now);
        stdio_client_sweep(s->local, now);
    }
    stdio_upstream_tick(s->tools.commands, now);
    stdio_client_run(s->local, now);
    gathering_run(&s->gatherings);
    listener_run(s->clients);
    listener_run(s->readers);
    upstream_tick(s->tools.upstreams); /* requests that were just admitted start at once */
}

/* A local client that has us ended wants the server's end; callers over HTTP get their answers first. */
static void
stop_commands(shard *s)
{
    uint64_t now = clock_monotonic_microseconds(), deadline = now + COMMANDS_END_MICROSECONDS;
    stdio_upstream_stop(s->tools.commands, s->local != NULL, now);
    while (!stdio_upstream_has_ended(s->tools.commands) && clock_monotonic_microseconds() < deadline) {
        run_round(s);
    }
    if (s->local != NULL) {
        s->tools.gateway->local->code = stdio_upstream_code(s->tools.commands);
    }
}

/* Who has the figures tells others' drain as well. */
static bool
is_drained(shard *s, bool *told)
{
    gateway *g = s->tools.gateway;
    if (listener_active(s->clients) + stdio_client_active(s->local) > 0) {
        return false;
    }
    if (!*told) {
        *told = true;
        atomic_fetch_add(&g->drained, 1);
    }
    return s->readers == NULL || atomic_load(&g->drained) >= atomic_load(&g->shards);
}

static void *
run(void *context)
{
    shard *s = context;
    bool told = false;
    while (!atomic_load(&s->stopping)) {
        run_round(s);
    }
    const gateway_settings *settings = gateway_settings_take(s->tools.gateway);
    uint64_t deadline = clock_monotonic_microseconds() + settings->front.drain_seconds * UINT64_C(1000000);
    settings_drop(&settings);
    listener_drain(s->clients);
    stdio_client_quiesce(s->local);
    if (s->local != NULL) {
        stop_commands(s);
    }
    while (!is_drained(s, &told) && clock_monotonic_microseconds() < deadline && !atomic_load(&s->hurried)) {
        run_round(s);
    }
    if (s->local == NULL) {
        stop_commands(s);
    }
    stdio_client_close(&s->local);
    listener_close(&s->clients);
    listener_close(&s->readers); /* until now it told that the gateway stops */
    stdio_upstream_close(&s->tools.commands);
    upstream_close(&s->tools.upstreams);
    mailbox_ring_desks(s->tools.mail);
    atomic_store(&s->ended, true);
    return NULL;
}

static bool
watch(const shard *s, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static aip_status
open_tools(shard *s, aip_error *err)
{
    if (s->epoll_fd < 0 || s->wake_fd < 0) {
        return aip_fail(err, AIP_IO, "epoll: %s", strerror(errno));
    }
    AIP_TRY(upstream_open(s->epoll_fd, &s->tools.upstreams, err));
    AIP_TRY(rules_tools_new(&s->tools.tools, err));
    AIP_TRY(mailroom_open_box(s->tools.gateway->mail, &s->tools.mail, err));
    mailbox_gather(s->tools.mail);
    return AIP_OK;
}

static aip_status
start_commands(shard *s, aip_error *err)
{
    const gateway *g = s->tools.gateway;
    for (size_t i = 0; i < g->settings->route_count; i++) {
        const gateway_route *route = &g->settings->routes[i];
        const stdio_setup setup = {.route = route,
                                   .gateway = s->tools.gateway,
                                   .spawner = g->spawner,
                                   .epoll_fd = s->epoll_fd,
                                   .line_bytes = g->settings->body_bytes_max,
                                   .restarts = g->local == NULL || g->local->restarts,
                                   .gives_up = g->local != NULL};
        AIP_TRY(route->command == NULL ? AIP_OK : stdio_upstream_open(&setup, &s->tools.commands, err));
    }
    return g->local == NULL ? AIP_OK : stdio_client_open(&s->tools, s->epoll_fd, &s->local, err);
}

static void
close_socket(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* Its socket may be -1. */
static aip_status
open_listener(shard *s, const listener_setup *setup, listener **out, aip_error *err)
{
    if (setup->socket < 0) {
        return AIP_OK;
    }
    aip_status status = listener_open(setup, out, err);
    if (status != AIP_OK) {
        close(setup->socket);
        return status;
    }
    return watch(s, listener_descriptor(*out), TAG_LISTENER) ? AIP_OK : aip_fail(err, AIP_IO, "epoll");
}

static aip_status
open_listeners(shard *s, const shard_setup *setup, aip_error *err)
{
    const listener_setup callers = {.shard = &s->tools,
                                    .epoll_fd = s->epoll_fd,
                                    .socket = setup->callers,
                                    .connections_max = setup->connections_max};
    const listener_setup figures = {.shard = &s->tools,
                                    .epoll_fd = s->epoll_fd,
                                    .socket = setup->figures,
                                    .connections_max = READERS_MAX,
                                    .apart = true};
    aip_status status = open_listener(s, &callers, &s->clients, err);
    if (status != AIP_OK) {
        close_socket(setup->figures);
        return status;
    }
    return open_listener(s, &figures, &s->readers, err);
}

static aip_status
prepare(shard *s, const shard_setup *setup, aip_error *err)
{
    aip_status status = open_tools(s, err);
    status = status == AIP_OK ? start_commands(s, err) : status;
    if (status != AIP_OK) {
        close_socket(setup->callers);
        close_socket(setup->figures);
        return status;
    }
    AIP_TRY(open_listeners(s, setup, err));
    if (!watch(s, mailbox_descriptor(s->tools.mail), TAG_MAIL) || !watch(s, s->wake_fd, TAG_WAKE) ||
        pthread_create(&s->thread, NULL, run, s) != 0) {
        return aip_fail(err, AIP_IO, "a shard does not start");
    }
    s->started = true;
    return AIP_OK;
}

aip_status
shard_start(gateway *g, const shard_setup *setup, shard **out, aip_error *err)
{
    shard *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL) {
        close_socket(setup->callers);
        close_socket(setup->figures);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    s->tools.gateway = g;
    s->tools.gatherings = &s->gatherings;
    s->tools.figures = g->figures == NULL ? NULL : metrics_cell_of(g->figures, atomic_fetch_add(&g->shards, 1));
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    aip_status status = prepare(s, setup, err);
    if (status != AIP_OK) {
        shard_join(&s);
        return status;
    }
    *out = s;
    return AIP_OK;
}

void
shard_stop(shard *s)
{
    uint64_t one = 1;
    atomic_store(&s->stopping, true);
    (void)!write(s->wake_fd, &one, sizeof one);
}

void
shard_hurry(shard *s)
{
    atomic_store(&s->hurried, true);
    shard_stop(s);
}

bool
shard_has_ended(const shard *s)
{
    return !s->started || atomic_load(&s->ended);
}

void
shard_join(shard **s)
{
    if (*s == NULL) {
        return;
    }
    if ((*s)->started) {
        pthread_join((*s)->thread, NULL);
    }
    stdio_client_close(&(*s)->local);
    listener_close(&(*s)->clients);
    listener_close(&(*s)->readers);
    stdio_upstream_close(&(*s)->tools.commands);
    upstream_close(&(*s)->tools.upstreams);
    rules_tools_free(&(*s)->tools.tools);
    if ((*s)->wake_fd >= 0) {
        close((*s)->wake_fd);
    }
    if ((*s)->epoll_fd >= 0) {
        close((*s)->epoll_fd);
    }
    free(*s);
    *s = NULL;
}
