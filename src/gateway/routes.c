/* Routes: addresses, credentials, and what is remembered of servers. */
#include "gateway/routes.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "gateway/group.h"

enum { CREDENTIAL_BYTES_MAX = 16 * 1024, GROUP_SECONDS = 5, GROUP_NAME_BYTES = 64 };

/* ---- credentials ---- */

/* The value is the file's text without white space at its end: editors and `echo` leave a line break. */
static aip_status
append_credential(const config_header *header, text_buffer *out, aip_error *err)
{
    char *text = NULL;
    size_t size = 0;
    AIP_TRY(text_load_file(header->file, CREDENTIAL_BYTES_MAX, &text, &size, err));
    size_t used = size;
    while (used > 0 && strchr(" \t\r\n", text[used - 1]) != NULL) {
        used--;
    }
    aip_bytes value = {(const unsigned char *)text, used};
    aip_status status = AIP_OK;
    if (used == 0 || memchr(text, '\0', used) != NULL || !exchange_is_field_value(value) ||
        !exchange_is_field_value(aip_bytes_of(header->prefix))) {
        status = aip_fail(err, AIP_CONFIG_INVALID, "%s: empty, or with a byte that a header cannot have", header->file);
    } else {
        text_append_format(out, "%s: %s", header->name, header->prefix);
        text_append(out, value);
        text_append(out, (aip_bytes){(const unsigned char *)"", 1});
    }
    hash_wipe(text, size);
    free(text);
    return status;
}

static void
wipe(text_buffer *text)
{
    if (text->data != NULL) {
        hash_wipe(text->data, text->capacity);
    }
    text_clear(text);
}

/* Room for all is made first: a buffer that grows leaves copies of secrets behind. */
static aip_status
read_credentials(const config_upstream *from, gateway_route *route, aip_error *err)
{
    size_t most = 1;
    for (size_t i = 0; i < from->header_count; i++) {
        most += strlen(from->headers[i].name) + strlen(from->headers[i].prefix) + CREDENTIAL_BYTES_MAX + 4;
    }
    if (from->header_count == 0) {
        return AIP_OK;
    }
    route->credentials.data = malloc(most);
    route->credentials.capacity = route->credentials.data == NULL ? 0 : most;
    for (size_t i = 0; i < from->header_count; i++) {
        AIP_TRY(append_credential(&from->headers[i], &route->credentials, err));
    }
    return text_finish(&route->credentials, err);
}

static void
warn_of_secrets(const config_upstream *from, text_buffer *problems)
{
    struct stat facts;
    for (size_t i = 0; i <= from->header_count; i++) {
        const char *file = i < from->header_count ? from->headers[i].file : from->key_file;
        if (file != NULL && stat(file, &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
            text_append_format(problems, "%s: warning: everybody on this machine may read this secret\n", file);
        }
    }
}

/* ---- routes ---- */

static bool
same_server(const gateway_route *a, const gateway_route *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->url, b->url) == 0;
}

static aip_status
remember(const gateway_settings *before, gateway_route *route, aip_error *err)
{
    for (size_t i = 0; before != NULL && i < before->route_count; i++) {
        if (same_server(&before->routes[i], route)) {
            route->state = route_state_hold(before->routes[i].state);
            return AIP_OK;
        }
    }
    return route_state_new(&route->state, err);
}

