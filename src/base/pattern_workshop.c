/* The workshop: a process that makes one more for each order, and both ends of the way there. */
#include "base/pattern_workshop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pattern_inside.h"

enum {
    ORDERS = 3,       /* the socket's number in the workshop */
    SECONDS_MAX = 30, /* of processor time for one set; the built-in ones take a fifth of a second */
    PIECE_BYTES = 65536,
};
#define MEMORY_BYTES_MAX ((rlim_t)1 << 30)

static int workshop = -1; /* where to send the end of a socket that an order comes through; -1: there is none */
static pid_t workshop_pid;

/* ---- both sides ---- */

static bool
send_all(int to, aip_bytes bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(to, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        bytes = aip_bytes_from(bytes, sent < 0 ? 0 : (size_t)sent);
    }
    return true;
}

/* Until the other side says no more. */
static bool
receive_all(int from, text_buffer *out)
{
    unsigned char piece[PIECE_BYTES];
    ssize_t got = 1;
    while (got != 0) {
        got = recv(from, piece, sizeof piece, 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        text_append(out, (aip_bytes){piece, got < 0 ? 0 : (size_t)got});
    }
    return !out->failed;
}

typedef union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} descriptor_space;

/* ---- in the workshop ---- */

/* No more than that, nor than this process may have. */
static void
limit(int what, rlim_t most)
{
    struct rlimit both;
    if (getrlimit((__rlimit_resource_t)what, &both) == 0) {
        both.rlim_max = both.rlim_max < most ? both.rlim_max : most;
        both.rlim_cur = both.rlim_cur < both.rlim_max ? both.rlim_cur : both.rlim_max;
        (void)setrlimit((__rlimit_resource_t)what, &both);
    }
}

_Noreturn static void
serve_order(int place)
{
    text_buffer order = {0}, reply = {0};
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, SECONDS_MAX);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose own tables are larger */
    limit(RLIMIT_DATA, MEMORY_BYTES_MAX);
#endif
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || !receive_all(place, &order)) {
        _exit(1);
    }
    pattern_compile(text_view(&order), &reply);
    _exit(reply.failed || !send_all(place, text_view(&reply)));
}

/* -1: the gateway is gone. */
static int
receive_descriptor(int orders)
{
    char byte;
    descriptor_space space = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space.bytes};
    if (recvmsg(orders, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL) {
        return -1;
    }
    int place;
    memcpy(&place, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof place);
    return place;
}

/* Leaves the gateway's terminal, descriptors and signals. */
static void
settle(int orders)
{
    sigset_t all;
    prctl(PR_SET_NAME, "aip-patterns");
    setsid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); /* it ends when the gateway does */
    signal(SIGCHLD, SIG_IGN);             /* nobody waits for the processes that it makes */
    int none = open("/dev/null", O_RDWR);
    int moved = fcntl(orders, F_DUPFD, ORDERS + 1);
    if (none < 0 || moved < 0 || dup2(none, 0) < 0 || dup2(none, 1) < 0 || dup2(none, 2) < 0 ||
        dup2(moved, ORDERS) < 0 || close_range(ORDERS + 1, ~0u, 0) != 0) {
        _exit(1);
    }
}

_Noreturn static void
run(int orders)
{
    settle(orders);
    for (int place = receive_descriptor(ORDERS); place >= 0; place = receive_descriptor(ORDERS)) {
        if (fork() == 0) {
            close(ORDERS);
            serve_order(place);
        }
        close(place);
    }
    _exit(0);
}

/* ---- in the gateway ---- */

aip_status
pattern_workshop_open(aip_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return aip_fail(err, AIP_IO, "socketpair: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) {
        run(pair[1]);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return aip_fail(err, AIP_IO, "fork: %s", strerror(errno));
    }
    workshop = pair[0];
    workshop_pid = pid;
    return AIP_OK;
}

void
pattern_workshop_close(void)
{
    if (workshop >= 0) {
        close(workshop);
        workshop = -1;
        while (waitpid(workshop_pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
}

static bool
send_descriptor(int place)
{
    char byte = 0;
    descriptor_space space = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof place);
    memcpy(CMSG_DATA(head), &place, sizeof place);
    return sendmsg(workshop, &message, MSG_NOSIGNAL) == 1;
}

aip_status
pattern_workshop_compile(aip_bytes order, text_buffer *reply, aip_error *err)
{
    int pair[2];
    if (workshop < 0) {
        pattern_compile(order, reply);
        return text_finish(reply, err);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return aip_fail(err, AIP_IO, "socketpair: %s", strerror(errno));
    }
    bool sent = send_descriptor(pair[1]);
    close(pair[1]);
    aip_status status = sent ? AIP_OK : aip_fail(err, AIP_IO, "the process that compiles patterns is gone");
    if (status == AIP_OK && send_all(pair[0], order) && shutdown(pair[0], SHUT_WR) == 0) {
        (void)receive_all(pair[0], reply); /* what is missing is missed by who reads it */
    }
    close(pair[0]);
    return status == AIP_OK ? text_finish(reply, err) : status;
}
