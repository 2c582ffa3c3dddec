/* `upstreams:` of gateway.yaml: the servers behind the gateway, each with its own address, credentials and limits. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#include "aip/did.h"
#include "gateway/a2a_push.h"
#include "gateway/config_inside.h"
#include "gateway/protocol.h"
#include "net/field.h"
#include "net/upstream.h"

enum { NAME_BYTES_MAX = 32, PATH_BYTES_MAX = 256 };

typedef enum {
    MEMBER_TEXT,
    MEMBER_NUMBER,
    MEMBER_DURATION,
    MEMBER_COMMAND,
    MEMBER_PASS,
    MEMBER_HOSTS,
    MEMBER_GROUP,
    MEMBER_HEADERS,
    MEMBER_TLS
} member_kind;

typedef struct {
    const char *name;
    member_kind kind;
    size_t offset; /* in config_upstream */
    uint64_t least, most;
    aip_status (*check)(const char *text, aip_error *err);
} member;

/* ---- checks of one text ---- */

/* It stands in addresses, in records and before the names of tools. */
static aip_status
check_name(const char *text, aip_error *err)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return text[size] == '\0' && size <= NAME_BYTES_MAX && isalnum((unsigned char)text[0])
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "a name is of a-z, 0-9 and -, and at most %d bytes long",
                          NAME_BYTES_MAX);
}

static aip_status
check_url(const char *text, aip_error *err)
{
    char path[1024];
    return upstream_check_url(text, path, sizeof path, err);
}

/* What the gateway itself answers cannot be an upstream's. */
static aip_status
check_path(const char *text, aip_error *err)
{
    static const char *const own[] = {"/.well-known", "/aip", "/healthz", "/readyz", "/livez", "/metrics"};
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/");
    if (text[0] != '/' || text[size] != '\0' || size > PATH_BYTES_MAX || strstr(text, "//") != NULL ||
        strstr(text, "/.") != NULL) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a path begins with /, without query, escapes, // or a dot after /");
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        size_t length = strlen(own[i]);
        if (strncmp(text, own[i], length) == 0 && (text[length] == '\0' || text[length] == '/')) {
            return aip_fail(err, AIP_CONFIG_INVALID, "the gateway itself answers at %s", own[i]);
        }
    }
    return AIP_OK;
}

static aip_status
check_protocol(const char *text, aip_error *err)
{
    return protocol_find(text) != NULL ? AIP_OK
                                       : aip_fail(err, AIP_CONFIG_INVALID, "no such protocol here; mcp, a2a or http");
}

static aip_status
check_card(const char *text, aip_error *err)
{
    return strcmp(text, "rewritten") == 0 || strcmp(text, "verbatim") == 0
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "rewritten or verbatim belongs here");
}

static aip_status
check_did(const char *text, aip_error *err)
{
    aip_did did;
    return aip_did_parse(aip_bytes_of(text), &did, err);
}

static aip_status
check_server_name(const char *text, aip_error *err)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
    return text[size] == '\0' && size <= 253 ? AIP_OK
                                             : aip_fail(err, AIP_CONFIG_INVALID, "the name of a host belongs here");
}

#define AT(name) offsetof(config_upstream, name)

static const member members[] = {
    {"name", MEMBER_TEXT, AT(name), 0, 0, check_name},
    {"url", MEMBER_TEXT, AT(url), 0, 0, check_url},
    {"command", MEMBER_COMMAND, 0, 0, CONFIG_COMMAND_MAX, NULL},
    {"environment", MEMBER_PASS, 0, 0, CONFIG_COMMAND_MAX, NULL},
    {"members", MEMBER_GROUP, 0, 0, CONFIG_MEMBERS_MAX, NULL},
    {"name_bytes", MEMBER_NUMBER, AT(name_bytes), 16, 128, NULL},
    {"path", MEMBER_TEXT, AT(path), 0, 0, check_path},
    {"protocol", MEMBER_TEXT, AT(protocol), 0, 0, check_protocol},
    {"policy", MEMBER_TEXT, AT(policy), 0, 0, NULL},
    {"rest_url", MEMBER_TEXT, AT(rest_url), 0, 0, check_url},
    {"card_url", MEMBER_TEXT, AT(card_url), 0, 0, check_url},
    {"card", MEMBER_TEXT, AT(card), 0, 0, check_card},
    {"did", MEMBER_TEXT, AT(did), 0, 0, check_did},
    {"notify_hosts", MEMBER_HOSTS, 0, 0, CONFIG_LIST_MAX, NULL},
    {"headers", MEMBER_HEADERS, 0, 0, 0, NULL},
    {"tls", MEMBER_TLS, 0, 0, 0, NULL},
    {"timeout", MEMBER_DURATION, AT(timeout_seconds), 1, 86400, NULL},
    {"connect_timeout", MEMBER_DURATION, AT(connect_seconds), 1, 300, NULL},
    {"keep_alive", MEMBER_DURATION, AT(keep_alive_seconds), 1, 86400, NULL},
    {"max_connections", MEMBER_NUMBER, AT(connections_max), 1, 1000000, NULL},
};

