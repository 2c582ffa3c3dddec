/* aip-gateway: the enforcing gateway before one MCP server. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/pattern_workshop.h"
#include "cli/gateway_admin.h"
#include "cli/gateway_admin_parts.h"
#include "cli/gateway_approvals.h"
#include "cli/gateway_budget.h"
#include "cli/gateway_check.h"
#include "cli/gateway_pins.h"
#include "cli/gateway_explain.h"
#include "cli/gateway_settings.h"
#include "cli/gateway_wrap.h"
#include "cli/options.h"
#include "crypto/hash.h"
#include "gateway/a2a_public.h"
#include "gateway/owners.h"
#include "gateway/reload.h"
#include "gateway/routes.h"
#include "gateway/serve.h"
#include "net/loop.h"
#include "net/upstream.h"

#define TABLE_BYTES 65536
#define PROGRAM "aip-gateway"
#define USAGE_TEXT                                                                                    \
    PROGRAM " --config FILE [options]\n"                                                              \
            "       " PROGRAM " --upstream URL --trust-key KEY [options]\n"                           \
            "       " PROGRAM " check --config FILE [options]\n"                                      \
            "       " PROGRAM " explain --config FILE | --policy FILE [--call FILE] [--token FILE]\n" \
            "       " PROGRAM " wrap [options] -- COMMAND\n"                                          \
            "       " PROGRAM " approvals|pins|budget|reload|status --help"

static gateway_options
    given; /* what the table fills; then, with what the file and the defaults add, of the first settings */
static gateway_options command_line;

static const option table[] = {
    {"--config", OPTION_TEXT, &given.config, "FILE", "gateway.yaml; options go before what it says"},
    {"--upstream", OPTION_TEXT, &given.upstream, "URL", "the server behind the gateway"},
    {"--protocol", OPTION_TEXT, &given.protocol, "NAME", "what it speaks: mcp, a2a or http (mcp)"},
    {"--rest-url", OPTION_TEXT, &given.rest_url, "URL", "of an A2A agent's REST interface (not served)"},
    {"--notify-host", OPTION_LIST, &given.notify_hosts, "PATTERN",
     "host, host:port or *.domain that an A2A agent may notify (any public one)"},
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
    {"--audit-checkpoint-lines", OPTION_UNSIGNED, &given.checkpoint_lines, "N",
     "lines between two signed checkpoints, at most (1000)"},
    {"--audit-checkpoint-interval", OPTION_UNSIGNED, &given.checkpoint_seconds, "SECONDS",
     "and time, when lines were written (60)"},
    {"--audit-rotate", OPTION_UNSIGNED, &given.audit_rotate, "BYTES", "a larger decision log is put aside (never)"},
    {"--audit-arguments", OPTION_TEXT, &given.audit_arguments, "HOW",
     "what the log has of arguments: none, or redacted by the policy's rules (none)"},
    {"--admin-socket", OPTION_TEXT, &given.admin_socket, "PATH", "local socket for the operator (none)"},
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
    {"--json", OPTION_FLAG, &given.json, NULL, "with check and explain: one object"},
    {"--call", OPTION_TEXT, &given.call, "FILE", "with explain: a message, as it would be posted; - is standard input"},
    {"--token", OPTION_TEXT, &given.token, "FILE", "with explain: the token that goes with it"},
    {"--path", OPTION_TEXT, &given.path, "PATH", "with explain: where it would be posted, of several upstreams"},
    {"--quiet", OPTION_FLAG, &given.quiet, NULL, "no line per request on stderr"},
    {NULL, OPTION_FLAG, NULL, NULL, NULL},
};

static const option_source source = {table, &given, &command_line};

/* A chain of four elements takes about 20 KiB. */
static const chain_memory_limits chain_limits = {.bytes_max = 64 << 20, .bytes_per_root_max = 16 << 20};

