/* Loading policies: what is read as what, what is refused and where, and how it is explained. */
#include "tests/unit/policy_subject.h"

static aip_status
load(const char *text, const policy_origin *origin, aip_error *err)
{
    policy *p = NULL;
    aip_status status = policy_load(aip_bytes_of(text), origin, &p, err);
    CHECK((status == AIP_OK) == (p != NULL));
    policy_free(&p);
    return status;
}

/* Refused with a detail that begins with the place and holds the word. */
static void
check_refusal(const char *lines, unsigned line, const char *word)
{
    static const policy_origin origin = {.paths = &subject_paths};
    aip_error err = AIP_ERROR_INIT;
    char text[2048], place[32];
    snprintf(text, sizeof text, HEAD "%s", lines);
    snprintf(place, sizeof place, "line %u, column ", line);
    aip_status status = load(text, &origin, &err);
    if (status == AIP_OK || err.offset != (long)line || strncmp(err.detail, place, strlen(place)) != 0 ||
        strstr(err.detail, word) == NULL) {
        printf("  of \"%s\": %s %s\n", lines, aip_status_lookup(status)->name, err.detail);
        CHECK(false);
    }
}

static void
check_loads(const char *lines)
{
    static const policy_origin origin = {.paths = &subject_paths};
    aip_error err = AIP_ERROR_INIT;
    char text[2048];
    snprintf(text, sizeof text, HEAD "%s", lines);
    if (load(text, &origin, &err) != AIP_OK) {
        printf("  of \"%s\": %s\n", lines, err.detail);
        CHECK(false);
    }
}

static void
unknown_keys_are_refused_where_they_stand(void)
{
    check_refusal("  allowed_tool: [a]\n", 6, "allowed_tool: no such key");
    check_refusal("  mode: enforce\n  Mode: enforce\n", 7, "Mode");
    check_refusal("  tool_rules:\n    - tool: a\n      arguments: {}\n", 8, "arguments");
    check_refusal("  dlp:\n    pattern: []\n", 7, "pattern");
    check_refusal("  identity:\n    keys:\n      algorithm: x\n", 8, "algorithm");
}

static void
lenient_loading_warns_of_them(void)
{
    TEXT_AUTO text_buffer warnings = {0};
    const policy_origin origin = {.warnings = &warnings, .lenient = true};
    CHECK_STATUS(load(HEAD "  allowed_tool: [a]\n  tool_rules: [{tool: x}, {tool: X}]\n", &origin, NULL), AIP_OK);
    CHECK(memmem(warnings.data, warnings.size, "line 6, column 17: allowed_tool", 31) != NULL);
    CHECK(memmem(warnings.data, warnings.size, "a second rule", 13) != NULL);
}

static void
odd_versions_are_warned_of(void)
{
    static const char *const good[] = {"1.0.0", "10.2.33-beta1"};
    static const char *const odd[] = {"1.0", "v1.0.0", "1.0.0-", "1.0.0-a.b", "1..0", "''", "1.0.0.0"};
    char text[256];
    for (size_t i = 0; i < 9; i++) {
        TEXT_AUTO text_buffer warnings = {0};
        const policy_origin origin = {.warnings = &warnings};
        snprintf(text, sizeof text,
                 "apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: t, version: %s}\n",
                 i < 2 ? good[i] : odd[i - 2]);
        CHECK_STATUS(load(text, &origin, NULL), AIP_OK);
        CHECK((warnings.size == 0) == (i < 2));
    }
}

static void
what_is_switched_on_and_not_enforced_is_named(void)
{
    check_refusal("  identity:\n    enabled: on\n", 7, "enabled");
    check_refusal("  identity:\n    require_token: true\n", 7, "require_token");
    check_refusal("  server: {enabled: true}\n", 6, "enabled");
    check_refusal("  registry: {enabled: true}\n", 6, "enabled");
    check_refusal("  aat: {require: yes}\n", 6, "require");
    check_refusal("  extends: base\n", 6, "extends");
    check_refusal("  egress: null\n", 6, "egress");
    check_refusal("  telemetry: {}\n", 6, "telemetry");
    check_refusal("  tool_rules: [{tool: a, when: x}]\n", 6, "when");
    check_refusal("  server: {failover_mode: fail_open}\n", 6, "failover_mode");
    check_refusal("  dlp: {on_redaction_failure: allow_original}\n", 6, "on_redaction_failure");
    check_refusal("  dlp: {log_original_on_failure: true}\n", 6, "log_original_on_failure");
    check_refusal("  identity: {nonce_storage: {type: redis}}\n", 6, "type");
    check_loads(
        "  identity: {enabled: false, token_ttl: 10m, session_binding: strict, keys: {signing_algorithm: ES256}}\n"
        "  server: {enabled: off, listen: '127.0.0.1:9443', endpoints: {validate: /v1/validate}}\n"
        "  aat: {enabled: no, validation: {max_token_age: 1h}}\n  registry: {cache: {max_entries: 10}}\n");
}

