/* Starting threads that take no signals. */
#include "gateway/thread.h"

#include <signal.h>

aip_status
thread_start(pthread_t *out, void *(*run)(void *), void *context, const char *what, aip_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(out, NULL, run, context) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started ? AIP_OK : aip_fail(err, AIP_IO, "the thread %s does not start", what);
}
