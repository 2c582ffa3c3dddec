/* Compares decimal texts digit by digit: doubles would make neighbours equal. */
#include "chain/decimal.h"

#define EXPONENT_CEILING 1000000000 /* saturates: far beyond what the scanner lets through */

typedef struct {
    const unsigned char *next, *end; /* mantissa from its first significant digit */
    int64_t magnitude;               /* decimal place of that digit */
    int sign;                        /* 0 for zero */
} decimal;

static int64_t
read_exponent(const unsigned char *at, const unsigned char *end)
{
    bool negative = at < end && *at == '-';
    int64_t value = 0;
    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9' && value < EXPONENT_CEILING) {
            value = value * 10 + (*at - '0');
        }
    }
    return negative ? -value : value;
}

static decimal
open_decimal(aip_bytes text)
{
    decimal d = {text.data, text.data, 0, 1};
    const unsigned char *end = text.data + text.size, *first = NULL, *point = NULL;
    if (text.size > 0 && *d.next == '-') {
        d.sign = -1;
        d.next++;
    }
    for (d.end = d.next; d.end < end && *d.end != 'e' && *d.end != 'E'; d.end++) {
        point = *d.end == '.' ? d.end : point;
        first = first == NULL && *d.end >= '1' && *d.end <= '9' ? d.end : first;
    }
    if (first == NULL) {
        return (decimal){d.end, d.end, 0, 0};
    }
    const unsigned char *unit = point == NULL ? d.end : point; /* just after the units digit */
    d.next = first;
    d.magnitude = first < unit ? unit - first - 1 : unit - first;
    d.magnitude += d.end < end ? read_exponent(d.end + 1, end) : 0;
    return d;
}

static int
next_digit(decimal *d)
{
    if (d->next < d->end && *d->next == '.') {
        d->next++;
    }
    return d->next < d->end ? *d->next++ - '0' : 0;
}

static int
compare_magnitudes(decimal *a, decimal *b)
{
    if (a->magnitude != b->magnitude) {
        return a->magnitude < b->magnitude ? -1 : 1;
    }
    while (a->next < a->end || b->next < b->end) {
        int difference = next_digit(a) - next_digit(b);
        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

int
decimal_compare(aip_bytes a, aip_bytes b)
{
    decimal left = open_decimal(a), right = open_decimal(b);
    if (left.sign != right.sign || left.sign == 0) {
        return left.sign - right.sign;
    }
    return left.sign * compare_magnitudes(&left, &right);
}
