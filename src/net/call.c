/* A blocking request over libcurl's easy interface, and the parts of a URL. */
#include "net/call.h"

#include "net/field.h"
#include "net/loop_inside.h"

typedef struct {
    net_reply *reply;
    size_t bytes_max;
    bool too_large;
} reader;

static size_t
note(text_buffer *head, aip_bytes text, size_t *size)
{
    size_t at = head->size;
    text_append(head, text);
    *size = text.size;
    return at;
}

static size_t
on_header(char *line, size_t unit, size_t count, void *context)
{
    reader *r = context;
    net_reply *reply = r->reply;
    size_t size = unit * count;
    aip_bytes name, value, text = {(const unsigned char *)line, size};
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0) { /* of an interim answer, or the final one */
        text_clear(&reply->head);
        reply->field_count = 0;
        return size;
    }
    if (!field_split(text, &name, &value)) {
        return size;
    }
    if (reply->field_count == NET_REPLY_FIELDS_MAX) {
        r->too_large = true;
        return 0;
    }
    size_t i = reply->field_count++;
    reply->fields[i].name = note(&reply->head, name, &reply->fields[i].name_size);
    reply->fields[i].value = note(&reply->head, value, &reply->fields[i].value_size);
    return size;
}

static size_t
on_data(char *data, size_t unit, size_t count, void *context)
{
    reader *r = context;
    size_t size = unit * count;
    if (size > r->bytes_max - r->reply->body.size) {
        r->too_large = true;
        return size == 0 ? 1 : 0;
    }
    text_append(&r->reply->body, (aip_bytes){(const unsigned char *)data, size});
    return size;
}

static aip_status
outcome(CURLcode code, const reader *r, aip_error *err)
{
    if (code == CURLE_OK) {
        return AIP_OK;
    }
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
        return aip_fail(err, AIP_USAGE, NULL);
    }
    return aip_fail(err, r->too_large ? AIP_FETCH_SIZE : net_outcome(code), NULL);
}

static void
prepare(CURL *easy, const net_request *request, struct curl_slist *fields, reader *r)
{
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* what was signed is what is sent */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)request->timeout_seconds);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
    if (request->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.size == 0 ? "" : (const char *)request->body.data);
    } else {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

static bool
append_fields(const net_request *request, struct curl_slist **list)
{
    for (size_t i = 0; i < request->field_count; i++) {
        struct curl_slist *longer = curl_slist_append(*list, request->fields[i]);
        if (longer == NULL) {
            return false;
        }
        *list = longer;
    }
    return true;
}

aip_status
net_call(const net_request *request, net_reply *out, aip_error *err)
{
    struct curl_slist *fields = NULL;
    reader r = {out, request->bytes_max, false};
    long status = 0;
    *out = (net_reply){0};
    AIP_TRY(net_start_library(err));
    CURL *easy = curl_easy_init();
    if (easy == NULL || !append_fields(request, &fields)) {
        curl_easy_cleanup(easy);
        curl_slist_free_all(fields);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    prepare(easy, request, fields, &r);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    out->status = (int)status;
    curl_easy_cleanup(easy);
    curl_slist_free_all(fields);
    AIP_TRY(outcome(code, &r, err));
    AIP_TRY(text_finish(&out->head, err));
    return text_finish(&out->body, err);
}

void
net_reply_clear(net_reply *reply)
{
    text_clear(&reply->head);
    text_clear(&reply->body);
    reply->field_count = 0;
}

static aip_bytes
part_of_head(const net_reply *reply, size_t at, size_t size)
{
    return (aip_bytes){(const unsigned char *)reply->head.data + at, size};
}

aip_bytes
net_reply_name(const net_reply *reply, size_t i)
{
    return part_of_head(reply, reply->fields[i].name, reply->fields[i].name_size);
}

aip_bytes
net_reply_value(const net_reply *reply, size_t i)
{
    return part_of_head(reply, reply->fields[i].value, reply->fields[i].value_size);
}

aip_bytes
net_reply_field(const net_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->field_count; i++) {
        aip_bytes own = net_reply_name(reply, i);
        if (field_is(own, name)) {
            return net_reply_value(reply, i);
        }
    }
    return (aip_bytes){NULL, 0};
}

/* ---- URLs ---- */

static bool
copy_part(CURLU *url, CURLUPart part, const char *missing, char *out, size_t size)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(url, part, &text, 0);
    int length = snprintf(out, size, "%s", code == CURLUE_OK ? text : missing == NULL ? "" : missing);
    curl_free(text);
    return (code == CURLUE_OK || missing != NULL) && length >= 0 && (size_t)length < size;
}

static bool
read_url(CURLU *url, const char *text, net_url *out)
{
    char host[256], port[8];
    bool good = curl_url_set(url, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK &&
                net_part_is_absent(url, CURLUPART_USER) && net_part_is_absent(url, CURLUPART_PASSWORD) &&
                net_part_is_absent(url, CURLUPART_FRAGMENT) &&
                copy_part(url, CURLUPART_SCHEME, NULL, out->scheme, sizeof out->scheme) &&
                copy_part(url, CURLUPART_HOST, NULL, host, sizeof host) &&
                copy_part(url, CURLUPART_PORT, "", port, sizeof port) &&
                copy_part(url, CURLUPART_PATH, "/", out->path, sizeof out->path) &&
                copy_part(url, CURLUPART_QUERY, "", out->query, sizeof out->query);
    bool https = good && strcmp(out->scheme, "https") == 0;
    if (!good || (!https && strcmp(out->scheme, "http") != 0)) {
        return false;
    }
    for (char *c = host; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
    }
    bool plain = port[0] == '\0' || strcmp(port, https ? "443" : "80") == 0;
    snprintf(out->authority, sizeof out->authority, "%s%s%s", host, plain ? "" : ":", plain ? "" : port);
    return true;
}

/* What libcurl would rewrite before it sends is refused: what was signed has to be what is sent. */
static bool
is_visible_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

aip_status
net_url_read(const char *text, net_url *out, aip_error *err)
{
    const char *host = strstr(text, "://");
    CURLU *url = curl_url();
    bool good = url != NULL && host != NULL && host[3] != '/' && is_visible_ascii(text) && read_url(url, text, out);
    curl_url_cleanup(url);
    return good ? AIP_OK : aip_fail(err, AIP_USAGE, "an http or https URL without user and fragment is needed");
}