static aip_status
check_files(const upstream_way *way, aip_error *err)
{
    const char *const files[] = {way->ca_file, way->cert_file, way->key_file};
    for (size_t i = 0; i < 3; i++) {
        FILE *file = files[i] == NULL ? NULL : fopen(files[i], "re");
        if (files[i] != NULL && file == NULL) {
            return aip_fail(err, AIP_IO, "%s cannot be opened", files[i]);
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    return AIP_OK;
}

/* `stdio:` and the name, or where it has none all of the command: pins of one server are not another's. `group:` and
 * the name of a group. */
static aip_status
name_without_address(const config_upstream *from, gateway_route *route, aip_error *err)
{
    TEXT_AUTO text_buffer name = {0};
    text_append_format(&name, "%s:%s", from->members != NULL ? "group" : "stdio", from->name);
    for (size_t i = 0; from->name[0] == '\0' && from->command != NULL && from->command[i] != NULL; i++) {
        text_append_format(&name, "%s%s", i == 0 ? "" : " ", from->command[i]);
    }
    text_append(&name, (aip_bytes){(const unsigned char *)"", 1});
    AIP_TRY(text_finish(&name, err));
    route->url = route->renamed_url = name.data;
    name = (text_buffer){0};
    return AIP_OK;
}

/* A command has no address but a name, and so has a group. Where the certificate is for another name than the URL's,
 * that name is asked for, at the URL's address. */
static aip_status
name_server(const config_upstream *from, gateway_route *route, aip_error *err)
{
    if (from->command != NULL || from->members != NULL) {
        return name_without_address(from, route, err);
    }
    if (from->server_name == NULL) {
        return AIP_OK;
    }
    AIP_TRY(upstream_rename(from->url, from->server_name, &route->renamed_url, &route->connect_to, err));
    route->url = route->renamed_url;
    route->way.connect_to = route->connect_to;
    return AIP_OK;
}

static unsigned
choose_idle(const routes_setup *setup, const config_upstream *from)
{
    unsigned absent = from->members == NULL ? setup->idle_seconds : GROUP_SECONDS;
    return from->timeout_seconds == 0 ? absent : (unsigned)from->timeout_seconds;
}

static aip_status
fill_path(const routes_setup *setup, const config_upstream *from, gateway_route *route, aip_error *err)
{
    char of_url[sizeof route->path] = "/mcp";
    if (from->url != NULL) {
        AIP_TRY(upstream_check_url(from->url, of_url, sizeof of_url, err));
    }
    if (from->path != NULL) {
        snprintf(route->path, sizeof route->path, "%s", from->path);
    } else if (setup->count == 1) {
        snprintf(route->path, sizeof route->path, "%s", of_url);
    } else {
        snprintf(route->path, sizeof route->path, "/%s", from->name);
    }
    return AIP_OK;
}

static aip_status
fill_route(const routes_setup *setup, const config_upstream *from, gateway_route *route, aip_error *err)
{
    *route = (gateway_route){
        .name = from->name == NULL ? "" : from->name,
        .url = from->url,
        .command = (const char *const *)from->command,
        .pass = (const char *const *)from->pass,
        .protocol = from->protocol == NULL ? &protocol_mcp : protocol_find(from->protocol),
        .policy = from->policy,
        .a2a = {.rest_url = from->rest_url,
                .card_url = from->card_url,
                .did = from->did,
                .card_verbatim = from->card != NULL && strcmp(from->card, "verbatim") == 0,
                .push = {.hosts = (const char *const *)from->notify_hosts, .host_count = from->notify_host_count}},
        .way = {.ca_file = from->ca_file,
                .cert_file = from->cert_file,
                .key_file = from->key_file,
                .connect_seconds = (unsigned)from->connect_seconds,
                .keep_alive_seconds = (unsigned)from->keep_alive_seconds},
        .idle_seconds = choose_idle(setup, from),
        .name_bytes = from->members == NULL   ? 0
                      : from->name_bytes == 0 ? GROUP_NAME_BYTES
                                              : (size_t)from->name_bytes,
        .requests_max = from->connections_max > 0 ? (size_t)from->connections_max
                        : setup->count > 1        ? setup->connections_max
                                                  : 0,
    };
    bool asks = strchr(from->url == NULL ? "" : from->url, '?') != NULL ||
                strchr(from->rest_url == NULL ? "" : from->rest_url, '?') != NULL;
    if (route->protocol == NULL || (route->protocol->below && asks)) {
        return aip_fail(err, AIP_CONFIG_INVALID, asks ? "the URL of an API or agent has no query" : "no such protocol");
    }
    AIP_TRY(fill_path(setup, from, route, err));
    AIP_TRY(name_server(from, route, err));
    AIP_TRY(check_files(&route->way, err));
    return read_credentials(from, route, err);
}

static aip_status
check_paths(const gateway_settings *settings, size_t last, aip_error *err)
{
    for (size_t i = 0; i < last; i++) {
        if (strcmp(settings->routes[i].path, settings->routes[last].path) == 0) {
            return aip_fail(err, AIP_CONFIG_INVALID, "%s is the path of another one", settings->routes[last].path);
        }
    }
    return AIP_OK;
}

static aip_status
make_route(const routes_setup *setup, const config_upstream *from, const gateway_settings *before,
           gateway_settings *settings, aip_error *err)
{
    gateway_route *route = &settings->routes[settings->route_count++];
    AIP_TRY(fill_route(setup, from, route, err));
    AIP_TRY(check_paths(settings, settings->route_count - 1, err));
    return remember(before, route, err);
}

/* ---- groups ---- */

_Static_assert((int)CONFIG_MEMBERS_MAX == (int)GROUP_MEMBERS_MAX, "all members that a file can name have room");

static const gateway_route *
find_member(const gateway_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        const gateway_route *each = &settings->routes[i];
        if (strcmp(each->name, name) == 0) {
            return each->name_bytes == 0 && each->protocol == &protocol_mcp ? each : NULL;
        }
    }
    return NULL;
}

/* Members may stand below their group, so all routes are made first. */
static aip_status
link_group(const gateway_settings *settings, const config_upstream *from, gateway_route *route, aip_error *err)
{
    route->members = calloc(from->member_count + 1, sizeof(const gateway_route *));
    if (route->members == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < from->member_count; i++) {
        const gateway_route *member = find_member(settings, from->members[i]);
        if (member == NULL) {
            return aip_fail(err, AIP_CONFIG_INVALID, "a member is no MCP server of this gateway");
        }
        route->members[route->member_count++] = member;
    }
    return AIP_OK;
}

aip_status
routes_make(const routes_setup *setup, const gateway_settings *before, gateway_settings *settings,
            text_buffer *problems, aip_error *err)
{
    const config_upstream only = {.url = setup->url,
                                  .protocol = setup->protocol,
                                  .rest_url = setup->rest_url,
                                  .notify_hosts = (const char **)(uintptr_t)setup->notify_hosts,
                                  .notify_host_count = setup->notify_host_count};
    const config_upstream *from = setup->url != NULL ? &only : setup->upstreams;
    routes_setup all = *setup;
    all.count = setup->url != NULL ? 1 : setup->count;
    aip_status status = AIP_OK;
    settings->routes = calloc(all.count, sizeof *settings->routes);
    if (settings->routes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < all.count; i++) {
        aip_error why = AIP_ERROR_INIT;
        aip_status each = make_route(&all, &from[i], before, settings, &why);
        warn_of_secrets(&from[i], problems);
        if (each != AIP_OK && setup->url == NULL) {
            text_append_format(problems, "upstream %s: %s\n", from[i].name, why.detail);
        }
        if (each != AIP_OK && status == AIP_OK) {
            status = aip_fail(err, each, "%s%s%s", setup->url == NULL ? from[i].name : "",
                              setup->url == NULL ? ": " : "", why.detail);
        }
    }
    for (size_t i = 0; i < all.count && status == AIP_OK; i++) {
        if (from[i].members != NULL) {
            status = link_group(settings, &from[i], &settings->routes[i], err);
            if (status != AIP_OK) {
                text_append_format(problems, "upstream %s: a member is no MCP server\n", from[i].name);
            }
        }
    }
    return status;
}

void
routes_clear(gateway_settings *settings)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        gateway_route *route = &settings->routes[i];
        wipe(&route->credentials);
        free(route->renamed_url);
        free(route->connect_to);
        free(route->members);
        route_state_drop(&route->state);
    }
    free(settings->routes);
    settings->routes = NULL;
    settings->route_count = 0;
}

