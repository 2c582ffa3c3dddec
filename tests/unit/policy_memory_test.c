/* A policy when memory ends at any allocation: a refusal, and nothing stays behind. */
#include "tests/unit/check.h"
#include "tests/unit/failing_memory.h"

#include <stdlib.h>

#include "policy/policy.h"

/* The patterns are ones that Hyperscan does not compile, which takes memory too often to count. */
static const char text[] =
    "apiVersion: aip-gateway/v1\nkind: AgentPolicy\nmetadata: {name: t, version: 1, owner: me}\nspec:\n"
    "  allowed_methods: [tools/call, resources/read]\n  denied_methods: [ping]\n  allowed_tools: [a, B]\n"
    "  denied_tools: [c]\n  protected_paths: [/etc, ~/.ssh]\n  tool_rules:\n"
    "    - {tool: d, rate_limit: 1/s, rate_limit_root: 2/s, proof: required, roots: ['did:web:*.a.example'],\n"
    "       allow_args: {x: '\\pL{50}'}, cost_usd: {flat: 1, arguments: {n: 2}, response_kib: 1, max: 3}}\n"
    "    - {tool: D, cost_usd: 1}\n  resource_rules: [{resource: 'file:///*'}, {resource: 'db://x'}]\n"
    "  prompt_rules: [{prompt: p}]\n  a2a_rules: [{method: m}, {skill: s}]\n  http_rules: [{route: 'GET /*'}]\n"
    "  dlp: {canaries: [12345678, {file: f}], tools: {T: {action: warn}}}\n  approval: {timeout: 5s}\n  pins: {}\n";

static aip_status
load_and_explain(void)
{
    static const path_setting paths = {.home = "/home/agent", .directory = "/srv"};
    const policy_origin origin = {.paths = &paths, .file = "/srv/policy.yaml"};
    policy *p = NULL;
    policy_scratch *scratch = NULL;
    text_buffer said = {0};
    aip_status status = policy_load(AIP_BYTES_LITERAL(text), &origin, &p, NULL);
    if (status == AIP_OK) {
        status = policy_scratch_grow(&scratch, p, 1000, NULL);
    }
    if (status == AIP_OK) {
        status = policy_explain(p, &said, NULL);
    }
    policy_scratch_free(&scratch);
    text_clear(&said);
    policy_free(&p);
    return status;
}

static void
memory_that_ends_anywhere_is_a_refusal_and_leaves_nothing(void)
{
    aip_status status = AIP_NO_MEMORY;
    long count = 0;
    CHECK_STATUS(load_and_explain(), AIP_OK); /* what is drawn or made once is there now */
#ifndef OTHER_ALLOCATOR
    for (; status != AIP_OK && count < 20000; count++) {
        long before = living;
        allowed = count;
        status = load_and_explain();
        allowed = -1;
        CHECK(living == before);
        CHECK(status == AIP_OK || status == AIP_NO_MEMORY);
    }
    CHECK_STATUS(status, AIP_OK);
    CHECK(count > 100);
#else
    (void)status, (void)count;
#endif
}

RUN(TEST(memory_that_ends_anywhere_is_a_refusal_and_leaves_nothing))
