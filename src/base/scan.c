/* The one pass over JSON bytes: iterative, strict, indexing only (RFC 8259). */
#include "base/scan.h"

#include <endian.h>
#include <stdlib.h>

#include "aip/limits.h"
#include "base/number.h"
#include "base/scan_inside.h"
#include "base/utf8.h"

/* While a container is open its `next` holds the parent and its `end` the last child: the nodes are the stack. */
typedef struct {
    const unsigned char *begin, *at, *end;
    scan_node *nodes;
    uint32_t count, capacity, open; /* open: the innermost open container */
    bool grows;
    size_t depth;
    const scan_limits *limits;
    const name_key *key;
    aip_error *err;
} scanner;

static aip_status
refuse(const scanner *s, aip_status status, const char *why)
{
    return aip_fail_at(s->err, status, (size_t)(s->at - s->begin), "%s", why);
}

static inline void
skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t')) {
        s->at++;
    }
}

/* What stands where something else belongs. */
static aip_status
refuse_byte(const scanner *s, const char *wanted)
{
    if (s->at < s->end && utf8_sequence(s->at, (size_t)(s->end - s->at)) == 0) {
        return refuse(s, AIP_JSON_UTF8, "not UTF-8");
    }
    return refuse(s, AIP_JSON_SYNTAX, wanted);
}

static aip_status
grow(scanner *s)
{
    size_t most = s->limits->nodes < SCAN_NONE ? s->limits->nodes : SCAN_NONE - 1;
    if (!s->grows || s->capacity >= most) {
        return refuse(s, AIP_JSON_SIZE, "too many values");
    }
    size_t capacity = s->capacity < most / 2 ? (size_t)s->capacity * 2 : most;
    scan_node *nodes = realloc(s->nodes, capacity * sizeof *nodes);
    if (nodes == NULL) {
        return aip_fail(s->err, AIP_NO_MEMORY, NULL);
    }
    s->nodes = nodes;
    s->capacity = (uint32_t)capacity;
    return AIP_OK;
}

/* A new node, linked to the open container. */
static inline aip_status
append_node(scanner *s, uint32_t *out)
{
    if (s->count == s->capacity) {
        AIP_TRY(grow(s));
    }
    uint32_t node = s->count++;
    s->nodes[node] = (scan_node){.next = SCAN_NONE, .lower = SCAN_NONE, .higher = SCAN_NONE};
    if (s->open != SCAN_NONE) {
        scan_node *parent = &s->nodes[s->open];
        if (parent->children++ > 0) {
            s->nodes[parent->end].next = node;
        }
        parent->end = node;
    }
    *out = node;
    return AIP_OK;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* High bits set at control characters, quotes, backslashes and bytes above 0x7F. A borrow can set a wrong
 * bit only above a right one, and only the lowest is used. */
static inline uint64_t
stops_in(uint64_t word)
{
    uint64_t control = word - EACH_BYTE(0x20);
    uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
    uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
    return (control | quote | backslash | word) & EACH_BYTE(0x80);
}

static inline bool
is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static inline const unsigned char *
skip_plain(const unsigned char *at, const unsigned char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t stops = stops_in(le64toh(word));
        if (stops != 0) {
            return at + (__builtin_ctzll(stops) >> 3);
        }
    }
    while (at < end && is_plain(*at)) {
        at++;
    }
    return at;
}

/* At `\u`: one escape, or the two of a surrogate pair. */
static aip_status
skip_unicode_escape(scanner *s)
{
    int32_t unit = s->end - s->at >= 6 ? scan_hex4(s->at + 2) : -1;
    if (unit < 0) {
        return refuse(s, AIP_JSON_SYNTAX, "four hexadecimal digits belong after \\u");
    }
    if ((unit & 0xF800) != 0xD800) {
        s->at += 6;
        return AIP_OK;
    }
    int32_t low = -1;
    if (unit < 0xDC00 && s->end - s->at >= 12 && s->at[6] == '\\' && s->at[7] == 'u') {
        low = scan_hex4(s->at + 8);
    }
    if (low < 0xDC00 || low > 0xDFFF) {
        return refuse(s, AIP_JSON_UTF8, "lone surrogate");
    }
    s->at += 12;
    return AIP_OK;
}

static aip_status
skip_escape(scanner *s)
{
    switch (s->end - s->at >= 2 ? s->at[1] : 0) {
    case 'u':
        return skip_unicode_escape(s);
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->at += 2;
        return AIP_OK;
    default:
        return refuse(s, AIP_JSON_SYNTAX, "unknown escape");
    }
}

static aip_status
skip_multibyte(scanner *s)
{
    do {
        size_t length = utf8_sequence(s->at, (size_t)(s->end - s->at));
        if (length == 0) {
            return refuse(s, AIP_JSON_UTF8, "not UTF-8");
        }
        s->at += length;
    } while (s->at < s->end && *s->at >= 0x80);
    return AIP_OK;
}

