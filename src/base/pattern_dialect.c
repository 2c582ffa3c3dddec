/* RE2's dialect in the words of our engines: read strictly, written anew, so that nothing more than RE2 gets through.
 */
#include "base/pattern_dialect_inside.h"
#include "base/utf8.h"

#define REPEAT_MAX 1000 /* also of repeats within repeats, multiplied */

aip_status
dialect_refuse(dialect *d, const char *why)
{
    return aip_fail_at(d->err, AIP_PATTERN_INVALID, d->at, "%s", why);
}

int
dialect_peek(const dialect *d, size_t ahead)
{
    return d->at + ahead < d->text.size ? d->text.data[d->at + ahead] : -1;
}

bool
dialect_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

bool
dialect_is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void
dialect_emit(dialect *d, const char *text)
{
    text_append_string(d->out, text);
}

void
dialect_emit_scalar(dialect *d, uint32_t scalar)
{
    if (scalar < 0x80 && (dialect_is_digit((int)scalar) || dialect_is_letter((int)scalar))) {
        text_append_format(d->out, "%c", (int)scalar);
    } else {
        text_append_format(d->out, "\\x{%x}", scalar);
    }
}

void
dialect_set_operand(dialect *d)
{
    d->operand = true;
    d->repeated = false;
    d->weight = 1;
}

uint32_t
dialect_take_scalar(dialect *d)
{
    const unsigned char *at = d->text.data + d->at;
    size_t length = utf8_sequence(at, d->text.size - d->at);
    uint32_t scalar = length == 1 ? at[0] : at[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        scalar = scalar << 6 | (at[i] & 0x3F);
    }
    d->at += length;
    return scalar;
}

/* ---- what the peer's gate refuses before compiling ---- */

static bool
repeats(int c, bool question)
{
    return c == '*' || c == '+' || (question && c == '?');
}

static bool
is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

/* `\)[+*?]\s*[+*?]` or `\([^)]*[+*]\)[+*]`, found anywhere. */
static bool
is_dangerous(dialect *d)
{
    bool open = false;
    for (d->at = 0; d->at < d->text.size; d->at++) {
        open = open || dialect_peek(d, 0) == '(';
        if (dialect_peek(d, 0) != ')') {
            continue;
        }
        size_t ahead = 2;
        while (is_space(dialect_peek(d, ahead))) {
            ahead++;
        }
        bool twice = repeats(dialect_peek(d, 1), true) && repeats(dialect_peek(d, ahead), true);
        bool nested =
            open && d->at > 0 && repeats(d->text.data[d->at - 1], false) && repeats(dialect_peek(d, 1), false);
        if (twice || nested) {
            return true;
        }
        open = false;
    }
    d->at = 0;
    return false;
}

/* ---- groups ---- */

/* The flags after `(?`, up to and with `:` or `)`. */
static aip_status
take_flags(dialect *d, dialect_group *state, bool *opens)
{
    bool on = true, any = false;
    char with[4] = "", without[4] = "";
    for (;; d->at++) {
        int c = dialect_peek(d, 0);
        if (c == ':' || c == ')') {
            break;
        }
        if (c == '-' && on) {
            on = any = false;
            continue;
        }
        if (c < 0 || strchr("imsU", c) == NULL) {
            return dialect_refuse(d, "a group that is not of the dialect");
        }
        any = true;
        state->multi_line = c == 'm' ? on : state->multi_line;
        state->swapped = c == 'U' ? on : state->swapped;
        char *list = on ? with : without;
        if (c != 'U' && strchr(list, c) == NULL) {
            list[strlen(list)] = (char)c;
        }
    }
    if (!on && !any) {
        return dialect_refuse(d, "a group that is not of the dialect");
    }
    *opens = dialect_peek(d, 0) == ':';
    d->at++;
    text_append_format(d->out, "(?%s%s%s%s", with, without[0] == '\0' ? "" : "-", without, *opens ? ":" : ")");
    return AIP_OK;
}

