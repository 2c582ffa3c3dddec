/* Throughput of looking at JSON messages with all built-in detectors, clean and dirty, beside Hyperscan over the
 * anchors alone and the same expressions one after the other under PCRE2 with compiled code, in the same run; and what
 * a stream needs. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <malloc.h>
#include <pcre2.h>

#include "bench.h"
#include "aip/limits.h"
#include "base/pattern.h"
#include "dlp/detector.h"
#include "dlp/message.h"
#include "dlp/stream.h"

#define ROUNDS 25
#define LOOP_ROUNDS 5
#define LOOP_MAX 256
#define STREAM_BYTES_MAX ((size_t)256 << 10)

typedef struct {
    dlp_scanner *scanner;
    dlp_workspace *workspace;
    pattern_set *anchors;
    pattern_scratch *scratch;
    pcre2_code *loop[LOOP_MAX];
    pcre2_match_data *data;
    size_t count;
} subject;

typedef enum { CLEAN, DIRTY, ESCAPED, PATHS, KINDS } kind;
static const char *const kind_names[KINDS] = {"clean", "dirty", "clean, escaped", "clean, paths"};

/* A tool's answer: names, prose, numbers, identifiers; each 4 KiB a secret when it is dirty. */
static void
make_message(text_buffer *out, size_t size, kind what)
{
    static const char *const words[] = {"alpha", "river", "of",   "measured", "to",     "eleven", "the",
                                        "build", "and",   "done", "release",  "branch", "in",     "orders"};
    size_t next_secret = 2048;
    uint32_t state = 12345;
    text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"rows\":[0");
    while (out->size < size) {
        text_append_format(out, ",{\"id\":%u,\"sha\":\"%08x%08x\",\"text\":\"", state % 100000, state, state * 7);
        for (size_t i = 0; i < 20; i++) {
            state = state * 1664525u + 1013904223u;
            text_append_format(out, "%s ", words[(state >> 16) % 14]);
            if (i == 10 && what == ESCAPED) {
                text_append_string(out, "\\n\\\"");
            }
        }
        if (what == PATHS) {
            text_append_format(out, "/usr/local/lib/node_modules/%s/index.js", words[(state >> 20) % 14]);
        }
        if (what == DIRTY && out->size > next_secret) {
            text_append_string(out, "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");
            next_secret += 4096;
        }
        text_append_string(out, "\"}");
    }
    text_append_string(out, "]}}");
    require(text_finish(out, NULL), "message");
}

/* Nothing here waits, so what other programs take of the processor is left out. */
static uint64_t
worked(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static const scan_limits limits = {4u << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};

static uint64_t
time_index(scan_document *message, aip_bytes text)
{
    uint64_t start = worked();
    require(scan_reload(message, text, &limits, NULL), "index");
    return worked() - start;
}

static uint64_t
time_ours(const subject *s, const scan_document *message, text_buffer *out, size_t *found)
{
    dlp_findings findings = {0};
    out->size = 0;
    uint64_t start = worked();
    require(dlp_scan_message(s->scanner, s->workspace, message, &findings, out, NULL), "scan");
    uint64_t taken = worked() - start;
    *found = findings.count;
    dlp_findings_clear(&findings);
    return taken;
}

static bool
count_hit(void *context, unsigned id, size_t from, size_t to)
{
    (void)id, (void)from, (void)to;
    ++*(size_t *)context;
    return true;
}

static uint64_t
time_anchors(const subject *s, aip_bytes text)
{
    size_t hits = 0;
    uint64_t start = worked();
    require(pattern_set_scan(s->anchors, s->scratch, text, count_hit, &hits, NULL), "anchors");
    return worked() - start;
}

static uint64_t
time_loop(const subject *s, aip_bytes text, size_t *found)
{
    uint64_t start = worked();
    *found = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t at = 0;
        while (at < text.size &&
               pcre2_match(s->loop[i], text.data, text.size, at, PCRE2_NO_UTF_CHECK, s->data, NULL) > 0) {
            at = pcre2_get_ovector_pointer(s->data)[1];
            (*found)++;
        }
    }
    return worked() - start;
}

static double
rate(size_t bytes, uint64_t taken)
{
    return (double)bytes * 1e3 / (double)taken;
}

