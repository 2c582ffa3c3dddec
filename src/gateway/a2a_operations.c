/* The table of A2A operations, and how requests of either version and binding are found in it. */
#include "gateway/a2a_operations.h"

#include <strings.h>

#include "gateway/target.h"

#define NOTHING                \
    {                          \
        NULL, NULL, NULL, NULL \
    }
#define LEGACY_PREFIX "v1"

/* clang-format off */
/* E-1: one row an operation. What has no row is not passed on. */
static const a2a_row rows[A2A_OPERATION_COUNT] = {
    {A2A_SEND_MESSAGE, "SendMessage", "a2a:message/send", {"message/send", "SendMessage"}, "POST",
     {"message:send", "message:send"}, {NOTHING, NOTHING}, false, true},
    {A2A_SEND_STREAMING_MESSAGE, "SendStreamingMessage", "a2a:message/stream",
     {"message/stream", "SendStreamingMessage"}, "POST",
     {"message:stream", "message:stream"}, {NOTHING, NOTHING}, true, true},
    {A2A_GET_TASK, "GetTask", "a2a:tasks/get", {"tasks/get", "GetTask"}, "GET",
     {"tasks/*", "tasks/*"}, {{"id", NULL, NULL, NULL}, {"id", NULL, NULL, NULL}}, false, false},
    {A2A_LIST_TASKS, "ListTasks", "a2a:tasks/list", {NULL, "ListTasks"}, "GET",
     {NULL, "tasks"}, {NOTHING, {NULL, NULL, "contextId", NULL}}, false, false},
    {A2A_CANCEL_TASK, "CancelTask", "a2a:tasks/cancel", {"tasks/cancel", "CancelTask"}, "POST",
     {"tasks/*:cancel", "tasks/*:cancel"}, {{"id", NULL, NULL, NULL}, {"id", NULL, NULL, NULL}}, false, false},
    /* E-2 */
    {A2A_SUBSCRIBE_TO_TASK, "SubscribeToTask", "a2a:tasks/resubscribe",
     {"tasks/resubscribe", "SubscribeToTask"}, "GET, POST",
     {"tasks/*:subscribe", "tasks/*:subscribe"}, {{"id", NULL, NULL, NULL}, {"id", NULL, NULL, NULL}}, true, false},
    {A2A_CREATE_PUSH_CONFIG, "CreateTaskPushNotificationConfig", "a2a:tasks/pushNotificationConfig/set",
     {"tasks/pushNotificationConfig/set", "CreateTaskPushNotificationConfig"}, "POST",
     {"tasks/*/pushNotificationConfigs", "tasks/*/pushNotificationConfigs"},
     {{"taskId", NULL, NULL, "pushNotificationConfig"}, {"taskId", "id", NULL, ""}}, false, false},
    {A2A_GET_PUSH_CONFIG, "GetTaskPushNotificationConfig", "a2a:tasks/pushNotificationConfig/get",
     {"tasks/pushNotificationConfig/get", "GetTaskPushNotificationConfig"}, "GET",
     {"tasks/*/pushNotificationConfigs/*", "tasks/*/pushNotificationConfigs/*"},
     {{"id", "pushNotificationConfigId", NULL, NULL}, {"taskId", "id", NULL, NULL}}, false, false},
    {A2A_LIST_PUSH_CONFIGS, "ListTaskPushNotificationConfigs", "a2a:tasks/pushNotificationConfig/list",
     {"tasks/pushNotificationConfig/list", "ListTaskPushNotificationConfigs"}, "GET",
     {"tasks/*/pushNotificationConfigs", "tasks/*/pushNotificationConfigs"},
     {{"id", NULL, NULL, NULL}, {"taskId", NULL, NULL, NULL}}, false, false},
    {A2A_DELETE_PUSH_CONFIG, "DeleteTaskPushNotificationConfig", "a2a:tasks/pushNotificationConfig/delete",
     {"tasks/pushNotificationConfig/delete", "DeleteTaskPushNotificationConfig"}, "DELETE",
     {"tasks/*/pushNotificationConfigs/*", "tasks/*/pushNotificationConfigs/*"},
     {{"id", "pushNotificationConfigId", NULL, NULL}, {"taskId", "id", NULL, NULL}}, false, false},
    {A2A_GET_EXTENDED_CARD, "GetExtendedAgentCard", "a2a:agent/getAuthenticatedExtendedCard",
     {"agent/getAuthenticatedExtendedCard", "GetExtendedAgentCard"}, "GET",
     {"card", "extendedAgentCard"}, {NOTHING, NOTHING}, false, false},
};
/* clang-format on */

