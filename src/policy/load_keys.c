/* Which keys a policy has, and of which types (spec/policy.md; spec/policy.schema.json has the same ones). */
#include "policy/load_inside.h"

#define TEXT(name)                            \
    {                                         \
        name, KEY_TEXT, 0, 0, 0, KEY_ANYWHERE \
    }
#define CHOICE(name, of)                       \
    {                                          \
        name, KEY_TEXT, 0, of, 0, KEY_ANYWHERE \
    }
#define BOOLEAN(name)                            \
    {                                            \
        name, KEY_BOOLEAN, 0, 0, 0, KEY_ANYWHERE \
    }
#define SWITCH(name)                         \
    {                                        \
        name, KEY_BOOLEAN, 0, 0, 1, KEY_PEER \
    }
#define DURATION(name)                            \
    {                                             \
        name, KEY_DURATION, 0, 0, 0, KEY_ANYWHERE \
    }
#define OF(name, kind, keys)                 \
    {                                        \
        name, kind, keys, 0, 0, KEY_ANYWHERE \
    }
#define PEER(name, kind, keys)           \
    {                                    \
        name, kind, keys, 0, 0, KEY_PEER \
    }
#define OWN(name, kind, keys)           \
    {                                   \
        name, kind, keys, 0, 0, KEY_OWN \
    }
#define OWN_CHOICE(name, of)              \
    {                                     \
        name, KEY_TEXT, 0, of, 0, KEY_OWN \
    }
#define END              \
    {                    \
        0, 0, 0, 0, 0, 0 \
    }

static const load_key metadata_keys[] = {TEXT("name"), TEXT("version"), TEXT("owner"), TEXT("signature"), END};

static const load_key price_keys[] = {
    TEXT("flat"), OF("arguments", KEY_TEXT_MAP, NULL), TEXT("response_kib"), TEXT("max"), BOOLEAN("trust_actual"), END};

/* Of rules on whatever kind. */
#define RULE_KEYS                                                                                    \
    CHOICE("action", "allow|block|ask"), TEXT("rate_limit"), OWN("rate_limit_root", KEY_TEXT, NULL), \
        OWN("cost_usd", KEY_PRICE, price_keys), OWN_CHOICE("proof", "required"), OWN("roots", KEY_TEXTS, NULL)

static const load_key rule_keys[] = {TEXT("tool"),
                                     RULE_KEYS,
                                     BOOLEAN("strict_args"),
                                     OF("allow_args", KEY_TEXT_MAP, NULL),
                                     TEXT("schema_hash"),
                                     PEER("when", KEY_RESERVED, NULL),
                                     END};
static const load_key resource_rule_keys[] = {TEXT("resource"), RULE_KEYS, END};
static const load_key prompt_rule_keys[] = {TEXT("prompt"), RULE_KEYS, BOOLEAN("strict_args"),
                                            OF("allow_args", KEY_TEXT_MAP, NULL), END};
static const load_key a2a_rule_keys[] = {TEXT("method"), TEXT("skill"), RULE_KEYS, END};
static const load_key http_rule_keys[] = {TEXT("route"), RULE_KEYS, END};

static const load_key dlp_pattern_keys[] = {TEXT("name"), TEXT("regex"), CHOICE("scope", "request|response|all"),
                                            OWN_CHOICE("action", "redact|warn|block"), END};

static const load_key canary_keys[] = {TEXT("file"), END};

static const load_key dlp_tool_keys[] = {BOOLEAN("scan_requests"), BOOLEAN("scan_responses"),
                                         CHOICE("action", "redact|warn|block"), END};

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
                                    OWN("builtin", KEY_BOOLEAN, NULL),
                                    OWN_CHOICE("builtin_action", "redact|warn|block"),
                                    OWN("tools", KEY_NAMED, dlp_tool_keys),
                                    OWN("canaries", KEY_CANARIES, canary_keys),
                                    OWN_CHOICE("unread", "block|pass"),
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

static const load_key approval_keys[] = {DURATION("timeout"), CHOICE("headless", "deny"),
                                         OF("prompts_per_minute", KEY_NUMBER, NULL), DURATION("cooldown"), END};
static const load_key pins_keys[] = {CHOICE("mode", "first_sight|schema_hash|off"), CHOICE("flagged", "block|warn"),
                                     END};

static const load_key spec_keys[] = {TEXT("mode"),
                                     OF("allowed_tools", KEY_TEXTS, NULL),
                                     OF("denied_tools", KEY_TEXTS, NULL),
                                     OF("allowed_methods", KEY_TEXTS, NULL),
                                     OF("denied_methods", KEY_TEXTS, NULL),
                                     OF("protected_paths", KEY_TEXTS, NULL),
                                     BOOLEAN("strict_args_default"),
                                     OF("tool_rules", KEY_MAPPINGS, rule_keys),
                                     OWN("resource_rules", KEY_MAPPINGS, resource_rule_keys),
                                     OWN("prompt_rules", KEY_MAPPINGS, prompt_rule_keys),
                                     OWN("a2a_rules", KEY_MAPPINGS, a2a_rule_keys),
                                     OWN("http_rules", KEY_MAPPINGS, http_rule_keys),
                                     OF("dlp", KEY_MAPPING, dlp_keys),
                                     OWN("approval", KEY_MAPPING, approval_keys),
                                     OWN("pins", KEY_MAPPING, pins_keys),
                                     PEER("identity", KEY_MAPPING, identity_keys),
                                     PEER("server", KEY_MAPPING, server_keys),
                                     PEER("registry", KEY_MAPPING, registry_keys),
                                     PEER("aat", KEY_MAPPING, aat_keys),
                                     PEER("extends", KEY_RESERVED, NULL),
                                     PEER("egress", KEY_RESERVED, NULL),
                                     PEER("telemetry", KEY_RESERVED, NULL),
                                     END};

const load_key load_root_keys[] = {TEXT("apiVersion"), TEXT("kind"), OF("metadata", KEY_MAPPING, metadata_keys),
                                   OF("spec", KEY_MAPPING, spec_keys), END};
