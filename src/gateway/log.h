/* One line on standard error for each request, as text or JSON. It never waits and never holds a secret. */
#ifndef GATEWAY_LOG_H
#define GATEWAY_LOG_H

#include "gateway/exchange.h"

/* `open`: what anyone may read, about which nothing was decided. Where nobody takes the line it is lost, and the next
 * one tells how many were. Thread-safe. */
void log_request(const exchange *x, bool open);

/* What became of the server behind its route: `why` it fails, NULL: it answers again. Whatever the settings' level is.
 * Thread-safe. */
void log_upstream(const exchange *x, const char *why);

/* Appends the line without the settings' level being asked. */
void log_append_line(text_buffer *out, const exchange *x, bool open);

#endif
