/* The spawner's process: one thread that starts children, passes signals on, reaps, and kills what is left. */
#include "net/spawner_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "aip/limits.h"

enum {
    ORDERS = 3,         /* the socket's number here */
    CANNOT_START = 127, /* exit code of a child that did not become its program; told as a failure */
    LAST_ROUNDS = 200,  /* at the end, a hundredth of a second each: SIGKILL needs no time, unless a disk hangs */
    ROUND_NANOSECONDS = 10000000,
};

typedef struct {
    pid_t pid;   /* 0: the place is free */
    int control; /* -1: its owner is gone, and the group was killed */
} charge;

static charge charges[AIP_CHILDREN_MAX];
static size_t charge_count;
static pid_t self;
static char order[AIP_CHILD_ORDER_BYTES_MAX];
static char *words[AIP_CHILD_WORDS_MAX + 2]; /* arguments, NULL, environment, NULL */

static void
leave(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void
tell(int control, spawner_kind kind, int value)
{
    spawner_word word = {.kind = (int32_t)kind, .value = value};
    if (control >= 0) {
        (void)!send(control, &word, sizeof word, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

/* Points `words` into the order. */
static bool
read_order(size_t size, const char **directory, char ***environment)
{
    spawner_order head;
    if (size < sizeof head || order[size - 1] != '\0') {
        return false;
    }
    memcpy(&head, order, sizeof head);
    if (head.arguments == 0 || head.arguments > AIP_CHILD_WORDS_MAX ||
        head.variables > AIP_CHILD_WORDS_MAX - head.arguments) {
        return false;
    }
    char *at = order + sizeof head, *end = order + size;
    size_t count = (size_t)head.arguments + head.variables, place = 0;
    *directory = at;
    for (size_t i = 0; i < count; i++) {
        at += strlen(at) + 1;
        if (at >= end) {
            return false;
        }
        words[place++] = at;
        if (i + 1 == head.arguments) {
            words[place++] = NULL;
        }
    }
    words[place] = NULL;
    *environment = words + head.arguments + 1;
    return true;
}

/* Signals as a program expects them at its start. */
static void
reset_signals(void)
{
    sigset_t none;
    for (int i = 1; i <= SIGRTMAX; i++) {
        (void)signal(i, SIG_DFL); /* refused for some; they are so already */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: becomes the program, or writes errno. All descriptors but 0 to 2 are close-on-exec. */
_Noreturn static void
become(const char *directory, char **environment, const int *descriptors, int report)
{
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != self) {
        _exit(CANNOT_START);
    }
    bool ready = dup2(descriptors[0], 0) == 0 && dup2(descriptors[1], 1) == 1 && dup2(descriptors[2], 2) == 2 &&
                 (directory[0] == '\0' || chdir(directory) == 0);
    if (ready) {
        reset_signals();
        environ = environment;
        execvp(words[0], words);
    }
    int why = errno;
    (void)!write(report, &why, sizeof why);
    _exit(CANNOT_START);
}

/* Forks and waits until the program runs. Returns its process id; 0 with *why. */
static pid_t
launch(const char *directory, char **environment, const int *descriptors, int *why)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        *why = errno;
        return 0;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(directory, environment, descriptors, report[1]);
    }
    *why = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0) {
        setpgid(pid, pid); /* on both sides, so that the group is there for the first signal */
        ssize_t got = read(report[0], why, sizeof *why);
        if (got == (ssize_t)sizeof *why) {
            (void)waitpid(pid, NULL, 0);
            pid = 0;
        }
    }
    close(report[0]);
    return pid > 0 ? pid : 0;
}

static charge *
free_place(void)
{
    for (size_t i = 0; i < charge_count; i++) {
        if (charges[i].pid == 0) {
            return &charges[i];
        }
    }
    return charge_count < AIP_CHILDREN_MAX ? &charges[charge_count++] : NULL;
}

/* Takes `descriptors`. */
static void
obey(size_t size, const int *descriptors)
{
    const char *directory = NULL;
    char **environment = NULL;
    int why = EINVAL, control = descriptors[SPAWNER_DESCRIPTORS - 1];
    charge *place = free_place();
    pid_t pid = 0;
    if (place == NULL) {
        why = EAGAIN;
    } else if (read_order(size, &directory, &environment)) {
        pid = launch(directory, environment, descriptors, &why);
    }
    for (size_t i = 0; i + 1 < SPAWNER_DESCRIPTORS; i++) {
        leave(descriptors[i]);
    }
    if (pid == 0) {
        tell(control, SPAWNER_FAILED, why);
        leave(control);
        return;
    }
    *place = (charge){pid, control};
    tell(control, SPAWNER_STARTED, pid);
}

/* False: the gateway is gone. */
static bool
take_order(void)
{
    union {
        char bytes[CMSG_SPACE(SPAWNER_DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } space;
    struct iovec part = {.iov_base = order, .iov_len = sizeof order};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof space.bytes};
    ssize_t got = recvmsg(ORDERS, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    int descriptors[SPAWNER_DESCRIPTORS] = {-1, -1, -1, -1};
    const struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    size_t size = head == NULL ? 0 : head->cmsg_len - CMSG_LEN(0);
    if (size > 0 && size <= sizeof descriptors) { /* fewer when descriptors ran out here */
        memcpy(descriptors, CMSG_DATA(head), size);
    }
    obey((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || size < sizeof descriptors ? 0 : (size_t)got,
         descriptors);
    return true;
}

/* The owner's word, or its end. */
static void
take_word(charge *c)
{
    int32_t wanted = 0;
    ssize_t got = recv(c->control, &wanted, sizeof wanted, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        close(c->control);
        c->control = -1;
        wanted = SIGKILL;
    }
    if (c->pid > 0 && (wanted == SIGTERM || wanted == SIGKILL)) {
        kill(-c->pid, wanted);
    }
}

static charge *
find_charge(pid_t pid)
{
    for (size_t i = 0; i < charge_count; i++) {
        if (charges[i].pid == pid) {
            return &charges[i];
        }
    }
    return NULL;
}

/* Reaps all that ended. A leader that is not reaped yet keeps its group's number from being given to others: so its
 * group is killed first. */
static void
reap(void)
{
    for (;;) {
        siginfo_t info = {0};
        int status = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
            return;
        }
        charge *c = find_charge(info.si_pid);
        if (c != NULL) {
            kill(-info.si_pid, SIGKILL);
        }
        (void)waitpid(info.si_pid, &status, 0);
        if (c != NULL) {
            tell(c->control, SPAWNER_ENDED, status);
            leave(c->control);
            *c = (charge){0, -1};
        }
    }
}

/* Kills what left its group: having lost its parents, it is a child of this process now. */
static void
kill_strays(void)
{
    char text[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    leave(fd);
    text[got > 0 ? got : 0] = '\0';
    char *at = text;
    for (long pid = strtol(at, &at, 10); pid > 1 && *at == ' '; pid = strtol(at, &at, 10)) {
        kill((pid_t)pid, SIGKILL); /* nobody else reaps it, so the number is its own */
    }
}

_Noreturn static void
end_all(void)
{
    const struct timespec round = {.tv_nsec = ROUND_NANOSECONDS};
    for (size_t i = 0; i < charge_count; i++) {
        if (charges[i].pid > 0) {
            kill(-charges[i].pid, SIGKILL);
        }
    }
    for (int i = 0; i < LAST_ROUNDS; i++) {
        reap();
        kill_strays();
        if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD) {
            break;
        }
        nanosleep(&round, NULL);
    }
    _exit(0);
}

/* Leaves the gateway's terminal, descriptors and signals. Returns where deaths are told. */
static int
settle(int orders)
{
    sigset_t all, deaths;
    self = getpid();
    prctl(PR_SET_NAME, "aip-spawner");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    setsid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all,
                NULL); /* whoever stops a service's every process does not end it before the gateway */
    signal(SIGCHLD, SIG_DFL);
    int moved = fcntl(orders, F_DUPFD_CLOEXEC, ORDERS + 1);
    int none = open("/dev/null", O_RDWR);
    if (moved < 0 || none < 0 || dup2(none, 0) < 0 || dup2(none, 1) < 0 || dup2(none, 2) < 0 ||
        dup3(moved, ORDERS, O_CLOEXEC) < 0 || close_range(ORDERS + 1, ~0u, 0) != 0) {
        _exit(CANNOT_START);
    }
    sigemptyset(&deaths);
    sigaddset(&deaths, SIGCHLD);
    return signalfd(-1, &deaths, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
serve_charges(const struct pollfd *ready)
{
    for (size_t i = 0; i < charge_count; i++) {
        /* One that was started since the poll has no word yet: its place gets nothing. */
        if (ready[i].revents != 0 && charges[i].control == ready[i].fd) {
            take_word(&charges[i]);
        }
    }
}

_Noreturn void
spawner_run(int orders)
{
    static struct pollfd ready[AIP_CHILDREN_MAX + 2];
    int deaths = settle(orders);
    for (bool open = deaths >= 0; open;) {
        struct signalfd_siginfo told;
        ready[0] = (struct pollfd){.fd = ORDERS, .events = POLLIN};
        ready[1] = (struct pollfd){.fd = deaths, .events = POLLIN};
        size_t count = charge_count;
        for (size_t i = 0; i < AIP_CHILDREN_MAX; i++) {
            ready[i + 2] =
                (struct pollfd){.fd = i < count && charges[i].pid > 0 ? charges[i].control : -1, .events = POLLIN};
        }
        if (poll(ready, (nfds_t)count + 2, -1) <= 0) {
            continue;
        }
        serve_charges(ready + 2);
        if (ready[1].revents != 0) {
            while (read(deaths, &told, sizeof told) > 0) {
            }
            reap();
        }
        open = ready[0].revents == 0 || take_order();
    }
    end_all();
}
