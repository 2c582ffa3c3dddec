/* Anchors of all detectors in one pass, then the exact pattern around each hit, then its validator. */
#ifndef DLP_SCAN_H
#define DLP_SCAN_H

#include "dlp/findings.h"

typedef struct dlp_scanner dlp_scanner;     /* compiled rules of one direction; immutable, shared */
typedef struct dlp_workspace dlp_workspace; /* of one thread and one scanner */

/* `direction`: DLP_REQUEST or DLP_RESPONSE. On failure err->offset is the index of the policy's pattern
 * or exception.
 * Errors: config.invalid (a name; an exception from what is no detector), pattern.invalid, memory. Clauses D-1 to D-4.
 */
AIP_MUST_CHECK aip_status dlp_scanner_new(const dlp_rules *rules, unsigned direction, dlp_scanner **out,
                                          aip_error *err);
void dlp_scanner_free(dlp_scanner **scanner);
bool dlp_scanner_decodes(const dlp_scanner *scanner);
/* Does it have patterns that depend on where a text begins and ends, so that each string is looked at alone? */
bool dlp_scanner_has_own(const dlp_scanner *scanner);
/* Has the policy's pattern of this index no literal that every match contains, so that it is slow? */
bool dlp_scanner_is_slow(const dlp_scanner *scanner, size_t pattern);
/* How many bytes around a place decide what is found there. */
size_t dlp_scanner_reach(const dlp_scanner *scanner);

AIP_MUST_CHECK aip_status dlp_workspace_new(const dlp_scanner *scanner, dlp_workspace **out, aip_error *err);
void dlp_workspace_free(dlp_workspace **workspace);

/* Appends what is readable in `text` as it stands, in order of rules. Errors: pattern.limit, dlp.failed, memory,
 * internal; then nothing of the text may go on. */
AIP_MUST_CHECK aip_status dlp_scan_plain(const dlp_scanner *scanner, dlp_workspace *workspace, aip_bytes text,
                                         dlp_findings *out, aip_error *err);

/* The same and, if the rules say so, what encodings wrap (dlp/decode.h). Settled. */
AIP_MUST_CHECK aip_status dlp_scan(const dlp_scanner *scanner, dlp_workspace *workspace, aip_bytes text,
                                   dlp_findings *out, aip_error *err);

/* Only what encodings wrap, none of which begins before `from`; `out` holds what dlp_scan_plain found in the text.
 * Settled. */
AIP_MUST_CHECK aip_status dlp_scan_hidden(const dlp_scanner *scanner, dlp_workspace *workspace, aip_bytes text,
                                          size_t from, dlp_findings *out, aip_error *err);

#endif
