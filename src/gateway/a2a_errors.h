/* Refusals in the binding of the A2A caller (spec/a2a.md). */
#ifndef GATEWAY_A2A_ERRORS_H
#define GATEWAY_A2A_ERRORS_H

#include "base/text.h"
#include "gateway/a2a_operations.h"

#define A2A_PRIVATE_CODE (-31001)              /* outside all reserved ranges */
#define A2A_PROTOCOL_DOMAIN "a2a-protocol.org" /* of reasons that A2A defines */
#define A2A_OWN_DOMAIN "aip-gateway"           /* of all others */

typedef struct {
    a2a_binding binding;
    aip_bytes id; /* raw bytes of the JSON-RPC id; empty: null */
    const aip_error *refusal;
    const char *decision_id; /* NULL: there is none */
} a2a_refusal;

int a2a_error_code(aip_status status); /* of JSON-RPC */

/* JSON-RPC: an error whose `data` is a list of one ErrorInfo. REST: a google.rpc.Status with that ErrorInfo, whose
 * `code` is the HTTP status. Nothing of the request is echoed but the id. E-40 to E-42. */
void a2a_append_error(text_buffer *out, const a2a_refusal *refusal);

#endif