/* From the opening quote to behind the closing one. */
static aip_status
skip_string(scanner *s, bool *escaped)
{
    s->at++;
    for (;;) {
        s->at = skip_plain(s->at, s->end);
        if (s->at == s->end) {
            return refuse(s, AIP_JSON_SYNTAX, "unterminated string");
        }
        if (*s->at == '"') {
            s->at++;
            return AIP_OK;
        }
        if (*s->at == '\\') {
            *escaped = true;
            AIP_TRY(skip_escape(s));
        } else if (*s->at >= 0x80) {
            AIP_TRY(skip_multibyte(s));
        } else {
            return refuse(s, AIP_JSON_SYNTAX, "control character in a string");
        }
    }
}

static inline scan_string
name_of(const scanner *s, const scan_node *node)
{
    return (scan_string){{s->begin + node->name, node->name_end - node->name}, node->name_escaped};
}

/* Puts the name of `node` into its object's search tree, whose root is the first member. */
static aip_status
insert_name(scanner *s, uint32_t node)
{
    scan_node *added = &s->nodes[node];
    uint32_t root = s->open + 1;
    for (uint32_t *link = &root; *link != node;) {
        scan_node *other = &s->nodes[*link];
        if (other->hash == added->hash && scan_same_name(name_of(s, other), name_of(s, added))) {
            return aip_fail_at(s->err, AIP_JSON_DUPLICATE, added->name, NULL);
        }
        link = added->hash < other->hash ? &other->lower : &other->higher;
        *link = *link == SCAN_NONE ? node : *link;
    }
    return AIP_OK;
}

/* A member's name and its colon. */
static aip_status
read_name(scanner *s, uint32_t node)
{
    if (s->at == s->end || *s->at != '"') {
        return refuse_byte(s, "a member name belongs here");
    }
    scan_node *member = &s->nodes[node];
    member->name = (uint32_t)(s->at + 1 - s->begin);
    AIP_TRY(skip_string(s, &member->name_escaped));
    member->name_end = (uint32_t)(s->at - 1 - s->begin);
    if (member->name_end - member->name > AIP_JSON_NAME_BYTES_MAX) {
        return aip_fail_at(s->err, AIP_JSON_SIZE, member->name, "member name too long");
    }
    member->hash = (uint32_t)scan_name_hash(s->key, name_of(s, member));
    AIP_TRY(insert_name(s, node));
    skip_space(s);
    if (s->at == s->end || *s->at != ':') {
        return refuse_byte(s, "a colon belongs here");
    }
    s->at++;
    skip_space(s);
    return AIP_OK;
}

static inline bool
skip_digits(scanner *s)
{
    const unsigned char *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        s->at++;
    }
    return s->at > first;
}

/* The part after `e`; *large when it has more than two digits. */
static bool
skip_exponent(scanner *s, bool *large)
{
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) {
        s->at++;
    }
    const unsigned char *first = s->at;
    bool found = skip_digits(s);
    *large = s->at - first > 2;
    return found;
}

static aip_status
skip_number(scanner *s)
{
    const unsigned char *first = s->at;
    s->at += *s->at == '-';
    bool zero = s->at < s->end && *s->at == '0', large = false, good;
    if (zero) {
        s->at++;
        good = s->at == s->end || *s->at < '0' || *s->at > '9';
    } else {
        good = skip_digits(s);
    }
    if (good && s->at < s->end && *s->at == '.') {
        s->at++;
        good = skip_digits(s);
    }
    if (good && s->at < s->end && (*s->at | 0x20) == 'e') {
        good = skip_exponent(s, &large);
    }
    if (!good) {
        return refuse_byte(s, "not a number");
    }
    /* Short and with a small exponent: 10^±299 at most, which a double holds. */
    if (!large && s->at - first < 200) {
        return AIP_OK;
    }
    double unused;
    if (number_read((aip_bytes){first, (size_t)(s->at - first)}, &unused, NULL) != AIP_OK) {
        return aip_fail_at(s->err, AIP_JSON_NUMBER, (size_t)(first - s->begin), NULL);
    }
    return AIP_OK;
}

static aip_status
skip_word(scanner *s, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0) {
        return refuse(s, AIP_JSON_SYNTAX, "unknown word");
    }
    s->at += size;
    return AIP_OK;
}

static aip_status
open_container(scanner *s, uint32_t node)
{
    if (s->depth >= s->limits->depth) {
        return refuse(s, AIP_JSON_DEPTH, "nested too deeply");
    }
    s->depth++;
    s->at++;
    s->nodes[node].next = s->open;
    s->open = node;
    return AIP_OK;
}

static inline void
close_container(scanner *s)
{
    scan_node *node = &s->nodes[s->open];
    s->at++;
    s->depth--;
    s->open = node->next;
    node->next = SCAN_NONE;
    node->end = (uint32_t)(s->at - s->begin);
}

