/* The scanner: what it indexes, what it refuses and where. */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "aip/limits.h"
#include "base/scan.h"
#include "base/text.h"

#define L(text) AIP_BYTES_LITERAL(text)

static const scan_limits ordinary = {1u << 20, 16, 1u << 16};

static aip_status
scan_bytes(aip_bytes text, aip_error *err)
{
    scan_document document;
    aip_status status = scan_load(text, &ordinary, &document, err);
    scan_clear(&document);
    return status;
}

static aip_status
scan(const char *text)
{
    return scan_bytes(aip_bytes_of(text), NULL);
}

static long
offset_of_refusal(const char *text)
{
    aip_error err = AIP_ERROR_INIT;
    return scan_bytes(aip_bytes_of(text), &err) == AIP_OK ? AIP_NOWHERE : err.offset;
}

static bool
is(aip_bytes got, const char *wanted)
{
    return aip_bytes_equal(got, aip_bytes_of(wanted));
}

static void
members_and_items_are_found_as_received(void)
{
    scan_document d;
    CHECK_STATUS(scan_load(L(" {\"a\" : [1, 2.50, \"x\"], \"b\": {}, \"c\":null, \"d\":true,\"e\":false} "), &ordinary,
                           &d, NULL),
                 AIP_OK);
    CHECK(scan_kind_of(&d, 0) == SCAN_OBJECT && d.nodes[0].children == 5);
    uint32_t a = scan_member(&d, 0, "a"), item = scan_child(&d, a);
    CHECK(is(scan_raw(&d, a), "[1, 2.50, \"x\"]") && is(scan_raw_name(&d, a), "a"));
    CHECK(is(scan_raw(&d, item), "1"));
    item = scan_next(&d, item);
    CHECK(is(scan_raw(&d, item), "2.50"));
    item = scan_next(&d, item);
    CHECK(is(scan_raw(&d, item), "\"x\"") && scan_string_equals(&d, item, L("x")));
    CHECK(scan_next(&d, item) == SCAN_NONE);
    CHECK(scan_kind_of(&d, scan_member(&d, 0, "b")) == SCAN_OBJECT);
    CHECK(scan_child(&d, scan_member(&d, 0, "b")) == SCAN_NONE);
    CHECK(scan_kind_of(&d, scan_member(&d, 0, "c")) == SCAN_NULL);
    CHECK(scan_kind_of(&d, scan_member(&d, 0, "d")) == SCAN_TRUE);
    CHECK(scan_kind_of(&d, scan_member(&d, 0, "e")) == SCAN_FALSE);
    CHECK(scan_member(&d, 0, "A") == SCAN_NONE && scan_member(&d, a, "a") == SCAN_NONE);
    scan_clear(&d);
}

static void
what_is_not_there_reads_as_nothing(void)
{
    scan_document d;
    char out[4];
    size_t size;
    CHECK_STATUS(scan_load(L("{}"), &ordinary, &d, NULL), AIP_OK);
    uint32_t none = scan_member(&d, 0, "a");
    CHECK(none == SCAN_NONE && scan_member(&d, none, "b") == SCAN_NONE && scan_child(&d, none) == SCAN_NONE);
    CHECK(scan_raw(&d, none).size == 0 && !scan_string_equals(&d, none, L("")) && !scan_name_equals(&d, 0, L("")));
    CHECK_STATUS(scan_unescape(&d, none, out, sizeof out, &size, NULL), AIP_JSON_SHAPE);
    CHECK_STATUS(scan_unescape_name(&d, 0, out, sizeof out, &size, NULL), AIP_JSON_SHAPE);
    CHECK_STATUS(scan_check_names(&d, none, NULL, NULL), AIP_OK);
    scan_clear(&d);
}

