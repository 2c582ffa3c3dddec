/* `upstreams:` of gateway.yaml: what is taken, and each way to be wrong with its place. */
#include "tests/unit/config_subject.h"

static void
every_member_is_taken(void)
{
    CHECK_STATUS(
        load("upstreams:\n"
             "  - name: notes\n    url: https://notes.example/mcp\n    path: /n\n    protocol: mcp\n"
             "    policy: p.yaml\n    headers: {Authorization: {file: s, prefix: 'Bearer '}, X-Key: {file: k}}\n"
             "    tls: {ca_file: ca, cert_file: c, key_file: k, server_name: inner.example}\n"
             "    timeout: 2m\n    connect_timeout: 3\n    keep_alive: 10s\n    max_connections: 7\n"
             "  - {name: local, command: [run, '', --fast], environment: [HOME, LANG]}\n"),
        AIP_OK);
    CHECK(config.upstream_count == 2);
    const config_upstream *a = &config.upstreams[0], *b = &config.upstreams[1];
    CHECK_TEXT(a->name, "notes");
    CHECK_TEXT(a->url, "https://notes.example/mcp");
    CHECK_TEXT(a->path, "/n");
    CHECK_TEXT(a->policy, "p.yaml");
    CHECK(a->header_count == 2 && strcmp(a->headers[0].name, "Authorization") == 0);
    CHECK_TEXT(a->headers[0].prefix, "Bearer ");
    CHECK_TEXT(a->headers[1].prefix, "");
    CHECK_TEXT(a->headers[1].file, "k");
    CHECK_TEXT(a->ca_file, "ca");
    CHECK_TEXT(a->server_name, "inner.example");
    CHECK(a->timeout_seconds == 120 && a->connect_seconds == 3 && a->keep_alive_seconds == 10);
    CHECK(a->connections_max == 7 && a->command == NULL);
    CHECK(b->url == NULL && b->timeout_seconds == 0);
    CHECK_TEXT(b->command[0], "run");
    CHECK_TEXT(b->command[1], "");
    CHECK_TEXT(b->command[2], "--fast");
    CHECK(b->command[3] == NULL && b->pass[2] == NULL);
    CHECK_TEXT(b->pass[1], "LANG");
    config_clear(&config);
}

static void
entries_that_are_not_whole_are_refused(void)
{
    check_problem("upstreams: {}\n", 1, 12, "a list of 1 to 64");
    check_problem("upstreams: []\n", 1, 12, "a list of 1 to 64");
    check_problem("upstreams: [a]\n", 1, 13, "a mapping with name and url");
    check_problem("upstreams: [{url: 'http://a/'}]\n", 1, 13, "name is missing");
    check_problem("upstreams: [{name: a}]\n", 1, 13, "either url or command");
    check_problem("upstreams: [{name: a, url: 'http://a/', command: [x]}]\n", 1, 13, "either url or command");
    check_problem("upstream: {url: 'http://a/'}\nupstreams: [{name: a, url: 'http://a/'}]\n", 2, 1, "one of the two");
    check_problem("upstreams: [{name: a, url: 'http://a/', timeot: 1s}]\n", 1, 41, "did you mean timeout?");
}