static void
measure(const subject *s, size_t size, kind what)
{
    double index[ROUNDS], ours[ROUNDS], both[ROUNDS], bare[ROUNDS], loop[LOOP_ROUNDS];
    size_t found = 0, loop_found = 0;
    text_buffer text = {0}, out = {0};
    scan_document message = {0};
    make_message(&text, size, what);
    for (size_t i = 0; i < ROUNDS; i++) {
        uint64_t indexed = time_index(&message, text_view(&text)), looked = time_ours(s, &message, &out, &found);
        index[i] = rate(text.size, indexed);
        ours[i] = rate(text.size, looked);
        both[i] = rate(text.size, indexed + looked);
        bare[i] = rate(text.size, time_anchors(s, text_view(&text)));
    }
    for (size_t i = 0; i < LOOP_ROUNDS; i++) {
        loop[i] = rate(text.size, time_loop(s, text_view(&text), &loop_found));
    }
    double a = median(ours, ROUNDS), b = median(loop, LOOP_ROUNDS);
    printf(
        "dlp %4zu KiB %s: %.0f MB/s (indexing %.0f, both %.0f), %zu findings; Hyperscan over the anchors alone %.0f; "
        "PCRE2 one after the other %.0f, %zu matches; ratio %.1f\n",
        size / 1024, kind_names[what], a, median(index, ROUNDS), median(both, ROUNDS), found, median(bare, ROUNDS), b,
        loop_found, a / b);
    scan_clear(&message);
    text_clear(&text);
    text_clear(&out);
}

/* All bytes that a stream holds at its worst: its own, and what it has the workspace hold. */
static void
measure_stream(const subject *s)
{
    dlp_findings found = {0};
    text_buffer text = {0}, out = {0};
    dlp_stream *stream = NULL;
    make_message(&text, (size_t)1 << 20, DIRTY);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    require(dlp_stream_new(s->scanner, s->workspace, &stream, NULL), "stream");
    size_t own = mallinfo2().uordblks + mallinfo2().hblkhd - before, most = own;
    uint64_t taken = 0;
    for (aip_bytes left = text_view(&text); left.size > 0;) {
        size_t size = left.size < 4096 ? left.size : 4096;
        uint64_t start = worked();
        require(dlp_stream_add(stream, (aip_bytes){left.data, size}, size == left.size, &out, &found, NULL), "piece");
        taken += worked() - start;
        left = aip_bytes_from(left, size);
        dlp_findings_clear(&found);
        text_clear(&out);
        size_t now = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        most = now > most ? now : most;
    }
    printf("dlp stream, 4 KiB pieces: %.0f MB/s; %zu KiB of memory, at most %zu (allowed %zu)\n",
           rate(text.size, taken), own >> 10, most >> 10, STREAM_BYTES_MAX >> 10);
    if (most > STREAM_BYTES_MAX) {
        fprintf(stderr, "a stream needs more memory than allowed\n");
        exit(1);
    }
    dlp_stream_free(&stream);
    text_clear(&text);
}

static void
make_loop(subject *s)
{
    size_t count = 0, offset, anchor_count = 0;
    int code;
    pattern_source anchors[LOOP_MAX];
    const dlp_detector *table = dlp_detectors(&count);
    for (size_t i = 0; i < count && s->count < LOOP_MAX; i++) {
        pcre2_code *one = pcre2_compile((PCRE2_SPTR)table[i].pattern, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
        if (one != NULL && pcre2_jit_compile(one, PCRE2_JIT_COMPLETE) == 0) {
            s->loop[s->count++] = one;
        }
        if (table[i].anchor != NULL) {
            anchors[anchor_count++] = (pattern_source){.text = table[i].anchor, .bytes = true};
        }
    }
    s->data = pcre2_match_data_create(32, NULL);
    require(pattern_set_new(anchors, anchor_count, 1024, &s->anchors, NULL), "anchors");
    require(pattern_scratch_grow(&s->scratch, s->anchors, NULL), "scratch");
}

int
main(void)
{
    subject s = {0};
    const dlp_rules rules = {.builtin = true, .detect_encoding = true};
    require(dlp_scanner_new(&rules, DLP_RESPONSE, &s.scanner, NULL), "compile");
    require(dlp_workspace_new(s.scanner, &s.workspace, NULL), "workspace");
    make_loop(&s);
    for (size_t size = 65536; size <= 1048576; size *= 16) {
        for (kind what = CLEAN; what < KINDS; what++) {
            measure(&s, size, what);
        }
    }
    measure_stream(&s);
    for (size_t i = 0; i < s.count; i++) {
        pcre2_code_free(s.loop[i]);
    }
    pcre2_match_data_free(s.data);
    pattern_scratch_free(&s.scratch);
    pattern_set_free(&s.anchors);
    dlp_workspace_free(&s.workspace);
    dlp_scanner_free(&s.scanner);
    return 0;
}
