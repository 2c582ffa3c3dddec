/* How much is found, and how often something harmless is taken for a secret: on the public set, and on texts made
 * afresh from a seed. No secret is printed. */
#include "dlp_generator.h"

#include "base/scan.h"

#define RECALL_MIN 0.99
#define FALSE_ALARMS_MAX 0.005
#define INSTANCES 6
#define HARMLESS 20000

typedef struct {
    size_t right, all;
} share;

static double
part_of(const share *s)
{
    return s->all == 0 ? 0 : (double)s->right / (double)s->all;
}

/* ---- wrappings of a sentence ---- */

typedef void wrapping(aip_bytes plain, text_buffer *out);

static void
wrap_plain(aip_bytes plain, text_buffer *out)
{
    text_append(out, plain);
}

static void
wrap_base64(aip_bytes plain, text_buffer *out)
{
    char *text = malloc(BASE64_TEXT_SIZE(plain.size) + 1);
    CHECK(text != NULL);
    if (text != NULL) {
        text_append(out, (aip_bytes){(unsigned char *)text, base64_encode(plain, text)});
    }
    free(text);
}

static void
wrap_base64url_twice(aip_bytes plain, text_buffer *out)
{
    text_buffer once = {0};
    wrap_base64(plain, &once);
    char *text = malloc(BASE64_TEXT_SIZE(once.size) + 1);
    CHECK(text != NULL);
    if (text != NULL) {
        text_append(out, (aip_bytes){(unsigned char *)text, base64url_encode(text_view(&once), text)});
    }
    free(text);
    text_clear(&once);
}

static void
wrap_hex(aip_bytes plain, text_buffer *out)
{
    for (size_t i = 0; i < plain.size; i++) {
        text_append_format(out, "%02x", plain.data[i]);
    }
}

static void
wrap_percent(aip_bytes plain, text_buffer *out)
{
    for (size_t i = 0; i < plain.size; i++) {
        text_append_format(out, "%%%02X", plain.data[i]);
    }
}

static void
wrap_escapes(aip_bytes plain, text_buffer *out)
{
    for (size_t i = 0; i < plain.size; i++) {
        text_append_format(out, "\\u%04x", plain.data[i]);
    }
}

static void
wrap_json(aip_bytes plain, text_buffer *out)
{
    text_append_string(out, "{\"n\":1,\"text\":");
    text_append_json(out, plain);
    text_append_string(out, "}");
}

static wrapping *const wrappings[] = {wrap_plain,           wrap_plain, wrap_plain,   wrap_json,   wrap_base64,
                                      wrap_base64url_twice, wrap_hex,   wrap_percent, wrap_escapes};

static void
put_sentence(text_buffer *out, aip_bytes secret)
{
    static const char *const frames[][2] = {{"", ""},
                                            {"The value is ", ", please rotate it."},
                                            {"key: \"", "\" # do not share"},
                                            {"(", ")"},
                                            {"<v>", "</v>"},
                                            {"first line\n", "\nlast line"},
                                            {"2026-11-21 INFO value=[", "] stored"},
                                            {"| a | ", " | b |"},
                                            {"`", "`"}};
    size_t frame = draw(sizeof frames / sizeof frames[0]);
    text_append_string(out, frames[frame][0]);
    text_append(out, secret);
    text_append_string(out, frames[frame][1]);
}

static void
is_redacted(dlp_subject *s, aip_bytes secret, size_t wrapped, share *found)
{
    TEXT_AUTO text_buffer sentence = {0}, text = {0};
    put_sentence(&sentence, secret);
    wrappings[wrapped](text_view(&sentence), &text);
    const char *output = redacted(s, text_view(&text));
    bool gone = s->found.count > 0 && memmem(output, s->text.size, secret.data, secret.size) == NULL;
    found->right += gone;
    found->all++;
}

