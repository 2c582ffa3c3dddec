/* aip-gateway: the enforcing gateway before one MCP server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/gateway_file.h"
#include "cli/gateway_identity.h"
#include "cli/options.h"
#include "crypto/hash.h"
#include "gateway/serve.h"
#include "net/loop.h"
#include "net/upstream.h"

#define PROGRAM "aip-gateway"
#define USAGE_TEXT                                                          \
    PROGRAM " --config FILE [options]\n"                                    \
            "       " PROGRAM " --upstream URL --trust-key KEY [options]\n" \
            "       " PROGRAM " check --config FILE [options]"

static struct {
    const char *config, *upstream, *host, *audit, *audit_sync, *audit_arguments, *policy;
    uint64_t port, threads, max_body, max_token, timeout, audit_rotate;
    option_list trust_keys, trust, audiences, origins, hosts;
    identity_options identity;
    bool require_proof, quiet, json;
} given;

static gateway_config file; /* empty without --config; what is given borrows from it */
static bool told;           /* the file's problems have been printed */

static const option table[] = {
    {"--config", OPTION_TEXT, &given.config, "FILE", "gateway.yaml; options go before what it says"},
    {"--upstream", OPTION_TEXT, &given.upstream, "URL", "the MCP server behind the gateway"},
    {"--host", OPTION_TEXT, &given.host, "ADDRESS", "where to listen (127.0.0.1)"},
    {"--port", OPTION_UNSIGNED, &given.port, "N", "0 picks a free one (8080)"},
    {"--trust-key", OPTION_LIST, &given.trust_keys, "KEY", "key whose tokens are accepted, or name=key"},
    {"--trust", OPTION_LIST, &given.trust, "DID",
     "root whose tokens are accepted; documents of did:web roots are fetched"},
    {"--audience", OPTION_LIST, &given.audiences, "NAME", "a name of this gateway in the claim aud"},
    {"--require-proof", OPTION_FLAG, &given.require_proof, NULL, "refuse also tokens of one element without a proof"},
    {"--allow-origin", OPTION_LIST, &given.origins, "ORIGIN", "web origin that may send requests (none)"},
    {"--allow-host", OPTION_LIST, &given.hosts, "NAME", "further Host that is taken when listening on loopback"},
    {"--audit", OPTION_TEXT, &given.audit, "FILE", "decision log (aip-audit.jsonl)"},
    {"--audit-sync", OPTION_TEXT, &given.audit_sync, "HOW",
     "when a decision is on the disk: group, each (before it counts) or none"},
    {"--audit-rotate", OPTION_UNSIGNED, &given.audit_rotate, "BYTES", "a larger decision log is put aside (never)"},
    {"--audit-arguments", OPTION_TEXT, &given.audit_arguments, "HOW",
     "what the log has of arguments: none, or redacted by the policy's rules (none)"},
    {"--policy", OPTION_TEXT, &given.policy, "FILE", "policy for the calls of all whose trust names no other"},
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
    {"--revocation-source", OPTION_LIST, &given.identity.lists, "DID=URL",
     "gateway whose list of revocations is read, and where it stands"},
    {"--revocation-staleness", OPTION_TEXT, &given.identity.list_staleness, "TIME",
     "how old what the lists tell may be, at least 10s (300s)"},
    {"--json", OPTION_FLAG, &given.json, NULL, "with check: one object"},
    {"--quiet", OPTION_FLAG, &given.quiet, NULL, "no line per request on stderr"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

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

/* Roots of the command line replace those of the file. */
static aip_status
take_trust(aip_trust *trust, aip_error *err)
{
    if (given.trust_keys.count + given.trust.count == 0) {
        *trust = file.trust;
        file.trust = (aip_trust){0};
    } else {
        AIP_TRY(add_trust(trust, &given.trust_keys, err));
        AIP_TRY(add_trust(trust, &given.trust, err));
        if (file.trust.unknown != NULL) {
            AIP_TRY(aip_trust_add_ceiling(trust, file.trust.unknown, &trust->unknown, err));
        }
    }
    if (trust->count == 0 && trust->unknown == NULL) {
        return aip_fail(err, AIP_CONFIG_INVALID,
                        "no root is trusted (trust:, --trust, --trust-key): no token could be accepted");
    }
    return AIP_OK;
}

/* One shard per core. */
static uint64_t
count_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX : (uint64_t)cores;
}

/* The one for all and those that trust names. */
static aip_status
collect_policies(const aip_trust *trust, const char ***out, size_t *count, aip_error *err)
{
    const char **files = calloc(trust->ceiling_count + 1, sizeof *files);
    *out = files;
    *count = 0;
    if (files == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    if (given.policy != NULL) {
        files[(*count)++] = given.policy;
    }
    for (size_t i = 0; i < trust->ceiling_count; i++) {
        if (trust->ceilings[i]->policy != NULL) {
            files[(*count)++] = trust->ceilings[i]->policy;
        }
    }
    return AIP_OK;
}

/* Prints what is wrong with policies. */
static aip_status
load_rules(gateway_settings *settings, aip_error *err)
{
    TEXT_AUTO text_buffer problems = {0};
    rules_setup setup = {.paths = {.home = getenv("HOME"), .as_peer = true}};
    char directory[4096];
    const char **files = NULL;
    setup.paths.directory = getcwd(directory, sizeof directory);
    AIP_TRY(collect_policies(&settings->trust, &files, &setup.count, err));
    setup.files = files;
    aip_status status = setup.count == 0 ? AIP_OK : rules_load(&setup, &settings->rules, &problems, err);
    free(files);
    if (problems.size > 0 && !given.json) {
        fwrite(problems.data, 1, problems.size, stderr);
    }
    told |= status != AIP_OK && problems.size > 0 && !given.json;
    AIP_TRY(status);
    settings->standard = given.policy == NULL ? NULL : rules_find(settings->rules, given.policy);
    return AIP_OK;
}

static aip_status
make_route(gateway_settings *settings, aip_error *err)
{
    settings->routes = calloc(1, sizeof *settings->routes);
    if (settings->routes == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    gateway_route *route = &settings->routes[0];
    *route = (gateway_route){.name = "", .url = given.upstream, .protocol = &protocol_mcp};
    settings->route_count = 1;
    return upstream_check_url(given.upstream, route->path, sizeof route->path, err);
}

static aip_status
fill_settings(gateway_settings *settings, aip_error *err)
{
    settings->host = given.host;
    settings->port = (uint16_t)given.port;
    settings->audiences = given.audiences.items;
    settings->audience_count = given.audiences.count;
    settings->origins = given.origins.items;
    settings->origin_count = given.origins.count;
    settings->hosts = given.hosts.items;
    settings->host_count = given.hosts.count;
    settings->require_proof = given.require_proof;
    settings->bearers = given.config == NULL; /* a file says it of each root */
    settings->quiet = given.quiet;
    settings->audit_arguments = strcmp(given.audit_arguments, "redacted") == 0;
    settings->threads = (size_t)given.threads;
    settings->body_bytes_max = (size_t)given.max_body;
    settings->token_bytes_max = (size_t)given.max_token;
    settings->idle_seconds = (unsigned)given.timeout;
    AIP_TRY(make_route(settings, err));
    AIP_TRY(take_trust(&settings->trust, err));
    return load_rules(settings, err);
}

/* Everything that can be told without opening anything. */
static aip_status
take_configuration(gateway_settings *settings, aip_error *err)
{
    AIP_TRY(crypto_start(err));
    if (given.config != NULL) {
        aip_status status = gateway_file_load(given.config, given.json, &file, err);
        told = status == AIP_CONFIG_INVALID;
        AIP_TRY(status);
    }
    AIP_TRY(gateway_file_apply(table, &file, err));
    if (given.threads == UINT64_MAX) {
        given.threads = count_cores();
    }
    if (given.upstream == NULL) {
        return aip_fail(err, AIP_CONFIG_INVALID, "no server stands behind the gateway (upstream.url, --upstream)");
    }
    AIP_TRY(fill_settings(settings, err));
    aip_error why = AIP_ERROR_INIT;
    return gateway_identity_check(&given.identity, &why) == AIP_OK
               ? AIP_OK
               : aip_fail(err, given.config == NULL ? why.status : AIP_CONFIG_INVALID, "%s", why.detail);
}

/* A chain of four elements takes about 20 KiB. */
static const chain_memory_limits chain_limits = {.bytes_max = 64 << 20, .bytes_per_root_max = 16 << 20};

static aip_status
open_audit(gateway *g, aip_error *err)
{
    static const struct {
        const char *name;
        audit_sync sync;
    } names[] = {{"group", AUDIT_SYNC_GROUP}, {"each", AUDIT_SYNC_EACH}, {"none", AUDIT_SYNC_NONE}};
    audit_options options = {.path = given.audit, .rotate_bytes = given.audit_rotate};
    size_t i = 0;
    while (i < 3 && strcmp(names[i].name, given.audit_sync) != 0) {
        i++;
    }
    if (i == 3) {
        return aip_fail(err, AIP_USAGE, "--audit-sync is group, each or none");
    }
    options.sync = names[i].sync;
    if (g->self.key != NULL) {
        options.key = g->self.key;
        options.issuer = g->self.did;
        options.key_id = g->self.key_id;
    }
    AIP_TRY(audit_open_with(&options, &g->audit, err));
    return options.sync == AUDIT_SYNC_NONE && options.key == NULL ? AIP_OK : scribe_open(g->audit, &g->scribe, err);
}

static aip_status
open_parts(gateway *g, identity_parts *parts, aip_error *err)
{
    AIP_TRY(net_start_library(err));
    aead_key_generate(g->session_key);
    aead_key_generate(g->finding_key);
    AIP_TRY(mailroom_new(&g->mail, err));
    AIP_TRY(chain_memory_new(&chain_limits, &g->chains, err));
    AIP_TRY(root_rates_new(&g->rates, err));
    AIP_TRY(caller_buckets_new(&g->buckets, err));
    AIP_TRY(server_requests_new(&g->server_requests, err));
    AIP_TRY(catalogue_new(&g->catalogue, err));
    AIP_TRY(suspicious_new(&g->suspicious, err));
    AIP_TRY(gateway_identity_load(&given.identity, g, err));
    AIP_TRY(open_audit(g, err)); /* before the store: its lock keeps a second gateway out */
    AIP_TRY(gateway_identity_open(&given.identity, given.audit, g, parts, err));
    const books_setup setup = {.store_path = parts->store_path.data};
    return books_open(&setup, &g->books, err);
}

/* Holds that were answered too late for anybody are given back before the ledger is closed. */
static void
close_books(gateway *g)
{
    if (g->books == NULL) {
        return;
    }
    books_refuse_holds(g->books);
    for (question *q = mailroom_take(g->mail); q != NULL; q = mailroom_take(g->mail)) {
        if (q->kind == QUESTION_HOLD) {
            books_give_back(g->books, &q);
        }
        question_free(&q);
    }
    books_close(&g->books);
}

static void
close_parts(gateway *g, identity_parts *parts)
{
    close_books(g);
    scribe_close(&g->scribe);
    gateway_identity_close(g, parts);
    chain_memory_free(&g->chains);
    root_rates_free(&g->rates);
    caller_buckets_free(&g->buckets);
    server_requests_free(&g->server_requests);
    catalogue_free(&g->catalogue);
    suspicious_free(&g->suspicious);
    audit_close(&g->audit);
    aip_secret_key_free(&g->self.key); /* signs the log's last checkpoint */
    mailroom_free(&g->mail);
    hash_wipe(g->session_key, sizeof g->session_key);
    hash_wipe(g->finding_key, sizeof g->finding_key);
}

static bool
takes_bearers(const gateway_settings *settings)
{
    bool any = settings->bearers;
    for (size_t i = 0; i < settings->trust.ceiling_count; i++) {
        any |= settings->trust.ceilings[i]->bearer;
    }
    return any && !settings->require_proof;
}

static void
warn(const gateway *g, const gateway_settings *settings)
{
    const char *url = settings->routes[0].url;
    if (takes_bearers(settings)) {
        fputs(PROGRAM ": WARNING: tokens of one element are taken as bearers: whoever copies one can use it; "
                      "--require-proof refuses that\n",
              stderr);
    }
    if (g->self.key == NULL) {
        fputs(PROGRAM ": WARNING: without --key answers are not signed\n", stderr);
    }
    if (strncmp(url, "http://", 7) == 0 && strstr(url, "//127.") == NULL && strstr(url, "//localhost") == NULL) {
        fputs(PROGRAM ": WARNING: the upstream is reached without TLS\n", stderr);
    }
}

/* Exit 1 says that the configuration is not good, as the other codes cannot. */
static int
report_check(aip_status status, const aip_error *err)
{
    if (status == AIP_OK) {
        puts(given.json ? "{\"valid\":true}" : "valid");
        return 0;
    }
    if (!told) {
        (void)options_report_failure(PROGRAM, given.json, status, err);
    }
    return status == AIP_CONFIG_INVALID ? 1 : aip_status_exit_code(status);
}

static aip_status
serve(gateway *g, gateway_settings *settings, identity_parts *parts, aip_error *err)
{
    AIP_TRY(open_parts(g, parts, err));
    warn(g, settings);
    return gateway_serve(g, settings, err);
}

static aip_status
make_gateway(gateway *g, gateway_settings **settings, aip_error *err)
{
    pthread_mutex_init(&g->lock, NULL);
    *settings = calloc(1, sizeof **settings);
    if (*settings == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    atomic_init(&(*settings)->holders, 1);
    g->settings = *settings;
    return take_configuration(*settings, err);
}

int
main(int argc, char **argv)
{
    static gateway g;
    aip_error err = AIP_ERROR_INIT;
    gateway_settings *settings = NULL;
    identity_parts parts = {0};
    bool check = argc > 1 && strcmp(argv[1], "check") == 0;
    int code = 0;
    gateway_file_begin(table);
    aip_status status = options_parse(table, USAGE_TEXT, argc - check, argv + check, NULL, 0, NULL, &err);
    bool understood = status == AIP_OK;
    given.json &= check;
    if (understood) {
        status = make_gateway(&g, &settings, &err);
    }
    if (status == AIP_OK && !check) {
        status = serve(&g, settings, &parts, &err);
    }
    if (check && understood) {
        code = report_check(status, &err);
    } else if (status != AIP_OK) {
        code = options_report_failure(PROGRAM, false, status, &err);
    }
    close_parts(&g, &parts);
    settings_drop(&g.settings);
    options_release(table);
    config_clear(&file);
    return code;
}
