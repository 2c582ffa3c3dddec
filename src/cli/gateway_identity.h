/* The options of aip-gateway that concern identities: its own, and those that it looks up. */
#ifndef CLI_GATEWAY_IDENTITY_H
#define CLI_GATEWAY_IDENTITY_H

#include "cli/options.h"
#include "gateway/gateway.h"

#define GATEWAY_STORE_NAME "aip-gateway.db"

typedef struct {
    const char *key, *passphrase_file, *key_log, *public_url, *store, *ca_file, *max_staleness, *list_staleness;
    option_list sources, hosts, allowed, lists;
} identity_options;

/* What the settings borrow. */
typedef struct {
    text_buffer store_path;
    const char **hosts; /* patterns; the first `named` of them are owned */
    size_t named, host_count;
    address_range *allowed;
} identity_parts;

/* Errors: usage (options that need others). */
AIP_MUST_CHECK aip_status gateway_identity_check(const identity_options *given, aip_error *err);

/* Fills g->own and ->self; g->settings have a route. Errors: usage, config.invalid, keyfile.*, log.*, did.*, io,
 * memory.
 */
AIP_MUST_CHECK aip_status gateway_identity_load(const identity_options *given, gateway *g, aip_error *err);

/* Fills g->identities from the options and from the trust of its settings. `audit` is the decision log's path:
 * the store stands beside it unless it is named. Errors: usage, config.invalid, log.*, did.*, store.*, io, memory. */
AIP_MUST_CHECK aip_status gateway_identity_open(const identity_options *given, const char *audit, gateway *g,
                                                identity_parts *parts, aip_error *err);
/* From now on the thread takes the trust of these settings, and asks the hosts of their roots. It holds them. Errors:
 * config.invalid, did.*, memory. */
AIP_MUST_CHECK aip_status gateway_identity_renew(const identity_options *given, gateway *g, gateway_settings *settings,
                                                 aip_error *err);
/* Leaves g->self, which signs the last line of the log. */
void gateway_identity_close(gateway *g, identity_parts *parts);

#endif
