/* What all benchmarks do: give up aloud, read the clock, take medians. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aip/error.h"

static inline void
require(aip_status status, const char *what)
{
    if (status != AIP_OK) {
        fprintf(stderr, "%s: %s\n", what, aip_status_lookup(status)->name);
        exit(1);
    }
}

static inline uint64_t
nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static inline int
compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double
median(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], compare_values);
    return values[count / 2];
}

#endif
