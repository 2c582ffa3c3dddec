/* The scanner once more under other names, built from words instead of vectors: both must say the same of any bytes. */
#ifndef TESTS_SCAN_PORTABLE_H
#define TESTS_SCAN_PORTABLE_H

#include "base/scan.h"

#define SCAN_PORTABLE
#define scan_into portable_scan_into
#define scan_reload portable_scan_reload
#define scan_utf8_run portable_scan_utf8_run
#include "src/base/scan.c"
#include "src/base/scan_utf8.c"
#undef scan_into
#undef scan_reload
#undef scan_utf8_run

static inline bool
same_nodes(const scan_document *a, const scan_document *b)
{
    bool same = a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        scan_node x = a->nodes[i], y = b->nodes[i];
        same = x.start == y.start && x.end == y.end && x.name == y.name && x.name_end == y.name_end &&
               x.next == y.next && x.children == y.children && x.lower == y.lower && x.higher == y.higher &&
               x.hash == y.hash && x.tree == y.tree && x.kind == y.kind && x.escaped == y.escaped &&
               x.name_escaped == y.name_escaped;
    }
    return same;
}

/* Do both take `text` with the same nodes, or refuse it with the same status at the same byte? */
static inline bool
scanners_agree(aip_bytes text, const scan_limits *limits)
{
    scan_document one = {0}, other = {0};
    aip_error one_err = AIP_ERROR_INIT, other_err = AIP_ERROR_INIT;
    aip_status status = scan_reload(&one, text, limits, &one_err);
    bool same = portable_scan_reload(&other, text, limits, &other_err) == status;
    same = same && one_err.offset == other_err.offset && strcmp(one_err.detail, other_err.detail) == 0;
    same = same && same_nodes(&one, &other);
    scan_clear(&one);
    scan_clear(&other);
    return same;
}

#endif
