/* As much of an MCP client as a person needs to try a gateway: open a session, list tools, call one. */
#ifndef CLI_MCP_CLIENT_H
#define CLI_MCP_CLIENT_H

#include "base/json.h"
#include "cli/proven.h"

typedef struct {
    const proven_caller *caller;
    const char *url;
    char session[1100]; /* header line; empty: the server keeps none */
    int next_id;
} mcp_client;

/* Sends `initialize` and what follows it. Errors: proven_send's; the refusal that the gateway names, as
 * call.refused with its name in the detail; upstream.invalid. */
AIP_MUST_CHECK aip_status mcp_open(const proven_caller *caller, const char *url, mcp_client *out, aip_error *err);
/* One request; *result is owned by the caller. `parameters` is JSON text of an object. */
AIP_MUST_CHECK aip_status mcp_request(mcp_client *client, const char *method, const char *parameters, json_t **result,
                                      aip_error *err);
void mcp_close(mcp_client *client); /* ends the session; nobody waits for it */

/* Is the reply a refusal or a failure? Then its name and sentence are in `err`, and the status is call.refused. */
AIP_MUST_CHECK aip_status mcp_check_refusal(const net_reply *reply, aip_error *err);

#endif
