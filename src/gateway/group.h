/* Several servers at one address (spec/group.md): names, sessions, and the choice of the server that is asked. An
 * exchange begins with the group as its `route`. Once a message is for one member, `route` is the member and `group`
 * the group; where all are asked, each of them is asked by an exchange of its own like that (group_gather.c). */
#ifndef GATEWAY_GROUP_H
#define GATEWAY_GROUP_H

#include "gateway/exchange.h"

enum {
    GROUP_MEMBERS_MAX = 16,
    GROUP_SESSION_BYTES_MAX = 3072, /* of the members' ids together: a header has room for them, sealed and encoded */
};

/* ---- names (group_names.c) ---- */

/* What stands before a member's names, as callers spell them. */
void group_append_prefix(text_buffer *out, const gateway_route *member, bool address);
/* Cuts the prefix off `*name`; NULL: no member's. U-4, U-6 */
const gateway_route *group_cut(const gateway_route *group, bool address, aip_bytes *name);
/* Has the name of a member's tool or prompt room enough? U-5 */
bool group_name_fits(const gateway_route *group, const gateway_route *member, aip_bytes name);

/* Writes the scope entry that a call of the server's `name` needs, as callers know that name: `kind` ends with its
 * colon, and *called (may be NULL) is what stands after it. False: it does not fit. U-7 */
#define GROUP_WANTED_SIZE (AIP_URI_BYTES_MAX + 64)
bool
group_write_wanted(const exchange *x, const char *kind, aip_bytes name, char out[GROUP_WANTED_SIZE], aip_bytes *called);

/* A message of the member, as callers know its names and ids; `out` stays empty where that changes nothing. Errors:
 * upstream.invalid, memory. U-6, U-12 */
AIP_MUST_CHECK aip_status group_name_reply(const exchange *x, const scan_document *message, text_buffer *out,
                                           aip_error *err);

/* ---- the stage (group.c) ---- */

/* Is the message for one member? Then it has the member's own names from here on. Errors: request.invalid,
 * request.method, session.not_found, upstream.unreachable, pipeline_change's. U-9 to U-13 */
AIP_MUST_CHECK aip_status group_choose(exchange *x, aip_error *err);
/* From here on it is the member's: its session, if it has one. Errors: session.not_found, upstream.unreachable. U-22 */
AIP_MUST_CHECK aip_status group_enter(exchange *x, const gateway_route *member, aip_error *err);

/* ---- sessions (group_session.c) ---- */

/* What the session id of a group says of a member; all borrowed from `text`. */
typedef struct {
    aip_bytes version, id; /* an empty id: it has no sessions */
} group_session_line;

/* The first line of a new session's text: what tells it from all others. */
void group_session_begin(text_buffer *out);
/* The same for a member; false: its id cannot stand there. */
bool group_session_add(text_buffer *out, const gateway_route *member, const group_session_line *line);
aip_bytes group_session_name(aip_bytes text);
bool group_session_find(aip_bytes text, const gateway_route *member, group_session_line *out);

/* ---- event ids (group_events.c) ---- */

/* Appends the event with its id as `id`; an empty one: without any. */
void group_append_event(text_buffer *out, aip_bytes event, aip_bytes id);
/* The event's own id; empty: it has none. */
aip_bytes group_event_id(aip_bytes event);
/* Appends `<member>:<length>:<id>`. */
void group_append_id(text_buffer *out, const gateway_route *member, aip_bytes id);
/* The id of that member in a list of such ids; empty: there is none. */
aip_bytes group_find_id(aip_bytes ids, const gateway_route *member);
/* An id of all members begins with this. */
#define GROUP_IDS_OF_ALL '*'

#endif
