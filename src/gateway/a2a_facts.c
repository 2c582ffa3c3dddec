/* Reads A2A requests by the members that their operation's row names, and refuses what could be read otherwise. */
#include "gateway/a2a_facts.h"

#include <stdio.h>
#include <strings.h>

#include "gateway/target.h"

/* Every name that either version, or a reader of the snake_case forms, gives a meaning to at a level (E-12). */
/* clang-format off */
static const char *const envelope_names[] = {"jsonrpc", "id", "method", "params", NULL};
static const char *const params_names[] = {
    "id", "name", "parent", "config", "configId", "taskId", "contextId", "tenant", "message", "request",
    "configuration", "metadata", "historyLength", "pushNotificationConfig", "pushNotificationConfigId",
    "taskPushNotificationConfig", "url", "token", "authentication", "pageSize", "pageToken", "statusTimestampAfter",
    "includeArtifacts", NULL};
static const char *const message_names[] = {
    "messageId", "contextId", "taskId", "role", "parts", "content", "metadata", "referenceTaskIds", "kind",
    "extensions", NULL};
static const char *const configuration_names[] = {
    "acceptedOutputModes", "historyLength", "blocking", "returnImmediately", "pushNotificationConfig",
    "taskPushNotificationConfig", "pushNotification", NULL};
static const char *const push_names[] = {
    "id", "name", "tenant", "taskId", "url", "token", "authentication", "pushNotificationConfig", "config",
    "taskPushNotificationConfig", NULL};
static const char *const authentication_names[] = {"scheme", "schemes", "credentials", NULL};
static const char *const metadata_names[] = {"aip_token", "skillId", NULL};
/* clang-format on */

/* ---- members ---- */

/* An absent member and null are the same to every reader of ProtoJSON. */
static uint32_t
member(const scan_document *document, uint32_t node, const char *name)
{
    uint32_t found = node == SCAN_NONE || name == NULL ? SCAN_NONE : scan_member(document, node, name);
    return found != SCAN_NONE && scan_kind_of(document, found) == SCAN_NULL ? SCAN_NONE : found;
}

static aip_status
check_identifier(const char *text, size_t size, const char *name, aip_error *err)
{
    bool good = true;
    for (size_t i = 0; good && i < size; i++) {
        good = (unsigned char)text[i] > ' ' && text[i] != 0x7f;
    }
    return good ? AIP_OK : aip_fail(err, AIP_REQUEST_INVALID, "%s holds white space or control characters", name);
}

/* A string of the object into `out`, "" when it is absent. E-11: what `out` holds already must be the same. */
static aip_status
read_identifier(const scan_document *document, uint32_t node, const char *name, a2a_id out, aip_error *err)
{
    a2a_id text = "";
    size_t size = 0;
    uint32_t found = member(document, node, name);
    if (found == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, found) != SCAN_STRING ||
        scan_unescape(document, found, text, sizeof text - 1, &size, NULL) != AIP_OK) {
        return aip_fail(err, AIP_REQUEST_INVALID, "%s is no string, or too long", name);
    }
    text[size] = '\0';
    AIP_TRY(check_identifier(text, size, name, err));
    if (out[0] != '\0' && size > 0 && strcmp(out, text) != 0) {
        return aip_fail(err, AIP_REQUEST_INVALID, "%s is named in two ways", name);
    }
    if (size > 0) {
        memcpy(out, text, size + 1);
    }
    return AIP_OK;
}

/* A member that is an object, its names checked; SCAN_NONE when it is absent. */
static aip_status
read_object(const scan_document *document, uint32_t found, const char *const *names, aip_error *err)
{
    if (found == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, found) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "an object belongs where something else stands");
    }
    return a2a_check_names(document, found, names, err);
}

static void
keep_secret(a2a_facts *out, uint32_t node)
{
    if (node != SCAN_NONE && out->secret_count < A2A_SECRETS_MAX) {
        out->secrets[out->secret_count++] = node;
    }
}

/* ---- notifications ---- */