static void
a_name_occurs_once_in_an_object_after_unescaping(void)
{
    CHECK_STATUS(scan("{\"a\":1,\"b\":2,\"a\":3}"), AIP_JSON_DUPLICATE);
    CHECK_STATUS(scan("{\"a\":1,\"\\u0061\":3}"), AIP_JSON_DUPLICATE);
    CHECK_STATUS(scan("{\"\\/x\":1,\"/\\u0078\":3}"), AIP_JSON_DUPLICATE);
    CHECK_STATUS(scan("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":3}"), AIP_JSON_DUPLICATE);
    CHECK_STATUS(scan("[[{\"x\":{\"\":1,\"\":2}}]]"), AIP_JSON_DUPLICATE);
    CHECK_STATUS(scan("{\"a\":{\"a\":{\"a\":1}},\"A\":[{\"a\":1},{\"a\":2}]}"), AIP_OK);
    CHECK(offset_of_refusal("{\"a\":1,\"a\":3}") == 8);
}

static void
many_members_stay_findable_and_their_duplicates_are_found(void)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, "{");
    for (int i = 0; i < 3000; i++) {
        text_append_format(&text, "\"name%d\":%d,", i, i);
    }
    size_t open = text.size;
    text_append_string(&text, "\"last\":0}");
    scan_document d;
    CHECK_STATUS(scan_load(text_view(&text), &ordinary, &d, NULL), AIP_OK);
    for (int i = 0; i < 3000; i++) {
        char name[16], digits[16];
        snprintf(name, sizeof name, "name%d", i);
        snprintf(digits, sizeof digits, "%d", i);
        CHECK(is(scan_raw(&d, scan_member(&d, 0, name)), digits));
    }
    CHECK_STATUS(scan_check_names(&d, 0, NULL, NULL), AIP_OK);
    scan_clear(&d);
    text.size = open;
    text_append_string(&text, "\"name1500\":0}");
    CHECK_STATUS(scan_bytes(text_view(&text), NULL), AIP_JSON_DUPLICATE);
    text.size = open;
    text_append_string(&text, "\"NAME1500\":0}");
    CHECK_STATUS(scan_load(text_view(&text), &ordinary, &d, NULL), AIP_OK);
    CHECK_STATUS(scan_check_names(&d, 0, NULL, NULL), AIP_JSON_AMBIGUOUS);
    scan_clear(&d);
}

static void
only_one_document_is_taken(void)
{
    CHECK_STATUS(scan("{} {}"), AIP_JSON_TRAILING);
    CHECK_STATUS(scan("{}]"), AIP_JSON_TRAILING);
    CHECK_STATUS(scan("1,2"), AIP_JSON_TRAILING);
    CHECK_STATUS(scan_bytes((aip_bytes){(const unsigned char *)"{}\0", 3}, NULL), AIP_JSON_TRAILING);
    CHECK_STATUS(scan(""), AIP_JSON_SYNTAX);
    CHECK_STATUS(scan_bytes((aip_bytes){NULL, 0}, NULL), AIP_JSON_SYNTAX);
    CHECK_STATUS(scan(" \r\n\t"), AIP_JSON_SYNTAX);
    CHECK_STATUS(scan(" \r\n\t1\r\n"), AIP_OK);
}

static void
grammar_is_kept_to_the_letter(void)
{
    static const char *const bad[] = {
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{1:1}",
        "nul",
        "nulL",
        "True",
        "+1",
        "-",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "NaN",
        "Infinity",
        "[1}",
        "{\"a\":1]",
        "\"",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud83d\\u\"",
        "// x\n1",
        "/**/1",
        "\f1",
        "[\"a\nb\"]",
        "\"\x01\"",
        "\"\t\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        aip_status got = scan(bad[i]);
        if (got != AIP_JSON_SYNTAX && got != AIP_JSON_TRAILING && got != AIP_JSON_UTF8) {
            printf("  accepted: %s\n", bad[i]);
        }
        CHECK(got != AIP_OK);
    }
    CHECK_STATUS(scan("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\x7f\""), AIP_OK);
}

static void
bytes_are_utf8_without_a_mark_and_surrogates_come_in_pairs(void)
{
    CHECK_STATUS(scan("\xEF\xBB\xBF{}"), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xC0\xAF\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xE0\x80\xAF\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xED\xA0\x80\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xF4\x90\x80\x80\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xE2\x82\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xE2\x82"), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"12345678\xFF\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\\ud800\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\\udc00\\ud800\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\\ud800\\u0041\""), AIP_JSON_UTF8);
    CHECK_STATUS(scan("{\"\\uDBFF\":1}"), AIP_JSON_UTF8);
    CHECK_STATUS(scan("\"\xC2\x80\xEF\xBB\xBF\xED\x9F\xBF\xF4\x8F\xBF\xBF\\uDBFF\\uDFFF\\u0000\""), AIP_OK);
    CHECK(offset_of_refusal("[\"ab\xFF\"]") == 4);
}

static void
every_byte_stops_the_fast_loop_at_every_place(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 20; place++) {
            unsigned char text[26] = "\"aaaaaaaaaaaaaaaaaaaaaaa\"";
            text[1 + place] = (unsigned char)byte;
            bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            aip_status got = scan_bytes((aip_bytes){text, 25}, NULL);
            CHECK((got == AIP_OK) == plain);
        }
    }
}

