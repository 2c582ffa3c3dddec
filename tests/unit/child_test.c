/* Children that behave and children that do not: real programs, and a clock that can be moved on. */
#include "net/child.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aip/limits.h"
#include "base/clock.h"
#include "check.h"

enum { SECOND = 1000000, PATIENCE = 10 * SECOND };

/* One child on its own loop, and all that it told. */
static struct {
    spawner *spawner;
    int epoll_fd;
    child *child;
    uint64_t moved_on; /* how far the clock was moved */
    atomic_int started, ends;
    int lines, drains, long_ones, torn_ones, said;
    size_t line_bytes, damaged_bytes;
    uint64_t missed;
    char line[256], text[600];
    child_end end;
    bool stops; /* at the next line */
    int descriptors;
} run;

static uint64_t
now(void)
{
    return clock_monotonic_microseconds() + run.moved_on;
}

static void
on_started(void *context)
{
    (void)context;
    run.started++;
}

static void
on_line(void *context, aip_bytes line)
{
    (void)context;
    run.lines++;
    run.line_bytes += line.size;
    snprintf(run.line, sizeof run.line, "%.*s", (int)line.size, (const char *)line.data);
    if (run.stops) {
        child_stop(run.child, now());
    }
}

static void
on_damaged(void *context, child_damage damage, size_t bytes)
{
    (void)context;
    run.damaged_bytes = bytes;
    run.long_ones += damage == CHILD_LINE_LONG ? 1 : 0;
    run.torn_ones += damage == CHILD_LINE_TORN ? 1 : 0;
}

static void
on_said(void *context, const char *text, uint64_t missed)
{
    (void)context;
    run.said++;
    run.missed += missed;
    if (*text != '\0') {
        snprintf(run.text, sizeof run.text, "%s", text);
    }
}

static void
on_drained(void *context)
{
    (void)context;
    run.drains++;
}

static void
on_ended(void *context, const child_end *end)
{
    (void)context;
    run.ends++;
    run.end = *end;
}

static const child_events events = {on_started, on_line, on_damaged, on_said, on_drained, on_ended};

static int
count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count++;
    }
    closedir(folder);
    return count;
}

static void
begin_run(void)
{
    memset(&run, 0, sizeof run);
    run.descriptors = count_descriptors();
    CHECK_STATUS(spawner_open(&run.spawner, NULL), AIP_OK);
    run.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
}

