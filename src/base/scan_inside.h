/* What the scanner's parts share: the pass (scan.c), names (scan_names.c), nodes (scan_nodes.c), reading (scan_read.c).
 */
#ifndef BASE_SCAN_INSIDE_H
#define BASE_SCAN_INSIDE_H

#include "aip/limits.h"
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

/* A name of at most AIP_JSON_NAME_BYTES_MAX bytes itself, unescaped into `buffer` where that is needed. */
aip_bytes scan_decoded_name(scan_string name, unsigned char buffer[AIP_JSON_NAME_BYTES_MAX]);

/* So few names of an object are told apart by prints, without a hash and a tree, unless more than so many of them have
 * one print: whoever wants can make prints equal. */
#define SCAN_FEW 32
#define SCAN_ALIKE 3

/* Length, first, middle and last byte of a name as it reads unescaped. */
static inline uint32_t
scan_print_of(aip_bytes name)
{
    if (name.size == 0) {
        return 0;
    }
    uint32_t ends = (uint32_t)name.data[0] << 8 | name.data[name.size - 1];
    return (uint32_t)(name.size & 0xFF) << 24 | (uint32_t)name.data[name.size / 2] << 16 | ends;
}

uint32_t scan_print_of_escaped(scan_string name);

static inline uint32_t
scan_name_print(scan_string name)
{
    return name.escaped ? scan_print_of_escaped(name) : scan_print_of(name.raw);
}

/* One of 64 bits, by the highest six of a product that all bits of the print reach. */
static inline uint64_t
scan_print_bit(uint32_t print)
{
    return UINT64_C(1) << (print * UINT32_C(0x9E3779B1) >> 26);
}

/* Is the name of `node`, the newest member of the object `open` and counted in it, that of an earlier member? Need not
 * be asked where the print's bit is not in `seen` and there are at most SCAN_FEW. */
bool scan_name_repeats(const unsigned char *text, scan_node *nodes, uint32_t open, uint32_t node);

/* Gives `document`, which owns its nodes, some for `text`, perhaps too few. Errors: memory. */
AIP_MUST_CHECK aip_status scan_make_room(scan_document *document, aip_bytes text, const scan_limits *limits,
                                         aip_error *err);

#endif
