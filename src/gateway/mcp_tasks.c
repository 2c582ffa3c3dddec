/* Whose tasks MCP messages are about: in requests, in results, and in what servers say by themselves. */
#include "gateway/mcp_tasks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/splice.h"
#include "gateway/await.h"
#include "gateway/owners.h"

#define RELATED "io.modelcontextprotocol/related-task"

/* Where one of these could be read in two ways, nothing is read. */
static const char *const task_names[] = {"taskId", "task", "tasks", "taskIds", "_meta", "resultType", "status", NULL};

static uint32_t
object_member(const scan_document *document, uint32_t node, const char *name)
{
    uint32_t found = node == SCAN_NONE || scan_kind_of(document, node) != SCAN_OBJECT
                         ? SCAN_NONE
                         : scan_member(document, node, name);
    return found != SCAN_NONE && scan_kind_of(document, found) == SCAN_OBJECT ? found : SCAN_NONE;
}

static uint32_t
member_of(const scan_document *document, uint32_t object, const char *name)
{
    return object == SCAN_NONE ? SCAN_NONE : scan_member(document, object, name);
}

static bool
is_text(const scan_document *document, uint32_t node, const char *text)
{
    return node != SCAN_NONE && scan_kind_of(document, node) == SCAN_STRING &&
           scan_string_equals(document, node, aip_bytes_of(text));
}

static bool
read_id(const scan_document *document, uint32_t node, mcp_task_id out)
{
    size_t size = 0;
    if (node == SCAN_NONE || scan_kind_of(document, node) != SCAN_STRING ||
        scan_unescape(document, node, out, AIP_TASK_ID_BYTES_MAX, &size, NULL) != AIP_OK || size == 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f) {
            return false;
        }
    }
    out[size] = '\0';
    return true;
}

aip_status
mcp_task_named(const exchange *x, mcp_task_id out, aip_error *err)
{
    uint32_t params = object_member(&x->document, 0, "params");
    return read_id(&x->document, member_of(&x->document, params, "taskId"), out)
               ? AIP_OK
               : aip_fail(err, AIP_REQUEST_INVALID, "taskId is missing or no short string");
}

/* Ids are a server's own: those of two that have one name in two configurations are not the same. */
static void
caller_of(const exchange *x, owned_caller *out)
{
    *out = (owned_caller){.upstream = x->route->url, .tenant = "", .now_seconds = clock_now_seconds()};
    memcpy(out->owner, x->owner, sizeof out->owner);
}

/* The task that a message is said to belong to. */
static uint32_t
related_task(const scan_document *document, uint32_t holder, bool *related)
{
    uint32_t meta = object_member(document, holder, "_meta");
    uint32_t found = member_of(document, meta, RELATED);
    *related = found != SCAN_NONE;
    return *related && scan_kind_of(document, found) == SCAN_OBJECT &&
                   scan_check_names(document, found, task_names, NULL) == AIP_OK
               ? scan_member(document, found, "taskId")
               : SCAN_NONE;
}

/* ---- requests ---- */

/* First the tasks that the memory does not know are collected; then all are judged. */
typedef struct {
    exchange *x;
    owned_caller caller;
    text_buffer *keys; /* NULL: judged */
    size_t count;
} naming;

static aip_status
take(naming *n, uint32_t node, aip_error *err)
{
    mcp_task_id id;
    if (++n->count > AIP_TASKS_NAMED_MAX) {
        return aip_fail(err, AIP_REQUEST_INVALID, "more than %d tasks", AIP_TASKS_NAMED_MAX);
    }
    if (!read_id(&n->x->document, node, id)) {
        return aip_fail(err, AIP_REQUEST_INVALID, "a task's id is missing or no short string");
    }
    if (n->x->gateway->owners == NULL) {
        return aip_fail(err, AIP_INTERNAL, "whose task it is cannot be told");
    }
    if (n->keys != NULL) {
        (void)owners_knows(n->x->gateway->owners, &n->caller, OWNED_MCP_TASK, id, n->keys);
        return AIP_OK;
    }
    return owners_check(n->x->gateway->owners, &n->caller, OWNED_MCP_TASK, id, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_TASK_NOT_FOUND, NULL);
}

