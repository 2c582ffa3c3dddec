/* What may be told of a finding: where it is, and whether it is one that was found before. */
#ifndef DLP_PLACE_H
#define DLP_PLACE_H

#include "base/scan.h"
#include "crypto/hash.h"
#include "dlp/findings.h"

#define DLP_FINGERPRINT_SIZE 17
#define DLP_PLACE_SIZE 257

/* 16 hexadecimal digits of a keyed hash: the same under one key for the same bytes as they stand in the message, and no
 * way back without the key (D-15). */
void dlp_fingerprint(const unsigned char key[HASH_KEY_BYTES], aip_bytes text, char out[DLP_FINGERPRINT_SIZE]);

/* The JSON pointer (RFC 6901) of the value or member's name in which findings->items[which] begins, as
 * dlp_scan_message found it. A name in which any of the findings is stands there as `[REDACTED]`; what is longer than
 * the room is cut and ends in `...`. Names are written as in the message (D-15). */
void dlp_place(const scan_document *message, const dlp_findings *findings, size_t which, char out[DLP_PLACE_SIZE]);

#endif
