/* A table of callers' buckets with a list by last use, under one short lock. */
#include "gateway/buckets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 };

typedef struct entry entry;
struct entry {
    uint64_t serial;
    unsigned char caller[AIP_HASH_BYTES];
    size_t count;
    entry *chain;            /* of the same slot */
    entry *newer, *older;    /* by last use */
    policy_bucket buckets[]; /* `count` of them */
};

struct caller_buckets {
    pthread_mutex_t lock;
    entry *slots[SLOTS];
    entry *newest, *oldest;
    size_t entries;
};

aip_status
caller_buckets_new(caller_buckets **out, aip_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) {
        return aip_fail(err, AIP_NO_MEMORY, NULL);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return AIP_OK;
}

void
caller_buckets_free(caller_buckets **buckets)
{
    if (*buckets == NULL) {
        return;
    }
    for (entry *e = (*buckets)->newest, *next; e != NULL; e = next) {
        next = e->older;
        free(e);
    }
    pthread_mutex_destroy(&(*buckets)->lock);
    free(*buckets);
    *buckets = NULL;
}

void
caller_buckets_lock(caller_buckets *buckets)
{
    pthread_mutex_lock(&buckets->lock);
}

void
caller_buckets_unlock(caller_buckets *buckets)
{
    pthread_mutex_unlock(&buckets->lock);
}

/* `caller` is a hash already. */
static entry **
slot_of(caller_buckets *buckets, uint64_t serial, const unsigned char caller[AIP_HASH_BYTES])
{
    uint64_t start;
    memcpy(&start, caller, sizeof start);
    return &buckets->slots[(start ^ serial) % SLOTS];
}

static void
leave_order(caller_buckets *b, entry *e)
{
    *(e->newer != NULL ? &e->newer->older : &b->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &b->oldest) = e->newer;
}

static void
put_first(caller_buckets *b, entry *e)
{
    e->newer = NULL;
    e->older = b->newest;
    *(b->newest != NULL ? &b->newest->newer : &b->oldest) = e;
    b->newest = e;
}

static void
drop_oldest(caller_buckets *b)
{
    entry *e = b->oldest;
    entry **at = slot_of(b, e->serial, e->caller);
    while (*at != e) {
        at = &(*at)->chain;
    }
    *at = e->chain;
    leave_order(b, e);
    free(e);
    b->entries--;
}

static entry *
add(caller_buckets *b, uint64_t serial, const unsigned char caller[AIP_HASH_BYTES], size_t count)
{
    if (b->entries >= CALLER_BUCKETS_MAX) {
        drop_oldest(b);
    }
    entry *e = calloc(1, sizeof *e + count * sizeof e->buckets[0]);
    if (e == NULL) {
        return NULL;
    }
    entry **slot = slot_of(b, serial, caller);
    e->serial = serial;
    e->count = count;
    memcpy(e->caller, caller, AIP_HASH_BYTES);
    e->chain = *slot;
    *slot = e;
    put_first(b, e);
    b->entries++;
    return e;
}

policy_bucket *
caller_buckets_find(caller_buckets *buckets, uint64_t serial, const unsigned char caller[AIP_HASH_BYTES], size_t count)
{
    entry *e = *slot_of(buckets, serial, caller);
    while (e != NULL && (e->serial != serial || e->count != count || memcmp(e->caller, caller, AIP_HASH_BYTES) != 0)) {
        e = e->chain;
    }
    if (e == NULL) {
        e = add(buckets, serial, caller, count);
    } else if (e != buckets->newest) {
        leave_order(buckets, e);
        put_first(buckets, e);
    }
    return e == NULL ? NULL : e->buckets;
}
