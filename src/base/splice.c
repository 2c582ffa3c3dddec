/* Changes of received JSON, byte ranges of it, so that all else arrives as it was sent. */
#include "base/splice.h"

#include <stdlib.h>

#include "aip/limits.h"

enum {
    MARK_REMOVED = 1,
    MARK_LOSES = 2, /* a container of removed ones */
    MARK_REPLACED = 4,
    MARK_GAINED = 8, /* an object that a new member was written into */
};

void
splice_begin(splice *s, const scan_document *document)
{
    *s = (splice){.document = document};
}

void
splice_clear(splice *s)
{
    free(s->marks);
    free(s->edits);
    text_clear(&s->texts);
    *s = (splice){0};
}

bool
splice_changes(const splice *s)
{
    return s->count > 0 || s->marks != NULL;
}

bool
splice_has_line_break(aip_bytes text)
{
    return text.size > 0 && (memchr(text.data, '\n', text.size) != NULL || memchr(text.data, '\r', text.size) != NULL);
}

/* ---- asking ---- */

static aip_status
mark(splice *s, uint32_t node, int marks, aip_error *err)
{
    if (node >= s->document->count) {
        return aip_fail(err, AIP_INTERNAL, "a change of what is not there");
    }
    if (s->marks == NULL && (s->marks = calloc(s->document->count, 1)) == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    s->marks[node] = (unsigned char)(s->marks[node] | marks);
    return AIP_OK;
}

/* What can be asked only once of a node. */
static aip_status
mark_once(splice *s, uint32_t node, int wanted, aip_error *err)
{
    AIP_TRY(mark(s, node, 0, err));
    if ((s->marks[node] & wanted) != 0) {
        return aip_fail(err, AIP_INTERNAL, "a value is changed twice");
    }
    return mark(s, node, wanted, err);
}

static bool
is_removed(const splice *s, uint32_t node)
{
    return s->marks != NULL && (s->marks[node] & MARK_REMOVED) != 0;
}

static aip_status
add(splice *s, splice_edit edit, aip_error *err)
{
    if (s->count == s->capacity) {
        size_t capacity = s->capacity == 0 ? 16 : s->capacity * 2;
        splice_edit *edits = realloc(s->edits, capacity * sizeof *edits);
        if (edits == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
        s->edits = edits;
        s->capacity = capacity;
    }
    edit.order = s->count;
    s->edits[s->count++] = edit;
    return AIP_OK;
}

/* The text of the edit was appended to s->texts from `edit.text` on. */
static aip_status
add_written(splice *s, splice_edit edit, aip_error *err)
{
    AIP_TRY(text_finish(&s->texts, err));
    edit.size = s->texts.size - edit.text;
    return add(s, edit, err);
}

/* More than one value could change the meaning of what stands around it. */
static aip_status
check_value(aip_bytes raw, aip_error *err)
{
    const scan_limits limits = {raw.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    scan_document scanned;
    AIP_TRY(scan_load(raw, &limits, &scanned, err));
    scan_clear(&scanned);
    return AIP_OK;
}

static splice_edit
edit_of_value(const splice *s, uint32_t node)
{
    const scan_node *at = &s->document->nodes[node];
    return (splice_edit){.start = at->start, .end = at->end, .text = s->texts.size, .object = SCAN_NONE};
}

aip_status
splice_replace(splice *s, uint32_t node, aip_bytes raw, aip_error *err)
{
    AIP_TRY(check_value(raw, err));
    AIP_TRY(mark_once(s, node, MARK_REPLACED, err));
    splice_edit edit = edit_of_value(s, node);
    text_append(&s->texts, raw);
    return add_written(s, edit, err);
}

aip_status
splice_replace_string(splice *s, uint32_t node, aip_bytes value, aip_error *err)
{
    AIP_TRY(mark_once(s, node, MARK_REPLACED, err));
    splice_edit edit = edit_of_value(s, node);
    text_append_json(&s->texts, value);
    return add_written(s, edit, err);
}

aip_status
splice_set_member(splice *s, uint32_t object, const char *name, aip_bytes raw, aip_error *err)
{
    AIP_TRY(mark(s, object, 0, err));
    if (scan_kind_of(s->document, object) != SCAN_OBJECT) {
        return aip_fail(err, AIP_INTERNAL, "a member for what is no object");
    }
    uint32_t there = scan_member(s->document, object, name);
    if (there != SCAN_NONE && !is_removed(s, there)) {
        return splice_replace(s, there, raw, err);
    }
    AIP_TRY(check_value(raw, err));
    size_t before_brace = s->document->nodes[object].end - 1;
    splice_edit edit = {.start = before_brace, .end = before_brace, .text = s->texts.size, .object = object};
    text_append_json(&s->texts, aip_bytes_of(name));
    text_append_string(&s->texts, ":");
    text_append(&s->texts, raw);
    return add_written(s, edit, err);
}

aip_status
splice_remove(splice *s, uint32_t container, uint32_t child, aip_error *err)
{
    AIP_TRY(mark(s, child, MARK_REMOVED, err));
    return mark(s, container, MARK_LOSES, err);
}

/* ---- finishing ---- */

static size_t
start_of(const splice *s, uint32_t child)
{
    const scan_node *at = &s->document->nodes[child];
    return at->name == 0 ? at->start : (size_t)at->name - 1;
}

/* A removed child after one that stays takes the comma before it, one before all that stay the comma after it. */
static aip_status
remove_children(splice *s, uint32_t container, aip_error *err)
{
    const scan_document *document = s->document;
    bool kept = false;
    size_t previous_end = 0;
    for (uint32_t at = scan_child(document, container); at != SCAN_NONE; at = scan_next(document, at)) {
        uint32_t next = scan_next(document, at);
        splice_edit edit = {.start = kept ? previous_end : start_of(s, at), .object = SCAN_NONE};
        edit.end = kept || next == SCAN_NONE ? document->nodes[at].end : start_of(s, next);
        previous_end = document->nodes[at].end;
        if (!is_removed(s, at)) {
            kept = true;
            continue;
        }
        AIP_TRY(add(s, edit, err));
    }
    return AIP_OK;
}

static aip_status
add_removals(splice *s, aip_error *err)
{
    for (uint32_t node = 0; s->marks != NULL && node < s->document->count; node++) {
        if ((s->marks[node] & MARK_LOSES) != 0) {
            AIP_TRY(remove_children(s, node, err));
        }
    }
    return AIP_OK;
}

static bool
keeps_member(const splice *s, uint32_t object)
{
    uint32_t at = scan_child(s->document, object);
    while (at != SCAN_NONE && is_removed(s, at)) {
        at = scan_next(s->document, at);
    }
    return at != SCAN_NONE;
}

static void
place_commas(splice *s)
{
    for (size_t i = 0; i < s->count; i++) {
        splice_edit *edit = &s->edits[i];
        if (edit->object == SCAN_NONE) {
            continue;
        }
        unsigned char *marks = &s->marks[edit->object];
        edit->comma = (*marks & MARK_GAINED) != 0 || keeps_member(s, edit->object);
        *marks |= MARK_GAINED;
    }
}

/* From the left, the larger first, so that what lies inside a removed value comes after it. */
static int
order_edits(const void *a, const void *b)
{
    const splice_edit *left = a, *right = b;
    if (left->start != right->start) {
        return left->start < right->start ? -1 : 1;
    }
    if (left->end != right->end) {
        return left->end > right->end ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static aip_status
write_changed(const splice *s, text_buffer *out, aip_error *err)
{
    aip_bytes text = s->document->text;
    size_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const splice_edit *edit = &s->edits[i];
        if (edit->start < at && edit->end <= at) {
            continue; /* went with what it lies in */
        }
        if (edit->start < at || edit->end > text.size || edit->start > edit->end) {
            return aip_fail(err, AIP_INTERNAL, "changes overlap");
        }
        text_append(out, (aip_bytes){text.data + at, edit->start - at});
        text_append_string(out, edit->comma ? "," : "");
        if (edit->size > 0) {
            text_append(out, (aip_bytes){(const unsigned char *)s->texts.data + edit->text, edit->size});
        }
        at = edit->end;
    }
    text_append(out, aip_bytes_from(text, at));
    return text_finish(out, err);
}

/* `out` is JSON: a quote outside a string begins one, and a backslash inside takes the byte after it along. */
static void
drop_white_space(text_buffer *out)
{
    size_t kept = 0;
    bool inside = false;
    for (size_t i = 0; i < out->size; i++) {
        char byte = out->data[i];
        if (!inside && (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r')) {
            continue;
        }
        out->data[kept++] = byte;
        if (inside && byte == '\\' && i + 1 < out->size) {
            out->data[kept++] = out->data[++i];
        } else if (byte == '"') {
            inside = !inside;
        }
    }
    out->size = kept;
    out->data[kept] = '\0';
}

static aip_status
write_and_scan(splice *s, const scan_limits *limits, text_buffer *out, scan_document *after, aip_error *err)
{
    AIP_TRY(add_removals(s, err));
    place_commas(s);
    if (s->count > 0) {
        qsort(s->edits, s->count, sizeof *s->edits, order_edits);
    }
    AIP_TRY(write_changed(s, out, err));
    if (s->one_line) {
        drop_white_space(out);
    }
    return scan_load(text_view(out), limits, after, err);
}

aip_status
splice_finish(splice *s, const scan_limits *limits, text_buffer *out, scan_document *after, aip_error *err)
{
    scan_document scanned = {0};
    out->size = 0;
    aip_status status = write_and_scan(s, limits, out, &scanned, err);
    if (status != AIP_OK) {
        text_clear(out);
    }
    if (status == AIP_OK && after != NULL) {
        *after = scanned;
    } else {
        scan_clear(&scanned);
    }
    return status;
}
