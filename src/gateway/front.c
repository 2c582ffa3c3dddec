/* Reads what the configuration says of the side that callers see. */
#include "gateway/front.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/text.h"

/* ---- values of rows ---- */

static size_t
find_row(const char *path)
{
    size_t i = 0;
    while (i < config_row_count && strcmp(config_rows[i].path, path) != 0) {
        i++;
    }
    return i;
}

/* What the file says, or the default. */
static const char *
text_of(const gateway_config *config, const char *path)
{
    size_t i = find_row(path);
    return i == config_row_count ? NULL : config->values[i].given ? config->values[i].text : config_rows[i].initial;
}

static size_t
number_of(const gateway_config *config, const char *path)
{
    size_t i = find_row(path);
    uint64_t number = 0;
    int64_t seconds = 0;
    if (i == config_row_count) {
        return 0;
    }
    const config_row *row = &config_rows[i];
    if (config->values[i].given) {
        number = config->values[i].number;
    } else if (row->kind == CONFIG_DURATION && text_parse_duration(row->initial, &seconds, NULL) == AIP_OK) {
        number = (uint64_t)seconds;
    } else if (row->kind == CONFIG_NUMBER && text_parse_unsigned(row->initial, row->most, &number, NULL) != AIP_OK) {
        number = row->least;
    }
    return (size_t)number;
}

static const config_value *
given_of(const gateway_config *config, const char *path)
{
    size_t i = find_row(path);
    return i < config_row_count && config->values[i].given ? &config->values[i] : NULL;
}

static aip_status
read_ranges(const char *const *texts, size_t count, front_ranges *out, aip_error *err)
{
    out->items = calloc(count + 1, sizeof *out->items);
    if (out->items == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (out->count = 0; out->count < count; out->count++) {
        AIP_TRY(address_range_parse(texts[out->count], &out->items[out->count], err));
    }
    return AIP_OK;
}

/* ---- checks ---- */

aip_status
front_check_path(const char *text, aip_error *err)
{
    size_t size = strlen(text);
    bool good = size > 1 && size < 256 && text[0] == '/' && strpbrk(text, "?#%\"\\ ") == NULL;
    for (size_t i = 0; good && i < size; i++) {
        good = text[i] > 0x20 && text[i] < 0x7f;
    }
    return good ? AIP_OK : aip_fail(err, AIP_CONFIG_INVALID, "a path begins with / and is plain ASCII");
}

/* RFC 9728 section 1.2: https without a fragment; a query would end up in the well-known address, so none either. Plain
 * http is for tests on loopback. */
static aip_status
check_address(const char *text, bool fragment, aip_error *err)
{
    static const char *const schemes[] = {"https://", "http://127.0.0.1", "http://localhost", "http://[::1]"};
    bool good = false;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t size = strlen(schemes[i]);
        good = good || (strncmp(text, schemes[i], size) == 0 && (i > 0 || (text[size] != '\0' && text[size] != '/')));
    }
    for (const char *c = text; good && *c != '\0'; c++) {
        good = *c > 0x20 && *c < 0x7f && strchr("\"\\<>@", *c) == NULL;
    }
    good = good && strlen(text) < 1024 && (fragment || strpbrk(text, "#?") == NULL);
    return good ? AIP_OK : aip_fail(err, AIP_CONFIG_INVALID, "an https:// address without user, query and fragment");
}

aip_status
front_check_resource(const char *text, aip_error *err)
{
    return check_address(text, false, err);
}

aip_status
front_check_server(const char *text, aip_error *err)
{
    return check_address(text, false, err);
}

static const char *const formats[] = {"text", "json"};
static const char *const levels[] = {"info", "warning", "error"};

static size_t
find_word(const char *const *words, size_t count, const char *text)
{
    size_t i = 0;
    while (i < count && strcmp(words[i], text) != 0) {
        i++;
    }
    return i;
}

aip_status
front_check_format(const char *text, aip_error *err)
{
    return find_word(formats, 2, text) < 2 ? AIP_OK : aip_fail(err, AIP_CONFIG_INVALID, "text or json");
}

