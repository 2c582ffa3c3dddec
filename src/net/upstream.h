/* A shard's transfers to the servers behind the gateway, driven by its epoll: libcurl's, or for plain http:// those of
 * net/lean.h. */
#ifndef NET_UPSTREAM_H
#define NET_UPSTREAM_H

#include "aip/error.h"

typedef struct upstream upstream;                   /* one per shard; not shared between threads */
typedef struct upstream_transfer upstream_transfer; /* one request and its reply */

typedef enum { UPSTREAM_TAKEN, UPSTREAM_FULL, UPSTREAM_REFUSED } upstream_verdict;

/* What a transfer tells its owner, in this order: header*, start, data*, end. Called from upstream_ready, _tick and
 * _resume only. None of them may call back into this module. */
typedef struct {
    void (*header)(void *context, aip_bytes name, aip_bytes value); /* of the final reply, not of 1xx ones */
    upstream_verdict (*start)(void *context, int http);             /* headers complete; FULL is not a verdict here */
    upstream_verdict (*data)(void *context, aip_bytes bytes);       /* FULL: not taken, offered again after _resume */
    /* The transfer is gone when this returns. `sent`: the server may have got something of the request. */
    void (*end)(void *context, aip_status status, bool sent);
} upstream_events;

/* How a server is reached; zeroes are the defaults. Texts are borrowed for the call. */
typedef struct {
    const char *ca_file, *cert_file, *key_file; /* PEM: own authorities in place of the system's; who we are */
    const char *connect_to;                     /* libcurl's `::host:port`, from upstream_rename */
    unsigned connect_seconds;                   /* to be connected; 0: 5 */
    unsigned keep_alive_seconds;                /* a connection may be idle and still be used again; 0: 118 */
} upstream_way;

typedef struct {
    const char *url;           /* borrowed for the call */
    const char *method;        /* of POST, PUT and PATCH the body goes along */
    aip_bytes body;            /* borrowed until the end */
    const char *const *fields; /* header lines `Name: value`, copied */
    size_t field_count;
    const upstream_way *way; /* borrowed for the call; NULL: the defaults */
} upstream_request;

/* http and https, no user or fragment; writes the path (at least `/`). Errors: config.invalid. */
AIP_MUST_CHECK aip_status upstream_check_url(const char *url, char *path, size_t path_size, aip_error *err);

/* The same URL with `server_name` as its host, and where that host is then connected to; both malloc'd. Errors:
 * config.invalid, memory. */
AIP_MUST_CHECK aip_status upstream_rename(const char *url, const char *server_name, char **out, char **connect_to,
                                          aip_error *err);
/* Is its host a loopback address, or `localhost`? */
bool upstream_is_loopback(const char *url);

/* Registers its sockets in `epoll_fd` with data.u64 = fd << 3 | 1. Errors: memory. */
#define UPSTREAM_EPOLL_TAG 1u
AIP_MUST_CHECK aip_status upstream_open(int epoll_fd, upstream **out, aip_error *err);
void upstream_close(upstream **up); /* transfers that still run are dropped without an event */

/* Begins; nothing is called before the next upstream_ready or _tick. Errors: memory, upstream.unreachable. */
AIP_MUST_CHECK aip_status upstream_begin(upstream *up, const upstream_request *request, const upstream_events *events,
                                         void *context, upstream_transfer **out);
void upstream_cancel(upstream_transfer **transfer); /* no further event; *transfer may be NULL */
void upstream_resume(upstream_transfer *transfer);  /* after UPSTREAM_FULL */
/* During `end`: what was wrong, for the operator; NULL: nothing is known. */
const char *upstream_why(const upstream *up);

void upstream_ready(upstream *up, int fd, uint32_t epoll_events);
void upstream_tick(upstream *up);            /* runs what is due; cheap when nothing is */
int upstream_timeout_ms(const upstream *up); /* until the next tick is due; -1 = none */

#endif
