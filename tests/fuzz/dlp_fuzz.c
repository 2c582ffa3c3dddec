/* Any bytes as text, as a stream and, where they are JSON, as a message: redaction leaves a message of as many values,
 * finds nothing where it changes nothing, and does not depend on how a stream is cut. */
#include <stdlib.h>

#include "aip/limits.h"
#include "dlp/message.h"
#include "dlp/place.h"
#include "dlp/redact.h"
#include "dlp/scan_inside.h"
#include "dlp/stream.h"

#define WHOLE_BYTES 6000 /* a stream that short is settled as a whole */
#define ENGINE_BYTES 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static dlp_scanner *scanner, *exact;
static dlp_workspace *workspace, *exact_workspace;

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void
start(void)
{
    static const dlp_pattern patterns[] = {{"own", "(?i)secret[0-9]{1,3}", DLP_BOTH, DLP_REDACT}};
    static const aip_bytes canary = {(const unsigned char *)"canary-of-the-fuzzer", 20};
    const dlp_rules rules = {.patterns = patterns,
                             .count = 1,
                             .canaries = &canary,
                             .canary_count = 1,
                             .builtin = true,
                             .detect_encoding = true};
    require(dlp_scanner_new(&rules, DLP_RESPONSE, &scanner, NULL) == AIP_OK);
    require(dlp_workspace_new(scanner, &workspace, NULL) == AIP_OK);
    require(dlp_scanner_build(&rules, DLP_RESPONSE, DLP_EXACT, &exact, NULL) == AIP_OK);
    require(dlp_workspace_new(exact, &exact_workspace, NULL) == AIP_OK);
}

/* Findings in order, apart, and inside of the text. */
static void
check_places(const dlp_findings *found, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < found->count; i++) {
        require(found->items[i].start >= at && found->items[i].end > found->items[i].start);
        require(found->items[i].end <= size);
        at = found->items[i].end;
    }
}

/* Short texts cannot tell a window from the whole, so that anchors miss nothing. */
static void
compare_engines(aip_bytes text, const dlp_findings *found)
{
    dlp_findings wanted = {0};
    require(dlp_scan(exact, exact_workspace, text, &wanted, NULL) == AIP_OK);
    require(wanted.count == found->count && wanted.unread == found->unread);
    for (size_t i = 0; i < wanted.count; i++) {
        require(wanted.items[i].start == found->items[i].start && wanted.items[i].end == found->items[i].end);
    }
    dlp_findings_clear(&wanted);
}

static void
look_at_text(aip_bytes text)
{
    dlp_findings found = {0};
    text_buffer whole = {0}, cut = {0};
    aip_status status = dlp_scan(scanner, workspace, text, &found, NULL);
    require(status == AIP_OK || status == AIP_DLP_FAILED || status == AIP_PATTERN_LIMIT);
    if (status == AIP_OK) {
        check_places(&found, text.size);
        dlp_redact(text, &found, &whole);
        require(found.count > 0 || aip_bytes_equal(text_view(&whole), text));
        if (text.size < ENGINE_BYTES) {
            compare_engines(text, &found);
        }
    }
    if (status == AIP_OK && text.size < WHOLE_BYTES && text.size > 1) {
        dlp_stream *stream = NULL;
        dlp_findings again = {0};
        size_t half = 1 + text.data[0] % (text.size - 1);
        require(dlp_stream_new(scanner, workspace, &stream, NULL) == AIP_OK);
        require(dlp_stream_add(stream, (aip_bytes){text.data, half}, false, &cut, &again, NULL) == AIP_OK);
        require(dlp_stream_add(stream, aip_bytes_from(text, half), true, &cut, &again, NULL) == AIP_OK);
        require(again.count == found.count && aip_bytes_equal(text_view(&whole), text_view(&cut)));
        dlp_findings_clear(&again);
        dlp_stream_free(&stream);
    }
    dlp_findings_clear(&found);
    text_clear(&whole);
    text_clear(&cut);
}

static bool
is_found_in(const dlp_findings *found, size_t from, size_t to)
{
    bool hit = false;
    for (size_t i = 0; i < found->count; i++) {
        hit = hit || (found->items[i].start < to && found->items[i].end > from);
    }
    return hit;
}

/* A value or name in which nothing was found is the same bytes as before, in the same place of the tree. */
static void
check_node(const scan_document *message, const scan_document *after, uint32_t i, const dlp_findings *found)
{
    const scan_node *node = &message->nodes[i], *now = &after->nodes[i];
    bool holds = message->nodes[i].children > 0, number = scan_kind_of(message, i) == SCAN_NUMBER;
    bool changed = is_found_in(found, node->start, node->end);
    require(node->children == now->children && node->next == now->next);
    require(scan_kind_of(message, i) == scan_kind_of(after, i) || (number && changed));
    require(holds || changed || aip_bytes_equal(scan_raw(message, i), scan_raw(after, i)));
    require(is_found_in(found, node->name, node->name_end) ||
            aip_bytes_equal(scan_raw_name(message, i), scan_raw_name(after, i)));
}

/* No name is told that holds a finding. */
static void
check_report(const scan_document *message, const dlp_findings *found)
{
    static const unsigned char key[HASH_KEY_BYTES] = {1};
    char place[DLP_PLACE_SIZE], print[DLP_FINGERPRINT_SIZE];
    for (size_t i = 0; i < found->count && i < 8; i++) {
        const dlp_finding *one = &found->items[i];
        dlp_place(message, found, i, place);
        require(strlen(place) < sizeof place && (place[0] == '/' || place[0] == '\0'));
        dlp_fingerprint(key, (aip_bytes){message->text.data + one->start, one->end - one->start}, print);
        require(strlen(print) == DLP_FINGERPRINT_SIZE - 1);
    }
}

static void
look_at_message(aip_bytes text)
{
    static const scan_limits limits = {AIP_DOCUMENT_BYTES_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    static const scan_limits written = {AIP_DOCUMENT_BYTES_MAX * 4, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_document message, after;
    dlp_findings found = {0};
    text_buffer out = {0};
    if (scan_load(text, &limits, &message, NULL) != AIP_OK) {
        return;
    }
    aip_status status = dlp_scan_message(scanner, workspace, &message, &found, &out, NULL);
    require(status == AIP_OK || status == AIP_DLP_FAILED || status == AIP_PATTERN_LIMIT);
    if (status == AIP_OK) {
        require(found.count > 0 || aip_bytes_equal(text_view(&out), text));
        require(scan_load(text_view(&out), &written, &after, NULL) == AIP_OK && after.count == message.count);
        for (uint32_t i = 0; i < after.count; i++) {
            check_node(&message, &after, i, &found);
        }
        scan_clear(&after);
        check_report(&message, &found);
    }
    scan_clear(&message);
    dlp_findings_clear(&found);
    text_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > AIP_DOCUMENT_BYTES_MAX) {
        return 0;
    }
    if (scanner == NULL) {
        start();
    }
    look_at_text((aip_bytes){data, size});
    look_at_message((aip_bytes){data, size});
    return 0;
}
