/* JSON number literals as IEEE 754 doubles: exact reading, shortest writing. */
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* No double and no middle between two has more significant digits than 768, so one more digit that
 * stands for all dropped ones keeps the rounding exact. */
#define SIGNIFICANT_DIGITS 780
#define EXPONENT_CAP INT64_C(100000000000)

/* value = digits × 10^scale */
typedef struct {
    char digits[SIGNIFICANT_DIGITS + 16];
    size_t count;
    int64_t scale;
    bool dropped, fraction;
} decimal;

static void
take_digit(decimal *number, char digit)
{
    if (number->count == 0 && digit == '0') {
        number->scale -= number->fraction;
    } else if (number->count < SIGNIFICANT_DIGITS) {
        number->digits[number->count++] = digit;
        number->scale -= number->fraction;
    } else {
        number->dropped |= digit != '0';
        number->scale += !number->fraction;
    }
}

static int64_t
read_exponent(aip_bytes literal, size_t at)
{
    bool negative = at < literal.size && literal.data[at] == '-';
    int64_t exponent = 0;
    for (; at < literal.size; at++) {
        if (literal.data[at] >= '0' && exponent < EXPONENT_CAP) {
            exponent = exponent * 10 + (literal.data[at] - '0');
        }
    }
    return negative ? -exponent : exponent;
}

static void
read_decimal(aip_bytes literal, decimal *number)
{
    number->count = 0;
    number->scale = 0;
    number->dropped = number->fraction = false;
    for (size_t i = 0; i < literal.size; i++) {
        unsigned char c = literal.data[i];
        if (c == '.') {
            number->fraction = true;
        } else if (c >= '0' && c <= '9') {
            take_digit(number, (char)c);
        } else if (c != '-') {
            number->scale += read_exponent(literal, i + 1);
            break;
        }
    }
    if (number->dropped) {
        number->digits[number->count++] = '1';
        number->scale--;
    }
}

aip_status
number_read(aip_bytes literal, double *out, aip_error *err)
{
    decimal number;
    read_decimal(literal, &number);
    double value = 0;
    if (number.count > 0) {
        /* Without a point there is nothing in it that a locale could read differently. */
        long scale = number.scale > 9999 ? 9999 : number.scale < -9999 ? -9999 : (long)number.scale;
        snprintf(number.digits + number.count, sizeof number.digits - number.count, "e%ld", scale);
        value = strtod(number.digits, NULL);
        if (isinf(value) || fpclassify(value) == FP_ZERO) {
            return aip_fail(err, AIP_JSON_NUMBER, NULL);
        }
    }
    *out = literal.size > 0 && literal.data[0] == '-' ? -value : value;
    return AIP_OK;
}

/* The next decimal of as many digits; false when it would need one digit more. */
static bool
increment(char *digits, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        if (digits[i] != '9') {
            digits[i]++;
            return true;
        }
        digits[i] = '0';
    }
    return false;
}

static bool
reads_back(const char *digits, int count, int point, double value)
{
    char text[NUMBER_TEXT_SIZE];
    snprintf(text, sizeof text, "%.*se%d", count, digits, point - count);
    double got = strtod(text, NULL);
    return memcmp(&got, &value, sizeof got) == 0;
}

/* Tries `count` digits; on success value = 0.digits × 10^point. */
static bool
shorten(double value, int count, char digits[20], int *point)
{
    char text[NUMBER_TEXT_SIZE];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    int used = 0;
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9' && used < count) { /* the point differs between locales */
            digits[used++] = *at;
        }
    }
    *point = atoi(at + 1) + 1;
    if (reads_back(digits, count, *point, value)) {
        return true;
    }
    /* Above a power of two the doubles lie twice as far apart as below it: the nearest decimal may be
     * the wrong one of two, the one above the right one. */
    return increment(digits, count) && reads_back(digits, count, *point, value);
}

static char *
put(char *out, char byte, int times)
{
    memset(out, byte, (size_t)times);
    return out + times;
}

static char *
copy(char *out, const char *from, int count)
{
    memcpy(out, from, (size_t)count);
    return out + count;
}

/* ECMA-262 Number::toString, steps 6 to 10: `count` is its k, `point` its n. */
static void
lay_out(char *out, const char *digits, int count, int point)
{
    if (point > 0 && point <= 21) {
        int whole = count < point ? count : point;
        out = put(copy(out, digits, whole), '0', point - whole);
        if (count > point) {
            out = copy(put(out, '.', 1), digits + point, count - point);
        }
    } else if (point > -6 && point <= 0) {
        out = copy(put(copy(out, "0.", 2), '0', -point), digits, count);
    } else {
        *out++ = digits[0];
        if (count > 1) {
            out = copy(put(out, '.', 1), digits + 1, count - 1);
        }
        out += sprintf(out, "e%+d", point - 1);
    }
    *out = '\0';
}

void
number_write(double value, char out[NUMBER_TEXT_SIZE])
{
    if (fpclassify(value) == FP_ZERO) {
        memcpy(out, "0", 2); /* minus zero too: RFC 8785 appendix B */
        return;
    }
    if (value < 0) {
        *out++ = '-';
        value = -value;
    }
    char digits[20];
    int point = 0, count = 1;
    while (count < 17 && !shorten(value, count, digits, &point)) {
        count++;
    }
    if (count == 17) { /* 17 digits always read back */
        (void)shorten(value, count, digits, &point);
    }
    lay_out(out, digits, count, point);
}

bool
number_is_exact_integer(aip_bytes literal)
{
    uint64_t value = 0;
    size_t at = literal.size > 0 && literal.data[0] == '-' ? 1 : 0;
    if (at == literal.size || literal.size - at > 16) {
        return false;
    }
    for (; at < literal.size; at++) {
        if (literal.data[at] < '0' || literal.data[at] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(literal.data[at] - '0');
    }
    return value < UINT64_C(1) << 53;
}
