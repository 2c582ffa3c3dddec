/* The configuration read again while the gateway runs: on SIGHUP, when a file of it changed, or when asked. A good one
 * takes the place of the old one for new requests; a bad one changes nothing and is told of loudly. */
#ifndef GATEWAY_RELOAD_H
#define GATEWAY_RELOAD_H

#include <signal.h>

#include "gateway/gateway.h"

typedef struct reload reload;

typedef struct {
    /* Makes the settings that are to follow `now`. `report` receives a line for each problem and each warning.
     * Errors: config.invalid (also: what changed needs a restart), and whatever keeps files from being read. */
    aip_status (*load)(void *context, const gateway_settings *now, gateway_settings **out, text_buffer *report,
                       aip_error *err);
    void *context;
} reload_setup;

/* Sets g->reload. Errors: memory, io. */
AIP_MUST_CHECK aip_status reload_open(gateway *g, const reload_setup *setup, aip_error *err);
void reload_close(gateway *g);

/* Asks the main thread for one and does not wait; gives the number of the request. Thread-safe. */
uint64_t reload_ask(gateway *g);
/* What came of the last one, as a line: `ok …`, `failed …`, or `none`. Gives the number of the last request that it
 * answers, 0 before the first. Thread-safe. */
uint64_t reload_last(const gateway *g, text_buffer *out);
/* Appends `"reload":"…"`, which anyone may read: when, and the status. Thread-safe. */
void reload_append_health(const gateway *g, text_buffer *out);

/* The main thread's: serves SIGHUP, changed files and those who ask until one of the signals comes that ends the
 * gateway, and gives it. All of `signals` and SIGHUP are blocked in every thread. */
int reload_wait(gateway *g, const sigset_t *signals);

#endif
