/* One HTTP request that waits for its answer: for commands, never for a server's thread. */
#ifndef NET_CALL_H
#define NET_CALL_H

#include "base/text.h"

typedef struct {
    const char *url, *method;
    aip_bytes body;            /* of a POST */
    const char *const *fields; /* `Name: value` */
    size_t field_count;
    const char *ca_file; /* replaces the system's certificates; NULL: those */
    unsigned timeout_seconds;
    size_t bytes_max; /* of the answer's body */
} net_request;

enum { NET_REPLY_FIELDS_MAX = 64 };

typedef struct {
    int status;
    text_buffer head; /* names and values stand in it */
    struct {
        size_t name, name_size, value, value_size; /* in head */
    } fields[NET_REPLY_FIELDS_MAX];
    size_t field_count;
    text_buffer body;
} net_reply;

/* Sends once: no redirect, no proxy, no retry. An event stream is read to its end. The reply is cleared by the caller,
 * also on failure. Errors: fetch.unreachable, .timeout, .tls, .size; usage (the URL), memory. */
AIP_MUST_CHECK aip_status net_call(const net_request *request, net_reply *out, aip_error *err);
void net_reply_clear(net_reply *reply);
#define NET_REPLY_AUTO __attribute__((cleanup(net_reply_clear)))

aip_bytes net_reply_name(const net_reply *reply, size_t i);
aip_bytes net_reply_value(const net_reply *reply, size_t i);
/* The value of the first field of this name, without case; empty: there is none. */
aip_bytes net_reply_field(const net_reply *reply, const char *name);

/* The parts of an http or https URL as a signature sees them. */
typedef struct {
    char scheme[8];
    char authority[300]; /* host in lower case, and the port unless it is the scheme's */
    char path[1024], query[1024];
} net_url;

/* No user, password or fragment. Errors: usage. */
AIP_MUST_CHECK aip_status net_url_read(const char *text, net_url *out, aip_error *err);

#endif
