/* Reads decimal amounts exactly: never through a double. */
#include "token/amount.h"

#include "aip/limits.h"

#define DECIMALS 6
#define FOREIGN_INTEGER_DIGITS 12
#define EXPONENT_CEILING 9999 /* beyond it nothing is representable: saturating keeps the sum in range */

static bool
is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static size_t
count_digits(aip_bytes text, size_t from)
{
    size_t end = from;
    while (end < text.size && is_digit(text.data[end])) {
        end++;
    }
    return end - from;
}

static aip_status
refuse(aip_error *err)
{
    return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "an amount needs 1 to %d digits and at most %d decimals, no exponent",
                    AIP_BUDGET_INTEGER_DIGITS_MAX, DECIMALS);
}

aip_status
amount_parse(aip_bytes text, uint64_t *micro_usd, aip_error *err)
{
    if (text.size > 1 && text.data[0] == '-' && is_digit(text.data[1])) {
        return aip_fail(err, AIP_TOKEN_BUDGET_NEGATIVE, NULL);
    }
    size_t whole = count_digits(text, 0);
    size_t decimals = whole < text.size && text.data[whole] == '.' ? count_digits(text, whole + 1) : 0;
    size_t used = whole + (decimals == 0 ? 0 : decimals + 1);
    bool padded = whole > 1 && text.data[0] == '0'; /* one spelling: JSON has no leading zeros either */
    if (used != text.size || whole == 0 || whole > AIP_BUDGET_INTEGER_DIGITS_MAX || decimals > DECIMALS || padded) {
        return refuse(err);
    }
    uint64_t value = 0;
    for (size_t i = 0; i < whole + DECIMALS; i++) {
        size_t at = i < whole ? i : i + 1;
        value = value * 10 + (at < text.size ? (uint64_t)(text.data[at] - '0') : 0);
    }
    *micro_usd = value;
    return AIP_OK;
}

typedef struct {
    uint64_t digits; /* significant digits as an integer, trailing zeros removed */
    size_t count;    /* how many they are */
    long exponent;   /* value = digits * 10^exponent */
} significand;

/* At most 18 digits fit; a longer one can only be inexact or too large, since trailing zeros wait in `zeros`. */
static bool
read_mantissa(aip_bytes number, size_t *at, significand *out)
{
    bool fraction = false;
    long zeros = 0;
    for (; *at < number.size && (is_digit(number.data[*at]) || number.data[*at] == '.'); ++*at) {
        unsigned char c = number.data[*at];
        if (c == '.') {
            fraction = true;
            continue;
        }
        out->exponent -= fraction;
        zeros++;
        if (c == '0') {
            continue;
        }
        for (; zeros > 0; zeros--) {
            if (out->count > 0 || zeros == 1) {
                out->count++;
                out->digits *= 10;
            }
            if (out->count > 18) {
                return false;
            }
        }
        out->digits += (uint64_t)(c - '0');
    }
    out->exponent += zeros;
    return true;
}

static long
read_exponent(aip_bytes number, size_t at)
{
    if (at >= number.size) {
        return 0;
    }
    at++; /* e or E: the scanner saw to the grammar */
    bool negative = at < number.size && number.data[at] == '-';
    long value = 0;
    for (; at < number.size; at++) {
        if (is_digit(number.data[at]) && value < EXPONENT_CEILING) {
            value = value * 10 + (number.data[at] - '0');
        }
    }
    return negative ? -value : value;
}

aip_status
amount_parse_foreign(aip_bytes number, uint64_t *micro_usd, bool *negative, aip_error *err)
{
    size_t at = number.size > 0 && number.data[0] == '-' ? 1 : 0;
    *negative = at == 1;
    significand value = {0};
    if (!read_mantissa(number, &at, &value)) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "an amount has too many digits");
    }
    if (value.count == 0) {
        *micro_usd = 0;
        return *negative ? aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "an amount of minus zero") : AIP_OK;
    }
    long shift = value.exponent + read_exponent(number, at) + DECIMALS;
    if (shift < 0 || (long)value.count + shift > FOREIGN_INTEGER_DIGITS + DECIMALS) {
        return aip_fail(err, AIP_TOKEN_CLAIM_INVALID, "an amount is not a whole number of micro-USD in range");
    }
    for (; shift > 0; shift--) {
        value.digits *= 10;
    }
    *micro_usd = value.digits;
    return AIP_OK;
}
