/* RE2's dialect: what it accepts means the same in both engines, and nothing else gets through. */
#include "base/pattern_dialect.h"

#include "base/pattern_inside.h"
#include "tests/unit/check.h"

static bool
note(void *context, unsigned id, size_t from, size_t to)
{
    (void)id, (void)from, (void)to;
    *(bool *)context = true;
    return false;
}

static bool
search(const char *translated, aip_bytes text, pattern_engine engine)
{
    const pattern_source source = {.text = translated, .single_match = true};
    pattern_set *set = NULL;
    pattern_scratch *scratch = NULL;
    bool found = false;
    CHECK_STATUS(pattern_set_build(&source, 1, 100000, engine, &set, NULL), AIP_OK);
    if (set != NULL) {
        CHECK_STATUS(pattern_scratch_grow(&scratch, set, NULL), AIP_OK);
        CHECK_STATUS(pattern_set_scan(set, scratch, text, note, &found, NULL), AIP_OK);
    }
    pattern_scratch_free(&scratch);
    pattern_set_free(&set);
    return found;
}

static bool
matches(const char *pattern, aip_bytes text)
{
    TEXT_AUTO text_buffer out = {0};
    CHECK_STATUS(pattern_from_re2(aip_bytes_of(pattern), &out, NULL), AIP_OK);
    text_append(&out, (aip_bytes){(const unsigned char *)"", 1});
    bool linear = search(out.data, text, PATTERN_LINEAR);
    CHECK(linear == search(out.data, text, PATTERN_EXACT_ONLY));
    return linear;
}

#define MATCHES(pattern, text) matches(pattern, AIP_BYTES_LITERAL(text))

static void
a_dollar_is_the_end_of_the_text_only(void)
{
    CHECK(MATCHES("^a$", "a"));
    CHECK(!MATCHES("^a$", "a\n"));
    CHECK(!MATCHES("^a$", "b\na"));
    CHECK(MATCHES("(?m)^a$", "b\na\nc"));
    CHECK(!MATCHES("(?m:^b)$", "b\nc"));
    CHECK(MATCHES("(?m:^b$)", "b\nc"));
}

static void
classes_are_ascii_and_space_has_no_vertical_tab(void)
{
    CHECK(MATCHES("^\\s\\S\\d\\D\\w\\W$", " x1xx-"));
    CHECK(!MATCHES("\\s", "\v"));
    CHECK(MATCHES("^\\S$", "\v"));
    CHECK(MATCHES("^[\\S]$", "\xC3\xA4"));
    CHECK(!MATCHES("[^\\S]", "\v"));
    CHECK(!MATCHES("\\w|\\d", "\xC3\xA4\xD9\xA1"));
    CHECK(MATCHES("^[[:alpha:]][[:^alpha:]]$", "a1"));
    CHECK(MATCHES("^[0-9-_]+$", "1-_"));
    CHECK(MATCHES("^[]a]+$", "a]"));
    CHECK(!MATCHES("^[^]a]$", "]"));
}

static void
unicode_classes_and_cases_are_known(void)
{
    CHECK(MATCHES("^\\pL\\p{Greek}\\P{Lu}$", "a\xCE\xB1z"));
    CHECK(!MATCHES("^\\p{Greek}$", "a"));
    CHECK(!MATCHES("^\\p{^L}$", "a"));
    CHECK(MATCHES("(?i)^STRA\xC3\x9F"
                  "E\xC3\x84$",
                  "stra\xC3\x9F"
                  "e\xC3\xA4"));
    CHECK(MATCHES("^(?i:a)b$", "Ab"));
    CHECK(!MATCHES("^(?i:a)b$", "AB"));
    CHECK(MATCHES("^.$", "\xF0\x9F\x98\x80"));
    CHECK(!MATCHES("^.$", "\n"));
    CHECK(MATCHES("^(?s).$", "\n"));
}

static void
escapes_and_quotes_are_literal(void)
{
    CHECK(MATCHES("^\\Qa.b*\\E+$", "a.b***"));
    CHECK(!MATCHES("^\\Qa.b\\E$", "axb"));
    CHECK(MATCHES("^\\x41\\x{42}\\103\\.\\-\\/$", "ABC.-/"));
    CHECK(MATCHES("^a{$", "a{"));
    CHECK(MATCHES("^a{,2}$", "a{,2}"));
    CHECK(MATCHES("^a\\{2\\} #$", "a{2} #"));
}

