/* Lines of a stream: one buffer that holds what has no LF yet. */
#include "net/lines.h"

enum { KEPT_BYTES_MAX = 65536 }; /* a larger buffer is given back once it is empty */

/* Lines that were given go; what is left, the beginning of a line, moves to the front. */
static void
compact(line_splitter *s)
{
    size_t left = s->pending.size - s->start;
    if (left == 0 && s->pending.capacity > KEPT_BYTES_MAX) {
        text_clear(&s->pending);
    } else if (s->start > 0) {
        memmove(s->pending.data, s->pending.data + s->start, left);
        s->pending.size = left;
    }
    s->scanned -= s->start;
    s->start = 0;
}

aip_status
lines_add(line_splitter *s, aip_bytes bytes, aip_error *err)
{
    compact(s);
    text_append(&s->pending, bytes);
    return text_finish(&s->pending, err);
}

static bool
is_blank(aip_bytes line)
{
    return line.size == 0 || (line.size == 1 && line.data[0] == '\r');
}

/* The end of the line that begins at `start`, or NULL. Each byte is looked at once. */
static const unsigned char *
find_end(line_splitter *s, aip_bytes text)
{
    const unsigned char *end = NULL;
    if (s->scanned < text.size) {
        end = memchr(text.data + s->scanned, '\n', text.size - s->scanned);
    }
    s->scanned = end == NULL ? text.size : (size_t)(end - text.data) + 1;
    return end;
}

lines_found
lines_next(line_splitter *s, aip_bytes *line)
{
    aip_bytes text = text_view(&s->pending);
    for (;;) {
        const unsigned char *end = find_end(s, text);
        size_t size = s->scanned - s->start - (end == NULL ? 0 : 1);
        *line = (aip_bytes){text.data == NULL ? NULL : text.data + s->start, size};
        bool is_long = !s->skipping && size > s->bytes_max;
        if (end == NULL && !is_long && !s->skipping) {
            return LINES_MORE;
        }
        bool is_whole = !s->skipping && !is_long;
        s->skipping = end == NULL;
        s->start = s->scanned;
        if (is_long) {
            line->size = s->bytes_max;
            return LINES_LONG;
        }
        if (is_whole && !is_blank(*line)) {
            return LINES_LINE;
        }
        if (end == NULL) {
            return LINES_MORE;
        }
    }
}

size_t
lines_end(line_splitter *s)
{
    size_t left = s->skipping ? 0 : s->pending.size - s->start;
    text_clear(&s->pending);
    s->start = s->scanned = 0;
    s->skipping = false;
    return left;
}
