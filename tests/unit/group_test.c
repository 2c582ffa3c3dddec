/* Names, ids and sessions of several servers at one address. */
#include <stdlib.h>

#include "base/text.h"
#include "gateway/group.h"
#include "check.h"

static gateway_route github = {.name = "github"}, files = {.name = "files"};
static const gateway_route *members[] = {&github, &files};
static const gateway_route group = {.name = "all", .members = members, .member_count = 2, .name_bytes = 20};

static const char *
shown(text_buffer *text)
{
    static char last[1024];
    snprintf(last, sizeof last, "%.*s", (int)text->size, text->data == NULL ? "" : text->data);
    text_clear(text);
    return last;
}

static bool
cuts(const char *text, bool address, const gateway_route *member, const char *own)
{
    aip_bytes name = aip_bytes_of(text);
    return group_cut(&group, address, &name) == member && (member == NULL || aip_bytes_equal(name, aip_bytes_of(own)));
}

static void
a_name_is_cut_at_the_first_mark_and_is_a_members_own_after_it(void)
{
    CHECK(cuts("github__search", false, &github, "search"));
    CHECK(cuts("files__a__b", false, &files, "a__b"));
    CHECK(cuts("files___a", false, &files, "_a"));
    CHECK(cuts("files.file:///a.b", true, &files, "file:///a.b"));
}

static void
a_name_without_a_members_prefix_is_nobodys(void)
{
    CHECK(cuts("search", false, NULL, ""));
    CHECK(cuts("", false, NULL, ""));
    CHECK(cuts("__search", false, NULL, ""));
    CHECK(cuts("github__", false, NULL, ""));
    CHECK(cuts("Github__search", false, NULL, ""));
    CHECK(cuts("github_search", false, NULL, ""));
    CHECK(cuts("githu__search", false, NULL, ""));
    CHECK(cuts("all__search", false, NULL, ""));
    CHECK(cuts("github__search", true, NULL, ""));
    CHECK(cuts("github.search", false, NULL, ""));
    CHECK(cuts("file:///a.b", true, NULL, ""));
}

static void
names_have_room_up_to_the_limit_with_their_prefix(void)
{
    CHECK(group_name_fits(&group, &github, AIP_BYTES_LITERAL("123456789012")));
    CHECK(!group_name_fits(&group, &github, AIP_BYTES_LITERAL("1234567890123")));
    CHECK(group_name_fits(&group, &files, AIP_BYTES_LITERAL("1234567890123")));
}

static void
a_scope_means_the_name_that_callers_use(void)
{
    exchange x = {.route = &github, .group = &group};
    char wanted[GROUP_WANTED_SIZE];
    aip_bytes called;
    CHECK(group_write_wanted(&x, "tool:", AIP_BYTES_LITERAL("search"), wanted, &called));
    CHECK_TEXT(wanted, "tool:github__search");
    CHECK(aip_bytes_equal(called, AIP_BYTES_LITERAL("github__search")));
    CHECK(group_write_wanted(&x, "resource:", AIP_BYTES_LITERAL("file:///x"), wanted, NULL));
    CHECK_TEXT(wanted, "resource:github.file:///x");
    x.group = NULL;
    CHECK(group_write_wanted(&x, "tool:", AIP_BYTES_LITERAL("search"), wanted, &called));
    CHECK_TEXT(wanted, "tool:search");
    CHECK(!group_write_wanted(&x, "tool:", AIP_BYTES_LITERAL("a\0b"), wanted, &called));
}

/* ---- replies ---- */

static const char *
named(const char *message, bool modern)
{
    const exchange x = {.route = &github, .group = &group, .modern = modern};
    const scan_limits limits = {65536, 64, 4096};
    scan_document document = {0};
    text_buffer out = {0};
    CHECK_STATUS(scan_load(aip_bytes_of(message), &limits, &document, NULL), AIP_OK);
    CHECK_STATUS(group_name_reply(&x, &document, &out, NULL), AIP_OK);
    scan_clear(&document);
    return shown(&out);
}