/* `P<name>` or `<name>`; nothing refers to it, so it is left out. */
static aip_status
take_name(dialect *d)
{
    size_t from;
    d->at += dialect_peek(d, 0) == 'P' ? 2 : 1;
    from = d->at;
    while (dialect_is_letter(dialect_peek(d, 0)) || dialect_is_digit(dialect_peek(d, 0)) || dialect_peek(d, 0) == '_') {
        d->at++;
    }
    if (d->at == from || dialect_peek(d, 0) != '>') {
        return dialect_refuse(d, "a group that is not of the dialect");
    }
    d->at++;
    dialect_emit(d, "(?:");
    return AIP_OK;
}

static aip_status
take_open(dialect *d)
{
    dialect_group inner = d->groups[d->depth];
    bool opens = true;
    inner.weight = 1;
    d->at++;
    if (dialect_peek(d, 0) != '?') {
        dialect_emit(d, "(?:");
    } else {
        d->at++;
        bool named = dialect_peek(d, 0) == '<' || (dialect_peek(d, 0) == 'P' && dialect_peek(d, 1) == '<');
        AIP_TRY(named ? take_name(d) : take_flags(d, &inner, &opens));
    }
    d->operand = false;
    if (!opens) {
        inner.weight = d->groups[d->depth].weight;
        d->groups[d->depth] = inner;
        return AIP_OK;
    }
    if (d->depth + 1 == DIALECT_GROUPS_MAX) {
        return dialect_refuse(d, "too many groups in groups");
    }
    d->groups[++d->depth] = inner;
    return AIP_OK;
}

static aip_status
take_close(dialect *d)
{
    if (d->depth == 0) {
        return dialect_refuse(d, "a group without its beginning");
    }
    dialect_set_operand(d);
    d->weight = d->groups[d->depth--].weight;
    if (d->weight > d->groups[d->depth].weight) {
        d->groups[d->depth].weight = d->weight;
    }
    d->at++;
    dialect_emit(d, ")");
    return AIP_OK;
}

/* ---- quantifiers ---- */

static bool
take_number(dialect *d, unsigned *value)
{
    size_t from = d->at;
    *value = 0;
    while (dialect_is_digit(dialect_peek(d, 0))) {
        *value = *value > REPEAT_MAX ? *value : *value * 10 + (unsigned)(dialect_peek(d, 0) - '0');
        d->at++;
    }
    return d->at > from;
}

/* {n}, {n,}, {n,m}; false, and the place as it was, when the brace is an ordinary one. */
static bool
take_counts(dialect *d, unsigned *low, unsigned *high, bool *bounded)
{
    size_t from = d->at++;
    bool good = take_number(d, low);
    *high = *low;
    *bounded = true;
    if (good && dialect_peek(d, 0) == ',') {
        d->at++;
        *bounded = take_number(d, high);
        *high = *bounded ? *high : *low;
    }
    good = good && dialect_peek(d, 0) == '}';
    d->at = good ? d->at + 1 : from;
    return good;
}

static aip_status
check_repeat(dialect *d)
{
    if (!d->operand) {
        return dialect_refuse(d, "nothing to repeat");
    }
    return d->repeated ? dialect_refuse(d, "a repeat of a repeat") : AIP_OK;
}

static void
finish_repeat(dialect *d)
{
    bool lazy = dialect_peek(d, 0) == '?';
    d->at += lazy;
    dialect_emit(d, lazy != d->groups[d->depth].swapped ? "?" : "");
    d->repeated = true;
}

