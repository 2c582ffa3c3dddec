/* A server that speaks over its stdin and stdout, one message a line: started, fed, read, restarted, ended. */
#ifndef NET_CHILD_H
#define NET_CHILD_H

#include <sys/types.h>

#include "net/spawner.h"

typedef struct child child; /* belongs to one thread and its epoll; nothing here waits */

typedef enum {
    CHILD_STARTING,    /* ordered; what is sent is kept for it */
    CHILD_RUNNING,     /* its program runs */
    CHILD_BACKING_OFF, /* ended; the next start has its time */
    CHILD_STOPPING,    /* its input is closed; it gets SIGTERM and then SIGKILL if it stays */
    CHILD_STOPPED,     /* ended for good */
} child_state;

typedef enum {
    CHILD_TAKEN,
    CHILD_FULL,    /* it does not read: `drained` tells when to try again */
    CHILD_GONE,    /* not running, or its stdin is closed */
    CHILD_REFUSED, /* never: empty, with a line's end inside, or larger than the whole queue */
} child_verdict;

typedef enum {
    CHILD_LINE_LONG, /* over the cap: told once with the bytes until then, and skipped to its end */
    CHILD_LINE_TORN, /* half a line, then the end: not given */
} child_damage;

typedef struct {
    bool started;    /* false: `code` is 126 or 127, as a shell has it, and `start_error` errno (0: no answer) */
    int code;        /* exit code; 128 and the signal's number if one ended it */
    int signal;      /* 0: none */
    int start_error; /* errno of a start that failed */
} child_end;

/* Called from child_ready and child_tick only. They may call anything here but child_close. After `ended`, what was
 * under way is lost: a server that is started again knows of no session and no subscription. */
typedef struct {
    void (*started)(void *context);
    void (*line)(void *context, aip_bytes line); /* of stdout, without LF, any bytes, never empty; borrowed */
    void (*damaged)(void *context, child_damage damage, size_t bytes);
    void (*said)(void *context, const char *text, uint64_t missed); /* of stderr, printable; lines left out before it */
    void (*drained)(void *context);
    void (*ended)(void *context, const child_end *end); /* reaped; the state is the new one */
} child_events;

/* 0 = the default of limits.h. */
typedef struct {
    size_t line_bytes;  /* of stdout */
    size_t queue_bytes; /* for stdin */
    unsigned stop_milliseconds;
} child_limits;

typedef struct {
    const spawner *spawner;  /* outlives the child */
    spawner_command command; /* copied, also the environment of now: a restart gets the same */
    int epoll_fd;
    unsigned tag; /* 0 to 7: its descriptors are registered with data.u64 = a pointer of ours | tag */
    bool restarts;
    child_limits limits;
} child_setup;

/* Orders the first start. Times are monotonic microseconds, never 0. Errors: config.invalid, io, memory. */
AIP_MUST_CHECK aip_status child_start(const child_setup *setup, const child_events *events, void *context, uint64_t now,
                                      child **out, aip_error *err);
/* At once and without an event: the spawner kills the whole group and reaps. */
void child_close(child **c);

/* One line without its LF, written at once or queued. */
AIP_MUST_CHECK child_verdict child_send(child *c, aip_bytes line);
/* What is queued is written, stdin closed; if it does not end, SIGTERM to its group, then SIGKILL. No restart. */
void child_stop(child *c, uint64_t now);
void child_terminate(child *c, uint64_t now); /* the same, beginning with SIGTERM */

void child_ready(uint64_t data, uint32_t epoll_events, uint64_t now);
void child_tick(child *c, uint64_t now);            /* runs what is due; cheap when nothing is */
int child_timeout_ms(const child *c, uint64_t now); /* until the next tick is due; -1 = none */

typedef struct {
    child_state state;
    pid_t pid;         /* of its leader; 0 while there is none */
    uint64_t restarts; /* starts after the first */
    uint64_t due;      /* of the next start, when backing off */
    child_end last;    /* of the life before; meaningful when has_ended */
    bool has_ended;
} child_health;

child_health child_look(const child *c);

#endif
