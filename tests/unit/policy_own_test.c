/* What only policies of our own apiVersion say: rules on other things than tools, roots, proofs, prices. */
#include "tests/unit/policy_subject.h"

static policy_verdict
ask(subject *s, policy_kind kind, const char *method, const char *name)
{
    return subject_decide(s, (policy_call){.kind = kind, .method = aip_bytes_of(method), .tool = aip_bytes_of(name)},
                          NULL);
}

static void
addresses_are_matched_exactly_or_by_the_longest_beginning(void)
{
    subject s;
    if (!subject_open_under(&s, OWN_HEAD,
                            "  allowed_methods: [resources/read]\n  resource_rules:\n    - resource: file:///srv/*\n"
                            "    - {resource: 'file:///srv/private/*', action: block}\n"
                            "    - {resource: 'file:///srv/private/notice.txt', action: ask}\n"
                            "    - resource: db://main\n")) {
        return;
    }
#define READ(uri) ask(&s, POLICY_RESOURCE, "resources/read", uri)
    CHECK_VERDICT(READ("file:///srv/a/b.txt"), "ALLOW", AIP_OK);
    CHECK_VERDICT(READ("file:///srv/"), "ALLOW", AIP_OK);
    CHECK_VERDICT(READ("db://main"), "ALLOW", AIP_OK);
    CHECK_VERDICT(READ("file:///srv/private/notice.txt"), "ASK", AIP_OK);
    CHECK_VERDICT(READ("file:///srv/private/x"), "BLOCK", AIP_POLICY_TARGET);
    CHECK_VERDICT(READ("file:///srv/private/"), "BLOCK", AIP_POLICY_TARGET);
    CHECK_VERDICT(READ("db://main/x"), "BLOCK", AIP_POLICY_TARGET);
    CHECK_VERDICT(READ("file:///etc/passwd"), "BLOCK", AIP_POLICY_TARGET);
    CHECK_VERDICT(READ(""), "BLOCK", AIP_POLICY_TARGET);
    CHECK_VERDICT(ask(&s, POLICY_RESOURCE, "resources/list", ""), "BLOCK", AIP_POLICY_METHOD);
    CHECK(READ("file:///srv/private/x").rule == 2 && READ("db://main").rule == 4);
    CHECK(policy_shows_to(s.p, POLICY_RESOURCE, AIP_BYTES_LITERAL("db://main"), (aip_bytes){NULL, 0}));
    CHECK(!policy_shows_to(s.p, POLICY_RESOURCE, AIP_BYTES_LITERAL("file:///srv/private/x"), (aip_bytes){NULL, 0}));
    subject_close(&s);
}

/* Each could be read as an address below `private`, or outside of what is allowed, by some server. */
static void
addresses_in_disguise_are_refused_in_monitor_mode_as_well(void)
{
    static const char *const disguised[] = {
        "file:///srv/../etc/passwd", "file:///srv/./x",      "file:///srv//private/x", "file:////srv/x",
        "file:///srv/%2e%2e/x",      "file:///srv/%2E%2E/x", "file:///srv/%70rivate",  "file:///srv/a%2Fb",
        "file:///srv/a%2fb",         "file:///srv/a%5Cb",    "file:///srv/a\\b",       "file:///srv/%252e",
        "file:///srv/..;x/y",        "file:///srv/..",       "FILE:///srv/x",          "file://HOST/srv/x",
        "file:///srv/%zz",           "file:///srv/%",        "file:///srv/a b",        "file:///srv/\xC3\xA9",
        "file:///srv/a\nb",          "file:///srv/%00",      "file:///srv/;x/y",       "file:///srv/%7F"};
    static const char *const routes[] = {"GET /a/../b", "GET //a",  "get /a",   "GET  /a",    "GET a", "GET", " /a",
                                         "GET /a?b",    "GET /a#b", "GET /%61", "GET /a/%2F", "/a",    ""};
    subject s;
    if (!subject_open_under(&s, OWN_HEAD,
                            "  mode: monitor\n  allowed_methods: ['*']\n  resource_rules: [{resource: '*'}]\n"
                            "  http_rules: [{route: 'GET /*'}]\n")) {
        return;
    }
    CHECK_VERDICT(READ("file:///srv/x"), "ALLOW", AIP_OK);
    CHECK_VERDICT(READ("https://example.com/a%20b?q=%2F../x#y"), "ALLOW", AIP_OK);
    for (size_t i = 0; i < sizeof disguised / sizeof disguised[0]; i++) {
        policy_verdict v = READ(disguised[i]);
        if (v.decision != POLICY_BLOCK) {
            printf("  %s passes\n", disguised[i]);
        }
        CHECK_VERDICT(v, "BLOCK", AIP_POLICY_TARGET);
    }
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        CHECK_VERDICT(ask(&s, POLICY_ROUTE, "", routes[i]), "BLOCK", AIP_POLICY_TARGET);
    }
    CHECK_VERDICT(ask(&s, POLICY_ROUTE, "", "GET /a/b;c=d/"), "ALLOW", AIP_OK);
    CHECK_VERDICT(ask(&s, POLICY_ROUTE, "", "POST /a"), "ALLOW_MONITOR", AIP_OK);
    subject_close(&s);
}