static const member tls_members[] = {
    {"ca_file", MEMBER_TEXT, AT(ca_file), 0, 0, NULL},
    {"cert_file", MEMBER_TEXT, AT(cert_file), 0, 0, NULL},
    {"key_file", MEMBER_TEXT, AT(key_file), 0, 0, NULL},
    {"server_name", MEMBER_TEXT, AT(server_name), 0, 0, check_server_name},
};

static const member header_members[] = {
    {"file", MEMBER_TEXT, offsetof(config_header, file), 0, 0, NULL},
    {"prefix", MEMBER_TEXT, offsetof(config_header, prefix), 0, 0, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { NAMES_MAX = COUNT(members) };

static void read_members(config_reader *r, const config_spot *spot, const member *rows, size_t count, void *out);

/* ---- members that are more than a text ---- */

static void
read_command(config_reader *r, const config_spot *spot, config_upstream *out)
{
    const char *text = NULL;
    if (!json_is_array(spot->value) || json_array_size(spot->value) == 0 ||
        json_array_size(spot->value) > CONFIG_COMMAND_MAX) {
        config_complain(r, config_place(r, spot),
                        "command: a list of 1 to %d texts belongs here: the program and its arguments",
                        CONFIG_COMMAND_MAX);
        return;
    }
    free(out->command);
    out->command = calloc(json_array_size(spot->value) + 1, sizeof *out->command);
    if (out->command == NULL) {
        r->no_memory = true;
        return;
    }
    for (size_t i = 0; i < json_array_size(spot->value); i++) {
        const config_spot item = {.container = spot->value, .index = i, .value = json_array_get(spot->value, i)};
        if (i > 0 && json_is_string(item.value)) {
            out->command[i] = json_string_value(item.value); /* an argument may be empty */
        } else if (config_read_text(r, &item, &text)) {
            out->command[i] = text;
        }
    }
}

static aip_status
check_variable(const char *text, aip_error *err)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return text[size] == '\0' && !isdigit((unsigned char)text[0])
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "the name of a variable belongs here, without its value");
}

static void
read_pass(config_reader *r, const config_spot *spot, config_upstream *out)
{
    size_t count;
    free(out->pass);
    (void)config_read_list(r, spot, CONFIG_COMMAND_MAX, check_variable, &out->pass, &count);
}

static void
read_hosts(config_reader *r, const config_spot *spot, config_upstream *out)
{
    free(out->notify_hosts);
    (void)config_read_list(r, spot, CONFIG_LIST_MAX, a2a_push_check_pattern, &out->notify_hosts,
                           &out->notify_host_count);
}

/* Not those that the gateway writes, or that say where a message ends and what it is. */
static bool
may_be_given(const char *name)
{
    static const char *const others[] = {"Host",
                                         "Connection",
                                         "Content-Length",
                                         "Content-Type",
                                         "Accept",
                                         "Transfer-Encoding",
                                         "Expect",
                                         "TE",
                                         "Trailer",
                                         "Upgrade",
                                         "Keep-Alive",
                                         "Accept-Encoding",
                                         "Content-Encoding",
                                         "Last-Event-ID",
                                         "Signature",
                                         "Signature-Input",
                                         "Content-Digest"};
    static const char *const beginnings[] = {"X-AIP-", "Mcp-", "Proxy-"};
    bool good = field_is_token(aip_bytes_of(name)) && strlen(name) <= 64;
    for (size_t i = 0; good && i < COUNT(others); i++) {
        good = strcasecmp(name, others[i]) != 0;
    }
    for (size_t i = 0; good && i < COUNT(beginnings); i++) {
        good = strncasecmp(name, beginnings[i], strlen(beginnings[i])) != 0;
    }
    return good;
}

static void
read_header(config_reader *r, const config_spot *spot, config_header *out)
{
    *out = (config_header){.name = spot->key, .prefix = ""};
    if (!may_be_given(spot->key)) {
        config_complain(r, config_key_place(r, spot), "headers: this one cannot be set here");
    }
    if (!json_is_object(spot->value)) {
        config_complain(r, config_place(r, spot),
                        "headers: a value stands in a file of its own: {file: PATH, prefix: \"Bearer \"}");
        return;
    }
    read_members(r, spot, header_members, COUNT(header_members), out);
    if (json_object_get(spot->value, "file") == NULL) {
        config_complain(r, config_place(r, spot), "headers: file is missing: where the value stands");
    }
}

