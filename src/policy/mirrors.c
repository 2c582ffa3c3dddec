/* Which arguments of a tool stand in headers as well, and whether such a header says the same. */
#include "policy/mirrors.h"

#include <stdlib.h>
#include <strings.h>

#include "base/number.h"
#include "crypto/base64url.h"
#include "net/field.h"

/* ---- declarations ---- */

typedef struct {
    const scan_document *message;
    text_buffer *out;
    size_t begun; /* of `out`, before the first one */
    size_t count, depth;
    char path[MIRROR_DEPTH_MAX][MIRROR_NAME_BYTES_MAX + 1];
    bool broken;
} reading;

static bool
has_type(const scan_document *message, uint32_t schema)
{
    static const char *const types[] = {"string", "integer", "boolean", "number"};
    uint32_t type = scan_member(message, schema, "type");
    bool found = false;
    for (size_t i = 0; type != SCAN_NONE && i < sizeof types / sizeof types[0]; i++) {
        found = found || (scan_kind_of(message, type) == SCAN_STRING &&
                          scan_string_equals(message, type, aip_bytes_of(types[i])));
    }
    return found;
}

static bool
same_header(aip_bytes a, aip_bytes b)
{
    return a.size == b.size && strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0;
}

static bool
is_declared(const reading *r, aip_bytes header)
{
    mirror before;
    aip_bytes rest = aip_bytes_from(text_view(r->out), r->begun);
    while (mirrors_next(&rest, &before)) {
        if (same_header(before.header, header)) {
            return true;
        }
    }
    return false;
}

/* Its length, the text and a NUL. */
static void
append_text(text_buffer *out, const char *text, size_t size)
{
    unsigned char length = (unsigned char)size;
    text_append(out, (aip_bytes){&length, 1});
    text_append(out, (aip_bytes){(const unsigned char *)text, size});
    text_append(out, (aip_bytes){(const unsigned char *)"", 1});
}

static void
declare(reading *r, uint32_t schema, uint32_t name, bool reachable)
{
    char header[MIRROR_NAME_BYTES_MAX];
    size_t size = 0;
    bool good = reachable && r->depth > 0 && r->count < MIRRORS_MAX && scan_kind_of(r->message, name) == SCAN_STRING &&
                scan_unescape(r->message, name, header, sizeof header, &size, NULL) == AIP_OK &&
                field_is_token((aip_bytes){(const unsigned char *)header, size}) && has_type(r->message, schema) &&
                !is_declared(r, (aip_bytes){(const unsigned char *)header, size});
    if (!good) {
        r->broken = true;
        return;
    }
    unsigned char depth = (unsigned char)r->depth;
    r->count++;
    append_text(r->out, header, size);
    text_append(r->out, (aip_bytes){&depth, 1});
    for (size_t i = 0; i < r->depth; i++) {
        append_text(r->out, r->path[i], strlen(r->path[i]));
    }
}

static void walk(reading *r, uint32_t schema, bool reachable);

/* False: a path through it cannot be told. */
static bool
enter(reading *r, uint32_t property)
{
    size_t size = 0;
    if (r->depth == MIRROR_DEPTH_MAX ||
        scan_unescape_name(r->message, property, r->path[r->depth], MIRROR_NAME_BYTES_MAX, &size, NULL) != AIP_OK ||
        memchr(r->path[r->depth], '\0', size) != NULL) {
        return false;
    }
    r->path[r->depth++][size] = '\0';
    return true;
}

static void
walk_properties(reading *r, uint32_t properties, bool reachable)
{
    if (scan_kind_of(r->message, properties) != SCAN_OBJECT) {
        return;
    }
    for (uint32_t each = scan_child(r->message, properties); each != SCAN_NONE; each = scan_next(r->message, each)) {
        bool entered = reachable && enter(r, each);
        walk(r, each, entered);
        r->depth -= entered;
    }
}

/* All that is below `node`, one step or two: a declaration there is one at a place where none may be. */
static void
walk_branches(reading *r, uint32_t node, bool named)
{
    bool of_many = scan_kind_of(r->message, node) == SCAN_ARRAY || named;
    if (!of_many) {
        walk(r, node, false);
        return;
    }
    for (uint32_t each = scan_child(r->message, node); each != SCAN_NONE; each = scan_next(r->message, each)) {
        walk(r, each, false);
    }
}

