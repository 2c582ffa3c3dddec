/* Explaining: a call goes through the very stages of the gateway that need nothing but settings, token and message. */
#include "cli/gateway_explain.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/pipeline.h"

typedef struct {
    const gateway_options *options;
    const gateway_settings *settings;
    text_buffer out;
    bool json;
    const char *comma; /* of the list of stages */
} explanation;

/* ---- policies ---- */

static void
append_user(explanation *e, const char **comma, const char *kind, const char *name)
{
    if (e->json) {
        text_append_format(&e->out, "%s\"%s %s\"", *comma, kind, name);
        *comma = ",";
    } else {
        text_append_format(&e->out, "%s%s %s", *comma, kind, name);
        *comma = ", ";
    }
}

/* Whom the rules hold for. Names of roots have no character that JSON would escape. */
static void
append_users(explanation *e, const rule_set *set)
{
    const gateway_settings *settings = e->settings;
    const char *comma = "";
    if (settings->standard == set) {
        text_append_string(&e->out, e->json ? "\"all others\"" : "all others");
        comma = e->json ? "," : ", ";
    }
    for (size_t i = 0; i < settings->trust.count; i++) {
        const aip_trust_root *root = &settings->trust.roots[i];
        if (root->ceiling != NULL && root->ceiling->policy != NULL && strcmp(root->ceiling->policy, set->file) == 0) {
            append_user(e, &comma, "root", root->name == NULL ? "(a key)" : root->name);
        }
    }
    const aip_ceiling *unknown = settings->trust.unknown;
    if (unknown != NULL && unknown->policy != NULL && strcmp(unknown->policy, set->file) == 0) {
        append_user(e, &comma, "roots of", "unknown");
    }
    for (size_t i = 0; i < settings->route_count; i++) {
        if (settings->routes[i].rules == set) {
            append_user(e, &comma, "upstream", settings->routes[i].name);
        }
    }
}

static aip_status
append_policy(explanation *e, const rule_set *set, aip_error *err)
{
    TEXT_AUTO text_buffer text = {0};
    AIP_TRY(policy_explain(set->policy, &text, err));
    AIP_TRY(text_finish(&text, err));
    if (!e->json) {
        text_append_format(&e->out, "== %s, for ", set->file);
        append_users(e, set);
        text_append_string(&e->out, "\n");
        text_append(&e->out, text_view(&text));
        return text_finish(&e->out, err);
    }
    text_append_string(&e->out, "{\"file\":");
    text_append_json(&e->out, aip_bytes_of(set->file));
    text_append_string(&e->out, ",\"name\":");
    text_append_json(&e->out, aip_bytes_of(policy_name(set->policy)));
    text_append_format(&e->out, ",\"hash\":\"%s\",\"for\":[", policy_hash(set->policy));
    append_users(e, set);
    text_append_string(&e->out, "],\"text\":");
    text_append_json(&e->out, text_view(&text));
    text_append_string(&e->out, "}");
    return text_finish(&e->out, err);
}

static aip_status
append_policies(explanation *e, aip_error *err)
{
    size_t count = rules_count(e->settings->rules);
    text_append_string(&e->out, e->json ? "{\"policies\":[" : "");
    for (size_t i = 0; i < count; i++) {
        text_append_string(&e->out, e->json && i > 0 ? "," : "");
        AIP_TRY(append_policy(e, rules_at(e->settings->rules, i), err));
    }
    if (count == 0 && !e->json) {
        text_append_string(&e->out, "no policy: tokens alone decide\n");
    }
    text_append_string(&e->out, e->json ? "]" : "");
    return text_finish(&e->out, err);
}

/* ---- a call ---- */

static void
append_stage(explanation *e, const char *stage, aip_status status, const char *detail)
{
    const char *name = status == AIP_OK ? "ok" : aip_status_lookup(status)->name;
    if (e->json) {
        text_append_format(&e->out, "%s{\"stage\":\"%s\",\"code\":\"%s\",\"detail\":", e->comma, stage, name);
        text_append_json(&e->out, aip_bytes_of(detail));
        text_append_string(&e->out, "}");
        e->comma = ",";
    } else {
        char shown[400];
        aip_printable(aip_bytes_of(detail), shown, sizeof shown);
        text_append_format(&e->out, "%-12s %s%s%s\n", stage, name, shown[0] == '\0' ? "" : ": ", shown);
    }
}

static void
tell(void *context, const exchange *x, const char *stage, aip_status status)
{
    explanation *e = context;
    TEXT_AUTO text_buffer detail = {0};
    if (strcmp(stage, "rules") == 0 && x->rules != NULL) {
        text_append_string(&detail, x->rules->file);
    } else if (strcmp(stage, "classify") == 0 && status == AIP_OK) {
        text_append_format(&detail, "%s%s%s", x->method, x->wanted[0] == '\0' ? "" : ", which needs ", x->wanted);
    } else if (strcmp(stage, "policy") == 0 && x->was_judged) {
        (void)!policy_explain_verdict(&x->judged, &detail, NULL);
        detail.size -= detail.size > 0 && detail.data[detail.size - 1] == '\n';
        if (x->judged.wants_proof) {
            text_append_string(&detail, "; the request must be proven");
        }
    } else if (status != AIP_OK) {
        text_append_string(&detail, x->refusal.detail);
    }
    text_append(&detail, (aip_bytes){(const unsigned char *)"", 1});
    append_stage(e, stage, status, text_finish(&detail, NULL) == AIP_OK ? detail.data : "");
}

