/* A word on the operator's desktop, where there is one, that somebody waits for a person. */
#ifndef GATEWAY_DESKTOP_H
#define GATEWAY_DESKTOP_H

#include <sys/types.h>

#include "aip/bytes.h"

/* One thread's. */
typedef struct {
    char program[1024]; /* empty: there is no desktop, or nobody wants to be told */
    pid_t running;      /* 0: none; while one runs no other is started */
    uint64_t deadline;  /* monotonic microseconds: then it is killed */
} desktop;

/* Looks for notify-send and for a display, once. */
void desktop_open(desktop *d, bool wanted);
/* Ends what still runs. */
void desktop_close(desktop *d);

/* Both texts are printable ASCII; what else is in them is shown as `?`. */
void desktop_tell(desktop *d, const char *title, const char *text, uint64_t now);
/* Takes leave of a program that ended. True while one runs: it wants to be called again within a second. */
bool desktop_tick(desktop *d, uint64_t now);

#endif
