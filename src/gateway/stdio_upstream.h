/* A server that is a command: what it says over its pipe, told to exchanges as an HTTP server's reply would be. */
#ifndef GATEWAY_STDIO_UPSTREAM_H
#define GATEWAY_STDIO_UPSTREAM_H

#include "gateway/exchange.h"
#include "net/child.h"

/* Registers its descriptors with this tag. */
#define STDIO_UPSTREAM_EPOLL_TAG 5u

typedef struct {
    const gateway_route *route; /* with a command; borrowed for the call */
    const spawner *spawner;
    gateway *gateway; /* whose rules filter what the server says on stderr */
    int epoll_fd;
    bool restarts;
    bool gives_up;     /* not, when it has never said a word */
    size_t line_bytes; /* longest message of the server; 0: the default */
} stdio_setup;

/* Starts the server, and puts it before `*list`: all of one shard. Errors: config.invalid, io, memory. */
AIP_MUST_CHECK aip_status stdio_upstream_open(const stdio_setup *setup, stdio_upstream **list, aip_error *err);
/* All of the list, without an event; their groups are killed. After the exchanges. */
void stdio_upstream_close(stdio_upstream **list);

/* For all of the list. */
void stdio_upstream_tick(stdio_upstream *list, uint64_t now);
int stdio_upstream_timeout_ms(const stdio_upstream *list, uint64_t now); /* -1 = none */
/* Ends the servers: their input is closed and they have time to end by themselves, or with `at_once` are asked to by a
 * signal. stdio_upstream_code tells when one has ended: its exit code, as a shell has it; -1: not yet. */
void stdio_upstream_stop(stdio_upstream *list, bool at_once, uint64_t now);
int stdio_upstream_code(const stdio_upstream *each);
bool stdio_upstream_has_ended(const stdio_upstream *list);
/* Appends the state of each, by its name; is there one that runs, or a server that is no command? */
bool stdio_upstream_append_health(const exchange *x, text_buffer *out);

/* A stage: has this request a server, and a session at it? Nothing is asked of routes that have no command.
 * upstream.unreachable, session.not_found, request.invalid, request.headers */
AIP_MUST_CHECK aip_status stdio_upstream_check(exchange *x, aip_error *err);

/* Sends the judged message on. x->pipe is the call until `end` is told; what needs no answer is ended at once, before
 * this returns. Errors: upstream.unreachable, gateway.overloaded, session.not_found, request.*, memory. */
AIP_MUST_CHECK aip_status stdio_upstream_begin(exchange *x, const upstream_events *events, aip_error *err);
/* The exchange wants no more events. With `cancel` the server is told so; a legacy caller that only went away cancels
 * nothing. `*call` may be NULL. */
void stdio_upstream_drop(stdio_call **call, bool cancel);
void stdio_upstream_resume(stdio_call *call); /* after UPSTREAM_FULL */

#endif
