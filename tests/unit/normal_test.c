/* NORMALIZE and STRING of policies. */
#include "policy/normal.h"

#include "tests/unit/check.h"

static const char *
normal(const char *name)
{
    static normal_name out;
    return normal_name_of(aip_bytes_of(name), &out, NULL) == AIP_OK ? out.text : "(refused)";
}

static const char *
argument(const char *json, text_buffer *out)
{
    static const scan_limits limits = {65536, 64, 4096};
    scan_document document;
    out->size = 0;
    if (scan_load(aip_bytes_of(json), &limits, &document, NULL) != AIP_OK) {
        return "(no JSON)";
    }
    aip_status status = normal_argument(&document, 0, out, NULL);
    scan_clear(&document);
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    return status == AIP_OK ? out->data : aip_status_lookup(status)->name;
}

#define CHECK_ARGUMENT(json, wanted)              \
    do {                                          \
        text_buffer out = {0};                    \
        CHECK_TEXT(argument(json, &out), wanted); \
        text_clear(&out);                         \
    } while (0)

static void
spellings_of_a_plain_name_are_that_name(void)
{
    CHECK_TEXT(normal("read_file"), "read_file");
    CHECK_TEXT(normal("  Read_FILE\t\n"), "read_file");
    CHECK_TEXT(normal("\xEF\xBC\xB2\xEF\xBC\xA5"
                      "ad"),
               "read");                                                   /* fullwidth */
    CHECK_TEXT(normal("\xEF\xAC\x81le"), "file");                         /* ligature */
    CHECK_TEXT(normal("read\xE2\x80\x8B_file\xEF\xBB\xBF"), "read_file"); /* zero-width space, BOM */
    CHECK_TEXT(normal("x\xC2\xB2"), "x2");                                /* superscript */
    CHECK_TEXT(normal("\xE2\x80\x8B read_file"), "read_file"); /* a space that is outer once the first is gone */
    CHECK_TEXT(normal("re"
                      "\xCC\x81"
                      "ad"),
               normal("r\xC3\xA9"
                      "ad"));
    CHECK_TEXT(normal(""), "");
    CHECK_TEXT(normal("Tools/Call "), "tools/call");
}

static void
look_alike_scripts_stay_different(void)
{
    normal_name out;
    CHECK_STATUS(normal_name_of(AIP_BYTES_LITERAL("r\xD0\xB5"
                                                  "ad"),
                                &out, NULL),
                 AIP_OK);
    CHECK(out.mixed);
    CHECK_STATUS(normal_name_of(AIP_BYTES_LITERAL("re\xCE\xB1"
                                                  "d"),
                                &out, NULL),
                 AIP_OK);
    CHECK(out.mixed);
    CHECK_STATUS(normal_name_of(AIP_BYTES_LITERAL("\xD1\x87\xD0\xB8\xD1\x82"), &out, NULL), AIP_OK);
    CHECK(!out.mixed);
    CHECK_STATUS(normal_name_of(AIP_BYTES_LITERAL("r\xC3\xA9"
                                                  "ad"),
                                &out, NULL),
                 AIP_OK);
    CHECK(!out.mixed);
}

static void
names_without_a_normal_form_are_refused(void)
{
    char longest[AIP_TOOL_BYTES_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    CHECK_TEXT(normal(longest), "(refused)");
    CHECK_TEXT(normal("a\xFF"), "(refused)");
    CHECK_TEXT(normal("\xED\xA0\x80"), "(refused)");
    longest[0] = '\0';
    for (int i = 0; i < 85; i++) {
        strcat(longest, "\xEF\xB7\xBA"); /* grows elevenfold */
    }
    CHECK_TEXT(normal(longest), "(refused)");
}

static void
scalars_are_the_texts_that_the_peer_matches(void)
{
    CHECK_ARGUMENT("\"a\\u0041<\"", "aA<");
    CHECK_ARGUMENT("true", "true");
    CHECK_ARGUMENT("false", "false");
    CHECK_ARGUMENT("null", "");
    CHECK_ARGUMENT("\"\"", "");
}

static void
numbers_are_shortest_plain_decimals(void)
{
    CHECK_ARGUMENT("1.0", "1");
    CHECK_ARGUMENT("-0", "-0");
    CHECK_ARGUMENT("0", "0");
    CHECK_ARGUMENT("1e21", "1000000000000000000000");
    CHECK_ARGUMENT("1.5e300", "1500000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                              "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                              "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                              "0000000000000000000000000000000000000");
    CHECK_ARGUMENT("1e-7", "0.0000001");
    CHECK_ARGUMENT("-1.25e-10", "-0.000000000125");
    CHECK_ARGUMENT("0.1", "0.1");
    CHECK_ARGUMENT("120.50", "120.5");
}

static void
integers_keep_their_digits_or_are_refused(void)
{
    CHECK_ARGUMENT("9007199254740993", "9007199254740993");
    CHECK_ARGUMENT("-123456789012345678901234567890", "-123456789012345678901234567890");
    CHECK_ARGUMENT("9007199254740993.0", "json.number");
    CHECK_ARGUMENT("12345678901234567891e0", "json.number");
    CHECK_ARGUMENT("[12345678901234567891e0]", "json.number");
    CHECK_ARGUMENT("1e999", "(no JSON)");
}

static void
containers_are_compact_sorted_json(void)
{
    CHECK_ARGUMENT("{ \"b\" : 1, \"a\" : [ true , null, \"x\" ] }", "{\"a\":[true,null,\"x\"],\"b\":1}");
    CHECK_ARGUMENT("{\"\\u0062\":1,\"a\":2,\"aa\":3}", "{\"a\":2,\"aa\":3,\"b\":1}");
    CHECK_ARGUMENT("[1e21,1e20,1e-7,0.000001]", "[1e+21,100000000000000000000,1e-7,0.000001]");
    CHECK_ARGUMENT("[\"<&>\xE2\x80\xA8\xE2\x80\xA9\\n\\u0001\\\"\\\\/\"]",
                   "[\"\\u003c\\u0026\\u003e\\u2028\\u2029\\n\\u0001\\\"\\\\/\"]");
    CHECK_ARGUMENT("[]", "[]");
    CHECK_ARGUMENT("{}", "{}");
    CHECK_ARGUMENT("[[],{}]", "[[],{}]");
}

RUN(TEST(spellings_of_a_plain_name_are_that_name), TEST(look_alike_scripts_stay_different),
    TEST(names_without_a_normal_form_are_refused), TEST(scalars_are_the_texts_that_the_peer_matches),
    TEST(numbers_are_shortest_plain_decimals), TEST(integers_keep_their_digits_or_are_refused),
    TEST(containers_are_compact_sorted_json))
