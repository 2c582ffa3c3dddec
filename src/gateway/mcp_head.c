/* MCP over HTTP: what the head of a request must say. */
#include <ctype.h>
#include <strings.h>

#include "gateway/mcp.h"

static bool
is_post(const exchange *x)
{
    return strcmp(x->http_method, "POST") == 0;
}

/* `application/json`, alone or with charset=utf-8. */
static bool
is_json_type(aip_bytes type)
{
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    if (type.size < length || strncasecmp((const char *)type.data, json, length) != 0) {
        return false;
    }
    char rest[64];
    size_t size = 0;
    for (size_t i = length; i < type.size && size < sizeof rest - 1; i++) {
        if (type.data[i] != ' ' && type.data[i] != '\t' && type.data[i] != '"') {
            rest[size++] = (char)tolower(type.data[i]);
        }
    }
    rest[size] = '\0';
    return size == 0 || strcmp(rest, ";") == 0 || strcmp(rest, ";charset=utf-8") == 0 ||
           strcmp(rest, ";charset=utf8") == 0;
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

aip_status
mcp_check_head(exchange *x, aip_error *err)
{
    aip_bytes version = exchange_header(x, "MCP-Protocol-Version", NULL);
    x->modern = version.size == 10 && memcmp(version.data, "2026-07-28", 10) >= 0;
    bool known = is_post(x) || strcmp(x->http_method, "GET") == 0 || strcmp(x->http_method, "DELETE") == 0;
    if (!known || (x->modern && !is_post(x))) {
        return aip_fail(err, AIP_REQUEST_HTTP_METHOD, NULL);
    }
    if (is_post(x) && !is_json_type(exchange_header(x, "Content-Type", NULL))) {
        return aip_fail(err, AIP_REQUEST_MEDIA_TYPE, "Content-Type must be application/json");
    }
    return check_accept(x, err);
}
