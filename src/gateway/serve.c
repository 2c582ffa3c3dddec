/* Sockets, shards, signals. */
#include "gateway/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/admin.h"
#include "gateway/reload.h"
#include "gateway/shard.h"
#include "gateway/tls.h"

enum { BACKLOG = 1024 };

typedef struct {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t size;
} address;

static aip_status
read_address(const char *host, uint16_t port, address *out, aip_error *err)
{
    host = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        out->size = sizeof out->v4;
        return AIP_OK;
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        out->size = sizeof out->v6;
        return AIP_OK;
    }
    return aip_fail(err, AIP_CONFIG_INVALID, "only a numeric address or localhost is listened on");
}

aip_status
gateway_check_host(const char *host, aip_error *err)
{
    address where;
    return read_address(host, 0, &where, err);
}

static bool
is_loopback(const address *where)
{
    return where->any.sa_family == AF_INET ? (ntohl(where->v4.sin_addr.s_addr) >> 24) == 127
                                           : IN6_IS_ADDR_LOOPBACK(&where->v6.sin6_addr);
}

static int
open_socket(const address *where, bool shared)
{
    int one = 1, fd = socket(where->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) ||
        bind(fd, &where->any, where->size) != 0) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

static aip_status
fail_to_listen(const address *where, int why, aip_error *err)
{
    char host[INET6_ADDRSTRLEN] = "";
    bool v4 = where->any.sa_family == AF_INET;
    inet_ntop(where->any.sa_family, v4 ? (const void *)&where->v4.sin_addr : &where->v6.sin6_addr, host, sizeof host);
    return aip_fail(err, AIP_LISTEN, "%s, port %u: %s", host,
                    (unsigned)ntohs(v4 ? where->v4.sin_port : where->v6.sin6_port), strerror(why));
}

/* With SO_REUSEPORT a second gateway would silently take half of the first one's callers: ask without it first. */
static aip_status
check_free(const address *where, aip_error *err)
{
    int fd = open_socket(where, false);
    if (fd < 0) {
        return fail_to_listen(where, errno, err);
    }
    close(fd);
    return AIP_OK;
}

static aip_status
open_listener(address *where, uint16_t *port, int *out, aip_error *err)
{
    int fd = open_socket(where, true);
    if (fd < 0 || listen(fd, BACKLOG) != 0) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        return fail_to_listen(where, why, err);
    }
    /* Port 0 became a real one, which the other shards share. */
    where->size = sizeof where->v6;
    if (getsockname(fd, &where->any, &where->size) == 0) {
        *port = ntohs(where->any.sa_family == AF_INET ? where->v4.sin_port : where->v6.sin6_port);
    }
    *out = fd;
    return AIP_OK;
}

/* All sockets are open before the first shard runs. On failure those that were opened stand in sockets[0…*count). */
static aip_status
open_listeners(gateway_settings *settings, int *sockets, size_t *count, aip_error *err)
{
    address where;
    if (settings->host == NULL) {
        sockets[(*count)++] = -1; /* one shard that nobody reaches over HTTP */
        return AIP_OK;
    }
    AIP_TRY(read_address(settings->host, settings->port, &where, err));
    settings->loopback = is_loopback(&where);
    AIP_TRY(check_free(&where, err));
    for (*count = 0; *count < settings->threads; (*count)++) {
        AIP_TRY(open_listener(&where, &settings->port, &sockets[*count], err));
    }
    return AIP_OK;
}

/* Figures and health, where they have an address of their own. -1: they have none. */
static aip_status
open_figures(front_settings *front, int *out, aip_error *err)
{
    address where;
    *out = -1;
    if (!front->metrics_apart) {
        return AIP_OK;
    }
    AIP_TRY(read_address(front->metrics_host, front->metrics_port, &where, err));
    AIP_TRY(check_free(&where, err));
    return open_listener(&where, &front->metrics_port, out, err);
}

static void
tell_address(const char *what, const char *scheme, const char *host, uint16_t port)
{
    bool v6 = strchr(host, ':') != NULL;
    printf("%s on %s://%s%s%s:%u\n", what, scheme, v6 ? "[" : "", strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
           v6 ? "]" : "", (unsigned)port);
}

