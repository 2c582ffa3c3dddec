/* The stages that the pipeline's tables name, by the file that holds them. */
#ifndef GATEWAY_STAGES_H
#define GATEWAY_STAGES_H

#include "gateway/exchange.h"

/* greet.c: judged from the headers, before a body is read */
AIP_MUST_CHECK aip_status greet_address(exchange *x, aip_error *err); /* request.not_found, .http_method, .origin */
AIP_MUST_CHECK aip_status greet_framing(exchange *x,
                                        aip_error *err); /* request.headers, .media_type, .size, .not_acceptable */
AIP_MUST_CHECK aip_status greet_credential(exchange *x, aip_error *err); /* token.missing, .repeated */
AIP_MUST_CHECK aip_status greet_verify(exchange *x,
                                       aip_error *err); /* aip_chain_parse's, aip_chain_verify's, await_identity's */
AIP_MUST_CHECK aip_status greet_proof(exchange *x, aip_error *err); /* proof.missing */

/* session.c */
AIP_MUST_CHECK aip_status session_recognise(exchange *x, aip_error *err); /* session.not_found */
void session_issue(exchange *x, aip_bytes upstream_id); /* adds the caller's form of the id to the answer */

/* message.c: JSON-RPC */
AIP_MUST_CHECK aip_status message_read(exchange *x, aip_error *err); /* json.*, request.batch, .invalid, .size */

/* mcp.c: what a method means */
AIP_MUST_CHECK aip_status mcp_classify(exchange *x,
                                       aip_error *err); /* request.method, .invalid, .headers, scope.insufficient */

#endif
