/* The driver's operation on data-loss prevention: of a policy just the part that it needs. */
#include <stdlib.h>

#include "aip/limits.h"
#include "base/yaml.h"
#include "dlp/redact.h"
#include "dlp/scan.h"
#include "tests/vectors/conform.h"

enum { PATTERNS_MAX = 256 };

typedef struct {
    dlp_rules rules;
    dlp_pattern patterns[PATTERNS_MAX];
    dlp_findings found;
    text_buffer output;
} asked_scan;

/* Compiled once per policy, as in a gateway; the driver is asked many times about the same. */
typedef struct {
    char *policy;
    size_t size;
    unsigned direction;
    dlp_scanner *scanner;
    dlp_workspace *workspace;
} compiled;

static compiled kept[4];
static size_t kept_next;

static compiled *
find_compiled(aip_bytes policy, unsigned direction)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        aip_bytes own = {(const unsigned char *)kept[i].policy, kept[i].size};
        if (kept[i].scanner != NULL && kept[i].direction == direction && aip_bytes_equal(own, policy)) {
            return &kept[i];
        }
    }
    return NULL;
}

static void
drop(compiled *c)
{
    dlp_workspace_free(&c->workspace);
    dlp_scanner_free(&c->scanner);
    free(c->policy);
    *c = (compiled){0};
}

__attribute__((destructor)) static void
drop_all(void)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        drop(&kept[i]);
    }
}

static const char *
string_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static aip_status
read_pattern(const json_t *said, dlp_pattern *out, aip_error *err)
{
    const char *scope = string_of(said, "scope");
    if (json_string_value(json_object_get(said, "regex")) == NULL) {
        return aip_fail(err, AIP_CONFIG_INVALID, "a pattern has a name and a regex");
    }
    *out = (dlp_pattern){.name = string_of(said, "name"), .regex = string_of(said, "regex"), .scope = DLP_BOTH};
    if (strcmp(scope, "request") == 0 || strcmp(scope, "response") == 0) {
        out->scope = strcmp(scope, "request") == 0 ? DLP_REQUEST : DLP_RESPONSE;
    }
    return AIP_OK;
}

static aip_status
read_rules(const json_t *policy, asked_scan *a, aip_error *err)
{
    const json_t *dlp = json_object_get(json_object_get(policy, "spec"), "dlp");
    const json_t *list = json_object_get(dlp, "patterns"), *enabled = json_object_get(dlp, "enabled");
    if (dlp == NULL || json_is_false(enabled)) {
        return AIP_OK;
    }
    a->rules.patterns = a->patterns;
    a->rules.detect_encoding = json_is_true(json_object_get(dlp, "detect_encoding"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (a->rules.count == PATTERNS_MAX) {
            return aip_fail(err, AIP_JSON_SIZE, "too many patterns");
        }
        AIP_TRY(read_pattern(json_array_get(list, i), &a->patterns[a->rules.count++], err));
    }
    return AIP_OK;
}

static aip_status
compile(const dlp_rules *rules, aip_bytes policy, unsigned direction, compiled **out, aip_error *err)
{
    compiled *c = &kept[kept_next++ % (sizeof kept / sizeof kept[0])];
    drop(c);
    AIP_TRY(dlp_scanner_new(rules, direction, &c->scanner, err));
    aip_status status = dlp_workspace_new(c->scanner, &c->workspace, err);
    if (status == AIP_OK && policy.size > 0 && (c->policy = malloc(policy.size)) == NULL) {
        status = aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (status != AIP_OK) {
        drop(c);
        return status;
    }
    if (policy.size > 0) {
        memcpy(c->policy, policy.data, policy.size);
    }
    c->size = policy.size;
    c->direction = direction;
    *out = c;
    return AIP_OK;
}

static aip_status
compile_policy(asked_scan *a, aip_bytes policy, unsigned direction, compiled **out, aip_error *err)
{
    static const yaml_limits limits = {AIP_CONFIG_BYTES_MAX, AIP_CONFIG_DEPTH_MAX, AIP_CONFIG_NODES_MAX};
    yaml_document document = {0};
    if (policy.size == 0) {
        a->rules = (dlp_rules){.builtin = true, .detect_encoding = true};
        return compile(&a->rules, policy, direction, out, err);
    }
    aip_status status = yaml_load_peer(policy, &limits, &document, err);
    status = status == AIP_OK ? read_rules(document.root, a, err) : status;
    status = status == AIP_OK ? compile(&a->rules, policy, direction, out, err) : status;
    yaml_clear(&document);
    return status;
}

static aip_status
answer(exchange *x, asked_scan *a, const compiled *c, aip_bytes text, aip_error *err)
{
    AIP_TRY(dlp_scan(c->scanner, c->workspace, text, &a->found, err));
    dlp_redact(text, &a->found, &a->output);
    AIP_TRY(text_finish(&a->output, err));
    text_append_format(&x->reply, ",\"redacted\":%s", a->found.count > 0 ? "true" : "false");
    exchange_reply_text(x, "output", text_view(&a->output));
    text_append_string(&x->reply, ",\"findings\":[");
    for (size_t i = 0; i < a->found.count; i++) {
        const dlp_finding *finding = &a->found.items[i];
        text_append_string(&x->reply, i == 0 ? "{\"name\":" : ",{\"name\":");
        text_append_json(&x->reply, aip_bytes_of(finding->name));
        text_append_format(&x->reply, ",\"start\":%zu,\"end\":%zu,\"encoded\":%s}", finding->start, finding->end,
                           finding->encoded ? "true" : "false");
    }
    text_append_string(&x->reply, "]");
    return AIP_OK;
}

/* `policy` is a policy's text, or the policy as an object; without one all built-in detectors look, through encodings
 * as well. `direction` is `request` or, by default, `response`. */
aip_status
answer_dlp_scan(exchange *x, aip_error *err)
{
    aip_bytes text, policy = {NULL, 0}, said;
    void *room;
    compiled *c = NULL;
    uint32_t node = exchange_member(x, "policy");
    AIP_TRY(exchange_text(x, "text", false, &text, err));
    AIP_TRY(exchange_text(x, "direction", true, &said, err));
    AIP_TRY(exchange_room(x, sizeof(asked_scan), &room, err));
    asked_scan *a = room;
    if (node != SCAN_NONE && scan_kind_of(&x->request, node) == SCAN_OBJECT) {
        policy = scan_raw(&x->request, node);
    } else if (node != SCAN_NONE) {
        AIP_TRY(exchange_text(x, "policy", false, &policy, err));
    }
    unsigned direction = aip_bytes_equal(said, AIP_BYTES_LITERAL("request")) ? DLP_REQUEST : DLP_RESPONSE;
    if ((c = find_compiled(policy, direction)) == NULL) {
        AIP_TRY(compile_policy(a, policy, direction, &c, err));
    }
    aip_status status = answer(x, a, c, text, err);
    dlp_findings_clear(&a->found);
    text_clear(&a->output);
    return status;
}
