/* One answer of what several members said. */
#include "aip/version.h"
#include "gateway/group_gather_inside.h"
#include "gateway/mcp.h"
#include "gateway/stages.h"

typedef struct {
    const leg *leg;
    const scan_document *document; /* of its message */
    uint32_t result;
} reading;

/* Calls `each` for every answer, in the order of the members. */
static void
for_answers(const gathering *g, void (*each)(void *context, const reading *r), void *context)
{
    for (size_t i = 0; i < g->count; i++) {
        const leg *l = &g->legs[i];
        uint32_t result = l->state == LEG_ANSWERED ? scan_member(&l->said, 0, "result") : SCAN_NONE;
        if (result != SCAN_NONE && scan_kind_of(&l->said, result) == SCAN_OBJECT) {
            const reading r = {l, &l->said, result};
            each(context, &r);
        }
    }
}

typedef struct {
    text_buffer *out;
    const char *name; /* of what is looked for */
    const char *comma;
    uint64_t least;
    bool found;
} merging;

/* ---- what every result says ---- */

static void
append_unavailable(const gathering *g, text_buffer *out)
{
    const char *before = ",\"_meta\":{\"aip/unavailable\":[", *end = "";
    for (size_t i = 0; i < g->count; i++) {
        if (g->legs[i].state == LEG_FAILED) {
            text_append_format(out, "%s\"%s\"", before, g->legs[i].member->name);
            before = ",";
            end = "]}";
        }
    }
    text_append_string(out, end);
}

static void
note_time(void *context, const reading *r)
{
    merging *m = context;
    uint64_t own = 0;
    uint32_t node = scan_member(r->document, r->result, "ttlMs");
    bool good = node != SCAN_NONE && scan_integer(r->document, node, INT64_MAX, &own, NULL) == AIP_OK;
    own = good ? own : 0;
    m->least = own < m->least ? own : m->least;
}

/* MCP 2026-07-28, server/utilities/caching. What this caller sees is not what another one does. */
static void
append_caching(const gathering *g, text_buffer *out)
{
    merging m = {.least = INT64_MAX};
    if (g->x->modern) {
        for_answers(g, note_time, &m);
        text_append_format(out, ",\"resultType\":\"complete\",\"ttlMs\":%llu,\"cacheScope\":\"private\"",
                           (unsigned long long)(m.least == INT64_MAX ? 0 : m.least));
    }
}

/* ---- lists ---- */

static void
append_entries(void *context, const reading *r)
{
    merging *m = context;
    const scan_document *document = r->document;
    uint32_t list = scan_member(document, r->result, m->name);
    if (list == SCAN_NONE || scan_kind_of(document, list) != SCAN_ARRAY) {
        return;
    }
    for (uint32_t each = scan_child(document, list); each != SCAN_NONE; each = scan_next(document, each)) {
        text_append_string(m->out, m->comma);
        text_append(m->out, scan_raw(document, each));
        m->comma = ",";
    }
}

static aip_status
merge_list(const gathering *g, text_buffer *out, aip_error *err)
{
    TEXT_AUTO text_buffer cursor = {0};
    merging m = {.out = out, .name = g->list, .comma = ""};
    text_append_format(out, "\"%s\":[", g->list);
    for_answers(g, append_entries, &m);
    text_append_string(out, "]");
    AIP_TRY(group_append_cursor(g, &cursor, err));
    if (cursor.size > 0) {
        text_append_string(out, ",\"nextCursor\":");
        text_append(out, text_view(&cursor));
    }
    return out->size <= g->x->settings->body_bytes_max
               ? AIP_OK
               : aip_fail(err, AIP_UPSTREAM_INVALID, "lists that are too long together");
}

/* ---- what the servers are ---- */

static void
find_capability(void *context, const reading *r)
{
    merging *m = context;
    const scan_document *document = r->document;
    uint32_t all = scan_member(document, r->result, "capabilities");
    uint32_t own = all == SCAN_NONE ? SCAN_NONE : scan_member(document, all, m->name);
    m->found = m->found || (own != SCAN_NONE && scan_kind_of(document, own) == SCAN_OBJECT);
    for (uint32_t each = m->found && own != SCAN_NONE ? scan_child(document, own) : SCAN_NONE; each != SCAN_NONE;
         each = scan_next(document, each)) {
        bool set = scan_kind_of(document, each) == SCAN_TRUE;
        m->least |= set && scan_name_equals(document, each, AIP_BYTES_LITERAL("listChanged")) ? 1u : 0u;
        m->least |= set && scan_name_equals(document, each, AIP_BYTES_LITERAL("subscribe")) ? 2u : 0u;
    }
}

