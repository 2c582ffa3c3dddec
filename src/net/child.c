/* A child's life: starts, pauses before the next one, and the steps of its end. */
#include "net/child_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECOND = 1000000, MILLISECOND = 1000 };

/* Its ends in `ends`, ours in the ports. */
static aip_status
open_pipes(child *c, int ends[3], aip_error *err)
{
    for (int i = 0; i < 3; i++) {
        int pair[2];
        bool is_input = i == PORT_INPUT;
        if (pipe2(pair, O_CLOEXEC) != 0) {
            return aip_fail(err, AIP_IO, "pipe: %s", strerror(errno));
        }
        ends[i] = pair[is_input ? 0 : 1];
        c->ports[i].fd = pair[is_input ? 1 : 0];
        if (fcntl(c->ports[i].fd, F_SETFL, O_NONBLOCK) != 0) {
            return aip_fail(err, AIP_IO, "a pipe: %s", strerror(errno));
        }
    }
    return AIP_OK;
}

static void
close_ports(child *c)
{
    for (int i = 0; i < PORT_COUNT; i++) {
        port_close(&c->ports[i]);
    }
}

static aip_status
launch(child *c, uint64_t now, aip_error *err)
{
    int ends[3] = {-1, -1, -1};
    aip_status status = open_pipes(c, ends, err);
    if (status == AIP_OK) {
        status = spawner_start(c->setup.spawner, text_view(&c->order), ends, &c->ports[PORT_CONTROL].fd, err);
    }
    for (int i = 0; i < 3; i++) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
    }
    if (status != AIP_OK) {
        close_ports(c);
        return status;
    }
    c->health.state = CHILD_STARTING;
    c->step = STEP_NONE;
    c->begun = now;
    c->due = now + (uint64_t)AIP_CHILD_START_MILLISECONDS * MILLISECOND;
    port_watch(&c->ports[PORT_OUTPUT], EPOLLIN);
    port_watch(&c->ports[PORT_ERRORS], EPOLLIN);
    port_watch(&c->ports[PORT_CONTROL], EPOLLIN);
    return AIP_OK;
}

/* 1, 2, 4 … seconds, from the shortest again after a healthy life; and never more starts in a window than allowed. */
static uint64_t
next_start(child *c, uint64_t now)
{
    uint64_t oldest = c->starts[c->health.restarts % AIP_CHILD_RESTARTS_MAX];
    if (now - c->begun >= (uint64_t)AIP_CHILD_HEALTHY_SECONDS * SECOND) {
        c->failures = 0;
    }
    uint64_t seconds = c->failures < 6 ? 1u << c->failures : AIP_CHILD_PAUSE_SECONDS_MAX;
    c->failures++;
    uint64_t due = now + seconds * SECOND;
    uint64_t allowed = oldest + (uint64_t)AIP_CHILD_WINDOW_SECONDS * SECOND;
    return oldest != 0 && allowed > due ? allowed : due;
}

/* Its life is over; it is reaped, or never began. */
static void
finish(child *c, const child_end *end, uint64_t now)
{
    c->health.state = CHILD_STOPPING; /* no more is taken while the rest is told */
    pipes_finish(c, now);
    c->health.pid = 0;
    c->health.last = *end;
    c->health.has_ended = true;
    c->step = STEP_NONE;
    c->health.state = c->wanted ? CHILD_BACKING_OFF : CHILD_STOPPED;
    c->due = c->wanted ? next_start(c, now) : 0;
    c->events.ended(c->context, end);
}

static void
finish_unstarted(child *c, int why, uint64_t now)
{
    child_end end = {.code = why == ENOENT ? 127 : 126, .start_error = why};
    finish(c, &end, now);
}

