/* URLs of upstreams: what they may be, under which name their servers are asked. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

#include "net/loop_inside.h"
#include "net/upstream.h"

static aip_status
url_check(CURLU *handle, const char *url, char *path, size_t path_size)
{
    char *text = NULL;
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, 0);
    bool http = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    if (code == CURLUE_OK && http && net_part_is_absent(handle, CURLUPART_USER) &&
        net_part_is_absent(handle, CURLUPART_PASSWORD) && net_part_is_absent(handle, CURLUPART_FRAGMENT)) {
        code = curl_url_get(handle, CURLUPART_PATH, &text, 0);
    }
    if (text == NULL) {
        return code == CURLUE_OUT_OF_MEMORY ? AIP_NO_MEMORY : AIP_CONFIG_INVALID;
    }
    int length = snprintf(path, path_size, "%s", text);
    curl_free(text);
    return length > 0 && (size_t)length < path_size ? AIP_OK : AIP_CONFIG_INVALID;
}

aip_status
upstream_check_url(const char *url, char *path, size_t path_size, aip_error *err)
{
    CURLU *handle = curl_url();
    aip_status status = handle == NULL ? AIP_NO_MEMORY : url_check(handle, url, path, path_size);
    curl_url_cleanup(handle);
    return status == AIP_OK
               ? AIP_OK
               : aip_fail(err, status, "the upstream must be an http or https URL without user or fragment");
}

static char *
part_of(CURLU *handle, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return curl_url_get(handle, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static aip_status
rename_host(CURLU *handle, const char *url, const char *server_name, char **out, char **connect_to)
{
    char *host = NULL, *port = NULL, *whole = NULL;
    aip_status status = AIP_CONFIG_INVALID;
    if (curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK) {
        host = part_of(handle, CURLUPART_HOST, 0);
        port = part_of(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    }
    if (host != NULL && port != NULL && curl_url_set(handle, CURLUPART_HOST, server_name, 0) == CURLUE_OK) {
        whole = part_of(handle, CURLUPART_URL, 0);
    }
    if (whole != NULL) {
        *out = strdup(whole);
        status = *out == NULL || asprintf(connect_to, "::%s:%s", host, port) < 0 ? AIP_NO_MEMORY : AIP_OK;
    }
    curl_free(host);
    curl_free(port);
    curl_free(whole);
    return status;
}

aip_status
upstream_rename(const char *url, const char *server_name, char **out, char **connect_to, aip_error *err)
{
    CURLU *handle = curl_url();
    *out = *connect_to = NULL;
    aip_status status = handle == NULL ? AIP_NO_MEMORY : rename_host(handle, url, server_name, out, connect_to);
    curl_url_cleanup(handle);
    if (status != AIP_OK) {
        free(*out);
        *out = *connect_to = NULL;
        return aip_fail(err, status, "that server name cannot take the place of the host in the URL");
    }
    return AIP_OK;
}

bool
upstream_is_loopback(const char *url)
{
    CURLU *handle = curl_url();
    char *host = NULL;
    if (handle != NULL && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK) {
        host = part_of(handle, CURLUPART_HOST, 0);
    }
    struct in_addr v4 = {0};
    bool loopback = host != NULL && (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
                                     (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127));
    curl_free(host);
    curl_url_cleanup(handle);
    return loopback;
}
