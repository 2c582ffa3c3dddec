/* The workshop compiles what this process would, and what becomes of it there harms nothing here. */
#include "base/pattern_workshop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pattern_inside.h"
#include "tests/unit/check.h"

enum { BYTES_MAX = 1000, SLOW = 8 };

static const pattern_source usual[] = {
    {.text = "ab+c", .id = 1, .bytes = true},
    {.text = "a.c|(x", .id = 2, .literal = true, .caseless = true, .bytes = true},
    {.text = "(?<=q)z", .id = 3}, /* PCRE2's */
    {.text = "", .id = 4},        /* as well */
};

static bool
note(void *context, unsigned id, size_t from, size_t to)
{
    unsigned *seen = context;
    (void)from;
    (void)to;
    *seen |= 1u << id;
    return true;
}

static unsigned
seen(const pattern_set *set, const char *text)
{
    pattern_scratch *scratch = NULL;
    unsigned bits = 0;
    CHECK_STATUS(pattern_scratch_grow(&scratch, set, NULL), AIP_OK);
    CHECK_STATUS(pattern_set_scan(set, scratch, aip_bytes_of(text), note, &bits, NULL), AIP_OK);
    pattern_scratch_free(&scratch);
    return bits;
}

/* Half a second each. *left: how many PCRE2 has. */
static aip_status
compile_slow(size_t *left, aip_error *err)
{
    static char text[SLOW][200];
    pattern_source sources[SLOW];
    pattern_set *set = NULL;
    for (int i = 0; i < SLOW; i++) {
        snprintf(text[i], sizeof text[i], "(a|b%c|c.{0,%d}d)[a-z]{1,%d}(x|y{2,%d}).*z%d", 'a' + i, 3 + i, 20 + i, 5 + i,
                 i);
        sources[i] = (pattern_source){.text = text[i], .id = (unsigned)i, .wants_start = true};
    }
    aip_status status = pattern_set_new(sources, SLOW, BYTES_MAX, &set, err);
    *left = status == AIP_OK ? pattern_set_exact_count(set) : 0;
    pattern_set_free(&set);
    return status;
}

/* The only child of this process; 0: there is none. */
static pid_t
child(void)
{
    char text[64] = "";
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    return (pid_t)strtol(text, NULL, 10);
}

static void
what_the_workshop_compiles_is_what_is_compiled_here(void)
{
    static const char *const texts[] = {"abbbc", "xA.C|(X", "qz", "none", ""};
    pattern_set *here = NULL, *there = NULL;
    CHECK_STATUS(pattern_workshop_open(NULL), AIP_OK);
    CHECK_STATUS(pattern_set_new(usual, 4, BYTES_MAX, &there, NULL), AIP_OK);
    size_t left = pattern_set_exact_count(there);
    unsigned bits[5];
    for (size_t i = 0; i < 5; i++) {
        bits[i] = seen(there, texts[i]);
    }
    pattern_set_free(&there); /* or else the next one would be the same */
    pattern_workshop_close();
    CHECK_STATUS(pattern_set_new(usual, 4, BYTES_MAX, &here, NULL), AIP_OK);
    CHECK(left == pattern_set_exact_count(here) && bits[0] == (1u << 1 | 1u << 4) && bits[2] == (1u << 3 | 1u << 4));
    for (size_t i = 0; i < 5; i++) {
        CHECK(bits[i] == seen(here, texts[i]));
    }
    pattern_set_free(&here);
}

static void
the_same_patterns_are_one_set_while_somebody_uses_it(void)
{
    pattern_set *first = NULL, *second = NULL, *other = NULL;
    CHECK_STATUS(pattern_set_new(usual, 4, BYTES_MAX, &first, NULL), AIP_OK);
    CHECK_STATUS(pattern_set_new(usual, 4, BYTES_MAX, &second, NULL), AIP_OK);
    CHECK_STATUS(pattern_set_new(usual, 3, BYTES_MAX, &other, NULL), AIP_OK);
    CHECK(first == second && first != other);
    pattern_set_free(&first);
    CHECK(seen(second, "abc") == (1u << 1 | 1u << 4) && seen(other, "abc") == 1u << 1);
    pattern_set_free(&second);
    pattern_set_free(&other);
}