static void
kinds_without_rules_are_judged_by_their_method(void)
{
    subject s;
    if (subject_open_under(&s, OWN_HEAD, "  allowed_methods: [resources/read, prompts/get, message/send]\n")) {
        CHECK_VERDICT(READ("file:///etc/passwd"), "ALLOW", AIP_OK);
        CHECK_VERDICT(ask(&s, POLICY_PROMPT, "prompts/get", "x"), "ALLOW", AIP_OK);
        CHECK_VERDICT(ask(&s, POLICY_SKILL, "message/send", "x"), "ALLOW", AIP_OK);
        CHECK_VERDICT(ask(&s, POLICY_SKILL, "tasks/get", "x"), "BLOCK", AIP_POLICY_METHOD);
        CHECK_VERDICT(ask(&s, POLICY_ROUTE, "", "GET /"), "BLOCK", AIP_POLICY_METHOD);
        CHECK_VERDICT(ask(&s, POLICY_TOOL, "tools/call", "x"), "BLOCK", AIP_POLICY_METHOD);
        subject_close(&s);
    }
    if (subject_open_under(&s, OWN_HEAD,
                           "  resource_rules: []\n  prompt_rules: []\n  http_rules: []\n"
                           "  allowed_methods: [resources/read, prompts/get]\n")) {
        CHECK_VERDICT(READ("file:///x"), "BLOCK", AIP_POLICY_TARGET);
        CHECK_VERDICT(ask(&s, POLICY_PROMPT, "prompts/get", "x"), "BLOCK", AIP_POLICY_TARGET);
        CHECK_VERDICT(ask(&s, POLICY_ROUTE, "", "GET /"), "BLOCK", AIP_POLICY_TARGET);
        subject_close(&s);
    }
}

