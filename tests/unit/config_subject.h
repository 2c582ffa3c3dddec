/* Texts of gateway.yaml for tests: what is taken, or the one problem and its place. */
#ifndef TESTS_CONFIG_SUBJECT_H
#define TESTS_CONFIG_SUBJECT_H

#include "gateway/config.h"
#include "tests/unit/check.h"

static gateway_config config;
static config_problems problems;

static inline aip_status
load(const char *text)
{
    aip_error err = AIP_ERROR_INIT;
    config_clear(&config);
    return config_load(aip_bytes_of(text), &config, &problems, &err);
}

/* One problem alone, at its place, whose sentence has the words. */
static inline void
check_problem(const char *text, unsigned line, unsigned column, const char *words)
{
    aip_status got = load(text);
    const config_problem *first = &problems.items[0];
    if (got != AIP_CONFIG_INVALID || problems.count != 1 || first->place.line != line ||
        first->place.column != column || strstr(first->sentence, words) == NULL) {
        printf("  of \"%s\": %s\n", text, aip_status_lookup(got)->name);
        for (size_t i = 0; i < problems.count; i++) {
            printf("    %u:%u %s\n", problems.items[i].place.line, problems.items[i].place.column,
                   problems.items[i].sentence);
        }
        CHECK(false);
    }
    config_clear(&config);
}

#endif
