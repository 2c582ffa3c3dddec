/* Whose turn it is to write: connections of one process wait for each other here, in order and no longer than needed.
 * Left to SQLite, each would sleep and look again. */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include <stdbool.h>

#define STORE_BUSY_MILLISECONDS 2000 /* so long a connection waits for others, of this process or of another one */

/* False: it was not one's turn for so long; then there is nothing to leave. Thread-safe. */
bool turn_take(void);
void turn_leave(void);

#endif
