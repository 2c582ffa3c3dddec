/* Constraints: what each type lets through, exact numbers, and what a token may not carry. */
#include <stdlib.h>

#include "aip/chain.h"
#include "chain/decimal.h"
#include "chain/glob.h"
#include "check.h"
#include "token/token.h"

/* A chain of one element with this constraint on argument `a` of tool `t`. */
static aip_status
parse_with(const char *constraint, aip_chain **chain)
{
    char payload[4096], *text = NULL;
    snprintf(payload, sizeof payload,
             "{\"iss\":\"did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd\",\"sub\":\"did:web:example.com\","
             "\"scope\":[\"tool:t\"],"
             "\"max_depth\":0,\"iat\":1,\"exp\":2,\"constraints\":{\"t\":{\"a\":%s}}}",
             constraint);
    CHECK_STATUS(token_encode(NULL, NULL, aip_bytes_of(payload), &text, NULL), AIP_OK);
    aip_status status = aip_chain_parse(aip_bytes_of(text), chain, NULL);
    free(text);
    return status;
}

static aip_status
judge(const char *constraint, const char *arguments)
{
    aip_chain *chain = NULL;
    CHECK_STATUS(parse_with(constraint, &chain), AIP_OK);
    if (chain == NULL) {
        return AIP_INTERNAL;
    }
    const aip_grant grant = {.chain = chain};
    aip_status status = aip_grant_check_arguments(&grant, AIP_BYTES_LITERAL("t"), aip_bytes_of(arguments), NULL);
    aip_chain_free(&chain);
    return status;
}

typedef struct {
    const char *constraint, *value;
    bool holds;
} row;

