/* The name that somebody may have meant, among those that there are. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stddef.h>

/* Begin with `asked` alone set; `found` is the nearest of those tried, or NULL: none is near. */
typedef struct {
    const char *asked, *found;
    size_t far;
} near_name;

/* At most two letters changed, added or taken away, but not all of them; or the beginning of it. */
void near_try(near_name *near, const char *name);

#endif
