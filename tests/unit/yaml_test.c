/* The YAML loader: what it reads as what, where it says that things stand, and what it refuses. */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "base/yaml.h"

static const yaml_limits ordinary = {AIP_CONFIG_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, AIP_CONFIG_NODES_MAX};

static aip_status
load(const char *text, aip_error *err)
{
    yaml_document document;
    aip_status status = yaml_load(aip_bytes_of(text), &ordinary, &document, err);
    yaml_clear(&document);
    return status;
}

/* The status of a text, and for refused ones the place they were refused at. */
static void
check_refusal(const char *text, aip_status wanted, unsigned line, unsigned column)
{
    aip_error err = AIP_ERROR_INIT;
    char place[64];
    aip_status got = load(text, &err);
    snprintf(place, sizeof place, "line %u, column %u: ", line, column);
    if (got != wanted || err.offset != (long)line || strncmp(err.detail, place, strlen(place)) != 0) {
        printf("  of \"%s\": %s %s\n", text, aip_status_lookup(got)->name, err.detail);
        CHECK(false);
    }
}

/* The text as YAML has the values of `json`. */
static void
check_values(const char *text, const char *json)
{
    yaml_document document;
    aip_error err = AIP_ERROR_INIT;
    json_error_t unread;
    json_t *wanted = json_loads(json, JSON_DECODE_ANY, &unread);
    aip_status got = yaml_load(aip_bytes_of(text), &ordinary, &document, &err);
    if (got != AIP_OK || wanted == NULL || !json_equal(document.root, wanted)) {
        printf("  of \"%s\": %s %s\n", text, aip_status_lookup(got)->name, err.detail);
        CHECK(false);
    }
    json_decref(wanted);
    yaml_clear(&document);
}

static void
mappings_sequences_and_strings_are_read(void)
{
    check_values("a: b\nc:\n  - d\n  - e: f\n    g: h\n", "{\"a\":\"b\",\"c\":[\"d\",{\"e\":\"f\",\"g\":\"h\"}]}");
    check_values("c:\n- d\n- {e: f, g: [h]}\n", "{\"c\":[\"d\",{\"e\":\"f\",\"g\":[\"h\"]}]}");
    check_values("a: |\n  one\n  two\nb: >-\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\"}");
    check_values("a: did:aip:z6Mk # comment\nb: http://x/#y\n", "{\"a\":\"did:aip:z6Mk\",\"b\":\"http://x/#y\"}");
    check_values("a: 'it''s'\nb: \"\\u00e9\\t\"\n", "{\"a\":\"it's\",\"b\":\"\xc3\xa9\\t\"}");
    check_values("%YAML 1.2\n---\na: b\n...\n", "{\"a\":\"b\"}");
    check_values("a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}");
}

static void
plain_scalars_that_all_readers_agree_on_have_their_type(void)
{
    check_values("[null, ~, true, False, 0, -12, 1.50, -0.5, 1.5e+3]", "[null,null,true,false,0,-12,1.5,-0.5,1500.0]");
    check_values("a:\nb: 9223372036854775807\n", "{\"a\":null,\"b\":9223372036854775807}");
    check_values("[127.0.0.1, 1h, 10/minute, 1.2.3, v1, -x, nope, 'tool:*', 2026-Q1, a:b, 0x, 1x, '']",
                 "[\"127.0.0.1\",\"1h\",\"10/minute\",\"1.2.3\",\"v1\",\"-x\",\"nope\",\"tool:*\",\"2026-Q1\","
                 "\"a:b\",\"0x\",\"1x\",\"\"]");
}

static void
whatever_stands_in_quotes_is_a_string(void)
{
    check_values("['yes', \"012\", '22:22', \"null\", '', '2026-11-21', '1e3']",
                 "[\"yes\",\"012\",\"22:22\",\"null\",\"\",\"2026-11-21\",\"1e3\"]");
    check_values("a: |-\n  true\n'on': x\n", "{\"a\":\"true\",\"on\":\"x\"}");
}

static void
plain_scalars_that_readers_take_for_different_things_are_refused(void)
{
    static const char *const unclear[] = {
        "y",
        "Yes",
        "no",
        "on",
        "OFF",
        "=",
        "012",
        "-01",
        "+1",
        "1_000",
        "0x1f",
        "0o17",
        "0b11",
        "22:22",
        "1:30:00",
        "-190:20:30.15",
        "1e3",
        "1.5e3",
        "123e45",
        ".5",
        "5.",
        ".inf",
        "-.INF",
        ".nan",
        "+12.5",
        "1_0.5",
        "2026-11-21",
        "2026-1-2",
        "2026-11-21T10:00:00Z",
        "2026-11-21 10:00:00",
    };
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "a: %s\n", unclear[i]);
        check_refusal(text, AIP_CONFIG_INVALID, 1, 4);
        snprintf(text, sizeof text, "a: '%s'\n", unclear[i]);
        CHECK_STATUS(load(text, NULL), AIP_OK);
    }
}

