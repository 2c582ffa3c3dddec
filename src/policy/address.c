/* Addresses of resources and routes, which have one spelling here: what a server might read as another is refused. */
#include "policy/policy_inside.h"

bool
policy_is_address(policy_kind kind)
{
    return kind == POLICY_RESOURCE || kind == POLICY_ROUTE;
}

static bool
is_between(unsigned char c, char first, char last)
{
    return c >= (unsigned char)first && c <= (unsigned char)last;
}

static bool
is_unreserved(unsigned char c)
{
    return is_between(c, 'a', 'z') || is_between(c, 'A', 'Z') || is_between(c, '0', '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static int
hex_value(unsigned char c)
{
    return is_between(c, '0', '9') ? c - '0' : is_between(c, 'A', 'F') ? c - 'A' + 10 : -1;
}

/* An escape of a character that needs none, or that some readers undo before they look for slashes, is a disguise. */
static bool
escape_is_canonical(aip_bytes text, size_t at, bool path)
{
    int high = at + 2 < text.size ? hex_value(text.data[at + 1]) : -1;
    int low = high < 0 ? -1 : hex_value(text.data[at + 2]);
    if (low < 0) {
        return false;
    }
    unsigned char c = (unsigned char)(high * 16 + low);
    return c >= 0x20 && c != 0x7F && !is_unreserved(c) && !(path && (c == '/' || c == '\\' || c == '%'));
}

static bool
characters_are_canonical(aip_bytes text)
{
    bool path = true; /* what follows a question mark or a hash is none */
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        path = path && c != '?' && c != '#';
        if (c <= ' ' || c >= 0x7F || c == '\\' || (c == '%' && !escape_is_canonical(text, i, path))) {
            return false;
        }
    }
    return true;
}

/* `.`, `..` and empty ones, also with parameters behind them (`..;x`); the last may be empty. */
static bool
segment_is_canonical(aip_bytes segment, bool last)
{
    const unsigned char *end = segment.size == 0 ? NULL : memchr(segment.data, ';', segment.size);
    size_t size = end == NULL ? segment.size : (size_t)(end - segment.data);
    if (size == 0) {
        return last && segment.size == 0;
    }
    return !(segment.data[0] == '.' && (size == 1 || (size == 2 && segment.data[1] == '.')));
}

/* From its first slash on. */
static bool
path_is_canonical(aip_bytes path)
{
    size_t at = path.size > 0 && path.data[0] == '/' ? 1 : 0;
    while (at < path.size) {
        const unsigned char *slash = memchr(path.data + at, '/', path.size - at);
        size_t end = slash == NULL ? path.size : (size_t)(slash - path.data);
        if (!segment_is_canonical((aip_bytes){path.data + at, end - at}, slash == NULL)) {
            return false;
        }
        at = end + 1;
    }
    return true;
}

static bool
has_capitals(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (is_between(text.data[i], 'A', 'Z')) {
            return true;
        }
    }
    return false;
}

static size_t
find_any(aip_bytes text, const char *wanted)
{
    size_t at = 0;
    while (at < text.size && (text.data[at] == '\0' || strchr(wanted, text.data[at]) == NULL)) {
        at++;
    }
    return at;
}

static bool
uri_is_canonical(aip_bytes uri)
{
    aip_bytes head = {uri.data, find_any(uri, "?#")}; /* what follows is no path */
    size_t colon = find_any(head, ":/");
    size_t path = colon < head.size && head.data[colon] == ':' ? colon + 1 : 0;
    if (aip_bytes_begin_with(aip_bytes_from(head, path), AIP_BYTES_LITERAL("//"))) {
        path += 2 + find_any(aip_bytes_from(head, path + 2), "/");
    }
    return !has_capitals((aip_bytes){head.data, path}) && path_is_canonical(aip_bytes_from(head, path));
}

static bool
route_is_canonical(aip_bytes route)
{
    size_t at = 0;
    while (at < route.size && is_between(route.data[at], 'A', 'Z')) {
        at++;
    }
    aip_bytes path = aip_bytes_from(route, at < route.size ? at + 1 : at);
    return at > 0 && at < route.size && route.data[at] == ' ' && path.size > 0 && path.data[0] == '/' &&
           characters_are_canonical(path) && find_any(path, "?#") == path.size && path_is_canonical(path);
}

bool
policy_address_is_canonical(policy_kind kind, aip_bytes address)
{
    return kind == POLICY_ROUTE ? route_is_canonical(address)
                                : characters_are_canonical(address) && uri_is_canonical(address);
}