bool
routes_have_command(const gateway_settings *settings)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        if (settings->routes[i].command != NULL) {
            return true;
        }
    }
    return false;
}

static bool
same_words(const char *const *a, const char *const *b)
{
    size_t i = 0;
    while (a != NULL && b != NULL && a[i] != NULL && b[i] != NULL && strcmp(a[i], b[i]) == 0) {
        i++;
    }
    return (a == NULL || a[i] == NULL) && (b == NULL || b[i] == NULL);
}

static bool
has_command(const gateway_settings *settings, const gateway_route *wanted)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        const gateway_route *each = &settings->routes[i];
        if (each->command != NULL && strcmp(each->name, wanted->name) == 0) {
            return same_words(each->command, wanted->command) && same_words(each->pass, wanted->pass);
        }
    }
    return false;
}

static bool
has_commands(const gateway_settings *settings, const gateway_settings *wanted)
{
    for (size_t i = 0; i < wanted->route_count; i++) {
        if (wanted->routes[i].command != NULL && !has_command(settings, &wanted->routes[i])) {
            return false;
        }
    }
    return true;
}

bool
routes_same_commands(const gateway_settings *a, const gateway_settings *b)
{
    return has_commands(a, b) && has_commands(b, a);
}

bool
routes_share_files(const gateway_settings *settings)
{
    for (size_t i = 0; i < settings->route_count; i++) {
        if (settings->routes[i].command != NULL || upstream_is_loopback(settings->routes[i].url)) {
            return true;
        }
    }
    return false;
}

static bool
is_failing(const route_state *s)
{
    return route_state_fails(s) || route_state_is_down(s);
}

bool
routes_fails(const gateway_route *route)
{
    bool all = true;
    for (size_t i = 0; i < route->member_count && all; i++) {
        all = is_failing(route->members[i]->state);
    }
    return route->member_count > 0 ? all : is_failing(route->state);
}

void
routes_append_health(const gateway_settings *settings, text_buffer *out)
{
    const char *comma = "";
    text_append_string(out, "\"upstreams\":{");
    for (size_t i = 0; i < settings->route_count; i++) {
        const gateway_route *each = &settings->routes[i];
        const char *name = each->name[0] == '\0' ? "upstream" : each->name; /* there is one alone */
        text_append_format(out, "%s\"%s\":\"%s\"", comma, name, routes_fails(each) ? "failing" : "ok");
        comma = ",";
    }
    text_append_string(out, "}");
}

void
routes_append_figures(const gateway_settings *settings, text_buffer *out)
{
    text_append_string(out,
                       "# HELP aip_gateway_upstream_failing Is the server given a rest, since it does not answer?\n"
                       "# TYPE aip_gateway_upstream_failing gauge\n");
    for (size_t i = 0; i < settings->route_count; i++) {
        const gateway_route *each = &settings->routes[i];
        text_append_format(out, "aip_gateway_upstream_failing{upstream=\"%s\"} %d\n", each->name,
                           routes_fails(each) ? 1 : 0);
    }
}
