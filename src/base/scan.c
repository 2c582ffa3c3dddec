/* The one pass over JSON bytes: iterative, strict, indexing only (RFC 8259). */
#include "base/scan.h"

#include <stdlib.h>

#include "aip/limits.h"
#include "base/number.h"
#include "base/scan_block.h"
#include "base/scan_inside.h"
#include "base/scan_utf8.h"
#include "base/utf8.h"

/* While a container is open its `next` holds the parent: the nodes are the stack. The place in the text is no member:
 * each reader takes it and gives the place behind what it read, so that it stays in a register. NULL is a refusal,
 * with `status` set. */
typedef struct {
    const unsigned char *begin, *end;
    scan_node *nodes;
    uint32_t count, capacity;
    uint32_t open, last;  /* the innermost open container and the newest child in it, or SCAN_NONE */
    scan_node *container; /* the node of `open`, or `outside`, which has the document for its only child */
    scan_node outside;
    bool grows;
    size_t depth;
    const scan_limits *limits;
    aip_status status;
    aip_error *err;
} scanner;

static __attribute__((cold, noinline)) const unsigned char *
refuse(scanner *s, const unsigned char *at, aip_status status, const char *why)
{
    s->status = aip_fail_at(s->err, status, (size_t)(at - s->begin), "%s", why);
    return NULL;
}

/* What stands where something else belongs. */
static __attribute__((cold, noinline)) const unsigned char *
refuse_byte(scanner *s, const unsigned char *at, const char *wanted)
{
    if (at < s->end && utf8_sequence(at, (size_t)(s->end - at)) == 0) {
        return refuse(s, at, AIP_JSON_UTF8, "not UTF-8");
    }
    return refuse(s, at, AIP_JSON_SYNTAX, wanted);
}

static inline scan_node *
container_of(scanner *s)
{
    return s->open == SCAN_NONE ? &s->outside : &s->nodes[s->open];
}

/* Twice as many, but no more than the rest of the text can hold, where each takes two bytes. */
static size_t
wanted_capacity(const scanner *s, const unsigned char *at)
{
    size_t twice = (size_t)s->capacity * 2 + 8, most = s->count + (size_t)(s->end - at) / 2 + 1;
    return twice < most ? twice : most;
}

static bool
grow(scanner *s, const unsigned char *at)
{
    size_t most = s->limits->nodes < SCAN_NONE ? s->limits->nodes : SCAN_NONE - 1;
    if (!s->grows || s->capacity >= most) {
        (void)refuse(s, at, AIP_JSON_SIZE, "too many values");
        return false;
    }
    size_t capacity = wanted_capacity(s, at);
    capacity = capacity < most ? capacity : most;
    scan_node *nodes = realloc(s->nodes, capacity * sizeof *nodes);
    if (nodes == NULL) {
        s->status = aip_fail(s->err, AIP_NO_MEMORY, NULL);
        return false;
    }
    s->nodes = nodes;
    s->capacity = (uint32_t)capacity;
    s->container = container_of(s);
    return true;
}

/* A new node, linked to the open container; NULL is a refusal. */
static inline scan_node *
append_node(scanner *s, const unsigned char *at)
{
    if (s->count == s->capacity && !grow(s, at)) {
        return NULL;
    }
    scan_node *node = &s->nodes[s->count];
    *node = (scan_node){.next = SCAN_NONE, .lower = SCAN_NONE, .higher = SCAN_NONE};
    if (s->last != SCAN_NONE) {
        s->nodes[s->last].next = s->count;
    }
    s->container->children++;
    s->last = s->count++;
    return node;
}

/* At `\u`: one escape, or the two of a surrogate pair. */
static const unsigned char *
skip_unicode_escape(scanner *s, const unsigned char *at)
{
    int32_t unit = s->end - at >= 6 ? scan_hex4(at + 2) : -1;
    if (unit < 0) {
        return refuse(s, at, AIP_JSON_SYNTAX, "four hexadecimal digits belong after \\u");
    }
    if ((unit & 0xF800) != 0xD800) {
        return at + 6;
    }
    int32_t low = -1;
    if (unit < 0xDC00 && s->end - at >= 12 && at[6] == '\\' && at[7] == 'u') {
        low = scan_hex4(at + 8);
    }
    if (low < 0xDC00 || low > 0xDFFF) {
        return refuse(s, at, AIP_JSON_UTF8, "lone surrogate");
    }
    return at + 12;
}

