/* The admin socket's thread: a few clients, each known by the kernel's word about who it is. */
#include "gateway/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/thread.h"

enum {
    CLIENTS_MAX = 8,
    BACKLOG = 8,
    LINE_BYTES_MAX = 16384,
    IDLE_MICROSECONDS = 60 * 1000000,
    TICK_MILLISECONDS = 1000,
    READ_BYTES = 4096,
    BY_SIZE = 64,
};

typedef struct {
    int fd; /* -1: nobody */
    char by[BY_SIZE];
    text_buffer in, out;
    size_t sent;      /* of out */
    bool last;        /* nothing more is taken from it */
    uint64_t touched; /* monotonic microseconds */
} client;

struct admin {
    admin_setup setup;
    int listener, wake;
    bool bound; /* the socket in the file system is ours */
    client clients[CLIENTS_MAX];
    atomic_bool stopping;
    bool started;
    pthread_t thread;
};

/* ---- clients ---- */

static void
drop(client *c)
{
    close(c->fd);
    text_clear(&c->in);
    text_clear(&c->out);
    *c = (client){.fd = -1};
}

/* The user's name, or its number where it has none. */
static void
name_user(uid_t uid, char out[BY_SIZE])
{
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found != NULL) {
        (void)aip_printable(aip_bytes_of(found->pw_name), out, BY_SIZE);
    } else {
        snprintf(out, BY_SIZE, "uid %u", (unsigned)uid);
    }
}

/* O-11: the gateway's own user and root. */
static bool
may_ask(int fd, char by[BY_SIZE])
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer ||
        (peer.uid != 0 && peer.uid != geteuid())) {
        return false;
    }
    name_user(peer.uid, by);
    return true;
}

static void
take_client(admin *a)
{
    char by[BY_SIZE];
    int fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return;
    }
    client *free_one = NULL;
    for (size_t i = 0; i < CLIENTS_MAX && free_one == NULL; i++) {
        free_one = a->clients[i].fd < 0 ? &a->clients[i] : NULL;
    }
    if (free_one == NULL || !may_ask(fd, by)) {
        close(fd);
        return;
    }
    *free_one = (client){.fd = fd, .touched = clock_monotonic_microseconds()};
    memcpy(free_one->by, by, sizeof by);
}

static void
answer_line(const admin *a, client *c, const char *end)
{
    size_t size = (size_t)(end - c->in.data);
    admin_answer(&a->setup, (aip_bytes){(const unsigned char *)c->in.data, size}, c->by, &c->out);
    text_append_string(&c->out, "\n");
    memmove(c->in.data, end + 1, c->in.size - size - 1);
    c->in.size -= size + 1;
}

/* One after the other: what was asked meanwhile waits until the answer is gone. */
static void
answer_next(const admin *a, client *c)
{
    const char *end = c->in.size == 0 ? NULL : memchr(c->in.data, '\n', c->in.size);
    if (c->out.size > 0 || c->last) {
        return;
    }
    if (end != NULL) {
        answer_line(a, c, end);
    } else if (c->in.size > LINE_BYTES_MAX) {
        text_append_string(&c->out, "{\"ok\":false,\"code\":\"json.size\",\"message\":\"The line is too long.\"}\n");
        c->last = true;
    }
}

static bool
receive(client *c)
{
    char room[READ_BYTES];
    ssize_t got = recv(c->fd, room, sizeof room, 0);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    text_append(&c->in, (aip_bytes){(const unsigned char *)room, (size_t)got});
    c->touched = clock_monotonic_microseconds();
    return !c->in.failed;
}

static bool
send_more(client *c)
{
    if (c->out.failed) {
        return false;
    }
    if (c->out.size == 0) {
        return true;
    }
    ssize_t put = send(c->fd, c->out.data + c->sent, c->out.size - c->sent, MSG_NOSIGNAL);
    if (put < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    c->sent += (size_t)put;
    c->touched = clock_monotonic_microseconds();
    if (c->sent == c->out.size) {
        text_clear(&c->out);
        c->sent = 0;
    }
    return true;
}

static void
serve_client(const admin *a, client *c, short ready)
{
    bool lives = (ready & (POLLIN | POLLHUP | POLLERR)) == 0 || c->out.size > 0 || receive(c);
    for (bool more = lives; more;) {
        answer_next(a, c);
        more = c->out.size > 0;
        lives = send_more(c);
        more = more && lives && c->out.size == 0;
    }
    bool idle = clock_monotonic_microseconds() - c->touched > IDLE_MICROSECONDS;
    if (!lives || idle || (c->last && c->out.size == 0) || ((ready & (POLLHUP | POLLERR)) != 0 && c->out.size > 0)) {
        drop(c);
    }
}

/* ---- the thread ---- */

static void
run_round(admin *a)
{
    struct pollfd fds[CLIENTS_MAX + 2] = {{a->wake, POLLIN, 0}, {a->listener, POLLIN, 0}};
    bool any = false;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const client *c = &a->clients[i];
        fds[i + 2] = (struct pollfd){c->fd, c->out.size > 0 ? POLLOUT : POLLIN, 0};
        any |= c->fd >= 0;
    }
    (void)poll(fds, CLIENTS_MAX + 2, any ? TICK_MILLISECONDS : -1);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (a->clients[i].fd >= 0) {
            serve_client(a, &a->clients[i], fds[i + 2].revents);
        }
    }
    if ((fds[1].revents & POLLIN) != 0) {
        take_client(a);
    }
}

