/* gateway.yaml: what is taken from it, and every kind of error with its place. */
#include "tests/unit/config_subject.h"

#include <stdlib.h>

#define KEY "z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"
#define ROOT "did:key:" KEY

static const config_value *
value_of(const char *path)
{
    for (size_t i = 0; i < config_row_count; i++) {
        if (strcmp(config_rows[i].path, path) == 0) {
            return &config.values[i];
        }
    }
    return NULL;
}

static void
every_row_takes_its_value(void)
{
    CHECK_STATUS(load("listen:\n  host: 127.0.0.1\n  port: 8443\nupstream:\n  url: http://127.0.0.1:9000/mcp\n"
                      "audit: {file: a.jsonl}\nlimits:\n  body: 1048576\n  timeout: 2m\n"
                      "identity:\n  max_staleness: 3600\n  allow_addresses: [10.0.0.0/8]\n"
                      "  sources:\n    - https://logs.example.org\n  resolve_hosts: ['*.example.org']\n"
                      "audiences:\n- a\n- b\norigins: []\n"),
                 AIP_OK);
    CHECK(problems.count == 0 && !problems.more);
    CHECK_TEXT(value_of("listen.host")->text, "127.0.0.1");
    CHECK(value_of("listen.port")->given && value_of("listen.port")->number == 8443);
    CHECK_TEXT(value_of("listen.port")->text, "8443");
    CHECK(value_of("limits.timeout")->number == 120);
    CHECK_TEXT(value_of("identity.max_staleness")->text, "3600");
    CHECK(value_of("audiences")->count == 2 && strcmp(value_of("audiences")->items[1], "b") == 0);
    CHECK(value_of("origins")->given && value_of("origins")->count == 0);
    CHECK(!value_of("hosts")->given && !value_of("limits.token")->given);
    config_clear(&config);
}

static void
defaults_lie_in_the_range_of_their_row(void)
{
    for (size_t i = 0; i < config_row_count; i++) {
        const config_row *row = &config_rows[i];
        if (row->initial != NULL && row->kind == CONFIG_NUMBER) {
            CHECK_STATUS(config_check_number(row, strtoull(row->initial, NULL, 10), NULL), AIP_OK);
            CHECK_STATUS(config_check_number(row, row->most + 1, NULL), AIP_USAGE);
        }
        uint64_t limit = strcmp(row->path, "limits.body") == 0    ? AIP_BODY_BYTES_DEFAULT
                         : strcmp(row->path, "limits.token") == 0 ? AIP_TOKEN_BYTES_DEFAULT
                                                                  : 0;
        CHECK(limit == 0 || strtoull(row->initial, NULL, 10) == limit);
    }
}

static void
roots_are_taken_with_their_ceilings(void)
{
    CHECK_STATUS(load("trust:\n  - did:web:*.example.org\n  - root: " ROOT "\n    scope: [tool:read.*, 'tool:x']\n"
                      "    budget_usd: 0.10\n    max_depth: 0\n    ttl: 1h\n    bearer: true\n"
                      "    requests_per_minute: 60\n  - root: did:web:example.com\n"),
                 AIP_OK);
    CHECK(config.trust.count == 3 && config.trust.unknown == NULL);
    CHECK(config.trust.roots[0].pattern && config.trust.roots[0].ceiling == NULL);
    CHECK(config.trust.roots[2].ceiling == NULL);
    const aip_ceiling *c = config.trust.roots[1].ceiling;
    CHECK(c != NULL && c->scope_count == 2 && c->has_budget && c->budget_micro_usd == 100000);
    CHECK(c != NULL && c->has_max_depth && c->max_depth == 0 && c->ttl_seconds == 3600 && c->bearer);
    CHECK(c != NULL && c->requests_per_minute == 60 && c->name == NULL && strcmp(c->scope[1], "tool:x") == 0);
    config_clear(&config);
}