/* Servers of one version look into the object, those of the other one into an object in it. */
static aip_status
lacks(const scan_document *document, uint32_t object, const char *const names[3], aip_error *err)
{
    for (size_t i = 0; i < 3; i++) {
        if (scan_member(document, object, names[i]) != SCAN_NONE) {
            return aip_fail(err, AIP_REQUEST_INVALID, "%s does not belong where it stands", names[i]);
        }
    }
    return AIP_OK;
}

/* `object` holds `url`, `token` and `authentication` themselves. */
static aip_status
read_push(const scan_document *document, uint32_t object, a2a_facts *out, aip_error *err)
{
    static const char *const wrappers[] = {"pushNotificationConfig", "taskPushNotificationConfig", "config"};
    size_t size = 0;
    AIP_TRY(lacks(document, object, wrappers, err));
    uint32_t url = member(document, object, "url"), authentication = member(document, object, "authentication");
    if (url == SCAN_NONE || scan_kind_of(document, url) != SCAN_STRING ||
        scan_unescape(document, url, out->push_url, sizeof out->push_url - 1, &size, NULL) != AIP_OK) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a notification has no address, or one that is too long");
    }
    out->push_url[size] = '\0';
    if (strlen(out->push_url) != size) {
        return aip_fail(err, AIP_REQUEST_INVALID, "U+0000 in an address");
    }
    out->registers_push = true;
    AIP_TRY(read_object(document, authentication, authentication_names, err));
    keep_secret(out, member(document, object, "token"));
    keep_secret(out, member(document, authentication, "credentials"));
    return AIP_OK;
}

/* A push object, or 0.3's object around it, as the member `name` of `parent`. */
static aip_status
read_push_member(const scan_document *document, uint32_t parent, const char *name, a2a_facts *out, aip_error *err)
{
    uint32_t object = member(document, parent, name);
    if (object == SCAN_NONE) {
        return AIP_OK;
    }
    if (out->registers_push) {
        return aip_fail(err, AIP_REQUEST_INVALID, "two addresses to notify");
    }
    AIP_TRY(read_object(document, object, push_names, err));
    uint32_t inner = member(document, object, "pushNotificationConfig");
    if (inner != SCAN_NONE) {
        static const char *const own[] = {"url", "token", "authentication"};
        AIP_TRY(lacks(document, object, own, err));
        AIP_TRY(read_object(document, inner, push_names, err));
        AIP_TRY(read_identifier(document, inner, "id", out->config, err));
        return read_push(document, inner, out, err);
    }
    AIP_TRY(read_identifier(document, object, "id", out->config, err));
    AIP_TRY(read_identifier(document, object, "taskId", out->task, err));
    return read_push(document, object, out, err);
}

/* 0.3 names a resource, `tasks/{task}/pushNotificationConfigs/{id}`; it must be the task of the path. */
static aip_status
check_resource(const scan_document *document, uint32_t node, const a2a_facts *facts, aip_error *err)
{
    static const char *const names[] = {"name", "parent"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[3 * AIP_A2A_ID_BYTES_MAX], wanted[AIP_A2A_ID_BYTES_MAX + 8];
        size_t size = 0;
        uint32_t found = member(document, node, names[i]);
        if (found == SCAN_NONE) {
            continue;
        }
        int length = snprintf(wanted, sizeof wanted, "tasks/%s", facts->task);
        if (scan_kind_of(document, found) != SCAN_STRING ||
            scan_unescape(document, found, text, sizeof text, &size, NULL) != AIP_OK ||
            (size > 0 && (size < (size_t)length || memcmp(text, wanted, (size_t)length) != 0 ||
                          (size > (size_t)length && text[length] != '/')))) {
            return aip_fail(err, AIP_REQUEST_INVALID, "%s is of another task", names[i]);
        }
    }
    return AIP_OK;
}

