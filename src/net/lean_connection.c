/* Connections of the lean client, opened, watched, kept for the next request and dropped, and the client itself. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/lean_inside.h"

enum { IDLE_PER_SERVER_MAX = 256 }; /* of each shard; as libcurl's */

void
lean_note_due(lean *l, uint64_t due)
{
    l->next_due = l->next_due == 0 || due < l->next_due ? due : l->next_due;
}

void
lean_leave_list(lean_connection **list, lean_connection *c)
{
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        *list = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    c->next = c->previous = NULL;
}

static void
enter_list(lean_connection **list, lean_connection *c)
{
    c->previous = NULL;
    c->next = *list;
    if (*list != NULL) {
        (*list)->previous = c;
    }
    *list = c;
}

bool
lean_watch(const lean *l, lean_connection *c, int operation, bool writing)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0u),
                                .data.u64 = (uint64_t)c->fd << 3 | UPSTREAM_EPOLL_TAG};
    c->writing = writing;
    return epoll_ctl(l->epoll_fd, operation, c->fd, &event) == 0;
}

/* Its transfer, if it has one, is the caller's concern. */
void
lean_drop(lean *l, lean_connection *c)
{
    if (c->connecting) {
        lean_leave_list(&l->connecting, c);
    } else if (c->transfer == NULL) {
        lean_leave_list(&c->server->idle, c);
        c->server->idle_count--;
    }
    l->by_fd[c->fd] = NULL;
    close(c->fd); /* and with it its place in the epoll */
    text_clear(&c->held);
    free(c);
}

static bool
remember(lean *l, lean_connection *c)
{
    size_t wanted = (size_t)c->fd + 1;
    if (wanted > l->by_fd_size) {
        size_t size = wanted * 2;
        lean_connection **longer = realloc(l->by_fd, size * sizeof *longer);
        if (longer == NULL) {
            return false;
        }
        memset(longer + l->by_fd_size, 0, (size - l->by_fd_size) * sizeof *longer);
        l->by_fd = longer;
        l->by_fd_size = size;
    }
    l->by_fd[c->fd] = c;
    return true;
}

/* One that was never used. */
static void
forget(lean *l, lean_connection *c)
{
    if (c->fd >= 0) {
        if ((size_t)c->fd < l->by_fd_size) {
            l->by_fd[c->fd] = NULL;
        }
        close(c->fd);
    }
    free(c);
}

/* A socket on its way to one of the server's addresses, or -1. */
static int
dial(const struct sockaddr_in6 *address)
{
    int one = 1, fd = socket(address->sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = address->sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof *address;
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)(const void *)address, size) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

lean_connection *
lean_open_connection(lean *l, lean_server *server, size_t address)
{
    lean_connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    *c = (lean_connection){.fd = dial(&server->addresses[address]), .server = server, .address = address};
    if (c->fd < 0 || !remember(l, c) || !lean_watch(l, c, EPOLL_CTL_ADD, true)) {
        forget(l, c);
        return NULL;
    }
    c->connecting = true;
    enter_list(&l->connecting, c);
    return c;
}

/* The one used last, if the server has not closed it meanwhile or said something that nobody asked for. */
lean_connection *
lean_take_idle(lean *l, lean_server *server)
{
    uint64_t now = clock_monotonic_microseconds();
    char byte;
    for (lean_connection *c = server->idle; c != NULL; c = server->idle) {
        if (c->due > now && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN) {
            lean_leave_list(&server->idle, c);
            server->idle_count--;
            return c;
        }
        lean_drop(l, c);
    }
    return NULL;
}

void
lean_keep(lean *l, lean_connection *c, unsigned seconds)
{
    c->transfer = NULL;
    c->used = true;
    c->due = clock_monotonic_microseconds() + seconds * UINT64_C(1000000);
    enter_list(&c->server->idle, c);
    c->server->idle_count++;
    lean_note_due(l, c->due);
    if (c->server->idle_count > IDLE_PER_SERVER_MAX) {
        lean_drop(l, c);
    }
}

void
lean_end_idle(lean *l, uint64_t now)
{
    for (lean_server *s = l->servers; s != NULL; s = s->next) {
        for (lean_connection *c = s->idle, *next; c != NULL; c = next) {
            next = c->next;
            if (c->due > now) {
                lean_note_due(l, c->due);
            } else {
                lean_drop(l, c);
            }
        }
    }
}

aip_status
lean_open(int epoll_fd, lean **out, aip_error *err)
{
    lean *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL || (l->received = malloc(LEAN_RECEIVE_BYTES)) == NULL) {
        free(l);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    l->epoll_fd = epoll_fd;
    *out = l;
    return AIP_OK;
}

void
lean_close(lean **l)
{
    if (*l == NULL) {
        return;
    }
    while ((*l)->servers != NULL) {
        lean_server *s = (*l)->servers;
        while (s->idle != NULL) {
            lean_drop(*l, s->idle);
        }
        (*l)->servers = s->next;
        free(s);
    }
    while ((*l)->spare != NULL) {
        lean_transfer *t = (*l)->spare;
        (*l)->spare = t->next;
        free(t);
    }
    text_clear(&(*l)->scratch);
    free((*l)->received);
    free((*l)->by_fd);
    free(*l);
    *l = NULL;
}
