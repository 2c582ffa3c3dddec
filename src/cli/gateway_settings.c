/* One snapshot: file, options, routes, trust and rules, each as far as it goes, so that all problems are told. */
#include "cli/gateway_settings.h"

#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "gateway/routes.h"
#include "gateway/serve.h"

enum { PATH_BYTES = 4096, OWN_FILES_FIXED = 13, FILES_OF_UPSTREAM = CONFIG_HEADERS_MAX + 4 };

/* What a snapshot's texts are borrowed from. */
typedef struct {
    option_source given;
    gateway_options options;
    gateway_config file; /* its trust has moved into the settings */
    const char **watched, **policies, **own;
    size_t watched_count, policy_count, own_count;
    char binary[PATH_BYTES], store[PATH_BYTES], directory[PATH_BYTES];
    char journals[PATH_BYTES + 2], rotated[PATH_BYTES + 2]; /* what stands beside database and log */
} settings_source;

typedef struct {
    settings_source *source;
    gateway_settings *settings;
    const gateway_settings *before;
    text_buffer *report;
    aip_status status; /* of the first problem */
    aip_error first;
} maker;

static void
release(void *held)
{
    settings_source *source = held;
    gateway_file_release(&source->given, &source->options);
    config_clear(&source->file);
    free(source->watched);
    free(source->policies);
    free(source->own);
    free(source);
}

/* What was not told of by whoever found it gets a line. */
static void
note(maker *m, aip_status status, const aip_error *why, bool told)
{
    if (status == AIP_OK) {
        return;
    }
    if (m->status == AIP_OK) {
        m->status = status;
        m->first = *why;
    }
    if (!told) {
        const aip_status_facts *facts = aip_status_lookup(status);
        bool alone = status == AIP_CONFIG_INVALID && why->detail[0] != '\0';
        text_append_format(m->report, "%s: %s%s%s\n", facts->name, alone ? "" : facts->sentence,
                           alone || why->detail[0] == '\0' ? "" : " ", why->detail);
    }
}

/* ---- parts ---- */

static void
read_file(maker *m)
{
    const char *path = m->source->options.config;
    aip_error why = AIP_ERROR_INIT;
    if (path != NULL) {
        aip_status status = gateway_file_load(path, &m->source->file, m->report, &why);
        note(m, status, &why, status == AIP_CONFIG_INVALID);
    }
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

/* Roots of the command line replace those of the file. */
static aip_status
take_trust(settings_source *source, aip_trust *trust, aip_error *err)
{
    const gateway_options *o = &source->options;
    if (o->trust_keys.count + o->trust.count == 0) {
        *trust = source->file.trust;
        source->file.trust = (aip_trust){0};
    } else {
        AIP_TRY(add_trust(trust, &o->trust_keys, err));
        AIP_TRY(add_trust(trust, &o->trust, err));
        if (source->file.trust.unknown != NULL) {
            AIP_TRY(aip_trust_add_ceiling(trust, source->file.trust.unknown, &trust->unknown, err));
        }
    }
    if (trust->count == 0 && trust->unknown == NULL && !o->explained) {
        return aip_fail(err, AIP_CONFIG_INVALID,
                        "no root is trusted (trust:, --trust, --trust-key): no token could be accepted");
    }
    return AIP_OK;
}

static aip_status
make_routes(maker *m, bool *told, aip_error *err)
{
    const settings_source *source = m->source;
    const gateway_options *o = &source->options;
    const config_upstream local = {
        .name = "", .command = (const char **)(uintptr_t)o->command, .pass = (const char **)(uintptr_t)o->pass};
    routes_setup setup = {.url = o->upstream,
                          .protocol = o->protocol,
                          .rest_url = o->rest_url,
                          .notify_hosts = o->notify_hosts.items,
                          .notify_host_count = o->notify_hosts.count,
                          .upstreams = source->file.upstreams,
                          .count = source->file.upstream_count,
                          .idle_seconds = (unsigned)o->timeout,
                          .connections_max = m->settings->front.connections / 2};
    if (o->command != NULL) {
        setup.url = NULL;
        setup.upstreams = &local;
        setup.count = 1;
    }
    if (setup.url == NULL && setup.count == 0 && o->explained) {
        setup.url = "http://127.0.0.1/mcp";
    }
    if (setup.url == NULL && setup.count == 0) {
        return aip_fail(err, AIP_CONFIG_INVALID,
                        "no server stands behind the gateway (upstream.url, upstreams, --upstream)");
    }
    *told = setup.url == NULL;
    return routes_make(&setup, m->before, m->settings, m->report, err);
}

/* A server that is a command has one pipe, which one shard has. */
static void
limit_threads(gateway_settings *settings)
{
    settings->threads = routes_have_command(settings) ? 1 : settings->threads;
}

/* One shard per core. */
static size_t
count_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > CONFIG_THREADS_MAX ? CONFIG_THREADS_MAX : (size_t)cores;
}

