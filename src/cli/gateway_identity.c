/* From options to the gateway's own identity and to the thread that looks others up. */
#include "cli/gateway_identity.h"

#include <stdlib.h>
#include <string.h>

#include "cli/keys.h"
#include "did/aipdoc.h"
#include "gateway/pulling.h"

aip_status
gateway_identity_check(const identity_options *given, aip_error *err)
{
    if (given->key == NULL && (given->passphrase_file != NULL || given->key_log != NULL || given->public_url != NULL)) {
        return aip_fail(err, AIP_USAGE, "--passphrase-file, --key-log and --public-url need --key");
    }
    if (given->sources.count > AIP_DID_SOURCES_MAX) {
        return aip_fail(err, AIP_USAGE, "more than %d times --key-source", AIP_DID_SOURCES_MAX);
    }
    int64_t seconds = 0;
    return given->max_staleness == NULL ? AIP_OK : options_parse_duration(given->max_staleness, &seconds, err);
}

/* ---- its own ---- */

static aip_status
load_key(const identity_options *given, aip_key_owner *owner, signing_identity *out, aip_error *err)
{
    AIP_TRY(keys_load(given->key, given->passphrase_file, owner, &out->key, err));
    memcpy(out->did, owner->did, sizeof out->did);
    snprintf(out->key_id, sizeof out->key_id, "%s#key-%u", owner->did, owner->number);
    return AIP_OK;
}

/* A slash at the end of the URL names the same host. */
static aip_status
load_own(const identity_options *given, gateway *g, aip_error *err)
{
    aip_key_owner owner = {0};
    char *url STRING_AUTO = NULL;
    AIP_TRY(load_key(given, &owner, &g->self, err));
    if (given->public_url != NULL) {
        size_t size = strlen(given->public_url);
        url = strndup(given->public_url, size > 0 && given->public_url[size - 1] == '/' ? size - 1 : size);
        if (url == NULL) {
            return aip_fail(err, AIP_NO_MEMORY, NULL);
        }
    }
    const own_setup setup = {&owner, aip_secret_key_public(g->self.key), given->key_log, url,
                             g->settings->routes[0].path};
    return own_identity_load(&setup, &g->own, err);
}

/* ---- those of others ---- */