static void
a_prompt_has_arguments_as_a_tool_has(void)
{
    subject s;
    const policy_call call = {
        .kind = POLICY_PROMPT, .method = AIP_BYTES_LITERAL("prompts/get"), .tool = AIP_BYTES_LITERAL("Greet")};
    if (!subject_open_under(&s, OWN_HEAD,
                            "  allowed_methods: [prompts/get]\n  prompt_rules:\n"
                            "    - {prompt: greet, strict_args: true, allow_args: {who: '^[a-z]+$'}}\n")) {
        return;
    }
    CHECK_VERDICT(subject_decide(&s, call, "{\"who\":\"ann\"}"), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_decide(&s, call, "{\"who\":\"Ann\"}"), "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_VERDICT(subject_decide(&s, call, "{}"), "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_VERDICT(subject_decide(&s, call, "{\"who\":\"ann\",\"x\":1}"), "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_VERDICT(subject_decide(&s, call, "[]"), "BLOCK", AIP_POLICY_PARAMETERS);
    CHECK_VERDICT(ask(&s, POLICY_PROMPT, "prompts/get", "gr\xD0\xB5\x65t"), "BLOCK", AIP_POLICY_TARGET);
    subject_close(&s);
}

static void
a_method_and_a_skill_bind_both(void)
{
    subject s;
    if (!subject_open_under(&s, OWN_HEAD,
                            "  mode: monitor\n  a2a_rules:\n    - {method: message/send, cost_usd: 1, roots: "
                            "['did:web:a.example']}\n    - {skill: cook, cost_usd: 2, action: ask}\n"
                            "    - {skill: sell, action: block}\n    - {skill: wash}\n"
                            "    - {method: tasks/cancel, action: block}\n")) {
        return;
    }
    policy_call call = {.kind = POLICY_SKILL,
                        .method = AIP_BYTES_LITERAL("message/send"),
                        .tool = AIP_BYTES_LITERAL("cook"),
                        .root = AIP_BYTES_LITERAL("did:web:a.example")};
    uint64_t hold = 0;
    policy_verdict v = subject_decide(&s, call, NULL);
    CHECK_VERDICT(v, "ASK", AIP_OK);
    CHECK(v.rule == 2 && v.price != NULL);
    CHECK_STATUS(policy_price_hold(v.price, NULL, SCAN_NONE, &hold, NULL), AIP_OK);
    CHECK(hold == 2000000);
    call.tool = AIP_BYTES_LITERAL("wash");
    v = subject_decide(&s, call, NULL);
    CHECK_VERDICT(v, "ALLOW", AIP_OK);
    CHECK_STATUS(policy_price_hold(v.price, NULL, SCAN_NONE, &hold, NULL), AIP_OK);
    CHECK(hold == 1000000);
    call.root = AIP_BYTES_LITERAL("did:web:b.example"); /* forgiven by the mode, which hides no block */
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW_MONITOR", AIP_OK);
    call.tool = AIP_BYTES_LITERAL("sell");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "BLOCK", AIP_POLICY_TARGET);
    call.tool = AIP_BYTES_LITERAL("");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW_MONITOR", AIP_OK);
    CHECK(subject_decide(&s, call, NULL).violation);
    CHECK_VERDICT(ask(&s, POLICY_METHOD, "tasks/cancel", ""), "BLOCK", AIP_POLICY_METHOD);
    CHECK_VERDICT(ask(&s, POLICY_METHOD, "tasks/get", ""), "BLOCK", AIP_POLICY_METHOD);
    subject_close(&s);
}

static void
rules_may_be_for_some_roots_and_want_a_proof(void)
{
    subject s;
    policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = AIP_BYTES_LITERAL("pay")};
    if (!subject_open_under(&s, OWN_HEAD,
                            "  tool_rules:\n    - {tool: pay, proof: required, roots: ['did:web:a.example', "
                            "'did:web:*.b.example']}\n")) {
        return;
    }
    CHECK_VERDICT(subject_decide(&s, call, NULL), "BLOCK", AIP_PROOF_MISSING);
    CHECK(subject_decide(&s, call, NULL).wants_proof);
    call.proven = true;
    CHECK_VERDICT(subject_decide(&s, call, NULL), "BLOCK", AIP_POLICY_ROOT);
    call.root = AIP_BYTES_LITERAL("did:web:a.example");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW", AIP_OK);
    CHECK(policy_shows_to(s.p, POLICY_TOOL, call.tool, call.root));
    call.root = AIP_BYTES_LITERAL("did:web:x.b.example");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW", AIP_OK);
    call.root = AIP_BYTES_LITERAL("did:web:b.example");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "BLOCK", AIP_POLICY_ROOT);
    CHECK(!policy_shows_to(s.p, POLICY_TOOL, call.tool, call.root));
    call.root = AIP_BYTES_LITERAL("did:web:a.example.evil.example");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "BLOCK", AIP_POLICY_ROOT);
    call.root = AIP_BYTES_LITERAL("no name");
    CHECK_VERDICT(subject_decide(&s, call, NULL), "BLOCK", AIP_POLICY_ROOT);
    subject_close(&s);
}

