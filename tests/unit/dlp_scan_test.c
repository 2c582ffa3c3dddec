/* Rules, actions and encodings of a text. The key is made up. */
#include "dlp_fixture.h"

#include <stdlib.h>
#include <zlib.h>

#include "crypto/base64url.h"

#define KEY "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"

static void
the_policys_patterns_claim_text_in_their_order(void)
{
    static const dlp_pattern patterns[] = {{"words", "[a-z]{4}-[a-z]{4}", DLP_BOTH, DLP_REDACT},
                                           {"four", "[a-z]{4}", DLP_BOTH, DLP_REDACT}};
    const dlp_rules rules = {.patterns = patterns, .count = 2};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("abcd-efgh ijkl 12")), "[REDACTED:words] [REDACTED:four] 12");
    CHECK(s.found.count == 2 && s.found.items[0].start == 0 && s.found.items[0].end == 9);
    CHECK(s.found.items[1].start == 10 && s.found.items[1].end == 14);
    close_subject(&s);
}

static void
a_pattern_looks_where_its_scope_says(void)
{
    static const dlp_pattern patterns[] = {{"in", "alpha", DLP_REQUEST, DLP_REDACT},
                                           {"out", "beta", DLP_RESPONSE, DLP_REDACT}};
    const dlp_rules rules = {.patterns = patterns, .count = 2};
    dlp_subject s;
    open_subject(&s, &rules, DLP_REQUEST);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("alpha beta")), "[REDACTED:in] beta");
    close_subject(&s);
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("alpha beta")), "alpha [REDACTED:out]");
    close_subject(&s);
}

static void
anchors_of_begin_and_end_mean_the_whole_text(void)
{
    static const dlp_pattern patterns[] = {{"first", "^id", DLP_BOTH, DLP_REDACT},
                                           {"last", "id$", DLP_BOTH, DLP_REDACT}};
    const dlp_rules rules = {.patterns = patterns, .count = 2};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("id id id")), "[REDACTED:first] id [REDACTED:last]");
    close_subject(&s);
}

static void
a_canary_blocks_whatever_else_is_set(void)
{
    static const aip_bytes canary = {(const unsigned char *)"planted(value)", 14},
                           short_one = {(const unsigned char *)"x", 1};
    dlp_rules rules = {.canaries = &canary, .canary_count = 1};
    aip_error err = AIP_ERROR_INIT;
    dlp_scanner *scanner = NULL;
    dlp_subject s;
    open_subject(&s, &rules, DLP_REQUEST);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("planted_value planted(valu")), "planted_value planted(valu");
    CHECK_STATUS(dlp_findings_judge(&s.found, true, &err), AIP_OK);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("a planted(value) b")), "a [REDACTED:canary-1] b");
    CHECK_STATUS(dlp_findings_judge(&s.found, false, &err), AIP_DLP_BLOCKED);
    CHECK_TEXT(err.detail, "canary-1");
    close_subject(&s);
    rules.canaries = &short_one;
    CHECK_STATUS(dlp_scanner_new(&rules, DLP_REQUEST, &scanner, NULL), AIP_CONFIG_INVALID);
    CHECK(scanner == NULL);
}

static void
what_is_only_warned_of_stays(void)
{
    static const dlp_pattern patterns[] = {{"w", "secret", DLP_BOTH, DLP_WARN}, {"r", "se", DLP_BOTH, DLP_REDACT}};
    dlp_rules rules = {.patterns = patterns, .count = 1};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("a secret")), "a secret");
    CHECK(s.found.count == 1);
    CHECK_STATUS(dlp_findings_judge(&s.found, true, NULL), AIP_OK);
    close_subject(&s);
    rules.count = 2; /* where a stricter rule overlaps, the stricter action holds */
    open_subject(&s, &rules, DLP_RESPONSE);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("a secret")), "a [REDACTED:w]");
    close_subject(&s);
}

static void
bad_patterns_are_refused_with_their_index(void)
{
    static const char *const bad[] = {"(", "a{2,1}", "[z-a]", "(?<=", "\\"};
    char name[AIP_DLP_NAME_BYTES_MAX + 2];
    dlp_pattern patterns[] = {{"fine", "abc", DLP_BOTH, DLP_REDACT}, {"bad", NULL, DLP_BOTH, DLP_REDACT}};
    const dlp_rules rules = {.patterns = patterns, .count = 2};
    dlp_scanner *scanner = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        aip_error err = AIP_ERROR_INIT;
        patterns[1].regex = bad[i];
        CHECK_STATUS(dlp_scanner_new(&rules, DLP_RESPONSE, &scanner, &err), AIP_PATTERN_INVALID);
        CHECK(err.offset == 1 && scanner == NULL);
    }
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    patterns[1] = (dlp_pattern){name, "x", DLP_BOTH, DLP_REDACT};
    CHECK_STATUS(dlp_scanner_new(&rules, DLP_RESPONSE, &scanner, NULL), AIP_CONFIG_INVALID);
    patterns[1].name = "";
    CHECK_STATUS(dlp_scanner_new(&rules, DLP_RESPONSE, &scanner, NULL), AIP_CONFIG_INVALID);
}