static void
numbers_no_double_holds_are_refused_and_long_integers_are_not(void)
{
    CHECK_STATUS(scan("12345678901234567890"), AIP_OK);
    CHECK_STATUS(scan("1.7976931348623157e308"), AIP_OK);
    CHECK_STATUS(scan("1.7976931348623158079e308"), AIP_OK);
    CHECK_STATUS(scan("1.797693134862315808e308"), AIP_JSON_NUMBER);
    CHECK_STATUS(scan("1e400"), AIP_JSON_NUMBER);
    CHECK_STATUS(scan("-1E+400"), AIP_JSON_NUMBER);
    CHECK_STATUS(scan("1e99999999999999999999999999"), AIP_JSON_NUMBER);
    CHECK_STATUS(scan("1e-400"), AIP_JSON_NUMBER);
    CHECK_STATUS(scan("5e-324"), AIP_OK);
    CHECK_STATUS(scan("-0"), AIP_OK);
    CHECK_STATUS(scan("0e999"), AIP_OK);
    CHECK(offset_of_refusal("[1, 1e400]") == 4);
    char digits[512];
    memset(digits, '9', sizeof digits);
    digits[308] = '\0';
    CHECK_STATUS(scan(digits), AIP_OK);
    digits[308] = '9';
    digits[400] = '\0';
    CHECK_STATUS(scan(digits), AIP_JSON_NUMBER);
}

static void
limits_hold_exactly(void)
{
    const scan_limits tight = {10, 2, 3};
    scan_node nodes[3];
    scan_document d;
    CHECK_STATUS(scan_load(L("[[1     ]]"), &tight, &d, NULL), AIP_OK);
    scan_clear(&d);
    CHECK_STATUS(scan_load(L("[[1      ]]"), &tight, &d, NULL), AIP_JSON_SIZE);
    CHECK_STATUS(scan_load(L("[[[]]]"), &tight, &d, NULL), AIP_JSON_DEPTH);
    CHECK_STATUS(scan_load(L("[1,2,3]"), &tight, &d, NULL), AIP_JSON_SIZE);
    CHECK(d.nodes == NULL && d.count == 0);
    CHECK_STATUS(scan_into(L("[1,2]"), &tight, nodes, 3, &d, NULL), AIP_OK);
    CHECK(d.count == 3 && d.nodes == nodes);
    CHECK_STATUS(scan_into(L("[1,2]"), &tight, nodes, 2, &d, NULL), AIP_JSON_SIZE);
    CHECK_STATUS(scan_into(L("1"), &tight, nodes, 0, &d, NULL), AIP_JSON_SIZE);
    char name[AIP_JSON_NAME_BYTES_MAX + 16] = "{\"";
    memset(name + 2, 'n', AIP_JSON_NAME_BYTES_MAX + 1);
    memcpy(name + 2 + AIP_JSON_NAME_BYTES_MAX, "\":1}", 5);
    CHECK_STATUS(scan(name), AIP_OK);
    memcpy(name + 3 + AIP_JSON_NAME_BYTES_MAX, "\":1}", 5);
    name[2 + AIP_JSON_NAME_BYTES_MAX] = 'n';
    CHECK_STATUS(scan(name), AIP_JSON_SIZE);
}

static void
strings_are_read_unescaped_within_the_room_given(void)
{
    scan_document d;
    char out[16];
    size_t size = 0;
    aip_bytes plain;
    CHECK_STATUS(scan_load(L("{\"n\\u0061me\":\"a\\n\\u20ac\\ud83d\\ude00\\/z\",\"p\":\"x y\"}"), &ordinary, &d, NULL),
                 AIP_OK);
    uint32_t first = scan_member(&d, 0, "name");
    CHECK_STATUS(scan_unescape(&d, first, out, sizeof out, &size, NULL), AIP_OK);
    CHECK(is((aip_bytes){(unsigned char *)out, size}, "a\n\xE2\x82\xAC\xF0\x9F\x98\x80/z"));
    CHECK_STATUS(scan_unescape(&d, first, out, 11, &size, NULL), AIP_OK);
    CHECK_STATUS(scan_unescape(&d, first, out, 10, &size, NULL), AIP_JSON_SIZE);
    CHECK(scan_string_equals(&d, first, L("a\n\xE2\x82\xAC\xF0\x9F\x98\x80/z")));
    CHECK(!scan_string_equals(&d, first, L("a\n\xE2\x82\xAC\xF0\x9F\x98\x80/")));
    CHECK_STATUS(scan_unescape_name(&d, first, out, sizeof out, &size, NULL), AIP_OK);
    CHECK(size == 4 && memcmp(out, "name", 4) == 0 && scan_name_equals(&d, first, L("name")));
    CHECK_STATUS(scan_plain_string(&d, first, &plain, NULL), AIP_JSON_SHAPE);
    CHECK_STATUS(scan_plain_string(&d, scan_next(&d, first), &plain, NULL), AIP_OK);
    CHECK(is(plain, "x y"));
    CHECK_STATUS(scan_plain_string(&d, 0, &plain, NULL), AIP_JSON_SHAPE);
    scan_clear(&d);
}

