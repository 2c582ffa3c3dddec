/* A test program in one header. Each test is a static function named by a sentence and listed in RUN();
 * a forgotten one does not compile (-Wunused-function is an error here). */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

#include "aip/error.h"

#pragma GCC diagnostic error "-Wunused-function"

static int check_failures; /* of the test that runs */

#define CHECK_SHOWN 5 /* failures of one test that are printed */

typedef struct {
    const char *name;
    void (*run)(void);
} check_test;

#define TEST(sentence)      \
    {                       \
#sentence, sentence \
    }

#define CHECK(condition)                                                           \
    do {                                                                           \
        if (!(condition)) {                                                        \
            if (check_failures++ < CHECK_SHOWN)                                    \
                printf("  %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                          \
    } while (0)

/* The status is `wanted`, by name. */
#define CHECK_STATUS(expression, wanted)                                                     \
    do {                                                                                     \
        aip_status check_got = (expression);                                                 \
        if (check_got != (wanted)) {                                                         \
            if (check_failures++ < CHECK_SHOWN)                                              \
                printf("  %s:%d: %s gave %s, wanted %s\n", __FILE__, __LINE__, #expression,  \
                       aip_status_lookup(check_got)->name, aip_status_lookup(wanted)->name); \
        }                                                                                    \
    } while (0)

#define CHECK_TEXT(got, wanted)                                                    \
    do {                                                                           \
        const char *check_text = (got);                                            \
        if (check_text == NULL || strcmp(check_text, (wanted)) != 0) {             \
            if (check_failures++ < CHECK_SHOWN)                                    \
                printf("  %s:%d: got \"%s\", wanted \"%s\"\n", __FILE__, __LINE__, \
                       check_text == NULL ? "(none)" : check_text, (wanted));      \
        }                                                                          \
    } while (0)

/* main() of a test program: RUN(TEST(a_key_of_small_order_is_refused), TEST(…)) */
#define RUN(...)                                                                              \
    int main(void)                                                                            \
    {                                                                                         \
        const check_test tests[] = {__VA_ARGS__};                                             \
        int passed = 0, failed = 0;                                                           \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {                         \
            check_failures = 0;                                                               \
            tests[i].run();                                                                   \
            if (check_failures == 0) {                                                        \
                passed++;                                                                     \
            } else {                                                                          \
                failed++;                                                                     \
                printf("FAILED %s\n", tests[i].name);                                         \
            }                                                                                 \
        }                                                                                     \
        printf("%s: %d passed, %d failed\n", strrchr("/" __FILE__, '/') + 1, passed, failed); \
        return failed != 0;                                                                   \
    }

#endif
