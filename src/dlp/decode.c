/* Runs of base64, base32 and hexadecimal digits, and compressed bytes. */
#include "dlp/decode.h"

#include <b64/cdecode.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/hex.h"
#include "base/utf8.h"

#define RUN_MIN 10   /* 0x and eight digits */
#define PLAIN_MIN 16 /* twelve bytes of base64, with padding of two at most */
#define HEX_MIN 32
#define BASE32_MIN 24

/* Classes of what may stand in a run: N a digit, U and L hexadecimal letters, D a hyphen, R any other. */
/* clang-format off */
enum { N = 1, U = 2, L = 4, D = 8, R = 16 };
static const unsigned char classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* controls */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, R, 0, D, 0, R, N, N, N, N, N, N, N, N, N, N, 0, 0, 0, 0, 0, 0, /* +-/ 0 to 9 */
    0, U, U, U, U, U, U, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, 0, 0, 0, 0, R, /* A to Z, _ */
    0, L, L, L, L, L, L, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, 0, 0, 0, 0, 0, /* a to z */
};
/* clang-format on */

static bool
in_run(unsigned char c)
{
    return classes[c] != 0;
}

static int
base32_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static bool
is_blank(unsigned char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* A line's end inside a run, with the indentation of the next line; `at` itself when there is none. */
static size_t
skip_line_end(aip_bytes text, size_t at)
{
    size_t next = at < text.size && text.data[at] == '\r' ? at + 1 : at;
    if (next >= text.size || text.data[next] != '\n') {
        return at;
    }
    for (next++; next < text.size && (text.data[next] == ' ' || text.data[next] == '\t'); next++) {
    }
    return next < text.size && in_run(text.data[next]) ? next : at;
}

/* Steps of RUN_MIN bytes: a byte that is in no run rules out all runs over it. SIZE_MAX: none. */
static size_t
find_run(aip_bytes text, size_t at)
{
    while (text.size - at >= RUN_MIN) {
        size_t last = at + RUN_MIN;
        while (last > at && in_run(text.data[last - 1])) {
            last--;
        }
        if (last == at) {
            return at;
        }
        at = last;
    }
    return SIZE_MAX;
}

/* *seen receives the classes of its characters. */
static size_t
end_of_run(aip_bytes text, size_t at, unsigned *seen)
{
    *seen = 0;
    for (;;) {
        size_t line = at;
        while (at < text.size && in_run(text.data[at])) {
            *seen |= classes[text.data[at++]];
        }
        size_t next = at - line >= PLAIN_MIN ? skip_line_end(text, at) : at;
        if (next == at) {
            break;
        }
        *seen |= R;
        at = next;
    }
    for (size_t padding = 0; padding < 6 && at < text.size && text.data[at] == '='; padding++) {
        *seen |= R;
        at++;
    }
    return at;
}

/* UUIDs and digests: digits of one case, which no text gives in base64, and too few or too cut up for hexadecimal. */
static bool
is_mere_number(size_t size, unsigned seen)
{
    bool both = (seen & L) != 0 && (seen & U) != 0;
    return (seen & R) == 0 && !both && ((seen & D) != 0 || size < HEX_MIN);
}

bool
dlp_is_run(aip_bytes text, size_t start, dlp_run *run)
{
    unsigned seen;
    *run = (dlp_run){start, end_of_run(text, start, &seen)};
    size_t digits = run->end - start;
    while (digits > 0 && text.data[start + digits - 1] == '=') {
        digits--;
    }
    bool short_hex = text.size - start > 2 && text.data[start] == '0' && (text.data[start + 1] | 0x20) == 'x';
    size_t size = run->end - start;
    return short_hex || (size >= PLAIN_MIN && digits >= PLAIN_MIN - 2 && !is_mere_number(size, seen));
}

bool
dlp_next_run(aip_bytes text, size_t *at, dlp_run *run)
{
    while (*at < text.size) {
        size_t start = find_run(text, *at);
        if (start == SIZE_MAX) {
            *at = text.size;
            return false;
        }
        bool counts = dlp_is_run(text, start, run);
        *at = run->end;
        if (counts) {
            return true;
        }
    }
    return false;
}

static size_t
decode_hex(aip_bytes run, size_t skipped, unsigned char *out)
{
    size_t size = 0, digits = 0;
    unsigned byte = 0;
    bool marked = run.size > 2 && run.data[0] == '0' && (run.data[1] | 0x20) == 'x';
    for (size_t i = marked ? 2 : 0; i < run.size; i++) {
        int value = hex_value(run.data[i]);
        if (value < 0 && !is_blank(run.data[i])) {
            return 0;
        }
        if (value >= 0 && digits++ >= skipped) {
            byte = byte << 4 | (unsigned)value;
            if ((digits - skipped) % 2 == 0) {
                out[size++] = (unsigned char)byte;
            }
        }
    }
    return digits >= (marked ? 8 : HEX_MIN) ? size : 0;
}

static size_t
decode_base32(aip_bytes run, unsigned char *out)
{
    size_t size = 0;
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < run.size && run.data[i] != '='; i++) {
        int value = base32_value(run.data[i]);
        if (value < 0 && !is_blank(run.data[i])) {
            return 0;
        }
        if (value >= 0) {
            bits = bits << 5 | (uint32_t)value;
            count += 5;
            if (count >= 8) {
                count -= 8;
                out[size++] = (unsigned char)(bits >> count);
            }
        }
    }
    return run.size >= BASE32_MIN ? size : 0;
}

