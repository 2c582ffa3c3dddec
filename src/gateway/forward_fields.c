/* Headers on their way: which of the caller's go on, what is added, and which of the reply come back. */
#include "gateway/forward_fields.h"

#include <strings.h>

#include "gateway/forward.h"
#include "gateway/mcp_params.h"
#include "gateway/media.h"
#include "gateway/stages.h"

bool
forward_is(aip_bytes name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (name.size == strlen(*names) && strncasecmp((const char *)name.data, *names, name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* An allow-list: credentials, X-AIP-*, Signature* and hop-by-hop fields are not on it. */
bool
forward_passes(const exchange *x, aip_bytes name)
{
    static const char *const names[] = {
        "Accept",        "Content-Type", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name",
        "Last-Event-ID", "traceparent",  "tracestate",           "User-Agent", NULL};
    static const char parameter[] = "Mcp-Param-";
    const char *const *further = x->route->protocol->passes;
    return forward_is(name, names) || (further != NULL && forward_is(name, further)) ||
           (name.size >= sizeof parameter &&
            strncasecmp((const char *)name.data, parameter, sizeof parameter - 1) == 0);
}

static const char *
find_name(aip_bytes name, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++) {
        if (forward_is(name, (const char *const[]){*names, NULL})) {
            return *names;
        }
    }
    return NULL;
}

const char *
forward_returns(const exchange *x, aip_bytes name)
{
    static const char *const names[] = {"Content-Type", "Cache-Control",        "Retry-After",
                                        "Allow",        "MCP-Protocol-Version", NULL};
    const char *usual = find_name(name, names);
    if (usual == names[1] && x->route->protocol->cache_control != NULL) {
        return NULL;
    }
    return usual != NULL ? usual : find_name(name, x->route->protocol->returns);
}

bool
forward_is_clean(aip_bytes value)
{
    return value.size > 0 && exchange_is_field_value(value);
}

/* Lines end with NUL, so that each is a string. */
static void
add_line(text_buffer *lines, const char *name, aip_bytes value)
{
    text_append_string(lines, name);
    text_append_string(lines, ": ");
    text_append(lines, value);
    text_append(lines, (aip_bytes){(const unsigned char *)"", 1});
}

/* One that repeats an argument says what goes on (G-113); without memory there is no line at all. */
static void
add_field(text_buffer *lines, const exchange *x, const header_field *field)
{
    TEXT_AUTO text_buffer value = {0};
    bool repeats = mcp_params_knows(x, field->name);
    if (repeats && (mcp_params_append(x, field, &value, NULL) != AIP_OK || value.size == 0)) {
        return;
    }
    text_append(lines, field->name);
    add_line(lines, "", repeats ? text_view(&value) : field->value);
}

void
forward_write_lines(text_buffer *lines, const exchange *x)
{
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        bool skipped = (x->modern && forward_is(field->name, (const char *const[]){"Last-Event-ID", NULL})) ||
                       (x->renamed && forward_is(field->name, (const char *const[]){"Mcp-Name", NULL})) ||
                       (x->group != NULL && forward_is(field->name, (const char *const[]){"Last-Event-ID", NULL})) ||
                       (x->spoken.size > 0 &&
                        forward_is(field->name, (const char *const[]){"MCP-Protocol-Version", NULL}));
        bool passes = forward_passes(x, field->name) && forward_is_clean(field->value);
        if (passes && !skipped && !reach_sets(x, field->name)) {
            add_field(lines, x, field);
        }
    }
    if (x->has_session) {
        add_line(lines, "Mcp-Session-Id", aip_bytes_of(x->session));
    }
    if (x->renamed && x->modern && x->name.size > 0) {
        add_line(lines, "Mcp-Name", x->name);
    }
    if (x->spoken.size > 0) {
        add_line(lines, "MCP-Protocol-Version", x->spoken);
    }
    if (x->resumed_after.size > 0 && forward_is_clean(x->resumed_after)) {
        add_line(lines, "Last-Event-ID", x->resumed_after);
    }
    text_append(lines, text_view(&x->route->credentials));
    add_line(lines, "Accept-Encoding", AIP_BYTES_LITERAL("identity"));
    add_line(lines, "X-AIP-Verified", AIP_BYTES_LITERAL("true"));
    add_line(lines, "X-AIP-Subject", x->verdict.grant.leaf);
    add_line(lines, "X-AIP-Root", x->verdict.grant.root);
    add_line(lines, "X-AIP-Decision-Id", aip_bytes_of(x->record.decision_id));
    text_append(lines, (aip_bytes){(const unsigned char *)"Expect:", 8}); /* never ask for 100-continue */
}

/* ---- of the reply ---- */

/* What one caller got is not for others, whatever a server says of it. */
static bool
lets_share(aip_bytes name, aip_bytes value)
{
    static const char *const words[] = {"private", "no-store", "no-cache"};
    bool keeps = forward_is(name, (const char *const[]){"Cache-Control", NULL});
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        keeps = keeps && memmem(value.data, value.size, words[i], strlen(words[i])) == NULL;
    }
    return keeps;
}

