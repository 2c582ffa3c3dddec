/* Whose tasks A2A requests name, what replies begin, and lists that are thinned out. */
#include "gateway/a2a_tasks.h"

#include <stdio.h>

#include "base/splice.h"

/* ---- requests ---- */

/* What the memory does not know of all that a request names. */
aip_status
a2a_tasks_collect(owners *known, const owned_caller *caller, const a2a_facts *facts, const scan_document *document,
                  text_buffer *keys)
{
    a2a_id task;
    if (facts->task[0] != '\0') {
        (void)owners_knows(known, caller, OWNED_A2A_TASK, facts->task, keys);
    }
    if (facts->context[0] != '\0') {
        (void)owners_knows(known, caller, OWNED_A2A_CONTEXT, facts->context, keys);
    }
    uint32_t each = facts->references == SCAN_NONE ? SCAN_NONE : scan_child(document, facts->references);
    for (; each != SCAN_NONE; each = scan_next(document, each)) {
        AIP_TRY(a2a_reference(document, each, task, NULL));
        (void)owners_knows(known, caller, OWNED_A2A_TASK, task, keys);
    }
    return text_finish(keys, NULL);
}

/* E-33: a context that nobody has may be begun by a message that names no task. */
static aip_status
judge_context(owners *known, const owned_caller *caller, const a2a_facts *facts, aip_error *err)
{
    if (facts->context[0] == '\0') {
        return AIP_OK;
    }
    if (caller->claims && facts->row->has_message && facts->task[0] == '\0') {
        return owners_note(known, caller, OWNED_A2A_CONTEXT, facts->context, err);
    }
    return owners_check(known, caller, OWNED_A2A_CONTEXT, facts->context, err);
}

aip_status
a2a_tasks_judge(owners *known, const owned_caller *caller, const a2a_facts *facts, const scan_document *document,
                aip_error *err)
{
    if (facts->task[0] != '\0') {
        AIP_TRY(owners_check(known, caller, OWNED_A2A_TASK, facts->task, err));
    }
    if (facts->references != SCAN_NONE) {
        uint32_t each = scan_child(document, facts->references);
        for (; each != SCAN_NONE; each = scan_next(document, each)) {
            a2a_id task;
            AIP_TRY(a2a_reference(document, each, task, err));
            AIP_TRY(owners_check(known, caller, OWNED_A2A_TASK, task, err));
        }
    }
    return judge_context(known, caller, facts, err);
}

/* ---- replies ---- */

aip_status
a2a_tasks_learn(owners *known, const owned_caller *caller, const a2a_reply_facts *reply, aip_error *err)
{
    if (reply->task[0] != '\0') {
        AIP_TRY(owners_note(known, caller, OWNED_A2A_TASK, reply->task, err));
    }
    return reply->context[0] == '\0' ? AIP_OK : owners_note(known, caller, OWNED_A2A_CONTEXT, reply->context, err);
}

static aip_status
may_see(owners *known, const owned_caller *caller, const scan_document *reply, uint32_t item, bool *may)
{
    static const char *const names[] = {"id", "contextId", "status", "history", "artifacts", "metadata", NULL};
    a2a_id id;
    size_t size = 0;
    uint32_t node = scan_kind_of(reply, item) == SCAN_OBJECT ? scan_member(reply, item, "id") : SCAN_NONE;
    *may = node != SCAN_NONE && scan_kind_of(reply, node) == SCAN_STRING &&
           scan_unescape(reply, node, id, AIP_A2A_ID_BYTES_MAX, &size, NULL) == AIP_OK &&
           memchr(id, '\0', size) == NULL && a2a_check_names(reply, item, names, NULL) == AIP_OK;
    if (!*may) {
        return AIP_OK;
    }
    id[size] = '\0';
    aip_status status = owners_check(known, caller, OWNED_A2A_TASK, id, NULL);
    *may = status == AIP_OK;
    return status == AIP_A2A_TASK ? AIP_OK : status;
}

/* The object that holds `tasks`; SCAN_NONE: the reply is an error of the agent's. */
static aip_status
find_list(const a2a_reply *reply, uint32_t *list, aip_error *err)
{
    static const char *const names[] = {"tasks", "nextPageToken", "pageSize", "totalSize", NULL};
    static const char *const of_one[] = {"id", "contextId", "status", "history", "artifacts", "task", NULL};
    bool rpc = reply->binding == A2A_JSONRPC;
    *list = rpc ? scan_member(reply->document, 0, "result") : 0;
    if (rpc && *list == SCAN_NONE && scan_member(reply->document, 0, "error") != SCAN_NONE) {
        return AIP_OK;
    }
    if (*list == SCAN_NONE || scan_kind_of(reply->document, *list) != SCAN_OBJECT ||
        a2a_check_names(reply->document, *list, names, NULL) != AIP_OK) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply is no list of tasks");
    }
    for (size_t i = 0; of_one[i] != NULL; i++) {
        if (scan_member(reply->document, *list, of_one[i]) != SCAN_NONE) {
            return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply is a task and no list of them");
        }
    }
    return AIP_OK;
}

/* E-34: the total of a list that was thinned out is what is left on its page. */
static aip_status
write_count(splice *s, uint32_t list, size_t kept, aip_error *err)
{
    char digits[24];
    if (scan_member(s->document, list, "totalSize") == SCAN_NONE) {
        return AIP_OK;
    }
    (void)snprintf(digits, sizeof digits, "%zu", kept);
    return splice_set_member(s, list, "totalSize", aip_bytes_of(digits), err);
}

aip_status
a2a_tasks_filter(owners *known, const owned_caller *caller, const a2a_reply *reply, text_buffer *out, aip_error *err)
{
    const scan_limits limits = {SIZE_MAX, AIP_JSON_DEPTH_MAX, AIP_JSON_NODES_MAX};
    const scan_document *document = reply->document;
    uint32_t list = SCAN_NONE;
    size_t kept = 0;
    AIP_TRY(find_list(reply, &list, err));
    uint32_t items = list == SCAN_NONE ? SCAN_NONE : scan_member(document, list, "tasks");
    if (list == SCAN_NONE) {
        return AIP_OK;
    }
    if (items != SCAN_NONE && scan_kind_of(document, items) != SCAN_ARRAY) {
        return aip_fail(err, AIP_UPSTREAM_INVALID, "the reply is no list of tasks");
    }
    SPLICE_AUTO splice s;
    splice_begin(&s, document);
    uint32_t each = items == SCAN_NONE ? SCAN_NONE : scan_child(document, items); /* ProtoJSON leaves out empty ones */
    for (; each != SCAN_NONE; each = scan_next(document, each)) {
        bool may = false;
        AIP_TRY(may_see(known, caller, document, each, &may));
        kept += may ? 1u : 0u;
        if (!may) {
            AIP_TRY(splice_remove(&s, items, each, err));
        }
    }
    AIP_TRY(write_count(&s, list, kept, err));
    return splice_changes(&s) ? splice_finish(&s, &limits, out, NULL, err) : AIP_OK;
}
