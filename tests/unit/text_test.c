/* Text buffers, JSON strings, files, digits, times. */
#include "tests/unit/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define L(text) AIP_BYTES_LITERAL(text)

static void
a_buffer_grows_and_keeps_what_it_had(void)
{
    TEXT_AUTO text_buffer text = {0};
    for (int i = 0; i < 1000; i++) {
        text_append_format(&text, "%d,", i % 10);
        text_append_string(&text, "ab");
        text_append(&text, L("c"));
    }
    CHECK_STATUS(text_finish(&text, NULL), AIP_OK);
    CHECK(text_view(&text).size == 5000 && text.data[5000] == '\0');
    CHECK(memcmp(text.data + 4985, "7,abc8,abc9,abc", 15) == 0);
    text_clear(&text);
    CHECK(text.data == NULL && text.size == 0 && text_view(&text).size == 0);
}

static void
a_failed_buffer_stays_failed(void)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_string(&text, "a");
    text_append(&text, (aip_bytes){(const unsigned char *)"", SIZE_MAX / 2});
    text_append_string(&text, "b");
    CHECK_STATUS(text_finish(&text, NULL), AIP_NO_MEMORY);
    CHECK(text_view(&text).size == 1);
}

static void
strings_are_written_as_json(void)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_json(&text, L("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xC3\xA9\xF0\x9F\x98\x80"));
    CHECK_TEXT(text.data, "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xC3\xA9\xF0\x9F\x98\x80\"");
    text_clear(&text);
    text_append_json(&text, (aip_bytes){(const unsigned char *)"a\0b", 3});
    CHECK_TEXT(text.data, "\"a\\u0000b\"");
    text_clear(&text);
    text_append_json(&text, (aip_bytes){NULL, 0});
    CHECK_TEXT(text.data, "\"\"");
}

static void
bytes_that_are_not_utf8_become_the_replacement_character(void)
{
    TEXT_AUTO text_buffer text = {0};
    text_append_json(&text, L("x\xFFy\xC3"));
    CHECK_TEXT(text.data, "\"x\xEF\xBF\xBDy\xEF\xBF\xBD\"");
    text_clear(&text);
    text_append_json(&text, L("\xED\xA0\x80"));
    CHECK_TEXT(text.data, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static aip_status
load_sample(size_t sample_size, size_t bytes_max, size_t *size)
{
    char path[] = "/tmp/aip-text-test-XXXXXX";
    int file = mkstemp(path);
    FILE *stream = file < 0 ? NULL : fdopen(file, "wb");
    if (stream == NULL) {
        return AIP_IO;
    }
    for (size_t i = 0; i < sample_size; i++) {
        fputc("abc"[i % 3], stream);
    }
    fclose(stream);
    STRING_AUTO char *text = NULL;
    aip_status status = text_load_file(path, bytes_max, &text, size, NULL);
    unlink(path);
    if (status == AIP_OK) {
        CHECK(strlen(text) == *size && (*size < 4 || memcmp(text, "abca", 4) == 0));
    }
    return status;
}

static void
files_are_loaded_whole_up_to_the_limit(void)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 20000};
    size_t size = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        CHECK_STATUS(load_sample(sizes[i], sizes[i], &size), AIP_OK);
        CHECK(size == sizes[i]);
        if (sizes[i] > 0) {
            CHECK_STATUS(load_sample(sizes[i], sizes[i] - 1, &size), AIP_JSON_SIZE);
        }
    }
}

static void
what_cannot_be_read_is_an_error(void)
{
    char *text = NULL;
    size_t size;
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(text_load_file("/nonexistent/file", 10, &text, &size, &err), AIP_IO);
    CHECK(strstr(err.detail, "/nonexistent/file") != NULL);
    CHECK_STATUS(text_load_file("/", 10, &text, &size, NULL), AIP_IO);
    CHECK(text == NULL);
}

static void
digits_are_read_up_to_the_maximum(void)
{
    uint64_t got = 1;
    CHECK_STATUS(text_parse_unsigned("0", 0, &got, NULL), AIP_OK);
    CHECK(got == 0);
    CHECK_STATUS(text_parse_unsigned("18446744073709551615", UINT64_MAX, &got, NULL), AIP_OK);
    CHECK(got == UINT64_MAX);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "7", "16", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(text_parse_unsigned(bad[i], 5, &got, NULL), AIP_USAGE);
    }
    CHECK_STATUS(text_parse_unsigned(NULL, 5, &got, NULL), AIP_USAGE);
    CHECK_STATUS(text_parse_unsigned("18446744073709551616", UINT64_MAX, &got, NULL), AIP_USAGE);
}

static void
times_are_written_in_utc(void)
{
    char out[21];
    clock_format_utc(0, out);
    CHECK_TEXT(out, "1970-01-01T00:00:00Z");
    clock_format_utc(951782399, out);
    CHECK_TEXT(out, "2000-02-28T23:59:59Z");
    clock_format_utc(INT64_MAX, out);
    CHECK_TEXT(out, "9999-12-31T23:59:59Z");
    clock_format_utc(INT64_MIN, out);
    CHECK_TEXT(out, "1970-01-01T00:00:00Z");
    uint64_t before = clock_monotonic_microseconds();
    CHECK(clock_monotonic_microseconds() >= before && clock_now_seconds() > 1700000000);
}

static void
what_is_formatted_is_whole_wherever_the_room_ends(void)
{
    for (size_t before = 0; before < 140; before++) {
        TEXT_AUTO text_buffer text = {0};
        for (size_t i = 0; i < before; i++) {
            text_append_string(&text, "x");
        }
        text_append_format(&text, "%s-%d", "abcdefgh", 4711);
        text_append_format(&text, "%s", "");
        CHECK(text.size == before + 13 && !text.failed);
        CHECK_TEXT(text.data + before, "abcdefgh-4711");
    }
}

RUN(TEST(a_buffer_grows_and_keeps_what_it_had), TEST(what_is_formatted_is_whole_wherever_the_room_ends),
    TEST(a_failed_buffer_stays_failed), TEST(strings_are_written_as_json),
    TEST(bytes_that_are_not_utf8_become_the_replacement_character), TEST(files_are_loaded_whole_up_to_the_limit),
    TEST(what_cannot_be_read_is_an_error), TEST(digits_are_read_up_to_the_maximum), TEST(times_are_written_in_utc))
