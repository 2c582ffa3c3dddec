/* Patterns: both engines give the same verdicts, and neither runs away. */
#include "base/pattern.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/pattern_inside.h"
#include "tests/unit/check.h"

#define BYTES_MAX 1000

typedef struct {
    unsigned seen; /* bits by id */
    size_t count, from, to;
    bool stop;
} hits;

static bool
note(void *context, unsigned id, size_t from, size_t to)
{
    hits *h = context;
    h->seen |= 1u << id;
    h->count++;
    h->from = from;
    h->to = to;
    return !h->stop;
}

static hits
scan_with(const pattern_source *sources, size_t count, aip_bytes text, pattern_engine engine, bool stop)
{
    pattern_set *set = NULL;
    pattern_scratch *scratch = NULL;
    hits h = {.stop = stop};
    CHECK_STATUS(pattern_set_build(sources, count, BYTES_MAX, engine, &set, NULL), AIP_OK);
    if (set == NULL) {
        return h;
    }
    CHECK_STATUS(pattern_scratch_grow(&scratch, set, NULL), AIP_OK);
    CHECK_STATUS(pattern_set_scan(set, scratch, text, note, &h, NULL), AIP_OK);
    pattern_scratch_free(&scratch);
    pattern_set_free(&set);
    return h;
}

/* Which of the sources match, by both engines. */
static unsigned
seen(const pattern_source *sources, size_t count, aip_bytes text)
{
    unsigned linear = scan_with(sources, count, text, PATTERN_LINEAR, false).seen;
    CHECK(linear == scan_with(sources, count, text, PATTERN_EXACT_ONLY, false).seen);
    return linear;
}

static bool
matches(const char *pattern, aip_bytes text)
{
    const pattern_source source = {.text = pattern, .id = 0};
    return seen(&source, 1, text) != 0;
}

static void
a_search_is_unanchored_unless_the_pattern_says_so(void)
{
    CHECK(matches("b+", AIP_BYTES_LITERAL("abbc")));
    CHECK(matches("^a", AIP_BYTES_LITERAL("abc")));
    CHECK(!matches("^b", AIP_BYTES_LITERAL("abc")));
    CHECK(!matches("a\\z", AIP_BYTES_LITERAL("abc")));
    CHECK(matches("c\\z", AIP_BYTES_LITERAL("abc")));
    CHECK(!matches("c\\z", AIP_BYTES_LITERAL("abc\n")));
}

static void
a_dot_is_one_code_point_and_no_newline(void)
{
    CHECK(matches("^.\\z", AIP_BYTES_LITERAL("\xC3\xA4")));
    CHECK(!matches("^.\\z", AIP_BYTES_LITERAL("\n")));
    CHECK(matches("^.\\z", AIP_BYTES_LITERAL("\r")));
    CHECK(!matches("^\\w\\z", AIP_BYTES_LITERAL("\xC3\xA4")));
    CHECK(!matches("\\d", AIP_BYTES_LITERAL("\xD9\xA1")));
}

static void
flags_are_those_of_the_source(void)
{
    const pattern_source caseless = {.text = "stra\xC3\x9F", .caseless = true};
    const pattern_source kelvin = {.text = "^k\\z", .caseless = true};
    const pattern_source dot = {.text = "a.b", .dot_all = true};
    const pattern_source lines = {.text = "^b$", .multi_line = true};
    CHECK(seen(&caseless, 1, AIP_BYTES_LITERAL("STRA\xC3\x9F")) == 1);
    CHECK(seen(&kelvin, 1, AIP_BYTES_LITERAL("\xE2\x84\xAA")) == 1);
    CHECK(seen(&dot, 1, AIP_BYTES_LITERAL("a\nb")) == 1);
    CHECK(seen(&lines, 1, AIP_BYTES_LITERAL("a\nb\nc")) == 1);
    CHECK(!matches("a.b", AIP_BYTES_LITERAL("a\nb")));
    CHECK(!matches("^b$", AIP_BYTES_LITERAL("a\nb\nc")));
}

