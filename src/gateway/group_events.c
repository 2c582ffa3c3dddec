/* Ids of events of a group's streams: whose they are, and what they are there. */
#include "gateway/group.h"

static bool
is_id(aip_bytes line)
{
    return aip_bytes_begin_with(line, AIP_BYTES_LITERAL("id")) && (line.size == 2 || line.data[2] == ':');
}

/* The next line of an event, with its end; false: there is none. */
static bool
next_line(aip_bytes *event, aip_bytes *whole, aip_bytes *line)
{
    size_t size = 0;
    while (size < event->size && event->data[size] != '\n' && event->data[size] != '\r') {
        size++;
    }
    *line = (aip_bytes){event->data, size};
    size_t ends = size < event->size ? 1 : 0;
    ends += ends == 1 && event->data[size] == '\r' && size + 1 < event->size && event->data[size + 1] == '\n';
    *whole = (aip_bytes){event->data, size + ends};
    *event = aip_bytes_from(*event, size + ends);
    return whole->size > 0;
}

aip_bytes
group_event_id(aip_bytes event)
{
    aip_bytes whole, line, found = {NULL, 0};
    while (next_line(&event, &whole, &line)) {
        if (is_id(line)) {
            found = aip_bytes_from(line, line.size > 2 ? 3 : 2); /* the last one counts */
            found = found.size > 0 && found.data[0] == ' ' ? aip_bytes_from(found, 1) : found;
        }
    }
    return found;
}

void
group_append_event(text_buffer *out, aip_bytes event, aip_bytes id)
{
    aip_bytes whole, line;
    if (id.size > 0) {
        text_append_string(out, "id: ");
        text_append(out, id);
        text_append_string(out, "\n");
    }
    while (next_line(&event, &whole, &line)) {
        if (!is_id(line)) {
            text_append(out, whole);
        }
    }
}

void
group_append_id(text_buffer *out, const gateway_route *member, aip_bytes id)
{
    text_append_format(out, "%s:%zu:", member->name, id.size);
    text_append(out, id);
}

/* Takes `<name>:<length>:<id>` off the list; false: it is none. */
static bool
take_id(aip_bytes *ids, aip_bytes *name, aip_bytes *id)
{
    size_t at = 0, length = 0, digits = 0;
    while (at < ids->size && ids->data[at] != ':') {
        at++;
    }
    *name = (aip_bytes){ids->data, at};
    for (at++; at < ids->size && ids->data[at] >= '0' && ids->data[at] <= '9' && digits < 6; at++, digits++) {
        length = length * 10 + (size_t)(ids->data[at] - '0');
    }
    if (digits == 0 || at >= ids->size || ids->data[at] != ':' || length == 0 || length > ids->size - at - 1) {
        return false;
    }
    *id = (aip_bytes){ids->data + at + 1, length};
    *ids = aip_bytes_from(*ids, at + 1 + length);
    return true;
}

aip_bytes
group_find_id(aip_bytes ids, const gateway_route *member)
{
    aip_bytes name, id;
    if (ids.size > 0 && ids.data[0] == GROUP_IDS_OF_ALL) {
        ids = aip_bytes_from(ids, 1);
    }
    while (take_id(&ids, &name, &id)) {
        if (aip_bytes_equal(name, aip_bytes_of(member->name))) {
            return id;
        }
    }
    return (aip_bytes){NULL, 0};
}
