/* A line to a program behind a pipe and back: through net/child on an epoll, beside a bare pipe, in turn in one run. */
#include "tests/bench/bench.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/child.h"

enum { ROUNDS = 20, TRIPS = 250, LINE_BYTES = 300, LARGE_BYTES = 262144 };

static char text[LARGE_BYTES + 1];
static int epoll_fd, input, output; /* of the bare pipe */
static child *server;
static unsigned lines;

static void
on_started(void *context)
{
    (void)context;
}

static void
on_line(void *context, aip_bytes line)
{
    (void)context;
    lines += line.size > 0 ? 1 : 0;
}

static void
on_damaged(void *context, child_damage damage, size_t bytes)
{
    (void)context;
    (void)damage;
    (void)bytes;
    require(AIP_UPSTREAM_INVALID, "a line came back damaged");
}

static void
on_said(void *context, const char *said, uint64_t missed)
{
    (void)context;
    (void)said;
    (void)missed;
}

static void
on_ended(void *context, const child_end *end)
{
    (void)context;
    (void)end;
    require(AIP_UPSTREAM_UNREACHABLE, "the program ended");
}

static void
turn(void)
{
    struct epoll_event ready[8];
    int count = epoll_wait(epoll_fd, ready, 8, -1);
    for (int i = 0; i < count; i++) {
        child_ready(ready[i].data.u64, ready[i].events, clock_monotonic_microseconds());
    }
    child_tick(server, clock_monotonic_microseconds());
}

static double
trip_child(size_t size)
{
    uint64_t begun = nanoseconds();
    unsigned wanted = lines + 1;
    if (child_send(server, (aip_bytes){(const unsigned char *)text, size}) != CHILD_TAKEN) {
        require(AIP_UPSTREAM_UNREACHABLE, "the program does not take a line");
    }
    while (lines != wanted) {
        turn();
    }
    return (double)(nanoseconds() - begun) / 1000;
}

static double
trip_bare(size_t size)
{
    static char back[LARGE_BYTES + 1];
    uint64_t begun = nanoseconds();
    size_t got = 0, sent = 0;
    while (got <= size) {
        size_t piece = size + 1 - sent < 65536 ? size + 1 - sent : 65536;
        sent += piece > 0 ? (size_t)write(input, text + sent, piece) : 0;
        got += (size_t)read(output, back, sizeof back);
    }
    return (double)(nanoseconds() - begun) / 1000;
}

static void
open_bare(void)
{
    int in[2], out[2];
    if (pipe2(in, 0) != 0 || pipe2(out, 0) != 0) {
        require(AIP_IO, "pipe");
    }
    if (fork() == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execlp("cat", "cat", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    input = in[1];
    output = out[0];
}

static void
measure(const char *name, size_t size)
{
    static double bare[ROUNDS * TRIPS], with[ROUNDS * TRIPS];
    memset(text, 'a', sizeof text);
    text[size] = '\n';
    for (size_t i = 0; i < ROUNDS; i++) {
        for (size_t k = 0; k < TRIPS; k++) {
            bare[i * TRIPS + k] = trip_bare(size);
        }
        for (size_t k = 0; k < TRIPS; k++) {
            with[i * TRIPS + k] = trip_child(size);
        }
    }
    double bare_p50 = median(bare, ROUNDS * TRIPS), with_p50 = median(with, ROUNDS * TRIPS);
    printf("%-8s bare pipe p50 %7.1f us, p99 %7.1f; net/child p50 %7.1f us, p99 %7.1f; added p50 %.1f us\n", name,
           bare_p50, bare[ROUNDS * TRIPS * 99 / 100], with_p50, with[ROUNDS * TRIPS * 99 / 100], with_p50 - bare_p50);
}

int
main(void)
{
    const child_events events = {on_started, on_line, on_damaged, on_said, on_started, on_ended};
    const char *const arguments[] = {"cat", NULL};
    spawner *starter = NULL;
    require(spawner_open(&starter, NULL), "the spawner");
    open_bare();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    child_setup setup = {.spawner = starter, .command.arguments = arguments, .epoll_fd = epoll_fd};
    require(child_start(&setup, &events, NULL, clock_monotonic_microseconds(), &server, NULL), "the program");
    measure("300 B", LINE_BYTES);
    measure("256 KiB", LARGE_BYTES - 1);
    child_close(&server);
    spawner_close(&starter);
    close(input);
    (void)wait(NULL);
    return 0;
}
