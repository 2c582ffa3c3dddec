/* What both sides of the spawner's socket know. */
#ifndef NET_SPAWNER_INSIDE_H
#define NET_SPAWNER_INSIDE_H

#include "net/spawner.h"

/* An order begins with this; then come NUL-terminated strings: the directory, the arguments, the environment. With it
 * travel four descriptors: stdin, stdout, stderr, control. */
typedef struct {
    uint32_t arguments, variables;
} spawner_order;

enum { SPAWNER_DESCRIPTORS = 4 };

/* The spawner's own process: serves the socket until its other end is closed. */
_Noreturn void spawner_run(int orders);

#endif
