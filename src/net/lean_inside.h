/* What the two halves of the lean client share: servers and their kept connections, and transfers. */
#ifndef NET_LEAN_INSIDE_H
#define NET_LEAN_INSIDE_H

#include <netinet/in.h>

#include "base/text.h"
#include "net/lean.h"
#include "net/lean_reply.h"

enum { LEAN_AUTHORITY_BYTES_MAX = 80, LEAN_ADDRESSES_MAX = 2 };

typedef struct lean_connection lean_connection;

/* A server by the authority of its URLs. It stays as long as the module does. */
typedef struct lean_server lean_server;
struct lean_server {
    char authority[LEAN_AUTHORITY_BYTES_MAX];          /* as Host has it */
    struct sockaddr_in6 addresses[LEAN_ADDRESSES_MAX]; /* of either family: an IPv4 one fits */
    size_t address_count;
    lean_connection *idle; /* the one that was used last is first */
    size_t idle_count;
    lean_server *next;
};

struct lean_connection {
    int fd;
    lean_server *server;
    size_t address;                   /* which of the server's is tried or used */
    lean_transfer *transfer;          /* NULL: it is idle */
    bool connecting, paused, writing; /* `writing`: woken when more can be sent */
    bool used;                        /* an earlier reply came over it */
    uint64_t due;                     /* microseconds: gives up connecting, or being idle */
    text_buffer held;                 /* received, and not taken yet */
    lean_connection *next, *previous; /* connecting ones, or the server's idle ones */
};

struct lean_transfer {
    lean *owner;
    lean_server *server;
    lean_connection *via; /* NULL: it has failed, and its owner is still to be told */
    lean_reply reply;
    upstream_events events;
    void *context;
    text_buffer head; /* of the request, where it was not sent at once */
    aip_bytes body;
    size_t written; /* of both */
    unsigned connect_seconds, keep_alive_seconds;
    bool once;           /* what was sent is not sent again */
    bool sent, received; /* something was */
    bool deaf;           /* the server takes no more of the request */
    aip_status failed;   /* before an event could tell */
    lean_transfer *next, *previous;
};

struct lean {
    int epoll_fd;
    lean_server *servers;
    size_t server_count;
    lean_connection **by_fd;
    size_t by_fd_size;
    lean_connection *connecting;
    lean_transfer *failed, *spare;
    size_t spare_count;
    uint64_t next_due; /* no later than the earliest of all; 0: nothing is due */
    const char *why;         /* the last attempt to connect failed */
    text_buffer scratch;
    unsigned char *received; /* LEAN_RECEIVE_BYTES, for one read */
};

enum { LEAN_RECEIVE_BYTES = 65536 };

/* The authority of a URL that this module serves, and its path with the query. False: it does not serve it. */
bool lean_split_url(const char *url, aip_bytes *authority, aip_bytes *target);
/* The server of that authority, or NULL: no memory, or too many of them. */
lean_server *lean_find_server(lean *l, aip_bytes authority);
/* The list holds connections that are being opened, or idle ones of one server. */
void lean_leave_list(lean_connection **list, lean_connection *c);
void lean_note_due(lean *l, uint64_t due);
bool lean_watch(const lean *l, lean_connection *c, int operation, bool writing);
/* On its way to one of the server's addresses, or NULL. */
lean_connection *lean_open_connection(lean *l, lean_server *server, size_t address);
/* The one used last, if the server has not closed it meanwhile or said something that nobody asked for; or NULL. */
lean_connection *lean_take_idle(lean *l, lean_server *server);
void lean_keep(lean *l, lean_connection *c, unsigned seconds);
/* Closes it. Its transfer, if it has one, is the caller's concern. */
void lean_drop(lean *l, lean_connection *c);
void lean_end_idle(lean *l, uint64_t now); /* those that have been idle too long */

/* Writes request line and fields into `out`. */
void lean_write_head(text_buffer *out, const upstream_request *request, const char *authority, aip_bytes target);

#endif
