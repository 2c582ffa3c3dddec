/* How a server behind the gateway fares: what all shards learn of it, whatever the configuration says. One that does
 * not answer is refused at once for a while, and each has its own limit of requests, so that it harms no other. */
#ifndef GATEWAY_ROUTE_STATE_H
#define GATEWAY_ROUTE_STATE_H

#include "aip/error.h"

typedef struct route_state route_state; /* counted; thread-safe */

AIP_MUST_CHECK aip_status route_state_new(route_state **out, aip_error *err);
route_state *route_state_hold(route_state *s);
void route_state_drop(route_state **s);

/* A request begins; `most` at a time, 0: any number. Of those that come while the server is given a rest, one is let
 * through when the rest is over. Errors: upstream.unreachable, gateway.overloaded. */
AIP_MUST_CHECK aip_status route_state_enter(route_state *s, size_t most, uint64_t now_microseconds, aip_error *err);
void route_state_leave(route_state *s);
/* What came of it: did the server answer at all? True: with this it begins to fail, or fails no longer. */
bool route_state_note(route_state *s, bool answered, uint64_t now_microseconds);

/* Of a server that is a command: does it run? Only told, since calls of it wait or are refused by its own state. */
void route_state_note_down(route_state *s, bool down);
bool route_state_is_down(const route_state *s);

bool route_state_fails(const route_state *s); /* is it given a rest? */
size_t route_state_active(const route_state *s);

#endif
