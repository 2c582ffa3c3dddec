/* Event stream splitting: LF, CR and CRLF end lines; an empty line ends an event. */
#include "gateway/events.h"

aip_status
events_add(event_splitter *splitter, aip_bytes bytes, aip_error *err)
{
    /* A reader would skip the mark and see fields where we see none. */
    if (!splitter->begun && bytes.size > 0 && bytes.data[0] == 0xef) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "an event stream with a byte order mark");
    }
    splitter->begun = splitter->begun || bytes.size > 0;
    size_t most = splitter->most == 0 ? AIP_EVENT_BYTES_DEFAULT : splitter->most;
    if (splitter->pending.size + bytes.size > most) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "an event larger than the limit");
    }
    text_append(&splitter->pending, bytes);
    return text_finish(&splitter->pending, err);
}

bool
events_next(event_splitter *splitter, aip_bytes *event)
{
    aip_bytes text = text_view(&splitter->pending);
    while (splitter->scanned < text.size) {
        size_t i = splitter->scanned++;
        unsigned char byte = text.data[i];
        bool second_half = byte == '\n' && splitter->after_cr; /* of a CRLF whose CR ended the line */
        splitter->after_cr = byte == '\r';
        if (second_half) {
            splitter->line_start = i + 1;
        } else if (byte == '\n' || byte == '\r') {
            bool blank = splitter->line_start == i;
            splitter->line_start = i + 1;
            if (blank && byte == '\r' && i + 1 < text.size && text.data[i + 1] == '\n') {
                /* Readers wait for the LF of a CRLF, so it goes along when it is here. */
                splitter->after_cr = false;
                splitter->line_start = splitter->scanned = ++i + 1;
            }
            if (blank) {
                *event = (aip_bytes){text.data, i + 1};
                return true;
            }
        }
    }
    return false;
}

bool
events_first(aip_bytes whole, aip_bytes *event)
{
    event_splitter splitter = {.pending = {.data = (char *)(uintptr_t)whole.data, .size = whole.size}}; /* only read */
    return events_next(&splitter, event);
}

void
events_drop(event_splitter *splitter, aip_bytes event)
{
    text_buffer *pending = &splitter->pending;
    size_t size = event.size;
    if (size == pending->size) {
        text_clear(pending); /* an idle stream keeps no buffer */
    } else {
        memmove(pending->data, pending->data + size, pending->size - size);
        pending->size -= size;
    }
    splitter->scanned -= size;
    splitter->line_start -= size;
}

static bool
is_data(aip_bytes line)
{
    return aip_bytes_begin_with(line, AIP_BYTES_LITERAL("data")) && (line.size == 4 || line.data[4] == ':');
}

static void
append_line(text_buffer *out, aip_bytes line, bool *any)
{
    if (!is_data(line)) {
        return;
    }
    aip_bytes value = aip_bytes_from(line, line.size > 4 ? 5 : 4);
    if (value.size > 0 && value.data[0] == ' ') {
        value = aip_bytes_from(value, 1);
    }
    if (*any) {
        text_append_string(out, "\n");
    }
    *any = true;
    text_append(out, value);
}

void
events_append_data(text_buffer *out, aip_bytes event)
{
    bool any = false;
    size_t start = 0;
    for (size_t i = 0; i < event.size; i++) {
        if (event.data[i] == '\n' || event.data[i] == '\r') {
            append_line(out, (aip_bytes){event.data + start, i - start}, &any);
            start = i + 1; /* the empty line inside a CRLF is no data line */
        }
    }
}

void
events_append_beside(text_buffer *out, aip_bytes event)
{
    size_t start = 0;
    for (size_t i = 0; i < event.size; i++) {
        if (event.data[i] != '\n' && event.data[i] != '\r') {
            continue;
        }
        aip_bytes line = {event.data + start, i - start};
        if (line.size > 1 && !is_data(line) && !aip_bytes_equal(line, AIP_BYTES_LITERAL("event: message"))) {
            text_append(out, line);
            text_append_string(out, "\n");
        }
        start = i + 1;
    }
}

/* The value of its last `id:` line; no data: it has none. */
static aip_bytes
find_id(aip_bytes event)
{
    aip_bytes id = {NULL, 0};
    size_t start = 0;
    for (size_t i = 0; i < event.size; i++) {
        if (event.data[i] == '\n' || event.data[i] == '\r') {
            aip_bytes line = {event.data + start, i - start};
            id = aip_bytes_begin_with(line, AIP_BYTES_LITERAL("id:")) ? aip_bytes_from(line, 3) : id;
            start = i + 1;
        }
    }
    return id;
}

bool
events_have_id(aip_bytes event)
{
    return find_id(event).data != NULL;
}

aip_bytes
events_id(aip_bytes event)
{
    aip_bytes id = find_id(event);
    return id.size > 0 && id.data[0] == ' ' ? aip_bytes_from(id, 1) : id;
}

/* Line breaks in JSON are white space between values, so each line of it may be a line of data. */
static void
append_data_lines(text_buffer *out, aip_bytes data)
{
    text_append_string(out, "data: ");
    for (size_t i = 0; i < data.size; i++) {
        if (data.data[i] == '\n' || data.data[i] == '\r') {
            text_append_string(out, "\ndata: ");
        } else {
            text_append(out, (aip_bytes){data.data + i, 1});
        }
    }
    text_append_string(out, "\n");
}

void
events_append_changed(text_buffer *out, aip_bytes event, aip_bytes data)
{
    bool written = false;
    size_t start = 0;
    for (size_t i = 0; i < event.size; i++) {
        if (event.data[i] != '\n' && event.data[i] != '\r') {
            continue;
        }
        aip_bytes line = {event.data + start, i - start};
        if (is_data(line) && !written) {
            append_data_lines(out, data);
            written = true;
        } else if (line.size > 0 && !is_data(line)) {
            text_append(out, line);
            text_append_string(out, "\n");
        }
        start = i + 1;
    }
    text_append_string(out, "\n");
}