static void
each_type_lets_through_what_it_says(void)
{
    static const row rows[] = {
        {"{\"type\":\"exact\",\"value\":\"x\"}", "\"x\"", true},
        {"{\"type\":\"exact\",\"value\":\"x\"}", "\"\\u0078\"", true},
        {"{\"type\":\"exact\",\"value\":\"x\"}", "\"X\"", false},
        {"{\"type\":\"exact\",\"value\":1}", "1.0", true},
        {"{\"type\":\"exact\",\"value\":1}", "\"1\"", false},
        {"{\"type\":\"exact\",\"value\":1}", "true", false},
        {"{\"type\":\"exact\",\"value\":9007199254740993}", "9007199254740992", false},
        {"{\"type\":\"exact\",\"value\":{\"p\":[1,null],\"q\":false}}", "{\"q\":false,\"p\":[1e0,null]}", true},
        {"{\"type\":\"exact\",\"value\":{\"p\":1}}", "{\"p\":1,\"q\":2}", false},
        {"{\"type\":\"pattern\",\"value\":\"/data/*.csv\"}", "\"/data/a/b.csv\"", true},
        {"{\"type\":\"pattern\",\"value\":\"/data/*.csv\"}", "\"/data/b.csv.exe\"", false},
        {"{\"type\":\"pattern\",\"value\":\"a?c\"}", "\"a\\u00e9c\"", true},
        {"{\"type\":\"pattern\",\"value\":\"*\"}", "1", false},
        {"{\"type\":\"range\",\"min\":1,\"max\":5}", "5.0", true},
        {"{\"type\":\"range\",\"min\":1,\"max\":5}", "5.0000000000000000001", false},
        {"{\"type\":\"range\",\"max\":5,\"max_inclusive\":false}", "5", false},
        {"{\"type\":\"range\",\"max\":5}", "-1e300", true},
        {"{\"type\":\"range\",\"min\":0}", "-0.0", true},
        {"{\"type\":\"range\",\"min\":0}", "\"1\"", false},
        {"{\"type\":\"one_of\",\"values\":[\"a\",2]}", "2.00", true},
        {"{\"type\":\"one_of\",\"values\":[\"a\",2]}", "3", false},
        {"{\"type\":\"one_of\",\"values\":[]}", "3", false},
        {"{\"type\":\"not_one_of\",\"values\":[\"a\",2]}", "20e-1", false},
        {"{\"type\":\"not_one_of\",\"values\":[\"a\",2]}", "\"b\"", true},
        {"{\"type\":\"contains\",\"values\":[1,2]}", "[3,2,1]", true},
        {"{\"type\":\"contains\",\"values\":[1,2]}", "[1]", false},
        {"{\"type\":\"contains\",\"values\":[1]}", "1", false},
        {"{\"type\":\"subset\",\"values\":[1,2]}", "[2,2]", true},
        {"{\"type\":\"subset\",\"values\":[1,2]}", "[]", true},
        {"{\"type\":\"subset\",\"values\":[1,2]}", "[1,3]", false},
        {"{\"type\":\"subset\",\"values\":[1,2]}", "1", false},
        {"{\"type\":\"wildcard\"}", "{\"any\":1}", true},
        {"{\"type\":\"all\",\"constraints\":[{\"type\":\"prefix\",\"value\":\"/d/"
         "\"},{\"type\":\"max_length\",\"value\":5}]}",
         "\"/d/ab\"", true},
        {"{\"type\":\"all\",\"constraints\":[{\"type\":\"prefix\",\"value\":\"/d/"
         "\"},{\"type\":\"max_length\",\"value\":5}]}",
         "\"/d/abc\"", false},
        {"{\"type\":\"any\",\"constraints\":[{\"type\":\"exact\",\"value\":1},{\"type\":\"exact\",\"value\":2}]}", "2",
         true},
        {"{\"type\":\"any\",\"constraints\":[{\"type\":\"exact\",\"value\":1},{\"type\":\"exact\",\"value\":2}]}", "3",
         false},
        {"{\"type\":\"any\",\"constraints\":[]}", "1", false},
        {"{\"type\":\"max_length\",\"value\":2}", "\"\\u00e9\"", true},
        {"{\"type\":\"max_length\",\"value\":1}", "\"\\u00e9\"", false},
        {"{\"type\":\"max_length\",\"value\":9}", "1", false},
        {"{\"type\":\"prefix\",\"value\":\"a\"}", "\"\\u0061b\"", true},
        {"{\"type\":\"prefix\",\"value\":\"a\"}", "\"b\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "{\"a\":%s}", rows[i].value);
        int before = check_failures;
        CHECK_STATUS(judge(rows[i].constraint, arguments), rows[i].holds ? AIP_OK : AIP_CONSTRAINT_VIOLATED);
        if (check_failures != before) {
            printf("  %s of %s\n", rows[i].constraint, rows[i].value);
        }
    }
}

static void
a_named_tool_is_closed_and_others_are_free(void)
{
    static const char any[] = "{\"type\":\"wildcard\"}";
    CHECK_STATUS(judge(any, "{\"a\":1}"), AIP_OK);
    CHECK_STATUS(judge(any, "{\"\\u0061\":1}"), AIP_OK);
    CHECK_STATUS(judge(any, "{}"), AIP_CONSTRAINT_VIOLATED);
    CHECK_STATUS(judge(any, ""), AIP_CONSTRAINT_VIOLATED);
    CHECK_STATUS(judge(any, "{\"a\":1,\"b\":1}"), AIP_CONSTRAINT_VIOLATED);
    CHECK_STATUS(judge(any, "{\"b\":1}"), AIP_CONSTRAINT_VIOLATED);
    CHECK_STATUS(judge(any, "[1]"), AIP_CONSTRAINT_VIOLATED);
    CHECK_STATUS(judge(any, "{\"a\":1,\"a\":2}"), AIP_JSON_DUPLICATE);
    aip_chain *chain = NULL;
    CHECK_STATUS(parse_with(any, &chain), AIP_OK);
    const aip_grant grant = {.chain = chain};
    CHECK_STATUS(aip_grant_check_arguments(&grant, AIP_BYTES_LITERAL("other"), AIP_BYTES_LITERAL("{\"z\":1}"), NULL),
                 AIP_OK);
    CHECK_STATUS(aip_grant_check_arguments(&grant, AIP_BYTES_LITERAL("T"), AIP_BYTES_LITERAL("{}"), NULL), AIP_OK);
    aip_chain_free(&chain);
}

static void
arguments_with_more_values_than_the_stack_holds_are_judged(void)
{
    char arguments[4096] = "{\"a\":[1";
    for (size_t i = 0; i < 1000; i++) {
        memcpy(arguments + 7 + 2 * i, ",1", 2);
    }
    memcpy(arguments + 2007, "]}", 3);
    CHECK_STATUS(judge("{\"type\":\"subset\",\"values\":[1]}", arguments), AIP_OK);
    arguments[2006] = '2';
    CHECK_STATUS(judge("{\"type\":\"subset\",\"values\":[1]}", arguments), AIP_CONSTRAINT_VIOLATED);
}

static void
a_constraint_that_is_unknown_or_ill_formed_refuses_the_token(void)
{
    static const char *const unknown[] = {"{\"type\":\"regex\",\"value\":\".*\"}", "{}", "{\"type\":1}",
                                          "{\"value\":1}", "{\"type\":\"Exact\",\"value\":1}"};
    static const char *const invalid[] = {"1",
                                          "[]",
                                          "{\"type\":\"exact\"}",
                                          "{\"type\":\"exact\",\"value\":1,\"x\":1}",
                                          "{\"type\":\"pattern\",\"value\":\"[a-z]\"}",
                                          "{\"type\":\"pattern\",\"value\":1}",
                                          "{\"type\":\"range\"}",
                                          "{\"type\":\"range\",\"min_inclusive\":true}",
                                          "{\"type\":\"range\",\"min\":\"1\"}",
                                          "{\"type\":\"one_of\",\"values\":1}",
                                          "{\"type\":\"wildcard\",\"value\":1}",
                                          "{\"type\":\"max_length\",\"value\":-1}",
                                          "{\"type\":\"max_length\",\"value\":1.5}",
                                          "{\"type\":\"any\",\"constraints\":[1]}"};
    aip_chain *chain = NULL;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        CHECK_STATUS(parse_with(unknown[i], &chain), AIP_CONSTRAINT_UNKNOWN);
    }
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        CHECK_STATUS(parse_with(invalid[i], &chain), AIP_CONSTRAINT_INVALID);
    }
    CHECK_STATUS(parse_with("{\"type\":\"all\",\"constraints\":[{\"type\":\"nope\"}]}", &chain),
                 AIP_CONSTRAINT_UNKNOWN);
}

