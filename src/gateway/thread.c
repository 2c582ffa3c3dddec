/* Starting threads that take no signals, and ending them. */
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

aip_status
worker_start(worker *w, void *(*run)(void *), void *context, const char *what, aip_error *err)
{
    aip_status status = thread_start(&w->thread, run, context, what, err);
    w->started = status == AIP_OK;
    return status;
}

bool
worker_end(worker *w, const desk *asked)
{
    bool started = w->started;
    if (started) {
        atomic_store(&w->stopping, true);
        desk_ring(asked);
        pthread_join(w->thread, NULL);
        w->started = false;
    }
    return started;
}
