/* Lines over stdio: the token that one brings is cut out, and nothing else is changed. */
#include "gateway/stdio_message.h"

#include <stdlib.h>

#include "check.h"

static char *token;
static text_buffer rest;

static aip_status
cut(const char *line)
{
    free(token);
    text_clear(&rest);
    return stdio_message_cut_token(aip_bytes_of(line), &rest, &token, NULL);
}

static const char *
left(void)
{
    static char text[512];
    snprintf(text, sizeof text, "%.*s", (int)rest.size, rest.data == NULL ? "" : rest.data);
    return text;
}

static void
end(void)
{
    free(token);
    token = NULL;
    text_clear(&rest);
}

static void
a_token_is_cut_out_and_all_other_bytes_stay(void)
{
    CHECK_STATUS(
        cut("{\"id\" : 1e0,\"params\":{\"_meta\":{\"a\": 1.50,\"aip/token\":\"abc.d-_~e\", \"b\":\"\\u0041\"}}}"),
        AIP_OK);
    CHECK_TEXT(token, "abc.d-_~e");
    CHECK_TEXT(left(), "{\"id\" : 1e0,\"params\":{\"_meta\":{\"a\": 1.50, \"b\":\"\\u0041\"}}}");
    CHECK_STATUS(cut("{\"params\":{\"_meta\":{\"aip/token\":\"t\"}}}"), AIP_OK);
    CHECK_TEXT(token, "t");
    CHECK_TEXT(left(), "{\"params\":{\"_meta\":{}}}");
    end();
}

static void
a_message_without_one_is_left_alone(void)
{
    static const char *const lines[] = {
        "{\"id\":1}",
        "{\"aip/token\":\"t\"}",
        "{\"params\":{\"aip/token\":\"t\"}}",
        "{\"params\":{\"arguments\":{\"_meta\":{\"aip/token\":\"t\"}}}}",
        "{\"params\":[{\"_meta\":{\"aip/token\":\"t\"}}]}",
        "[{\"params\":{\"_meta\":{\"aip/token\":\"t\"}}}]",
        "{\"params\":\"aip/token\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CHECK_STATUS(cut(lines[i]), AIP_OK);
        CHECK(token == NULL && rest.size == 0);
    }
    end();
}

/* It is refused where the message is read: by its name, or as a second token. */
static void
a_token_that_two_readers_could_read_differently_stays(void)
{
    static const char *const lines[] = {
        "{\"params\":{\"_meta\":{\"aip/token\":7}}}",
        "{\"params\":{\"_meta\":{\"aip/token\":null}}}",
        "{\"params\":{\"_meta\":{\"aip/token\":[\"t\"]}}}",
        "{\"params\":{\"_meta\":{\"aip/token\":\"\\u0074\"}}}",
        "{\"params\":{\"_meta\":{\"aip\\/token\":\"t\"}}}",
        "{\"params\":{\"_meta\":{\"aip/token\":\"t\",\"aip/token\":\"u\"}}}",
        "{\"params\":{\"_meta\":{\"aip/token\":\"t\"}},\"params\":{}}",
        "{\"params\":{\"_meta\":{\"aip/token\":\"t\"}}} {}",
        "{\"params\":{\"_meta\":{\"aip/token\":\"t\"}}",
        "aip/token",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CHECK_STATUS(cut(lines[i]), AIP_OK);
        CHECK(token == NULL && rest.size == 0);
    }
    end();
}

static const char *
one_line(const char *message)
{
    static char text[256];
    text_buffer out = {0};
    aip_status status = stdio_message_append(&out, aip_bytes_of(message), NULL);
    snprintf(text, sizeof text, "%.*s", status == AIP_OK ? (int)out.size : 1, status == AIP_OK ? out.data : "!");
    text_clear(&out);
    return text;
}

static void
line_breaks_between_values_go_and_those_in_strings_are_none(void)
{
    CHECK_TEXT(one_line("{\"a\": 1, \"b\":\"\\n\"}"), "{\"a\": 1, \"b\":\"\\n\"}");
    CHECK_TEXT(one_line("{\n  \"a\": 1.0,\r\n  \"b\": \"x y\"\r}"), "{\"a\":1.0,\"b\":\"x y\"}");
    CHECK_TEXT(one_line("[1,\n2]"), "[1,2]");
    CHECK_TEXT(one_line("{\"a\":\n"), "!");
    CHECK_TEXT(one_line("{}\n{}"), "!");
}

RUN(TEST(a_token_is_cut_out_and_all_other_bytes_stay), TEST(a_message_without_one_is_left_alone),
    TEST(a_token_that_two_readers_could_read_differently_stays),
    TEST(line_breaks_between_values_go_and_those_in_strings_are_none))
