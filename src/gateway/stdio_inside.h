/* What the parts of a server behind a pipe share: calls, sessions, the server. */
#ifndef GATEWAY_STDIO_INSIDE_H
#define GATEWAY_STDIO_INSIDE_H

#include "gateway/multiplex.h"
#include "gateway/stdio_upstream.h"
#include "gateway/stdio_words.h"

enum {
    STDIO_SESSION_ID_SIZE = 23, /* 128 random bits */
    STDIO_SESSIONS_PER_OWNER_MAX = 64,
    STDIO_SUBSCRIPTIONS_MAX = 256, /* of one session */
    STDIO_SESSION_IDLE_SECONDS = 3600,
};

typedef struct stdio_session stdio_session;
typedef struct stdio_subscription stdio_subscription;

/* A resource that a session wants to hear of. */
struct stdio_subscription {
    stdio_subscription *next;
    size_t size;
    unsigned char uri[];
};

/* One client of the server. */
struct stdio_session {
    char id[STDIO_SESSION_ID_SIZE]; /* "": of one modern request, or the local client's */
    unsigned char owner[AIP_HASH_BYTES];
    bool local, single; /* `single`: of one modern request, and gone with it */
    multiplex_client *client;
    stdio_call *stream; /* where messages that belong to no request go; NULL: nowhere */
    size_t calls;       /* with the stream */
    uint64_t used;      /* monotonic microseconds */
    bool waits;         /* for the server to be started again: no life of it knows of the session yet */
    stdio_subscription *subscriptions;
    size_t subscription_count;
    stdio_session *next, *previous;
};

/* A request that waits for its answer, or a session's stream. */
struct stdio_call {
    stdio_upstream *owner;
    exchange *x;
    const upstream_events *events;
    stdio_session *session;
    uint32_t id;          /* at the multiplexer; 0: none */
    bool is_stream;       /* the session's own */
    bool greets;          /* an `initialize`, which is answered from what the server said to the first one */
    bool begun;           /* its reply's head was told */
    bool done;            /* its answer stands in `pending` */
    uint64_t waits_until; /* for the server to be started again, monotonic microseconds; 0: it does not */
    text_buffer held;     /* goes to the server once that was greeted again */
    text_buffer pending;
    stdio_call *next, *previous;
};

/* A server is greeted once in each of its lives, whoever comes later: many take no second `initialize`. */
typedef enum {
    GREETING_NONE,
    GREETING_OWED,  /* it was started again, and the local client knows of nothing */
    GREETING_ASKED, /* the answer is under way */
    GREETING_DONE,
} greeting_state;

struct stdio_upstream {
    char name[128];
    route_state *fares; /* of its route, held */
    child *child;
    multiplex *multiplex;
    multiplex_client *self; /* the gateway's own, for `initialize` */
    greeting_state greeting;
    bool replays;                 /* the greeting is one after a restart */
    bool initialized;             /* it has got `notifications/initialized` */
    text_buffer params, answer;   /* of `initialize`: raw params; the member `result` or `error` */
    multiplex_message out, in;    /* scratch */
    scan_document line;           /* scratch */
    uint64_t next_sweep, told_at; /* of sessions; of the last complaint about a line */
    uint64_t untold;
    uint64_t stop_due;         /* when it gets a signal; 0: none */
    bool gives_up, has_spoken; /* a life in which it said nothing is the last one */
    stdio_words words;         /* on stderr */
    stdio_session *sessions;
    stdio_call *calls; /* the latest first */
    stdio_upstream *next;
};

/* stdio_upstream.c: upstream.unreachable, gateway.overloaded, request.size */
AIP_MUST_CHECK aip_status stdio_send(stdio_upstream *s, aip_bytes line, aip_error *err);
void stdio_send_if_possible(void *server, aip_bytes line); /* a word of ours that nobody waits for */
AIP_MUST_CHECK aip_status stdio_send_request(stdio_call *call, aip_error *err);

/* stdio_waiting.c: may the request wait for the server's next life? */
bool stdio_waiting_takes(const stdio_upstream *s, const exchange *x);
void stdio_waiting_begin(stdio_call *call, bool greets);
void stdio_waiting_release(stdio_upstream *s);             /* it was started */
void stdio_waiting_sweep(stdio_upstream *s, uint64_t now); /* ends those that wait too long, or in vain */

/* stdio_call.c */
stdio_call *stdio_call_new(stdio_upstream *s, exchange *x, const upstream_events *events, stdio_session *session);
void stdio_call_free(stdio_call *call);                     /* without an event */
bool stdio_call_begin_reply(stdio_call *call, bool stream); /* false: the call is over */
/* Tells the head, where it was not told, and one message; `last`: and the end. The call may be gone then. */
void stdio_call_deliver(stdio_call *call, aip_bytes message, bool last);
void stdio_call_end(stdio_call *call, aip_status status, bool sent); /* tells the end */
void stdio_call_give_up(stdio_call *call, aip_status why);           /* the same, and tells the server */

/* stdio_life.c: one line for the operator */
void stdio_log(const stdio_upstream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* stdio_session.c */
stdio_session *stdio_session_find(const stdio_upstream *s, const exchange *x);
/* The local client's is made when it is first needed. Errors: gateway.overloaded, memory. */
AIP_MUST_CHECK aip_status stdio_session_open(stdio_upstream *s, const exchange *x, stdio_session **out, aip_error *err);
void stdio_session_close(stdio_upstream *s, stdio_session *session); /* its calls are gone or end here */
void stdio_session_sweep(stdio_upstream *s, uint64_t now);
void stdio_session_subscribe(stdio_session *session, aip_bytes uri);
void stdio_session_unsubscribe(stdio_session *session, aip_bytes uri);
bool stdio_session_hears(const stdio_session *session, const scan_document *document, uint32_t uri);
/* Whose message it is that belongs to no request: the only client, or the only one that waits for something; NULL:
 * that cannot be told. */
stdio_session *stdio_session_meant(const stdio_upstream *s);

/* stdio_greeting.c */
AIP_MUST_CHECK aip_status stdio_greeting_begin(stdio_call *call, aip_error *err);
void stdio_greeting_arrived(stdio_upstream *s, aip_bytes message);
void stdio_greeting_repeat(stdio_upstream *s); /* the server was started again */

/* stdio_inward.c: one line of the server */
void stdio_inward(stdio_upstream *s, aip_bytes line);

#endif