static void
fill(gateway_settings *settings, const gateway_options *o)
{
    settings->host = o->local_only ? NULL : o->host;
    settings->port = (uint16_t)o->port;
    settings->audiences = o->audiences.items;
    settings->audience_count = o->audiences.count;
    settings->origins = o->origins.items;
    settings->origin_count = o->origins.count;
    settings->hosts = o->hosts.items;
    settings->host_count = o->hosts.count;
    settings->public_url = o->identity.public_url;
    settings->require_proof = o->require_proof;
    settings->bearers = o->config == NULL; /* a file says it of each root */
    settings->quiet = o->quiet;
    settings->audit_arguments = strcmp(o->audit_arguments, "redacted") == 0;
    settings->threads = o->threads == UINT64_MAX ? count_cores() : (size_t)o->threads;
    settings->body_bytes_max = (size_t)o->max_body;
    settings->token_bytes_max = (size_t)o->max_token;
    settings->idle_seconds = (unsigned)o->timeout;
}

/* ---- files ---- */

static void
add_name(const char **names, size_t *count, const char *name)
{
    for (size_t i = 0; name != NULL && i < *count; i++) {
        if (strcmp(names[i], name) == 0) {
            return;
        }
    }
    if (name != NULL) {
        names[(*count)++] = name;
    }
}

static void
name_store(settings_source *source)
{
    const gateway_options *o = &source->options;
    const char *slash = o->audit == NULL ? NULL : strrchr(o->audit, '/');
    if (o->identity.store != NULL) {
        snprintf(source->store, sizeof source->store, "%s", o->identity.store);
    } else if (o->audit != NULL) {
        snprintf(source->store, sizeof source->store, "%.*s%s", slash == NULL ? 0 : (int)(slash - o->audit) + 1,
                 o->audit, GATEWAY_STORE_NAME);
    }
}

/* Policies: the one for all, those of roots, those of upstreams. */
static void
name_policies(settings_source *source, const aip_trust *trust)
{
    add_name(source->policies, &source->policy_count, source->options.policy);
    for (size_t i = 0; i < trust->ceiling_count; i++) {
        add_name(source->policies, &source->policy_count, trust->ceilings[i]->policy);
    }
    for (size_t i = 0; i < source->file.upstream_count; i++) {
        add_name(source->policies, &source->policy_count, source->file.upstreams[i].policy);
    }
}

/* What no call may touch, whatever policies say: keys, records, what the gateway is and does. */
static void
name_own(settings_source *source, const gateway_settings *settings)
{
    const gateway_options *o = &source->options;
    snprintf(source->journals, sizeof source->journals, "%s-*", source->store);
    snprintf(source->rotated, sizeof source->rotated, "%s.*", o->audit == NULL ? source->store : o->audit);
    ssize_t size = readlink("/proc/self/exe", source->binary, sizeof source->binary - 1);
    const char *const names[OWN_FILES_FIXED] = {o->config,
                                                o->admin_socket,
                                                o->audit,
                                                o->identity.key,
                                                o->identity.passphrase_file,
                                                o->identity.key_log,
                                                source->store[0] == '\0' ? NULL : source->store,
                                                source->journals,
                                                source->rotated,
                                                size > 0 ? source->binary : NULL,
                                                settings->front.tls_key,
                                                settings->front.tls_certificate,
                                                settings->front.tls_client_ca};
    for (size_t i = 0; i < OWN_FILES_FIXED; i++) {
        add_name(source->own, &source->own_count, names[i]);
    }
    for (size_t i = 0; i < source->policy_count; i++) {
        add_name(source->own, &source->own_count, source->policies[i]);
    }
}

