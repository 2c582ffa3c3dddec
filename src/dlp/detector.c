/* The table of detectors, from detectors.def. */
#include "dlp/detector.h"

static const dlp_detector table[] = {
#define DLP_DETECTOR(name, anchor, before, reach, validator, pattern, example, counter_example) \
    {name, anchor, DLP_GATE_NONE, before, reach, dlp_validate_##validator, pattern, example, counter_example},
#define DLP_GATED(name, gate, reach, validator, pattern, example, counter_example) \
    {name, NULL, DLP_GATE_##gate, 0, reach, dlp_validate_##validator, pattern, example, counter_example},
#include "dlp/detectors.def"
#undef DLP_DETECTOR
#undef DLP_GATED
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

const dlp_detector *
dlp_detector_named(const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}
