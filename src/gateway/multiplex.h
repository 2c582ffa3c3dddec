/* Several clients on one server that knows of one only: whose ids, progress tokens and subscriptions are whose. */
#ifndef GATEWAY_MULTIPLEX_H
#define GATEWAY_MULTIPLEX_H

#include "base/splice.h"

typedef struct multiplex multiplex; /* of one server; not shared between threads */
typedef struct multiplex_client multiplex_client;

typedef enum {
    MULTIPLEX_NOBODY, /* goes nowhere: an answer, progress or cancellation of nothing that is open; counted */
    MULTIPLEX_ONE,    /* `text` goes on: to the server, or to `client` */
    MULTIPLEX_ASKS,   /* a request of the server: who gets it says multiplex_ask */
    MULTIPLEX_ANYONE, /* a notification that belongs to no request: whether others may see it is the caller's to know */
} multiplex_verdict;

/* Zero-initialise; may be used again; clear. */
typedef struct {
    multiplex_verdict verdict;
    multiplex_client *client; /* of MULTIPLEX_ONE */
    uint32_t id;              /* of the client's request that it is, answers, cancels or reports on; 0: none */
    bool ends;                /* that request is open no more */
    text_buffer text;
} multiplex_message;

void multiplex_message_clear(multiplex_message *message);
#define MULTIPLEX_MESSAGE_AUTO __attribute__((cleanup(multiplex_message_clear)))

/* `limits` is for the messages that go on. Errors: memory. */
AIP_MUST_CHECK aip_status multiplex_open(const scan_limits *limits, multiplex **out, aip_error *err);
void multiplex_close(multiplex **m); /* with all clients */

/* Errors: gateway.overloaded, memory. */
AIP_MUST_CHECK aip_status multiplex_join(multiplex *m, void *owner, multiplex_client **out, aip_error *err);
void *multiplex_owner(const multiplex_client *client);
/* Each open request of the client is cancelled: `send` gets what the server must be told. A late answer goes nowhere.
 */
void
multiplex_leave(multiplex *m, multiplex_client **client, void (*send)(void *context, aip_bytes message), void *context);

/* A client's message on its way to the server. Its id and progress token, or the requestId of its cancellation, become
 * integers of ours; an answer passes if this client was asked and has not answered yet. The text has no line's end.
 * Ids and tokens are compared as they are written. Errors: request.invalid (an id or token of another kind or too long,
 * an id that is open already), gateway.overloaded, base/scan.h's, memory. */
AIP_MUST_CHECK aip_status multiplex_outward(multiplex *m, multiplex_client *from, const scan_document *document,
                                            multiplex_message *out, aip_error *err);

/* A server's message on its way to clients, with what the client wrote restored to the byte. On failure the request
 * that `out` names is still open. Errors: base/scan.h's, memory. */
AIP_MUST_CHECK aip_status multiplex_inward(multiplex *m, const scan_document *document, multiplex_message *out,
                                           aip_error *err);

/* The server's request goes to this client, unchanged. Errors: request.invalid (one with this id is open),
 * gateway.overloaded, memory. */
AIP_MUST_CHECK aip_status multiplex_ask(multiplex *m, multiplex_client *to, const scan_document *document,
                                        aip_error *err);

/* What was given an id did not reach the server. */
void multiplex_forget(multiplex *m, uint32_t id);
/* The caller gives up waiting: forgets, and writes what the server must be told, if it may be. */
AIP_MUST_CHECK aip_status multiplex_cancel(multiplex *m, uint32_t id, text_buffer *out, aip_error *err);

/* The server was started again: nothing is open any more. `lost` gets each client's request that waits, its id as the
 * client wrote it. */
void multiplex_reset(multiplex *m, void (*lost)(void *context, multiplex_client *client, uint32_t id, aip_bytes raw),
                     void *context);

typedef struct {
    size_t clients, requests, asked;
    uint64_t dropped; /* messages for nobody, since the beginning */
} multiplex_counts;

multiplex_counts multiplex_count(const multiplex *m);

#endif