static void
announce(const gateway_settings *settings)
{
    const front_settings *front = &settings->front;
    if (settings->host != NULL) {
        tell_address("listening", front->tls_key == NULL ? "http" : "https", settings->host, settings->port);
    }
    if (front->metrics_apart) {
        tell_address("figures", "http", front->metrics_host, front->metrics_port);
    }
    fflush(stdout);
}

static aip_status
start_threads(gateway *g, aip_error *err)
{
    g->started_microseconds = clock_monotonic_microseconds();
    AIP_TRY(identities_start(g->identities, err));
    AIP_TRY(g->books == NULL ? AIP_OK : books_start(g->books, err));
    AIP_TRY(g->approvals == NULL ? AIP_OK : approvals_start(g->approvals, err));
    AIP_TRY(g->admin == NULL ? AIP_OK : admin_start(g->admin, err));
    if (g->scribe == NULL) {
        return AIP_OK;
    }
    scribe_use_keys(g->scribe, identities_memory(g->identities));
    return scribe_start(g->scribe, err);
}

/* Until all have ended what was under way; a second signal ends them at once. */
static void
wait_for_drain(shard *const *shards, size_t count, const sigset_t *signals)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    bool hurried = false;
    for (size_t i = 0; i < count;) {
        if (shards[i] == NULL || shard_has_ended(shards[i])) {
            i++;
        } else if (sigtimedwait(signals, NULL, &moment) > 0 && !hurried) {
            hurried = true;
            for (size_t j = i; j < count; j++) {
                if (shards[j] != NULL) {
                    shard_hurry(shards[j]);
                }
            }
        }
    }
}

static aip_status
run_shards(gateway *g, gateway_settings *settings, shard **shards, int *sockets, aip_error *err)
{
    size_t opened = 0, started = 0;
    int figures = -1;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by the shards: only this thread takes them */
    sigdelset(&signals, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log at the size limit is a failed write, which refuses the request */
    unsigned connections_max = (unsigned)((settings->front.connections + settings->threads - 1) / settings->threads);
    aip_status status = start_threads(g, err);
    status = status == AIP_OK ? open_listeners(settings, sockets, &opened, err) : status;
    status = status == AIP_OK ? open_figures(&settings->front, &figures, err) : status;
    while (status == AIP_OK && started < opened) {
        const shard_setup setup = {sockets[started], started == 0 ? figures : -1, connections_max};
        status = shard_start(g, &setup, &shards[started], err);
        started++; /* also on failure: the sockets are the shard's */
    }
    for (size_t i = started; i < opened; i++) {
        close(sockets[i]);
    }
    if (status == AIP_OK) {
        announce(settings);
        (void)reload_wait(g, &signals);
    }
    atomic_store(&g->draining, true);
    for (size_t i = 0; i < started; i++) {
        if (shards[i] != NULL) {
            shard_stop(shards[i]);
        }
    }
    wait_for_drain(shards, started, &signals);
    for (size_t i = 0; i < started; i++) {
        shard_join(&shards[i]);
    }
    return status;
}

aip_status
gateway_serve(gateway *g, gateway_settings *settings, aip_error *err)
{
    shard **shards = calloc(settings->threads, sizeof(shard *));
    int *sockets = calloc(settings->threads, sizeof(int));
    aip_status status = shards == NULL || sockets == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL)
                                                          : run_shards(g, settings, shards, sockets, err);
    free(shards);
    free(sockets);
    return status;
}

aip_status
gateway_front_open(gateway *g, aip_error *err)
{
    const front_settings *front = &g->settings->front;
    const tls_files files = {front->tls_certificate, front->tls_key, front->tls_client_ca};
    AIP_TRY(limits_new(3 * front->connections, &g->limits, err)); /* each connection and its request count thrice */
    AIP_TRY(metrics_new(g->settings->threads, &g->figures, err));
    return front->tls_key == NULL ? AIP_OK : tls_open(&files, &g->tls, err);
}

void
gateway_front_close(gateway *g)
{
    limits_free(&g->limits);
    metrics_free(&g->figures);
    tls_close(&g->tls);
}
