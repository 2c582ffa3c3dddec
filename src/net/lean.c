/* Transfers over kept connections: sending, receiving, and what becomes of a connection afterwards. */
#include "net/lean.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/lean_inside.h"

enum {
    CONNECT_SECONDS = 5,
    KEEP_ALIVE_SECONDS = 118, /* as libcurl */
    SPARE_MAX = 64,
};

/* ---- transfers ---- */

static void
leave_failed(lean_transfer *t)
{
    lean *l = t->owner;
    if (t->failed == AIP_OK) {
        return;
    }
    if (t->previous != NULL) {
        t->previous->next = t->next;
    } else {
        l->failed = t->next;
    }
    if (t->next != NULL) {
        t->next->previous = t->previous;
    }
}

static void
release(lean_transfer *t)
{
    lean *l = t->owner;
    text_clear(&t->head);
    if (l->spare_count >= SPARE_MAX) {
        free(t);
        return;
    }
    t->next = l->spare;
    l->spare = t;
    l->spare_count++;
}

/* Tells the owner in the next tick. */
static void
fail_later(lean_transfer *t, aip_status status)
{
    t->via = NULL;
    t->failed = status;
    t->previous = NULL;
    t->next = t->owner->failed;
    if (t->next != NULL) {
        t->next->previous = t;
    }
    t->owner->failed = t;
}

static size_t
unsent(const lean_transfer *t)
{
    return t->deaf ? 0 : t->head.size + t->body.size - t->written;
}

/* The transfer ends; its connection is kept if it can be used again. */
static void
finish(lean_transfer *t, aip_status status)
{
    lean *l = t->owner;
    lean_connection *c = t->via;
    if (c != NULL) {
        c->transfer = NULL;
        bool good = status == AIP_OK && !t->reply.closes && !t->deaf && unsent(t) == 0 && c->held.size == 0;
        if (good) {
            lean_keep(l, c, t->keep_alive_seconds);
        } else {
            c->transfer = t; /* it is in no list of idle ones */
            lean_drop(l, c);
        }
        t->via = NULL;
    }
    t->events.end(t->context, status, t->sent);
    release(t);
}

static void
give_up(lean_transfer *t)
{
    bool started = t->reply.started;
    lean *l = t->owner;
    l->why = "Connection closed without an answer";
    finish(t, started ? AIP_UPSTREAM_INVALID : AIP_UPSTREAM_UNREACHABLE);
    l->why = NULL;
}

/* ---- sending ---- */

static ssize_t
send_rest(const lean_transfer *t, int fd, aip_bytes head)
{
    size_t of_head = t->written < head.size ? t->written : head.size, of_body = t->written - of_head;
    struct iovec parts[2] = {
        {(void *)(uintptr_t)(head.data + of_head), head.size - of_head},
        {(void *)(uintptr_t)(t->body.data + of_body), t->body.size - of_body},
    };
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = t->body.size > of_body ? 2 : 1};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* Sends what can be sent. False: the connection is dead, and nothing of this request went over it. */
static bool
send_some(lean_transfer *t, aip_bytes head)
{
    ssize_t sent = send_rest(t, t->via->fd, head);
    if (sent > 0) {
        t->written += (size_t)sent;
        t->sent = true;
    } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        t->deaf = t->sent; /* the server may have answered all the same */
        return t->sent;
    }
    return true;
}

/* Once all of it went out, and it will not be sent again. */
static void
forget_head(lean_transfer *t)
{
    if (unsent(t) == 0 && t->head.size > 0) {
        text_clear(&t->head);
        t->written = t->body.size;
    }
}

static void
write_more(lean_transfer *t)
{
    lean *l = t->owner;
    lean_connection *c = t->via;
    if (unsent(t) > 0 && !send_some(t, text_view(&t->head))) {
        c->transfer = t;
        lean_drop(l, c);
        t->via = NULL;
        fail_later(t, AIP_UPSTREAM_UNREACHABLE);
        return;
    }
    if (c->writing != (unsent(t) > 0)) {
        (void)lean_watch(l, c, EPOLL_CTL_MOD, unsent(t) > 0);
    }
    if (t->once) {
        forget_head(t); /* a reply may be long in coming */
    }
}

/* ---- beginning ---- */

static void
use(lean_transfer *t, lean_connection *c)
{
    c->transfer = t;
    t->via = c;
}