static void
too_many_constraints_refuse_the_token(void)
{
    char list[1024] = "{\"type\":\"one_of\",\"values\":[0";
    aip_chain *chain = NULL;
    size_t size = strlen(list);
    for (size_t i = 0; i < 62; i++, size += 2) {
        memcpy(list + size, ",1", 2);
    }
    memcpy(list + size, "]}", 3);
    CHECK_STATUS(parse_with(list, &chain), AIP_OK);
    aip_chain_free(&chain);
    memcpy(list + size, ",1]}", 5);
    CHECK_STATUS(parse_with(list, &chain), AIP_CONSTRAINT_INVALID);
}

static void
numbers_are_compared_as_written(void)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {{"1", "1.0", 0},     {"10", "1e1", 0},      {"0.1", "1e-1", 0}, {"-0", "0", 0},
                {"0e5", "0.000", 0}, {"2", "10", -1},       {"-2", "-10", 1},   {"1.00000000000000000000001", "1", 1},
                {"100e-2", "1", 0},  {"0.001", "0.01", -1}, {"-1", "1", -1},    {"123.456", "123.4561", -1},
                {"1.05", "1.5", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int order = decimal_compare(aip_bytes_of(rows[i].a), aip_bytes_of(rows[i].b));
        int back = decimal_compare(aip_bytes_of(rows[i].b), aip_bytes_of(rows[i].a));
        CHECK((order > 0) - (order < 0) == rows[i].order && (back > 0) - (back < 0) == -rows[i].order);
    }
}

static void
globs_match_whole_texts_and_characters(void)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {{"", "", true},
                {"", "a", false},
                {"*", "", true},
                {"**", "ab", true},
                {"a*b*c", "aXbbYc", true},
                {"a*b*c", "acb", false},
                {"*ab", "aab", true},
                {"?", "\xf0\x9f\x98\x80", true},
                {"??", "\xc3\xa9", false},
                {"?*", "", false},
                {"a?b", "ab", false},
                {"*?x", "\xc3\xa9x", true},
                {"\xc3\xa9", "\xc3\xa8", false},
                {"abc", "abcd", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK(glob_matches(aip_bytes_of(rows[i].pattern), aip_bytes_of(rows[i].text)) == rows[i].matches);
    }
    char pattern[GLOB_BYTES_MAX + 1], text[4096];
    for (size_t i = 0; i < GLOB_BYTES_MAX; i++) {
        pattern[i] = i % 2 == 0 ? 'a' : '*';
    }
    pattern[GLOB_BYTES_MAX] = '\0';
    memset(text, 'a', sizeof text);
    CHECK(glob_is_well_formed(aip_bytes_of(pattern)));
    CHECK(glob_matches(aip_bytes_of(pattern), (aip_bytes){(unsigned char *)text, sizeof text}));
    CHECK(!glob_matches(aip_bytes_of(pattern), (aip_bytes){(unsigned char *)text, 127}));
    pattern[GLOB_BYTES_MAX - 1] = 'b';
    CHECK(!glob_matches(aip_bytes_of(pattern), (aip_bytes){(unsigned char *)text, sizeof text}));
}

RUN(TEST(each_type_lets_through_what_it_says), TEST(a_named_tool_is_closed_and_others_are_free),
    TEST(arguments_with_more_values_than_the_stack_holds_are_judged),
    TEST(a_constraint_that_is_unknown_or_ill_formed_refuses_the_token), TEST(too_many_constraints_refuse_the_token),
    TEST(numbers_are_compared_as_written), TEST(globs_match_whole_texts_and_characters))
