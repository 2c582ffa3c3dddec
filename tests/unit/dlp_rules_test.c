/* Rules of a policy: exceptions from the built-in detectors, literals of expressions, and what is slow. */
#include "dlp_fixture.h"

#include "dlp/literal.h"

#define KEY "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"

static void
an_exception_leaves_a_detector_out_or_changes_what_it_does(void)
{
    const dlp_exception exceptions[] = {{"email", true, DLP_REDACT}, {"github-pat", false, DLP_BLOCK}};
    dlp_rules rules = {.builtin = true, .exceptions = exceptions, .exception_count = 2, .builtin_action = DLP_WARN};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("to alice@example.org")), "to alice@example.org");
    CHECK(s.found.count == 0);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("card 4111 1111 1111 1111")), "card 4111 1111 1111 1111");
    CHECK(s.found.count == 1 && s.found.items[0].action == DLP_WARN);
    redacted(&s, aip_bytes_of(KEY));
    CHECK_STATUS(dlp_findings_judge(&s.found, false, NULL), AIP_DLP_BLOCKED);
    close_subject(&s);
}

static void
an_exception_does_not_concern_the_policys_own_pattern(void)
{
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count), *email = dlp_detector_named("email");
    const dlp_exception exception = {"email", true, DLP_REDACT};
    CHECK(email != NULL && email >= table && email < table + count);
    const dlp_pattern pattern = {"email", email->pattern, DLP_BOTH, DLP_REDACT};
    const dlp_rules rules = {
        .patterns = &pattern, .count = 1, .builtin = true, .exceptions = &exception, .exception_count = 1};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("to alice@example.org")), "to [REDACTED:email]");
    close_subject(&s);
}

static void
an_exception_that_names_nothing_or_twice_is_refused(void)
{
    static const dlp_exception bad[][2] = {{{"email", true, DLP_REDACT}, {"e-mail", true, DLP_REDACT}},
                                           {{"email", true, DLP_REDACT}, {"email", false, DLP_WARN}},
                                           {{"email", true, DLP_REDACT}, {NULL, true, DLP_WARN}},
                                           {{"email", true, DLP_REDACT}, {"", true, DLP_WARN}}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const dlp_rules rules = {.builtin = true, .exceptions = bad[i], .exception_count = 2};
        dlp_scanner *scanner = NULL;
        aip_error err = AIP_ERROR_INIT;
        CHECK_STATUS(dlp_scanner_new(&rules, DLP_REQUEST, &scanner, &err), AIP_CONFIG_INVALID);
        CHECK(scanner == NULL && err.offset == 1);
    }
}

static void
what_every_match_contains_is_read_from_an_expression(void)
{
    static const struct {
        const char *expression, *wanted; /* alternatives with `|`; empty: none */
    } rows[] = {
        {"token\\x{2d}[0-9]{4}", "token-"},
        {"\\bACME[0-9]+\\b", "ACME"},
        {"[a-z]{3}|abc", ""},
        {"abc", "abc"},
        {"ab", ""},
        {"abcd?", "abc"},
        {"abcd*efgh", "efgh"},
        {"abcd{0,3}ef", "abc"},
        {"abcd+ef", "abcd"},
        {"(?:secret|password)=.*", "secret|password"},
        {"(?:secret|password)?=value", "=value"},
        {"(?:secret|[a-z]+)", ""},
        {"(?:(?:abc|defg)+x)longest", "longest"},
        {"(?i)token=[a-z]{4}", "en="},
        {"(?i)apple[0-9]", "apple"},
        {"(?:x{0})(?:abc){0}", ""},
        {"[(]abc[)|]", "abc"},
        {"\\x{41}\\x{42}\\x{43}", "ABC"},
        {"^abc$|^def$", "abc|def"},
        {"\\d\\d\\d", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char got[256] = "";
        dlp_literals literals;
        dlp_literals_of(rows[i].expression, &literals);
        for (size_t k = 0; k < literals.count; k++) {
            strcat(got, k == 0 ? "" : "|");
            strcat(got, literals.text[k]);
        }
        CHECK_TEXT(got, rows[i].wanted);
    }
}

static void
a_pattern_without_a_literal_works_and_is_told_as_slow(void)
{
    static const dlp_pattern patterns[] = {{"badge", "ACME-[0-9]{4}", DLP_BOTH, DLP_REDACT},
                                           {"pin", "\\b[0-9]{4}\\b", DLP_RESPONSE, DLP_REDACT},
                                           {"name", "(?i)john (?:doe|roe)", DLP_BOTH, DLP_REDACT}};
    const dlp_rules rules = {.patterns = patterns, .count = 3};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK(!dlp_scanner_is_slow(s.scanner, 0) && dlp_scanner_is_slow(s.scanner, 1));
    CHECK(!dlp_scanner_is_slow(s.scanner, 2) && !dlp_scanner_is_slow(s.scanner, 3));
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("ACME-1234, ACME-123, JOHN Doe 7777")),
               "[REDACTED:badge], ACME-123, [REDACTED:name] [REDACTED:pin]");
    close_subject(&s);
    open_subject(&s, &rules, DLP_REQUEST);
    CHECK(!dlp_scanner_is_slow(s.scanner, 1));
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("ACME-1234 7777")), "[REDACTED:badge] 7777");
    close_subject(&s);
}

/* Look-behind and back-references would mean other things, or nothing, to the peer's program. */
static void
expressions_outside_of_the_dialect_are_refused(void)
{
    static const char *const bad[] = {"(?<=a)b", "(a)\\1", "a++", "\\Z", "(?=a)"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const dlp_pattern pattern = {"x", bad[i], DLP_BOTH, DLP_REDACT};
        const dlp_rules rules = {.patterns = &pattern, .count = 1};
        dlp_scanner *scanner = NULL;
        CHECK_STATUS(dlp_scanner_new(&rules, DLP_REQUEST, &scanner, NULL), AIP_PATTERN_INVALID);
        CHECK(scanner == NULL);
    }
}

RUN(TEST(an_exception_leaves_a_detector_out_or_changes_what_it_does),
    TEST(an_exception_does_not_concern_the_policys_own_pattern),
    TEST(an_exception_that_names_nothing_or_twice_is_refused),
    TEST(what_every_match_contains_is_read_from_an_expression),
    TEST(a_pattern_without_a_literal_works_and_is_told_as_slow), TEST(expressions_outside_of_the_dialect_are_refused))
