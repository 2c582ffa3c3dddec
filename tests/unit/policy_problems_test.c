/* What is wrong with a policy: all of it at once, with places and hints; hostile ones within bounds; hashes and
 * signatures; and the schema for editors, which has the loader's keys. */
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/base64url.h"
#include "policy/load_inside.h"
#include "tests/unit/policy_subject.h"

static aip_status
load_all(const char *text, policy_problems *problems)
{
    const policy_origin origin = {.paths = &subject_paths};
    policy *p = NULL;
    aip_error err = AIP_ERROR_INIT;
    aip_status status = policy_load_all(aip_bytes_of(text), &origin, problems, &p, &err);
    CHECK((status == AIP_OK) == (p != NULL) && (status == AIP_OK) == (problems->count == 0));
    CHECK(problems->count == 0 || (problems->items[0].status == status && err.offset == problems->items[0].line));
    policy_free(&p);
    return status;
}

static void
check_problem(const policy_problem *problem, unsigned line, unsigned column, const char *words)
{
    if (problem->line != line || problem->column != column || strstr(problem->sentence, words) == NULL) {
        printf("  %u:%u: %s\n", problem->line, problem->column, problem->sentence);
        CHECK(false);
    }
}

static void
all_errors_are_told_at_once_by_place(void)
{
    policy_problems problems;
    CHECK_STATUS(load_all("apiVersion: aip-gateway/v1\nkind: Pod\nmetadata: {nam: t}\nspec:\n  mode: watch\n"
                          "  tool_rules:\n    - tol: a\n    - tool: b\n      action: deny\n      rate_limit: 5/day\n"
                          "      allow_args: {x: '(', y: '[a'}\n      cost_usd: {response_kib: 1}\n"
                          "      roots: [nobody]\n    - {tool: c, cost_usd: -1}\n"
                          "  http_rules: [{route: 'GET a'}, {route: 'GET /a/../b'}]\n"
                          "  dlp: {patterns: [{name: '', regex: a}], canaries: [short]}\n"
                          "  approval: {timeout: 0s}\n",
                          &problems),
                 AIP_CONFIG_INVALID);
    static const struct {
        unsigned line, column;
        const char *words;
    } wanted[] = {{2, 1, "unexpected kind"},
                  {3, 1, "metadata.name"},
                  {3, 12, "did you mean name?"},
                  {5, 3, "invalid mode"},
                  {7, 7, "did you mean tool?"},
                  {9, 7, "action is one of"},
                  {10, 7, "rate_limit"},
                  {11, 20, "allow_args"},
                  {11, 28, "allow_args"},
                  {12, 7, "needs max"},
                  {13, 15, "roots"},
                  {14, 17, "amount in USD"},
                  {15, 16, "route"},
                  {15, 34, "route"},
                  {16, 20, "name"},
                  {16, 54, "canary"},
                  {17, 14, "timeout"}};
    CHECK(problems.count == sizeof wanted / sizeof wanted[0] && !problems.more);
    for (size_t i = 0; i < problems.count && i < sizeof wanted / sizeof wanted[0]; i++) {
        check_problem(&problems.items[i], wanted[i].line, wanted[i].column, wanted[i].words);
    }
}

static void
keys_of_another_version_are_named_as_such(void)
{
    policy_problems problems;
    CHECK_STATUS(
        load_all(HEAD "  pins: {}\n  tool_rules: [{tool: a, cost_usd: 1}]\n  dlp: {unread: pass}\n", &problems),
        AIP_CONFIG_INVALID);
    CHECK(problems.count == 3);
    check_problem(&problems.items[0], 6, 3, "belongs to apiVersion aip-gateway/v1");
    check_problem(&problems.items[1], 7, 26, "belongs to apiVersion aip-gateway/v1");
    CHECK_STATUS(load_all(OWN_HEAD "  identity: {enabled: false}\n  egress: {}\n", &problems), AIP_CONFIG_INVALID);
    CHECK(problems.count == 2);
    check_problem(&problems.items[0], 6, 3, "belongs to apiVersion aip.io/v1alpha3");
    const policy_origin lenient = {.lenient = true}; /* not of keys that would do something elsewhere */
    policy *p = NULL;
    const char *priced = HEAD "  tool_rules: [{tool: a, cost_usd: 1}]\n";
    CHECK_STATUS(policy_load(aip_bytes_of(priced), &lenient, &p, NULL), AIP_CONFIG_INVALID);
}

