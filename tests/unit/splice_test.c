/* Splices: what is asked for changes, every other byte stays, and the result is JSON or nothing. */
#include "base/splice.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "check.h"

static const scan_limits limits = {65536, AIP_JSON_DEPTH_MAX, 4096};

typedef struct {
    scan_document document;
    splice changes;
    text_buffer out;
} fixture;

static void
begin(fixture *f, const char *text)
{
    *f = (fixture){.out = {0}};
    CHECK_STATUS(scan_load(aip_bytes_of(text), &limits, &f->document, NULL), AIP_OK);
    splice_begin(&f->changes, &f->document);
}

static const char *
finish(fixture *f)
{
    CHECK_STATUS(splice_finish(&f->changes, &limits, &f->out, NULL, NULL), AIP_OK);
    return f->out.data;
}

static void
end(fixture *f)
{
    splice_clear(&f->changes);
    scan_clear(&f->document);
    text_clear(&f->out);
}

/* The array's or object's children whose index has its bit in `removed` go. */
static void
check_removal(const char *text, unsigned removed, const char *wanted)
{
    fixture f;
    begin(&f, text);
    unsigned index = 0;
    for (uint32_t at = scan_child(&f.document, 0); at != SCAN_NONE; at = scan_next(&f.document, at), index++) {
        if ((removed >> index & 1) != 0) {
            CHECK_STATUS(splice_remove(&f.changes, 0, at, NULL), AIP_OK);
        }
    }
    CHECK_TEXT(finish(&f), wanted);
    end(&f);
}

static void
without_changes_every_byte_stays(void)
{
    fixture f;
    begin(&f, " {\"a\" : 1.10,\t\"b\":[1e2 , \"\\u0041\"] }\n");
    CHECK(!splice_changes(&f.changes));
    CHECK_TEXT(finish(&f), " {\"a\" : 1.10,\t\"b\":[1e2 , \"\\u0041\"] }\n");
    end(&f);
}

static void
removed_items_take_one_comma_along(void)
{
    check_removal("[1, 2, 3]", 1, "[2, 3]");
    check_removal("[1, 2, 3]", 2, "[1, 3]");
    check_removal("[1, 2, 3]", 4, "[1, 2]");
    check_removal("[1, 2, 3]", 3, "[3]");
    check_removal("[1, 2, 3]", 5, "[2]");
    check_removal("[1, 2, 3]", 6, "[1]");
    check_removal("[ 1 , 2 , 3 ]", 7, "[  ]");
    check_removal("[{\"x\":[1,2]},[3],\"a,b\"]", 4, "[{\"x\":[1,2]},[3]]");
}

static void
removed_members_go_with_their_names(void)
{
    check_removal("{\"a\":1,\"b\":2}", 1, "{\"b\":2}");
    check_removal("{\"a\":1, \"b\" : 2}", 2, "{\"a\":1}");
    check_removal("{\"\":1}", 1, "{}");
    check_removal("{\"a\\\"\":1,\"b\":{},\"c\":3}", 3, "{\"c\":3}");
}

/* Every subset of up to ten items, against the plain writing of what stays. */
static void
any_subset_can_go(void)
{
    for (unsigned removed = 0; removed < 1024; removed++) {
        char wanted[64] = "[";
        for (unsigned i = 0; i < 10; i++) {
            if ((removed >> i & 1) == 0) {
                snprintf(wanted + strlen(wanted), 8, "%s%u", wanted[1] == '\0' ? "" : ",", i);
            }
        }
        strcat(wanted, "]");
        check_removal("[0,1,2,3,4,5,6,7,8,9]", removed, wanted);
    }
}

static void
values_are_replaced_in_place(void)
{
    fixture f;
    begin(&f, "{\"id\": 7 ,\"s\":\"old\",\"n\":1.10}");
    CHECK_STATUS(splice_replace(&f.changes, scan_member(&f.document, 0, "id"), AIP_BYTES_LITERAL("\"x-7\""), NULL),
                 AIP_OK);
    CHECK_STATUS(splice_replace_string(&f.changes, scan_member(&f.document, 0, "s"),
                                       AIP_BYTES_LITERAL("a\"b\\\n\x01\xC3\xA9\xFF"), NULL),
                 AIP_OK);
    CHECK_TEXT(finish(&f), "{\"id\": \"x-7\" ,\"s\":\"a\\\"b\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBD\",\"n\":1.10}");
    end(&f);
}