static aip_status
read_registration(const scan_document *document, const a2a_members *members, a2a_facts *out, aip_error *err)
{
    uint32_t node = out->params, wrapper = member(document, node, "config");
    bool legacy_rest = out->binding == A2A_REST && out->version == A2A_0_3;
    if (!legacy_rest && members->push[0] == '\0') {
        return read_push(document, node, out, err);
    }
    if (legacy_rest && wrapper != SCAN_NONE) {
        AIP_TRY(read_object(document, wrapper, push_names, err));
        AIP_TRY(check_resource(document, wrapper, out, err));
        AIP_TRY(read_identifier(document, node, "configId", out->config, err));
        AIP_TRY(read_push_member(document, node, "config", out, err));
    }
    AIP_TRY(read_push_member(document, node, members->push, out, err));
    return out->registers_push ? AIP_OK : aip_fail(err, AIP_REQUEST_INVALID, "a notification has no address");
}

/* ---- messages ---- */

static aip_status
read_metadata(const scan_document *document, uint32_t node, a2a_facts *out, aip_error *err)
{
    uint32_t metadata = member(document, node, "metadata");
    if (metadata == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, metadata) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "metadata is no object");
    }
    AIP_TRY(scan_check_names(document, metadata, metadata_names, err));
    AIP_TRY(read_identifier(document, metadata, "skillId", out->skill, err));
    uint32_t token = scan_member(document, metadata, "aip_token");
    if (token != SCAN_NONE && node == out->params) {
        out->aip_token = token;
        keep_secret(out, token);
    } else if (token != SCAN_NONE) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a token stands in params.metadata and nowhere else");
    }
    return AIP_OK;
}

static aip_status
read_references(const scan_document *document, a2a_facts *out, aip_error *err)
{
    out->references = member(document, out->message, "referenceTaskIds");
    if (out->references == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, out->references) != SCAN_ARRAY ||
        document->nodes[out->references].children > AIP_A2A_REFERENCES_MAX) {
        return aip_fail(err, AIP_REQUEST_INVALID, "referenceTaskIds is no list, or too long");
    }
    uint32_t each = scan_child(document, out->references);
    for (; each != SCAN_NONE; each = scan_next(document, each)) {
        a2a_id task;
        AIP_TRY(a2a_reference(document, each, task, err));
    }
    return AIP_OK;
}

aip_status
a2a_reference(const scan_document *document, uint32_t node, a2a_id out, aip_error *err)
{
    size_t size = 0;
    if (scan_kind_of(document, node) != SCAN_STRING ||
        scan_unescape(document, node, out, AIP_A2A_ID_BYTES_MAX, &size, NULL) != AIP_OK || size == 0) {
        return aip_fail(err, AIP_REQUEST_INVALID, "referenceTaskIds holds no identifier");
    }
    out[size] = '\0';
    return check_identifier(out, size, "referenceTaskIds", err);
}

static aip_status
read_message(const scan_document *document, a2a_facts *out, aip_error *err)
{
    uint32_t configuration = member(document, out->params, "configuration");
    out->message = member(document, out->params, "message");
    if (out->message == SCAN_NONE) {
        return aip_fail(err, AIP_REQUEST_INVALID, "there is no message");
    }
    AIP_TRY(read_object(document, out->message, message_names, err));
    AIP_TRY(read_identifier(document, out->message, "taskId", out->task, err));
    AIP_TRY(read_identifier(document, out->message, "contextId", out->context, err));
    AIP_TRY(read_references(document, out, err));
    AIP_TRY(read_metadata(document, out->message, out, err));
    AIP_TRY(read_object(document, configuration, configuration_names, err));
    out->history = member(document, configuration, "historyLength");
    for (size_t i = 0; configuration_names[i] != NULL; i++) {
        if (configuration_names[i][0] == 'p' || configuration_names[i][0] == 't') {
            AIP_TRY(read_push_member(document, configuration, configuration_names[i], out, err));
        }
    }
    return AIP_OK;
}

/* ---- the request ---- */

static const char *const judged_names[] = {"id",
                                           "name",
                                           "parent",
                                           "config",
                                           "configId",
                                           "taskId",
                                           "contextId",
                                           "message",
                                           "request",
                                           "configuration",
                                           "pushNotificationConfig",
                                           "pushNotificationConfigId",
                                           "taskPushNotificationConfig",
                                           "url",
                                           "token",
                                           "authentication"};

