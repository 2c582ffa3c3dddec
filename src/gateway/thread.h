/* Threads beside the shards. */
#ifndef GATEWAY_THREAD_H
#define GATEWAY_THREAD_H

#include <pthread.h>

#include "aip/error.h"

/* Starts one that takes no signals: these are for the main thread alone. `what` tells which it is when it fails.
 * Errors: io. */
AIP_MUST_CHECK aip_status thread_start(pthread_t *out, void *(*run)(void *), void *context, const char *what,
                                       aip_error *err);

#endif
