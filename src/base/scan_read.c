/* Reading what the pass has indexed: members, strings, integers, and the check of names. */
#include <stdlib.h>

#include "base/hex.h"
#include "base/scan_inside.h"
#include "base/utf8.h"

int32_t
scan_hex4(const unsigned char *at)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int32_t digit = hex_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Decodes the accepted escape at raw[*at] and steps behind it; returns the number of bytes in `out`. */
static size_t
decode_escape(aip_bytes raw, size_t *at, unsigned char out[4])
{
    static const unsigned char letters[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    unsigned char letter = raw.data[*at + 1];
    if (letter != 'u') {
        *at += 2;
        out[0] = letters[letter];
        return 1;
    }
    uint32_t scalar = (uint32_t)scan_hex4(raw.data + *at + 2);
    *at += 6;
    if ((scalar & 0xF800) == 0xD800) { /* the pass let only pairs through */
        scalar = 0x10000 + ((scalar & 0x3FF) << 10) + ((uint32_t)scan_hex4(raw.data + *at + 2) & 0x3FF);
        *at += 6;
    }
    return utf8_encode(scalar, out);
}

/* The bytes of `raw` from `at` on that stand for themselves. */
static aip_bytes
plain_run(aip_bytes raw, size_t at)
{
    const unsigned char *stop = memchr(raw.data + at, '\\', raw.size - at);
    return (aip_bytes){raw.data + at, stop == NULL ? raw.size - at : (size_t)(stop - raw.data) - at};
}

size_t
scan_decode(scan_string string, unsigned char *out)
{
    size_t used = 0;
    for (size_t at = 0; at < string.raw.size;) {
        aip_bytes run = plain_run(string.raw, at);
        memcpy(out + used, run.data, run.size);
        used += run.size;
        at += run.size;
        if (at < string.raw.size) {
            unsigned char bytes[4];
            size_t size = decode_escape(string.raw, &at, bytes);
            memcpy(out + used, bytes, size);
            used += size;
        }
    }
    return used;
}

/* Takes `part` off the front of `wanted`. */
static bool
take(aip_bytes *wanted, aip_bytes part)
{
    if (!aip_bytes_begin_with(*wanted, part)) {
        return false;
    }
    *wanted = aip_bytes_from(*wanted, part.size);
    return true;
}

bool
scan_decodes_to(scan_string string, aip_bytes wanted)
{
    if (!string.escaped) {
        return aip_bytes_equal(string.raw, wanted);
    }
    for (size_t at = 0; at < string.raw.size;) {
        aip_bytes run = plain_run(string.raw, at);
        if (!take(&wanted, run)) {
            return false;
        }
        at += run.size;
        if (at < string.raw.size) {
            unsigned char bytes[4];
            size_t size = decode_escape(string.raw, &at, bytes);
            if (!take(&wanted, (aip_bytes){bytes, size})) {
                return false;
            }
        }
    }
    return wanted.size == 0;
}

static const scan_node *
node_at(const scan_document *document, uint32_t node)
{
    static const scan_node none = {.next = SCAN_NONE, .lower = SCAN_NONE, .higher = SCAN_NONE};
    return node < document->count ? &document->nodes[node] : &none;
}

static aip_bytes
slice(const scan_document *document, uint32_t start, uint32_t end)
{
    return end == 0 ? (aip_bytes){NULL, 0} : (aip_bytes){document->text.data + start, end - start};
}

uint32_t
scan_child(const scan_document *document, uint32_t node)
{
    return node_at(document, node)->children > 0 ? node + 1 : SCAN_NONE;
}

uint32_t
scan_next(const scan_document *document, uint32_t node)
{
    return node_at(document, node)->next;
}

scan_kind
scan_kind_of(const scan_document *document, uint32_t node)
{
    return (scan_kind)node_at(document, node)->kind;
}

aip_bytes
scan_raw(const scan_document *document, uint32_t node)
{
    const scan_node *found = node_at(document, node);
    return slice(document, found->start, found->end);
}

aip_bytes
scan_raw_name(const scan_document *document, uint32_t node)
{
    const scan_node *found = node_at(document, node);
    return slice(document, found->name, found->name_end);
}

static scan_string
name_of(const scan_document *document, uint32_t node)
{
    return (scan_string){scan_raw_name(document, node), node_at(document, node)->name_escaped};
}

/* Without its quotes; of a string only. */
static scan_string
string_of(const scan_document *document, uint32_t node)
{
    aip_bytes raw = scan_raw(document, node);
    return (scan_string){{raw.data + 1, raw.size - 2}, node_at(document, node)->escaped};
}

/* By print, one member after the other. */
static uint32_t
member_of_few(const scan_document *document, uint32_t node, aip_bytes wanted)
{
    uint32_t print = scan_print_of(wanted);
    for (uint32_t at = node + 1; at != SCAN_NONE; at = document->nodes[at].next) {
        if (document->nodes[at].hash == print && scan_decodes_to(name_of(document, at), wanted)) {
            return at;
        }
    }
    return SCAN_NONE;
}

static uint32_t
member_of_many(const scan_document *document, uint32_t node, aip_bytes wanted)
{
    uint32_t hash = (uint32_t)name_hash(name_hash_key(), wanted); /* the pass has seen that there is a key */
    uint32_t at = node + 1;
    while (at != SCAN_NONE) {
        const scan_node *member = &document->nodes[at];
        if (member->hash == hash && scan_decodes_to(name_of(document, at), wanted)) {
            return at;
        }
        at = hash < member->hash ? member->lower : member->higher;
    }
    return SCAN_NONE;
}

uint32_t
scan_member(const scan_document *document, uint32_t node, const char *name)
{
    const scan_node *object = node_at(document, node);
    if (object->kind != SCAN_OBJECT || object->children == 0) {
        return SCAN_NONE;
    }
    aip_bytes wanted = aip_bytes_of(name);
    return object->tree ? member_of_many(document, node, wanted) : member_of_few(document, node, wanted);
}

bool
scan_name_equals(const scan_document *document, uint32_t node, aip_bytes name)
{
    return node_at(document, node)->name != 0 && scan_decodes_to(name_of(document, node), name);
}

bool
scan_string_equals(const scan_document *document, uint32_t node, aip_bytes wanted)
{
    return scan_kind_of(document, node) == SCAN_STRING && scan_decodes_to(string_of(document, node), wanted);
}

aip_status
scan_plain_string(const scan_document *document, uint32_t node, aip_bytes *out, aip_error *err)
{
    if (scan_kind_of(document, node) != SCAN_STRING) {
        return aip_fail(err, AIP_JSON_SHAPE, "a string belongs here");
    }
    scan_string string = string_of(document, node);
    if (string.escaped) {
        return aip_fail_at(err, AIP_JSON_SHAPE, document->nodes[node].start, "a string without escapes belongs here");
    }
    *out = string.raw;
    return AIP_OK;
}

/* `out` may be smaller than the string as written, which only bounds the string unescaped. */
static aip_status
unescape(scan_string string, char *out, size_t capacity, size_t *size, aip_error *err)
{
    size_t used = 0;
    for (size_t at = 0; at < string.raw.size;) {
        unsigned char bytes[4];
        aip_bytes part = plain_run(string.raw, at);
        at += part.size;
        if (part.size == 0) {
            part = (aip_bytes){bytes, decode_escape(string.raw, &at, bytes)};
        }
        if (part.size > capacity - used) {
            return aip_fail(err, AIP_JSON_SIZE, "a string is longer than %zu bytes", capacity);
        }
        memcpy(out + used, part.data, part.size);
        used += part.size;
    }
    *size = used;
    return AIP_OK;
}

aip_status
scan_unescape(const scan_document *document, uint32_t node, char *out, size_t capacity, size_t *size, aip_error *err)
{
    if (scan_kind_of(document, node) != SCAN_STRING) {
        return aip_fail(err, AIP_JSON_SHAPE, "a string belongs here");
    }
    return unescape(string_of(document, node), out, capacity, size, err);
}

aip_status
scan_unescape_name(const scan_document *document, uint32_t node, char *out, size_t capacity, size_t *size,
                   aip_error *err)
{
    if (node_at(document, node)->name == 0) {
        return aip_fail(err, AIP_JSON_SHAPE, "a member belongs here");
    }
    return unescape(name_of(document, node), out, capacity, size, err);
}

aip_status
scan_integer(const scan_document *document, uint32_t node, uint64_t maximum, uint64_t *out, aip_error *err)
{
    aip_bytes raw = scan_raw(document, node);
    uint64_t value = 0;
    if (scan_kind_of(document, node) != SCAN_NUMBER) {
        return aip_fail(err, AIP_JSON_SHAPE, "a number belongs here");
    }
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9') {
            return aip_fail_at(err, AIP_JSON_SHAPE, document->nodes[node].start, "a whole number belongs here");
        }
    }
    for (size_t i = 0; i < raw.size; i++) {
        unsigned digit = (unsigned)(raw.data[i] - '0');
        if (value > maximum / 10 || digit > maximum - value * 10) {
            return aip_fail_at(err, AIP_JSON_NUMBER, document->nodes[node].start, NULL);
        }
        value = value * 10 + digit;
    }
    *out = value;
    return AIP_OK;
}