/* libb64 skips what is no digit of its alphabet; the URL-safe one is translated for it, piece by piece. */
static size_t
decode_base64(aip_bytes run, size_t skipped, unsigned char *out)
{
    char piece[512], plain[512];
    base64_decodestate state;
    size_t size = 0, filled = 0;
    if (run.size < PLAIN_MIN) {
        return 0;
    }
    base64_init_decodestate(&state);
    for (size_t i = skipped; i < run.size && run.data[i] != '='; i++) {
        unsigned char c = run.data[i];
        if (!is_blank(c)) {
            piece[filled++] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
        }
        /* Whole groups of four, so that no state of a half byte is left in `plain`. */
        if (filled == sizeof piece) {
            int got = base64_decode_block(piece, (int)filled, plain, &state);
            memcpy(out + size, plain, (size_t)got);
            size += (size_t)got;
            filled = 0;
        }
    }
    int got = base64_decode_block(piece, (int)filled, plain, &state);
    memcpy(out + size, plain, (size_t)got);
    return size + (size_t)got;
}

static int
base64_value(unsigned char c)
{
    if ((unsigned char)((c | 0x20) - 'a') < 26) {
        return c >= 'a' ? c - 'a' + 26 : c - 'A';
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Bytes of a text so far: those that cannot be part of one, and how many of a character are still to come. */
typedef struct {
    size_t bad, open;
} reading_state;

static void
read_byte(reading_state *r, unsigned char byte)
{
    if (byte < 0x80) {
        bool control = byte != 0 && ((byte < 0x20 && !is_blank(byte)) || byte == 0x7F);
        r->bad += (size_t)(r->open > 0) + control;
        r->open = 0;
    } else if (byte < 0xC0) {
        r->bad += r->open == 0;
        r->open -= r->open > 0;
    } else {
        bool lead = byte >= 0xC2 && byte <= 0xF4;
        r->bad += (size_t)(r->open > 0) + !lead;
        r->open = !lead ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    }
}

bool
dlp_is_hopeless(aip_bytes run, int reading, size_t least)
{
    size_t skipped = (size_t)(reading - DLP_BASE64), count = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    reading_state state = {0, 0};
    if (reading < DLP_BASE64 || reading > DLP_BASE64_3 || run.size >= least) {
        return false;
    }
    size_t most = run.size * 3 / 4;
    for (size_t i = skipped; i < run.size && run.data[i] != '='; i++) {
        int value = base64_value(run.data[i]);
        bits = value < 0 ? bits : bits << 6 | (uint32_t)value;
        held += value < 0 ? 0 : 6;
        if (held < 8) {
            continue;
        }
        held -= 8;
        unsigned char byte = (unsigned char)(bits >> held);
        if (count++ == 0 && (byte == 0x1F || byte == 0x78)) { /* how compressed bytes begin */
            return false;
        }
        read_byte(&state, byte);
        if (state.bad * 5 > most) {
            return true;
        }
    }
    return false;
}

size_t
dlp_decode_run(aip_bytes run, int reading, unsigned char *out)
{
    if (reading == DLP_BASE32) {
        return decode_base32(run, out);
    }
    if (reading < DLP_BASE64) {
        return decode_hex(run, (size_t)(reading - DLP_HEX), out);
    }
    return decode_base64(run, (size_t)(reading - DLP_BASE64), out);
}

bool
dlp_is_compressed(aip_bytes bytes)
{
    if (bytes.size < 8) {
        return false;
    }
    bool gzip = bytes.data[0] == 0x1F && bytes.data[1] == 0x8B && bytes.data[2] == 8;
    return gzip || (bytes.data[0] == 0x78 && (bytes.data[0] * 256u + bytes.data[1]) % 31 == 0);
}

static aip_status
inflate_into(z_stream *stream, unsigned char *out, size_t most, size_t *size, bool *whole, aip_error *err)
{
    stream->next_out = out;
    stream->avail_out = (uInt)most;
    int code = inflate(stream, Z_FINISH);
    *size = most - stream->avail_out;
    *whole = code == Z_STREAM_END;
    return code == Z_MEM_ERROR ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

aip_status
dlp_inflate(aip_bytes bytes, size_t most, unsigned char **out, size_t *size, bool *whole, aip_error *err)
{
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)bytes.data, .avail_in = (uInt)bytes.size};
    *size = 0;
    *whole = false;
    *out = malloc(most + 1);
    if (*out == NULL || bytes.size > UINT_MAX || most > UINT_MAX) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (inflateInit2(&stream, 15 + 32) != Z_OK) { /* 32: gzip or zlib, by their head */
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = inflate_into(&stream, *out, most, size, whole, err);
    inflateEnd(&stream);
    return status;
}

bool
dlp_is_readable(aip_bytes bytes)
{
    size_t good = 0, all = 0;
    for (size_t at = 0; at < bytes.size; all++) {
        size_t length = utf8_sequence(bytes.data + at, bytes.size - at);
        good +=
            length > 1 || (length == 1 && (bytes.data[at] >= 0x20 ? bytes.data[at] != 0x7F : is_blank(bytes.data[at])));
        at += length == 0 ? 1 : length;
    }
    return good * 5 >= all * 4;
}