static void
read_headers(config_reader *r, const config_spot *spot, config_upstream *out)
{
    const char *key;
    json_t *value;
    if (!json_is_object(spot->value) || json_object_size(spot->value) > CONFIG_HEADERS_MAX) {
        config_complain(r, config_place(r, spot), "headers: a mapping of at most %d names belongs here",
                        CONFIG_HEADERS_MAX);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)spot->value, key, value)
    {
        const config_spot each = {.container = spot->value, .key = key, .value = value};
        for (size_t i = 0; i < out->header_count; i++) {
            if (strcasecmp(out->headers[i].name, key) == 0) {
                config_complain(r, config_key_place(r, &each), "headers: the same name stands above already");
            }
        }
        read_header(r, &each, &out->headers[out->header_count++]);
    }
}

static void
read_tls(config_reader *r, const config_spot *spot, config_upstream *out)
{
    if (!json_is_object(spot->value)) {
        config_complain(r, config_place(r, spot), "tls: a mapping belongs here; write its keys below, indented");
        return;
    }
    read_members(r, spot, tls_members, COUNT(tls_members), out);
    if ((out->cert_file == NULL) != (out->key_file == NULL)) {
        config_complain(r, config_place(r, spot), "tls: cert_file and key_file belong together");
    }
}

/* ---- members by their table ---- */

static void
read_member(config_reader *r, const config_spot *spot, const member *row, void *out)
{
    const char **text = (const char **)((char *)out + row->offset);
    uint64_t *number = (uint64_t *)((char *)out + row->offset);
    aip_error err = AIP_ERROR_INIT;
    switch (row->kind) {
    case MEMBER_TEXT:
        if (config_read_text(r, spot, text) && row->check != NULL && row->check(*text, &err) != AIP_OK) {
            config_complain_of(r, spot, &err);
        }
        break;
    case MEMBER_NUMBER:
        (void)config_read_number(r, spot, row->least, row->most, number);
        break;
    case MEMBER_DURATION:
        (void)config_read_duration(r, spot, row->least, row->most, number);
        break;
    case MEMBER_COMMAND:
        read_command(r, spot, out);
        break;
    case MEMBER_PASS:
        read_pass(r, spot, out);
        break;
    case MEMBER_HOSTS:
        read_hosts(r, spot, out);
        break;
    case MEMBER_GROUP:
        config_read_group(r, spot, out);
        break;
    case MEMBER_HEADERS:
        read_headers(r, spot, out);
        break;
    case MEMBER_TLS:
        read_tls(r, spot, out);
        break;
    }
}

static void
read_members(config_reader *r, const config_spot *spot, const member *rows, size_t count, void *out)
{
    const char *names[NAMES_MAX];
    const char *key;
    json_t *value;
    for (size_t i = 0; i < count; i++) {
        names[i] = rows[i].name;
    }
    json_object_foreach((json_t *)(uintptr_t)spot->value, key, value)
    {
        const config_spot each = {.container = spot->value, .key = key, .value = value};
        size_t i = 0;
        while (i < count && strcmp(rows[i].name, key) != 0) {
            i++;
        }
        if (i == count) {
            config_complain_of_key(r, &each, names, count);
        } else {
            read_member(r, &each, &rows[i], out);
        }
    }
}

/* ---- entries ---- */

/* Two upstreams at one address, or of one name, are one too many. Where only one stands here its path may be its URL's.
 */
static void
check_single(config_reader *r, const config_spot *spot, const config_upstream *last)
{
    for (const config_upstream *each = r->out->upstreams; each < last; each++) {
        if (each->name != NULL && last->name != NULL && strcmp(each->name, last->name) == 0) {
            config_complain(r, config_place(r, spot), "an upstream of this name stands above already");
        } else if (each->path != NULL && last->path != NULL && strcmp(each->path, last->path) == 0) {
            config_complain(r, config_place(r, spot), "an upstream at this path stands above already");
        }
    }
}

static bool
is_plain(const config_upstream *up)
{
    return up->header_count == 0 && up->ca_file == NULL && up->cert_file == NULL && up->server_name == NULL;
}

static bool
is_agent(const config_upstream *up)
{
    return up->protocol != NULL && strcmp(up->protocol, "a2a") == 0;
}

