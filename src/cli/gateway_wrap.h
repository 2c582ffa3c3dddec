/* aip-gateway wrap: a server that is a command behind the gateway, and a local client at our own stdin and stdout. */
#ifndef CLI_GATEWAY_WRAP_H
#define CLI_GATEWAY_WRAP_H

#include "cli/gateway_settings.h"
#include "gateway/gateway.h"

#define GATEWAY_WRAP_POLICY "agent.yaml" /* where no other is named and nobody is trusted */

/* Zero-initialise. */
typedef struct {
    const char *target, *token_file, *name, *client, *directory; /* as given */
    option_list pass;
    bool prints_config, prints_cursor_config, verbose, no_stdio, no_restart;
    char **rest; /* argv for the gateway's own options */
    int rest_count;
    char **written; /* arguments that were written anew; owned */
    size_t written_count;
    const char **command; /* ended by NULL; NULL: none was given */
    const char **passed;  /* ended by NULL */
    char *words;          /* what the command's texts are in, after --target */
    local_end end;
    char *token, *key; /* of the local client; of the root that was made for it, where no other is trusted */
} gateway_wrap;

/* Takes its own options and the command out of argv, whose first is the verb; what is left stands in w->rest. One
 * dash is as good as two. Errors: usage, memory. */
AIP_MUST_CHECK aip_status gateway_wrap_take(gateway_wrap *w, int argc, char **argv, aip_error *err);

/* Keeps the real stdin and stdout for the client: from now on whatever else writes to stdout writes to stderr, and who
 * reads stdin reads nothing. Errors: io. */
AIP_MUST_CHECK aip_status gateway_wrap_take_ends(gateway_wrap *w, aip_error *err);

/* Adds what the verb means to the options of the command line: the server, who is trusted, which token the client
 * has. Errors: usage, io, token.*, did.*, memory. */
AIP_MUST_CHECK aip_status gateway_wrap_apply(gateway_wrap *w, gateway_options *given, aip_error *err);

/* Does the command line, or a file, name a root? Else the local user is the only one. */
bool gateway_wrap_trusts_anybody(const gateway_options *given);

/* Writes the client configuration that starts this very command. `table` are the gateway's own options. */
AIP_MUST_CHECK aip_status gateway_wrap_print_config(const gateway_wrap *w, const option *table,
                                                    const gateway_options *given, aip_error *err);

void gateway_wrap_print_help(void);
void gateway_wrap_release(gateway_wrap *w);

#endif
