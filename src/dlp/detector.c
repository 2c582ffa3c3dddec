/* The table of detectors, from detectors.def. */
#include "dlp/detector.h"

static const dlp_detector table[] = {
#define DLP_DETECTOR(name, anchor, before, reach, validator, pattern, example, counter_example) \
    {name, anchor, before, reach, dlp_validate_##validator, pattern, example, counter_example},
#include "dlp/detectors.def"
#undef DLP_DETECTOR
};

const dlp_detector *
dlp_detectors(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const dlp_detector *
dlp_detector_of(const char *pattern)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].pattern, pattern) == 0) {
            return &table[i];
        }
    }
    return NULL;
}