static void
a_whole_document_can_be_replaced(void)
{
    fixture f;
    begin(&f, " [1,2] ");
    CHECK_STATUS(splice_replace(&f.changes, 0, AIP_BYTES_LITERAL("{}"), NULL), AIP_OK);
    CHECK_STATUS(splice_remove(&f.changes, 0, 1, NULL), AIP_OK); /* goes with it */
    CHECK_TEXT(finish(&f), " {} ");
    end(&f);
}

static void
members_are_set_or_added(void)
{
    fixture f;
    begin(&f, "{\"a\":{},\"b\":{\"c\":1 },\"d\":4}");
    uint32_t a = scan_member(&f.document, 0, "a"), b = scan_member(&f.document, 0, "b");
    CHECK_STATUS(splice_set_member(&f.changes, a, "x", AIP_BYTES_LITERAL("1"), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, a, "y\"", AIP_BYTES_LITERAL("[2]"), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, b, "z", AIP_BYTES_LITERAL("null"), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, 0, "d", AIP_BYTES_LITERAL("5"), NULL), AIP_OK);
    CHECK_TEXT(finish(&f), "{\"a\":{\"x\":1,\"y\\\"\":[2]},\"b\":{\"c\":1 ,\"z\":null},\"d\":5}");
    end(&f);
}

static void
a_member_can_go_and_another_come(void)
{
    fixture f;
    begin(&f, "{\"_meta\":{\"aip/token\":\"t\"}}");
    uint32_t meta = scan_member(&f.document, 0, "_meta");
    CHECK_STATUS(splice_remove(&f.changes, meta, scan_member(&f.document, meta, "aip/token"), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, meta, "aip/token", AIP_BYTES_LITERAL("1"), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, meta, "k", AIP_BYTES_LITERAL("2"), NULL), AIP_OK);
    CHECK_TEXT(finish(&f), "{\"_meta\":{\"aip/token\":1,\"k\":2}}");
    end(&f);
}

static void
what_lies_in_a_removed_value_goes_with_it(void)
{
    fixture f;
    begin(&f, "[{\"a\":\"secret\",\"b\":[1,2]},3]");
    uint32_t item = scan_child(&f.document, 0), inner = scan_member(&f.document, item, "b");
    CHECK_STATUS(splice_replace_string(&f.changes, scan_member(&f.document, item, "a"), aip_bytes_of("x"), NULL),
                 AIP_OK);
    CHECK_STATUS(splice_remove(&f.changes, inner, scan_child(&f.document, inner), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, item, "c", AIP_BYTES_LITERAL("1"), NULL), AIP_OK);
    CHECK_STATUS(splice_remove(&f.changes, 0, item, NULL), AIP_OK);
    CHECK_STATUS(splice_remove(&f.changes, 0, item, NULL), AIP_OK);
    CHECK_TEXT(finish(&f), "[3]");
    end(&f);
}

static void
one_line_has_no_white_space_outside_strings(void)
{
    fixture f;
    CHECK(splice_has_line_break(AIP_BYTES_LITERAL("{\n}")));
    CHECK(splice_has_line_break(AIP_BYTES_LITERAL("{\r}")));
    CHECK(!splice_has_line_break(AIP_BYTES_LITERAL("{ \"\\n\" : 1}")));
    begin(&f, " {\r\n\t\"a \\\" b\" : [ 1 , \"\\\\\" , \" x \" ] }\n");
    f.changes.one_line = true;
    CHECK_STATUS(splice_set_member(&f.changes, 0, "b", AIP_BYTES_LITERAL("{ \"c\" :\n1 }"), NULL), AIP_OK);
    CHECK_TEXT(finish(&f), "{\"a \\\" b\":[1,\"\\\\\",\" x \"],\"b\":{\"c\":1}}");
    end(&f);
}

static void
raw_text_that_is_not_one_value_is_refused(void)
{
    static const char *const bad[] = {"", "1,\"x\":2", "1}", "\"a", "{\"a\":1,\"a\":2}", "\"\xFF\"", "nul"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fixture f;
        begin(&f, "{\"a\":1}");
        CHECK(splice_set_member(&f.changes, 0, "a", aip_bytes_of(bad[i]), NULL) != AIP_OK);
        CHECK(splice_set_member(&f.changes, 0, "b", aip_bytes_of(bad[i]), NULL) != AIP_OK);
        CHECK(splice_replace(&f.changes, 0, aip_bytes_of(bad[i]), NULL) != AIP_OK);
        end(&f);
    }
}

