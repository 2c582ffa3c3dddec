/* The driver's operations on policies. */
#include "policy/path.h"
#include "policy/policy.h"
#include "tests/vectors/conform.h"

/* The member as text: the policy's YAML as a string; null is no policy. */
static aip_status
load_asked(exchange *x, policy **out, aip_error *err)
{
    static const path_setting paths = {.home = "/home/agent", .directory = "/home/agent/work", .as_peer = true};
    const policy_origin origin = {.paths = &paths};
    aip_bytes text;
    *out = NULL;
    AIP_TRY(exchange_text(x, "policy", true, &text, err));
    return text.data == NULL ? AIP_OK : policy_load(text, &origin, out, err);
}

aip_status
answer_policy_load(exchange *x, aip_error *err)
{
    policy *p = NULL;
    AIP_TRY(load_asked(x, &p, err));
    TEXT_AUTO text_buffer said = {0};
    aip_status status = p == NULL ? aip_fail(err, AIP_JSON_SHAPE, "policy is a text") : policy_explain(p, &said, err);
    policy_free(&p);
    AIP_TRY(status);
    exchange_reply_text(x, "explained", text_view(&said));
    return AIP_OK;
}

/* How often the same call was made in the same moment. */
static aip_status
read_calls_before(const exchange *x, uint32_t input, uint64_t *out, aip_error *err)
{
    uint32_t context = scan_member(&x->request, input, "context");
    uint32_t calls = context == SCAN_NONE ? SCAN_NONE : scan_member(&x->request, context, "previous_calls");
    *out = 0;
    return calls == SCAN_NONE ? AIP_OK : scan_integer(&x->request, calls, 1000, out, err);
}

static aip_status
read_input(exchange *x, uint32_t input, policy_call *call, aip_error *err)
{
    uint32_t method = scan_member(&x->request, input, "method"), tool = scan_member(&x->request, input, "tool");
    if (method == SCAN_NONE) {
        return aip_fail(err, AIP_JSON_SHAPE, "input has a method");
    }
    AIP_TRY(exchange_unescape(x, method, &call->method, err));
    if (tool != SCAN_NONE) {
        AIP_TRY(exchange_unescape(x, tool, &call->tool, err));
    }
    call->message = &x->request;
    call->arguments = scan_member(&x->request, input, "args");
    call->parameters = call->arguments;
    return AIP_OK;
}

static void
reply_verdict(exchange *x, const policy_verdict *v)
{
    TEXT_AUTO text_buffer said = {0};
    policy_decision shown = v->decision == POLICY_ALLOW_MONITOR ? POLICY_ALLOW : v->decision;
    exchange_reply_text(x, "decision", aip_bytes_of(policy_decision_name(shown)));
    if (v->status == AIP_OK) {
        text_append_string(&x->reply, ",\"error_code\":null");
    } else {
        text_append_format(&x->reply, ",\"error_code\":%d", aip_status_lookup(v->status)->rpc);
        exchange_reply_text(x, "code_name", aip_bytes_of(aip_status_lookup(v->status)->name));
    }
    text_append_format(&x->reply, ",\"violation\":%s", v->violation ? "true" : "false");
    policy_reason(v, &said);
    exchange_reply_text(x, "reason", text_view(&said));
}

static aip_status
decide_asked(exchange *x, const policy *p, policy_call *call, uint64_t before, aip_error *err)
{
    policy_scratch *scratch = NULL;
    policy_verdict verdict;
    size_t count = p == NULL ? 0 : policy_bucket_count(p);
    void *buckets;
    AIP_TRY(exchange_room(x, (count + 1) * sizeof *call->buckets, &buckets, err));
    memset(buckets, 0, (count + 1) * sizeof *call->buckets);
    call->buckets = buckets;
    aip_status status = p == NULL ? AIP_OK : policy_scratch_grow(&scratch, p, x->request.text.size, err);
    for (uint64_t i = 0; status == AIP_OK && i <= before; i++) {
        policy_decide(p, scratch, call, &verdict);
    }
    if (status == AIP_OK) {
        reply_verdict(x, &verdict);
    }
    policy_scratch_free(&scratch);
    return status;
}

aip_status
answer_policy_eval(exchange *x, aip_error *err)
{
    policy *p;
    policy_call call = {.parameters = SCAN_NONE, .arguments = SCAN_NONE};
    uint64_t before;
    uint32_t input = exchange_member(x, "input");
    if (input == SCAN_NONE) {
        return aip_fail(err, AIP_JSON_SHAPE, "input is an object");
    }
    AIP_TRY(read_input(x, input, &call, err));
    AIP_TRY(read_calls_before(x, input, &before, err));
    AIP_TRY(load_asked(x, &p, err));
    aip_status status = decide_asked(x, p, &call, before, err);
    policy_free(&p);
    return status;
}

/* Which of `protected` does `arg` touch, seen from `cwd` and `home`? */
aip_status
answer_path_check(exchange *x, aip_error *err)
{
    const char *entries[16];
    size_t count = 0, entry = PATH_NONE;
    aip_bytes arg, home, directory, text;
    path_guard *guard = NULL;
    uint32_t list = exchange_member(x, "protected");
    AIP_TRY(exchange_text(x, "arg", false, &arg, err));
    AIP_TRY(exchange_string(x, "home", true, &home, err));
    AIP_TRY(exchange_string(x, "cwd", false, &directory, err));
    for (uint32_t node = list == SCAN_NONE ? SCAN_NONE : scan_child(&x->request, list); node != SCAN_NONE && count < 16;
         node = scan_next(&x->request, node)) {
        AIP_TRY(exchange_unescape(x, node, &text, err));
        AIP_TRY(exchange_refuse_nul(text, err));
        entries[count++] = (const char *)text.data;
    }
    uint32_t recursive = exchange_member(x, "recursive"), peer = exchange_member(x, "peer");
    const path_setting setting = {.home = (const char *)home.data,
                                  .directory = (const char *)directory.data,
                                  .as_peer = peer != SCAN_NONE && scan_kind_of(&x->request, peer) == SCAN_TRUE};
    AIP_TRY(path_guard_new(entries, count, &setting, &guard, err));
    aip_status status = path_guard_check(
        guard, arg, recursive != SCAN_NONE && scan_kind_of(&x->request, recursive) == SCAN_TRUE, &entry, err);
    path_guard_free(&guard);
    text_append_string(&x->reply, entry == PATH_NONE ? ",\"touches\":false" : ",\"touches\":true");
    if (entry != PATH_NONE) {
        text_append_format(&x->reply, ",\"entry\":%zu", entry);
    }
    return status;
}
