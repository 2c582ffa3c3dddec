/* How often one host may be asked, in a table of fixed size. */
#ifndef NET_HOST_RATE_H
#define NET_HOST_RATE_H

#include "net/https_host.h"

#define HOST_RATE_ROWS 256 /* hosts asked within one regained turn; more at once are refused */

typedef struct {
    uint64_t microseconds_per_turn;
    struct {
        char host[HTTPS_HOST_BYTES];
        uint64_t idle_at; /* monotonic microseconds: when all turns are regained, and the row is free */
    } rows[HOST_RATE_ROWS];
} host_rate;

void host_rate_init(host_rate *rate, unsigned per_minute);

/* Takes one of the host's turns: `per_minute` at once, regained evenly over a minute. Errors: fetch.busy. */
AIP_MUST_CHECK aip_status host_rate_take(host_rate *rate, const char *host, uint64_t now, aip_error *err);

#endif
