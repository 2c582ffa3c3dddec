/* Connections of one process that write take turns. */
#include "store/turn.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#include "check.h"

enum { THREADS = 4, TURNS = 2000 };

static int inside;
static atomic_int wrong, done;
static atomic_bool greedy;

static void *
take_turns(void *context)
{
    (void)context;
    for (int i = 0; i < TURNS; i++) {
        if (!turn_take()) {
            atomic_fetch_add(&wrong, 1);
            continue;
        }
        if (inside++ != 0) {
            atomic_fetch_add(&wrong, 1);
        }
        if (i % 16 == 0) {
            sched_yield();
        }
        inside--;
        turn_leave();
    }
    atomic_fetch_add(&done, 1);
    return NULL;
}

static void
one_writes_at_a_time_and_all_come_to_an_end(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, take_turns, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(atomic_load(&wrong) == 0 && atomic_load(&done) == THREADS);
}

/* Leaves and comes back at once, as a thread that has much to commit. */
static void *
never_rest(void *context)
{
    (void)context;
    while (atomic_load(&greedy)) {
        if (turn_take()) {
            turn_leave();
        }
    }
    return NULL;
}

static void
who_waits_is_not_overtaken_for_ever(void)
{
    pthread_t thread;
    atomic_store(&greedy, true);
    CHECK(pthread_create(&thread, NULL, never_rest, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        CHECK(turn_take());
        turn_leave();
    }
    atomic_store(&greedy, false);
    pthread_join(thread, NULL);
}

static void *
come_too_soon(void *context)
{
    *(bool *)context = turn_take();
    return NULL;
}

static void
a_turn_that_does_not_end_is_not_waited_for_for_ever(void)
{
    pthread_t thread;
    bool taken = true;
    CHECK(turn_take());
    CHECK(pthread_create(&thread, NULL, come_too_soon, &taken) == 0);
    pthread_join(thread, NULL);
    CHECK(!taken);
    turn_leave();
    CHECK(turn_take()); /* what was not taken is not left either */
    turn_leave();
}

RUN(TEST(one_writes_at_a_time_and_all_come_to_an_end), TEST(who_waits_is_not_overtaken_for_ever),
    TEST(a_turn_that_does_not_end_is_not_waited_for_for_ever))
