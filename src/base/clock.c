/* The only clock of the project. */
#include "base/clock.h"

#include <time.h>

int64_t
clock_now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

uint64_t
clock_monotonic_microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void
clock_format_utc(int64_t seconds, char out[21])
{
    /* Four digits for the year are all that RFC 3339 has: what lies outside is shown as the edge. */
    const int64_t last = INT64_C(253402300799);
    time_t shown = (time_t)(seconds < 0 ? 0 : seconds > last ? last : seconds);
    struct tm parts;
    gmtime_r(&shown, &parts);
    strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