/* A whole scalar, or the opening of a container. */
static aip_status
read_value(scanner *s, uint32_t node)
{
    scan_node *value = &s->nodes[node];
    aip_status status;
    value->start = (uint32_t)(s->at - s->begin);
    switch (s->at < s->end ? *s->at : 0) {
    case '{':
        value->kind = SCAN_OBJECT;
        return open_container(s, node);
    case '[':
        value->kind = SCAN_ARRAY;
        return open_container(s, node);
    case '"':
        value->kind = SCAN_STRING;
        status = skip_string(s, &value->escaped);
        break;
    case 't':
        value->kind = SCAN_TRUE;
        status = skip_word(s, "true");
        break;
    case 'f':
        value->kind = SCAN_FALSE;
        status = skip_word(s, "false");
        break;
    case 'n':
        value->kind = SCAN_NULL;
        status = skip_word(s, "null");
        break;
    default:
        if (s->at == s->end || (*s->at != '-' && (*s->at < '0' || *s->at > '9'))) {
            return refuse_byte(s, "a value belongs here");
        }
        value->kind = SCAN_NUMBER;
        status = skip_number(s);
        break;
    }
    value->end = (uint32_t)(s->at - s->begin);
    return status;
}

/* Inside a container, after its opening or after an element: its end or the next element. */
static inline aip_status
step(scanner *s)
{
    const scan_node *open = &s->nodes[s->open];
    bool object = open->kind == SCAN_OBJECT;
    skip_space(s);
    if (s->at == s->end) {
        return refuse(s, AIP_JSON_SYNTAX, "the text ends early");
    }
    if (*s->at == (object ? '}' : ']')) {
        close_container(s);
        return AIP_OK;
    }
    if (open->children > 0) {
        if (*s->at != ',') {
            return refuse_byte(s, "a comma or the end belongs here");
        }
        s->at++;
        skip_space(s);
    }
    uint32_t node;
    AIP_TRY(append_node(s, &node));
    if (object) {
        AIP_TRY(read_name(s, node));
    }
    return read_value(s, node);
}

static aip_status
scan_text(scanner *s)
{
    if ((size_t)(s->end - s->begin) > s->limits->bytes || (size_t)(s->end - s->begin) >= SCAN_NONE) {
        return aip_fail(s->err, AIP_JSON_SIZE, NULL);
    }
    if (s->end - s->begin >= 3 && memcmp(s->begin, "\xEF\xBB\xBF", 3) == 0) {
        return refuse(s, AIP_JSON_UTF8, "byte order mark");
    }
    s->key = name_hash_key();
    if (s->key == NULL) {
        return aip_fail(s->err, AIP_INTERNAL, "no randomness");
    }
    uint32_t root;
    skip_space(s);
    AIP_TRY(append_node(s, &root));
    AIP_TRY(read_value(s, root));
    while (s->open != SCAN_NONE) {
        AIP_TRY(step(s));
    }
    skip_space(s);
    return s->at == s->end ? AIP_OK : refuse(s, AIP_JSON_TRAILING, "");
}

static scanner
begin(aip_bytes text, const scan_limits *limits, aip_error *err)
{
    static const unsigned char nothing[1];
    const unsigned char *first = text.data == NULL ? nothing : text.data;
    const unsigned char *end = first + text.size;
    return (scanner){.begin = first, .at = first, .end = end, .open = SCAN_NONE, .limits = limits, .err = err};
}

static void
deliver(const scanner *s, aip_bytes text, scan_document *out)
{
    *out = (scan_document){.text = text, .nodes = s->nodes, .capacity = s->capacity, .count = s->count};
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
    deliver(&s, text, out);
    return AIP_OK;
}

aip_status
scan_load(aip_bytes text, const scan_limits *limits, scan_document *out, aip_error *err)
{
    scanner s = begin(text, limits, err);
    *out = (scan_document){0};
    if (text.size > limits->bytes) {
        return aip_fail(err, AIP_JSON_SIZE, NULL);
    }
    /* A value takes some 20 bytes in ordinary messages; what is denser grows. */
    size_t guess = text.size / 16 + 8;
    guess = guess < limits->nodes ? guess : limits->nodes;
    s.grows = true;
    s.capacity = (uint32_t)(guess < SCAN_NONE ? guess : SCAN_NONE - 1);
    s.nodes = malloc((size_t)s.capacity * sizeof *s.nodes);
    if (s.nodes == NULL && s.capacity > 0) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = scan_text(&s);
    if (status != AIP_OK) {
        free(s.nodes);
        return status;
    }
    deliver(&s, text, out);
    return AIP_OK;
}

void
scan_clear(scan_document *document)
{
    free(document->nodes);
    *document = (scan_document){0};
}
