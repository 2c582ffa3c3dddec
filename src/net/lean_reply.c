/* Status line, fields, and the three ways a body can be framed. */
#include "net/lean_reply.h"

#include "base/hex.h"
#include "net/field.h"

enum { LENGTH_DIGITS_MAX = 18, CHUNK_DIGITS_MAX = 15 };

/* ---- head ---- */

static bool
is_text(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool
read_status(lean_reply *reply, aip_bytes line)
{
    const unsigned char *text = line.data;
    if (line.size < 12 || memcmp(text, "HTTP/1.", 7) != 0 || (text[7] != '0' && text[7] != '1') || text[8] != ' ' ||
        (line.size > 12 && text[12] != ' ') || !is_text(line)) {
        return false;
    }
    reply->old = text[7] == '0';
    reply->http = 0;
    for (size_t i = 9; i < 12; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        reply->http = reply->http * 10 + (text[i] - '0');
    }
    return reply->http >= 100 && reply->http <= 599 && reply->http != 101;
}

static bool
read_length(lean_reply *reply, aip_bytes value)
{
    reply->length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        reply->length = reply->length * 10 + (uint64_t)(value.data[i] - '0');
    }
    return value.size > 0 && value.size <= LENGTH_DIGITS_MAX && ++reply->lengths == 1;
}

/* Does the list name `close`? */
static bool
names_close(aip_bytes list)
{
    while (list.size > 0) {
        const unsigned char *comma = memchr(list.data, ',', list.size);
        aip_bytes item = {list.data, comma == NULL ? list.size : (size_t)(comma - list.data)};
        list = aip_bytes_from(list, comma == NULL ? list.size : item.size + 1);
        while (item.size > 0 && (item.data[0] == ' ' || item.data[0] == '\t')) {
            item = aip_bytes_from(item, 1);
        }
        while (item.size > 0 && (item.data[item.size - 1] == ' ' || item.data[item.size - 1] == '\t')) {
            item.size--;
        }
        if (field_is(item, "close")) {
            return true;
        }
    }
    return false;
}

/* A line that begins with white space has no token for its name, so that no field is folded. */
static bool
read_field(lean_reply *reply, aip_bytes line)
{
    aip_bytes name, value;
    bool good = true;
    if (!field_split(line, &name, &value) || !field_is_token(name) || !is_text(value)) {
        return false;
    }
    if (field_is(name, "Content-Length")) {
        good = read_length(reply, value);
    } else if (field_is(name, "Transfer-Encoding")) {
        good = field_is(value, "chunked") && ++reply->codings == 1;
    } else if (field_is(name, "Connection")) {
        reply->closes = reply->closes || names_close(value);
    }
    if (good && reply->http >= 200) {
        reply->events->header(reply->context, name, value);
    }
    return good;
}

/* How the body is framed; LEAN_WHOLE when there is none. */
static lean_progress
frame(lean_reply *reply)
{
    if ((reply->lengths > 0 && reply->codings > 0) || (reply->old && reply->codings > 0)) {
        return LEAN_INVALID;
    }
    reply->closes = reply->closes || reply->old;
    reply->started = true;
    reply->left = reply->length;
    if (reply->events->start(reply->context, reply->http) == UPSTREAM_REFUSED) {
        return LEAN_REFUSED;
    }
    if (reply->to_head) {
        return LEAN_WHOLE;
    }
    if (reply->http == 204 || reply->http == 304) {
        reply->closes = reply->closes || reply->codings > 0 || reply->length > 0;
        return LEAN_WHOLE;
    }
    if (reply->codings > 0) {
        reply->stage = LEAN_CHUNK_SIZE;
        reply->left = 0;
        reply->line = 0;
        return LEAN_MORE;
    }
    reply->stage = reply->lengths > 0 ? LEAN_LENGTH : LEAN_UNTIL_CLOSE;
    reply->closes = reply->closes || reply->lengths == 0;
    return reply->lengths > 0 && reply->left == 0 ? LEAN_WHOLE : LEAN_MORE;
}

static lean_progress
read_head(lean_reply *reply, aip_bytes head)
{
    bool first = true;
    while (head.size > 2) { /* the last line is empty */
        const unsigned char *end = memchr(head.data, '\n', head.size);
        aip_bytes line = {head.data, (size_t)(end - head.data) - 1};
        if (first ? !read_status(reply, line) : !read_field(reply, line)) {
            return LEAN_INVALID;
        }
        first = false;
        head = aip_bytes_from(head, line.size + 2);
    }
    if (first) {
        return LEAN_INVALID;
    }
    if (reply->http >= 200) {
        return frame(reply);
    }
    reply->lengths = reply->codings = 0;
    reply->closes = false;
    return ++reply->interim > LEAN_INTERIM_MAX ? LEAN_INVALID : LEAN_MORE;
}

/* Takes nothing until the head is there as a whole. */
static lean_progress
take_head(lean_reply *reply, aip_bytes bytes, size_t *taken)
{
    size_t known = bytes.size < 5 ? bytes.size : 5;
    if (memcmp(bytes.data, "HTTP/", known) != 0) {
        return LEAN_INVALID;
    }
    while (reply->scanned < bytes.size) {
        const unsigned char *found = memchr(bytes.data + reply->scanned, '\n', bytes.size - reply->scanned);
        size_t at = found == NULL ? bytes.size : (size_t)(found - bytes.data);
        if (at >= LEAN_HEAD_BYTES_MAX || (found != NULL && bytes.data[at - 1] != '\r')) {
            return LEAN_INVALID;
        }
        if (found == NULL) {
            reply->scanned = bytes.size;
            return LEAN_MORE;
        }
        bool last = at == reply->line_start + 1;
        reply->scanned = reply->line_start = at + 1;
        if (last) {
            *taken = at + 1;
            reply->scanned = reply->line_start = 0;
            return read_head(reply, (aip_bytes){bytes.data, at + 1});
        }
    }
    return LEAN_MORE;
}

