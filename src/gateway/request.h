/* What the listener's two halves share: connections and the daemon (listen.c), and one request (request.c). */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <microhttpd.h>
#include <netinet/in.h>

#include "gateway/listen.h"

typedef struct request request;

/* One TCP connection. */
typedef struct {
    listener *owner;
    int fd;
    char address[INET6_ADDRSTRLEN];
    request *current;
} client;

struct request {
    char *target; /* of the request line, as sent */
    exchange *x;  /* NULL until the headers are there */
    struct MHD_Connection *connection;
    client *from;
    listener *owner;
    bool refused, open, suspended; /* `open`: served without a token */
    size_t received;
    request *next, *previous;
};

struct listener {
    listener_setup setup;
    struct MHD_Daemon *daemon;
    request *requests;
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
