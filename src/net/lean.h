/* Requests to plain http:// servers over kept connections, on the shard's epoll: HTTP/1.1 and nothing else. What needs
 * a lookup of names, TLS or a proxy is libcurl's. */
#ifndef NET_LEAN_H
#define NET_LEAN_H

#include "net/upstream.h"

typedef struct lean lean; /* one per shard; not shared between threads */
typedef struct lean_transfer lean_transfer;

/* Registers its sockets in `epoll_fd` with data.u64 = fd << 3 | UPSTREAM_EPOLL_TAG. Errors: memory. */
AIP_MUST_CHECK aip_status lean_open(int epoll_fd, lean **out, aip_error *err);
void lean_close(lean **l); /* transfers must have been cancelled */

/* Is this request one for this module? `http://`, an address or `localhost`, a path that is sent as it stands. */
bool lean_serves(lean *l, const upstream_request *request);

/* As upstream_begin: events come from lean_ready, _tick and _resume only. A request is sent at most once, but for a GET
 * on a kept connection that turns out to be dead. Errors: memory. */
AIP_MUST_CHECK aip_status lean_begin(lean *l, const upstream_request *request, const upstream_events *events,
                                     void *context, lean_transfer **out);
void lean_cancel(lean_transfer **transfer); /* no further event; *transfer may be NULL */
const char *lean_why(const lean *l); /* during `end`: what was wrong; NULL: nothing is known */
void lean_resume(lean_transfer *transfer);  /* after UPSTREAM_FULL */

bool lean_ready(lean *l, int fd, uint32_t epoll_events); /* false: the descriptor is not of this module */
void lean_tick(lean *l);
int lean_timeout_ms(const lean *l);

#endif