static aip_status
take_braces(dialect *d)
{
    unsigned low, high;
    bool bounded;
    if (!take_counts(d, &low, &high, &bounded)) {
        d->at++;
        dialect_emit(d, "\\x{7b}");
        dialect_set_operand(d);
        return AIP_OK;
    }
    AIP_TRY(check_repeat(d));
    unsigned most = high > 1 ? high : 1;
    if (low > REPEAT_MAX || high > REPEAT_MAX || high < low || most * d->weight > REPEAT_MAX) {
        return dialect_refuse(d, "a repeat of too many, or backwards");
    }
    d->weight *= most;
    if (d->weight > d->groups[d->depth].weight) {
        d->groups[d->depth].weight = d->weight;
    }
    text_append_format(d->out, "{%u", low);
    if (!bounded) {
        dialect_emit(d, ",");
    } else if (high != low) {
        text_append_format(d->out, ",%u", high);
    }
    dialect_emit(d, "}");
    finish_repeat(d);
    return AIP_OK;
}

static aip_status
take_repeat(dialect *d)
{
    AIP_TRY(check_repeat(d));
    text_append_format(d->out, "%c", dialect_peek(d, 0));
    d->at++;
    finish_repeat(d);
    return AIP_OK;
}

/* ---- the rest ---- */

/* \Q…\E; without its end, up to the end. */
static void
take_quoted(dialect *d)
{
    d->at++;
    while (d->at < d->text.size && (dialect_peek(d, 0) != '\\' || dialect_peek(d, 1) != 'E')) {
        dialect_emit_scalar(d, dialect_take_scalar(d));
        dialect_set_operand(d);
    }
    d->at += d->at < d->text.size ? 2 : 0;
}

static aip_status
take_backslash(dialect *d)
{
    uint32_t scalar;
    d->at++;
    int c = dialect_peek(d, 0);
    if (c == 'Q') {
        take_quoted(d);
        return AIP_OK;
    }
    if (c == 'A' || c == 'z' || c == 'b' || c == 'B') {
        text_append_format(d->out, "\\%c", c);
        d->at++;
    } else if (c == 'p' || c == 'P') {
        AIP_TRY(dialect_take_property(d));
    } else if (!dialect_take_class_escape(d, false)) {
        AIP_TRY(dialect_take_escaped(d, &scalar));
        dialect_emit_scalar(d, scalar);
    }
    dialect_set_operand(d);
    return AIP_OK;
}

static aip_status
take_plain(dialect *d, const char *as)
{
    d->at++;
    dialect_emit(d, as);
    dialect_set_operand(d);
    d->operand = as[0] != '|';
    return AIP_OK;
}

static aip_status
take_next(dialect *d)
{
    switch (dialect_peek(d, 0)) {
    case '\\':
        return take_backslash(d);
    case '[':
        return dialect_take_class(d);
    case '(':
        return take_open(d);
    case ')':
        return take_close(d);
    case '{':
        return take_braces(d);
    case '*':
    case '+':
    case '?':
        return take_repeat(d);
    case '|':
        return take_plain(d, "|");
    case '.':
        return take_plain(d, ".");
    case '^':
        return take_plain(d, "^");
    case '$':
        return take_plain(d, d->groups[d->depth].multi_line ? "$" : "\\z");
    default:
        dialect_emit_scalar(d, dialect_take_scalar(d));
        dialect_set_operand(d);
        return AIP_OK;
    }
}

static aip_status
check_text(dialect *d)
{
    if (d->text.size > PATTERN_DIALECT_BYTES_MAX) {
        return dialect_refuse(d, "longer than 1000 bytes");
    }
    for (size_t length; d->at < d->text.size; d->at += length) {
        length = utf8_sequence(d->text.data + d->at, d->text.size - d->at);
        if (length == 0 || d->text.data[d->at] == '\0') {
            return dialect_refuse(d, "not UTF-8");
        }
    }
    return is_dangerous(d) ? dialect_refuse(d, "potentially dangerous nested quantifiers") : AIP_OK;
}

aip_status
pattern_from_re2(aip_bytes text, text_buffer *out, aip_error *err)
{
    dialect d = {.text = text, .out = out, .err = err, .groups = {{.weight = 1}}};
    AIP_TRY(check_text(&d));
    while (d.at < text.size) {
        AIP_TRY(take_next(&d));
    }
    return d.depth > 0 ? dialect_refuse(&d, "a group without its end") : text_finish(out, err);
}
