/* The servers behind the gateway, from what the configuration says of them. */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

#include "gateway/config.h"
#include "gateway/settings.h"

typedef struct {
    const char *url;                 /* the only one, of the server; NULL: `upstreams` */
    const char *protocol, *rest_url; /* of the only one, or NULL */
    const char *const *notify_hosts;
    size_t notify_host_count;
    const config_upstream *upstreams; /* borrowed by the routes, with all their texts */
    size_t count;
    unsigned idle_seconds;  /* of those that say nothing themselves */
    size_t connections_max; /* the same where there are several; 0: no limit */
} routes_setup;

/* Fills settings->routes, with credentials read from their files. What is known of a server that was behind the gateway
 * before stays known; `before` may be NULL. `problems` receives a line for each that is wrong. Errors: config.invalid,
 * io (a file that cannot be read), memory. */
AIP_MUST_CHECK aip_status routes_make(const routes_setup *setup, const gateway_settings *before,
                                      gateway_settings *settings, text_buffer *problems, aip_error *err);
/* Wipes what is secret. */
void routes_clear(gateway_settings *settings);

bool routes_have_command(const gateway_settings *settings);
/* Have both the same servers that are commands? They are started with the gateway. */
bool routes_same_commands(const gateway_settings *a, const gateway_settings *b);
/* Is a server a command, or on a loopback address, so that it sees the same files? */
bool routes_share_files(const gateway_settings *settings);

/* Is it given a rest? A group is, when all its members are. */
bool routes_fails(const gateway_route *route);

/* Appends `"upstreams":{…}`: of each with a name, whether it answers. */
void routes_append_health(const gateway_settings *settings, text_buffer *out);
/* Appends a gauge for each upstream by name, as Prometheus reads it. */
void routes_append_figures(const gateway_settings *settings, text_buffer *out);

#endif
