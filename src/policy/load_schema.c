/* Which keys a policy has, of which types; what is known but not kept is refused by name. */
#include <stdarg.h>
#include <stdio.h>

#include "policy/load_inside.h"

typedef enum {
    KEY_TEXT,
    KEY_BOOLEAN,
    KEY_NUMBER,
    KEY_DURATION,
    KEY_TEXTS,
    KEY_TEXT_MAP,
    KEY_MAPPING,
    KEY_MAPPINGS,
    KEY_RESERVED, /* of the peer's plans; nobody keeps it */
    KEY_UNKEPT,   /* its promise is not kept here */
} key_kind;

typedef struct load_key load_key;

struct load_key {
    const char *name;
    key_kind kind;
    const load_key *keys; /* of a mapping or of mappings; ends with a NULL name */
    const char *choices;  /* `a|b`; NULL: any */
    bool off;             /* a boolean that may only be false: what it switches on is not enforced yet */
};

#define TEXT(name)              \
    {                           \
        name, KEY_TEXT, 0, 0, 0 \
    }
#define CHOICE(name, of)         \
    {                            \
        name, KEY_TEXT, 0, of, 0 \
    }
#define BOOLEAN(name)              \
    {                              \
        name, KEY_BOOLEAN, 0, 0, 0 \
    }
#define SWITCH(name)               \
    {                              \
        name, KEY_BOOLEAN, 0, 0, 1 \
    }
#define DURATION(name)              \
    {                               \
        name, KEY_DURATION, 0, 0, 0 \
    }
#define OF(name, kind, keys)   \
    {                          \
        name, kind, keys, 0, 0 \
    }
#define END           \
    {                 \
        0, 0, 0, 0, 0 \
    }

static const load_key metadata_keys[] = {TEXT("name"), TEXT("version"), TEXT("owner"),
                                         OF("signature", KEY_UNKEPT, NULL), END};

static const load_key rule_keys[] = {TEXT("tool"),
                                     CHOICE("action", "allow|block|ask"),
                                     TEXT("rate_limit"),
                                     BOOLEAN("strict_args"),
                                     OF("allow_args", KEY_TEXT_MAP, NULL),
                                     TEXT("schema_hash"),
                                     OF("when", KEY_RESERVED, NULL),
                                     END};

static const load_key dlp_pattern_keys[] = {TEXT("name"), TEXT("regex"), CHOICE("scope", "request|response|all"), END};

static const load_key dlp_keys[] = {BOOLEAN("enabled"),
                                    BOOLEAN("detect_encoding"),
                                    BOOLEAN("filter_stderr"),
                                    OF("patterns", KEY_MAPPINGS, dlp_pattern_keys),
                                    BOOLEAN("scan_requests"),
                                    BOOLEAN("scan_responses"),
                                    TEXT("max_scan_size"),
                                    CHOICE("on_request_match", "block|redact|warn"),
                                    CHOICE("on_redaction_failure", "block|reject"),
                                    SWITCH("log_original_on_failure"),
                                    END};

static const load_key nonce_storage_keys[] = {CHOICE("type", "memory"), TEXT("address"), TEXT("key_prefix"),
                                              DURATION("clock_skew_tolerance"), END};

static const load_key identity_keys_keys[] = {CHOICE("signing_algorithm", "es256|eddsa"),
                                              CHOICE("key_source", "generate|file|external"),
                                              TEXT("key_path"),
                                              DURATION("rotation_period"),
                                              DURATION("grace_period"),
                                              TEXT("jwks_endpoint"),
                                              END};

static const load_key identity_keys[] = {SWITCH("enabled"),
                                         DURATION("token_ttl"),
                                         DURATION("rotation_interval"),
                                         SWITCH("require_token"),
                                         CHOICE("session_binding", "process|policy|strict"),
                                         DURATION("nonce_window"),
                                         DURATION("policy_transition_grace"),
                                         TEXT("audience"),
                                         OF("nonce_storage", KEY_MAPPING, nonce_storage_keys),
                                         OF("keys", KEY_MAPPING, identity_keys_keys),
                                         END};

static const load_key server_tls_keys[] = {TEXT("cert"), TEXT("key"), TEXT("client_ca"), BOOLEAN("require_client_cert"),
                                           END};

static const load_key endpoint_keys[] = {TEXT("validate"), TEXT("revoke"),  TEXT("jwks"),
                                         TEXT("health"),   TEXT("metrics"), END};

static const load_key fail_open_keys[] = {OF("allowed_tools", KEY_TEXTS, NULL), DURATION("max_duration"),
                                          OF("max_requests", KEY_NUMBER, NULL), TEXT("alert_webhook"),
                                          BOOLEAN("require_local_policy"),      END};

static const load_key server_keys[] = {SWITCH("enabled"),
                                       TEXT("listen"),
                                       OF("tls", KEY_MAPPING, server_tls_keys),
                                       OF("endpoints", KEY_MAPPING, endpoint_keys),
                                       DURATION("timeout"),
                                       CHOICE("failover_mode", "fail_closed|local_policy"),
                                       OF("fail_open_constraints", KEY_MAPPING, fail_open_keys),
                                       END};

