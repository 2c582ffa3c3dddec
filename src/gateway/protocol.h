/* Protocols as rows of a table: how each reads a request, what it calls a refusal, and what its replies are. Facts are
 * all that the stages after them see, so a new protocol is a row and a file. */
#ifndef GATEWAY_PROTOCOL_H
#define GATEWAY_PROTOCOL_H

#include "base/scan.h"
#include "base/text.h"

typedef struct exchange exchange;

typedef struct {
    const char *name; /* in records: `mcp` */
    bool answers_once; /* each request has one answer: a stream that ends before it was cut short */
    bool below;       /* serves all paths below its route's, too */
    bool texts;       /* bodies and events need not be JSON; `judge` gets NULL for one that is none */
    const char *methods;        /* that its callers may use, at whichever of its addresses */
    const char *const *passes;  /* headers beside the usual ones that go on, ended by NULL; NULL: none */
    const char *const *returns; /* the same of replies */
    const char *cache_control;  /* of its answers, in place of what the server says; NULL: that */
    const char *error_event;    /* name of an event that tells a refusal; NULL: `message` */
    /* From the headers: HTTP method and path, media type. request.http_method, .media_type, .not_acceptable, … */
    aip_status (*check_head)(exchange *x, aip_error *err);
    /* Sets x->credential to the token that the body carries where no header does; NULL: none can. token.missing, … */
    aip_status (*credential)(exchange *x, aip_error *err);
    /* The body as one message: x->document, x->id, x->kind. json.*, request.* */
    aip_status (*read)(exchange *x, aip_error *err);
    /* What it asks for: x->method, x->wanted, x->name, x->subject, x->arguments. request.*, scope.insufficient */
    aip_status (*classify)(exchange *x, aip_error *err);
    /* Appends the refusal in x->refusal as a body, and gives its media type; NULL: as plain JSON. */
    const char *(*append_error)(text_buffer *out, const exchange *x);
    /* One message of the reply, indexed: is it one that may come here? Notes what it says of the call. `out` receives
     * it where something was left out of it; else it stays empty. upstream.invalid, … */
    aip_status (*judge)(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);
    /* What the stages before left open, when policy has allowed the call: whose it is, where it leads. NULL: nothing */
    aip_status (*check)(exchange *x, aip_error *err);
    /* Appends the URL that the request goes to, and a NUL; NULL: the route's. */
    aip_status (*address)(const exchange *x, text_buffer *out, aip_error *err);
    /* Frees x->notes; NULL: there are none. */
    void (*forget)(exchange *x);
    /* Appends what ends a stream that only listens, and tells whether this is one; NULL: none are. */
    bool (*append_end)(text_buffer *out, const exchange *x);
} protocol;

extern const protocol protocol_mcp, protocol_a2a, protocol_http;

/* The row of that name, or NULL. */
const protocol *protocol_find(const char *name);

#endif