/* The host, with its port if it has one, of the URL that the name's document stands at. */
static aip_status
host_of_name(const aip_did *did, char **out, aip_error *err)
{
    static const size_t scheme = sizeof "https://" - 1;
    char *url STRING_AUTO = NULL;
    AIP_TRY(did->form == AIP_DID_WEB ? aip_did_web_url(did->text, &url, err) : aipdoc_url(did->text, &url, err));
    *out = strndup(url + scheme, strcspn(url + scheme, "/"));
    return *out == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

static aip_status
host_of_pattern(const char *name, char **out, aip_error *err)
{
    *out = strdup(name + strlen("did:web:"));
    return *out == NULL ? aip_fail(err, AIP_NO_MEMORY, NULL) : AIP_OK;
}

/* Roots with a key of their own need no document. */
static bool
is_looked_up(const aip_trust_root *root, aip_did *did)
{
    return root->name != NULL && !root->has_key && aip_did_parse(aip_bytes_of(root->name), did, NULL) == AIP_OK &&
           (did->form == AIP_DID_WEB || did->form == AIP_NAME_WEB);
}

/* Who signs a list is as much the operator's choice as a root is. */
static aip_status
collect_signers(const option_list *lists, identity_parts *parts, aip_error *err)
{
    aip_did did;
    for (size_t i = 0; i < lists->count; i++) {
        char *host = NULL;
        AIP_TRY(pulling_signer(lists->items[i], &did, err));
        if (did.form == AIP_DID_WEB) {
            AIP_TRY(host_of_name(&did, &host, err));
            parts->hosts[parts->named++] = host;
        }
    }
    return AIP_OK;
}

static aip_status
collect_hosts(const identity_options *given, const aip_trust *trust, identity_parts *parts, aip_error *err)
{
    aip_did did;
    parts->hosts = calloc(trust->count + given->lists.count + given->hosts.count + 1, sizeof *parts->hosts);
    if (parts->hosts == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < trust->count; i++) {
        const aip_trust_root *root = &trust->roots[i];
        char *host = NULL;
        if (root->pattern) {
            AIP_TRY(host_of_pattern(root->name, &host, err));
        } else if (is_looked_up(root, &did)) {
            AIP_TRY(host_of_name(&did, &host, err));
        }
        if (host != NULL) {
            parts->hosts[parts->named++] = host;
        }
    }
    AIP_TRY(collect_signers(&given->lists, parts, err));
    parts->host_count = parts->named;
    for (size_t i = 0; i < given->hosts.count; i++) {
        parts->hosts[parts->host_count++] = given->hosts.items[i];
    }
    return AIP_OK;
}

static aip_status
read_ranges(const option_list *list, identity_parts *parts, aip_error *err)
{
    parts->allowed = calloc(list->count + 1, sizeof *parts->allowed);
    if (parts->allowed == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    for (size_t i = 0; i < list->count; i++) {
        AIP_TRY(address_range_parse(list->items[i], &parts->allowed[i], err));
    }
    return AIP_OK;
}

static aip_status
name_store(const identity_options *given, const char *audit, identity_parts *parts, aip_error *err)
{
    const char *slash = strrchr(audit, '/');
    if (given->store != NULL) {
        text_append_string(&parts->store_path, given->store);
    } else {
        text_append(&parts->store_path,
                    (aip_bytes){(const unsigned char *)audit, slash == NULL ? 0 : (size_t)(slash - audit) + 1});
        text_append_string(&parts->store_path, GATEWAY_STORE_NAME);
    }
    text_append(&parts->store_path, (aip_bytes){(const unsigned char *)"", 1});
    return text_finish(&parts->store_path, err);
}

static aip_status
open_identities(const identity_options *given, gateway *g, identity_parts *parts, aip_error *err)
{
    identities_setup setup = {
        .store_path = parts->store_path.data,
        .sources = given->sources.items,
        .source_count = given->sources.count,
        .hosts = parts->hosts,
        .host_count = parts->host_count,
        .rules = {.ca_file = given->ca_file, .allowed = parts->allowed, .allowed_count = given->allowed.count},
        .own = &g->own,
        .self = g->self.key == NULL ? NULL : &g->self,
        .trust = &g->settings->trust,
        .tools = g->catalogue,
        .owners = g->owners,
        .audit = g->audit,
        .lists = given->lists.items,
        .list_count = given->lists.count,
    };
    if (given->list_staleness != NULL) {
        AIP_TRY(text_parse_duration(given->list_staleness, &setup.list_staleness_seconds, err));
    }
    if (given->max_staleness != NULL) {
        AIP_TRY(options_parse_duration(given->max_staleness, &setup.max_staleness_seconds, err));
    }
    return identities_open(&setup, &g->identities, err);
}

aip_status
gateway_identity_load(const identity_options *given, gateway *g, aip_error *err)
{
    return given->key == NULL ? AIP_OK : load_own(given, g, err);
}

aip_status
gateway_identity_open(const identity_options *given, const char *audit, gateway *g, identity_parts *parts,
                      aip_error *err)
{
    AIP_TRY(collect_hosts(given, &g->settings->trust, parts, err));
    AIP_TRY(read_ranges(&given->allowed, parts, err));
    AIP_TRY(name_store(given, audit, parts, err));
    return open_identities(given, g, parts, err);
}

static void
clear_hosts(identity_parts *parts)
{
    for (size_t i = 0; i < parts->named; i++) {
        free((void *)(uintptr_t)parts->hosts[i]);
    }
    free(parts->hosts);
}

/* What the thread borrows until it gets other terms. */
typedef struct {
    const gateway_settings *settings; /* held */
    identity_parts parts;
} held_terms;

static void
release_terms(void *held)
{
    held_terms *terms = held;
    settings_drop(&terms->settings);
    clear_hosts(&terms->parts);
    free(terms);
}

aip_status
gateway_identity_renew(const identity_options *given, gateway *g, gateway_settings *settings, aip_error *err)
{
    held_terms *held = calloc(1, sizeof *held);
    if (held == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    aip_status status = collect_hosts(given, &settings->trust, &held->parts, err);
    atomic_fetch_add(&settings->holders, 1);
    held->settings = settings;
    identities_terms terms = {.trust = &settings->trust,
                              .hosts = held->parts.hosts,
                              .host_count = held->parts.host_count,
                              .held = held,
                              .release = release_terms};
    if (status == AIP_OK) {
        status = identities_renew(g->identities, &terms, err);
    } else {
        release_terms(held);
    }
    return status;
}

void
gateway_identity_close(gateway *g, identity_parts *parts)
{
    identities_close(&g->identities);
    own_identity_clear(&g->own);
    clear_hosts(parts);
    free(parts->allowed);
    text_clear(&parts->store_path);
    *parts = (identity_parts){0};
}
