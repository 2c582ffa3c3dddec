/* A process that compiles patterns for this one. */
#ifndef BASE_PATTERN_WORKSHOP_H
#define BASE_PATTERN_WORKSHOP_H

#include "aip/error.h"

/* From now on each set of patterns is compiled in a process of its own, which is gone afterwards, with the memory that
 * compiling takes (megabytes that an allocator does not give back) and the compiler's own pages. A pattern that
 * takes too long or too much is refused, and one that the compiler dies of ends nothing else.
 *
 * Forks a process that makes them, which has one thread, no secret and no descriptor of ours, and lives as long as
 * this one. So it must be called before the first thread and before keys are read. Errors: io. */
AIP_MUST_CHECK aip_status pattern_workshop_open(aip_error *err);
void pattern_workshop_close(void);

#endif