static void
lists_and_links_of_a_member_get_its_prefix(void)
{
    CHECK_TEXT(named("{\"result\":{\"tools\":[{\"name\":\"a\",\"title\":\"a\"},{\"name\" : \"b\"}]}}", false),
               "{\"result\":{\"tools\":[{\"name\":\"github__a\",\"title\":\"a\"},{\"name\" : \"github__b\"}]}}");
    CHECK_TEXT(named("{\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"file:///{p}\"}]}}", false),
               "{\"result\":{\"resourceTemplates\":[{\"uriTemplate\":\"github.file:///{p}\"}]}}");
    CHECK_TEXT(named("{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"file:///a\"},{\"type\":\"resource_link\","
                     "\"uri\":\"file:///a\"},{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///b\"}}]}}",
                     true),
               "{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"file:///a\"},{\"type\":\"resource_link\","
               "\"uri\":\"github.file:///a\"},{\"type\":\"resource\",\"resource\":{\"uri\":\"github.file:///b\"}}]}}");
    CHECK_TEXT(named("{\"result\":{\"messages\":[{\"content\":{\"type\":\"resource_link\",\"uri\":\"x:y\"}}]}}", false),
               "{\"result\":{\"messages\":[{\"content\":{\"type\":\"resource_link\",\"uri\":\"github.x:y\"}}]}}");
}

static void
a_members_requests_get_ids_that_tell_whose_they_are(void)
{
    CHECK_TEXT(
        named("{\"id\":7,\"method\":\"sampling/createMessage\",\"params\":{\"_meta\":{\"progressToken\":\"t\"}}}",
              false),
        "{\"id\":\"github__7\",\"method\":\"sampling/createMessage\",\"params\":{\"_meta\":{\"progressToken\":"
        "\"github__\\\"t\\\"\"}}}");
    CHECK_TEXT(named("{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"a\"}}", false),
               "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"github__\\\"a\\\"\"}}");
    CHECK_TEXT(named("{\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"file:///a\"}}", true),
               "{\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"github.file:///a\"}}");
}

static void
what_has_no_name_stays_as_it_came(void)
{
    CHECK_TEXT(named("{\"result\":{\"structuredContent\":{\"tools\":[{\"name\":\"a\"}]}}}", false), "");
    CHECK_TEXT(named("{\"error\":{\"code\":1,\"data\":{\"name\":\"a\"}}}", false), "");
    CHECK_TEXT(named("{\"result\":{\"tools\":[{\"name\":7},3]}}", false), "");
    CHECK_TEXT(named("{\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1}}", false), "");
    CHECK_TEXT(named("{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}", true), "");
}

/* ---- sessions ---- */

static void
a_session_tells_each_members_version_and_id(void)
{
    text_buffer text = {0};
    group_session_line line;
    group_session_begin(&text);
    CHECK(group_session_add(&text, &github,
                            &(group_session_line){AIP_BYTES_LITERAL("2025-06-18"), AIP_BYTES_LITERAL("a=b;c")}));
    CHECK(group_session_add(&text, &files, &(group_session_line){AIP_BYTES_LITERAL("2025-11-25"), {NULL, 0}}));
    CHECK(group_session_name(text_view(&text)).size == 16);
    CHECK(group_session_find(text_view(&text), &github, &line));
    CHECK(aip_bytes_equal(line.version, AIP_BYTES_LITERAL("2025-06-18")));
    CHECK(aip_bytes_equal(line.id, AIP_BYTES_LITERAL("a=b;c")));
    CHECK(group_session_find(text_view(&text), &files, &line) && line.id.size == 0);
    text_clear(&text);
}

static void
a_member_without_a_line_and_an_id_that_is_no_word_are_refused(void)
{
    text_buffer text = {0};
    group_session_line line;
    group_session_begin(&text);
    CHECK(!group_session_add(&text, &github,
                             &(group_session_line){AIP_BYTES_LITERAL("2025-06-18"), AIP_BYTES_LITERAL("a b")}));
    CHECK(!group_session_add(&text, &github, &(group_session_line){AIP_BYTES_LITERAL("1\n"), {NULL, 0}}));
    CHECK(!group_session_add(&text, &github, &(group_session_line){{NULL, 0}, AIP_BYTES_LITERAL("a")}));
    CHECK(!group_session_find(text_view(&text), &github, &line));
    CHECK(!group_session_find((aip_bytes){NULL, 0}, &github, &line));
    text_clear(&text);
}

/* ---- event ids ---- */

static void
ids_of_events_tell_whose_they_are(void)
{
    text_buffer ids = {0};
    group_append_id(&ids, &github, AIP_BYTES_LITERAL("7"));
    group_append_id(&ids, &files, AIP_BYTES_LITERAL("files:1:x"));
    CHECK(aip_bytes_equal(group_find_id(text_view(&ids), &github), AIP_BYTES_LITERAL("7")));
    CHECK(aip_bytes_equal(group_find_id(text_view(&ids), &files), AIP_BYTES_LITERAL("files:1:x")));
    CHECK(aip_bytes_equal(group_find_id(AIP_BYTES_LITERAL("*files:2:ab"), &files), AIP_BYTES_LITERAL("ab")));
    text_clear(&ids);
}

static void
what_is_no_such_id_is_nobodys(void)
{
    static const char *const texts[] = {
        "",          "7",          "github", "github:",     "github:1",         "github:1:", "github:2:a",
        "github:0:", "github:x:a", ":1:a",   "github:-1:a", "github:9999999:a", "GITHUB:1:a"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        CHECK(group_find_id(aip_bytes_of(texts[i]), &github).size == 0);
    }
}

static void
an_event_gets_another_id_and_stays_as_it_came_otherwise(void)
{
    const aip_bytes event = AIP_BYTES_LITERAL("event: message\r\nid: 7\r\nretry: 5\r\ndata: {}\r\n\r\n");
    text_buffer out = {0};
    CHECK(aip_bytes_equal(group_event_id(event), AIP_BYTES_LITERAL("7")));
    group_append_event(&out, event, AIP_BYTES_LITERAL("a:1:7"));
    CHECK_TEXT(shown(&out), "id: a:1:7\nevent: message\r\nretry: 5\r\ndata: {}\r\n\r\n");
    group_append_event(&out, event, (aip_bytes){NULL, 0});
    CHECK_TEXT(shown(&out), "event: message\r\nretry: 5\r\ndata: {}\r\n\r\n");
    CHECK(group_event_id(AIP_BYTES_LITERAL("idle: 1\ndata: id: 3\n\n")).size == 0);
    CHECK(aip_bytes_equal(group_event_id(AIP_BYTES_LITERAL("id: 1\nid:2\n\n")), AIP_BYTES_LITERAL("2")));
}

RUN(TEST(a_name_is_cut_at_the_first_mark_and_is_a_members_own_after_it),
    TEST(a_name_without_a_members_prefix_is_nobodys), TEST(names_have_room_up_to_the_limit_with_their_prefix),
    TEST(a_scope_means_the_name_that_callers_use), TEST(lists_and_links_of_a_member_get_its_prefix),
    TEST(a_members_requests_get_ids_that_tell_whose_they_are), TEST(what_has_no_name_stays_as_it_came),
    TEST(a_session_tells_each_members_version_and_id),
    TEST(a_member_without_a_line_and_an_id_that_is_no_word_are_refused), TEST(ids_of_events_tell_whose_they_are),
    TEST(what_is_no_such_id_is_nobodys), TEST(an_event_gets_another_id_and_stays_as_it_came_otherwise))
