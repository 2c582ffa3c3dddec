/* HTTP in and out: libmicrohttpd's daemon and its connections. */
#include "gateway/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/await.h"
#include "gateway/forward.h"
#include "gateway/request.h"

enum {
    CONNECTION_MEMORY_BYTES = 32768, /* must hold all headers: the longest token and room */
    IDLE_CONNECTION_SECONDS = 75,
};

/* ---- one connection ---- */

static void
note_address(client *c, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL) {
        return;
    }
    const struct sockaddr *address = info->client_addr;
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, c->address,
                  sizeof c->address);
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, c->address,
                  sizeof c->address);
    }
}

/* libmicrohttpd does not look at a suspended connection, so hang-ups are watched here. */
static void
on_connection(void *context, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode code)
{
    listener *l = context;
    client *c = *slot;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c != NULL && c->fd >= 0) {
            (void)epoll_ctl(l->setup.epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        }
        free(c);
        *slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = calloc(1, sizeof *c);
    if (c == NULL || info == NULL) {
        free(c);
        return; /* requests of a connection without a client are dropped */
    }
    c->owner = l;
    c->fd = info->connect_fd;
    note_address(c, connection);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->setup.epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        c->fd = -1;
    }
    *slot = c;
}

void
listener_hangup(void *context)
{
    client *c = context;
    request *r = c->current;
    if (r != NULL && r->suspended) {
        await_drop(r->x);
        forward_abandon(r->x);
    }
}

/* ---- the daemon ---- */

/* Paths are compared as sent: what two readers could decode differently is simply another path. */
static size_t
leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

aip_status
listener_open(const listener_setup *setup, listener **out, aip_error *err)
{
    listener *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    l->setup = *setup;
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, request_arrived, l, MHD_OPTION_LISTEN_SOCKET,
        setup->socket, MHD_OPTION_CONNECTION_LIMIT, setup->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_CONNECTION_SECONDS,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, request_completed, l,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, request_line, l, MHD_OPTION_END);
    if (l->daemon == NULL) {
        free(l);
        return aip_fail(err, AIP_LISTEN, "libmicrohttpd does not start");
    }
    *out = l;
    return AIP_OK;
}

int
listener_descriptor(const listener *l)
{
    return MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int
listener_timeout_ms(listener *l)
{
    MHD_UNSIGNED_LONG_LONG milliseconds = 0;
    if (l->resumed) {
        return 0;
    }
    if (MHD_get_timeout(l->daemon, &milliseconds) != MHD_YES) {
        return -1;
    }
    return milliseconds > 1000 ? 1000 : (int)milliseconds;
}

void
listener_run(listener *l)
{
    l->resumed = false; /* before: a reader may resume others meanwhile */
    (void)MHD_run(l->daemon);
}

void
listener_sweep(listener *l, uint64_t now)
{
    for (request *r = l->requests; r != NULL; r = r->next) {
        await_sweep(r->x, now);
        forward_sweep(r->x, now);
    }
}

void
listener_quiesce(listener *l)
{
    MHD_socket fd = MHD_quiesce_daemon(l->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        close(fd);
    }
}

size_t
listener_active(const listener *l)
{
    return l->active;
}

void
listener_close(listener **l)
{
    if (*l == NULL) {
        return;
    }
    for (request *r = (*l)->requests; r != NULL; r = r->next) {
        await_stop(r->x);
        forward_stop(r->x);
    }
    for (int round = 0; round < 8; round++) {
        listener_run(*l); /* suspended connections must be gone before the daemon stops */
    }
    MHD_stop_daemon((*l)->daemon);
    free(*l);
    *l = NULL;
}
