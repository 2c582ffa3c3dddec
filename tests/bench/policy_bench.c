/* Decisions per second on one core: calls of 2 KiB against policies of 200 and 2,000 rules with two patterns each; and
 * what looking for protected paths costs in the worst messages, beside a plain one. */

#include "bench.h"
#include "aip/limits.h"
#include "policy/path.h"
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

/* ---- protected paths ---- */

/* What a message of one array repeats until it is full. */
static const char *const hostile[] = {
    "\"/none_%d/b\"", "\"/usr/lib/none_%d\"",         "\"../../none_%d/../x\"", "\"%%2f%%2fnone_%d\"",
    "\"n%d\"",        "\"\xC3\xA9t\xC3\xA9 %d a/b\"", "\"~none%d/x\"",          "{\"a\":\"x%d/y\",\"b\":\"z/t\"}",
    "\"a\"",
};

static double
milliseconds_of(const path_guard *guard, const char *format, size_t size)
{
    static const scan_limits limits = {AIP_BODY_BYTES_DEFAULT + 1, 16, AIP_JSON_NODES_MAX};
    scan_document message;
    text_buffer text = {0};
    size_t entry = 0;
    text_append_string(&text, "[");
    for (int i = 0; text.size + 64 < size; i++) {
        text_append_string(&text, i == 0 ? "" : ",");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        text_append_format(&text, format, i);
#pragma GCC diagnostic pop
    }
    text_append_string(&text, "]");
    require(text_finish(&text, NULL), "message");
    require(scan_load(text_view(&text), &limits, &message, NULL), "scan");
    uint64_t start = nanoseconds();
    aip_status status = path_guard_check_value(guard, &message, 0, false, &entry, NULL);
    double took = (double)(nanoseconds() - start) / 1e6;
    require(status == AIP_POLICY_PATH ? AIP_OK : status, "paths");
    scan_clear(&message);
    text_clear(&text);
    return took;
}

static void
run_paths(void)
{
    static const char *const entries[] = {"~/.ssh", "~/.aws/credentials", "/etc/shadow", "/srv/**/secret*", "**/.env"};
    static const path_setting setting = {
        .home = "/home/agent", .directory = "/home/agent/workspace", .real = true, .as_peer = true};
    path_guard *guard = NULL;
    double plain[ROUNDS], worst = 0;
    require(path_guard_new(entries, sizeof entries / sizeof entries[0], &setting, &guard, NULL), "guard");
    for (size_t i = 0; i < ROUNDS; i++) {
        plain[i] = milliseconds_of(guard, "\"src/part_%d.c\"", 256);
    }
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        double rounds[3];
        for (size_t round = 0; round < 3; round++) {
            rounds[round] = milliseconds_of(guard, hostile[i], AIP_BODY_BYTES_DEFAULT);
        }
        double took = median(rounds, 3);
        worst = took > worst ? took : worst;
    }
    printf("protected paths: the worst of %zu messages of 4 MiB holds a shard up for %.1f ms; one with ten paths for "
           "%.3f\n",
           sizeof hostile / sizeof hostile[0], worst, median(plain, ROUNDS));
    path_guard_free(&guard);
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
    run_paths();
    return 0;
}