static void
a_root_has_buckets_of_its_own(void)
{
    subject s;
    policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = AIP_BYTES_LITERAL("t")};
    if (!subject_open_under(&s, OWN_HEAD, "  tool_rules:\n    - {tool: t, rate_limit: 2/s, rate_limit_root: 3/s}\n")) {
        return;
    }
    CHECK(policy_bucket_count(s.p) == 1 && policy_root_bucket_count(s.p) == 1);
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW", AIP_OK);
    CHECK(subject_decide(&s, call, NULL).ground == POLICY_BY_RATE);
    memset(s.buckets, 0, sizeof s.buckets); /* another leaf of the same root */
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW", AIP_OK);
    CHECK(subject_decide(&s, call, NULL).ground == POLICY_BY_ROOT_RATE);
    CHECK_VERDICT(subject_decide(&s, call, NULL), "RATE_LIMITED", AIP_POLICY_RATE);
    s.now += 1000000;
    CHECK_VERDICT(subject_decide(&s, call, NULL), "ALLOW", AIP_OK);
    policy_verdict v;
    call.parameters = call.arguments = SCAN_NONE;
    call.buckets = s.buckets;
    policy_decide(s.p, s.scratch, &call, &v);
    CHECK_VERDICT(v, "RATE_LIMITED", AIP_POLICY_RATE);
    subject_close(&s);
}

static void
check_explained(subject *s, policy_call call, const char *wanted)
{
    TEXT_AUTO text_buffer said = {0};
    policy_verdict v = subject_decide(s, call, NULL);
    CHECK_STATUS(policy_explain_verdict(&v, &said, NULL), AIP_OK);
    text_append(&said, AIP_BYTES_LITERAL("\0"));
    CHECK_TEXT(said.data, wanted);
}

static void
verdicts_on_any_kind_are_explained(void)
{
    subject s;
    policy_call route = {.kind = POLICY_ROUTE, .tool = AIP_BYTES_LITERAL("GET /a")};
    policy_call tool = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = AIP_BYTES_LITERAL("PAY")};
    policy_call skill = {
        .kind = POLICY_SKILL, .method = AIP_BYTES_LITERAL("message/send"), .tool = AIP_BYTES_LITERAL("cook")};
    if (!subject_open_under(&s, OWN_HEAD,
                            "  protected_paths: [/srv/secret]\n"
                            "  http_rules:\n    - {route: 'GET /*', cost_usd: 1}\n"
                            "    - {route: 'GET /b/*', action: block}\n    - {route: 'GET /c', action: ask}\n"
                            "  tool_rules:\n    - {tool: pay, proof: required, roots: ['did:web:a.example']}\n"
                            "  a2a_rules:\n    - {method: message/send, rate_limit_root: 1/s}\n"
                            "    - {skill: wash}\n")) {
        return;
    }
    check_explained(&s, route, "ALLOW: route permitted by http_rules; route \"GET /*\"; rule 1; priced\n");
    route.tool = AIP_BYTES_LITERAL("GET /b/c");
    check_explained(&s, route,
                    "BLOCK: route has action=block in http_rules; route \"GET /b/*\"; rule 2; policy.target\n");
    route.tool = AIP_BYTES_LITERAL("GET /c");
    check_explained(&s, route, "ASK: route requires user approval by http_rules; route \"GET /c\"; rule 3\n");
    route.tool = AIP_BYTES_LITERAL("PUT /c");
    check_explained(&s, route, "BLOCK: route not listed in http_rules; policy.target\n");
    route.tool = AIP_BYTES_LITERAL("GET /srv/secret/x");
    CHECK_VERDICT(subject_decide(&s, route, NULL), "BLOCK", AIP_POLICY_PATH);
    check_explained(&s, tool,
                    "BLOCK: proof of possession required; tool \"pay\"; rule 1; proof required; proof.missing\n");
    tool.proven = true;
    check_explained(&s, tool, "BLOCK: root not in roots list; tool \"pay\"; rule 1; proof required; policy.root\n");
    check_explained(&s, skill, "BLOCK: skill not listed in a2a_rules; policy.target\n");
    check_explained(&s, skill, "RATE_LIMITED: rate limit of the root exceeded; policy.rate\n");
    subject_close(&s);
}

/* ---- prices ---- */