aip_status
a2a_match_method(aip_bytes method, a2a_match *out, aip_error *err)
{
    *out = (a2a_match){.binding = A2A_JSONRPC};
    for (size_t i = 0; i < A2A_OPERATION_COUNT * A2A_VERSIONS; i++) {
        const a2a_row *row = &rows[i / A2A_VERSIONS];
        const char *name = row->methods[i % A2A_VERSIONS];
        if (name != NULL && aip_bytes_equal(method, aip_bytes_of(name))) {
            out->row = row;
            out->version = i % A2A_VERSIONS == A2A_0_3 ? A2A_0_3 : A2A_1_0;
            return AIP_OK;
        }
    }
    return aip_fail(err, AIP_REQUEST_METHOD, NULL);
}

/* ---- REST ---- */

/* Takes the identifier that `*` stands for; the rest of the pattern's segment is a verb. */
static bool
match_segment(const char *pattern, size_t size, const target_segment *segment, aip_bytes *identifier)
{
    aip_bytes text = segment->text, wanted = {(const unsigned char *)pattern, size};
    if (pattern[0] != '*') {
        return aip_bytes_equal(text, wanted);
    }
    const unsigned char *colon = memchr(text.data, ':', text.size);
    size_t id_size = colon == NULL ? text.size : (size_t)(colon - text.data);
    *identifier = (aip_bytes){text.data, id_size};
    return id_size > 0 && id_size <= AIP_A2A_ID_BYTES_MAX &&
           aip_bytes_equal(aip_bytes_from(text, id_size), aip_bytes_from(wanted, 1));
}

static void
keep(aip_bytes text, a2a_id out)
{
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

/* `found`: the task's and the configuration's identifier. */
static bool
match_pattern(const char *pattern, const target_path *path, size_t first, aip_bytes found[3])
{
    size_t at = first, identifiers = 0;
    for (const char *part = pattern;; part++, at++) {
        size_t size = strcspn(part, "/");
        if (at == path->count || !match_segment(part, size, &path->segments[at], &found[identifiers])) {
            return false;
        }
        identifiers += part[0] == '*' ? 1u : 0u;
        part += size;
        if (*part == '\0') {
            return at + 1 == path->count;
        }
    }
}

static bool
allows(const a2a_row *row, const char *http_method)
{
    const char *at = strstr(row->http, http_method);
    size_t size = strlen(http_method);
    return size > 0 && strchr(http_method, ',') == NULL && at != NULL && (at == row->http || at[-1] == ' ') &&
           (at[size] == '\0' || at[size] == ',');
}

/* The first row of the path, or better one that has the HTTP method as well. */
static bool
find_row(const char *http_method, const target_path *path, size_t first, a2a_match *out)
{
    for (size_t i = 0; i < A2A_OPERATION_COUNT; i++) {
        const char *pattern = rows[i].paths[out->version];
        aip_bytes found[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
        if (pattern == NULL || !match_pattern(pattern, path, first, found)) {
            continue;
        }
        out->row = &rows[i];
        if (found[0].size > 0) {
            keep(found[0], out->task);
        }
        if (found[1].size > 0) {
            keep(found[1], out->config);
        }
        if (allows(&rows[i], http_method)) {
            return true;
        }
    }
    return false;
}

/* E-4: a tenant that looks like a collection would make the path readable in two ways. */
static bool
is_tenant(aip_bytes text)
{
    static const char *const taken[] = {"v1", "card", "tasks", "extendedAgentCard"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (aip_bytes_equal(text, aip_bytes_of(taken[i]))) {
            return false;
        }
    }
    return text.size <= AIP_A2A_ID_BYTES_MAX && memchr(text.data, ':', text.size) == NULL;
}

static bool
find_path(const char *http_method, const target_path *path, a2a_match *out)
{
    bool legacy = path->count > 0 && aip_bytes_equal(path->segments[0].text, AIP_BYTES_LITERAL(LEGACY_PREFIX));
    out->version = legacy ? A2A_0_3 : A2A_1_0;
    if (find_row(http_method, path, legacy ? 1 : 0, out)) {
        return true;
    }
    if (out->row != NULL || legacy || path->count < 2 || !is_tenant(path->segments[0].text)) {
        return false;
    }
    keep(path->segments[0].text, out->tenant);
    return find_row(http_method, path, 1, out);
}

aip_status
a2a_match_path(const char *http_method, aip_bytes path, a2a_match *out, aip_error *err)
{
    target_path parts;
    *out = (a2a_match){.binding = A2A_REST};
    AIP_TRY(target_read_path(path, &parts, err));
    for (size_t i = 0; i < parts.count; i++) {
        if (parts.segments[i].encoded_colon) {
            return aip_fail(err, AIP_REQUEST_INVALID, "an encoded colon in a path");
        }
    }
    if (find_path(http_method, &parts, out)) {
        return AIP_OK;
    }
    return aip_fail(err, out->row == NULL ? AIP_REQUEST_NOT_FOUND : AIP_REQUEST_HTTP_METHOD, NULL);
}

/* ---- version and extensions ---- */

const char *
a2a_version_text(a2a_version version)
{
    return version == A2A_0_3 ? "0.3" : "1.0";
}

bool
a2a_version_parse(aip_bytes text, bool patch, a2a_version *out)
{
    for (a2a_version version = A2A_0_3; version <= A2A_1_0; version++) {
        aip_bytes wanted = aip_bytes_of(a2a_version_text(version));
        if (!aip_bytes_begin_with(text, wanted)) {
            continue;
        }
        *out = version;
        aip_bytes rest = aip_bytes_from(text, wanted.size);
        bool number = rest.size == 2 && rest.data[0] == '.' && rest.data[1] >= '0' && rest.data[1] <= '9';
        return rest.size == 0 || (patch && number);
    }
    return false;
}

aip_status
a2a_query_value(aip_bytes query, const char *name, a2a_id out, aip_error *err)
{
    size_t found = 0;
    target_parameter parameter;
    out[0] = '\0';
    while (query.size > 0) {
        AIP_TRY(target_next_parameter(&query, &parameter, err));
        if (strcasecmp(parameter.name, name) != 0) {
            continue;
        }
        if (strcmp(parameter.name, name) != 0 || ++found > 1) {
            return aip_fail(err, AIP_REQUEST_INVALID, "%s is repeated or written differently in the query", name);
        }
        if (parameter.value_size > AIP_A2A_ID_BYTES_MAX || strlen(parameter.value) != parameter.value_size) {
            return aip_fail(err, AIP_REQUEST_INVALID, "%s in the query is too long", name);
        }
        memcpy(out, parameter.value, parameter.value_size + 1);
    }
    return AIP_OK;
}

aip_status
a2a_read_version(aip_bytes header, size_t count, aip_bytes query, a2a_version *out, aip_error *err)
{
    a2a_id asked;
    *out = A2A_0_3;
    if (count > 1) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "A2A-Version is repeated");
    }
    AIP_TRY(a2a_query_value(query, "A2A-Version", asked, err));
    if (count == 1 && asked[0] != '\0' && !aip_bytes_equal(header, aip_bytes_of(asked))) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "A2A-Version differs between header and query");
    }
    aip_bytes text = count == 1 && header.size > 0 ? header : aip_bytes_of(asked);
    if (text.size > 0 && !a2a_version_parse(text, false, out)) {
        return aip_fail(err, AIP_A2A_VERSION, "the versions served here are 1.0 and 0.3");
    }
    return AIP_OK;
}