static void
values_of_our_own_keys_are_checked(void)
{
    static const char *const bad[] = {"resource_rules: [{resource: 'a*b'}]",
                                      "resource_rules: [{resource: ''}]",
                                      "resource_rules: [{tool: a}]",
                                      "resource_rules: [{resource: a, allow_args: {}}]",
                                      "resource_rules: [{resource: 'file:///a/../b'}]",
                                      "resource_rules: [{resource: 'file:///a%2'}]",
                                      "http_rules: [{route: '* /'}]",
                                      "http_rules: [{route: 'GET *'}]",
                                      "prompt_rules: [{prompt: ''}]",
                                      "prompt_rules: [{prompt: a, schema_hash: x}]",
                                      "a2a_rules: [{action: allow}]",
                                      "a2a_rules: [{method: a, skill: b}]",
                                      "tool_rules: [{tool: a, proof: optional}]",
                                      "tool_rules: [{tool: a, roots: []}]",
                                      "tool_rules: [{tool: a, roots: 'did:web:a.example'}]",
                                      "tool_rules: [{tool: a, roots: ['did:web:a.example=zabc']}]",
                                      "tool_rules: [{tool: a, rate_limit_root: x}]",
                                      "tool_rules: [{tool: a, cost_usd: 1e3}]",
                                      "tool_rules: [{tool: a, cost_usd: 0.0000001}]",
                                      "tool_rules: [{tool: a, cost_usd: 1000000.01}]",
                                      "tool_rules: [{tool: a, cost_usd: .inf}]",
                                      "tool_rules: [{tool: a, cost_usd: {max: 1}}]",
                                      "tool_rules: [{tool: a, cost_usd: {arguments: {n: -1}}}]",
                                      "tool_rules: [{tool: a, cost_usd: {arguments: {n: }}}]",
                                      "tool_rules: [{tool: a, cost_usd: [1]}]",
                                      "approval: {headless: allow}",
                                      "approval: {timeout: 2d}",
                                      "approval: {prompts_per_minute: 0}",
                                      "approval: {timeout: 500ms}",
                                      "pins: {mode: on}",
                                      "pins: {flagged: allow}",
                                      "dlp: {unread: maybe}",
                                      "dlp: {canaries: [{}]}",
                                      "dlp: {canaries: [[a]]}",
                                      "dlp: {tools: [a]}",
                                      "dlp: {tools: {a: {scan: no}}}",
                                      "dlp: {tools: {a: {}, A: {}}}",
                                      "dlp: {builtin_action: deny}",
                                      "default_budget: 5",
                                      "tool_rules: [{tool: a, roots: }]",
                                      "tool_rules: [{tool: a, cost_usd: }]",
                                      "tool_rules: [{tool: a, proof: ~}]",
                                      "http_rules:",
                                      "dlp: null"};
    policy_problems problems;
    char text[512];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, OWN_HEAD "  %s\n", bad[i]);
        if (load_all(text, &problems) != AIP_CONFIG_INVALID) {
            printf("  of %s: not refused so\n", bad[i]);
            CHECK(false);
        }
    }
}

static void
thousands_of_tools_are_not_compared_with_each_other(void)
{
    TEXT_AUTO text_buffer text = {0};
    policy_problems problems;
    text_append_string(&text, OWN_HEAD "  dlp:\n    tools:\n");
    for (int i = 0; i < 30000; i++) {
        text_append_format(&text, "      t%d: {}\n", i);
    }
    text_append(&text, AIP_BYTES_LITERAL("\0"));
    CHECK_STATUS(load_all(text.data, &problems), AIP_CONFIG_INVALID);
    CHECK(problems.count == 1);
    check_problem(&problems.items[0], 7, 5, "more than 1024");
}

static void
problems_without_end_are_cut_off(void)
{
    TEXT_AUTO text_buffer text = {0};
    policy_problems problems;
    text_append_string(&text, OWN_HEAD);
    for (int i = 0; i < 200; i++) {
        text_append_format(&text, "  key%d: 1\n", i);
    }
    text_append(&text, AIP_BYTES_LITERAL("\0"));
    CHECK_STATUS(load_all(text.data, &problems), AIP_CONFIG_INVALID);
    CHECK(problems.count == POLICY_PROBLEMS_MAX && problems.more && problems.items[0].line == 6);
    CHECK_STATUS(load_all("a: [\n", &problems), AIP_CONFIG_INVALID);
    CHECK(problems.count == 1 && !problems.more && strncmp(problems.items[0].sentence, "line", 4) != 0);
}