static aip_status
integer(const char *text, uint64_t maximum, uint64_t *out)
{
    scan_node nodes[2];
    scan_document d;
    AIP_TRY(scan_into(aip_bytes_of(text), &ordinary, nodes, 2, &d, NULL));
    return scan_integer(&d, 0, maximum, out, NULL);
}

static void
integers_are_digits_up_to_the_maximum(void)
{
    uint64_t got = 1;
    CHECK_STATUS(integer("0", 0, &got), AIP_OK);
    CHECK(got == 0);
    CHECK_STATUS(integer("18446744073709551615", UINT64_MAX, &got), AIP_OK);
    CHECK(got == UINT64_MAX);
    CHECK_STATUS(integer("18446744073709551616", UINT64_MAX, &got), AIP_JSON_NUMBER);
    CHECK_STATUS(integer("7", 5, &got), AIP_JSON_NUMBER);
    CHECK_STATUS(integer("16", 15, &got), AIP_JSON_NUMBER);
    CHECK_STATUS(integer("-0", 5, &got), AIP_JSON_SHAPE);
    CHECK_STATUS(integer("1.0", 5, &got), AIP_JSON_SHAPE);
    CHECK_STATUS(integer("1e0", 5, &got), AIP_JSON_SHAPE);
    CHECK_STATUS(integer("\"1\"", 5, &got), AIP_JSON_SHAPE);
}

static aip_status
check_names(const char *text)
{
    static const char *const known[] = {"method", "params", "progressToken", "task", NULL};
    scan_document d;
    AIP_TRY(scan_load(aip_bytes_of(text), &ordinary, &d, NULL));
    aip_status status = scan_check_names(&d, 0, known, NULL);
    scan_clear(&d);
    return status;
}

static void
names_that_a_lenient_reader_would_take_for_others_are_refused(void)
{
    CHECK_STATUS(check_names("{\"method\":1,\"params\":{\"Method\":1},\"progressToken\":2,\"x\":1,\"xy\":2}"), AIP_OK);
    CHECK_STATUS(check_names("{\"Method\":1}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"progresstoken\":1}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"param\xC5\xBF\":1}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"tas\\u212a\":1}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"other\":1,\"OtheR\":2}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"key\":1,\"\xE2\x84\xAA\\u0065y\":2}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"method\\u0000\":1}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"\\u0000\":1}"), AIP_JSON_AMBIGUOUS);
    CHECK_STATUS(check_names("{\"m\xC3\xA9thod\":1,\"m\xC3\x89thod\":2,\"\":3}"), AIP_OK);
    CHECK_STATUS(check_names("[1]"), AIP_OK);
}

static void *
scan_many(void *unused)
{
    size_t good = 0;
    for (int i = 0; i < 500; i++) {
        good += scan("{\"a\":1,\"b\":{\"c\":[]}}") == AIP_OK && scan("{\"a\":1,\"a\":1}") == AIP_JSON_DUPLICATE;
    }
    return good == 500 ? unused : NULL;
}

static void
threads_may_scan_at_once(void)
{
    pthread_t threads[4];
    int done = 0;
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, scan_many, &done) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        CHECK(pthread_join(threads[i], &result) == 0 && result == &done);
    }
}

RUN(TEST(members_and_items_are_found_as_received), TEST(what_is_not_there_reads_as_nothing),
    TEST(a_name_occurs_once_in_an_object_after_unescaping),
    TEST(many_members_stay_findable_and_their_duplicates_are_found), TEST(only_one_document_is_taken),
    TEST(grammar_is_kept_to_the_letter), TEST(bytes_are_utf8_without_a_mark_and_surrogates_come_in_pairs),
    TEST(every_byte_stops_the_fast_loop_at_every_place),
    TEST(numbers_no_double_holds_are_refused_and_long_integers_are_not), TEST(limits_hold_exactly),
    TEST(strings_are_read_unescaped_within_the_room_given), TEST(integers_are_digits_up_to_the_maximum),
    TEST(names_that_a_lenient_reader_would_take_for_others_are_refused), TEST(threads_may_scan_at_once))
