/* Splits a target at its slashes before anything is decoded, and takes only what decodes to the same everywhere. */
#include "gateway/target.h"

#include "base/hex.h"
#include "base/utf8.h"

/* The byte that `text` begins with, written or escaped; *used tells how long it was. -1: a broken escape. */
static int
decode_byte(aip_bytes text, size_t *used)
{
    *used = 1;
    if (text.data[0] != '%') {
        return text.data[0];
    }
    if (text.size < 3 || hex_value(text.data[1]) < 0 || hex_value(text.data[2]) < 0) {
        return -1;
    }
    *used = 3;
    return hex_value(text.data[1]) * 16 + hex_value(text.data[2]);
}

static bool
is_utf8(aip_bytes text)
{
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_sequence(text.data + at, text.size - at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

/* Whether written or escaped, these would let a second reader see another path. */
static bool
is_forbidden(int byte)
{
    return byte < ' ' || byte == 0x7f || strchr("/\\%?#;", byte) != NULL;
}

/* As written, a path has visible ASCII only (RFC 3986 section 3.3). */
static bool
is_written_plainly(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || strchr("\"<>^`{|}", text.data[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* What some systems take for a way up although it is none by RFC 3986: `....`, `..;x`, `..0x2f`. */
static bool
is_dots(aip_bytes text)
{
    return aip_bytes_equal(text, AIP_BYTES_LITERAL(".")) || aip_bytes_begin_with(text, AIP_BYTES_LITERAL(".."));
}

static aip_status
read_segment(aip_bytes raw, char *room, target_segment *out, aip_error *err)
{
    size_t size = 0, used = 0;
    *out = (target_segment){.text = {(const unsigned char *)room, 0}};
    for (size_t at = 0; at < raw.size; at += used) {
        int byte = decode_byte(aip_bytes_from(raw, at), &used);
        if (is_forbidden(byte)) {
            return aip_fail(err, AIP_REQUEST_INVALID, "the path holds a byte or an escape that is read differently");
        }
        out->encoded_colon = out->encoded_colon || (byte == ':' && used > 1);
        room[size++] = (char)byte;
    }
    out->text.size = size;
    if (size == 0 || is_dots(out->text) || !is_utf8(out->text)) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the path has an empty or a dot segment, or is not UTF-8");
    }
    return AIP_OK;
}

static aip_status
read_path(aip_bytes path, bool open, target_path *out, aip_error *err)
{
    out->count = 0;
    out->trailing_slash = false;
    if (path.size == 0 || path.size > sizeof out->room || path.data[0] != '/' || !is_written_plainly(path)) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the path is too long or no plain path");
    }
    path = aip_bytes_from(path, 1);
    for (size_t used = 0; path.size > 0;) {
        const unsigned char *slash = memchr(path.data, '/', path.size);
        aip_bytes raw = {path.data, slash == NULL ? path.size : (size_t)(slash - path.data)};
        if (out->count == AIP_PATH_SEGMENTS_MAX) {
            return aip_fail(err, AIP_REQUEST_INVALID, "the path has too many segments");
        }
        AIP_TRY(read_segment(raw, out->room + used, &out->segments[out->count], err));
        used += out->segments[out->count++].text.size;
        path = aip_bytes_from(path, slash == NULL ? raw.size : raw.size + 1);
        out->trailing_slash = slash != NULL && path.size == 0;
    }
    if (out->trailing_slash && !open) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the path ends with a slash");
    }
    return AIP_OK;
}

aip_status
target_read_path(aip_bytes path, target_path *out, aip_error *err)
{
    return read_path(path, false, out, err);
}

aip_status
target_read_open_path(aip_bytes path, target_path *out, aip_error *err)
{
    return read_path(path, true, out, err);
}

/* ---- query ---- */

aip_status
target_check_query(aip_bytes query, aip_error *err)
{
    bool good = query.size <= AIP_PATH_BYTES_MAX && is_written_plainly(query);
    good = good && (query.size == 0 ||
                    (memchr(query.data, '#', query.size) == NULL && memchr(query.data, '\\', query.size) == NULL));
    return good ? AIP_OK : aip_fail(err, AIP_REQUEST_INVALID, "the query is too long or no plain query");
}

bool
target_decode_value(aip_bytes raw, char *out, size_t capacity, size_t *size)
{
    size_t used = 0;
    *size = 0;
    for (size_t at = 0; at < raw.size; at += used) {
        int byte = raw.data[at] == '+' ? ' ' : decode_byte(aip_bytes_from(raw, at), &used);
        used = raw.data[at] == '+' ? 1 : used;
        if (byte < 0 || *size == capacity) {
            return false;
        }
        out[(*size)++] = (char)byte;
    }
    out[*size] = '\0';
    return is_utf8((aip_bytes){(const unsigned char *)out, *size});
}

static bool
holds_control(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

aip_status
target_next_parameter(aip_bytes *query, target_parameter *out, aip_error *err)
{
    const unsigned char *end = memchr(query->data, '&', query->size);
    aip_bytes text = {query->data, end == NULL ? query->size : (size_t)(end - query->data)};
    *query = aip_bytes_from(*query, end == NULL ? text.size : text.size + 1);
    const unsigned char *equals = text.size == 0 ? NULL : memchr(text.data, '=', text.size);
    aip_bytes name = {text.data, equals == NULL ? text.size : (size_t)(equals - text.data)};
    aip_bytes value = equals == NULL ? (aip_bytes){NULL, 0} : aip_bytes_from(text, name.size + 1);
    if (!target_decode_value(name, out->name, sizeof out->name - 1, &out->name_size) ||
        !target_decode_value(value, out->value, sizeof out->value - 1, &out->value_size) ||
        holds_control((aip_bytes){(const unsigned char *)out->name, out->name_size})) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a parameter of the query is too long or not well encoded");
    }
    return AIP_OK;
}