static const load_key registry_tls_keys[] = {TEXT("ca_cert"), TEXT("client_cert"), TEXT("client_key"), END};
static const load_key cache_keys[] = {BOOLEAN("enabled"), DURATION("ttl"), OF("max_entries", KEY_NUMBER, NULL), END};
static const load_key revocation_keys[] = {DURATION("check_interval"), CHOICE("mode", "online|cached|crl"),
                                           TEXT("crl_path"), END};
static const load_key auth_keys[] = {CHOICE("type", "bearer|mtls|api_key"), TEXT("token"), TEXT("api_key"), END};

static const load_key registry_keys[] = {SWITCH("enabled"),
                                         TEXT("endpoint"),
                                         OF("tls", KEY_MAPPING, registry_tls_keys),
                                         OF("cache", KEY_MAPPING, cache_keys),
                                         OF("revocation", KEY_MAPPING, revocation_keys),
                                         OF("auth", KEY_MAPPING, auth_keys),
                                         END};

static const load_key validation_keys[] = {BOOLEAN("verify_signature"),    BOOLEAN("verify_user_binding"),
                                           BOOLEAN("verify_capabilities"), DURATION("max_token_age"),
                                           DURATION("clock_skew"),         END};

static const load_key aat_keys[] = {SWITCH("enabled"),
                                    SWITCH("require"),
                                    OF("validation", KEY_MAPPING, validation_keys),
                                    CHOICE("capabilities_mode", "intersect|aat_only|policy_only"),
                                    OF("trusted_issuers", KEY_TEXTS, NULL),
                                    TEXT("header_name"),
                                    END};

static const load_key spec_keys[] = {TEXT("mode"),
                                     OF("allowed_tools", KEY_TEXTS, NULL),
                                     OF("denied_tools", KEY_TEXTS, NULL),
                                     OF("allowed_methods", KEY_TEXTS, NULL),
                                     OF("denied_methods", KEY_TEXTS, NULL),
                                     OF("protected_paths", KEY_TEXTS, NULL),
                                     BOOLEAN("strict_args_default"),
                                     OF("tool_rules", KEY_MAPPINGS, rule_keys),
                                     OF("dlp", KEY_MAPPING, dlp_keys),
                                     OF("identity", KEY_MAPPING, identity_keys),
                                     OF("server", KEY_MAPPING, server_keys),
                                     OF("registry", KEY_MAPPING, registry_keys),
                                     OF("aat", KEY_MAPPING, aat_keys),
                                     OF("extends", KEY_RESERVED, NULL),
                                     OF("egress", KEY_RESERVED, NULL),
                                     OF("telemetry", KEY_RESERVED, NULL),
                                     END};

static const load_key root_keys[] = {TEXT("apiVersion"), TEXT("kind"), OF("metadata", KEY_MAPPING, metadata_keys),
                                     OF("spec", KEY_MAPPING, spec_keys), END};

/* ---- refusals ---- */

aip_status
load_refuse(policy_loader *l, load_spot spot, const char *format, ...)
{
    char sentence[sizeof l->err->detail];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    const yaml_entry *entry = yaml_find(&l->document, spot.container, spot.key, spot.index);
    yaml_place place = entry == NULL ? (yaml_place){1, 1} : entry->key_place.line > 0 ? entry->key_place : entry->place;
    return aip_fail_at(l->err, AIP_CONFIG_INVALID, place.line, "line %u, column %u: %s", place.line, place.column,
                       sentence);
}

aip_status
load_refuse_as(policy_loader *l, load_spot spot, const char *what)
{
    aip_error below = *l->err;
    if (below.status == AIP_NO_MEMORY) {
        return below.status;
    }
    const char *why = below.detail[0] == '\0' ? aip_status_lookup(below.status)->sentence : below.detail;
    aip_status status = load_refuse(l, spot, "%s: %s", what, why);
    l->err->status = below.status == AIP_OK ? status : below.status;
    return l->err->status;
}

