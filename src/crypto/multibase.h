/* Multibase (base58btc for keys; the other registered bases for conformance) and unsigned varints. */
#ifndef CRYPTO_MULTIBASE_H
#define CRYPTO_MULTIBASE_H

#include "aip/key.h"

#define MULTIBASE_KEY_TEXT_SIZE 48 /* `z6Mk` + 44 */

/* Any supported base by its prefix character; multibase.invalid. *size <= capacity. */
AIP_MUST_CHECK aip_status multibase_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size,
                                           aip_error *err);
/* `base` by its registry name ("base58btc", "base64url", …); malloc'd text with NUL. */
AIP_MUST_CHECK aip_status multibase_encode(const char *base, aip_bytes bytes, char **out, aip_error *err);

/* Bare base58btc, no prefix. Refuses more than AIP_BASE58_CHARACTERS_MAX characters before the quadratic part. */
AIP_MUST_CHECK aip_status base58_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size,
                                        aip_error *err);

/* `z6Mk…`: exactly 48 characters, multicodec 0xed 0x01 and 32 bytes; decoded, then re-encoded and compared.
 * The bytes are not accepted as a key yet: aip_public_key_accept does that. */
AIP_MUST_CHECK aip_status multibase_decode_key(aip_bytes text, unsigned char key[AIP_KEY_BYTES], aip_error *err);
void multibase_encode_key(const unsigned char key[AIP_KEY_BYTES], char out[MULTIBASE_KEY_TEXT_SIZE + 1]);
/* `z…` of the raw 32 bytes, as an aip:key name carries them; at most 46 characters and a NUL. */
void multibase_encode_raw_key(const unsigned char key[AIP_KEY_BYTES], char out[48]);

/* One minimal unsigned varint at the front of `bytes`; *length bytes used (1–9). varint.invalid. */
AIP_MUST_CHECK aip_status varint_decode(aip_bytes bytes, uint64_t *value, size_t *length, aip_error *err);

#endif