/* Only what a group carries. */
static void
append_capabilities(const gathering *g, text_buffer *out)
{
    static const char *const names[] = {"tools", "prompts", "resources", "logging", "completions"};
    static const char *const flags[] = {"", "\"listChanged\":true", "\"subscribe\":true",
                                        "\"listChanged\":true,\"subscribe\":true"};
    const char *comma = "";
    text_append_string(out, "\"capabilities\":{");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        merging m = {.name = names[i]};
        for_answers(g, find_capability, &m);
        if (m.found) {
            text_append_format(out, "%s\"%s\":{%s}", comma, names[i], flags[m.least & 3]);
            comma = ",";
        }
    }
    text_append_string(out, "}");
}

static void
append_instructions_of(void *context, const reading *r)
{
    merging *m = context;
    uint32_t node = scan_member(r->document, r->result, "instructions");
    aip_bytes raw = node == SCAN_NONE ? (aip_bytes){NULL, 0} : scan_raw(r->document, node);
    if (node == SCAN_NONE || scan_kind_of(r->document, node) != SCAN_STRING || raw.size <= 2) {
        return;
    }
    /* Joined as they are written: a string's escapes mean the same within a longer one. */
    text_append_format(m->out, "%s%s__*:\\n", m->comma, r->leg->member->name);
    text_append(m->out, (aip_bytes){raw.data + 1, raw.size - 2});
    m->comma = "\\n\\n";
    m->found = true;
}

static void
append_instructions(const gathering *g, text_buffer *out)
{
    TEXT_AUTO text_buffer text = {0};
    merging m = {.out = &text, .comma = ""};
    for_answers(g, append_instructions_of, &m);
    if (m.found) {
        text_append_string(out, ",\"instructions\":\"");
        text_append(out, text_view(&text));
        text_append_string(out, "\"");
    }
    out->failed = out->failed || text.failed;
}

static void
append_server(const gathering *g, text_buffer *out)
{
    text_append_format(out, "{\"name\":\"aip-gateway\",\"title\":\"%s\",\"version\":\"%s\"}", g->x->route->name,
                       AIP_VERSION);
}

/* ---- initialize ---- */

static const char *
oldest_version(const gathering *g)
{
    const char *oldest = NULL;
    for (size_t i = 0; i < g->count; i++) {
        const leg *l = &g->legs[i];
        bool counts = l->state == LEG_ANSWERED && l->version[0] != '\0';
        oldest = counts && (oldest == NULL || strcmp(l->version, oldest) < 0) ? l->version : oldest;
    }
    return oldest;
}

/* A member whose id has no room, or whose version nobody here speaks, is one that was not there. */
static void
seal_sessions(gathering *g)
{
    TEXT_AUTO text_buffer text = {0};
    group_session_begin(&text);
    for (size_t i = 0; i < g->count; i++) {
        leg *l = &g->legs[i];
        size_t before = text.size;
        const group_session_line line = {aip_bytes_of(l->version), aip_bytes_of(l->session)};
        if (l->state != LEG_ANSWERED) {
            continue;
        }
        if (mcp_check_version(line.version, NULL) != AIP_OK || !group_session_add(&text, l->member, &line) ||
            text.size > GROUP_SESSION_BYTES_MAX) {
            text.size = before;
            l->state = LEG_FAILED;
        }
    }
    if (text_finish(&text, NULL) == AIP_OK) {
        session_seal(g->x, text_view(&text));
    }
}

static aip_status
merge_greeting(gathering *g, text_buffer *out, aip_error *err)
{
    seal_sessions(g);
    const char *version = oldest_version(g);
    if (version == NULL || mcp_check_version(aip_bytes_of(version), NULL) != AIP_OK) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "no server named a version that is spoken here");
    }
    text_append_format(out, "\"protocolVersion\":\"%s\",", version);
    append_capabilities(g, out);
    text_append_string(out, ",\"serverInfo\":");
    append_server(g, out);
    append_instructions(g, out);
    return AIP_OK;
}

/* ---- server/discover ---- */

typedef struct {
    aip_bytes version;
    bool missing;
} common;

