/* Content types: what is read as JSON, and what is not. */
#include "gateway/media.h"

#include "check.h"

static void
json_is_told_with_utf_8_or_nothing(void)
{
    static const char *const good[] = {"application/json",
                                       "Application/JSON",
                                       "application/json;",
                                       "application/json; charset=utf-8",
                                       "application/json;charset=\"UTF-8\"",
                                       "application/json ; charset=utf8"};
    static const char *const bad[] = {"",
                                      "text/plain",
                                      "application/jsonl",
                                      "application/json5",
                                      "application/json; charset=utf-16",
                                      "application/json; charset=utf-8; x=y",
                                      "application/json, text/plain",
                                      "xapplication/json",
                                      "application/jso"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(media_is(aip_bytes_of(good[i]), "application/json"));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!media_is(aip_bytes_of(bad[i]), "application/json"));
    }
}

static void
what_ends_with_json_is_json(void)
{
    static const char *const good[] = {"application/json", "APPLICATION/JSON; charset=latin1",
                                       "application/problem+json", "application/vnd.api+json; v=1",
                                       "application/merge-patch+JSON"};
    static const char *const bad[] = {"",
                                      "text/json",
                                      "text/x+json",
                                      "application/",
                                      "application/jsonl",
                                      "application/x-ndjson",
                                      "application/json-seq",
                                      "application/xml; a=+json"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(media_is_json(aip_bytes_of(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!media_is_json(aip_bytes_of(bad[i])));
    }
    CHECK(!media_is_json((aip_bytes){NULL, 0}));
}

static void
a_type_is_named_whole(void)
{
    CHECK(media_names(aip_bytes_of("Text/Event-Stream; a=b"), "text/event-stream"));
    CHECK(media_names(aip_bytes_of("application/json"), "application/json"));
    CHECK(!media_names(aip_bytes_of("application/jsonp"), "application/json"));
    CHECK(!media_names(aip_bytes_of("application/jso"), "application/json"));
    CHECK(!media_names((aip_bytes){NULL, 0}, "application/json"));
}

static void
no_charset_but_utf_8_is_taken(void)
{
    static const char *const good[] = {"", "application/json", "a/b; charset=utf-8", "a/b;CHARSET=\"UTF-8\"; v=1",
                                       "a/b; charset=utf8 ; x=charset"};
    static const char *const bad[] = {
        "a/b; charset=utf-16", "a/b; charset=",     "a/b; charset=\"utf-7\"", "a/b; charset=utf-8; charset=latin1",
        "a/b;charset=utf-81",  "a/b; charset=utf8x"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK(media_is_utf8(aip_bytes_of(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!media_is_utf8(aip_bytes_of(bad[i])));
    }
}

RUN(TEST(json_is_told_with_utf_8_or_nothing), TEST(what_ends_with_json_is_json), TEST(a_type_is_named_whole),
    TEST(no_charset_but_utf_8_is_taken))
