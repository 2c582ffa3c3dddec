/* Saves, reads and forgets owners of tasks, on the thread that owns the database. */
#include "gateway/owning.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { LAST_ATTEMPTS = 3 }; /* to save what is left at the end */

static void
take_row(void *context, const task_owner *row)
{
    owners_restore(context, row);
}

aip_status
owning_catch_up(owning *o, aip_error *err)
{
    const task_owner_sink sink = {o->known, take_row};
    return o->known == NULL ? AIP_OK : task_owners_load(&o->table, clock_now_seconds(), &o->number, &sink, err);
}

aip_status
owning_open(store *s, owners *known, desk *d, owning *out, aip_error *err)
{
    *out = (owning){.known = NULL};
    AIP_TRY(task_owners_open(s, &out->table, err));
    AIP_TRY(task_owners_trim(&out->table, clock_now_seconds(), err));
    out->known = known;
    AIP_TRY(owning_catch_up(out, err));
    owners_set_desk(known, d);
    return AIP_OK;
}

bool
owning_has_work(const owning *o)
{
    return o->known != NULL && !o->failing && owners_have_unsaved(o->known);
}

static void
note_commit(owning *o, aip_status status)
{
    if (status != AIP_OK && !o->failing) {
        dprintf(STDERR_FILENO, "aip-gateway: WARNING owners of tasks could not be saved: %s\n",
                aip_status_lookup(status)->name);
    }
    o->failing = status != AIP_OK;
}

void
owning_save(owning *o)
{
    size_t count = o->known == NULL ? 0 : owners_take_unsaved(o->known, o->batch, TASK_OWNERS_PER_COMMIT);
    if (count == 0) {
        return;
    }
    aip_status status = task_owners_keep(&o->table, o->batch, count, clock_now_seconds(), NULL);
    note_commit(o, status);
    if (status != AIP_OK) {
        owners_put_back(o->known, o->batch, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        owners_restore(o->known, &o->batch[i]);
    }
}

static aip_status
read_keys(owning *o, aip_bytes keys, aip_error *err)
{
    const task_owner_sink sink = {o->known, take_row};
    AIP_TRY(owning_catch_up(o, err));
    for (size_t i = 0; i + AIP_HASH_BYTES <= keys.size; i += AIP_HASH_BYTES) {
        AIP_TRY(task_owners_find(&o->table, keys.data + i, clock_now_seconds(), &sink, err));
    }
    return AIP_OK;
}

void
owning_take(owning *o, question *q)
{
    q->status = o->known == NULL ? AIP_INTERNAL : read_keys(o, text_view(&q->text), NULL);
}

void
owning_expire(owning *o, int64_t now)
{
    if (o->known != NULL) {
        (void)!task_owners_trim(&o->table, now, NULL); /* tried again, and until then only larger */
    }
}

void
owning_close(owning *o)
{
    if (o->known == NULL) {
        return;
    }
    owners_set_desk(o->known, NULL);
    for (int failures = 0; failures < LAST_ATTEMPTS && owners_have_unsaved(o->known);) {
        owning_save(o);
        failures += o->failing ? 1 : 0;
    }
    o->known = NULL;
}
