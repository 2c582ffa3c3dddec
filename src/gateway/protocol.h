/* Protocols as rows of a table: how each reads a request, what it calls a refusal, and what its replies are. Facts are
 * all that the stages after them see, so a new protocol is a row and a file. */
#ifndef GATEWAY_PROTOCOL_H
#define GATEWAY_PROTOCOL_H

#include "base/scan.h"
#include "base/text.h"

typedef struct exchange exchange;

typedef struct {
    const char *name; /* in records: `mcp` */
    bool below;       /* serves all paths below its route's, too */
    /* From the headers: HTTP method and path, media type. request.http_method, .media_type, .not_acceptable, … */
    aip_status (*check_head)(exchange *x, aip_error *err);
    /* The body as one message: x->document, x->id, x->kind. json.*, request.* */
    aip_status (*read)(exchange *x, aip_error *err);
    /* What it asks for: x->method, x->wanted, x->name, x->subject, x->arguments. request.*, scope.insufficient */
    aip_status (*classify)(exchange *x, aip_error *err);
    /* Appends the refusal in x->refusal as a body, and gives its media type; NULL: as plain JSON. */
    const char *(*append_error)(text_buffer *out, const exchange *x);
    /* One message of the reply, indexed: is it one that may come here? Notes what it says of the call. `out` receives
     * it where something was left out of it; else it stays empty. upstream.invalid, … */
    aip_status (*judge)(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);
} protocol;

extern const protocol protocol_mcp;

/* The row of that name, or NULL. */
const protocol *protocol_find(const char *name);

#endif