static void
the_head_is_that_of_a_policy(void)
{
    aip_error err = AIP_ERROR_INIT;
    CHECK_STATUS(load("apiVersion: aip.io/v1alpha4\nkind: AgentPolicy\nmetadata: {name: t}\n", NULL, &err),
                 AIP_CONFIG_INVALID);
    CHECK_STATUS(load("kind: AgentPolicy\nmetadata: {name: t}\n", NULL, &err), AIP_CONFIG_INVALID);
    CHECK_STATUS(load("apiVersion: aip.io/v1alpha3\nkind: Pod\nmetadata: {name: t}\n", NULL, &err), AIP_CONFIG_INVALID);
    CHECK(strstr(err.detail, "unexpected kind \"Pod\", expected AgentPolicy") != NULL);
    CHECK_STATUS(load("apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: ''}\n", NULL, &err),
                 AIP_CONFIG_INVALID);
    CHECK_STATUS(load("apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\n", NULL, &err), AIP_CONFIG_INVALID);
    CHECK_STATUS(load("apiVersion: aip.io/v1alpha2\nkind: AgentPolicy\nmetadata: {name: t, signature: 'ed25519:AA'}\n",
                      NULL, &err),
                 AIP_POLICY_SIGNATURE);
    CHECK(strstr(err.detail, "signature") != NULL && err.offset == 3);
    CHECK_STATUS(load("- a\n", NULL, &err), AIP_CONFIG_INVALID);
    CHECK_STATUS(load(HEAD "---\n" HEAD, NULL, &err), AIP_CONFIG_INVALID);
    CHECK_STATUS(load("apiVersion: aip.io/v1alpha2\nkind: AgentPolicy\nmetadata: {name: t}\n", NULL, &err), AIP_OK);
}

static void
values_of_the_wrong_kind_are_refused(void)
{
    check_refusal("  mode: watch\n", 6, "invalid mode \"watch\", must be 'enforce' or 'monitor'");
    check_refusal("  allowed_tools: read_file\n", 6, "allowed_tools");
    check_refusal("  allowed_tools: [a, [b]]\n", 6, "item 2");
    check_refusal("  allowed_tools: ['']\n", 6, "item 1");
    check_refusal("  protected_paths: [/a, '']\n", 6, "item 2");
    check_refusal("  strict_args_default: maybe\n", 6, "true or false");
    check_refusal("  strict_args_default: 1\n", 6, "true or false");
    check_refusal("  tool_rules: {tool: a}\n", 6, "tool_rules");
    check_refusal("  tool_rules: [{action: block}]\n", 6, "name");
    check_refusal("  tool_rules: [{tool: \"\\u200b\"}]\n", 6, "name");
    check_refusal("  tool_rules: [{tool: a, action: deny}]\n", 6, "action is one of");
    check_refusal("  tool_rules: [{tool: a, allow_args: [x]}]\n", 6, "allow_args");
    check_refusal("  tool_rules: [{tool: a, allow_args: {x: }}]\n", 6, "text");
    check_refusal("  tool_rules: [{tool: a, schema_hash: 'sha256:12'}]\n", 6, "schema_hash");
    check_refusal("  tool_rules: [{tool: a, schema_hash: 'md5:d41d8cd98f00b204e9800998ecf8427e'}]\n", 6, "schema_hash");
    check_refusal("  identity: {token_ttl: soon}\n", 6, "duration");
    check_refusal("  dlp: {max_scan_size: big}\n", 6, "max_scan_size");
    check_refusal("  dlp: {patterns: [{name: '', regex: a}]}\n", 6, "name");
    check_refusal("  dlp: {patterns: [{name: a}]}\n", 6, "regex");
}

static void
rates_are_whole_numbers_by_period(void)
{
    static const char *const good[] = {"1/second", "10/min", "3/h", "' 7 / Hour '", "999999999/s"};
    static const char *const bad[] = {"0/s", "-1/s", "1", "1/day", "1/s/s", "/s", "1.5/s", "1/", "x/s", "9999999999/s"};
    char lines[128];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(lines, sizeof lines, "  tool_rules: [{tool: a, rate_limit: %s}]\n", good[i]);
        check_loads(lines);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(lines, sizeof lines, "  tool_rules: [{tool: a, rate_limit: '%s'}]\n", bad[i]);
        check_refusal(lines, 6, "rate_limit");
    }
}

