/* The text of an argument that patterns are matched against: STRING(value) of the peer's program. */
#include <stdlib.h>

#include "base/number.h"
#include "policy/normal.h"

#define DIGITS_MAX 32

/* The significant digits of a number: no sign, point, exponent, leading or trailing zeros. False when over `room`. */
static bool
significant(aip_bytes literal, char *out, size_t room, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < literal.size && literal.data[i] != 'e' && literal.data[i] != 'E'; i++) {
        unsigned char byte = literal.data[i];
        if (byte < '0' || byte > '9' || (byte == '0' && *count == 0)) {
            continue;
        }
        if (*count == room) {
            return false;
        }
        out[(*count)++] = (char)byte;
    }
    while (*count > 0 && out[*count - 1] == '0') {
        (*count)--;
    }
    return true;
}

static bool
same_digits(aip_bytes a, aip_bytes b)
{
    char left[400], right[DIGITS_MAX];
    size_t left_count, right_count;
    return significant(a, left, sizeof left, &left_count) && significant(b, right, sizeof right, &right_count) &&
           left_count == right_count && memcmp(left, right, left_count) == 0;
}

static bool
is_plain_integer(aip_bytes literal)
{
    for (size_t i = literal.size > 0 && literal.data[0] == '-'; i < literal.size; i++) {
        if (literal.data[i] < '0' || literal.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* `d.ddde±x` without the exponent. */
static void
append_plain(text_buffer *out, const char *text)
{
    const char *mark = strchr(text, 'e');
    if (mark == NULL) {
        text_append_string(out, text);
        return;
    }
    long exponent = strtol(mark + 1, NULL, 10);
    char digits[DIGITS_MAX];
    size_t count = 0;
    for (const char *at = text; at < mark; at++) {
        if (*at >= '0' && *at <= '9' && count < sizeof digits) {
            digits[count++] = *at;
        }
    }
    text_append_string(out, *text == '-' ? "-" : "");
    text_append_string(out, exponent < 0 ? "0." : "");
    for (long i = -1; i > exponent; i--) {
        text_append_string(out, "0");
    }
    text_append(out, (aip_bytes){(unsigned char *)digits, count});
    for (long i = (long)count - 1; i < exponent; i++) {
        text_append_string(out, "0");
    }
}

static aip_status
append_number(text_buffer *out, aip_bytes literal, bool nested, aip_error *err)
{
    double value;
    char text[NUMBER_TEXT_SIZE];
    AIP_TRY(number_read(literal, &value, err));
    bool negative_zero = value == 0 && literal.data[0] == '-';
    number_write(value, text);
    if ((value >= 9007199254740992.0 || value <= -9007199254740992.0) && !same_digits(literal, aip_bytes_of(text))) {
        if (!is_plain_integer(literal)) {
            return aip_fail(err, AIP_JSON_NUMBER, "a number that loses digits");
        }
        text_append(out, literal);
        return AIP_OK;
    }
    text_append_string(out, negative_zero ? "-" : "");
    if (nested) {
        text_append_string(out, text);
    } else {
        append_plain(out, text);
    }
    return AIP_OK;
}

static aip_status
unescaped(const scan_document *document, uint32_t node, bool name, char **out, size_t *size, aip_error *err)
{
    size_t room = name ? scan_raw_name(document, node).size : scan_raw(document, node).size;
    *out = malloc(room + 1);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = name ? scan_unescape_name(document, node, *out, room, size, err)
                             : scan_unescape(document, node, *out, room, size, err);
    if (status != AIP_OK) {
        text_release(out);
    }
    return status;
}

static void
append_quoted_byte(text_buffer *out, unsigned char byte)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof shorts - 1; i += 2) {
        if ((unsigned char)shorts[i] == byte) {
            text_append_format(out, "\\%c", shorts[i + 1]);
            return;
        }
    }
    if (byte < 0x20 || byte == '<' || byte == '>' || byte == '&') {
        text_append_format(out, "\\u%04x", byte);
        return;
    }
    text_append(out, (aip_bytes){&byte, 1});
}

static void
append_quoted(text_buffer *out, aip_bytes text)
{
    text_append_string(out, "\"");
    for (size_t i = 0; i < text.size; i++) {
        bool separator =
            i + 2 < text.size && text.data[i] == 0xE2 && text.data[i + 1] == 0x80 && (text.data[i + 2] & 0xFE) == 0xA8;
        if (separator) {
            text_append_format(out, "\\u202%c", text.data[i + 2] == 0xA8 ? '8' : '9');
            i += 2;
            continue;
        }
        append_quoted_byte(out, text.data[i]);
    }
    text_append_string(out, "\"");
}

static aip_status append_nested(const scan_document *document, uint32_t node, text_buffer *out, aip_error *err);

typedef struct {
    char *name;
    size_t size;
    uint32_t node;
} member;

static int
compare_members(const void *a, const void *b)
{
    const member *left = a, *right = b;
    size_t shared = left->size < right->size ? left->size : right->size;
    int order = memcmp(left->name, right->name, shared);
    return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

static aip_status
collect(const scan_document *document, uint32_t node, member *members, size_t *count, aip_error *err)
{
    for (uint32_t child = scan_child(document, node); child != SCAN_NONE; child = scan_next(document, child)) {
        member *m = &members[*count];
        m->node = child;
        AIP_TRY(unescaped(document, child, true, &m->name, &m->size, err));
        (*count)++;
    }
    qsort(members, *count, sizeof *members, compare_members);
    return AIP_OK;
}

static aip_status
append_members(const scan_document *document, const member *members, size_t count, text_buffer *out, aip_error *err)
{
    text_append_string(out, "{");
    for (size_t i = 0; i < count; i++) {
        text_append_string(out, i == 0 ? "" : ",");
        append_quoted(out, (aip_bytes){(const unsigned char *)members[i].name, members[i].size});
        text_append_string(out, ":");
        AIP_TRY(append_nested(document, members[i].node, out, err));
    }
    text_append_string(out, "}");
    return AIP_OK;
}

static aip_status
append_object(const scan_document *document, uint32_t node, text_buffer *out, aip_error *err)
{
    size_t count = 0;
    member *members = calloc((size_t)document->nodes[node].children + 1, sizeof *members);
    if (members == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = collect(document, node, members, &count, err);
    status = status == AIP_OK ? append_members(document, members, count, out, err) : status;
    for (size_t i = 0; i < count; i++) {
        free(members[i].name);
    }
    free(members);
    return status;
}

static aip_status
append_array(const scan_document *document, uint32_t node, text_buffer *out, aip_error *err)
{
    const char *before = "[";
    for (uint32_t child = scan_child(document, node); child != SCAN_NONE; child = scan_next(document, child)) {
        text_append_string(out, before);
        AIP_TRY(append_nested(document, child, out, err));
        before = ",";
    }
    text_append_string(out, *before == '[' ? "[]" : "]");
    return AIP_OK;
}

static aip_status
append_string(const scan_document *document, uint32_t node, bool nested, text_buffer *out, aip_error *err)
{
    char *text STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(unescaped(document, node, false, &text, &size, err));
    aip_bytes view = {(const unsigned char *)text, size};
    if (nested) {
        append_quoted(out, view);
    } else {
        text_append(out, view);
    }
    return AIP_OK;
}

/* As deep as the scanner lets a document be. */
static aip_status
append_value(const scan_document *document, uint32_t node, bool nested, text_buffer *out, aip_error *err)
{
    switch (scan_kind_of(document, node)) {
    case SCAN_NULL:
        text_append_string(out, nested ? "null" : "");
        return AIP_OK;
    case SCAN_FALSE:
    case SCAN_TRUE:
        text_append(out, scan_raw(document, node));
        return AIP_OK;
    case SCAN_NUMBER:
        return append_number(out, scan_raw(document, node), nested, err);
    case SCAN_STRING:
        return append_string(document, node, nested, out, err);
    case SCAN_ARRAY:
        return append_array(document, node, out, err);
    case SCAN_OBJECT:
        return append_object(document, node, out, err);
    }
    return aip_fail(err, AIP_INTERNAL, "a value of no kind");
}

static aip_status
append_nested(const scan_document *document, uint32_t node, text_buffer *out, aip_error *err)
{
    return append_value(document, node, true, out, err);
}

aip_status
normal_argument(const scan_document *document, uint32_t node, text_buffer *out, aip_error *err)
{
    AIP_TRY(append_value(document, node, false, out, err));
    return text_finish(out, err);
}