/* ---- hostile ones ---- */

static uint64_t
milliseconds_of(const char *regex, unsigned times, aip_status wanted)
{
    TEXT_AUTO text_buffer text = {0};
    policy *p = NULL;
    text_append_string(&text, OWN_HEAD "  tool_rules:\n    - tool: a\n      allow_args:\n");
    for (unsigned i = 0; i < times; i++) {
        text_append_format(&text, "        a%u: '%s'\n", i, regex);
    }
    uint64_t begun = clock_monotonic_microseconds();
    CHECK_STATUS(policy_load(text_view(&text), NULL, &p, NULL), wanted);
    policy_free(&p);
    return (clock_monotonic_microseconds() - begun) / 1000;
}

/* In Hyperscan each of these takes from seconds to minutes. Bounds are generous: the machine may be busy. */
static void
patterns_that_take_long_to_compile_are_compiled_otherwise(void)
{
    static const char *const slow[] = {"\\pL{100}",        "(\\pL{30}){30}",      "\\p{L}{200}\\p{L}{200}",
                                       "(\\pL|[^b]){500}", "\\w{1000}x\\w{1000}", ".{1000}"};
    char text[1000] = "\\pL";
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        CHECK(milliseconds_of(slow[i], 1, AIP_OK) < 3000);
    }
    for (size_t i = 0; i < 248; i++) {
        strcat(text, "|\\pL");
    }
    CHECK(milliseconds_of(text, 1, AIP_OK) < 3000);
}

static void
slow_patterns_still_bind(void)
{
    subject s;
    if (subject_open(&s, "  tool_rules: [{tool: t, allow_args: {x: '^\\pL{2,40}$'}}]\n")) {
        CHECK_CALL(&s, "t", "{\"x\":\"\xC3\xA9t\xC3\xA9\"}", "ALLOW", AIP_OK);
        CHECK_CALL(&s, "t", "{\"x\":\"x\"}", "BLOCK", AIP_POLICY_ARGUMENT);
        CHECK_CALL(&s, "t", "{\"x\":\"ab1\"}", "BLOCK", AIP_POLICY_ARGUMENT);
        subject_close(&s);
    }
}

static void
policies_that_take_long_to_compile_are_refused_before(void)
{
    CHECK(milliseconds_of("a", 40000, AIP_CONFIG_INVALID) < 3000);
    CHECK(milliseconds_of("^[a-z]{1,500}$", 5000, AIP_CONFIG_INVALID) < 3000);
    CHECK(milliseconds_of("(.{1,10}){100}", 5000, AIP_CONFIG_INVALID) < 3000);
    CHECK(milliseconds_of("\\pL{1000}", 5000, AIP_CONFIG_INVALID) < 3000);
    CHECK(milliseconds_of("(a?b?c?d?){20}", 5000, AIP_CONFIG_INVALID) < 3000);
    policy_problems problems;
    CHECK_STATUS(load_all(OWN_HEAD "  dlp: {patterns: [{name: a, regex: '\\pL{50}'}]}\n", &problems),
                 AIP_CONFIG_INVALID);
    CHECK(strstr(problems.items[0].sentence, "too long to compile") != NULL);
}

static void
hostile_documents_are_refused_within_bounds(void)
{
    static const char *const pieces[] = {"[",    "{a: ",    "- ",     "? ",  "&a ", "'",
                                         "\"\\", "a: |\n ", "!!map ", "*a ", "<<: "};
    policy_problems problems;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        TEXT_AUTO text_buffer text = {0};
        text_append_string(&text, OWN_HEAD "  allowed_tools: ");
        while (text.size < 500000) {
            text_append_string(&text, pieces[i]);
        }
        text_append(&text, AIP_BYTES_LITERAL("\0"));
        uint64_t begun = clock_monotonic_microseconds();
        CHECK(load_all(text.data, &problems) != AIP_OK);
        CHECK(clock_monotonic_microseconds() - begun < 5000000);
    }
}

/* ---- hashes and signatures ---- */

static bool
says_signed(const policy *p)
{
    TEXT_AUTO text_buffer said = {0};
    CHECK_STATUS(policy_explain(p, &said, NULL), AIP_OK);
    return memmem(said.data, said.size, ", signed\n", 9) != NULL;
}

