/* Reloading with a loader of the test: who asks, what is kept, and what is told. */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/reload.h"

static gateway g;
static char watched[64];
static const char *files[] = {watched};
static atomic_int loads;
static aip_status outcome; /* of the loader */
static atomic_int failures_of_thread;

static gateway_settings *
new_settings(unsigned idle_seconds)
{
    gateway_settings *settings = calloc(1, sizeof *settings);
    atomic_init(&settings->holders, 1);
    settings->idle_seconds = idle_seconds;
    settings->files = files;
    settings->file_count = 1;
    return settings;
}

static aip_status
load(void *context, const gateway_settings *now, gateway_settings **out, text_buffer *report, aip_error *err)
{
    int number = atomic_fetch_add(&loads, 1) + 1;
    CHECK(context == &g && now != NULL);
    (void)report;
    *out = outcome == AIP_OK ? new_settings((unsigned)number) : NULL;
    return outcome == AIP_OK ? AIP_OK : aip_fail(err, outcome, "line 3 of \x01 is wrong");
}

static void
write_file(const char *text)
{
    FILE *file = fopen(watched, "w");
    CHECK(file != NULL && fputs(text, file) >= 0);
    fclose(file);
}

static void
replace_file(const char *text)
{
    char other[80];
    snprintf(other, sizeof other, "%s.new", watched);
    FILE *file = fopen(other, "w");
    CHECK(file != NULL && fputs(text, file) >= 0);
    fclose(file);
    CHECK(rename(other, watched) == 0);
}

static bool
comes_to(int wanted)
{
    for (int i = 0; i < 300 && atomic_load(&loads) < wanted; i++) {
        usleep(10000);
    }
    return atomic_load(&loads) == wanted;
}

static void
begin(aip_status loader_outcome)
{
    const reload_setup setup = {load, &g};
    sigset_t all;
    sigemptyset(&all);
    sigaddset(&all, SIGHUP);
    sigaddset(&all, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_mutex_init(&g.lock, NULL);
    strcpy(watched, "/tmp/aip-reload.XXXXXX");
    close(mkstemp(watched));
    atomic_store(&loads, 0);
    outcome = loader_outcome;
    g.settings = new_settings(0);
    CHECK_STATUS(reload_open(&g, &setup, NULL), AIP_OK);
    CHECK(freopen("/dev/null", "w", stderr) != NULL); /* what it tells the operator */
}

static void
end(void)
{
    reload_close(&g);
    settings_drop(&g.settings);
    unlink(watched);
}

/* Runs `other` beside the thread that waits, which SIGTERM ends. */
static void
run_beside(void *(*other)(void *))
{
    pthread_t thread;
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    CHECK(pthread_create(&thread, NULL, other, NULL) == 0);
    CHECK(reload_wait(&g, &ending) == SIGTERM);
    pthread_join(thread, NULL);
    CHECK(atomic_exchange(&failures_of_thread, 0) == 0);
}

#define EXPECT(condition) atomic_fetch_add(&failures_of_thread, (condition) ? 0 : 1)

static void *
ask_and_look(void *context)
{
    TEXT_AUTO text_buffer last = {0};
    EXPECT(reload_last(&g, &last) == 0 && strncmp(last.data, "none", 4) == 0);
    uint64_t number = reload_ask(&g);
    EXPECT(comes_to(1));
    for (int i = 0; i < 300 && reload_last(&g, &last) < number; i++) {
        usleep(10000);
    }
    text_clear(&last);
    EXPECT(reload_last(&g, &last) == number && strncmp(last.data, "ok", 2) == 0);
    const gateway_settings *now = gateway_settings_take(&g);
    EXPECT(now->idle_seconds == 1);
    settings_drop(&now);
    kill(getpid(), SIGTERM);
    return context;
}

static void
who_asks_gets_new_settings(void)
{
    begin(AIP_OK);
    run_beside(ask_and_look);
    end();
}

static void *
change_files(void *context)
{
    write_file("one");
    EXPECT(comes_to(1));
    usleep(700000);
    EXPECT(atomic_load(&loads) == 1); /* once for each change */
    replace_file("two");
    EXPECT(comes_to(2));
    unlink(watched);
    EXPECT(comes_to(3));
    write_file("three");
    EXPECT(comes_to(4));
    kill(getpid(), SIGTERM);
    return context;
}

static void
a_changed_replaced_or_lost_file_is_noticed_once(void)
{
    begin(AIP_OK);
    run_beside(change_files);
    end();
}

static void *
hang_up(void *context)
{
    TEXT_AUTO text_buffer last = {0}, health = {0};
    kill(getpid(), SIGHUP);
    EXPECT(comes_to(1));
    usleep(100000);
    EXPECT(reload_last(&g, &last) == 0 && memcmp(last.data, "failed config.invalid: line 3", 29) == 0);
    EXPECT(memchr(last.data, 1, last.size) == NULL); /* nothing unprintable */
    reload_append_health(&g, &health);
    EXPECT(memmem(health.data, health.size, "\"reload\":\"failed 20", 18) != NULL);
    EXPECT(memmem(health.data, health.size, "line 3", 6) == NULL); /* anyone may read it */
    const gateway_settings *now = gateway_settings_take(&g);
    EXPECT(now->idle_seconds == 0);
    settings_drop(&now);
    kill(getpid(), SIGTERM);
    return context;
}

static void
one_that_is_no_good_changes_nothing_and_is_told_of(void)
{
    begin(AIP_CONFIG_INVALID);
    run_beside(hang_up);
    end();
}

static void *
storm(void *context)
{
    for (int i = 0; i < 200; i++) {
        kill(getpid(), SIGHUP);
        (void)!reload_ask(&g);
        const gateway_settings *now = gateway_settings_take(&g);
        EXPECT(atomic_load(&now->holders) > 0);
        settings_drop(&now);
    }
    uint64_t number = reload_ask(&g);
    TEXT_AUTO text_buffer last = {0};
    for (int i = 0; i < 300 && reload_last(&g, &last) < number; i++) {
        usleep(10000);
    }
    EXPECT(reload_last(&g, &last) == number);
    kill(getpid(), SIGTERM);
    return context;
}

static void
a_storm_of_signals_ends_with_the_last_request_answered(void)
{
    begin(AIP_OK);
    run_beside(storm);
    CHECK(atomic_load(&loads) >= 1 && atomic_load(&loads) <= 401);
    end();
}

static void
without_one_nothing_is_asked(void)
{
    TEXT_AUTO text_buffer last = {0};
    g.reload = NULL;
    CHECK(reload_ask(&g) == 0 && reload_last(&g, &last) == 0);
    CHECK(last.size == 4 && memcmp(last.data, "none", 4) == 0);
}

RUN(TEST(without_one_nothing_is_asked), TEST(who_asks_gets_new_settings),
    TEST(a_changed_replaced_or_lost_file_is_noticed_once), TEST(one_that_is_no_good_changes_nothing_and_is_told_of),
    TEST(a_storm_of_signals_ends_with_the_last_request_answered))