static void
a_literal_has_no_metacharacters(void)
{
    const pattern_source source = {.text = "a.b*[\\E]{2}(?i)#-/ $^|", .literal = true};
    CHECK(seen(&source, 1, AIP_BYTES_LITERAL("xa.b*[\\E]{2}(?i)#-/ $^|x")) == 1);
    CHECK(seen(&source, 1, AIP_BYTES_LITERAL("xaxb*[\\E]{2}(?i)#-/ $^|x")) == 0);
}

static void
empty_texts_and_empty_matches_count(void)
{
    CHECK(matches("", AIP_BYTES_LITERAL("")));
    CHECK(matches("", AIP_BYTES_LITERAL("abc")));
    CHECK(matches("^.*\\z", AIP_BYTES_LITERAL("")));
    CHECK(matches("x*", (aip_bytes){NULL, 0}));
    CHECK(!matches("x", (aip_bytes){NULL, 0}));
}

static void
what_the_first_engine_refuses_runs_on_the_second(void)
{
    const pattern_source sources[] = {
        {.text = "abc", .id = 0}, {.text = "x(?=y)", .id = 1}, {.text = "(a)\\1", .id = 2}};
    pattern_set *set = NULL;
    CHECK_STATUS(pattern_set_new(sources, 3, BYTES_MAX, &set, NULL), AIP_OK);
    CHECK(set != NULL && pattern_set_exact_count(set) == (pattern_is_linear() ? 2 : 3));
    pattern_set_free(&set);
    CHECK(set == NULL);
    CHECK(seen(sources, 3, AIP_BYTES_LITERAL("xy aa")) == 6);
    CHECK(seen(sources, 3, AIP_BYTES_LITERAL("xz abc")) == 1);
}

static void
a_bad_pattern_is_named_by_its_index_and_not_repeated(void)
{
    const pattern_source sources[] = {{.text = "abc"}, {.text = "secret(", .id = 1}, {.text = "x"}};
    aip_error err = AIP_ERROR_INIT;
    pattern_set *set = NULL;
    CHECK_STATUS(pattern_set_new(sources, 3, BYTES_MAX, &set, &err), AIP_PATTERN_INVALID);
    CHECK(set == NULL && err.offset == 1 && err.detail[0] != '\0' && strstr(err.detail, "secret") == NULL);
    CHECK_STATUS(pattern_set_build(sources, 3, BYTES_MAX, PATTERN_EXACT_ONLY, &set, &err), AIP_PATTERN_INVALID);
    CHECK(err.offset == 1);
    CHECK_STATUS(pattern_set_new(sources, 3, 6, &set, &err), AIP_PATTERN_INVALID);
    CHECK(err.offset == 1);
}

static void
patterns_of_other_kinds_are_refused(void)
{
    static const char *const bad[] = {"a**b(",       "[a",    "a\\C",           "(*UCP)\\w",
                                      "\\x{110000}", "a\xFF", "(?<n>a)(?<n>b)", "a{2,1}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const pattern_source source = {.text = bad[i]};
        pattern_exact *exact = NULL;
        CHECK_STATUS(pattern_exact_new(&source, BYTES_MAX, &exact, NULL), AIP_PATTERN_INVALID);
        CHECK(exact == NULL);
    }
}

static void
a_start_is_reported_where_it_is_wanted(void)
{
    const pattern_source with = {.text = "b+c", .id = 3, .wants_start = true, .single_match = true};
    const pattern_source without = {.text = "b+c", .id = 3};
    for (int engine = PATTERN_LINEAR; engine <= PATTERN_EXACT_ONLY; engine++) {
        hits h = scan_with(&with, 1, AIP_BYTES_LITERAL("aabbbcd"), (pattern_engine)engine, false);
        CHECK(h.seen == 8 && h.from == 2 && h.to == 6);
        h = scan_with(&without, 1, AIP_BYTES_LITERAL("aabbbcd"), (pattern_engine)engine, false);
        CHECK(h.seen == 8 && h.from == 0 && h.to == 6);
    }
}

