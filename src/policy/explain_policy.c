/* The policy as it applies, as text. */
#include <stdio.h>

#include "policy/policy_inside.h"

/* ---- the policy ---- */

static void
put(text_buffer *out, const char *before, const char *text)
{
    text_append_string(out, before);
    text_append_json(out, aip_bytes_of(text));
}

static void
put_list(text_buffer *out, const char *title, const char *const *texts, size_t count)
{
    text_append_format(out, "%s:%s\n", title, count == 0 ? " none" : "");
    for (size_t i = 0; i < count; i++) {
        put(out, "  ", texts[i]);
        text_append_string(out, "\n");
    }
}

/* ---- rules ---- */

static void
put_usd(text_buffer *out, const char *before, uint64_t micro_usd)
{
    char decimals[8];
    int last = snprintf(decimals, sizeof decimals, ".%06llu", (unsigned long long)(micro_usd % 1000000));
    while (last > 0 && (decimals[last - 1] == '0' || decimals[last - 1] == '.')) {
        decimals[--last] = '\0';
    }
    text_append_format(out, "%s%llu%s USD", before, (unsigned long long)(micro_usd / 1000000), decimals);
}

static void
put_price(text_buffer *out, const policy_price *price)
{
    put_usd(out, ", costs ", price->flat);
    for (size_t i = 0; i < price->unit_count; i++) {
        put_usd(out, " and ", price->units[i].micro_usd);
        put(out, " for each unit of ", price->units[i].argument);
    }
    if (price->response_max > 0 || price->response_kib > 0) {
        put_usd(out, " and ", price->response_kib);
        put_usd(out, " for each KiB of the response up to ", price->response_max);
    }
    text_append_string(out, price->trusts_actual ? ", or what the response says if that is less" : "");
}

static void
put_rate(text_buffer *out, const policy_rate *rate, const char *whose)
{
    if (rate->text != NULL) {
        text_append_format(out, ", at most %llu in %llu s%s", (unsigned long long)rate->count,
                           (unsigned long long)(rate->microseconds / 1000000), whose);
    }
}

static void
put_roots(text_buffer *out, const policy_rule *rule)
{
    for (size_t i = 0; i < rule->roots.count; i++) {
        put(out, i == 0 ? ", only for agents of " : ", ", rule->root_texts[i]);
    }
}

static void
put_rule(text_buffer *out, policy_kind kind, const policy_target *target)
{
    static const char *const actions[] = {
        [RULE_ALLOW] = "allowed", [RULE_BLOCK] = "blocked", [RULE_ASK] = "asks a person"};
    const policy_rule *rule = target->rule;
    text_append_format(out, ": %s by rule %u", target->denied ? "denied, else" : actions[rule->action], rule->number);
    if (target->denied) {
        text_append_format(out, " %s", actions[rule->action]);
    }
    bool has_arguments = kind == POLICY_TOOL || kind == POLICY_PROMPT;
    text_append_string(out, rule->strict && has_arguments ? ", no other arguments" : "");
    put_rate(out, &target->rate, "");
    put_rate(out, &target->root_rate, " for all agents of one root");
    if (rule->schema_hash != NULL) {
        text_append_format(out, ", with schema %s", rule->schema_hash);
    }
    text_append_string(out, rule->proof ? ", with proof of possession" : "");
    put_roots(out, rule);
    if (rule->price != NULL) {
        put_price(out, rule->price);
    }
    text_append_string(out, "\n");
    for (size_t i = 0; i < rule->argument_count; i++) {
        put(out, "    ", rule->arguments[i].name);
        put(out, " matches ", rule->arguments[i].regex);
        text_append_string(out, "\n");
    }
}

static void
put_table(text_buffer *out, const policy *p, policy_kind kind)
{
    static const char *const titles[POLICY_KINDS] = {
        [POLICY_METHOD] = "methods with rules", "tools", "resources", "prompts", "skills", "routes"};
    const policy_table *table = &p->tables[kind];
    const char *others = p->monitor ? ", all others forwarded as violations" : ", all others refused";
    text_append_format(out, "%s%s:%s\n", titles[kind], kind == POLICY_METHOD ? "" : others,
                       table->count == 0 ? " none" : "");
    for (size_t i = 0; i < table->count; i++) {
        const policy_target *target = &table->targets[i];
        put(out, "  ", target->written);
        if (target->rule != NULL) {
            put_rule(out, kind, target);
        } else {
            text_append_format(out, ": %s%s\n", target->denied ? "denied" : "allowed",
                               !target->denied && p->strict_default ? ", no arguments" : "");
        }
    }
}

static void
put_tables(text_buffer *out, const policy *p)
{
    put_table(out, p, POLICY_TOOL);
    for (size_t kind = 0; kind < POLICY_KINDS; kind++) {
        if (kind != POLICY_TOOL && (p->tables[kind].listed || p->tables[kind].count > 0)) {
            put_table(out, p, (policy_kind)kind);
        }
    }
}

