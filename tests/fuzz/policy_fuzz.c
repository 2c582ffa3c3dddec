/* A policy and calls on it from arbitrary bytes: the policy up to a line `%%`, then the name of a tool or of anything
 * else, then the arguments. */
#include <stdlib.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static aip_bytes
take_line(aip_bytes *rest)
{
    const unsigned char *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    aip_bytes line = {rest->data, end == NULL ? rest->size : (size_t)(end - rest->data)};
    *rest = aip_bytes_from(*rest, end == NULL ? rest->size : line.size + 1);
    return line;
}

static void
check_verdict(const policy *p, const policy_verdict *v, const policy_call *call)
{
    TEXT_AUTO text_buffer said = {0};
    require((v->status == AIP_OK) == (v->decision >= POLICY_ASK));
    require(v->decision != POLICY_ALLOW_MONITOR || (policy_monitors(p) && v->violation));
    require(v->decision != POLICY_ALLOW || !v->violation); /* ASK may be the stricter of two */
    require(!v->is_tool_call || v->decision < POLICY_ASK || policy_shows_to(p, POLICY_TOOL, call->tool, call->root));
    require(policy_explain_verdict(v, &said, NULL) == AIP_OK && said.size > 0);
}

/* What is settled is never above what was held. */
static void
check_price(const policy_verdict *v, const policy_call *call)
{
    uint64_t hold = 0;
    if (v->price != NULL && policy_price_hold(v->price, call->message, call->arguments, &hold, NULL) == AIP_OK) {
        require(policy_price_settle(v->price, hold, 0, false, 0) <= hold);
        require(policy_price_settle(v->price, hold, call->message->text.size << 20, true, hold + 1) <= hold);
    }
}

/* What passes the policy twice in the same state is judged the same. */
static void
check_call(const policy *p, policy_call *call)
{
    policy_scratch *scratch = NULL;
    policy_verdict first, second;
    size_t count = policy_bucket_count(p) + policy_root_bucket_count(p) + 1;
    policy_bucket *buckets = calloc(count, sizeof *buckets);
    require(buckets != NULL && policy_scratch_grow(&scratch, p, call->message->text.size, NULL) == AIP_OK);
    call->buckets = buckets;
    call->root_buckets = buckets + policy_bucket_count(p);
    policy_decide(p, scratch, call, &first);
    check_verdict(p, &first, call);
    check_price(&first, call);
    memset(buckets, 0, count * sizeof *buckets);
    policy_decide(p, scratch, call, &second);
    require(first.decision == second.decision && first.ground == second.ground && first.rule == second.rule);
    policy_scratch_free(&scratch);
    free(buckets);
}

static void
check_explained(const policy *p)
{
    TEXT_AUTO text_buffer first = {0}, second = {0};
    require(policy_explain(p, &first, NULL) == AIP_OK && policy_explain(p, &second, NULL) == AIP_OK);
    require(aip_bytes_equal(text_view(&first), text_view(&second)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const path_setting paths = {.home = "/home/agent", .directory = "/srv", .as_peer = true};
    static const scan_limits limits = {65536, 32, 4096};
    static const char mark[] = "\n%%\n";
    const policy_origin origin = {.paths = &paths};
    const unsigned char *end = size == 0 ? NULL : memmem(data, size, mark, sizeof mark - 1);
    aip_bytes text = {data, end == NULL ? size : (size_t)(end - data) + 1};
    aip_bytes rest = end == NULL ? (aip_bytes){data, 0} : (aip_bytes){end + 4, size - text.size - 3};
    policy *p = NULL;
    policy_problems problems;
    scan_document message;
    if (policy_load_all(text, &origin, &problems, &p, NULL) != AIP_OK) {
        require(p == NULL && problems.count > 0);
        return 0;
    }
    check_explained(p);
    policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = take_line(&rest), .message = &message};
    if (scan_load(rest, &limits, &message, NULL) == AIP_OK) {
        check_call(p, &call);
        call.method = AIP_BYTES_LITERAL("message/send");
        for (call.kind = POLICY_METHOD; call.kind <= POLICY_ROUTE; call.kind++) {
            check_call(p, &call);
        }
        scan_clear(&message);
    }
    policy_free(&p);
    return 0;
}