/* Names whose keys would have to be fetched are not looked up here. */
static aip_status
verify_token(explanation *e, exchange *x, char *credential)
{
    const gateway_settings *settings = e->settings;
    char said[2 * AIP_IDENTIFIER_BYTES_MAX + 64];
    aip_error err = AIP_ERROR_INIT;
    credential[strcspn(credential, " \t\r\n")] = '\0';
    x->credential = aip_bytes_of(credential);
    const aip_check check = {&settings->trust, settings->audiences, settings->audience_count, clock_now_seconds(),
                             NULL};
    aip_status status = chain_memory_verify(NULL, x->credential, &check, &x->verdict, &err);
    x->chain = x->verdict.entry == NULL ? NULL : chain_entry_chain(x->verdict.entry);
    if (status != AIP_OK) {
        append_stage(e, "token", status, err.detail);
        return status;
    }
    snprintf(said, sizeof said, "root %.*s, leaf %.*s", (int)x->verdict.grant.root.size,
             (const char *)x->verdict.grant.root.data, (int)x->verdict.grant.leaf.size,
             (const char *)x->verdict.grant.leaf.data);
    append_stage(e, "token", AIP_OK, said);
    return AIP_OK;
}

static aip_status
load_text(const char *path, char **out, size_t *size, aip_error *err)
{
    return strcmp(path, "-") == 0 ? text_load_stream(stdin, AIP_CONFIG_BYTES_MAX, out, size, err)
                                  : text_load_file(path, AIP_CONFIG_BYTES_MAX, out, size, err);
}

static const gateway_route *
choose_route(const explanation *e, aip_error *err)
{
    const char *path = e->options->path;
    for (size_t i = 0; i < e->settings->route_count; i++) {
        const gateway_route *each = &e->settings->routes[i];
        if (path == NULL ? each->members == NULL : strcmp(each->path, path) == 0) {
            return each;
        }
    }
    (void)!aip_fail(err, AIP_USAGE, "no upstream is at that path");
    return NULL;
}

static aip_status
judge(explanation *e, exchange *x, aip_error *err)
{
    char *credential STRING_AUTO = NULL, *call STRING_AUTO = NULL;
    size_t size = 0;
    AIP_TRY(load_text(e->options->call, &call, &size, err));
    if (e->options->token != NULL) {
        size_t token_size;
        AIP_TRY(text_load_file(e->options->token, AIP_CONFIG_BYTES_MAX, &credential, &token_size, err));
    }
    x->route = choose_route(e, err);
    if (x->route == NULL) {
        return AIP_USAGE;
    }
    x->http_method = "POST";
    x->path = x->route->path;
    x->proven = true;
    text_append(&x->body, (aip_bytes){(const unsigned char *)call, size});
    text_append_string(&e->out, e->json ? ",\"stages\":[" : "== the call\n");
    aip_status status = credential == NULL ? AIP_OK : verify_token(e, x, credential);
    if (status == AIP_OK && pipeline_explain(x, tell, e) == PIPELINE_REFUSED) {
        status = x->refusal.status;
    }
    if (e->json) {
        text_append_format(&e->out, "],\"allowed\":%s,\"code\":\"%s\"", status == AIP_OK ? "true" : "false",
                           aip_status_lookup(status)->name);
    } else {
        text_append_format(&e->out, "%-12s %s%s\n", "verdict",
                           status == AIP_OK ? "it may go on" : "it would be refused: ",
                           status == AIP_OK ? "" : aip_status_lookup(status)->name);
        text_append_string(&e->out,
                           credential == NULL ? "without a token: scope and constraints were not judged\n" : "");
    }
    chain_verdict_clear(&x->verdict); /* it borrows the token */
    return AIP_OK;
}

/* So much of a gateway as those stages need. */
static aip_status
explain_call(explanation *e, aip_error *err)
{
    static gateway g;
    shard_tools shard = {.gateway = &g};
    pthread_mutex_init(&g.lock, NULL);
    g.settings = e->settings;
    aip_status status = caller_buckets_new(&g.buckets, err);
    status = status == AIP_OK ? server_requests_new(&g.server_requests, err) : status;
    status = status == AIP_OK ? rules_tools_new(&shard.tools, err) : status;
    exchange *x = status == AIP_OK ? exchange_new(&shard) : NULL;
    if (status == AIP_OK) {
        status = x == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : judge(e, x, err);
    }
    exchange_free(&x);
    rules_tools_free(&shard.tools);
    server_requests_free(&g.server_requests);
    caller_buckets_free(&g.buckets);
    return status;
}

static aip_status
explain(explanation *e, aip_error *err)
{
    AIP_TRY(append_policies(e, err));
    if (e->options->call != NULL) {
        AIP_TRY(explain_call(e, err));
    }
    text_append_string(&e->out, e->json ? "}" : "");
    AIP_TRY(text_finish(&e->out, err));
    if (e->out.size > 0 && e->out.data[e->out.size - 1] == '\n') {
        e->out.size--; /* the printer adds one */
    }
    return options_print(&e->out, err);
}

int
gateway_explain(const char *program, const option_source *source)
{
    TEXT_AUTO text_buffer report = {0};
    aip_error err = AIP_ERROR_INIT;
    gateway_settings *settings = NULL;
    const gateway_options *given = source->given;
    explanation e = {.json = given->json, .comma = ""};
    aip_status status = gateway_settings_make(source, NULL, &settings, &report, &err);
    fwrite(report.data == NULL ? "" : report.data, 1, report.size, stderr);
    if (status == AIP_OK) {
        e.settings = settings;
        e.options = gateway_settings_options(settings);
        status = explain(&e, &err);
    }
    text_clear(&e.out);
    const gateway_settings *made = settings;
    settings_drop(&made);
    return status == AIP_OK ? 0 : options_report_failure(program, given->json, status, &err);
}