/* ---- the rest ---- */

static void
put_methods(text_buffer *out, const policy *p)
{
    size_t allowed = p->allowed_methods.count, denied = p->method_count - allowed;
    if (p->any_method) {
        text_append_string(out, "methods allowed: any but the denied ones\n");
    } else {
        put_list(out, p->default_methods ? "methods allowed (the defaults)" : "methods allowed", p->methods, allowed);
    }
    put_list(out, "methods denied", p->methods + allowed, denied);
}

static const char *const dlp_actions[] = {
    [POLICY_DLP_BLOCK] = "blocked", [POLICY_DLP_REDACT] = "redacted", [POLICY_DLP_WARN] = "warned of"};

static void
put_dlp_tools(text_buffer *out, const policy_dlp *dlp)
{
    for (size_t i = 0; i < dlp->tool_count; i++) {
        const policy_dlp_tool *tool = &dlp->tools[i];
        put(out, "  of tool ", tool->tool);
        text_append_format(out, ": requests %s, responses %s", tool->scan_requests ? "scanned" : "not scanned",
                           tool->scan_responses ? "scanned" : "not scanned");
        text_append_format(out, "%s%s\n", tool->has_action ? ", all that is found is " : "",
                           tool->has_action ? dlp_actions[tool->action] : "");
    }
}

static void
put_dlp_patterns(text_buffer *out, const policy_dlp *dlp)
{
    static const char *const scopes[] = {
        [POLICY_DLP_ALL] = "both ways", [POLICY_DLP_REQUEST] = "requests", [POLICY_DLP_RESPONSE] = "responses"};
    for (size_t i = 0; i < dlp->pattern_count; i++) {
        put(out, "  ", dlp->patterns[i].name);
        text_append_format(out, " in %s", scopes[dlp->patterns[i].scope]);
        put(out, " matches ", dlp->patterns[i].regex);
        text_append_format(out, "%s%s\n", dlp->patterns[i].has_action ? ", " : "",
                           dlp->patterns[i].has_action ? dlp_actions[dlp->patterns[i].action] : "");
    }
}

static void
put_dlp(text_buffer *out, const policy_dlp *dlp)
{
    if (dlp == NULL || !dlp->enabled) {
        text_append_string(out, "data loss prevention: off\n");
        return;
    }
    text_append_format(out, "data loss prevention: requests %s, responses %s, encodings %s\n",
                       dlp->scan_requests ? "scanned" : "not scanned", dlp->scan_responses ? "scanned" : "not scanned",
                       dlp->detect_encoding ? "decoded" : "not decoded");
    text_append_format(out, "  found in requests: %s; what cannot be looked into: %s; when redaction fails: %s\n",
                       dlp_actions[dlp->on_request_match], dlp->block_unread ? "blocked" : "passed with a mark",
                       dlp->reject_on_failure ? "rejected" : "blocked");
    if (dlp->builtin) {
        text_append_format(out, "  built-in detectors: %s\n", dlp_actions[dlp->builtin_action]);
    }
    if (dlp->canary_count > 0) { /* their texts are secrets */
        text_append_format(out, "  canaries: %zu, blocked\n", dlp->canary_count);
    }
    put_dlp_patterns(out, dlp);
    put_dlp_tools(out, dlp);
}

/* Of our own version only: the others cannot say anything else. */
static void
put_approval_and_pins(text_buffer *out, const policy *p)
{
    static const char *const modes[] = {[POLICY_PINS_FIRST_SIGHT] = "pinned at first sight",
                                        [POLICY_PINS_SCHEMA_HASH] = "pinned by schema_hash",
                                        [POLICY_PINS_OFF] = "not pinned"};
    if (strcmp(p->api_version, "aip-gateway/v1") != 0) {
        return;
    }
    text_append_format(out,
                       "approval: within %lld s, else denied; at most %u prompts in a minute, then none for %lld s\n",
                       (long long)p->approval.timeout_seconds, p->approval.prompts_per_minute,
                       (long long)p->approval.cooldown_seconds);
    text_append_format(out, "definitions: %s, flagged ones %s\n", modes[p->pins.mode],
                       p->pins.block_flagged ? "blocked" : "warned of");
}

aip_status
policy_explain(const policy *p, text_buffer *out, aip_error *err)
{
    put(out, "policy ", p->name);
    if (p->version != NULL) {
        put(out, ", version ", p->version);
    }
    text_append_format(out, ", %s%s\n", p->api_version, p->is_signed ? ", signed" : "");
    text_append_string(out, p->monitor ? "mode: monitor, violations are forwarded\n" : "mode: enforce\n");
    put_methods(out, p);
    put_tables(out, p);
    put_list(out, "protected paths", p->paths, p->path_count);
    put_dlp(out, p->dlp);
    put_approval_and_pins(out, p);
    return text_finish(out, err);
}
