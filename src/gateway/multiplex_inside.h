/* What the tables of open requests give the reading of messages. */
#ifndef GATEWAY_MULTIPLEX_INSIDE_H
#define GATEWAY_MULTIPLEX_INSIDE_H

#include "aip/limits.h"
#include "gateway/multiplex.h"

typedef struct open_request open_request;

/* A request of a client that the server has not answered. */
struct open_request {
    uint32_t id; /* ours */
    multiplex_client *client;
    open_request *next_in_bucket;
    open_request *next, *previous; /* of the client */
    bool is_initialize;            /* may not be cancelled */
    bool listens;                  /* its id names a subscription */
    uint16_t raw_size, token_size; /* token_size 0: no progress token */
    unsigned char bytes[];         /* the id and the token as the client wrote them */
};

/* A request of the server that a client has not answered. */
typedef struct asked_request {
    multiplex_client *client;
    struct asked_request *next;
    size_t raw_size, token_size; /* token_size 0: no progress token */
    unsigned char bytes[];       /* the id and the token as the server wrote them */
} asked_request;

struct multiplex_client {
    void *owner;
    open_request *requests;
    size_t count;
    multiplex_client *next, *previous;
};

enum { MULTIPLEX_BUCKETS = 1024, MULTIPLEX_ID_MAX = INT32_MAX }; /* some servers keep ids in 32 bits */

struct multiplex {
    scan_limits limits;
    uint32_t last_id;
    open_request *buckets[MULTIPLEX_BUCKETS];
    asked_request *asked;
    multiplex_client *clients;
    multiplex_counts counts;
};

static inline aip_bytes
request_raw(const open_request *request)
{
    return (aip_bytes){request->bytes, request->raw_size};
}

static inline aip_bytes
request_token(const open_request *request)
{
    return (aip_bytes){request->bytes + request->raw_size, request->token_size};
}

/* An id or a token as it is written, a short string or a number; absent: empty. Errors: request.invalid. */
AIP_MUST_CHECK aip_status raw_read(const scan_document *document, uint32_t node, aip_bytes *out, aip_error *err);
/* params._meta.progressToken, or SCAN_NONE. */
uint32_t token_member(const scan_document *document);

open_request *request_find(const multiplex *m, uint64_t id);
open_request *request_of_client(const multiplex_client *client, aip_bytes raw);
/* Errors: request.invalid (open already), gateway.overloaded, memory. */
AIP_MUST_CHECK aip_status request_add(multiplex *m, multiplex_client *client, aip_bytes raw, aip_bytes token,
                                      open_request **out, aip_error *err);
void request_remove(multiplex *m, open_request *request);

asked_request *asked_find(const multiplex *m, aip_bytes raw);
bool asked_has_token(const multiplex *m, const multiplex_client *client, aip_bytes token);
void asked_remove(multiplex *m, asked_request *asked);

#endif
