/* Tools, the rules on them with their patterns, and the part on data loss. */
#include "base/clock.h"
#include "policy/load_inside.h"

/* ---- names of tools ---- */

/* The tool's row, new or known. */
static aip_status
add_tool(policy_loader *l, const char *written, load_spot at, policy_tool **out)
{
    normal_name room;
    aip_bytes folded;
    policy *p = l->policy;
    if (written == NULL || !policy_fold(aip_bytes_of(written), &room, &folded) || folded.size == 0) {
        return load_refuse(l, at, "a tool's name is empty or has no normal form");
    }
    const uint32_t *known = policy_names_find(&p->tool_names, folded);
    if (known != NULL) {
        *out = &p->tools[*known];
        return AIP_OK;
    }
    const char *key = policy_copy(p, folded);
    *out = &p->tools[p->tool_count];
    (*out)->written = policy_copy(p, aip_bytes_of(written));
    if (key == NULL || (*out)->written == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    policy_names_put(&p->tool_names, aip_bytes_of(key), (uint32_t)p->tool_count++);
    return AIP_OK;
}

static aip_status
mark_tools(policy_loader *l, const json_t *list, bool denied)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const load_spot at = {list, NULL, i};
        policy_tool *tool;
        AIP_TRY(add_tool(l, load_text(l, at), at, &tool));
        tool->denied |= denied;
        tool->allowed |= !denied;
    }
    return AIP_OK;
}

aip_status
load_names(policy_loader *l, const json_t *spec)
{
    const json_t *allowed = load_value(spec, "allowed_tools"), *denied = load_value(spec, "denied_tools");
    size_t count = json_array_size(allowed) + json_array_size(denied) + json_array_size(load_value(spec, "tool_rules"));
    l->policy->tools = policy_take(l->policy, count * sizeof *l->policy->tools);
    if (l->policy->tools == NULL || !policy_names_reserve(l->policy, &l->policy->tool_names, count)) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    AIP_TRY(mark_tools(l, allowed, false));
    return mark_tools(l, denied, true);
}

/* ---- one rule ---- */

static aip_status
compile_argument(policy_loader *l, policy_argument *argument, load_spot at)
{
    *l->err = (aip_error)AIP_ERROR_INIT;
    if (load_pattern(argument->regex, &argument->pattern, l->err) != AIP_OK) {
        return load_refuse_as(l, at, "allow_args");
    }
    if (clock_monotonic_microseconds() - l->begun > LOAD_MICROSECONDS_MAX) {
        return load_refuse(l, at, "the policy's patterns take too long to compile");
    }
    if (argument->regex[0] != '^' || argument->regex[strlen(argument->regex) - 1] != '$') {
        load_warn(l, at, "allow_args: a pattern that is not anchored by ^ and $ is searched for anywhere");
    }
    return AIP_OK;
}

static aip_status
load_arguments(policy_loader *l, const json_t *from, policy_rule *rule)
{
    json_t *map = (json_t *)(uintptr_t)load_value(from, "allow_args"), *value;
    const char *name;
    rule->arguments = policy_take(l->policy, json_object_size(map) * sizeof *rule->arguments);
    if (rule->arguments == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    json_object_foreach(map, name, value)
    {
        const load_spot at = {map, name, 0};
        policy_argument *argument = &rule->arguments[rule->argument_count++];
        argument->name = policy_copy(l->policy, aip_bytes_of(name));
        argument->regex = policy_copy(l->policy, aip_bytes_of(load_text(l, at)));
        if (argument->name == NULL || argument->regex == NULL) {
            return aip_fail(l->err, AIP_NO_MEMORY, NULL);
        }
        AIP_TRY(compile_argument(l, argument, at));
    }
    return AIP_OK;
}

static aip_status
load_rate(policy_loader *l, const json_t *from, policy_tool *tool)
{
    const char *text = load_member_text(l, from, "rate_limit");
    if (text == NULL || text[0] == '\0') {
        return AIP_OK;
    }
    if (!load_read_rate(text, &tool->rate_count, &tool->rate_microseconds)) {
        return load_refuse(l, (load_spot){from, "rate_limit", 0},
                           "rate_limit is a number above 0, a slash, and second, minute or hour");
    }
    tool->bucket = tool->rate == NULL ? (uint32_t)l->policy->bucket_count++ : tool->bucket;
    tool->rate = policy_copy(l->policy, aip_bytes_of(text));
    return tool->rate == NULL ? aip_fail(l->err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static aip_status
load_schema_hash(policy_loader *l, const json_t *from, policy_rule *rule)
{
    static const struct {
        const char *prefix;
        size_t digits;
    } kinds[] = {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}};
    const char *text = load_member_text(l, from, "schema_hash");
    if (text == NULL) {
        return AIP_OK;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t size = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, size) == 0 && strlen(text + size) == kinds[i].digits &&
            strspn(text + size, "0123456789abcdef") == kinds[i].digits) {
            rule->schema_hash = policy_copy(l->policy, aip_bytes_of(text));
            return rule->schema_hash == NULL ? aip_fail(l->err, AIP_NO_MEMORY, NULL) : AIP_OK;
        }
    }
    return load_refuse(l, (load_spot){from, "schema_hash", 0},
                       "schema_hash is sha256:, sha384: or sha512: and as many lower-case hexadecimal digits");
}

static policy_action
read_action(const policy_loader *l, const json_t *from)
{
    char word[LOAD_WORD_SIZE];
    load_word(load_member_text(l, from, "action"), word);
    return strcmp(word, "block") == 0 ? RULE_BLOCK : strcmp(word, "ask") == 0 ? RULE_ASK : RULE_ALLOW;
}

