/* Addresses of resources: their form, and their one spelling in scopes. */
#include "gateway/mcp_address.h"

#include <string.h>
#include <strings.h>

#include "aip/limits.h"

static bool
is_alphanumeric(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* T-20 */
static bool
fits_entry(unsigned char c)
{
    return is_alphanumeric(c) || (c != '\0' && strchr("._:/@%-", c) != NULL);
}

/* `/.` or `/..` where a segment ends: a server that cuts off query, fragment or parameters first sees it at the end. */
static bool
is_dot_segment(aip_bytes uri, size_t slash)
{
    size_t at = slash + 1;
    while (at < uri.size && at < slash + 3 && uri.data[at] == '.') {
        at++;
    }
    size_t dots = at - slash - 1;
    return dots > 0 && (at == uri.size ? dots == 2 : strchr("/?#;", uri.data[at]) != NULL);
}

static bool
is_hidden_byte(aip_bytes uri, size_t percent)
{
    static const char *const hidden[] = {"%2e", "%2f", "%5c"};
    bool found = false;
    for (size_t i = 0; uri.size - percent >= 3 && i < sizeof hidden / sizeof hidden[0]; i++) {
        found = found || strncasecmp((const char *)uri.data + percent, hidden[i], 3) == 0;
    }
    return found;
}

bool
mcp_address_is_good(aip_bytes uri)
{
    bool good = uri.size > 0;
    for (size_t i = 0; good && i < uri.size; i++) {
        unsigned char c = uri.data[i];
        good = c > 0x20 && c < 0x7f && c != '\\' && !(c == '/' && is_dot_segment(uri, i)) &&
               !(c == '%' && is_hidden_byte(uri, i));
    }
    return good;
}

static bool
is_plain(aip_bytes uri)
{
    bool plain = true;
    for (size_t i = 0; i < uri.size; i++) {
        plain = plain && fits_entry(uri.data[i]);
    }
    return plain;
}

static size_t
append_escaped(char *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    if (c != '%' && fits_entry(c)) {
        *out = (char)c;
        return 1;
    }
    out[0] = '%';
    out[1] = digits[c >> 4];
    out[2] = digits[c & 15];
    return 3;
}

bool
mcp_address_scope(aip_bytes uri, char *out, size_t room)
{
    bool plain = is_plain(uri);
    const char *kind = plain ? "resource:" : "uri:";
    size_t size = strlen(kind);
    if (uri.size >= room || size + (plain ? 1 : 3) * uri.size >= room) {
        return false;
    }
    memcpy(out, kind, size);
    for (size_t i = 0; i < uri.size; i++) {
        if (plain) {
            out[size++] = (char)uri.data[i];
        } else {
            size += append_escaped(out + size, uri.data[i]);
        }
    }
    out[size] = '\0';
    return true;
}

/* What all addresses of a template begin with: it has none of its own. */
static aip_bytes
fixed_part(aip_bytes uri)
{
    const unsigned char *variable = uri.size == 0 ? NULL : memchr(uri.data, '{', uri.size);
    return variable == NULL ? uri : (aip_bytes){uri.data, (size_t)(variable - uri.data)};
}

bool
mcp_address_spell(char *wanted, size_t room, bool template, aip_bytes *address)
{
    char raw[AIP_URI_BYTES_MAX + 64];
    aip_bytes whole = {(const unsigned char *)raw, address->size};
    bool good = address->size < sizeof raw && mcp_address_is_good(*address);
    if (good) {
        memcpy(raw, address->data, address->size);
        aip_bytes judged = template ? fixed_part(whole) : whole;
        if (judged.size == whole.size && is_plain(whole)) {
            return true;
        }
        good = judged.size > 0 && mcp_address_scope(judged, wanted, room);
    }
    size_t used = good ? strlen(wanted) + 1 : 0;
    if (!good || room - used <= whole.size) {
        wanted[0] = '\0';
        return false;
    }
    memcpy(wanted + used, raw, whole.size);
    wanted[used + whole.size] = '\0';
    *address = (aip_bytes){(const unsigned char *)wanted + used, whole.size};
    return true;
}