static void
a_result_that_two_readers_could_read_differently_is_refused(void)
{
    fixture f;
    begin(&f, "{}");
    CHECK_STATUS(splice_set_member(&f.changes, 0, "a", AIP_BYTES_LITERAL("1"), NULL), AIP_OK);
    CHECK_STATUS(splice_set_member(&f.changes, 0, "a", AIP_BYTES_LITERAL("2"), NULL), AIP_OK);
    CHECK_STATUS(splice_finish(&f.changes, &limits, &f.out, NULL, NULL), AIP_JSON_DUPLICATE);
    CHECK(f.out.size == 0);
    end(&f);
}

static void
a_result_over_the_limits_is_refused(void)
{
    static const scan_limits small = {12, 2, 8};
    fixture f;
    begin(&f, "{\"a\":1}");
    CHECK_STATUS(splice_set_member(&f.changes, 0, "a", AIP_BYTES_LITERAL("\"0123456789\""), NULL), AIP_OK);
    CHECK_STATUS(splice_finish(&f.changes, &small, &f.out, NULL, NULL), AIP_JSON_SIZE);
    end(&f);
    begin(&f, "{\"a\":1}");
    CHECK_STATUS(splice_set_member(&f.changes, 0, "a", AIP_BYTES_LITERAL("[[0]]"), NULL), AIP_OK);
    CHECK_STATUS(splice_finish(&f.changes, &small, &f.out, NULL, NULL), AIP_JSON_DEPTH);
    end(&f);
}

static void
a_value_cannot_be_changed_twice_or_where_there_is_none(void)
{
    fixture f;
    begin(&f, "{\"a\":1}");
    CHECK_STATUS(splice_replace(&f.changes, 1, AIP_BYTES_LITERAL("2"), NULL), AIP_OK);
    CHECK_STATUS(splice_replace(&f.changes, 1, AIP_BYTES_LITERAL("3"), NULL), AIP_INTERNAL);
    CHECK_STATUS(splice_replace_string(&f.changes, 1, AIP_BYTES_LITERAL("3"), NULL), AIP_INTERNAL);
    CHECK_STATUS(splice_set_member(&f.changes, 0, "a", AIP_BYTES_LITERAL("3"), NULL), AIP_INTERNAL);
    CHECK_STATUS(splice_replace(&f.changes, 2, AIP_BYTES_LITERAL("3"), NULL), AIP_INTERNAL);
    CHECK_STATUS(splice_remove(&f.changes, 0, SCAN_NONE, NULL), AIP_INTERNAL);
    CHECK_STATUS(splice_set_member(&f.changes, 1, "b", AIP_BYTES_LITERAL("3"), NULL), AIP_INTERNAL);
    CHECK_TEXT(finish(&f), "{\"a\":2}");
    end(&f);
}

static void
the_scan_of_the_result_is_given_to_who_wants_it(void)
{
    fixture f;
    scan_document after;
    begin(&f, "{\"a\":1}");
    CHECK_STATUS(splice_set_member(&f.changes, 0, "b", AIP_BYTES_LITERAL("true"), NULL), AIP_OK);
    CHECK_STATUS(splice_finish(&f.changes, &limits, &f.out, &after, NULL), AIP_OK);
    CHECK(scan_kind_of(&after, scan_member(&after, 0, "b")) == SCAN_TRUE);
    scan_clear(&after);
    end(&f);
}

RUN(TEST(without_changes_every_byte_stays), TEST(removed_items_take_one_comma_along),
    TEST(removed_members_go_with_their_names), TEST(any_subset_can_go), TEST(values_are_replaced_in_place),
    TEST(a_whole_document_can_be_replaced), TEST(members_are_set_or_added), TEST(a_member_can_go_and_another_come),
    TEST(what_lies_in_a_removed_value_goes_with_it), TEST(one_line_has_no_white_space_outside_strings),
    TEST(raw_text_that_is_not_one_value_is_refused), TEST(a_result_that_two_readers_could_read_differently_is_refused),
    TEST(a_result_over_the_limits_is_refused), TEST(a_value_cannot_be_changed_twice_or_where_there_is_none),
    TEST(the_scan_of_the_result_is_given_to_who_wants_it))
