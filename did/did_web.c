/* did:web identifiers to HTTPS URLs, and which host names count as public. */
#include "did/did_web.h"

#include "aip/did.h"
#include "base/text.h"

#define HOST_BYTES_MAX 253
#define LABEL_BYTES_MAX 63

static bool
is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_lower_or_digit(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool
is_label(aip_bytes label)
{
    if (label.size == 0 || label.size > LABEL_BYTES_MAX || !is_lower_or_digit(label.data[0]) ||
        !is_lower_or_digit(label.data[label.size - 1])) {
        return false;
    }
    for (size_t i = 0; i < label.size; i++) {
        if (!is_lower_or_digit(label.data[i]) && label.data[i] != '-') {
            return false;
        }
    }
    return true;
}

/* The text up to `separator`, which is taken off `rest` together with it; *last when there was none. */
static aip_bytes
next_part(aip_bytes *rest, unsigned char separator, bool *last)
{
    const unsigned char *at = rest->size == 0 ? NULL : memchr(rest->data, separator, rest->size);
    aip_bytes part = *rest;
    *last = at == NULL;
    if (at != NULL) {
        part.size = (size_t)(at - rest->data);
        *rest = aip_bytes_from(*rest, part.size + 1);
    }
    return part;
}

static bool
ends_with(aip_bytes text, const char *suffix)
{
    size_t size = strlen(suffix);
    return text.size >= size && memcmp(text.data + text.size - size, suffix, size) == 0;
}

static bool
is_local_name(aip_bytes host)
{
    static const char *const suffixes[] = {".local", ".localhost", ".internal", ".home.arpa"};
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (ends_with(host, suffixes[i])) {
            return true;
        }
    }
    return false;
}

bool
did_web_host_is_public(aip_bytes host)
{
    aip_bytes rest = host, label = {0};
    size_t labels = 0;
    if (host.size > HOST_BYTES_MAX || is_local_name(host)) {
        return false;
    }
    for (bool last = false; !last; labels++) {
        label = next_part(&rest, '.', &last);
        if (!is_label(label)) {
            return false;
        }
    }
    /* No top-level domain begins with a digit; what does is read as an IPv4 address by some (`0x7f`, `1`). */
    return labels >= 2 && !is_digit(label.data[0]);
}

static bool
is_port(aip_bytes port)
{
    unsigned value = 0;
    if (port.size == 0 || port.size > 5 || port.data[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < port.size; i++) {
        if (!is_digit(port.data[i])) {
            return false;
        }
        value = value * 10 + (port.data[i] - '0');
    }
    return value <= 65535;
}

/* Splits `host%3Aport`; an empty port when there is none. Any other escape stays in the host and is refused there. */
static bool
split_authority(aip_bytes authority, aip_bytes *host, aip_bytes *port)
{
    bool last;
    aip_bytes rest = authority;
    *host = next_part(&rest, '%', &last);
    *port = (aip_bytes){0};
    if (last) {
        return true;
    }
    if (rest.size < 2 || rest.data[0] != '3' || (rest.data[1] | 0x20) != 'a') {
        return false;
    }
    *port = aip_bytes_from(rest, 2);
    return is_port(*port);
}

static unsigned
hex_value(unsigned char c)
{
    return is_digit(c) ? c - 48u : (c | 0x20u) - 'a' + 10u;
}

/* One path segment, its escapes well formed already (DID grammar). */
static bool
is_segment(aip_bytes segment)
{
    size_t dots = 0, decoded = 0;
    for (size_t i = 0; i < segment.size; i++, decoded++) {
        unsigned c = segment.data[i];
        if (c == '%') {
            if (segment.size - i < 3) {
                return false;
            }
            c = hex_value(segment.data[i + 1]) << 4 | hex_value(segment.data[i + 2]);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f || strchr("/\\?#%", (int)c) != NULL) {
            return false;
        }
        dots += c == '.';
    }
    return decoded > 0 && !(dots == decoded && decoded <= 2);
}

aip_status
did_web_check(aip_bytes method_specific_id, aip_error *err)
{
    aip_bytes rest = method_specific_id, host, port;
    bool last;
    if (!split_authority(next_part(&rest, ':', &last), &host, &port)) {
        return aip_fail(err, AIP_DID_INVALID, "only %%3A and a port may follow the host");
    }
    if (!did_web_host_is_public(host)) {
        return aip_fail(err, AIP_DID_INVALID, "the host is not a public host name in lower case");
    }
    while (!last) {
        if (!is_segment(next_part(&rest, ':', &last))) {
            return aip_fail(err, AIP_DID_INVALID, "a path segment is empty, a dot segment or hides a delimiter");
        }
    }
    return AIP_OK;
}

static void
write_url(aip_bytes method_specific_id, text_buffer *url)
{
    aip_bytes rest = method_specific_id, host = {0}, port = {0};
    bool last;
    (void)split_authority(next_part(&rest, ':', &last), &host, &port);
    text_append_string(url, "https://");
    text_append(url, host);
    if (port.size > 0) {
        text_append_string(url, ":");
        text_append(url, port);
    }
    text_append_string(url, last ? "/.well-known" : "");
    while (!last) {
        text_append_string(url, "/");
        text_append(url, next_part(&rest, ':', &last));
    }
    text_append_string(url, "/did.json");
}

aip_status
aip_did_web_url(aip_bytes did, char **out, aip_error *err)
{
    aip_did parsed;
    text_buffer url = {0};
    *out = NULL;
    AIP_TRY(aip_did_parse(did, &parsed, err));
    if (parsed.form != AIP_DID_WEB) {
        return aip_fail(err, AIP_DID_INVALID, "not a did:web");
    }
    write_url(aip_bytes_from(did, sizeof "did:web:" - 1), &url);
    text_append(&url, (aip_bytes){(const unsigned char *)"", 1});
    aip_status status = text_finish(&url, err);
    if (status != AIP_OK) {
        text_clear(&url);
        return status;
    }
    *out = url.data;
    return AIP_OK;
}
