/* The only clock of the project. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_seconds(void);                      /* wall clock, seconds since 1970 */
uint64_t clock_monotonic_microseconds(void);          /* for durations and caches */
void clock_format_utc(int64_t seconds, char out[21]); /* RFC 3339, `2026-11-21T12:00:00Z` */

#endif
