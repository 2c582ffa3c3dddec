/* Event streams: however the bytes arrive, the same events come out, byte for byte. */
#include "gateway/events.h"

#include "tests/unit/check.h"

/* The events of a stream that arrives in pieces of that size, each followed by `|`; what is left over is not in it. */
static char *
split(const char *stream, size_t piece)
{
    static char said[4096];
    text_buffer out = {0};
    event_splitter splitter = {0};
    aip_bytes rest = aip_bytes_of(stream), event;
    while (rest.size > 0) {
        size_t size = rest.size < piece ? rest.size : piece;
        CHECK_STATUS(events_add(&splitter, (aip_bytes){rest.data, size}, NULL), AIP_OK);
        while (events_next(&splitter, &event)) {
            text_append(&out, event);
            text_append_string(&out, "|");
            events_drop(&splitter, event);
        }
        rest = aip_bytes_from(rest, size);
    }
    snprintf(said, sizeof said, "%.*s", (int)out.size, out.size == 0 ? "" : out.data);
    text_clear(&out);
    text_clear(&splitter.pending);
    return said;
}

static char *
data_of(const char *event)
{
    static char said[512];
    text_buffer out = {0};
    events_append_data(&out, aip_bytes_of(event));
    snprintf(said, sizeof said, "%.*s", (int)out.size, out.size == 0 ? "" : out.data);
    text_clear(&out);
    return said;
}

static char *
beside(const char *event)
{
    static char said[512];
    text_buffer out = {0};
    events_append_beside(&out, aip_bytes_of(event));
    snprintf(said, sizeof said, "%.*s", (int)out.size, out.size == 0 ? "" : out.data);
    text_clear(&out);
    return said;
}

static char *
changed(const char *event, const char *data)
{
    static char said[512];
    text_buffer out = {0};
    events_append_changed(&out, aip_bytes_of(event), aip_bytes_of(data));
    snprintf(said, sizeof said, "%.*s", (int)out.size, out.size == 0 ? "" : out.data);
    text_clear(&out);
    return said;
}

static void
an_empty_line_ends_an_event(void)
{
    CHECK_TEXT(split("data: a\n\ndata: b\n\n", 100), "data: a\n\n|data: b\n\n|");
    CHECK_TEXT(split("data: a\r\rdata: b\r\r", 100), "data: a\r\r|data: b\r\r|");
    CHECK_TEXT(split("data: a\r\n\r\ndata: b\r\n\r\n", 100), "data: a\r\n\r\n|data: b\r\n\r\n|");
    CHECK_TEXT(split("\n\ndata: a\n\n", 100), "\n|\n|data: a\n\n|");
}

static void
an_event_that_is_not_ended_is_none(void)
{
    CHECK_TEXT(split("data: a", 100), "");
    CHECK_TEXT(split("data: a\n", 100), "");
    CHECK_TEXT(split("data: a\r\n", 100), "");
    CHECK_TEXT(split("data: a\n\ndata: b\n", 100), "data: a\n\n|");
}

/* A CRLF may arrive in two pieces: its LF then belongs to what follows, which readers do not see. */
static void
any_pieces_give_the_same_data(void)
{
    static const char *const streams[] = {"data: a\n\ndata: b\ndata: c\n\n", "data: a\r\rid: 7\rdata: b\r\r",
                                          ": x\n\ndata:\n\nevent: e\ndata: {}\n\n"};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        char whole[512];
        snprintf(whole, sizeof whole, "%s", split(streams[i], 1000));
        for (size_t piece = 1; piece < strlen(streams[i]); piece++) {
            CHECK_TEXT(split(streams[i], piece), whole);
        }
    }
    for (size_t piece = 1; piece < 20; piece++) {
        const char *said = split("data: a\r\n\r\ndata: b\r\n\r\n", piece);
        CHECK(strncmp(said, "data: a\r\n\r", 10) == 0 && strstr(said, "data: b\r\n\r") != NULL);
    }
}

static void
a_byte_order_mark_is_refused(void)
{
    event_splitter splitter = {0};
    CHECK_STATUS(events_add(&splitter,
                            AIP_BYTES_LITERAL("\xef\xbb\xbf"
                                              "data: a\n\n"),
                            NULL),
                 AIP_UPSTREAM_INVALID);
    CHECK_STATUS(events_add(&splitter, AIP_BYTES_LITERAL("\xef"), NULL), AIP_UPSTREAM_INVALID);
    text_clear(&splitter.pending);
    CHECK_TEXT(split("data: \xef\xbb\xbf\n\n", 100), "data: \xef\xbb\xbf\n\n|"); /* later it is text */
}