aip_status
a2a_check_dialect(const a2a_match *match, a2a_version version, aip_error *err)
{
    if (match->version != version) {
        return aip_fail(err, AIP_A2A_VERSION, "the request is written as one of A2A %s and says to be one of %s",
                        a2a_version_text(match->version), a2a_version_text(version));
    }
    return AIP_OK;
}

/* The next one of a list, without white space around it; empty elements are skipped. */
static bool
next_element(aip_bytes *rest, aip_bytes *out)
{
    while (rest->size > 0) {
        const unsigned char *comma = memchr(rest->data, ',', rest->size);
        aip_bytes text = {rest->data, comma == NULL ? rest->size : (size_t)(comma - rest->data)};
        *rest = aip_bytes_from(*rest, comma == NULL ? rest->size : text.size + 1);
        while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
            text = aip_bytes_from(text, 1);
        }
        while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
            text.size--;
        }
        if (text.size > 0) {
            *out = text;
            return true;
        }
    }
    return false;
}

static bool
is_uri(aip_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || strchr("\"<>\\^`{|}", text.data[i]) != NULL) {
            return false;
        }
    }
    return memchr(text.data, ':', text.size) != NULL;
}

static bool
is_among(const a2a_extensions *extensions, aip_bytes uri)
{
    for (size_t i = 0; i < extensions->count; i++) {
        if (aip_bytes_equal(extensions->uris[i], uri)) {
            return true;
        }
    }
    return false;
}

static aip_status
read_list(aip_bytes text, a2a_extensions *out, aip_error *err)
{
    aip_bytes uri;
    *out = (a2a_extensions){.count = 0};
    while (next_element(&text, &uri)) {
        if (!is_uri(uri) || (out->count == AIP_A2A_EXTENSIONS_MAX && !is_among(out, uri))) {
            return aip_fail(err, AIP_REQUEST_HEADERS, "A2A-Extensions is no list of URIs, or too long");
        }
        if (!is_among(out, uri)) {
            out->uris[out->count++] = uri;
        }
    }
    return AIP_OK;
}

aip_status
a2a_read_extensions(aip_bytes header, aip_bytes legacy, a2a_extensions *out, aip_error *err)
{
    a2a_extensions other;
    AIP_TRY(read_list(header, out, err));
    AIP_TRY(read_list(legacy, &other, err));
    bool same = out->count == other.count;
    for (size_t i = 0; same && i < other.count; i++) {
        same = is_among(out, other.uris[i]);
    }
    if (out->count > 0 && other.count > 0 && !same) {
        return aip_fail(err, AIP_REQUEST_HEADERS, "A2A-Extensions and X-A2A-Extensions differ");
    }
    *out = out->count > 0 ? *out : other;
    return AIP_OK;
}