static void
begin_on_new(lean_transfer *t)
{
    lean *l = t->owner;
    lean_connection *c = NULL;
    for (size_t i = 0; i < t->server->address_count && c == NULL; i++) {
        c = lean_open_connection(l, t->server, i);
    }
    if (c == NULL) {
        fail_later(t, AIP_UPSTREAM_UNREACHABLE);
        return;
    }
    c->due = clock_monotonic_microseconds() + t->connect_seconds * UINT64_C(1000000);
    lean_note_due(l, c->due);
    use(t, c);
}

/* False: it cannot be sent over that connection, and nothing of it was. */
static bool
begin_on_kept(lean_transfer *t, lean_connection *c)
{
    lean *l = t->owner;
    use(t, c);
    if (!send_some(t, text_view(&l->scratch))) {
        lean_drop(l, c);
        t->via = NULL;
        return false;
    }
    if (t->written < l->scratch.size + t->body.size || !t->once) {
        text_append(&t->head, text_view(&l->scratch)); /* for the rest, or for another time */
        if (text_finish(&t->head, NULL) != AIP_OK) {
            lean_drop(l, c);
            fail_later(t, AIP_NO_MEMORY);
        } else if (unsent(t) > 0) {
            (void)lean_watch(l, c, EPOLL_CTL_MOD, true);
        }
    } else {
        t->written = t->body.size;
    }
    return true;
}

static lean_transfer *
take_transfer(lean *l)
{
    lean_transfer *t = l->spare;
    if (t != NULL) {
        l->spare = t->next;
        l->spare_count--;
        return t;
    }
    return malloc(sizeof *t);
}

static void
prepare(lean_transfer *t, lean *l, const upstream_request *request, const upstream_events *events)
{
    const upstream_way *way = request->way;
    *t = (lean_transfer){.owner = l, .events = *events, .body = request->body};
    t->connect_seconds = way == NULL || way->connect_seconds == 0 ? CONNECT_SECONDS : way->connect_seconds;
    t->keep_alive_seconds = way == NULL || way->keep_alive_seconds == 0 ? KEEP_ALIVE_SECONDS : way->keep_alive_seconds;
    t->once = strcmp(request->method, "GET") != 0;
    t->reply.to_head = strcmp(request->method, "HEAD") == 0;
}

aip_status
lean_begin(lean *l, const upstream_request *request, const upstream_events *events, void *context, lean_transfer **out)
{
    aip_bytes authority, target;
    *out = NULL;
    lean_server *server = lean_split_url(request->url, &authority, &target) ? lean_find_server(l, authority) : NULL;
    lean_transfer *t = server == NULL ? NULL : take_transfer(l);
    if (t == NULL) {
        return AIP_NO_MEMORY;
    }
    prepare(t, l, request, events);
    t->server = server;
    t->context = context;
    t->reply.events = &t->events;
    t->reply.context = context;
    l->scratch.size = 0;
    lean_write_head(&l->scratch, request, server->authority, target);
    if (text_finish(&l->scratch, NULL) != AIP_OK) {
        text_clear(&l->scratch);
        release(t);
        return AIP_NO_MEMORY;
    }
    lean_connection *kept = lean_take_idle(l, server);
    if (kept == NULL || !begin_on_kept(t, kept)) {
        text_append(&t->head, text_view(&l->scratch));
        if (text_finish(&t->head, NULL) != AIP_OK) {
            release(t);
            return AIP_NO_MEMORY;
        }
        begin_on_new(t);
    }
    *out = t;
    return AIP_OK;
}

void
lean_cancel(lean_transfer **transfer)
{
    lean_transfer *t = *transfer;
    if (t == NULL) {
        return;
    }
    *transfer = NULL;
    leave_failed(t);
    if (t->via != NULL) {
        lean_drop(t->owner, t->via);
    }
    release(t);
}

/* ---- receiving ---- */

static void
pause_reading(lean *l, lean_connection *c)
{
    c->paused = true;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL); /* else a hang-up would wake us for ever */
}

/* False when the transfer, or the connection, is gone. */
static bool
take(lean_connection *c, aip_bytes bytes)
{
    lean_transfer *t = c->transfer;
    size_t taken = 0;
    text_buffer held = c->held;
    c->held = (text_buffer){0};
    if (held.size > 0) {
        text_append(&held, bytes);
        bytes = text_view(&held);
    }
    lean_progress progress = held.failed ? LEAN_REFUSED : lean_reply_take(&t->reply, bytes, &taken);
    if (taken < bytes.size && !held.failed) {
        text_append(&c->held, aip_bytes_from(bytes, taken));
    }
    text_clear(&held);
    if (c->held.failed) {
        progress = LEAN_REFUSED; /* what is not kept would be missing */
    }
    switch (progress) {
    case LEAN_MORE:
        return true;
    case LEAN_FULL:
        pause_reading(t->owner, c);
        return false;
    case LEAN_WHOLE:
        finish(t, AIP_OK); /* with something left over the connection is not used again */
        return false;
    case LEAN_REFUSED:
    case LEAN_INVALID:
        break;
    }
    finish(t, AIP_UPSTREAM_INVALID);
    return false;
}