/* Each one that is listened to. */
static aip_status
take_listened(naming *n, uint32_t params, aip_error *err)
{
    const scan_document *document = &n->x->document;
    uint32_t wanted = object_member(document, params, "notifications"), list = member_of(document, wanted, "taskIds");
    if (wanted != SCAN_NONE) {
        AIP_TRY(scan_check_names(document, wanted, task_names, err));
    }
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    if (scan_kind_of(document, list) != SCAN_ARRAY) {
        return aip_fail(err, AIP_REQUEST_INVALID, "taskIds must be an array");
    }
    for (uint32_t each = scan_child(document, list); each != SCAN_NONE; each = scan_next(document, each)) {
        AIP_TRY(take(n, each, err));
    }
    return AIP_OK;
}

static bool
names_task(const exchange *x)
{
    return strncmp(x->method, "tasks/", sizeof "tasks/" - 1) == 0 && strcmp(x->method, "tasks/list") != 0;
}

static aip_status
take_all(naming *n, aip_error *err)
{
    const exchange *x = n->x;
    bool related = false;
    uint32_t params = object_member(&x->document, 0, "params");
    uint32_t of = related_task(&x->document, params, &related);
    if (related) {
        AIP_TRY(take(n, of, err));
    }
    if (names_task(x)) {
        return take(n, member_of(&x->document, params, "taskId"), err);
    }
    return strcmp(x->method, "subscriptions/listen") == 0 ? take_listened(n, params, err) : AIP_OK;
}

/* The client's own tasks, which it has begun for the server, are nobody's here: only what is somebody else's is kept
 * from the server. */
static aip_status
check_notification(exchange *x, aip_error *err)
{
    TEXT_AUTO text_buffer keys = {0};
    naming n = {.x = x, .keys = &keys};
    bool related = false;
    mcp_task_id id;
    uint32_t params = object_member(&x->document, 0, "params");
    uint32_t node = related_task(&x->document, params, &related);
    node = related ? node : member_of(&x->document, params, "taskId");
    if (node == SCAN_NONE || x->gateway->owners == NULL || !read_id(&x->document, node, id)) {
        return AIP_OK;
    }
    caller_of(x, &n.caller);
    return !owners_knows(x->gateway->owners, &n.caller, OWNED_MCP_TASK, id, &keys) ||
                   owners_check(x->gateway->owners, &n.caller, OWNED_MCP_TASK, id, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_TASK_NOT_FOUND, NULL);
}

aip_status
mcp_check_owner(exchange *x, aip_error *err)
{
    TEXT_AUTO text_buffer keys = {0};
    naming n = {.x = x, .keys = &keys};
    if (x->kind == MESSAGE_NOTIFICATION) {
        return check_notification(x, err);
    }
    if (x->kind != MESSAGE_REQUEST) {
        return AIP_OK;
    }
    bool lists = strcmp(x->method, "tasks/list") == 0;
    caller_of(x, &n.caller);
    AIP_TRY(take_all(&n, err));
    AIP_TRY(text_finish(&keys, err));
    if (n.count == 0 && !lists) {
        return AIP_OK;
    }
    AIP_TRY(keys.size > 0 || lists ? await_owners(x, &keys, err) : AIP_OK);
    n.keys = NULL;
    n.count = 0;
    return take_all(&n, err);
}

/* ---- what the server says ---- */

static aip_status
set_tool(exchange *x, const char *tool, aip_error *err)
{
    free(x->answers_tool);
    x->answers_tool = tool[0] == '\0' ? NULL : strdup(tool);
    return tool[0] == '\0' || x->answers_tool != NULL ? AIP_OK : aip_fail(err, AIP_NO_MEMORY, NULL);
}

