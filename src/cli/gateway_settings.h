/* Snapshots of the configuration: from the command line and from files as they are at that moment. */
#ifndef CLI_GATEWAY_SETTINGS_H
#define CLI_GATEWAY_SETTINGS_H

#include "cli/gateway_file.h"
#include "cli/gateway_identity.h"
#include "gateway/settings.h"

/* What the command line says; in a snapshot also what the file and the defaults say. */
typedef struct {
    const char *config, *upstream, *protocol, *rest_url, *host, *audit, *audit_sync, *audit_arguments, *policy,
        *admin_socket;
    uint64_t port, threads, max_body, max_token, timeout, audit_rotate, checkpoint_lines, checkpoint_seconds;
    option_list trust_keys, trust, audiences, origins, hosts, notify_hosts;
    identity_options identity;
    const char *const *command;      /* argv, ended by NULL, of the server behind in place of `upstream`; NULL: none */
    const char *const *pass;         /* as route->pass */
    bool local_only;                 /* nothing is listened on */
    const char *call, *token, *path; /* of explain */
    bool require_proof, quiet, json;
    bool explained; /* nobody will be served: neither a server nor a root is needed */
} gateway_options;

/* Makes one. `source` holds gateway_options and outlives it. `before` is the one in force, or NULL: then what is
 * remembered of servers is kept, and a key that may not change while the gateway runs is config.invalid. `report`
 * receives a line for each problem, all of them at once, and for each warning. *out is NULL on failure. Errors: usage,
 * config.invalid, pattern.invalid, policy.signature, io, memory. */
AIP_MUST_CHECK aip_status gateway_settings_make(const option_source *source, const gateway_settings *before,
                                                gateway_settings **out, text_buffer *report, aip_error *err);

/* Of one that was made here; borrowed from it. */
const gateway_options *gateway_settings_options(const gateway_settings *settings);

#endif
