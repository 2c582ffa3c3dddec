/* The gateway's own signature on its answers. */
#ifndef GATEWAY_PROVE_H
#define GATEWAY_PROVE_H

#include "gateway/exchange.h"

/* Signs the answer to a request that was signed, if the gateway has a key (S-6). Without memory for it, it is a 500. */
void prove_answer(exchange *x);

/* At a stream's end: appends the receipt that closes it, as a comment. False: the stream gets none. */
bool prove_stream_end(exchange *x);

#endif