static bool
is_judged_name(const char *name)
{
    bool found = false;
    for (size_t i = 0; i < sizeof judged_names / sizeof judged_names[0]; i++) {
        found = found || strcmp(judged_names[i], name) == 0;
    }
    return found;
}

/* E-13: members of other operations would be read by servers that look for them first. */
static bool
belongs(const a2a_match *match, const char *name)
{
    const a2a_members *members = &match->row->members[match->version];
    const char *const own[] = {members->task, members->config, members->context, members->push};
    bool is_judged = is_judged_name(name);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        is_judged = is_judged && (own[i] == NULL || strcmp(own[i], name) != 0);
    }
    if (match->row->has_message) {
        is_judged = is_judged && strcmp(name, "message") != 0 && strcmp(name, "configuration") != 0;
    }
    if (members->push != NULL && members->push[0] == '\0') {
        return !is_judged || name[0] == 'u' || strcmp(name, "token") == 0 || name[0] == 'a';
    }
    if (match->binding == A2A_REST && match->version == A2A_0_3 && members->task != NULL) {
        is_judged = is_judged && strcmp(name, "name") != 0 && strcmp(name, "parent") != 0;
        is_judged = is_judged && (members->push == NULL || strncmp(name, "config", 6) != 0);
    }
    return !is_judged;
}

static aip_status
check_members(const a2a_match *match, const scan_document *document, uint32_t params, aip_error *err)
{
    AIP_TRY(a2a_check_names(document, params, params_names, err));
    for (uint32_t each = scan_child(document, params); each != SCAN_NONE; each = scan_next(document, each)) {
        size_t i = 0;
        while (params_names[i] != NULL && !scan_name_equals(document, each, aip_bytes_of(params_names[i]))) {
            i++;
        }
        if (params_names[i] != NULL && !belongs(match, params_names[i])) {
            return aip_fail(err, AIP_REQUEST_INVALID, "%s does not belong to %s", params_names[i], match->row->name);
        }
    }
    return AIP_OK;
}

static aip_status
find_params(const a2a_match *match, const scan_document *document, a2a_facts *out, aip_error *err)
{
    if (document == NULL) {
        return AIP_OK;
    }
    if (scan_kind_of(document, 0) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the body is no object");
    }
    out->params = 0;
    if (match->binding == A2A_JSONRPC) {
        AIP_TRY(a2a_check_names(document, 0, envelope_names, err));
        out->params = member(document, 0, "params");
    }
    if (out->params == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, out->params) != SCAN_OBJECT) {
        return aip_fail(err, AIP_REQUEST_INVALID, "params are no object");
    }
    return check_members(match, document, out->params, err);
}

/* E-14: what the path or the body names, a query may not name again; only a context is read from there. */
static bool
belongs_in_query(const char *name, const char *context)
{
    bool judged = is_judged_name(name) || strcmp(name, "tenant") == 0 || strcmp(name, "metadata") == 0;
    return !judged || (context != NULL && strcmp(name, context) == 0);
}

static aip_status
read_query(const a2a_match *match, aip_bytes query, a2a_facts *out, aip_error *err)
{
    const char *context = match->row->members[match->version].context;
    target_parameter parameter;
    for (aip_bytes rest = query; rest.size > 0;) {
        AIP_TRY(target_next_parameter(&rest, &parameter, err));
        for (size_t i = 0; params_names[i] != NULL; i++) {
            char other[A2A_NAME_SIZE];
            bool same = strcasecmp(parameter.name, params_names[i]) == 0;
            if ((a2a_snake_name(params_names[i], other) && strcasecmp(parameter.name, other) == 0) ||
                (same &&
                 (strcmp(parameter.name, params_names[i]) != 0 || !belongs_in_query(params_names[i], context)))) {
                return aip_fail(err, AIP_REQUEST_INVALID, "%s does not belong in this query", params_names[i]);
            }
        }
    }
    if (context == NULL) {
        return AIP_OK;
    }
    AIP_TRY(a2a_query_value(query, context, out->context, err));
    return check_identifier(out->context, strlen(out->context), context, err);
}