/* ---- body ---- */

static lean_progress
take_data(lean_reply *reply, aip_bytes bytes, size_t *taken)
{
    bool counted = reply->stage != LEAN_UNTIL_CLOSE;
    bytes.size = counted && bytes.size > reply->left ? (size_t)reply->left : bytes.size;
    switch (reply->events->data(reply->context, bytes)) {
    case UPSTREAM_FULL:
        return LEAN_FULL;
    case UPSTREAM_REFUSED:
        return LEAN_REFUSED;
    case UPSTREAM_TAKEN:
        break;
    }
    *taken = bytes.size;
    reply->left -= counted ? bytes.size : 0;
    if (counted && reply->left == 0) {
        if (reply->stage == LEAN_LENGTH) {
            return LEAN_WHOLE;
        }
        reply->stage = LEAN_CHUNK_DATA_CR;
    }
    return LEAN_MORE;
}

static lean_progress
take_size(lean_reply *reply, unsigned char c)
{
    int value = hex_value(c);
    if (value >= 0) {
        reply->left = reply->left << 4 | (unsigned)value;
        return ++reply->line > CHUNK_DIGITS_MAX ? LEAN_INVALID : LEAN_MORE;
    }
    reply->stage = c == '\r' ? LEAN_CHUNK_SIZE_LF : LEAN_CHUNK_EXTENSION;
    return reply->line > 0 && (c == '\r' || c == ';') ? LEAN_MORE : LEAN_INVALID;
}

static lean_progress
end_size(lean_reply *reply)
{
    reply->stage = reply->left == 0 ? LEAN_TRAILER : LEAN_CHUNK_DATA;
    reply->line = 0;
    return LEAN_MORE;
}

/* The rest of a line that nobody reads: where it ends, and nothing in it that could end it elsewhere. */
static lean_progress
skip_line(lean_reply *reply, unsigned char c, size_t most, lean_stage after)
{
    if (c == '\r') {
        reply->stage = after;
        return LEAN_MORE;
    }
    return (c < 0x20 && c != '\t') || c == 0x7f || ++reply->line > most ? LEAN_INVALID : LEAN_MORE;
}

static lean_progress
expect(lean_reply *reply, unsigned char c, unsigned char wanted, lean_stage after)
{
    reply->stage = after;
    return c == wanted ? LEAN_MORE : LEAN_INVALID;
}

static lean_progress
take_framing(lean_reply *reply, unsigned char c)
{
    switch (reply->stage) {
    case LEAN_CHUNK_SIZE:
        return take_size(reply, c);
    case LEAN_CHUNK_EXTENSION:
        return skip_line(reply, c, LEAN_CHUNK_LINE_BYTES_MAX, LEAN_CHUNK_SIZE_LF);
    case LEAN_CHUNK_SIZE_LF:
        return c == '\n' ? end_size(reply) : LEAN_INVALID;
    case LEAN_CHUNK_DATA_CR:
        return expect(reply, c, '\r', LEAN_CHUNK_DATA_LF);
    case LEAN_CHUNK_DATA_LF:
        reply->left = 0;
        return expect(reply, c, '\n', LEAN_CHUNK_SIZE);
    case LEAN_TRAILER:
        reply->stage = c == '\r' ? LEAN_LAST_LF : LEAN_TRAILER_LINE;
        return c == '\r' ? LEAN_MORE : skip_line(reply, c, LEAN_TRAILER_BYTES_MAX, LEAN_TRAILER_LF);
    case LEAN_TRAILER_LINE:
        return skip_line(reply, c, LEAN_TRAILER_BYTES_MAX, LEAN_TRAILER_LF);
    case LEAN_TRAILER_LF:
        return expect(reply, c, '\n', LEAN_TRAILER);
    case LEAN_LAST_LF:
        return c == '\n' ? LEAN_WHOLE : LEAN_INVALID;
    case LEAN_HEAD:
    case LEAN_LENGTH:
    case LEAN_UNTIL_CLOSE:
    case LEAN_CHUNK_DATA:
        break;
    }
    return LEAN_INVALID;
}

lean_progress
lean_reply_take(lean_reply *reply, aip_bytes bytes, size_t *taken)
{
    *taken = 0;
    while (*taken < bytes.size) {
        aip_bytes rest = aip_bytes_from(bytes, *taken);
        size_t used = 0;
        lean_progress progress;
        if (reply->stage == LEAN_HEAD) {
            progress = take_head(reply, rest, &used);
        } else if (reply->stage == LEAN_LENGTH || reply->stage == LEAN_UNTIL_CLOSE || reply->stage == LEAN_CHUNK_DATA) {
            progress = take_data(reply, rest, &used);
        } else {
            progress = take_framing(reply, rest.data[0]);
            used = 1;
        }
        *taken += used;
        if (progress != LEAN_MORE || used == 0) {
            return progress;
        }
    }
    return LEAN_MORE;
}

lean_progress
lean_reply_end(const lean_reply *reply)
{
    return reply->started && reply->stage == LEAN_UNTIL_CLOSE ? LEAN_WHOLE : LEAN_INVALID;
}
