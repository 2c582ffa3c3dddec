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

RUN(TEST(json_is_told_with_utf_8_or_nothing), TEST(what_ends_with_json_is_json))
