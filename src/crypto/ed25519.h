/* The point rule of Ed25519, and the check that makes a cofactored verifier's verdict equal to ours. */
#ifndef CRYPTO_ED25519_H
#define CRYPTO_ED25519_H

#include "aip/key.h"

/* Is the encoding canonical, not the identity, and of a point in the prime-order subgroup? Costs about two
 * scalar multiplications. Source: RFC 8032 section 5.1.3, spec/identity.md. */
bool ed25519_point_is_acceptable(const unsigned char encoded[AIP_KEY_BYTES]);

/* Is libsodium of this version ("1.0.18") one whose verifier multiplies by the cofactor? Unreadable: true, since the
 * extra check is right with either kind. */
bool ed25519_version_is_cofactored(const char *version);

/* The final verdict from that of a cofactored verifier: S < L and an acceptable R besides. With an accepted key this is
 * the cofactorless equation with R compared as bytes. Errors: signature.invalid. */
AIP_MUST_CHECK aip_status ed25519_verify_cofactored_path(const unsigned char signature[AIP_SIGNATURE_BYTES],
                                                         bool cofactored_verdict, aip_error *err);

#endif
