/* MCP over HTTP: what the head of a request must say. */
#include <ctype.h>
#include <strings.h>

#include "base/splice.h"
#include "gateway/mcp.h"
#include "gateway/media.h"

static bool
is_post(const exchange *x)
{
    return strcmp(x->http_method, "POST") == 0;
}

static bool
accepts(aip_bytes accept, const char *type)
{
    return memmem(accept.data, accept.size, "*/*", 3) != NULL ||
           memmem(accept.data, accept.size, type, strlen(type)) != NULL;
}

static aip_status
check_accept(const exchange *x, aip_error *err)
{
    bool json = !is_post(x), events = strcmp(x->http_method, "DELETE") == 0, any = false;
    for (size_t i = 0; i < x->field_count; i++) {
        aip_bytes name = x->fields[i].name;
        if (name.size == 6 && strncasecmp((const char *)name.data, "Accept", 6) == 0) {
            any = true;
            json = json || accepts(x->fields[i].value, "application/json");
            events = events || accepts(x->fields[i].value, "text/event-stream");
        }
    }
    return !any || (json && events) ? AIP_OK : aip_fail(err, AIP_REQUEST_NOT_ACCEPTABLE, NULL);
}

#define FIRST_MODERN "2026-07-28"

/* What the rules of this file are written for. A later version may mean other things by the same bytes. */
static const char *const versions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"};

const char *
mcp_version(size_t index)
{
    return index < sizeof versions / sizeof versions[0] ? versions[index] : NULL;
}

aip_status
mcp_check_version(aip_bytes version, aip_error *err)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (aip_bytes_equal(version, aip_bytes_of(versions[i]))) {
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_REQUEST_VERSION, NULL);
}

aip_status
mcp_narrow_versions(const scan_document *message, uint32_t result, text_buffer *out, aip_error *err)
{
    SPLICE_AUTO splice edit = {0};
    const scan_limits limits = {message->text.size, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    uint32_t list = scan_member(message, result, "supportedVersions");
    uint32_t each = list == SCAN_NONE ? SCAN_NONE : scan_child(message, list);
    splice_begin(&edit, message);
    for (; each != SCAN_NONE; each = scan_next(message, each)) {
        aip_bytes raw = scan_raw(message, each);
        bool text = scan_kind_of(message, each) == SCAN_STRING;
        if (!text || mcp_check_version((aip_bytes){raw.data + 1, raw.size - 2}, NULL) != AIP_OK) {
            AIP_TRY(splice_remove(&edit, list, each, err));
        }
    }
    return splice_changes(&edit) ? splice_finish(&edit, &limits, out, NULL, err) : AIP_OK;
}

static bool
is_plain(aip_bytes text)
{
    bool good = text.size <= 32;
    for (size_t i = 0; good && i < text.size; i++) {
        good = isalnum(text.data[i]) || text.data[i] == '-' || text.data[i] == '.';
    }
    return good;
}

void
mcp_append_versions(text_buffer *out, const exchange *x)
{
    aip_bytes requested = exchange_header(x, "MCP-Protocol-Version", NULL);
    text_append_string(out, ",\"supported\":[");
    for (size_t i = 0, count = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (strcmp(versions[i], FIRST_MODERN) >= 0) { /* those before are agreed on by `initialize` */
            text_append_format(out, "%s\"%s\"", count++ == 0 ? "" : ",", versions[i]);
        }
    }
    text_append_format(out, "],\"requested\":\"%.*s\"", is_plain(requested) ? (int)requested.size : 0,
                       (const char *)requested.data);
}

aip_status
mcp_check_head(exchange *x, aip_error *err)
{
    size_t count = 0;
    aip_bytes version = exchange_header(x, "MCP-Protocol-Version", &count);
    x->modern = version.size == 10 && memcmp(version.data, FIRST_MODERN, 10) >= 0;
    bool known = is_post(x) || strcmp(x->http_method, "GET") == 0 || strcmp(x->http_method, "DELETE") == 0;
    if (!known || (x->modern && !is_post(x))) {
        return aip_fail(err, AIP_REQUEST_HTTP_METHOD, NULL);
    }
    if (is_post(x) && !media_is(exchange_header(x, "Content-Type", NULL), "application/json")) {
        return aip_fail(err, AIP_REQUEST_MEDIA_TYPE, "Content-Type must be application/json");
    }
    AIP_TRY(check_accept(x, err));
    return count == 0 ? AIP_OK : mcp_check_version(version, err);
}