/* Touched only when tasks are begun. */
static const owners_setup owner_limits = {.capacity = AIP_TASK_OWNERS_MAX, .ttl_seconds = AIP_TASK_SECONDS};

static aip_status
open_audit(gateway *g, aip_error *err)
{
    static const struct {
        const char *name;
        audit_sync sync;
    } names[] = {{"group", AUDIT_SYNC_GROUP}, {"each", AUDIT_SYNC_EACH}, {"none", AUDIT_SYNC_NONE}};
    audit_options options = {.path = given.audit, .rotate_bytes = given.audit_rotate,
                             .checkpoint_lines = given.checkpoint_lines,
                             .checkpoint_seconds = given.checkpoint_seconds};
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

/* The same in every run of a gateway with a key, and in all that share it: what was found twice is told to be one
 * thing, and sessions outlive a restart. A signature of Ed25519 is always the same, and nobody else can make it; what
 * is signed is no statement that anybody reads. */
static void
make_key(const gateway *g, const char *purpose, unsigned char key[AEAD_KEY_BYTES])
{
    unsigned char signature[AIP_SIGNATURE_BYTES], hash[AIP_HASH_BYTES];
    _Static_assert(sizeof hash == AEAD_KEY_BYTES, "a hash is a key");
    if (g->self.key == NULL) {
        aead_key_generate(key);
        return;
    }
    aip_sign(g->self.key, aip_bytes_of(purpose), signature);
    hash_sha256((aip_bytes){signature, sizeof signature}, hash);
    memcpy(key, hash, AEAD_KEY_BYTES);
    hash_wipe(signature, sizeof signature);
    hash_wipe(hash, sizeof hash);
}

/* libcurl takes some milliseconds and megabytes to start, and serves what is not plain http://. */
static aip_status
start_network(const gateway_settings *settings, aip_error *err)
{
    bool secure = false;
    for (size_t i = 0; i < settings->route_count; i++) {
        secure |= strncasecmp(settings->routes[i].url, "https://", 8) == 0;
    }
    return secure ? net_start_library(err) : AIP_OK;
}

static aip_status
open_parts(gateway *g, identity_parts *parts, aip_error *err)
{
    AIP_TRY(start_network(g->settings, err));
    AIP_TRY(mailroom_new(&g->mail, err));
    AIP_TRY(chain_memory_new(&chain_limits, &g->chains, err));
    AIP_TRY(root_rates_new(&g->rates, err));
    AIP_TRY(gateway_front_open(g, err));
    AIP_TRY(caller_buckets_new(&g->buckets, err));
    AIP_TRY(server_requests_new(&g->server_requests, err));
    AIP_TRY(server_requests_new(&g->events, err));
    AIP_TRY(catalogue_new(&g->catalogue, err));
    AIP_TRY(owners_new(&owner_limits, &g->owners, err));
    AIP_TRY(a2a_cards_new(&g->cards, err));
    AIP_TRY(suspicious_new(&g->suspicious, err));
    AIP_TRY(gateway_identity_load(&given.identity, g, err));
    make_key(g, "aip-gateway: key of fingerprints of findings", g->finding_key);
    make_key(g, "aip-gateway: key of session ids", g->session_key);
    AIP_TRY(open_audit(g, err)); /* before the store: its lock keeps a second gateway out */
    AIP_TRY(gateway_identity_open(&given.identity, given.audit, g, parts, err));
    const books_setup setup = {.store_path = parts->store_path.data};
    AIP_TRY(books_open(&setup, &g->books, err));
    return gateway_admin_open(g, given.admin_socket, parts->store_path.data, err);
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
    gateway_admin_close(g);
    close_books(g);
    scribe_close(&g->scribe);
    gateway_identity_close(g, parts);
    chain_memory_free(&g->chains);
    root_rates_free(&g->rates);
    gateway_front_close(g);
    caller_buckets_free(&g->buckets);
    server_requests_free(&g->server_requests);
    server_requests_free(&g->events);
    catalogue_free(&g->catalogue);
    owners_free(&g->owners);
    a2a_cards_free(&g->cards);
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
    if (takes_bearers(settings)) {
        fputs(PROGRAM ": WARNING: tokens of one element are taken as bearers: whoever copies one can use it; "
                      "--require-proof refuses that\n",
              stderr);
    }
    if (g->self.key == NULL) {
        fputs(PROGRAM ": WARNING: without --key answers are not signed\n", stderr);
    }
    for (size_t i = 0; i < settings->route_count; i++) {
        const gateway_route *route = &settings->routes[i];
        if (strncasecmp(route->url, "http://", 7) == 0 && !upstream_is_loopback(route->url)) {
            fprintf(stderr, PROGRAM ": WARNING: the upstream %s%sis reached without TLS\n", route->name,
                    route->name[0] == '\0' ? "" : " ");
        }
    }
}

/* Threads that work by the settings get the new ones, too. */
static aip_status
reload_settings(void *context, const gateway_settings *now, gateway_settings **out, text_buffer *report, aip_error *err)
{
    gateway *g = context;
    AIP_TRY(gateway_settings_make(&source, now, out, report, err));
    aip_status status = start_network(*out, err);
    if (status == AIP_OK) {
        status = gateway_identity_renew(&gateway_settings_options(*out)->identity, g, *out, err);
    }
    if (status != AIP_OK) {
        const gateway_settings *refused = *out;
        settings_drop(&refused);
        *out = NULL;
    }
    return status;
}

static aip_status
serve(gateway *g, gateway_settings *settings, identity_parts *parts, aip_error *err)
{
    sigset_t early;
    sigemptyset(&early);
    sigaddset(&early, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &early, NULL); /* it waits until the gateway can serve it */
    const reload_setup reloading = {reload_settings, g};
    AIP_TRY(open_parts(g, parts, err));
    AIP_TRY(reload_open(g, &reloading, err));
    if (settings->host != NULL) {
        warn(g, settings);
    }
    return gateway_serve(g, settings, err);
}

/* What others borrow of the first settings stays until the end. */
static aip_status
make_gateway(gateway *g, gateway_settings **settings, text_buffer *report, aip_error *err)
{
    pthread_mutex_init(&g->lock, NULL);
    command_line = given;
    AIP_TRY(gateway_settings_make(&source, NULL, settings, report, err));
    atomic_fetch_add(&(*settings)->holders, 1);
    g->settings = *settings;
    given = *gateway_settings_options(*settings);
    return AIP_OK;
}

/* What starts servers that are commands, and what compiles patterns, is made before the first key is read and the first
 * thread runs. */
static aip_status
begin(gateway *g, gateway_wrap *wrap, gateway_settings **settings, text_buffer *report, aip_error *err)
{
    if (given.config != NULL || wrap != NULL) {
        AIP_TRY(spawner_open(&g->spawner, err));
    }
    if (given.config != NULL || given.policy != NULL) {
        AIP_TRY(pattern_workshop_open(err));
    }
    if (wrap != NULL) {
        AIP_TRY(gateway_wrap_apply(wrap, &given, err));
    }
    AIP_TRY(make_gateway(g, settings, report, err));
    if (!routes_have_command(*settings)) {
        spawner_close(&g->spawner);
    }
    if (wrap != NULL && !wrap->no_stdio) {
        wrap->end.path = (*settings)->routes[0].path;
        g->local = &wrap->end;
    }
    return AIP_OK;
}

/* `wrap`: NULL for the gateway itself. */
static int
run_gateway(gateway_wrap *wrap, aip_error *err)
{
    static gateway g;
    TEXT_AUTO text_buffer report = {0};
    gateway_settings *settings = NULL;
    identity_parts parts = {0};
    aip_status status = begin(&g, wrap, &settings, &report, err);
    fwrite(report.data == NULL ? "" : report.data, 1, report.size, stderr);
    if (status == AIP_OK) {
        status = serve(&g, settings, &parts, err);
    }
    int code = status == AIP_OK ? 0 : options_report_failure(PROGRAM, false, status, err);
    if (wrap != NULL && code != 0) {
        code = status == AIP_USAGE ? code : 1; /* the others are the command's to give */
    }
    close_parts(&g, &parts);
    reload_close(&g);
    const gateway_settings *first = settings;
    settings_drop(&g.settings);
    settings_drop(&first);
    given = command_line;
    pattern_workshop_close();
    spawner_close(&g.spawner);
    return code == 0 && g.local != NULL ? g.local->code : code;
}

/* A wrong option ends with 2, a start that fails with 1, and all else as the command does. */
static int
wrap_command(int argc, char **argv)
{
    gateway_wrap wrap = {0};
    aip_error err = AIP_ERROR_INIT;
    aip_status status = gateway_wrap_take(&wrap, argc, argv, &err);
    for (int i = 1; status == AIP_OK && i < wrap.rest_count; i++) {
        if (strcmp(wrap.rest[i], "--help") == 0) {
            (void)dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is for messages only */
            gateway_wrap_print_help();
        }
    }
    if (status == AIP_OK) {
        status = options_parse(table, USAGE_TEXT, wrap.rest_count, wrap.rest, NULL, 0, NULL, &err);
    }
    bool prints = wrap.prints_config || wrap.prints_cursor_config;
    if (status == AIP_OK) {
        status = prints ? gateway_wrap_print_config(&wrap, table, &given, &err) : gateway_wrap_take_ends(&wrap, &err);
    }
    int code = status != AIP_OK ? options_report_failure(PROGRAM, false, status, &err)
               : prints         ? 0
                                : run_gateway(&wrap, &err);
    gateway_wrap_release(&wrap);
    return status == AIP_OK || status == AIP_USAGE ? code : 1;
}

static int
check_configuration(aip_error *err)
{
    TEXT_AUTO text_buffer report = {0};
    gateway_settings *settings = NULL;
    command_line = given;
    aip_status status = pattern_workshop_open(err); /* what a start refuses is refused here */
    status = status == AIP_OK ? gateway_settings_make(&source, NULL, &settings, &report, err) : status;
    status = status == AIP_OK ? gateway_check_files(settings, &report) : status;
    const gateway_settings *made = settings;
    settings_drop(&made);
    pattern_workshop_close();
    return gateway_file_print_check(given.json, status, &report);
}

static int
explain_configuration(void)
{
    given.explained = true;
    command_line = given;
    return gateway_explain(PROGRAM, &source);
}

/* Verbs with options of their own. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
} verbs[] = {
    {"approvals", gateway_approvals_main}, {"pins", gateway_pins_main},     {"budget", gateway_budget_main},
    {"reload", gateway_reload_main},       {"status", gateway_status_main},
};

int
main(int argc, char **argv)
{
    aip_error err = AIP_ERROR_INIT;
    /* Large tables are pages of their own, which cost no memory until they are written to. Without this, glibc takes
     * ever larger ones from its heap once one was freed. */
    (void)mallopt(M_MMAP_THRESHOLD, TABLE_BYTES);
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    bool check = argc > 1 && strcmp(argv[1], "check") == 0;
    gateway_file_begin(table);
    if (argc > 1 && strcmp(argv[1], "wrap") == 0) {
        int ended = wrap_command(argc - 1, argv + 1);
        options_release(table);
        return ended;
    }
    bool explain = argc > 1 && strcmp(argv[1], "explain") == 0, verb = check || explain;
    aip_status status = options_parse(table, USAGE_TEXT, argc - verb, argv + verb, NULL, 0, NULL, &err);
    int code = status != AIP_OK ? options_report_failure(PROGRAM, false, status, &err)
               : explain        ? explain_configuration()
               : check          ? check_configuration(&err)
                                : run_gateway(NULL, &err);
    options_release(table);
    return code;
}
