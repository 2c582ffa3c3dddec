/* Threads beside the shards. */
#ifndef GATEWAY_THREAD_H
#define GATEWAY_THREAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/mail.h"

/* Starts one that takes no signals: these are for the main thread alone. `what` tells which it is when it fails.
 * Errors: io. */
AIP_MUST_CHECK aip_status thread_start(pthread_t *out, void *(*run)(void *), void *context, const char *what,
                                       aip_error *err);

/* One that works until it is told to stop, with a desk that wakes it. Zero-initialise. */
typedef struct {
    atomic_bool stopping; /* for its loop to look at */
    bool started;
    pthread_t thread;
} worker;

/* As thread_start. Errors: io. */
AIP_MUST_CHECK aip_status worker_start(worker *w, void *(*run)(void *), void *context, const char *what,
                                       aip_error *err);

/* Waits for its end, if it was ever started, and tells whether it was. */
bool worker_end(worker *w, const desk *asked);

#endif