/* Of two that say different things, readers take one or the other. */
static void
note_once(exchange *x, aip_bytes name)
{
    static const char *const single[] = {"Content-Type", "Content-Encoding", "Mcp-Session-Id"};
    for (unsigned i = 0; i < sizeof single / sizeof single[0]; i++) {
        if (forward_is(name, (const char *const[]){single[i], NULL})) {
            x->upstream_doubled = x->upstream_doubled || (x->upstream_said & 1u << i) != 0;
            x->upstream_said |= 1u << i;
        }
    }
}

void
forward_take_field(void *context, aip_bytes name, aip_bytes value)
{
    exchange *x = context;
    note_once(x, name);
    if (!forward_is_clean(value)) {
        return;
    }
    if (forward_is(name, (const char *const[]){"Content-Type", NULL})) {
        /* In another charset its reader would see other texts than were looked into (G-122). */
        bool plain = x->route->protocol->texts || media_is_utf8(value);
        x->upstream_json =
            plain && (x->route->protocol->below ? media_is_json(value) : media_names(value, "application/json"));
        x->upstream_stream = plain && media_names(value, "text/event-stream");
    }
    if (forward_is(name, (const char *const[]){"Content-Encoding", NULL})) {
        x->upstream_coded = !aip_bytes_equal(value, AIP_BYTES_LITERAL("identity"));
    } else if (forward_is(name, (const char *const[]){"Mcp-Session-Id", NULL})) {
        session_issue(x, value);
    } else if (forward_is(name, (const char *const[]){"Content-Length", NULL}) && strcmp(x->http_method, "HEAD") == 0) {
        for (size_t i = 0; i < value.size && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
            x->answer.body_bytes = x->answer.body_bytes * 10 + (uint64_t)(value.data[i] - '0');
        }
    } else if (x->answer.field_count < ANSWER_FIELDS_MAX / 2) {
        const char *kept = forward_returns(x, name);
        if (kept != NULL && !lets_share(name, value)) {
            answer_add(&x->answer, kept, "%.*s", (int)value.size, (const char *)value.data);
        }
    }
}

void
forward_drop_field(gateway_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        if (strcmp(answer->fields[i].name, name) == 0) {
            text_release(&answer->fields[i].value);
            answer->fields[i--] = answer->fields[--answer->field_count];
        }
    }
}

void
forward_forbid_caching(gateway_answer *answer)
{
    static const char name[] = "Cache-Control";
    for (size_t i = 0; i < answer->field_count; i++) {
        const char *value = strcmp(answer->fields[i].name, name) == 0 ? answer->fields[i].value : "";
        if (strstr(value, "no-cache") != NULL || strstr(value, "no-store") != NULL) {
            return;
        }
    }
    forward_drop_field(answer, name);
    answer_add(answer, name, "no-cache");
}

/* The credential that a 401 is about is the operator's. */
const char *
forward_find_fault(const exchange *x, int http)
{
    const protocol *speaks = x->route->protocol;
    bool unchanged = http == 304 && speaks->texts;
    if (x->upstream_coded) {
        return "a coded reply";
    }
    if (x->upstream_doubled) {
        return "a header twice";
    }
    if (speaks->answers_once && (http == 401 || http == 407)) {
        return "it does not accept the gateway's credential";
    }
    return http >= 300 && http < 400 && !unchanged ? "a redirect" : NULL;
}
