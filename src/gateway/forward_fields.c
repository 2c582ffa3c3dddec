/* Headers on their way: which of the caller's go on, what is added, and which of the reply come back. */
#include "gateway/forward_fields.h"

#include <strings.h>

#include "gateway/forward.h"
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
    text_append_format(lines, "%s: ", name);
    text_append(lines, value);
    text_append(lines, (aip_bytes){(const unsigned char *)"", 1});
}

void
forward_write_lines(text_buffer *lines, const exchange *x)
{
    for (size_t i = 0; i < x->field_count; i++) {
        const header_field *field = &x->fields[i];
        bool skipped = (x->modern && forward_is(field->name, (const char *const[]){"Last-Event-ID", NULL})) ||
                       (x->renamed && forward_is(field->name, (const char *const[]){"Mcp-Name", NULL}));
        bool passes = forward_passes(x, field->name) && forward_is_clean(field->value);
        if (passes && !skipped && !reach_sets(x, field->name)) {
            text_append(lines, field->name);
            add_line(lines, "", field->value);
        }
    }
    if (x->has_session) {
        add_line(lines, "Mcp-Session-Id", aip_bytes_of(x->session));
    }
    if (x->renamed && x->modern) {
        add_line(lines, "Mcp-Name", x->name);
    }
    text_append(lines, text_view(&x->route->credentials));
    add_line(lines, "Accept-Encoding", AIP_BYTES_LITERAL("identity"));
    add_line(lines, "X-AIP-Verified", AIP_BYTES_LITERAL("true"));
    add_line(lines, "X-AIP-Subject", x->verdict.grant.leaf);
    add_line(lines, "X-AIP-Root", x->verdict.grant.root);
    add_line(lines, "X-AIP-Decision-Id", aip_bytes_of(x->record.decision_id));
    text_append(lines, (aip_bytes){(const unsigned char *)"Expect:", 8}); /* never ask for 100-continue */
}
