/* What the parts of a child share: its pipes and its life. */
#ifndef NET_CHILD_INSIDE_H
#define NET_CHILD_INSIDE_H

#include "aip/limits.h"
#include "net/child.h"
#include "net/lines.h"

typedef enum { PORT_INPUT, PORT_OUTPUT, PORT_ERRORS, PORT_CONTROL, PORT_COUNT } port_kind;

/* A descriptor on the epoll, which finds its child through this. */
typedef struct {
    child *owner;
    uint32_t watched; /* epoll events; 0 = not registered */
    int fd;           /* -1: closed */
} child_port;

_Static_assert(_Alignof(child_port) >= 8, "the tag needs three bits of the address");

/* How far an ending has come. */
typedef enum { STEP_NONE, STEP_INPUT, STEP_TERMINATE, STEP_KILL } stop_step;

struct child {
    child_port ports[PORT_COUNT];
    child_setup setup;
    child_events events;
    void *context;
    text_buffer order; /* the packed command */
    child_health health;
    bool wanted; /* it is started again when it ends */
    stop_step step;
    uint64_t due;   /* of the step, the start's answer or the next start; 0: none */
    uint64_t begun; /* when it was last started */
    unsigned failures;
    uint64_t starts[AIP_CHILD_RESTARTS_MAX]; /* a ring of the last restarts' times */

    text_buffer queue; /* for stdin */
    size_t written;    /* of the queue */
    bool asked_full;   /* a sender waits for `drained` */
    bool closes_input; /* once the queue is written */
    bool broken;       /* it closed its stdin or stdout; the next tick ends it */

    line_splitter output, errors;
    uint64_t said_time, said_missed;
    unsigned said_left; /* lines that may be told until said_time is renewed */
};

void port_watch(child_port *port, uint32_t events);
void port_close(child_port *port);

void pipes_flush(child *c);
void pipes_read_output(child *c);
void pipes_read_errors(child *c, uint64_t now);
/* After its end: gives what the pipes still hold, tells a torn line, and closes all. */
void pipes_finish(child *c, uint64_t now);

#endif
