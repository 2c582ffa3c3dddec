/* What a refusal looks like from outside: the only place that maps statuses to HTTP and JSON-RPC. */
#ifndef GATEWAY_REPLY_H
#define GATEWAY_REPLY_H

#include "gateway/exchange.h"

int reply_http_status(const exchange *x, aip_status status);
/* Makes x->answer the refusal that x->refusal describes. */
void reply_refuse(exchange *x);
/* Makes x->answer the refusal of a request that no decision is made about. */
void reply_refuse_unjudged(exchange *x, aip_status status, const char *methods);
/* Appends a refusal as plain JSON; without a decision's id where that is NULL. */
void reply_append_plain_error(text_buffer *out, const aip_error *why, const char *decision_id);
/* Headers that every reply carries: decision id and, for a verified token, the hygiene report. */
void reply_add_common(exchange *x);

#endif
