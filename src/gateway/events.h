/* Splits a server-sent event stream into events without changing a byte (WHATWG HTML section 9.2.6). */
#ifndef GATEWAY_EVENTS_H
#define GATEWAY_EVENTS_H

#include "gateway/exchange.h"

/* Adds received bytes. Errors: upstream.invalid (an event over the cap, a byte order mark), memory. */
AIP_MUST_CHECK aip_status events_add(event_splitter *splitter, aip_bytes bytes, aip_error *err);
/* The next complete event with its blank line, borrowed until events_drop; false: more bytes are needed. */
bool events_next(event_splitter *splitter, aip_bytes *event);
/* The first of events that are whole, borrowed; false: there is none. */
bool events_first(aip_bytes whole, aip_bytes *event);
void events_drop(event_splitter *splitter, aip_bytes event);
/* Appends the event's data: its `data` lines joined with LF. */
void events_append_data(text_buffer *out, aip_bytes event);
/* Has it an id that a caller can resume after? */
bool events_have_id(aip_bytes event);
/* The id that a reader keeps after it; empty: none, or the empty one. */
aip_bytes events_id(aip_bytes event);
/* Appends its other lines, but not those that only say that it is a message. */
void events_append_beside(text_buffer *out, aip_bytes event);
/* Appends the event with other data, JSON text; all other lines stay as they are. */
void events_append_changed(text_buffer *out, aip_bytes event, aip_bytes data);

#endif
