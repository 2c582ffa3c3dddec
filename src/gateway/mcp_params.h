/* Headers in which a call's arguments stand once more (`Mcp-Param-*`): compared with the message that goes on, and
 * written anew where that was changed. */
#ifndef GATEWAY_MCP_PARAMS_H
#define GATEWAY_MCP_PARAMS_H

#include "gateway/exchange.h"

/* The called tool's declarations are known from now on, and each of their headers says what the message says. Errors:
 * request.headers, memory. Clauses G-111, G-112. */
AIP_MUST_CHECK aip_status mcp_params_check(exchange *x, const catalogue_tool *tool, aip_error *err);

/* Is it one of them? */
bool mcp_params_knows(const exchange *x, aip_bytes name);

/* Is it a header of that kind, known or not? */
bool mcp_params_is_one(aip_bytes name);

/* Appends what a known header has to say of the message that goes on; nothing, where that has no such value. `header`
 * stays as it is while it still says so. Errors: memory. Clause G-113. */
AIP_MUST_CHECK aip_status mcp_params_append(const exchange *x, const header_field *header, text_buffer *out,
                                            aip_error *err);

/* Something was taken out of the message: a header that may repeat it, and is not known to be one that is written anew,
 * does not go on with it. Errors: dlp.blocked. Clause G-114. */
AIP_MUST_CHECK aip_status mcp_params_check_changed(const exchange *x, aip_error *err);

#endif
