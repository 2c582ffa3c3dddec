/* What an agent sees of an upstream's tools, prompts and resources: just what a call of it could reach. */
#ifndef GATEWAY_LISTS_H
#define GATEWAY_LISTS_H

#include "gateway/exchange.h"

/* A response with a result: if it is a list, its tools are noted, and `out` receives it without what this agent could
 * not call; else it stays empty. Errors: upstream.invalid, json.ambiguous, memory. */
AIP_MUST_CHECK aip_status lists_judge(exchange *x, const scan_document *message, text_buffer *out, aip_error *err);

/* The name of the upstream in pins. */
aip_bytes lists_upstream(const exchange *x);

/* What is known of the tool that is called: is it as it was pinned? Puts the name that the upstream advertises in the
 * place of another spelling. Errors: policy.tool, policy.schema, and pipeline_change's. */
AIP_MUST_CHECK aip_status lists_check_tool(exchange *x, aip_error *err);
/* Puts that name of the called tool in the place of the one that it came with. Errors: pipeline_change's. */
AIP_MUST_CHECK aip_status lists_rename_tool(exchange *x, aip_bytes name, aip_error *err);

#endif
