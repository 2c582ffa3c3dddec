/* Deciding: the order of the checks, modes, names, arguments, rate limits. */
#include "tests/unit/policy_subject.h"

static void
tools_are_allowed_by_list_or_by_rule_and_else_refused(void)
{
    subject s;
    if (!subject_open(&s, "  allowed_tools: [read_file, both]\n  denied_tools: [both]\n  tool_rules:\n"
                          "    - tool: special\n    - tool: bad\n      action: block\n    - tool: care\n"
                          "      action: ask\n")) {
        return;
    }
    CHECK_CALL(&s, "read_file", "{\"a\":1}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "special", NULL, "ALLOW", AIP_OK);
    CHECK_CALL(&s, "care", "{}", "ASK", AIP_OK);
    CHECK_CALL(&s, "other", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "both", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "bad", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "read_file", "[]", "BLOCK", AIP_POLICY_PARAMETERS);
    CHECK_CALL(&s, "read_file", "\"x\"", "BLOCK", AIP_POLICY_PARAMETERS);
    CHECK_CALL(&s, "read_file", "null", "ALLOW", AIP_OK);
    policy_verdict v = subject_ask(&s, "tools/call", "other", "{}");
    CHECK(v.violation && v.ground == POLICY_BY_TOOL_UNLISTED && v.rule == 0 && v.tool.size == 0);
    v = subject_ask(&s, "tools/call", "BAD", "{}");
    CHECK(v.violation && v.ground == POLICY_BY_RULE_BLOCK && v.rule == 2);
    CHECK(aip_bytes_equal(v.tool, AIP_BYTES_LITERAL("bad")));
    v = subject_ask(&s, "tools/call", "care", "{}");
    CHECK(!v.violation && v.ground == POLICY_BY_RULE_ASK && v.rule == 3);
    subject_close(&s);
}

static void
names_count_after_normalising(void)
{
    subject s;
    if (!subject_open(&s, "  allowed_tools: [Read_File]\n  tool_rules:\n    - tool: exec\n      action: block\n")) {
        return;
    }
    CHECK_CALL(&s, "read_file", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "  READ_file ", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s,
               "\xef\xbd\x92"
               "ead_file",
               "{}", "ALLOW", AIP_OK); /* a full-width r */
    CHECK_CALL(&s,
               "re\xe2\x80\x8b"
               "ad_file",
               "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s,
               "r\xd0\xb5"
               "ad_file",
               "{}", "BLOCK", AIP_POLICY_TOOL); /* a Cyrillic e */
    CHECK_CALL(&s, "read_file\xff", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "\xef\xbd\x85xec", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_VERDICT(subject_ask(&s, "TOOLS/Call", "other", "{}"), "BLOCK", AIP_POLICY_TOOL);
    CHECK_VERDICT(subject_ask(&s,
                              " tools/c\xe2\x80\x8b"
                              "all",
                              "other", "{}"),
                  "BLOCK", AIP_POLICY_TOOL);
    policy_verdict v = subject_ask(&s, "TOOLS/CALL", "read_file", "{}");
    CHECK(v.is_tool_call && aip_bytes_equal(v.method, AIP_BYTES_LITERAL("tools/call")));
    CHECK(aip_bytes_equal(v.tool, AIP_BYTES_LITERAL("Read_File")));
    subject_close(&s);
}

static void
methods_are_judged_before_tools(void)
{
    subject s;
    if (!subject_open(&s, "  denied_methods: [Ping]\n")) {
        return;
    }
    CHECK_VERDICT(subject_ask(&s, "tools/list", "", NULL), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_ask(&s, "notifications/cancelled", "", NULL), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_ask(&s, "ping", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    CHECK_VERDICT(subject_ask(&s, "resources/read", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    CHECK_VERDICT(subject_ask(&s, "", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    CHECK_VERDICT(subject_ask(&s, "ping\xff", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    subject_close(&s);
    if (!subject_open(&s, "  mode: monitor\n  allowed_methods: [tools/list]\n  allowed_tools: [x]\n")) {
        return;
    }
    CHECK_CALL(&s, "x", "{}", "BLOCK", AIP_POLICY_METHOD); /* monitor mode forgives no method */
    CHECK_VERDICT(subject_ask(&s, "ping", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    subject_close(&s);
    if (!subject_open(&s, "  allowed_methods: ['*']\n  denied_methods: [logging/setLevel]\n")) {
        return;
    }
    CHECK_VERDICT(subject_ask(&s, "any/thing", "", NULL), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_ask(&s, "LOGGING/setlevel", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    subject_close(&s);
}

static void
without_a_policy_nothing_passes(void)
{
    policy_verdict v;
    const policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"), .tool = AIP_BYTES_LITERAL("x")};
    policy_decide(NULL, NULL, &call, &v);
    CHECK_VERDICT(v, "BLOCK", AIP_POLICY_TOOL);
    CHECK(v.violation && v.ground == POLICY_BY_NO_POLICY);
}

static void
patterns_bind_their_arguments(void)
{
    subject s;
    if (!subject_open(&s,
                      "  tool_rules:\n    - tool: t\n      allow_args:\n        a: ^[0-9]+$\n        b: admin\n"
                      "    - tool: empty\n      allow_args:\n        x: ^$\n"
                      "    - tool: list\n      allow_args:\n        x: '^\\[\"<\",1\\]$|^\\[\"\\\\u003c\",1\\]$'\n")) {
        return;
    }
    CHECK_CALL(&s, "t", "{\"a\":42,\"b\":\"xadminx\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "t", "{\"b\":\"\\u0061dmin\",\"a\":\"7\",\"c\":[]}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "t", "{\"a\":\"42\\n\",\"b\":\"admin\"}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "t", "{\"a\":4.5,\"b\":\"admin\"}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "t", "{\"a\":42}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "t", NULL, "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "t", "{\"a\":42,\"B\":\"admin\"}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "empty", "{\"x\":null}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "empty", "{\"x\":\"\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "empty", "{\"x\":\"y\"}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "empty", "{\"x\":\"\\n\"}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "list", "{\"x\":[\"<\", 1.0]}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "list", "{\"x\":[\"<\", 2]}", "BLOCK", AIP_POLICY_ARGUMENT);
    policy_verdict v = subject_ask(&s, "tools/call", "t", "{\"a\":42,\"b\":\"x\"}");
    CHECK(v.ground == POLICY_BY_ARGUMENT_PATTERN && aip_bytes_equal(v.argument, AIP_BYTES_LITERAL("b")));
    CHECK(aip_bytes_equal(v.pattern, AIP_BYTES_LITERAL("admin")));
    subject_close(&s);
}

static void
strict_rules_refuse_what_they_do_not_declare(void)
{
    subject s;
    if (!subject_open(&s, "  strict_args_default: yes\n  allowed_tools: [bare]\n  tool_rules:\n"
                          "    - tool: t\n      allow_args: {a: x}\n"
                          "    - tool: loose\n      strict_args: no\n      allow_args: {a: x}\n"
                          "    - tool: ask\n      action: ask\n")) {
        return;
    }
    CHECK_CALL(&s, "t", "{\"a\":\"x\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "t", "{\"\\u0061\":\"x\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "t", "{\"a\":\"x\",\"b\":1}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "loose", "{\"a\":\"x\",\"b\":1}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "bare", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "bare", "{\"z\":1}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "ask", "{}", "ASK", AIP_OK);
    CHECK_CALL(&s, "ask", "{\"z\":1}", "BLOCK", AIP_POLICY_ARGUMENT);
    policy_verdict v = subject_ask(&s, "tools/call", "t", "{\"a\":\"x\",\"b\":1}");
    TEXT_AUTO text_buffer reason = {0};
    policy_reason(&v, &reason);
    CHECK(aip_bytes_equal(text_view(&reason),
                          AIP_BYTES_LITERAL("undeclared argument \"b\" rejected (strict_args enabled)")));
    subject_close(&s);
}

static void
monitor_mode_forgives_violations_only(void)
{
    subject s;
    if (!subject_open(&s, "  mode: ' Monitor '\n  denied_tools: [d]\n  protected_paths: [/etc/shadow]\n  tool_rules:\n"
                          "    - tool: bad\n      action: block\n    - tool: t\n      allow_args: {a: ^x$}\n"
                          "    - tool: r\n      rate_limit: 1/hour\n    - tool: care\n      action: ask\n"
                          "      allow_args: {a: ^x$}\n")) {
        return;
    }
    CHECK_CALL(&s, "other", "{}", "ALLOW_MONITOR", AIP_OK);
    CHECK_CALL(&s, "d", "{}", "ALLOW_MONITOR", AIP_OK);
    CHECK_CALL(&s, "t", "{\"a\":\"y\"}", "ALLOW_MONITOR", AIP_OK);
    CHECK_CALL(&s, "t", "{\"a\":\"x\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "care", "{\"a\":\"x\"}", "ASK", AIP_OK);
    CHECK_CALL(&s, "care", "{\"a\":\"y\"}", "ALLOW_MONITOR", AIP_OK);
    CHECK_CALL(&s, "bad", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "t", "[]", "BLOCK", AIP_POLICY_PARAMETERS);
    CHECK_CALL(&s, "other", "{\"p\":\"/etc/shadow\"}", "BLOCK", AIP_POLICY_PATH);
    CHECK_CALL(&s, "r", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "r", "{}", "RATE_LIMITED", AIP_POLICY_RATE);
    CHECK_CALL(&s, "\xd0\xb5xec", "{}", "BLOCK", AIP_POLICY_TOOL); /* made to look like another */
    policy_verdict v = subject_ask(&s, "tools/call", "other", "{}");
    TEXT_AUTO text_buffer reason = {0};
    CHECK(v.violation);
    policy_reason(&v, &reason);
    CHECK(aip_bytes_equal(text_view(&reason),
                          AIP_BYTES_LITERAL("tool not in allowed_tools list (monitor mode: allowed for dry run)")));
    subject_close(&s);
}

static void
buckets_refill_evenly_and_are_the_callers(void)
{
    subject s;
    if (!subject_open(&s, "  tool_rules:\n    - tool: r\n      rate_limit: ' 2/MIN '\n      action: block\n"
                          "    - tool: R\n    - tool: q\n      rate_limit: 1/s\n")) {
        return;
    }
    CHECK(policy_bucket_count(s.p) == 2);
    CHECK_CALL(&s, "r", "{}", "ALLOW", AIP_OK); /* the second rule counts, with the first one's rate */
    CHECK_CALL(&s, "R", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "r", "{}", "RATE_LIMITED", AIP_POLICY_RATE);
    CHECK_CALL(&s, "q", "{}", "ALLOW", AIP_OK);
    s.now += 29999999;
    CHECK_CALL(&s, "r", "{}", "RATE_LIMITED", AIP_POLICY_RATE);
    s.now += 1;
    CHECK_CALL(&s, "r", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "r", "{}", "RATE_LIMITED", AIP_POLICY_RATE);
    s.now -= 20000000; /* a clock that goes back gives nothing */
    CHECK_CALL(&s, "r", "{}", "RATE_LIMITED", AIP_POLICY_RATE);
    s.now += UINT64_C(1) << 60;
    CHECK_CALL(&s, "r", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "r", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "r", "{}", "RATE_LIMITED", AIP_POLICY_RATE);
    const policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"),
                              .tool = AIP_BYTES_LITERAL("q"),
                              .parameters = SCAN_NONE,
                              .arguments = SCAN_NONE};
    policy_verdict v;
    policy_decide(s.p, s.scratch, &call, &v); /* without buckets */
    CHECK_VERDICT(v, "RATE_LIMITED", AIP_POLICY_RATE);
    subject_close(&s);
}

static void
a_token_is_spent_even_when_a_later_check_refuses(void)
{
    subject s;
    if (!subject_open(&s, "  tool_rules:\n    - tool: r\n      rate_limit: 1/hour\n      allow_args: {a: ^x$}\n")) {
        return;
    }
    CHECK_CALL(&s, "r", "{\"a\":\"y\"}", "BLOCK", AIP_POLICY_ARGUMENT);
    CHECK_CALL(&s, "r", "{\"a\":\"x\"}", "RATE_LIMITED", AIP_POLICY_RATE);
    subject_close(&s);
}

static void
protected_paths_come_before_the_lists(void)
{
    subject s;
    if (!subject_open(&s, "  allowed_methods: [tools/call, resources/read]\n  allowed_tools: [read_file]\n"
                          "  protected_paths: [~/.ssh]\n")) {
        return;
    }
    CHECK_CALL(&s, "read_file", "{\"path\":\"/tmp/x\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "read_file", "{\"path\":\"~/.ssh/id_rsa\"}", "BLOCK", AIP_POLICY_PATH);
    CHECK_CALL(&s, "unlisted", "{\"path\":[{\"a\":\"~/.ssh/id_rsa\"}]}", "BLOCK", AIP_POLICY_PATH);
    CHECK_VERDICT(subject_ask(&s, "resources/read", "", "{\"uri\":\"~/.ssh/config\"}"), "BLOCK", AIP_POLICY_PATH);
    CHECK_VERDICT(subject_ask(&s, "resources/read", "", "{\"uri\":\"/tmp/x\"}"), "ALLOW", AIP_OK);
    subject_close(&s);
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
a_pinned_schema_is_the_one_of_the_call(void)
{
    subject s;
    policy_verdict v;
    if (!subject_open(&s, "  mode: monitor\n  tool_rules:\n    - tool: t\n      schema_hash: sha256:" HASH "\n")) {
        return;
    }
    policy_call call = {.method = AIP_BYTES_LITERAL("tools/call"),
                        .tool = AIP_BYTES_LITERAL("T"),
                        .parameters = SCAN_NONE,
                        .arguments = SCAN_NONE,
                        .schema_hash = AIP_BYTES_LITERAL("sha256:" HASH)};
    CHECK(aip_bytes_equal(policy_schema_hash(s.p, call.tool), call.schema_hash));
    policy_decide(s.p, s.scratch, &call, &v);
    CHECK_VERDICT(v, "ALLOW", AIP_OK);
    call.schema_hash.size--;
    policy_decide(s.p, s.scratch, &call, &v);
    CHECK_VERDICT(v, "BLOCK", AIP_POLICY_SCHEMA);
    call.schema_hash = (aip_bytes){NULL, 0};
    policy_decide(s.p, s.scratch, &call, &v);
    CHECK_VERDICT(v, "BLOCK", AIP_POLICY_SCHEMA);
    CHECK(policy_schema_hash(s.p, AIP_BYTES_LITERAL("other")).size == 0);
    subject_close(&s);
}

static bool
shown(const subject *s, const char *tool)
{
    return policy_shows_to(s->p, POLICY_TOOL, aip_bytes_of(tool), (aip_bytes){0});
}

static void
tools_that_no_call_can_reach_are_not_shown(void)
{
    subject s;
    if (!subject_open(&s,
                      "  allowed_tools: [a, d]\n  denied_tools: [d]\n  tool_rules:\n    - {tool: b, action: block}\n"
                      "    - {tool: c, action: ask}\n")) {
        return;
    }
    CHECK(shown(&s, "A") && shown(&s, "c"));
    CHECK(!shown(&s, "b") && !shown(&s, "d"));
    CHECK(!shown(&s, "other") && !shown(&s, ""));
    subject_close(&s);
}

/* Y-10: else no client of either era could begin under a policy that says nothing of methods. */
static void
both_ways_to_begin_are_allowed_by_default(void)
{
    subject s;
    if (!subject_open(&s, "  allowed_tools: [a]\n")) {
        return;
    }
    CHECK_VERDICT(subject_ask(&s, "initialize", "", NULL), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_ask(&s, "server/discover", "", NULL), "ALLOW", AIP_OK);
    CHECK_VERDICT(subject_ask(&s, "server/discovered", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    CHECK_VERDICT(subject_ask(&s, "subscriptions/listen", "", NULL), "BLOCK", AIP_POLICY_METHOD);
    subject_close(&s);
}

RUN(TEST(both_ways_to_begin_are_allowed_by_default), TEST(tools_are_allowed_by_list_or_by_rule_and_else_refused),
    TEST(names_count_after_normalising), TEST(methods_are_judged_before_tools), TEST(without_a_policy_nothing_passes),
    TEST(patterns_bind_their_arguments), TEST(strict_rules_refuse_what_they_do_not_declare),
    TEST(monitor_mode_forgives_violations_only), TEST(buckets_refill_evenly_and_are_the_callers),
    TEST(a_token_is_spent_even_when_a_later_check_refuses), TEST(protected_paths_come_before_the_lists),
    TEST(a_pinned_schema_is_the_one_of_the_call), TEST(tools_that_no_call_can_reach_are_not_shown))