static void
finish_ended(child *c, int status, uint64_t now)
{
    child_end end = {.started = true, .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + end.signal;
    finish(c, &end, now);
}

static void
restart(child *c, uint64_t now)
{
    c->starts[c->health.restarts % AIP_CHILD_RESTARTS_MAX] = now;
    c->health.restarts++;
    if (launch(c, now, NULL) != AIP_OK) {
        c->begun = now;
        finish_unstarted(c, EAGAIN, now);
    }
}

static void
set_due(child *c, uint64_t now)
{
    c->due = now + (uint64_t)c->setup.limits.stop_milliseconds * MILLISECOND;
}

static void
begin_end(child *c, uint64_t now)
{
    c->health.state = CHILD_STOPPING;
    c->step = STEP_INPUT;
    c->broken = false;
    c->closes_input = true;
    set_due(c, now);
    pipes_flush(c);
}

/* The step before did not end it. */
static void
next_step(child *c, uint64_t now)
{
    bool asked = c->step == STEP_INPUT;
    spawner_signal(c->ports[PORT_CONTROL].fd, asked ? SIGTERM : SIGKILL);
    c->step = asked ? STEP_TERMINATE : STEP_KILL;
    c->due = 0;
    if (asked) {
        set_due(c, now);
    }
}

void
child_stop(child *c, uint64_t now)
{
    c->wanted = false;
    switch (c->health.state) {
    case CHILD_STARTING:
    case CHILD_RUNNING:
        begin_end(c, now);
        break;
    case CHILD_BACKING_OFF:
        c->health.state = CHILD_STOPPED;
        c->due = 0;
        break;
    case CHILD_STOPPING:
    case CHILD_STOPPED:
        break;
    }
}

void
child_terminate(child *c, uint64_t now)
{
    child_stop(c, now);
    if (c->health.state == CHILD_STOPPING && c->step == STEP_INPUT) {
        next_step(c, now);
    }
}

static void
hear(child *c, uint64_t now)
{
    spawner_word word = {0};
    ssize_t got = recv(c->ports[PORT_CONTROL].fd, &word, sizeof word, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    switch (got == (ssize_t)sizeof word ? word.kind : 0) {
    case SPAWNER_STARTED:
        c->health.pid = word.value;
        if (c->health.state == CHILD_STARTING) {
            c->health.state = CHILD_RUNNING;
            c->due = 0;
        }
        c->events.started(c->context);
        break;
    case SPAWNER_FAILED:
        finish_unstarted(c, word.value, now);
        break;
    case SPAWNER_ENDED:
        finish_ended(c, word.value, now);
        break;
    default: /* what started it is gone, and it with that */
        if (c->health.pid != 0) {
            finish_ended(c, SIGKILL, now);
        } else {
            finish_unstarted(c, 0, now);
        }
    }
}

static void
tell_room(child *c)
{
    if (c->asked_full && c->queue.size - c->written <= c->setup.limits.queue_bytes / 2 &&
        c->ports[PORT_INPUT].fd >= 0) {
        c->asked_full = false;
        c->events.drained(c->context);
    }
}

void
child_ready(uint64_t data, uint32_t epoll_events, uint64_t now)
{
    child_port *port = (child_port *)(uintptr_t)(data & ~(uint64_t)7);
    child *c = port->owner;
    (void)epoll_events; /* of a life before, perhaps: what a read or write says counts */
    if (port->fd < 0) {
        return;
    }
    switch ((port_kind)(port - c->ports)) {
    case PORT_INPUT:
        pipes_flush(c);
        break;
    case PORT_OUTPUT:
        pipes_read_output(c);
        break;
    case PORT_ERRORS:
        pipes_read_errors(c, now);
        break;
    case PORT_CONTROL:
        hear(c, now);
        break;
    case PORT_COUNT:
        break;
    }
    tell_room(c);
}

static bool
is_broken(const child *c)
{
    return c->broken && c->health.state == CHILD_RUNNING;
}

static void
run_due(child *c, uint64_t now)
{
    c->due = 0;
    switch (c->health.state) {
    case CHILD_BACKING_OFF:
        restart(c, now);
        break;
    case CHILD_STARTING:
        finish_unstarted(c, 0, now); /* closing the control kills it, should it come to life yet */
        break;
    case CHILD_STOPPING:
        next_step(c, now);
        break;
    case CHILD_RUNNING:
    case CHILD_STOPPED:
        break;
    }
}

void
child_tick(child *c, uint64_t now)
{
    if (is_broken(c)) {
        begin_end(c, now);
    }
    if (c->due != 0 && now >= c->due) {
        run_due(c, now);
    }
    tell_room(c); /* also when memory was short and the queue is empty */
}

int
child_timeout_ms(const child *c, uint64_t now)
{
    if (is_broken(c)) {
        return 0;
    }
    if (c->due == 0) {
        return -1;
    }
    uint64_t left = now >= c->due ? 0 : (c->due - now + MILLISECOND - 1) / MILLISECOND;
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

child_health
child_look(const child *c)
{
    child_health health = c->health;
    health.due = health.state == CHILD_BACKING_OFF ? c->due : 0;
    return health;
}

static void
set_defaults(child *c)
{
    child_limits *limits = &c->setup.limits;
    limits->line_bytes = limits->line_bytes != 0 ? limits->line_bytes : AIP_EVENT_BYTES_DEFAULT;
    limits->queue_bytes = limits->queue_bytes != 0 ? limits->queue_bytes : AIP_CHILD_QUEUE_BYTES_DEFAULT;
    limits->stop_milliseconds =
        limits->stop_milliseconds != 0 ? limits->stop_milliseconds : AIP_CHILD_STOP_MILLISECONDS;
    c->output.bytes_max = limits->line_bytes;
    c->errors.bytes_max = AIP_CHILD_STDERR_BYTES;
    c->said_left = AIP_CHILD_STDERR_BURST;
    for (int i = 0; i < PORT_COUNT; i++) {
        c->ports[i] = (child_port){.owner = c, .fd = -1};
    }
}

aip_status
child_start(const child_setup *setup, const child_events *events, void *context, uint64_t now, child **out,
            aip_error *err)
{
    *out = NULL;
    child *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    c->setup = *setup;
    c->setup.command = (spawner_command){0}; /* borrowed for the call only */
    c->events = *events;
    c->context = context;
    c->wanted = setup->restarts;
    c->said_time = now;
    set_defaults(c);
    aip_status status = spawner_pack(&setup->command, &c->order, err);
    if (status == AIP_OK) {
        status = launch(c, now, err);
    }
    if (status != AIP_OK) {
        child_close(&c);
        return status;
    }
    *out = c;
    return AIP_OK;
}

void
child_close(child **c)
{
    if (*c != NULL) {
        close_ports(*c);
        text_clear(&(*c)->queue);
        text_clear(&(*c)->order);
        (void)lines_end(&(*c)->output);
        (void)lines_end(&(*c)->errors);
        free(*c);
        *c = NULL;
    }
}
