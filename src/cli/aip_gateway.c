/* aip-gateway: the enforcing gateway before one MCP server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/gateway_identity.h"
#include "cli/options.h"
#include "crypto/hash.h"
#include "gateway/serve.h"
#include "net/loop.h"
#include "net/upstream.h"

#define PROGRAM "aip-gateway"
#define USAGE_TEXT PROGRAM " --upstream URL --trust-key KEY [--port N] [options]"

enum { THREADS_MAX = 64, BODY_BYTES_CEILING = 1 << 30, TIMEOUT_SECONDS_DEFAULT = 60, TIMEOUT_SECONDS_MAX = 86400 };

static struct {
    const char *upstream, *host, *audit;
    uint64_t port, threads, max_body, max_token, timeout;
    option_list trust_keys, trust, audiences, origins, hosts;
    identity_options identity;
    bool require_proof, quiet;
} given;

static const option table[] = {
    {"--upstream", OPTION_TEXT, &given.upstream, "URL", "the MCP server behind the gateway"},
    {"--host", OPTION_TEXT, &given.host, "ADDRESS", "where to listen (127.0.0.1)"},
    {"--port", OPTION_UNSIGNED, &given.port, "N", "0 picks a free one (8080)"},
    {"--trust-key", OPTION_LIST, &given.trust_keys, "KEY", "key whose tokens are accepted, or name=key"},
    {"--trust", OPTION_LIST, &given.trust, "DID",
     "root whose tokens are accepted; documents of did:web roots are fetched"},
    {"--audience", OPTION_LIST, &given.audiences, "NAME", "a name of this gateway in the claim aud"},
    {"--require-proof", OPTION_FLAG, &given.require_proof, NULL, "refuse tokens presented as bearers"},
    {"--allow-origin", OPTION_LIST, &given.origins, "ORIGIN", "web origin that may send requests (none)"},
    {"--allow-host", OPTION_LIST, &given.hosts, "NAME", "further Host that is taken when listening on loopback"},
    {"--audit", OPTION_TEXT, &given.audit, "FILE", "decision log (aip-audit.jsonl)"},
    {"--threads", OPTION_UNSIGNED, &given.threads, "N", "shards (one per core)"},
    {"--max-body", OPTION_UNSIGNED, &given.max_body, "BYTES", "largest request and JSON reply (4194304)"},
    {"--max-token", OPTION_UNSIGNED, &given.max_token, "BYTES", "longest token (8192, at most 16384)"},
    {"--timeout", OPTION_UNSIGNED, &given.timeout, "SECONDS", "a JSON reply may stay silent so long (60)"},
    {"--key", OPTION_TEXT, &given.identity.key, "FILE", "the gateway's own key"},
    {"--passphrase-file", OPTION_TEXT, &given.identity.passphrase_file, "FILE", "its passphrase, in the first line"},
    {"--key-log", OPTION_TEXT, &given.identity.key_log, "FILE", "the key log of the gateway's own identity"},
    {"--public-url", OPTION_TEXT, &given.identity.public_url, "URL", "https://host[:port] that did.json is made for"},
    {"--key-source", OPTION_LIST, &given.identity.sources, "URL", "https://host[:port] that publishes key logs"},
    {"--resolve-host", OPTION_LIST, &given.identity.hosts, "PATTERN",
     "host, host:port or *.domain whose did:web and aip:web names may delegate"},
    {"--store", OPTION_TEXT, &given.identity.store, "FILE", "database (aip-gateway.db beside the decision log)"},
    {"--ca-file", OPTION_TEXT, &given.identity.ca_file, "FILE", "authorities for fetched documents (the system's)"},
    {"--allow-address", OPTION_LIST, &given.identity.allowed, "CIDR", "private range that fetched hosts may be in"},
    {"--max-staleness", OPTION_TEXT, &given.identity.max_staleness, "TIME",
     "how long an old answer serves when no new one is to be had (0s)"},
    {"--quiet", OPTION_FLAG, &given.quiet, NULL, "no line per request on stderr"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

static aip_status
check_ranges(aip_error *err)
{
    if (given.upstream == NULL) {
        return aip_fail(err, AIP_USAGE, "--upstream is required");
    }
    if (given.trust_keys.count + given.trust.count == 0) {
        return aip_fail(err, AIP_USAGE,
                        "at least one --trust-key or --trust is required: without one no token could be accepted");
    }
    if (given.trust_keys.count + given.trust.count > AIP_TRUST_ROOTS_MAX) {
        return aip_fail(err, AIP_USAGE, "more than %d trusted roots", AIP_TRUST_ROOTS_MAX);
    }
    if (given.port > 65535 || given.threads == 0 || given.threads > THREADS_MAX) {
        return aip_fail(err, AIP_USAGE, "--port ends at 65535, --threads is 1 to %d", THREADS_MAX);
    }
    if (given.max_body == 0 || given.max_body > BODY_BYTES_CEILING || given.timeout == 0 ||
        given.timeout > TIMEOUT_SECONDS_MAX) {
        return aip_fail(err, AIP_USAGE, "--max-body is 1 to %d, --timeout 1 to %d", BODY_BYTES_CEILING,
                        TIMEOUT_SECONDS_MAX);
    }
    if (given.max_token == 0 || given.max_token > AIP_TOKEN_BYTES_MAX) {
        return aip_fail(err, AIP_USAGE, "--max-token is 1 to %d", AIP_TOKEN_BYTES_MAX);
    }
    return gateway_identity_check(&given.identity, err);
}

static aip_status
parse(int argc, char **argv, aip_error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    given.host = "127.0.0.1";
    given.audit = "aip-audit.jsonl";
    given.port = 8080;
    given.threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (uint64_t)cores;
    given.max_body = AIP_BODY_BYTES_DEFAULT;
    given.max_token = AIP_TOKEN_BYTES_DEFAULT;
    given.timeout = TIMEOUT_SECONDS_DEFAULT;
    AIP_TRY(options_parse(table, USAGE_TEXT, argc, argv, NULL, 0, NULL, err));
    return check_ranges(err);
}

static aip_status
add_trust(aip_trust *trust, const option_list *list, aip_error *err)
{
    aip_error why = AIP_ERROR_INIT;
    for (size_t i = 0; i < list->count; i++) {
        if (aip_trust_add(trust, list->items[i], &why) != AIP_OK) {
            return aip_fail(err, AIP_CONFIG_INVALID, "trusted root %zu: %s %s", i + 1,
                            aip_status_lookup(why.status)->name, why.detail);
        }
    }
    return AIP_OK;
}

static aip_status
fill(gateway_settings *settings, identity_parts *parts, aip_error *err)
{
    *settings = (gateway_settings){
        .upstream_url = given.upstream,
        .host = given.host,
        .port = (uint16_t)given.port,
        .audiences = given.audiences.items,
        .audience_count = given.audiences.count,
        .origins = given.origins.items,
        .origin_count = given.origins.count,
        .hosts = given.hosts.items,
        .host_count = given.hosts.count,
        .require_proof = given.require_proof,
        .quiet = given.quiet,
        .threads = (size_t)given.threads,
        .body_bytes_max = (size_t)given.max_body,
        .token_bytes_max = (size_t)given.max_token,
        .idle_seconds = (unsigned)given.timeout,
    };
    AIP_TRY(crypto_start(err));
    AIP_TRY(net_start_library(err));
    AIP_TRY(upstream_check_url(given.upstream, settings->path, sizeof settings->path, err));
    AIP_TRY(add_trust(&settings->trust, &given.trust_keys, err));
    AIP_TRY(add_trust(&settings->trust, &given.trust, err));
    aead_key_generate(settings->session_key);
    AIP_TRY(audit_open(given.audit, &settings->audit, err)); /* before the store: its lock keeps a second gateway out */
    return gateway_identity_open(&given.identity, given.audit, settings, parts, err);
}