static void
find_version(void *context, const reading *r)
{
    common *c = context;
    bool found = false;
    uint32_t list = scan_member(r->document, r->result, "supportedVersions");
    uint32_t each =
        list == SCAN_NONE || scan_kind_of(r->document, list) != SCAN_ARRAY ? SCAN_NONE : scan_child(r->document, list);
    for (; each != SCAN_NONE && !found; each = scan_next(r->document, each)) {
        found = scan_kind_of(r->document, each) == SCAN_STRING && scan_string_equals(r->document, each, c->version);
    }
    c->missing = c->missing || !found;
}

static aip_status
merge_discovery(const gathering *g, text_buffer *out, aip_error *err)
{
    const char *comma = "";
    text_append_string(out, "\"supportedVersions\":[");
    for (size_t i = 0; mcp_version(i) != NULL; i++) {
        common c = {aip_bytes_of(mcp_version(i)), false};
        for_answers(g, find_version, &c);
        if (!c.missing) {
            text_append_format(out, "%s\"%s\"", comma, mcp_version(i));
            comma = ",";
        }
    }
    text_append_string(out, "],");
    append_capabilities(g, out);
    append_instructions(g, out);
    return comma[0] != '\0' ? AIP_OK : aip_fail(err, AIP_UPSTREAM_INVALID, "the servers have no version in common");
}

/* ---- all together ---- */

aip_status
group_merge(gathering *g, text_buffer *out, aip_error *err)
{
    const exchange *x = g->x;
    text_append_string(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    text_append(out, x->id);
    text_append_string(out, ",\"result\":{");
    size_t before = out->size;
    if (g->list != NULL) {
        AIP_TRY(merge_list(g, out, err));
    } else if (strcmp(x->method, "initialize") == 0) {
        AIP_TRY(merge_greeting(g, out, err));
    } else if (strcmp(x->method, "server/discover") == 0) {
        AIP_TRY(merge_discovery(g, out, err));
    }
    append_caching(g, out);
    append_unavailable(g, out);
    if (out->size > before && out->data[before] == ',') {
        memmove(out->data + before, out->data + before + 1, --out->size - before);
    }
    text_append_string(out, "}}");
    return text_finish(out, err);
}

/* ---- subscriptions/listen ---- */

static void
append_granted(const gathering *g, const char *name, text_buffer *out, merging *m)
{
    for (size_t i = 0; i < g->count; i++) {
        const leg *l = &g->legs[i];
        const scan_document *document = &l->said;
        if (!l->acknowledged) {
            continue;
        }
        uint32_t params = scan_member(document, 0, "params");
        uint32_t granted = params == SCAN_NONE ? SCAN_NONE : scan_member(document, params, "notifications");
        uint32_t node = granted == SCAN_NONE ? SCAN_NONE : scan_member(document, granted, name);
        m->found = m->found || (node != SCAN_NONE && scan_kind_of(document, node) == SCAN_TRUE);
        uint32_t each =
            node != SCAN_NONE && scan_kind_of(document, node) == SCAN_ARRAY ? scan_child(document, node) : SCAN_NONE;
        for (; each != SCAN_NONE; each = scan_next(document, each)) {
            text_append_string(out, m->comma);
            text_append(out, scan_raw(document, each));
            m->comma = ",";
        }
    }
}

aip_status
group_append_acknowledgement(const gathering *g, text_buffer *out, aip_error *err)
{
    static const char *const flags[] = {"toolsListChanged", "promptsListChanged", "resourcesListChanged"};
    TEXT_AUTO text_buffer addresses = {0};
    merging listed = {.comma = ""};
    const char *comma = "";
    text_append_string(out, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
                            "\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{"
                            "\"io.modelcontextprotocol/subscriptionId\":");
    text_append(out, g->x->id);
    text_append_string(out, "},\"notifications\":{");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        merging m = {.comma = ""};
        append_granted(g, flags[i], out, &m);
        if (m.found) {
            text_append_format(out, "%s\"%s\":true", comma, flags[i]);
            comma = ",";
        }
    }
    append_granted(g, "resourceSubscriptions", &addresses, &listed);
    if (addresses.size > 0) {
        text_append_format(out, "%s\"resourceSubscriptions\":[", comma);
        text_append(out, text_view(&addresses));
        text_append_string(out, "]");
    }
    text_append_string(out, "}}}\n\n");
    AIP_TRY(text_finish(&addresses, err));
    return text_finish(out, err);
}
