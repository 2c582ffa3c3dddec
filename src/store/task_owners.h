/* Whose tasks and contexts are whose, so that it is known after a restart and to every gateway on the same database. */
#ifndef STORE_TASK_OWNERS_H
#define STORE_TASK_OWNERS_H

#include "aip/key.h"
#include "aip/limits.h"
#include "store/store.h"

#define TASK_OWNERS_PER_COMMIT 256

typedef struct {
    unsigned char key[AIP_HASH_BYTES];   /* of what is owned */
    unsigned char owner[AIP_HASH_BYTES]; /* root and leaf, as sessions are bound to */
    int64_t expires;                     /* epoch seconds */
    char tool[AIP_TOOL_BYTES_MAX + 1];   /* that began it; "": none, or it is not known */
} task_owner;

/* The statements; freed with the store. */
typedef struct {
    struct statement_set *set;
    size_t kept; /* rows since the last task_owners_trim */
} task_owner_table;

/* Prepares the table over `s`, which must outlive it. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status task_owners_open(store *s, task_owner_table *out, aip_error *err);

/* Durable when it returns AIP_OK, all or none. Each row becomes what counts from then on: who was there first stays the
 * owner until it expires, and the later expiry counts. Errors: store.unavailable, store.invalid, memory. */
AIP_MUST_CHECK aip_status task_owners_keep(task_owner_table *table, task_owner *rows, size_t count, int64_t now,
                                           aip_error *err);

typedef struct {
    void *context;
    void (*take)(void *context, const task_owner *row);
} task_owner_sink;

/* Hands over the row of that key, if there is one that has not expired. Errors: as task_owners_keep. */
AIP_MUST_CHECK aip_status task_owners_find(const task_owner_table *table, const unsigned char key[AIP_HASH_BYTES],
                                           int64_t now, const task_owner_sink *sink, aip_error *err);

/* Hands over what has been kept since *number, 0 at first, in its order, without what has expired, and moves *number
 * on. Errors: as task_owners_keep. */
AIP_MUST_CHECK aip_status task_owners_load(const task_owner_table *table, int64_t now, int64_t *number,
                                           const task_owner_sink *sink, aip_error *err);

/* Removes what has expired, then what is longest unused: of owners that have more than their share, and of all beyond
 * AIP_TASK_OWNERS_MAX. Errors: as task_owners_keep. */
AIP_MUST_CHECK aip_status task_owners_trim(task_owner_table *table, int64_t now, aip_error *err);

#endif