static void
numbers_beyond_what_is_held_exactly_are_refused(void)
{
    check_refusal("a: 9223372036854775808\n", AIP_JSON_NUMBER, 1, 4);
    check_refusal("a: 1.5e+999\n", AIP_JSON_NUMBER, 1, 4);
    check_refusal("a:\n  - 1.00000000000000000000000000000000000000000000000000000000000000001\n", AIP_JSON_NUMBER, 2,
                  5);
}

static void
keys_are_strings_that_stand_once(void)
{
    check_refusal("a: 1\nb: 2\n\"a\": 3\n", AIP_JSON_DUPLICATE, 3, 1);
    check_refusal("{a: {b: 1, c: 2, 'b': 3}}", AIP_JSON_DUPLICATE, 1, 18);
    check_refusal("1: x\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("on: x\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("null: x\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal(": x\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("? [a]\n: x\n", AIP_CONFIG_INVALID, 1, 3);
    check_refusal("a: b\n<<: {c: d}\n", AIP_CONFIG_INVALID, 2, 1);
    check_refusal("\"a\\nb\": 1\n", AIP_CONFIG_INVALID, 1, 1);
}

static void
anchors_aliases_and_tags_are_refused(void)
{
    check_refusal("a: &x 1\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: b\nc: *x\n", AIP_CONFIG_INVALID, 2, 4);
    check_refusal("a: !!str 1\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: ! 1\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: !!python/object/apply:os.system ['id']\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("&x a: 1\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("a: &x [*x, *x]\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: &x {b: c}\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("%TAG ! tag:x,2000:\n---\na: 1\n", AIP_CONFIG_INVALID, 1, 1);
}

static void
one_document_of_this_version_of_yaml_is_read(void)
{
    check_refusal("a: 1\n---\nb: 2\n", AIP_CONFIG_INVALID, 2, 1);
    check_refusal("a: 1\n...\n---\n", AIP_CONFIG_INVALID, 3, 1);
    check_refusal("", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("# nothing\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("%YAML 1.1\n---\na: 1\n", AIP_CONFIG_INVALID, 1, 1);
    check_refusal("a: [1\nb: 2\n", AIP_CONFIG_INVALID, 2, 2);
    check_refusal("a: b: c\n", AIP_CONFIG_INVALID, 1, 5);
    check_refusal("a:\n\t- b\n", AIP_CONFIG_INVALID, 2, 1);
}

static void
layouts_that_this_parser_alone_would_take_are_refused(void)
{
    check_refusal("a: [b]#c\n", AIP_CONFIG_INVALID, 2, 1);
    check_refusal("a: \"b\"#c\n", AIP_CONFIG_INVALID, 2, 1);
    check_refusal("a: [b,#c\n d]\n", AIP_CONFIG_INVALID, 2, 2);
    check_refusal("a: >#c\n  b\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: [b,\nc]\n", AIP_CONFIG_INVALID, 2, 2);
    check_refusal("a: \"b\nc\"\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: {\n\tb: c}\n", AIP_CONFIG_INVALID, 2, 6);
    check_refusal("{?a: b}\n", AIP_CONFIG_INVALID, 1, 3);
    check_refusal("[-]\n", AIP_CONFIG_INVALID, 1, 2);
    check_refusal("a: |\n    \n  b\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: |\n  b\n  ", AIP_CONFIG_INVALID, 1, 4);
    CHECK_STATUS(load("a: [b,\n  c] #d\nb: |1\n   \n  x\n", NULL), AIP_OK);
    CHECK_STATUS(load("{\n\t\"a\": [\n\t\t1\n\t]\n}\n", NULL), AIP_OK);
}

static void
bytes_that_hide_something_are_refused(void)
{
    check_refusal("a: \xff\n", AIP_JSON_UTF8, 1, 4);
    check_refusal("a: 1\nb: \xed\xa0\x80\n", AIP_JSON_UTF8, 2, 4);
    check_refusal("\xef\xbb\xbf"
                  "a: 1\n",
                  AIP_CONFIG_INVALID, 1, 1);
    check_refusal("a: 1\rb: 2\n", AIP_CONFIG_INVALID, 1, 5);
    check_refusal("a: \x1b[0m\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: \x7f\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: \xc2\x85 b\n", AIP_CONFIG_INVALID, 1, 4);      /* NEL: a line break to YAML 1.1 */
    check_refusal("a: b\xe2\x80\xa8 c\n", AIP_CONFIG_INVALID, 1, 5); /* LS */
    check_refusal("a: '\xe2\x80\xae'\n", AIP_CONFIG_INVALID, 1, 5);  /* right to left from here */
    check_refusal("a: \"\\0\"\n", AIP_CONFIG_INVALID, 1, 4);
    check_refusal("a: \"\\e\"\n", AIP_CONFIG_INVALID, 1, 4);
    aip_error err = AIP_ERROR_INIT;
    yaml_document document;
    CHECK_STATUS(yaml_load(AIP_BYTES_LITERAL("a: \0b\n"), &ordinary, &document, &err), AIP_CONFIG_INVALID);
    check_values("a: \xc3\xa9\xf0\x9f\x98\x80\n", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}");
    check_values("a: \"\\u202e\"\n", "{\"a\":\"\\u202e\"}");
}

static void
size_depth_and_number_of_values_are_bounded(void)
{
    const yaml_limits tight = {16, 3, 4};
    const struct {
        const char *text;
        aip_status wanted;
    } cases[] = {
        {"[[[1]]]", AIP_OK},
        {"[[[[1]]]]", AIP_JSON_DEPTH},
        {"a: {b: {c: {}}}", AIP_JSON_DEPTH},
        {"[1, 2, 3]", AIP_OK},
        {"[1, 2, 3, 4]", AIP_JSON_SIZE},
        {"# 3456789012345\n", AIP_CONFIG_INVALID},
        {"# 34567890123456\n", AIP_JSON_SIZE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yaml_document document;
        CHECK_STATUS(yaml_load(aip_bytes_of(cases[i].text), &tight, &document, NULL), cases[i].wanted);
        yaml_clear(&document);
    }
}

static void
a_refused_text_leaves_nothing_behind(void)
{
    yaml_document document;
    CHECK_STATUS(yaml_load(aip_bytes_of("a: [1, {b: 2}]\nc: *x\n"), &ordinary, &document, NULL), AIP_CONFIG_INVALID);
    CHECK(document.root == NULL && document.entries == NULL && document.count == 0);
    CHECK(yaml_find(&document, NULL, NULL, 0) == NULL);
}

static bool
stands_at(const yaml_entry *entry, unsigned line, unsigned column)
{
    return entry != NULL && entry->place.line == line && entry->place.column == column;
}

static void
each_value_knows_its_place_and_each_number_its_literal(void)
{
    yaml_document d;
    CHECK_STATUS(
        yaml_load(aip_bytes_of("a: 0.10\n\xc3\xa9: \"x\"\nlist:\n  - 7\n  - k: [1.000000, ~]\n"), &ordinary, &d, NULL),
        AIP_OK);
    const yaml_entry *a = yaml_find(&d, d.root, "a", 0), *e = yaml_find(&d, d.root, "\xc3\xa9", 0);
    CHECK(stands_at(yaml_find(&d, NULL, NULL, 0), 1, 1));
    CHECK(stands_at(a, 1, 4) && a->key_place.line == 1 && a->key_place.column == 1);
    CHECK_TEXT(a->literal, "0.10");
    CHECK(stands_at(e, 2, 4) && e->literal == NULL);
    const json_t *list = json_object_get(d.root, "list"), *item = json_array_get(list, 1);
    CHECK(stands_at(yaml_find(&d, list, NULL, 0), 4, 5) && stands_at(yaml_find(&d, list, NULL, 1), 5, 5));
    CHECK(yaml_find(&d, list, NULL, 2) == NULL && yaml_find(&d, d.root, "k", 0) == NULL);
    CHECK(stands_at(yaml_find(&d, item, "k", 0), 5, 8));
    const json_t *inner = json_object_get(item, "k");
    CHECK_TEXT(yaml_find(&d, inner, NULL, 0)->literal, "1.000000");
    CHECK(stands_at(yaml_find(&d, inner, NULL, 1), 5, 19));
    yaml_clear(&d);
}

static void
json_is_read_as_json(void)
{
    static const char text[] =
        "{\"a\": [1, -2.5, true, null, \"x\\n\\u00e9\\/\"], \"b\": {\"c\": {}},\n\t\"d\":\"\"}\n";
    yaml_document document;
    json_t *json = NULL;
    CHECK_STATUS(yaml_load(aip_bytes_of(text), &ordinary, &document, NULL), AIP_OK);
    CHECK_STATUS(json_load_strict(aip_bytes_of(text), 1000, &json, NULL), AIP_OK);
    CHECK(json_equal(json, document.root));
    json_release(&json);
    yaml_clear(&document);
}

static void
check_peer(const char *text, const char *json)
{
    yaml_document document;
    aip_error err = AIP_ERROR_INIT;
    json_error_t unread;
    json_t *wanted = json == NULL ? NULL : json_loads(json, JSON_DECODE_ANY, &unread);
    aip_status got = yaml_load_peer(aip_bytes_of(text), &ordinary, &document, &err);
    if ((got == AIP_OK) != (json != NULL) || (got == AIP_OK && !json_equal(document.root, wanted))) {
        printf("  of \"%s\": %s %s\n", text, aip_status_lookup(got)->name, err.detail);
        CHECK(false);
    }
    json_decref(wanted);
    yaml_clear(&document);
}

static void
files_for_readers_with_types_keep_their_spellings(void)
{
    yaml_document d;
    check_peer("a: yes\nb: 012\nc: 2026-11-21\nd: 22:22\ne: true\n",
               "{\"a\":\"yes\",\"b\":\"012\",\"c\":\"2026-11-21\",\"d\":\"22:22\",\"e\":true}");
    check_peer("y: 1\n12: x\ntrue: x\n", "{\"y\":1,\"12\":\"x\",\"true\":\"x\"}");
    check_peer("a: 1\na: 2\n", NULL);
    check_peer("1: a\n\"1\": b\n", NULL);
    check_peer("<<: {a: 1}\n", NULL);
    check_peer("a: !!str x\n", NULL);
    check_peer("a: 1\n---\nb: 2\n", NULL);
    CHECK_STATUS(yaml_load_peer(aip_bytes_of("a: True\nb: [0.10]\n"), &ordinary, &d, NULL), AIP_OK);
    CHECK_TEXT(yaml_find(&d, d.root, "a", 0)->literal, "True");
    CHECK_TEXT(yaml_find(&d, json_object_get(d.root, "b"), NULL, 0)->literal, "0.10");
    yaml_clear(&d);
}

static void
an_alias_is_what_its_anchor_names_with_its_places(void)
{
    yaml_document d;
    const yaml_limits tight = {1000, 4, 12};
    check_peer("a: &x [1, {b: c}]\nd: *x\ne: {f: *x}\n", "{\"a\":[1,{\"b\":\"c\"}],\"d\":[1,{\"b\":\"c\"}],"
                                                         "\"e\":{\"f\":[1,{\"b\":\"c\"}]}}");
    check_peer("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
    check_peer("a: &x\nb: *x\n", "{\"a\":null,\"b\":null}");
    check_peer("a: &x [*x]\n", NULL);
    check_peer("a: *x\nb: &x 1\n", NULL);
    check_peer("a: &x b\n*x : c\n", NULL);
    check_peer("&x a: b\n", NULL);
    CHECK_STATUS(yaml_load_peer(aip_bytes_of("a: &x {b: [0.50]}\nc: *x\n"), &ordinary, &d, NULL), AIP_OK);
    const json_t *again = json_object_get(json_object_get(d.root, "c"), "b");
    const yaml_entry *entry = yaml_find(&d, again, NULL, 0);
    CHECK(again != json_object_get(json_object_get(d.root, "a"), "b"));
    CHECK(entry != NULL && stands_at(entry, 1, 12));
    CHECK_TEXT(entry->literal, "0.50");
    yaml_clear(&d);
    CHECK_STATUS(yaml_load_peer(aip_bytes_of("a: &x [1, 2]\nb: [*x, *x]\n"), &tight, &d, NULL), AIP_OK);
    yaml_clear(&d);
    CHECK_STATUS(yaml_load_peer(aip_bytes_of("a: &x [1, 2]\nb: [*x, *x, *x]\n"), &tight, &d, NULL), AIP_JSON_SIZE);
    CHECK_STATUS(yaml_load_peer(aip_bytes_of("a: &x [[1]]\nb: [[*x]]\n"), &tight, &d, NULL), AIP_JSON_DEPTH);
    CHECK(d.root == NULL && d.entries == NULL);
}

RUN(TEST(mappings_sequences_and_strings_are_read), TEST(plain_scalars_that_all_readers_agree_on_have_their_type),
    TEST(whatever_stands_in_quotes_is_a_string), TEST(plain_scalars_that_readers_take_for_different_things_are_refused),
    TEST(numbers_beyond_what_is_held_exactly_are_refused), TEST(keys_are_strings_that_stand_once),
    TEST(anchors_aliases_and_tags_are_refused), TEST(one_document_of_this_version_of_yaml_is_read),
    TEST(layouts_that_this_parser_alone_would_take_are_refused), TEST(bytes_that_hide_something_are_refused),
    TEST(size_depth_and_number_of_values_are_bounded), TEST(a_refused_text_leaves_nothing_behind),
    TEST(each_value_knows_its_place_and_each_number_its_literal), TEST(json_is_read_as_json),
    TEST(files_for_readers_with_types_keep_their_spellings), TEST(an_alias_is_what_its_anchor_names_with_its_places))
