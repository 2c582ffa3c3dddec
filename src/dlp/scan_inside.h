/* What compiling (scanner.c) and scanning (scan.c) share. */
#ifndef DLP_SCAN_INSIDE_H
#define DLP_SCAN_INSIDE_H

#include "base/pattern.h"
#include "dlp/detector.h"
#include "dlp/scan.h"

typedef enum {
    DLP_ANCHORED, /* anchors first, where the machine can */
    DLP_EXACT     /* each exact pattern over each whole text, as on a machine that Hyperscan cannot run on (D-17) */
} dlp_engine;

/* dlp_scanner_new with the choice of engine, so that both can be compared. */
AIP_MUST_CHECK aip_status dlp_scanner_build(const dlp_rules *rules, unsigned direction, dlp_engine engine,
                                            dlp_scanner **out, aip_error *err);

typedef struct {
    char *name;
    pattern_exact *exact;
    dlp_validator validator;
    size_t before, reach; /* SIZE_MAX: a hit of the anchor asks for the whole text */
    dlp_action action;
    dlp_gate gate;
    size_t next_of_gate; /* another rule of this gate, or SIZE_MAX */
    size_t origin;       /* index of the policy's pattern, or SIZE_MAX */
    bool own, slow;      /* of the policy; without an anchor */
    bool canary;
} dlp_rule;

struct dlp_scanner {
    dlp_rule *rules;
    size_t count, capacity;
    size_t of_gate[DLP_GATES]; /* the first rule of each gate, or SIZE_MAX */
    pattern_set *anchors;      /* by bytes; ids are rules */
    pattern_set *slow;         /* expressions that are their own anchor */
    bool exact, decodes, has_own, has_slow;
};

/* What the last scan saw on its way; of the text that was scanned. */
typedef struct {
    bool runs, percent, invisible; /* something of it may be there */
    size_t first_run;
} dlp_hints;

const dlp_hints *dlp_workspace_hints(const dlp_workspace *workspace);

/* Places, in order, in or at which something may hide or a pattern of the policy may match; the caller frees them.
 * False when they are not known and every string is to be opened. */
bool dlp_workspace_take_places(dlp_workspace *workspace, uint32_t **places, size_t *count);

#endif
