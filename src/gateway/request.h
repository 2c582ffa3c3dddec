/* What the listener's two halves share: connections and the daemon (listen.c), and one request (request.c). */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "gateway/listen.h"

typedef struct request request;

/* One TCP connection. */
typedef struct client client;
struct client {
    listener *owner;
    int fd, connect_fd; /* watched by the shard, or -1; the socket */
    char address[INET6_ADDRSTRLEN];
    request *current;
    uint64_t deadline_microseconds; /* monotonic; 0: none. Whatever it brings until then, it is cut */
    bool ending;                    /* its caller has closed, which libmicrohttpd may not have seen */
    uint32_t share;                 /* of its address's connections */
    client *next, *previous;
};

enum { SLOWEST_BYTES_PER_SECOND = 4096 }; /* of a body or an answer, on average */

void client_expect(client *c, unsigned seconds);
void client_prolong(client *c, size_t bytes);
void client_expect_nothing(client *c);

struct request {
    char *target; /* of the request line, as sent */
    exchange *x;  /* NULL until the headers are there */
    struct MHD_Connection *connection;
    client *from;
    listener *owner;
    bool refused, open, suspended; /* `open`: served without a token */
    bool answered;                 /* by us */
    bool doubted;                  /* where it ends; so nothing that follows is taken for a request */
    bool streams, waits;           /* its answer does; it does, for an upstream */
    size_t received;
    request *next, *previous;
};

struct listener {
    listener_setup setup;
    struct MHD_Daemon *daemon;
    request *requests;
    client *clients;
    size_t active;
    bool resumed; /* a connection was, since the last run: the daemon's own timeout does not know of it */
};

/* libmicrohttpd's callbacks: the request line, the access handler, and the end. `context` is the listener. */
void *request_line(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result request_arrived(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **slot);
void
request_completed(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why);

#endif
