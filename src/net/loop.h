/* libcurl's multi interface on somebody's epoll: sockets, timers, finished transfers. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "aip/error.h"

typedef struct net_loop net_loop; /* not shared between threads */

/* Registers its sockets in `epoll_fd` with data.u64 = fd << 3 | 1. Errors: memory. */
#define NET_LOOP_EPOLL_TAG 1u
AIP_MUST_CHECK aip_status net_loop_open(int epoll_fd, net_loop **out, aip_error *err);
void net_loop_close(net_loop **loop); /* after its users */

void net_loop_ready(net_loop *loop, int fd, uint32_t epoll_events);
void net_loop_tick(net_loop *loop);            /* runs what is due; cheap when nothing is */
int net_loop_timeout_ms(const net_loop *loop); /* until the next tick is due; -1 = none */

/* libcurl and what it needs for TLS: some megabytes. Done when the first transfer needs it; whoever knows that one will
 * come does it at the start. Any thread, any number of times. Errors: internal. */
AIP_MUST_CHECK aip_status net_start_library(aip_error *err);

#endif