static inline const unsigned char *
skip_escape(scanner *s, const unsigned char *at)
{
    static const bool letters[256] = {['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
                                      ['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true};
    unsigned char letter = s->end - at >= 2 ? at[1] : 0;
    if (letters[letter]) {
        return at + 2;
    }
    return letter == 'u' ? skip_unicode_escape(s, at) : refuse(s, at, AIP_JSON_SYNTAX, "unknown escape");
}

static inline const unsigned char *
skip_multibyte(scanner *s, const unsigned char *at)
{
    const unsigned char *bad = at, *behind = scan_utf8_run(at, s->end, &bad);
    return behind != NULL ? behind : refuse(s, bad, AIP_JSON_UTF8, "not UTF-8");
}

/* The rest of a string from a byte that does not stand for itself. */
static __attribute__((noinline)) const unsigned char *
skip_string_rest(scanner *s, const unsigned char *at, bool *escaped)
{
    for (;; at = skip_plain(at, s->end)) {
        if (at == s->end) {
            return refuse(s, at, AIP_JSON_SYNTAX, "unterminated string");
        }
        if (*at == '"') {
            return at + 1;
        }
        if (*at == '\\') {
            *escaped = true;
            at = skip_escape(s, at);
        } else if (*at >= 0x80) {
            at = skip_multibyte(s, at);
        } else {
            at = refuse(s, at, AIP_JSON_SYNTAX, "control character in a string");
        }
        if (at == NULL) {
            return NULL;
        }
    }
}

/* From the opening quote to behind the closing one. */
static inline const unsigned char *
skip_string(scanner *s, const unsigned char *at, bool *escaped)
{
    at = skip_plain(at + 1, s->end);
    return at < s->end && *at == '"' ? at + 1 : skip_string_rest(s, at, escaped);
}

/* Few names are told apart by one bit each out of 64, chosen by the name's print. Where the bit is taken already, and
 * among many names, they are compared. */
static inline bool
name_repeats(scanner *s, const scan_node *member)
{
    scan_node *object = s->container;
    uint64_t bit = scan_print_bit(member->hash);
    bool is_new = (object->seen & bit) == 0 && object->children <= SCAN_FEW;
    object->seen |= bit;
    return !is_new && scan_name_repeats(s->begin, s->nodes, s->open, s->last);
}

/* A member's name and its colon. */
static inline const unsigned char *
read_name(scanner *s, const unsigned char *at, scan_node *member)
{
    if (at == s->end || *at != '"') {
        return refuse_byte(s, at, "a member name belongs here");
    }
    const unsigned char *name = at + 1;
    at = skip_string(s, at, &member->name_escaped);
    if (at == NULL) {
        return NULL;
    }
    size_t size = (size_t)(at - 1 - name);
    member->name = (uint32_t)(name - s->begin);
    member->name_end = member->name + (uint32_t)size;
    if (size > AIP_JSON_NAME_BYTES_MAX) {
        return refuse(s, name, AIP_JSON_SIZE, "member name too long");
    }
    member->hash = scan_name_print((scan_string){{name, size}, member->name_escaped});
    if (name_repeats(s, member)) {
        return refuse(s, name, AIP_JSON_DUPLICATE, "");
    }
    if (at == s->end || *at != ':') {
        at = skip_blanks(at, s->end);
    }
    bool colon = at < s->end && *at == ':';
    return colon ? skip_blanks(at + 1, s->end) : refuse_byte(s, at, "a colon belongs here");
}

static inline const unsigned char *
read_digits(scanner *s, const unsigned char *at)
{
    const unsigned char *behind = skip_digits(at, s->end);
    return behind > at ? behind : refuse_byte(s, at, "not a number");
}

static inline const unsigned char *
read_whole_part(scanner *s, const unsigned char *at)
{
    const unsigned char *behind = read_digits(s, at);
    bool padded = behind != NULL && *at == '0' && behind - at > 1;
    return padded ? refuse_byte(s, at + 1, "not a number") : behind;
}

/* From the `e`; *large when it has more than two digits. */
static const unsigned char *
read_exponent(scanner *s, const unsigned char *at, bool *large)
{
    at++;
    at += at < s->end && (*at == '+' || *at == '-');
    const unsigned char *behind = read_digits(s, at);
    *large = behind != NULL && behind - at > 2;
    return behind;
}

/* Does a double hold it? */
static __attribute__((noinline)) const unsigned char *
check_range(scanner *s, const unsigned char *first, const unsigned char *end)
{
    double unused;
    if (number_read((aip_bytes){first, (size_t)(end - first)}, &unused, NULL) != AIP_OK) {
        return refuse(s, first, AIP_JSON_NUMBER, "");
    }
    return end;
}

static inline const unsigned char *
read_number(scanner *s, const unsigned char *first)
{
    bool large = false;
    const unsigned char *at = read_whole_part(s, first + (*first == '-'));
    if (at != NULL && at < s->end && *at == '.') {
        at = read_digits(s, at + 1);
    }
    if (at != NULL && at < s->end && (*at | 0x20) == 'e') {
        at = read_exponent(s, at, &large);
    }
    /* Short and with a small exponent: 10^±299 at most, which a double holds. */
    return at == NULL || (!large && at - first < 200) ? at : check_range(s, first, at);
}

static inline const unsigned char *
skip_word(scanner *s, const unsigned char *at, const char *word, size_t size)
{
    bool same = (size_t)(s->end - at) >= size && memcmp(at, word, size) == 0;
    return same ? at + size : refuse(s, at, AIP_JSON_SYNTAX, "unknown word");
}

static inline const unsigned char *
read_word(scanner *s, const unsigned char *at, scan_node *value)
{
    switch (*at) {
    case 't':
        value->kind = SCAN_TRUE;
        return skip_word(s, at, "true", 4);
    case 'f':
        value->kind = SCAN_FALSE;
        return skip_word(s, at, "false", 5);
    case 'n':
        value->kind = SCAN_NULL;
        return skip_word(s, at, "null", 4);
    default:
        return refuse_byte(s, at, "a value belongs here");
    }
}

static const unsigned char *
open_container(scanner *s, const unsigned char *at, scan_node *node)
{
    if (s->depth >= s->limits->depth) {
        return refuse(s, at, AIP_JSON_DEPTH, "nested too deeply");
    }
    s->depth++;
    node->next = s->open;
    node->seen = 0;
    s->open = s->last;
    s->last = SCAN_NONE;
    s->container = node;
    return at + 1;
}

static const unsigned char *
close_container(scanner *s, const unsigned char *at)
{
    scan_node *node = s->container;
    s->depth--;
    s->last = s->open;
    s->open = node->next;
    s->container = container_of(s);
    node->next = node->lower = node->higher = SCAN_NONE;
    node->end = (uint32_t)(at + 1 - s->begin);
    return at + 1;
}

/* A whole scalar, or the opening of a container. */
static inline const unsigned char *
read_value(scanner *s, const unsigned char *at, scan_node *value)
{
    value->start = (uint32_t)(at - s->begin);
    if (at == s->end) {
        return refuse_byte(s, at, "a value belongs here");
    }
    if (*at == '"') {
        value->kind = SCAN_STRING;
        at = skip_string(s, at, &value->escaped);
    } else if (*at == '-' || byte_is_digit(*at)) {
        value->kind = SCAN_NUMBER;
        at = read_number(s, at);
    } else if (*at == '{' || *at == '[') {
        value->kind = *at == '{' ? SCAN_OBJECT : SCAN_ARRAY;
        return open_container(s, at, value);
    } else {
        at = read_word(s, at, value);
    }
    if (at != NULL) {
        value->end = (uint32_t)(at - s->begin);
    }
    return at;
}

/* Inside a container, not at a comma after an element: closes what ends here, up to the next comma, or to the first
 * element of a container, or to the end of the document. */
static const unsigned char *
close_containers(scanner *s, const unsigned char *at)
{
    while (s->open != SCAN_NONE) {
        at = skip_blanks(at, s->end);
        if (at == s->end) {
            return refuse(s, at, AIP_JSON_SYNTAX, "the text ends early");
        }
        if (*at == (s->container->kind == SCAN_OBJECT ? '}' : ']')) {
            at = close_container(s, at);
        } else if (s->last == SCAN_NONE) {
            return at;
        } else {
            return *at == ',' ? skip_blanks(at + 1, s->end) : refuse_byte(s, at, "a comma or the end belongs here");
        }
    }
    return at;
}

/* After an opening or an element: mostly there is a comma. Up to where the next element belongs, or to the end of the
 * document. */
static inline const unsigned char *
find_element(scanner *s, const unsigned char *at)
{
    bool comma = at < s->end && *at == ',' && s->last != SCAN_NONE && s->open != SCAN_NONE;
    return comma ? skip_blanks(at + 1, s->end) : close_containers(s, at);
}

static const unsigned char *
read_document(scanner *s)
{
    const unsigned char *at = skip_blanks(s->begin, s->end);
    do {
        scan_node *node = append_node(s, at);
        if (node == NULL) {
            return NULL;
        }
        if (s->container->kind == SCAN_OBJECT) {
            at = read_name(s, at, node);
        }
        at = at == NULL ? NULL : read_value(s, at, node);
        at = at == NULL ? NULL : find_element(s, at);
    } while (at != NULL && s->open != SCAN_NONE);
    return at;
}

static aip_status
scan_text(scanner *s)
{
    if ((size_t)(s->end - s->begin) > s->limits->bytes || (size_t)(s->end - s->begin) >= SCAN_NONE) {
        return aip_fail(s->err, AIP_JSON_SIZE, NULL);
    }
    if (s->end - s->begin >= 3 && memcmp(s->begin, "\xEF\xBB\xBF", 3) == 0) {
        return aip_fail_at(s->err, AIP_JSON_UTF8, 0, "byte order mark");
    }
    if (name_hash_key() == NULL) { /* many names, and who reads the nodes, need it */
        return aip_fail(s->err, AIP_INTERNAL, "no randomness");
    }
    s->container = &s->outside;
    const unsigned char *at = read_document(s);
    if (at == NULL) {
        return s->status;
    }
    at = skip_blanks(at, s->end);
    return at == s->end ? AIP_OK : aip_fail_at(s->err, AIP_JSON_TRAILING, (size_t)(at - s->begin), NULL);
}

static scanner
begin(aip_bytes text, const scan_limits *limits, aip_error *err)
{
    static const unsigned char nothing[1];
    const unsigned char *first = text.data == NULL ? nothing : text.data;
    return (scanner){.begin = first,
                     .end = first + text.size,
                     .open = SCAN_NONE,
                     .last = SCAN_NONE,
                     .limits = limits,
                     .status = AIP_INTERNAL,
                     .err = err};
}

aip_status
scan_into(aip_bytes text, const scan_limits *limits, scan_node *nodes, uint32_t capacity, scan_document *out,
          aip_error *err)
{
    scanner s = begin(text, limits, err);
    *out = (scan_document){0};
    s.nodes = nodes;
    s.capacity = capacity < limits->nodes ? capacity : (uint32_t)limits->nodes;
    AIP_TRY(scan_text(&s));
    *out = (scan_document){.text = text, .nodes = s.nodes, .capacity = s.capacity, .count = s.count};
    return AIP_OK;
}

aip_status
scan_reload(scan_document *document, aip_bytes text, const scan_limits *limits, aip_error *err)
{
    scanner s = begin(text, limits, err);
    document->text = (aip_bytes){0};
    document->count = 0;
    if (text.size > limits->bytes) {
        return aip_fail(err, AIP_JSON_SIZE, NULL);
    }
    AIP_TRY(scan_make_room(document, text, limits, err));
    s.grows = true;
    s.nodes = document->nodes;
    s.capacity = document->capacity < limits->nodes ? document->capacity : (uint32_t)limits->nodes;
    aip_status status = scan_text(&s);
    document->nodes = s.nodes;
    document->capacity = s.capacity > document->capacity ? s.capacity : document->capacity;
    if (status == AIP_OK) {
        document->text = text;
        document->count = s.count;
    }
    return status;
}
