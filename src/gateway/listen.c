/* HTTP in and out: libmicrohttpd's daemon and its connections. */
#include "gateway/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/await.h"
#include "gateway/figures.h"
#include "gateway/forward.h"
#include "gateway/request.h"
#include "gateway/share.h"
#include "gateway/tls.h"

enum {
    CONNECTION_ROOM_BYTES = 8192, /* of a connection, beside the longest token: all other headers, and an answer's */
};

/* ---- deadlines: libmicrohttpd's own timeout begins again with each byte ---- */

void
client_expect(client *c, unsigned seconds)
{
    c->deadline_microseconds = clock_monotonic_microseconds() + (c->ending ? 1 : seconds) * UINT64_C(1000000);
}

void
client_prolong(client *c, size_t bytes)
{
    c->deadline_microseconds += bytes * UINT64_C(1000000) / SLOWEST_BYTES_PER_SECOND;
}

void
client_expect_nothing(client *c)
{
    c->deadline_microseconds = 0;
}

/* Both libmicrohttpd and listener_hangup see it as the caller's doing. */
static void
cut(client *c)
{
    c->deadline_microseconds = 0;
    (void)shutdown(c->connect_fd, SHUT_RDWR);
}

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

/* One that is too many is closed without an answer. Behind a trusted proxy are many callers. */
static void
count_connection(client *c)
{
    gateway *g = c->owner->setup.shard->gateway;
    const gateway_settings *settings = gateway_settings_take(g);
    const front_settings *front = &settings->front;
    client_expect(c, front->head_seconds);
    if (g->limits != NULL && !share_in_ranges(c->address, &front->proxies)) {
        limits_name name = limits_name_address(c->address);
        if (!limits_enter(g->limits, LIMITS_CONNECTIONS, &name, front->connections_per_address, &c->share)) {
            cut(c);
        }
    }
    settings_drop(&settings);
}

static void
offer_resumption(const client *c, struct MHD_Connection *connection)
{
    tls_keeper *keeper = c->owner->setup.shard->gateway->tls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (keeper != NULL && !c->owner->setup.apart && info != NULL && info->tls_session != NULL) {
        tls_offer_resumption(keeper, info->tls_session);
    }
}

static void
open_client(listener *l, struct MHD_Connection *connection, void **slot)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    client *c = calloc(1, sizeof *c);
    if (c == NULL || info == NULL) {
        free(c);
        return; /* requests of a connection without a client are dropped */
    }
    c->owner = l;
    c->fd = c->connect_fd = info->connect_fd;
    c->next = l->clients;
    if (l->clients != NULL) {
        l->clients->previous = c;
    }
    l->clients = c;
    note_address(c, connection);
    count_connection(c);
    offer_resumption(c, connection);
    figures_move(l->setup.shard, METRICS_CONNECTIONS, 1);
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (epoll_ctl(l->setup.epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        c->fd = -1;
    }
    *slot = c;
}

static void
close_client(listener *l, client *c)
{
    if (c->fd >= 0) {
        (void)epoll_ctl(l->setup.epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    }
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        l->clients = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    if (c->share != 0) {
        limits_leave(l->setup.shard->gateway->limits, &c->share);
    }
    figures_move(l->setup.shard, METRICS_CONNECTIONS, -1);
    free(c);
}

/* libmicrohttpd does not look at a suspended connection, so hang-ups are watched here. */
static void
on_connection(void *context, struct MHD_Connection *connection, void **slot, enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        open_client(context, connection, slot);
    } else if (*slot != NULL) {
        close_client(context, *slot);
        *slot = NULL;
    }
}

void
listener_hangup(void *context)
{
    client *c = context;
    request *r = c->current;
    if (r != NULL && r->suspended) {
        await_drop(r->x);
        forward_abandon(r->x);
    } else if (r == NULL || r->x->phase == EXCHANGE_READING) {
        c->ending = true; /* libmicrohttpd does not see an end that came with the last bytes */
        client_expect(c, 1);
    }
}

/* ---- TLS ---- */

static tls_keeper *
keeper_of(gnutls_session_t session)
{
    struct MHD_Connection *connection = gnutls_session_get_ptr(session);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const client *c = info == NULL ? NULL : info->socket_context;
    return c == NULL ? NULL : c->owner->setup.shard->gateway->tls;
}

static int
judge_peer(gnutls_session_t session)
{
    tls_keeper *keeper = keeper_of(session);
    return keeper == NULL ? -1 : tls_judge_peer(keeper, session);
}

static int
choose_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                   const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certificates,
                   unsigned *count, gnutls_privkey_t *key)
{
    tls_keeper *keeper = keeper_of(session);
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    if (keeper == NULL) {
        return -1;
    }
    if (tls_asks(keeper)) {
        gnutls_session_set_verify_function(session, judge_peer);
    }
    return tls_choose(keeper, session, certificates, count, key);
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

/* With room for tokens that are too long as well, so that their senders are told so. */
static size_t
memory_of(const gateway_settings *settings)
{
    size_t longest = settings->token_bytes_max;
    return (longest < AIP_TOKEN_BYTES_DEFAULT ? AIP_TOKEN_BYTES_DEFAULT : longest) + CONNECTION_ROOM_BYTES;
}

/* Options after the first MHD_OPTION_END are not read. */
static struct MHD_Daemon *
start_daemon(listener *l, const gateway_settings *settings)
{
    const listener_setup *setup = &l->setup;
    bool tls = setup->shard->gateway->tls != NULL && !setup->apart;
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? (unsigned)MHD_USE_TLS : 0u), 0, NULL,
                            NULL, request_arrived, l, MHD_OPTION_LISTEN_SOCKET, setup->socket,
                            MHD_OPTION_CONNECTION_LIMIT, setup->connections_max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            memory_of(settings), MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)settings->front.idle_seconds,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, request_completed, l,
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped,
                            NULL, MHD_OPTION_URI_LOG_CALLBACK, request_line, l,
                            tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, TLS_PRIORITIES,
                            MHD_OPTION_HTTPS_CERT_CALLBACK, choose_certificate, MHD_OPTION_END);
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
    const gateway_settings *settings = gateway_settings_take(setup->shard->gateway);
    l->daemon = start_daemon(l, settings);
    settings_drop(&settings);
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
    if (l == NULL) {
        return -1;
    }
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
    if (l != NULL) {
        l->resumed = false; /* before: a reader may resume others meanwhile */
        (void)MHD_run(l->daemon);
    }
}

void
listener_sweep(listener *l, uint64_t now)
{
    if (l == NULL) {
        return;
    }
    for (request *r = l->requests; r != NULL; r = r->next) {
        await_sweep(r->x, now);
        forward_sweep(r->x, now);
    }
    for (client *c = l->clients; c != NULL; c = c->next) {
        if (c->deadline_microseconds != 0 && now >= c->deadline_microseconds) {
            cut(c);
        }
    }
}

void
listener_drain(listener *l)
{
    if (l == NULL) {
        return;
    }
    MHD_socket fd = MHD_quiesce_daemon(l->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        close(fd);
    }
    for (client *c = l->clients; c != NULL; c = c->next) {
        if (c->current == NULL) {
            cut(c);
        }
    }
    for (request *r = l->requests; r != NULL; r = r->next) {
        forward_drain(r->x);
    }
}

size_t
listener_active(const listener *l)
{
    return l == NULL ? 0 : l->active;
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