/* Nothing is left: no descriptor, no child. */
static void
end_run(void)
{
    child_close(&run.child);
    spawner_close(&run.spawner);
    close(run.epoll_fd);
    CHECK(count_descriptors() == run.descriptors);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static aip_status
start(child_setup setup, const char *const *arguments)
{
    setup.spawner = run.spawner;
    setup.epoll_fd = run.epoll_fd;
    setup.tag = 5;
    setup.command.arguments = arguments;
    return child_start(&setup, &events, NULL, now(), &run.child, NULL);
}

static void
start_shell(child_setup setup, const char *script)
{
    const char *arguments[] = {"/bin/sh", "-c", script, NULL};
    begin_run();
    CHECK_STATUS(start(setup, arguments), AIP_OK);
}

static void
turn(int most_milliseconds)
{
    struct epoll_event ready[8];
    int timeout = child_timeout_ms(run.child, now());
    timeout = timeout < 0 || timeout > most_milliseconds ? most_milliseconds : timeout;
    int count = epoll_wait(run.epoll_fd, ready, 8, timeout);
    for (int i = 0; i < count; i++) {
        CHECK((ready[i].data.u64 & 7) == 5);
        child_ready(ready[i].data.u64, ready[i].events, now());
    }
    child_tick(run.child, now());
}

/* Turns the loop until the condition holds; false when it does not within ten seconds. */
#define UNTIL(condition)                                                     \
    do {                                                                     \
        uint64_t until_end = clock_monotonic_microseconds() + PATIENCE;      \
        while (!(condition) && clock_monotonic_microseconds() < until_end) { \
            turn(20);                                                        \
        }                                                                    \
        CHECK(condition);                                                    \
    } while (0)

static void
turn_for(unsigned milliseconds)
{
    uint64_t end = clock_monotonic_microseconds() + milliseconds * 1000u;
    while (clock_monotonic_microseconds() < end) {
        turn(5);
    }
}

static child_verdict
send_text(const char *text)
{
    return child_send(run.child, aip_bytes_of(text));
}

/* Does the process live, and not as a zombie? */
static bool
is_alive(long pid)
{
    char path[64], state = 'X';
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    fclose(file);
    return read && state != 'Z' && state != 'X';
}

static bool
is_gone(long pid)
{
    for (int i = 0; i < 500 && is_alive(pid); i++) {
        poll(NULL, 0, 10);
    }
    return pid > 1 && !is_alive(pid);
}

static void
a_line_goes_in_and_comes_back(void)
{
    start_shell((child_setup){0}, "exec cat");
    CHECK(child_look(run.child).state == CHILD_STARTING);
    CHECK(send_text("{\"early\":1}") == CHILD_TAKEN);
    UNTIL(run.lines == 1);
    CHECK_TEXT(run.line, "{\"early\":1}");
    UNTIL(run.started == 1);
    CHECK(child_look(run.child).state == CHILD_RUNNING && child_look(run.child).pid > 1);
    CHECK(child_timeout_ms(run.child, now()) == -1);
    CHECK(send_text("two") == CHILD_TAKEN && send_text("three") == CHILD_TAKEN);
    UNTIL(run.lines == 3);
    CHECK_TEXT(run.line, "three");
    child_stop(run.child, now());
    CHECK(send_text("late") == CHILD_GONE);
    UNTIL(run.ends == 1);
    CHECK(run.end.started && run.end.code == 0 && run.end.signal == 0);
    CHECK(child_look(run.child).state == CHILD_STOPPED && child_look(run.child).pid == 0);
    CHECK(run.torn_ones == 0 && run.long_ones == 0);
    end_run();
}

static void
the_exit_code_is_told_and_the_last_words_before_it(void)
{
    start_shell((child_setup){0}, "echo last; exit 7");
    UNTIL(run.ends == 1);
    CHECK(run.end.started && run.end.code == 7 && run.end.signal == 0);
    CHECK(run.lines == 1);
    CHECK_TEXT(run.line, "last");
    CHECK(child_look(run.child).state == CHILD_STOPPED && child_timeout_ms(run.child, now()) == -1);
    end_run();
}

static void
a_signal_that_ends_it_is_told_as_a_shell_tells_it(void)
{
    start_shell((child_setup){0}, "kill -SEGV $$");
    UNTIL(run.ends == 1);
    CHECK(run.end.code == 128 + SIGSEGV && run.end.signal == SIGSEGV);
    end_run();
}

static void
a_program_that_is_not_there_is_a_failed_start(void)
{
    begin_run();
    CHECK_STATUS(start((child_setup){0}, (const char *[]){"/no/such/program", NULL}), AIP_OK);
    UNTIL(run.ends == 1);
    CHECK(!run.end.started && run.end.code == 127 && run.end.start_error == ENOENT && run.started == 0);
    CHECK(child_look(run.child).state == CHILD_STOPPED);
    end_run();
}

static void
a_folder_that_is_not_there_and_a_file_that_is_no_program_fail_too(void)
{
    begin_run();
    child_setup setup = {.command.directory = "/no/such/folder"};
    CHECK_STATUS(start(setup, (const char *[]){"true", NULL}), AIP_OK);
    UNTIL(run.ends == 1);
    CHECK(!run.end.started && run.end.start_error == ENOENT);
    child_close(&run.child);
    CHECK_STATUS(start((child_setup){0}, (const char *[]){"/etc/passwd", NULL}), AIP_OK);
    UNTIL(run.ends == 2);
    CHECK(!run.end.started && run.end.start_error == EACCES && run.end.code == 126);
    end_run();
}

static void
commands_that_cannot_be_are_refused_before_a_start(void)
{
    begin_run();
    CHECK_STATUS(start((child_setup){0}, (const char *[]){NULL}), AIP_CONFIG_INVALID);
    CHECK_STATUS(start((child_setup){0}, (const char *[]){"", NULL}), AIP_CONFIG_INVALID);
    child_setup setup = {.command.set = (const char *[]){"NOVALUE", NULL}};
    CHECK_STATUS(start(setup, (const char *[]){"true", NULL}), AIP_CONFIG_INVALID);
    setup.command.set = (const char *[]){"=x", NULL};
    CHECK_STATUS(start(setup, (const char *[]){"true", NULL}), AIP_CONFIG_INVALID);
    setup.command.set = (const char *[]){"A=1", "A=2", NULL};
    CHECK_STATUS(start(setup, (const char *[]){"true", NULL}), AIP_CONFIG_INVALID);
    setup = (child_setup){.command.pass = (const char *[]){"A=1", NULL}};
    CHECK_STATUS(start(setup, (const char *[]){"true", NULL}), AIP_CONFIG_INVALID);
    static char large[AIP_CHILD_ORDER_BYTES_MAX];
    memset(large, 'x', sizeof large - 1);
    CHECK_STATUS(start((child_setup){0}, (const char *[]){"true", large, NULL}), AIP_CONFIG_INVALID);
    CHECK(run.child == NULL);
    large[sizeof large - 20000] = '\0'; /* and the largest that fits travels whole */
    CHECK_STATUS(start((child_setup){0}, (const char *[]){"sh", "-c", "echo ${#1}", "sh", large, NULL}), AIP_OK);
    UNTIL(run.ends == 1);
    CHECK(run.lines == 1 && strtoul(run.line, NULL, 10) == sizeof large - 20000);
    end_run();
}

static void
the_environment_holds_what_is_listed_and_nothing_else(void)
{
    setenv("AIP_TEST_SECRET", "key", 1);
    setenv("AIP_TEST_PASSED", "yes", 1);
    setenv("LC_AIP", "here", 1);
    setenv("LC_FUNCTION", "() { :; }", 1);
    setenv("TERM", "theirs", 1);
    setenv("PATHOLOGY", "no", 1);
    child_setup setup = {.command = {.pass = (const char *[]){"AIP_TEST_PASSED", "AIP_TEST_ABSENT", NULL},
                                     .set = (const char *[]){"OWN=a b=c", "TERM=ours", NULL},
                                     .directory = "/tmp"}};
    start_shell(setup,
                "echo \"$AIP_TEST_SECRET|$AIP_TEST_PASSED|${AIP_TEST_ABSENT-none}|$LC_AIP|$LC_FUNCTION|"
                "$PATHOLOGY|$OWN|$TERM|${PATH:+path}|$(pwd)|$(tr '\\0' '\\n' </proc/$$/environ | grep -c ^TERM=)\"");
    UNTIL(run.ends == 1);
    CHECK_TEXT(run.line, "|yes|none|here|||a b=c|ours|path|/tmp|1");
    unsetenv("AIP_TEST_SECRET");
    unsetenv("LC_FUNCTION");
    end_run();
}

static void
no_descriptor_and_no_blocked_signal_is_inherited(void)
{
    int extra = dup(1); /* without close-on-exec */
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    start_shell((child_setup){0}, "ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status |"
                                  "tr -d '\\n\\t'; echo");
    sigprocmask(SIG_SETMASK, &before, NULL);
    UNTIL(run.ends == 1);
    /* 3: ls reads the folder. Signals 32 and 33 are the C library's, which lets nobody change them. */
    char *ignored = strstr(run.line, "SigIgn:");
    CHECK(ignored != NULL && (strtoull(ignored + strlen("SigIgn:"), NULL, 16) & ~(UINT64_C(3) << 31)) == 0);
    if (ignored != NULL) {
        *ignored = '\0';
        CHECK_TEXT(run.line, "0 1 2 3 SigBlk:0000000000000000");
    }
    end_run();
    close(extra);
}

static void
half_a_line_and_the_end_is_told_as_torn_and_never_given(void)
{
    start_shell((child_setup){0}, "printf 'whole\\n{\"half\":'");
    UNTIL(run.ends == 1);
    CHECK(run.lines == 1 && run.torn_ones == 1 && run.damaged_bytes == 8);
    CHECK_TEXT(run.line, "whole");
    end_run();
}

static void
a_huge_line_is_skipped_and_the_next_one_comes(void)
{
    child_setup setup = {.limits = {.line_bytes = 100000}};
    start_shell(setup, "head -c 3000000 /dev/zero | tr '\\0' a; echo; echo next; head -c 100000 /dev/zero | tr '\\0' b;"
                       "echo");
    UNTIL(run.ends == 1);
    CHECK(run.long_ones == 1 && run.damaged_bytes == 100000 && run.torn_ones == 0);
    CHECK(run.lines == 2 && run.line_bytes == 100004);
    end_run();
}

static void
binary_garbage_and_nul_bytes_pass_through_as_they_are(void)
{
    start_shell((child_setup){0}, "printf '\\000\\377\\200a\\001\\n'; head -c 300000 /dev/urandom; echo; echo end");
    UNTIL(run.ends == 1);
    CHECK_TEXT(run.line, "end");
    CHECK(run.line_bytes > 290000 && run.line_bytes <= 300008);
    end_run();
}

static void
a_flood_on_stdout_leaves_the_loop_its_turns(void)
{
    start_shell((child_setup){.limits = {.stop_milliseconds = 50}}, "exec yes '{\"a\":1}'");
    for (int i = 0; i < 50; i++) {
        int before = run.lines;
        turn(1000);
        CHECK(run.lines - before <= 4 * 65536 / 8 + 1); /* one turn reads so much and no more */
    }
    CHECK(run.lines > 1000);
    child_stop(run.child, now());
    UNTIL(run.ends == 1);
    CHECK(run.end.signal == SIGTERM || run.end.signal == SIGKILL);
    end_run();
}

static void
nothing_of_a_long_output_is_lost(void)
{
    start_shell((child_setup){0}, "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); echo $i; done");
    UNTIL(run.ends == 1);
    CHECK(run.lines == 50000);
    CHECK_TEXT(run.line, "50000");
    end_run();
}

static void
what_came_before_the_end_is_told(void)
{
    start_shell((child_setup){0}, "echo 1; echo 2; echo 3; exit 4");
    UNTIL(run.ends == 1);
    CHECK(run.lines == 3 && run.end.code == 4);
    end_run();
}

static void
a_child_that_never_reads_is_full_and_holds_nobody_up(void)
{
    static char message[10001];
    memset(message, 'm', sizeof message - 1);
    child_setup setup = {.limits = {.queue_bytes = 50000, .stop_milliseconds = 30}};
    start_shell(setup, "sleep 60");
    UNTIL(run.started == 1);
    int taken = 0;
    while (taken < 100 && send_text(message) == CHILD_TAKEN) {
        taken++;
    }
    CHECK(taken >= 9 && taken < 40); /* what a pipe holds, and the queue */
    CHECK(send_text(message) == CHILD_FULL);
    turn_for(50);
    CHECK(run.drains == 0);
    child_stop(run.child, now());
    UNTIL(run.ends == 1);
    CHECK(run.end.signal == SIGTERM && run.drains == 0);
    end_run();
}

static void
a_slow_reader_tells_when_there_is_room_again(void)
{
    static char message[10001];
    memset(message, 'm', sizeof message - 1);
    start_shell((child_setup){.limits = {.queue_bytes = 50000}}, "sleep 0.2; exec cat");
    int taken = 0;
    while (send_text(message) == CHILD_TAKEN) {
        taken++;
    }
    UNTIL(run.drains == 1);
    CHECK(send_text("last") == CHILD_TAKEN);
    UNTIL(run.lines == taken + 1);
    CHECK_TEXT(run.line, "last");
    CHECK(run.line_bytes == (size_t)taken * 10000 + 4);
    end_run();
}

static void
messages_that_are_no_line_are_refused(void)
{
    start_shell((child_setup){.limits = {.queue_bytes = 100}}, "exec cat");
    static char large[101];
    memset(large, 'x', 100);
    CHECK(send_text("") == CHILD_REFUSED);
    CHECK(send_text("a\nb") == CHILD_REFUSED);
    CHECK(send_text("a\r") == CHILD_REFUSED);
    CHECK(send_text(large) == CHILD_REFUSED);
    large[99] = '\0';
    CHECK(send_text(large) == CHILD_TAKEN);
    UNTIL(run.lines == 1);
    CHECK(run.line_bytes == 99);
    end_run();
}

static void
what_is_queued_is_written_before_stdin_is_closed(void)
{
    static char message[100001];
    memset(message, 'm', sizeof message - 1);
    start_shell((child_setup){0}, "sleep 0.1; exec wc -c");
    for (int i = 0; i < 5; i++) {
        CHECK(send_text(message) == CHILD_TAKEN);
    }
    child_stop(run.child, now());
    UNTIL(run.ends == 1);
    CHECK(strtol(run.line, NULL, 10) == 500005 && run.end.code == 0);
    end_run();
}

static void
a_child_that_closes_its_stdin_is_ended(void)
{
    start_shell((child_setup){.limits = {.stop_milliseconds = 50}}, "exec <&-; echo closed; sleep 60");
    UNTIL(run.lines == 1 && run.started == 1);
    CHECK(send_text("x") == CHILD_GONE);
    UNTIL(run.ends == 1);
    CHECK(run.end.signal == SIGTERM);
    end_run();
}

static void
a_child_that_closes_its_stdout_is_ended(void)
{
    start_shell((child_setup){.limits = {.stop_milliseconds = 50}}, "exec >&-; sleep 60");
    UNTIL(run.ends == 1);
    CHECK(run.end.signal == SIGTERM);
    end_run();
}

static void
a_child_may_close_its_stderr(void)
{
    start_shell((child_setup){0}, "exec 2>&-; exec cat");
    turn_for(50);
    CHECK(send_text("still") == CHILD_TAKEN);
    UNTIL(run.lines == 1);
    CHECK(run.ends == 0);
    end_run();
}

static void
one_that_ignores_sigterm_is_killed_after_both_waits(void)
{
    start_shell((child_setup){.limits = {.stop_milliseconds = 200}},
                "trap '' TERM; echo ready; while :; do sleep 1; done");
    UNTIL(run.lines == 1);
    uint64_t begun = clock_monotonic_microseconds();
    child_stop(run.child, now());
    UNTIL(run.ends == 1);
    uint64_t took = clock_monotonic_microseconds() - begun;
    CHECK(run.end.signal == SIGKILL && run.end.code == 137);
    CHECK(took >= 390000 && took < 2000000);
    end_run();
}

static void
one_that_obeys_sigterm_is_not_killed(void)
{
    start_shell((child_setup){.limits = {.stop_milliseconds = 100}},
                "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
    run.stops = true; /* from within the event */
    UNTIL(run.ends == 1);
    CHECK(run.end.code == 5 && run.end.signal == 0);
    CHECK_TEXT(run.line, "bye");
    end_run();
}

/* The grandchild keeps stdout open and ignores what can be ignored. */
#define GRANDCHILD "(trap '' TERM HUP INT; exec sleep 300) & echo $!; "

static void
grandchildren_end_with_their_leader(void)
{
    start_shell((child_setup){0}, GRANDCHILD "exit 3");
    UNTIL(run.ends == 1);
    CHECK(run.end.code == 3);
    CHECK(is_gone(strtol(run.line, NULL, 10)));
    end_run();
}

static void
grandchildren_end_when_the_child_is_stopped(void)
{
    start_shell((child_setup){.limits = {.stop_milliseconds = 50}}, GRANDCHILD "wait");
    UNTIL(run.lines == 1);
    long pid = strtol(run.line, NULL, 10);
    CHECK(is_alive(pid));
    child_stop(run.child, now());
    UNTIL(run.ends == 1);
    CHECK(is_gone(pid));
    end_run();
}

static void
closing_a_child_kills_its_group_without_a_wait(void)
{
    start_shell((child_setup){0}, "trap '' TERM;" GRANDCHILD "while :; do sleep 1; done");
    UNTIL(run.lines == 1 && run.started == 1);
    long leader = child_look(run.child).pid, pid = strtol(run.line, NULL, 10);
    child_close(&run.child);
    CHECK(is_gone(leader) && is_gone(pid));
    CHECK(run.ends == 0);
    end_run();
}

static void
one_that_left_its_group_ends_with_the_spawner(void)
{
    start_shell((child_setup){0}, "setsid sh -c 'echo $$; exec sleep 300' & wait");
    UNTIL(run.lines == 1);
    long pid = strtol(run.line, NULL, 10);
    CHECK(is_alive(pid));
    end_run();
    CHECK(is_gone(pid));
}

static void
a_child_that_dies_at_once_is_started_again_after_longer_and_longer_pauses(void)
{
    static const uint64_t seconds[] = {1, 2, 4, 8, 16, 32, 60, 60, 60, 60};
    start_shell((child_setup){.restarts = true}, "exit 1");
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        UNTIL(run.ends == (int)i + 1);
        child_health health = child_look(run.child);
        CHECK(health.state == CHILD_BACKING_OFF && health.restarts == i && health.has_ended && health.last.code == 1);
        uint64_t pause = health.due - now();
        CHECK(pause <= seconds[i] * SECOND && pause + SECOND / 2 > seconds[i] * SECOND);
        int timeout = child_timeout_ms(run.child, now());
        CHECK(timeout > 0 && (uint64_t)timeout <= seconds[i] * 1000);
        CHECK(send_text("x") == CHILD_GONE);
        turn(0);
        CHECK(child_look(run.child).state == CHILD_BACKING_OFF); /* not before its time */
        run.moved_on += pause + 1000;
    }
    /* Ten restarts within the window: the next one waits until the first is out of it. */
    UNTIL(run.ends == 11);
    uint64_t pause = child_look(run.child).due - now();
    CHECK(pause > 290 * (uint64_t)SECOND && pause < 300 * (uint64_t)SECOND);
    child_stop(run.child, now());
    CHECK(child_look(run.child).state == CHILD_STOPPED && child_timeout_ms(run.child, now()) == -1);
    end_run();
}

static void
a_healthy_life_makes_the_pause_short_again(void)
{
    start_shell((child_setup){.restarts = true}, "read line; exit 2");
    for (int i = 1; i <= 3; i++) {
        UNTIL(run.started == i);
        CHECK(send_text("die") == CHILD_TAKEN);
        UNTIL(run.ends == i);
        CHECK(child_look(run.child).due - now() > (1u << (i - 1)) * (uint64_t)SECOND - SECOND / 2);
        run.moved_on += 5 * (uint64_t)SECOND;
    }
    UNTIL(run.started == 4);
    run.moved_on += 61 * (uint64_t)SECOND;
    CHECK(send_text("die") == CHILD_TAKEN);
    UNTIL(run.ends == 4);
    CHECK(child_look(run.child).due - now() <= SECOND);
    end_run();
}

static void
a_child_started_again_gets_nothing_of_the_life_before(void)
{
    start_shell((child_setup){.restarts = true}, "echo up; read line; printf half; cat >&2; :");
    UNTIL(run.lines == 1 && run.started == 1);
    CHECK(send_text("one") == CHILD_TAKEN && send_text("two") == CHILD_TAKEN);
    UNTIL(run.said == 1);
    CHECK_TEXT(run.text, "two");
    pid_t leader = child_look(run.child).pid;
    CHECK(leader > 1 && kill(leader, SIGKILL) == 0);
    UNTIL(run.ends == 1);
    CHECK(run.torn_ones == 1 && run.damaged_bytes == 4);
    CHECK(run.end.signal == SIGKILL);
    run.moved_on += 2 * (uint64_t)SECOND;
    UNTIL(run.started == 2 && run.lines == 2);
    CHECK_TEXT(run.line, "up");
    CHECK(child_look(run.child).restarts == 1);
    end_run();
}

static void
a_stop_during_the_start_ends_it(void)
{
    start_shell((child_setup){.restarts = true}, "exec cat");
    child_stop(run.child, now());
    CHECK(child_look(run.child).state == CHILD_STOPPING);
    UNTIL(run.ends == 1);
    CHECK(child_look(run.child).state == CHILD_STOPPED && run.end.code == 0);
    end_run();
}

static void
stderr_becomes_printable_lines_and_long_ones_are_cut(void)
{
    start_shell((child_setup){0}, "printf 'red \\033[31m\\000\\007\\r\\n' >&2; head -c 2000 /dev/zero | tr '\\0' e >&2;"
                                  "printf '\\nno end' >&2");
    UNTIL(run.ends == 1);
    CHECK(run.said == 3 && run.missed == 0 && run.lines == 0);
    CHECK_TEXT(run.text, "no end");
    end_run();
    start_shell((child_setup){0}, "printf 'red \\033[31m\\000\\007\\r\\n' >&2");
    UNTIL(run.ends == 1);
    CHECK_TEXT(run.text, "red ?[31m??");
    end_run();
    start_shell((child_setup){0}, "head -c 2000 /dev/zero | tr '\\0' e >&2");
    UNTIL(run.ends == 1);
    CHECK(strlen(run.text) == AIP_CHILD_STDERR_BYTES);
    end_run();
}

static void
a_flood_on_stderr_is_counted_and_not_told(void)
{
    start_shell((child_setup){0}, "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo $i >&2; done; echo done");
    UNTIL(run.ends == 1);
    CHECK(run.lines == 1);
    CHECK(run.said >= AIP_CHILD_STDERR_BURST && run.said < AIP_CHILD_STDERR_BURST + 300);
    CHECK(run.missed >= 4500 && run.missed + (uint64_t)run.said >= 5000 && run.missed + (uint64_t)run.said <= 5001);
    end_run();
}

static long
parent_of(long pid)
{
    char path[64];
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    CHECK(file != NULL && fscanf(file, "%*d (%*[^)]) %*c %ld", &parent) == 1);
    fclose(file);
    return parent;
}

static void
without_the_spawner_a_child_ends_and_none_starts(void)
{
    start_shell((child_setup){.restarts = true}, "exec sleep 300");
    UNTIL(run.started == 1);
    long leader = child_look(run.child).pid, parent = parent_of(leader);
    CHECK(parent > 1 && parent != getpid() && kill((pid_t)parent, SIGKILL) == 0);
    UNTIL(run.ends == 1);
    CHECK(run.end.started && run.end.code == 137 && is_gone(leader));
    CHECK(child_look(run.child).state == CHILD_BACKING_OFF);
    run.moved_on += 2 * (uint64_t)SECOND;
    UNTIL(run.ends == 2);
    CHECK(!run.end.started && run.end.start_error == EAGAIN && child_look(run.child).state == CHILD_BACKING_OFF);
    end_run();
}

static void
a_gateway_that_is_killed_takes_whole_groups_with_it(void)
{
    int told[2];
    char text[64] = "";
    CHECK(pipe(told) == 0);
    pid_t gateway = fork();
    if (gateway == 0) {
        start_shell((child_setup){0}, "trap '' TERM HUP; " GRANDCHILD "while :; do sleep 1; done");
        UNTIL(run.lines == 1 && run.started == 1);
        dprintf(told[1], "%ld %ld", (long)child_look(run.child).pid, strtol(run.line, NULL, 10));
        close(told[1]);
        poll(NULL, 0, 60000);
        _exit(0);
    }
    close(told[1]);
    CHECK(read(told[0], text, sizeof text - 1) > 0);
    char *rest = text;
    long leader = strtol(text, &rest, 10), grandchild = strtol(rest, NULL, 10);
    CHECK(is_alive(leader) && is_alive(grandchild));
    kill(gateway, SIGKILL);
    CHECK(waitpid(gateway, NULL, 0) == gateway);
    CHECK(is_gone(leader) && is_gone(grandchild));
    close(told[0]);
}

static void
two_hundred_children_come_and_go_and_nothing_is_left(void)
{
    begin_run();
    int before = count_descriptors();
    for (int i = 0; i < 200; i++) {
        CHECK_STATUS(start((child_setup){0}, (const char *[]){"cat", NULL}), AIP_OK);
        if (i % 4 == 0) { /* the others are closed while they start */
            UNTIL(run.started == i / 4 + 1);
        }
        child_close(&run.child);
        CHECK(count_descriptors() == before);
    }
    end_run();
}

static void *
start_from_a_thread(void *context)
{
    const char *arguments[] = {"cat", NULL};
    (void)context;
    CHECK_STATUS(start((child_setup){0}, arguments), AIP_OK);
    UNTIL(run.started == 1);
    return NULL;
}

static void
a_child_outlives_the_thread_that_started_it(void)
{
    pthread_t thread;
    begin_run();
    CHECK(pthread_create(&thread, NULL, start_from_a_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    turn_for(50); /* its parent-death signal would have come */
    CHECK(send_text("still here") == CHILD_TAKEN);
    UNTIL(run.lines == 1);
    CHECK(run.ends == 0);
    end_run();
}

static void
count_end(void *context, const child_end *end)
{
    (void)context;
    run.ends += end->started && end->code == 0 ? 1 : 0;
}

static void *
start_many(void *context)
{
    static const child_events counting = {on_started, on_line, on_damaged, on_said, on_drained, count_end};
    const char *const arguments[] = {"true", NULL};
    child_setup setup = {.spawner = run.spawner, .command.arguments = arguments, .epoll_fd = *(int *)context};
    for (int i = 0; i < 50; i++) {
        child *c = NULL;
        struct epoll_event ready[4];
        CHECK_STATUS(child_start(&setup, &counting, NULL, now(), &c, NULL), AIP_OK);
        while (child_look(c).state != CHILD_STOPPED) {
            int count = epoll_wait(setup.epoll_fd, ready, 4, 1000);
            for (int k = 0; k < count; k++) {
                child_ready(ready[k].data.u64, ready[k].events, now());
            }
            child_tick(c, now());
        }
        child_close(&c);
    }
    return NULL;
}

static void
several_threads_start_children_at_once(void)
{
    pthread_t threads[4];
    int epolls[4];
    begin_run();
    for (int i = 0; i < 4; i++) {
        epolls[i] = epoll_create1(EPOLL_CLOEXEC);
        CHECK(pthread_create(&threads[i], NULL, start_many, &epolls[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        close(epolls[i]);
    }
    CHECK(run.started == 200 && run.ends == 200);
    end_run();
}

static void
more_children_than_the_cap_are_failed_starts(void)
{
    static child *many[AIP_CHILDREN_MAX];
    begin_run();
    const char *const arguments[] = {"cat", NULL};
    for (size_t i = 0; i < AIP_CHILDREN_MAX; i++) {
        CHECK_STATUS(start((child_setup){0}, arguments), AIP_OK);
        many[i] = run.child;
        UNTIL(run.started == (int)i + 1);
    }
    CHECK_STATUS(start((child_setup){0}, arguments), AIP_OK);
    UNTIL(run.ends == 1);
    CHECK(!run.end.started && run.end.start_error == EAGAIN);
    child_close(&run.child);
    for (size_t i = 0; i < AIP_CHILDREN_MAX; i++) {
        child_close(&many[i]);
    }
    end_run();
}

RUN(TEST(a_line_goes_in_and_comes_back), TEST(the_exit_code_is_told_and_the_last_words_before_it),
    TEST(a_signal_that_ends_it_is_told_as_a_shell_tells_it), TEST(a_program_that_is_not_there_is_a_failed_start),
    TEST(a_folder_that_is_not_there_and_a_file_that_is_no_program_fail_too),
    TEST(commands_that_cannot_be_are_refused_before_a_start),
    TEST(the_environment_holds_what_is_listed_and_nothing_else), TEST(no_descriptor_and_no_blocked_signal_is_inherited),
    TEST(half_a_line_and_the_end_is_told_as_torn_and_never_given), TEST(a_huge_line_is_skipped_and_the_next_one_comes),
    TEST(binary_garbage_and_nul_bytes_pass_through_as_they_are), TEST(a_flood_on_stdout_leaves_the_loop_its_turns),
    TEST(nothing_of_a_long_output_is_lost), TEST(what_came_before_the_end_is_told),
    TEST(a_child_that_never_reads_is_full_and_holds_nobody_up), TEST(a_slow_reader_tells_when_there_is_room_again),
    TEST(messages_that_are_no_line_are_refused), TEST(what_is_queued_is_written_before_stdin_is_closed),
    TEST(a_child_that_closes_its_stdin_is_ended), TEST(a_child_that_closes_its_stdout_is_ended),
    TEST(a_child_may_close_its_stderr), TEST(one_that_ignores_sigterm_is_killed_after_both_waits),
    TEST(one_that_obeys_sigterm_is_not_killed), TEST(grandchildren_end_with_their_leader),
    TEST(grandchildren_end_when_the_child_is_stopped), TEST(closing_a_child_kills_its_group_without_a_wait),
    TEST(one_that_left_its_group_ends_with_the_spawner),
    TEST(a_child_that_dies_at_once_is_started_again_after_longer_and_longer_pauses),
    TEST(a_healthy_life_makes_the_pause_short_again), TEST(a_child_started_again_gets_nothing_of_the_life_before),
    TEST(a_stop_during_the_start_ends_it), TEST(stderr_becomes_printable_lines_and_long_ones_are_cut),
    TEST(a_flood_on_stderr_is_counted_and_not_told), TEST(without_the_spawner_a_child_ends_and_none_starts),
    TEST(a_gateway_that_is_killed_takes_whole_groups_with_it),
    TEST(two_hundred_children_come_and_go_and_nothing_is_left), TEST(a_child_outlives_the_thread_that_started_it),
    TEST(several_threads_start_children_at_once), TEST(more_children_than_the_cap_are_failed_starts))