static void
hashes_are_of_the_document_and_of_the_file(void)
{
    const char *text = "{\"apiVersion\":\"aip-gateway/v1\",\"kind\":\"AgentPolicy\",\"metadata\":{\"name\":\"t\"},"
                       "\"spec\":{\"allowed_tools\":[\"b\",\"a\"]}}";
    const char *same = "# the same\nkind: AgentPolicy\nspec:\n  allowed_tools: [b, a]\nmetadata: {name: t}\n"
                       "apiVersion: aip-gateway/v1\n";
    policy *p = NULL, *other = NULL;
    CHECK_STATUS(policy_load(aip_bytes_of(text), NULL, &p, NULL), AIP_OK);
    CHECK_STATUS(policy_load(aip_bytes_of(same), NULL, &other, NULL), AIP_OK);
    CHECK_TEXT(
        policy_hash(p),
        "f790867c6da64cd17be604cb83a212ed727e381c1f1b6bdbc17c3e51439c1662"); /* the text is its own canonical form */
    CHECK_TEXT(policy_file_sha256(p), policy_hash(p));
    CHECK_TEXT(policy_hash(other), policy_hash(p));
    CHECK(strcmp(policy_file_sha256(other), policy_hash(p)) != 0 && !says_signed(p));
    policy_free(&p);
    policy_free(&other);
}

#define SIGNED \
    "{\"apiVersion\":\"aip.io/v1alpha2\",\"kind\":\"AgentPolicy\",\"metadata\":{\"name\":\"t\"%s%s%s},\"spec\":{%s}}"

static aip_status
load_signed(const char *signature, const char *spec, const aip_public_key *key)
{
    const policy_origin origin = {.keys = key, .key_count = key == NULL ? 0 : 1};
    policy *p = NULL;
    char text[512];
    snprintf(text, sizeof text, SIGNED, ",\"signature\":\"", signature, "\"", spec);
    aip_status status = policy_load(aip_bytes_of(text), &origin, &p, NULL);
    CHECK(p == NULL || says_signed(p));
    policy_free(&p);
    return status;
}

static void
a_signature_is_that_of_a_configured_key(void)
{
    aip_secret_key *key = NULL, *stranger = NULL;
    unsigned char signature[AIP_SIGNATURE_BYTES];
    char text[512], written[128] = "ed25519:";
    CHECK_STATUS(aip_secret_key_from_seed((const unsigned char[AIP_SEED_BYTES]){1}, &key, NULL), AIP_OK);
    CHECK_STATUS(aip_secret_key_from_seed((const unsigned char[AIP_SEED_BYTES]){2}, &stranger, NULL), AIP_OK);
    snprintf(text, sizeof text, SIGNED, "", "", "", "\"mode\":\"enforce\"");
    aip_sign(key, aip_bytes_of(text), signature);
    base64_encode((aip_bytes){signature, sizeof signature}, written + strlen(written));
    const aip_public_key *known = aip_secret_key_public(key);
    CHECK_STATUS(load_signed(written, "\"mode\":\"enforce\"", known), AIP_OK);
    CHECK_STATUS(load_signed(written, "\"mode\":\"monitor\"", known), AIP_POLICY_SIGNATURE);
    CHECK_STATUS(load_signed(written, "\"mode\":\"enforce\"", NULL), AIP_POLICY_SIGNATURE);
    CHECK_STATUS(load_signed(written, "\"mode\":\"enforce\"", aip_secret_key_public(stranger)), AIP_POLICY_SIGNATURE);
    CHECK_STATUS(load_signed(written + 1, "\"mode\":\"enforce\"", known), AIP_POLICY_SIGNATURE);
    CHECK_STATUS(load_signed("", "\"mode\":\"enforce\"", known), AIP_POLICY_SIGNATURE);
    CHECK_STATUS(load_signed("rsa:AAAA", "\"mode\":\"enforce\"", known), AIP_POLICY_SIGNATURE);
    written[strlen(written) - 1] = '\0'; /* not canonical */
    CHECK_STATUS(load_signed(written, "\"mode\":\"enforce\"", known), AIP_POLICY_SIGNATURE);
    aip_secret_key_free(&key);
    aip_secret_key_free(&stranger);
}

/* ---- the schema for editors ---- */

