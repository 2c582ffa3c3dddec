/* What a chain and a grant say, as JSON; and the question asked of a grant by the name of a tool. */
#ifndef CHAIN_REPORT_H
#define CHAIN_REPORT_H

#include "aip/chain.h"
#include "base/text.h"

/* Appends the elements as a JSON array (those of aip_chain_describe), trusting nothing. Errors: memory. */
AIP_MUST_CHECK aip_status chain_append_elements(text_buffer *text, const aip_chain *chain, aip_error *err);

/* Appends what element i says of its why as a JSON string in printable ASCII; null where it says nothing. */
void chain_append_context(text_buffer *text, const aip_chain *chain, size_t i);

/* On whose behalf the chain acts, as a JSON string; null when no element says so. */
void chain_append_principal(text_buffer *text, const aip_chain *chain);

/* Appends {"root","leaf","scope","budget_usd","depth_left","expires","link_ids"}; budget_usd null = none declared. */
AIP_MUST_CHECK aip_status chain_append_grant(text_buffer *text, const aip_grant *grant, aip_error *err);

/* Does the grant cover the tool, and do the arguments (JSON text of one object; empty = none are judged) keep its
 * constraints? `tool` is a name, or a whole scope when it holds a colon. scope.insufficient, constraint.violated,
 * json.*. */
AIP_MUST_CHECK aip_status chain_check_tool(const aip_grant *grant, aip_bytes tool, aip_bytes arguments, aip_error *err);

#endif
