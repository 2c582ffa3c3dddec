/* Tells plain scalars that all readers of YAML take for the same thing from those that they do not. */
#include "base/yaml_inside.h"

typedef struct {
    const char *text;
    yaml_scalar kind;
} word;

/* YAML 1.2 core schema section 10.3.2; yaml.org/type/{null,bool,merge,value} of 1.1. */
static const word words[] = {
    {"", YAML_NULL},
    {"~", YAML_NULL},
    {"null", YAML_NULL},
    {"Null", YAML_NULL},
    {"NULL", YAML_NULL},
    {"true", YAML_TRUE},
    {"True", YAML_TRUE},
    {"TRUE", YAML_TRUE},
    {"false", YAML_FALSE},
    {"False", YAML_FALSE},
    {"FALSE", YAML_FALSE},
    {"y", YAML_UNCLEAR_WORD},
    {"Y", YAML_UNCLEAR_WORD},
    {"n", YAML_UNCLEAR_WORD},
    {"N", YAML_UNCLEAR_WORD},
    {"yes", YAML_UNCLEAR_WORD},
    {"Yes", YAML_UNCLEAR_WORD},
    {"YES", YAML_UNCLEAR_WORD},
    {"no", YAML_UNCLEAR_WORD},
    {"No", YAML_UNCLEAR_WORD},
    {"NO", YAML_UNCLEAR_WORD},
    {"on", YAML_UNCLEAR_WORD},
    {"On", YAML_UNCLEAR_WORD},
    {"ON", YAML_UNCLEAR_WORD},
    {"off", YAML_UNCLEAR_WORD},
    {"Off", YAML_UNCLEAR_WORD},
    {"OFF", YAML_UNCLEAR_WORD},
    {"=", YAML_UNCLEAR_WORD},
    {"<<", YAML_MERGE},
};

static const char *const no_numbers[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};

static bool
is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* Number of leading bytes that are digits, or underscores where those count as well. */
static size_t
digits(aip_bytes text, bool underscores)
{
    size_t size = 0;
    while (size < text.size && (is_digit(text.data[size]) || (underscores && text.data[size] == '_'))) {
        size++;
    }
    return size;
}

static bool
take(aip_bytes *text, const char *any_of)
{
    if (text->size == 0 || text->data[0] == '\0' || strchr(any_of, text->data[0]) == NULL) {
        return false;
    }
    *text = aip_bytes_from(*text, 1);
    return true;
}

/* RFC 8259 section 6; an exponent as YAML 1.1 wants it too: after a fraction, with a sign. */
static bool
is_number(aip_bytes text, yaml_scalar *kind)
{
    *kind = YAML_INTEGER;
    take(&text, "-");
    size_t whole = digits(text, false);
    if (whole == 0 || (whole > 1 && text.data[0] == '0')) {
        return false;
    }
    text = aip_bytes_from(text, whole);
    if (text.size == 0) {
        return true;
    }
    *kind = YAML_REAL;
    if (!take(&text, ".") || digits(text, false) == 0) {
        return false;
    }
    text = aip_bytes_from(text, digits(text, false));
    if (text.size == 0) {
        return true;
    }
    return take(&text, "eE") && take(&text, "+-") && text.size > 0 && digits(text, false) == text.size;
}

/* 0x1f, 0o17, 0b11 */
static bool
is_based(aip_bytes text)
{
    if (text.size < 3 || text.data[0] != '0' || strchr("xob", text.data[1]) == NULL) {
        return false;
    }
    for (size_t i = 2; i < text.size; i++) {
        if (text.data[i] == '\0' || strchr("0123456789abcdefABCDEF_", text.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* 22:22, 190:20:30.15 */
static bool
is_sexagesimal(aip_bytes text)
{
    size_t parts = 0;
    for (size_t size = digits(text, true); size > 0 && is_digit(text.data[0]); size = digits(text, true)) {
        parts++;
        text = aip_bytes_from(text, size);
        if (text.size == 0 || text.data[0] != ':') {
            break;
        }
        text = aip_bytes_from(text, 1);
    }
    if (take(&text, ".")) {
        text = aip_bytes_from(text, digits(text, true));
    }
    return parts > 1 && text.size == 0;
}

/* 012, +1, 1_000, 1., .5, 1e3, 1.5e3 */
static bool
is_loose_decimal(aip_bytes text)
{
    bool any = false;
    for (size_t i = 0; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        any |= is_digit(text.data[i]);
    }
    text = aip_bytes_from(text, digits(text, true));
    if (take(&text, ".")) {
        text = aip_bytes_from(text, digits(text, true));
    }
    if (text.size > 0 && take(&text, "eE")) {
        take(&text, "+-");
        any = any && text.size > 0;
        text = aip_bytes_from(text, digits(text, false));
    }
    return any && text.size == 0;
}

/* 2026-11-21, with or without a time */
static bool
is_date(aip_bytes text)
{
    static const size_t least[] = {4, 1, 1}, most[] = {4, 2, 2};
    for (size_t i = 0; i < 3; i++) {
        size_t size = digits(text, false);
        if (size < least[i] || size > most[i]) {
            return false;
        }
        text = aip_bytes_from(text, size);
        if (i < 2 && !take(&text, "-")) {
            return false;
        }
    }
    return text.size == 0 || (take(&text, "Tt \t") && text.size > 0);
}

static bool
is_unclear_number(aip_bytes text)
{
    take(&text, "+-");
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++) {
        if (aip_bytes_equal(text, aip_bytes_of(no_numbers[i]))) {
            return true;
        }
    }
    return is_based(text) || is_sexagesimal(text) || is_loose_decimal(text);
}

yaml_scalar
yaml_scalar_of(aip_bytes text)
{
    yaml_scalar kind;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (aip_bytes_equal(text, aip_bytes_of(words[i].text))) {
            return words[i].kind;
        }
    }
    if (is_number(text, &kind)) {
        return kind;
    }
    if (is_date(text)) {
        return YAML_UNCLEAR_DATE;
    }
    return is_unclear_number(text) ? YAML_UNCLEAR_NUMBER : YAML_STRING;
}