/* U-1: how a server is reached and judged is said of each member. */
static void
check_group_keys(config_reader *r, const config_spot *spot)
{
    static const char *const taken[] = {"members", "name", "path", "timeout", "name_bytes", "max_connections"};
    for (size_t i = 0; i < COUNT(members); i++) {
        const config_spot each = {.container = spot->value, .key = members[i].name, .value = spot->value};
        bool is_taken = json_object_get(spot->value, members[i].name) == NULL;
        for (size_t j = 0; j < COUNT(taken); j++) {
            is_taken = is_taken || strcmp(taken[j], members[i].name) == 0;
        }
        if (!is_taken) {
            config_complain(r, config_key_place(r, &each), "%s: is not of a group but of each member", members[i].name);
        }
    }
}

/* Each upstream is reached in one way. */
static int
ways_in(const json_t *entry)
{
    return (json_object_get(entry, "url") != NULL) + (json_object_get(entry, "command") != NULL) +
           (json_object_get(entry, "members") != NULL);
}

static void
check_whole(config_reader *r, const config_spot *spot, const config_upstream *up)
{
    bool secure = up->url != NULL && strncasecmp(up->url, "https:", 6) == 0;
    yaml_place place = config_place(r, spot);
    if (json_object_get(spot->value, "name") == NULL) {
        config_complain(r, place, "name is missing: it stands in the decision log and in the address");
    }
    if (ways_in(spot->value) != 1) {
        config_complain(r, place, "an upstream has either url or command, or members");
    } else if (json_object_get(spot->value, "members") != NULL) {
        check_group_keys(r, spot);
    } else if (up->name_bytes != 0) {
        config_complain(r, place, "name_bytes is of an upstream with members");
    } else if (up->command != NULL && !is_plain(up)) {
        config_complain(r, place, "headers and tls are of an upstream with url; a command has neither");
    } else if (up->command != NULL && up->protocol != NULL && strcmp(up->protocol, "mcp") != 0) {
        config_complain(r, place, "a command speaks mcp");
    } else if (!is_agent(up) && (up->rest_url != NULL || up->card_url != NULL || up->card != NULL || up->did != NULL ||
                                 up->notify_hosts != NULL)) {
        config_complain(r, place,
                        "rest_url, card_url, card, did and notify_hosts are of an upstream with protocol: a2a");
    } else if (up->url != NULL && up->pass != NULL) {
        config_complain(r, place, "environment is of an upstream with command");
    } else if (up->url != NULL && !secure &&
               (up->ca_file != NULL || up->cert_file != NULL || up->server_name != NULL)) {
        config_complain(r, place, "tls belongs to a URL that begins with https:");
    }
}

static void
read_entry(config_reader *r, const config_spot *spot)
{
    config_upstream *up = &r->out->upstreams[r->out->upstream_count];
    if (!json_is_object(spot->value)) {
        config_complain(r, config_place(r, spot), "an upstream is a mapping with name and url");
        return;
    }
    up->headers = calloc(CONFIG_HEADERS_MAX, sizeof *up->headers);
    r->out->upstream_count++;
    if (up->headers == NULL) {
        r->no_memory = true;
        return;
    }
    read_members(r, spot, members, COUNT(members), up);
    check_whole(r, spot, up);
    check_single(r, spot, up);
}

void
config_read_upstreams(config_reader *r, const config_spot *spot, size_t most)
{
    if (!json_is_array(spot->value) || json_array_size(spot->value) == 0 || json_array_size(spot->value) > most) {
        config_complain(r, config_place(r, spot), "upstreams: a list of 1 to %zu belongs here; write each after a dash",
                        most);
        return;
    }
    if (json_object_get(r->out->document.root, "upstream") != NULL) {
        config_complain(r, config_key_place(r, spot),
                        "upstreams: upstream stands here as well; one of the two is right");
    }
    r->out->upstreams = calloc(json_array_size(spot->value), sizeof *r->out->upstreams);
    if (r->out->upstreams == NULL) {
        r->no_memory = true;
        return;
    }
    for (size_t i = 0; i < json_array_size(spot->value); i++) {
        const config_spot item = {.container = spot->value, .index = i, .value = json_array_get(spot->value, i)};
        read_entry(r, &item);
    }
    config_check_groups(r, spot->value);
}

void
config_clear_upstreams(gateway_config *config)
{
    for (size_t i = 0; i < config->upstream_count; i++) {
        free(config->upstreams[i].headers);
        free(config->upstreams[i].command);
        free(config->upstreams[i].pass);
        free(config->upstreams[i].notify_hosts);
        free(config->upstreams[i].members);
    }
    free(config->upstreams);
    config->upstreams = NULL;
    config->upstream_count = 0;
}
