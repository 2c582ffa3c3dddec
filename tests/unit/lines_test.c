/* Lines out of a stream: whole ones, halves, those that are too long. */
#include "net/lines.h"

#include "check.h"

static void
add(line_splitter *s, const char *text)
{
    CHECK_STATUS(lines_add(s, aip_bytes_of(text), NULL), AIP_OK);
}

/* The next thing found, as text: `=line`, `>beginning of a long one`, or `` for more. */
static const char *
next(line_splitter *s)
{
    static char text[64];
    aip_bytes line;
    lines_found found = lines_next(s, &line);
    if (found == LINES_MORE) {
        return "";
    }
    snprintf(text, sizeof text, "%c%.*s", found == LINES_LINE ? '=' : '>', (int)line.size, (const char *)line.data);
    return text;
}

static void
lines_come_whole_however_the_bytes_are_cut(void)
{
    static const char text[] = "one\ntwo\nthree\n";
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        line_splitter s = {.bytes_max = 8};
        char got[64] = "";
        for (size_t i = 0; i < sizeof text - 1; i += cut) {
            size_t size = sizeof text - 1 - i < cut ? sizeof text - 1 - i : cut;
            CHECK_STATUS(lines_add(&s, (aip_bytes){(const unsigned char *)text + i, size}, NULL), AIP_OK);
            for (const char *line = next(&s); *line != '\0'; line = next(&s)) {
                strcat(got, line);
            }
        }
        CHECK_TEXT(got, "=one=two=three");
        CHECK(lines_end(&s) == 0);
    }
}

static void
empty_lines_and_lone_carriage_returns_are_left_out(void)
{
    line_splitter s = {.bytes_max = 8};
    add(&s, "\n\n\r\na\n\r\n\n");
    CHECK_TEXT(next(&s), "=a");
    CHECK_TEXT(next(&s), "");
    CHECK(lines_end(&s) == 0);
}

static void
no_byte_but_lf_ends_a_line_or_is_changed(void)
{
    static const unsigned char bytes[] = {0, 0xff, '\r', 0x85, 0xe2, 0x80, 0xa8, 0, '\r', '\n'};
    line_splitter s = {.bytes_max = 64};
    aip_bytes line;
    CHECK_STATUS(lines_add(&s, (aip_bytes){bytes, sizeof bytes}, NULL), AIP_OK);
    CHECK(lines_next(&s, &line) == LINES_LINE);
    CHECK(aip_bytes_equal(line, (aip_bytes){bytes, sizeof bytes - 1}));
    CHECK(lines_next(&s, &line) == LINES_MORE);
    CHECK(lines_end(&s) == 0);
}

static void
a_line_of_the_cap_passes_and_one_byte_more_does_not(void)
{
    line_splitter s = {.bytes_max = 4};
    add(&s, "1234\n12345\nab\n");
    CHECK_TEXT(next(&s), "=1234");
    CHECK_TEXT(next(&s), ">1234");
    CHECK_TEXT(next(&s), "=ab");
    CHECK_TEXT(next(&s), "");
    CHECK(lines_end(&s) == 0);
}

static void
a_long_line_is_told_once_and_skipped_to_its_end(void)
{
    line_splitter s = {.bytes_max = 4};
    add(&s, "1234");
    CHECK_TEXT(next(&s), "");
    add(&s, "5");
    CHECK_TEXT(next(&s), ">1234");
    CHECK_TEXT(next(&s), "");
    for (int i = 0; i < 100; i++) {
        add(&s, "never seen");
        CHECK_TEXT(next(&s), "");
    }
    CHECK(s.pending.capacity < 128); /* skipped bytes are not kept */
    add(&s, "tail\nok\n");
    CHECK_TEXT(next(&s), "=ok");
    CHECK_TEXT(next(&s), "");
    CHECK(lines_end(&s) == 0);
}

static void
two_long_lines_are_told_twice(void)
{
    line_splitter s = {.bytes_max = 2};
    add(&s, "aaaa\nbbbb");
    CHECK_TEXT(next(&s), ">aa");
    CHECK_TEXT(next(&s), ">bb");
    CHECK_TEXT(next(&s), "");
    add(&s, "b\n");
    CHECK_TEXT(next(&s), "");
    CHECK(lines_end(&s) == 0);
}

static void
half_a_line_at_the_end_is_torn(void)
{
    line_splitter s = {.bytes_max = 8};
    add(&s, "whole\nhalf");
    CHECK_TEXT(next(&s), "=whole");
    CHECK_TEXT(next(&s), "");
    CHECK(lines_end(&s) == 4);
    CHECK(s.pending.data == NULL);
}

static void
the_rest_of_a_long_line_is_not_told_again_as_torn(void)
{
    line_splitter s = {.bytes_max = 2};
    add(&s, "abcdef");
    CHECK_TEXT(next(&s), ">ab");
    CHECK(lines_end(&s) == 0);
    add(&s, "x\n"); /* and a new stream begins clean */
    CHECK_TEXT(next(&s), "=x");
    CHECK(lines_end(&s) == 0);
}

static void
a_large_buffer_is_given_back_when_it_is_empty(void)
{
    line_splitter s = {.bytes_max = 1u << 20};
    static char text[200001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 2] = '\n';
    aip_bytes line;
    add(&s, text);
    CHECK(lines_next(&s, &line) == LINES_LINE && line.size == sizeof text - 2);
    CHECK(lines_next(&s, &line) == LINES_MORE);
    add(&s, "a");
    CHECK(s.pending.capacity <= 128);
    CHECK(lines_end(&s) == 1);
}

RUN(TEST(lines_come_whole_however_the_bytes_are_cut), TEST(empty_lines_and_lone_carriage_returns_are_left_out),
    TEST(no_byte_but_lf_ends_a_line_or_is_changed), TEST(a_line_of_the_cap_passes_and_one_byte_more_does_not),
    TEST(a_long_line_is_told_once_and_skipped_to_its_end), TEST(two_long_lines_are_told_twice),
    TEST(half_a_line_at_the_end_is_torn), TEST(the_rest_of_a_long_line_is_not_told_again_as_torn),
    TEST(a_large_buffer_is_given_back_when_it_is_empty))