/* The server has closed the connection, or broken it. */
static void
take_end(lean_connection *c, bool orderly)
{
    lean_transfer *t = c->transfer;
    if (orderly && lean_reply_end(&t->reply) == LEAN_WHOLE) {
        finish(t, AIP_OK);
    } else if (!t->received && c->used && !t->once) {
        lean_drop(t->owner, c);
        t->written = 0;
        t->sent = t->deaf = false;
        begin_on_new(t);
    } else {
        give_up(t);
    }
}

static void
receive(lean *l, lean_connection *c)
{
    for (;;) {
        ssize_t got = recv(c->fd, l->received, LEAN_RECEIVE_BYTES, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            take_end(c, got == 0);
            return;
        }
        c->transfer->received = true;
        forget_head(c->transfer);
        if (!take(c, (aip_bytes){l->received, (size_t)got}) || got < LEAN_RECEIVE_BYTES) {
            return;
        }
    }
}

/* The next address, where the server has one. */
static void
connect_failed(lean_connection *c, aip_status status)
{
    lean_transfer *t = c->transfer;
    size_t next = c->address + 1;
    uint64_t due = c->due;
    lean_drop(t->owner, c);
    t->via = NULL;
    lean_connection *other = next < t->server->address_count ? lean_open_connection(t->owner, t->server, next) : NULL;
    if (other == NULL) {
        lean *l = t->owner;
        t->events.end(t->context, status, false);
        l->why = NULL;
        release(t);
        return;
    }
    other->due = due;
    use(t, other);
}

static void
connected(lean *l, lean_connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        l->why = strerrordesc_np(error); /* a constant, unlike strerror's */
        connect_failed(c, AIP_UPSTREAM_UNREACHABLE);
        return;
    }
    lean_leave_list(&l->connecting, c);
    c->connecting = false;
    write_more(c->transfer);
}

bool
lean_ready(lean *l, int fd, uint32_t epoll_events)
{
    lean_connection *c = fd >= 0 && (size_t)fd < l->by_fd_size ? l->by_fd[fd] : NULL;
    if (c == NULL) {
        return false;
    }
    if (c->transfer == NULL) {
        lean_drop(l, c); /* closed by the server, or it speaks unasked */
    } else if (c->connecting) {
        connected(l, c);
    } else if (!c->paused) {
        if ((epoll_events & EPOLLOUT) != 0) {
            write_more(c->transfer);
        }
        if ((epoll_events & ~(uint32_t)EPOLLOUT) != 0 && l->by_fd[fd] == c) {
            receive(l, c);
        }
    }
    return true;
}

void
lean_resume(lean_transfer *t)
{
    lean *l = t->owner;
    lean_connection *c = t->via;
    if (c == NULL || !c->paused) {
        return;
    }
    c->paused = false;
    if (!lean_watch(l, c, EPOLL_CTL_ADD, unsent(t) > 0)) {
        give_up(t);
        return;
    }
    if (c->held.size > 0) {
        (void)take(c, (aip_bytes){NULL, 0});
    }
}

const char *
lean_why(const lean *l)
{
    return l->why;
}

/* ---- time ---- */

static void
end_overdue(lean *l, uint64_t now)
{
    l->next_due = 0;
    for (lean_connection *c = l->connecting, *next; c != NULL; c = next) {
        next = c->next;
        if (c->due > now) {
            lean_note_due(l, c->due);
        } else {
            finish(c->transfer, AIP_UPSTREAM_TIMEOUT);
        }
    }
    lean_end_idle(l, now);
}

void
lean_tick(lean *l)
{
    while (l->failed != NULL) {
        lean_transfer *t = l->failed;
        leave_failed(t);
        t->events.end(t->context, t->failed, t->sent);
        release(t);
    }
    uint64_t now = l->next_due == 0 ? 0 : clock_monotonic_microseconds();
    if (l->next_due != 0 && now >= l->next_due) {
        end_overdue(l, now);
    }
}

int
lean_timeout_ms(const lean *l)
{
    if (l->failed != NULL) {
        return 0;
    }
    if (l->next_due == 0) {
        return -1;
    }
    uint64_t now = clock_monotonic_microseconds();
    return now >= l->next_due ? 0 : (int)((l->next_due - now + 999) / 1000);
}