static void
names_and_paths_that_mean_nothing_are_refused(void)
{
    check_problem("upstreams: [{name: A, url: 'http://a/'}]\n", 1, 20, "a name is of a-z");
    check_problem("upstreams: [{name: a__b, url: 'http://a/'}]\n", 1, 20, "a name is of a-z");
    check_problem("upstreams: [{name: -a, url: 'http://a/'}]\n", 1, 20, "a name is of a-z");
    check_problem("upstreams: [{name: a, url: 'file:///a'}]\n", 1, 28, "an http or https URL");
    check_problem("upstreams: [{name: a, url: 'http://u:p@a/'}]\n", 1, 28, "without user");
    check_problem("upstreams: [{name: a, url: 'http://a/', path: a}]\n", 1, 47, "a path begins with /");
    check_problem("upstreams: [{name: a, url: 'http://a/', path: /a/../b}]\n", 1, 47, "a path begins with /");
    check_problem("upstreams: [{name: a, url: 'http://a/', path: '/a?b'}]\n", 1, 47, "a path begins with /");
    check_problem("upstreams: [{name: a, url: 'http://a/', path: /healthz}]\n", 1, 47, "the gateway itself answers");
    check_problem("upstreams: [{name: a, url: 'http://a/', path: /aip/v1/x}]\n", 1, 47, "the gateway itself answers");
    check_problem("upstreams: [{name: a, url: 'http://a/', protocol: soap}]\n", 1, 51, "no such protocol");
    check_problem("upstreams: [{name: a, url: 'http://a/'}, {name: a, url: 'http://b/'}]\n", 1, 42, "of this name");
    check_problem("upstreams: [{name: a, path: /x, url: 'http://a/'}, {name: b, path: /x, url: 'http://b/'}]\n", 1, 52,
                  "at this path");
}

static void
secrets_stand_in_files_and_tls_belongs_to_https(void)
{
    check_problem("upstreams: [{name: a, url: 'http://a/', headers: {Authorization: Bearer x}}]\n", 1, 66,
                  "in a file of its own");
    check_problem("upstreams: [{name: a, url: 'http://a/', headers: {Authorization: {prefix: x}}}]\n", 1, 66,
                  "file is missing");
    check_problem("upstreams: [{name: a, url: 'http://a/', headers: {Host: {file: x}}}]\n", 1, 51, "cannot be set");
    check_problem("upstreams: [{name: a, url: 'http://a/', headers: {x-aip-root: {file: x}}}]\n", 1, 51,
                  "cannot be set");
    check_problem("upstreams: [{name: a, url: 'http://a/', headers: {\"A B\": {file: x}}}]\n", 1, 51, "cannot be set");
    check_problem("upstreams: [{name: a, url: 'http://a/', headers: {K: {file: x}, k: {file: x}}}]\n", 1, 65,
                  "the same name");
    check_problem("upstreams: [{name: a, url: 'http://a/', tls: {ca_file: x}}]\n", 1, 13, "begins with https:");
    check_problem("upstreams: [{name: a, url: 'https://a/', tls: {cert_file: x}}]\n", 1, 47, "belong together");
    check_problem("upstreams: [{name: a, url: 'https://a/', tls: {server_name: 'a/b'}}]\n", 1, 61, "name of a host");
    check_problem("upstreams: [{name: a, command: [x], headers: {K: {file: x}}}]\n", 1, 13, "a command has neither");
    check_problem("upstreams: [{name: a, command: []}]\n", 1, 32, "the program and its arguments");
    check_problem("upstreams: [{name: a, command: [x], environment: [A=b]}]\n", 1, 51, "without its value");
    check_problem("upstreams: [{name: a, url: 'http://a/', environment: [A]}]\n", 1, 13, "of an upstream with command");
}

static void
limits_lie_in_their_range(void)
{
    check_problem("upstreams: [{name: a, url: 'http://a/', timeout: 0s}]\n", 1, 50, "timeout");
    check_problem("upstreams: [{name: a, url: 'http://a/', connect_timeout: 10m}]\n", 1, 58, "not from 1 to 300");
    check_problem("upstreams: [{name: a, url: 'http://a/', max_connections: 0}]\n", 1, 58, "not from 1");
    check_problem("upstreams: [{name: a, url: 'http://a/', max_connections: '5'}]\n", 1, 58, "without quotes");
    check_problem("policy: {shared_files: maybe}\n", 1, 24, "true or false");
    CHECK_STATUS(load("policy: {shared_files: true}\n"), AIP_OK);
    CHECK(config_value_of(&config, "policy.shared_files")->given);
    CHECK(config_value_of(&config, "policy.shared_files")->number == 1);
    config_clear(&config);
}