aip_status
front_check_level(const char *text, aip_error *err)
{
    return find_word(levels, 3, text) < 3 ? AIP_OK : aip_fail(err, AIP_CONFIG_INVALID, "info, warning or error");
}

/* ---- */

static bool
is_loopback(const char *host)
{
    struct in6_addr v6;
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

static aip_status
read_tls(const gateway_config *config, front_settings *out, aip_error *err)
{
    out->tls_certificate = text_of(config, "listen.tls.cert_file");
    out->tls_key = text_of(config, "listen.tls.key_file");
    out->tls_client_ca = text_of(config, "listen.tls.client_ca");
    if ((out->tls_certificate == NULL) != (out->tls_key == NULL) ||
        (out->tls_client_ca != NULL && out->tls_key == NULL)) {
        return aip_fail(err, AIP_CONFIG_INVALID, "listen.tls needs both cert_file and key_file");
    }
    return AIP_OK;
}

static void
read_limits(const gateway_config *config, front_settings *out)
{
    out->connections = number_of(config, "limits.connections");
    out->connections_per_address = number_of(config, "limits.connections_per_address");
    out->requests_per_address = number_of(config, "limits.requests_per_address");
    out->requests_per_root = number_of(config, "limits.requests_per_root");
    out->failures_per_minute = number_of(config, "limits.failures_per_minute");
    out->head_seconds = (unsigned)number_of(config, "limits.head");
    out->body_seconds = (unsigned)number_of(config, "limits.body_time");
    out->reply_seconds = (unsigned)number_of(config, "limits.reply_time");
    out->idle_seconds = (unsigned)number_of(config, "limits.idle");
    out->session_seconds = (unsigned)number_of(config, "limits.session");
    out->drain_seconds = (unsigned)number_of(config, "limits.drain");
}

static aip_status
read_oauth(const gateway_config *config, front_settings *out, aip_error *err)
{
    const config_value *servers = given_of(config, "oauth.authorization_servers");
    out->resource = text_of(config, "oauth.resource");
    out->authorization_servers = servers == NULL ? NULL : servers->items;
    out->authorization_server_count = servers == NULL ? 0 : servers->count;
    return (out->resource == NULL) == (out->authorization_server_count == 0)
               ? AIP_OK
               : aip_fail(err, AIP_CONFIG_INVALID, "oauth needs both resource and authorization_servers");
}

aip_status
front_read(const gateway_config *config, front_settings *out, aip_error *err)
{
    static const char *const loopback[] = {"127.0.0.0/8", "::1"};
    const config_value *proxies = given_of(config, "listen.trusted_proxies"),
                       *readers = given_of(config, "metrics.allow");
    *out = (front_settings){0};
    AIP_TRY(read_tls(config, out, err));
    AIP_TRY(read_oauth(config, out, err));
    read_limits(config, out);
    out->metrics_path = text_of(config, "metrics.path");
    out->metrics_host = text_of(config, "metrics.host");
    out->metrics_apart = given_of(config, "metrics.port") != NULL;
    out->metrics_port = (uint16_t)number_of(config, "metrics.port");
    out->metrics_loopback = is_loopback(out->metrics_host);
    out->log_json = strcmp(text_of(config, "log.format"), "json") == 0;
    out->log_level = (front_log_level)find_word(levels, 3, text_of(config, "log.level"));
    AIP_TRY(
        read_ranges(proxies == NULL ? NULL : proxies->items, proxies == NULL ? 0 : proxies->count, &out->proxies, err));
    return readers == NULL ? read_ranges(loopback, 2, &out->metrics_readers, err)
                           : read_ranges(readers->items, readers->count, &out->metrics_readers, err);
}

void
front_clear(front_settings *front)
{
    free(front->proxies.items);
    free(front->metrics_readers.items);
    *front = (front_settings){0};
}

aip_bytes
front_resource_origin(const front_settings *front)
{
    const char *host = strstr(front->resource, "://") + 3;
    size_t size = (size_t)(host - front->resource) + strcspn(host, "/");
    return (aip_bytes){(const unsigned char *)front->resource, size};
}

const char *
front_resource_path(const front_settings *front)
{
    const char *path = front->resource + front_resource_origin(front).size;
    return strcmp(path, "/") == 0 ? "" : path;
}
