/* One spelling for each address of a plain HTTP API, and one meaning for each parameter, or none at all. */
#include "gateway/plain.h"

#include <ctype.h>
#include <strings.h>

const char plain_methods[] = "GET, HEAD, POST, PUT, PATCH, DELETE";

/* E-70: the name that scopes have for a method; NULL: it is not passed on. */
static const char *
granted_method(const char *method)
{
    static const char *const rows[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    if (strcmp(method, "HEAD") == 0) {
        return "GET";
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(method, rows[i]) == 0) {
            return rows[i];
        }
    }
    return NULL;
}

/* E-71 */
static char *
write_segment(aip_bytes text, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    *out++ = '/';
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = text.data[i];
        if (c < 0x80 && (isalnum(c) || strchr("._:@-", c) != NULL)) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = digits[c >> 4];
        *out++ = digits[c & 15];
    }
    return out;
}

static aip_status
write_wanted(const char *method, aip_bytes path, plain_facts *out, aip_error *err)
{
    target_path parts;
    AIP_TRY(target_read_open_path(path, &parts, err));
    char *at = out->wanted + snprintf(out->wanted, sizeof out->wanted, "http:%s ", method);
    out->path = at;
    for (size_t i = 0; i < parts.count; i++) {
        at = write_segment(parts.segments[i].text, at);
    }
    if (parts.count == 0 || parts.trailing_slash) {
        *at++ = '/';
    }
    *at = '\0';
    return AIP_OK;
}

/* E-73: servers take the first of two, the last, or both, or mix query and body. */
static aip_status
check_name(const plain_request *request, aip_bytes query, const target_parameter *parameter, aip_error *err)
{
    target_parameter other;
    while (query.size > 0) {
        AIP_TRY(target_next_parameter(&query, &other, err));
        if (strcmp(other.name, parameter->name) == 0) {
            return aip_fail(err, AIP_REQUEST_INVALID, "a parameter occurs twice in the query");
        }
    }
    bool in_body = request->body != NULL && scan_kind_of(request->body, 0) == SCAN_OBJECT &&
                   scan_member(request->body, 0, parameter->name) != SCAN_NONE;
    bool whole = request->body != NULL ? scan_kind_of(request->body, 0) != SCAN_OBJECT
                                       : request->other.size > 0 && !plain_is_form(request);
    bool is_body = whole && strcmp(parameter->name, "body") == 0;
    if (in_body || is_body) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a parameter occurs in the query and in the body");
    }
    if (strcasecmp(parameter->name, "_method") == 0) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the query asks for another method");
    }
    return AIP_OK;
}

static aip_status
write_query(const plain_request *request, text_buffer *out, aip_error *err)
{
    target_parameter parameter;
    for (aip_bytes rest = request->query; rest.size > 0;) {
        bool nothing = rest.data[0] == '&';
        AIP_TRY(target_next_parameter(&rest, &parameter, err));
        if (nothing) {
            continue;
        }
        AIP_TRY(check_name(request, rest, &parameter, err));
        text_append_string(out, out->size > 1 ? "," : "");
        text_append_json(out, aip_bytes_of(parameter.name));
        text_append_string(out, ":");
        text_append_json(out, (aip_bytes){(const unsigned char *)parameter.value, parameter.value_size});
    }
    return AIP_OK;
}

/* E-72: an object's members are arguments; anything else but a form is one, named `body`. */
static aip_status
write_body(const plain_request *request, text_buffer *out, aip_error *err)
{
    const scan_document *body = request->body;
    if (plain_is_form(request)) {
        return plain_write_form(request, out, err);
    }
    if (body == NULL && request->other.size > 0) {
        text_append_string(out, out->size > 1 ? ",\"body\":" : "\"body\":");
        text_append_json(out, request->other);
    }
    if (body == NULL) {
        return AIP_OK;
    }
    if (scan_kind_of(body, 0) != SCAN_OBJECT) {
        text_append_string(out, out->size > 1 ? ",\"body\":" : "\"body\":");
        text_append(out, scan_raw(body, 0));
        return AIP_OK;
    }
    for (uint32_t each = scan_child(body, 0); each != SCAN_NONE; each = scan_next(body, each)) {
        text_append_string(out, out->size > 1 ? ",\"" : "\"");
        text_append(out, scan_raw_name(body, each));
        text_append_string(out, "\":");
        text_append(out, scan_raw(body, each));
    }
    return AIP_OK;
}

aip_status
plain_read(const plain_request *request, plain_facts *out, aip_error *err)
{
    const char *method = granted_method(request->method);
    *out = (plain_facts){.path = NULL};
    if (method == NULL) {
        return aip_fail(err, AIP_REQUEST_HTTP_METHOD, NULL);
    }
    AIP_TRY(write_wanted(method, request->path, out, err));
    if (plain_body_overrides(request)) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the body asks for another method");
    }
    text_append_string(&out->arguments, "{");
    aip_status status = write_query(request, &out->arguments, err);
    status = status == AIP_OK ? write_body(request, &out->arguments, err) : status;
    text_append_string(&out->arguments, "}");
    if (status == AIP_OK) {
        status = text_finish(&out->arguments, err);
    }
    if (status != AIP_OK) {
        plain_clear(out);
    }
    return status;
}

void
plain_clear(plain_facts *facts)
{
    text_clear(&facts->arguments);
    *facts = (plain_facts){.path = NULL};
}

bool
plain_is_override(aip_bytes name)
{
    static const char *const rows[] = {"X-HTTP-Method-Override", "X-HTTP-Method",  "X-Method-Override",
                                       "X-Original-URL",         "X-Rewrite-URL",  "X-Original-URI",
                                       "X-Forwarded-Path",       "X-Forwarded-Uri"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (name.size == strlen(rows[i]) && strncasecmp((const char *)name.data, rows[i], name.size) == 0) {
            return true;
        }
    }
    return false;
}
