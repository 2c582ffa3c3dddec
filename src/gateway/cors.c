/* Pages of allowed origins: what their browsers ask before a request, and what lets them read the answer. */
#include "gateway/cors.h"

#include <strings.h>

#include "gateway/stages.h"
#include "net/field.h"

enum { REMEMBERED_SECONDS = 600 }; /* an origin that is no longer allowed is asked about again */

/* What callers of any route may send; a protocol's `passes` are further ones. */
static const char *const usual[] = {
    "Content-Type",    "Accept",         "Authorization",  "X-AIP-Token",          "Signature",
    "Signature-Input", "Content-Digest", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method",
    "Mcp-Name",        "Last-Event-ID",  "traceparent",    "tracestate",           NULL};

/* What they may read beside what browsers show anyway; a protocol's `returns` are further ones. */
static const char *const readable[] = {
    "Mcp-Session-Id", "MCP-Protocol-Version", "WWW-Authenticate", "X-AIP-Decision-Id", "X-AIP-Receipt", "X-AIP-Audit",
    "Signature",      "Signature-Input",      "Content-Digest",   "Retry-After",       "Allow",         NULL};

/* Whoever listens for figures alone has no pages. */
static bool
serves_pages(const exchange *x)
{
    return x->settings->origin_count > 0 && !x->apart && greet_check_origin(x, NULL) == AIP_OK;
}

static bool
has_one(const exchange *x, const char *name)
{
    size_t count = 0;
    (void)exchange_header(x, name, &count);
    return count == 1;
}

bool
cors_asks(const exchange *x)
{
    return strcmp(x->http_method, "OPTIONS") == 0 && has_one(x, "Origin") &&
           has_one(x, "Access-Control-Request-Method") && serves_pages(x);
}

static void
append_names(text_buffer *out, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++) {
        text_append_format(out, "%s%s", out->size == 0 ? "" : ", ", *names);
    }
}

static aip_bytes
trimmed(aip_bytes text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = aip_bytes_from(text, 1);
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

/* Their names are a tool's own (G-113), so those that are asked for are told. */
static void
append_parameters(text_buffer *out, aip_bytes asked)
{
    static const char begin[] = "mcp-param-";
    while (asked.size > 0) {
        const unsigned char *comma = memchr(asked.data, ',', asked.size);
        size_t size = comma == NULL ? asked.size : (size_t)(comma - asked.data);
        aip_bytes name = trimmed((aip_bytes){asked.data, size});
        if (name.size >= sizeof begin && strncasecmp((const char *)name.data, begin, sizeof begin - 1) == 0 &&
            field_is_token(name)) {
            text_append_string(out, ", ");
            text_append(out, name);
        }
        asked = aip_bytes_from(asked, comma == NULL ? size : size + 1);
    }
}

void
cors_allow(exchange *x, const char *methods)
{
    TEXT_AUTO text_buffer names = {0};
    append_names(&names, usual);
    append_names(&names, x->route == NULL ? NULL : x->route->protocol->passes);
    append_parameters(&names, exchange_header(x, "Access-Control-Request-Headers", NULL));
    x->phase = EXCHANGE_ANSWERED;
    if (text_finish(&names, NULL) != AIP_OK) {
        x->answer.http = 500;
        return;
    }
    x->answer.http = 204;
    answer_add(&x->answer, "Access-Control-Allow-Methods", "%s", methods);
    answer_add(&x->answer, "Access-Control-Allow-Headers", "%.*s", (int)names.size, names.data);
    answer_add(&x->answer, "Access-Control-Max-Age", "%d", REMEMBERED_SECONDS);
}

/* Caches must not give what was made for one origin, or for none, to another. */
void
cors_mark(exchange *x)
{
    TEXT_AUTO text_buffer names = {0};
    if (!serves_pages(x)) {
        return;
    }
    answer_add(&x->answer, "Vary", "Origin");
    if (!has_one(x, "Origin")) {
        return;
    }
    aip_bytes origin = exchange_header(x, "Origin", NULL);
    append_names(&names, readable);
    append_names(&names, x->route == NULL ? NULL : x->route->protocol->returns);
    answer_add(&x->answer, "Access-Control-Allow-Origin", "%.*s", (int)origin.size, (const char *)origin.data);
    if (text_finish(&names, NULL) == AIP_OK) {
        answer_add(&x->answer, "Access-Control-Expose-Headers", "%.*s", (int)names.size, names.data);
    }
}