#define TWO "  - {name: a, url: 'http://a/'}\n  - {name: b, command: [x]}\n"

static void
groups_name_their_members_wherever_those_stand(void)
{
    CHECK_STATUS(load("upstreams:\n  - {name: all, path: /mcp, members: [a, b], timeout: 7s, name_bytes: 128}\n" TWO
                      "  - {name: '9', members: [b, a], max_connections: 3}\n"),
                 AIP_OK);
    const config_upstream *all = &config.upstreams[0], *last = &config.upstreams[3];
    CHECK(all->member_count == 2 && all->name_bytes == 128 && all->timeout_seconds == 7);
    CHECK_TEXT(all->members[0], "a");
    CHECK_TEXT(all->members[1], "b");
    CHECK_TEXT(last->members[0], "b");
    CHECK(last->name_bytes == 0 && last->connections_max == 3 && config.upstreams[1].members == NULL);
    config_clear(&config);
}

static void
groups_of_anything_but_servers_are_refused(void)
{
    check_problem("upstreams:\n" TWO "  - {name: g, members: a}\n", 4, 24, "a list of 2 to 16 names");
    check_problem("upstreams:\n" TWO "  - {name: g, members: []}\n", 4, 24, "a list of 2 to 16 names");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a]}\n", 4, 24, "a list of 2 to 16 names");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a,b,c,d,e,f,g,h,i,j,k,l,m,o,p,q,r]}\n", 4, 24,
                  "a list of 2 to 16 names");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, a]}\n", 4, 28, "stands in the list already");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, 2]}\n", 4, 28, "item 2");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, c]}\n", 4, 28, "members: item 2: no upstream");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [g, b]}\n", 4, 25, "item 1: is a group");
    check_problem("upstreams:\n  - {name: h, members: [a, g]}\n" TWO "  - {name: g, members: [a, b]}\n", 2, 28,
                  "item 2: is a group");
    check_problem("upstreams:\n" TWO
                  "  - {name: c, protocol: http, url: 'http://c/'}\n  - {name: g, members: [a, c]}\n",
                  5, 28, "does not speak mcp");
    check_problem("upstreams:\n" TWO "  - {name: 1c, url: 'http://c/'}\n  - {name: g, members: [1c, a]}\n", 5, 25,
                  "begins with a letter");
}

static void
what_is_said_of_servers_is_not_said_of_groups(void)
{
    static const char *const others[] = {"environment: [A]",        "protocol: mcp",         "policy: p.yaml",
                                         "headers: {K: {file: x}}", "tls: {ca_file: x}",     "connect_timeout: 1s",
                                         "keep_alive: 1s",          "rest_url: 'http://a/'", "card: rewritten"};
    char text[256];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(text, sizeof text, "upstreams:\n" TWO "  - {name: g, members: [a, b], %s}\n", others[i]);
        check_problem(text, 4, 32, "is not of a group");
    }
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, b], url: 'http://a/'}\n", 4, 5, "or members");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, b], command: [x]}\n", 4, 5, "or members");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, b], tmeout: 1s}\n", 4, 32, "did you mean timeout?");
    check_problem("upstreams: [{name: a, url: 'http://a/', name_bytes: 64}]\n", 1, 13, "of an upstream with members");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, b], name_bytes: 15}\n", 4, 44, "not from 16 to 128");
    check_problem("upstreams:\n" TWO "  - {name: g, members: [a, b], name_bytes: 129}\n", 4, 44, "not from 16 to 128");
}

RUN(TEST(every_member_is_taken), TEST(entries_that_are_not_whole_are_refused),
    TEST(names_and_paths_that_mean_nothing_are_refused), TEST(secrets_stand_in_files_and_tls_belongs_to_https),
    TEST(limits_lie_in_their_range), TEST(groups_name_their_members_wherever_those_stand),
    TEST(groups_of_anything_but_servers_are_refused), TEST(what_is_said_of_servers_is_not_said_of_groups))
