/* One writer at a time; who leaves hands over to those who wait, so that nobody is overtaken for ever. */
#include "store/turn.h"

#include <pthread.h>
#include <stddef.h>

#include "base/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static pthread_cond_t handed_over = PTHREAD_COND_INITIALIZER;
static bool taken, handed; /* `handed`: to one of those who wait; it stays taken */
static size_t waiting;

/* Under the lock. */
static bool
wait_for_turn(void)
{
    uint64_t last = clock_monotonic_microseconds() + STORE_BUSY_MILLISECONDS * UINT64_C(1000);
    const struct timespec at = {(time_t)(last / 1000000), (long)(last % 1000000) * 1000};
    int outcome = 0;
    waiting++;
    while (!handed && outcome == 0) {
        outcome = pthread_cond_clockwait(&handed_over, &lock, CLOCK_MONOTONIC, &at);
    }
    waiting--;
    bool mine = handed;
    handed = false;
    return mine;
}

bool
turn_take(void)
{
    pthread_mutex_lock(&lock);
    bool mine = !taken;
    if (mine) {
        taken = true;
    } else {
        mine = wait_for_turn();
    }
    pthread_mutex_unlock(&lock);
    return mine;
}

void
turn_leave(void)
{
    pthread_mutex_lock(&lock);
    handed = waiting > 0;
    taken = handed;
    pthread_cond_signal(&handed_over);
    pthread_mutex_unlock(&lock);
}
