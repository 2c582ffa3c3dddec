/* One pass over the message's bytes, then those strings that may hold or hide something, each as its reader sees it. */
#include "dlp/message.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "dlp/decode.h"
#include "dlp/redact.h"
#include "dlp/scan_inside.h"

typedef struct {
    const dlp_scanner *scanner;
    dlp_workspace *workspace;
    const scan_document *message;
    dlp_findings raw; /* of the bytes, settled */
    size_t next;      /* the first of them that may still concern a node */
    dlp_findings *out;
    text_buffer *text;
    size_t copied; /* bytes of the message that are in `text` already */
    unsigned redacted_names;
    uint32_t *places; /* where a string may hide something or a pattern of the policy may match */
    size_t place_count, next_place;
    bool placed;     /* they are known; otherwise every string is opened */
    char *room;      /* for one string as its reader sees it */
    size_t capacity; /* of the room */
} pass;

/* A string's or number's bytes in the message, without quotes. */
typedef struct {
    uint32_t node;
    size_t start, end;
    bool is_name, is_string, escaped;
} part;

static aip_bytes
bytes_of(const pass *p, const part *t)
{
    return (aip_bytes){p->message->text.data + t->start, t->end - t->start};
}

static bool
is_to_be_opened(pass *p, const part *t)
{
    while (p->next_place < p->place_count && p->places[p->next_place] < t->start) {
        p->next_place++;
    }
    bool marked = !p->placed || (p->next_place < p->place_count && p->places[p->next_place] < t->end);
    return t->is_string && (t->escaped || marked);
}

/* Does a finding that goes beyond this part concern it? One that begins in the name of a value does, for it takes both
 * to tell; and so do those detectors that know what they cross, as a key in several items. */
static bool
reaches(const pass *p, const part *t, const dlp_finding *finding)
{
    const scan_node *node = &p->message->nodes[t->node];
    bool from_name = node->name_end > 0 && finding->start + 1 >= node->name && finding->start <= node->name_end;
    return !t->is_name && (from_name || !finding->own);
}

static bool
has_raw(pass *p, const part *t)
{
    while (p->next < p->raw.count && p->raw.items[p->next].end <= t->start) {
        p->next++;
    }
    return p->next < p->raw.count && p->raw.items[p->next].start < t->end;
}

/* Adds what the pass over the bytes found here, as places in the part. */
static aip_status
take_raw(pass *p, const part *t, bool opened, dlp_findings *local, aip_error *err)
{
    for (size_t i = has_raw(p, t) ? p->next : p->raw.count; i < p->raw.count && p->raw.items[i].start < t->end; i++) {
        dlp_finding finding = p->raw.items[i];
        bool inside = finding.start >= t->start && finding.end <= t->end;
        if (inside ? opened : !reaches(p, t, &finding)) {
            continue;
        }
        bool whole = t->escaped || !t->is_string;
        finding.start = whole || finding.start <= t->start ? 0 : finding.start - t->start;
        finding.end = whole || finding.end >= t->end ? t->end - t->start : finding.end - t->start;
        if (finding.end > finding.start) {
            AIP_TRY(dlp_findings_add(local, &finding, err));
        }
    }
    return AIP_OK;
}

static aip_status
report(pass *p, const part *t, const dlp_findings *local, bool *redacts, aip_error *err)
{
    *redacts = false;
    p->out->unread = p->out->unread || local->unread;
    for (size_t i = 0; i < local->count; i++) {
        dlp_finding finding = local->items[i];
        finding.start = t->escaped ? t->start : t->start + finding.start;
        finding.end = t->escaped ? t->end : t->start + finding.end;
        *redacts = *redacts || finding.action != DLP_WARN;
        AIP_TRY(dlp_findings_add(p->out, &finding, err));
    }
    return AIP_OK;
}

/* `shown`: the part as its reader sees it, to which the findings belong. */
static aip_status
rewrite(pass *p, const part *t, aip_bytes shown, const dlp_findings *local, aip_error *err)
{
    TEXT_AUTO text_buffer redacted = {0};
    dlp_redact(shown, local, &redacted);
    if (t->is_name && p->redacted_names++ > 0) { /* two equal names would be refused by strict readers */
        text_append_format(&redacted, " %u", p->redacted_names);
    }
    AIP_TRY(text_finish(&redacted, err));
    size_t from = t->start - t->is_string;
    text_append(p->text, (aip_bytes){p->message->text.data + p->copied, from - p->copied});
    text_append_json(p->text, text_view(&redacted));
    p->copied = t->end + t->is_string;
    return AIP_OK;
}

static aip_status
finish_part(pass *p, const part *t, aip_bytes shown, dlp_findings *local, aip_error *err)
{
    bool redacts;
    if (t->escaped) { /* the places of the bytes are not those of what is shown: all of it */
        for (size_t i = 0; i < local->count; i++) {
            bool whole = local->items[i].end > shown.size || local->items[i].end == t->end - t->start;
            local->items[i].start = whole ? 0 : local->items[i].start;
            local->items[i].end = whole ? shown.size : local->items[i].end;
        }
    }
    dlp_findings_settle(local);
    AIP_TRY(report(p, t, local, &redacts, err));
    return redacts ? rewrite(p, t, shown, local, err) : AIP_OK;
}

