/* What the scanner's two halves share: the pass (scan.c) and the reading of what it found (scan_read.c). */
#ifndef BASE_SCAN_INSIDE_H
#define BASE_SCAN_INSIDE_H

#include "base/name_hash.h"
#include "base/scan.h"

/* A string as written, without quotes, that the pass has accepted. */
typedef struct {
    aip_bytes raw;
    bool escaped;
} scan_string;

/* Value of four hexadecimal digits, or -1. */
int32_t scan_hex4(const unsigned char *at);

/* Unescapes into `out`, which holds at least raw.size bytes; returns the size. */
size_t scan_decode(scan_string string, unsigned char *out);

/* Unescapes `string` while comparing. */
bool scan_decodes_to(scan_string string, aip_bytes wanted);

/* Keyed hash of a name after unescaping; the name is at most AIP_JSON_NAME_BYTES_MAX long. */
uint64_t scan_name_hash(const name_key *key, scan_string name);

/* Are two names of at most AIP_JSON_NAME_BYTES_MAX bytes equal after unescaping? */
bool scan_same_name(scan_string a, scan_string b);

#endif