static void
name_watched(settings_source *source)
{
    const config_upstream *ups = source->file.upstreams;
    add_name(source->watched, &source->watched_count, source->options.config);
    for (size_t i = 0; i < source->policy_count; i++) {
        add_name(source->watched, &source->watched_count, source->policies[i]);
    }
    for (size_t i = 0; i < source->file.upstream_count; i++) {
        const char *const files[] = {ups[i].ca_file, ups[i].cert_file, ups[i].key_file};
        for (size_t j = 0; j < 3; j++) {
            add_name(source->watched, &source->watched_count, files[j]);
        }
        for (size_t j = 0; j < ups[i].header_count; j++) {
            add_name(source->watched, &source->watched_count, ups[i].headers[j].file);
            add_name(source->own, &source->own_count, ups[i].headers[j].file);
        }
        add_name(source->own, &source->own_count, ups[i].key_file);
    }
}

static aip_status
name_files(settings_source *source, gateway_settings *settings, const aip_trust *trust, aip_error *err)
{
    size_t policies = 1 + trust->ceiling_count + source->file.upstream_count;
    size_t of_upstreams = source->file.upstream_count * FILES_OF_UPSTREAM;
    source->policies = calloc(policies, sizeof *source->policies);
    source->own = calloc(OWN_FILES_FIXED + policies + of_upstreams, sizeof *source->own);
    source->watched = calloc(1 + 3 + policies + of_upstreams, sizeof *source->watched);
    if (source->policies == NULL || source->own == NULL || source->watched == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    name_store(source);
    name_policies(source, trust);
    name_own(source, settings);
    name_watched(source);
    add_name(source->watched, &source->watched_count, settings->front.tls_certificate);
    add_name(source->watched, &source->watched_count, settings->front.tls_key);
    add_name(source->watched, &source->watched_count, settings->front.tls_client_ca);
    const config_value *notify = config_value_of(&source->file, "approval.notify");
    settings->notify = !notify->given || notify->number != 0;
    settings->files = source->watched;
    settings->file_count = source->watched_count;
    return AIP_OK;
}

/* ---- rules ---- */

static bool
shares_files(const settings_source *source, const gateway_settings *settings)
{
    const config_value *said = config_value_of(&source->file, "policy.shared_files");
    return said->given ? said->number != 0 : routes_share_files(settings);
}

static aip_status
load_rules(maker *m, aip_error *err)
{
    settings_source *source = m->source;
    gateway_settings *settings = m->settings;
    rules_setup setup = {.files = source->policies,
                         .count = source->policy_count,
                         .paths = {.home = getenv("HOME"), .as_peer = true, .real = shares_files(source, settings)},
                         .own_files = source->own,
                         .own_file_count = source->own_count};
    setup.paths.directory = getcwd(source->directory, sizeof source->directory);
    if (setup.count == 0) {
        return AIP_OK;
    }
    AIP_TRY(rules_load(&setup, &settings->rules, m->report, err));
    if (m->before != NULL) {
        rules_keep_buckets(settings->rules, m->before->rules);
    }
    settings->standard = source->options.policy == NULL ? NULL : rules_find(settings->rules, source->options.policy);
    for (size_t i = 0; i < settings->route_count; i++) {
        const char *file = settings->routes[i].policy;
        settings->routes[i].rules = file == NULL ? NULL : rules_find(settings->rules, file);
    }
    return AIP_OK;
}

/* ---- all of it ---- */

/* What shards and threads were started with stays as it is. */
static void
check_changes(maker *m)
{
    const settings_source *old = m->before->source;
    TEXT_AUTO text_buffer names = {0};
    aip_error why = AIP_ERROR_INIT;
    gateway_file_changes(&m->source->given, &old->file, &m->source->file, &names);
    if (m->settings->route_count > 0 && strcmp(m->settings->routes[0].path, m->before->routes[0].path) != 0 &&
        m->source->options.identity.public_url != NULL) {
        text_append_format(&names, "%sthe path of the first upstream, which did.json names",
                           names.size == 0 ? "" : ", ");
    }
    if (!routes_same_commands(m->before, m->settings)) {
        text_append_format(&names, "%sthe command of an upstream", names.size == 0 ? "" : ", ");
    }
    if (names.size > 0 || names.failed) {
        (void)!aip_fail(&why, AIP_CONFIG_INVALID, "needs a restart: %.*s", (int)names.size,
                        names.data == NULL ? "" : names.data);
        note(m, AIP_CONFIG_INVALID, &why, false);
    }
    m->settings->port = m->before->port; /* the real one */
    m->settings->loopback = m->before->loopback;
    m->settings->threads = m->before->threads;
}

static void
check_identity(maker *m)
{
    const gateway_options *o = &m->source->options;
    aip_error why = AIP_ERROR_INIT;
    aip_status status = gateway_identity_check(&o->identity, &why);
    note(m, status == AIP_USAGE && o->config != NULL ? AIP_CONFIG_INVALID : status, &why, false);
}

/* A file that is not right still names policies, whose problems are told together with its own. */
static void
make_parts(maker *m)
{
    settings_source *source = m->source;
    aip_error why = AIP_ERROR_INIT;
    bool told = false, readable = m->status == AIP_OK;
    aip_status status = gateway_file_apply(&source->given, &source->options, &source->file, &why);
    note(m, status, &why, false);
    if (status != AIP_OK) {
        return;
    }
    fill(m->settings, &source->options);
    if (readable) {
        note(m, front_read(&source->file, &m->settings->front, &why), &why, false);
        status = make_routes(m, &told, &why);
        limit_threads(m->settings);
        note(m, status, &why, told);
        note(m, take_trust(source, &m->settings->trust, &why), &why, false);
        check_identity(m);
    }
    status = name_files(source, m->settings, readable ? &m->settings->trust : &source->file.trust, &why);
    note(m, status, &why, false);
    if (status == AIP_OK) {
        note(m, load_rules(m, &why), &why, true);
    }
    if (readable && m->before != NULL) {
        check_changes(m);
    }
}

aip_status
gateway_settings_make(const option_source *given, const gateway_settings *before, gateway_settings **out,
                      text_buffer *report, aip_error *err)
{
    maker m = {.before = before, .report = report, .first = AIP_ERROR_INIT};
    *out = NULL;
    AIP_TRY(crypto_start(err));
    m.settings = calloc(1, sizeof *m.settings);
    m.source = calloc(1, sizeof *m.source);
    if (m.settings == NULL || m.source == NULL) {
        free(m.settings);
        free(m.source);
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    atomic_init(&m.settings->holders, 1);
    m.source->given = *given;
    m.source->options = *(const gateway_options *)given->given;
    m.settings->source = m.source;
    m.settings->release_source = release;
    read_file(&m);
    if (m.status == AIP_OK || m.status == AIP_CONFIG_INVALID) {
        make_parts(&m);
    }
    if (m.status != AIP_OK) {
        const gateway_settings *failed = m.settings;
        settings_drop(&failed);
        return aip_fail(err, m.status, "%s", m.first.detail);
    }
    *out = m.settings;
    return AIP_OK;
}

const gateway_options *
gateway_settings_options(const gateway_settings *settings)
{
    const settings_source *source = settings->source;
    return &source->options;
}
