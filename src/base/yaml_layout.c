/* What a YAML text may hold and how it may stand, where libyaml is more lenient than YAML 1.2. */
#include <stdlib.h>

#include "base/utf8.h"
#include "base/yaml_inside.h"

/* ---- characters ---- */

/* Why a character has no business in such a file, or NULL. Escapes in double quotes can still write most of them. */
static const char *
why_not(uint32_t scalar, bool before_line_feed)
{
    if (scalar == '\t' || scalar == '\n' || (scalar == '\r' && before_line_feed)) {
        return NULL;
    }
    if (scalar < 0x20 || (scalar >= 0x7F && scalar <= 0x9F)) {
        return "a control character";
    }
    if (scalar == 0x2028 || scalar == 0x2029) {
        return "a line break to some readers and not to others";
    }
    if (scalar == 0xFEFF || (scalar & 0xFFFE) == 0xFFFE || (scalar >= 0xFDD0 && scalar <= 0xFDEF)) {
        return "a byte order mark or no character";
    }
    if ((scalar >= 0x200E && scalar <= 0x200F) || (scalar >= 0x202A && scalar <= 0x202E) ||
        (scalar >= 0x2066 && scalar <= 0x2069)) {
        return "a character that turns the text around it; write it as an escape in double quotes";
    }
    return NULL;
}

static uint32_t
decode(const unsigned char *at, size_t length)
{
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t scalar = at[0] & masks[length];
    for (size_t i = 1; i < length; i++) {
        scalar = scalar << 6 | (at[i] & 0x3F);
    }
    return scalar;
}

static aip_status
check_characters(yaml_layout *layout, aip_error *err)
{
    aip_bytes text = layout->text;
    yaml_place place = {1, 1};
    size_t count = 0;
    for (size_t at = 0; at < text.size;) {
        size_t length = utf8_sequence(text.data + at, text.size - at);
        if (length == 0) {
            return yaml_refuse(err, AIP_JSON_UTF8, place, "not UTF-8");
        }
        uint32_t scalar = decode(text.data + at, length);
        layout->offsets[count++] = (uint32_t)at;
        at += length;
        const char *why = why_not(scalar, at < text.size && text.data[at] == '\n');
        if (why != NULL) {
            return yaml_refuse(err, AIP_CONFIG_INVALID, place, why);
        }
        place.column = scalar == '\n' ? 1 : place.column + 1;
        place.line += scalar == '\n';
    }
    for (; count <= text.size; count++) { /* whatever position is asked for lies in the text */
        layout->offsets[count] = (uint32_t)text.size;
    }
    return AIP_OK;
}

aip_status
yaml_layout_load(aip_bytes text, yaml_layout *out, aip_error *err)
{
    *out = (yaml_layout){.text = text, .offsets = calloc(text.size + 1, sizeof *out->offsets)};
    return out->offsets == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : check_characters(out, err);
}

void
yaml_layout_clear(yaml_layout *layout)
{
    free(layout->offsets);
    layout->offsets = NULL;
}

/* ---- layout ---- */

static size_t
offset_of(const yaml_layout *layout, size_t position)
{
    return layout->offsets[position < layout->text.size ? position : layout->text.size];
}

/* Is there white space or the text's end at this byte? */
static bool
is_space(const yaml_layout *layout, size_t at)
{
    return at >= layout->text.size || strchr(" \t\r\n", layout->text.data[at]) != NULL;
}

static size_t
end_of_line(const yaml_layout *layout, size_t at)
{
    const unsigned char *found =
        at >= layout->text.size ? NULL : memchr(layout->text.data + at, '\n', layout->text.size - at);
    return found == NULL ? layout->text.size : (size_t)(found - layout->text.data);
}

static size_t
count_spaces(const yaml_layout *layout, size_t at)
{
    size_t count = 0;
    while (at + count < layout->text.size && layout->text.data[at + count] == ' ') {
        count++;
    }
    return count;
}

/* Only white space up to the end of the line? */
static bool
is_blank(const yaml_layout *layout, size_t at)
{
    size_t end = end_of_line(layout, at);
    while (at < end && is_space(layout, at)) {
        at++;
    }
    return at == end;
}

const char *
yaml_layout_check_gap(yaml_layout *layout, size_t start, size_t end)
{
    size_t at = offset_of(layout, layout->judged), stop = offset_of(layout, start);
    layout->judged = end > layout->judged ? end : layout->judged;
    for (; at < stop; at++) {
        if (layout->text.data[at] == '#') {
            if (at > 0 && !is_space(layout, at - 1)) {
                return "a comment needs white space before it";
            }
            at = end_of_line(layout, at);
        } else if (layout->text.data[at] == '?' && !is_space(layout, at + 1)) {
            return "a question mark that is the beginning of a key to some readers: put the key in quotes";
        }
    }
    return NULL;
}

/* Whether the last line's spaces end in a line break is what readers disagree on. */
static bool
ends_in_spaces(const yaml_layout *layout, size_t end)
{
    size_t line = layout->text.size;
    while (line > 0 && layout->text.data[line - 1] == ' ') {
        line--;
    }
    return line < layout->text.size && line <= end && line > 0 && layout->text.data[line - 1] == '\n';
}

const char *
yaml_layout_check_block(const yaml_layout *layout, size_t start, size_t end)
{
    size_t at = offset_of(layout, start) + 1, most = 0;
    bool told = false;
    for (; !is_space(layout, at) && strchr("+-123456789", layout->text.data[at]) != NULL; at++) {
        told |= layout->text.data[at] != '+' && layout->text.data[at] != '-';
    }
    if (!is_space(layout, at)) {
        return "a comment needs white space before it";
    }
    if (ends_in_spaces(layout, offset_of(layout, end))) {
        return "the text's last line holds spaces alone";
    }
    for (at = end_of_line(layout, at) + 1; !told && at < layout->text.size; at = end_of_line(layout, at) + 1) {
        size_t spaces = count_spaces(layout, at);
        if (!is_blank(layout, at)) {
            return spaces < most ? "a blank line before the text has more spaces than the text" : NULL;
        }
        most = spaces > most ? spaces : most;
    }
    return NULL;
}

const char *
yaml_layout_check_lines(const yaml_layout *layout, size_t start, size_t end, size_t spaces)
{
    size_t stop = offset_of(layout, end);
    for (size_t at = end_of_line(layout, offset_of(layout, start)) + 1; at < stop; at = end_of_line(layout, at) + 1) {
        if (!is_blank(layout, at) && count_spaces(layout, at) < spaces) {
            return "a line that belongs to the value above is not indented with spaces";
        }
    }
    return NULL;
}
