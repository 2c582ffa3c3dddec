/* Failures in a row, rests that grow, and requests under way, as counters that all shards share. */
#include "gateway/route_state.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    FAILURES_BEFORE_REST = 3,
    REST_SECONDS_FIRST = 1,
    REST_DOUBLINGS_MAX = 5, /* 32 seconds: a server that is back is not left alone for long */
};

struct route_state {
    atomic_size_t holders, active;
    atomic_uint failures; /* in a row */
    atomic_bool down;
    atomic_uint_least64_t rest_ends; /* monotonic microseconds */
};

aip_status
route_state_new(route_state **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    atomic_init(&(*out)->holders, 1);
    return AIP_OK;
}

route_state *
route_state_hold(route_state *s)
{
    atomic_fetch_add(&s->holders, 1);
    return s;
}

void
route_state_drop(route_state **s)
{
    if (*s != NULL && atomic_fetch_sub(&(*s)->holders, 1) == 1) {
        free(*s);
    }
    *s = NULL;
}

static uint64_t
rest_microseconds(unsigned failures)
{
    unsigned doublings = failures - FAILURES_BEFORE_REST;
    return (uint64_t)REST_SECONDS_FIRST * 1000000 << (doublings < REST_DOUBLINGS_MAX ? doublings : REST_DOUBLINGS_MAX);
}

/* Who moves the end of the rest on is the one that tries. */
static aip_status
check_rest(route_state *s, uint64_t now, aip_error *err)
{
    unsigned failures = atomic_load(&s->failures);
    if (failures < FAILURES_BEFORE_REST) {
        return AIP_OK;
    }
    uint_least64_t ends = atomic_load(&s->rest_ends);
    if (now < ends || !atomic_compare_exchange_strong(&s->rest_ends, &ends, now + rest_microseconds(failures))) {
        return aip_fail(err, AIP_UPSTREAM_UNREACHABLE, "it did not answer the last %u times and is given a rest",
                        failures);
    }
    return AIP_OK;
}

aip_status
route_state_enter(route_state *s, size_t most, uint64_t now_microseconds, aip_error *err)
{
    size_t active = atomic_fetch_add(&s->active, 1);
    aip_status status = most > 0 && active >= most
                            ? aip_fail(err, AIP_OVERLOADED, "more than %zu requests for one upstream", most)
                            : check_rest(s, now_microseconds, err);
    if (status != AIP_OK) {
        route_state_leave(s);
    }
    return status;
}

void
route_state_leave(route_state *s)
{
    atomic_fetch_sub(&s->active, 1);
}

bool
route_state_note(route_state *s, bool answered, uint64_t now_microseconds)
{
    if (answered) {
        return atomic_load(&s->failures) > 0 && atomic_exchange(&s->failures, 0) >= FAILURES_BEFORE_REST;
    }
    unsigned failures = atomic_fetch_add(&s->failures, 1) + 1;
    if (failures >= FAILURES_BEFORE_REST) {
        atomic_store(&s->rest_ends, now_microseconds + rest_microseconds(failures));
    }
    return failures == FAILURES_BEFORE_REST;
}

void
route_state_note_down(route_state *s, bool down)
{
    atomic_store(&s->down, down);
}

bool
route_state_is_down(const route_state *s)
{
    return atomic_load(&s->down);
}

bool
route_state_fails(const route_state *s)
{
    return atomic_load(&s->failures) >= FAILURES_BEFORE_REST;
}

size_t
route_state_active(const route_state *s)
{
    return atomic_load(&s->active);
}
