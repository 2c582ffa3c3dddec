/* The built-in detectors as a table. */
#ifndef DLP_DETECTOR_H
#define DLP_DETECTOR_H

#include "dlp/survey.h"
#include "dlp/validate.h"

typedef struct {
    const char *name;
    const char *anchor; /* what every match contains, or a cheap part of it; NULL: it has a gate */
    dlp_gate gate;
    size_t before; /* bytes from the begin of a match to the end of its anchor, at most */
    size_t reach;  /* bytes from there to its end, before it is asked whether it goes on */
    dlp_validator validator;
    const char *pattern;
    const char *example, *counter_example; /* made up */
} dlp_detector;

const dlp_detector *dlp_detectors(size_t *count);

/* The detector with this very pattern, or NULL. */
const dlp_detector *dlp_detector_of(const char *pattern);

/* By its name, or NULL. */
const dlp_detector *dlp_detector_named(const char *name);

#endif
