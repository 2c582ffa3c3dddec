/* What a local client and its messages share. */
#ifndef GATEWAY_STDIO_CLIENT_INSIDE_H
#define GATEWAY_STDIO_CLIENT_INSIDE_H

#include "gateway/stdio_client.h"
#include "gateway/stdio_ends.h"

typedef struct local_request local_request;

/* One message, or the stream of what the server says of its own accord. */
struct local_request {
    stdio_client *owner;
    exchange *x;
    char *token; /* of the message itself; NULL: the appointed one */
    bool woken, is_stream;
    event_splitter splitter;
    local_request *next, *previous;
};

struct stdio_client {
    const shard_tools *shard;
    const local_end *end;
    stdio_ends ends;
    bool quiet; /* nothing more is read */
    bool hears; /* the client was greeted, and may have the stream */
    local_request *requests, *stream;
    size_t active;       /* without the stream */
    bool stopping, told; /* the server is being ended; the process was told to end */
    uint64_t ended_at;   /* of the server */
};

/* stdio_request.c; NULL: no memory */
local_request *stdio_request_new(stdio_client *c, const char *method);
void stdio_request_add_field(exchange *x, const char *name, const char *value); /* both are borrowed */
void stdio_request_open_stream(stdio_client *c);
void stdio_request_go_on(local_request *r); /* it may be gone then */
void stdio_request_write_answer(local_request *r);
void stdio_request_release(local_request *r);
/* May more be written before the client has read? */
bool stdio_client_has_room(const stdio_client *c);

#endif