static void
a_scan_ends_when_the_callback_says_so(void)
{
    const pattern_source sources[] = {{.text = "a", .id = 0}, {.text = "a(?!c)", .id = 1}};
    for (int engine = PATTERN_LINEAR; engine <= PATTERN_EXACT_ONLY; engine++) {
        CHECK(scan_with(sources, 2, AIP_BYTES_LITERAL("aaaa"), (pattern_engine)engine, true).count == 1);
        CHECK(scan_with(sources, 2, AIP_BYTES_LITERAL("aaaa"), (pattern_engine)engine, false).count == 8);
    }
}

static void
one_hit_is_enough_for_single_match(void)
{
    const pattern_source source = {.text = "a", .single_match = true};
    CHECK(scan_with(&source, 1, AIP_BYTES_LITERAL("aaaa"), PATTERN_LINEAR, false).count == 1);
    CHECK(scan_with(&source, 1, AIP_BYTES_LITERAL("aaaa"), PATTERN_EXACT_ONLY, false).count == 1);
}

static void
bytes_that_are_not_utf8_count_as_nul(void)
{
    CHECK(matches("a.b", AIP_BYTES_LITERAL("a\xFF"
                                           "b")));
    CHECK(matches("a\\x00b", AIP_BYTES_LITERAL("a\xC0"
                                               "b")));
    CHECK(matches("secret", AIP_BYTES_LITERAL("\xF0\x9F secret \xED\xA0\x80")));
    CHECK(!matches("ab", AIP_BYTES_LITERAL("a\xFF"
                                           "b")));
    CHECK(!matches("\xC3\xBF", AIP_BYTES_LITERAL("a\xFF"
                                                 "b")));
}

static void
a_scratch_of_another_set_is_refused(void)
{
    const pattern_source source = {.text = "abc"};
    pattern_set *set = NULL;
    hits h = {0};
    CHECK_STATUS(pattern_set_new(&source, 1, BYTES_MAX, &set, NULL), AIP_OK);
    CHECK_STATUS(pattern_set_scan(set, NULL, AIP_BYTES_LITERAL("abc"), note, &h, NULL),
                 pattern_is_linear() ? AIP_INTERNAL : AIP_OK);
    CHECK(h.count == (pattern_is_linear() ? 0 : 1));
    pattern_set_free(&set);
}

static aip_status
find(const char *pattern, aip_bytes text, size_t at, bool *found, size_t *from, size_t *to)
{
    const pattern_source source = {.text = pattern};
    pattern_exact *exact = NULL;
    aip_status status = pattern_exact_new(&source, BYTES_MAX, &exact, NULL);
    CHECK_STATUS(status, AIP_OK);
    status = status == AIP_OK ? pattern_exact_find(exact, text, at, found, from, to, NULL) : status;
    pattern_exact_free(&exact);
    return status;
}

static void
an_exact_match_is_leftmost_first_and_sees_what_stands_before(void)
{
    bool found = false;
    size_t from, to;
    CHECK_STATUS(find("a|ab", AIP_BYTES_LITERAL("xabab"), 0, &found, &from, &to), AIP_OK);
    CHECK(found && from == 1 && to == 2);
    CHECK_STATUS(find("(?<=x)a", AIP_BYTES_LITERAL("xab"), 1, &found, &from, &to), AIP_OK);
    CHECK(found && from == 1 && to == 2);
    CHECK_STATUS(find("\\ba", AIP_BYTES_LITERAL("xab"), 1, &found, &from, &to), AIP_OK);
    CHECK(!found);
    CHECK_STATUS(find("a", AIP_BYTES_LITERAL("a"), 2, &found, &from, &to), AIP_OK);
    CHECK(!found);
    CHECK_STATUS(find(".", AIP_BYTES_LITERAL("\xC3\xA4z"), 1, &found, &from, &to), AIP_OK);
    CHECK(found && from == 2 && to == 3);
}

