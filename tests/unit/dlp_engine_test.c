/* Anchors first finds what each exact pattern over each text alone finds, and so do the pieces of a stream: on texts
 * made from a seed. */
#include "dlp_generator.h"

#include "dlp/scan_inside.h"

#define TEXTS 1500
#define MESSAGES 800
#define STREAMS 150

static const dlp_pattern own_patterns[] = {{"badge", "ACME-[0-9]{4}|(?i)badge#\\d+", DLP_BOTH, DLP_REDACT},
                                           {"whole", "^[a-z]+ [a-z]+$", DLP_BOTH, DLP_REDACT}};

/* The same rules twice: as they run, and as on a machine without Hyperscan. */
typedef struct {
    dlp_subject fast, exact;
} pair;

static void
open_pair(pair *p, const dlp_rules *rules)
{
    open_subject(&p->fast, rules, DLP_RESPONSE);
    p->exact = (dlp_subject){0};
    CHECK_STATUS(dlp_scanner_build(rules, DLP_RESPONSE, DLP_EXACT, &p->exact.scanner, NULL), AIP_OK);
    CHECK_STATUS(dlp_workspace_new(p->exact.scanner, &p->exact.workspace, NULL), AIP_OK);
}

static void
close_pair(pair *p)
{
    close_subject(&p->fast);
    close_subject(&p->exact);
}

static bool
same(const dlp_findings *a, const dlp_findings *b)
{
    bool equal = a->count == b->count && a->unread == b->unread;
    for (size_t i = 0; equal && i < a->count; i++) {
        const dlp_finding *x = &a->items[i], *y = &b->items[i];
        equal = x->start == y->start && x->end == y->end && x->encoded == y->encoded && strcmp(x->name, y->name) == 0;
    }
    return equal;
}

/* ---- texts: secrets, whole and damaged, between what is harmless ---- */

static pattern_exact *compiled[128];

static void
compile_detectors(void)
{
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    for (size_t i = 0; i < count && compiled[i] == NULL; i++) {
        const pattern_source source = {.text = table[i].pattern};
        CHECK_STATUS(pattern_exact_new(&source, 4096, &compiled[i], NULL), AIP_OK);
    }
}

static void
free_detectors(void)
{
    for (size_t i = 0; i < sizeof compiled / sizeof compiled[0]; i++) {
        pattern_exact_free(&compiled[i]);
    }
}

static void
put_secret(text_buffer *out, bool damaged)
{
    size_t count = 0;
    const dlp_detector *table = dlp_detectors(&count);
    size_t which = draw((uint32_t)count);
    text_buffer secret = {0};
    CHECK(generate_secret(&table[which], compiled[which], &secret));
    for (unsigned i = 0; damaged && i < 1 + draw(2) && secret.size > 0; i++) {
        secret.data[draw((uint32_t)secret.size)] = "aZ0 -.@_=\n%"[draw(11)];
    }
    text_append(out, text_view(&secret));
    text_clear(&secret);
}

static void
put_odds(text_buffer *out)
{
    static const char *const odds[] = {" ",
                                       "\n",
                                       "\"",
                                       ": ",
                                       ", ",
                                       "-",
                                       "_",
                                       ".",
                                       "@",
                                       "/",
                                       "0x",
                                       "%41",
                                       "\\u0041",
                                       "=",
                                       "\xC3\xA9",
                                       "\xE2\x80\x8B",
                                       "\xE6\x97\xA5",
                                       "K",
                                       "5",
                                       "AB",
                                       "12",
                                       "1234 ",
                                       "ACME-1234",
                                       "BADGE#7",
                                       "Bearer ",
                                       "https://a:",
                                       "phone: ",
                                       "a b"};
    text_append_string(out, odds[draw(sizeof odds / sizeof odds[0])]);
}

static void
put_wrapped(text_buffer *out)
{
    text_buffer secret = {0};
    char *text;
    put_secret(&secret, draw(3) == 0);
    text = malloc(BASE64_TEXT_SIZE(secret.size) + 1);
    CHECK(text != NULL);
    if (text != NULL) {
        text_append(out, (aip_bytes){(unsigned char *)text, base64_encode(text_view(&secret), text)});
    }
    free(text);
    text_clear(&secret);
}

static void
make_text(text_buffer *out, size_t pieces)
{
    for (size_t i = 0; i < pieces; i++) {
        switch (draw(8)) {
        case 0:
            put_secret(out, false);
            break;
        case 1:
            put_secret(out, true);
            break;
        case 2:
            put_wrapped(out);
            break;
        case 3:
            generate_harmless(out);
            break;
        default:
            put_odds(out);
        }
        text_append_string(out, draw(2) == 0 ? " " : "");
    }
}

static void
complain(const pair *p, size_t index)
{
    check_failures++;
    printf("  text %zu: %zu findings by anchors, %zu by exact patterns\n", index, p->fast.found.count,
           p->exact.found.count);
}

static void
compare_texts(const dlp_rules *rules, uint64_t seed)
{
    pair p;
    generator_state = seed;
    open_pair(&p, rules);
    for (size_t i = 0; i < TEXTS; i++) {
        TEXT_AUTO text_buffer text = {0};
        make_text(&text, 1 + draw(12));
        redacted(&p.fast, text_view(&text));
        redacted(&p.exact, text_view(&text));
        if (!same(&p.fast.found, &p.exact.found)) {
            complain(&p, i);
        }
    }
    close_pair(&p);
}

static void
anchors_find_what_exact_patterns_find(void)
{
    compile_detectors();
    compare_texts(&all_detectors, 7);
    free_detectors();
}

static void
a_policys_patterns_find_the_same_without_hyperscan(void)
{
    const dlp_rules rules = {.patterns = own_patterns, .count = 2, .builtin = true};
    compile_detectors();
    compare_texts(&rules, 8);
    free_detectors();
}

