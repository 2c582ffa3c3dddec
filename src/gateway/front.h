/* What the configuration says of the side that callers see: addresses, limits, figures, log. */
#ifndef GATEWAY_FRONT_H
#define GATEWAY_FRONT_H

#include "gateway/config.h"
#include "net/address.h"

typedef enum { FRONT_LOG_INFO, FRONT_LOG_WARNING, FRONT_LOG_ERROR } front_log_level;

typedef struct {
    address_range *items; /* owned */
    size_t count;
} front_ranges;

/* Texts are borrowed from the configuration. */
typedef struct {
    const char *tls_certificate, *tls_key, *tls_client_ca; /* files; NULL: no TLS, and no certificates of callers */
    front_ranges proxies;                                  /* whose X-Forwarded-For is believed */
    size_t connections, connections_per_address, requests_per_address, requests_per_root, failures_per_minute;
    unsigned head_seconds, body_seconds, idle_seconds, drain_seconds;
    unsigned reply_seconds; /* for the body of an upstream's reply that is no stream; 0: no limit */
    unsigned session_seconds; /* a session id is known so long */
    const char *resource;   /* NULL: no OAuth */
    const char *const *authorization_servers;
    size_t authorization_server_count;
    const char *metrics_path, *metrics_host;
    bool metrics_apart;    /* they and health have a listener of their own, at metrics_host: */
    bool metrics_loopback; /* which is a loopback address, so Host is checked */
    uint16_t metrics_port; /* 0 picks a free one */
    front_ranges metrics_readers;
    bool log_json;
    front_log_level log_level;
} front_settings;

/* What the file says, and defaults for the rest; `config` is empty without a file. Errors: config.invalid, memory. */
AIP_MUST_CHECK aip_status front_read(const gateway_config *config, front_settings *out, aip_error *err);
void front_clear(front_settings *front);

/* Checks of rows. config.invalid. */
AIP_MUST_CHECK aip_status front_check_path(const char *text, aip_error *err);
AIP_MUST_CHECK aip_status front_check_resource(const char *text, aip_error *err);
AIP_MUST_CHECK aip_status front_check_server(const char *text, aip_error *err);
AIP_MUST_CHECK aip_status front_check_format(const char *text, aip_error *err);
AIP_MUST_CHECK aip_status front_check_level(const char *text, aip_error *err);

/* The part of `resource` before its path, and its path, which is "" where it is only a slash. */
aip_bytes front_resource_origin(const front_settings *front);
const char *front_resource_path(const front_settings *front);

#endif