static void
try_detector(dlp_subject *s, const dlp_detector *detector, share *all)
{
    text_buffer secret = {0};
    pattern_exact *exact = NULL;
    share own = {0, 0};
    const pattern_source source = {.text = detector->pattern};
    CHECK_STATUS(pattern_exact_new(&source, 4096, &exact, NULL), AIP_OK);
    for (size_t i = 0; i < INSTANCES; i++) {
        bool made = generate_secret(detector, exact, &secret);
        CHECK(made);
        for (size_t k = 0; made && k < sizeof wrappings / sizeof wrappings[0]; k++) {
            is_redacted(s, text_view(&secret), k, &own);
        }
    }
    if (part_of(&own) < RECALL_MIN) {
        printf("  %s: %zu of %zu\n", detector->name, own.right, own.all);
    }
    all->right += own.right;
    all->all += own.all;
    pattern_exact_free(&exact);
    text_clear(&secret);
}

static void
secrets_made_afresh_are_found_in_whatever_wraps_them(void)
{
    dlp_subject s;
    share found = {0, 0};
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    generator_state = 20261121;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < count; i++) {
        try_detector(&s, &table[i], &found);
    }
    printf("dlp, generated: recall %.4f (%zu of %zu)\n", part_of(&found), found.right, found.all);
    CHECK(found.all >= 60 * INSTANCES && part_of(&found) >= RECALL_MIN);
    close_subject(&s);
}

static void
what_only_looks_like_a_secret_is_left_alone(void)
{
    dlp_subject s;
    share alarms = {0, 0};
    generator_state = 1207;
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < HARMLESS; i++) {
        TEXT_AUTO text_buffer plain = {0}, text = {0};
        generate_harmless(&plain);
        wrappings[draw(5)](text_view(&plain), &text);
        redacted(&s, text_view(&text));
        alarms.right += s.found.count > 0;
        alarms.all++;
        if (s.found.count > 0 && alarms.right < 5) {
            printf("  taken for a %s: %.*s\n", s.found.items[0].name, 60, plain.data);
        }
    }
    printf("dlp, generated: false alarms %.4f (%zu of %zu)\n", part_of(&alarms), alarms.right, alarms.all);
    CHECK(part_of(&alarms) <= FALSE_ALARMS_MAX);
    close_subject(&s);
}

/* ---- the public set ---- */

static size_t
read_line(FILE *file, dlp_subject *s, char *line, size_t room, share *counts)
{
    static const scan_limits limits = {1 << 20, 32, 256};
    scan_document row;
    size_t size = 0;
    char *text = malloc(room);
    if (text == NULL || fgets(line, (int)room, file) == NULL) {
        free(text);
        return 0;
    }
    CHECK_STATUS(scan_load(aip_bytes_of(line), &limits, &row, NULL), AIP_OK);
    CHECK_STATUS(scan_unescape(&row, scan_member(&row, 0, "text"), text, room, &size, NULL), AIP_OK);
    redacted(s, (aip_bytes){(unsigned char *)text, size});
    counts->right += s->found.count > 0;
    counts->all++;
    scan_clear(&row);
    free(text);
    return size;
}

static bool
read_set(const char *name, share *counts)
{
    static char line[1 << 20], path[1024];
    const char *vectors = getenv("AIP_VECTORS");
    dlp_subject s;
    snprintf(path, sizeof path, "%s/09-dlp/%s", vectors == NULL ? "../shared/vectors" : vectors, name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("dlp, %s: skipped, it is absent\n", name);
        return false;
    }
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    while (read_line(file, &s, line, sizeof line, counts) > 0) {
    }
    close_subject(&s);
    fclose(file);
    return true;
}

static void
the_public_set_is_told_apart(void)
{
    share found = {0, 0}, alarms = {0, 0};
    if (read_set("dlp_positive_public.jsonl", &found)) {
        printf("dlp, public set: recall %.4f (%zu of %zu)\n", part_of(&found), found.right, found.all);
        CHECK(found.all > 0 && part_of(&found) >= RECALL_MIN);
    }
    if (read_set("dlp_negative_public.jsonl", &alarms)) {
        printf("dlp, public set: false alarms %.4f (%zu of %zu)\n", part_of(&alarms), alarms.right, alarms.all);
        CHECK(alarms.all > 0 && part_of(&alarms) <= FALSE_ALARMS_MAX);
    }
}

RUN(TEST(secrets_made_afresh_are_found_in_whatever_wraps_them), TEST(what_only_looks_like_a_secret_is_left_alone),
    TEST(the_public_set_is_told_apart))
