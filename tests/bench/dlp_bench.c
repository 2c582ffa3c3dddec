/* Throughput of looking at JSON messages with all built-in detectors, clean and dirty, beside the same expressions one
 * after the other under PCRE2 with compiled code, in the same run. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "bench.h"
#include "aip/limits.h"
#include "dlp/detector.h"
#include "dlp/message.h"

#define ROUNDS 15
#define LOOP_MAX 256

typedef struct {
    dlp_scanner *scanner;
    dlp_workspace *workspace;
    pcre2_code *loop[LOOP_MAX];
    pcre2_match_data *data;
    size_t count;
} subject;

/* A tool's answer: names, prose, numbers, identifiers; each 4 KiB a secret when it is dirty. */
static void
make_message(text_buffer *out, size_t size, bool dirty)
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
        }
        if (dirty && out->size > next_secret) {
            text_append_string(out, "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");
            next_secret += 4096;
        }
        text_append_string(out, "\"}");
    }
    text_append_string(out, "]}}");
    require(text_finish(out, NULL), "message");
}

static uint64_t
time_ours(const subject *s, const scan_document *message, size_t *found)
{
    dlp_findings findings = {0};
    text_buffer out = {0};
    uint64_t start = nanoseconds();
    require(dlp_scan_message(s->scanner, s->workspace, message, &findings, &out, NULL), "scan");
    uint64_t taken = nanoseconds() - start;
    *found = findings.count;
    dlp_findings_clear(&findings);
    text_clear(&out);
    return taken;
}

static uint64_t
time_loop(const subject *s, aip_bytes text, size_t *found)
{
    uint64_t start = nanoseconds();
    *found = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t at = 0;
        while (at < text.size &&
               pcre2_match(s->loop[i], text.data, text.size, at, PCRE2_NO_UTF_CHECK, s->data, NULL) > 0) {
            at = pcre2_get_ovector_pointer(s->data)[1];
            (*found)++;
        }
    }
    return nanoseconds() - start;
}

static void
measure(const subject *s, size_t size, bool dirty)
{
    static const scan_limits limits = {4u << 20, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    double ours[ROUNDS], loop[ROUNDS];
    size_t found = 0, loop_found = 0;
    text_buffer text = {0};
    scan_document message;
    make_message(&text, size, dirty);
    require(scan_load(text_view(&text), &limits, &message, NULL), "load");
    for (size_t i = 0; i < ROUNDS; i++) {
        ours[i] = (double)text.size * 1e3 / (double)time_ours(s, &message, &found);
        loop[i] = (double)text.size * 1e3 / (double)time_loop(s, text_view(&text), &loop_found);
    }
    double a = median(ours, ROUNDS), b = median(loop, ROUNDS);
    printf("dlp %4zu KiB %s: %.0f MB/s, %zu findings; one after the other %.0f MB/s, %zu matches; ratio %.1f\n",
           size / 1024, dirty ? "dirty" : "clean", a, found, b, loop_found, a / b);
    scan_clear(&message);
    text_clear(&text);
}

static void
make_loop(subject *s)
{
    size_t count = 0, offset;
    int code;
    const dlp_detector *table = dlp_detectors(&count);
    for (size_t i = 0; i < count && s->count < LOOP_MAX; i++) {
        pcre2_code *one = pcre2_compile((PCRE2_SPTR)table[i].pattern, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
        if (one != NULL && pcre2_jit_compile(one, PCRE2_JIT_COMPLETE) == 0) {
            s->loop[s->count++] = one;
        }
    }
    s->data = pcre2_match_data_create(32, NULL);
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
        measure(&s, size, false);
        measure(&s, size, true);
    }
    for (size_t i = 0; i < s.count; i++) {
        pcre2_code_free(s.loop[i]);
    }
    pcre2_match_data_free(s.data);
    dlp_workspace_free(&s.workspace);
    dlp_scanner_free(&s.scanner);
    return 0;
}
