/* Levenshtein's distance, of names that are not too long. */
#include "base/near.h"

#include <string.h>

enum { DISTANCE_MAX = 2, COMPARED_MAX = 40, BEGINNING_MIN = 3 };

/* A beginning is near to the whole; more than any tolerated distance for names that are too long. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[COMPARED_MAX + 1], size_a = strlen(a), size_b = strlen(b);
    if (size_a > COMPARED_MAX || size_b > COMPARED_MAX) {
        return DISTANCE_MAX + 1;
    }
    if (size_a >= BEGINNING_MIN && strncmp(a, b, size_a) == 0) {
        return size_a < size_b;
    }
    for (size_t j = 0; j <= size_b; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= size_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= size_b; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t longer = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = changed < longer ? changed : longer;
        }
    }
    return row[size_b];
}

void
near_try(near_name *near, const char *name)
{
    size_t far = distance(near->asked, name);
    if (far < (near->found == NULL ? DISTANCE_MAX + 1 : near->far) && far < strlen(name)) {
        *near = (near_name){near->asked, name, far};
    }
}