/* The most that `arguments` may cost under `price`, or UINT64_MAX for a refusal. */
static uint64_t
hold_of(const char *price, const char *arguments)
{
    static const scan_limits limits = {4096, 16, 256};
    subject s;
    uint64_t out = 0;
    char lines[512];
    scan_document document;
    snprintf(lines, sizeof lines, "  tool_rules:\n    - {tool: t, cost_usd: %s}\n", price);
    if (!subject_open_under(&s, OWN_HEAD, lines)) {
        return 0;
    }
    CHECK_STATUS(scan_load(aip_bytes_of(arguments), &limits, &document, NULL), AIP_OK);
    const policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = AIP_BYTES_LITERAL("t")};
    policy_verdict v = subject_decide(&s, call, arguments);
    CHECK_VERDICT(v, "ALLOW", AIP_OK);
    CHECK(v.price != NULL);
    aip_status status = policy_price_hold(v.price, &document, 0, &out, NULL);
    CHECK(status == AIP_OK || (status == AIP_POLICY_PRICE && out == 0));
    scan_clear(&document);
    subject_close(&s);
    return status == AIP_OK ? out : UINT64_MAX;
}

static void
prices_are_exact_to_the_micro_dollar(void)
{
    CHECK(hold_of("0.000001", "{}") == 1 && hold_of("'12.5'", "{}") == 12500000 && hold_of("0", "{}") == 0);
    CHECK(hold_of("1000000", "{}") == UINT64_C(1000000000000));
    CHECK(hold_of("{flat: 0.1, arguments: {n: 0.02}}", "{\"n\":5}") == 200000);
    CHECK(hold_of("{arguments: {n: 0.000001}}", "{\"n\":0.5}") == 1); /* up, never down */
    CHECK(hold_of("{arguments: {n: 0.000003}}", "{\"n\":0.333333}") == 1);
    CHECK(hold_of("{arguments: {n: 1}}", "{\"n\":1e3}") == 1000000000);
    CHECK(hold_of("{arguments: {n: 1, m: 2}}", "{\"n\":0,\"m\":1}") == 2000000);
    CHECK(hold_of("{flat: 1, response_kib: 0.5, max: 2}", "{}") == 3000000);
    CHECK(hold_of("{arguments: {n: 0.01}}", "{\"n\":1}") == 10000);
}

static void
what_has_no_price_is_refused(void)
{
    static const char *const bad[] = {"{}",
                                      "{\"n\":\"5\"}",
                                      "{\"n\":-1}",
                                      "{\"n\":null}",
                                      "{\"n\":[1]}",
                                      "{\"N\":1}",
                                      "{\"n\":-0}",
                                      "{\"n\":1e13}",
                                      "{\"n\":0.0000001}",
                                      "{\"n\":true}",
                                      "{\"n\":99999999999999999999}",
                                      "{\"n\":1e11}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (hold_of("{arguments: {n: 1000}}", bad[i]) != UINT64_MAX) {
            printf("  %s has a price\n", bad[i]);
            CHECK(false);
        }
    }
}

static void
what_is_settled_is_never_above_the_hold(void)
{
    subject s;
    uint64_t hold = 0;
    const policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = AIP_BYTES_LITERAL("t")};
    if (!subject_open_under(&s, OWN_HEAD,
                            "  tool_rules:\n"
                            "    - {tool: t, cost_usd: {flat: 1, response_kib: 0.5, max: 2}}\n"
                            "    - {tool: u, cost_usd: {flat: 1, trust_actual: true}}\n")) {
        return;
    }
    const policy_price *price = subject_decide(&s, call, NULL).price;
    CHECK_STATUS(policy_price_hold(price, NULL, SCAN_NONE, &hold, NULL), AIP_OK);
    CHECK(policy_price_settle(price, hold, 0, false, 0) == 1000000);
    CHECK(policy_price_settle(price, hold, 1, false, 0) == 1500000);
    CHECK(policy_price_settle(price, hold, 1024, false, 0) == 1500000);
    CHECK(policy_price_settle(price, hold, 1025, false, 0) == 2000000);
    CHECK(policy_price_settle(price, hold, UINT64_MAX, false, 0) == hold);
    CHECK(policy_price_settle(price, hold, 0, true, 7) == 1000000 && !policy_price_trusts_actual(price));
    CHECK(policy_price_settle(price, 10, 1, false, 0) <= 10);
    price = subject_ask(&s, "tools/call", "u", NULL).price;
    CHECK(policy_price_trusts_actual(price));
    CHECK(policy_price_settle(price, 1000000, 5000, true, 7) == 7);
    CHECK(policy_price_settle(price, 1000000, 0, true, UINT64_MAX) == 1000000);
    CHECK(policy_price_settle(price, 1000000, 5000, false, 7) == 1000000);
    subject_close(&s);
}