static void
strangers_get_a_profile_only_where_one_is_written(void)
{
    CHECK_STATUS(load("unknown: deny\n"), AIP_OK);
    CHECK(config.trust.unknown == NULL);
    CHECK_STATUS(load("{}\n"), AIP_OK);
    CHECK(config.trust.unknown == NULL);
    CHECK_STATUS(load("unknown:\n  name: guest\n  scope: [tool:echo]\n  budget_usd: 1\n  requests_per_minute: 5\n"),
                 AIP_OK);
    const aip_ceiling *c = config.trust.unknown;
    CHECK(c != NULL && !c->bearer && c->budget_micro_usd == 1000000 && c->requests_per_minute == 5);
    CHECK_TEXT(c == NULL ? NULL : c->name, "guest");
    config_clear(&config);
}

/* 0.1 as a double is not 0.1. */
static void
amounts_are_read_from_their_text(void)
{
    static const struct {
        const char *text;
        uint64_t micro_usd;
    } good[] = {{"0", 0}, {"0.000001", 1}, {"0.1", 100000}, {"9999999999.999999", UINT64_C(9999999999999999)}};
    static const char *const bad[] = {"0.0000001", "-1", "10000000000", "1.5e+3"};
    char text[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(text, sizeof text, "trust: [{root: '" ROOT "', budget_usd: %s}]\n", good[i].text);
        CHECK_STATUS(load(text), AIP_OK);
        CHECK(config.trust.count == 1 && config.trust.roots[0].ceiling->budget_micro_usd == good[i].micro_usd);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "trust:\n  - root: " ROOT "\n    budget_usd: %s\n", bad[i]);
        check_problem(text, 3, 17, "an amount in USD");
    }
    check_problem("trust:\n  - root: " ROOT "\n    budget_usd: '1'\n", 3, 17, "without quotes");
}

static void
unknown_keys_are_refused_with_the_nearest_known_one(void)
{
    check_problem("listen:\n  prot: 80\n", 2, 3, "did you mean port?");
    check_problem("trusted: []\n", 1, 1, "did you mean trust?");
    check_problem("port: 80\n", 1, 1, "did you mean listen.port?");
    check_problem("listen: {zzz: x}\n", 1, 10, "zzz: no such key here");
    check_problem("proof: required\n", 1, 1, "no such key here");
    check_problem("\"listen.port\": 80\nlisten: {port: 1}\nzzz: 1\n", 3, 1, "zzz");
    check_problem("trust:\n  - root: " ROOT "\n    budget: 1\n", 3, 5, "did you mean budget_usd?");
}

static void
wrong_types_are_refused_with_what_belongs_there(void)
{
    check_problem("listen: 80\n", 1, 9, "a mapping belongs here");
    check_problem("listen:\n  port: '80'\n", 2, 9, "without quotes");
    check_problem("listen:\n  port: 80.5\n", 2, 9, "a whole number belongs here");
    check_problem("listen:\n  port:\n", 2, 8, "this is nothing");
    check_problem("listen:\n  host: 1\n", 2, 9, "put it in quotes");
    check_problem("listen:\n  host: ''\n", 2, 9, "an empty text");
    check_problem("audiences: a\n", 1, 12, "after a dash");
    check_problem("audiences: [1]\n", 1, 13, "item 1: a text belongs here");
    check_problem("audiences: [a, b, a]\n", 1, 19, "stands in the list already");
    check_problem("limits: {timeout: true}\n", 1, 19, "a duration such as");
    check_problem("trust: did:web:example.com\n", 1, 8, "a list belongs here");
    check_problem("unknown: allow\n", 1, 10, "deny, or a profile");
    check_problem("- a\n", 1, 1, "keys belong here");
    check_problem("trust: [{root: '" ROOT "', bearer: 'true'}]\n", 1, 84, "true or false belongs here");
}

static void
values_out_of_range_are_refused(void)
{
    check_problem("listen: {port: 65536}\n", 1, 16, "not from 0 to 65535");
    check_problem("listen: {port: -1}\n", 1, 16, "not from 0 to 65535");
    check_problem("limits: {token: 16385}\n", 1, 17, "not from 1 to 16384");
    check_problem("limits: {timeout: 0s}\n", 1, 19, "a duration is");
    check_problem("limits: {timeout: 2d}\n", 1, 19, "not from 1 to 86400 seconds");
    check_problem("limits: {timeout: 1w}\n", 1, 19, "a duration is");
    check_problem("listen: {host: example.com}\n", 1, 16, "numeric address");
    check_problem("upstream: {url: 'ftp://x/'}\n", 1, 17, "url: ");
    check_problem("identity: {allow_addresses: [10.0.0.0/33]}\n", 1, 30, "item 1: ");
    check_problem("identity: {sources: ['http://x.example']}\n", 1, 22, "item 1: ");
    check_problem("identity: {resolve_hosts: ['*.*.example']}\n", 1, 28, "item 1: ");
}

