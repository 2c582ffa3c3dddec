/* Cuts an address to notify into scheme, host and port, and judges each. */
#include "gateway/a2a_push.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <strings.h>

#include "aip/limits.h"
#include "net/https_host.h"

typedef struct {
    bool tls, bracketed;
    aip_bytes host, port; /* as written, without brackets; no port: empty */
} authority;

static bool
is_port(aip_bytes text)
{
    unsigned long value = 0;
    if (text.size == 0 || text.size > 5 || text.data[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned long)(text.data[i] - '0');
    }
    return value <= 65535;
}

static bool
is_plain(const char *url)
{
    size_t size = 0;
    for (; url[size] != '\0'; size++) {
        if (url[size] <= ' ' || url[size] > '~' || strchr("\\\"<>^`{|}#", url[size]) != NULL) {
            return false;
        }
    }
    return size <= AIP_URI_BYTES_MAX;
}

static bool
cut_host(aip_bytes text, authority *out)
{
    const unsigned char *end = memchr(text.data, out->bracketed ? ']' : ':', text.size);
    out->host = (aip_bytes){text.data, end == NULL ? text.size : (size_t)(end - text.data)};
    aip_bytes rest = aip_bytes_from(text, out->host.size);
    if (out->bracketed) {
        if (rest.size == 0) {
            return false;
        }
        rest = aip_bytes_from(rest, 1);
    }
    if (rest.size == 0) {
        return out->host.size > 0;
    }
    out->port = aip_bytes_from(rest, 1);
    return out->host.size > 0 && rest.data[0] == ':' && is_port(out->port);
}

static bool
cut(const char *url, authority *out)
{
    *out = (authority){.tls = strncasecmp(url, "https://", 8) == 0};
    if (!is_plain(url) || (!out->tls && strncasecmp(url, "http://", 7) != 0)) {
        return false;
    }
    url += out->tls ? 8 : 7;
    aip_bytes text = {(const unsigned char *)url, strcspn(url, "/?")};
    if (text.size == 0 || memchr(text.data, '@', text.size) != NULL) {
        return false;
    }
    out->bracketed = text.data[0] == '[';
    return cut_host(aip_bytes_from(text, out->bracketed ? 1 : 0), out);
}

/* Is the host an address in its one plain spelling? */
static bool
read_address(const authority *a, struct sockaddr_storage *out, socklen_t *size)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    if (a->host.size >= sizeof text) {
        return false;
    }
    memcpy(text, a->host.data, a->host.size);
    text[a->host.size] = '\0';
    memset(out, 0, sizeof *out);
    if (a->bracketed && inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1) {
        memcpy(out, &ipv6, sizeof ipv6);
        *size = sizeof ipv6;
        return true;
    }
    if (!a->bracketed && inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
        memcpy(out, &ipv4, sizeof ipv4);
        *size = sizeof ipv4;
        return true;
    }
    return false;
}

static bool
ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), wanted = strlen(end);
    return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

/* Names that lead nowhere outside one machine or network (RFC 6761, RFC 6762, RFC 8375 and ICANN's `.internal`). */
static bool
is_public_name(const char *host)
{
    static const char *const inner[] = {".localhost", ".local",   ".internal", ".home.arpa",  ".lan",
                                        ".test",      ".invalid", ".onion",    ".localdomain"};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        if (ends_with(host, inner[i])) {
            return false;
        }
    }
    return strchr(host, '.') != NULL;
}

static bool
pattern_covers(const char *pattern, const char *host, const authority *a)
{
    const char *colon = strchr(pattern, ':');
    size_t size = colon == NULL ? strlen(pattern) : (size_t)(colon - pattern), host_size = strlen(host);
    aip_bytes port = a->port.size > 0 ? a->port : a->tls ? AIP_BYTES_LITERAL("443") : AIP_BYTES_LITERAL("80");
    if (colon != NULL && !aip_bytes_equal(port, aip_bytes_of(colon + 1))) {
        return false;
    }
    if (pattern[0] == '*') {
        size--;
        return host_size > size && memcmp(host + host_size - size, pattern + 1, size) == 0;
    }
    return host_size == size && memcmp(host, pattern, size) == 0;
}

static bool
is_listed(const a2a_push_rule *rule, const char *host, const authority *a)
{
    for (size_t i = 0; i < rule->host_count; i++) {
        if (pattern_covers(rule->hosts[i], host, a)) {
            return true;
        }
    }
    return false;
}

/* What libcurl reads as the host of the same address with https is what everybody does. */
static aip_status
read_name(const char *url, const authority *a, char host[HTTPS_HOST_BYTES], aip_error *err)
{
    char same[AIP_URI_BYTES_MAX + 2] = "https://";
    const char *rest = url + (a->tls ? 8 : 7);
    if (strlen(rest) + 8 >= sizeof same) {
        return aip_fail(err, AIP_A2A_PUSH, "the address is too long");
    }
    memcpy(same + 8, rest, strlen(rest) + 1);
    aip_status status = https_host(same, host, NULL);
    if (status == AIP_NO_MEMORY) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return status == AIP_OK ? AIP_OK : aip_fail(err, AIP_A2A_PUSH, "the host is neither a plain name nor an address");
}

static aip_status
check_address(const a2a_push_rule *rule, const struct sockaddr_storage *address, socklen_t size, aip_error *err)
{
    if (rule->host_count > 0) {
        return aip_fail(err, AIP_A2A_PUSH, "only listed hosts may be notified");
    }
    return address_check((const struct sockaddr *)address, size, rule->open, rule->open_count, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_A2A_PUSH, "the address is not a public one");
}

aip_status
a2a_push_check(const a2a_push_rule *rule, const char *url, aip_error *err)
{
    authority a;
    struct sockaddr_storage address;
    socklen_t size = 0;
    char host[HTTPS_HOST_BYTES];
    if (!cut(url, &a)) {
        return aip_fail(err, AIP_A2A_PUSH, "not an http or https address without user and fragment");
    }
    if (!a.tls && !rule->http) {
        return aip_fail(err, AIP_A2A_PUSH, "only https addresses may be notified");
    }
    if (read_address(&a, &address, &size)) {
        return check_address(rule, &address, size, err);
    }
    AIP_TRY(read_name(url, &a, host, err));
    if (rule->host_count > 0) {
        return is_listed(rule, host, &a) ? AIP_OK : aip_fail(err, AIP_A2A_PUSH, "only listed hosts may be notified");
    }
    return is_public_name(host) ? AIP_OK : aip_fail(err, AIP_A2A_PUSH, "the host's name is not a public one");
}

aip_status
a2a_push_check_pattern(const char *pattern, aip_error *err)
{
    const char *host = pattern[0] == '*' && pattern[1] == '.' ? pattern + 2 : pattern;
    size_t size = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    bool good = size > 0 && size < HTTPS_HOST_BYTES && host[0] != '.' && host[size - 1] != '.' &&
                (host[size] == '\0' || (host[size] == ':' && is_port(aip_bytes_of(host + size + 1))));
    return good ? AIP_OK
                : aip_fail(err, AIP_CONFIG_INVALID, "a pattern is a host in lower case, host:port or *.domain");
}
