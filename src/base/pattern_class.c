/* Escapes and classes of characters of RE2's dialect. */
#include "base/pattern_dialect_inside.h"

#define SCALAR_MAX 0x10FFFF
#define NOT_SPACE "\\x{0}-\\x{8}\\x{b}\\x{e}-\\x{1f}\\x{21}-\\x{10ffff}"
#define SPACE "\\x{9}\\x{a}\\x{c}\\x{d}\\x{20}"

static int
hex_digit(int c)
{
    if (dialect_is_digit(c)) {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ---- escapes ---- */

/* \x41, \x{41} after the `x`. */
static aip_status
take_hex(dialect *d, uint32_t *scalar)
{
    bool braces = dialect_peek(d, 0) == '{';
    size_t digits = 0;
    *scalar = 0;
    d->at += braces;
    while (hex_digit(dialect_peek(d, 0)) >= 0 && (braces || digits < 2) && *scalar <= SCALAR_MAX) {
        *scalar = *scalar * 16 + (uint32_t)hex_digit(dialect_peek(d, 0));
        d->at++;
        digits++;
    }
    bool whole = braces ? digits > 0 && dialect_peek(d, 0) == '}' : digits == 2;
    if (!whole || *scalar > SCALAR_MAX || (*scalar >= 0xD800 && *scalar < 0xE000)) {
        return dialect_refuse(d, "not a code point");
    }
    d->at += braces;
    return AIP_OK;
}

/* \0 and \12, of up to three digits; a single digit but 0 would be a back-reference. */
static aip_status
take_octal(dialect *d, uint32_t *scalar)
{
    bool more = dialect_peek(d, 1) >= '0' && dialect_peek(d, 1) <= '7';
    if (dialect_peek(d, 0) > '7' || (dialect_peek(d, 0) != '0' && !more)) {
        return dialect_refuse(d, "back-references are not of the dialect");
    }
    *scalar = 0;
    for (size_t i = 0; i < 3 && dialect_peek(d, 0) >= '0' && dialect_peek(d, 0) <= '7'; i++, d->at++) {
        *scalar = *scalar * 8 + (uint32_t)(dialect_peek(d, 0) - '0');
    }
    return AIP_OK;
}

aip_status
dialect_take_escaped(dialect *d, uint32_t *scalar)
{
    static const char controls[] = "a\af\fn\nr\rt\tv\v";
    int c = dialect_peek(d, 0);
    if (c < 0) {
        return dialect_refuse(d, "a backslash at the end");
    }
    if (dialect_is_digit(c)) {
        return take_octal(d, scalar);
    }
    if (c == 'x') {
        d->at++;
        return take_hex(d, scalar);
    }
    for (size_t i = 0; i + 1 < sizeof controls - 1; i += 2) {
        if (controls[i] == c) {
            d->at++;
            *scalar = (uint32_t)controls[i + 1];
            return AIP_OK;
        }
    }
    if (c >= 0x80 || dialect_is_letter(c)) {
        return dialect_refuse(d, "an escape that is not of the dialect");
    }
    d->at++;
    *scalar = (uint32_t)c;
    return AIP_OK;
}

aip_status
dialect_take_property(dialect *d)
{
    bool negated = dialect_peek(d, 0) == 'P', braces = dialect_peek(d, 1) == '{';
    char name[32];
    size_t size = 0;
    d->at += 1 + braces;
    if (braces && dialect_peek(d, 0) == '^') {
        negated = !negated;
        d->at++;
    }
    while ((dialect_is_letter(dialect_peek(d, 0)) || (braces && dialect_peek(d, 0) == '_')) && size + 1 < sizeof name &&
           (braces || size == 0)) {
        name[size++] = (char)dialect_peek(d, 0);
        d->at++;
    }
    name[size] = '\0';
    if (size == 0 || (braces && dialect_peek(d, 0) != '}')) {
        return dialect_refuse(d, "not a Unicode class");
    }
    d->at += braces;
    bool category = size <= 2, known = strchr("CLMNPSZ", name[0]) != NULL;
    if ((category && !known) || strcmp(name, "LC") == 0 || strncmp(name, "X", 1) == 0) {
        return dialect_refuse(d, "not a Unicode class");
    }
    bool plain = category || strcmp(name, "Any") == 0;
    text_append_format(d->out, "\\%c{%s%s}", negated ? 'P' : 'p', plain ? "" : "sc:", name);
    return AIP_OK;
}

bool
dialect_take_class_escape(dialect *d, bool inside)
{
    int c = dialect_peek(d, 0);
    if (c < 0 || strchr("dDwWsS", c) == NULL) {
        return false;
    }
    d->at++;
    if (c == 's' || c == 'S') {
        text_append_format(d->out, "%s%s%s", inside ? "" : "[", c == 's' ? SPACE : NOT_SPACE, inside ? "" : "]");
    } else {
        text_append_format(d->out, "\\%c", c);
    }
    return true;
}

/* ---- classes ---- */

/* [:alpha:], [:^digit:] within a class; false when it is none. */
static aip_status
take_posix(dialect *d, bool *taken)
{
    static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
                                        "lower", "print", "punct", "space", "upper", "word",  "xdigit"};
    const unsigned char *from = d->text.data + d->at;
    const unsigned char *end = memmem(from + 2, d->text.size - d->at - 2, ":]", 2);
    *taken = end != NULL;
    if (end == NULL) {
        return AIP_OK;
    }
    size_t skip = 2 + (size_t)(from[2] == '^'), size = (size_t)(end - from) - skip;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == size && memcmp(names[i], from + skip, size) == 0) {
            text_append(d->out, (aip_bytes){from, (size_t)(end - from) + 2});
            d->at += (size_t)(end - from) + 2;
            return AIP_OK;
        }
    }
    return dialect_refuse(d, "not a class of characters");
}