void
load_warn(policy_loader *l, load_spot spot, const char *format, ...)
{
    char sentence[sizeof l->err->detail], shown[sizeof l->err->detail];
    va_list arguments;
    if (l->origin->warnings == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    const yaml_entry *entry = yaml_find(&l->document, spot.container, spot.key, spot.index);
    yaml_place place = entry == NULL ? (yaml_place){1, 1} : entry->place;
    text_append_format(l->origin->warnings, "line %u, column %u: %s\n", place.line, place.column,
                       aip_printable(aip_bytes_of(sentence), shown, sizeof shown));
}

/* ---- the walk ---- */

static bool
is_one_of(const char *text, const char *choices)
{
    char word[LOAD_WORD_SIZE];
    size_t size = strlen(load_word(text, word));
    for (const char *at = choices; size > 0 && at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, word, size) == 0 && (at[size] == '|' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static aip_status
check_text(policy_loader *l, load_spot spot, const load_key *key)
{
    const char *text = load_text(l, spot);
    if (text == NULL) {
        return load_refuse(l, spot, "%s is a text", key->name);
    }
    if (key->kind == KEY_DURATION && !load_read_duration(text)) {
        return load_refuse(l, spot, "%s is a duration, such as 5m or 1h30m", key->name);
    }
    return key->choices == NULL || is_one_of(text, key->choices)
               ? AIP_OK
               : load_refuse(l, spot, "%s is one of %s here", key->name, key->choices);
}

static aip_status
check_boolean(policy_loader *l, load_spot spot, const load_key *key)
{
    bool value;
    if (!load_read_boolean(json_object_get(spot.container, spot.key), &value)) {
        return load_refuse(l, spot, "%s is true or false", key->name);
    }
    return value && key->off ? load_refuse(l, spot, "%s: what this switches on is not enforced here", key->name)
                             : AIP_OK;
}

static aip_status
check_texts(policy_loader *l, load_spot spot, const load_key *key)
{
    const json_t *value = json_object_get(spot.container, spot.key);
    if (!json_is_array(value)) {
        return load_refuse(l, spot, "%s is a list of texts", key->name);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const load_spot item = {value, NULL, i};
        const char *text = load_text(l, item);
        if (text == NULL || text[0] == '\0' || json_is_null(json_array_get(value, i))) {
            return load_refuse(l, item, "%s: item %zu is no text, or empty", key->name, i + 1);
        }
    }
    return AIP_OK;
}

static aip_status
check_text_map(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *value = json_object_get(spot.container, spot.key), *member;
    const char *name;
    if (!json_is_object(value)) {
        return load_refuse(l, spot, "%s is a mapping of texts", key->name);
    }
    json_object_foreach(value, name, member)
    {
        const load_spot inner = {value, name, 0};
        if (json_is_null(member) || load_text(l, inner) == NULL) {
            return load_refuse(l, inner, "%s: each value is a text", key->name);
        }
    }
    return AIP_OK;
}

static aip_status check_mapping(policy_loader *l, load_spot spot, json_t *mapping, const load_key *keys);

static aip_status
check_mappings(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *list = json_object_get(spot.container, spot.key);
    if (!json_is_array(list)) {
        return load_refuse(l, spot, "%s is a list of mappings", key->name);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        AIP_TRY(check_mapping(l, (load_spot){list, NULL, i}, json_array_get(list, i), key->keys));
    }
    return AIP_OK;
}

static aip_status
check_value(policy_loader *l, load_spot spot, const load_key *key)
{
    json_t *value = json_object_get(spot.container, spot.key);
    if (key->kind == KEY_RESERVED || key->kind == KEY_UNKEPT) {
        return load_refuse(l, spot, "%s is not enforced here, so it must not stand here", key->name);
    }
    if (json_is_null(value)) {
        return AIP_OK;
    }
    switch (key->kind) {
    case KEY_TEXT:
    case KEY_DURATION:
        return check_text(l, spot, key);
    case KEY_BOOLEAN:
        return check_boolean(l, spot, key);
    case KEY_NUMBER:
        return json_is_integer(value) && json_integer_value(value) >= 0
                   ? AIP_OK
                   : load_refuse(l, spot, "%s is a number", key->name);
    case KEY_TEXTS:
        return check_texts(l, spot, key);
    case KEY_TEXT_MAP:
        return check_text_map(l, spot, key);
    case KEY_MAPPING:
        return check_mapping(l, spot, value, key->keys);
    case KEY_MAPPINGS:
        return check_mappings(l, spot, key);
    case KEY_RESERVED:
    case KEY_UNKEPT:
        break;
    }
    return aip_fail(l->err, AIP_INTERNAL, NULL);
}

static aip_status
check_unknown(policy_loader *l, load_spot spot)
{
    char name[64];
    aip_printable(aip_bytes_of(spot.key), name, sizeof name);
    if (!l->origin->lenient) {
        return load_refuse(l, spot, "%s: no such key here", name);
    }
    load_warn(l, spot, "%s: no such key here; it has no effect", name);
    return AIP_OK;
}

static aip_status
check_mapping(policy_loader *l, load_spot spot, json_t *mapping, const load_key *keys)
{
    const char *name;
    json_t *value;
    if (!json_is_object(mapping)) {
        return load_refuse(l, spot, "%s: a mapping is wanted", spot.key == NULL ? "this" : spot.key);
    }
    json_object_foreach(mapping, name, value)
    {
        const load_spot inner = {mapping, name, 0};
        const load_key *key = keys;
        while (key->name != NULL && strcmp(key->name, name) != 0) {
            key++;
        }
        AIP_TRY(key->name == NULL ? check_unknown(l, inner) : check_value(l, inner, key));
    }
    return AIP_OK;
}

aip_status
load_check_schema(policy_loader *l)
{
    return check_mapping(l, (load_spot){NULL, NULL, 0}, l->document.root, root_keys);
}