/* ---- messages ---- */

static void
make_message(text_buffer *out)
{
    text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[0");
    for (size_t i = 0, count = 1 + draw(8); i < count; i++) {
        TEXT_AUTO text_buffer text = {0};
        make_text(&text, draw(6));
        if (draw(6) == 0 && text.size < 200) { /* longer names are refused */
            text_append_format(out, ",{\"x\":%u%08u%03u,", 1 + draw(42), draw(100000000), draw(1000));
            text_append_json(out, text_view(&text));
            text_append_string(out, ":null}");
        } else {
            text_append_string(out, ",");
            text_append_json(out, text_view(&text));
        }
    }
    text_append_string(out, "]}");
}

static void
pass_on(dlp_subject *s, aip_bytes json)
{
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, 65536};
    scan_document message;
    dlp_findings_clear(&s->found);
    text_clear(&s->text);
    CHECK_STATUS(scan_load(json, &limits, &message, NULL), AIP_OK);
    CHECK_STATUS(dlp_scan_message(s->scanner, s->workspace, &message, &s->found, &s->text, NULL), AIP_OK);
    scan_clear(&message);
}

/* What is found in a string alone is found in it in the message: its text is not in the output. */
static void
compare_string(pair *p, const scan_document *message, uint32_t node, size_t index)
{
    char room[65536];
    size_t size = 0;
    aip_bytes json = message->text;
    CHECK_STATUS(scan_unescape(message, node, room, sizeof room, &size, NULL), AIP_OK);
    redacted(&p->exact, (aip_bytes){(unsigned char *)room, size});
    for (size_t i = 0; i < p->exact.found.count; i++) {
        bool covered = false;
        for (size_t k = 0; k < p->fast.found.count; k++) {
            const dlp_finding *f = &p->fast.found.items[k];
            covered = covered || (f->start < message->nodes[node].end && f->end > message->nodes[node].start);
        }
        if (!covered) {
            check_failures++;
            printf("  message %zu: a %s of one string is not found (%zu bytes)\n", index, p->exact.found.items[i].name,
                   json.size);
        }
    }
}

static void
compare_message(pair *p, size_t index)
{
    static const scan_limits limits = {1 << 20, AIP_JSON_DEPTH_MAX, 65536};
    TEXT_AUTO text_buffer json = {0};
    scan_document message;
    make_message(&json);
    pass_on(&p->fast, text_view(&json));
    pass_on(&p->exact, text_view(&json));
    if (!same(&p->fast.found, &p->exact.found) ||
        !aip_bytes_equal(text_view(&p->fast.text), text_view(&p->exact.text))) {
        complain(p, index);
    }
    CHECK_STATUS(scan_load(text_view(&json), &limits, &message, NULL), AIP_OK);
    for (uint32_t i = 0; i < message.count; i++) {
        if (scan_kind_of(&message, i) == SCAN_STRING) {
            compare_string(p, &message, i, index);
        }
    }
    scan_clear(&message);
}

static void
a_message_tells_what_its_strings_alone_tell(void)
{
    const dlp_rules fast_own = {.patterns = own_patterns, .count = 1, .builtin = true, .detect_encoding = true};
    const dlp_rules *rules[] = {&all_detectors, &fast_own};
    compile_detectors();
    generator_state = 9;
    for (size_t r = 0; r < 2; r++) {
        pair p;
        open_pair(&p, rules[r]);
        for (size_t i = 0; i < MESSAGES / 2; i++) {
            compare_message(&p, i);
        }
        close_pair(&p);
    }
    free_detectors();
}

/* ---- streams ---- */

static void
stream_in_pieces(dlp_subject *s, aip_bytes text, uint32_t most, text_buffer *out)
{
    dlp_stream *stream = NULL;
    dlp_findings_clear(&s->found);
    CHECK_STATUS(dlp_stream_new(s->scanner, s->workspace, &stream, NULL), AIP_OK);
    while (text.size > 0) {
        size_t size = 1 + draw(most);
        size = size < text.size ? size : text.size;
        CHECK_STATUS(dlp_stream_add(stream, (aip_bytes){text.data, size}, size == text.size, out, &s->found, NULL),
                     AIP_OK);
        text = aip_bytes_from(text, size);
    }
    dlp_stream_free(&stream);
}

static void
any_split_of_a_stream_finds_what_the_whole_has(void)
{
    static const uint32_t most[] = {1, 7, 100, 4000, 30000};
    dlp_subject s, whole;
    generator_state = 10;
    compile_detectors();
    open_subject(&s, &all_detectors, DLP_RESPONSE);
    open_subject(&whole, &all_detectors, DLP_RESPONSE);
    for (size_t i = 0; i < STREAMS; i++) {
        TEXT_AUTO text_buffer text = {0}, out = {0}, wanted = {0};
        make_text(&text, 1 + draw(i % 5 == 0 ? 600 : 40));
        redacted(&whole, text_view(&text));
        dlp_redact(text_view(&text), &whole.found, &wanted);
        stream_in_pieces(&s, text_view(&text), most[i % 5], &out);
        if (whole.found.count != s.found.count || !aip_bytes_equal(text_view(&out), text_view(&wanted))) {
            check_failures++;
            printf("  stream %zu of %zu bytes: %zu findings, in pieces %zu\n", i, text.size, whole.found.count,
                   s.found.count);
        }
    }
    close_subject(&s);
    close_subject(&whole);
    free_detectors();
}

RUN(TEST(anchors_find_what_exact_patterns_find), TEST(a_policys_patterns_find_the_same_without_hyperscan),
    TEST(a_message_tells_what_its_strings_alone_tell), TEST(any_split_of_a_stream_finds_what_the_whole_has))
