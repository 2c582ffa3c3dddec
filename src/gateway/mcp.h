/* The parts of the row `mcp` of the protocols, by the file that holds them. */
#ifndef GATEWAY_MCP_H
#define GATEWAY_MCP_H

#include "gateway/exchange.h"

/* mcp_head.c: request.http_method, .media_type, .not_acceptable */
AIP_MUST_CHECK aip_status mcp_check_head(exchange *x, aip_error *err);

/* Is it a version that is spoken here? request.version */
AIP_MUST_CHECK aip_status mcp_check_version(aip_bytes version, aip_error *err);
/* The versions that are spoken here, from the oldest on; NULL: no more. */
const char *mcp_version(size_t index);
/* Appends `,"supported":[…],"requested":"…"`; only what is plain is repeated. */
void mcp_append_versions(text_buffer *out, const exchange *x);
/* What a server tells of its versions without those that are not spoken here. `out` stays empty if none has to go.
 * Errors: memory. */
AIP_MUST_CHECK aip_status mcp_narrow_versions(const scan_document *message, uint32_t result, text_buffer *out,
                                              aip_error *err);
#define META_VERSION "io.modelcontextprotocol/protocolVersion"

/* message.c: a JSON body, and JSON-RPC */
AIP_MUST_CHECK aip_status message_load(exchange *x, aip_error *err); /* json.*, request.size */
AIP_MUST_CHECK aip_status message_check_names(const scan_document *document, aip_error *err); /* json.ambiguous */
AIP_MUST_CHECK aip_status message_read(exchange *x, aip_error *err); /* json.*, request.batch, .invalid, .size */

/* mcp.c: what a method means */
AIP_MUST_CHECK aip_status mcp_classify(exchange *x,
                                       aip_error *err); /* request.method, .invalid, .headers, scope.insufficient */

/* Calls `judge` for what the message names: once, or for each address that `subscriptions/listen` asks for, which is
 * then `name` and `wanted`. The first refusal ends it. */
AIP_MUST_CHECK aip_status mcp_judge_each(exchange *x, aip_status (*judge)(exchange *x, aip_error *err),
                                         aip_error *err);

/* Appends all that the token lacks of several addresses in one message, apart by spaces, as far as there is room. */
void mcp_append_lacking(text_buffer *out, exchange *x);

/* A response of the client: has the server asked for it? request.invalid */
AIP_MUST_CHECK aip_status mcp_check_asked(exchange *x, aip_error *err);

/* mcp_reply.c: tells one `requestState` of a level of the message from others in the log, without repeating it; empty:
 * there is none. */
void mcp_name_state(const exchange *x, const scan_document *message, uint32_t level, char out[DLP_FINGERPRINT_SIZE]);

/* mcp_reply.c: upstream.invalid */
AIP_MUST_CHECK aip_status mcp_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);

/* mcp_reply.c: the end of a stream that only listens: a GET of a session, or modern `subscriptions/listen`. */
bool mcp_append_end(text_buffer *out, const exchange *x);

/* How a request of the server to this caller is remembered. */
server_request mcp_server_request(const exchange *x, aip_bytes id);

/* reply.c: a JSON-RPC error */
const char *reply_append_rpc_error(text_buffer *out, const exchange *x);

#endif
