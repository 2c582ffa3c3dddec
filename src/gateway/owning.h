/* Owners of tasks and contexts in the database, on the thread that owns it: many in one durable commit. */
#ifndef GATEWAY_OWNING_H
#define GATEWAY_OWNING_H

#include "gateway/owners.h"

typedef struct {
    owners *known; /* shared by all shards; NULL: nothing is kept */
    task_owner_table table;
    int64_t number; /* up to which the database was read */
    bool failing;   /* the last commit did, and it has been said */
    task_owner batch[TASK_OWNERS_PER_COMMIT];
} owning;

/* Loads what the database kept. `known` is borrowed, and rings `d` from then on. Errors: store.*, memory. */
AIP_MUST_CHECK aip_status owning_open(store *s, owners *known, desk *d, owning *out, aip_error *err);
/* Saves what is left. */
void owning_close(owning *o);

/* Is something to be saved at once? After a failure it is tried again a while later. */
bool owning_has_work(const owning *o);
/* Saves as much as one commit takes. Whoever lost to another process learns it here (E-83). */
void owning_save(owning *o);
/* Takes in what other processes added to the database. Errors: store.*, memory. */
AIP_MUST_CHECK aip_status owning_catch_up(owning *o, aip_error *err);
/* QUESTION_OWNERS: reads the keys in question->text, and what others added, into the memory. */
void owning_take(owning *o, question *q);
void owning_expire(owning *o, int64_t now);

#endif
