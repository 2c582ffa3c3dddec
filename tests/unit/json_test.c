/* Our own documents: strict loading, writing, canonical bytes, numbers. */
#include "tests/unit/check.h"

#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

#define L(text) AIP_BYTES_LITERAL(text)

static aip_status
load(aip_bytes text)
{
    JSON_AUTO json_t *value = NULL;
    return json_load_strict(text, 4096, &value, NULL);
}

static void
documents_are_loaded_strictly(void)
{
    CHECK_STATUS(load(L("{\"a\":[1,2.5,\"x\",null,true]}")), AIP_OK);
    CHECK_STATUS(load(L(" [ ] ")), AIP_OK);
    CHECK_STATUS(load(L("1")), AIP_JSON_SHAPE);
    CHECK_STATUS(load(L("\"a\"")), AIP_JSON_SHAPE);
    CHECK_STATUS(load(L("{\"a\":1,\"\\u0061\":2}")), AIP_JSON_DUPLICATE);
    CHECK_STATUS(load(L("{} {}")), AIP_JSON_TRAILING);
    CHECK_STATUS(load(L("{\"a\":\"\\u0000\"}")), AIP_JSON_SHAPE);
    CHECK_STATUS(load(L("{\"\\u0000\":1}")), AIP_JSON_SHAPE);
    CHECK_STATUS(load(L("[12345678901234567890]")), AIP_JSON_NUMBER);
    CHECK_STATUS(load(L("[1e400]")), AIP_JSON_NUMBER);
    CHECK_STATUS(load(L("")), AIP_JSON_SYNTAX);
    CHECK_STATUS(load(L("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]")), AIP_OK);
    CHECK_STATUS(load(L("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]")), AIP_JSON_DEPTH);
}

static void
writing_keeps_the_order_of_members(void)
{
    JSON_AUTO json_t *value = NULL;
    STRING_AUTO char *text = NULL;
    size_t size = 0;
    CHECK_STATUS(json_load_strict(L("{ \"z\" : 1, \"a\" : [ \"\\u00e9\" ] }"), 100, &value, NULL), AIP_OK);
    CHECK_STATUS(json_write(value, &text, &size, NULL), AIP_OK);
    CHECK_TEXT(text, "{\"z\":1,\"a\":[\"\xC3\xA9\"]}");
    CHECK(size == strlen(text));
}

static void
check_canonical(const char *from, const char *wanted)
{
    STRING_AUTO char *text = NULL;
    size_t size = 0;
    CHECK_STATUS(json_canonical(aip_bytes_of(from), &text, &size, NULL), AIP_OK);
    CHECK_TEXT(text, wanted);
    CHECK(size == strlen(wanted));
}

static void
canonical_bytes_are_those_of_rfc_8785(void)
{
    check_canonical(" { \"b\" : [ ] , \"a\" : { } } ", "{\"a\":{},\"b\":[]}");
    check_canonical("[56,{\"d\":true,\"10\":null,\"1\":[ ]}]", "[56,{\"1\":[],\"10\":null,\"d\":true}]");
    check_canonical("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\\u007f\"",
                    "\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\x7f\"");
    check_canonical(
        "{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3,\"\\u00f6\":4,\"1\":5,\"\\r\":6,\"\":7}",
        "{\"\":7,\"\\r\":6,\"1\":5,\"\xC3\xB6\":4,\"\xE2\x82\xAC\":3,\"\xF0\x9F\x98\x80\":2,\"\xEF\xAC\xB3\":1}");
    check_canonical("[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001,-0,12345678901234567890]",
                    "[333333333.3333333,1e+30,4.5,0.002,1e-27,0,12345678901234567000]");
    check_canonical("{\"a\":{\"y\":\"\\n\",\"x\":{\"c\":\"\\t\"}},\"A\":[{\"q\":\"\\u0041\"}]}",
                    "{\"A\":[{\"q\":\"A\"}],\"a\":{\"x\":{\"c\":\"\\t\"},\"y\":\"\\n\"}}");
}