static aip_status
take_class_scalar(dialect *d, uint32_t *scalar)
{
    if (dialect_peek(d, 0) < 0) {
        return dialect_refuse(d, "a class without its end");
    }
    if (dialect_peek(d, 0) != '\\') {
        *scalar = dialect_take_scalar(d);
        return AIP_OK;
    }
    d->at++;
    return dialect_take_escaped(d, scalar);
}

static aip_status
take_range(dialect *d)
{
    uint32_t low, high;
    AIP_TRY(take_class_scalar(d, &low));
    dialect_emit_scalar(d, low);
    if (dialect_peek(d, 0) != '-' || dialect_peek(d, 1) == ']' || dialect_peek(d, 1) < 0) {
        return AIP_OK;
    }
    d->at++;
    AIP_TRY(take_class_scalar(d, &high));
    if (high < low) {
        return dialect_refuse(d, "a range that runs backwards");
    }
    dialect_emit(d, "-");
    dialect_emit_scalar(d, high);
    return AIP_OK;
}

static aip_status
take_class_item(dialect *d)
{
    if (dialect_peek(d, 0) == '[' && dialect_peek(d, 1) == ':') {
        bool taken;
        AIP_TRY(take_posix(d, &taken));
        if (taken) {
            return AIP_OK;
        }
    }
    if (dialect_peek(d, 0) != '\\') {
        return take_range(d);
    }
    d->at++;
    if (dialect_peek(d, 0) == 'p' || dialect_peek(d, 0) == 'P') {
        return dialect_take_property(d);
    }
    if (dialect_take_class_escape(d, true)) {
        return AIP_OK;
    }
    d->at--;
    return take_range(d);
}

aip_status
dialect_take_class(dialect *d)
{
    d->at++;
    dialect_emit(d, "[");
    if (dialect_peek(d, 0) == '^') {
        d->at++;
        dialect_emit(d, "^");
    }
    for (bool first = true; first || dialect_peek(d, 0) != ']'; first = false) {
        AIP_TRY(take_class_item(d));
    }
    d->at++;
    dialect_emit(d, "]");
    dialect_set_operand(d);
    return AIP_OK;
}