static void
warn(const gateway_settings *settings)
{
    fputs(
        settings->require_proof ? PROGRAM
            ": WARNING: --require-proof is set and proofs cannot be checked by this version: every request is refused\n"
                                : PROGRAM
            ": WARNING: tokens are taken as bearers: whoever copies one can use it; --require-proof refuses that\n",
        stderr);
    if (strncmp(settings->upstream_url, "http://", 7) == 0 && strstr(settings->upstream_url, "//127.") == NULL &&
        strstr(settings->upstream_url, "//localhost") == NULL) {
        fputs(PROGRAM ": WARNING: the upstream is reached without TLS\n", stderr);
    }
}

int
main(int argc, char **argv)
{
    aip_error err = AIP_ERROR_INIT;
    gateway_settings settings = {0};
    identity_parts parts = {0};
    aip_status status = parse(argc, argv, &err);
    if (status == AIP_OK) {
        status = fill(&settings, &parts, &err);
    }
    if (status == AIP_OK) {
        warn(&settings);
        status = gateway_serve(&settings, &err);
    }
    gateway_identity_close(&settings, &parts);
    audit_close(&settings.audit);
    aip_trust_clear(&settings.trust);
    hash_wipe(settings.session_key, sizeof settings.session_key);
    options_release(table);
    return status == AIP_OK ? 0 : options_report_failure(PROGRAM, false, status, &err);
}
