/* Text in pieces: cut anywhere, the same is found and the same goes on. */
#include "dlp_fixture.h"

#include <stdlib.h>

/* The text in two pieces, cut at `cut`, or byte by byte with SIZE_MAX. */
static aip_status
stream(dlp_subject *s, aip_bytes text, size_t cut, text_buffer *out)
{
    dlp_stream *stream = NULL;
    dlp_findings_clear(&s->found);
    aip_status status = dlp_stream_new(s->scanner, s->workspace, &stream, NULL);
    size_t at = 0;
    while (status == AIP_OK && at < text.size) {
        size_t size = cut == SIZE_MAX ? 1 : at < cut ? cut : text.size - at;
        status =
            dlp_stream_add(stream, (aip_bytes){text.data + at, size}, at + size == text.size, out, &s->found, NULL);
        at += size;
    }
    dlp_stream_free(&stream);
    return status;
}

static bool
same(const dlp_findings *a, const dlp_findings *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; equal && i < a->count; i++) {
        equal = a->items[i].start == b->items[i].start && a->items[i].end == b->items[i].end &&
                strcmp(a->items[i].name, b->items[i].name) == 0;
    }
    return equal;
}

/* Long enough on both sides that pieces are settled before and after what is looked for. */
static void
make_text(text_buffer *text, const char *middle, size_t before, size_t after)
{
    static const char *const words[] = {"the ", "weather ", "is\n", "fine, ", "and ", "12 ", "miles "};
    for (size_t i = 0; text->size < before; i++) {
        text_append_string(text, words[i % 7]);
    }
    text_append_string(text, middle);
    text_append_string(text, "\n");
    for (size_t i = 0; text->size < before + after; i++) {
        text_append_string(text, words[i % 7]);
    }
}

static void
compare_cut(dlp_subject *s, const dlp_detector *detector, aip_bytes text, size_t cut, const dlp_findings *whole)
{
    text_buffer out = {0}, wanted = {0};
    dlp_redact(text, whole, &wanted);
    CHECK_STATUS(stream(s, text, cut, &out), AIP_OK);
    if (!same(whole, &s->found) || !aip_bytes_equal(text_view(&out), text_view(&wanted))) {
        check_failures++;
        printf("  %s: cut at %zu it is not the same\n", detector->name, cut);
    }
    text_clear(&out);
    text_clear(&wanted);
}

static void
every_example_cut_at_every_byte_is_found(void)
{
    dlp_subject s, whole;
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    open_subject(&whole, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < count; i++) {
        text_buffer text = {0};
        make_text(&text, table[i].example, 20, 20 + strlen(table[i].example));
        redacted(&whole, text_view(&text));
        CHECK(whole.found.count > 0);
        for (size_t cut = 1; cut < text.size; cut++) {
            compare_cut(&s, &table[i], text_view(&text), cut, &whole.found);
        }
        compare_cut(&s, &table[i], text_view(&text), SIZE_MAX, &whole.found);
        text_clear(&text);
    }
    close_subject(&s);
    close_subject(&whole);
}

/* A first piece so long is settled at its end, all but what is held: once its end, once the border of what is held cuts
 * the example. */
#define SETTLED_BYTES 25000

static void
a_secret_cut_where_the_stream_is_settled_is_found(void)
{
    dlp_subject s, whole;
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    open_subject(&whole, &all_detectors, DLP_RESPONSE);
    size_t hold = dlp_scanner_reach(s.scanner);
    CHECK(hold <= 16384);
    for (size_t i = 0; i < count; i++) {
        text_buffer text = {0};
        size_t size = strlen(table[i].example), step = size / 7 + 1;
        make_text(&text, table[i].example, SETTLED_BYTES, size + hold);
        redacted(&whole, text_view(&text));
        CHECK(whole.found.count == 1);
        for (size_t cut = whole.found.items[0].start + 1; cut < whole.found.items[0].end; cut += step) {
            compare_cut(&s, &table[i], text_view(&text), cut, &whole.found);
        }
        compare_cut(&s, &table[i], text_view(&text), whole.found.items[0].start + size / 2 + hold, &whole.found);
        text_clear(&text);
    }
    close_subject(&s);
    close_subject(&whole);
}

static void
nothing_of_a_secret_goes_on_before_it_is_whole(void)
{
    static const char key[] = "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";
    dlp_subject s;
    dlp_stream *stream = NULL;
    text_buffer out = {0};
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    CHECK_STATUS(dlp_stream_new(s.scanner, s.workspace, &stream, NULL), AIP_OK);
    for (size_t i = 0; i + 1 < sizeof key; i++) {
        aip_bytes piece = {(const unsigned char *)key + i, 1};
        CHECK_STATUS(dlp_stream_add(stream, piece, false, &out, &s.found, NULL), AIP_OK);
        CHECK(!contains(text_view(&out), AIP_BYTES_LITERAL("ghp")));
    }
    CHECK_STATUS(dlp_stream_add(stream, (aip_bytes){NULL, 0}, true, &out, &s.found, NULL), AIP_OK);
    CHECK(aip_bytes_equal(text_view(&out), AIP_BYTES_LITERAL("[REDACTED:github-pat]")));
    dlp_stream_free(&stream);
    text_clear(&out);
    close_subject(&s);
}

RUN(TEST(every_example_cut_at_every_byte_is_found), TEST(a_secret_cut_where_the_stream_is_settled_is_found),
    TEST(nothing_of_a_secret_goes_on_before_it_is_whole))