static const json_t *
follow(const json_t *schema, const json_t *node)
{
    const char *to = json_string_value(json_object_get(node, "$ref"));
    return to == NULL ? node : json_object_get(json_object_get(schema, "$defs"), to + strlen("#/$defs/"));
}

/* The mapping that a key's value is, or whose alternatives or items have one; NULL: none. */
static const json_t *
mapping_of(const json_t *schema, const json_t *node)
{
    node = follow(schema, node);
    if (json_object_get(node, "properties") != NULL) {
        return node;
    }
    const json_t *any = json_object_get(node, "anyOf"), *items = json_object_get(node, "items");
    for (size_t i = 0; i < json_array_size(any); i++) {
        const json_t *found = mapping_of(schema, json_array_get(any, i));
        if (found != NULL) {
            return found;
        }
    }
    if (json_is_object(items)) {
        return mapping_of(schema, items);
    }
    const json_t *others = json_object_get(node, "additionalProperties");
    return json_is_object(others) ? mapping_of(schema, others) : NULL;
}

static void check_keys(const json_t *schema, const json_t *node, const load_key *keys, bool own);

static void
check_key(const json_t *schema, const json_t *properties, const load_key *key, bool own)
{
    const json_t *node = json_object_get(properties, key->name);
    if (node == NULL || (key->kind == KEY_RESERVED) != json_is_false(node)) {
        printf("  %s: not as in the loader\n", key->name);
        CHECK(false);
        return;
    }
    if (key->keys != NULL) {
        check_keys(schema, mapping_of(schema, node), key->keys, own);
    }
}

static void
check_keys(const json_t *schema, const json_t *node, const load_key *keys, bool own)
{
    const json_t *properties = json_object_get(node, "properties");
    size_t count = 0;
    CHECK(json_is_false(json_object_get(node, "additionalProperties")));
    for (; keys->name != NULL; keys++) {
        if (keys->home == KEY_ANYWHERE || (keys->home == KEY_OWN) == own) {
            count++;
            check_key(schema, properties, keys, own);
        }
    }
    if (count != json_object_size(properties)) { /* as many, and all of ours: the same */
        printf("  beside %s: a key that the loader has not\n",
               json_object_iter_key(json_object_iter((json_t *)(uintptr_t)properties)));
        CHECK(false);
    }
}

static const load_key *
find_key(const load_key *keys, const char *name)
{
    while (strcmp(keys->name, name) != 0) {
        keys++;
    }
    return keys;
}

static void
the_schema_for_editors_has_the_loaders_keys(void)
{
    STRING_AUTO char *text = NULL;
    JSON_AUTO json_t *schema = NULL;
    size_t size = 0;
    CHECK_STATUS(text_load_file("spec/policy.schema.json", AIP_CONFIG_BYTES_MAX, &text, &size, NULL), AIP_OK);
    CHECK_STATUS(json_load_strict((aip_bytes){(unsigned char *)text, size}, AIP_CONFIG_BYTES_MAX, &schema, NULL),
                 AIP_OK);
    if (schema == NULL) {
        return;
    }
    const json_t *root = json_object_get(schema, "properties"), *defs = json_object_get(schema, "$defs");
    CHECK(json_object_size(root) == 4 && json_is_false(json_object_get(schema, "additionalProperties")));
    check_keys(schema, json_object_get(root, "metadata"), find_key(load_root_keys, "metadata")->keys, true);
    check_keys(schema, json_object_get(defs, "spec"), find_key(load_root_keys, "spec")->keys, true);
    check_keys(schema, json_object_get(defs, "peer_spec"), find_key(load_root_keys, "spec")->keys, false);
}

RUN(TEST(all_errors_are_told_at_once_by_place), TEST(keys_of_another_version_are_named_as_such),
    TEST(values_of_our_own_keys_are_checked), TEST(problems_without_end_are_cut_off),
    TEST(thousands_of_tools_are_not_compared_with_each_other),
    TEST(patterns_that_take_long_to_compile_are_compiled_otherwise), TEST(slow_patterns_still_bind),
    TEST(policies_that_take_long_to_compile_are_refused_before), TEST(hostile_documents_are_refused_within_bounds),
    TEST(hashes_are_of_the_document_and_of_the_file), TEST(a_signature_is_that_of_a_configured_key),
    TEST(the_schema_for_editors_has_the_loaders_keys))
