/* The only clock of the project. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "aip/bytes.h"

int64_t clock_now_seconds(void);                      /* wall clock, seconds since 1970 */
int64_t clock_now_milliseconds(void);                 /* the same in milliseconds */
uint64_t clock_monotonic_microseconds(void);          /* for durations and caches */
void clock_format_utc(int64_t seconds, char out[21]); /* RFC 3339, `2026-11-21T12:00:00Z` */

/* Reads an RFC 3339 date-time from 1970 on, strictly: a real date, upper-case `T`, then `Z` or an offset, no leap
 * second. A fraction of up to 9 digits is cut off. False for anything else. */
bool clock_read_utc(aip_bytes text, int64_t *seconds);

#endif
