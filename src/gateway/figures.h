/* Counting on a request's way, and the page that Prometheus reads. */
#ifndef GATEWAY_FIGURES_H
#define GATEWAY_FIGURES_H

#include "gateway/exchange.h"

/* Each counts nothing where there are no figures. */
void figures_note_request(const exchange *x, bool open);          /* when it is answered */
void figures_note_decision(const exchange *x, aip_status status); /* as its record says */
void figures_note_outcome(const exchange *x);                     /* of a forwarded one */
void figures_note_time(const exchange *x, metrics_histogram which, uint64_t since_microseconds);
void figures_note_findings(const exchange *x, size_t count);
void figures_move(const shard_tools *shard, metrics_moving which, int by);

/* May this caller read the figures? By the address of the connection, and only without a proxy between. */
bool figures_may_read(const exchange *x);
/* Makes the answer. */
void figures_answer(exchange *x);

#endif