static void
sources_that_differ_in_one_flag_are_two_sets(void)
{
    pattern_source one = {.text = "abc", .id = 1}, two = one;
    pattern_set *first = NULL, *second = NULL;
    two.caseless = true;
    CHECK_STATUS(pattern_set_new(&one, 1, BYTES_MAX, &first, NULL), AIP_OK);
    CHECK_STATUS(pattern_set_new(&two, 1, BYTES_MAX, &second, NULL), AIP_OK);
    CHECK(seen(first, "ABC") == 0 && seen(second, "ABC") == 1u << 1);
    pattern_set_free(&first);
    pattern_set_free(&second);
}

static void
a_bad_pattern_is_named_by_its_index_in_the_workshop_too(void)
{
    const pattern_source sources[] = {{.text = "abc"}, {.text = "a(b"}};
    aip_error err = AIP_ERROR_INIT;
    pattern_set *set = NULL;
    CHECK_STATUS(pattern_workshop_open(NULL), AIP_OK);
    CHECK_STATUS(pattern_set_new(sources, 2, BYTES_MAX, &set, &err), AIP_PATTERN_INVALID);
    CHECK(err.offset == 1 && set == NULL);
    pattern_workshop_close();
}

/* Hard limits of a process are for ever, so it is one of its own. */
static void
a_set_that_takes_too_long_is_refused_and_the_next_one_is_made(void)
{
    int word = 0;
    pid_t pid = pattern_is_linear() ? fork() : -1;
    if (pid == 0) {
        const struct rlimit second = {1, 1};
        pattern_set *set = NULL;
        size_t left;
        bool good = pattern_workshop_open(NULL) == AIP_OK;
        good = good && prlimit(child(), RLIMIT_CPU, &second, NULL) == 0;
        good = good && compile_slow(&left, NULL) == AIP_PATTERN_LIMIT;
        good = good && pattern_set_new(usual, 4, BYTES_MAX, &set, NULL) == AIP_OK && seen(set, "abc") != 0;
        pattern_workshop_close();
        _exit(good ? 0 : 1);
    }
    CHECK(pid < 0 || (waitpid(pid, &word, 0) == pid && word == 0));
}

static void
without_memory_there_the_other_engine_serves_or_nothing(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const struct rlimit none = {0, 0};
    if (!pattern_is_linear()) {
        return;
    }
    CHECK_STATUS(pattern_workshop_open(NULL), AIP_OK);
    CHECK(prlimit(child(), RLIMIT_DATA, &none, NULL) == 0);
    size_t left = 0;
    aip_status status = compile_slow(&left, NULL);
    CHECK(status == AIP_OK ? left == SLOW : status == AIP_NO_MEMORY || status == AIP_PATTERN_LIMIT);
    pattern_workshop_close();
#endif
}

static void
a_workshop_that_is_gone_is_a_refusal(void)
{
    pattern_set *set = NULL;
    if (!pattern_is_linear()) {
        return;
    }
    CHECK_STATUS(pattern_workshop_open(NULL), AIP_OK);
    CHECK(kill(child(), SIGKILL) == 0);
    siginfo_t told;
    CHECK(waitid(P_PID, (id_t)child(), &told, WEXITED | WNOWAIT) == 0);
    CHECK_STATUS(pattern_set_new(usual, 4, BYTES_MAX, &set, NULL), AIP_IO);
    CHECK(set == NULL);
    pattern_workshop_close();
    CHECK_STATUS(pattern_set_new(usual, 4, BYTES_MAX, &set, NULL), AIP_OK);
    pattern_set_free(&set);
}

static void
a_workshop_ends_with_the_process_and_keeps_nothing_open(void)
{
    int ends[2];
    char byte;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK_STATUS(pattern_workshop_open(NULL), AIP_OK);
    CHECK(child() > 0);
    close(ends[1]);
    CHECK(read(ends[0], &byte, 1) == 0); /* the other end is open nowhere */
    pattern_workshop_close();
    CHECK(child() == 0);
    close(ends[0]);
}

RUN(TEST(what_the_workshop_compiles_is_what_is_compiled_here),
    TEST(the_same_patterns_are_one_set_while_somebody_uses_it), TEST(sources_that_differ_in_one_flag_are_two_sets),
    TEST(a_bad_pattern_is_named_by_its_index_in_the_workshop_too),
    TEST(a_set_that_takes_too_long_is_refused_and_the_next_one_is_made),
    TEST(without_memory_there_the_other_engine_serves_or_nothing), TEST(a_workshop_that_is_gone_is_a_refusal),
    TEST(a_workshop_ends_with_the_process_and_keeps_nothing_open))
