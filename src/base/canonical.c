/* RFC 8785: the canonical bytes of a JSON text, from the text itself. */
#include <stdlib.h>

#include "aip/limits.h"
#include "base/json.h"
#include "base/number.h"
#include "base/scan.h"
#include "base/text.h"

typedef struct {
    aip_bytes name; /* unescaped */
    uint32_t node;
} member;

/* `members` and `strings` are stacks, as deep as the objects now being written: all of them together
 * hold no more members than there are nodes and no more bytes than the text has. */
typedef struct {
    scan_document document;
    member *members;
    char *strings;
    size_t members_used, strings_used;
    text_buffer out;
    aip_error *err;
} writer;

/* UTF-8 bytes in the order of UTF-16 units: U+E000 to U+FFFF (leads EE, EF) come after the planes above. */
static int
rank(unsigned char byte)
{
    return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte;
}

static int
order_members(const void *a, const void *b)
{
    aip_bytes left = ((const member *)a)->name, right = ((const member *)b)->name;
    size_t common = left.size < right.size ? left.size : right.size;
    for (size_t i = 0; i < common; i++) {
        if (left.data[i] != right.data[i]) {
            return rank(left.data[i]) - rank(right.data[i]);
        }
    }
    return (left.size > right.size) - (left.size < right.size);
}

static aip_status
gather_members(writer *w, uint32_t object, member *members, size_t *count)
{
    size_t found = 0;
    for (uint32_t at = scan_child(&w->document, object); at != SCAN_NONE; at = scan_next(&w->document, at)) {
        char *name = w->strings + w->strings_used;
        size_t room = w->document.text.size - w->strings_used, size = 0;
        AIP_TRY(scan_unescape_name(&w->document, at, name, room, &size, w->err));
        members[found++] = (member){{(const unsigned char *)name, size}, at};
        w->strings_used += size;
    }
    qsort(members, found, sizeof *members, order_members);
    *count = found;
    return AIP_OK;
}

static aip_status write_value(writer *w, uint32_t node);

static aip_status
write_object(writer *w, uint32_t node)
{
    size_t strings_before = w->strings_used, count = 0;
    member *members = w->members + w->members_used;
    AIP_TRY(gather_members(w, node, members, &count));
    w->members_used += count;
    text_append_string(&w->out, "{");
    for (size_t i = 0; i < count; i++) {
        text_append_string(&w->out, i > 0 ? "," : "");
        text_append_json(&w->out, members[i].name);
        text_append_string(&w->out, ":");
        AIP_TRY(write_value(w, members[i].node));
    }
    text_append_string(&w->out, "}");
    w->members_used -= count;
    w->strings_used = strings_before;
    return AIP_OK;
}

static aip_status
write_array(writer *w, uint32_t node)
{
    const char *before = "[";
    for (uint32_t at = scan_child(&w->document, node); at != SCAN_NONE; at = scan_next(&w->document, at)) {
        text_append_string(&w->out, before);
        AIP_TRY(write_value(w, at));
        before = ",";
    }
    text_append_string(&w->out, *before == '[' ? "[]" : "]");
    return AIP_OK;
}

static aip_status
write_string(writer *w, uint32_t node)
{
    char *string = w->strings + w->strings_used;
    size_t room = w->document.text.size - w->strings_used, size = 0;
    AIP_TRY(scan_unescape(&w->document, node, string, room, &size, w->err));
    text_append_json(&w->out, (aip_bytes){(const unsigned char *)string, size});
    return AIP_OK;
}

static aip_status
write_number(writer *w, uint32_t node)
{
    double value;
    char text[NUMBER_TEXT_SIZE];
    AIP_TRY(number_read(scan_raw(&w->document, node), &value, w->err));
    number_write(value, text);
    text_append_string(&w->out, text);
    return AIP_OK;
}

/* Recursive: the scanner has bounded the depth. */
static aip_status
write_value(writer *w, uint32_t node)
{
    switch (scan_kind_of(&w->document, node)) {
    case SCAN_OBJECT:
        return write_object(w, node);
    case SCAN_ARRAY:
        return write_array(w, node);
    case SCAN_STRING:
        return write_string(w, node);
    case SCAN_NUMBER:
        return write_number(w, node);
    case SCAN_NULL:
    case SCAN_FALSE:
    case SCAN_TRUE:
        text_append(&w->out, scan_raw(&w->document, node));
        return AIP_OK;
    }
    return aip_fail(w->err, AIP_INTERNAL, NULL);
}

static aip_status
write_document(writer *w)
{
    w->members = malloc(w->document.count * sizeof *w->members);
    w->strings = malloc(w->document.text.size);
    if (w->members == NULL || w->strings == NULL) {
        return aip_fail(w->err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(write_value(w, 0));
    return text_finish(&w->out, w->err);
}

aip_status
json_canonical(aip_bytes text, char **out, size_t *size, aip_error *err)
{
    const scan_limits limits = {text.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    writer w = {.err = err};
    AIP_TRY(scan_load(text, &limits, &w.document, err));
    aip_status status = write_document(&w);
    free(w.members);
    free(w.strings);
    scan_clear(&w.document);
    if (status != AIP_OK) {
        text_clear(&w.out);
        return status;
    }
    *out = w.out.data;
    *size = w.out.size;
    return AIP_OK;
}
