/* Names and ids of a group's members, as callers spell them: before a member's own stands which one it is. */
#include <stdlib.h>

#include "base/splice.h"
#include "gateway/group.h"

static const char *
separator(bool address)
{
    return address ? "." : "__"; /* which scopes may have (T-20), and the scheme of a URI */
}

void
group_append_prefix(text_buffer *out, const gateway_route *member, bool address)
{
    text_append_string(out, member->name);
    text_append_string(out, separator(address));
}

static const gateway_route *
find_member(const gateway_route *group, aip_bytes name)
{
    for (size_t i = 0; i < group->member_count; i++) {
        if (aip_bytes_equal(aip_bytes_of(group->members[i]->name), name)) {
            return group->members[i];
        }
    }
    return NULL;
}

const gateway_route *
group_cut(const gateway_route *group, bool address, aip_bytes *name)
{
    const char *mark = separator(address);
    const unsigned char *at = name->size == 0 ? NULL : memmem(name->data, name->size, mark, strlen(mark));
    if (at == NULL) {
        return NULL;
    }
    size_t size = (size_t)(at - name->data);
    const gateway_route *member = find_member(group, (aip_bytes){name->data, size});
    *name = aip_bytes_from(*name, size + strlen(mark));
    return name->size == 0 ? NULL : member;
}

bool
group_name_fits(const gateway_route *group, const gateway_route *member, aip_bytes name)
{
    return strlen(member->name) + strlen(separator(false)) + name.size <= group->name_bytes;
}

bool
group_write_wanted(const exchange *x, const char *kind, aip_bytes name, char out[GROUP_WANTED_SIZE], aip_bytes *called)
{
    bool address = strcmp(kind, "resource:") == 0;
    const char *member = x->group == NULL ? "" : x->route->name, *mark = x->group == NULL ? "" : separator(address);
    int size =
        snprintf(out, GROUP_WANTED_SIZE, "%s%s%s%.*s", kind, member, mark, (int)name.size, (const char *)name.data);
    bool fits = size > 0 && (size_t)size < GROUP_WANTED_SIZE && memchr(name.data, '\0', name.size) == NULL;
    if (fits && called != NULL) {
        *called = aip_bytes_of(out + strlen(kind));
    }
    return fits;
}

/* ---- replies ---- */

typedef struct {
    const exchange *x;
    const scan_document *message;
    splice changes;
} naming;

