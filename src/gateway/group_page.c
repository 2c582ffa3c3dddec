/* What each member of a group is asked when all are: the caller's message, with the member's own cursor or addresses.
 */
#include <stdlib.h>

#include "base/splice.h"
#include "crypto/base64url.h"
#include "gateway/group_gather_inside.h"

static aip_status
finish(const exchange *x, splice *changes, text_buffer *out, aip_error *err)
{
    const scan_limits limits = {x->settings->body_bytes_max, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    return splice_changes(changes) ? splice_finish(changes, &limits, out, NULL, err) : AIP_OK;
}

/* ---- cursors: one line `<member> <JSON string>` for each that has more ---- */

static aip_status
load_cursors(const exchange *x, uint32_t node, text_buffer *out, aip_error *err)
{
    aip_bytes text;
    size_t size = 0;
    AIP_TRY(scan_plain_string(&x->document, node, &text, NULL) == AIP_OK
                ? AIP_OK
                : aip_fail(err, AIP_REQUEST_INVALID, "the cursor is none of this address"));
    unsigned char *bytes = malloc(text.size + 1);
    if (bytes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = base64url_decode(text, bytes, text.size, &size, NULL);
    text_append(out, (aip_bytes){bytes, size});
    free(bytes);
    return status == AIP_OK ? text_finish(out, err)
                            : aip_fail(err, AIP_REQUEST_INVALID, "the cursor is none of this address");
}

static aip_bytes
find_cursor(aip_bytes lines, const gateway_route *member)
{
    size_t name = strlen(member->name);
    while (lines.size > 0) {
        const unsigned char *end = memchr(lines.data, '\n', lines.size);
        size_t size = end == NULL ? lines.size : (size_t)(end - lines.data);
        if (size > name + 2 && memcmp(lines.data, member->name, name) == 0 && lines.data[name] == ' ' &&
            lines.data[name + 1] == '"') {
            return (aip_bytes){lines.data + name + 1, size - name - 1};
        }
        lines = aip_bytes_from(lines, end == NULL ? size : size + 1);
    }
    return (aip_bytes){NULL, 0};
}

static aip_status
page_for(const exchange *x, uint32_t cursor, const gateway_route *member, bool *asked, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer lines = {0};
    SPLICE_AUTO splice changes = {0};
    AIP_TRY(load_cursors(x, cursor, &lines, err));
    aip_bytes own = find_cursor(text_view(&lines), member);
    *asked = own.size > 0;
    if (!*asked) {
        return AIP_OK;
    }
    splice_begin(&changes, &x->document);
    if (splice_replace(&changes, cursor, own, NULL) != AIP_OK || finish(x, &changes, out, NULL) != AIP_OK) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the cursor is none of this address");
    }
    return AIP_OK;
}

static aip_bytes
cursor_of(const leg *l)
{
    uint32_t result = l->state == LEG_ANSWERED ? scan_member(&l->said, 0, "result") : SCAN_NONE;
    uint32_t node = result == SCAN_NONE ? SCAN_NONE : scan_member(&l->said, result, "nextCursor");
    bool more = node != SCAN_NONE && scan_kind_of(&l->said, node) == SCAN_STRING;
    return more ? scan_raw(&l->said, node) : (aip_bytes){NULL, 0};
}

aip_status
group_append_cursor(const gathering *g, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer lines = {0};
    for (size_t i = 0; i < g->count; i++) {
        aip_bytes own = cursor_of(&g->legs[i]);
        if (own.size > 0) {
            text_append_format(&lines, "%s ", g->legs[i].member->name);
            text_append(&lines, own);
            text_append_string(&lines, "\n");
        }
    }
    AIP_TRY(text_finish(&lines, err));
    if (lines.size == 0) {
        return AIP_OK;
    }
    char *text STRING_AUTO = malloc(BASE64URL_TEXT_SIZE(lines.size) + 1);
    if (text == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    base64url_encode_public(text_view(&lines), text);
    text_append_format(out, "\"%s\"", text);
    return text_finish(out, err);
}

/* ---- what is listened to ---- */

/* Takes the other members' addresses out, and leaves this one's as it knows them. */
static aip_status
keep_own(const exchange *x, const gateway_route *member, uint32_t list, splice *changes, size_t *kept, aip_error *err)
{
    char text[AIP_URI_BYTES_MAX];
    size_t size = 0;
    for (uint32_t each = scan_child(&x->document, list); each != SCAN_NONE; each = scan_next(&x->document, each)) {
        AIP_TRY(scan_unescape(&x->document, each, text, sizeof text, &size, err));
        aip_bytes address = {(const unsigned char *)text, size};
        const gateway_route *whose = group_cut(x->route, true, &address);
        if (whose == NULL) {
            return aip_fail(err, AIP_REQUEST_INVALID, "no server of this group has such an address");
        }
        AIP_TRY(whose == member ? splice_replace_string(changes, each, address, err)
                                : splice_remove(changes, list, each, err));
        *kept += whose == member ? 1 : 0;
    }
    return AIP_OK;
}

static bool
hears_lists(const scan_document *document, uint32_t filter)
{
    static const char *const kinds[] = {"toolsListChanged", "promptsListChanged", "resourcesListChanged"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint32_t node = scan_member(document, filter, kinds[i]);
        if (node != SCAN_NONE && scan_kind_of(document, node) == SCAN_TRUE) {
            return true;
        }
    }
    return false;
}

static aip_status
filter_for(const exchange *x, const gateway_route *member, bool *asked, text_buffer *out, aip_error *err)
{
    const scan_document *document = &x->document;
    SPLICE_AUTO splice changes = {0};
    size_t kept = 0;
    uint32_t filter = x->params == SCAN_NONE ? SCAN_NONE : scan_member(document, x->params, "notifications");
    uint32_t list = filter == SCAN_NONE ? SCAN_NONE : scan_member(document, filter, "resourceSubscriptions");
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    splice_begin(&changes, document);
    AIP_TRY(keep_own(x, member, list, &changes, &kept, err));
    *asked = kept > 0 || hears_lists(document, filter) || scan_child(document, list) == SCAN_NONE;
    return finish(x, &changes, out, err);
}

/* ---- all together ---- */

/* A session that a member has no part in does not reach it. */
static bool
takes_part(const exchange *x, const gateway_route *member)
{
    group_session_line line;
    bool ends = strcmp(x->http_method, "DELETE") == 0;
    if (x->sessions == NULL) {
        return !ends;
    }
    return group_session_find(aip_bytes_of(x->sessions), member, &line) && (!ends || line.id.size > 0);
}

aip_status
group_message_for(const gathering *g, const gateway_route *member, bool *asked, text_buffer *out, aip_error *err)
{
    const exchange *x = g->x;
    *asked = x->kind == MESSAGE_NONE ? takes_part(x, member) : strcmp(x->method, "ping") != 0;
    if (x->kind == MESSAGE_NONE || !*asked) {
        return AIP_OK;
    }
    uint32_t cursor = x->params == SCAN_NONE ? SCAN_NONE : scan_member(&x->document, x->params, "cursor");
    if (g->listens) {
        AIP_TRY(filter_for(x, member, asked, out, err));
    } else if (cursor != SCAN_NONE && g->list != NULL) {
        AIP_TRY(page_for(x, cursor, member, asked, out, err));
    }
    if (out->size == 0) {
        text_append(out, text_view(x->outgoing.size > 0 ? &x->outgoing : &x->body));
    }
    return text_finish(out, err);
}
