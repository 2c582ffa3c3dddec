/* The allowed request's way to the upstream and the reply's way back. */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "gateway/exchange.h"

/* Does a header of this name go on to the upstream? */
bool forward_passes(const exchange *x, aip_bytes name);
/* Sends the request on; later x->wake tells that x->phase or x->stream moved. On failure the answer is ready. */
void forward_begin(exchange *x);
/* The same once more, for an upstream that may not have known yet that the stream before has gone. */
void forward_ask_again(exchange *x);
/* The caller is gone: ends the upstream's work and everything else. */
void forward_abandon(exchange *x);
/* The listener took bytes out of x->stream. */
void forward_drained(exchange *x);
/* Ends what is too old and keeps quiet streams alive. `now` is monotonic, in microseconds. */
void forward_sweep(exchange *x, uint64_t now);
/* The gateway is about to stop: ends a stream of which nobody waits for an end. */
void forward_drain(exchange *x);
/* The gateway stops: waiting requests are answered, streams end. */
void forward_stop(exchange *x);

/* For what is not one upstream's reply but made of several (gateway/group_gather.h). */
void forward_fail(exchange *x, aip_status status); /* in whatever form is still possible */
void forward_open_stream(exchange *x);
/* The answer's body and fields are there; or the stream's last event is. */
void forward_finish(exchange *x, int http);

#endif
