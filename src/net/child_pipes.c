/* A child's stdin, stdout and stderr. */
#include "net/child_inside.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536, /* what a pipe holds */
    READS_MAX = 4,      /* in one turn: others on the loop want theirs */
    LAST_READS_MAX = 64,
    KEPT_BYTES_MAX = 65536,
    SECOND = 1000000,
};

void
port_watch(child_port *port, uint32_t events)
{
    if (port->fd < 0 || port->watched == events) {
        return;
    }
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)(uintptr_t)port | port->owner->setup.tag};
    int what = port->watched == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    if (epoll_ctl(port->owner->setup.epoll_fd, what, port->fd, &event) == 0) {
        port->watched = events;
    } else if (events != 0) {
        port->owner->broken = true; /* nobody would ever read it */
    }
}

void
port_close(child_port *port)
{
    port_watch(port, 0);
    if (port->fd >= 0) {
        close(port->fd);
    }
    port->fd = -1;
    port->watched = 0;
}

static void
drop_queue(child *c)
{
    text_clear(&c->queue);
    c->written = 0;
}

/* What was written goes; the memory of a large message is given back. */
static void
compact_queue(child *c)
{
    size_t left = c->queue.size - c->written;
    if (left == 0 && c->queue.capacity > KEPT_BYTES_MAX) {
        drop_queue(c);
    } else if (left == 0 || c->written > c->queue.size / 2) {
        memmove(c->queue.data, c->queue.data + c->written, left);
        c->queue.size = left;
        c->written = 0;
    }
}

void
pipes_flush(child *c)
{
    child_port *port = &c->ports[PORT_INPUT];
    while (port->fd >= 0 && c->written < c->queue.size) {
        ssize_t done = write(port->fd, c->queue.data + c->written, c->queue.size - c->written);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0 && errno != EAGAIN) {
            c->broken = true;
            drop_queue(c);
            port_close(port);
            return;
        }
        if (done < 0) {
            break;
        }
        c->written += (size_t)done;
    }
    if (c->queue.size > 0) {
        compact_queue(c);
    }
    port_watch(port, c->written < c->queue.size ? EPOLLOUT : 0);
    if (c->closes_input && c->written == c->queue.size) {
        port_close(port);
    }
}

child_verdict
child_send(child *c, aip_bytes line)
{
    size_t most = c->setup.limits.queue_bytes, before = c->queue.size;
    if (line.size == 0 || line.size >= most || memchr(line.data, '\n', line.size) != NULL ||
        memchr(line.data, '\r', line.size) != NULL) {
        return CHILD_REFUSED;
    }
    if ((c->health.state != CHILD_STARTING && c->health.state != CHILD_RUNNING) || c->ports[PORT_INPUT].fd < 0) {
        return CHILD_GONE;
    }
    if (line.size + 1 > most - (before - c->written)) {
        c->asked_full = true;
        return CHILD_FULL;
    }
    text_append(&c->queue, line);
    text_append_string(&c->queue, "\n");
    if (c->queue.failed) {
        c->queue.failed = false; /* half a message must not stay */
        c->queue.size = before;
        c->asked_full = true;
        return CHILD_FULL;
    }
    if (before == c->written) {
        pipes_flush(c);
    }
    return c->ports[PORT_INPUT].fd < 0 ? CHILD_GONE : CHILD_TAKEN;
}

static void
deliver(child *c)
{
    aip_bytes line;
    for (bool more = true; more;) {
        switch (lines_next(&c->output, &line)) {
        case LINES_MORE:
            more = false;
            break;
        case LINES_LONG:
            c->events.damaged(c->context, CHILD_LINE_LONG, line.size);
            break;
        case LINES_LINE:
            c->events.line(c->context, line);
            break;
        }
    }
}

typedef enum { READ_SOME, READ_NOTHING, READ_END } read_result;