/* Is it the caller's? Then what is said of it is looked into as the reply of the tool that began it. */
static aip_status
judge_task(exchange *x, const scan_document *document, uint32_t node, bool *own, aip_error *err)
{
    mcp_task_id id;
    owned_caller caller;
    char tool[AIP_TOOL_BYTES_MAX + 1] = "";
    caller_of(x, &caller);
    *own = x->gateway->owners != NULL && read_id(document, node, id) &&
           owners_find(x->gateway->owners, &caller, OWNED_MCP_TASK, id, tool, NULL) == AIP_OK;
    return *own ? set_tool(x, tool, err) : AIP_OK;
}

/* Events can be left out, other replies cannot. */
static aip_status
leave_out(exchange *x, aip_error *err)
{
    x->left_out = x->phase == EXCHANGE_STREAMING;
    return x->left_out ? AIP_OK : aip_fail(err, AIP_UPSTREAM_INVALID, "a task that is not the caller's");
}

aip_status
mcp_tasks_judge_message(exchange *x, const scan_document *message, aip_error *err)
{
    bool related = false, own = false;
    uint32_t params = object_member(message, 0, "params"), method = scan_member(message, 0, "method");
    AIP_TRY(set_tool(x, "", err));
    uint32_t node = related_task(message, params, &related);
    if (is_text(message, method, "notifications/tasks/status") || is_text(message, method, "notifications/tasks")) {
        bool plain = params != SCAN_NONE && scan_check_names(message, params, task_names, NULL) == AIP_OK;
        node = plain ? scan_member(message, params, "taskId") : SCAN_NONE;
    } else if (!related) {
        return AIP_OK;
    }
    AIP_TRY(judge_task(x, message, node, &own, err));
    return own ? AIP_OK : leave_out(x, err);
}

/* ---- results ---- */

/* The object that tells of a task that this call has begun. In a stream that is resumed it may be an earlier one. */
static uint32_t
begun_task(const exchange *x, const scan_document *message, uint32_t result)
{
    if (x->modern) {
        return is_text(message, scan_member(message, result, "resultType"), "task") ? result : SCAN_NONE;
    }
    uint32_t params = x->kind == MESSAGE_REQUEST ? object_member(&x->document, 0, "params") : SCAN_NONE;
    bool asked = x->kind == MESSAGE_NONE || member_of(&x->document, params, "task") != SCAN_NONE;
    return asked ? object_member(message, result, "task") : SCAN_NONE;
}

static aip_status
note(exchange *x, const scan_document *message, uint32_t task, aip_error *err)
{
    mcp_task_id id;
    owned_caller caller;
    char tool[AIP_TOOL_BYTES_MAX + 1] = "";
    if (scan_check_names(message, task, task_names, NULL) != AIP_OK ||
        !read_id(message, scan_member(message, task, "taskId"), id) || x->gateway->owners == NULL) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "a task without an id that can be kept");
    }
    if (x->is_tool && x->name.size <= AIP_TOOL_BYTES_MAX) {
        memcpy(tool, x->name.data, x->name.size);
    }
    caller_of(x, &caller);
    caller.tool = tool;
    return owners_note(x->gateway->owners, &caller, OWNED_MCP_TASK, id, NULL) == AIP_OK
               ? AIP_OK
               : aip_fail(err, AIP_UPSTREAM_INVALID, "a task that is not the caller's");
}

