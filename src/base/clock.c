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

int64_t
clock_now_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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

/* Exactly `count` digits at the front, cut off from `text`; -1 when they are not there. */
static int
take_digits(aip_bytes *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= text->size || text->data[i] < '0' || text->data[i] > '9') {
            return -1;
        }
        value = value * 10 + (text->data[i] - '0');
    }
    *text = aip_bytes_from(*text, count);
    return value;
}

static bool
take_mark(aip_bytes *text, unsigned char mark)
{
    if (text->size == 0 || text->data[0] != mark) {
        return false;
    }
    *text = aip_bytes_from(*text, 1);
    return true;
}

/* `2026-11-21` as days since 1970 (Gregorian). */
static bool
take_date(aip_bytes *text, int64_t *days)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int year = take_digits(text, 4), month = take_mark(text, '-') ? take_digits(text, 2) : -1;
    int day = take_mark(text, '-') ? take_digits(text, 2) : -1;
    if (year < 1970 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > before[month] - before[month - 1] + (leap && month == 2 ? 1 : 0)) {
        return false;
    }
    int past = year - 1; /* leap days up to the year before: 477 of them by 1969 */
    *days = (int64_t)(year - 1970) * 365 + (past / 4 - past / 100 + past / 400 - 477) + before[month - 1] + day - 1 +
            (leap && month > 2 ? 1 : 0);
    return true;
}

/* `12:00:00` with an optional fraction, as seconds of the day. */
static bool
take_time(aip_bytes *text, int64_t *seconds)
{
    int hour = take_digits(text, 2), minute = take_mark(text, ':') ? take_digits(text, 2) : -1;
    int second = take_mark(text, ':') ? take_digits(text, 2) : -1;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return false;
    }
    *seconds = hour * 3600 + minute * 60 + second;
    if (!take_mark(text, '.')) {
        return true;
    }
    size_t digits = 0;
    while (take_digits(text, 1) >= 0) {
        digits++;
    }
    return digits >= 1 && digits <= 9;
}

/* What is left: `Z`, or hours and minutes east of it. */
static bool
read_offset(aip_bytes text, int64_t *seconds)
{
    *seconds = 0;
    if (text.size == 1) {
        return text.data[0] == 'Z';
    }
    bool west = take_mark(&text, '-');
    int hour = west || take_mark(&text, '+') ? take_digits(&text, 2) : -1;
    int minute = take_mark(&text, ':') ? take_digits(&text, 2) : -1;
    *seconds = (int64_t)(hour * 3600 + minute * 60) * (west ? -1 : 1);
    return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && text.size == 0;
}

bool
clock_read_utc(aip_bytes text, int64_t *seconds)
{
    int64_t days = 0, time = 0, offset = 0;
    if (!take_date(&text, &days) || !take_mark(&text, 'T') || !take_time(&text, &time) || !read_offset(text, &offset)) {
        return false;
    }
    *seconds = days * 86400 + time - offset;
    return *seconds >= 0;
}