/* ---- what is handed out ---- */

static void
data_loss_approval_and_pins_are_handed_out(void)
{
    subject s;
    if (!subject_open_under(
            &s, OWN_HEAD,
            "  dlp:\n    builtin: true\n    builtin_action: warn\n    unread: pass\n    scan_requests: true\n"
            "    patterns: [{name: a, regex: b, action: block}, {name: c, regex: d}]\n"
            "    canaries: [12345678, {file: canary.txt}]\n"
            "    tools: {Read: {scan_responses: false, action: warn}}\n"
            "  approval: {timeout: 90s, headless: deny, prompts_per_minute: 3, cooldown: 1h}\n"
            "  pins: {mode: schema_hash, flagged: block}\n")) {
        return;
    }
    const policy_dlp *dlp = policy_dlp_of(s.p);
    CHECK(dlp->builtin && dlp->builtin_action == POLICY_DLP_WARN && !dlp->block_unread);
    CHECK(dlp->patterns[0].has_action && dlp->patterns[0].action == POLICY_DLP_BLOCK && !dlp->patterns[1].has_action);
    CHECK(dlp->canary_count == 2 && dlp->canaries[0].file == NULL && dlp->canaries[1].text == NULL);
    CHECK_TEXT(dlp->canaries[0].text, "12345678");
    CHECK_TEXT(dlp->canaries[1].file, "canary.txt");
    const policy_dlp_tool *tool = policy_dlp_tool_of(s.p, AIP_BYTES_LITERAL(" READ"));
    CHECK(tool != NULL && tool->scan_requests && !tool->scan_responses && tool->action == POLICY_DLP_WARN);
    CHECK(policy_dlp_tool_of(s.p, AIP_BYTES_LITERAL("write")) == NULL);
    const policy_approval *approval = policy_approval_of(s.p);
    CHECK(approval->timeout_seconds == 90 && approval->prompts_per_minute == 3 && approval->cooldown_seconds == 3600);
    CHECK(policy_pins_of(s.p)->mode == POLICY_PINS_SCHEMA_HASH && policy_pins_of(s.p)->block_flagged);
    subject_close(&s);
    if (subject_open(&s, "  dlp: {}\n")) {
        CHECK(policy_approval_of(s.p)->timeout_seconds == 60 && policy_approval_of(s.p)->cooldown_seconds == 300);
        CHECK(policy_pins_of(s.p)->mode == POLICY_PINS_FIRST_SIGHT && !policy_pins_of(s.p)->block_flagged);
        CHECK(!policy_dlp_of(s.p)->builtin && policy_dlp_of(s.p)->block_unread);
        CHECK(policy_dlp_tool_of(s.p, AIP_BYTES_LITERAL("x")) == NULL);
        subject_close(&s);
    }
}

RUN(TEST(addresses_are_matched_exactly_or_by_the_longest_beginning),
    TEST(addresses_in_disguise_are_refused_in_monitor_mode_as_well),
    TEST(kinds_without_rules_are_judged_by_their_method), TEST(a_prompt_has_arguments_as_a_tool_has),
    TEST(a_method_and_a_skill_bind_both), TEST(rules_may_be_for_some_roots_and_want_a_proof),
    TEST(a_root_has_buckets_of_its_own), TEST(verdicts_on_any_kind_are_explained),
    TEST(prices_are_exact_to_the_micro_dollar), TEST(what_has_no_price_is_refused),
    TEST(what_is_settled_is_never_above_the_hold), TEST(data_loss_approval_and_pins_are_handed_out))