static void
a_text_with_too_many_findings_goes_nowhere(void)
{
    static const dlp_pattern patterns[] = {{"a", "a", DLP_BOTH, DLP_REDACT}};
    static unsigned char text[AIP_DLP_FINDINGS_MAX + 1];
    const dlp_rules rules = {.patterns = patterns, .count = 1};
    dlp_subject s;
    open_subject(&s, &rules, DLP_RESPONSE);
    memset(text, 'a', sizeof text);
    CHECK_STATUS(dlp_scan(s.scanner, s.workspace, (aip_bytes){text, sizeof text}, &s.found, NULL), AIP_DLP_FAILED);
    dlp_findings_clear(&s.found);
    CHECK_STATUS(dlp_scan(s.scanner, s.workspace, (aip_bytes){text, sizeof text - 1}, &s.found, NULL), AIP_OK);
    CHECK(s.found.count == AIP_DLP_FINDINGS_MAX);
    close_subject(&s);
}

static void
a_match_longer_than_its_window_is_followed_to_its_end(void)
{
    dlp_subject s;
    text_buffer text = {0};
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    text_append_string(&text, "to bob@");
    for (size_t i = 0; i < 300; i++) {
        text_append_string(&text, "abc.");
    }
    text_append_string(&text, "org now");
    CHECK_TEXT(redacted(&s, text_view(&text)), "to [REDACTED:email] now");
    text_clear(&text);
    close_subject(&s);
}

/* ---- encodings ---- */

static void
encode(text_buffer *out, aip_bytes bytes, bool url)
{
    char *text = malloc(BASE64_TEXT_SIZE(bytes.size) + 1);
    size_t size = text == NULL ? 0 : url ? base64url_encode(bytes, text) : base64_encode(bytes, text);
    text_append(out, (aip_bytes){(const unsigned char *)text, size});
    free(text);
}

static void
is_found(dlp_subject *s, const text_buffer *text, const char *how)
{
    const char *output = redacted(s, text_view(text));
    if (s->found.count != 1 || !s->found.items[0].encoded || strstr(output, "[REDACTED:github-pat:encoded]") == NULL) {
        check_failures++;
        printf("  %s: %zu findings\n", how, s->found.count);
    }
}

static void
a_secret_is_found_at_each_alignment_of_base64(void)
{
    static const char *const tails[] = {"", "\n", " and so on"};
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t shift = 0; shift < 4; shift++) {
        for (size_t before = 0; before < 3; before++) {
            for (size_t i = 0; i < 6; i++) {
                text_buffer plain = {0}, text = {0};
                text_append_format(&plain, "%.*stoken=" KEY "%s", (int)before, "::", tails[i / 2]);
                text_append_format(&text, "data:%.*s", (int)shift, "AbC");
                encode(&text, text_view(&plain), i % 2 == 0);
                is_found(&s, &text, "base64");
                text_clear(&plain);
                text_clear(&text);
            }
        }
    }
    close_subject(&s);
}

static void
a_secret_is_found_in_wrapped_lines(void)
{
    static const char *const ends[] = {"\n", "\r\n", "\n    "};
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t width = 16; width < 40; width++) {
        text_buffer whole = {0}, text = {0};
        encode(&whole, AIP_BYTES_LITERAL("the token is " KEY " and nothing else"), false);
        for (size_t at = 0; at < whole.size; at += width) {
            size_t size = whole.size - at < width ? whole.size - at : width;
            text_append(&text, (aip_bytes){(const unsigned char *)whole.data + at, size});
            text_append_string(&text, at + width < whole.size ? ends[width % 3] : "");
        }
        is_found(&s, &text, "wrapped");
        text_clear(&whole);
        text_clear(&text);
    }
    close_subject(&s);
}

static void
write_hex(text_buffer *out, const char *prefix, bool upper, const char *plain)
{
    for (; *plain != '\0'; plain++) {
        unsigned byte = (unsigned char)*plain;
        text_append_string(out, prefix);
        text_append_format(out, upper ? "%02X" : "%02x", byte);
    }
}

static void
a_secret_is_found_in_hexadecimal_percent_and_escapes(void)
{
    static const char *const prefixes[] = {"", "%", "\\u00", "\\x"};
    dlp_subject s;
    text_buffer text = {0};
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < 8; i++) {
        write_hex(&text, prefixes[i / 2], i % 2 == 0, KEY);
        is_found(&s, &text, prefixes[i / 2]);
        text_clear(&text);
    }
    text_append_string(&text, "0x");
    write_hex(&text, "", false, KEY);
    is_found(&s, &text, "0x");
    text_clear(&text);
    text_append_string(&text, "f"); /* half a byte before it */
    write_hex(&text, "", false, KEY);
    is_found(&s, &text, "shifted hexadecimal");
    text_clear(&text);
    close_subject(&s);
}

