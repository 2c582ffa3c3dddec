/* The part on data loss: checked here, carried out by others. */
#include "aip/limits.h"
#include "policy/load_inside.h"

enum { TOOLS_MAX = 1024 }; /* each is compared with each */

static const char *const actions[] = {[POLICY_DLP_BLOCK] = "block", "redact", "warn", NULL};

/* ---- patterns ---- */

/* Others compile it, with starts, which costs more: so only what Hyperscan takes quickly. */
static void
check_regex(policy_loader *l, load_spot at, const char *regex)
{
    uint64_t expanded;
    if (regex == NULL || regex[0] == '\0') {
        load_complain(l, at, "a pattern has a regex");
    } else if (load_pattern_cost(regex, &expanded) > LOAD_PATTERN_COST_MAX) {
        load_complain(l, at, "regex: it would take too long to compile; use smaller repeats or ASCII classes");
    } else {
        pattern_set *compiled = load_pattern(l, at, "regex", regex);
        pattern_set_free(&compiled);
    }
}

static void
load_dlp_pattern(policy_loader *l, const json_t *list, size_t index, policy_dlp_pattern *out)
{
    static const char *const scopes[] = {[POLICY_DLP_ALL] = "all", "request", "response", NULL};
    const json_t *from = json_array_get(list, index);
    const load_spot at = {list, NULL, index};
    const char *name = load_member_text(l, from, "name"), *regex = load_member_text(l, from, "regex");
    if (!json_is_object(from)) {
        return;
    }
    if (name == NULL || name[0] == '\0' || strlen(name) > AIP_DLP_NAME_BYTES_MAX) {
        load_complain(l, at, "a pattern's name has 1 to %d bytes", AIP_DLP_NAME_BYTES_MAX);
    }
    check_regex(l, at, regex);
    out->name = load_copy(l, name);
    out->regex = load_copy(l, regex);
    out->scope = (policy_dlp_scope)load_choice(l, from, "scope", scopes, POLICY_DLP_ALL);
    out->has_action = load_value(from, "action") != NULL;
    out->action = (policy_dlp_action)load_choice(l, from, "action", actions, POLICY_DLP_REDACT);
}

static void
load_patterns(policy_loader *l, const json_t *from, policy_dlp *dlp)
{
    const json_t *list = load_value(from, "patterns");
    policy_dlp_pattern *patterns = load_take(l, json_array_size(list) * sizeof *patterns);
    for (size_t i = 0; patterns != NULL && i < json_array_size(list); i++) {
        load_dlp_pattern(l, list, i, &patterns[dlp->pattern_count++]);
    }
    dlp->patterns = patterns;
}

/* ---- tools and canaries ---- */

static void
load_tool(policy_loader *l, const json_t *map, const char *name, policy_dlp *dlp, policy_dlp_tool *out)
{
    normal_name room;
    aip_bytes folded;
    const json_t *from = load_value(map, name);
    const load_spot at = {map, name, 0};
    if (!policy_fold(aip_bytes_of(name), &room, &folded) || folded.size == 0) {
        load_complain(l, at, "a tool's name is empty or has no normal form");
        return;
    }
    out->tool = load_copy(l, name);
    out->folded = policy_copy(l->policy, folded);
    l->no_memory |= out->folded == NULL;
    for (size_t i = 0; out->folded != NULL && i < dlp->tool_count; i++) {
        if (strcmp(dlp->tools[i].folded, out->folded) == 0) {
            load_complain(l, at, "tools: the same tool under another spelling");
        }
    }
    out->scan_requests = load_boolean(from, "scan_requests", dlp->scan_requests);
    out->scan_responses = load_boolean(from, "scan_responses", dlp->scan_responses);
    out->has_action = load_value(from, "action") != NULL;
    out->action = (policy_dlp_action)load_choice(l, from, "action", actions, POLICY_DLP_REDACT);
    dlp->tool_count++;
}

static void
load_tools(policy_loader *l, const json_t *from, policy_dlp *dlp)
{
    json_t *map = (json_t *)(uintptr_t)load_value(from, "tools"), *value;
    const char *name;
    policy_dlp_tool *tools = load_take(l, json_object_size(map) * sizeof *tools);
    dlp->tools = tools;
    if (json_object_size(map) > TOOLS_MAX) {
        load_complain(l, (load_spot){from, "tools", 0}, "tools: more than %d", TOOLS_MAX);
        return;
    }
    if (tools == NULL) {
        return;
    }
    json_object_foreach(map, name, value)
    {
        load_tool(l, map, name, dlp, &tools[dlp->tool_count]);
    }
}

static void
load_canaries(policy_loader *l, const json_t *from, policy_dlp *dlp)
{
    const json_t *list = load_value(from, "canaries");
    policy_dlp_canary *canaries = load_take(l, json_array_size(list) * sizeof *canaries);
    dlp->canaries = canaries;
    for (size_t i = 0; canaries != NULL && i < json_array_size(list); i++) {
        const load_spot at = {list, NULL, i};
        const char *text = load_text(l, at), *file = load_member_text(l, json_array_get(list, i), "file");
        if (text != NULL ? strlen(text) < AIP_DLP_CANARY_BYTES_MIN : file == NULL || file[0] == '\0') {
            load_complain(l, at, "a canary is a text of at least %d bytes, or names a file", AIP_DLP_CANARY_BYTES_MIN);
            continue;
        }
        canaries[dlp->canary_count].text = load_copy(l, text);
        canaries[dlp->canary_count++].file = load_copy(l, text == NULL ? file : NULL);
    }
}

/* ---- all of it ---- */

static void
load_switches(policy_loader *l, const json_t *from, policy_dlp *dlp)
{
    static const char *const failures[] = {"block", "reject", NULL}, *const unread[] = {"block", "pass", NULL};
    const char *size = load_member_text(l, from, "max_scan_size");
    dlp->max_scan_size = UINT64_C(1) << 20;
    if (size != NULL && !load_read_size(size, &dlp->max_scan_size)) {
        load_complain(l, (load_spot){from, "max_scan_size", 0}, "max_scan_size is a size, such as 1MB");
    }
    dlp->enabled = load_boolean(from, "enabled", true);
    dlp->detect_encoding = load_boolean(from, "detect_encoding", false);
    dlp->filter_stderr = load_boolean(from, "filter_stderr", false);
    dlp->scan_requests = load_boolean(from, "scan_requests", false);
    dlp->scan_responses = load_boolean(from, "scan_responses", true);
    dlp->reject_on_failure = load_choice(l, from, "on_redaction_failure", failures, 0) == 1;
    dlp->on_request_match = (policy_dlp_action)load_choice(l, from, "on_request_match", actions, POLICY_DLP_BLOCK);
    dlp->builtin_action = POLICY_DLP_REDACT;
    dlp->block_unread = true;
    if (l->own) {
        dlp->builtin = load_boolean(from, "builtin", false);
        dlp->builtin_action = (policy_dlp_action)load_choice(l, from, "builtin_action", actions, POLICY_DLP_REDACT);
        dlp->block_unread = load_choice(l, from, "unread", unread, 0) == 0;
    }
}

void
load_dlp(policy_loader *l, const json_t *spec)
{
    const json_t *from = load_value(spec, "dlp");
    policy_dlp *dlp = json_is_object(from) ? load_take(l, sizeof *dlp) : NULL;
    if (dlp == NULL) {
        return;
    }
    l->policy->dlp = dlp;
    load_switches(l, from, dlp);
    load_patterns(l, from, dlp);
    if (l->own) {
        load_tools(l, from, dlp);
        load_canaries(l, from, dlp);
    }
}