/* Keywords of JSON Schema that hold schemas which an instance may or may not have to obey. */
static void
walk_keyword(reading *r, uint32_t member)
{
    static const char *const one_or_list[] = {"items",
                                              "prefixItems",
                                              "contains",
                                              "additionalProperties",
                                              "unevaluatedProperties",
                                              "unevaluatedItems",
                                              "propertyNames",
                                              "oneOf",
                                              "anyOf",
                                              "allOf",
                                              "not",
                                              "if",
                                              "then",
                                              "else",
                                              "contentSchema"};
    static const char *const by_name[] = {"patternProperties", "dependentSchemas", "dependencies", "$defs",
                                          "definitions"};
    for (size_t i = 0; i < sizeof one_or_list / sizeof one_or_list[0]; i++) {
        if (scan_name_equals(r->message, member, aip_bytes_of(one_or_list[i]))) {
            walk_branches(r, member, false);
        }
    }
    for (size_t i = 0; i < sizeof by_name / sizeof by_name[0]; i++) {
        if (scan_name_equals(r->message, member, aip_bytes_of(by_name[i]))) {
            walk_branches(r, member, true);
        }
    }
}

/* The depth of recursion is that of the message, which is bounded. */
static void
walk(reading *r, uint32_t schema, bool reachable)
{
    if (r->broken || scan_kind_of(r->message, schema) != SCAN_OBJECT) {
        return;
    }
    for (uint32_t each = scan_child(r->message, schema); each != SCAN_NONE; each = scan_next(r->message, each)) {
        if (scan_name_equals(r->message, each, AIP_BYTES_LITERAL("x-mcp-header"))) {
            declare(r, schema, each, reachable);
        } else if (scan_name_equals(r->message, each, AIP_BYTES_LITERAL("properties"))) {
            walk_properties(r, each, reachable);
        } else {
            walk_keyword(r, each);
        }
    }
}

aip_status
mirrors_read(const scan_document *message, uint32_t tool, text_buffer *out, aip_error *err)
{
    reading r = {.message = message, .out = out, .begun = out->size};
    uint32_t schema = scan_member(message, tool, "inputSchema");
    if (schema != SCAN_NONE) {
        walk(&r, schema, true);
    }
    out->size = r.broken ? r.begun : out->size;
    return text_finish(out, err);
}

static aip_bytes
take_text(aip_bytes *rest)
{
    aip_bytes text = {rest->data + 1, rest->data[0]};
    *rest = aip_bytes_from(*rest, text.size + 2);
    return text;
}

bool
mirrors_next(aip_bytes *rest, mirror *out)
{
    if (rest->size == 0) {
        return false;
    }
    out->header = take_text(rest);
    out->depth = rest->data[0];
    *rest = aip_bytes_from(*rest, 1);
    for (size_t i = 0; i < out->depth; i++) {
        out->path[i] = (const char *)take_text(rest).data;
    }
    return true;
}

/* ---- values ---- */

uint32_t
mirror_find(const mirror *m, const scan_document *document, uint32_t arguments)
{
    uint32_t at = arguments;
    for (size_t i = 0; i < m->depth && at != SCAN_NONE; i++) {
        at = scan_member(document, at, m->path[i]);
    }
    return at == SCAN_NONE || scan_kind_of(document, at) == SCAN_NULL ? SCAN_NONE : at;
}

/* As clients have it that read numbers as doubles: a whole one that a double cannot tell from its neighbours is not
 * repeated. */
static bool
is_safe_number(aip_bytes literal)
{
    static const double largest = 9007199254740991.0;
    double value = 0;
    return number_read(literal, &value, NULL) == AIP_OK && value >= -largest && value <= largest;
}

bool
mirror_is_owed(const scan_document *document, uint32_t value)
{
    switch (scan_kind_of(document, value)) {
    case SCAN_STRING:
    case SCAN_FALSE:
    case SCAN_TRUE:
        return true;
    case SCAN_NUMBER:
        return is_safe_number(scan_raw(document, value));
    case SCAN_NULL:
    case SCAN_ARRAY:
    case SCAN_OBJECT:
        break;
    }
    return false;
}