static void
a_secret_is_found_in_utf_16_and_between_invisible_characters(void)
{
    dlp_subject s;
    text_buffer text = {0}, wide = {0};
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (const char *at = KEY; *at != '\0'; at++) {
        text_append_format(&text, "%c\xE2\x80\x8B", *at);
        text_append(&wide, (aip_bytes){(const unsigned char *)at, 1});
        text_append(&wide, (aip_bytes){(const unsigned char *)"", 1});
    }
    is_found(&s, &text, "invisible");
    is_found(&s, &wide, "UTF-16");
    text_clear(&text);
    encode(&text, text_view(&wide), false);
    is_found(&s, &text, "UTF-16 in base64");
    text_clear(&text);
    text_clear(&wide);
    close_subject(&s);
}

static void
wrap(text_buffer *text, size_t times)
{
    for (; times > 0; times--) {
        text_buffer next = {0};
        encode(&next, text_view(text), times % 2 == 0);
        text_clear(text);
        *text = next;
    }
}

static void
encodings_are_followed_to_a_bound_and_never_silently_left(void)
{
    dlp_subject s;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t layers = 1; layers <= AIP_DLP_LAYERS_MAX + 1; layers++) {
        text_buffer text = {0};
        text_append_string(&text, "the token is " KEY);
        wrap(&text, layers);
        redacted(&s, text_view(&text));
        CHECK((s.found.count == 1) == (layers <= AIP_DLP_LAYERS_MAX));
        CHECK(s.found.count == 1 || s.found.unread);
        CHECK_STATUS(dlp_findings_judge(&s.found, true, NULL), s.found.unread ? AIP_DLP_FAILED : AIP_OK);
        CHECK_STATUS(dlp_findings_judge(&s.found, false, NULL), AIP_OK);
        text_clear(&text);
    }
    close_subject(&s);
}

/* Compressed, in base64, as a tool may return a file. */
static void
compress_text(text_buffer *out, aip_bytes plain)
{
    uLongf size = compressBound((uLong)plain.size);
    unsigned char *bytes = malloc(size);
    CHECK(bytes != NULL && compress(bytes, &size, plain.data, (uLong)plain.size) == Z_OK);
    encode(out, (aip_bytes){bytes, size}, false);
    free(bytes);
}

static void
compressed_content_is_looked_into_to_a_bound(void)
{
    dlp_subject s;
    text_buffer text = {0}, plain = {0};
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    compress_text(&text, AIP_BYTES_LITERAL("x x x x x the token is " KEY));
    is_found(&s, &text, "zlib");
    text_clear(&text);
    for (size_t i = 0; i < AIP_DLP_INFLATED_BYTES_MAX; i += 16) {
        text_append_string(&plain, "nothing at all. ");
    }
    text_append_string(&plain, KEY);
    compress_text(&text, text_view(&plain));
    redacted(&s, text_view(&text));
    CHECK(s.found.count == 0 && s.found.unread);
    text_clear(&text);
    text_clear(&plain);
    close_subject(&s);
}

static void
encodings_are_left_alone_where_the_policy_says_so(void)
{
    dlp_subject s;
    text_buffer text = {0};
    const dlp_rules rules = {.builtin = true};
    open_subject(&s, &rules, DLP_RESPONSE);
    encode(&text, AIP_BYTES_LITERAL("token=" KEY), false);
    redacted(&s, text_view(&text));
    CHECK(s.found.count == 0);
    CHECK_TEXT(redacted(&s, AIP_BYTES_LITERAL("a " KEY)), "a [REDACTED:github-pat]");
    text_clear(&text);
    close_subject(&s);
}

RUN(TEST(the_policys_patterns_claim_text_in_their_order), TEST(a_pattern_looks_where_its_scope_says),
    TEST(anchors_of_begin_and_end_mean_the_whole_text), TEST(a_canary_blocks_whatever_else_is_set),
    TEST(what_is_only_warned_of_stays), TEST(bad_patterns_are_refused_with_their_index),
    TEST(a_text_with_too_many_findings_goes_nowhere), TEST(a_match_longer_than_its_window_is_followed_to_its_end),
    TEST(a_secret_is_found_at_each_alignment_of_base64), TEST(a_secret_is_found_in_wrapped_lines),
    TEST(a_secret_is_found_in_hexadecimal_percent_and_escapes),
    TEST(a_secret_is_found_in_utf_16_and_between_invisible_characters),
    TEST(encodings_are_followed_to_a_bound_and_never_silently_left), TEST(compressed_content_is_looked_into_to_a_bound),
    TEST(encodings_are_left_alone_where_the_policy_says_so))