static void
patterns_are_of_the_dialect(void)
{
    static const char *const bad[] = {"(",   "[a",     "(?!x)y",  "(?<=x)y", "(a)\\1",
                                      "a**", "(a+)+$", "(a*)* *", "\\C",     "x{1001}"};
    char lines[1400], text[1100];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(lines, sizeof lines, "  tool_rules:\n    - tool: a\n      allow_args:\n        x: '%s'\n", bad[i]);
        check_refusal(lines, 9, "allow_args");
        snprintf(lines, sizeof lines, "  dlp:\n    patterns:\n      - name: a\n        regex: '%s'\n", bad[i]);
        check_refusal(lines, 8, "regex");
    }
    memset(text, 'a', sizeof text);
    text[1001] = '\0';
    snprintf(lines, sizeof lines, "  tool_rules: [{tool: a, allow_args: {x: %s}}]\n", text);
    check_refusal(lines, 6, "allow_args");
    text[1000] = '\0';
    snprintf(lines, sizeof lines, "  tool_rules: [{tool: a, allow_args: {x: %s}}]\n", text);
    check_loads(lines);
}

static void
scalars_become_what_the_schema_wants(void)
{
    subject s;
    if (!subject_open(&s,
                      "  allowed_tools: [12, 0x1f, yes, true, 2026-11-21, null_tool]\n  strict_args_default: off\n"
                      "  tool_rules:\n    - tool: t\n      strict_args: Y\n      allow_args: {y: 8080, n: 1_0}\n")) {
        return;
    }
    CHECK_CALL(&s, "12", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "0x1f", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "31", "{}", "BLOCK", AIP_POLICY_TOOL);
    CHECK_CALL(&s, "yes", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "true", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "2026-11-21", "{}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "t", "{\"y\":8080,\"n\":\"1_0\"}", "ALLOW", AIP_OK);
    CHECK_CALL(&s, "t", "{\"y\":8080,\"n\":\"1_0\",\"z\":0}", "BLOCK", AIP_POLICY_ARGUMENT);
    subject_close(&s);
}

static void
aliases_repeat_what_they_name_within_bounds(void)
{
    subject s;
    char bomb[2048];
    size_t size = 0;
    if (subject_open(&s, "  allowed_tools: &all [a, b]\n  denied_methods: *all\n  tool_rules:\n"
                         "    - {tool: c, allow_args: &args {x: &re ^1$}}\n    - {tool: d, allow_args: *args}\n"
                         "    - {tool: e, allow_args: {y: *re}}\n")) {
        CHECK_CALL(&s, "d", "{\"x\":1}", "ALLOW", AIP_OK);
        CHECK_CALL(&s, "d", "{\"x\":2}", "BLOCK", AIP_POLICY_ARGUMENT);
        CHECK_CALL(&s, "e", "{\"y\":2}", "BLOCK", AIP_POLICY_ARGUMENT);
        CHECK_VERDICT(subject_ask(&s, "a", "", NULL), "BLOCK", AIP_POLICY_METHOD);
        subject_close(&s);
    }
    check_refusal("  allowed_tools: *none\n", 6, "alias");
    check_refusal("  tool_rules: &r [{tool: a, allow_args: *r}]\n", 6, "alias");
    check_refusal("  *a : b\n", 6, "");
    check_refusal("  <<: {mode: monitor}\n", 6, "merge");
    check_refusal("  mode: !!str enforce\n", 6, "tags");
    size = (size_t)snprintf(bomb, sizeof bomb, "  a0: &a0 [x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
        size += (size_t)snprintf(bomb + size, sizeof bomb - size, "  a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
                                 i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    aip_error err = AIP_ERROR_INIT;
    char text[3000];
    snprintf(text, sizeof text, HEAD "%s", bomb);
    CHECK_STATUS(load(text, NULL, &err), AIP_JSON_SIZE);
    size = (size_t)snprintf(text, sizeof text, "a: &a x\nb: [");
    for (int i = 0; i < 300; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "*a , ");
    }
    snprintf(text + size, sizeof text - size, "]\n");
    CHECK_STATUS(load(text, NULL, &err), AIP_JSON_SIZE);
}

static void
the_policys_own_file_is_protected(void)
{
    static const policy_origin origin = {.paths = &subject_paths, .file = "/srv/agent.yaml"};
    subject s = {.now = 1};
    const char *text = HEAD "  allowed_tools: [t]\n";
    CHECK_STATUS(policy_load(aip_bytes_of(text), &origin, &s.p, NULL), AIP_OK);
    CHECK_STATUS(policy_scratch_grow(&s.scratch, s.p, 1024, NULL), AIP_OK);
    CHECK_CALL(&s, "t", "{\"f\":\"/srv/agent.yaml\"}", "BLOCK", AIP_POLICY_PATH);
    CHECK_CALL(&s, "t", "{\"f\":\"/srv/other.yaml\"}", "ALLOW", AIP_OK);
    subject_close(&s);
    CHECK_STATUS(load(HEAD "  protected_paths: [/x]\n", NULL, NULL), AIP_CONFIG_INVALID);
}

static void
what_is_said_of_data_loss_is_handed_out(void)
{
    subject s;
    if (!subject_open(
            &s, "  dlp:\n    detect_encoding: true\n    max_scan_size: 2 KB\n    on_request_match: Redact\n"
                "    on_redaction_failure: reject\n    patterns:\n      - {name: A, regex: 'a+', scope: request}\n"
                "      - {name: B, regex: b}\n")) {
        return;
    }
    const policy_dlp *dlp = policy_dlp_of(s.p);
    CHECK(dlp->enabled && dlp->detect_encoding && !dlp->scan_requests && dlp->scan_responses && dlp->reject_on_failure);
    CHECK(dlp->max_scan_size == 2048 && dlp->on_request_match == POLICY_DLP_REDACT && dlp->pattern_count == 2);
    CHECK(dlp->patterns[0].scope == POLICY_DLP_REQUEST && dlp->patterns[1].scope == POLICY_DLP_ALL);
    CHECK_TEXT(dlp->patterns[1].name, "B");
    CHECK_TEXT(dlp->patterns[0].regex, "a+");
    subject_close(&s);
    if (subject_open(&s, "  mode: enforce\n")) {
        CHECK(policy_dlp_of(s.p) == NULL);
        subject_close(&s);
    }
}

static void
a_policy_is_explained_as_it_applies(void)
{
    static const char wanted[] =
        "policy \"t\", aip.io/v1alpha1\nmode: enforce\nmethods allowed:\n  \"tools/call\"\nmethods denied: none\n"
        "tools, all others refused:\n  \"a\": allowed\n  \"b\": asks a person by rule 1, no other arguments, at most 5 "
        "in "
        "60 s\n    \"x\" matches \"^\\\\d$\"\n  \"c\": blocked by rule 2\nprotected paths:\n  \"/etc\"\n"
        "data loss prevention: off\n";
    subject s;
    TEXT_AUTO text_buffer said = {0}, why = {0};
    if (!subject_open(&s,
                      "  allowed_methods: [tools/call]\n  allowed_tools: [a]\n  protected_paths: [/etc]\n"
                      "  tool_rules:\n    - {tool: b, action: ask, rate_limit: 5/m, strict_args: true, allow_args: {x: "
                      "'^\\d$'}}\n    - {tool: c, action: block}\n")) {
        return;
    }
    CHECK_STATUS(policy_explain(s.p, &said, NULL), AIP_OK);
    text_append(&said, AIP_BYTES_LITERAL("\0"));
    CHECK_TEXT(said.data, wanted);
    policy_verdict v = subject_ask(&s, "tools/call", "B", "{\"x\":\"y\"}");
    CHECK_STATUS(policy_explain_verdict(&v, &why, NULL), AIP_OK);
    text_append(&why, AIP_BYTES_LITERAL("\0"));
    CHECK_TEXT(why.data, "BLOCK: argument failed regex validation; tool \"b\"; rule 1; argument \"x\" against "
                         "\"^\\\\d$\"; policy.argument\n");
    subject_close(&s);
}

RUN(TEST(unknown_keys_are_refused_where_they_stand), TEST(lenient_loading_warns_of_them),
    TEST(odd_versions_are_warned_of), TEST(what_is_switched_on_and_not_enforced_is_named),
    TEST(the_head_is_that_of_a_policy), TEST(values_of_the_wrong_kind_are_refused),
    TEST(rates_are_whole_numbers_by_period), TEST(patterns_are_of_the_dialect),
    TEST(scalars_become_what_the_schema_wants), TEST(aliases_repeat_what_they_name_within_bounds),
    TEST(the_policys_own_file_is_protected), TEST(what_is_said_of_data_loss_is_handed_out),
    TEST(a_policy_is_explained_as_it_applies))
