/* A shard's HTTP listener: libmicrohttpd in an external loop. With request.c the only home of <microhttpd.h>. */
#ifndef GATEWAY_LISTEN_H
#define GATEWAY_LISTEN_H

#include "gateway/exchange.h"

typedef struct listener listener;

typedef struct {
    const shard_tools *shard;
    int epoll_fd; /* the shard's; the listener registers each client's socket with data.ptr */
    int socket;   /* bound and listening; owned by the listener from now on */
    bool apart;   /* for figures and health alone, without TLS: G-130 */
    unsigned connections_max;
} listener_setup;

AIP_MUST_CHECK aip_status listener_open(const listener_setup *setup, listener **out, aip_error *err);
int listener_descriptor(const listener *l); /* readable when listener_run has work; all below take NULL, too */
int listener_timeout_ms(listener *l);       /* -1 = none */
void listener_run(listener *l);
/* The peer of `client` (an event's data.ptr) has hung up. Before listener_run in the same round. */
void listener_hangup(void *client);
void listener_sweep(listener *l, uint64_t now);
/* Accepts no more, closes what is idle, and ends streams that wait for nothing. */
void listener_drain(listener *l);
size_t listener_active(const listener *l); /* requests under way */
void listener_close(listener **l);         /* answers or ends what is under way */

#endif