aip_status
a2a_facts_read(const a2a_match *match, const scan_document *document, aip_bytes query, a2a_facts *out, aip_error *err)
{
    const a2a_members *members = &match->row->members[match->version];
    *out = (a2a_facts){.row = match->row, .version = match->version, .binding = match->binding};
    out->params = out->message = out->references = out->aip_token = out->history = SCAN_NONE;
    memcpy(out->tenant, match->tenant, sizeof out->tenant);
    memcpy(out->task, match->task, sizeof out->task);
    memcpy(out->config, match->config, sizeof out->config);
    if (match->binding == A2A_REST) {
        AIP_TRY(read_query(match, query, out, err));
    }
    AIP_TRY(find_params(match, document, out, err));
    if (out->params != SCAN_NONE) {
        AIP_TRY(read_identifier(document, out->params, "tenant", out->tenant, err));
        AIP_TRY(read_identifier(document, out->params, members->task, out->task, err));
        AIP_TRY(read_identifier(document, out->params, members->config, out->config, err));
        AIP_TRY(read_identifier(document, out->params, members->context, out->context, err));
        AIP_TRY(read_metadata(document, out->params, out, err));
        AIP_TRY(check_resource(document, out->params, out, err));
        out->history = member(document, out->params, "historyLength");
    }
    if (members->task != NULL && out->task[0] == '\0') {
        return aip_fail(err, AIP_REQUEST_INVALID, "the request names no task");
    }
    if ((match->row->has_message || members->push != NULL) && out->params == SCAN_NONE) {
        return aip_fail(err, AIP_REQUEST_INVALID, "the request has no body");
    }
    if (members->push != NULL) {
        return read_registration(document, members, out, err);
    }
    return match->row->has_message ? read_message(document, out, err) : AIP_OK;
}

/* ---- replies ---- */

/* `id` names the task only in a task itself; everywhere else `taskId` does. */
static aip_status
read_subject(const scan_document *document, uint32_t node, bool is_task, a2a_reply_facts *out, aip_error *err)
{
    if (scan_kind_of(document, node) != SCAN_OBJECT ||
        read_identifier(document, node, is_task ? "id" : "taskId", out->task, NULL) != AIP_OK ||
        read_identifier(document, node, "contextId", out->context, NULL) != AIP_OK) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply names its task or context in no readable way");
    }
    return AIP_OK;
}

aip_status
a2a_reply_read(const scan_document *document, a2a_binding binding, a2a_reply_facts *out, aip_error *err)
{
    static const char *const wrappers[] = {"task", "message", "msg", "statusUpdate", "artifactUpdate", NULL};
    static const char *const names[] = {"id",      "taskId", "contextId",    "kind",           "task",
                                        "message", "msg",    "statusUpdate", "artifactUpdate", NULL};
    *out = (a2a_reply_facts){.task = ""};
    uint32_t node = binding == A2A_JSONRPC ? member(document, 0, "result") : 0;
    if (node == SCAN_NONE || scan_kind_of(document, node) != SCAN_OBJECT) {
        return AIP_OK;
    }
    if (a2a_check_names(document, node, names, NULL) != AIP_OK) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply has names that could be read as others");
    }
    size_t found = 0;
    for (size_t i = 0; wrappers[i] != NULL; i++) {
        uint32_t inner = member(document, node, wrappers[i]);
        if (inner != SCAN_NONE) {
            found++;
            AIP_TRY(read_subject(document, inner, i == 0, out, err));
        }
    }
    uint32_t kind = member(document, node, "kind");
    bool is_task = kind == SCAN_NONE ? member(document, node, "status") != SCAN_NONE
                                     : scan_string_equals(document, kind, AIP_BYTES_LITERAL("task"));
    return found > 0 ? AIP_OK : read_subject(document, node, is_task, out, err);
}
