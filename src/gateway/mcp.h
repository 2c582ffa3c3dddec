/* The parts of the row `mcp` of the protocols, by the file that holds them. */
#ifndef GATEWAY_MCP_H
#define GATEWAY_MCP_H

#include "gateway/exchange.h"

/* mcp_head.c: request.http_method, .media_type, .not_acceptable */
AIP_MUST_CHECK aip_status mcp_check_head(exchange *x, aip_error *err);

/* Is it a version that is spoken here? request.version */
AIP_MUST_CHECK aip_status mcp_check_version(aip_bytes version, aip_error *err);
/* Appends `,"supported":[…],"requested":"…"`; only what is plain is repeated. */
void mcp_append_versions(text_buffer *out, const exchange *x);
#define META_VERSION "io.modelcontextprotocol/protocolVersion"

/* message.c: a JSON body, and JSON-RPC */
AIP_MUST_CHECK aip_status message_load(exchange *x, aip_error *err); /* json.*, request.size */
AIP_MUST_CHECK aip_status message_read(exchange *x, aip_error *err); /* json.*, request.batch, .invalid, .size */

/* mcp.c: what a method means */
AIP_MUST_CHECK aip_status mcp_classify(exchange *x,
                                       aip_error *err); /* request.method, .invalid, .headers, scope.insufficient */

/* A response of the client: has the server asked for it? request.invalid */
AIP_MUST_CHECK aip_status mcp_check_asked(exchange *x, aip_error *err);

/* mcp_reply.c: upstream.invalid */
AIP_MUST_CHECK aip_status mcp_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);

/* mcp_reply.c: the end of a stream that only listens: a GET of a session, or modern `subscriptions/listen`. */
bool mcp_append_end(text_buffer *out, const exchange *x);

/* How a request of the server to this caller is remembered. */
server_request mcp_server_request(const exchange *x, aip_bytes id);

/* reply.c: a JSON-RPC error */
const char *reply_append_rpc_error(text_buffer *out, const exchange *x);

#endif
