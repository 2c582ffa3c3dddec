/* Reads the host of an https URL as libcurl reads it, and takes it only if nothing had to be rewritten. */
#include "net/https_host.h"

#include <strings.h>

#include "net/loop_inside.h"

enum { URL_BYTES_MAX = 2048, LABEL_BYTES_MAX = 63, SCHEME_BYTES = 8 };

static bool
is_visible_ascii(const char *url)
{
    size_t size = 0;
    for (; url[size] != '\0'; size++) {
        if (url[size] <= ' ' || url[size] > '~' || url[size] == '\\' || size == URL_BYTES_MAX) {
            return false;
        }
    }
    return true;
}

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* What resolvers read as a part of an IPv4 address: all digits, or 0x and hexadecimal ones. */
static bool
is_number(const char *label, size_t size)
{
    bool hexadecimal = size >= 2 && label[0] == '0' && label[1] == 'x';
    for (size_t i = hexadecimal ? 2 : 0; i < size; i++) {
        if (!is_one_of(label[i], hexadecimal ? "0123456789abcdef" : "0123456789")) {
            return false;
        }
    }
    return true;
}

/* Dot-separated labels in lower case; the last is no number. */
static bool
is_name(const char *host)
{
    for (const char *label = host;;) {
        size_t size = strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-_");
        if (size == 0 || size > LABEL_BYTES_MAX) {
            return false;
        }
        if (label[size] == '\0') {
            return !is_number(label, size);
        }
        if (label[size] != '.') {
            return false;
        }
        label += size + 1;
    }
}

static void
lower(const char *text, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    out[size] = '\0';
}

static bool
take_host(CURLU *handle, const char *url, char host[HTTPS_HOST_BYTES])
{
    char *text = NULL;
    if (!net_part_is_absent(handle, CURLUPART_USER) || !net_part_is_absent(handle, CURLUPART_PASSWORD) ||
        !net_part_is_absent(handle, CURLUPART_OPTIONS) || !net_part_is_absent(handle, CURLUPART_FRAGMENT) ||
        curl_url_get(handle, CURLUPART_HOST, &text, 0) != CURLUE_OK) {
        return false;
    }
    size_t size = strlen(text);
    const char *written = url + SCHEME_BYTES;
    bool same = size < HTTPS_HOST_BYTES && strncasecmp(written, text, size) == 0 &&
                (written[size] == '\0' || is_one_of(written[size], ":/?"));
    if (same) {
        lower(text, size, host);
    }
    curl_free(text);
    return same && is_name(host);
}

aip_status
https_host(const char *url, char host[HTTPS_HOST_BYTES], aip_error *err)
{
    host[0] = '\0';
    if (!is_visible_ascii(url) || strncasecmp(url, "https://", SCHEME_BYTES) != 0) {
        return aip_fail(err, AIP_FETCH_ADDRESS, "only https URLs are fetched");
    }
    CURLU *handle = curl_url();
    if (handle == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, 0);
    bool good = code == CURLUE_OK && take_host(handle, url, host);
    curl_url_cleanup(handle);
    if (code == CURLUE_OUT_OF_MEMORY) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    return good ? AIP_OK : aip_fail(err, AIP_FETCH_ADDRESS, "the host of the URL is not a plain name");
}
