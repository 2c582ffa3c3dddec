/* The database: one SQLite file for everything that must outlive a process. Only src/store knows SQL. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "aip/error.h"

typedef struct store store; /* one connection; used by one thread at a time */

/* Opens or creates (0600) `path`: WAL, synchronous FULL, foreign keys, busy timeout; migrates an older schema in one
 * transaction. A file that is not ours (application_id), that a later version wrote, or that SQLite calls damaged is
 * refused and left as it is. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status store_open(const char *path, store **out, aip_error *err);
void store_close(store **s);

#endif