static unsigned char
lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

/* ASCII case folding with the two letters beyond ASCII that some readers fold into it: U+017F and U+212A. */
static size_t
fold(aip_bytes name, unsigned char *out)
{
    size_t used = 0;
    for (size_t at = 0; at < name.size; at++) {
        aip_bytes rest = aip_bytes_from(name, at);
        if (aip_bytes_begin_with(rest, AIP_BYTES_LITERAL("\xC5\xBF"))) {
            out[used++] = 's';
            at += 1;
        } else if (aip_bytes_begin_with(rest, AIP_BYTES_LITERAL("\xE2\x84\xAA"))) {
            out[used++] = 'k';
            at += 2;
        } else {
            out[used++] = lower(name.data[at]);
        }
    }
    return used;
}

static bool
folds_to(const char *known, aip_bytes folded)
{
    size_t i = 0;
    while (i < folded.size && known[i] != '\0' && lower((unsigned char)known[i]) == folded.data[i]) {
        i++;
    }
    return i == folded.size && known[i] == '\0';
}

/* One name by itself; its folded hash goes to *hash. */
static aip_status
check_name(const scan_document *document, uint32_t member, const char *const *known, uint64_t *hash, aip_error *err)
{
    unsigned char buffer[AIP_JSON_NAME_BYTES_MAX], folded_buffer[AIP_JSON_NAME_BYTES_MAX];
    aip_bytes name = scan_decoded_name(name_of(document, member), buffer);
    if (name.size > 0 && memchr(name.data, '\0', name.size) != NULL) {
        return aip_fail_at(err, AIP_JSON_AMBIGUOUS, document->nodes[member].name, "U+0000 in a member name");
    }
    aip_bytes folded = {folded_buffer, fold(name, folded_buffer)};
    for (; known != NULL && *known != NULL; known++) {
        if (folds_to(*known, folded) && !aip_bytes_equal(name, aip_bytes_of(*known))) {
            return aip_fail_at(err, AIP_JSON_AMBIGUOUS, document->nodes[member].name, "a variant of %s", *known);
        }
    }
    *hash = name_hash(name_hash_key(), folded);
    return AIP_OK;
}

