/* Runs the gateway from first socket to last drained request. */
#ifndef GATEWAY_SERVE_H
#define GATEWAY_SERVE_H

#include "gateway/gateway.h"

/* Listens on the settings' host and port (the real port is written back), prints `listening on …` on stdout, serves
 * until SIGTERM or SIGINT, drains and returns. `settings` are those that are in force. Errors: listen, io, memory,
 * config.invalid. */
AIP_MUST_CHECK aip_status gateway_serve(gateway *g, gateway_settings *settings, aip_error *err);

/* What the side that callers see needs: limits, figures, certificates. Sets members of `g`. Errors: config.invalid,
 * memory. */
AIP_MUST_CHECK aip_status gateway_front_open(gateway *g, aip_error *err);
void gateway_front_close(gateway *g);

/* Can be listened on: a numeric address, or `localhost`. config.invalid. */
AIP_MUST_CHECK aip_status gateway_check_host(const char *host, aip_error *err);

#endif