static void
a_pattern_that_backtracks_without_end_meets_a_limit(void)
{
    bool found = true;
    size_t from, to;
    char text[4001];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK_STATUS(find("(a+)+(b)\\2", aip_bytes_of(text), 0, &found, &from, &to), AIP_OK);
    CHECK_STATUS(find("^(?:(a|aa)+)+\\1c|(?:a?){40}[^a]x", aip_bytes_of(text), 0, &found, &from, &to),
                 AIP_PATTERN_LIMIT);
}

static void
a_long_text_needs_no_deep_stack(void)
{
    size_t size = (size_t)1 << 20;
    unsigned char *text = malloc(size);
    bool found = false;
    size_t from, to;
    if (text == NULL) {
        CHECK(false);
        return;
    }
    memset(text, 'b', size);
    aip_status status = find("^(?:a|b|cd)*\\z", (aip_bytes){text, size}, 0, &found, &from, &to);
    CHECK(status == AIP_PATTERN_LIMIT || (status == AIP_OK && found));
    CHECK(matches("^[ab]*\\z", (aip_bytes){text, size}));
    free(text);
}

/* Each thread makes, uses and frees what the others do; and searches with what nobody has searched with yet. */
static void *
search_beside_others(void *context)
{
    const pattern_exact *shared = context;
    const pattern_source source = {.text = "[ab]+c", .id = 1};
    size_t from = 0, to = 0, good = 0;
    bool found = false;
    for (int i = 0; i < 50; i++) {
        pattern_exact *own = NULL;
        CHECK_STATUS(pattern_exact_new(&source, BYTES_MAX, &own, NULL), AIP_OK);
        CHECK_STATUS(pattern_exact_find(own, AIP_BYTES_LITERAL("xxababc"), 0, &found, &from, &to, NULL), AIP_OK);
        good += found && from == 2 && to == 7;
        pattern_exact_free(&own);
        CHECK_STATUS(pattern_exact_find(shared, AIP_BYTES_LITERAL("aaxyz"), 0, &found, &from, &to, NULL), AIP_OK);
        good += found && from == 2 && to == 4;
    }
    CHECK(good == 100);
    return NULL;
}

static void
what_threads_compile_and_search_at_once_is_as_if_alone(void)
{
    const pattern_source source = {.text = "x[yw]", .id = 1};
    pattern_exact *shared = NULL;
    pthread_t threads[3];
    CHECK_STATUS(pattern_exact_new(&source, BYTES_MAX, &shared, NULL), AIP_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, search_beside_others, shared) == 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    pattern_exact_free(&shared);
}

RUN(TEST(a_search_is_unanchored_unless_the_pattern_says_so), TEST(a_dot_is_one_code_point_and_no_newline),
    TEST(flags_are_those_of_the_source), TEST(a_literal_has_no_metacharacters),
    TEST(empty_texts_and_empty_matches_count), TEST(what_the_first_engine_refuses_runs_on_the_second),
    TEST(a_bad_pattern_is_named_by_its_index_and_not_repeated), TEST(patterns_of_other_kinds_are_refused),
    TEST(a_start_is_reported_where_it_is_wanted), TEST(a_scan_ends_when_the_callback_says_so),
    TEST(one_hit_is_enough_for_single_match), TEST(bytes_that_are_not_utf8_count_as_nul),
    TEST(a_scratch_of_another_set_is_refused), TEST(an_exact_match_is_leftmost_first_and_sees_what_stands_before),
    TEST(a_pattern_that_backtracks_without_end_meets_a_limit), TEST(a_long_text_needs_no_deep_stack),
    TEST(what_threads_compile_and_search_at_once_is_as_if_alone))
