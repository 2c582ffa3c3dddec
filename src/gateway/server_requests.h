/* Requests of servers to clients (sampling, elicitation, roots, ping) that have no answer yet: only to these may a
 * client answer. Shared by all shards. */
#ifndef GATEWAY_SERVER_REQUESTS_H
#define GATEWAY_SERVER_REQUESTS_H

#include "aip/error.h"
#include "crypto/hash.h"

typedef struct server_requests server_requests;

#define SERVER_REQUEST_SECONDS 3600 /* a person may take that long to answer */

AIP_MUST_CHECK aip_status server_requests_new(server_requests **out, aip_error *err);
void server_requests_free(server_requests **s);

/* Who is asked what: whose session it is, which one, at which upstream, and the request's id as JSON text. */
typedef struct {
    const unsigned char *owner; /* AIP_HASH_BYTES */
    aip_bytes upstream, session, id;
} server_request;

/* Where there is no room, the oldest of its neighbours is forgotten. `now` is monotonic, in microseconds. */
void server_requests_note(server_requests *s, const server_request *request, uint64_t now);
/* When it was noted last; 0: it is not known. */
uint64_t server_requests_noted(server_requests *s, const server_request *request);
/* Is it waiting for an answer? Once only. */
bool server_requests_take(server_requests *s, const server_request *request, uint64_t now);

#endif