static aip_status
put_before(naming *n, uint32_t node, bool address, aip_error *err)
{
    TEXT_AUTO text_buffer name = {0};
    size_t size = 0;
    if (node == SCAN_NONE || scan_kind_of(n->message, node) != SCAN_STRING) {
        return AIP_OK; /* nothing that a caller could use as a name */
    }
    size_t room = scan_raw(n->message, node).size;
    group_append_prefix(&name, n->x->route, address);
    char *own STRING_AUTO = malloc(room + 1);
    if (own == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(scan_unescape(n->message, node, own, room, &size, err));
    text_append(&name, (aip_bytes){(const unsigned char *)own, size});
    AIP_TRY(text_finish(&name, err));
    return splice_replace_string(&n->changes, node, text_view(&name), err);
}

/* The id's JSON text becomes part of a string, so it comes back as it was. */
static aip_status
mark_id(naming *n, uint32_t node, aip_error *err)
{
    TEXT_AUTO text_buffer id = {0};
    if (node == SCAN_NONE) {
        return AIP_OK;
    }
    group_append_prefix(&id, n->x->route, false);
    text_append(&id, scan_raw(n->message, node));
    AIP_TRY(text_finish(&id, err));
    return splice_replace_string(&n->changes, node, text_view(&id), err);
}

static uint32_t
member_of(const naming *n, uint32_t object, const char *name)
{
    return object == SCAN_NONE ? SCAN_NONE : scan_member(n->message, object, name);
}

static aip_status
name_entries(naming *n, uint32_t list, const char *member, bool address, aip_error *err)
{
    if (list == SCAN_NONE || scan_kind_of(n->message, list) != SCAN_ARRAY) {
        return AIP_OK;
    }
    for (uint32_t each = scan_child(n->message, list); each != SCAN_NONE; each = scan_next(n->message, each)) {
        AIP_TRY(put_before(n, member == NULL ? each : scan_member(n->message, each, member), address, err));
    }
    return AIP_OK;
}

/* An item of a tool's or prompt's content: a link to a resource, or one in whole. */
static aip_status
name_item(naming *n, uint32_t item, aip_error *err)
{
    uint32_t type = member_of(n, item, "type");
    if (type == SCAN_NONE || scan_kind_of(n->message, type) != SCAN_STRING) {
        return AIP_OK;
    }
    if (scan_string_equals(n->message, type, AIP_BYTES_LITERAL("resource_link"))) {
        return put_before(n, member_of(n, item, "uri"), true, err);
    }
    bool whole = scan_string_equals(n->message, type, AIP_BYTES_LITERAL("resource"));
    return whole ? put_before(n, member_of(n, member_of(n, item, "resource"), "uri"), true, err) : AIP_OK;
}

static aip_status
name_content(naming *n, uint32_t content, aip_error *err)
{
    if (content == SCAN_NONE || scan_kind_of(n->message, content) != SCAN_ARRAY) {
        return content == SCAN_NONE ? AIP_OK : name_item(n, content, err);
    }
    for (uint32_t each = scan_child(n->message, content); each != SCAN_NONE; each = scan_next(n->message, each)) {
        AIP_TRY(name_item(n, each, err));
    }
    return AIP_OK;
}

static aip_status
name_result(naming *n, uint32_t result, aip_error *err)
{
    static const struct {
        const char *list, *member;
        bool address;
    } rows[] = {{"tools", "name", false},
                {"prompts", "name", false},
                {"resources", "uri", true},
                {"resourceTemplates", "uriTemplate", true},
                {"contents", "uri", true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        AIP_TRY(name_entries(n, scan_member(n->message, result, rows[i].list), rows[i].member, rows[i].address, err));
    }
    uint32_t messages = scan_member(n->message, result, "messages");
    uint32_t each = messages == SCAN_NONE || scan_kind_of(n->message, messages) != SCAN_ARRAY
                        ? SCAN_NONE
                        : scan_child(n->message, messages);
    for (; each != SCAN_NONE; each = scan_next(n->message, each)) {
        AIP_TRY(name_content(n, scan_member(n->message, each, "content"), err));
    }
    return name_content(n, scan_member(n->message, result, "content"), err);
}

/* A request of the member to the caller, or what it says of one. Modern servers have none: ids there are the caller's.
 */
static aip_status
name_request(naming *n, uint32_t params, aip_error *err)
{
    const scan_document *message = n->message;
    uint32_t id = scan_member(message, 0, "id"), method = scan_member(message, 0, "method");
    if (id != SCAN_NONE) {
        AIP_TRY(mark_id(n, id, err));
        return mark_id(n, member_of(n, member_of(n, params, "_meta"), "progressToken"), err);
    }
    if (scan_kind_of(message, method) != SCAN_STRING) {
        return AIP_OK;
    }
    if (scan_string_equals(message, method, AIP_BYTES_LITERAL("notifications/resources/updated"))) {
        return put_before(n, member_of(n, params, "uri"), true, err);
    }
    if (scan_string_equals(message, method, AIP_BYTES_LITERAL("notifications/subscriptions/acknowledged"))) {
        uint32_t granted = member_of(n, params, "notifications");
        return name_entries(n, member_of(n, granted, "resourceSubscriptions"), NULL, true, err);
    }
    bool cancels = scan_string_equals(message, method, AIP_BYTES_LITERAL("notifications/cancelled"));
    return cancels && !n->x->modern ? mark_id(n, member_of(n, params, "requestId"), err) : AIP_OK;
}

static aip_status
name_all(naming *n, text_buffer *out, aip_error *err)
{
    const scan_document *message = n->message;
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    uint32_t result = scan_member(message, 0, "result");
    if (scan_member(message, 0, "method") != SCAN_NONE) {
        AIP_TRY(name_request(n, scan_member(message, 0, "params"), err));
    } else if (result != SCAN_NONE) {
        AIP_TRY(name_result(n, result, err));
    }
    return splice_changes(&n->changes) ? splice_finish(&n->changes, &limits, out, NULL, err) : AIP_OK;
}

aip_status
group_name_reply(const exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    naming n = {.x = x, .message = message};
    splice_begin(&n.changes, message);
    aip_status status = name_all(&n, out, err);
    splice_clear(&n.changes);
    bool of_member = status != AIP_OK && status != AIP_NO_MEMORY;
    return of_member ? aip_fail(err, AIP_UPSTREAM_INVALID, "a name that cannot be written anew") : status;
}
