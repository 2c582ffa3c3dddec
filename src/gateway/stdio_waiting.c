/* Requests that come while a server is between two of its lives, and that its next one may serve as well (spec/stdio.md
 * W-48): kept, within bounds, until it was started. */
#include "base/clock.h"
#include "gateway/stdio_inside.h"

enum { WAITING_MAX = 256, WAITING_PER_OWNER_MAX = 64, WAITING_MICROSECONDS = 10000000 };

/* Those that need nothing of the life before, from clients who do not see the pipe. */
static bool
is_free(const exchange *x)
{
    return !x->local && x->kind == MESSAGE_REQUEST && (x->modern || strcmp(x->method, "initialize") == 0);
}

static bool
has_room(const stdio_upstream *s, const unsigned char owner[AIP_HASH_BYTES])
{
    size_t all = 0, own = 0;
    for (const stdio_call *each = s->calls; each != NULL; each = each->next) {
        bool waits = each->waits_until != 0;
        all += waits;
        own += waits && memcmp(each->x->owner, owner, AIP_HASH_BYTES) == 0;
    }
    return all < WAITING_MAX && own < WAITING_PER_OWNER_MAX;
}

bool
stdio_waiting_takes(const stdio_upstream *s, const exchange *x)
{
    child_health health = child_look(s->child);
    return health.state == CHILD_BACKING_OFF && is_free(x) &&
           health.due <= clock_monotonic_microseconds() + WAITING_MICROSECONDS && has_room(s, x->owner);
}

void
stdio_waiting_begin(stdio_call *call, bool greets)
{
    call->greets = greets;
    call->waits_until = clock_monotonic_microseconds() + WAITING_MICROSECONDS;
    call->session->waits = true;
}

static void
send_on(stdio_call *call)
{
    aip_error why = AIP_ERROR_INIT;
    call->waits_until = 0;
    call->session->waits = false;
    aip_status status = call->greets ? stdio_greeting_begin(call, &why) : stdio_send_request(call, &why);
    if (status != AIP_OK) {
        stdio_call_end(call, status, false);
    }
}

/* The latest stands first. */
void
stdio_waiting_release(stdio_upstream *s)
{
    stdio_call *each = s->calls;
    while (each != NULL && each->next != NULL) {
        each = each->next;
    }
    for (stdio_call *previous = NULL; each != NULL; each = previous) {
        previous = each->previous;
        if (each->waits_until != 0) {
            send_on(each);
        }
    }
}

void
stdio_waiting_sweep(stdio_upstream *s, uint64_t now)
{
    child_health health = child_look(s->child);
    for (stdio_call *each = s->calls, *next = NULL; each != NULL; each = next) {
        next = each->next;
        bool hopeless = now >= each->waits_until || health.state == CHILD_STOPPED || health.due > each->waits_until;
        if (each->waits_until != 0 && hopeless) {
            stdio_call_end(each, AIP_UPSTREAM_UNREACHABLE, false);
        }
    }
}