static void
trust_that_would_not_mean_what_it_says_is_refused(void)
{
    check_problem("trust: ['did:web:']\n", 1, 9, "item 1: ");
    check_problem("trust: ['zzz']\n", 1, 9, "item 1: ");
    check_problem("trust:\n  - scope: [tool:x]\n", 2, 5, "root is missing");
    check_problem("trust:\n  - root: " ROOT "\n    scope: []\n", 3, 12, "would grant nothing");
    check_problem("trust:\n  - root: " ROOT "\n    scope: [tool:x, 'too*l']\n", 3, 21, "kind:name");
    check_problem("trust:\n  - root: " ROOT "\n    max_depth: 16\n", 3, 16, "not from 0 to 15");
    check_problem("trust:\n  - root: " ROOT "\n    requests_per_minute: 0\n", 3, 26, "not from 1");
    check_problem("trust:\n  - " ROOT "\n  - root: " ROOT "\n", 3, 11, "stands above already");
    check_problem("unknown: {name: guest}\n", 1, 10, "scope is missing");
    check_problem("unknown: {scope: [tool:x]}\n", 1, 10, "name is missing");
    check_problem("unknown: {name: guest, scope: []}\n", 1, 31, "would grant nothing");
    check_problem("unknown: {root: '" ROOT "', name: guest, scope: [tool:x]}\n", 1, 11, "root: no such key");
    CHECK_STATUS(load("trust:\n  - root: " ROOT "\n    scope: []\nunknown: {name: g, scope: 1}\n"), AIP_CONFIG_INVALID);
    CHECK(config.trust.unknown == NULL && problems.count == 2);
    config_clear(&config);
}

static void
all_errors_of_a_file_are_told_at_once_and_in_order(void)
{
    CHECK_STATUS(load("listen: {port: x, hots: z}\nunknown: 1\naudiences: [1, 2]\ntrust: [a]\n"), AIP_CONFIG_INVALID);
    CHECK(problems.count == 6 && !problems.more);
    for (size_t i = 1; i < problems.count; i++) {
        CHECK(problems.items[i].place.line >= problems.items[i - 1].place.line);
    }
    char text[4096] = "audiences:\n";
    for (size_t i = 0; i < 60; i++) {
        strcat(text, "- 1\n");
    }
    CHECK_STATUS(load(text), AIP_CONFIG_INVALID);
    CHECK(problems.count == CONFIG_PROBLEMS_MAX && problems.more);
    config_clear(&config);
}

static void
a_text_that_is_no_yaml_is_one_error_with_its_place(void)
{
    check_problem("listen: {port: 1\n", 2, 1, "");
    check_problem("a: &x 1\n", 1, 4, "anchors");
    check_problem("listen:\n  port: 1\n  port: 2\n", 3, 3, "this key stands above already");
    check_problem("", 1, 1, "nothing stands here");
    CHECK_STATUS(load("listen:\n  - \xff\n"), AIP_CONFIG_INVALID);
    CHECK(problems.count == 1 && problems.items[0].place.line == 2 && problems.items[0].place.column == 5);
    config_clear(&config);
}

RUN(TEST(every_row_takes_its_value), TEST(defaults_lie_in_the_range_of_their_row),
    TEST(roots_are_taken_with_their_ceilings), TEST(strangers_get_a_profile_only_where_one_is_written),
    TEST(amounts_are_read_from_their_text), TEST(unknown_keys_are_refused_with_the_nearest_known_one),
    TEST(wrong_types_are_refused_with_what_belongs_there), TEST(values_out_of_range_are_refused),
    TEST(trust_that_would_not_mean_what_it_says_is_refused), TEST(all_errors_of_a_file_are_told_at_once_and_in_order),
    TEST(a_text_that_is_no_yaml_is_one_error_with_its_place))