static aip_status
thin_out(exchange *x, const scan_document *message, uint32_t items, text_buffer *out, aip_error *err)
{
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    SPLICE_AUTO splice s;
    splice_begin(&s, message);
    for (uint32_t each = scan_child(message, items); each != SCAN_NONE; each = scan_next(message, each)) {
        bool own =
            scan_kind_of(message, each) == SCAN_OBJECT && scan_check_names(message, each, task_names, NULL) == AIP_OK;
        if (own) {
            AIP_TRY(judge_task(x, message, scan_member(message, each, "taskId"), &own, err));
        }
        if (!own) {
            AIP_TRY(splice_remove(&s, items, each, err));
        }
    }
    AIP_TRY(set_tool(x, "", err)); /* of many tools */
    return splice_changes(&s) ? splice_finish(&s, &limits, out, NULL, err) : AIP_OK;
}

static aip_status
judge_list(exchange *x, const scan_document *message, uint32_t result, text_buffer *out, aip_error *err)
{
    uint32_t items = scan_member(message, result, "tasks");
    if (scan_check_names(message, result, task_names, NULL) != AIP_OK || items == SCAN_NONE ||
        scan_kind_of(message, items) != SCAN_ARRAY) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply is no list of tasks");
    }
    return thin_out(x, message, items, out, err);
}

/* The request's own id tells the tool, also of an error. */
static aip_status
judge_asked(exchange *x, aip_error *err)
{
    bool own = false;
    uint32_t params = object_member(&x->document, 0, "params");
    AIP_TRY(judge_task(x, &x->document, member_of(&x->document, params, "taskId"), &own, err));
    return own ? AIP_OK : aip_fail(err, AIP_UPSTREAM_INVALID, "a task that is not the caller's");
}

/* What answers a request about a task is about that one. */
static aip_status
judge_answer(exchange *x, const scan_document *message, uint32_t result, aip_error *err)
{
    bool related = false;
    mcp_task_id asked, told;
    uint32_t node = related_task(message, result, &related);
    node = related ? node : scan_member(message, result, "taskId");
    AIP_TRY(mcp_task_named(x, asked, err));
    if (scan_check_names(message, result, task_names, NULL) != AIP_OK ||
        ((related || node != SCAN_NONE) && (!read_id(message, node, told) || strcmp(asked, told) != 0))) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "an answer about another task");
    }
    return AIP_OK;
}

static bool
is_task(const scan_document *message, uint32_t result)
{
    return scan_member(message, result, "taskId") != SCAN_NONE && scan_member(message, result, "status") != SCAN_NONE &&
           scan_member(message, result, "createdAt") != SCAN_NONE;
}

/* Answers to requests that were sent before: their own members tell what they are. */
static aip_status
judge_resumed(exchange *x, const scan_document *message, uint32_t result, text_buffer *out, aip_error *err)
{
    bool related = false, own = true;
    uint32_t items = scan_member(message, result, "tasks"), node = related_task(message, result, &related);
    if (items != SCAN_NONE && scan_kind_of(message, items) == SCAN_ARRAY) {
        return judge_list(x, message, result, out, err);
    }
    if (related || is_task(message, result)) {
        node = related ? node : scan_member(message, result, "taskId");
        AIP_TRY(judge_task(x, message, node, &own, err));
    }
    return own ? AIP_OK : leave_out(x, err);
}

aip_status
mcp_tasks_judge_result(exchange *x, const scan_document *message, text_buffer *out, aip_error *err)
{
    uint32_t result = object_member(message, 0, "result");
    uint32_t begun = result == SCAN_NONE ? SCAN_NONE : begun_task(x, message, result);
    bool answers = x->kind == MESSAGE_REQUEST && names_task(x);
    AIP_TRY(answers ? judge_asked(x, err) : set_tool(x, "", err));
    if (result == SCAN_NONE) {
        return AIP_OK;
    }
    if (begun != SCAN_NONE) {
        return note(x, message, begun, err);
    }
    if (x->kind == MESSAGE_NONE) {
        return judge_resumed(x, message, result, out, err);
    }
    if (strcmp(x->method, "tasks/list") == 0) {
        return judge_list(x, message, result, out, err);
    }
    return answers ? judge_answer(x, message, result, err) : AIP_OK;
}
