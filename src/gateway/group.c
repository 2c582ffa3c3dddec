/* A message at the address of a group: which member is it for, and what does it say there? */
#include "gateway/group.h"

#include <stdlib.h>

#include "gateway/pipeline.h"
#include "gateway/stages.h"

typedef enum {
    FOR_ALL,
    FOR_NAME,   /* the member whose tool, prompt or resource it names, */
    FOR_ASKER,  /* that asked for this response, */
    FOR_TOKEN,  /* or whose request this tells the progress of */
    FOR_STREAM, /* the member whose stream goes on, or all */
    FOR_NOBODY,
} audience;

static const struct {
    const char *method;
    audience whom;
} rows[] = {
    {"initialize", FOR_ALL},
    {"ping", FOR_ALL},
    {"server/discover", FOR_ALL},
    {"logging/setLevel", FOR_ALL},
    {"tools/list", FOR_ALL},
    {"prompts/list", FOR_ALL},
    {"resources/list", FOR_ALL},
    {"resources/templates/list", FOR_ALL},
    {"subscriptions/listen", FOR_ALL},
    {"notifications/initialized", FOR_ALL},
    {"notifications/cancelled", FOR_ALL},
    {"notifications/roots/list_changed", FOR_ALL},
    {"notifications/progress", FOR_TOKEN},
    {"tools/call", FOR_NAME},
    {"prompts/get", FOR_NAME},
    {"resources/read", FOR_NAME},
    {"resources/subscribe", FOR_NAME},
    {"resources/unsubscribe", FOR_NAME},
    {"completion/complete", FOR_NAME},
};

static audience
audience_of(const exchange *x)
{
    if (x->kind == MESSAGE_NONE) {
        return strcmp(x->http_method, "GET") == 0 ? FOR_STREAM : FOR_ALL;
    }
    if (x->kind == MESSAGE_RESPONSE) {
        return FOR_ASKER;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].method, x->method) == 0) {
            return rows[i].whom;
        }
    }
    return FOR_NOBODY;
}

/* A session that began without the member cannot go on with it: the caller begins a new one, unless that would be of no
 * use. */
aip_status
group_enter(exchange *x, const gateway_route *member, aip_error *err)
{
    group_session_line line;
    if (x->sessions != NULL) {
        if (!group_session_find(aip_bytes_of(x->sessions), member, &line)) {
            return route_state_fails(member->state)
                       ? aip_fail(err, AIP_UPSTREAM_UNREACHABLE, "the session began without this server")
                       : aip_fail(err, AIP_SESSION_NOT_FOUND, "the session began without this server");
        }
        x->spoken = line.version;
        x->has_session = line.id.size > 0;
        snprintf(x->session, sizeof x->session, "%.*s", (int)line.id.size, (const char *)line.id.data);
    }
    x->group = x->route;
    x->route = member;
    return AIP_OK;
}

static uint32_t
named_at(const exchange *x)
{
    const scan_document *document = &x->document;
    bool reference = strcmp(x->method, "completion/complete") == 0;
    uint32_t holder = reference ? scan_member(document, x->params, "ref") : x->params;
    return scan_member(document, holder, x->subject == POLICY_RESOURCE ? "uri" : "name");
}

static aip_status
choose_by_name(exchange *x, aip_error *err)
{
    aip_bytes own = x->name;
    bool address = x->subject == POLICY_RESOURCE;
    const gateway_route *member = group_cut(x->route, address, &own);
    if (member == NULL || (!address && !group_name_fits(x->route, member, own))) {
        return aip_fail(err, AIP_REQUEST_INVALID, "no server of this group has such a name");
    }
    AIP_TRY(group_enter(x, member, err));
    return pipeline_rename(x, named_at(x), own, false, err);
}

/* `"<member>__<JSON text of the id>"`: what is not one of ours nobody has asked for. */
static aip_status
choose_by_id(exchange *x, uint32_t node, aip_error *err)
{
    char text[2 * AIP_REQUEST_ID_BYTES_MAX];
    size_t size = 0;
    if (node == SCAN_NONE || scan_kind_of(&x->document, node) != SCAN_STRING ||
        scan_unescape(&x->document, node, text, sizeof text, &size, NULL) != AIP_OK) {
        return aip_fail(err, AIP_REQUEST_INVALID, "no server of this group has asked for this");
    }
    aip_bytes id = {(const unsigned char *)text, size};
    const gateway_route *member = group_cut(x->route, false, &id);
    bool plain = member != NULL && (id.data[0] == '"' || id.data[0] == '-' || (id.data[0] >= '0' && id.data[0] <= '9'));
    if (!plain) {
        return aip_fail(err, AIP_REQUEST_INVALID, "no server of this group has asked for this");
    }
    AIP_TRY(group_enter(x, member, err));
    return pipeline_rename(x, node, id, true, err) == AIP_OK ? AIP_OK : aip_fail(err, AIP_REQUEST_INVALID, NULL);
}

/* A stream that is resumed is one member's, or that of all. */
static aip_status
choose_by_event(exchange *x, aip_error *err)
{
    size_t count = 0;
    aip_bytes ids = exchange_header(x, "Last-Event-ID", &count);
    if (count == 0 || (ids.size > 0 && ids.data[0] == GROUP_IDS_OF_ALL)) {
        return AIP_OK;
    }
    for (size_t i = 0; i < x->route->member_count; i++) {
        const gateway_route *member = x->route->members[i];
        aip_bytes id = group_find_id(ids, member);
        if (id.size > 0) {
            x->resumed_after = id;
            AIP_TRY(group_enter(x, member, err));
            return session_check_event(x, id, err);
        }
    }
    return aip_fail(err, AIP_REQUEST_INVALID, "Last-Event-ID is none of this address");
}

aip_status
group_choose(exchange *x, aip_error *err)
{
    if (x->route->members == NULL) {
        return AIP_OK;
    }
    switch (audience_of(x)) {
    case FOR_ALL:
        return AIP_OK;
    case FOR_NAME:
        return choose_by_name(x, err);
    case FOR_ASKER:
        return choose_by_id(x, scan_member(&x->document, 0, "id"), err);
    case FOR_TOKEN:
        return choose_by_id(
            x, x->params == SCAN_NONE ? SCAN_NONE : scan_member(&x->document, x->params, "progressToken"), err);
    case FOR_STREAM:
        return choose_by_event(x, err);
    case FOR_NOBODY:
        break;
    }
    return aip_fail(err, AIP_REQUEST_METHOD, NULL);
}
