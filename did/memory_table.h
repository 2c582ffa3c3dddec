/* The table behind did/memory.h: entries by name in stripes, each under its own lock, bounded as a whole. */
#ifndef DID_MEMORY_TABLE_H
#define DID_MEMORY_TABLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/name_hash.h"
#include "did/identity.h"

#define MEMORY_STRIPES_MAX 64
#define MEMORY_LINE_BYTES 64 /* of the cache: locks and entries begin one; its low bits tag the index */

typedef struct {
    aip_error why;
    int64_t until;
} memory_refusal;

/* One name. Its identity follows in the same allocation, so that a lookup reads neighbouring lines; while only a
 * refusal is remembered it holds the name and no key. */
typedef struct {
    uint64_t hash;
    memory_refusal *refused; /* owned; NULL: none */
    int64_t fresh_until;
    size_t slot, name_size;
    bool known, used;
    uint64_t filling; /* has the identity's first key begin a cache line */
} memory_entry;

/* `index` is an open table of twice `capacity` (a power of two) places: an entry's address, with bits of its hash where
 * the address has zeros, so that other names' entries need not be read. `hand` goes round the slots and pushes out what
 * was not used since it last came by. */
typedef struct {
    _Alignas(MEMORY_LINE_BYTES) pthread_mutex_t lock;
    uintptr_t *index;
    size_t capacity;
    memory_entry **slots;
    size_t count, hand;
    size_t ended; /* entries of deactivated identities */
} memory_stripe;

typedef struct {
    memory_stripe stripes[MEMORY_STRIPES_MAX];
    size_t stripe_count; /* a power of two */
    size_t entries_max;
    atomic_size_t count; /* entries, and places that are reserved for one */
    const name_key *key;
} memory_table;

/* Errors: internal (no randomness). */
AIP_MUST_CHECK aip_status memory_table_init(memory_table *table, size_t entries_max, aip_error *err);
void memory_table_clear(memory_table *table);

/* `id` NULL: the entry knows the name alone. Errors: did.invalid, memory. */
AIP_MUST_CHECK aip_status memory_entry_new(const memory_table *table, aip_bytes name, const identity *id,
                                           memory_entry **out, aip_error *err);

static inline identity *
memory_entry_identity(const memory_entry *e)
{
    return (identity *)(e + 1);
}

static inline bool
memory_entry_has_ended(const memory_entry *e)
{
    return e->known && memory_entry_identity(e)->deactivated;
}

/* Takes `e` over. An entry that knows an identity replaces what there was of its name, unless that one has ended; one
 * that does not only brings its refusal. Pushes out another one when the table is full. Errors: memory. */
AIP_MUST_CHECK aip_status memory_table_put(memory_table *table, memory_entry *e, aip_error *err);
void memory_table_forget(memory_table *table, aip_bytes name);

/* The entry of a name, or NULL; its stripe stays locked until memory_table_unlock. */
memory_entry *memory_table_lock(memory_table *table, aip_bytes name, memory_stripe **locked);
void memory_table_unlock(memory_stripe *locked);

#endif
