/* What the configuration says of the side that callers see. */
#include "gateway/front.h"

#include "check.h"

static aip_status
read(const char *text, gateway_config *config, front_settings *out)
{
    static config_problems problems;
    aip_status status = config_load(aip_bytes_of(text), config, &problems, NULL);
    return status == AIP_OK ? front_read(config, out, NULL) : status;
}

static void
defaults_hold_without_a_file(void)
{
    gateway_config config = {0};
    front_settings front;
    CHECK_STATUS(front_read(&config, &front, NULL), AIP_OK);
    CHECK(front.tls_key == NULL && front.resource == NULL && front.proxies.count == 0);
    CHECK(front.connections == 4096 && front.requests_per_root == 2048 && front.failures_per_minute == 3000);
    CHECK(front.head_seconds == 15 && front.idle_seconds == 75 && front.drain_seconds == 10);
    CHECK(front.session_seconds == 7 * 86400);
    CHECK_TEXT(front.metrics_path, "/metrics");
    CHECK(front.metrics_readers.count == 2 && !front.log_json && front.log_level == FRONT_LOG_INFO);
    front_clear(&front);
}

static void
a_file_says_otherwise(void)
{
    gateway_config config;
    front_settings front = {0};
    CHECK_STATUS(read("listen:\n  trusted_proxies: [10.0.0.0/8, \"fd00::/8\"]\n  tls:\n    cert_file: c\n"
                      "    key_file: k\nlimits:\n  connections: 100\n  drain: 1s\n  head: 2m\n"
                      "oauth:\n  resource: https://g.example/\n  authorization_servers: [https://a.example]\n"
                      "metrics:\n  allow: []\n  path: /m\nlog:\n  format: json\n  level: error\n",
                      &config, &front),
                 AIP_OK);
    CHECK(front.proxies.count == 2 && front.connections == 100 && front.drain_seconds == 1);
    CHECK(front.head_seconds == 120 && front.log_json && front.log_level == FRONT_LOG_ERROR);
    CHECK(front.metrics_readers.count == 0);
    CHECK_TEXT(front.tls_certificate, "c");
    CHECK_TEXT(front.metrics_path, "/m");
    CHECK_TEXT(front_resource_path(&front), "");
    CHECK(aip_bytes_equal(front_resource_origin(&front), AIP_BYTES_LITERAL("https://g.example")));
    front_clear(&front);
    config_clear(&config);
}

static void
halves_and_wrong_values_are_refused(void)
{
    static const char *const bad[] = {
        "listen:\n  tls:\n    cert_file: c\n",
        "listen:\n  tls:\n    key_file: k\n",
        "listen:\n  tls:\n    client_ca: c\n",
        "listen:\n  trusted_proxies: [10.0.0.1/8]\n",
        "listen:\n  trusted_proxies: [proxy.example]\n",
        "limits:\n  connections: 1\n",
        "limits:\n  head: 0s\n",
        "oauth:\n  resource: https://g.example\n",
        "oauth:\n  authorization_servers: [https://a.example]\n",
        "metrics:\n  path: metrics\n",
        "metrics:\n  path: /a?b\n",
        "metrics:\n  path: /\n",
        "log:\n  format: xml\n",
        "log:\n  level: debug\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        gateway_config config;
        front_settings front = {0};
        if (read(bad[i], &config, &front) != AIP_CONFIG_INVALID) {
            printf("  taken: %s\n", bad[i]);
            CHECK(false);
        }
        front_clear(&front);
        config_clear(&config);
    }
}

static void
a_resource_is_https_without_what_could_be_read_in_two_ways(void)
{
    static const char *const good[] = {"https://g.example", "https://g.example:8443/mcp", "http://127.0.0.1:1/mcp"};
    static const char *const bad[] = {"",
                                      "g.example",
                                      "http://g.example",
                                      "https://",
                                      "https:///mcp",
                                      "https://g.example/#a",
                                      "https://g.example/?a",
                                      "https://user@g.example/",
                                      "https://g.example/\"",
                                      "https://g.example/ a",
                                      "https://g.example/\x7f"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_STATUS(front_check_resource(good[i], NULL), AIP_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(front_check_resource(bad[i], NULL), AIP_CONFIG_INVALID);
    }
}

RUN(TEST(defaults_hold_without_a_file), TEST(a_file_says_otherwise), TEST(halves_and_wrong_values_are_refused),
    TEST(a_resource_is_https_without_what_could_be_read_in_two_ways))