static read_result
read_into(child_port *port, line_splitter *lines, size_t *size)
{
    unsigned char bytes[READ_BYTES];
    ssize_t got = read(port->fd, bytes, sizeof bytes);
    *size = got > 0 ? (size_t)got : 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return READ_NOTHING;
    }
    if (got <= 0 || lines_add(lines, (aip_bytes){bytes, (size_t)got}, NULL) != AIP_OK) {
        return READ_END; /* out of memory, a line is lost: the server is ended as if it had closed */
    }
    return READ_SOME;
}

static bool
read_output_once(child *c)
{
    size_t size = 0;
    child_port *port = &c->ports[PORT_OUTPUT];
    switch (read_into(port, &c->output, &size)) {
    case READ_SOME:
        deliver(c);
        return size == READ_BYTES && port->fd >= 0;
    case READ_END:
        port_close(port);
        c->broken = true;
        break;
    case READ_NOTHING:
        break;
    }
    return false;
}

void
pipes_read_output(child *c)
{
    for (int i = 0; i < READS_MAX && c->ports[PORT_OUTPUT].fd >= 0 && read_output_once(c); i++) {
    }
}

/* Is another line of stderr within the rate? */
static bool
may_say(child *c, uint64_t now)
{
    uint64_t passed = now > c->said_time ? (now - c->said_time) * AIP_CHILD_STDERR_PER_SECOND / SECOND : 0;
    if (passed > 0) {
        uint64_t left = c->said_left + passed;
        c->said_left = left < AIP_CHILD_STDERR_BURST ? (unsigned)left : AIP_CHILD_STDERR_BURST;
        c->said_time = now;
    }
    if (c->said_left == 0) {
        c->said_missed++;
        return false;
    }
    c->said_left--;
    return true;
}

static void
say(child *c, aip_bytes line, uint64_t now)
{
    char text[AIP_CHILD_STDERR_BYTES + 1];
    if (may_say(c, now)) {
        uint64_t missed = c->said_missed;
        c->said_missed = 0;
        line.size -= line.data[line.size - 1] == '\r' ? 1 : 0;
        c->events.said(c->context, aip_printable(line, text, sizeof text), missed);
    }
}

static void
say_lines(child *c, uint64_t now)
{
    aip_bytes line;
    while (lines_next(&c->errors, &line) != LINES_MORE) {
        say(c, line, now);
    }
}

static bool
read_errors_once(child *c, uint64_t now)
{
    size_t size = 0;
    child_port *port = &c->ports[PORT_ERRORS];
    read_result result = read_into(port, &c->errors, &size);
    say_lines(c, now);
    if (result == READ_END) {
        port_close(port); /* a server may do without */
    }
    return result == READ_SOME && size == READ_BYTES;
}

void
pipes_read_errors(child *c, uint64_t now)
{
    (void)(c->ports[PORT_ERRORS].fd >= 0 && read_errors_once(c, now));
}

/* A last line without its LF is told as well; so is that lines were left out. */
static void
finish_errors(child *c, uint64_t now)
{
    for (int i = 0; i < LAST_READS_MAX && c->ports[PORT_ERRORS].fd >= 0 && read_errors_once(c, now); i++) {
    }
    if (lines_add(&c->errors, AIP_BYTES_LITERAL("\n"), NULL) == AIP_OK) {
        say_lines(c, now);
    }
    if (c->said_missed > 0) {
        c->events.said(c->context, "", c->said_missed);
        c->said_missed = 0;
    }
    (void)lines_end(&c->errors);
}

void
pipes_finish(child *c, uint64_t now)
{
    port_close(&c->ports[PORT_INPUT]);
    drop_queue(c);
    for (int i = 0; i < LAST_READS_MAX && c->ports[PORT_OUTPUT].fd >= 0 && read_output_once(c); i++) {
    }
    size_t torn = lines_end(&c->output);
    if (torn > 0) {
        c->events.damaged(c->context, CHILD_LINE_TORN, torn);
    }
    finish_errors(c, now);
    port_close(&c->ports[PORT_OUTPUT]);
    port_close(&c->ports[PORT_ERRORS]);
    port_close(&c->ports[PORT_CONTROL]);
    c->asked_full = c->closes_input = c->broken = false;
}