static void *
run(void *context)
{
    admin *a = context;
    while (!atomic_load(&a->stopping)) {
        run_round(a);
    }
    return NULL;
}

/* ---- start and end ---- */

aip_status
admin_check_path(const char *path, aip_error *err)
{
    struct sockaddr_un where;
    return path[0] != '\0' && strlen(path) < sizeof where.sun_path
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "the path of a socket has 1 to %zu bytes",
                          sizeof where.sun_path - 1);
}

static struct sockaddr_un
address_of(const char *path)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    memcpy(where.sun_path, path, strlen(path)); /* admin_check_path */
    return where;
}

/* A socket at which nobody answers is of a gateway that ended without being asked to. */
static aip_status
make_room(const struct sockaddr_un *where, aip_error *err)
{
    struct stat facts;
    if (lstat(where->sun_path, &facts) != 0) {
        return errno == ENOENT ? AIP_OK : aip_fail(err, AIP_IO, "admin socket: %s", strerror(errno));
    }
    if (!S_ISSOCK(facts.st_mode)) {
        return aip_fail(err, AIP_CONFIG_INVALID, "the path of the admin socket is something else already");
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)where, sizeof *where) != 0 && errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    if (!dead) {
        return aip_fail(err, AIP_LISTEN, "another gateway answers at the admin socket");
    }
    return unlink(where->sun_path) == 0 ? AIP_OK : aip_fail(err, AIP_IO, "admin socket: %s", strerror(errno));
}

/* The mode of an unbound socket is that of the file that bind makes: nobody else gets in between. */
static aip_status
bind_socket(admin *a, aip_error *err)
{
    const struct sockaddr_un where = address_of(a->setup.path);
    AIP_TRY(make_room(&where, err));
    a->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    a->bound = a->listener >= 0 && fchmod(a->listener, 0600) == 0 &&
               bind(a->listener, (const struct sockaddr *)&where, sizeof where) == 0;
    if (!a->bound || chmod(where.sun_path, 0600) != 0 || listen(a->listener, BACKLOG) != 0) {
        return aip_fail(err, AIP_LISTEN, "admin socket: %s", strerror(errno));
    }
    return AIP_OK;
}

aip_status
admin_open(const admin_setup *setup, admin **out, aip_error *err)
{
    *out = NULL;
    AIP_TRY(admin_check_path(setup->path, err));
    admin *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    a->setup = *setup;
    a->listener = -1;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        a->clients[i].fd = -1;
    }
    a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    aip_status status = a->wake < 0 ? aip_fail(err, AIP_IO, "eventfd: %s", strerror(errno)) : bind_socket(a, err);
    if (status != AIP_OK) {
        admin_close(&a);
        return status;
    }
    *out = a;
    return AIP_OK;
}

aip_status
admin_start(admin *a, aip_error *err)
{
    aip_status status = thread_start(&a->thread, run, a, "of the admin socket", err);
    a->started = status == AIP_OK;
    return status;
}

void
admin_close(admin **a)
{
    admin *each = *a;
    uint64_t one = 1;
    if (each == NULL) {
        return;
    }
    if (each->started) {
        atomic_store(&each->stopping, true);
        (void)!write(each->wake, &one, sizeof one);
        pthread_join(each->thread, NULL);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (each->clients[i].fd >= 0) {
            drop(&each->clients[i]);
        }
    }
    if (each->bound) {
        unlink(each->setup.path);
    }
    if (each->listener >= 0) {
        close(each->listener);
    }
    if (each->wake >= 0) {
        close(each->wake);
    }
    free(each);
    *a = NULL;
}
