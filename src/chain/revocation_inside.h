/* How signed statements about revocations are read: claims, and the key that a header names. */
#ifndef CHAIN_REVOCATION_INSIDE_H
#define CHAIN_REVOCATION_INSIDE_H

#include "base/scan.h"

/* A member of the payload, a string without escapes. Errors: token.claim.missing, token.claim.invalid. */
AIP_MUST_CHECK aip_status revocation_read_text(const scan_document *payload, const char *name, aip_bytes *out,
                                               aip_error *err);
/* One from 0 to 2^53 - 1, written without sign, fraction and exponent (T-3). Errors: the same. */
AIP_MUST_CHECK aip_status revocation_read_integer(const scan_document *payload, const char *name, uint64_t *out,
                                                  aip_error *err);

/* Is `kid` a DID URL of `issuer`, with a fragment? */
bool revocation_kid_fits(aip_bytes kid, aip_bytes issuer);

#endif
