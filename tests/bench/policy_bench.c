/* Decisions per second on one core: calls of 2 KiB against policies of 200 and 2,000 rules with two patterns each. */

#include "bench.h"
#include "aip/limits.h"
#include "policy/policy.h"

#define ROUNDS 9
#define CALLS 100000
#define NODES 64

static policy *
policy_of(int rules)
{
    text_buffer text = {0};
    policy *p = NULL;
    text_append_string(&text, "apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata:\n  name: bench\nspec:\n"
                              "  tool_rules:\n");
    for (int i = 0; i < rules; i++) {
        text_append_format(&text,
                           "    - tool: tool_%04d\n      allow_args:\n"
                           "        url: ^https://(api|raw)\\.host%04d\\.example/[a-z0-9/_-]+$\n"
                           "        body: ^[^;<>]*$\n",
                           i, i);
    }
    require(text_finish(&text, NULL), "text");
    require(policy_load(text_view(&text), NULL, &p, NULL), "policy");
    text_clear(&text);
    return p;
}

/* A call of 2 KiB on a rule in the middle, most of it in the argument that a pattern runs over. */
static void
write_call(int rule, text_buffer *out)
{
    text_append_format(out, "{\"url\":\"https://api.host%04d.example/v1/items/list\",\"body\":\"", rule);
    while (out->size < 2040) {
        text_append_string(out, "some words ");
    }
    text_append_string(out, "\"}");
    require(text_finish(out, NULL), "call");
}

/* A policy and a call on it. */
typedef struct {
    policy *p;
    policy_scratch *scratch;
    scan_node nodes[NODES];
    scan_document message;
    text_buffer text;
    char tool[32];
    policy_call call;
    double rates[ROUNDS];
} subject;

static void
open_subject(subject *s, int rules)
{
    static const scan_limits limits = {AIP_CONFIG_BYTES_MAX, 16, NODES};
    *s = (subject){.p = policy_of(rules)};
    write_call(rules / 2, &s->text);
    snprintf(s->tool, sizeof s->tool, "tool_%04d", rules / 2);
    require(scan_into(text_view(&s->text), &limits, s->nodes, NODES, &s->message, NULL), "scan");
    require(policy_scratch_grow(&s->scratch, s->p, s->text.size, NULL), "scratch");
    s->call = (policy_call){.method = AIP_BYTES_LITERAL("tools/call"),
                            .tool = aip_bytes_of(s->tool),
                            .message = &s->message,
                            .parameters = 0,
                            .arguments = 0};
}

static void
close_subject(subject *s)
{
    policy_scratch_free(&s->scratch);
    policy_free(&s->p);
    text_clear(&s->text);
}

static void
run_round(subject *s, int round)
{
    policy_verdict verdict;
    uint64_t start = nanoseconds();
    for (int i = 0; i < CALLS; i++) {
        policy_decide(s->p, s->scratch, &s->call, &verdict);
        if (verdict.decision != POLICY_ALLOW) {
            require(AIP_INTERNAL, "decision");
        }
    }
    s->rates[round] = CALLS * 1e9 / (double)(nanoseconds() - start);
}

int
main(void)
{
    static subject small, large;
    open_subject(&small, 200);
    open_subject(&large, 2000);
    for (int round = 0; round < ROUNDS; round++) { /* in turns, since the machine is not ours alone */
        run_round(&small, round);
        run_round(&large, round);
    }
    double few = median(small.rates, ROUNDS), many = median(large.rates, ROUNDS);
    printf("policy: %.0f decisions/s with 200 rules and 400 patterns on a 2 KiB call; %.0f/s with ten times as many: "
           "ratio %.2f\n",
           few, many, many / few);
    close_subject(&small);
    close_subject(&large);
    return 0;
}
