/* Pages of allowed origins: what their browsers ask before a request, and what lets them read the answer (G-140). */
#ifndef GATEWAY_CORS_H
#define GATEWAY_CORS_H

#include "gateway/exchange.h"

/* Is it a browser's question whether a page of an allowed origin may send a request? It has no token. */
bool cors_asks(const exchange *x);
/* Makes x->answer the answer to that question about an address that has these methods; x->route may be NULL. */
void cors_allow(exchange *x, const char *methods);
/* Adds to an answer that is complete what lets the page read it, where its origin is allowed. */
void cors_mark(exchange *x);

#endif