static void
groups_repeats_and_choices_are_known(void)
{
    CHECK(MATCHES("^(?P<name>ab|(?<other>cd)){2}$", "abcd"));
    CHECK(MATCHES("(?U)^a+?b*$", "aab"));
    CHECK(MATCHES("^x{2,}y{0,3}?$", "xxxy"));
    CHECK(!MATCHES("^x{2}$", "xxx"));
    CHECK(MATCHES("", "anything"));
    CHECK(MATCHES("^()|z$", "abc"));
}

static void
what_is_not_of_the_dialect_is_refused(void)
{
    static const char *const bad[] = {
        "(?=a)",   "(?!a)",     "(?<=a)b", "(?<!a)b", "(?>a)",       "(?#x)",     "(?|a|b)",       "(?P=n)", "(?P>n)",
        "(?R)",    "(?1)",      "(?x)a b", "(?J)a",   "(?i-)a",      "(?",        "(*UCP)a",       "\\1",    "(a)\\1",
        "\\8",     "\\Z",       "\\C",     "\\G",     "\\K",         "\\R",       "\\X",           "\\h",    "\\N",
        "\\u0041", "\\ca",      "\\E",     "[\\c]",   "[\\b]",       "a**",       "a++",           "a*+",    "a{2}{3}",
        "a???",    "*a",        "a|*",     "(*a)",    "a{1001}",     "a{2,1}",    "(?:a{40}){40}", "(a",     "a)",
        "[a",      "[]",        "[z-a]",   "a\\",     "\\x{110000}", "\\x{d800}", "\\x4",          "\\p{}",  "\\p{Xan}",
        "\\p{L&}", "[[:foo:]]", "\\pX",    "(?<>a)",  "(?P<a-b>c)",  "\xFF",      "[\\d-z",        "\\x{",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        aip_error err = AIP_ERROR_INIT;
        aip_status status = pattern_from_re2(aip_bytes_of(bad[i]), &out, &err);
        if (status != AIP_PATTERN_INVALID || err.detail[0] == '\0') {
            printf("  accepted: %s\n", bad[i]);
        }
        CHECK_STATUS(status, AIP_PATTERN_INVALID);
        CHECK(err.offset >= 0);
    }
}

static void
nested_quantifiers_are_refused_by_name(void)
{
    static const char *const bad[] = {"(a+)+", "(a*)*", "(a)* +", "(a)+?", "x(ab*)*y", "((a+)+)"};
    static const char *const good[] = {"(a+)", "(ab)+", "(a+b)*", "(a)(b)+", "[(a+)+]", "a+"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        aip_error err = AIP_ERROR_INIT;
        CHECK_STATUS(pattern_from_re2(aip_bytes_of(bad[i]), &out, &err), AIP_PATTERN_INVALID);
        CHECK_TEXT(err.detail, "potentially dangerous nested quantifiers");
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        TEXT_AUTO text_buffer out = {0};
        bool gated = strcmp(good[i], "[(a+)+]") == 0; /* the gate reads no classes, as the peer's */
        CHECK_STATUS(pattern_from_re2(aip_bytes_of(good[i]), &out, NULL), gated ? AIP_PATTERN_INVALID : AIP_OK);
    }
}

static void
long_expressions_are_refused(void)
{
    char text[PATTERN_DIALECT_BYTES_MAX + 2];
    TEXT_AUTO text_buffer out = {0};
    memset(text, 'a', sizeof text);
    CHECK_STATUS(pattern_from_re2((aip_bytes){(unsigned char *)text, sizeof text - 1}, &out, NULL),
                 AIP_PATTERN_INVALID);
    CHECK_STATUS(pattern_from_re2((aip_bytes){(unsigned char *)text, sizeof text - 2}, &out, NULL), AIP_OK);
    memset(text, '(', sizeof text);
    CHECK_STATUS(pattern_from_re2((aip_bytes){(unsigned char *)text, 500}, &out, NULL), AIP_PATTERN_INVALID);
    CHECK_STATUS(pattern_from_re2((aip_bytes){(const unsigned char *)"a\0b", 3}, &out, NULL), AIP_PATTERN_INVALID);
}

RUN(TEST(a_dollar_is_the_end_of_the_text_only), TEST(classes_are_ascii_and_space_has_no_vertical_tab),
    TEST(unicode_classes_and_cases_are_known), TEST(escapes_and_quotes_are_literal),
    TEST(groups_repeats_and_choices_are_known), TEST(what_is_not_of_the_dialect_is_refused),
    TEST(nested_quantifiers_are_refused_by_name), TEST(long_expressions_are_refused))
