/* Our own stdin and stdout as a client: one message a line, each judged as a request over HTTP is (spec/stdio.md). */
#ifndef GATEWAY_STDIO_CLIENT_H
#define GATEWAY_STDIO_CLIENT_H

#include "gateway/exchange.h"

typedef struct stdio_client stdio_client; /* of one shard */

#define STDIO_CLIENT_INPUT_TAG 6u
#define STDIO_CLIENT_OUTPUT_TAG 7u

/* Of shard->gateway->local. Registers the two ends with these tags. Errors: memory, io. */
AIP_MUST_CHECK aip_status stdio_client_open(const shard_tools *shard, int epoll_fd, stdio_client **out, aip_error *err);
void stdio_client_close(stdio_client **client); /* before the servers */

/* All of these take NULL. */
void stdio_client_ready(stdio_client *client, unsigned tag);
/* Goes on with what moved, and sees to the end: of the client's input, and of the server. */
void stdio_client_run(stdio_client *client, uint64_t now);
void stdio_client_sweep(stdio_client *client, uint64_t now);
int stdio_client_timeout_ms(const stdio_client *client); /* -1 = none */
void stdio_client_quiesce(stdio_client *client);         /* reads no more */
size_t stdio_client_active(const stdio_client *client);  /* messages under way, and lines not yet taken */

#endif
