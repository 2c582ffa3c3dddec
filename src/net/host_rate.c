/* One number a host: the time at which its turns would be whole again. */
#include "net/host_rate.h"

#include <stdio.h>

#define MINUTE_MICROSECONDS UINT64_C(60000000)

void
host_rate_init(host_rate *rate, unsigned per_minute)
{
    memset(rate, 0, sizeof *rate);
    rate->microseconds_per_turn = MINUTE_MICROSECONDS / per_minute;
}

/* The host's row, else a free one, else -1. */
static int
find_row(const host_rate *rate, const char *host, uint64_t now)
{
    int free_row = -1;
    for (int i = 0; i < HOST_RATE_ROWS; i++) {
        if (rate->rows[i].idle_at <= now) {
            free_row = free_row < 0 ? i : free_row;
        } else if (strcmp(rate->rows[i].host, host) == 0) {
            return i;
        }
    }
    return free_row;
}

aip_status
host_rate_take(host_rate *rate, const char *host, uint64_t now, aip_error *err)
{
    int row = find_row(rate, host, now);
    if (row < 0) {
        return aip_fail(err, AIP_FETCH_BUSY, "too many hosts are asked at once");
    }
    uint64_t from = rate->rows[row].idle_at > now ? rate->rows[row].idle_at : now;
    if (from + rate->microseconds_per_turn > now + MINUTE_MICROSECONDS) {
        return aip_fail(err, AIP_FETCH_BUSY, "the host was asked too often");
    }
    (void)snprintf(rate->rows[row].host, sizeof rate->rows[row].host, "%s", host);
    rate->rows[row].idle_at = from + rate->microseconds_per_turn;
    return AIP_OK;
}
