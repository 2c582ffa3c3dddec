/* Amounts: which texts are money, and that reading and writing agree. */
#include "aip/chain.h"
#include "check.h"
#include "token/amount.h"

static uint64_t
foreign(const char *text, aip_status wanted)
{
    uint64_t value = 0;
    bool negative = false;
    CHECK_STATUS(amount_parse_foreign(aip_bytes_of(text), &value, &negative, NULL), wanted);
    return value;
}

static void
a_decimal_amount_becomes_whole_micro_usd(void)
{
    static const struct {
        const char *text;
        uint64_t value;
    } rows[] = {
        {"0", 0},        {"1", 1000000}, {"0.5", 500000}, {"0.000001", 1}, {"9999999999.999999", 9999999999999999},
        {"1.0", 1000000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 7;
        CHECK_STATUS(aip_budget_parse(aip_bytes_of(rows[i].text), &value, NULL), AIP_OK);
        CHECK(value == rows[i].value);
    }
}

static void
an_amount_with_exponent_sign_or_too_many_digits_is_refused(void)
{
    static const char *const rows[] = {"",   ".",     "1.",  ".5", "1e3", "1E0", "+1",  "0.0000001", "10000000000",
                                       "01", "1.0.0", "1,0", " 1", "1 ",  "NaN", "0x1", "1.0000000"};
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_STATUS(aip_budget_parse(aip_bytes_of(rows[i]), &value, NULL), AIP_TOKEN_CLAIM_INVALID);
    }
    CHECK_STATUS(aip_budget_parse(aip_bytes_of("-1"), &value, NULL), AIP_TOKEN_BUDGET_NEGATIVE);
}

static void
an_amount_is_written_with_at_least_one_decimal(void)
{
    static const struct {
        uint64_t value;
        const char *text;
    } rows[] = {{0, "0.0"},      {1000000, "1.0"},   {500000, "0.5"},
                {1, "0.000001"}, {10000000, "10.0"}, {1234567, "1.234567"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        uint64_t value = 0;
        aip_budget_format(rows[i].value, text);
        CHECK_TEXT(text, rows[i].text);
        CHECK_STATUS(aip_budget_parse(aip_bytes_of(text), &value, NULL), AIP_OK);
        CHECK(value == rows[i].value);
    }
}

static void
a_foreign_amount_may_have_an_exact_exponent(void)
{
    CHECK(foreign("1e0", AIP_OK) == 1000000);
    CHECK(foreign("1.5E1", AIP_OK) == 15000000);
    CHECK(foreign("1e-6", AIP_OK) == 1);
    CHECK(foreign("100e-8", AIP_OK) == 1);
    CHECK(foreign("0.00000100000", AIP_OK) == 1);
    CHECK(foreign("999999999999.999999", AIP_OK) == 999999999999999999u);
    CHECK(foreign("0e99999999", AIP_OK) == 0);
    (void)foreign("1e-7", AIP_TOKEN_CLAIM_INVALID);
    (void)foreign("0.0000001", AIP_TOKEN_CLAIM_INVALID);
    (void)foreign("1e12", AIP_TOKEN_CLAIM_INVALID);
    (void)foreign("1000000000000", AIP_TOKEN_CLAIM_INVALID);
    (void)foreign("1e999999999999", AIP_TOKEN_CLAIM_INVALID);
    (void)foreign("1.0000000000000000001", AIP_TOKEN_CLAIM_INVALID);
    (void)foreign("-0.0", AIP_TOKEN_CLAIM_INVALID);
}

static void
a_negative_foreign_amount_is_noted(void)
{
    uint64_t value = 0;
    bool negative = false;
    CHECK_STATUS(amount_parse_foreign(AIP_BYTES_LITERAL("-5"), &value, &negative, NULL), AIP_OK);
    CHECK(negative && value == 5000000);
}

RUN(TEST(a_decimal_amount_becomes_whole_micro_usd), TEST(an_amount_with_exponent_sign_or_too_many_digits_is_refused),
    TEST(an_amount_is_written_with_at_least_one_decimal), TEST(a_foreign_amount_may_have_an_exact_exponent),
    TEST(a_negative_foreign_amount_is_noted))