static int
order_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Equal hashes are taken for equal names: keyed and 64 bits wide, they err once in 2^25 objects of a
 * million members, and then towards refusal. */
static aip_status
check_all_names(const scan_document *document, uint32_t node, const char *const *known, uint64_t *hashes,
                aip_error *err)
{
    size_t count = 0;
    for (uint32_t at = scan_child(document, node); at != SCAN_NONE; at = scan_next(document, at)) {
        AIP_TRY(check_name(document, at, known, &hashes[count], err));
        count++;
    }
    qsort(hashes, count, sizeof *hashes, order_hashes);
    for (size_t i = 1; i < count; i++) {
        if (hashes[i] == hashes[i - 1]) {
            return aip_fail_at(err, AIP_JSON_AMBIGUOUS, document->nodes[node].start, "two names differ in case only");
        }
    }
    return AIP_OK;
}

aip_status
scan_check_names(const scan_document *document, uint32_t node, const char *const *known, aip_error *err)
{
    uint64_t few[64];
    size_t count = node_at(document, node)->children;
    if (scan_kind_of(document, node) != SCAN_OBJECT || count == 0) {
        return AIP_OK;
    }
    if (count <= sizeof few / sizeof few[0]) {
        return check_all_names(document, node, known, few, err);
    }
    uint64_t *hashes = malloc(count * sizeof *hashes);
    if (hashes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = check_all_names(document, node, known, hashes, err);
    free(hashes);
    return status;
}