static void
canonical_bytes_are_refused_where_the_scanner_refuses(void)
{
    char *text = NULL;
    size_t size;
    CHECK_STATUS(json_canonical(L("{\"a\":1,\"a\":1}"), &text, &size, NULL), AIP_JSON_DUPLICATE);
    CHECK_STATUS(json_canonical(L("[1e999]"), &text, &size, NULL), AIP_JSON_NUMBER);
    CHECK_STATUS(json_canonical(L("\"\\udead\""), &text, &size, NULL), AIP_JSON_UTF8);
    CHECK_STATUS(json_canonical(L(""), &text, &size, NULL), AIP_JSON_SYNTAX);
    CHECK(text == NULL);
}

/* RFC 8785 appendix B, and powers of two where the nearest short decimal is the wrong one. */
static void
numbers_are_written_as_ecmascript_writes_them(void)
{
    static const struct {
        uint64_t bits;
        const char *text;
    } cases[] = {
        {0, "0"},
        {UINT64_C(0x8000000000000000), "0"},
        {1, "5e-324"},
        {UINT64_C(0x8000000000000001), "-5e-324"},
        {UINT64_C(0x7fefffffffffffff), "1.7976931348623157e+308"},
        {UINT64_C(0x4340000000000000), "9007199254740992"},
        {UINT64_C(0xc340000000000000), "-9007199254740992"},
        {UINT64_C(0x4430000000000000), "295147905179352830000"},
        {UINT64_C(0x44b52d02c7e14af5), "9.999999999999997e+22"},
        {UINT64_C(0x44b52d02c7e14af6), "1e+23"},
        {UINT64_C(0x44b52d02c7e14af7), "1.0000000000000001e+23"},
        {UINT64_C(0x444b1ae4d6e2ef4e), "999999999999999700000"},
        {UINT64_C(0x444b1ae4d6e2ef50), "1e+21"},
        {UINT64_C(0x3eb0c6f7a0b5ed8c), "9.999999999999997e-7"},
        {UINT64_C(0x3eb0c6f7a0b5ed8d), "0.000001"},
        {UINT64_C(0x41b3de4355555553), "333333333.3333332"},
        {UINT64_C(0x41b3de4355555557), "333333333.33333343"},
        {UINT64_C(0xbecbf647612f3696), "-0.0000033333333333333333"},
        {UINT64_C(0x43143ff3c1cb0959), "1424953923781206.2"},
        {UINT64_C(0x3d30000000000000), "5.684341886080802e-14"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value;
        char text[NUMBER_TEXT_SIZE];
        memcpy(&value, &cases[i].bits, sizeof value);
        number_write(value, text);
        CHECK_TEXT(text, cases[i].text);
    }
}

static void
what_is_written_reads_back_as_the_same_double(void)
{
    uint64_t state = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double value, back = 0;
        memcpy(&value, &state, sizeof value);
        if (isfinite(value)) {
            char text[NUMBER_TEXT_SIZE];
            number_write(value, text);
            CHECK_STATUS(number_read(aip_bytes_of(text), &back, NULL), AIP_OK);
            CHECK(memcmp(&value, &back, sizeof back) == 0);
        }
    }
}

/* Half way between 1 and the next double, and a hair above, in more digits than any buffer holds. */
static void
reading_rounds_exactly_however_many_digits(void)
{
    double value = 0;
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, "1.00000000000000011102230246251565404236316680908203125");
    CHECK_STATUS(number_read(text_view(&text), &value, NULL), AIP_OK);
    CHECK(!(value > 1));
    for (int i = 0; i < 1000; i++) {
        text_append_string(&text, "0");
    }
    CHECK_STATUS(number_read(text_view(&text), &value, NULL), AIP_OK);
    CHECK(!(value > 1));
    text_append_string(&text, "1");
    CHECK_STATUS(number_read(text_view(&text), &value, NULL), AIP_OK);
    CHECK(value > 1);
    text_clear(&text);
    text_append_string(&text, "0.");
    for (int i = 0; i < 400; i++) {
        text_append_string(&text, "0");
    }
    text_append_string(&text, "25e401");
    CHECK_STATUS(number_read(text_view(&text), &value, NULL), AIP_OK);
    CHECK(fabs(value - 2.5) < 1e-300);
}

RUN(TEST(documents_are_loaded_strictly), TEST(writing_keeps_the_order_of_members),
    TEST(canonical_bytes_are_those_of_rfc_8785), TEST(canonical_bytes_are_refused_where_the_scanner_refuses),
    TEST(numbers_are_written_as_ecmascript_writes_them), TEST(what_is_written_reads_back_as_the_same_double),
    TEST(reading_rounds_exactly_however_many_digits))
