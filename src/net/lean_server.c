/* Servers of the lean client: URLs that it serves, their addresses, and the head of a request. */
#include "net/lean_inside.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { SERVERS_MAX = 256, DEFAULT_PORT = 80 };

/* ---- URLs ---- */

/* Visible, and nothing that libcurl would send in another form: no fragment, no segment that begins with a dot. */
static bool
is_plain_target(aip_bytes target)
{
    bool query = false;
    for (size_t i = 0; i < target.size; i++) {
        unsigned char c = target.data[i];
        query = query || c == '?';
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\' ||
            (!query && c == '.' && i > 0 && target.data[i - 1] == '/')) {
            return false;
        }
    }
    return target.size == 0 || target.data[0] == '/' || target.data[0] == '?';
}

bool
lean_split_url(const char *url, aip_bytes *authority, aip_bytes *target)
{
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *from = url + sizeof scheme - 1;
    size_t size = strcspn(from, "/?#");
    *authority = (aip_bytes){(const unsigned char *)from, size};
    *target = aip_bytes_of(from + size);
    return size > 0 && size < LEAN_AUTHORITY_BYTES_MAX && strcspn(from, "@%\\") >= size && is_plain_target(*target);
}

/* ---- addresses ---- */

static bool
read_port(const char *text, uint16_t *port)
{
    unsigned value = 0;
    *port = htons(DEFAULT_PORT);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > 6553) {
            return false;
        }
        value = value * 10 + (unsigned)(*at - '0');
    }
    *port = *text == '\0' ? *port : htons((uint16_t)value);
    return *text == '\0' || (value > 0 && value <= UINT16_MAX);
}

static void
add_v4(lean_server *s, struct in_addr address, uint16_t port)
{
    const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port, .sin_addr = address};
    memcpy(&s->addresses[s->address_count++], &v4, sizeof v4);
}

static void
add_v6(lean_server *s, struct in6_addr address, uint16_t port)
{
    s->addresses[s->address_count++] =
        (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = address};
}

/* An address as text, or `localhost`, which is never asked for: RFC 6761 section 6.3. */
static bool
read_authority(lean_server *s)
{
    char host[LEAN_AUTHORITY_BYTES_MAX];
    struct in_addr v4;
    struct in6_addr v6;
    uint16_t port = 0;
    bool bracketed = s->authority[0] == '[';
    const char *begin = s->authority + bracketed, *end = begin + strcspn(begin, bracketed ? "]" : ":");
    memcpy(host, begin, (size_t)(end - begin));
    host[end - begin] = '\0';
    end += bracketed && *end == ']' ? 1 : 0;
    if ((*end != '\0' && *end != ':') || !read_port(*end == ':' ? end + 1 : end, &port)) {
        return false;
    }
    if (bracketed) {
        if (end[-1] == ']' && inet_pton(AF_INET6, host, &v6) == 1) {
            add_v6(s, v6, port);
        }
    } else if (strcmp(host, "localhost") == 0) {
        v4.s_addr = htonl(INADDR_LOOPBACK);
        add_v4(s, v4, port);
        add_v6(s, in6addr_loopback, port);
    } else if (inet_pton(AF_INET, host, &v4) == 1) {
        add_v4(s, v4, port);
    }
    return s->address_count > 0;
}

static bool
read_server(aip_bytes authority, lean_server *out)
{
    *out = (lean_server){.address_count = 0};
    memcpy(out->authority, authority.data, authority.size);
    return read_authority(out);
}

lean_server *
lean_find_server(lean *l, aip_bytes authority)
{
    for (lean_server *each = l->servers; each != NULL; each = each->next) {
        if (strlen(each->authority) == authority.size && memcmp(each->authority, authority.data, authority.size) == 0) {
            return each;
        }
    }
    lean_server *made = l->server_count < SERVERS_MAX ? malloc(sizeof *made) : NULL;
    if (made == NULL || !read_server(authority, made)) {
        free(made);
        return NULL;
    }
    made->next = l->servers;
    l->servers = made;
    l->server_count++;
    return made;
}

bool
lean_serves(lean *l, const upstream_request *request)
{
    aip_bytes authority, target;
    return (request->way == NULL || request->way->connect_to == NULL) &&
           lean_split_url(request->url, &authority, &target) && lean_find_server(l, authority) != NULL;
}

/* ---- requests ---- */

void
lean_write_head(text_buffer *out, const upstream_request *request, const char *authority, aip_bytes target)
{
    text_append_string(out, request->method);
    text_append_string(out, target.size == 0 || target.data[0] == '?' ? " /" : " ");
    text_append(out, target);
    text_append_string(out, " HTTP/1.1\r\nHost: ");
    text_append_string(out, authority);
    text_append_string(out, "\r\n");
    for (size_t i = 0; i < request->field_count; i++) {
        size_t size = strlen(request->fields[i]);
        if (size > 0 && request->fields[i][size - 1] != ':') { /* libcurl's way to say that there is none */
            text_append(out, (aip_bytes){(const unsigned char *)request->fields[i], size});
            text_append_string(out, "\r\n");
        }
    }
    if (request->body.size > 0 || request->method[0] == 'P') { /* POST, PUT, PATCH: no body is said, too */
        text_append_format(out, "Content-Length: %zu\r\n", request->body.size);
    }
    text_append_string(out, "\r\n");
}
