/* E-80: what gateway.yaml says of agents and APIs, and what it says of nothing else. */
#include "tests/unit/config_subject.h"

#define TRUST "trust: [{root: z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd}]\n"
#define ENTRY(more) TRUST "upstreams:\n  - {name: a, url: 'https://a.example/rpc'" more "}\n"

static void
an_agent_has_its_own_keys(void)
{
    CHECK_STATUS(
        load(ENTRY(", protocol: a2a, rest_url: 'https://a.example/rest', card_url: 'https://b.example/card.json', "
                   "card: verbatim, did: 'did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd', "
                   "notify_hosts: [hooks.example, '*.example.org', 'x.example:8443']")),
        AIP_OK);
    const config_upstream *up = &config.upstreams[0];
    CHECK(config.upstream_count == 1 && up->notify_host_count == 3);
    CHECK_TEXT(up->rest_url, "https://a.example/rest");
    CHECK_TEXT(up->card_url, "https://b.example/card.json");
    CHECK_TEXT(up->card, "verbatim");
    CHECK_TEXT(up->notify_hosts[1], "*.example.org");
    CHECK_STATUS(load(ENTRY(", protocol: http")), AIP_OK);
    CHECK_STATUS(load(ENTRY("")), AIP_OK);
    config_clear(&config);
}

static void
what_is_no_agents_or_not_right_is_refused(void)
{
    static const char *const rows[] = {
        ENTRY(", rest_url: 'https://a.example/rest'"),
        ENTRY(", protocol: mcp, card: verbatim"),
        ENTRY(", protocol: http, notify_hosts: [hooks.example]"),
        ENTRY(", protocol: http, did: 'did:aip:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd'"),
        ENTRY(", protocol: a2a, card: signed"),
        ENTRY(", protocol: a2a, did: nobody"),
        ENTRY(", protocol: a2a, rest_url: 'ftp://a.example/'"),
        ENTRY(", protocol: a2a, card_url: '/card.json'"),
        ENTRY(", protocol: a2a, notify_hosts: ['*']"),
        ENTRY(", protocol: a2a, notify_hosts: ['https://a.example']"),
        ENTRY(", protocol: a2a, notify_hosts: [Hooks.example]"),
        ENTRY(", protocol: A2A"),
        ENTRY(", protocol: grpc"),
        TRUST "upstreams:\n  - {name: a, command: [x], protocol: a2a}\n",
        TRUST "upstreams:\n  - {name: a, command: [x], protocol: http}\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        aip_status status = load(rows[i]);
        if (status != AIP_CONFIG_INVALID) {
            printf("  row %zu\n", i);
        }
        CHECK_STATUS(status, AIP_CONFIG_INVALID);
    }
    config_clear(&config);
}

RUN(TEST(an_agent_has_its_own_keys), TEST(what_is_no_agents_or_not_right_is_refused))