/* Digits, and perhaps a sign before them and a fraction behind. */
static bool
is_decimal(aip_bytes text)
{
    size_t at = text.size > 0 && text.data[0] == '-', point = 0, begun = at;
    for (; at < text.size; at++) {
        bool digit = text.data[at] >= '0' && text.data[at] <= '9';
        if (!digit && (text.data[at] != '.' || point != 0 || at == begun)) {
            return false;
        }
        point = digit ? point : at;
    }
    return at > begun && point != at - 1;
}

/* Beyond what a double tells apart the digits are what counts. */
static bool
same_number(aip_bytes literal, aip_bytes header)
{
    double value = 0, mirrored = 0;
    return aip_bytes_equal(literal, header) ||
           (is_decimal(header) && is_safe_number(literal) && number_read(literal, &value, NULL) == AIP_OK &&
            number_read(header, &mirrored, NULL) == AIP_OK && value == mirrored);
}

/* What a string, number or boolean is as text. */
static aip_status
append_plain(const scan_document *document, uint32_t value, text_buffer *out, aip_error *err)
{
    aip_bytes raw = scan_raw(document, value);
    size_t size = 0;
    if (scan_kind_of(document, value) != SCAN_STRING) {
        text_append(out, raw);
        return text_finish(out, err);
    }
    char *text = malloc(raw.size + 1);
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = scan_unescape(document, value, text, raw.size + 1, &size, err);
    text_append(out, (aip_bytes){(const unsigned char *)text, status == AIP_OK ? size : 0});
    free(text);
    return status == AIP_OK ? text_finish(out, err) : status;
}

static const char cover[] = "=?base64?", cover_end[] = "?=";

static bool
is_covered(aip_bytes text)
{
    size_t before = sizeof cover - 1, after = sizeof cover_end - 1;
    return text.size >= before + after && memcmp(text.data, cover, before) == 0 &&
           memcmp(text.data + text.size - after, cover_end, after) == 0;
}

static bool
is_visible(aip_bytes text)
{
    bool good = true;
    for (size_t i = 0; good && i < text.size; i++) {
        good = text.data[i] == '\t' || (text.data[i] >= ' ' && text.data[i] <= '~');
    }
    return good;
}

aip_status
mirror_decode(aip_bytes header, text_buffer *out, bool *good, aip_error *err)
{
    size_t size = 0, around = sizeof cover - 1 + sizeof cover_end - 1;
    if (!is_covered(header)) {
        *good = is_visible(header);
        text_append(out, header);
        return text_finish(out, err);
    }
    unsigned char *bytes = malloc(header.size);
    if (bytes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    *good = base64_decode((aip_bytes){header.data + sizeof cover - 1, header.size - around}, bytes, header.size, &size,
                          NULL) == AIP_OK;
    text_append(out, (aip_bytes){bytes, *good ? size : 0});
    free(bytes);
    return text_finish(out, err);
}

aip_status
mirror_check(const scan_document *document, uint32_t value, aip_bytes header, aip_error *err)
{
    TEXT_AUTO text_buffer said = {0}, wanted = {0};
    bool good = false;
    AIP_TRY(mirror_decode(header, &said, &good, err));
    scan_kind kind = scan_kind_of(document, value);
    if (good && kind != SCAN_ARRAY && kind != SCAN_OBJECT) {
        AIP_TRY(append_plain(document, value, &wanted, err));
        good = kind == SCAN_NUMBER ? same_number(text_view(&wanted), text_view(&said))
                                   : aip_bytes_equal(text_view(&wanted), text_view(&said));
    } else {
        good = false;
    }
    return good ? AIP_OK : aip_fail(err, AIP_REQUEST_HEADERS, "differs from the body");
}

/* Can a field carry it as it is? */
static bool
is_field_text(aip_bytes text)
{
    return text.size > 0 && is_visible(text) && !is_covered(text) && strchr(" \t", text.data[0]) == NULL &&
           strchr(" \t", text.data[text.size - 1]) == NULL;
}

aip_status
mirror_append(const scan_document *document, uint32_t value, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer plain = {0};
    AIP_TRY(append_plain(document, value, &plain, err));
    if (is_field_text(text_view(&plain))) {
        text_append(out, text_view(&plain));
        return text_finish(out, err);
    }
    char *coded = malloc(BASE64_TEXT_SIZE(plain.size) + 1);
    if (coded == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    base64_encode(text_view(&plain), coded);
    text_append_format(out, "%s%s%s", cover, coded, cover_end);
    free(coded);
    return text_finish(out, err);
}
