/* Completion statements (spec/audit.md ): an agent closes its work, for the log alone. */
#ifndef GATEWAY_COMPLETIONS_H
#define GATEWAY_COMPLETIONS_H

#include "gateway/exchange.h"

#define COMPLETIONS_PATH "/aip/v1/completions"
#define COMPLETIONS_PER_MINUTE 30 /* of one leaf: each is a line of the log */

/* A POST of a compact JWS, with the token whose work it closes: signed by that token's leaf and about its last link, it
 * becomes a line of the log. Call again when x->wake was called. did.pending: it waits; OK: it stands in the log.
 * Errors: request.*, token.*, chain.*, trust.rate, proof.key, audit.unavailable, await_identity's. */
AIP_MUST_CHECK aip_status completions_take(exchange *x, aip_error *err);

#endif
