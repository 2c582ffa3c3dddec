/* From a policy's part about the loss of data to compiled scanners. */
#include <stdlib.h>

#include "aip/limits.h"
#include "gateway/rules_inside.h"

/* A canary of a file is its contents without the last line break; both are kept until the scanners are made. */
typedef struct {
    aip_bytes *values;
    char **owned;
    size_t count;
} canary_list;

static void
clear_canaries(canary_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->owned[i]);
    }
    free(list->values);
    free(list->owned);
    *list = (canary_list){0};
}

static aip_status
load_canary(const policy_dlp_canary *canary, aip_bytes *value, char **owned, aip_error *err)
{
    size_t size = 0;
    if (canary->text != NULL) {
        *value = aip_bytes_of(canary->text);
        return AIP_OK;
    }
    AIP_TRY(text_load_file(canary->file, AIP_CONFIG_BYTES_MAX, owned, &size, err));
    while (size > 0 && ((*owned)[size - 1] == '\n' || (*owned)[size - 1] == '\r')) {
        size--;
    }
    *value = (aip_bytes){(const unsigned char *)*owned, size};
    return AIP_OK;
}

static aip_status
load_canaries(const policy_dlp *dlp, canary_list *out, aip_error *err)
{
    out->values = calloc(dlp->canary_count + 1, sizeof *out->values);
    out->owned = calloc(dlp->canary_count + 1, sizeof *out->owned);
    if (out->values == NULL || out->owned == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (; out->count < dlp->canary_count; out->count++) {
        size_t i = out->count;
        AIP_TRY(load_canary(&dlp->canaries[i], &out->values[i], &out->owned[i], err));
    }
    return AIP_OK;
}

static dlp_action
action_of(policy_dlp_action action)
{
    static const dlp_action actions[] = {
        [POLICY_DLP_BLOCK] = DLP_BLOCK, [POLICY_DLP_REDACT] = DLP_REDACT, [POLICY_DLP_WARN] = DLP_WARN};
    return actions[action];
}

static unsigned
scope_of(policy_dlp_scope scope)
{
    return scope == POLICY_DLP_ALL ? DLP_BOTH : scope == POLICY_DLP_REQUEST ? DLP_REQUEST : DLP_RESPONSE;
}

typedef struct {
    const policy_dlp *dlp;
    const policy_dlp_tool *tool; /* NULL: of all */
    const canary_list *canaries;
    unsigned direction;
} scanner_wish;

/* In a request a pattern without an action of its own does what the policy says of requests; in a reply it redacts. */
static dlp_action
pattern_action(const scanner_wish *wish, const policy_dlp_pattern *pattern)
{
    if (wish->tool != NULL && wish->tool->has_action) {
        return action_of(wish->tool->action);
    }
    if (pattern->has_action) {
        return action_of(pattern->action);
    }
    return wish->direction == DLP_REQUEST ? action_of(wish->dlp->on_request_match) : DLP_REDACT;
}

static bool
is_looked_into(const scanner_wish *wish)
{
    if (wish->direction == DLP_REQUEST) {
        return wish->tool != NULL ? wish->tool->scan_requests : wish->dlp->scan_requests;
    }
    return wish->tool != NULL ? wish->tool->scan_responses : wish->dlp->scan_responses;
}

/* Canaries are looked for in requests in any case, and in no reply: a server is where they are planted. */
static aip_status
make_scanner(const scanner_wish *wish, dlp_scanner **out, aip_error *err)
{
    const policy_dlp *dlp = wish->dlp;
    bool whole = is_looked_into(wish);
    bool by_tool = wish->tool != NULL && wish->tool->has_action;
    if (!whole && (wish->direction != DLP_REQUEST || wish->canaries->count == 0)) {
        return AIP_OK;
    }
    dlp_pattern *patterns = calloc(dlp->pattern_count + 1, sizeof *patterns);
    if (patterns == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < dlp->pattern_count; i++) {
        const policy_dlp_pattern *each = &dlp->patterns[i];
        patterns[i] = (dlp_pattern){each->name, each->regex, scope_of(each->scope), pattern_action(wish, each)};
    }
    const dlp_rules made = {
        .patterns = patterns,
        .count = whole ? dlp->pattern_count : 0,
        .canaries = wish->canaries->values,
        .canary_count = wish->direction == DLP_REQUEST ? wish->canaries->count : 0,
        .builtin = whole && dlp->builtin,
        .builtin_action = action_of(by_tool ? wish->tool->action : dlp->builtin_action),
        .detect_encoding = dlp->detect_encoding,
        .block_unread = dlp->block_unread,
    };
    aip_status status = dlp_scanner_new(&made, wish->direction, out, err);
    free(patterns);
    return status;
}

static aip_status
make_both(const policy_dlp *dlp, const policy_dlp_tool *tool, const canary_list *canaries, dlp_scanner *out[2],
          aip_error *err)
{
    scanner_wish wish = {dlp, tool, canaries, DLP_REQUEST};
    AIP_TRY(make_scanner(&wish, &out[0], err));
    wish.direction = DLP_RESPONSE;
    return make_scanner(&wish, &out[1], err);
}

/* Whatever the direction and the action: nothing that is looked for may stand in the log. */
static aip_status
make_audit(const policy_dlp *dlp, dlp_scanner **out, aip_error *err)
{
    dlp_pattern *patterns = calloc(dlp->pattern_count + 1, sizeof *patterns);
    if (patterns == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < dlp->pattern_count; i++) {
        patterns[i] = (dlp_pattern){dlp->patterns[i].name, dlp->patterns[i].regex, DLP_BOTH, DLP_REDACT};
    }
    const dlp_rules made = {.patterns = patterns,
                            .count = dlp->pattern_count,
                            .builtin = true,
                            .builtin_action = DLP_REDACT,
                            .detect_encoding = true};
    aip_status status = dlp_scanner_new(&made, DLP_REQUEST, out, err);
    free(patterns);
    return status;
}

static aip_status
make_all(const policy_dlp *dlp, const canary_list *canaries, struct rule_scanners *out, aip_error *err)
{
    dlp_scanner *made[2] = {NULL, NULL};
    aip_status status = make_both(dlp, NULL, canaries, made, err);
    out->request = made[0];
    out->response = made[1];
    for (size_t i = 0; i < dlp->tool_count && status == AIP_OK; i++) {
        made[0] = made[1] = NULL;
        status = make_both(dlp, &dlp->tools[i], canaries, made, err);
        out->tools[out->tool_count++] = (tool_scanners){made[0], made[1]};
    }
    return status == AIP_OK ? make_audit(dlp, &out->audit, err) : status;
}

aip_status
rule_scanners_new(const policy *p, struct rule_scanners **out, aip_error *err)
{
    const policy_dlp *dlp = policy_dlp_of(p);
    canary_list canaries = {0};
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (dlp == NULL || !dlp->enabled) {
        return AIP_OK;
    }
    (*out)->tools = calloc(dlp->tool_count + 1, sizeof *(*out)->tools);
    aip_status status = (*out)->tools == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
    status = status == AIP_OK ? load_canaries(dlp, &canaries, err) : status;
    status = status == AIP_OK ? make_all(dlp, &canaries, *out, err) : status;
    clear_canaries(&canaries);
    return status;
}

void
rule_scanners_warn(const rule_set *set, text_buffer *out)
{
    const policy_dlp *dlp = policy_dlp_of(set->policy);
    for (size_t i = 0; set->scanners->audit != NULL && i < dlp->pattern_count; i++) {
        if (dlp_scanner_is_slow(set->scanners->audit, i)) {
            text_append_format(out,
                               "%s: warning: dlp: the pattern %s has no text that every match contains, so it is "
                               "tried everywhere and is slow\n",
                               set->file, dlp->patterns[i].name);
        }
    }
}

void
rule_scanners_free(struct rule_scanners **scanners)
{
    struct rule_scanners *each = *scanners;
    if (each == NULL) {
        return;
    }
    dlp_scanner_free(&each->request);
    dlp_scanner_free(&each->response);
    dlp_scanner_free(&each->audit);
    for (size_t i = 0; i < each->tool_count; i++) {
        dlp_scanner_free(&each->tools[i].request);
        dlp_scanner_free(&each->tools[i].response);
    }
    free(each->tools);
    free(each);
    *scanners = NULL;
}

const dlp_scanner *
rules_scanner(const rule_set *set, unsigned direction, aip_bytes tool)
{
    const struct rule_scanners *all = set->scanners;
    const policy_dlp_tool *own = tool.size == 0 || all->tool_count == 0 ? NULL : policy_dlp_tool_of(set->policy, tool);
    if (own == NULL) {
        return direction == DLP_REQUEST ? all->request : all->response;
    }
    const tool_scanners *of_tool = &all->tools[own - policy_dlp_of(set->policy)->tools];
    return direction == DLP_REQUEST ? of_tool->request : of_tool->response;
}

const dlp_scanner *
rules_audit_scanner(const rule_set *set)
{
    return set->scanners->audit;
}
