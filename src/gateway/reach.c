/* Whether the server behind a route may be asked now. */
#include <strings.h>

#include "base/clock.h"
#include "gateway/log.h"
#include "gateway/stages.h"

aip_status
reach_upstream(exchange *x, aip_error *err)
{
    if (x->entered) {
        return AIP_OK; /* the stages after this one wait and come again */
    }
    AIP_TRY(route_state_enter(x->route->state, x->route->requests_max, clock_monotonic_microseconds(), err));
    x->entered = true;
    return AIP_OK;
}

/* Callers are told no more than that it cannot be reached; the operator has to know why. */
static void
tell_change(const exchange *x, bool answered)
{
    const char *why = x->refusal.status == AIP_UPSTREAM_TIMEOUT ? NULL : upstream_why(x->shard->upstreams);
    log_upstream(x, answered ? NULL : why == NULL ? "no answer in time" : why);
}

void
reach_note(exchange *x, bool answered)
{
    if (x->entered && x->route->members == NULL) {
        if (route_state_note(x->route->state, answered, clock_monotonic_microseconds())) {
            tell_change(x, answered);
        }
    }
}

void
reach_leave(exchange *x)
{
    if (x->entered) {
        route_state_leave(x->route->state);
        x->entered = false;
    }
}

bool
reach_sets(const exchange *x, aip_bytes name)
{
    const text_buffer *lines = &x->route->credentials;
    for (size_t i = 0; i < lines->size; i += strlen(lines->data + i) + 1) {
        const char *line = lines->data + i;
        if (strncasecmp(line, (const char *)name.data, name.size) == 0 && line[name.size] == ':') {
            return true;
        }
    }
    return false;
}