static void
an_event_beyond_the_limit_is_refused(void)
{
    static unsigned char much[AIP_EVENT_BYTES_DEFAULT];
    event_splitter splitter = {0};
    aip_bytes event;
    memset(much, 'x', sizeof much);
    CHECK_STATUS(events_add(&splitter, (aip_bytes){much, sizeof much}, NULL), AIP_OK);
    CHECK(!events_next(&splitter, &event));
    CHECK_STATUS(events_add(&splitter, AIP_BYTES_LITERAL("\n"), NULL), AIP_UPSTREAM_INVALID);
    splitter.most = sizeof much + 1;
    CHECK_STATUS(events_add(&splitter, AIP_BYTES_LITERAL("\n"), NULL), AIP_OK);
    CHECK_STATUS(events_add(&splitter, AIP_BYTES_LITERAL("\n"), NULL), AIP_UPSTREAM_INVALID);
    text_clear(&splitter.pending);
}

static void
data_lines_are_joined_and_others_are_not_data(void)
{
    CHECK_TEXT(data_of("data: a\n\n"), "a");
    CHECK_TEXT(data_of("data:a\rdata:  b\r\n\r\n"), "a\n b");
    CHECK_TEXT(data_of("data\ndata\n\n"), "\n");
    CHECK_TEXT(data_of(": data: a\nevent: data\nid: 1\ndatum: b\nData: c\n data: d\n\n"), "");
}

static void
all_lines_but_data_and_the_usual_name_stand_beside(void)
{
    CHECK_TEXT(beside("event: message\ndata: a\n\n"), "");
    CHECK_TEXT(beside("event: other\nid: 7\r\n: said\ndata: a\nretry: 5\n\n"),
               "event: other\nid: 7\n: said\nretry: 5\n");
    CHECK_TEXT(beside("datum: a\n:\n\n"), "datum: a\n");
}

static void
a_changed_event_keeps_its_other_lines(void)
{
    CHECK_TEXT(changed("event: message\nid: 7\ndata: old\n\n", "{}"), "event: message\nid: 7\ndata: {}\n\n");
    CHECK_TEXT(changed("data: o\rdata: ld\rid: 7\r\r", "{}"), "data: {}\nid: 7\n\n");
    CHECK_TEXT(changed("data: o\r\n\r\n", "{\n\"a\":1\r}"), "data: {\ndata: \"a\":1\ndata: }\n\n");
}

static void
only_a_line_of_its_own_is_an_id(void)
{
    CHECK(events_have_id(aip_bytes_of("id: 7\ndata: {}\n\n")));
    CHECK(events_have_id(aip_bytes_of("data: {}\rid:\r\r")));
    CHECK(!events_have_id(aip_bytes_of("data: id: 7\n\n")));
    CHECK(!events_have_id(aip_bytes_of(":id: 7\nidea: 7\nId: 7\n\n")));
    CHECK(!events_have_id(aip_bytes_of("")));
}

static void
the_last_id_is_the_one_that_is_kept(void)
{
    CHECK(aip_bytes_equal(events_id(aip_bytes_of("id: 7\ndata: {}\n\n")), AIP_BYTES_LITERAL("7")));
    CHECK(aip_bytes_equal(events_id(aip_bytes_of("id:a b\rid:  c\r\n\r\n")), AIP_BYTES_LITERAL(" c")));
    CHECK(events_id(aip_bytes_of("id: 7\nid:\n\n")).size == 0);
    CHECK(events_id(aip_bytes_of("data: id: 7\n\n")).size == 0);
}

RUN(TEST(an_empty_line_ends_an_event), TEST(an_event_that_is_not_ended_is_none), TEST(any_pieces_give_the_same_data),
    TEST(a_byte_order_mark_is_refused), TEST(an_event_beyond_the_limit_is_refused),
    TEST(data_lines_are_joined_and_others_are_not_data), TEST(all_lines_but_data_and_the_usual_name_stand_beside),
    TEST(a_changed_event_keeps_its_other_lines), TEST(only_a_line_of_its_own_is_an_id),
    TEST(the_last_id_is_the_one_that_is_kept))