static aip_status
make_room(pass *p, size_t size, aip_error *err)
{
    if (size > p->capacity) {
        free(p->room);
        p->capacity = size * 2;
        p->room = malloc(p->capacity);
    }
    if (p->room == NULL) {
        p->capacity = 0;
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return AIP_OK;
}

static aip_status
open_string(pass *p, const part *t, aip_bytes *shown, aip_error *err)
{
    size_t size = 0, most = t->end - t->start;
    if (!t->escaped) {
        *shown = bytes_of(p, t);
        return AIP_OK;
    }
    AIP_TRY(make_room(p, most, err));
    AIP_TRY(t->is_name ? scan_unescape_name(p->message, t->node, p->room, most, &size, err)
                       : scan_unescape(p->message, t->node, p->room, most, &size, err));
    *shown = (aip_bytes){(unsigned char *)p->room, size};
    return AIP_OK;
}

static aip_status
look_at_opened(pass *p, const part *t, dlp_findings *local, aip_error *err)
{
    aip_bytes shown;
    AIP_TRY(open_string(p, t, &shown, err));
    if (t->escaped || dlp_scanner_has_own(p->scanner)) {
        AIP_TRY(dlp_scan(p->scanner, p->workspace, shown, local, err));
        AIP_TRY(take_raw(p, t, true, local, err));
    } else { /* its reader sees the very bytes that the pass went over */
        AIP_TRY(take_raw(p, t, false, local, err));
        size_t from = p->placed ? p->places[p->next_place] - t->start : 0;
        AIP_TRY(dlp_scan_hidden(p->scanner, p->workspace, shown, from, local, err));
    }
    return local->count > 0 || local->unread ? finish_part(p, t, shown, local, err) : AIP_OK;
}

static aip_status
look_at_part(pass *p, const part *t, aip_error *err)
{
    dlp_findings local = {0};
    aip_status status = AIP_OK;
    if (t->end == t->start) {
        return AIP_OK;
    }
    if (is_to_be_opened(p, t)) {
        status = look_at_opened(p, t, &local, err);
    } else if (has_raw(p, t)) {
        status = take_raw(p, t, false, &local, err);
        if (status == AIP_OK && local.count > 0) {
            status = finish_part(p, t, bytes_of(p, t), &local, err);
        }
    }
    dlp_findings_clear(&local);
    return status;
}

static aip_status
look_at_node(pass *p, uint32_t index, aip_error *err)
{
    const scan_node *node = &p->message->nodes[index];
    if (node->name_end > node->name) {
        part name = {index, node->name, node->name_end, true, true, node->name_escaped};
        AIP_TRY(look_at_part(p, &name, err));
    }
    if (node->kind == SCAN_STRING) {
        part value = {index, node->start + 1, node->end - 1, false, true, node->escaped};
        return look_at_part(p, &value, err);
    }
    part number = {index, node->start, node->end, false, false, false};
    return node->kind == SCAN_NUMBER ? look_at_part(p, &number, err) : AIP_OK;
}

/* What goes out is the same tree: as many values, and strict readers take it. */
static aip_status
check_outcome(const pass *p, aip_error *err)
{
    scan_document written;
    scan_limits limits = {p->text->size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    if (scan_load(text_view(p->text), &limits, &written, NULL) != AIP_OK) {
        return aip_fail(err, AIP_DLP_FAILED, "the redacted message would not be valid");
    }
    bool same = written.count == p->message->count;
    scan_clear(&written);
    return same ? AIP_OK : aip_fail(err, AIP_DLP_FAILED, "the redacted message would be another one");
}

static aip_status
look_at_all(pass *p, aip_error *err)
{
    aip_bytes text = p->message->text;
    AIP_TRY(dlp_scan_plain(p->scanner, p->workspace, text, &p->raw, err));
    dlp_findings_settle(&p->raw);
    p->placed = dlp_workspace_take_places(p->workspace, &p->places, &p->place_count);
    for (uint32_t i = 0; i < p->message->count; i++) {
        AIP_TRY(look_at_node(p, i, err));
    }
    text_append(p->text, aip_bytes_from(text, p->copied));
    AIP_TRY(text_finish(p->text, err));
    return p->copied == 0 ? AIP_OK : check_outcome(p, err);
}

aip_status
dlp_scan_message(const dlp_scanner *scanner, dlp_workspace *workspace, const scan_document *message,
                 dlp_findings *findings, text_buffer *out, aip_error *err)
{
    pass p = {.scanner = scanner, .workspace = workspace, .message = message, .out = findings, .text = out};
    aip_status status = look_at_all(&p, err);
    dlp_findings_clear(&p.raw);
    free(p.places);
    free(p.room);
    return status;
}
