/* Strict base64url without padding (RFC 4648 section 5, RFC 7515 section 2): one spelling per value. And hex. */
#ifndef CRYPTO_BASE64URL_H
#define CRYPTO_BASE64URL_H

#include "aip/error.h"

#define BASE64URL_TEXT_SIZE(bytes) (((bytes)*4 + 2) / 3)             /* characters, no NUL */
#define BASE64URL_DECODED_MAX(characters) ((characters) / 4 * 3 + 2) /* bytes */

/* Refused (base64url.invalid): padding, white space, other alphabets, length mod 4 = 1, non-zero trailing bits,
 * or more than `capacity` bytes. */
AIP_MUST_CHECK aip_status base64url_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size,
                                           aip_error *err);
/* The same for secret text: no memory access depends on its digits. */
AIP_MUST_CHECK aip_status base64url_decode_secret(aip_bytes text, unsigned char *out, size_t capacity, size_t *size,
                                                  aip_error *err);
/* Writes BASE64URL_TEXT_SIZE(size) characters and a NUL into `out`. Returns the number of characters. */
size_t base64url_encode(aip_bytes bytes, char *out);
/* The same for what is no secret, such as digests: four times as fast, by a table. */
size_t base64url_encode_public(aip_bytes bytes, char *out);

/* Standard base64 with padding (RFC 4648 section 4), as strictly: for fields and formats that prescribe it.
 * base64_encode writes BASE64_TEXT_SIZE(size) characters and a NUL. */
#define BASE64_TEXT_SIZE(bytes) (((bytes) + 2) / 3 * 4)
AIP_MUST_CHECK aip_status base64_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size,
                                        aip_error *err);
size_t base64_encode(aip_bytes bytes, char *out);

AIP_MUST_CHECK aip_status hex_decode(aip_bytes text, unsigned char *out, size_t capacity, size_t *size, aip_error *err);
void hex_encode(aip_bytes bytes, char *out); /* 2 * size characters and a NUL */

#endif