static void
drop_rule(policy_tool *tool)
{
    for (size_t i = 0; tool->rule != NULL && i < tool->rule->argument_count; i++) {
        pattern_set_free(&tool->rule->arguments[i].pattern);
    }
    tool->rule = NULL;
}

static aip_status
load_rule(policy_loader *l, const json_t *list, size_t index)
{
    const json_t *from = json_array_get(list, index);
    const load_spot at = {list, NULL, index};
    policy_tool *tool;
    AIP_TRY(add_tool(l, load_member_text(l, from, "tool"), at, &tool));
    if (tool->rule != NULL) {
        load_warn(l, at, "a second rule for the same tool: this one counts");
        drop_rule(tool);
    }
    tool->rule = policy_take(l->policy, sizeof *tool->rule);
    if (tool->rule == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    tool->rule->number = (uint32_t)index + 1;
    tool->rule->action = read_action(l, from);
    tool->rule->strict = load_boolean(from, "strict_args", l->policy->strict_default);
    AIP_TRY(load_rate(l, from, tool));
    AIP_TRY(load_schema_hash(l, from, tool->rule));
    return load_arguments(l, from, tool->rule);
}

aip_status
load_rules(policy_loader *l, const json_t *spec)
{
    const json_t *list = load_value(spec, "tool_rules");
    l->policy->rule_count = json_array_size(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        AIP_TRY(load_rule(l, list, i));
    }
    return AIP_OK;
}

/* ---- data loss ---- */

static aip_status
check_dlp_pattern(policy_loader *l, load_spot at, const policy_dlp_pattern *pattern)
{
    pattern_set *compiled = NULL;
    if (pattern->name == NULL || pattern->name[0] == '\0' || strlen(pattern->name) > 64) {
        return load_refuse(l, at, "a pattern's name has 1 to 64 bytes");
    }
    if (pattern->regex == NULL || pattern->regex[0] == '\0') {
        return load_refuse(l, at, "a pattern has a regex");
    }
    *l->err = (aip_error)AIP_ERROR_INIT;
    if (load_pattern(pattern->regex, &compiled, l->err) != AIP_OK) {
        return load_refuse_as(l, at, "regex");
    }
    pattern_set_free(&compiled);
    return clock_monotonic_microseconds() - l->begun > LOAD_MICROSECONDS_MAX
               ? load_refuse(l, at, "the policy's patterns take too long to compile")
               : AIP_OK;
}

static aip_status
load_dlp_patterns(policy_loader *l, const json_t *list, policy_dlp *dlp)
{
    policy_dlp_pattern *patterns = policy_take(l->policy, json_array_size(list) * sizeof *patterns);
    if (patterns == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    dlp->patterns = patterns;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *from = json_array_get(list, i);
        char scope[LOAD_WORD_SIZE];
        const char *name = load_member_text(l, from, "name"), *regex = load_member_text(l, from, "regex");
        load_word(load_member_text(l, from, "scope"), scope);
        policy_dlp_pattern *pattern = &patterns[dlp->pattern_count++];
        pattern->scope = strcmp(scope, "request") == 0    ? POLICY_DLP_REQUEST
                         : strcmp(scope, "response") == 0 ? POLICY_DLP_RESPONSE
                                                          : POLICY_DLP_ALL;
        pattern->name = policy_copy(l->policy, aip_bytes_of(name));
        pattern->regex = policy_copy(l->policy, aip_bytes_of(regex));
        if (pattern->name == NULL || pattern->regex == NULL) {
            return aip_fail(l->err, AIP_NO_MEMORY, NULL);
        }
        AIP_TRY(check_dlp_pattern(l, (load_spot){list, NULL, i}, pattern));
    }
    return AIP_OK;
}

aip_status
load_dlp(policy_loader *l, const json_t *spec)
{
    const json_t *from = load_value(spec, "dlp");
    char word[LOAD_WORD_SIZE];
    if (from == NULL) {
        return AIP_OK;
    }
    policy_dlp *dlp = l->policy->dlp = policy_take(l->policy, sizeof *dlp);
    if (dlp == NULL) {
        return aip_fail(l->err, AIP_NO_MEMORY, NULL);
    }
    const char *size = load_member_text(l, from, "max_scan_size");
    dlp->max_scan_size = UINT64_C(1) << 20;
    if (size != NULL && !load_read_size(size, &dlp->max_scan_size)) {
        return load_refuse(l, (load_spot){from, "max_scan_size", 0}, "max_scan_size is a size, such as 1MB");
    }
    dlp->enabled = load_boolean(from, "enabled", true);
    dlp->detect_encoding = load_boolean(from, "detect_encoding", false);
    dlp->filter_stderr = load_boolean(from, "filter_stderr", false);
    dlp->scan_requests = load_boolean(from, "scan_requests", false);
    dlp->scan_responses = load_boolean(from, "scan_responses", true);
    load_word(load_member_text(l, from, "on_redaction_failure"), word);
    dlp->reject_on_failure = strcmp(word, "reject") == 0;
    load_word(load_member_text(l, from, "on_request_match"), word);
    dlp->on_request_match = strcmp(word, "redact") == 0 ? POLICY_DLP_REDACT
                            : strcmp(word, "warn") == 0 ? POLICY_DLP_WARN
                                                        : POLICY_DLP_BLOCK;
    return load_dlp_patterns(l, load_value(from, "patterns"), dlp);
}
